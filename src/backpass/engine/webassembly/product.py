"""Product: z = x y + b, and sums of columns, as functions in the text format of WebAssembly, four columns at a time.

They take what ``mm`` and ``sums`` of ``engine/javascript/functions.js`` take, with addresses for arrays, 0 for no bias.
Products of four rows and eight columns at a time are added up in float32; what is left of the columns, and one column
alone, in float64.
"""

from __future__ import annotations

from backpass.engine.webassembly.expressions import (
    add,
    at_most,
    below,
    both,
    bump,
    const,
    equal,
    get,
    loop,
    put,
    times,
    when,
)

SCRATCH = 64
"""The address where a transposed y is copied to, row by row."""
SCRATCH_BYTES = 64 * 64 * 4
ROWS = 4

_PARAMETERS = ("z", "o", "x", "p", "u", "v", "y", "q", "r", "s", "n", "d", "m", "b", "e", "w")
_COUNTERS = ("i", "j", "k", "a", "h", "c")


def product_text() -> str:
    """``$mm``; n, d and m must be at least 1."""
    parameters = "".join(f"(param ${name} i32)" for name in _PARAMETERS)
    names = [*_COUNTERS, *(f"x{row}" for row in range(ROWS))]
    vectors = [f"s{row}{column}" for row in range(ROWS) for column in range(2)] + ["y0", "y1", "t", "b0", "b1"]
    variables = "".join(f"(local ${name} i32)" for name in names) + "".join(f"(local ${name} v128)" for name in vectors)
    body = [
        *(bump(name, times(get(offset), const(4))) for name, offset in (("z", "o"), ("x", "p"), ("y", "q"))),
        when(get("b"), bump("b", times(get("e"), const(4)))),
        *(put(name, times(get(name), const(4))) for name in ("u", "v", "r", "s", "w")),
        _pack(),
        when(_is_fast(), _columns(2), _columns(1)),
        when(below(get("j"), get("m")), _single_columns()),
    ]
    return f"(func $mm {parameters} {variables} (local $f f64) {' '.join(body)})"


def _is_fast() -> str:
    """Whether the columns of y and the bias are next to each other."""
    bias = f"(i32.or (i32.eqz {get('b')}) {equal(get('w'), const(4))})"
    return both(equal(get("s"), const(4)), bias)


def _pack() -> str:
    """Copy y row by row, if its columns are apart and there is room."""
    fits = at_most(times(get("d"), get("m")), const(SCRATCH_BYTES // 4))
    wanted = both(f"(i32.gt_u {get('m')} {const(3)})", both(fits, f"(i32.gt_u {get('s')} {const(4)})"))
    row = loop(
        "column",
        below(get("j"), get("m")),
        f"(i32.store {get('c')} (i32.load {get('h')}))",
        bump("h", get("s")),
        bump("c", const(4)),
        bump("j", const(1)),
    )
    rows = loop(
        "row",
        below(get("k"), get("d")),
        put("h", add(get("y"), times(get("k"), get("r")))),
        put("j", const(0)),
        row,
        bump("k", const(1)),
    )
    after = [put("j", const(0)), put("y", const(SCRATCH)), put("s", const(4)), put("r", times(get("m"), const(4)))]
    return when(wanted, put("c", const(SCRATCH)), rows, *after)


def _columns(vectors: int) -> str:
    """All rows of as many times 4 * vectors columns as there are from column j on."""
    width = 4 * vectors
    zero = "(f32x4.splat (f32.const 0))"
    bias = [put(f"b{c}", zero) for c in range(vectors)]
    place = add(get("b"), times(get("j"), const(4)))
    given = [put(f"b{c}", f"(v128.load offset={16 * c} {place})") for c in range(vectors)]
    rows = [_rows(rows, vectors) for rows in (ROWS, 1)]
    fits = at_most(add(get("j"), const(width)), get("m"))
    inner = [*bias, when(get("b"), *given), put("i", const(0)), *rows, bump("j", const(width))]
    return when(fits, loop(f"columns{vectors}", fits, *inner))


def _rows(rows: int, vectors: int) -> str:
    """Blocks of rows from row i on."""
    fits = at_most(add(get("i"), const(rows)), get("n"))
    start = [put("x0", add(get("x"), times(get("i"), get("u"))))]
    start += [put(f"x{row}", add(get(f"x{row - 1}"), get("u"))) for row in range(1, rows)]
    start += [put(f"s{row}{c}", get(f"b{c}")) for row in range(rows) for c in range(vectors)]
    start += [put("h", add(get("y"), times(get("j"), const(4)))), put("k", get("d"))]
    steps = [put(f"y{c}", f"(v128.load offset={16 * c} {get('h')})") for c in range(vectors)]
    for row in range(rows):
        steps += [put("t", f"(v128.load32_splat {get(f'x{row}')})")]
        steps += [
            put(f"s{row}{c}", f"(f32x4.add {get(f's{row}{c}')} (f32x4.mul {get('t')} {get(f'y{c}')}))")
            for c in range(vectors)
        ]
        steps += [bump(f"x{row}", get("v"))]
    steps += [bump("h", get("r")), put("k", f"(i32.sub {get('k')} {const(1)})")]
    end = [put("c", add(get("z"), times(const(4), add(times(get("i"), get("m")), get("j")))))]
    for row in range(rows):
        end += [f"(v128.store offset={16 * c} {get('c')} {get(f's{row}{c}')})" for c in range(vectors)]
        end += [bump("c", times(get("m"), const(4)))] if row + 1 < rows else []
    label = f"rows{rows}{vectors}"
    return when(fits, loop(label, fits, *start, loop(f"{label}k", get("k"), *steps), *end, bump("i", const(rows))))


def _single_columns() -> str:
    """Columns from j on, one number of the result at a time."""
    double = "(f64.promote_f32 (f32.load {}))"
    bias = double.format(add(get("b"), times(get("j"), get("w"))))
    one = [
        put("f", "(f64.const 0)"),
        when(get("b"), put("f", bias)),
        put("a", add(get("x"), times(get("i"), get("u")))),
        put("h", add(get("y"), times(get("j"), get("s")))),
        put("k", get("d")),
        loop(
            "dot",
            get("k"),
            put("f", f"(f64.add {get('f')} (f64.mul {double.format(get('a'))} {double.format(get('h'))}))"),
            bump("a", get("v")),
            bump("h", get("r")),
            put("k", f"(i32.sub {get('k')} {const(1)})"),
        ),
        put("c", add(get("z"), times(const(4), add(times(get("i"), get("m")), get("j"))))),
        f"(f32.store {get('c')} (f32.demote_f64 {get('f')}))",
        bump("i", const(1)),
    ]
    column = loop("single", below(get("i"), get("n")), *one)
    return loop("singles", below(get("j"), get("m")), put("i", const(0)), column, bump("j", const(1)))


def sums_text() -> str:
    """``$sums``: the sums of the columns of x (n, m) in float64, rounded once."""
    parameters = "".join(f"(param ${name} i32)" for name in ("z", "x", "n", "m"))
    variables = "".join(f"(local ${name} i32)" for name in ("i", "j", "a"))
    vectors = "".join(f"(local ${name} v128)" for name in ("t", "low", "high"))
    fits = at_most(add(get("j"), const(4)), get("m"))
    here = add(get("x"), times(get("j"), const(4)))
    result = add(get("z"), times(get("j"), const(4)))
    zero = "(f64x2.splat (f64.const 0))"
    upper = f"(i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15 {get('t')} {get('t')})"
    down = [bump("a", times(get("m"), const(4))), bump("i", const(1))]
    four = [
        put("t", f"(v128.load {get('a')})"),
        put("low", f"(f64x2.add {get('low')} (f64x2.promote_low_f32x4 {get('t')}))"),
        put("high", f"(f64x2.add {get('high')} (f64x2.promote_low_f32x4 {upper}))"),
    ]
    columns = [
        put("a", here), put("i", const(0)), put("low", zero), put("high", zero),
        loop("rows4", below(get("i"), get("n")), *four, *down),
        f"(v128.store64_lane 0 {result} (f32x4.demote_f64x2_zero {get('low')}))",
        f"(v128.store64_lane offset=8 0 {result} (f32x4.demote_f64x2_zero {get('high')}))",
        bump("j", const(4)),
    ]  # fmt: skip
    one = put("f", f"(f64.add {get('f')} (f64.promote_f32 (f32.load {get('a')})))")
    column = [
        put("a", here), put("i", const(0)), put("f", "(f64.const 0)"),
        loop("rows1", below(get("i"), get("n")), one, *down),
        f"(f32.store {result} (f32.demote_f64 {get('f')}))",
        bump("j", const(1)),
    ]  # fmt: skip
    body = [
        when(fits, loop("four", fits, *columns)),
        when(below(get("j"), get("m")), loop("one", below(get("j"), get("m")), *column)),
    ]
    return f"(func $sums {parameters} {variables} {vectors} (local $f f64) {' '.join(body)})"

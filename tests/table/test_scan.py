"""The scanners: the compiled one does what the plain one does, however the text is cut into pieces."""

import math
import random
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backpass.table import read_table, scan
from backpass.table.delimited import delimited
from backpass.table.notation.number import number_in
from backpass.table.scan import scanner_for
from backpass.table.scan.plain import LONGEST, PlainScanner

Write = Callable[..., Path]

TOKENS = [b"", b"NA", b"?"]
COMPILED = scanner_for(",")
needs_compiled = pytest.mark.skipif(COMPILED is PlainScanner, reason="the scanner was not compiled")


def scanned(
    make: Any, pieces: list[bytes], roles: str, delimiter: str = ",", with_points: bool = True
) -> dict[str, Any]:
    """All that a scanner has to say of a text in pieces."""
    scanner = make(roles, TOKENS, with_points=with_points, rows_about=3)
    scanner.begin(delimiter, range(len(roles)))
    for piece in pieces:
        scanner.feed(piece)
    scanner.end()
    found = {name: getattr(scanner, name) for name in ("rows", "uneven", "uneven_count", "broken", "broken_line")}
    for j, role in enumerate(roles):
        found[f"{j} is unfit"] = scanner.is_unfit(j)
        if role == "n" and not scanner.is_unfit(j):
            found[f"{j} has points"] = scanner.has_points(j)
            found[f"{j}"] = [value.hex() for value in scanner.numbers(j).tolist()]
        elif role == "t":
            levels, codes = scanner.texts(j)
            found[f"{j}"] = (levels, codes.tolist())
    return found


SIGNS = [*',;\n\r"\t x1é', "\r\n", '""', ',"', '",', "NA", "?", "-2.5", "007", "1e3", "1e999", "9007199254740993"]


@needs_compiled
@settings(deadline=None, max_examples=400)
@given(
    signs=st.lists(st.sampled_from(SIGNS), max_size=40),
    header=st.sampled_from(["a,b\n", '\n\n"a\n",b\r\n', "a;b\r", ""]),
    roles=st.sampled_from(["nn", "tt", "nt", "-n", "n", "t"]),
    delimiter=st.sampled_from(",;\t "),
    with_points=st.booleans(),
    cuts=st.lists(st.integers(0, 60), max_size=4),
)
def test_the_compiled_scanner_and_the_plain_one_agree(
    signs: list[str], header: str, roles: str, delimiter: str, with_points: bool, cuts: list[int]
) -> None:
    text = (header + "".join(signs)).encode()
    ends = [*sorted(cuts), len(text)]
    pieces = [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    expected = scanned(PlainScanner, [text], roles, delimiter, with_points)
    assert scanned(COMPILED, pieces, roles, delimiter, with_points) == expected


@needs_compiled
@settings(deadline=None, max_examples=400)
@given(text=st.from_regex(r"[+-]?[0-9]{0,22}\.?[0-9]{0,22}([eE][+-]?[0-9]{0,3})?", fullmatch=True))
def test_a_number_is_the_one_that_python_reads(text: str) -> None:
    found = scanned(COMPILED, [f"x\n{text}\n".encode()], "n")
    number = number_in(text)
    if found["0 is unfit"]:  # codes, what is too large or rounds to nothing: Python's float is asked again
        assert number is None or text.lstrip("+-")[:1] == "0" or math.isinf(number) or abs(number) < 1e-300
    elif text:
        assert found["0"] == [float(text).hex()]


@needs_compiled
def test_the_hard_cases_of_rounding() -> None:
    random.seed(0)
    numbers = [random.uniform(-1, 1) * 10.0 ** random.randint(-300, 300) for _ in range(5_000)]
    texts = [repr(number) for number in numbers]
    texts += ["9007199254740993", "9007199254740992.99999999999999999999", "1e23", "8.5e22", "1e22", "1e-22", "123e-25"]
    texts += [
        "0.1e1",
        "1" + "0" * 300,
        "0." + "0" * 290 + "1",
        "179769313486231570" + "0" * 291,
        "2.2250738585072014e-308",
    ]
    found = scanned(COMPILED, ["\n".join(["x", *texts]).encode()], "n")
    assert found["0"] == [float(text).hex() for text in texts]


@needs_compiled
def test_numbers_of_a_few_digits_are_read_with_a_point_anywhere() -> None:
    digits = "1234567890"
    bare = [digits[k : k + size] for k in range(9) for size in range(1, 11 - k)]
    texts = [f"{sign}{text[:at]}.{text[at:]}" for text in bare for at in range(len(text) + 1) for sign in ("", "-")]
    found = scanned(COMPILED, ["\n".join(["x", *bare, *texts]).encode()], "n")
    assert found["0"] == [float(text).hex() for text in [*bare, *texts]]


@needs_compiled
@pytest.mark.parametrize("text", [".", "1.2.3", "12:34", "1/2", "1234567x", "x1234567", "\u0661", "1 2", "+-1", "--1"])
def test_a_few_bytes_that_are_no_number_are_none(text: str) -> None:
    assert scanned(COMPILED, [f"x\n1\n{text}\n".encode()], "n")["0 is unfit"]


@needs_compiled
def test_texts_that_differ_in_one_byte_are_different_levels() -> None:
    texts = [f"{'a' * at}b{'a' * (size - at - 1)}" for size in range(1, 20) for at in range(size)]
    found = scanned(COMPILED, ["\n".join(["x", *texts, *texts]).encode()], "t")
    assert found["0"] == (texts, [*range(1, len(texts) + 1)] * 2)


@needs_compiled
def test_what_follows_a_broken_record_takes_no_memory() -> None:
    resource = pytest.importorskip("resource")
    scanner = COMPILED("n", TOKENS, with_points=True, rows_about=3)
    scanner.begin(",", [0])
    scanner.feed(b'x\n"1" 2\n')
    assert scanner.broken == "after quote"
    piece = b"3\n" * (1 << 24)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(16):  # half a gigabyte
        scanner.feed(piece)
    scanner.end()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * (1 if sys.platform == "darwin" else 1024) < 4 * len(piece)
    assert scanner.rows == 0


SCANNERS = [pytest.param(COMPILED, id="compiled", marks=needs_compiled), pytest.param(PlainScanner, id="plain")]


@pytest.mark.parametrize("make", SCANNERS)
class TestEachScanner:
    def test_takes_spaces_around_quotes_for_nothing(self, make: Any) -> None:
        found = scanned(make, [b'a,b\n  "x, ""y"""  , z" w \n'], "tt")
        assert (found["0"], found["1"]) == ((['x, "y"'], [1]), (['z" w'], [1]))

    def test_says_on_which_line_a_record_starts(self, make: Any) -> None:
        assert scanned(make, [b'a,b\r\n1,"x\r\ny\rz\nw"\r\n\r\n2\r\n'], "tt")["uneven"] == [(7, 1)]
        assert scanned(make, [b'a,b\n"1\n",2\n3,"x" y\n4,5\n'], "tt")["broken"] == "after quote"
        assert scanned(make, [b'a,b\n"1\n",2\n3,"x" y\n4,5\n'], "tt")["broken_line"] == 4

    def test_counts_all_uneven_records_and_keeps_the_first(self, make: Any) -> None:
        found = scanned(make, [b"a,b\n" + b"1\n1,2\n" * 50], "nn")
        assert (found["rows"], found["uneven_count"]) == (50, 50)
        assert found["uneven"][:2] == [(2, 1), (4, 1)]

    @pytest.mark.parametrize("field", ["x" * LONGEST, '"' + "é" * (LONGEST // 2) + '"'])
    def test_refuses_a_field_that_is_too_long(self, make: Any, field: str) -> None:
        fits, long = f"a\n{field}\n", f"a\n{field.replace('x', 'xx', 1).replace('é', 'éé', 1)}\n"
        assert scanned(make, [fits.encode()], "t")["broken"] == ""
        found = scanned(make, [long.encode()], "t")
        assert (found["broken"], found["broken_line"]) == ("long field", 2)

    def test_reads_one_file_behind_the_other(self, make: Any) -> None:
        scanner = make("nt", TOKENS, with_points=True, rows_about=0)
        for delimiter, order, text in ((",", (0, 1), b"a,b\n1,x"), (";", (1, 0), b"b;a\nx;2\ny;3\n")):
            scanner.begin(delimiter, order)
            scanner.feed(text)
            scanner.end()
        assert scanner.numbers(0).tolist() == [1.0, 2.0, 3.0]
        levels, codes = scanner.texts(1)
        assert (levels, codes.tolist()) == (["x", "y"], [1, 1, 2])


@needs_compiled
def test_many_levels_keep_their_codes() -> None:
    texts = [f"level {i % 30_000}" for i in range(70_000)]
    found = scanned(COMPILED, ["\n".join(["x", *texts]).encode()], "t")
    assert found["0"] == ([f"level {i}" for i in range(30_000)], [i % 30_000 + 1 for i in range(70_000)])


@needs_compiled
def test_faults_of_the_caller() -> None:
    with pytest.raises(ValueError, match="a role is n, t or -"):
        COMPILED("x", [], with_points=True, rows_about=0)
    scanner: Any = COMPILED("n", [], with_points=True, rows_about=0)
    with pytest.raises(IndexError, match="belongs to no column"):
        scanner.begin(",", [1])
    with pytest.raises(IndexError, match="no such column"):
        scanner.numbers(1)


def test_the_scanner_is_built_where_the_engine_is() -> None:
    assert (COMPILED is not PlainScanner) == (find_spec("backpass.engine.native._core") is not None)


def test_a_file_reads_alike_without_the_compiled_scanner(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("\ufeffx;y;late;date\r\n1,5;b;1;2024-02-29\n2,5;a;NA;2024-03-01\r3;b;x;\n;?;2;2024-03-02")
    compiled = read_table(path)
    monkeypatch.setattr(delimited, "scanner_for", lambda delimiters: PlainScanner)
    assert read_table(path) == compiled
    assert [column.kind for column in compiled.columns.values()] == ["numeric", "categorical", "categorical", "date"]


def test_a_delimiter_of_several_bytes(write: Write) -> None:
    assert scan.scanner_for("¦") is PlainScanner
    assert read_table(write("a¦b\n1¦2\n"), delimiter="¦").names == ("a", "b")

"""Agreement: the one reading under which the cells of a column are numbers.

Takes the distinct strings of a column with their row counts; returns the reading that most rows share, or None and the
reason. A cell that does not fit it is not a number. Codes that only look like numbers have no reading: leading zeros,
telephone numbers, bands such as 18-24 and 25-34, letters behind a number that differ from row to row, 1 a) and 1 b).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import pairwise

from backpass.dataclass import dataclass
from backpass.table.datetimes.span import are_spans, is_open, names_hours, overflows, span_in
from backpass.table.notation.cell import (
    ANGLE,
    COMPOUND,
    DIGIT,
    DURATION,
    SUPERSCRIPTS,
    Cell,
    cell_in,
    quick_shape_of,
)
from backpass.table.notation.lazy_pattern import LazyPattern
from backpass.table.notation.measures.angle import angle_in, are_angles
from backpass.table.notation.measures.aside import without_aside
from backpass.table.notation.measures.compound import unit_of_compounds
from backpass.table.notation.measures.units import ratio
from backpass.table.notation.number import NUMBER, are_addresses
from backpass.table.notation.numeral import APOSTROPHES, DECIMALS, SPACES, UNDERSCORE, thousands_sign
from backpass.table.notation.reading import NumberReading
from backpass.table.notation.vocabulary import (
    BARE_UNITS,
    CJK,
    FLAGS,
    LAB_FLAGS,
    LETTERS,
    MAGNITUDES,
    UNSURE,
    UNSURE_APART,
    UNSURE_OF_MONEY,
    are_one_currency,
    codes_of,
    magnitude_of,
    same_unit,
    side,
    sides_of,
)

LOOKED_AT = 200  # distinct strings that show whether a column is worth a closer look
WORTH = 0.5  # share of them that may be numbers
MOST_NAMED = 5  # units or currencies in one column
MOST_BANDS = 30  # distinct disjoint ranges that are still bands
FEWEST_VALUES = 3  # distinct numbers with units, ranges or bounds; fewer are as good as categories
FEWEST_DIGITS = 5  # digits of two joined codes
PHONE_DIGITS = 9  # digits in groups of three, in every cell, that are telephone numbers
WHOLE = LazyPattern(r"[0-9]+")
AMOUNT = LazyPattern(
    rf"(?<![0-9.,])(?:(?P<grouped>[0-9]{{1,3}}(?:[,.{APOSTROPHES}{SPACES}][0-9]{{3}})++)|[0-9]++)"
    r"(?P<fraction>[.,][0-9]{2})?(?![0-9])"
)
MARKED = LazyPattern(rf"(?P<number>[^)]*[0-9])[{SPACES}]+(?:[a-z]|[1-9][0-9]?)\)")  # as a footnote or a label: 12.5 a)
MOST_ALIKE = 0.75  # numbers among labels such as 1 a), 1 b), 2 a), as a share of these
YEARS = range(1900, 2101)  # denominators that are years: 5/2024


@dataclass(frozen=True, slots=True)
class Agreement:
    """What the cells of a column agree on.

    Attributes:
        reading: The reading, None if there is none.
        shapes: Rows by shape of the cells that fit it.
        example: A string of each shape.
        dispute: What the cells disagree on, for a message; empty if nothing.
    """

    reading: NumberReading | None
    shapes: Mapping[Cell, int]
    examples: Mapping[Cell, str]
    dispute: str = ""


NOTHING = Agreement(None, {}, {})


def agreement_of(texts: Sequence[str], counts: Sequence[int], decimal: str, *, is_fixed: bool = False) -> Agreement:
    """Find the reading of a column.

    A sample of the strings comes first, so that a column of sentences or addresses costs little.

    Args:
        texts: The distinct strings, trimmed, without missing tokens.
        counts: Number of rows of each.
        decimal: Decimal sign where the column leaves it open.
        is_fixed: Whether no other decimal sign is possible.

    >>> agreement_of(["12 kg", "13.5 kg", "9 kg"], [1, 1, 1], ".").reading.unit
    'kg'
    >>> agreement_of(["12 kg", "500 m", "9 kg"], [1, 1, 1], ".").dispute
    'numbers in units kg and m'
    """
    step = max(len(texts) // LOOKED_AT, 1)
    if step == 1 and (joined := "".join(texts)).isascii() and DIGIT.search(joined) is None:
        return NOTHING  # most columns of categories, at once
    if texts and span_in(texts[0]) is not None and (spans := _spans(texts, counts)) is not None:
        return spans
    if texts and angle_in(texts[0]) is not None and (angles := _angles(texts, counts)) is not None:
        return angles
    if (compounds := _compounds(texts, counts, step)) is not None:
        return compounds
    if step > 1:
        sample = texts[::step]
        found = _agreement(sample, [1] * len(sample), decimal, is_fixed=is_fixed)
        if sum(found.shapes.values()) < WORTH * len(sample):
            return Agreement(None, {}, {}, found.dispute)
    return _agreement(texts, counts, decimal, is_fixed=is_fixed)


def _spans(texts: Sequence[str], counts: Sequence[int]) -> Agreement | None:
    """Return the agreement of a column of durations, None if it holds something else."""
    seconds = {text: span for text in texts if (span := span_in(text)) is not None}
    if len(seconds) < len(texts) or not are_spans(texts):
        return None
    has_hours = names_hours(texts)
    if has_hours and (doubtful := next(filter(is_open, texts), "")):
        dispute = f"durations in hours with a unit and '{doubtful}', which may be hours or minutes"
        return Agreement(None, {}, {}, dispute)
    longest = max(texts, key=lambda text: (overflows(text), seconds[text]))  # 1h 75m may be a slip
    return Agreement(
        NumberReading(is_duration=True, names_hours=has_hours), {DURATION: sum(counts)}, {DURATION: longest}
    )


def _angles(texts: Sequence[str], counts: Sequence[int]) -> Agreement | None:
    """Return the agreement of a column of angles, None if most of its strings are something else."""
    rows = sum(count for text, count in zip(texts, counts, strict=True) if angle_in(text) is not None)
    if rows < WORTH * sum(counts) or not are_angles(texts):
        return None
    return Agreement(NumberReading(is_angle=True), {ANGLE: rows}, {ANGLE: texts[0]})


def _compounds(texts: Sequence[str], counts: Sequence[int], step: int) -> Agreement | None:
    """Return the agreement of a column of compound measures, None if most of its strings are something else."""
    bare = [without_aside(text) for text in texts[::step]]
    if not (unit := unit_of_compounds([text for text, _ in bare])):
        return None
    reading = NumberReading(unit=unit, has_units=True, has_asides=any(aside for _, aside in bare))
    rows = sum(n for text, n in zip(texts, counts, strict=True) if reading.number(text) is not None)
    if rows < WORTH * sum(counts):
        return None
    if any(NUMBER.fullmatch(text) for text in texts):
        return Agreement(None, {}, {}, f"numbers in {unit} and without a unit")
    telling = next(text for text in texts if unit_of_compounds((without_aside(text)[0],), fewest=1))
    return Agreement(reading, {COMPOUND: rows}, {COMPOUND: telling})


def _agreement(texts: Sequence[str], counts: Sequence[int], decimal: str, *, is_fixed: bool) -> Agreement:
    shapes, examples = Counter[Cell](), dict[Cell, str]()
    for text, count in zip(texts, counts, strict=True):
        if (shape := quick_shape_of(text)) is not None:
            shapes[shape] += count
            examples.setdefault(shape, text)
    if not shapes or any(shape.is_padded for shape in shapes):
        return NOTHING
    by_currency = _rows_by(shapes, lambda cell: cell.currency)
    if any(shape.trails for shape in shapes) and any(text.endswith("+") for text in texts):
        return Agreement(None, {}, {}, "numbers with + and with - behind them, as grades")
    if all(shape.has_footnote for shape in shapes) and _are_powers(texts):
        return Agreement(None, {}, {}, f"powers such as {texts[0]}, whose exponents look like footnotes")
    currency, currencies = _ranked(by_currency)
    if are_one_currency(by_currency):
        currencies = ""
    elif (certain := [each for each in by_currency if len(codes_of(each)) == 1]) and len(codes_of(currency)) > 1:
        currency = max(certain, key=lambda each: by_currency[each])  # ¥ fits both 円 and 元
    word = _word(shapes, has_currency=bool(currency))
    has_fractions = any(shape.has_fraction for shape in shapes)
    reading = NumberReading(
        _decimal(shapes, texts, decimal, is_fixed=is_fixed),
        currency,
        word.unit,
        word.has_magnitudes,
        _are_negative(shapes, texts),
        word.has_flags,
        any(shape.upper for shape in shapes),
        any(shape.bound in ("<", ">") for shape in shapes),
        "" if has_fractions else _out_of(shapes),
        has_units=word.has_units,
        negative=word.negative,
        has_asides=any(shape.aside for shape in shapes),
        has_fractions=has_fractions,
    )
    fitting = {shape: count for shape, count in shapes.items() if reading.fits(shape)}
    is_partly_percent = reading.is_percent and any(not shape.word for shape in fitting)
    dispute = ""
    if currencies or word.dispute:
        dispute = f"numbers in {f'currencies {currencies}' if currencies else f'units {word.dispute}'}"
    elif is_partly_percent:
        dispute = f"numbers with and without {reading.unit}"
    if not fitting or is_partly_percent or _is_code(reading, fitting, texts):
        return Agreement(None, {}, {}, dispute)
    return Agreement(reading, fitting, examples, dispute)


def _are_negative(shapes: Mapping[Cell, int], texts: Sequence[str]) -> bool:
    """Whether parentheses make numbers negative: some have none, and they are not all years, (1994) beside 1994."""
    enclosed = [shape.in_parentheses for shape in shapes]
    if not any(enclosed) or all(enclosed):
        return False
    return not all(text.strip("()").isdigit() and int(text.strip("()")) in YEARS for text in texts)


def _rows_by(shapes: Mapping[Cell, int], of: Callable[[Cell], str]) -> Mapping[str, int]:
    """Return the rows by the nonempty values of an attribute."""
    rows = Counter[str]()
    for shape, count in shapes.items():
        if value := of(shape):
            rows[value] += count
    return rows


def _ranked(rows: Mapping[str, int]) -> tuple[str, str]:
    """Return the most frequent value, and the values if there are several."""
    ranked = sorted(rows, key=lambda value: (-rows[value], value))
    if len(ranked) < 2:
        return (ranked[0] if ranked else ""), ""
    if len(ranked) > MOST_NAMED:  # words of a language rather than units
        return ranked[0], ""
    return ranked[0], f"{', '.join(ranked[:-1])} and {ranked[-1]}"


def _decimal(shapes: Mapping[Cell, int], texts: Sequence[str], decimal: str, *, is_fixed: bool) -> str:
    """Return the decimal sign that reads most rows, the preferred one if both read as many."""
    if is_fixed:
        return decimal
    if grouping := _grouping(shapes) or thousands_sign(texts):
        return "," if grouping == "." else "."
    rows = {each: sum(n for shape, n in shapes.items() if each in shape.decimals) for each in DECIMALS}
    return max(DECIMALS, key=lambda each: (rows[each], each == decimal))


def _grouping(shapes: Mapping[Cell, int]) -> str:
    """Return the sign that separates thousands in amounts, empty if it may be the decimal sign.

    Where some amounts have no sign (kr 959), three digits behind the only sign of the others (kr 1.019) are no
    fractions: an amount has a fixed number of decimals.
    """
    marks = {shape.digits for shape in shapes}
    (sign, *others) = sorted(marks - {""}) or [""]
    is_open = all(shape.decimals == ".," and not shape.upper and not shape.exponent_sign for shape in shapes)
    is_amount = all(shape.currency or not shape.digits for shape in shapes)
    return sign if "" in marks and sign in DECIMALS and not others and is_open and is_amount else ""


@dataclass(frozen=True, slots=True)
class _Word:
    """What the words behind the numbers of a column are."""

    unit: str = ""
    has_magnitudes: bool = False
    has_flags: bool = False
    dispute: str = ""
    has_units: bool = False
    negative: str = ""


def _word(shapes: Mapping[Cell, int], *, has_currency: bool) -> _Word:
    rows = Counter[tuple[str, bool]]()
    for shape, count in shapes.items():
        if shape.word:
            rows[shape.word, shape.is_apart] += count
    words = {word for word, _ in rows}
    if not words:
        return _Word()
    is_partly = rows.total() < sum(shapes.values())
    is_apart = all(is_apart or len(word) > 1 for word, is_apart in rows)
    if is_apart and (negative := _negative_side(words, is_partly=is_partly, has_currency=has_currency)):
        return _Word(negative=negative)
    if all(magnitude_of(word) is not None for word in words) and (
        (has_currency and not words & UNSURE_OF_MONEY) or len(words) > 1 or all(_is_magnitude(*each) for each in rows)
    ):
        return _Word(has_magnitudes=True)
    if all(set(word) <= FLAGS and is_apart for word, is_apart in rows) and 2 * rows.total() < sum(shapes.values()):
        return _Word(has_flags=True)
    if len(words) > 1 and words <= LAB_FLAGS and is_apart:
        return _Word(has_flags=True)
    of_decimals = {shape.word for shape in shapes if shape.digits}  # 4.2x is no code
    units = Counter[str]()
    for (word, is_apart), count in rows.items():
        if len(word) > 1 or is_apart or word in BARE_UNITS | of_decimals or not word.isalpha() or word > CJK:
            units[next((each for each in units if same_unit(each, word)), word)] += count
    unit, dispute = _ranked(units)
    is_clear = len({each.lower() for each in units}) == len(units)  # mW beside MW is rather a mistake
    if dispute and is_clear and all(ratio(each, unit) is not None for each in units):
        return _Word(unit, dispute=f"{dispute}, and without a unit" if is_partly else "", has_units=not is_partly)
    return _Word(unit, dispute=dispute)


def _negative_side(words: Collection[str], *, is_partly: bool, has_currency: bool) -> str:
    """Return the side of an account that makes numbers negative; empty if the words are no sides.

    Debits are negative beside credits. A single side beside numbers without one is the other side of theirs.
    """
    sides = {sides_of(word) for word in words}
    pair = next(iter(sides))
    if len(sides) > 1 or pair is None:
        return ""
    found = {side(word) for word in words}
    if len(found) == 2:
        return pair[1]
    is_lone = is_partly and not has_currency and len(pair[0]) > 1 and all(word.isupper() for word in words)
    return found.pop() if is_lone else ""


def _is_magnitude(word: str, is_apart: bool) -> bool:
    return word in MAGNITUDES and word not in UNSURE and not (is_apart and word in UNSURE_APART)


def _out_of(shapes: Mapping[Cell, int]) -> str:
    """Return the denominator that all fractions share, empty if they don't, or if it is a year."""
    scales = {shape.scale for shape in shapes if shape.scale}
    scale = scales.pop() if len(scales) == 1 else ""
    return "" if scale and int(scale) in YEARS else scale


def _is_code(reading: NumberReading, shapes: Mapping[Cell, int], texts: Sequence[str]) -> bool:
    """Whether the cells are codes or categories, although each of them reads as a number."""
    if are_addresses(texts) or (reading.currency and reading.currency in LETTERS and not _are_amounts(shapes, texts)):
        return True
    if any(UNDERSCORE in shape.digits for shape in shapes) and not _are_thousands(texts):
        return True
    if any(shape.has_footnote for shape in shapes) and _are_enumerated(texts):
        return True
    has_words = bool(
        reading.unit
        or reading.out_of
        or reading.has_ranges
        or reading.has_bounds
        or reading.has_flags
        or reading.has_asides
        or reading.has_fractions
    )
    is_grouped = any(space in shape.digits for shape in shapes for space in SPACES)
    if not (has_words or is_grouped):
        return False
    intervals = _intervals(reading, texts)
    if has_words and not reading.is_percent and len(intervals) < FEWEST_VALUES:
        return True
    if reading.has_ranges and (_are_bands(intervals) or _are_joined_codes(reading, texts)):
        return True
    if reading.has_bounds and sum(low == high for low, high in intervals) < FEWEST_VALUES and _are_bands(intervals):
        return True
    if reading.has_asides and _are_labels(texts, shapes, intervals):
        return True
    if reading.out_of and any(high > float(reading.out_of) for _, high in intervals):
        return True
    return is_grouped and _are_phones(texts)


def _are_enumerated(texts: Sequence[str]) -> bool:
    """Whether a) and 1) behind numbers are no footnotes, but tell labels apart: most cells have one, and few numbers.

    >>> _are_enumerated(["1 a)", "1 b)", "2 a)", "2 b)"]), _are_enumerated(["12.5 a)", "12.5", "13.1", "9.8 b)"])
    (True, False)
    """
    marked = [found["number"] for text in texts if (found := MARKED.fullmatch(text))]
    return 2 * len(marked) > len(texts) and len(set(marked)) <= MOST_ALIKE * len(marked)


def _are_powers(texts: Sequence[str]) -> bool:
    """Whether superscripts behind numbers are no footnotes, but exponents: each is behind 10, as 10² and 10⁵.

    >>> _are_powers(["10²", "10⁵"]), _are_powers(["12.5¹", "10²"])
    (True, False)
    """
    return all(text.rstrip(SUPERSCRIPTS) == "10" for text in texts)


def _are_amounts(shapes: Mapping[Cell, int], texts: Sequence[str]) -> bool:
    """Whether all cells have a currency of one letter, and decimals and thousands as amounts have them: R 1 250.50.

    R12 and Q4.1 are codes.
    """
    if not all(shape.currency for shape in shapes):
        return False
    are_pairs = [AMOUNT.search(text) for text in texts if (cell := cell_in(text)) is not None and not cell.word]
    fractions = {found["fraction"] is not None for found in are_pairs if found}
    return all(are_pairs) and (fractions == {True} or any(found and found["grouped"] for found in are_pairs))


def _are_thousands(texts: Sequence[str]) -> bool:
    """Whether underscores separate thousands: some cells have two of them, or have decimals, or none below 1000."""
    return any(text.count(UNDERSCORE) > 1 or "." in text or (text.isdigit() and len(text) < 4) for text in texts)


def _intervals(reading: NumberReading, texts: Sequence[str]) -> set[tuple[float, float]]:
    """Return the different numbers and ranges; a few are enough where they all are single numbers."""
    is_single = not (reading.has_ranges or reading.has_bounds or reading.out_of or reading.has_asides)
    found = set[tuple[float, float]]()
    for text in texts:
        if (interval := reading.interval(text)) is not None:
            found.add(interval)
        if is_single and len(found) >= FEWEST_VALUES:
            break
    return found


def _are_bands(intervals: set[tuple[float, float]]) -> bool:
    """Whether intervals are few and follow one another without overlap, as age bands do."""
    ordered = sorted(intervals)
    return len(ordered) <= MOST_BANDS and all(high <= low for (_, high), (low, _) in pairwise(ordered))


def _are_labels(texts: Sequence[str], shapes: Mapping[Cell, int], intervals: Collection[tuple[float, float]]) -> bool:
    """Whether whole numbers with parentheses are few codes and their meanings: 1 (18-24), 2 (25-34).

    An estimate lies in its interval: 12 (10-15), 9 (7-12).
    """
    if all(map(_lies_within, texts)):
        return False
    is_whole = all(shape.aside != "±" and not shape.digits and not shape.word for shape in shapes)
    return is_whole and len(texts) == len(intervals) <= MOST_BANDS


def _lies_within(text: str) -> bool:
    """Whether a string is a number, and two others between which it lies."""
    number, *ends = map(int, WHOLE.findall(text))
    return len(ends) == 2 and ends[0] < number < ends[1]


def _are_joined_codes(reading: NumberReading, texts: Sequence[str]) -> bool:
    """Whether ranges are really codes: some end before they start (3-1), or both ends have a fixed number of digits.

    The latter must not be the same number: 555-1234 is a code.
    """
    found = {text: cell for text in texts if (cell := cell_in(text)) is not None and cell.upper and reading.fits(cell)}
    if any(reading.interval(text) is None for text in found):
        return True
    cells = found.values()
    if all(cell.word or cell.currency for cell in cells):
        return False
    first = {len(cell.digits) for cell in cells}
    last = {len(cell.upper) for cell in cells}
    is_fixed = len(cells) > 1 and len(first) == len(last) == 1 and first != last
    return is_fixed and sum(first | last) >= FEWEST_DIGITS


def _are_phones(texts: Sequence[str]) -> bool:
    """Whether all cells are nine or more digits of one number, in groups."""
    digits = {sum(each.isdigit() for each in text) for text in texts}
    has_points = any(sign in text for text in texts for sign in DECIMALS)
    return len(texts) > 1 and len(digits) == 1 and min(digits) >= PHONE_DIGITS and not has_points

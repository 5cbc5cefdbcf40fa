"""The table of notations: how numbers are written in everyday tables, each with an example, its value and a caution.

``cell`` recognizes them, ``agreement`` decides which of them a column uses, ``reading`` computes the values. The
messages of a column, the documentation and the tests are made from this table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from backpass.dataclass import dataclass
from backpass.table.notation.cell import ANGLE, COMPOUND, DASHES, DURATION, Cell
from backpass.table.notation.numeral import APOSTROPHES, SPACES, UNDERSCORE
from backpass.table.notation.reading import NumberReading
from backpass.table.notation.vocabulary import same_unit, side


@dataclass(frozen=True, slots=True)
class Notation:
    """One way of writing numbers.

    Attributes:
        name: Name for messages, with fields of the reading in braces.
        cells: An example column.
        values: The numbers of the example column.
        caution: What is assumed, and when a column is kept as text instead.
        is_used: Whether a cell of a column with this reading is written in this notation.
    """

    name: str
    cells: tuple[str, ...]
    values: tuple[float, ...]
    caution: str
    is_used: Callable[[Cell, NumberReading], bool]


def _grouped_by(separators: str) -> Callable[[Cell, NumberReading], bool]:
    return lambda cell, reading: any(each in separators and each != reading.decimal for each in cell.digits)


NOTATIONS = (
    Notation(
        "decimal comma",
        ("1.234,50", "12,5", "3"),
        (1234.5, 12.5, 3.0),
        "determined for the whole column; if all cells are like 1,234, the file decides",
        lambda cell, reading: reading.decimal == "," and "," in cell.digits,
    ),
    Notation(
        "thousands separated by commas or periods",
        ("1,234.50", "12,000", "3"),
        (1234.5, 12000.0, 3.0),
        "also in Indian groups: 1,25,689.17; 35.067 beside 999 and 12.340 is a whole number, unless another column of "
        "the file has decimal points",
        _grouped_by(".,"),
    ),
    Notation(
        "thousands separated by spaces",
        ("78 632.92", "5\u00a0058.18", "2\u2009040", "1\u202f200"),
        (78632.92, 5058.18, 2040.0, 1200.0),
        "plain, no-break, thin and narrow no-break spaces; groups that make telephone numbers stay categories",
        _grouped_by(SPACES),
    ),
    Notation(
        "thousands separated by apostrophes",
        ("1'234.50", "12\u2019000", "3"),
        (1234.5, 12000.0, 3.0),
        "straight and typographic",
        _grouped_by(APOSTROPHES),
    ),
    Notation(
        "thousands separated by underscores",
        ("1_234_567", "12_000", "3"),
        (1234567.0, 12000.0, 3.0),
        "if some numbers are below 1,000, above 999,999 or have decimals; 1_001 and 2_001 alone may be codes",
        _grouped_by(UNDERSCORE),
    ),
    Notation(
        "dash as minus sign",
        ("\u22125.5", "\u20133", "2"),
        (-5.5, -3.0, 2.0),
        "the Unicode minus sign, hyphens and dashes",
        lambda cell, reading: cell.sign != "" and cell.sign in DASHES,
    ),
    Notation(
        "minus sign after the number",
        ("13.70", "23.02-", "45.90-"),
        (13.7, -23.02, -45.9),
        "12,- and 12.- and 12:- are whole amounts",
        lambda cell, reading: cell.trails,
    ),
    Notation(
        "parentheses for negative numbers",
        ("547.85", "(920.85)", "(1,836.11)"),
        (547.85, -920.85, -1836.11),
        "if some numbers of the column have no parentheses",
        lambda cell, reading: cell.in_parentheses,
    ),
    Notation(
        "exponent with D",
        ("1.5D+03", "2.5d-01", "3.0D0"),
        (1500.0, 0.25, 3.0),
        "as Fortran writes it",
        lambda cell, reading: cell.exponent_sign == "d",
    ),
    Notation(
        "power of ten",
        ("1.5\u00d710\u00b3", "2 x 10^-1", "3"),
        (1500.0, 0.2, 3.0),
        "with \u00d7, x or \u00b7; also 10^5",
        lambda cell, reading: cell.exponent_sign == "x",
    ),
    Notation(
        "currency {currency}",
        ("12.50 kr", "1,300 kr", "-7 kr"),
        (12.5, 1300.0, -7.0),
        "sign, abbreviation or ISO 4217 code, before or after the number; one currency may have several spellings (¥ "
        "and 円); a column with two stays categorical",
        lambda cell, reading: cell.currency != "",
    ),
    Notation(
        "percent",
        ("12,5 %", "\u22123%", "4 %"),
        (12.5, -3.0, 4.0),
        "numbers of percent, if every number of the column has the sign",
        lambda cell, reading: reading.unit == "%" and cell.word != "",
    ),
    Notation(
        "per mille",
        ("0.52‰", "1.1‰", "0.03‰"),
        (0.52, 1.1, 0.03),
        "numbers of per mille, if every number of the column has the sign",
        lambda cell, reading: reading.unit == "‰" and cell.word != "",
    ),
    Notation(
        "unit {unit}",
        ("12.3 mi", "45 mi", "1,200 mi."),
        (12.3, 45.0, 1200.0),
        "one unit throughout, with at least three different numbers; numbers without it are assumed to have it",
        lambda cell, reading: (
            reading.unit != "" and not reading.is_percent and not reading.has_units and cell.word != ""
        ),
    ),
    Notation(
        "several units, converted to {unit}",
        ("2.5 kg", "1.2 kg", "500 g", "3 kg"),
        (2.5, 1.2, 0.5, 3.0),
        "units of one dimension (length, mass, volume, time, data, power, concentration, ...), into the most frequent "
        "one; a month is a twelfth of a year, and 30.44 days; a column with others, or with numbers without a unit, "
        "stays categorical",
        lambda cell, reading: reading.has_units and cell != COMPOUND and not same_unit(cell.word, reading.unit),
    ),
    Notation(
        "compound measures, in {unit}",
        ("5'6\"", "6' 3\"", "5 ft 9 in", "6 ft", "5\u20323\u2033"),
        (5.5, 6.25, 5.75, 6.0, 5.25),
        "feet and inches, stones, pounds and ounces, meters and centimeters (1m75), kilograms and grams, years, "
        "months and days, weeks and days; in the largest of the units; 3'45\" is minutes and seconds if some seconds "
        "exceed 11",
        lambda cell, reading: reading.has_units and cell == COMPOUND,
    ),
    Notation(
        "sides of an account, {negative} negative",
        ("120.50 CR", "80.00 DR", "7.25 CR"),
        (120.5, -80.0, 7.25),
        "also H and S, C and D, Haben and Soll; a single side among numbers without one is negative",
        lambda cell, reading: reading.negative != "" and side(cell.word) == reading.negative,
    ),
    Notation(
        "magnitudes such as k, M and bn",
        ("1.2M", "500k", "3bn", "900"),
        (1.2e6, 5e5, 3e9, 900.0),
        "also thousand, million, Mio., Mrd., lakh, crore, 万, 亿; a lone m or b is a unit unless there is a currency",
        lambda cell, reading: reading.has_magnitudes and cell.word != "",
    ),
    Notation(
        "letters that flag a number",
        ("12.5", "12.7 p", "11.0", "10.1 e", "9.9"),
        (12.5, 12.7, 11.0, 10.1, 9.9),
        "flags of statistical offices (b c d e f n p r s u z) on fewer than half of the numbers, or "
        "several laboratory flags (H L J U ...); dropped",
        lambda cell, reading: reading.has_flags and cell.word != "",
    ),
    Notation(
        "footnote marks",
        ("63.70*", "26.98", "4.10\u2020", "1.65\u00b9", "2.50 [1]", "3.10 a)", "1.2?", "9.1 \u2191"),
        (63.7, 26.98, 4.1, 1.65, 2.5, 3.1, 1.2, 9.1),
        "dropped, as ? and arrows are; a) and 1) need a space before them, and do not tell most cells apart, "
        "as the labels 1 a), 1 b) do",
        lambda cell, reading: cell.has_footnote,
    ),
    Notation(
        "ranges, read as their midpoint",
        ("10-20", "15", "12 \u2013 16", "10 to 30"),
        (15.0, 15.0, 14.0, 20.0),
        "also between 5 and 9, $60k - $80k; at most 30 ranges that follow one another without overlap (18-24, 25-34) "
        "stay categories",
        lambda cell, reading: cell.upper != "",
    ),
    Notation(
        "comparisons, read as the bound",
        ("<30", "45.5", "60", ">90", "75"),
        (30.0, 45.5, 60.0, 90.0, 75.0),
        "a second input says that a cell is a bound; also \u2264, \u2265, 90+, words in common languages (over 90, "
        "up to 5, 90 or more); fewer than three other numbers make them categories",
        lambda cell, reading: cell.bound in ("<", ">"),
    ),
    Notation(
        "approximate numbers",
        ("~30", "45.5", "ca. 605.1", "\u7d0460"),
        (30.0, 45.5, 605.1, 60.0),
        "~, \u2248 and words for approximately in common languages are dropped",
        lambda cell, reading: cell.bound == "~",
    ),
    Notation(
        "uncertainties and intervals beside the number",
        ("12.3 \u00b1 0.5", "7.25(3)", "2.1 (1.8\u20132.4)", "9.5 +/- 1"),
        (12.3, 7.25, 2.1, 9.5),
        "dropped; whole numbers that always have the same parentheses, 1 (18\u201324), stay categories",
        lambda cell, reading: cell.aside != "",
    ),
    Notation(
        "mixed fractions",
        ("3 3/8", "2\u00bd", "1-1/2", "1/4"),
        (3.375, 2.5, 1.5, 0.25),
        "halves, thirds, quarters ... sixty-fourths; fractions without a whole number only beside others with one",
        lambda cell, reading: reading.has_fractions and (cell.has_fraction or cell.scale != ""),
    ),
    Notation(
        "fractions of {out_of}, read as the first number",
        ("4.1/5", "3.9/5", "5/5"),
        (4.1, 3.9, 5.0),
        "the same second number throughout, never below the first, and not a year",
        lambda cell, reading: reading.out_of != "" and cell.scale != "",
    ),
    Notation(
        "durations, in seconds",
        ("26:30:00", "1:15:30", "59:30", "1 day, 02:00:00", "1.02:00:00", "2h 5m", "PT1H30M", "3:45.2", "5:30 min"),
        (95400.0, 4530.0, 3570.0, 93600.0, 93600.0, 7500.0, 5400.0, 225.2, 330.0),
        "if some are longer than a day, negative or have units; otherwise 1:15:30 is a time of day; two "
        "numbers are minutes and seconds; beside hours with a unit, 1:45 may be either, and the column stays "
        "categorical",
        lambda cell, reading: reading.is_duration and cell == DURATION,
    ),
    Notation(
        "degrees, minutes and seconds, in degrees",
        ("48\u00b051'36\"N", "2\u00b0 30\u2032 0\u2033 W", "S 12\u00b0 45\u2032"),
        (48.86, -2.5, -12.75),
        "negative in the south and the west; 20\u00b0 alone is a number with a unit",
        lambda cell, reading: reading.is_angle and cell == ANGLE,
    ),
    Notation(
        "digits of another script",
        ("１２．５", "７", "３"),
        (12.5, 7.0, 3.0),
        "full-width, Arabic-Indic, Devanagari and all other decimal digits of Unicode, with their signs",
        lambda cell, reading: cell.has_other_digits,
    ),
    Notation(
        "apostrophe before the number",
        ("'12.5", "'7", "3"),
        (12.5, 7.0, 3.0),
        "as spreadsheets mark text",
        lambda cell, reading: cell.is_quoted,
    ),
)


def notations_of(reading: NumberReading, shapes: Mapping[Cell, int]) -> tuple[str, ...]:
    """Return the names of the notations that the cells of a column use."""
    used = [each for each in NOTATIONS if any(each.is_used(shape, reading) for shape in shapes)]
    return tuple(
        each.name.format(currency=reading.currency, unit=reading.unit, out_of=reading.out_of, negative=reading.negative)
        for each in used
    )

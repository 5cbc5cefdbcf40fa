"""Decimal sign: whether the numbers of a file are written 1.5 or 1,5, decided over all its columns.

Takes the string columns of a file whose delimiter is not ``,``; returns the sign. ``1,5``, ``0,125`` and ``1.234,50 €``
are clearly decimal commas; in ``1,234`` the comma may separate thousands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.numerics.distinct import distinct_values
from backpass.table.columns.column_reading import NUMBER_SHARE
from backpass.table.columns.raw import RawStrings
from backpass.table.columns.rules import Rules
from backpass.table.messages import ErrorList, shown
from backpass.table.notation.number import NUMBER, number_in, without_percent
from backpass.table.notation.numeral import thousands_sign

FEWEST_FRACTIONS = 3  # different numbers with one or two digits behind the point, which are no thousands
HINT = "set it with --decimal, or keep a column as categories with --categorical"


@dataclass(frozen=True, slots=True)
class Written:
    """A column whose numbers contain commas.

    Attributes:
        name: Column name.
        example: One of its values.
        clear: Whether the comma can only be a decimal sign.
    """

    name: str
    example: str
    clear: bool


def decimal_of(
    texts: Sequence[RawStrings], pointed: Sequence[str], rules: Rules, errors: ErrorList
) -> Literal[".", ","]:
    """Return the decimal sign of a file; ambiguity and contradictions are errors.

    Args:
        texts: The string columns.
        pointed: Names of numeric columns that contain points which may separate thousands.
        rules: What is required of the columns.
        errors: Collects errors.
    """
    asked = [raw for raw in texts if rules.required_kind(raw.name) != "categorical"]
    commas = [written for raw in asked if (written := written_with_commas(raw, rules))]
    clear = next((written for written in commas if written.clear), None)
    if clear is None:  # columns of a model with decimal commas have a reading of their own
        commas = [written for written in commas if not rules.has_comma(written.name)]
    if not commas:
        return "."
    if clear is None:
        name, example = shown(commas[0].name), shown(commas[0].example)
        errors.add(f"column {name}: the comma in {example} may be a decimal sign or mark thousands", HINT)
    elif pointed:
        left = f"column {shown(clear.name)} has decimal commas ({shown(clear.example)})"
        errors.add(f"{left}, column {shown(pointed[0])} decimal points", HINT)
    return ","


def with_points(texts: Sequence[RawStrings], rules: Rules) -> Rules:
    """Return the rules with a decimal point where a model has decimal commas and the file clearly has points.

    2.5 is clear, 1.234 is not: alone, it is 1234 as in the training table; beside a 2.5, it is 1.234.

    Args:
        texts: The string columns.
        rules: What is required of the columns.
    """
    asked = [raw for raw in texts if rules.has_comma(raw.name)]
    if any("," in text for raw in asked for text in raw.levels):
        return rules
    point = replace(rules, decimal=".", fixed_decimal=True)
    for raw in asked:
        if (reading := rules.reading_of(raw.name)) is not None:
            pointed = replace(reading, decimal=".")
            marked = (text.strip(" \t") for text in raw.levels if "." in text)
            if any(reading.number(text) is None and pointed.number(text) is not None for text in marked):
                return point
    return rules


def may_be_thousands(values: NDArray[np.float64]) -> bool:
    """Whether the points of a column of numbers (n,) may separate thousands: 1.234, 5.678

    Points after which four digits stand, or at most two in several different numbers, are decimal points.

    >>> may_be_thousands(np.array([1.234, 5.678])), may_be_thousands(np.array([2.5, 3.25, 4.75, np.nan]))
    (True, False)
    """
    there = np.abs(values[np.isfinite(values)])
    if (there >= 1e12).any():  # digits behind the point are lost
        return True
    thousandths, hundredths = (np.abs(there * scale - np.rint(there * scale)) < 1e-6 * scale for scale in (1e3, 1e2))
    fractions = distinct_values(there[there != np.rint(there)])
    return bool(thousandths.all()) and not (bool(hundredths.all()) and len(fractions) >= FEWEST_FRACTIONS)


def written_with_commas(raw: RawStrings, rules: Rules) -> Written | None:
    """Return the evidence for a decimal comma: numbers with commas, few other strings and no points; else None."""
    texts = {without_percent(text.strip(" \t")) for text in raw.levels} - rules.missing.tokens
    # ``commas``: numbers if the comma is a decimal sign; ``marked``: numbers if it separates thousands.
    commas = {text for text in texts if "," in text and number_in(text, ",") is not None}
    marked = {text for text in texts if "," in text and number_in(text, ".") is not None}
    numbers = {text for text in texts if NUMBER.fullmatch(text)}
    if not (commas or marked) or any("." in text and number_in(text, ",") is None for text in numbers | marked):
        return None
    if not commas - marked and thousands_sign(numbers | marked) == ",":
        return None
    if len(numbers) + len(commas | marked) < NUMBER_SHARE * len(texts):
        return None
    clear = sorted(commas - marked)
    return Written(raw.name, (clear or sorted(marked))[0], bool(clear))

"""Number reading: how the strings of one column become numbers, as the column's cells agree on it.

Takes a string; returns its number, or None if it doesn't fit. ``agreement`` finds the reading of a column; the model
file stores it, so that the same strings give the same numbers when predicting.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from backpass.dataclass import dataclass
from backpass.table.datetimes.span import is_open, span_in
from backpass.table.notation.cell import Cell, cell_in, quick_cell_in
from backpass.table.notation.measures.angle import FULL, angle_in
from backpass.table.notation.measures.aside import without_aside
from backpass.table.notation.measures.compound import compound_in
from backpass.table.notation.measures.units import ratio
from backpass.table.notation.numeral import SPACES, plain
from backpass.table.notation.vocabulary import (
    FLAGS,
    LAB_FLAGS,
    PERCENTS,
    are_one_currency,
    magnitude_of,
    same_unit,
    side,
    sides_of,
)

PREFIX = "numeric "
"""Start of the required kind of a column that has a reading; its JSON follows."""


@dataclass(frozen=True, slots=True)
class NumberReading:
    """How the strings of a column are read as numbers.

    Attributes:
        decimal: Decimal sign.
        currency: Currency before or behind the numbers, empty if none.
        unit: Unit behind the numbers, empty if none.
        has_magnitudes: Whether k, M, bn behind a number multiply it.
        has_negative_parentheses: Whether (5) is -5.
        has_flags: Whether a letter behind a number is a flag without meaning for its value.
        has_ranges: Whether 10-20 is 15.
        has_bounds: Whether <30 is 30.
        out_of: The denominator of 4.1/5, which is 4.1; empty if none.
        is_duration: Whether the strings are durations, and the numbers seconds.
        has_units: Whether other units than ``unit`` are converted to it.
        negative: The side of an account behind a number that makes it negative, empty if none.
        is_angle: Whether the strings are angles in degrees, minutes and seconds, and the numbers degrees.
        has_asides: Whether 12.3 ± 0.5 and 12.3 (0.5) are 12.3.
        has_fractions: Whether 3 3/8 is 3.375, and 3/8 is 0.375.
        names_hours: Whether hours of durations have a unit, beside which 1:45 may be hours or minutes and is no number.
    """

    decimal: str = "."
    currency: str = ""
    unit: str = ""
    has_magnitudes: bool = False
    has_negative_parentheses: bool = False
    has_flags: bool = False
    has_ranges: bool = False
    has_bounds: bool = False
    out_of: str = ""
    is_duration: bool = False
    has_units: bool = False
    negative: str = ""
    is_angle: bool = False
    has_asides: bool = False
    has_fractions: bool = False
    names_hours: bool = False

    @property
    def has_unit(self) -> bool:
        """Whether numbers are in a unit that a plain number does not show: 5'6", 12 kg, 1h 30m, 1.2M, 5 EUR."""
        return bool(self.unit) or self.is_duration or self.has_magnitudes or self.is_amount

    @property
    def is_amount(self) -> bool:
        """Whether numbers are amounts in a currency, and in no other unit."""
        return bool(self.currency) and not (self.unit or self.is_duration or self.has_magnitudes)

    def number(self, text: str) -> float | None:
        """Return the number that a trimmed string spells, None if it doesn't fit this reading.

        >>> NumberReading(unit="kg").number("1,012.5 kg"), NumberReading(decimal=",").number("1.234,5")
        (1012.5, 1234.5)
        >>> NumberReading(unit="kg").number("12 lb"), NumberReading(has_ranges=True).number("10-20")
        (None, 15.0)
        >>> NumberReading(unit="kg", has_units=True).number("500 g"), NumberReading(negative="DR").number("5 Dr.")
        (0.5, -5.0)
        """
        interval = self.interval(text)
        if interval is None:
            return None
        low, high = interval
        if low == high or high == math.inf:
            return low
        return high if low == -math.inf else (low + high) / 2.0

    def bound(self, text: str) -> int:
        """Return -1 if a string is an upper bound, 1 if it is a lower one, and 0 for all other strings.

        >>> [NumberReading(has_bounds=True).bound(text) for text in ("<30", "45", "90+")]
        [-1, 0, 1]
        """
        low, high = (self.has_bounds and self.interval(text)) or (0.0, 0.0)
        return int(high == math.inf) - int(low == -math.inf)

    def interval(self, text: str) -> tuple[float, float] | None:
        """Return the lower and upper end of what a string spells; both are the number unless it is a range or bound."""
        if self.is_duration and (seconds := span_in(text)) is not None:
            return None if self.names_hours and is_open(text) else (seconds, seconds)
        if self.is_angle:
            degrees = angle_in(text)
            degrees = self._decimal_degrees(text) if degrees is None else degrees
            return None if degrees is None else (degrees, degrees)
        cell = quick_cell_in(text)
        if cell is None or not self.fits(cell):
            size = self._compound(text) if self.has_units else None
            return None if size is None else (size, size)
        factor = self._factor(cell)
        low = factor * (_magnitude(cell, cell.digits, self.decimal) / self._denominator(cell) + cell.fraction)
        high = factor * _magnitude(cell, cell.upper, self.decimal) if cell.upper else low
        if cell.upper and not low <= high:
            return None
        if cell.bound == "<":
            return -math.inf, high
        return (low, math.inf) if cell.bound == ">" else (low, high)

    def _compound(self, text: str) -> float | None:
        return compound_in(without_aside(text)[0] if self.has_asides else text, self.unit)

    def _decimal_degrees(self, text: str) -> float | None:
        """Return an angle that is written as a decimal number, with or without a sign for degrees: 48.86, -2.5°."""
        degrees = NumberReading(self.decimal, unit="°").number(text.replace("º", "°"))
        return degrees if degrees is not None and abs(degrees) <= FULL else None

    def fits(self, cell: Cell) -> bool:
        """Whether a cell is written in this reading."""
        return (
            self.decimal in cell.decimals
            and not cell.is_padded
            and (not cell.currency or (bool(self.currency) and are_one_currency({cell.currency, self.currency})))
            and self._fits_word(cell)
            and (cell.scale in ("", self.out_of) or (self.has_fractions and int(cell.scale) > 0))
            and (self.has_asides or not cell.aside)
            and (self.has_fractions or not cell.has_fraction)
            and (self.has_negative_parentheses or not cell.in_parentheses)
            and (self.has_ranges or not cell.upper)
            and (self.has_bounds or cell.bound in ("", "~"))
            and not (cell.upper and (cell.is_negative or cell.bound in ("<", ">")))
        )

    def _fits_word(self, cell: Cell) -> bool:
        if not cell.word:
            return True
        word = cell.word
        if self.has_magnitudes and magnitude_of(word) is not None:
            return True
        if self.has_flags and cell.is_apart and (set(word) <= FLAGS or word in LAB_FLAGS):
            return True
        if self.negative:
            return self.negative in (sides_of(word) or ())
        if self.has_units and ratio(word, self.unit) is not None:
            return True
        return bool(self.unit) and same_unit(word, self.unit)

    def _denominator(self, cell: Cell) -> int:
        """Return the number behind a slash if the column has mixed fractions, else 1."""
        return int(cell.scale) if self.has_fractions and cell.scale and not cell.has_fraction else 1

    def _factor(self, cell: Cell) -> float:
        magnitude = magnitude_of(cell.word) if self.has_magnitudes and cell.word else None
        if self.has_units and cell.word:
            magnitude = ratio(cell.word, self.unit)
        is_debit = bool(self.negative) and side(cell.word) == self.negative
        return (-1.0 if cell.is_negative != is_debit else 1.0) * (magnitude or 1.0)

    def without_unit(self, text: str) -> str:
        """Return a string without the unit and the currency of the column.

        >>> NumberReading(unit="kg").without_unit("null kg"), NumberReading(currency="€").without_unit("€ -")
        ('null', '-')
        """
        for affix in filter(None, (self.unit, self.currency)):
            text = text.removeprefix(affix).removesuffix(affix)
        return text.strip(SPACES)

    def other_unit(self, text: str) -> str:
        """Return the unit of a number in another unit than the column's, an empty string if there is none."""
        cell = cell_in(text)
        if cell is None or self._fits_word(cell) or cell.word.strip("/.,:- ").isdigit():  # 1/12/2021
            return ""
        return cell.word

    def other_currency(self, text: str) -> str:
        """Return the currency of an amount in another currency than the column's, an empty string if there is none.

        >>> NumberReading(currency="$").other_currency("€5"), NumberReading(currency="$").other_currency("5 USD")
        ('€', '')
        """
        currency = cell.currency if (cell := cell_in(text)) is not None else ""
        return currency if self.currency and currency and not are_one_currency({currency, self.currency}) else ""

    @property
    def is_percent(self) -> bool:
        """Whether the numbers are numbers of percent or per mille."""
        return self.unit in PERCENTS

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-serializable dict of what differs from the defaults."""
        return {
            each.name: getattr(self, each.name) for each in fields(self) if getattr(self, each.name) != each.default
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> NumberReading:
        """Return the reading that ``to_json`` serialized."""
        return cls(**data)

    @property
    def required_kind(self) -> str:
        """The required kind of a column that is read this way.

        >>> NumberReading(unit="kg").required_kind
        'numeric {"unit": "kg"}'
        """
        return PREFIX + json.dumps(self.to_json(), ensure_ascii=False, sort_keys=True)

    @classmethod
    def of_required_kind(cls, required: str) -> NumberReading | None:
        """Return the reading in a required kind, None if it has none or is malformed."""
        if not required.startswith(PREFIX):
            return None
        try:
            return cls(**json.loads(required.removeprefix(PREFIX)))
        except (TypeError, ValueError):
            return None


def _magnitude(cell: Cell, digits: str, decimal: str) -> float:
    """Return the absolute value of a numeral with the exponent of its cell, rounded once."""
    return float(f"{plain(digits, decimal)}e{cell.exponent}")

"""Rules: what the caller requires of the columns of a table: their kinds, missing tokens, decimal sign, date order.

``read_table`` and ``table_from`` fill them in; ``kinds`` applies them to columns.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import field, replace
from typing import cast

from backpass.dataclass import dataclass
from backpass.errors import UsageError
from backpass.table.datetimes.counted import BY_REQUIRED_KIND, Counted
from backpass.table.datetimes.day_month import ORDERS, Order
from backpass.table.messages import listed, shown
from backpass.table.notation.boolean import BOOLEAN, ZERO_ONE
from backpass.table.notation.missing import Missing
from backpass.table.notation.number import PERCENT
from backpass.table.notation.reading import PREFIX, NumberReading
from backpass.table.table import KINDS, Kind

FREE_TEXT = "text"
"""Requires free text: strings that are sentences rather than categories."""

STORED_AS: dict[str, Kind] = {
    **dict.fromkeys(ORDERS, "date"),
    **{required: counted.kind for required, counted in BY_REQUIRED_KIND.items()},
    PERCENT: "numeric",
    ZERO_ONE: "numeric",
    BOOLEAN: "categorical",
    FREE_TEXT: "categorical",
}


def checked_order(date_order: str | None) -> Order | None:
    """Return the order of dates that the caller names.

    Raises:
        UsageError: The order is unknown.
    """
    if date_order is not None and date_order not in ORDERS:
        raise UsageError(f"--date-order must be one of {listed(ORDERS, shown)}; got {shown(date_order)}")
    return date_order


def check_name_lists(*required: str, **arguments: object) -> None:
    """Reject anything but a list of strings: the characters of a single string would be taken for the names.

    Args:
        required: The arguments that cannot be None.
        **arguments: The lists by their names.

    Raises:
        UsageError: An argument is a string, or no list, or an element is not a string.

    >>> check_name_lists("drop", drop=["town"], columns=None)
    """
    for argument, names in arguments.items():
        if names is None and argument in required:
            raise UsageError(f"{argument} takes a list of strings; got None", hint=f"{argument}=[] is an empty one")
        if isinstance(names, str):
            raise UsageError(
                f"{argument} takes a list of names; got the string {names!r}", hint=f"{argument}=[{names!r}]"
            )
        each = names if isinstance(names, Iterable) else [names]
        others = [name for name in each if not isinstance(name, str)] if isinstance(each, Collection) else []
        if names is not None and others:
            hint = "" if others[0] is None else f"{argument}=[{str(others[0])!r}]"
            raise UsageError(f"{argument} takes a list of strings; got {others[0]!r}", hint=hint)


@dataclass(frozen=True, slots=True)
class Rules:
    """What the caller requires of the columns of a table.

    Attributes:
        kinds: Required kind by column name; only these columns are converted. None infers the kinds.
        text: Columns to treat as categorical.
        free_text: Columns to treat as free text.
        before: Number of rows of the source above these, so that messages name the rows of the source.
        drop: Columns to leave out.
        missing: The missing tokens.
        detect_missing: Whether words such as ``-`` and ``#N/A`` are missing where everything else is a number or date.
        decimal: Decimal sign.
        fixed_decimal: Whether the caller names the decimal sign, so that no column may have another.
        date_order: Day-month order of dates that are not ISO 8601; None infers it.
        need: Columns that must exist.
        merge_spaces: Whether categories that differ only in spaces are merged; never if ``kinds`` is given.
        detect_dates: Whether dates and times in everyday notations are found among strings and numbers.
        merge_case: Whether categories that differ only in upper and lower case are merged; never if ``kinds`` is given.
        known_kinds: Required kind of some columns by name; the kinds of all others are inferred.

    Raises:
        UsageError: A kind is unknown, or a column is to be both categorical and free text.
    """

    kinds: Mapping[str, str] | None = None
    text: frozenset[str] = frozenset()
    drop: frozenset[str] = frozenset()
    missing: Missing = field(default_factory=lambda: Missing.of(()))
    detect_missing: bool = True
    decimal: str = "."
    fixed_decimal: bool = False
    date_order: Order | None = None
    need: frozenset[str] = frozenset()
    merge_spaces: bool = True
    detect_dates: bool = True
    merge_case: bool = False
    free_text: frozenset[str] = frozenset()
    before: int = 0
    known_kinds: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = (*KINDS, *STORED_AS)
        kinds = [*(self.kinds or {}).values(), *self.known_kinds.values()]
        wrong = [kind for kind in kinds if kind not in known and NumberReading.of_required_kind(kind) is None]
        if wrong:
            raise UsageError(f"a kind must be one of {listed((*KINDS, FREE_TEXT), shown)}; got {listed(wrong, shown)}")
        if both := sorted(self.text & self.free_text):
            raise UsageError(f"{listed(both, shown)} cannot be both categorical and free text", hint="name each once")

    @property
    def named(self) -> frozenset[str]:
        """Columns that the caller mentions by name."""
        return self.need | self.text | self.free_text | self.drop | frozenset(self.kinds or self.known_kinds)

    def of_column(self, name: str) -> Rules:
        """Return the rules of one column: if its kind is known, they require it."""
        return replace(self, kinds={name: self.known_kinds[name]}) if name in self.known_kinds else self

    def required(self, name: str) -> str | None:
        """Return the required kind of a column as the caller named it, or None."""
        return self.known_kinds.get(name) if self.kinds is None else self.kinds[name]

    def required_kind(self, name: str) -> Kind | None:
        """Return the kind that a column must have, or None."""
        if (kind := self.required(name)) is not None:
            return "numeric" if kind.startswith(PREFIX) else cast(Kind, STORED_AS.get(kind, kind))
        return "categorical" if name in self.text | self.free_text else None

    def declares_text(self, name: str) -> bool | None:
        """Whether the caller declares free text (True) or categories (False); None if neither."""
        if (kind := self.required(name)) is not None:
            return {FREE_TEXT: True, "categorical": False}.get(kind)
        return name in self.free_text if name in self.text | self.free_text else None

    def wants_boolean(self, name: str) -> bool:
        """Whether a column must hold booleans."""
        return self.required(name) == BOOLEAN

    def allows_truths(self, name: str) -> bool:
        """Whether a column must hold 0 and 1, so that booleans mean these numbers."""
        return self.required(name) == ZERO_ONE

    def reading_of(self, name: str) -> NumberReading | None:
        """Return the required reading of a column's numbers, or None."""
        kind = self.required(name)
        return None if kind is None else NumberReading.of_required_kind(kind)

    def sign_of(self, name: str) -> str:
        """Return the decimal sign with which a column's numbers are read."""
        return "," if self.has_comma(name) else self.decimal

    def has_comma(self, name: str) -> bool:
        """Whether a column must have decimal commas, unless the caller names the decimal sign."""
        reading = None if self.fixed_decimal else self.reading_of(name)
        return reading is not None and reading.decimal == ","

    @property
    def names_with_comma(self) -> frozenset[str]:
        """Names of the columns that must have decimal commas."""
        known = self.known_kinds if self.kinds is None else self.kinds
        return frozenset(name for name in known if self.has_comma(name))

    def counted_of(self, name: str) -> Counted | None:
        """Return the required notation of a column of numbers that are dates or times, or None."""
        kind = self.required(name)
        return None if kind is None else BY_REQUIRED_KIND.get(kind)

    def wants_percent(self, name: str) -> bool:
        """Whether a column must hold percentages."""
        return self.required(name) == PERCENT

    def expects_percent_sign(self, name: str) -> bool:
        """Whether a column must hold percentages, in any notation: 12%, or 12,5 % with a decimal comma."""
        reading = self.reading_of(name)
        return self.wants_percent(name) or (reading is not None and reading.is_percent)

    def expects_unit(self, name: str) -> bool:
        """Whether the numbers of a column must be percentages, or in a unit or another notation with words."""
        reading = self.reading_of(name)
        return self.expects_percent_sign(name) or (reading is not None and reading.has_unit)

    def order_of(self, name: str) -> Order | None:
        """Return the required day-month order of a column's dates, or None."""
        required = (self.kinds if self.kinds is not None else self.known_kinds).get(name)
        return required if required in ORDERS else self.date_order

    def wants(self, name: str) -> bool:
        """Whether a column is converted at all."""
        return name not in self.drop and (self.kinds is None or name in self.kinds)

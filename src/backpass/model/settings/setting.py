"""A setting: one name, its default, what values it takes, and what it means.

The declaration serves everyone: it checks a value, reads it from a command line, describes itself for messages and
help, and names values that break it for the tests.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite
from sys import float_info
from typing import Any

from backpass.errors import did_you_mean


class Constraint(ABC):
    """The values a setting takes."""

    @abstractmethod
    def describe(self) -> str:
        """The values in words, after "must be"."""

    @abstractmethod
    def accepts(self, value: Any) -> bool:
        """Whether a Python value is one of them."""

    @abstractmethod
    def read(self, text: str) -> Any:
        """The value written as text; ValueError when it cannot be one at all."""

    @abstractmethod
    def breaking(self) -> Sequence[Any]:
        """Values that are refused, for the tests."""

    def hint(self, value: Any) -> str:
        """What may have been meant."""
        return ""


@dataclass(frozen=True, slots=True)
class Number(Constraint):
    """A number between two bounds; ``whole`` numbers only, or any; a bound is part of the range unless it is open."""

    low: float = -inf
    high: float = inf
    whole: bool = False
    open_low: bool = False
    open_high: bool = False

    def describe(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        left = "(" if self.open_low or self.low == -inf else "["
        right = ")" if self.open_high or self.high == inf else "]"
        return f"{kind} in the range {left}{_shown(self.low)}, {_shown(self.high)}{right}"

    def accepts(self, value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, int if self.whole else (int, float)):
            return False
        above = value > self.low if self.open_low else value >= self.low
        below = value < self.high if self.open_high else value <= self.high
        # A whole number of hundreds of digits is no float64.
        return above and below and (self.whole or (abs(value) <= float_info.max and isfinite(value)))

    def read(self, text: str) -> Any:
        return int(text) if self.whole else float(text)

    def breaking(self) -> Sequence[Any]:
        low = [self.low if self.open_low else self.low - 1] if self.low > -inf else []
        high = [self.high if self.open_high else self.high + 1] if self.high < inf else []
        return [*low, *high, *([0.5] if self.whole else [float("nan"), inf, 10**400]), "many", True]


@dataclass(frozen=True, slots=True)
class Choice(Constraint):
    """One of some names."""

    names: tuple[str, ...]

    def describe(self) -> str:
        return f"one of {', '.join(self.names)}"

    def accepts(self, value: Any) -> bool:
        return isinstance(value, str) and value in self.names

    def read(self, text: str) -> Any:
        return text

    def breaking(self) -> Sequence[Any]:
        return ["no such name", 3]

    def hint(self, value: Any) -> str:
        near = did_you_mean(value, self.names) if isinstance(value, str) else ""
        return near if near.startswith("did") else ""


@dataclass(frozen=True, slots=True)
class Switch(Constraint):
    """Yes or no."""

    def describe(self) -> str:
        return "yes or no"

    def accepts(self, value: Any) -> bool:
        return isinstance(value, bool)

    def read(self, text: str) -> Any:
        return {"yes": True, "no": False}.get(text.strip().lower(), text)

    def breaking(self) -> Sequence[Any]:
        return [1, "yes", 0.5]


@dataclass(frozen=True, slots=True)
class Factors(Constraint):
    """A factor of at least 0 for some of the given names: name=factor."""

    names: tuple[str, ...]

    def describe(self) -> str:
        return f"a name of {', '.join(self.names)} and a factor from 0 up, such as {self.names[0]}=0.5"

    def accepts(self, value: Any) -> bool:
        return isinstance(value, tuple) and all(
            isinstance(pair, tuple)
            and len(pair) == 2
            and isinstance(pair[0], str)
            and pair[0] in self.names
            and Number(0).accepts(pair[1])
            for pair in value
        )

    def read(self, text: str) -> Any:
        name, equals, factor = text.partition("=")
        if not equals:
            raise ValueError(text)
        return (name.strip(), float(factor))

    def breaking(self) -> Sequence[Any]:
        name = self.names[0]
        return [((name, -1.0),), (("no such name", 1.0),), ((name, "1"),), ((name,),), (name,), name]

    def hint(self, value: Any) -> str:
        names = [pair[0] for pair in value if isinstance(pair, tuple) and pair] if isinstance(value, tuple) else []
        strange = next((name for name in names if isinstance(name, str) and name not in self.names), None)
        near = "" if strange is None else did_you_mean(strange, self.names)
        return near if near.startswith("did") else ""


@dataclass(frozen=True, slots=True)
class Widths(Constraint):
    """The units of the hidden layers: whole numbers from 1 up, such as 64,64; ``none`` for no hidden layer."""

    most: int = 1_000_000

    def describe(self) -> str:
        return f"'none' or whole numbers from 1 to {self.most} such as 64,64"

    def accepts(self, value: Any) -> bool:
        unit = Number(1, self.most, whole=True)
        return isinstance(value, tuple) and all(unit.accepts(width) for width in value)

    def read(self, text: str) -> Any:
        return () if text.strip() == "none" else tuple(int(part) for part in text.split(","))

    def breaking(self) -> Sequence[Any]:
        return [(0,), (64, -1), (64.5,), 64, "64"]


@dataclass(frozen=True, slots=True)
class Several(Constraint):
    """One or more numbers, such as 0.1,1."""

    each: Number

    def describe(self) -> str:
        return f"{self.each.describe()}, or several such as 0.1,1"

    def accepts(self, value: Any) -> bool:
        return isinstance(value, tuple) and len(value) > 0 and all(self.each.accepts(number) for number in value)

    def read(self, text: str) -> Any:
        return tuple(self.each.read(part) for part in text.split(","))

    def breaking(self) -> Sequence[Any]:
        return [(), 1.0, "1", *((value,) for value in self.each.breaking())]


@dataclass(frozen=True, slots=True)
class Wires(Constraint):
    """Named hidden units and the columns each is wired to: unit=column,column."""

    def describe(self) -> str:
        return "a name and columns such as family_size=size,bedrooms"

    def accepts(self, value: Any) -> bool:
        return isinstance(value, tuple) and all(
            isinstance(wire, tuple)
            and len(wire) == 2
            and _is_name(wire[0])
            and isinstance(wire[1], tuple)
            and len(wire[1]) > 0
            and all(_is_name(column) for column in wire[1])
            for wire in value
        )

    def read(self, text: str) -> Any:
        name, equals, columns = text.partition("=")
        if not equals:
            raise ValueError(text)
        return (name.strip(), tuple(column.strip() for column in columns.split(",")))

    def breaking(self) -> Sequence[Any]:
        return [(("unit", ()),), (("", ("size",)),), (("unit", "size"),), ((3, ("size",)),), ("unit",), "unit=size"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a fit."""

    name: str
    default: Any
    constraint: Constraint
    help: str
    group: str
    repeated: bool = False

    def fault(self, value: Any) -> str:
        """What is wrong with a value, in one line; nothing when it is fine."""
        if (value is None and self.default is None) or self.constraint.accepts(value):
            return ""
        hint = self.constraint.hint(value)
        return f"{self.name} must be {self.constraint.describe()}; got {value!r}{f' ({hint})' if hint else ''}"

    def read(self, text: str) -> Any:
        """The value written as text; the text itself when it cannot be one (``fault`` then says so)."""
        try:
            return self.constraint.read(text)
        except ValueError:
            return text


def _shown(bound: float) -> str:
    """A bound of a range; whole ones with all their digits."""
    return str(bound) if isinstance(bound, int) else f"{bound:g}"


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value != ""

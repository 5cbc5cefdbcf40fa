"""A constraint: the values that a setting accepts.

A constraint checks a value, parses it from the command line, describes itself for messages and help texts, and lists
values that violate it for the tests. ``settings`` declares the settings.
"""

from __future__ import annotations

import csv
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite
from sys import float_info
from typing import Any, ClassVar

from backpass.errors import did_you_mean
from backpass.network import CustomActivation


class Constraint(ABC):
    """The values that a setting accepts.

    Attributes:
        metavar: What stands for a value in the help of the command line.
    """

    metavar: ClassVar[str]

    @abstractmethod
    def describe(self) -> str:
        """The accepted values in words, to follow "must be"."""

    @abstractmethod
    def accepts(self, value: Any) -> bool:
        """Whether a Python value is accepted."""

    @abstractmethod
    def read(self, text: str) -> Any:
        """Parse a value from text.

        Raises:
            ValueError: The text cannot be parsed.
        """

    @abstractmethod
    def breaking(self) -> Sequence[Any]:
        """Values that violate the constraint, for the tests."""

    def hint(self, value: Any) -> str:
        """The most similar accepted value, as a suggestion; empty if there is none."""
        return ""


@dataclass(frozen=True, slots=True)
class Number(Constraint):
    """A number between two bounds.

    Attributes:
        low: The lower bound.
        high: The upper bound.
        whole: Whether only whole numbers are accepted.
        open_low: Whether the lower bound is excluded.
        open_high: Whether the upper bound is excluded.
    """

    metavar = "NUMBER"

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
        # A whole number with hundreds of digits exceeds float64.
        return above and below and (self.whole or (abs(value) <= float_info.max and isfinite(value)))

    def read(self, text: str) -> Any:
        return int(text) if self.whole else float(text)

    def breaking(self) -> Sequence[Any]:
        low = [self.low if self.open_low else self.low - 1] if self.low > -inf else []
        high = [self.high if self.open_high else self.high + 1] if self.high < inf else []
        return [*low, *high, *([0.5] if self.whole else [float("nan"), inf, 10**400]), "many", True]


@dataclass(frozen=True, slots=True)
class Choice(Constraint):
    """One of several names."""

    metavar = "NAME"

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
class Function(Choice):
    """One of several names or, from Python, an activation made from a function of the operations."""

    def accepts(self, value: Any) -> bool:
        return isinstance(value, CustomActivation) or super(Function, self).accepts(value)


@dataclass(frozen=True, slots=True)
class ColumnName(Constraint):
    """The name of a column."""

    metavar = "COLUMN"

    def describe(self) -> str:
        return "the name of a column"

    def accepts(self, value: Any) -> bool:
        return _is_name(value)

    def read(self, text: str) -> Any:
        return text

    def breaking(self) -> Sequence[Any]:
        return ["", 3, ("id",)]


@dataclass(frozen=True, slots=True)
class Switch(Constraint):
    """Yes or no."""

    metavar = "YES|NO"

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
    """Nonnegative factors for some of the given names: name=factor."""

    metavar = "GROUP=FACTOR"

    names: tuple[str, ...]

    def describe(self) -> str:
        return f"a name of {', '.join(self.names)} and a factor of at least 0, such as {self.names[0]}=0.5"

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
        unknown = next((name for name in names if isinstance(name, str) and name not in self.names), None)
        near = "" if unknown is None else did_you_mean(unknown, self.names)
        return near if near.startswith("did") else ""


@dataclass(frozen=True, slots=True)
class NumberOrName(Constraint):
    """A number, or one of several names.

    Attributes:
        number: The accepted numbers.
        names: The accepted names.
    """

    metavar = "NUMBER|NAME"

    number: Number
    names: tuple[str, ...]

    def describe(self) -> str:
        return f"{self.number.describe()}, or one of {', '.join(self.names)}"

    def accepts(self, value: Any) -> bool:
        return self.number.accepts(value) or Choice(self.names).accepts(value)

    def read(self, text: str) -> Any:
        return text if text in self.names else self.number.read(text)

    def breaking(self) -> Sequence[Any]:
        return self.number.breaking()

    def hint(self, value: Any) -> str:
        return Choice(self.names).hint(value)


@dataclass(frozen=True, slots=True)
class ClassName(Constraint):
    """A class of the target, by its text or, for numbers and booleans, by its value."""

    metavar = "CLASS"

    def describe(self) -> str:
        return "a class of the target"

    def accepts(self, value: Any) -> bool:
        return (isinstance(value, str) and value != "") or isinstance(value, bool) or Number().accepts(value)

    def read(self, text: str) -> Any:
        return text

    def breaking(self) -> Sequence[Any]:
        return ["", float("nan"), ("yes",)]


@dataclass(frozen=True, slots=True)
class Amounts(Constraint):
    """Positive numbers by name: name=number,name=number. A pair with a comma in its name stands in double quotes.

    Attributes:
        names: The names, each of which needs a number; empty for any classes.
        words: Words that are accepted instead.
    """

    metavar = "NAME=NUMBER"

    names: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    def describe(self) -> str:
        example = ",".join(f"{name}={number}" for name, number in zip(self.names or ("a", "b"), (1, 5), strict=False))
        what = (
            f"{' and '.join(self.names)}, each with a number above 0" if self.names else "classes with numbers above 0"
        )
        return f"{''.join(f'{word}, or ' for word in self.words)}{what} with a number above 0 each, such as {example}"

    def accepts(self, value: Any) -> bool:
        if isinstance(value, str):
            return value in self.words
        if not isinstance(value, tuple) or not value or not all(map(self._is_pair, value)):
            return False
        given = [name for name, _ in value]
        return len(set(given)) == len(given) and (not self.names or {*given} == {*self.names})

    @staticmethod
    def _is_pair(pair: Any) -> bool:
        is_pair = isinstance(pair, tuple) and len(pair) == 2
        return is_pair and ClassName().accepts(pair[0]) and Number(0, open_low=True).accepts(pair[1])

    def read(self, text: str) -> Any:
        if text in self.words:
            return text
        pairs = [item.rpartition("=") for item in next(csv.reader([text], skipinitialspace=True))]
        return tuple((name.strip(), float(number)) for name, _, number in pairs)

    def breaking(self) -> Sequence[Any]:
        first, second = self.names or ("a", "b")
        return [(), ((first, 0.0), (second, 1.0)), ((first, 1.0), (first, 2.0)), ((first, "1"),), first, 3.0]


def amount_texts(value: Sequence[Sequence[Any]]) -> list[str]:
    """The pairs of an ``Amounts`` value as ``read`` takes them, to be joined by commas.

    >>> amount_texts([("a", 1.0), ("b,c", 5.0)])
    ['a=1', '"b,c=5"']
    """
    texts = [f"{name}={number:.17g}" for name, number in value]
    return ['"' + text.replace('"', '""') + '"' if "," in text or '"' in text else text for text in texts]


@dataclass(frozen=True, slots=True)
class Widths(Constraint):
    """The widths of the hidden layers: positive whole numbers such as 64,64; ``none`` for no hidden layer."""

    metavar = "UNITS"

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

    metavar = "NUMBERS"

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
    """Named hidden units, each with the columns it reads: unit=column,column."""

    metavar = "UNIT=COLUMNS"

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


def _shown(bound: float) -> str:
    """A bound of a range, as text; a whole number keeps all its digits."""
    return str(bound) if isinstance(bound, int) else f"{bound:g}"


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value != ""

"""Constraints on tuples: the values of settings that hold several numbers, names or pairs."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from typing import Any

from backpass.dataclass import dataclass
from backpass.errors import did_you_mean
from backpass.model.settings.constraint import ClassName, ColumnName, Constraint, Number, literal


@dataclass(frozen=True, slots=True)
class Factors(Constraint):
    """Nonnegative factors for some of the given names: name=factor."""

    metavar = "GROUP=FACTOR"

    names: Sequence[str]

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

    @property
    def annotation(self) -> str:
        return "Sequence[tuple[str, float]]"

    def hint(self, value: Any) -> str:
        names = [pair[0] for pair in value if isinstance(pair, tuple) and pair] if isinstance(value, tuple) else []
        unknown = next((name for name in names if isinstance(name, str) and name not in self.names), None)
        near = "" if unknown is None else did_you_mean(unknown, self.names)
        return near if near.startswith("did") else ""


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
        what = " and ".join(self.names) if self.names else "classes"
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

    @property
    def annotation(self) -> str:
        name = "str" if self.names else "Any"
        words = f"{literal(self.words)} | " if self.words else ""
        return f"{words}Mapping[{name}, float] | Sequence[tuple[{name}, float]]"


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
        return f"'none' or whole numbers from 1 to {self.most:,}, such as 64,64"

    def accepts(self, value: Any) -> bool:
        unit = Number(1, self.most, whole=True)
        return isinstance(value, tuple) and all(unit.accepts(width) for width in value)

    def normal(self, value: Any) -> Any:
        return () if isinstance(value, str) and value == "none" else _as_tuple(value)

    def read(self, text: str) -> Any:
        return () if text.strip() == "none" else tuple(int(part) for part in text.split(","))

    def breaking(self) -> Sequence[Any]:
        return [(0,), (64, -1), (64.5,), True, "64"]

    @property
    def annotation(self) -> str:
        return 'int | Sequence[int] | Literal["none"]'


@dataclass(frozen=True, slots=True)
class Several(Constraint):
    """One or more numbers, such as 0.1,1."""

    metavar = "NUMBERS"

    each: Number

    def describe(self) -> str:
        return f"{self.each.describe()}, or several such as 0.1,1"

    def accepts(self, value: Any) -> bool:
        return isinstance(value, tuple) and len(value) > 0 and all(self.each.accepts(number) for number in value)

    def normal(self, value: Any) -> Any:
        return _as_tuple(value)

    def read(self, text: str) -> Any:
        return tuple(self.each.read(part) for part in text.split(","))

    def breaking(self) -> Sequence[Any]:
        return [(), True, "1", *((value,) for value in self.each.breaking())]

    @property
    def annotation(self) -> str:
        return f"{self.each.annotation} | Sequence[{self.each.annotation}]"


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
            and ColumnName().accepts(wire[0])
            and isinstance(wire[1], tuple)
            and len(wire[1]) > 0
            and all(ColumnName().accepts(column) for column in wire[1])
            for wire in value
        )

    def read(self, text: str) -> Any:
        name, equals, columns = text.partition("=")
        if not equals:
            raise ValueError(text)
        return (name.strip(), tuple(column.strip() for column in columns.split(",")))

    def breaking(self) -> Sequence[Any]:
        return [(("unit", ()),), (("", ("size",)),), (("unit", "size"),), ((3, ("size",)),), ("unit",), "unit=size"]

    @property
    def annotation(self) -> str:
        return "Sequence[tuple[str, Sequence[str]]]"


def _as_tuple(value: Any) -> Any:
    """A lone number as a tuple of one."""
    return (value,) if isinstance(value, int | float) and not isinstance(value, bool) else value

"""A constraint: the values that a setting accepts.

A constraint checks a value, parses it from the command line, describes itself for messages and help texts, and lists
values that violate it for the tests. ``declarations`` declares the settings.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from math import inf, isfinite
from sys import float_info
from typing import Any, ClassVar

from backpass.dataclass import dataclass
from backpass.errors import did_you_mean, numbers_between


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

    @property
    @abstractmethod
    def annotation(self) -> str:
        """The type of the accepted Python values, as source text for signatures."""

    def normal(self, value: Any) -> Any:
        """The value, or the tuple that a lone value stands for."""
        return value

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
        return numbers_between(self.low, self.high, whole=self.whole, open_low=self.open_low, open_high=self.open_high)

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

    @property
    def annotation(self) -> str:
        return "int" if self.whole else "float"


@dataclass(frozen=True, slots=True)
class PowerOfTwo(Constraint):
    """A power of two.

    Attributes:
        high: The largest one.
    """

    metavar = "NUMBER"

    high: int

    def describe(self) -> str:
        return f"a power of two from 1 to {self.high}"

    def accepts(self, value: Any) -> bool:
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        return is_whole and 1 <= value <= self.high and value & (value - 1) == 0

    def read(self, text: str) -> Any:
        return int(text)

    def breaking(self) -> Sequence[Any]:
        return [0, 3, 2 * self.high, 2.0, "many", True]

    @property
    def annotation(self) -> str:
        return "int"


@dataclass(frozen=True, slots=True)
class Choice(Constraint):
    """One of several names."""

    metavar = "NAME"

    names: Sequence[str]

    def describe(self) -> str:
        return f"one of {', '.join(self.names)}"

    def accepts(self, value: Any) -> bool:
        return isinstance(value, str) and value in self.names

    def read(self, text: str) -> Any:
        return text

    def breaking(self) -> Sequence[Any]:
        return ["no such name", 3]

    @property
    def annotation(self) -> str:
        return literal(self.names)

    def hint(self, value: Any) -> str:
        near = did_you_mean(value, self.names) if isinstance(value, str) else ""
        return near if near.startswith("did") else ""


@dataclass(frozen=True, slots=True)
class Function(Choice):
    """One of several names or, from Python, an activation made from a function of the operations."""

    @property
    def annotation(self) -> str:
        return f"{literal(self.names)} | Callable[[Array], Array]"

    def accepts(self, value: Any) -> bool:
        from backpass.network import CustomActivation  # here: most commands need no network

        return super(Function, self).accepts(value) or isinstance(value, CustomActivation)  # noqa: UP008  slots make a new class


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

    @property
    def annotation(self) -> str:
        return "str"


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

    @property
    def annotation(self) -> str:
        return "bool"


@dataclass(frozen=True, slots=True)
class NumberOrName(Constraint):
    """A number, or one of several names.

    Attributes:
        number: The accepted numbers.
        names: The accepted names.
    """

    metavar = "NUMBER|NAME"

    number: Number
    names: Sequence[str]

    def describe(self) -> str:
        return f"{self.number.describe()}, or one of {', '.join(self.names)}"

    def accepts(self, value: Any) -> bool:
        return self.number.accepts(value) or Choice(self.names).accepts(value)

    def read(self, text: str) -> Any:
        return text if text in self.names else self.number.read(text)

    def breaking(self) -> Sequence[Any]:
        return self.number.breaking()

    @property
    def annotation(self) -> str:
        return f"{self.number.annotation} | {literal(self.names)}"

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

    @property
    def annotation(self) -> str:
        return "str | float"


def literal(names: Sequence[str]) -> str:
    """The type of the names.

    >>> literal(("yes", "no"))
    'Literal["yes", "no"]'
    """
    listed = ", ".join(f'"{name}"' for name in names)
    return f"Literal[{listed}]"


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value != ""

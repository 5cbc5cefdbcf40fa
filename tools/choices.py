"""Choices: decisions that the bytes of a fuzzer make, one after another; when they run out, the first of each.

A byte string comes in; whole numbers, items of a list and floats go out, so that equal bytes build equal things.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class Choices:
    """Reads ``data`` from its start; ``at`` moves."""

    data: bytes
    at: int = 0

    def below(self, count: int) -> int:
        """A whole number from 0 to count - 1, for a count up to 256."""
        value = self.data[self.at] if self.at < len(self.data) else 0
        self.at += 1
        return value % count

    def one_of(self, items: Sequence[T]) -> T:
        """An item of a sequence."""
        return items[self.below(len(items))]

    def yes(self) -> bool:
        """One bit."""
        return self.below(2) == 1

    def number(self) -> float:
        """A float between -4 and 4, in steps of 1/4096."""
        return (256 * self.below(256) + self.below(256)) / 4096.0 - 4.0 if self.at < len(self.data) else 0.0

    @property
    def are_over(self) -> bool:
        """Whether every byte has been read."""
        return self.at >= len(self.data)

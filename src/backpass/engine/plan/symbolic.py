"""The unknowns: what free lengths are while terms are made and contracted, and how they get their values afterwards.

Which terms are equal, which are contracted and in which order a sum runs must be the same for one row and for many. So
none of that is decided with the number of rows at hand: every free length is a number far larger than any that a
circuit names. Lengths, offsets and strides are then polynomials in it, whose coefficients are its digits. In the end
``parts`` puts the real length in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from math import prod
from typing import Any

from backpass.circuit.spec import Shape
from backpass.engine.plan.graph import Term, View
from backpass.engine.plan.limits import Unplannable
from backpass.engine.plan.strides import Lengths

_DIGIT_BITS = 48
"""Coefficients are below 2^47 in size."""
_LEAST_POWERS = 4
"""Of one free length, from the power 0 on; more where a circuit has more axes."""


class SymbolicLengths:
    """Free lengths, by name, and the values they will have.

    shapes: all that occur in the circuit; they bound powers and coefficients of every length, offset and stride

    Errors: Unplannable where a coefficient may be too large; no memory holds such an array.

    >>> unknowns = SymbolicLengths({"n": 1})
    >>> n = unknowns.lengths["n"]
    >>> unknowns.value(3 * n * n - 2 * n + 5), n == 1
    (6, False)
    """

    def __init__(self, lengths: Mapping[str, int], shapes: Iterable[Shape] = ()) -> None:
        rank = 0
        for shape in shapes:
            rank = max(rank, len(shape))
            if prod(length for length in shape if isinstance(length, int)) >> (_DIGIT_BITS - 2):
                raise Unplannable(f"an array of shape {shape}")
        powers = max(_LEAST_POWERS, rank + 1)
        self.lengths = {name: 1 << _DIGIT_BITS * powers**i for i, name in enumerate(lengths)}
        self._values = [(self.lengths[name], length) for name, length in lengths.items()][::-1]

    def with_value(self, name: str, length: int) -> SymbolicLengths:
        """The same unknowns, one of them with another value."""
        others = copy(self)
        unknown = self.lengths[name]
        others._values = [(one, length if one == unknown else value) for one, value in self._values]
        return others

    def value(self, number: int) -> int:
        """The number with the lengths in place of the unknowns."""
        return _value(number, self._values)

    def values(self, numbers: Lengths) -> Lengths:
        return tuple(self.value(number) for number in numbers)

    def view(self, view: View, term: Term) -> View:
        """The view with the lengths in place, of a term that has them."""
        return View(term, self.value(view.offset), self.values(view.shape), self.values(view.strides))

    def param(self, value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(self.param(part) for part in value)
        return self.value(value) if type(value) is int else value


def _value(number: int, values: Sequence[tuple[int, int]]) -> int:
    """``values``: unknowns and their lengths, the largest first."""
    if not values or 2 * abs(number) < values[-1][0]:
        return number
    (unknown, length), *others = values
    half, found, power = unknown // 2, 0, 1
    while number:
        digit = (number + half) % unknown - half
        found += power * _value(digit, others)
        number, power = (number - digit) // unknown, power * length
    return found

"""Symbolic lengths: placeholders for free lengths during lowering and peephole fusion, replaced by values later.

Which terms are equal, which are fused, and in which order a sum runs must not depend on the number of rows. Therefore
these passes do not see it: every free length is represented by an integer far larger than any length in a circuit.
Lengths, offsets and strides are then polynomials in that integer, and their coefficients are its digits. ``sharding``
inserts the actual lengths.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from math import prod
from typing import Any

from backpass.circuit.spec import Shape
from backpass.engine.plan.limits import Unplannable
from backpass.engine.plan.strides import Lengths
from backpass.engine.plan.term import Term, View

_DIGIT_BITS = 48
"""Bits per digit: coefficients are below 2^47 in absolute value."""
_LEAST_POWERS = 4
"""Minimum number of powers per free length, from the power 0; circuits with more axes use more."""


class SymbolicLengths:
    """Free lengths by name, and their values.

    Args:
        lengths: The values.
        shapes: All shapes in the circuit; they bound the powers and coefficients of every length, offset and stride.

    Raises:
        Unplannable: If a coefficient may be too large; such an array does not fit into any memory.

    >>> symbols = SymbolicLengths({"n": 1})
    >>> n = symbols.lengths["n"]
    >>> symbols.value(3 * n * n - 2 * n + 5), n == 1
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
        """A copy in which one symbol has another value."""
        changed = copy(self)
        symbol = self.lengths[name]
        changed._values = [(one, length if one == symbol else value) for one, value in self._values]
        return changed

    def value(self, number: int) -> int:
        """Evaluate a number by replacing symbols with their values."""
        return _value(number, self._values)

    def values(self, numbers: Lengths) -> Lengths:
        values = self._values
        if not values:
            return numbers
        half = values[-1][0] // 2  # a number below it has no symbol in it
        return tuple([number if -half < number < half else _value(number, values) for number in numbers])

    def view(self, view: View, term: Term) -> View:
        """Evaluate a view; ``term`` is its term with values in place of symbols."""
        return View(term, self.value(view.offset), self.values(view.shape), self.values(view.strides))

    def param(self, value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(self.param(item) for item in value)
        return self.value(value) if type(value) is int else value


def _value(number: int, values: Sequence[tuple[int, int]]) -> int:
    """Evaluate a number.

    Args:
        number: A polynomial in the symbols.
        values: The symbols and their values, the largest symbol first.
    """
    if not values or 2 * abs(number) < values[-1][0]:
        return number
    (symbol, length), *others = values
    half, total, power = symbol // 2, 0, 1
    while number:
        digit = (number + half) % symbol - half
        total += power * _value(digit, others)
        number, power = (number - digit) // symbol, power * length
    return total

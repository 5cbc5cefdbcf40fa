"""Primitive: the interface of an operation as nodes, traced values and drawings use it.

Operations are declared in ``operation``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from backpass.circuit.spec import Spec

Array: TypeAlias = Any
"""A NumPy array or a traced value: what the operations take and return."""

Pullback: TypeAlias = Callable[..., Array]
ShapeRule: TypeAlias = Callable[..., Spec]
Count: TypeAlias = Callable[[Sequence[Spec], Spec, Mapping[str, int]], int]

RowRule: TypeAlias = Callable[[Mapping[str, Any], Sequence[Spec], Spec, str], bool]
"""(params, inputs, output, length) -> whether row i of the output depends only on row i of the inputs that have rows.

Rows are the elements along the free length of that name; the output has exactly one such axis. See ``row_rules``.
"""


class Primitive(ABC):
    """A named function of arrays with a shape rule and pullbacks.

    Attributes:
        name: The name, as circuits print it.
        forward: The function on NumPy arrays.
        shape: The shape rule: the specs of the arguments -> the spec of the output.
        pullbacks: One per argument; None where there is no derivative.
        count: The size in scalar operations, the N of Theorem 3.1.
        rows: Whether it processes each row by itself.
        variadic: Whether it takes any number of arguments.
        arguments: The names of the arguments.
        is_elementwise: Whether element i of the output depends only on element i of the broadcast arguments.
        is_view: Whether the output holds the same numbers under another shape or name.
        is_arithmetic: Whether it counts as floating-point work.
        is_comparison: Whether it compares two arguments, in their common dtype.
        own_dtype: The positions of the arguments whose dtype does not affect that of the output: conditions, indices
            and random bits.
    """

    name: str
    forward: Callable[..., Array]
    shape: ShapeRule
    pullbacks: tuple[Pullback | None, ...]
    count: Count
    rows: RowRule
    variadic: bool
    arguments: tuple[str, ...]
    is_elementwise: bool
    is_view: bool
    is_arithmetic: bool
    is_comparison: bool
    own_dtype: frozenset[int]

    @abstractmethod
    def __call__(self, *arguments: Any, **params: Any) -> Array:
        """Compute on NumPy arrays; record a node on traced values."""

    @abstractmethod
    def pullback(
        self, position: int, dz: Array, z: Array, arguments: Sequence[Array], params: Mapping[str, Any]
    ) -> Array:
        """The gradient with respect to the argument at ``position``; None if the operation has none there."""

    @abstractmethod
    def is_differentiable_by(self, position: int) -> bool:
        """Whether the operation has a derivative with respect to the argument at ``position``."""

"""Graph of a plan: terms (values to compute), views of terms, and a graph that creates each term only once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.engine.plan.strides import Lengths, merged, packed_strides

WHOLE = -1
"""The shard number of terms that cover all rows."""


@dataclass(slots=True, eq=False)
class Term:
    """A value to compute.

    Attributes:
        number: The index in the graph.
        kind: "input", "constant", "map" (one elementwise operation), "product", "sum", "max", "take", "scatter_add",
            "random_bits", "pack" or "assemble" (pieces that are written to their places).
        name: The operation; for a map with its dtype, such as "add.float32".
        arguments: The views that it reads.
        params: Other parameters.
        shape: The shape.
        dtype: The dtype.
        label: The scope in the circuit.
        part: The shard of the rows that it belongs to (see ``sharding``), or WHOLE.
        after: Terms that must be computed before this one although it does not read them.
    """

    number: int
    kind: str
    name: str
    arguments: tuple[View, ...]
    params: Mapping[str, Any]
    shape: Lengths
    dtype: numpy.dtype[Any]
    label: str
    part: int = WHOLE
    after: list[Term] = field(default_factory=list)

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def whole(self) -> View:
        return View(self, 0, self.shape, packed_strides(self.shape))

    @property
    def is_computed(self) -> bool:
        """Whether an instruction writes it."""
        return self.kind not in ("input", "constant", "assemble")

    @property
    def needs(self) -> list[Term]:
        return [*(view.term for view in self.arguments), *self.after]


@dataclass(frozen=True, slots=True)
class View:
    """Elements of a term.

    Attributes:
        term: The term.
        offset: The offset of the first element in the packed term, in elements.
        shape: The shape of the view.
        strides: The strides in the packed term, in elements.
    """

    term: Term
    offset: int
    shape: Lengths
    strides: Lengths

    @property
    def key(self) -> tuple[object, ...]:
        """A key that is equal for views of the same elements in the same arrangement."""
        return (self.term.number, self.offset, self.shape, self.strides)

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def is_packed(self) -> bool:
        """Whether the elements are contiguous in row-major order (axes of length 1 may have any stride)."""
        return all(
            length == 1 or stride == packed
            for length, stride, packed in zip(self.shape, self.strides, packed_strides(self.shape), strict=True)
        )

    @property
    def is_whole(self) -> bool:
        """Whether it is the whole term, in order, possibly under another shape."""
        return self.offset == 0 and self.is_packed and self.size == self.term.size

    def transposed(self, axes: Sequence[int]) -> View:
        return View(self.term, self.offset, tuple(self.shape[i] for i in axes), tuple(self.strides[i] for i in axes))

    def sliced(self, ranges: Sequence[tuple[int, int, int] | None]) -> View:
        offset, shape, strides = self.offset, [], []
        for taken, length, stride in zip(ranges, self.shape, self.strides, strict=True):
            start, stop, step = taken or (0, length, 1)
            count = max(0, -((start - stop) // step))  # not len(range(...)), which a symbolic length may overflow
            offset += start * stride if count else 0
            shape.append(count)
            strides.append(step * stride)
        return View(self.term, offset, tuple(shape), tuple(strides))

    def stretched(self, shape: Lengths) -> View:
        """The view broadcast to a shape."""
        extra = len(shape) - len(self.shape)
        strides = [0] * extra + [
            0 if mine == 1 and length != 1 else stride
            for mine, stride, length in zip(self.shape, self.strides, shape[extra:], strict=True)
        ]
        return View(self.term, self.offset, shape, tuple(strides))

    def squeezed(self) -> View:
        """The view without its axes of length 1."""
        kept = [i for i, length in enumerate(self.shape) if length != 1]
        return View(self.term, self.offset, tuple(self.shape[i] for i in kept), tuple(self.strides[i] for i in kept))

    def reshaped(self, shape: Lengths) -> View | None:
        """The same elements in row-major order under another shape; None if strides cannot express it."""
        if self.size == 0:
            return View(self.term, self.offset, shape, packed_strides(shape))
        runs = merged(self.shape, (self.strides,))
        strides: list[int] = []
        i, left = 0, runs[0][0] if runs else 1
        for length in shape:
            while length != 1 and left == 1 and i + 1 < len(runs):
                i, left = i + 1, runs[i + 1][0]
            if length == 1:
                strides.append(0)
                continue
            if left % length:
                return None
            left //= length
            strides.append(left * runs[i][1][0])
        return View(self.term, self.offset, shape, tuple(strides))


class Graph:
    """Terms in topological order. Terms are only appended."""

    def __init__(self) -> None:
        self.terms: list[Term] = []
        self.label = ""
        self._known: dict[tuple[Any, ...], Term] = {}

    def add(
        self,
        kind: str,
        name: str,
        arguments: tuple[View, ...],
        shape: Lengths,
        dtype: numpy.dtype[Any],
        **params: Any,
    ) -> Term:
        """The term that computes this: an existing one if there is an equal one, else a new one."""
        key = (kind, name, tuple(a.key for a in arguments), shape, dtype.str, tuple(sorted(params.items())))
        if key not in self._known:
            self._known[key] = self.append(kind, name, arguments, shape, dtype, params)
        return self._known[key]

    def append(
        self,
        kind: str,
        name: str,
        arguments: tuple[View, ...],
        shape: Lengths,
        dtype: numpy.dtype[Any],
        params: Mapping[str, Any],
        part: int = WHOLE,
    ) -> Term:
        term = Term(len(self.terms), kind, name, arguments, params, shape, dtype, self.label, part)
        self.terms.append(term)
        return term

    def constant(self, value: NDArray[Any]) -> View:
        key = ("constant", value.dtype.str, value.shape, value.tobytes())
        if key not in self._known:
            self._known[key] = self.append("constant", "constant", (), value.shape, value.dtype, {"value": value})
        return self._known[key].whole

    def map(self, name: str, dtype: numpy.dtype[Any], shape: Lengths, *arguments: View) -> View:
        """One elementwise operation. It does not iterate over axes of length 1; the result has them again."""
        stretched = tuple(argument.stretched(shape).squeezed() for argument in arguments)
        term = self.add("map", name, stretched, tuple(n for n in shape if n != 1), dtype)
        view = term.whole.reshaped(shape)
        assert view is not None  # a packed view takes any shape
        return view

    def packed(self, view: View) -> View:
        """The view itself if its elements are contiguous in row-major order, else a packed copy."""
        return view if view.is_packed else self.map(f"copy.{view.term.dtype.name}", view.term.dtype, view.shape, view)

    def reshaped(self, view: View, shape: Lengths) -> View:
        found = view.reshaped(shape) or self.packed(view).reshaped(shape)
        assert found is not None
        return found

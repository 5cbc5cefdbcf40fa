"""Graph builder: makes the terms of a graph, each only once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.engine.plan.strides import Lengths
from backpass.engine.plan.term import WHOLE, Term, TermKind, View


class GraphBuilder:
    """Makes terms; their numbers follow the order in which they are made.

    Args:
        first: The number of the first term.

    Attributes:
        label: The scope in the circuit of the terms that are made next.
    """

    def __init__(self, first: int = 0) -> None:
        self.label = ""
        self._next = first
        self._known: dict[tuple[Any, ...], Term] = {}

    def add(
        self,
        kind: TermKind,
        name: str,
        arguments: tuple[View, ...],
        shape: Lengths,
        dtype: numpy.dtype[Any],
        **params: Any,
    ) -> Term:
        """The term that computes this: an existing one if there is an equal one, else a new one."""
        key = (kind, name, tuple([a.key for a in arguments]), shape, dtype.str, tuple(sorted(params.items())))
        if key not in self._known:
            self._known[key] = self.append(kind, name, arguments, shape, dtype, params)
        return self._known[key]

    def append(
        self,
        kind: TermKind,
        name: str,
        arguments: tuple[View, ...],
        shape: Lengths,
        dtype: numpy.dtype[Any],
        params: Mapping[str, Any],
        shard: int = WHOLE,
    ) -> Term:
        term = Term(self._next, kind, name, arguments, params, shape, dtype, self.label, shard)
        self._next += 1
        return term

    def constant(self, value: NDArray[Any]) -> View:
        key = (TermKind.CONSTANT, value.dtype.str, value.shape, value.tobytes())
        if key not in self._known:
            self._known[key] = self.append(
                TermKind.CONSTANT, "constant", (), value.shape, value.dtype, {"value": value}
            )
        return self._known[key].whole

    def map(self, name: str, dtype: numpy.dtype[Any], shape: Lengths, *arguments: View) -> View:
        """One elementwise operation. It does not iterate over axes of length 1; the result has them again."""
        stretched = tuple([argument.stretched(shape).squeezed() for argument in arguments])
        term = self.add(TermKind.MAP, name, stretched, tuple([n for n in shape if n != 1]), dtype)
        return reshaped(term.whole, shape)

    def copy(self, view: View, shard: int = WHOLE) -> Term:
        """A packed copy of a view, without its axes of length 1."""
        squeezed, dtype = view.squeezed(), view.term.dtype
        return self.append(TermKind.MAP, f"copy.{dtype.name}", (squeezed,), squeezed.shape, dtype, {}, shard)

    def packed(self, view: View) -> View:
        """The view itself if its elements are contiguous in row-major order, else a packed copy."""
        return view if view.is_packed else self.map(f"copy.{view.term.dtype.name}", view.term.dtype, view.shape, view)

    def reshaped(self, view: View, shape: Lengths) -> View:
        """The elements under another shape, copied if strides cannot express it."""
        return view.reshaped(shape) or reshaped(self.packed(view), shape)


def reshaped(view: View, shape: Lengths) -> View:
    """A packed view under another shape of the same size, which it can always take."""
    found = view.reshaped(shape)
    assert found is not None, "a packed view takes any shape"
    return found

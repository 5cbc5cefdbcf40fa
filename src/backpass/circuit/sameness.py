"""Sameness: which circuits compute the same, so that work done for one of them serves the others.

Two traces of one function record equal operations in two circuits. ``first_alike`` returns the same circuit for both.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache
from typing import Any

import numpy

from backpass.circuit.circuit import Circuit

_KEPT = 64


def first_alike(circuit: Circuit) -> Circuit:
    """The first circuit of this process with the same name, inputs, operations, labels and outputs.

    The most recently used circuits are kept. The source lines that recorded the operations, the names of
    intermediate values and the structure of the outputs may differ.

    >>> from backpass.circuit import trace
    >>> double, again, triple = (trace(lambda x, k=k: k * x, [("n",)]) for k in (2.0, 2.0, 3.0))
    >>> first_alike(double) is first_alike(again), first_alike(double) is first_alike(triple)
    (True, False)
    """
    return _of_circuit(circuit)


class _Alike:
    """A circuit, equal to every other that computes the same."""

    __slots__ = ("_key", "circuit")

    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit
        self._key = _key_of(circuit)

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Alike) and self._key == other._key


@lru_cache(maxsize=_KEPT)
def _of_circuit(circuit: Circuit) -> Circuit:
    return _first(_Alike(circuit))


@lru_cache(maxsize=_KEPT)
def _first(alike: _Alike) -> Circuit:
    return alike.circuit


def _key_of(circuit: Circuit) -> Hashable:
    nodes = tuple(
        (node.operation, node.inputs, _params_of(node.params), node.spec, node.label) for node in circuit.nodes
    )
    return circuit.name, circuit.input_names, circuit.outputs, nodes


def _params_of(params: Any) -> Hashable:
    return tuple((name, _exact(params[name])) for name in sorted(params))


def _exact(value: Any) -> Hashable:
    """A value that is equal only if type and bits are: 0.0 equals -0.0, 1 and True are equal, NaN is not."""
    if isinstance(value, numpy.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, tuple):
        return tuple(_exact(part) for part in value)
    if isinstance(value, float):
        return float, value.hex()
    return type(value), value

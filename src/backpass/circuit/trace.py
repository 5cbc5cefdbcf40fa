"""Tracing: runs a Python function of arrays once on stand-ins and records a circuit."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy

from backpass.circuit.circuit import Circuit, as_leaf, build_circuit
from backpass.circuit.node import OPERATIONS
from backpass.circuit.operation import lift
from backpass.circuit.recording import recording
from backpass.circuit.structure import flatten, paths
from backpass.circuit.traced import Recorder, Traced
from backpass.errors import TraceError


def _is_shape(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(d, int | str) and not isinstance(d, bool) for d in value)


def trace(
    f: Callable[..., Any], shapes: Sequence[Any], *, dtype: Any = numpy.float64, names: Sequence[str] | None = None
) -> Circuit:
    """Record what f does to arrays of the given shapes.

    Args:
        f: The function to trace.
        shapes: One per argument: a tuple of integers and names, where a name such as ``"n"`` is a free length; or a
            ``Spec`` or an array, which also set the dtype; or a nested tuple, list or dict of these.
        dtype: The dtype of arguments given by shape alone. Default float64.
        names: Names of the arguments for listings and messages. Default None: those in the signature of f.

    Returns:
        The circuit; calling it with arrays evaluates f.

    Raises:
        TraceError: If f needs the value of an array, or returns something that is not an array.

    >>> from backpass.circuit.operations import relu
    >>> neuron = trace(lambda w, b, x: relu(x @ w + b), [(3,), (), ("n", 3)])
    >>> neuron([1.0, 0.0, -1.0], 0.5, [[2.0, 5.0, 1.0], [0.0, 0.0, 9.0]])
    array([1.5, 0. ])
    """
    if not callable(f):
        raise TraceError(f"expected a function of arrays; got a value of type {type(f).__name__}")
    given_shapes: Any = shapes
    if not isinstance(given_shapes, tuple | list):
        raise TraceError(f"expected a list of shapes, one per argument; got {shapes!r}")
    recorder = Recorder()
    arguments: list[Any] = []
    inputs: list[int] = []
    all_names: list[str] = []
    argument_names = list(names) if names is not None else argument_names_of(f, len(shapes))
    for given, name in zip(shapes, argument_names, strict=True):
        leaves, rebuild = flatten(given, is_leaf=_is_shape)
        specs = [as_leaf(leaf, dtype) for leaf in leaves]
        traced = [recorder.append(OPERATIONS["argument"], (), {"spec": spec}, spec) for spec in specs]
        inputs += [leaf.index for leaf in traced]
        all_names += paths(given, name, is_leaf=_is_shape)
        arguments.append(rebuild(iter(traced)))
    with recording(recorder):
        result = f(*arguments)
    leaves, rebuild = flatten(result)
    like = numpy.dtype(dtype)
    outputs = [as_output(leaf, recorder, like).index for leaf in leaves]
    return build_circuit(getattr(f, "__name__", "f"), recorder, inputs, all_names, outputs, rebuild)


def as_output(leaf: Any, recorder: Recorder, like: numpy.dtype[Any]) -> Traced:
    """Convert what a traced function returned to a traced value."""
    if leaf is None or isinstance(leaf, str):
        raise TraceError(
            f"a traced function must return arrays; got {leaf!r}", hint="does every path end in a return with a value?"
        )
    return lift(leaf, recorder, like, "return")


def argument_names_of(f: Callable[..., Any], count: int) -> list[str]:
    """Names of the arguments of f, for listings and messages."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    named = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [named[i] if i < len(named) else f"x{i}" for i in range(count)]

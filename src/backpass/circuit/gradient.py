"""The gradient: backpropagation through any traced function (CS229 section 3, Theorem 3.1).

The nodes between the arguments and J are walked once from the end to the beginning; each hands dz to its arguments by
its pullbacks, and what reaches a value by several paths is added up (eq. 3.3). The result is made of operations again,
so gradients of gradients work. There is no recursion: a chain may be as long as memory allows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy

from backpass.circuit.circuit import Circuit
from backpass.circuit.primitive import Array
from backpass.circuit.spec import check_unmasked, text_of
from backpass.circuit.structure import flatten
from backpass.circuit.trace import as_output, trace
from backpass.circuit.traced import OPERATIONS, Recorder, Traced, active_recorder
from backpass.errors import GradientError

THEOREM_3_1_CONSTANT = 17
"""The c of Theorem 3.1 as it is kept here: size(J and dJ) <= c (N + l + v), counted in scalar operations.

N is ``Circuit.size``, l the number of elements of the arguments, v of the views (reshape, transpose), which N has free.
Where it comes from: handing dz back through one operation costs a fixed number of operations per element, and per
argument a few more, to undo broadcasting and to add the result to what came by other paths (3.3). ``power`` is the
dearest: 1 forward, 6 for dx, 6 for dy, 2 for adding, 1 where two precisions meet: 16. Slices of one array arrive merged
into one array, and so do takes; adding the one to the other makes 17. A network, nearly all matrix products, stays
near 3.
"""


def value_and_grad(f: Callable[..., Any], argument: int | Sequence[int] = 0) -> Callable[..., Any]:
    """A function that gives J = f(...) and dJ for one argument (or a tuple of them for several).

    An argument may be a nested tuple, list or dict of arrays; its gradient has the same structure. Given NumPy arrays
    the result is NumPy arrays; given traced values it is traced, so it can be differentiated again.

    >>> J, dw = value_and_grad(lambda w: (w * w).sum())(numpy.array([3.0, -1.0]))
    >>> float(J), dw
    (10.0, array([ 6., -2.]))

    Errors: GradientError where J is not a real number (notes, footnote 6), or an argument is not floating-point.
    """

    @_named_after(f, "value_and_gradient_of")
    def both(*arguments: Any) -> tuple[Any, Any]:
        recorder = active_recorder()
        if recorder is not None:
            return _traced_value_and_grad(f, argument, arguments, recorder)
        arrays = [_as_arrays(a) for a in arguments]
        circuit = trace(both, arrays)
        result: tuple[Any, Any] = circuit(*arrays)
        return result

    return both


def grad(f: Callable[..., Any], argument: int | Sequence[int] = 0) -> Callable[..., Any]:
    """A function that gives dJ alone; see ``value_and_grad``.

    >>> grad(grad(lambda x: x**3))(2.0)
    array(12.)
    """

    @_named_after(f, "gradient_of")
    def gradient_of(*arguments: Any) -> Any:
        return value_and_grad(f, argument)(*arguments)[1]

    return gradient_of


def gradient(circuit: Circuit, argument: int | Sequence[int] = 0) -> Circuit:
    """The circuit that computes the gradient of a circuit with one real output, by the given argument(s)."""
    return trace(grad(circuit, argument), list(circuit.inputs), names=circuit.input_names)


def _named_after(f: Callable[..., Any], what: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a function the argument names of f and a name that tells where it comes from, for listings and messages."""

    def name(function: Callable[..., Any]) -> Callable[..., Any]:
        function = wraps(f, assigned=("__module__",), updated=())(function)
        function.__name__ = f"{what}_{getattr(f, '__name__', None) or getattr(f, 'name', 'f')}"
        return function

    return name


def _as_arrays(tree: Any) -> Any:
    """Arrays for the leaves of an argument; a plain Python number is a real number."""
    leaves, rebuild = flatten(tree)
    for leaf in leaves:
        check_unmasked(leaf, "an argument")
    return rebuild(iter([numpy.asarray(v, float) if type(v) in (int, float) else numpy.asarray(v) for v in leaves]))


def _traced_value_and_grad(
    f: Callable[..., Any], argument: int | Sequence[int], arguments: Any, recorder: Recorder
) -> tuple[Any, Any]:
    positions = [argument] if isinstance(argument, int) else list(argument)
    fresh: list[Any] = list(arguments)
    sources: list[Traced] = []
    rebuilds = []
    for position in positions:
        leaves, rebuild = flatten(arguments[position])
        renamed = [_renamed(leaf, recorder, position) for leaf in leaves]
        fresh[position] = rebuild(iter(renamed))
        sources += renamed
        rebuilds.append(rebuild)
    J = f(*fresh)
    if isinstance(J, tuple | list | dict):
        raise GradientError(
            f"a gradient needs a real-valued J, but f returned a {type(J).__name__} (CS229, footnote 6)",
            hint="return J alone",
        )
    J = as_output(J, recorder, sources[0].dtype)
    if J.shape != () or not J.spec.is_float:
        raise GradientError(
            f"a gradient needs a real-valued J, but f returned {J.spec!r} (CS229, footnote 6)",
            hint="reduce it to one number first, for example with .sum()",
        )
    results = iter(vjp([J], [recorder.constant(numpy.ones((), J.dtype))], sources))
    gradients = [rebuild(results) for rebuild in rebuilds]
    return J, gradients[0] if isinstance(argument, int) else tuple(gradients)


def _renamed(leaf: Any, recorder: Recorder, position: int) -> Traced:
    """The argument under a name of its own, so that only what goes through the argument counts."""
    value = leaf if isinstance(leaf, Traced) else recorder.constant(_as_arrays(leaf))
    if not value.spec.is_float:
        raise GradientError(
            f"argument {position} has dtype {value.dtype.name}; a gradient needs floating-point numbers",
            hint="give it as numbers such as 1.0, or with .astype(float)",
        )
    # Recorded by hand: called, it would fold the name of a constant away, and all that is computed from it.
    return recorder.append(OPERATIONS["identity"], (value.index,), {}, value.spec)


def vjp(outputs: Sequence[Traced], cotangents: Sequence[Traced], sources: Sequence[Traced]) -> list[Array]:
    """The gradients by the sources when the gradients by the outputs are the seeds.

    A source that no output depends on gets zeros (footnote 4).
    """
    recorder = sources[0].recorder
    start, stop = min(s.index for s in sources), max(o.index for o in outputs) + 1
    active = _depends(recorder, sources, start, stop)
    parts: dict[int, list[Array]] = {}
    for output, seed in zip(outputs, cotangents, strict=True):
        parts.setdefault(output.index, []).append(seed)
    wanted = {source.index for source in sources}
    found: dict[int, Array] = {}
    for index in range(stop - 1, start - 1, -1):
        if index not in parts or not active[index - start]:
            continue
        label = recorder.nodes[index].label
        recorder.labels.append(f"gradient of {label}" if label else "gradient")
        dz = _add_up(parts.pop(index))
        if index in wanted:
            found[index] = dz
        _hand_back(recorder, index, dz, active, start, parts)
        recorder.labels.pop()
    return [found[s.index] if s.index in found else _zeros_like(s) for s in sources]


def _depends(recorder: Recorder, sources: Sequence[Traced], start: int, stop: int) -> bytearray:
    """Marks the nodes from ``start`` on through which a source can reach an output."""
    active = bytearray(max(stop - start, 0))
    for source in sources:
        if source.index < stop:
            active[source.index - start] = 1
    for index in range(start, stop):
        node = recorder.nodes[index]
        if not node.spec.is_float:
            continue  # whole numbers and bits do not vary
        for position, i in enumerate(node.inputs):
            if i >= start and active[i - start] and node.operation.is_differentiable_by(position):
                active[index - start] = 1
                break
    return active


def _hand_back(
    recorder: Recorder, index: int, dz: Array, active: bytearray, start: int, parts: dict[int, list[Array]]
) -> None:
    node = recorder.nodes[index]
    z = Traced(recorder, index, node.spec)
    arguments = [Traced(recorder, i, recorder.nodes[i].spec) for i in node.inputs]
    for position, argument in enumerate(arguments):
        if argument.index < start or not active[argument.index - start]:
            continue
        dx = node.operation.pullback(position, dz, z, arguments, node.params)
        if dx is not None:
            if dx.shape != argument.shape:
                raise GradientError(
                    f"the pullback of {node.operation.name!r} for argument {position} has shape {text_of(dx.shape)}; "
                    f"d{node.operation.arguments[0 if node.operation.variadic else position]} must have the shape of "
                    f"its argument, {text_of(argument.shape)}"
                )
            parts.setdefault(argument.index, []).append(dx)


def _add_up(parts: list[Array]) -> Array:
    """The sum over all paths (eq. 3.3); results that merge are merged first (see ``Operation.merge``)."""
    if len(parts) == 1:
        return parts[0]
    groups: dict[Any, list[Array]] = {}
    for part in parts:
        operation = part.node.operation
        key = (operation.name, str(part.node.params.get("axis"))) if operation.merge else part.index
        groups.setdefault(key, []).append(part)
    merged = [
        g[0].node.operation.merge(g) if len(g) > 1 and g[0].node.operation.merge else g[0] for g in groups.values()
    ]
    # Parts with one key but no merge rule are one value that arrived twice.
    repeated = [p for g in groups.values() if not g[0].node.operation.merge for p in g[1:]]
    total = merged[0]
    for part in [*merged[1:], *repeated]:
        total = total + part
    return total


def _zeros_like(source: Traced) -> Array:
    zero = source.recorder.constant(numpy.zeros((), source.dtype))
    return OPERATIONS["broadcast_to"](zero, shape=source.shape)

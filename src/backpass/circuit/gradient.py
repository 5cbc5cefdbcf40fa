"""Gradient: backpropagation through any traced function (CS229 section 3, Theorem 3.1).

The nodes between the arguments and J are visited once, in reverse order. The pullbacks of each node turn its dz into
the gradients with respect to its arguments; gradients that arrive by several paths are added (eq. 3.3). The result
consists of operations again, so higher derivatives work. Nothing is recursive: only memory limits the depth of a
circuit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.circuit.circuit import Circuit
from backpass.circuit.node import OPERATIONS
from backpass.circuit.primitive import Array
from backpass.circuit.recording import active_recorder
from backpass.circuit.spec import check_unmasked, text_of
from backpass.circuit.structure import flatten
from backpass.circuit.trace import argument_names_of, as_output, trace
from backpass.circuit.traced import Recorder, Traced
from backpass.dataclass import dataclass
from backpass.errors import GradientError

THEOREM_3_1_CONSTANT = 17
"""The constant c of Theorem 3.1 in this implementation: size(J and dJ) <= c (N + l + v), in scalar operations.

N is ``Circuit.size``, l the number of elements of the arguments, and v that of the views (reshape, transpose), which
are free in N. Derivation: the pullbacks of one operation cost a fixed number of operations per element, plus a few per
argument to undo broadcasting and to add the result to those of other paths (3.3). The most expensive operation is
``power``: 1 forward, 6 for dx, 6 for dy, 2 for the additions and 1 where two precisions meet: 16. The gradients of all
slices of one array are merged into one array, and so are those of all takes; adding these two makes 17. A network
consists mostly of matrix products and stays near 3.
"""


def value_and_grad(f: Callable[..., Any], argument: int | Sequence[int] = 0) -> Callable[..., Any]:
    """Return a function that computes J = f(...) and its gradient dJ with respect to one or several arguments.

    On NumPy arrays the function returns NumPy arrays; on traced values it is traced, so it can be differentiated again.

    Args:
        f: A function with one real output.
        argument: The position of the argument, or a sequence of positions (dJ is then a tuple). An argument may be a
            nested tuple, list or dict of arrays; its gradient has the same structure.

    Returns:
        A function of the same arguments that returns (J, dJ). It raises GradientError if J is not a real number (notes,
        footnote 6) or an argument is not floating-point.

    >>> J, dw = value_and_grad(lambda w: (w * w).sum())(numpy.array([3.0, -1.0]))
    >>> float(J), dw
    (10.0, array([ 6., -2.]))
    """

    @_named_after(f, "value_and_gradient_of")
    def both(*arguments: Any) -> tuple[Any, Any]:
        recorder = active_recorder()
        if recorder is not None:
            return _traced_value_and_grad(f, argument, arguments, recorder)
        arrays = [as_arrays(a) for a in arguments]
        circuit = trace(both, arrays)
        result: tuple[Any, Any] = circuit(*arrays)
        return result

    return both


def grad(f: Callable[..., Any], argument: int | Sequence[int] = 0) -> Callable[..., Any]:
    """Return a function that computes the gradient dJ of J = f(...) with respect to one or several arguments.

    The arguments, and the errors of the returned function, are those of ``value_and_grad``.

    Args:
        f: A function with one real output.
        argument: The position of the argument, or a sequence of positions (the result is then a tuple).

    Returns:
        A function of the same arguments that returns dJ.

    >>> grad(grad(lambda x: x**3))(2.0)
    array(12.)
    """

    @_named_after(f, "gradient_of")
    def gradient_of(*arguments: Any) -> Any:
        return value_and_grad(f, argument)(*arguments)[1]

    return gradient_of


def gradient(circuit: Circuit, argument: int | Sequence[int] = 0) -> Circuit:
    """The circuit for the gradient of a circuit with one real output, with respect to the given argument(s).

    Args:
        circuit: The circuit of J.
        argument: The position of the argument, or several positions. Default 0: the first.
    """
    return trace(grad(circuit, argument), list(circuit.inputs), names=circuit.input_names)


@dataclass(frozen=True, slots=True)
class NamedGradients:
    """J, and its gradient with respect to every named value.

    Attributes:
        J: The value of the function.
        values: Name -> g.
        gradients: Name -> dJ/dg, in the shape of g; zeros where J does not depend on g.
        circuit: The circuit that computed them, with the names.
    """

    J: float
    values: dict[str, NDArray[Any]]
    gradients: dict[str, NDArray[Any]]
    circuit: Circuit


def named_gradients(f: Callable[..., Any], *, names: Sequence[str] | None = None) -> Callable[..., NamedGradients]:
    """Return a function that computes J = f(...) and dJ/dg for every named g    CS229 (3.1), (3.2), (3.3)

    dJ/dg is the sum over all paths from g to J, those through other intermediate values included.

    Args:
        f: A function with one real output that names values with ``named``.
        names: Names of the arguments for the circuit (default: those in the signature of f).

    Returns:
        A function of the same arguments that returns ``NamedGradients``. It raises GradientError if J is not a real
        number (CS229, footnote 6), a named value is not floating-point, or two values have one name.

    >>> from backpass.circuit import named
    >>> def f(theta):
    ...     g = named(theta * theta, "g")
    ...     return (3.0 * g).sum()
    >>> found = named_gradients(f)(numpy.array([1.0, 2.0]))
    >>> found.J, found.values["g"], found.gradients["g"]
    (15.0, array([1., 4.]), array([3., 3.]))
    """

    def evaluate(*arguments: Any) -> NamedGradients:
        arrays = [as_arrays(argument) for argument in arguments]

        def both(*traced: Any) -> Any:
            return traced_named_gradients(f, *traced)

        both.__name__ = f"gradients_of_{getattr(f, '__name__', 'f')}"
        circuit = trace(both, arrays, names=names or argument_names_of(f, len(arrays)))
        J, values, gradients = circuit(*arrays)
        return NamedGradients(float(J), values, gradients, circuit)

    return evaluate


def traced_named_gradients(f: Callable[..., Any], *traced: Any) -> tuple[Array, dict[str, Array], dict[str, Array]]:
    """J, every named g, and dJ/dg, inside a trace; lengths of the arguments may be free. See ``named_gradients``."""
    recorder = active_recorder()
    assert recorder is not None, "trace has started one"
    recorder.intermediates = {}
    J = real_valued(f(*traced), recorder, numpy.dtype(numpy.float64))
    recorder.name(J.index, "J")
    found, recorder.intermediates = recorder.intermediates, None
    wrong = [name for name, g in found.items() if not g.spec.is_float]
    if wrong:
        raise GradientError(f"{', '.join(wrong)}: a gradient needs floating-point numbers")
    one = recorder.constant(numpy.ones((), J.dtype))
    gradients = vjp([J], [one], [*found.values()]) if found else []
    return J, dict(found), dict(zip(found, gradients, strict=True))


def _named_after(f: Callable[..., Any], what: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Copy the argument names of f, and name the function after f, for listings and error messages."""

    def name(function: Callable[..., Any]) -> Callable[..., Any]:
        function = wraps(f, assigned=("__module__",), updated=())(function)
        function.__name__ = f"{what}_{getattr(f, '__name__', None) or getattr(f, 'name', 'f')}"
        return function

    return name


def as_arrays(tree: Any) -> Any:
    """Convert the leaves of an argument to arrays; a plain Python number becomes a real number."""
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
    J = real_valued(f(*fresh), recorder, sources[0].dtype)
    results = iter(vjp([J], [recorder.constant(numpy.ones((), J.dtype))], sources))
    gradients = [rebuild(results) for rebuild in rebuilds]
    return J, gradients[0] if isinstance(argument, int) else tuple(gradients)


def real_valued(J: Any, recorder: Recorder, dtype: numpy.dtype[Any]) -> Traced:
    """What a function returned, as a traced real number; a plain number takes the dtype    CS229 footnote 6

    Raises:
        GradientError: If it is anything else.
    """
    if isinstance(J, tuple | list | dict):
        raise GradientError(
            f"a gradient needs a real-valued J, but f returned a {type(J).__name__} (CS229, footnote 6)",
            hint="return only J",
        )
    value = as_output(J, recorder, dtype)
    if value.shape != () or not value.spec.is_float:
        raise GradientError(
            f"a gradient needs a real-valued J, but f returned {value.spec!r} (CS229, footnote 6)",
            hint="reduce it to one number first, for example with .sum()",
        )
    return value


def _renamed(leaf: Any, recorder: Recorder, position: int) -> Traced:
    """An identity node for the argument, so that only paths through the argument count."""
    value = leaf if isinstance(leaf, Traced) else recorder.constant(as_arrays(leaf))
    if not value.spec.is_float:
        raise GradientError(
            f"argument {position} has dtype {value.dtype.name}; a gradient needs floating-point numbers",
            hint="pass floats such as 1.0, or convert it with .astype(float)",
        )
    # Appended directly: calling the operation on a constant would fold the node away, with everything computed from it.
    return recorder.append(OPERATIONS["identity"], (value.index,), {}, value.spec)


def vjp(outputs: Sequence[Traced], cotangents: Sequence[Traced], sources: Sequence[Traced]) -> list[Array]:
    """Vector-Jacobian product: dJ/d(outputs) -> dJ/d(sources)    CS229 Theorem 3.1, (3.3)

    Args:
        outputs: The traced outputs.
        cotangents: The gradients with respect to the outputs, one per output.
        sources: The traced values to differentiate with respect to.

    Returns:
        One gradient per source; zeros for a source that no output depends on    CS229 footnote 4
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
        for _, gradient_name in recorder.names.get(index, ()):
            if gradient_name:
                recorder.name(dz.index, gradient_name)
        if index in wanted:
            found[index] = dz
        _hand_back(recorder, index, dz, active, start, parts)
        recorder.labels.pop()
    return [found[s.index] if s.index in found else _zeros_like(s) for s in sources]


def _depends(recorder: Recorder, sources: Sequence[Traced], start: int, stop: int) -> bytearray:
    """Mark the nodes from ``start`` on through which a source can reach an output."""
    active = bytearray(max(stop - start, 0))
    for source in sources:
        if source.index < stop:
            active[source.index - start] = 1
    for index in range(start, stop):
        node = recorder.nodes[index]
        if not node.spec.is_float:
            continue  # integers and truth values have no derivative
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
    """Sum the gradients of all paths    CS229 (3.3)

    Those with a merge rule are merged first; see ``Operation.merge``.
    """
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
    # Gradients with the same key but no merge rule are one value that arrived several times.
    repeated = [p for g in groups.values() if not g[0].node.operation.merge for p in g[1:]]
    total = merged[0]
    for part in [*merged[1:], *repeated]:
        total = total + part
    return total


def _zeros_like(source: Traced) -> Array:
    """The gradient with respect to an unused argument: zeros, which cost nothing    CS229 footnote 4"""
    zero = source.recorder.constant(numpy.zeros((), source.dtype))
    return OPERATIONS["broadcast_to"](zero, shape=source.shape)

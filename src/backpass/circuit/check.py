"""Gradient check: compares every element of a Jacobian with central differences in float64.

It takes any function of arrays and returns a report, or raises if an element is wrong. Two step sizes separate kinks
(ReLU at 0) from mistakes: at a kink the left and right slopes differ however small the step is, and no difference
quotient can tell which one is right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.circuit.circuit import Circuit
from backpass.circuit.gradient import vjp
from backpass.circuit.spec import check_unmasked
from backpass.circuit.structure import flatten, paths
from backpass.circuit.trace import argument_names_of, trace
from backpass.dataclass import dataclass
from backpass.errors import GradientError

Floats = NDArray[numpy.float64]
_STEPS = (1e-5, 1e-6)
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Element:
    """One element of the Jacobian, d output / d argument.

    Attributes:
        argument: The name of the argument.
        index: The position of the element in the argument.
        output: The position of the element in the output.
        gradient: The derivative from backpropagation.
        difference: The derivative from central differences.
    """

    argument: str
    index: tuple[int, ...]
    output: tuple[int, ...]
    gradient: float
    difference: float

    def __str__(self) -> str:
        at = "".join(f"[{i}]" for i in self.index)
        to = "".join(f"[{i}]" for i in self.output)
        return (
            f"d f{to} / d {self.argument}{at}: gradient {self.gradient:.9g}, difference quotient {self.difference:.9g}"
        )


@dataclass(frozen=True, slots=True)
class GradientReport:
    """Result of a gradient check.

    Attributes:
        compared: The number of elements compared.
        wrong: The elements that disagree with the differences.
        kinks: The elements that lie on a kink, whether they agree or not.
        largest_error: The largest error among elements that do not lie on a kink.
    """

    compared: int
    wrong: tuple[Element, ...]
    kinks: tuple[Element, ...]
    largest_error: float

    @property
    def ok(self) -> bool:
        return not self.wrong


def check_gradient(
    f: Callable[..., Any], *arguments: Any, wrt: Sequence[int] | None = None, raise_error: bool = True
) -> GradientReport:
    """Compare the gradient of f with central differences, element by element of the full Jacobian.

    |gradient - difference| <= 1e-7 (1 + |f|) + 1e-6 |gradient|

    The steps are 1e-5 and 1e-6, each times max(1, |x|). The smallest error among the two differences and their
    extrapolation to step 0 counts: where only the curvature jumps, as for max(x, 0)^2 at 0, the error of a difference
    is proportional to its step.

    Args:
        f: The function to check.
        *arguments: Arrays, or nested tuples, lists and dicts of arrays. Floating-point arrays are converted to float64.
        wrt: The positions of the arguments to differentiate with respect to (default: all that hold floating-point
            numbers).
        raise_error: Whether to raise if an element is wrong. Default True.

    Returns:
        The report: the number of elements compared, those that are wrong, and those that lie on a kink.

    Raises:
        GradientError: If elements are wrong (unless ``raise_error`` is False), or if no argument is floating-point.

    >>> check_gradient(lambda x: numpy.exp(x) * x, numpy.array([0.0, 1.0])).ok
    True
    """
    if not callable(f):
        raise GradientError(f"f must be a function; got a value of type {type(f).__name__}")
    leaves, rebuild = flatten(arguments)
    arrays = [_in_float64(leaf) for leaf in leaves]
    circuit = trace(lambda *flat: f(*rebuild(iter(flat))), arrays, names=_leaf_names(f, arguments))
    chosen = _chosen(arguments, arrays, wrt)
    if not chosen:
        raise GradientError("check_gradient found no floating-point argument")
    jacobian = _jacobian(circuit, arrays, chosen)
    report = _compare(circuit, arrays, chosen, jacobian)
    if report.wrong and raise_error:
        more = len(report.wrong) - _SHOWN
        errors = [*map(str, report.wrong[:_SHOWN]), *([f"and {more} more"] if more > 0 else [])]
        raise GradientError(
            f"{len(report.wrong)} of {report.compared} elements of the gradient are wrong", details=errors
        )
    return report


def _in_float64(leaf: Any) -> NDArray[Any]:
    check_unmasked(leaf, "an argument")
    array = numpy.asarray(leaf, float) if type(leaf) in (int, float) else numpy.asarray(leaf)
    return array.astype(numpy.float64) if array.dtype.kind == "f" else array


def _leaf_names(f: Callable[..., Any], arguments: Sequence[Any]) -> list[str]:
    named = zip(argument_names_of(f, len(arguments)), arguments, strict=True)
    return [path for name, argument in named for path in paths(argument, name)]


def _chosen(arguments: Sequence[Any], arrays: Sequence[NDArray[Any]], wrt: Sequence[int] | None) -> list[int]:
    """The flat indices of the arrays to differentiate by."""
    owner = [i for i, argument in enumerate(arguments) for _ in flatten(argument)[0]]
    return [j for j, a in enumerate(arrays) if a.dtype.kind == "f" and (wrt is None or owner[j] in wrt)]


def _jacobian(circuit: Circuit, arrays: Sequence[NDArray[Any]], chosen: Sequence[int]) -> list[list[Floats]]:
    """Compute one array (output elements, argument elements) per output and argument, by backpropagation row by row."""

    def backward(values: tuple[Any, ...], cotangents: tuple[Any, ...]) -> list[Any]:
        fresh = [value + 0.0 if j in chosen else value for j, value in enumerate(values)]
        outputs = circuit(*fresh)
        return vjp(flatten(outputs)[0], cotangents, [fresh[j] for j in chosen])

    outputs = circuit.evaluate(arrays)
    backward_circuit = trace(backward, [tuple(arrays), tuple(outputs)])
    rows: list[list[Floats]] = []
    for k, output in enumerate(outputs):
        parts: list[list[Floats]] = [[] for _ in chosen]
        for element in range(output.size):
            cotangents = [numpy.zeros(o.shape) for o in outputs]
            cotangents[k].reshape(-1)[element] = 1.0
            for part, gradient in zip(parts, backward_circuit.evaluate([*arrays, *cotangents]), strict=True):
                part.append(gradient.reshape(-1))
        rows.append([numpy.array(p).reshape(output.size, arrays[j].size) for p, j in zip(parts, chosen, strict=True)])
    return rows


def _compare(
    circuit: Circuit, arrays: Sequence[NDArray[Any]], chosen: Sequence[int], jacobian: list[list[Floats]]
) -> GradientReport:
    values = _values(circuit, arrays)
    wrong: list[Element] = []
    kinks: list[Element] = []
    compared, largest = 0, 0.0
    for position, j in enumerate(chosen):
        for element in range(arrays[j].size):
            coarse, fine = (_slopes(circuit, arrays, j, element, step, values) for step in _STEPS)
            for k, value in enumerate(values):
                gradient = jacobian[k][position][:, element]
                tolerance = 1e-7 * (1 + numpy.abs(value.reshape(-1))) + 1e-6 * numpy.abs(gradient)
                central = [(left + right) / 2 for left, right in (coarse[k], fine[k])]
                error = numpy.minimum(*(_distance(gradient, c) for c in central))
                error = numpy.fmin(error, _distance(gradient, _limit(*central)))
                gaps = [numpy.abs(right - left) for left, right in (coarse[k], fine[k])]
                is_kink = (gaps[1] > tolerance) & (gaps[1] > 0.5 * gaps[0])
                compared += gradient.size
                largest = max(largest, float(numpy.max(numpy.where(is_kink, 0.0, error), initial=0.0)))
                for i in numpy.flatnonzero(is_kink | ~(error <= tolerance)):
                    found = Element(
                        circuit.input_names[j],
                        _at(element, arrays[j].shape),
                        _at(int(i), value.shape),
                        float(gradient[i]),
                        float(central[1][i]),
                    )
                    (kinks if is_kink[i] else wrong).append(found)
    return GradientReport(compared, tuple(wrong), tuple(kinks), largest)


def _values(circuit: Circuit, arrays: Sequence[NDArray[Any]]) -> list[Floats]:
    """The outputs as real numbers; a truth value becomes 0 or 1."""
    return [value.astype(numpy.float64) for value in circuit.evaluate(arrays)]


def _distance(gradient: Floats, difference: Floats) -> Floats:
    with numpy.errstate(invalid="ignore"):
        return numpy.where(gradient == difference, 0.0, numpy.abs(gradient - difference))


def _limit(coarse: Floats, fine: Floats) -> Floats:
    """Extrapolate two differences, with errors proportional to their steps, to step 0; NaN where they are infinite."""
    ratio = _STEPS[0] / _STEPS[1]
    with numpy.errstate(invalid="ignore", over="ignore"):
        return (ratio * fine - coarse) / (ratio - 1.0)


def _at(element: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(i) for i in numpy.unravel_index(element, shape))


def _slopes(
    circuit: Circuit, arrays: Sequence[NDArray[Any]], j: int, element: int, step: float, values: Sequence[NDArray[Any]]
) -> list[tuple[Floats, Floats]]:
    """The slopes to the left and to the right of the point along one element of argument j, per output."""
    x = arrays[j].reshape(-1)[element]
    moved = list(arrays)
    sides: list[tuple[float, list[NDArray[Any]]]] = []
    for target in (x - step * max(1.0, abs(x)), x + step * max(1.0, abs(x))):
        shifted = arrays[j].copy()
        shifted.reshape(-1)[element] = target
        moved[j] = shifted
        sides.append((float(target - x), _values(circuit, moved)))
    with numpy.errstate(invalid="ignore", over="ignore"):
        (h0, left), (h1, right) = sides
        return [
            (((before - value) / h0).reshape(-1), ((after - value) / h1).reshape(-1))
            for before, value, after in zip(left, values, right, strict=True)
        ]

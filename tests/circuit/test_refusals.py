"""What cannot be traced or differentiated is refused: the message names operation and line, the hint a way out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy
import pytest

from backpass.circuit import Spec, grad, gradient, operations, trace, value_and_grad
from backpass.errors import GradientError, ShapeError, TraceError

# Every case: a function of x (n, 3) and what its message says.


def with_if(x: Any) -> Any:
    return x if x.sum() > 0 else -x


def with_while(x: Any) -> Any:
    while x.sum() > 0:
        x = x - 1
    return x


def with_assignment(x: Any) -> Any:
    x[0] = 1.0
    return x


def with_in_place_assignment(x: Any) -> Any:
    x[:, 0] += 1.0
    return x


def with_loop(x: Any) -> Any:
    return sum(row.sum() for row in x)


def with_numpy_in_place(x: Any) -> Any:
    total = numpy.zeros(3)
    total += x
    return total


REFUSED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "if": (with_if, "a condition"),
    "while": (with_while, "a condition"),
    "and": (lambda x: (x.sum() > 0) and x, "a condition"),
    "not": (lambda x: not (x.sum() > 0), "a condition"),
    "in": (lambda x: x.sum() in [1.0, 2.0], "a condition"),
    "float": (lambda x: float(x.sum()), "float()"),
    "math": (lambda x: math.exp(x.sum()), "float()"),
    "int": (lambda x: int(x.sum()), "int()"),
    "item": (lambda x: x.sum().item(), "item()"),
    "index": (lambda x: [1, 2, 3][x.sum()], "an index"),
    "range": (lambda x: range(x.sum()), "an index"),
    "slice end": (lambda x: x[:, : x.sum()], "an index"),
    "asarray": (lambda x: numpy.asarray(x), "numpy.asarray()"),
    "array": (lambda x: numpy.array(x), "numpy.asarray()"),
    "assignment": (with_assignment, "assignment"),
    "in-place assignment": (with_in_place_assignment, "assignment"),
    "loop": (with_loop, "len() of a free dimension"),
    "len": (lambda x: len(x), "len() of a free dimension"),
    "numpy function": (lambda x: numpy.sort(x), "numpy.sort"),
    "numpy linalg": (lambda x: numpy.linalg.inv(x), "numpy.linalg.inv"),
    "ufunc": (lambda x: numpy.arcsin(x), "numpy.arcsin"),
    "nan function": (lambda x: numpy.nansum(x), "numpy.nansum"),
    "option": (lambda x: numpy.sum(x, dtype=float), "numpy.sum with dtype="),
    "option of a ufunc": (lambda x: numpy.add(x, 1, where=False), "numpy.add with where="),
    "option of a method": (lambda x: x.min(initial=0), "numpy.min with initial="),
    "too many arguments": (lambda x: numpy.sum(x, 0, float), "numpy.sum: too many positional arguments"),
    "method": (lambda x: x.sort(), "sort is not available"),
    "method of a name": (lambda x: x.argsort(), "argsort is not available"),
    "shift": (lambda x: x << 1, "numpy.left_shift"),
    "and of numbers": (lambda x: x & 1, "& of float64"),
    "and of brackets forgotten": (lambda x: (x > 0) & x, "& of float64"),
    "not of numbers": (lambda x: ~x, "~ of float64"),
    "places of a mask": (lambda x: numpy.where(x > 0), "numpy.where(condition)"),
    "order": (lambda x: x.reshape((3, -1), order="F"), "reshape with order='F'"),
    "array of traced": (lambda x: numpy.array([x.sum(), x.max()]), "numpy.asarray()"),
    "complex number": (lambda x: complex(x.sum()), "complex()"),
    "ufunc method": (lambda x: numpy.add.reduce(x), "numpy.add.reduce"),
    "ufunc out": (with_numpy_in_place, "numpy.add"),
    "mask": (lambda x: x[x > 0], "x[mask]"),
    "boolean index": (lambda x: x[True], "indexed with bool"),
    "text index": (lambda x: x["price"], "indexed with str"),
    "traced index": (lambda x: x[:, x.sum()], "indexed with float64"),
    "text": (lambda x: x + "a", "add cannot combine a traced value with a value of type str"),
    "None": (lambda x: x * None, "multiply cannot combine a traced value with a value of type NoneType"),
    "complex": (lambda x: x * 1j, "multiply cannot combine a traced value with a value of type complex"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusal_names_the_operation_and_the_line(name: str) -> None:
    f, what = REFUSED[name]
    with pytest.raises(TraceError) as caught:
        trace(f, [("n", 3)])
    assert what in caught.value.message
    first = f.__code__.co_firstlineno
    lines = [f"{__file__}:{line}" for line in range(first, first + 4)]
    assert any(caught.value.message.startswith(f"{line}:") for line in lines), caught.value.message
    assert caught.value.hint


def test_refusal_says_what_made_the_value() -> None:
    with pytest.raises(TraceError, match=r"float64\[\], made by 'sum' at .*test_refusals"):
        trace(lambda x: float(x.sum()), [("n", 3)])


def test_hint_fits_the_refusal() -> None:
    with pytest.raises(TraceError) as caught:
        trace(with_if, [(3,)])
    assert caught.value.hint == "select between two arrays with where(condition, a, b)"


def test_values_of_two_traces_do_not_mix() -> None:
    kept: list[Any] = []

    def keep(x: Any) -> Any:
        kept.append(x)
        return x

    trace(keep, [(3,)])
    with pytest.raises(TraceError) as caught:
        trace(lambda y: y * kept[0], [(3,)])
    assert "multiply got a value from another trace (float64[3], made by 'argument'" in str(caught.value)
    assert "pass it as an argument" in caught.value.hint


@pytest.mark.parametrize("result", [None, "text"])
def test_a_function_must_return_arrays(result: Any) -> None:
    for attempt in (lambda: trace(lambda x: result, [()]), lambda: value_and_grad(lambda x: result)(1.0)):
        with pytest.raises(TraceError, match="must return arrays") as caught:
            attempt()
        assert "return" in caught.value.hint


@pytest.mark.parametrize("shape", ["n", None])
def test_a_shape_must_be_a_shape(shape: Any) -> None:
    with pytest.raises(TraceError, match="expected a shape such as"):
        trace(lambda x: x, [shape])


# Shapes -------------------------------------------------------------------------------------------------------------

MISFITS: dict[str, tuple[Callable[..., Any], list[Any], str]] = {
    "broadcast": (lambda x, y: x + y, [("n", 3), (4,)], "add([n, 3], [4])"),
    "free against fixed": (lambda x, y: x * y, [("n",), (4,)], "multiply([n], [4])"),
    "two free lengths": (lambda x, y: x - y, [("n",), ("m",)], "subtract([n], [m])"),
    "product": (lambda x, y: x @ y, [("n", 3), (4, 2)], "matmul([n, 3], [4, 2])"),
    "product of numbers": (lambda x, y: x @ y, [(), (4, 2)], "matmul([], [4, 2])"),
    "affine": (operations.affine, [("n", 3), (4, 2), (2,)], "affine([n, 3], [4, 2], [2])"),
    "bias": (operations.affine, [("n", 3), (3, 2), (3,)], "expected a bias of shape [2]; got [3]"),
    "reshape": (lambda x: x.reshape(2, 2), [(3,)], "reshape([3])"),
    "reshape with two -1": (lambda x: x.reshape(-1, -1), [(1,)], "at most one may be -1"),
    "reshape of nothing": (lambda x: x.reshape(0, -1), [(0, 3)], "reshape([0, 3])"),
    "axis": (lambda x: x.sum(axis=2), [(3, 3)], "sum([3, 3]): axis 2 does not exist"),
    "axis twice": (lambda x: x.sum(axis=(0, -2)), [(3, 3)], "duplicate axis in (0, -2)"),
    "max of nothing": (lambda x: x.max(axis=0), [(0, 3)], "max([0, 3])"),
    "index": (lambda x: x[3], [(3,)], "x [3]: index 3 is out of range for axis 0"),
    "indices": (lambda x: x[0, 0], [(3,)], "x [3]: 2 indices for 1 dimensions"),
    "free slice": (lambda x: x[:2], [("n",)], "axis 0 has a free length"),
    "free index": (lambda x: x[0], [("n",)], "axis 0 has a free length"),
    "mean": (lambda x: x.mean(), [("n",)], "mean over an axis of free length"),
    "concatenate": (lambda x, y: numpy.concatenate([x, y]), [(2, 3), (2, 4)], "concatenate([2, 3], [2, 4])"),
    "concatenate free": (
        lambda x: numpy.concatenate([x, x]),
        [("n",)],
        "cannot concatenate along axis 0, whose length is free",
    ),
    "take": (lambda x: operations.take(x, x, axis=0), [(3,)], "take([3], [3]): indices must be integers"),
    "take axis": (lambda x: operations.take(x, [0], axis=1), [(3,)], "take([3], [1]): axis 1 does not exist"),
    "transpose": (lambda x: numpy.transpose(x, (0, 0)), [(2, 3)], "transpose([2, 3])"),
    "broadcast_to": (lambda x: operations.broadcast_to(x, shape=(2,)), [(3,)], "broadcast_to([3])"),
    "scatter_add": (lambda x: operations.scatter_add(x, [0], axis=0, length=3), [(2,)], "scatter_add([2], [1])"),
}


@pytest.mark.parametrize("name", MISFITS)
def test_misfit_names_the_operation_and_the_shapes(name: str) -> None:
    f, shapes, what = MISFITS[name]
    with pytest.raises(ShapeError) as caught:
        trace(f, shapes)
    assert what in caught.value.message


def test_a_misfit_while_tracing_names_the_line() -> None:
    def two_lines(w: Any, x: Any) -> Any:
        z = x * 2.0
        return z @ w

    line = two_lines.__code__.co_firstlineno + 2
    with pytest.raises(ShapeError) as caught:
        trace(two_lines, [(4,), ("n", 3)])
    assert caught.value.message.startswith(f"{__file__}:{line}: matmul([n, 3], [4, 1])")


def test_eager_misfit_says_the_same() -> None:
    with pytest.raises(ShapeError, match=r"add\(\[3\], \[4\]\)"):
        operations.add(numpy.ones(3), numpy.ones(4))


def test_inputs_of_another_shape_are_named() -> None:
    circuit = trace(lambda x, w: x @ w, [("n", 3), (3,)])
    with pytest.raises(ShapeError, match=r"input 'w' expected shape \[3\]; got \[4\]"):
        circuit(numpy.ones((2, 3)), numpy.ones(4))
    pair = trace(lambda x, y: x + y, [("n",), ("n",)])
    with pytest.raises(ShapeError, match=r"input 'y' expected shape \[2\]; got \[3\]"):
        pair(numpy.ones(2), numpy.ones(3))
    with pytest.raises(TypeError, match="takes 2 arrays; got 1"):
        pair(numpy.ones(2))


# Gradients ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("f", [lambda x: x, lambda x: x.sum(keepdims=True), lambda x: x[:, None]])
def test_gradient_of_an_array_is_refused(f: Callable[[Any], Any]) -> None:
    with pytest.raises(GradientError, match=r"real-valued J, but f returned float64.*footnote 6") as caught:
        grad(f)(numpy.ones(3))
    assert ".sum()" in caught.value.hint


def test_gradient_of_several_values_is_refused() -> None:
    with pytest.raises(GradientError, match="returned a tuple"):
        grad(lambda x: (x, x))(1.0)


def test_gradient_of_a_whole_number_is_refused() -> None:
    with pytest.raises(GradientError, match="real-valued J, but f returned int64"):
        grad(lambda x: (x > 0).sum())(numpy.ones(3))


def test_gradient_by_whole_numbers_is_refused() -> None:
    with pytest.raises(GradientError, match="argument 1 has dtype int64"):
        grad(lambda x, i: x[i].sum(), 1)(numpy.ones(3), numpy.array([0]))
    circuit = trace(lambda x, i: x[i].sum(), [(3,), Spec((2,), numpy.dtype(int))])
    with pytest.raises(GradientError, match="argument 1 has dtype int64"):
        gradient(circuit, 1)


def test_gradient_of_a_circuit_with_an_array_output_is_refused() -> None:
    with pytest.raises(GradientError, match="footnote 6"):
        gradient(trace(lambda x: x * 2.0, [("n",)]))

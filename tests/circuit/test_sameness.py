"""Two circuits are the same for the engines only if no run can tell them apart."""

from collections.abc import Callable
from typing import Any

import numpy
import pytest

from backpass.circuit import Circuit, Spec, label, operations, trace, value_and_grad
from backpass.circuit.sameness import first_alike

SINGLE, DOUBLE = numpy.dtype(numpy.float32), numpy.dtype(numpy.float64)


def of(f: Callable[..., Any], *shapes: Any, dtype: Any = SINGLE, names: Any = None) -> Circuit:
    return trace(f, shapes or [("n", 3)], dtype=dtype, names=names)


def scaled(by: Any) -> Circuit:
    return of(lambda x: x * by)


def labelled(text: str) -> Circuit:
    def f(x: Any) -> Any:
        with label(text):
            return x + 1.0

    return of(f)


def test_two_traces_of_a_function_are_the_same() -> None:
    def J(theta: Any, x: Any) -> Any:  # noqa: N802
        return operations.tanh(x @ theta).sum()

    shapes = [Spec((3,), SINGLE), Spec(("n", 3), SINGLE)]
    first, again = (trace(value_and_grad(J), shapes) for _ in range(2))
    assert first is not again
    assert first_alike(again) is first_alike(first)
    assert [str(node.operation.name) for node in first.nodes] == [str(node.operation.name) for node in again.nodes]


OTHERS: dict[str, tuple[Circuit, Circuit]] = {
    "number": (scaled(2.0), scaled(3.0)),
    "sign of zero": (scaled(0.0), scaled(-0.0)),
    "array": (scaled(numpy.arange(3.0)), scaled(numpy.arange(3.0)[::-1].copy())),
    "dtype of an array": (scaled(numpy.ones(3, SINGLE)), scaled(numpy.ones(3, DOUBLE))),
    "operation": (of(operations.sin), of(operations.cos)),
    "axis": (of(lambda x: x.sum(axis=0), (3, 3)), of(lambda x: x.sum(axis=1), (3, 3))),
    "kept axis": (of(lambda x: x.sum(axis=0)), of(lambda x: x.sum(axis=0, keepdims=True))),
    "order": (of(lambda x, y: x - y, (), ()), of(lambda x, y: y - x, (), ())),
    "output": (of(lambda x: (x, x + 1.0)), of(lambda x: (x + 1.0, x))),
    "shape": (of(operations.exp, ("n", 3)), of(operations.exp, ("n", 4))),
    "free length": (of(operations.exp, ("n", 3)), of(operations.exp, (3, "n"))),
    "dtype": (of(operations.exp), of(operations.exp, dtype=DOUBLE)),
    "input name": (of(operations.exp, names=["x"]), of(operations.exp, names=["y"])),
    "label": (labelled("first"), labelled("second")),
    "name": (of(lambda x: x + 1.0), labelled("")),
}


@pytest.mark.parametrize("what", OTHERS)
def test_circuits_that_differ_are_kept_apart(what: str) -> None:
    one, other = OTHERS[what]
    assert first_alike(one) is not first_alike(other)
    assert first_alike(one) is first_alike(one)


def test_nan_is_the_same_as_itself() -> None:
    assert first_alike(scaled(numpy.nan)) is first_alike(scaled(numpy.nan))


def test_memory_is_bounded() -> None:
    first = scaled(0.5)
    assert first_alike(first) is first
    for k in range(100):
        first_alike(scaled(1.0 + k))
    later = scaled(0.5)
    assert first_alike(later) is later

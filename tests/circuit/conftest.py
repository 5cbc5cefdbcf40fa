"""Sample inputs for every operation: each test that asks for a ``sample`` runs on all of them.

Length 5 is the length that tests set free, so no sample slices or joins along an axis of 5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy
import pytest

from backpass.circuit.node import OPERATIONS
from backpass.circuit.spec import Spec

FREE_LENGTH = 5


@dataclass(frozen=True)
class Sample:
    """An operation with arguments to try it on. ``is_smooth``: its gradient is the slope (not so for stop_gradient)."""

    operation: str
    arguments: tuple[Any, ...] = ()
    params: dict[str, Any] = field(default_factory=dict)
    is_smooth: bool = True

    def __str__(self) -> str:
        shapes = "-".join(f"{a.dtype.char}{'x'.join(map(str, a.shape))}" for a in self.arguments)
        return f"{self.operation}-{shapes}" + ("" if all(a.flags.c_contiguous for a in self.arguments) else "-strided")

    def __call__(self, *arguments: Any) -> Any:
        return OPERATIONS[self.operation](*arguments, **self.params)

    @property
    def floats(self) -> tuple[int, ...]:
        return tuple(i for i, a in enumerate(self.arguments) if a.dtype.kind == "f")

    @property
    def free_specs(self) -> list[Spec]:
        return [Spec(tuple(_freed(d) for d in a.shape), a.dtype) for a in self.arguments]

    @property
    def free_params(self) -> dict[str, Any]:
        freed: dict[str, Callable[[Any], Any]] = {
            "length": _freed,
            "shape": lambda shape: tuple(_freed(d) for d in shape),
        }
        return {key: freed.get(key, lambda kept: kept)(value) for key, value in self.params.items()}


def _freed(length: int) -> int | str:
    return "n" if length == FREE_LENGTH else length


def numbers(shape: Sequence[int], low: float, high: float, seed: int = 0) -> numpy.ndarray[Any, Any]:
    """Numbers in (low, high) in a random order, no two within the reach of a difference quotient."""
    count = int(numpy.prod(shape))
    grid = low + (high - low) * (numpy.arange(count) + 0.37 + 0.11 * seed) / max(count, 1)
    return numpy.random.default_rng(seed).permutation(grid).reshape(tuple(shape))


def strided(array: numpy.ndarray[Any, Any]) -> numpy.ndarray[Any, Any]:
    """The same numbers in a view that is not contiguous."""
    wide = numpy.zeros(tuple(2 * d for d in array.shape), array.dtype)
    view = wide[tuple(slice(None, None, 2) for _ in array.shape)]
    view[...] = array
    return view


UNARY_RANGES = {
    "negative": (-2, 2), "exp": (-2, 2), "expm1": (-2, 2), "log": (0.2, 3), "log1p": (-0.8, 3), "sqrt": (0.2, 3),
    "sin": (-3, 3), "cos": (-3, 3), "tanh": (-2, 2), "sigmoid": (-4, 4), "softplus": (-4, 4), "erf": (-2, 2),
    "relu": (-2, 2), "absolute": (-2, 2), "sign": (-2, 2), "arctan": (-3, 3), "floor": (-3, 3),
}  # fmt: skip
BINARY_RANGES = {
    "add": (-2, 2), "subtract": (-2, 2), "multiply": (-2, 2), "divide": (0.5, 2), "power": (0.5, 2),
    "maximum": (-2, 2), "minimum": (-2, 2), "greater": (-2, 2), "greater_equal": (-2, 2), "equal": (-2, 2),
    "remainder": (0.5, 3),
}  # fmt: skip
PAIRS = [((5, 3), (5, 3)), ((5, 3), (3,)), ((5, 1), (1, 3)), ((), (5, 3)), ((2, 1), (1, 2)), ((0, 3), (1, 3)),
         ((1, 1), (1, 1)), ((), ())]  # fmt: skip


def elementwise_samples() -> Iterator[Sample]:
    for name, (low, high) in UNARY_RANGES.items():
        for shape in [(5, 3), (0, 3), (1, 1), ()]:
            yield Sample(name, (numbers(shape, low, high),))
        yield Sample(name, (strided(numbers((5, 3), low, high)),))
    for name, (low, high) in BINARY_RANGES.items():
        for left, right in PAIRS:
            yield Sample(name, (numbers(left, low, high), numbers(right, low, high, seed=1)))
        yield Sample(name, (numbers((3, 5), low, high).T, strided(numbers((5, 3), low, high, seed=1))))
    for condition, x, y in [((5, 3), (5, 3), (5, 3)), ((5, 1), (3,), ()), ((0, 3), (3,), (1, 1)), ((), (5,), (5,))]:
        bits = numbers(condition, -1, 1) > 0
        yield Sample("where", (bits, numbers(x, -2, 2), numbers(y, -2, 2, seed=1)))
    yield Sample("logical_not", (numbers((5, 3), -1, 1) > 0,))


def x(*shape: int, seed: int = 0) -> numpy.ndarray[Any, Any]:
    return numbers(shape, -2, 2, seed)


def shaping_samples() -> Iterator[Sample]:
    yield Sample("argument", (), {"spec": Spec((5, 3), numpy.dtype(float))})
    yield Sample("constant", (), {"value": x(4, 3)})
    for shape in [(5, 3), (0, 2), ()]:
        yield Sample("identity", (x(*shape),))
        yield Sample("stop_gradient", (x(*shape),), is_smooth=False)
        yield Sample("cast", (x(*shape),), {"dtype": numpy.dtype(float)})
    yield Sample("cast", (x(5) > 0,), {"dtype": numpy.dtype(float)})
    yield Sample("cast", (x(5),), {"dtype": numpy.dtype(int)})
    for before, after in [((5, 6), (5, 2, 3)), ((5, 2, 3), (5, -1)), ((), (1, 1)), ((0, 3), (-1, 3)), ((4,), (2, 2))]:
        yield Sample("reshape", (x(*before),), {"shape": after})
    yield Sample("reshape", (strided(x(5, 4)),), {"shape": (5, 2, 2)})
    for shape, axes in [((5, 3), (1, 0)), ((5, 2, 3), (2, 0, 1)), ((0, 2), (1, 0)), ((), ())]:
        yield Sample("transpose", (x(*shape),), {"axes": axes})
    for before, after in [((), (5, 3)), ((5, 1), (5, 3)), ((3,), (2, 5, 3)), ((1, 3), (0, 3)), ((1,), (1, 1))]:
        yield Sample("broadcast_to", (x(*before),), {"shape": after})
    yield Sample("slice_", (x(5, 6),), {"ranges": (None, (1, 4, 2))})
    yield Sample("slice_", (x(4, 6),), {"ranges": ((3, -1, -1), (0, 6, 3))})
    yield Sample("slice_", (strided(x(4, 4)),), {"ranges": ((2, 3, 1), (1, 1, 1))})
    overlapping = {"ranges": ((None, (0, 2, 1)), (None, (1, 3, 1)), (None, (3, -1, -2))), "shape": (5, 4)}
    yield Sample("assemble", (x(5, 2), x(5, 2, seed=1), x(5, 2, seed=2)), overlapping)
    yield Sample("assemble", (x(0, 2),), {"ranges": ((None, (0, 2, 1)),), "shape": (0, 4)})
    yield Sample("concatenate_", (x(5, 2), x(5, 3, seed=1), x(5, 1, seed=2)), {"axis": 1})
    yield Sample("concatenate_", (x(2, 3), x(0, 3), strided(x(1, 3))), {"axis": 0})


def product_samples() -> Iterator[Sample]:
    for left, right in [((5, 3), (3, 2)), ((2, 5, 3), (3, 2)), ((5, 3), (2, 3, 4)), ((1, 5, 3), (2, 3, 2)),
                        ((0, 3), (3, 2)), ((1, 1), (1, 1))]:  # fmt: skip
        yield Sample("matmul_", (x(*left), x(*right, seed=1)))
    yield Sample("matmul_", (x(3, 5).T, strided(x(3, 2))))
    for rows, W, b in [((5, 3), (3, 2), (2,)), ((5, 3), (4, 3, 2), (4, 2)), ((4, 5, 3), (4, 3, 2), (4, 2)),
                       ((4, 5, 3), (3, 2), (2,)), ((0, 3), (3, 2), (2,)), ((1, 1), (1, 1), (1,))]:  # fmt: skip
        yield Sample("affine", (x(*rows), x(*W, seed=1), x(*b, seed=2)))
    yield Sample("affine", (strided(x(5, 3)), x(2, 3, seed=1).T, strided(x(2, seed=2))))


AXES = [((5, 3), None, False), ((5, 3), 0, False), ((5, 3), -1, True), ((2, 5, 3), (0, 2), False), ((0, 3), 1, False),
        ((1, 1), None, True), ((), None, False)]  # fmt: skip


def reduction_samples() -> Iterator[Sample]:
    for name in ("sum", "max", "logsumexp"):
        for shape, axis, keepdims in AXES:
            yield Sample(name, (x(*shape),), {"axis": axis, "keepdims": keepdims})
        yield Sample(name, (strided(x(5, 3)),), {"axis": 1, "keepdims": False})
    for name in ("sum", "logsumexp"):
        yield Sample(name, (x(3, 0),), {"axis": 1, "keepdims": False})


def lookup_samples() -> Iterator[Sample]:
    for shape, indices, axis in [((4, 3), [2, 0, 2, 3, 3], 0), ((5, 4), [3, 1], 1), ((4, 2), [[1, 1], [0, 3]], 0),
                                 ((4,), 2, 0), ((4, 3), [-1, 0], 0)]:  # fmt: skip
        yield Sample("take", (x(*shape), numpy.array(indices)), {"axis": axis})
    yield Sample("take", (strided(x(4, 3)), numpy.zeros(0, dtype=int)), {"axis": 0})
    yield Sample("scatter_add", (x(5, 3), numpy.array([2, 0, 2, 3, 3])), {"axis": 0, "length": 4})
    yield Sample("scatter_add", (x(5, 2), numpy.array([3, 1])), {"axis": 1, "length": 4})
    yield Sample("scatter_add", (x(2, 2, 3), numpy.array([[1, 1], [0, 3]])), {"axis": 0, "length": 5})
    yield Sample("scatter_add", (x(0, 3), numpy.zeros(0, dtype=int)), {"axis": 0, "length": 2})


def random_samples() -> Iterator[Sample]:
    key, step = numpy.array([7, 9], dtype=numpy.uint32), numpy.array(3, dtype=numpy.uint32)
    for shape in [(5, 3), (0, 3), ()]:
        yield Sample("random_bits", (key, step), {"purpose": 1, "shape": shape})
    yield Sample("to_unit", (numpy.array([0, 255, 256, 2**32 - 1], dtype=numpy.uint32),), {"dtype": numpy.dtype("f4")})


FAMILIES: list[Callable[[], Iterator[Sample]]] = [
    elementwise_samples, shaping_samples, product_samples, reduction_samples, lookup_samples, random_samples,
]  # fmt: skip
SAMPLES = [sample for family in FAMILIES for sample in family()]


@pytest.fixture
def samples() -> list[Sample]:
    return SAMPLES


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "sample" in metafunc.fixturenames:
        metafunc.parametrize("sample", SAMPLES, ids=str)
    if "smooth" in metafunc.fixturenames:
        smooth = [sample for sample in SAMPLES if sample.is_smooth and sample.floats]
        metafunc.parametrize("smooth", smooth, ids=str)


@pytest.fixture(autouse=True)
def operations_as_declared() -> Iterator[None]:
    """Operations that a test declares are gone after it."""
    before = dict(OPERATIONS)
    yield
    OPERATIONS.clear()
    OPERATIONS.update(before)

"""Every operation and its gradient on the JAX engine, against the NumPy engine, element by element."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy
import pytest

pytest.importorskip("jax")

from backpass.circuit import Spec, grad, trace
from backpass.circuit import operations as ops
from backpass.circuit.node import OPERATIONS
from backpass.engine import NumpyEngine
from backpass.engine.jax.forms import FORMS
from backpass.engine.jax.jax_engine import JaxEngine
from backpass.numerics.philox import key_of, philox_bits

HERE = str(Path(__file__).parents[1])
if HERE not in sys.path:
    sys.path.append(HERE)

from operation_samples import samples_of_operations  # noqa: E402

ENGINE = JaxEngine("cpu")
TOLERANCE = {"float16": (2e-3, 2e-3), "float32": (2e-6, 2e-6), "float64": (1e-12, 1e-12)}
"""Relative, and absolute for numbers near 1, which sums and differences of such numbers carry over to small results."""
SAMPLES = samples_of_operations()


def assert_equal_results(circuit: Any, arguments: list[Any], scale: float = 1.0) -> None:
    expected = NumpyEngine().run(circuit, *arguments)
    for z, wanted in zip(ENGINE.run(circuit, *arguments), expected, strict=True):
        assert z.dtype == wanted.dtype
        assert z.shape == wanted.shape
        assert z.flags.writeable
        if wanted.dtype.kind != "f":
            numpy.testing.assert_array_equal(z, wanted)
            continue
        relative, absolute = TOLERANCE[wanted.dtype.name]
        numpy.testing.assert_allclose(z, wanted, rtol=relative * scale, atol=absolute * scale)


def as_dtype(sample: Any, dtype: Any) -> tuple[list[Any], dict[str, Any]]:
    wide = numpy.dtype(numpy.float64)
    params = {
        k: numpy.dtype(dtype) if isinstance(v, numpy.dtype) and v == wide else v for k, v in sample.params.items()
    }
    return [a.astype(dtype) if a.dtype.kind == "f" else a for a in sample.arguments], params


def circuit_of(name: str, dtype: Any, gradient: bool = False) -> tuple[Any, list[Any]]:
    """All samples of an operation in one circuit, which is compiled once, and their arguments."""
    chosen = [each for each in SAMPLES if each.operation == name and (each.floats or not gradient)]
    given = [as_dtype(each, dtype) for each in chosen]

    def weighted(sample: Any, params: dict[str, Any], a: Any) -> Any:
        z = OPERATIONS[name](*a, **params)
        z = z if z.dtype.kind == "f" else z.astype(numpy.float64)
        return (z * numpy.cos(numpy.arange(numpy.prod(z.shape)) + 1.0).reshape(z.shape)).sum()

    def several(*all_arguments: Any) -> list[Any]:
        left, found = list(all_arguments), []
        for sample, (arguments, params) in zip(chosen, given, strict=True):
            mine = [left.pop(0) for _ in arguments]
            if gradient:
                found.append(grad(lambda *a, s=sample, p=params: weighted(s, p, a), sample.floats)(*mine))
            else:
                found.append(OPERATIONS[name](*mine, **params))
        return found

    flat = [a for arguments, _ in given for a in arguments]
    return trace(several, [Spec(a.shape, a.dtype) for a in flat]), flat


@pytest.mark.parametrize("dtype", [numpy.float32, numpy.float64])
@pytest.mark.parametrize("name", sorted(FORMS.keys() - {"constant"}))
def test_every_operation_agrees_with_numpy(name: str, dtype: Any) -> None:
    assert_equal_results(*circuit_of(name, dtype))


@pytest.mark.parametrize("dtype", [numpy.float32, numpy.float64])
@pytest.mark.parametrize("name", sorted({each.operation for each in SAMPLES if each.floats}))
def test_every_gradient_agrees_with_numpy(name: str, dtype: Any) -> None:
    assert_equal_results(*circuit_of(name, dtype, gradient=True), scale=4)


TWO = ("add", "subtract", "multiply", "divide", "maximum", "minimum", "equal", "greater", "greater_equal", "remainder")
DTYPES = ("bool", "int8", "int64", "float16", "float32", "float64")


@pytest.mark.parametrize("name", TWO)
def test_mixed_dtypes_are_numpys(name: str) -> None:
    """JAX's own rules differ: an int64 and a float32 are a float32 there."""
    pairs = [(a, b) for a in DTYPES for b in DTYPES if name != "subtract" or "bool" not in (a, b)]
    pairs = [pair for pair in pairs if name != "remainder" or pair != ("bool", "bool")]
    arguments = [numpy.array([1, 3], dtype) for pair in pairs for dtype in pair]

    def several(*a: Any) -> Any:
        return [OPERATIONS[name](x, y) for x, y in zip(a[::2], a[1::2], strict=True)]

    assert_equal_results(trace(several, [Spec(a.shape, a.dtype) for a in arguments]), arguments)


_SPECIAL = (
    *("relu", "maximum", "minimum", "sign", "absolute", "where", "equal", "greater", "greater_equal", "softplus"),
    *("sigmoid", "tanh", "exp", "expm1", "log", "log1p", "arctan", "floor", "remainder", "erf", "sqrt", "power"),
)
VALUES = numpy.array([0.0, -0.0, numpy.inf, -numpy.inf, numpy.nan, 1e30, -1e30, 1.0, -1.0, 0.5, 88.0, -88.0])


@pytest.mark.parametrize("name", _SPECIAL)
def test_special_values(name: str) -> None:
    x, y = (each.reshape(-1).astype(numpy.float32) for each in numpy.meshgrid(VALUES, VALUES))
    two = [x, y] if OPERATIONS[name].arguments[1:] else [x]
    arguments = [x > 0, x, y] if name == "where" else two
    assert_equal_results(trace(OPERATIONS[name], [Spec(a.shape, a.dtype) for a in arguments]), arguments)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 1)])
def test_special_values_of_reductions(axis: Any, keepdims: bool) -> None:
    rows = [[0.0, -numpy.inf], [numpy.inf, 1.0], [numpy.nan, 2.0], [-numpy.inf, -numpy.inf], [1000.0, 1000.0]]
    x = numpy.array(rows, numpy.float32)
    for operation in (ops.logsumexp, ops.max, ops.sum):
        circuit = trace(lambda x, f=operation: f(x, axis=axis, keepdims=keepdims), [Spec(x.shape, x.dtype)])
        assert_equal_results(circuit, [x])


def test_the_slope_of_relu_at_exactly_zero_is_one() -> None:
    circuit = trace(grad(lambda x: ops.relu(x).sum()), [Spec((3,), numpy.dtype(numpy.float32))])
    found = ENGINE.run(circuit, numpy.array([0.0, -0.0, -1e-30], numpy.float32))[0]
    numpy.testing.assert_array_equal(found, [1.0, 1.0, 0.0])


@pytest.mark.parametrize(
    ("seed", "step", "purpose", "shape"),
    [
        (0, 0, 0, (1,)),
        (1, 2, 3, (4,)),
        (2**64 - 1, 2**32 - 1, 7, (3, 5)),
        (2**40 + 9, 12, 1, (2, 3, 129)),
        (5, 1, 2, (0,)),
    ],
)
def test_random_bits_are_those_of_philox(seed: int, step: int, purpose: int, shape: tuple[int, ...]) -> None:
    key, number = key_of(seed), numpy.asarray(step, numpy.uint32)
    specs = [Spec((2,), key.dtype), Spec((), number.dtype)]
    circuit = trace(lambda k, s: ops.random_bits(k, s, purpose=purpose, shape=shape), specs)
    found = ENGINE.run(circuit, key, number)[0]
    numpy.testing.assert_array_equal(found, philox_bits(key, step, purpose, shape))
    assert found.dtype == numpy.uint32


@pytest.mark.parametrize("indices", [[0, 3], [-4, 1]])
def test_an_index_out_of_range_is_an_index_error(indices: list[int]) -> None:
    circuit = trace(lambda x, i: ops.take(x, i, axis=0), [(3, 2), Spec((2,), numpy.dtype(int))])
    with pytest.raises(IndexError, match="take or scatter_add is out of range"):
        ENGINE.run(circuit, numpy.zeros((3, 2)), numpy.array(indices))
    numpy.testing.assert_array_equal(ENGINE.run(circuit, numpy.eye(3, 2), [-3, 2])[0], [[1, 0], [0, 0]])
    back = trace(lambda x, i: ops.scatter_add(x, i, axis=0, length=3), [(2, 2), Spec((2,), numpy.dtype(int))])
    with pytest.raises(IndexError, match="take or scatter_add is out of range"):
        ENGINE.run(back, numpy.zeros((2, 2)), numpy.array(indices))
    assert_equal_results(back, [numpy.eye(2), numpy.array([-1, 2])])


@pytest.mark.parametrize("ranges", [
    (((0, 2, 1),), ((2, 5, 1),)), (((3, 5, 1),), ((0, 2, 1),)), (((0, 3, 1),), ((2, 5, 1),)),
    (((4, 0, -2),), ((1, 4, 1),)), ((None,), ((1, 4, 1),)), (((4, -1, -1),),), (((0, 5, 2),), ((1, 3, 1),)),
])  # fmt: skip
def test_pieces_are_added_where_they_belong(ranges: Any) -> None:
    pieces = [numpy.arange(5.0)[: 5 if r[0] is None else len(range(*r[0]))] + i for i, r in enumerate(ranges)]
    circuit = trace(
        lambda *p: OPERATIONS["assemble"](*p, ranges=ranges, shape=(5,)), [Spec(p.shape, p.dtype) for p in pieces]
    )
    assert_equal_results(circuit, pieces)


def test_free_lengths_and_arrays_without_elements() -> None:
    circuit = trace(lambda x, W: (ops.matmul(x, W), x.sum(axis=0), ops.softmax(x, axis=1)), [("n", 3), (3, 2)])
    random = numpy.random.default_rng(0)
    for rows in (4, 1, 0):
        assert_equal_results(circuit, [random.normal(size=(rows, 3)), random.normal(size=(3, 2))])


def test_products_keep_all_bits_of_their_factors() -> None:
    """A sum of few terms is exact, and a factor that is rounded to 10 bits or fewer is not 1 + 2^-12."""
    x = numpy.full((32, 1), 1.0 + 2.0**-12, numpy.float32)
    circuit = trace(lambda x, y: x @ y, [Spec((32, 1), x.dtype), Spec((1, 32), x.dtype)])
    found = ENGINE.run(circuit, x, numpy.ones((1, 32), numpy.float32))[0]
    numpy.testing.assert_array_equal(found, numpy.full((32, 32), 1.0 + 2.0**-12, numpy.float32))

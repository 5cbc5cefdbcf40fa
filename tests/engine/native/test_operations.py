"""Every operation, and circuits made of them at random, against the NumPy engine, element by element."""

from __future__ import annotations

from typing import Any

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backpass.circuit import Spec, grad, trace
from backpass.circuit import operations as ops
from backpass.circuit.node import OPERATIONS
from backpass.engine import NumpyEngine
from backpass.engine.native._core import instruction_sets
from backpass.engine.native.native_engine import NativeEngine, Tiling
from backpass.engine.plan import plan_circuit

TOLERANCE = {"float32": (2e-6, 2e-6), "float64": (1e-12, 1e-12)}
"""Relative, and absolute for numbers near 1, which sums and differences of such numbers carry over to small results."""


def assert_equal_results(circuit: Any, arguments: list[Any], engine: NativeEngine, scale: float = 1.0) -> None:
    expected = NumpyEngine().run(circuit, *arguments)
    for z, wanted in zip(engine.run(circuit, *arguments), expected, strict=True):
        assert z.dtype == wanted.dtype
        assert z.shape == wanted.shape
        if wanted.dtype.kind != "f":
            numpy.testing.assert_array_equal(z, wanted)
            continue
        relative, absolute = TOLERANCE[wanted.dtype.name]
        numpy.testing.assert_allclose(z, wanted, rtol=relative * scale, atol=absolute * scale)


def as_dtype(sample: Any, dtype: Any) -> tuple[list[Any], dict[str, Any]]:
    arguments = [a.astype(dtype) if a.dtype.kind == "f" else a for a in sample.arguments]
    wide = numpy.dtype(numpy.float64)
    return arguments, {k: numpy.dtype(dtype) if isinstance(v, numpy.dtype) and v == wide else v
                       for k, v in sample.params.items()}  # fmt: skip


def real(z: Any) -> Any:
    return z if z.dtype.kind == "f" else z.astype(numpy.float64)


@pytest.mark.parametrize("dtype", [numpy.float32, numpy.float64])
def test_every_operation_agrees_with_numpy(sample: Any, dtype: Any, isa: str) -> None:
    arguments, params = as_dtype(sample, dtype)
    specs = [Spec(a.shape, a.dtype) for a in arguments]
    circuit = trace(lambda *a: OPERATIONS[sample.operation](*a, **params), specs)
    assert_equal_results(circuit, arguments, NativeEngine(isa=isa))
    plan_circuit(circuit, {})  # the core has a form for it: nothing falls back


@pytest.mark.parametrize("dtype", [numpy.float32, numpy.float64])
def test_every_gradient_agrees_with_numpy(sample: Any, dtype: Any, isa: str) -> None:
    if not sample.floats:
        return
    arguments, params = as_dtype(sample, dtype)

    def weighted(*a: Any) -> Any:
        z = real(OPERATIONS[sample.operation](*a, **params))
        weights = numpy.cos(numpy.arange(numpy.prod(z.shape)) + 1.0).reshape(z.shape)
        return (z * weights).sum()

    circuit = trace(grad(weighted, sample.floats), [Spec(a.shape, a.dtype) for a in arguments])
    assert_equal_results(circuit, arguments, NativeEngine(isa=isa), scale=4)


_SPECIAL = [
    "relu",
    "maximum",
    "minimum",
    "sign",
    "absolute",
    "where",
    "equal",
    "greater",
    "greater_equal",
    "softplus",
    "sigmoid",
    "tanh",
    "exp",
    "expm1",
    "log1p",
    "arctan",
    "floor",
    "remainder",
    "erf",
    "sqrt",
]


@pytest.mark.parametrize("value", [0.0, -0.0, numpy.inf, -numpy.inf, numpy.nan, 1e30, -1e30, 3e-39])
@pytest.mark.parametrize("name", _SPECIAL)
def test_special_values(name: str, value: float, isa: str) -> None:
    if name in ("sign", "remainder") and abs(value) == 3e-39:
        return  # a subnormal number counts as zero while the core runs
    x = numpy.full(37, value, numpy.float32)
    one = numpy.ones(37, numpy.float32)
    arguments = {"where": [x > 0, x, one]}.get(name, [x, one] if OPERATIONS[name].arguments[1:] else [x])
    circuit = trace(OPERATIONS[name], [Spec(a.shape, a.dtype) for a in arguments])
    for order in (arguments, [*arguments[:-2], *arguments[-2:][::-1]] if name != "where" else arguments):
        assert_equal_results(circuit, order, NativeEngine(isa=isa))


def test_the_slope_of_relu_at_exactly_zero_is_one(isa: str) -> None:
    circuit = trace(grad(lambda x: ops.relu(x).sum()), [Spec((3,), numpy.dtype(numpy.float32))])
    found = NativeEngine(isa=isa).run(circuit, numpy.array([0.0, -0.0, -1e-30], numpy.float32))[0]
    numpy.testing.assert_array_equal(found, [1.0, 1.0, 0.0])


def test_an_operation_the_core_has_no_form_for_runs_on_numpy() -> None:
    circuit = trace(lambda x: x + x, [Spec((3,), numpy.dtype(numpy.int8))])
    numpy.testing.assert_array_equal(NativeEngine().run(circuit, numpy.array([1, 2, 100], numpy.int8))[0], [2, 4, -56])


@pytest.mark.parametrize("indices", [[0, 3], [-4, 1]])
def test_an_index_out_of_range_is_an_index_error(indices: list[int]) -> None:
    circuit = trace(lambda x, i: ops.take(x, i, axis=0), [(3, 2), Spec((2,), numpy.dtype(int))])
    with pytest.raises(IndexError):
        NativeEngine().run(circuit, numpy.zeros((3, 2)), numpy.array(indices))
    numpy.testing.assert_array_equal(NativeEngine().run(circuit, numpy.eye(3, 2), [-3, 2])[0], [[1, 0], [0, 0]])


@pytest.mark.parametrize(("m", "k", "n"), [(1, 1, 1), (1, 70, 9), (3, 0, 5), (33, 200, 65), (97, 513, 31), (5, 700, 8),
                                           (200, 9, 100), (2, 3, 300), (90, 1024, 40), (40, 8, 300)])  # fmt: skip
@pytest.mark.parametrize("transposed", ["", "a", "b", "ab"])
def test_products_of_every_form(m: int, k: int, n: int, transposed: str, isa: str) -> None:
    random = numpy.random.default_rng(0)
    a = random.uniform(-1, 1, (k, m) if "a" in transposed else (m, k)).astype(numpy.float32)
    b = random.uniform(-1, 1, (n, k) if "b" in transposed else (k, n)).astype(numpy.float32)

    def product(x: Any, y: Any) -> Any:
        return (x.T if "a" in transposed else x) @ (y.T if "b" in transposed else y)

    circuit = trace(product, [Spec(a.shape, a.dtype), Spec(b.shape, b.dtype)])
    z = NativeEngine(isa=isa).run(circuit, a, b)[0]
    numpy.testing.assert_allclose(z, product(a.astype(float), b.astype(float)), atol=3e-7 * (k + 1))


@pytest.mark.parametrize("transposed", ["", "a", "b"])
def test_the_bits_of_a_large_product_do_not_depend_on_how_it_is_cut(transposed: str) -> None:
    m, k, n = 70, 2048, 1060  # more than one block of rows, of k and of columns; rows of a lie 4 KB apart or so
    random = numpy.random.default_rng(0)
    a = random.uniform(-1, 1, (k, 1024) if "a" in transposed else (m, k)).astype(numpy.float32)
    b = random.uniform(-1, 1, (n, k) if "b" in transposed else (k, n)).astype(numpy.float32)
    bias = random.uniform(-1, 1, n).astype(numpy.float32)

    def product(x: Any, y: Any, z: Any) -> Any:
        return ops.relu((x[:, :m].T if "a" in transposed else x) @ (y.T if "b" in transposed else y) + z)

    arguments = [a, b, bias]
    circuit = trace(product, [Spec(x.shape, x.dtype) for x in arguments])
    cuts = [(threads, Tiling()) for threads in (1, 2, 8)] + [(1, Tiling(3, 100)), (2, Tiling(5, 1000))]
    found = {
        NativeEngine(isa=isa, threads=threads, tiling=tiling).run(circuit, *arguments)[0].tobytes()
        for isa in instruction_sets()
        for threads, tiling in cuts
    }
    assert len(found) == 1
    [exact] = NumpyEngine().run(circuit, *arguments)
    numpy.testing.assert_allclose(numpy.frombuffer(found.pop(), numpy.float32).reshape(m, n), exact, atol=1e-3)


# Random circuits: a few arrays of broadcasting shapes, then operations on whatever is there already.
_SHAPES = [(), (1,), (7,), (40,), (3, 1), (3, 7), (3, 40), (2, 3, 7), (1, 40)]
_UNARY = ["relu", "tanh", "sigmoid", "softplus", "absolute", "sign", "negative", "erf", "sin", "expm1"]
_BINARY = ["add", "subtract", "multiply", "maximum", "minimum"]


@st.composite
def recipes(draw: Any) -> tuple[list[tuple[int, ...]], list[tuple[Any, ...]]]:
    shapes = draw(st.lists(st.sampled_from(_SHAPES), min_size=2, max_size=4))
    steps = []
    for i in range(draw(st.integers(1, 14))):
        count = len(shapes) + i
        kind = draw(st.sampled_from(["unary", "binary", "where", "sum", "max", "logsumexp", "reshape", "transpose",
                                     "slice", "join", "product", "scale"]))  # fmt: skip
        steps.append((kind, draw(st.integers(0, count - 1)), draw(st.integers(0, count - 1)), draw(st.integers(0, 99))))
    return shapes, steps


def build(steps: list[tuple[Any, ...]], arrays: list[Any]) -> list[Any]:
    """Everything the recipe makes; a step that does not fit the shapes is left out."""
    values = list(arrays)
    for kind, i, j, choice in steps:
        x, y = values[i], values[j]
        z = x
        if kind == "unary":
            z = OPERATIONS[_UNARY[choice % len(_UNARY)]](x)
        elif kind in ("binary", "where"):
            try:
                numpy.broadcast_shapes(x.shape, y.shape)
            except ValueError:
                y = x.sum()
            if kind == "where":
                z = ops.where(x >= y, ops.sin(x), y)
            else:
                z = OPERATIONS[_BINARY[choice % len(_BINARY)]](x, y)
        elif kind in ("sum", "max", "logsumexp") and len(x.shape):
            axis = (None, 0, len(x.shape) - 1)[choice % 3]
            z = OPERATIONS[kind](x, axis=axis, keepdims=bool(choice % 2))
        elif kind == "reshape":
            z = x.reshape((-1,))
        elif kind == "transpose":
            z = numpy.transpose(x, tuple(reversed(range(len(x.shape)))))
        elif kind == "slice" and len(x.shape) and x.shape[-1] > 1:
            z = x[..., choice % x.shape[-1] :: 2]
        elif kind == "join" and len(x.shape):
            z = numpy.concatenate([x, ops.tanh(x), x], axis=choice % len(x.shape))
        elif kind == "product" and len(x.shape) == 2:
            z = x @ numpy.transpose(x, (1, 0))
        elif kind == "scale":
            z = x * 0.25 + 0.5
        values.append(ops.tanh(z) if kind in ("product", "sum") else z)
    return values[len(arrays) :]


@given(recipes())
@settings(max_examples=150)
def test_random_circuits_agree_with_numpy(recipe: Any) -> None:
    shapes, steps = recipe
    random = numpy.random.default_rng(5)
    arrays = [random.uniform(-1.5, 1.5, shape) for shape in shapes]
    narrow = [numpy.asarray(a, numpy.float32) for a in arrays]
    circuit = trace(lambda *a: build(steps, list(a)), [Spec(a.shape, a.dtype) for a in narrow])
    wide = trace(lambda *a: build(steps, list(a)), [Spec(a.shape, a.dtype) for a in arrays])
    exact = NumpyEngine().run(wide, *narrow)
    results = [NativeEngine(isa=isa, threads=t).run(circuit, *narrow) for isa in instruction_sets() for t in (1, 3)]
    for z, w, e in zip(results[0], NumpyEngine().run(circuit, *narrow), exact, strict=True):
        # A kink or a cancellation may magnify a rounding error; NumPy's own error is the measure of that.
        allowed = 2e-5 * (1 + numpy.abs(e)) + 20 * numpy.abs(w - e)
        assert (numpy.abs(z - e) <= allowed).all() or _has_jump(steps)
    for other in results[1:]:
        for z, w in zip(results[0], other, strict=True):
            assert z.tobytes() == w.tobytes()


def _has_jump(steps: list[tuple[Any, ...]]) -> bool:
    """Whether a rounding error may turn a comparison, and with it a result."""
    return any(kind == "where" or (kind == "unary" and _UNARY[c % len(_UNARY)] == "sign") for kind, _, _, c in steps)


UNSUPPORTED: dict[str, tuple[Any, str, int]] = {
    "a power of integers": (ops.power, "i4", 2),
    "a product of truth values": (ops.multiply, "?", 2),
    "the larger of truth values": (ops.maximum, "?", 2),
    "the size of truth values": (ops.absolute, "?", 1),
}


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_what_the_core_has_no_kernel_for_runs_on_the_numpy_engine(name: str) -> None:
    function, dtype, count = UNSUPPORTED[name]
    arguments = [numpy.array([1, 0, 1], dtype), numpy.array([1, 1, 0], dtype)][:count]
    circuit = trace(function, [Spec(a.shape, a.dtype) for a in arguments])
    engine = NativeEngine()
    for z in (engine.run(circuit, *arguments)[0], engine.partial(circuit)(*arguments)[0]):
        numpy.testing.assert_array_equal(z, function(*arguments))
        assert z.dtype == function(*arguments).dtype

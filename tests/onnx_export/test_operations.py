"""Every operation, written in ONNX and run in ONNX Runtime, equals its own meaning."""

from __future__ import annotations

from typing import Any

import numpy
import pytest
from onnx_runs import assert_same, both, exported, run_onnx

from backpass.circuit import Circuit, Spec, grad, trace
from backpass.circuit import operations as o
from backpass.circuit.node import OPERATIONS
from backpass.engine.onnx import Graph, translate
from backpass.engine.onnx.forms import FORMS, WITHOUT_FORM
from backpass.errors import CircuitError


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("free", [False, True], ids=["fixed", "free"])
def test_an_operation_in_onnx_equals_its_meaning(sample: Any, dtype: str, free: bool) -> None:
    """As it stands with fixed lengths, and with whatever the runtime fuses with free ones."""
    if sample.operation in WITHOUT_FORM or (free and not any("n" in spec.shape for spec in sample.free_specs)):
        return
    circuit, arguments = circuit_of(sample, dtype, free)
    assert_same(*both(circuit, arguments, optimized=free))


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_the_reference_evaluator_of_onnx_agrees(sample: Any, dtype: str) -> None:
    """A second runtime: what is written follows the standard, and not one runtime's habits.

    Some of its versions stumble over scalars and empty arrays, so these are left to ONNX Runtime.
    """
    if sample.operation in WITHOUT_FORM or any(a.ndim == 0 or a.size == 0 for a in sample.arguments):
        return
    from onnx.reference import ReferenceEvaluator

    circuit, arguments = circuit_of(sample, dtype, any("n" in spec.shape for spec in sample.free_specs))
    inputs = dict(zip(circuit.input_names, circuit.arrays_for(arguments), strict=True))
    with numpy.errstate(all="ignore"):
        got = ReferenceEvaluator(exported(circuit)).run(None, inputs)
    assert_same(got, circuit.evaluate(arguments))


def circuit_of(sample: Any, dtype: str, free: bool) -> tuple[Circuit, list[Any]]:
    """A sample as a circuit in a dtype, with its arguments; ``free``: lengths of 5 are free dimensions."""
    arguments = [a.astype(dtype) if a.dtype.kind == "f" else a for a in sample.arguments]
    dtypes = {numpy.dtype("f8"): numpy.dtype(dtype)}
    params = {k: dtypes.get(v, v) if k == "dtype" else v for k, v in sample.params.items()}
    shapes = [spec.shape for spec in sample.free_specs] if free else [a.shape for a in arguments]
    specs = [Spec(shape, a.dtype) for shape, a in zip(shapes, arguments, strict=True)]
    if free:
        params |= {key: sample.free_params[key] for key in ("shape", "length") if key in params}
    return trace(lambda *a: OPERATIONS[sample.operation](*a, **params), specs), arguments


@pytest.mark.parametrize(
    "name", ["add", "subtract", "multiply", "divide", "maximum", "greater", "equal", "power", "remainder"]
)
@pytest.mark.parametrize(("left", "right"), [("i4", "f4"), ("?", "f4"), ("i4", "i8"), ("f4", "f8"), ("u4", "u4"),
                                             ("i1", "i2"), ("f2", "f2")])  # fmt: skip
def test_dtypes_meet_as_in_numpy(name: str, left: str, right: str) -> None:
    x, y = numpy.array([1, 0, 3], left), numpy.array([1, 2, 2], right)
    if name == "subtract" and left == "u4":
        y = numpy.minimum(x, y)  # a negative result wraps around in NumPy; what runtimes do is their affair
    assert_same(*both(trace(lambda a, b: OPERATIONS[name](a, b), [x, y]), [x, y]), {"e": 1e-3})


@pytest.mark.parametrize("name", ["add", "multiply", "maximum", "minimum", "equal", "greater_equal"])
def test_booleans(name: str) -> None:
    x, y = numpy.array([True, True, False, False]), numpy.array([True, False, True, False])
    assert_same(*both(trace(lambda a, b: OPERATIONS[name](a, b), [x, y]), [x, y]))
    chosen = trace(lambda a, b: o.where(a, b, ~a), [x, y])
    assert_same(*both(chosen, [x, y]))
    assert_same(*both(trace(lambda a: o.max(a, axis=0), [x]), [x]))


@pytest.mark.parametrize("name", ["exp", "sqrt", "sigmoid", "softplus", "tanh", "erf", "expm1", "logsumexp", "relu",
                                  "log1p", "arctan", "floor"])  # fmt: skip
@pytest.mark.parametrize("dtype", ["i4", "?", "f2"])
def test_functions_of_other_dtypes(name: str, dtype: str) -> None:
    x = numpy.array([[1, 0, 3]], dtype)
    function = OPERATIONS[name]
    if name in ("relu", "sigmoid", "softplus") and dtype == "?":
        return  # NumPy's have none
    assert_same(*both(trace(lambda a: function(a), [x]), [x]), {"e": 2e-3})


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("name", ["sigmoid", "softplus", "tanh", "erf", "expm1", "exp", "relu", "logsumexp", "arctan"])
def test_functions_far_out(name: str, dtype: str) -> None:
    """Relative errors stay small where values are tiny, and nothing overflows into NaN."""
    x = numpy.array([[-80, -30, -20, -10, -4, -0.46875, -1e-3, -1e-6, 0, 1e-6, 1e-3, 0.5, 4, 10, 20, 30, 80]], dtype)
    got, expected = both(trace(lambda a: OPERATIONS[name](a), [x]), [x])
    numpy.testing.assert_allclose(got[0], expected[0], rtol=3e-6 if dtype == "f4" else 1e-12)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_log1p_keeps_its_digits(dtype: str) -> None:
    tiny = [1e-38, 1e-20, 1e-12, 1e-8, 1e-4, 0.1, 0.5, 0.999]
    x = numpy.array([*tiny, *(-t for t in tiny), 3.0, 1e8, 3e38, -1.0, 0.0, -0.0, numpy.inf, -2.0, numpy.nan], dtype)
    got, expected = both(trace(lambda a: OPERATIONS["log1p"](a), [x]), [x])
    numpy.testing.assert_allclose(got[0], expected[0], rtol=1e-6 if dtype == "f4" else 2e-15)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_what_is_not_finite(dtype: str) -> None:
    x = numpy.array([numpy.nan, numpy.inf, -numpy.inf, 0.0, -1.0], dtype)

    def f(a: Any) -> Any:
        # Older versions of ONNX Runtime disagree on the square root of inf and on erf of NaN in float32.
        functions = [o.exp, o.log, o.sigmoid, o.softplus]
        chosen = [o.isnan(a), o.where(o.isnan(a), 0.0, a), o.clip(a, -2.0, 2.0), o.maximum(a, 0.0), a > 0.0]
        return [*chosen, *(function(a) for function in functions), o.logsumexp(a[1:4]), o.logsumexp(a[2:3])]

    assert_same(*both(trace(f, [x]), [x]))


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
@pytest.mark.parametrize("params", [{"axis": 1}, {"axis": 0, "keepdims": True}, {}])
def test_the_largest_is_nan_wherever_nan_stands(dtype: str, params: dict[str, Any]) -> None:
    x = numpy.array([[numpy.nan, 1.0, 2.0], [1.0, numpy.nan, 2.0], [1.0, 2.0, numpy.nan], [1.0, 3.0, 2.0]], dtype)
    assert_same(*both(trace(lambda a: o.max(a, **params), [x]), [x]), {"e": 0.0})


@pytest.mark.parametrize("axis", [0, 1, None])
def test_sums_of_large_integers_are_exact(axis: int | None) -> None:
    x = numpy.array([[2**53 + 1, 0, -(2**60) - 3], [1, -(2**53) - 1, 2**62 + 1]])
    assert_same(*both(trace(lambda a: o.sum(a, axis=axis), [x]), [x]))


@pytest.mark.parametrize("rows", [0, 1, 4])
def test_free_dimensions_by_several_names(rows: int) -> None:
    def f(x: Any, y: Any) -> Any:
        wide = o.broadcast_to(o.reshape(x, shape=("n", 1, 2)), shape=("n", "m", 2)) + y
        again = o.reshape(wide, shape=("n", "m", 1, 2))
        return [again, wide.sum(axis=1), o.logsumexp(wide, axis=1), o.logsumexp(wide, axis=0), wide.sum()]

    circuit = trace(f, [Spec(("n", 2), numpy.dtype("f4")), Spec(("m", 2), numpy.dtype("f4"))])
    rng = numpy.random.default_rng(0)
    x, y = rng.normal(size=(rows, 2)), rng.normal(size=(3, 2))
    assert_same(*both(circuit, [x, y]), {"f": 1e-5})
    assert_same(*both(circuit, [y, x]), {"f": 1e-5})


def test_an_operation_without_a_form_is_refused_by_name() -> None:
    key, step = Spec((2,), numpy.dtype("u4")), Spec((), numpy.dtype("u4"))
    circuit = trace(lambda k, s: o.random_bits(k, s, purpose=1, shape=(3,)), [key, step])
    with pytest.raises(CircuitError, match="operation 'random_bits' has no form in ONNX"):
        exported(circuit)


def test_what_depends_on_constants_alone_is_worked_out() -> None:
    theta = numpy.arange(8.0)

    def f(theta: Any, x: Any) -> Any:
        return o.affine(x, theta[:6].reshape(3, 2), theta[6:])

    circuit = trace(f, [Spec((8,), numpy.dtype("f8")), Spec(("n", 3), numpy.dtype("f8"))])
    graph = Graph("f")
    x = graph.input("x", Spec(("rows", 3), numpy.dtype("f8")))
    graph.call(theta[:6].reshape(3, 2), "W1")
    (z,) = translate(graph, circuit, [theta, x])
    assert z.spec.shape == ("rows", 2)
    assert [call.operator for call in graph.calls] == ["MatMul", "Add"]
    assert sorted(graph.constants) == ["W1", "affine/constant"]


def test_gradients_are_circuits_and_are_exported_too() -> None:
    rng = numpy.random.default_rng(1)
    x, W, b, y = rng.normal(size=(5, 3)), rng.normal(size=(3, 4)), rng.normal(size=4), rng.normal(size=5)

    def loss(W: Any, b: Any, x: Any, y: Any) -> Any:
        a = o.tanh(o.affine(x, W, b))
        picked = o.take(a, numpy.array([0, 2, 2]), axis=1)
        both_ends = o.logsumexp(a[:, ::2], axis=1) + o.softplus(picked).max(axis=1) + a[:, 3] * o.erf(a[:, 0])
        return ((both_ends - y) ** 2).sum()

    circuit = trace(grad(loss, (0, 1, 2)), [W, b, Spec(("n", 3), x.dtype), Spec(("n",), y.dtype)])
    # Versions up to 1.24 at least fuse the transposed product of float64 into an operator that they lack.
    assert_same(*both(circuit, [W, b, x, y], optimized=False))


def test_the_same_circuit_gives_the_same_bytes() -> None:
    circuit = trace(lambda x: o.sigmoid(x) * 0.5 + 0.5, [Spec(("n",), numpy.dtype("f4"))])
    assert exported(circuit) == exported(circuit)


def test_a_wrong_form_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    from backpass.engine.onnx import translation

    monkeypatch.setattr(translation, "FORMS", {**FORMS, "sin": FORMS["cos"]})
    x = numpy.array([0.1, 0.2])
    with pytest.raises(AssertionError):
        assert_same(*both(trace(lambda a: o.sin(a), [x]), [x]))


def test_inputs_that_are_not_read_and_outputs_that_are_inputs() -> None:
    circuit = trace(lambda x, unused: [x, x, x * 2.0], [Spec(("n",), numpy.dtype("f4"))] * 2)
    data = exported(circuit)
    x = numpy.array([1.0, 2.0], "f4")
    got = run_onnx(data, {circuit.input_names[0]: x, circuit.input_names[1]: x})
    assert_same(got, circuit.evaluate([x, x]))

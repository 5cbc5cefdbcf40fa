"""Passes over memory: what the planner does not store, and that it changes no bit."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from backpass.circuit import Spec, grad, trace
from backpass.circuit import operations as ops
from backpass.engine import NumpyEngine
from backpass.engine.native.native_engine import NativeEngine, Tiling
from backpass.engine.plan import plan_circuit, planner
from backpass.engine.plan.passes import PASSES
from backpass.engine.plan.passes.recomputation import recompute


def two_layers(x: Any, W: Any, b: Any, V: Any) -> Any:
    return (ops.relu(ops.affine(x, W, b)) @ V).sum()


SPECS = [Spec(shape, numpy.dtype(numpy.float32)) for shape in ((7, 3), (3, 40), (40,), (40, 20))]


def test_a_relu_between_products_is_stored_once() -> None:
    text = str(plan_circuit(trace(grad(two_layers, (1, 2, 3)), SPECS), {}))
    assert "relu_with_sign" in text
    assert "slope_by_sign" in text
    assert "slope_of_relu" not in text


def test_a_relu_that_others_read_keeps_what_it_is_of() -> None:
    def with_square(x: Any, W: Any, b: Any, V: Any) -> Any:
        z = ops.affine(x, W, b)
        return (ops.relu(z) @ V).sum() + (z * z).sum()

    def shown(x: Any, W: Any, b: Any, V: Any) -> Any:
        a = ops.relu(ops.affine(x, W, b))
        return a, a @ V

    assert "sign" not in str(plan_circuit(trace(grad(with_square, (1, 2, 3)), SPECS), {}))
    assert "sign" not in str(plan_circuit(trace(shown, SPECS), {}))


def test_the_sign_tells_the_slope_at_and_below_zero(isa: str) -> None:
    circuit = trace(grad(two_layers, (1, 2, 3)), SPECS)
    random = numpy.random.default_rng(3)
    x, W = random.integers(-2, 3, (7, 3)), random.integers(-2, 3, (3, 40))  # whole numbers: many z are exactly 0
    V = random.normal(size=(40, 20))
    arguments = [a.astype(numpy.float32) for a in (x, W, numpy.zeros(40), V)]
    z = arguments[0] @ arguments[1]
    assert (z == 0).any()
    assert (z < 0).any()
    for found, wanted in zip(
        NativeEngine(isa=isa).run(circuit, *arguments), NumpyEngine().run(circuit, *arguments), strict=True
    ):
        numpy.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("value", [numpy.nan, numpy.inf, -numpy.inf])
def test_what_is_not_finite_stays_so(value: float, isa: str) -> None:
    circuit = trace(grad(two_layers, (0, 2, 3)), SPECS)
    arguments = [numpy.ones(spec.shape, numpy.float32) for spec in SPECS]
    arguments[2][5] = value
    for found, wanted in zip(
        NativeEngine(isa=isa).run(circuit, *arguments), NumpyEngine().run(circuit, *arguments), strict=True
    ):
        numpy.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("activation", ["mish", "selu", "gelu", "tanh", "softplus"])
def test_what_is_made_again_has_the_same_bits(
    activation: str, dense: Any, digest: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = dense(activation=activation, dropout=0.25)
    again = NativeEngine()
    kept = NativeEngine(tiling=Tiling(rows=3))  # another tiling, so that it makes plans of its own
    plans, digests = [again.plan_of(training.step, 32)], [digest(training.on(again))]
    monkeypatch.setattr(planner, "PASSES", [one for one in PASSES if one is not recompute])
    plans.append(kept.plan_of(training.step, 32))
    digests.append(digest(training.on(kept)))
    assert digests[0] == digests[1]
    assert plans[0].bytes_moved <= plans[1].bytes_moved
    if activation == "mish":
        assert plans[0].bytes_moved < 0.95 * plans[1].bytes_moved

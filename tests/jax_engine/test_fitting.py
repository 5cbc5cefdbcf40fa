"""Fits on the JAX engine: those of the native engine within rounding, alone and side by side, and what is refused."""

from __future__ import annotations

import re
from typing import Any

import numpy
import pytest

pytest.importorskip("jax")

from backpass import BackpassRegressor
from backpass.errors import InterruptedTraining, UsageError
from backpass.model import Model, fit, from_bytes
from backpass.training import Callback

JAX: dict[str, Any] = {"engine": "jax", "device": "cpu"}
QUICK: dict[str, Any] = {"hidden": (8,), "epochs": 4, "batch_size": 32}
Columns = dict[str, Any]


@pytest.fixture(scope="module")
def houses() -> Columns:
    random = numpy.random.default_rng(3)
    x = random.normal(size=(300, 2))
    kind = random.choice(["flat", "house", "villa"], 300)
    return {"x": x[:, 0], "z": x[:, 1], "kind": kind, "price": x[:, 0] - x[:, 1] ** 2 + (kind == "villa")}


def assert_alike(found: Model, wanted: Model, tolerance: float = 2e-4) -> None:
    for group, other in zip(found.groups, wanted.groups, strict=True):
        numpy.testing.assert_allclose(group.theta, other.theta, rtol=tolerance, atol=tolerance)
    assert found.record.steps == wanted.record.steps


def test_a_fit_is_that_of_the_native_engine_within_rounding(houses: Columns) -> None:
    found = fit(houses, "price", **QUICK, **JAX)
    assert_alike(found, fit(houses, "price", **QUICK))
    again = fit(houses, "price", **QUICK, **JAX)
    assert found.to_bytes() == again.to_bytes()
    assert found.engine == "auto"  # predicts on any machine
    loaded = from_bytes(found.to_bytes())
    assert loaded.predict(houses).tobytes() == found.predict(houses).tobytes()


@pytest.mark.parametrize("settings", [
    {"ensemble_size": 3}, {"ensemble_size": 3, "ensemble_split": "split"}, {"ensemble_size": 2, "dropout": 0.2},
], ids=str)  # fmt: skip
def test_members_are_trained_side_by_side(houses: Columns, settings: dict[str, Any]) -> None:
    found = fit(houses, "price", **QUICK, **settings, **JAX)
    assert_alike(found, fit(houses, "price", **QUICK, **settings))
    assert found.to_bytes() == fit(houses, "price", **QUICK, **settings, **JAX).to_bytes()


def test_members_that_end_early_leave_the_others_alone(houses: Columns) -> None:
    """With patience 1 each member has a number of epochs of its own; its lane idles afterwards."""
    settings = {**QUICK, "ensemble_size": 3, "epochs": 30, "patience": 1, "learning_rate": 0.05}
    found = fit(houses, "price", **settings, **JAX)
    assert found.to_bytes() == fit(houses, "price", **settings, **JAX).to_bytes()


def test_an_interrupted_run_goes_on_to_the_same_bytes(houses: Columns, tmp_path: Any) -> None:
    class Stop(Callback):
        def on_epoch(self, record: Any, progress: Any) -> None:
            if record.epoch == 2:
                import signal

                signal.raise_signal(signal.SIGINT)

    path = tmp_path / "run.checkpoint"
    whole = fit(houses, "price", **QUICK, **JAX)
    with pytest.raises(InterruptedTraining):
        fit(houses, "price", **QUICK, **JAX, checkpoint=path, callbacks=[Stop()])
    assert fit(houses, "price", **QUICK, **JAX, resume_from=path).to_bytes() == whole.to_bytes()
    assert_alike(fit(houses, "price", **QUICK, resume_from=path), whole)  # the native engine continues it, too


def test_a_run_that_diverges_names_the_origin(houses: Columns) -> None:
    settings = {**QUICK, "optimizer": "sgd", "learning_rate": 1e30, "ensemble_size": 2}
    texts = []
    for engine in ({}, JAX):
        with pytest.raises(Exception, match=r"training diverged in network [12] of 2") as caught:
            fit(houses, "price", **settings, **engine)
        # Either network may be the first that diverges, and its first number that is not finite differs.
        texts.append(re.sub(r"network [12]|: (nan|-?inf)\b", "", str(caught.value)))
    assert texts[0] == texts[1]


@pytest.mark.parametrize("loss", ["absolute", "huber", "quantile", "poisson"])
def test_losses(houses: Columns, loss: str) -> None:
    counts = {**houses, "price": numpy.floor(numpy.abs(houses["price"]) * 3)}
    settings = {**QUICK, "epochs": 2, "loss": loss}
    assert_alike(fit(counts, "price", **settings, **JAX), fit(counts, "price", **settings))


def test_classes_with_weights(houses: Columns) -> None:
    settings = {**QUICK, "epochs": 2, "class_weight": "balanced"}
    assert_alike(fit(houses, "kind", **settings, **JAX), fit(houses, "kind", **settings))


@pytest.mark.parametrize("precision", ["float64", "bf16"])
def test_precisions(houses: Columns, precision: str) -> None:
    settings = {**QUICK, "hidden": (64, 64), "epochs": 2, "batch_size": 64}
    found = fit(houses, "price", **settings, **JAX, precision=precision)
    wanted = fit(houses, "price", **settings, precision="float64" if precision == "float64" else "float32")
    assert_alike(found, wanted, 1e-9 if precision == "float64" else 0.05)
    if precision == "bf16":
        assert found.theta.tobytes() != fit(houses, "price", **settings, **JAX).theta.tobytes()


def test_callbacks_see_every_step(houses: Columns) -> None:
    seen: list[int] = []

    class Watcher(Callback):
        def on_update(self, record: Any) -> None:
            seen.append(record.step)

    watched = fit(houses, "price", **QUICK, **JAX, callbacks=[Watcher()])
    assert seen == list(range(1, watched.record.steps + 1))
    assert watched.to_bytes() == fit(houses, "price", **QUICK, **JAX).to_bytes()


def test_a_device_that_is_not_there_is_refused(houses: Columns) -> None:
    with pytest.raises(UsageError, match=r"JAX finds no device 'cuda' on this machine .*pip install 'jax\[cuda13\]'"):
        fit(houses, "price", engine="jax", device="cuda")
    with pytest.raises(UsageError, match="engine 'jax' needs a device: set device to one of cpu, cuda, tpu"):
        fit(houses, "price", engine="jax")


def test_the_callers_own_use_of_jax_is_as_before(houses: Columns) -> None:
    import jax

    fit(houses, "price", **QUICK, **JAX)
    assert jax.numpy.zeros(1).dtype == numpy.float32
    assert not jax.config.jax_enable_x64


def test_candidates_of_different_layers(houses: Columns) -> None:
    """Their steps differ, so each has a program of its own, and the networks of one candidate share it."""
    settings = {**QUICK, "candidates": 3, "ensemble_size": 2, "epochs": 15, "batch_size": 128}
    found, wanted = (fit(houses, "price", **settings, **engine) for engine in (JAX, {}))
    assert found.record.scores["test"]["rmse"] == pytest.approx(wanted.record.scores["test"]["rmse"], rel=1e-3)


def test_one_column_and_partial_fit() -> None:
    X = numpy.random.default_rng(0).normal(size=(101, 1))
    predicted = []
    for engine in (JAX, {}):
        estimator = BackpassRegressor((4,), preset="plain", **engine)
        for _ in range(3):
            estimator.partial_fit(X, 2 * X[:, 0])
        predicted.append(estimator.predict(X))
    numpy.testing.assert_allclose(*predicted, rtol=1e-4, atol=1e-5)

"""Watched runs: J, theta and rows of every step, with the bits of a run that nobody watches."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from backpass import Callback, fit, fit_function, grad, notes, operations
from backpass.engine import Engine, NumpyEngine, default_engine
from backpass.training import SAMPLINGS, StepRecord

RNG = numpy.random.default_rng(0)
X, Y = RNG.normal(size=(30, 2)), RNG.normal(size=30)
START = {"w": numpy.array([0.5, -0.5]), "b": 0.1}


def h(theta: Any, x: Any) -> Any:
    return operations.tanh(x @ theta["w"] + theta["b"])


ENGINES = {"numpy": NumpyEngine, "default": default_engine}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_watched_run_has_the_bits_of_another(engine: str, sampling: str, optimizer: str) -> None:
    options: dict[str, Any] = {"optimizer": optimizer, "sampling": sampling, "batch_size": 7, "epochs": 3, "seed": 5}
    chosen: Engine = ENGINES[engine]()
    seen: list[StepRecord] = []
    plain = fit_function(h, START, X, Y, engine=chosen, **options)
    watched = fit_function(h, START, X, Y, engine=chosen, watch=seen.append, **options)
    assert watched.theta["w"].tobytes() == plain.theta["w"].tobytes()
    assert watched.history == plain.history
    assert [record.step for record in seen] == [*range(1, plain.history[-1].step + 1)]
    assert seen[-1].theta["w"].tobytes() == plain.theta["w"].tobytes()
    assert seen[-1].theta["b"] == plain.theta["b"]


def test_algorithm_1_every_step_is_that_of_the_notes() -> None:
    """CS229 Algorithm 1, (1.4): J^(j) before the step, theta after it, and the drawn row j."""
    seen: list[StepRecord] = []
    options: dict[str, Any] = {"optimizer": "sgd", "sampling": "uniform", "batch_size": 1, "learning_rate": 0.1}
    fit_function(h, START, X, Y, max_steps=25, seed=2, watch=seen.append, **options)

    def J(vector: Any, j: int) -> Any:  # noqa: N802  the notes' name
        return 0.5 * (h({"w": vector[:2], "b": vector[2]}, X[j]) - Y[j]) ** 2

    rows = [int(record.rows[0]) for record in seen]
    assert [len(record.rows) for record in seen] == [1] * 25
    start = numpy.array([0.5, -0.5, 0.1])
    twins = [*notes.algorithm_1(start, lambda theta, j: grad(lambda t: J(t, j))(theta), 0.1, rows)]
    for record, before, after in zip(seen, [start, *twins], twins, strict=False):
        assert pytest.approx(float(J(before, int(record.rows[0]))), rel=1e-12) == record.J
        numpy.testing.assert_allclose([*record.theta["w"], record.theta["b"]], after, rtol=1e-12)


def test_records_are_copies() -> None:
    seen: list[StepRecord] = []
    fit_function(h, START, X, Y, epochs=4, watch=seen.append)
    assert len({record.theta["w"].tobytes() for record in seen}) == len(seen)


class Steps(Callback):
    def __init__(self) -> None:
        self.seen: list[StepRecord] = []

    def on_update(self, record: StepRecord) -> None:
        self.seen.append(record)


@pytest.mark.parametrize("size", [1, 3])
def test_callbacks_of_fit_see_every_step_of_every_network(size: int) -> None:
    data = {"a": X[:, 0], "b": X[:, 1], "y": Y}
    steps, options = Steps(), {"hidden": (3,), "epochs": 4, "ensemble_size": size, "seed": 1}
    model = fit(data, "y", callbacks=[steps], **options)
    assert {record.network for record in steps.seen} == {*range(size)}
    for number, theta in enumerate(numpy.atleast_2d(model.theta)):
        own = [record for record in steps.seen if record.network == number]
        assert [record.step for record in own] == [*range(1, len(own) + 1)]
        assert any((record.theta == theta).all() for record in own)
    assert model.theta.tobytes() == fit(data, "y", **options).theta.tobytes()


def test_a_run_that_diverges_is_watched_to_its_last_good_step() -> None:
    seen: list[StepRecord] = []
    cubic = lambda theta, x: (theta * x[:, 0]) ** 3
    options: dict[str, Any] = {"optimizer": "sgd", "learning_rate": 50.0, "epochs": 50, "batch_size": 10}
    plain = fit_function(cubic, 2.0, X, Y, **options)
    watched = fit_function(cubic, 2.0, X, Y, watch=seen.append, **options)
    assert (watched.reason, watched.non_finite) == (plain.reason, plain.non_finite)
    assert watched.reason == "diverged"
    assert all(numpy.isfinite(record.J) for record in seen)


def test_a_time_limit_ends_a_watched_run() -> None:
    seen: list[StepRecord] = []
    assert fit_function(h, START, X, Y, max_seconds=1e-9, watch=seen.append).reason == "time"
    assert seen == []

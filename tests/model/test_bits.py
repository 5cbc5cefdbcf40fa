"""Bits: with the native engine a model file depends on data, settings and seed, and on nothing of the machine."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backpass.engine import ENGINES
from backpass.model import Model, fit
from backpass.training import Callback

pytestmark = pytest.mark.skipif("native" not in ENGINES, reason="the native engine was not built")

ROWS = 700


def columns(rows: int = ROWS) -> dict[str, Any]:
    rng = np.random.default_rng(5)
    size, income = rng.normal(3.0, 1.0, rows), rng.lognormal(0.0, 1.0, rows)
    income[::17] = np.nan
    town = np.array(["ash", "birch", "cedar", None], dtype=object)[rng.integers(0, 4, rows)]
    price = np.maximum(size, 2.5) + np.where(town == "ash", 1.0, 0.0) + 0.1 * rng.normal(size=rows)
    return {"size": size, "income": income, "town": list(town), "price": price}


def fitted(rows: int = ROWS, **settings: Any) -> Model:
    given = {"hidden": (96, 40), "epochs": 3, "batch_size": 64, "engine": "native", **settings}
    return fit(columns(rows), "price", **given)


@pytest.fixture(scope="module")
def model() -> Model:
    return fitted(threads=1)


@pytest.mark.parametrize("threads", [2, 3, 4, 8, 16])
def test_the_number_of_threads_changes_no_bit(model: Model, threads: int) -> None:
    assert fitted(threads=threads).to_bytes() == model.to_bytes()


@pytest.fixture(params=["avx512", "avx2", "neon", "portable"])
def isa(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    from backpass.engine.native._core import instruction_sets
    from backpass.engine.native.native_engine import NativeEngine

    if request.param not in instruction_sets():
        pytest.skip(f"this machine does not run {request.param}")
    monkeypatch.setitem(ENGINES, "native", lambda threads: NativeEngine(threads=threads, isa=request.param))
    return str(request.param)


def test_the_instruction_set_changes_no_bit(model: Model, isa: str) -> None:
    assert fitted().to_bytes() == model.to_bytes()


@pytest.fixture(scope="module")
def classifier() -> Model:
    classes = {**columns(), "price": [f"{min(int(price), 4)}" for price in columns()["price"]]}
    return fit(classes, "price", hidden=(40,), epochs=2, ensemble_size=2, engine="native")


@pytest.fixture(scope="module")
def probabilities(classifier: Model) -> Any:
    return classifier.predict_proba(columns())


def test_the_instruction_set_changes_no_bit_of_a_probability(classifier: Model, probabilities: Any, isa: str) -> None:
    assert classifier.predict_proba(columns()).tobytes() == probabilities.tobytes()


def test_probabilities_are_alike_alone_and_together(classifier: Model, probabilities: Any) -> None:
    for start, stop in [(0, 1), (5, 6), (0, 7), (ROWS - 1, ROWS), (100, 133)]:
        part = classifier.predict_proba({name: column[start:stop] for name, column in columns().items()})
        assert part.tobytes() == probabilities[start:stop].tobytes(), f"rows {start} to {stop}"


def test_rows_are_predicted_alike_alone_and_together(model: Model) -> None:
    data = columns()
    together = model.predict(data)
    for start, stop in [(0, 1), (1, 2), (5, 6), (0, 7), (7, ROWS), (ROWS - 1, ROWS), (100, 133)]:
        part = model.predict({name: column[start:stop] for name, column in data.items()})
        assert part.tobytes() == together[start:stop].tobytes(), f"rows {start} to {stop}"


class Finger(Callback):
    """Sends SIGINT the third time it is asked, in the middle of an epoch."""

    def __init__(self) -> None:
        self.asked = 0

    def on_step(self, step: int) -> None:
        self.asked += 1
        if self.asked == 3:
            signal.raise_signal(signal.SIGINT)


def test_an_interrupted_and_resumed_run_ends_with_the_same_bits(tmp_path: Path) -> None:
    long = {"rows": 20_000, "hidden": (256, 256), "epochs": 1, "batch_size": 1, "threads": 1}
    checkpoint = tmp_path / "run.checkpoint"
    given: dict[str, Any] = {**long, "on_interrupt": "return", "checkpoint": checkpoint, "callbacks": [Finger()]}
    half = fitted(**given)
    assert half.record.reason == "interrupted"
    assert 0 < half.record.steps < fitted(**long).record.steps
    assert fitted(**long, resume_from=checkpoint).to_bytes() == fitted(**long).to_bytes()

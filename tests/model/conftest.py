"""What the tests of this room share: a mixed table with a target of each task, and settings that train at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from backpass.training import Callback, EpochRecord, Progress, TrainingResult

ROWS = 120
TARGETS = ("price", "sold", "grade")


def mixed_columns(rows: int = ROWS, seed: int = 0) -> dict[str, list[Any]]:
    """Numbers and texts, both with gaps, and an identifier, without any target."""
    rng = np.random.default_rng(seed)
    size, age = rng.normal(100.0, 30.0, rows).round(2).tolist(), rng.integers(1, 90, rows).tolist()
    town = rng.choice(["north", "south", "east", "west"], rows).tolist()
    heating = rng.choice(["gas", "oil"], rows).tolist()
    gaps = rng.random((2, rows)) < 0.1
    return {
        "identifier": [f"house {i:04}" for i in range(rows)],
        "size": [None if gap else value for value, gap in zip(size, gaps[0], strict=True)],
        "age": age,
        "town": [None if gap else value for value, gap in zip(town, gaps[1], strict=True)],
        "heating": heating,
    }


def with_target(target: str, rows: int = ROWS, seed: int = 0) -> dict[str, list[Any]]:
    """The mixed table and one target that follows from it, with noise: a price, sold or not, a grade of three."""
    columns = mixed_columns(rows, seed)
    noise = np.random.default_rng(seed + 1).normal(0.0, 5.0, rows)
    worth = np.array(
        [
            2.0 * (100.0 if size is None else size) - age + (40.0 if town == "north" else 0.0)
            for size, age, town in zip(columns["size"], columns["age"], columns["town"], strict=True)
        ]
    )
    price = (worth + noise).round(3)
    values = {
        "price": price.tolist(),
        "sold": np.where(price > np.median(price), "yes", "no").tolist(),
        "grade": np.array(["a", "b", "c"])[np.digitize(price, np.quantile(price, [0.33, 0.66]))].tolist(),
    }
    return {**columns, target: values[target]}


class Watching(Callback):
    """Notes what it is told, and stops after some epochs."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.starts: list[tuple[int, int]] = []
        self.steps: list[int] = []
        self.epochs: list[int] = []
        self.ends: list[str] = []
        self.stop_after = stop_after

    def on_start(self, total_steps: int, steps_per_epoch: int) -> None:
        self.starts.append((total_steps, steps_per_epoch))

    def on_step(self, step: int) -> None:
        self.steps.append(step)

    def on_epoch(self, record: EpochRecord, progress: Progress) -> bool | None:
        self.epochs.append(record.epoch)
        return record.epoch == self.stop_after

    def on_end(self, result: TrainingResult) -> None:
        self.ends.append(result.reason)


@pytest.fixture
def watching() -> Callable[..., Watching]:
    """The maker of a callback that notes what it is told, and stops after so many epochs, if asked to."""
    return Watching


@pytest.fixture
def table_with() -> Callable[..., dict[str, list[Any]]]:
    """The maker of mixed tables: (target, rows, seed) -> columns."""
    return with_target


@pytest.fixture
def houses() -> dict[str, list[Any]]:
    """A mixed table with the number ``price`` to predict."""
    return with_target("price")


@pytest.fixture(params=TARGETS)
def each_target(request: pytest.FixtureRequest) -> tuple[str, dict[str, list[Any]]]:
    """A target of each task (regression, binary, multiclass) and the mixed table that holds it."""
    return request.param, with_target(request.param)


@pytest.fixture
def quick() -> dict[str, Any]:
    """Settings that train in an instant."""
    return {"hidden": (8,), "epochs": 3, "batch_size": 16, "validation_fraction": 0.16}


@pytest.fixture
def stepwise(quick: dict[str, Any]) -> dict[str, Any]:
    """The same on the NumPy engine, which asks before every step whether to go on, so that any can be the last."""
    return {**quick, "engine": "numpy"}

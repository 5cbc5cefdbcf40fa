"""Sharded steps: the sum over shards is the gradient of the batch, and any batch can be cut."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backpass.circuit import Array
from backpass.engine import engine_named
from backpass.network.layers import RandomKey
from backpass.training import Callback, OptimizerOptions, StepRecord, TrainingRun, TrainingSettings, optimizer_named
from backpass.training.processes.sharded import Sharding

ROWS = 29
SETTINGS: dict[str, Any] = {"learning_rate": 0.05, "batch_size": 8, "epochs": 3, "schedule": "cosine"}


def data(dtype: Any) -> list[Any]:
    r = np.random.default_rng(3)
    x = r.normal(size=(ROWS, 3))
    return [x.astype(dtype), (x @ [1.0, -2.0, 0.5]).astype(dtype), r.uniform(0.5, 2.0, ROWS).astype(dtype)]


def summed(theta: Array, batch: tuple[Array, ...], draws: RandomKey) -> Array:
    x, y, weights = batch
    e = x @ theta - y
    return (weights * e * e).sum()


def mean(theta: Array, batch: tuple[Array, ...], draws: RandomKey) -> Array:
    return summed(theta, batch, draws) / (batch[2] / batch[2]).sum()


def run(shards: int, engine: str = "numpy", dtype: Any = np.float64, **rest: Any) -> TrainingRun:
    return TrainingRun(
        mean,
        np.zeros(3, dtype),
        data(dtype),
        optimizer_named("adamw", OptimizerOptions(max_grad_norm=0.5, weight_decay=0.01)),
        TrainingSettings(**SETTINGS),
        engine_named(engine, 1),
        sharding=Sharding(shards, summed) if shards else None,
        **rest,
    )


@pytest.mark.parametrize("shards", [1, 2, 4, 16, 64])
def test_shards_train_as_whole_batches_do(shards: int) -> None:
    """29 rows in batches of 8, the last of 5: with 16 and 64 shards some have no row."""
    whole, cut = run(0).run(), run(shards).run()
    assert cut.reason == "finished"
    np.testing.assert_allclose(cut.theta, whole.theta, rtol=1e-12)
    losses = [[epoch.train_loss for epoch in result.progress.history] for result in (whole, cut)]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-12)


def test_the_native_engine_gives_the_same_bits_in_every_number_of_threads() -> None:
    digests = set()
    for threads in (1, 2):
        one = run(4, "native", np.float32)
        one.engine = engine_named("native", threads)
        digests.add(one.run().theta.tobytes())
    assert len(digests) == 1


def test_the_number_of_shards_is_part_of_the_result() -> None:
    two, eight = (run(shards, dtype=np.float32).run().progress.history for shards in (2, 8))
    assert two[-1].train_loss != eight[-1].train_loss


def test_a_callback_sees_each_step() -> None:
    seen: list[StepRecord] = []

    class Watcher(Callback):
        def on_update(self, record: StepRecord) -> None:
            seen.append(record)

    result = run(4, callbacks=[Watcher()]).run()
    assert [record.step for record in seen] == list(range(1, 13))
    assert [len(record.rows) for record in seen[:4]] == [8, 8, 8, 5]
    np.testing.assert_array_equal(seen[-1].theta, result.theta)


def test_a_run_goes_on_after_a_stop_to_the_same_bits() -> None:
    whole = run(4).run()

    class Stops(Callback):
        def on_epoch(self, record: Any, progress: Any) -> bool:
            return record.epoch == 2

    begun = run(4, callbacks=[Stops()]).run()
    assert begun.reason == "stopped"
    assert run(4).run(begun.progress.copy()).theta.tobytes() == whole.theta.tobytes()


def test_divergence_is_found_in_its_step() -> None:
    one = run(4)
    one.data[1][:] = 1e200
    result = one.run()
    assert result.reason == "diverged"
    assert result.non_finite.startswith("epoch 1, batch 1 of 4: first non-finite value: ")

"""The loop: history, best weights, every way to end, interruption at every step, and the same bytes again."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy
import pytest

from backpass.circuit.operations import sqrt
from backpass.engine import NumpyEngine
from backpass.network import (
    Network,
    RandomKey,
    dense_network,
    frequency_scales,
    initialize,
    initialize_from_data,
    loss_named,
    mean_loss,
)
from backpass.numerics.philox import key_of
from backpass.training import (
    SAMPLINGS,
    SCHEDULES,
    Callback,
    EpochRecord,
    OptimizerOptions,
    Progress,
    TrainingResult,
    TrainingRun,
    TrainingSettings,
    loop,
    optimizer_named,
)
from backpass.training.settings_table import SettingsTable

Floats = numpy.ndarray[Any, Any]
ENGINE = NumpyEngine()
NETWORK = dense_network(2, (6,), 1, activation="tanh", dropout=0.1)


def objective(network: Network, loss: str = "squared") -> Any:
    def J(theta: Any, batch: Any, draws: RandomKey) -> Any:  # noqa: N802  the notes' name
        x, y, w = batch
        return mean_loss(loss_named(loss), network(theta, x, draws), y, w)

    return J


def data_of(rows: int, seed: int = 0) -> tuple[Floats, Floats, Floats]:
    rng = numpy.random.default_rng(seed)
    x = rng.normal(size=(rows, 2)).astype(numpy.float32)
    return x, x[:, :1] * x[:, 1:], numpy.ones(rows, numpy.float32)


def run_of(
    rows: int = 20,
    *,
    optimizer: str = "adamw",
    callbacks: Sequence[Callback] = (),
    validate: Callable[[Floats], float] | None = None,
    data: tuple[Floats, ...] | None = None,
    **settings: Any,
) -> TrainingRun:
    theta = ENGINE.run(initialize(NETWORK), key_of(1))[0]
    chosen = optimizer_named(optimizer, OptimizerOptions(weight_decay=0.01))
    options = TrainingSettings(**{"batch_size": 8, "epochs": 4, "learning_rate": 0.01, "seed": 3, **settings})
    return TrainingRun(objective(NETWORK), theta, data or data_of(rows), chosen, options, ENGINE, validate, callbacks)


def scores(*values: float) -> Callable[[Floats], float]:
    """A validation that gives these scores, epoch by epoch."""
    left = iter(values)
    return lambda theta: next(left)


class Watcher(Callback):
    """Notes everything; may ask for an end after an epoch."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.calls: list[Any] = []
        self.thetas: list[Floats] = []
        self.stop_after = stop_after

    def on_start(self, total_steps: int, steps_per_epoch: int) -> None:
        self.calls.append(("start", total_steps, steps_per_epoch))

    def on_step(self, step: int) -> None:
        self.calls.append(step)

    def on_epoch(self, record: EpochRecord, progress: Progress) -> bool | None:
        self.calls.append(("epoch", record.epoch))
        self.thetas.append(progress.theta)
        return record.epoch == self.stop_after

    def on_end(self, result: TrainingResult) -> None:
        self.calls.append(("end", result.reason))


# What a run leaves behind ---------------------------------------------------------------------------------------------


def test_history_by_hand() -> None:
    """20 rows in batches of 8: three steps an epoch; the epoch's loss is weighted by the sizes 8, 8, 4."""
    watcher = Watcher()
    result = run_of(callbacks=[watcher], validate=scores(0.4, 0.3, 0.2, 0.1), schedule="linear").run()
    assert result.reason == "finished"
    assert [(r.epoch, r.step, r.score) for r in result.progress.history] == [
        (1, 3, 0.4),
        (2, 6, 0.3),
        (3, 9, 0.2),
        (4, 12, 0.1),
    ]
    rates = [0.01 * (1 - t / 12) for t in (2, 5, 8, 11)]
    assert [r.learning_rate for r in result.progress.history] == pytest.approx(rates)
    theta, memory = run_of().theta, tuple(numpy.zeros_like(run_of().theta) for _ in range(2))
    step = loop.training_step(
        objective(NETWORK), run_of().optimizer, theta, [loop.Spec(("B", *a.shape[1:]), a.dtype) for a in data_of(20)]
    )
    rows, sizes = SAMPLINGS["epoch"](20, 8, 3, 0)
    table = run_of().optimizer.settings(0.01 * (1 - numpy.arange(3) / 12), 0)
    state, losses = (theta, *memory), []
    for s in range(3):
        batch = [a[rows[s, : sizes[s]]] for a in data_of(20)]
        *state, J = step.circuit.evaluate([*state, table[s], key_of(3), s, *batch])
        losses.append(float(J))
    expected = (8 * losses[0] + 8 * losses[1] + 4 * losses[2]) / 20
    assert result.progress.history[0].train_loss == pytest.approx(expected, rel=1e-6)
    assert watcher.thetas[0].tobytes() == state[0].tobytes()


def test_callbacks_see_every_step_and_epoch_in_order() -> None:
    watcher = Watcher()
    run_of(callbacks=[watcher], epochs=2).run()
    assert watcher.calls == [
        ("start", 6, 3), 0, 1, 2, ("epoch", 1), 3, 4, 5, ("epoch", 2), ("end", "finished"),
    ]  # fmt: skip


def test_the_best_weights_are_kept_and_a_tie_keeps_the_later() -> None:
    watcher = Watcher()
    result = run_of(callbacks=[watcher], validate=scores(0.5, 0.2, 0.2, 0.3)).run()
    assert (result.progress.best_epoch, result.progress.best_score) == (3, 0.2)
    assert result.theta.tobytes() == watcher.thetas[2].tobytes()
    assert result.progress.theta.tobytes() == watcher.thetas[3].tobytes()


def test_without_validation_rows_the_last_weights_are_kept() -> None:
    watcher = Watcher()
    result = run_of(callbacks=[watcher]).run()
    assert result.progress.best_score is None
    assert result.theta.tobytes() == watcher.thetas[-1].tobytes()
    assert [record.score for record in result.progress.history] == [None] * 4


def test_patience_counts_epochs_since_the_score_was_bettered() -> None:
    """An equal score is kept, but it is no better one: a score that stays where it is ends the run."""
    result = run_of(validate=scores(0.5, 0.2, 0.3, 0.2, 0.1), epochs=9, patience=2).run()
    assert (result.reason, len(result.progress.history), result.progress.best_epoch) == ("patience", 4, 4)


def test_patience_without_validation_never_ends_a_run() -> None:
    assert run_of(patience=1).run().reason == "finished"


def test_a_callback_may_end_the_run_and_the_others_still_see_the_epoch() -> None:
    first, second = Watcher(stop_after=2), Watcher()
    result = run_of(callbacks=[first, second]).run()
    assert result.reason == "stopped"
    assert first.calls[-2:] == second.calls[-2:] == [("epoch", 2), ("end", "stopped")]


@pytest.mark.parametrize(("max_steps", "epochs_seen"), [(1, 1), (3, 1), (4, 2), (12, 4), (99, 4)])
def test_iterations_end_a_run(max_steps: int, epochs_seen: int) -> None:
    result = run_of(max_steps=max_steps).run()
    assert result.progress.step == min(max_steps, 12)
    assert (result.reason, len(result.progress.history)) == ("finished", epochs_seen)


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize(("rows", "batch_size"), [(1, 8), (3, 8), (8, 8), (9, 8), (5, 1)])
def test_any_number_of_rows(sampling: str, rows: int, batch_size: int) -> None:
    """One row, fewer rows than a batch, one row left over."""
    result = run_of(rows, sampling=sampling, batch_size=batch_size, epochs=2).run()
    assert result.reason == "finished"
    assert numpy.isfinite(result.theta).all()
    expected = 1 if sampling == "full" else -(-rows // min(rows, batch_size))
    expected -= sampling == "epoch_drop_last" and rows == 9
    assert result.progress.step == 2 * expected


def test_a_schedule_of_dropout_and_weight_decay_is_a_column_of_the_settings_table() -> None:
    """Both at their own factor each step: a run whose factors are 0 from half of its steps on, and one without them."""
    run = run_of(schedules={"dropout": "flat_cosine", "weight_decay": "linear"})
    table = run.table(0, run.total_steps)
    assert run.optimizer.columns == ("bias_correction1", "bias_correction2", "weight_decay", "learning_rate")
    assert table.shape == (12, 5)
    t = numpy.arange(12) / 12
    numpy.testing.assert_allclose(table[:, 2], 0.01 * (1 - t), rtol=1e-12)
    numpy.testing.assert_allclose(table[:, 4], SCHEDULES["flat_cosine"](t), rtol=1e-12)
    assert run.table(5, 3).tobytes() == table[5:8].tobytes(), "wherever the run is taken up"


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_settings_that_are_computed_at_once_are_those_of_each_step(schedule: str) -> None:
    """A run asks for an epoch at a time; rows are computed for thousands of steps."""
    rules, schedules = optimizer_named("adamw", OptimizerOptions(weight_decay=0.1)), {"weight_decay": "linear"}

    def fresh() -> SettingsTable:
        return SettingsTable(rules, 0.01, schedule, schedules, (), 10_000)

    table = fresh()
    for first, steps in [(0, 7), (7, 7), (4090, 12), (8190, 4), (3, 5), (9_990, 10), (0, 10_000)]:
        one_by_one = [fresh().rows(step, 1) for step in range(first, min(first + steps, first + 20))]
        found = table.rows(first, steps)
        assert found.shape == (steps, 4)
        assert found[:20].tobytes() == numpy.concatenate(one_by_one).tobytes()
        assert table.learning_rates(first, steps).tobytes() == found[:, 3].tobytes()


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_dropout_takes_its_rate_from_the_settings_of_the_step(steps: int) -> None:
    """A constant factor of 1 gives the weights of the run without a schedule; the factors of a linear one do not."""
    plain = run_of(max_steps=steps).run().theta
    numpy.testing.assert_allclose(run_of(max_steps=steps, schedules={"dropout": "constant"}).run().theta, plain)
    sloped = run_of(max_steps=steps, schedules={"dropout": "linear"}).run().theta
    assert numpy.allclose(sloped, plain, rtol=1e-6, atol=0) == (steps == 1), "the first factor is 1"


def test_given_arrays_are_not_changed() -> None:
    run = run_of()
    before = [array.tobytes() for array in (run.theta, *run.data)]
    run.run()
    assert [array.tobytes() for array in (run.theta, *run.data)] == before


# Time -----------------------------------------------------------------------------------------------------------------


class FakeClock(Callback):
    """One second passes with every step."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(loop, "time", SimpleNamespace(monotonic=lambda: self.now))

    def on_step(self, step: int) -> None:
        self.now += 1.0


@pytest.mark.parametrize("validated", [False, True])
@pytest.mark.parametrize("seconds", [1.0, 3.0, 5.0])
def test_max_seconds(monkeypatch: pytest.MonkeyPatch, seconds: float, validated: bool) -> None:
    """The run ends before the step at which the time is over; without validation rows its last weights are kept."""
    result = run_of(
        callbacks=[FakeClock(monkeypatch)], max_seconds=seconds, validate=(lambda t: 1.0) if validated else None
    ).run()
    assert (result.reason, result.progress.step) == ("time", int(seconds) - 1)
    whole = run_of(max_steps=max(result.progress.step, 1)).run()
    if not validated and result.progress.step:
        assert result.theta.tobytes() == whole.theta.tobytes()
    if validated and result.progress.step >= 3:
        assert result.theta.tobytes() == run_of(max_steps=3).run().theta.tobytes()


# Interruption ---------------------------------------------------------------------------------------------------------


class Interrupter(Callback):
    """Sends a signal to its own process before given steps."""

    def __init__(self, *steps: int, number: int = signal.SIGINT) -> None:
        self.steps, self.number = list(steps), number

    def on_step(self, step: int) -> None:
        while self.steps and self.steps[0] == step:
            self.steps.pop(0)
            os.kill(os.getpid(), self.number)


def handlers() -> list[Any]:
    return [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_noted_and_granted_between_steps(number: int) -> None:
    before = handlers()
    watcher = Watcher()
    result = run_of(callbacks=[Interrupter(4, number=number), watcher], validate=scores(0.5)).run()
    assert (result.reason, result.signal, result.progress.step) == ("interrupted", number, 4)
    assert result.theta.tobytes() == watcher.thetas[0].tobytes(), "the best of the finished epochs"
    assert watcher.calls[-1] == ("end", "interrupted")
    assert handlers() == before


def test_a_second_signal_acts_at_once_and_handlers_are_put_back() -> None:
    before = handlers()
    with pytest.raises(KeyboardInterrupt):
        run_of(callbacks=[Interrupter(4, 4)]).run()
    assert handlers() == before


def test_handlers_are_put_back_after_an_error() -> None:
    before = handlers()

    def broken(theta: Floats) -> float:
        raise RuntimeError("validation broke")

    with pytest.raises(RuntimeError, match="validation broke"):
        run_of(validate=broken).run()
    assert handlers() == before


def test_an_own_handler_is_put_back() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        assert run_of(callbacks=[Interrupter(2)]).run().reason == "interrupted"
        os.kill(os.getpid(), signal.SIGINT)
        assert heard == [signal.SIGINT], "not called for the run's signal, called again after the run"
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_run_in_another_thread_leaves_signals_alone() -> None:
    before, found = handlers(), []
    thread = threading.Thread(target=lambda: found.append((run_of().run().reason, handlers())))
    thread.start()
    thread.join()
    assert found == [("finished", before)]


def test_a_signal_in_the_last_step_comes_too_late() -> None:
    class AtTheEnd(Callback):
        def on_epoch(self, record: EpochRecord, progress: Progress) -> None:
            if record.epoch == 4:
                os.kill(os.getpid(), signal.SIGINT)

    result = run_of(callbacks=[AtTheEnd()]).run()
    assert (result.reason, result.signal) == ("finished", None)


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("validated", [False, True])
def test_interrupted_at_every_step_and_resumed_is_not_interrupted(sampling: str, validated: bool) -> None:
    """The same bytes, and the same history, wherever the run stopped; dropout, decay, schedule and moments included."""
    x = data_of(9, seed=5)[0]
    validate = (lambda theta: float(numpy.abs(NETWORK(theta, x)).mean())) if validated else None
    options: dict[str, Any] = {"sampling": sampling, "schedule": "cosine", "validate": validate, "epochs": 3}
    whole = run_of(**options).run()
    for step in range(whole.progress.step + 1):
        cut = run_of(callbacks=[Interrupter(step)], **options).run()
        assert cut.progress.step == step
        assert cut.reason == ("finished" if step == whole.progress.step else "interrupted")
        result = run_of(**options).run(cut.progress)
        assert result.reason == "finished"
        assert result.theta.tobytes() == whole.theta.tobytes()
        assert result.progress.history == whole.progress.history
        for found, expected in zip(result.progress.state, whole.progress.state, strict=True):
            assert found.tobytes() == expected.tobytes()


def test_interrupted_at_every_step_one_run_after_the_other() -> None:
    """A run that gets no further than one step at a time ends with the same bytes too."""
    whole, progress = run_of(max_steps=8).run(), None
    for step in range(1, 9):
        progress = run_of(max_steps=8, callbacks=[Interrupter(step)]).run(progress).progress
    result = run_of(max_steps=8).run(progress)
    assert result.theta.tobytes() == whole.theta.tobytes()
    assert result.progress.history == whole.progress.history


def test_a_copy_of_the_progress_stays_as_it_is() -> None:
    """What a checkpoint holds while the run goes on."""
    run = run_of(validate=scores(0.3, 0.1, 0.2, 0.4), callbacks=[Interrupter(4)])
    progress = run.run().progress
    copy, before = progress.copy(), (progress.step, *map(list, (progress.losses, progress.history)), progress.theta)
    assert run.run(progress).progress.step == 12
    assert (copy.step, copy.losses, copy.history, copy.theta) == before


# Divergence -----------------------------------------------------------------------------------------------------------

DEEP = dense_network(2, (6, 6), 1)


def diverging(scale: float = 1.0, **settings: Any) -> TrainingRun:
    """Gradient descent on targets of some scale."""
    x, y, w = data_of(20)
    theta = ENGINE.run(initialize(DEEP), key_of(0))[0]
    options = TrainingSettings(**{"batch_size": 4, "epochs": 5, **settings})
    return TrainingRun(
        objective(DEEP), theta, (x, y * numpy.float32(scale), w), optimizer_named("sgd"), options, ENGINE
    )


def test_a_huge_learning_rate_diverges_and_says_where() -> None:
    run = diverging(learning_rate=1e20)
    result = run.run()
    assert result.reason == "diverged"
    assert result.non_finite == (
        "epoch 1, batch 2 of 5: first non-finite value: layer 2 of 3 (operation affine) at step 2, "
        "rows 0, 1, 2 and 3 of the batch: -inf"
    )
    assert result.theta.tobytes() == run.theta.tobytes(), "no epoch was finished: the start is the best that is finite"


def test_what_diverges_later_keeps_the_best_finite_weights() -> None:
    run = run_of(validate=scores(0.5, 0.2))
    x, y, w = data_of(20)
    watcher = Watcher()

    class Poisoner(Callback):
        def on_epoch(self, record: EpochRecord, progress: Progress) -> None:
            if record.epoch == 2:
                y[int(SAMPLINGS["epoch"](20, 8, 3, 2)[0][1, 5])] = numpy.nan

    result = run_of(validate=run.validate, data=(x, y, w), callbacks=[watcher, Poisoner()]).run()
    assert result.reason == "diverged"
    origin = "epoch 3, batch 2 of 3: first non-finite value: the loss (operation subtract) at step 8, "
    assert result.non_finite.startswith(origin)
    assert result.non_finite.endswith(", row 5 of the batch: nan")
    assert result.progress.step == 7
    assert result.theta.tobytes() == watcher.thetas[1].tobytes()


def test_an_update_that_breaks_theta_in_the_last_step_is_found() -> None:
    """J is finite and so is its gradient, but alpha times it is not: the step that did it is named."""
    run = diverging(1e3, learning_rate=1e38, max_steps=1)
    result = run.run()
    assert result.reason == "diverged"
    assert result.non_finite == (
        "epoch 1, batch 1 of 5: first non-finite value: optimizer: scale (operation multiply) at step 1: -inf"
    )
    assert numpy.isfinite(result.theta).all()


def test_moments_that_overflow_are_found_although_theta_stays_finite() -> None:
    """In float32 the square of a gradient of 1e20 is inf, and m / inf would never move theta again."""
    x = numpy.full((4, 1), 1e20, numpy.float32)
    settings = TrainingSettings(batch_size=4, epochs=3)
    J = lambda theta, batch, draws: (theta * batch[0]).sum()
    run = TrainingRun(J, numpy.ones(1, numpy.float32), (x,), optimizer_named("adam"), settings, ENGINE)
    result = run.run()
    assert result.reason == "diverged"
    assert result.non_finite == (
        "epoch 1, batch 1 of 1: first non-finite value: optimizer: moments (operation multiply) at step 1: inf"
    )
    assert result.theta.tolist() == result.progress.theta.tolist() == [1.0]


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_gradient_that_alone_is_infinite_is_named(optimizer: str) -> None:
    """The root of 0: J is 0 there, and its slope is not finite."""
    x = numpy.array([[4.0], [0.0], [1.0]], numpy.float32)
    settings = TrainingSettings(batch_size=3, epochs=2)
    J = lambda theta, batch, draws: sqrt(theta * batch[0]).sum()
    result = TrainingRun(J, numpy.ones(1, numpy.float32), (x,), optimizer_named(optimizer), settings, ENGINE).run()
    place = SAMPLINGS["epoch"](3, 3, 0, 0)[0].tolist()[0].index(1)
    assert result.non_finite == (
        "epoch 1, batch 1 of 1: first non-finite value: the gradient (operation divide) at step 1, "
        f"row {place} of the batch: inf"
    )


def test_a_run_interrupted_after_a_broken_update_does_not_return_it() -> None:
    run = diverging(1e3, learning_rate=1e38)
    run.callbacks = [Interrupter(1)]
    result = run.run()
    assert result.reason == "diverged"
    assert numpy.isfinite(result.theta).all()


def test_a_validation_score_that_is_not_finite_ends_the_run() -> None:
    watcher = Watcher()
    result = run_of(validate=scores(0.5, numpy.nan), callbacks=[watcher]).run()
    assert result.reason == "diverged"
    assert result.non_finite == "epoch 2, batch 3 of 3: first non-finite value: the validation score"
    assert result.theta.tobytes() == watcher.thetas[0].tobytes()


# The same again -------------------------------------------------------------------------------------------------------

PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
import hashlib, test_loop
result = test_loop.run_of(rows=50, epochs=3, schedule="coslog4").run()
print(hashlib.sha256(result.theta.tobytes()).hexdigest())
"""


def test_two_processes_with_one_seed_end_with_the_same_bytes() -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM, str(Path(__file__).parent)],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for hash_seed in ("1", "2")
    }
    here = run_of(rows=50, epochs=3, schedule="coslog4").run().theta
    assert digests == {hashlib.sha256(here.tobytes()).hexdigest()}


def test_another_seed_ends_elsewhere() -> None:
    assert run_of(seed=1).run().theta.tobytes() != run_of(seed=2).run().theta.tobytes()


def test_rows_twice_are_weight_2_over_a_whole_run() -> None:
    """Gradient descent on repeated rows and on weights ends at the same theta to 1e-12 (float64)."""
    network = dense_network(2, (6,), 1, activation="tanh")
    theta = ENGINE.run(initialize(network, "normal", numpy.float64), key_of(2))[0]
    x, y, _ = (array.astype(float) for array in data_of(10))
    w = numpy.array([2.0, 1, 0, 1, 2, 1, 1, 3, 1, 1])
    rows = numpy.repeat(numpy.arange(10), w.astype(int))
    settings = TrainingSettings(learning_rate=0.2, sampling="full", epochs=30)
    ends = [
        TrainingRun(objective(network), theta, data, optimizer_named("momentum"), settings, ENGINE).run().theta
        for data in ((x, y, w), (x[rows], y[rows], numpy.ones(len(rows))))
    ]
    numpy.testing.assert_allclose(ends[0], ends[1], rtol=1e-12, atol=1e-12)


# Something is learned -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_xor_is_learned(activation: str, seed: int) -> None:
    """No linear model gets more than three of four right; J falls below 0.01 for every seed."""
    x = numpy.array([[0, 0], [0, 1], [1, 0], [1, 1]], numpy.float32)
    y = numpy.array([0, 1, 1, 0], numpy.float32)
    network = dense_network(2, (16,), 1, activation=activation)
    theta = ENGINE.run(initialize_from_data(network, 4), key_of(seed), x, frequency_scales(network))[0]
    settings = TrainingSettings(learning_rate=0.05, sampling="full", epochs=300, seed=seed)
    data = (x, y, numpy.ones(4, numpy.float32))
    run = TrainingRun(
        objective(network, "binary_cross_entropy"), theta, data, optimizer_named("adam"), settings, ENGINE
    )
    result = run.run()
    assert result.progress.history[-1].train_loss < 0.01
    assert ((network(result.theta, x)[:, 0] > 0) == (y == 1)).all()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_sine_is_learned(seed: int) -> None:
    """Mini-batches of noisy examples; root mean square error against the true sine below 0.1 for every seed."""
    rng = numpy.random.default_rng(seed)
    x = rng.uniform(-3, 3, size=(256, 1)).astype(numpy.float32)
    y = (numpy.sin(2 * x) + 0.1 * rng.normal(size=x.shape)).astype(numpy.float32)
    network = dense_network(1, (32, 32), 1, activation="gelu")
    theta = ENGINE.run(initialize_from_data(network, 256), key_of(seed), x, frequency_scales(network))[0]
    settings = TrainingSettings(learning_rate=0.01, schedule="cosine", batch_size=64, epochs=150, seed=seed)
    data = (x, y, numpy.ones(256, numpy.float32))
    result = TrainingRun(objective(network), theta, data, optimizer_named("adamw"), settings, ENGINE).run()
    grid = numpy.linspace(-2.8, 2.8, 201, dtype=numpy.float32)[:, None]
    assert numpy.sqrt(numpy.mean((network(result.theta, grid) - numpy.sin(2 * grid)) ** 2)) < 0.1

"""The checkpoint: a run goes on from it as if nothing had happened, and only the very run it belongs to."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from backpass.engine import ENGINES
from backpass.errors import DivergedError, InterruptedTraining, ModelFileError, ResourceError
from backpass.model import fit
from backpass.model.file.container import pack, unpack
from backpass.model.fitting.runs.checkpoint import Checkpoint, RunState, resume
from backpass.training import Callback, EpochRecord, Progress

Columns = dict[str, list[Any]]
STEPS = 5  # per epoch: 76 training rows in batches of 16


class Pulled(Exception):
    """The plug."""


class Plug(Callback):
    """Ends the process's interest in a run before the step of this number, as a power cut would."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step(self, step: int) -> None:
        if step == self.step:
            raise Pulled


class Finger(Callback):
    """Sends SIGINT before the step of this number."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step(self, step: int) -> None:
        if step == self.step:
            signal.raise_signal(signal.SIGINT)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.backpass"


def stopped(columns: Columns, target: str, path: Path, step: int, **settings: Any) -> Any:
    return fit(columns, target, checkpoint=path, callbacks=[Finger(step)], on_interrupt="return", **settings)


@pytest.mark.parametrize("step", [0, 1, 3, STEPS - 1, STEPS, STEPS + 1, 3 * STEPS - 1])
def test_a_run_that_was_stopped_ends_with_the_bytes_of_one_that_was_not(
    each_target: tuple[str, Columns], path: Path, stepwise: dict[str, Any], step: int
) -> None:
    target, columns = each_target
    whole = fit(columns, target, **stepwise)
    half = stopped(columns, target, path, step, **stepwise)
    assert (half.record.reason, half.record.steps) == ("interrupted", step)
    assert len(half.history) == step // STEPS
    rest = fit(columns, target, resume_from=path, **stepwise)
    assert rest.record.reason == "finished"
    assert rest.to_bytes() == whole.to_bytes()


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam", "adamw"])
@pytest.mark.parametrize("sampling", ["epoch", "uniform", "minibatch", "full"])
def test_whatever_the_optimizer_and_the_sampling(
    houses: Columns, path: Path, stepwise: dict[str, Any], optimizer: str, sampling: str
) -> None:
    settings = {**stepwise, "optimizer": optimizer, "sampling": sampling, "learning_rate": 0.01, "max_grad_norm": 1.0}
    stopped(houses, "price", path, 2, **settings)
    assert fit(houses, "price", resume_from=path, **settings).to_bytes() == fit(houses, "price", **settings).to_bytes()


def test_stopped_twice_and_without_validation(houses: Columns, path: Path, stepwise: dict[str, Any]) -> None:
    settings = {**stepwise, "validation_fraction": 0.0, "precision": "float64", "patience": 2}
    stopped(houses, "price", path, 4, **settings)
    stopped(houses, "price", path, 9, resume_from=path, **settings)
    assert fit(houses, "price", resume_from=path, **settings).to_bytes() == fit(houses, "price", **settings).to_bytes()


def test_a_finished_run_resumes_to_the_same_model(houses: Columns, path: Path, stepwise: dict[str, Any]) -> None:
    model = fit(houses, "price", checkpoint=path, **stepwise)
    assert fit(houses, "price", resume_from=path, **stepwise).to_bytes() == model.to_bytes()


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints are written after every epoch."""
    monkeypatch.setattr("backpass.model.fitting.fit_problem.SECONDS", 0.0)


@pytest.mark.usefixtures("always")
def test_a_run_that_was_killed_keeps_its_last_checkpoint(houses: Columns, path: Path, stepwise: dict[str, Any]) -> None:
    with pytest.raises(Pulled):
        fit(houses, "price", checkpoint=path, callbacks=[Plug(2 * STEPS + 3)], **stepwise)
    facts, _ = unpack(path.read_bytes(), "checkpoint", "c")
    assert facts["runs"][0]["step"] == 2 * STEPS
    assert fit(houses, "price", resume_from=path, **stepwise).to_bytes() == fit(houses, "price", **stepwise).to_bytes()


def test_a_run_that_ended_by_patience_does_not_go_on(houses: Columns, path: Path, stepwise: dict[str, Any]) -> None:
    """Not for an epoch more, which it had before."""
    settings = {**stepwise, "epochs": 60, "patience": 2, "learning_rate": 0.1}
    whole = fit(houses, "price", checkpoint=path, **settings)
    assert whole.record.reason == "patience"
    again = fit(houses, "price", resume_from=path, callbacks=[Never()], **settings)
    assert again.to_bytes() == whole.to_bytes()


class Finite(Callback):
    """Spoils the loss of the first run: after so many epochs theta is no number."""

    def __init__(self, epoch: int) -> None:
        self.epoch, self.warned = epoch, False

    def on_epoch(self, record: EpochRecord, progress: Progress) -> bool | None:
        if record.epoch == self.epoch and not self.warned:
            progress.state = (np.full_like(progress.theta, np.nan), *progress.state[1:])
        return None

    def on_warning(self, text: str) -> None:
        # A model of three epochs gets warnings of its own at the end.
        self.warned = self.warned or "retrying once with --learning-rate 0.001, a tenth" in text


@pytest.mark.parametrize("step", [3, STEPS, STEPS + 2, 3 * STEPS - 1])
def test_a_run_that_is_retry_note_with_a_tenth_goes_on_with_a_tenth(
    houses: Columns, path: Path, stepwise: dict[str, Any], step: int
) -> None:
    whole = fit(houses, "price", callbacks=[Finite(1)], **stepwise)
    assert "retrying once" in whole.record.notes[-1]

    class AfterIt(Finger):
        def on_step(self, number: int) -> None:
            if spoilt.warned:
                super().on_step(number)

    spoilt = Finite(1)
    fit(houses, "price", checkpoint=path, callbacks=[spoilt, AfterIt(step)], on_interrupt="return", **stepwise)
    assert spoilt.warned
    assert fit(houses, "price", resume_from=path, **stepwise).to_bytes() == whole.to_bytes()


class Clock(Callback):
    """A second passes with every step."""

    now = 100.0

    def on_step(self, step: int) -> None:
        self.now += 1.0


@pytest.mark.parametrize(("ensemble_size", "written"), [(1, [[10], [15]]), (2, [[6, 0], [9, 3], [9, 9], [9, 9]])])
def test_runs_are_saved_when_it_is_time_and_at_their_end(
    houses: Columns,
    path: Path,
    stepwise: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    ensemble_size: int,
    written: list[list[int]],
) -> None:
    """After an epoch before which six seconds have passed since the last time; and when all have ended."""
    found: list[list[int]] = []

    def write(path: Path, data: bytes) -> None:
        runs = unpack(data, "checkpoint", "c")[0]["runs"]
        found.append([0 if run is None else run["step"] for run in runs])

    clock = Clock()
    monkeypatch.setattr("backpass.model.fitting.runs.checkpoint.write_atomically", write)
    monkeypatch.setattr("backpass.model.fitting.runs.checkpoint.time", SimpleNamespace(monotonic=lambda: clock.now))
    monkeypatch.setattr("backpass.model.fitting.fit_problem.SECONDS", 6.0)
    fit(houses, "price", checkpoint=path, callbacks=[clock], ensemble_size=ensemble_size, **stepwise)
    assert found == written


def test_a_full_disk_is_told_and_ends_no_run(
    houses: Columns, path: Path, stepwise: dict[str, Any], always: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    class Listener(Callback):
        def on_warning(self, text: str) -> None:
            if "saved" in text:  # a model of three epochs gets warnings of its own at the end
                told.append(text)

    def full(path: Path, data: bytes) -> None:
        raise ResourceError("run.checkpoint could not be saved: no space left on device")

    monkeypatch.setattr("backpass.model.fitting.runs.checkpoint.write_atomically", full)
    for ensemble_size in (1, 2):
        told.clear()
        model = fit(houses, "price", checkpoint=path, callbacks=[Listener()], ensemble_size=ensemble_size, **stepwise)
        assert model.record.reason == "finished"
        assert set(told) == {"run.checkpoint could not be saved: no space left on device"}
        assert len(told) == 4 * ensemble_size + 1, "after each epoch, and at the end of each run, and of all"


def test_a_diverged_run_leaves_what_was_saved_before(houses: Columns, path: Path, stepwise: dict[str, Any]) -> None:
    path.write_bytes(b"before")
    with pytest.raises(DivergedError):
        fit(houses, "price", checkpoint=path, **{**stepwise, "learning_rate": 1e30, "optimizer": "sgd"})
    assert path.read_bytes() == b"before"


# Ensembles ------------------------------------------------------------------------------------------------------------

FOUR = {"ensemble_size": 4}
SHARE = 15  # steps of each network: 72 training rows in batches of 16, 3 epochs


@pytest.mark.parametrize("step", [0, 5, SHARE - 1, SHARE, 2 * SHARE + 1, 4 * SHARE - 1])
def test_an_ensemble_that_was_stopped_ends_with_the_bytes_of_one_that_was_not(
    each_target: tuple[str, Columns], path: Path, stepwise: dict[str, Any], step: int
) -> None:
    """Networks that are done, half done and not begun."""
    target, columns = each_target
    whole = fit(columns, target, **stepwise, **FOUR)
    assert whole.record.steps == 4 * SHARE
    half = stopped(columns, target, path, step, **stepwise, **FOUR)
    assert (half.record.reason, len(half.record.members)) == ("interrupted", max(1, -(-(step - 4) // SHARE)))
    runs = unpack(path.read_bytes(), "checkpoint", "c")[0]["runs"]
    done, begun = divmod(step, SHARE)
    assert [run and (run["step"], run["ended"]) for run in runs] == [
        *[(SHARE, "finished")] * done,
        (begun, ""),
        *[None] * (3 - done),
    ]
    rest = fit(columns, target, resume_from=path, **stepwise, **FOUR)
    assert rest.to_bytes() == whole.to_bytes()


@pytest.mark.parametrize(
    "settings", [{"ensemble_split": "split"}, {"preset": "default"}, {"validation_fraction": 0.0}], ids=str
)
def test_ensembles_of_every_kind_go_on(
    houses: Columns, path: Path, stepwise: dict[str, Any], settings: dict[str, Any]
) -> None:
    stop = {**stepwise, **FOUR, **settings}
    stopped(houses, "price", path, SHARE + 8, **stop)
    stopped(houses, "price", path, 2 * SHARE + 3, resume_from=path, **stop)
    assert fit(houses, "price", resume_from=path, **stop).to_bytes() == fit(houses, "price", **stop).to_bytes()


def test_a_network_that_ended_by_patience_has_ended(houses: Columns, path: Path, stepwise: dict[str, Any]) -> None:
    stop = {**stepwise, **FOUR, "epochs": 80, "patience": 2, "learning_rate": 0.1}
    whole = fit(houses, "price", **stop)
    first, second = (member["epochs"] for member in whole.record.members[:2])
    assert first < 80
    assert second < 80
    half = stopped(houses, "price", path, 5 * (first + second) + 8, **stop)
    assert len(half.record.members) == 3
    assert fit(houses, "price", resume_from=path, **stop).to_bytes() == whole.to_bytes()


def test_who_watches_a_resumed_ensemble_sees_the_rest_of_one_long_run(
    houses: Columns, path: Path, stepwise: dict[str, Any], watching: Callable[..., Any]
) -> None:
    stopped(houses, "price", path, SHARE + 8, **stepwise, **FOUR)
    seen = watching()
    fit(houses, "price", resume_from=path, callbacks=[seen], **stepwise, **FOUR)
    assert seen.starts == [(4 * SHARE, 5)]
    assert seen.steps[0] == SHARE + 8
    assert seen.steps == sorted(seen.steps)
    assert seen.epochs == list(range(5, 13))


needs_threads = pytest.mark.skipif("native" not in ENGINES, reason="the compiled core was not built")


class Signal(Callback):
    """Sends SIGINT after so many epochs of all networks, and waits until the main thread has seen it."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_epoch(self, record: EpochRecord, progress: Progress) -> bool | None:
        if record.epoch == self.epochs:
            signal.raise_signal(signal.SIGINT)
            time.sleep(0.1)
        return None


@needs_threads
@pytest.mark.parametrize(
    ("epochs", "threads"),
    [*((epochs, threads) for epochs in (1, 31, 110) for threads in ((1, 1), (2, 2))), (31, (2, 1)), (31, (1, 2))],
    ids=str,
)
def test_side_by_side_an_interrupted_ensemble_goes_on(
    houses: Columns, path: Path, threads: tuple[int, int], epochs: int
) -> None:
    """On one core or two, and resumed on as many or not."""
    stop = {"hidden": (6,), "epochs": 30, "batch_size": 16, "engine": "native", **FOUR}
    whole = fit(houses, "price", **stop, threads=2)
    first, second = threads
    with pytest.raises(InterruptedTraining) as caught:
        fit(houses, "price", **stop, threads=first, checkpoint=path, callbacks=[Signal(epochs)])
    assert caught.value.checkpoint == str(path)
    assert fit(houses, "price", **stop, threads=second, resume_from=path).to_bytes() == whole.to_bytes()


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("step", [7, SHARE + 8, 3 * SHARE + 7])
def test_an_ensemble_that_was_killed_keeps_its_last_checkpoint(
    houses: Columns, path: Path, stepwise: dict[str, Any], step: int
) -> None:
    with pytest.raises(Pulled):
        fit(houses, "price", checkpoint=path, callbacks=[Plug(step)], **stepwise, **FOUR)
    runs = unpack(path.read_bytes(), "checkpoint", "c")[0]["runs"]
    assert sum(run["step"] for run in runs if run) == step - step % SHARE % 5
    whole = fit(houses, "price", **stepwise, **FOUR)
    assert fit(houses, "price", resume_from=path, **stepwise, **FOUR).to_bytes() == whole.to_bytes()


KILLED = """
import os, signal, sys
import backpass, backpass.model.fitting.fit_problem as fitting
from backpass.training import Callback

fitting.SECONDS = 0.0
class Kill(Callback):
    def on_epoch(self, record, progress):
        if record.epoch == int(sys.argv[3]):
            os.kill(os.getpid(), signal.SIGKILL)
columns = {"x": [i % 17 for i in range(200)], "y": [i * i % 23 for i in range(200)]}
requested = {"task": "regression", "epochs": 3, "threads": int(sys.argv[2])}
backpass.fit(columns, "y", checkpoint=sys.argv[1], callbacks=[Kill()], **requested)
"""


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("epoch", [2, 8])
def test_kill_9_leaves_a_checkpoint_of_the_default_fit_that_goes_on(path: Path, threads: int, epoch: int) -> None:
    program = [sys.executable, "-c", KILLED, str(path), str(threads), str(epoch)]
    assert subprocess.run(program, timeout=60).returncode == -signal.SIGKILL
    columns = {"x": [i % 17 for i in range(200)], "y": [i * i % 23 for i in range(200)]}
    stop: dict[str, Any] = {"task": "regression", "epochs": 3}
    resumed = fit(columns, "y", resume_from=path, **stop)
    assert resumed.to_bytes() == fit(columns, "y", **stop).to_bytes()


def test_the_checkpoint_of_another_ensemble_is_refused(houses: Columns, path: Path, stepwise: dict[str, Any]) -> None:
    stopped(houses, "price", path, SHARE + 3, **stepwise, **FOUR)
    for change, fault in (
        ({"ensemble_size": 3}, "ensemble_size differs: was 4, is 3"),
        ({"ensemble_split": "split"}, "ensemble_split differs: was 'folds', is 'split'"),
        ({"learning_rate": 0.01}, "learning_rate_asked_for differs: was False, is True"),
    ):
        with pytest.raises(ModelFileError, match="belongs to another run") as caught:
            fit(houses, "price", resume_from=path, **{**stepwise, **FOUR, **change})
        assert caught.value.details == (fault,)
    houses["age"][3] += 1
    with pytest.raises(ModelFileError, match="belongs to another run"):
        fit(houses, "price", resume_from=path, **stepwise, **FOUR)


def test_a_damaged_checkpoint_is_refused(houses: Columns, path: Path, stepwise: dict[str, Any]) -> None:
    stopped(houses, "price", path, SHARE + 3, **stepwise, **FOUR)
    data = path.read_bytes()
    for i in range(0, len(data), 97):
        damaged = bytearray(data)
        damaged[i] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(ModelFileError):
            fit(houses, "price", resume_from=path, **stepwise, **FOUR)
    path.write_bytes(data[:-1])
    with pytest.raises(ModelFileError):
        fit(houses, "price", resume_from=path, **stepwise, **FOUR)


# ----------------------------------------------------------------------------------------------------------------------


def test_another_setting_or_table_is_refused_and_named(houses: Columns, path: Path, stepwise: dict[str, Any]) -> None:
    stopped(houses, "price", path, 3, **stepwise)
    with pytest.raises(ModelFileError, match="belongs to another run") as caught:
        fit(houses, "price", resume_from=path, **{**stepwise, "epochs": 9, "learning_rate": 0.5})
    assert caught.value.details == (
        "epochs differs: was 3, is 9",
        "learning_rate differs: was 0.01, is 0.5",
        "learning_rate_asked_for differs: was False, is True",
    )
    assert caught.value.hint == "resume with the same table and settings, or start again without --resume"
    with pytest.raises(ModelFileError) as caught:
        fit(houses, "price", resume_from=path, **{**stepwise, "epochs": 9})
    assert "finish it with --epochs 3, or train for 9 epochs without --resume" in str(caught.value.hint)
    with pytest.raises(ModelFileError) as caught:
        fit(houses, "price", resume_from=path, seed=1, **stepwise)
    assert "seed differs: was 0, is 1" in caught.value.details
    houses["age"][0] += 1
    with pytest.raises(ModelFileError) as caught:
        fit(houses, "price", resume_from=path, **stepwise)
    assert caught.value.details == ("the rows (their values, their order or their split) differ",)
    assert "partial_fit of an estimator continues with new rows" in str(caught.value.hint)
    with pytest.raises(ModelFileError) as caught:
        fit(houses, "price", resume_from=path, drop=["town"], **stepwise)
    assert len(caught.value.details) == 2
    assert "network differs" in caught.value.details[0]


def test_time_limits_may_differ(houses: Columns, path: Path, stepwise: dict[str, Any]) -> None:
    stopped(houses, "price", path, 3, **stepwise)
    resumed = fit(houses, "price", resume_from=path, max_seconds=1000.0, **stepwise)
    assert resumed.to_bytes() == fit(houses, "price", **stepwise).to_bytes()


def test_a_model_is_no_checkpoint(houses: Columns, path: Path, stepwise: dict[str, Any]) -> None:
    fit(houses, "price", **stepwise).save(path)
    with pytest.raises(ModelFileError, match="is a model; expected a checkpoint"):
        fit(houses, "price", resume_from=path, **stepwise)


def test_a_checkpoint_that_is_not_there(houses: Columns, path: Path, stepwise: dict[str, Any]) -> None:
    with pytest.raises(ModelFileError, match="there is no such file"):
        fit(houses, "price", resume_from=path, **stepwise)


class Never(Callback):
    """Fails the test when training starts."""

    def on_start(self, total_steps: int, steps_per_epoch: int) -> None:
        raise AssertionError("training has started")


@pytest.mark.parametrize("where", ["no folder/c.backpass", "folder", "file/c.backpass"])
def test_a_place_that_cannot_be_written_is_found_before_training(
    houses: Columns, tmp_path: Path, stepwise: dict[str, Any], where: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(ResourceError):
        fit(houses, "price", checkpoint=tmp_path / where, callbacks=[Never()], **stepwise)


# Checkpoints that were tampered with ----------------------------------------------------------------------------------


@pytest.fixture
def kept(houses: Columns, path: Path, stepwise: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Facts and arrays of a checkpoint of three networks: one done, one after 7 steps, one not begun."""
    stopped(houses, "price", path, 12 + 7, ensemble_size=3, **stepwise)
    return unpack(path.read_bytes(), "checkpoint", "c")


def resumed(path: Path, facts: Any, arrays: Any, identity: Any) -> list[RunState | None]:
    path.write_bytes(pack("checkpoint", facts, arrays))
    return resume(path, identity)


def test_what_was_saved_comes_back(path: Path, kept: Any) -> None:
    facts, arrays = kept
    assert sorted(arrays) == ["0.best", "0.history", "1.best", "1.history", "1.losses", "1.state"]
    done, going, other = states = resumed(path, facts, arrays, facts["identity"])
    assert other is None
    assert done is not None
    assert going is not None
    assert (done.ended, done.progress.step, len(done.progress.history), done.result().reason) == (
        "finished",
        12,
        3,
        "finished",
    )
    assert (going.ended, going.progress.step, len(going.progress.history), len(going.progress.losses)) == ("", 7, 1, 3)
    before = path.read_bytes()
    Checkpoint(path, lambda: facts["identity"], states).save()
    assert path.read_bytes() == before


def test_facts_that_are_wrong_or_missing_are_refused(path: Path, kept: Any) -> None:
    facts, arrays = kept
    wrong: dict[str, tuple[Any, ...]] = {
        "step": (None, True, -1, 7.5, "x", [], 10**18, 6),
        "best_epoch": (None, True, -1, 1.5, "x", {}, 0, 2),
        "fault": (None, 1, True, []),
        "ended": (None, True, "stopped", 0, "finished"),
    }
    run = facts["runs"][1]
    assert run.keys() == wrong.keys()
    for name, before in list(run.items()):
        del run[name]
        with pytest.raises(ModelFileError):
            resumed(path, facts, arrays, facts["identity"])
        for value in wrong[name]:
            run[name] = value
            with pytest.raises(ModelFileError):
                resumed(path, facts, arrays, facts["identity"])
        run[name] = before
    for runs in (
        None,
        {},
        facts["runs"][:2],
        [*facts["runs"], None],
        [run, run, run],
        [None, None, None],
        [[], run, None],
    ):
        with pytest.raises(ModelFileError):
            resumed(path, {**facts, "runs": runs}, arrays, facts["identity"])
    resumed(path, facts, arrays, facts["identity"])


def changed(name: str, change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda arrays: {**arrays, name: change(arrays[name])}


def put(row: int, column: int, value: float) -> Callable[[Any], Any]:
    def change(history: Any) -> Any:
        history = history.copy()
        history[row, column] = value
        return history

    return change


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays: {name: array for name, array in arrays.items() if name != "1.state"},
        lambda arrays: {name: array for name, array in arrays.items() if name != "0.best"},
        lambda arrays: {**arrays, "0.losses": arrays["1.losses"]},
        lambda arrays: {**arrays, "2.best": arrays["1.best"]},
        changed("1.state", lambda state: state[1:]),
        changed("1.state", lambda state: state[:, 1:]),
        changed("1.state", lambda state: state.astype(np.float64)),
        changed("0.best", lambda best: best.reshape(1, -1)),
        changed("1.losses", lambda losses: losses[:1]),
        changed("1.losses", lambda losses: losses.reshape(1, -1)),
        changed("1.losses", lambda losses: losses * np.nan),
        changed("0.history", lambda history: history[:2]),
        changed("0.history", lambda history: history[:, :3]),
        changed("0.history", lambda history: history[::-1]),
        changed("0.history", lambda history: history.astype(np.float32)),
        changed("0.history", put(1, 0, np.inf)),
        changed("0.history", put(1, 0, 7.5)),
        changed("0.history", put(1, 0, 4.0)),
        changed("0.history", put(0, 1, -1.0)),
        changed("0.history", put(2, 2, np.nan)),
        changed("0.history", put(2, 3, np.nan)),
        changed("0.history", put(2, 3, np.inf)),
    ],
)
def test_arrays_that_do_not_fit_are_refused(path: Path, kept: Any, change: Any) -> None:
    facts, arrays = kept
    with pytest.raises(ModelFileError, match="does not describe a run") as caught:
        resumed(path, facts, change(arrays), facts["identity"])
    assert len(caught.value.details) == 1

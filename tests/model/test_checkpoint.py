"""The checkpoint: a run goes on from it as if nothing had happened, and only the very run it belongs to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backpass.errors import ModelFileError, ResourceError
from backpass.model import fit
from backpass.model.checkpoint import Checkpoint, resume
from backpass.model.container import pack, unpack
from backpass.training import Callback, Progress

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
        import signal

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
    settings = {**stepwise, "optimizer": optimizer, "sampling": sampling, "learning_rate": 0.01, "clip_norm": 1.0}
    stopped(houses, "price", path, 2, **settings)
    assert fit(houses, "price", resume_from=path, **settings).to_bytes() == fit(houses, "price", **settings).to_bytes()


def test_stopped_twice_and_without_validation(houses: Columns, path: Path, stepwise: dict[str, Any]) -> None:
    settings = {**stepwise, "valid_fraction": 0.0, "precision": "float64", "patience": 2}
    stopped(houses, "price", path, 4, **settings)
    stopped(houses, "price", path, 9, resume_from=path, **settings)
    assert fit(houses, "price", resume_from=path, **settings).to_bytes() == fit(houses, "price", **settings).to_bytes()


def test_a_finished_run_resumes_to_the_same_model(houses: Columns, path: Path, stepwise: dict[str, Any]) -> None:
    model = fit(houses, "price", checkpoint=path, **stepwise)
    assert fit(houses, "price", resume_from=path, **stepwise).to_bytes() == model.to_bytes()


def test_a_run_that_was_killed_keeps_its_last_checkpoint(
    houses: Columns, path: Path, stepwise: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backpass.training.loop._Clock.is_time_to_save", lambda clock: True)
    with pytest.raises(Pulled):
        fit(houses, "price", checkpoint=path, callbacks=[Plug(2 * STEPS + 3)], **stepwise)
    facts, _ = unpack(path.read_bytes(), "checkpoint", "c")
    assert facts["progress"]["step"] == 2 * STEPS
    assert fit(houses, "price", resume_from=path, **stepwise).to_bytes() == fit(houses, "price", **stepwise).to_bytes()


def test_another_setting_or_table_is_refused_and_named(houses: Columns, path: Path, stepwise: dict[str, Any]) -> None:
    stopped(houses, "price", path, 3, **stepwise)
    with pytest.raises(ModelFileError, match="belongs to another run") as caught:
        fit(houses, "price", resume_from=path, **{**stepwise, "epochs": 9, "learning_rate": 0.5})
    assert caught.value.faults == ("epochs differs: was 3, is 9", "learning_rate differs: was 0.01, is 0.5")
    assert caught.value.hint
    with pytest.raises(ModelFileError) as caught:
        fit(houses, "price", resume_from=path, seed=1, **stepwise)
    assert "seed differs: was 0, is 1" in caught.value.faults
    houses["age"][0] += 1
    with pytest.raises(ModelFileError) as caught:
        fit(houses, "price", resume_from=path, **stepwise)
    assert caught.value.faults == ("the rows (their values, their order or their split) differ",)
    with pytest.raises(ModelFileError) as caught:
        fit(houses, "price", resume_from=path, drop=["town"], **stepwise)
    assert len(caught.value.faults) == 2
    assert "network differs" in caught.value.faults[0]


def test_time_limits_may_differ(houses: Columns, path: Path, stepwise: dict[str, Any]) -> None:
    stopped(houses, "price", path, 3, **stepwise)
    resumed = fit(houses, "price", resume_from=path, max_seconds=1000.0, **stepwise)
    assert resumed.to_bytes() == fit(houses, "price", **stepwise).to_bytes()


def test_a_model_is_no_checkpoint(houses: Columns, path: Path, stepwise: dict[str, Any]) -> None:
    fit(houses, "price", **stepwise).save(path)
    with pytest.raises(ModelFileError, match="is a model, expected a checkpoint"):
        fit(houses, "price", resume_from=path, **stepwise)


def test_a_checkpoint_that_is_not_there(houses: Columns, path: Path, stepwise: dict[str, Any]) -> None:
    with pytest.raises(ModelFileError, match="there is no file"):
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


# Checkpoints that were tampered with


@pytest.fixture
def kept(houses: Columns, path: Path, stepwise: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Facts and arrays of a checkpoint after 7 steps."""
    stopped(houses, "price", path, STEPS + 2, **stepwise)
    return unpack(path.read_bytes(), "checkpoint", "c")


def resumed(path: Path, facts: Any, arrays: Any, identity: Any) -> Progress:
    path.write_bytes(pack("checkpoint", facts, arrays))
    return resume(path, identity)


def test_what_was_saved_comes_back(path: Path, kept: Any) -> None:
    facts, arrays = kept
    progress = resumed(path, facts, arrays, facts["identity"])
    assert (progress.step, len(progress.losses), len(progress.history)) == (7, 2, 1)
    before = path.read_bytes()
    Checkpoint(path, facts["identity"]).save(progress)
    assert path.read_bytes() == before


WRONG: dict[str, tuple[Any, ...]] = {
    "step": (None, True, -1, 7.5, "x", [], 10**18),
    "best_epoch": (None, True, -1, 1.5, "x", {}, 2),
    "best_score": (True, "x", []),
    "history": (None, {}, "x", [[]], [None]),
}
WRONG_IN_EPOCH: dict[str, tuple[Any, ...]] = {
    "epoch": (None, True, 0, 1.5, "x", 2),
    "step": (None, True, 0, 5.5, "x", 6),
    "learning_rate": (None, True, "x", -1.0),
    "train_loss": (None, True, "x", []),
    "score": (True, "x", []),
}


def test_facts_that_are_wrong_or_missing_are_refused(path: Path, kept: Any) -> None:
    facts, arrays = kept
    progress = facts["progress"]
    assert progress.keys() == WRONG.keys()
    assert progress["history"][0].keys() == WRONG_IN_EPOCH.keys()
    for entries, wrong in ((progress, WRONG), (progress["history"][0], WRONG_IN_EPOCH)):
        for name, before in list(entries.items()):
            del entries[name]
            with pytest.raises(ModelFileError):
                resumed(path, facts, arrays, facts["identity"])
            for value in wrong[name]:
                entries[name] = value
                with pytest.raises(ModelFileError):
                    resumed(path, facts, arrays, facts["identity"])
            entries[name] = before
    resumed(path, facts, arrays, facts["identity"])


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays: {name: array for name, array in arrays.items() if name != "state.2"},
        lambda arrays: {name: array for name, array in arrays.items() if name != "best"},
        lambda arrays: {**arrays, "state.3": arrays["best"]},
        lambda arrays: {**arrays, "state.0": arrays["best"][1:]},
        lambda arrays: {**arrays, "state.1": arrays["best"].astype(np.float64)},
        lambda arrays: {**arrays, "best": arrays["best"].reshape(1, -1)},
        lambda arrays: {**arrays, "losses": arrays["losses"][:1]},
        lambda arrays: {**arrays, "losses": arrays["losses"].reshape(1, 2)},
    ],
)
def test_arrays_that_do_not_fit_are_refused(path: Path, kept: Any, change: Any) -> None:
    facts, arrays = kept
    with pytest.raises(ModelFileError, match="does not describe a run") as caught:
        resumed(path, facts, change(arrays), facts["identity"])
    assert len(caught.value.faults) == 1

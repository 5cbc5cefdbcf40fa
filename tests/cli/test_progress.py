"""Progress: a bar for people, lines for logs; numbers stay in their places."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from terminal import on_a_terminal

from backpass.cli import progress
from backpass.cli.console import Console
from backpass.cli.progress import Lines
from backpass.model.fitting.runs.ensemble_progress import EnsembleProgress, MemberCallback
from backpass.training import EpochRecord, Progress, TrainingResult


def shown(folder: Path, columns: int, *arguments: str, **changes: str) -> str:
    """What fit writes to a terminal of some width."""
    known = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS")}
    surroundings = {**known, "TERM": "xterm-256color", "OPENBLAS_NUM_THREADS": "1", **changes}
    command = [sys.executable, "-m", "backpass", "fit", *arguments]
    code, out, said = on_a_terminal(command, folder, surroundings, rows=24, columns=columns)
    assert (code, out) == (0, b"")
    return said


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_the_bar_fits_the_terminal_and_is_taken_back(home: Path, tmp_path: Path, columns: int) -> None:
    said = shown(
        tmp_path,
        columns,
        str(home / "numbers.csv"),
        "-t",
        "price",
        "--validation-fraction",
        "0.16",
        "--hidden",
        "4",
        "--epochs",
        "300",
    )
    assert "\x1b[?25l" in said
    assert said.rindex("\x1b[?25h") > said.rindex("\x1b[?25l"), "the cursor is shown again"
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said)
    frames = [frame for frame in re.split(r"[\r\n]+", plain) if re.match(r"epoch +\d+/300", frame)]
    assert frames
    assert all(len(frame) < columns for frame in frames)
    if columns > 40:
        assert any(re.search(r"rmse +[\d.]+  best +[\d.]+ @\d+ +[\d:-]+ left", frame) for frame in frames)
        assert len({len(frame.rstrip()) for frame in frames[1:]}) <= 2, "numbers do not jitter"
    curves = [frame for frame in re.split(r"[\r\n]+", plain) if re.match(r" +train +[▁-█]", frame)]
    assert bool(curves) == (columns >= 80)
    assert all(len(frame) < columns for frame in curves)
    if curves:
        pattern = r" {15}train [▁-█ ]{12,20}  validation [▁-█ ]{12,20} +([\d,]+|-) rows/s"
        assert all(re.fullmatch(pattern, frame.rstrip()) for frame in curves)
    if columns == 120:
        assert "validation rmse" in frames[-1]
    assert plain.rstrip().splitlines()[-1].startswith("saved numbers.backpass")


def test_no_colour_and_no_animation_where_they_are_not_wanted(home: Path, tmp_path: Path) -> None:
    arguments = (
        str(home / "numbers.csv"),
        "-t",
        "price",
        "--validation-fraction",
        "0.16",
        "--hidden",
        "4",
        "--epochs",
        "50",
    )
    without = shown(tmp_path, 80, *arguments, NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*3[0-9][0-9;]*m", without)
    dumb = shown(tmp_path, 80, *arguments, TERM="dumb")
    assert "\x1b" not in dumb
    assert re.search(r"^epoch  1/50   train loss ", dumb, re.M)


class Log(Console):
    """A console that keeps what is said."""

    def __init__(self) -> None:
        super().__init__()
        object.__setattr__(self, "said", [])

    def say(self, text: str = "") -> None:
        self.said.append(text)  # type: ignore[attr-defined]


def test_a_log_gets_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    log = Log()
    watching = Lines(log, "rmse", rows=320)
    watching.on_start(40, 10)
    state = Progress((np.zeros(1),), np.zeros(1))
    for step in range(40):
        watching.on_step(step)
        now[0] += 1.0
        if step % 10 == 9:
            record = EpochRecord(step // 10 + 1, step + 1, 0.1, 0.5, 0.25)
            state.finish_epoch(record)
            watching.on_epoch(record, state)
    said = log.said  # type: ignore[attr-defined]
    start = "epoch 1/4   step 5/10   train loss      -   validation rmse      -   best      - @-"
    assert said[0] == f"{start}          32 rows/s    0:35 left"
    assert (
        said[1]
        == "epoch 1/4   train loss 0.5000   validation rmse 0.2500   best 0.2500 @1          32 rows/s    0:30 left"
    )
    assert (
        said[-1]
        == "epoch 4/4   train loss 0.5000   validation rmse 0.2500   best 0.2500 @4          32 rows/s    0:00 left"
    )
    assert len(said) == 8


def test_steps_that_a_network_does_not_take_are_not_counted_as_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two networks of 4 epochs of 10 steps, a step a second; the first one ends after 12 steps."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    log = Log()
    watching = Lines(log, "rmse", rows=320)
    together = EnsembleProgress([watching], 2)
    first, second = MemberCallback(together, 0), MemberCallback(together, 1)
    state = Progress((np.zeros(1),), np.zeros(1))
    state.step = 12
    first.on_start(40, 10)
    for member, steps in ((first, 12), (second, 5)):
        for step in range(steps):
            member.on_step(step)
            now[0] += 1.0
        member.on_step(steps)
        if member is first:
            member.on_end(TrainingResult(state.theta, state, "patience"))
    assert watching.total == together.total == 52
    assert (together.step, watching.step) == (17, 17)
    # Only the first call of on_step, at step 0, is behind: 17 steps of 32 rows in 17 seconds, and 35 steps to go.
    assert (watching.pace().strip(), watching.left().strip()) == ("32 rows/s", "0:35 left")
    assert watching.place(ended=False) == "epoch 2/6"


def test_a_log_ends_with_the_last_step_even_if_the_last_network_ends_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress.time, "monotonic", lambda: 100.0)
    log = Log()
    watching = Lines(log, "rmse", rows=320)
    together = EnsembleProgress([watching], 2)
    state = Progress((np.zeros(1),), np.zeros(1))
    for member in (MemberCallback(together, 0), MemberCallback(together, 1)):
        member.on_start(40, 10)
        member.on_step(0)
        for epoch in (1, 2):
            state.step = 10 * epoch
            member.on_epoch(EpochRecord(epoch, state.step, 0.1, 0.5, 0.25), state)
        member.on_end(TrainingResult(state.theta, state, "patience"))
    for _ in range(2):
        watching.on_end(TrainingResult(state.theta, state, "patience"))
    said = log.said  # type: ignore[attr-defined]
    assert [line.partition("   ")[0] for line in said] == ["epoch 1/8", "epoch 4/4"]
    assert "0:00 left" in said[-1]


def test_the_best_score_is_that_of_any_network() -> None:
    watching = Lines(Log(), "rmse", rows=320)
    together = EnsembleProgress([watching], 2)
    first, second = (Progress((np.zeros(1),), np.zeros(1)) for _ in range(2))
    first.best_score, first.best_epoch, second.best_score, second.best_epoch = 0.25, 3, 0.5, 1
    for i, state in enumerate((first, second)):
        member = MemberCallback(together, i)
        member.on_start(40, 10)
        member.on_step(0)
        member.on_epoch(EpochRecord(1, 10, 0.1, 0.5, state.best_score), state)
    assert watching.numbers(True)[1:] == ["validation rmse 0.5000", "best 0.2500 @3"]
    watching.on_start(40, 10)
    assert watching.best is None


def test_a_log_has_no_line_of_a_run_without_a_step() -> None:
    log, state = Log(), Progress((np.zeros(1),), np.zeros(1))
    watching = Lines(log, "rmse")
    watching.on_start(40, 10)
    watching.on_end(TrainingResult(state.theta, state, "time"))
    assert log.said == []  # type: ignore[attr-defined]


def test_steps_that_a_race_does_not_take_are_not_left_at_its_end() -> None:
    log, state = Log(), Progress((np.zeros(1),), np.zeros(1))
    watching = Lines(log, "rmse", rows=320)
    watching.on_start(40, 10)
    watching.on_step(0)
    watching.on_epoch(EpochRecord(1, 10, 0.1, 0.5, 0.25), state)
    for reason in ("interrupted", "patience"):
        watching.on_end(TrainingResult(state.theta, state, reason))
    said = log.said  # type: ignore[attr-defined]
    assert [line.partition("   ")[0] for line in said] == ["epoch 1/4", "epoch 1/1"]


def test_the_time_limit_bounds_the_remaining_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    watching = Lines(Log(), "rmse", rows=320, limit=20.0)
    watching.on_start(1000, 10)
    watching.on_step(0)
    now[0] += 5.0
    watching.on_step(5)
    assert watching.left().strip() == "0:15 left"
    now[0] += 30.0
    assert watching.left().strip() == "0:00 left"

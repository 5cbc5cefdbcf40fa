"""How processes divide the networks of a fit and the shards of a batch; without MPI, because nothing is sent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backpass.errors import UsageError
from backpass.model import Settings, fit, make_problem
from backpass.model.fitting.fit_problem import fit_problem
from backpass.model.fitting.problem.problem import Problem
from backpass.model.fitting.runs.ensemble import members_of
from backpass.model.fitting.runs.ensemble_progress import EnsembleProgress
from backpass.model.fitting.runs.runs import group_size
from backpass.model.fitting.runs.stage import Stage
from backpass.table import table_from
from backpass.training import Callback, Progress, StopRequest, TrainingResult
from backpass.training.processes.exchange import SOLO, Exchange, Solo


def processes(count: int) -> Exchange:
    """An exchange that says how many processes there are."""
    exchange = Solo()
    exchange.size = count
    return exchange


def problem(shards: int, networks: int = 1) -> Problem:
    settings = Settings.of({"hidden": (2,), "shards": shards, "ensemble_size": networks, "ensemble_split": "split"})
    return make_problem(table_from({"x": range(20), "y": range(20)}), "y", settings)


@pytest.mark.parametrize(
    ("shards", "networks", "size", "together"),
    [(1, 1, 1, 1), (8, 1, 1, 1), (8, 1, 4, 4), (8, 1, 16, 8), (8, 3, 4, 1), (8, 3, 8, 2), (2, 1, 3, 2), (1, 2, 8, 1)],
)
def test_networks_are_divided_before_shards(shards: int, networks: int, size: int, together: int) -> None:
    assert group_size(members_of(problem(shards, networks)), networks, processes(size)) == together


@pytest.mark.parametrize(
    ("shards", "size", "message", "hint"),
    [
        (2, 4, "4 processes cannot divide one network of 2 shards", "use 1 or 2 processes, or train an ensemble"),
        (8, 3, "3 processes cannot divide one network of 8 shards", "use 1, 2, 4 or 8 processes"),
        (1, 2, "2 processes cannot divide one network of 1 shard", "set shards to 8, for 1, 2, 4 ... 8"),
        (1, 12, "12 processes cannot divide one network of 1 shard", "set shards to 16, for 1, 2, 4"),
    ],
)
def test_processes_that_cannot_divide_one_network_are_refused(shards: int, size: int, message: str, hint: str) -> None:
    with pytest.raises(UsageError, match=f"{message}\\s+hint: {hint}"):
        fit_problem(problem(shards), exchange=processes(size))


class Shown(Callback):
    """Notes what a callback is shown."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int]] = []

    def on_step(self, step: int) -> None:
        self.calls.append(("step", step))

    def on_total(self, total_steps: int) -> None:
        self.calls.append(("total", total_steps))


class Received(Solo):
    """Process 0 of several, which has received messages."""

    def __init__(self, size: int, messages: list[tuple[int, Any]]) -> None:
        super().__init__()
        self.size, self.messages = size, messages

    def collect(self, channel: int) -> list[tuple[int, Any]]:
        return self.messages


def test_the_steps_of_other_processes_are_shown_once() -> None:
    ended = TrainingResult(np.zeros(1), Progress((np.zeros(1),), np.zeros(1), step=30), "patience")
    result = {"results": {1: ended}, "non_finite": {}, "ender": None}
    of_a_follower = {"results": {}, "non_finite": {}, "ender": None}  # the first process of a group reports
    messages = [(1, ("steps", {1: 20})), (1, ("result", result)), (2, ("result", of_a_follower))]
    shown = Shown()
    together = EnsembleProgress([shown], count=2, taken={0: 50}, share=100)
    exchange = Received(3, messages)
    Stage(exchange, 0, together, StopRequest(), None, None, keeps=False, group=exchange).poll()
    assert shown.calls == [("step", 70), ("total", 130), ("step", 80)]
    assert together.taken == {0: 50, 1: 30}


def test_one_process_shares_with_itself() -> None:
    assert SOLO.share("a") == ["a"]
    assert SOLO.any(True)
    assert not SOLO.any(False)


@pytest.mark.parametrize("shards", [0, 3, 2048, 2.0])
def test_shards_are_a_power_of_two(shards: float) -> None:
    with pytest.raises(UsageError, match="shards must be a power of two from 1 to 1024"):
        Settings.of({"shards": shards})


def test_shards_and_bf16_are_refused() -> None:
    with pytest.raises(UsageError, match="shards need precision float32 or float64"):
        Settings.of({"shards": 2, "precision": "bf16"})


@pytest.mark.parametrize("comm", [2, "world"])
def test_a_communicator_of_another_kind_is_named(comm: object) -> None:
    with pytest.raises(UsageError, match="comm must be a communicator of mpi4py; got"):
        fit({"x": [1.0, 2.0], "y": [1.0, 2.0]}, "y", comm=comm)

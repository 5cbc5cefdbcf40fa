"""Stacked run: trains many networks of the same layers, each on rows of its own, stack by stack.

It takes the rows of all networks and the parameters that all of them start from, and returns the parameters of each. A
network ends with the same bits whether it is trained alone or with others: the rows and steps of a network follow from
its own rows, and no operation of a stacked step mixes networks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import field
from functools import lru_cache
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.circuit import Spec
from backpass.dataclass import dataclass
from backpass.engine import Engine, Epoch, Step, is_finite
from backpass.network import Loss, Network
from backpass.numerics.philox import key_of
from backpass.training.interrupt import StopRequest, run_in_threads
from backpass.training.optimizer import Optimizer, memory_like
from backpass.training.settings import TrainingSettings
from backpass.training.settings_table import SettingsTable
from backpass.training.stacked.batches import Batches
from backpass.training.stacked.step import stacked_step

STACK = 16
"""Maximum number of networks in a stack: enough to amortize the cost of a step, few enough for the cache."""

_PLACES = 1 << 21
"""Maximum number of batch places written at a time; a single epoch is always written whole."""


@dataclass(frozen=True, slots=True, eq=False)
class StackedResult:
    """The networks of a run.

    Attributes:
        theta: The parameters of each network (m, P); those that it started from for a network that is not trained.
        diverged: Whether a network met a number that is not finite, bool (m,).
        is_whole: Whether all networks were trained; otherwise the run was stopped.
    """

    theta: NDArray[Any]
    diverged: NDArray[numpy.bool_]
    is_whole: bool


@dataclass(slots=True, eq=False)
class StackedRun:
    """A run over many networks.

    Attributes:
        network: The layers that all networks have.
        loss: The loss.
        optimizer: The optimizer.
        settings: Learning rate, schedules, epochs and seed, the same for every network. Batch sizes are those of
            ``batch_size``, and every epoch visits each row once.
        batch_size: The number of rows of a network -> the rows of its batches at most.
        engine: The engine; it trains as many stacks at a time as it has cores.
        x: Inputs (n, d) of all networks.
        y: Targets as the loss takes them, (n,) or (n, k).
        first: The first row of each network (m,).
        rows: The number of rows of each network (m,); they follow one another.
    """

    network: Network
    loss: Loss
    optimizer: Optimizer
    settings: TrainingSettings
    batch_size: Callable[[int], int]
    engine: Engine
    x: NDArray[Any]
    y: NDArray[Any]
    first: NDArray[numpy.int64]
    rows: NDArray[numpy.int64]
    _data: list[NDArray[Any]] = field(init=False)
    _step_of: Callable[[int, int], Step] = field(init=False)

    def __post_init__(self) -> None:
        # One more row, of weight 0, fills the batches.
        weights = numpy.ones(len(self.x), self.x.dtype)
        self._data = [numpy.concatenate([each, numpy.zeros_like(each[:1])]) for each in (self.x, self.y, weights)]
        self._step_of = lru_cache(maxsize=64)(self._make_step)

    def run(
        self,
        theta: NDArray[Any],
        stop: StopRequest,
        report: Callable[[int], None] = lambda done: None,
    ) -> StackedResult:
        """Train every network from the same parameters.

        Args:
            theta: The initial parameters (P,), or those of each network (m, P).
            stop: Stops the run between two steps.
            report: Called with the number of networks that are trained, from time to time.
        """
        found = numpy.broadcast_to(theta, (len(self.rows), theta.shape[-1])).copy()
        diverged = numpy.zeros(len(self.rows), dtype=numpy.bool_)
        done = 0
        stacks = self._stacks()
        workers = max(min(self.engine.cores, 64), 1)
        engine = self.engine.side_by_side(workers, workers) if workers > 1 else self.engine

        def train(members: NDArray[numpy.int64]) -> tuple[NDArray[numpy.int64], list[NDArray[Any] | None]]:
            with engine.taking_part():
                return members, self._train(engine, found[members], members, stop)

        def collect(results: Sequence[tuple[NDArray[numpy.int64], list[NDArray[Any] | None]]]) -> None:
            nonlocal done
            for members, thetas in results:
                done += 0 if stop() else len(members)
                for member, its in zip(members, thetas, strict=True):
                    diverged[member] = its is None
                    found[member] = found[member] if its is None else its
            report(done)

        run_in_threads(train, stacks, workers, stop, collect)
        return StackedResult(found, diverged, done == len(self.rows))

    def _stacks(self) -> Iterator[NDArray[numpy.int64]]:
        """The networks of each stack: networks whose epochs have the same number of batches, of the same size."""
        alike: dict[Batches, list[int]] = {}
        for member, rows in enumerate(self.rows.tolist()):
            alike.setdefault(Batches.of(rows, self.batch_size(rows)), []).append(member)
        for members in alike.values():
            first = 0
            while first < len(members):
                # Powers of two, so that few sizes of stacks are compiled.
                size = min(STACK, 1 << ((len(members) - first).bit_length() - 1))
                yield numpy.array(members[first : first + size], dtype=numpy.int64)
                first += size

    def _train(
        self, engine: Engine, theta: NDArray[Any], members: NDArray[numpy.int64], stop: StopRequest
    ) -> list[NDArray[Any] | None]:
        """The parameters of each network of a stack, from theta (networks, P).

        None where it diverged, and the initial ones if it was stopped.

        A network that diverges ends its stack, whose networks then train one by one, to the bits that they have alone.
        """
        state = (theta, *memory_like(self.optimizer, theta))
        rows = int(self.rows[members[0]])
        batches = Batches.of(rows, self.batch_size(rows))
        step = self._step_of(len(members), batches.size)
        table = self._table(batches)
        for first, last in self._stretches(batches, len(members)):
            done = first * batches.steps
            places = self._places(members, batches, first, last)
            sizes = numpy.full(len(places), places.shape[1])
            epochs = Epoch(places, sizes, table.rows(done, len(places)), done)
            outcome = engine.run_epoch(step, state, key_of(self.settings.seed), self._data, epochs, lambda _: stop())
            if outcome.failed or not is_finite(outcome.state):
                if len(members) == 1:
                    return [None]
                pairs = [*zip(theta[:, None], members[:, None], strict=True)]
                return [its for start, each in pairs for its in self._train(engine, start, each, stop)]
            if len(outcome.losses) < epochs.steps:
                return [*theta]
            state = outcome.state
        return [*state[0]]

    def _make_step(self, count: int, size: int) -> Step:
        theta = numpy.zeros((count, self.network.parameter_count), self.x.dtype)
        specs = [Spec(each.shape[1:], each.dtype) for each in self._data]
        return stacked_step(self.network, self.loss, self.optimizer, theta, specs, size)

    def _table(self, batches: Batches) -> SettingsTable:
        s = self.settings
        steps = s.epochs * batches.steps
        return SettingsTable(self.optimizer, s.learning_rate, s.schedule, s.schedules, (), steps)

    def _stretches(self, batches: Batches, count: int) -> Iterator[tuple[int, int]]:
        """Ranges of epochs whose batches are written at a time, as (first, last + 1)."""
        at_once = max(_PLACES // (batches.size * batches.steps * count), 1)
        for first in range(0, self.settings.epochs, at_once):
            yield first, min(first + at_once, self.settings.epochs)

    def _places(self, members: NDArray[numpy.int64], batches: Batches, first: int, last: int) -> NDArray[numpy.int64]:
        """The rows of the data that each step reads: (steps, networks * B)"""
        found = []
        for member in members.tolist():
            places = batches.places(int(self.rows[member]), self.settings.seed, first, last)
            found.append(numpy.where(places < 0, len(self.x), places + self.first[member]))
        return numpy.stack(found, axis=1).reshape(len(found[0]), -1)

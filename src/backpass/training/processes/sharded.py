"""Sharded steps: the gradient of a batch as a sum over shards of its rows, which several processes divide.

    g = 1/B sum over shards of dtheta of sum over rows i of w^(i) J^(i)        CS229 (1.2), (1.5)

Shard v of V has the rows floor(v B / V) up to floor((v + 1) B / V) of the batch. The sums of two neighboring shards are
added, then those of neighboring pairs, and so on: a binary tree. Each process computes neighboring shards, so that its
sum is a node of the tree, and the processes add theirs in the same tree. Hence 1, 2, 4 ... V processes give the same
bits. Every process then makes the same update.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.circuit import Array, Circuit, Spec, trace, value_and_grad
from backpass.circuit.operations import concatenate
from backpass.dataclass import dataclass
from backpass.engine import Engine, Epoch, Outcome
from backpass.network.layers import RandomKey
from backpass.training.optimizer import Optimizer, memory_like
from backpass.training.processes.exchange import SOLO, Exchange
from backpass.training.progress import Arrays, StepRecord

_EXTRA = 2  # what the buffer holds in addition to the gradient: J, and how many processes want to stop


@dataclass(frozen=True, slots=True)
class Sharding:
    """How a run cuts its batches.

    Attributes:
        shards: V, a power of two.
        summed: sum of w^(i) J^(i) (theta, batch, draws), the numerator of the objective; its divisor is B.
        exchange: The processes, whose number divides V.
    """

    shards: int
    summed: Callable[[Array, tuple[Array, ...], RandomKey], Array]
    exchange: Exchange = SOLO

    @property
    def own(self) -> range:
        """The shards of this process."""
        return share_of(self.shards, self.exchange.rank, self.exchange.size)

    def cuts(self, rows: int) -> list[int]:
        """Where the shards of so many rows begin and end: (V + 1,)"""
        return [v * rows // self.shards for v in range(self.shards + 1)]


def share_of(count: int, rank: int, processes: int) -> range:
    """The numbers below ``count`` that one of several processes has: neighbors.

    >>> [share_of(8, rank, 3) for rank in range(3)]
    [range(0, 2), range(2, 5), range(5, 8)]
    """
    return range(rank * count // processes, (rank + 1) * count // processes)


@dataclass(frozen=True, slots=True)
class ShardedStep:
    """The circuits of a step.

    Attributes:
        sharding: How batches are cut.
        gradient: (theta, key, number, rows, settings) -> (P + 2,): the gradient of the sum, the sum, and 0.
        update: (state, sums (P + 2,), B, settings) -> the new state.
        own: The number of settings columns that the optimizer reads; the objective reads the others.
    """

    sharding: Sharding
    gradient: Circuit
    update: Circuit
    own: int

    @staticmethod
    def of(
        sharding: Sharding,
        optimizer: Optimizer,
        theta: NDArray[Any],
        batch: Sequence[Spec],
        columns: Sequence[str] = (),
    ) -> ShardedStep:
        """Trace the circuits; the arguments are those of ``training_step``."""
        P, own, dtype, whole = theta.size, len(optimizer.columns), theta.dtype, numpy.dtype(numpy.uint32)

        def gradient(theta: Array, key: Array, number: Array, rows: tuple[Array, ...], settings: Array) -> Array:
            named = {name: settings[own + i] for i, name in enumerate(columns)}
            draws = RandomKey(key, number, named)
            J, g = value_and_grad(lambda t: sharding.summed(t, rows, draws))(theta)
            return concatenate([g, J.reshape((1,)), 0.0 * J.reshape((1,))])

        def update(state: tuple[Array, ...], sums: Array, rows: Array, settings: Array) -> Any:
            new, memory = optimizer(state[0], sums[:P] / rows, state[1:], settings)
            return (new, *memory)

        states = [Spec(array.shape, array.dtype) for array in (theta, *memory_like(optimizer, theta))]
        row = Spec((own + len(columns),), dtype)
        return ShardedStep(
            sharding,
            trace(gradient, [states[0], Spec((2,), whole), Spec((), whole), tuple(batch), row]),
            trace(update, [tuple(states), Spec((P + _EXTRA,), dtype), Spec((), dtype), row]),
            own,
        )

    def run_epoch(
        self,
        engine: Engine,
        state: Arrays,
        key: NDArray[Any],
        data: Sequence[NDArray[Any]],
        epoch: Epoch,
        should_stop: Callable[[int], bool],
        report: Callable[[StepRecord], None] | None = None,
        bounds: NDArray[Any] | None = None,
    ) -> Outcome:
        """Run an epoch as ``Engine.run_epoch`` does. It ends before the same step in all processes.

        Args:
            engine: The engine.
            state: theta and the memories of the optimizer.
            key: The key of the run.
            data: The training data.
            epoch: The steps.
            should_stop: Called before each step with the number of steps done; True in one process ends all.
            report: Called after each step.
            bounds: Where the shards of each batch begin and end (steps, V + 1). Default None: they are equal.
        """
        losses: list[float] = []
        dtype = state[0].dtype
        settings = epoch.settings.astype(dtype)
        for i in range(epoch.steps):
            rows = epoch.rows[i, : int(epoch.sizes[i])]
            cuts = self.sharding.cuts(len(rows)) if bounds is None else bounds[i]
            sums = self._sums(engine, state[0], key, epoch.first_step + i, data, rows, cuts, settings[i])
            sums[-1] = should_stop(i)
            self.sharding.exchange.all_reduce(sums)
            if sums[-1]:
                break
            J = float(sums[-2] / dtype.type(len(rows)))
            if not numpy.isfinite(J):
                return Outcome(state, numpy.array(losses), failed=True)
            state = tuple(engine.run(self.update, *state, sums, dtype.type(len(rows)), settings[i]))
            losses.append(J)
            if report is not None:
                report(StepRecord(epoch.first_step + i + 1, J, state[0].copy(), rows.copy()))
        return Outcome(state, numpy.array(losses), failed=False)

    def _sums(
        self,
        engine: Engine,
        theta: NDArray[Any],
        key: NDArray[Any],
        number: int,
        data: Sequence[NDArray[Any]],
        rows: NDArray[Any],
        cuts: Sequence[int] | NDArray[Any],
        settings: NDArray[Any],
    ) -> NDArray[Any]:
        """The sums over the shards of this process: (P + 2,)"""
        V = self.sharding.shards
        nodes: list[tuple[int, NDArray[Any]]] = []  # complete nodes of the tree: height, sum
        for v in self.sharding.own:
            shard = rows[cuts[v] : cuts[v + 1]]
            if len(shard):
                # Draws are counted by shards, so that no two shards draw the same numbers.
                count = numpy.uint32((number * V + v) % 2**32)
                [sums] = engine.run(self.gradient, theta, key, count, *(array[shard] for array in data), settings)
            else:
                sums = numpy.zeros(theta.size + _EXTRA, theta.dtype)
            height = 0
            while nodes and nodes[-1][0] == height:
                left = nodes.pop()[1]
                left += sums
                sums, height = left, height + 1
            nodes.append((height, sums))
        [(_, sums)] = nodes
        return sums

"""A stream: training on rows as they arrive, with everything else settled when the first of them came.

Comes in: a problem made of the first rows, then rows. Goes out: theta after every row so far. Several passes over rows
that are all there are training's ``loop``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.circuit import Spec
from backpass.circuit.elementary import mean
from backpass.circuit.philox import key_of
from backpass.engine import Epoch, first_fault, is_finite
from backpass.errors import DivergedError
from backpass.model.model import Model
from backpass.model.part import Part, Rows, weights_or_ones
from backpass.model.problem import Problem, batch_size_for, part_of
from backpass.model.record import Record
from backpass.training import EpochRecord, training_step
from backpass.training.optimizer import memory_like


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """Where a stream stands: theta and the optimizer's memories (``state``) after ``step`` steps on ``rows`` rows.

    ``history`` has one record per call of ``advanced``. ``problem`` fixes columns, scales, classes, network and batch
    size; its rows are not kept.
    """

    problem: Problem
    batch_size: int
    state: tuple[NDArray[Any], ...]
    step: int = 0
    rows: int = 0
    history: tuple[EpochRecord, ...] = ()

    @staticmethod
    def start(problem: Problem, theta: NDArray[Any] | None = None) -> Stream:
        """Before the first step, from a theta or from the one the problem starts with."""
        first = problem.first_theta() if theta is None else theta
        train = problem.parts["train"]
        # One row with a weight, so that the objective stays the weighted one when the rows themselves are let go.
        kept = Part(train.x[:1], train.y[:1], train.truth[:1], np.ones(1))
        settled = replace(problem, parts={"train": kept})
        state = (first, *memory_like(problem.optimizer(), first))
        return Stream(settled, batch_size_for(problem.settings, train.rows), state)

    @property
    def theta(self) -> NDArray[Any]:
        return self.state[0]

    def advanced(self, rows: Rows) -> Stream:
        """The stream after one pass over rows in their order, at a constant learning rate.

        J = sum of w J^(i) / B for each batch; weights are taken as they are.

        Errors: DivergedError when a number is not finite; this stream is as it was.
        """
        problem, part = self.problem, part_of(self.problem, rows)
        weights = weights_or_ones(part)
        data = (part.x, part.y, weights.astype(problem.dtype))
        specs = [Spec(("B", *array.shape[1:]), array.dtype) for array in data]
        step = training_step(problem.objective, problem.optimizer(), self.theta, specs)
        epoch, key = self._epoch(part.rows), key_of(problem.settings.seed)
        outcome = problem.engine.run_epoch(step, self.state, key, data, epoch, _never)
        if outcome.failed or not is_finite(outcome.state):
            raise self._diverged(str(first_fault(problem.engine, step, self.state, key, data, epoch)))
        J = mean(outcome.losses, epoch.sizes)
        done = self.step + epoch.steps
        record = EpochRecord(len(self.history) + 1, done, problem.settings.learning_rate, J, None)
        return replace(
            self, state=outcome.state, step=done, rows=self.rows + part.rows, history=(*self.history, record)
        )

    def model(self) -> Model:
        """What the stream has learnt so far."""
        problem = self.problem
        record = Record(
            settings=problem.settings.to_json(),
            rows={"train": self.rows},
            scores={},
            baselines={},
            history=self.history,
            best_epoch=len(self.history),
            steps=self.step,
            reason="finished",
            notes=(),
            columns=problem.columns,
        )
        return Model(
            problem.schema,
            problem.head,
            problem.feature_map,
            problem.network,
            self.theta,
            record,
            problem.settings.engine,
            problem.settings.threads,
        )

    def _diverged(self, fault: str) -> DivergedError:
        rate = self.problem.settings.learning_rate
        return DivergedError(
            f"training diverged: first not finite: {fault}",
            hint=f"learning_rate {rate:g} may be too high: try {rate / 10:g}, or clip_norm 1",
        )

    def _epoch(self, rows: int) -> Epoch:
        """One pass over 0 .. rows-1 in order; the last batch may be smaller."""
        size = min(self.batch_size, rows)
        steps = -(-rows // size)
        table = np.zeros(steps * size, dtype=np.int64)
        table[:rows] = np.arange(rows)
        sizes = np.full(steps, size)
        sizes[-1] = rows - (steps - 1) * size
        rates = np.full(steps, self.problem.settings.learning_rate)
        settings = self.problem.optimizer().settings(rates, self.step)
        return Epoch(table.reshape(steps, size), sizes, settings, self.step)


def _never(*done: int) -> bool:
    """A stream is not stopped inside a call."""
    return False

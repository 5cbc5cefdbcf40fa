"""A stream: training on rows as they arrive.

It takes a problem made of the first rows, then more rows, and holds theta after every row so far. Several passes over a
fixed set of rows are the job of ``training.loop``; ``provisional`` handles what the first rows leave open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.circuit import Spec
from backpass.dataclass import dataclass
from backpass.engine import Epoch, Step, first_non_finite, host_engine, is_finite
from backpass.errors import DivergedError
from backpass.model.fitting.problem.data_split import DataSplit, Rows, weights_or_ones
from backpass.model.fitting.problem.encoded_rows import part_of
from backpass.model.fitting.problem.problem import Problem, batch_size_for
from backpass.model.fitting.streaming.provisional import (
    FEWEST,
    MOST,
    WARM_UP,
    Evidence,
    Late,
    refitted,
    teaches_nothing,
    updated,
)
from backpass.model.model import Model
from backpass.model.record import Record
from backpass.numerics.elementary import mean
from backpass.numerics.philox import key_of
from backpass.table.columns.late_bounds import reading_bounds
from backpass.training import EpochRecord
from backpass.training.optimizer import memory_like


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """The state of a stream.

    Columns, scales and network are provisional while the rows so far are too few to fit them. ``first``, ``fitted`` and
    ``seen`` serve this phase only and are None after it. A scale that is 0 because a column or a target has not varied
    yet is set by the first rows in which it varies, at any time.

    Attributes:
        problem: Columns, scales, classes and network; without its rows.
        batch_size: Rows per step.
        state: theta and the optimizer's memories.
        step: The number of steps so far.
        rows: The number of rows so far.
        history: One record per call of ``advanced``.
        first: The rows so far, by call.
        fitted: The evidence in the rows that the problem was fitted on.
        seen: The evidence in all rows so far.
        late: The rows since a column or a target first varied; its scale follows from them while they are few.
        traced: An earlier problem with the same step, which is traced from it; None: ``problem``.
    """

    problem: Problem
    batch_size: int
    state: tuple[NDArray[Any], ...]
    step: int = 0
    rows: int = 0
    history: tuple[EpochRecord, ...] = ()
    first: tuple[Rows, ...] | None = None
    fitted: Evidence | None = None
    seen: Evidence | None = None
    late: Late | None = None
    traced: Problem | None = None

    @staticmethod
    def start(problem: Problem, theta: NDArray[Any] | None = None) -> Stream:
        """The stream before its first step, with a fixed problem, from the given theta or the problem's initial one."""
        first = problem.first_theta() if theta is None else theta
        train = problem.parts["train"]
        # One row with a weight keeps the objective weighted after the rows themselves are dropped.
        kept = DataSplit.of(train.x[:1], train.y[:1], train.truth[:1], np.ones(1))
        fixed = replace(problem, parts={"train": kept})
        state = (first, *memory_like(problem.optimizer(), first))
        return Stream(fixed, batch_size_for(problem.settings, train.rows), state)

    @staticmethod
    def begin(problem: Problem, rows: Rows) -> Stream:
        """The stream after its first rows, which the problem was made from."""
        evidence = Evidence.of(rows)
        return Stream.start(problem)._passed(rows)._with_first((rows,), evidence, evidence)

    @property
    def theta(self) -> NDArray[Any]:
        return self.state[0]

    @property
    def required_kinds(self) -> dict[str, str]:
        """The required kind of each column; a column without a value so far may be of any kind."""
        kinds: dict[str, str] = dict(self.problem.schema.kinds)
        return kinds if self.seen is None else self.seen.required_kinds

    def advanced(self, rows: Rows) -> Stream:
        """The stream after one pass over rows in their order, at a constant learning rate.

        J = sum of w J^(i) / B for each batch; weights are not normalized. While columns and scales are provisional,
        they may be refitted on all rows so far, and the passes over these rows repeated. Rows with a constant target
        teach nothing: if it first varies after ``FEWEST`` of them or more, the stream restarts.

        Raises:
            DivergedError: A number is not finite; this stream is unchanged.
        """
        # Case 1: the target was constant so far and varies now. Nothing was learned, so the stream restarts here.
        if self._is_superseded_by(rows):
            stream = Stream.begin(refitted(self.problem, rows), rows)
            history = (*self.history, replace(stream.history[0], epoch=len(self.history) + 1))
            return replace(stream, rows=self.rows + stream.rows, history=history)
        # Case 2: columns and scales are fixed.
        if self.first is None or self.fitted is None or self.seen is None:
            problem, late = Late.after(self.late, self.problem, rows)
            return replace(self._with_problem(problem)._passed(rows), late=late)
        first = (*self.first, rows)
        together = Rows.stacked(first)
        evidence = Evidence.of(together)
        # Case 3: they are provisional, and no fit is due; the rows are kept for the next one.
        if not self._needs_fit(evidence):
            return self._updated(rows)._passed(rows)._with_first(first, self.fitted, evidence)
        # Case 4: a fit is due. Training restarts on the refitted problem and repeats the passes, call by call.
        stream = Stream.start(refitted(self.problem, together))
        past = len(self.history) - len(self.first)  # calls before the stream last restarted
        stream = replace(stream, rows=self.rows - self.seen.rows, history=self.history[:past])
        for each in first:
            stream = stream._passed(each)
        return stream._with_first(first, evidence, evidence)

    def reading_bounds(self, names: Mapping[str, int]) -> Stream:
        """The stream whose model reads bounds in these columns as their numbers: the first rows held none."""
        return self._with_problem(replace(self.problem, schema=reading_bounds(self.problem.schema, names)))

    def _is_superseded_by(self, rows: Rows) -> bool:
        """Whether the target was constant in many rows and varies now."""
        head = self.problem.head
        is_settled = self.seen is None or self.seen.rows >= FEWEST
        return is_settled and teaches_nothing(head) and head.updated(rows.truth) != head

    def _needs_fit(self, evidence: Evidence) -> bool:
        """Whether a fit on all rows so far is due and would change something.

        It is due when the rows are enough, when they have doubled since the last fit, or when a column gets its first
        value.
        """
        assert self.first is not None
        assert self.fitted is not None
        if self.fitted.required_kinds.keys() != evidence.required_kinds.keys():
            return True
        grown = self.fitted.columns != evidence.columns or self.fitted.target_varies != evidence.target_varies
        is_due = evidence.rows >= 2 * self.fitted.rows or _is_enough(evidence, self.first[0])
        return is_due and (grown or self.first[0].table.rows < FEWEST)

    def _with_first(self, first: tuple[Rows, ...], fitted: Evidence, seen: Evidence) -> Stream:
        """The same stream; it keeps its rows if they are not enough yet."""
        return self if _is_enough(seen, first[0]) else replace(self, first=first, fitted=fitted, seen=seen)

    def _updated(self, rows: Rows) -> Stream:
        """The stream with scales for columns and targets that vary for the first time in these rows."""
        return self._with_problem(updated(self.problem, rows))

    def _with_problem(self, problem: Problem) -> Stream:
        """The stream with other scales. The step contains none of them, except in a user-defined loss."""
        is_same_step = problem.head.custom_loss == self.problem.head.custom_loss
        traced = (self.traced or self.problem) if is_same_step else None
        return replace(self, problem=problem, traced=traced)

    def _passed(self, rows: Rows) -> Stream:
        """The stream after one pass over rows, with the current columns and scales."""
        problem, part = self.problem, part_of(self.problem, rows)
        weights = weights_or_ones(part)
        data = (part.x, part.y, weights.astype(problem.dtype))
        step = _step_of(self.traced or problem)
        epoch, key = self._epoch(part.rows), key_of(problem.settings.seed)
        outcome = problem.trainer.run_epoch(step, self.state, key, data, epoch, _never)
        if outcome.failed or not is_finite(outcome.state):
            raise self._diverged(str(first_non_finite(problem.trainer, step, self.state, key, data, epoch)))
        J = mean(outcome.losses, epoch.sizes)
        done = self.step + epoch.steps
        record = EpochRecord(len(self.history) + 1, done, problem.settings.learning_rate, J, None)
        rows_so_far, history = self.rows + part.rows, (*self.history, record)
        return Stream(problem, self.batch_size, outcome.state, done, rows_so_far, history, traced=self.traced)

    def model(self) -> Model:
        """The model learned so far."""
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
            host_engine(problem.settings.engine),
            problem.settings.threads,
        )

    def _diverged(self, non_finite: str) -> DivergedError:
        rate = self.problem.settings.learning_rate
        return DivergedError(
            f"training diverged: first non-finite value: {non_finite}",
            hint=f"--learning-rate {rate:g} may be too high: try {rate / 10:g}, or --max-grad-norm 1",
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


@lru_cache(maxsize=16)  # the calls of a stream share one step, so engines compile it once
def _step_of(problem: Problem) -> Step:
    """One training step of a stream."""
    kept = problem.parts["train"]
    data = (kept.x, kept.y, weights_or_ones(kept).astype(problem.dtype))
    specs = [Spec(("B", *array.shape[1:]), array.dtype) for array in data]
    theta = np.zeros(problem.network.parameter_count, problem.dtype)
    return problem.step(theta, specs)


def _is_enough(evidence: Evidence, first: Rows) -> bool:
    """Whether the rows are enough to fix columns and scales; ``first`` are those of the first call."""
    fewest = FEWEST if first.table.rows >= FEWEST else WARM_UP
    return evidence.rows >= MOST or (evidence.rows >= fewest and evidence.varies)


def _never(*done: int) -> bool:
    """Never stop: a stream is not stopped inside a call."""
    return False

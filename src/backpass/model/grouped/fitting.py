"""The grouped fit: splits each group, trains a network of all rows and one of each group, and scores them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.errors import DataError, DivergedError, InterruptedTraining
from backpass.model.file.storage import SIZE_LIMIT
from backpass.model.fitting.fit_problem import fit_problem
from backpass.model.fitting.outcome.diagnostics import before_training
from backpass.model.fitting.problem.preparation import make_problem
from backpass.model.fitting.problem.problem import Problem, batch_size_for
from backpass.model.grouped.group_rows import GroupRows
from backpass.model.grouped.grouped_model import GroupedModel
from backpass.model.grouped.groups import Groups, Rows
from backpass.model.grouped.record import GroupedRecord
from backpass.model.grouped.scoring import with_scores
from backpass.model.model import Model
from backpass.model.settings.settings import Settings
from backpass.model.split.units import KEPT_TOGETHER
from backpass.numerics.distinct import are_among, distinct_values
from backpass.numerics.philox import permutation
from backpass.table import Table, required_kind
from backpass.table.labeled import Labeled
from backpass.table.memory import require_memory
from backpass.table.messages import absent, counted, data_error, listed, shown
from backpass.table.targets import Targets
from backpass.training import Callback, TrainingSettings, stop_on_signals
from backpass.training.stacked import StackedResult, StackedRun
from backpass.training.stacked.batches import Batches

_SAMPLE = 1 << 16
"""Rows that train the network of all rows, at most."""

_PURPOSE = 0x5EED_0022
_NAMED = 5
"""Groups that a note names, at most."""


@dataclass(frozen=True, slots=True, eq=False)
class Fitting:
    """A grouped fit: its checked arguments.

    Attributes:
        target: The column to predict.
        by: The column of groups.
        min_rows: The minimum number of rows of a group with a network of its own.
        drop: Columns to leave out, ``by`` among them.
        columns: The only columns to learn from; None for all.
        of_all: The settings of the network of all rows.
        of_groups: The settings of the networks of the groups.
        callbacks: The observers.
    """

    target: str
    by: str
    min_rows: int
    drop: Sequence[str]
    columns: Sequence[str] | None
    of_all: Settings
    of_groups: Settings
    callbacks: Sequence[Callback]

    def run(self, table: Table, *, strict: bool) -> GroupedModel:
        """The model of a table.

        Raises:
            BackpassError: As ``fit_groups``.
        """
        if self.by not in table.columns:
            known = [name for name in (*table.names, *table.left_out) if name != self.by]
            raise data_error(table.source, absent([self.by], known, "group column")[0])
        table = Labeled.of(table, [self.target], strict=strict).table
        every = Groups.of(table.columns[self.by])
        groups = every.at_least(self.min_rows)
        if not groups.keys:
            raise self._too_small(table, every)
        train, test = self._with_every_class(
            table, groups, *groups.held_out(self.of_groups.test_fraction, self.of_groups.seed)
        )
        # The training rows of a group follow one another; those without a network of their own come last.
        training = table.take(np.concatenate([*train, groups.missing]))
        testing = table.take(np.concatenate(test)) if any(map(len, test)) else None
        rows = np.array([[len(a), len(b)] for a, b in zip(train, test, strict=True)], dtype=np.int64)
        problem = self._problem(training, testing)
        self._require_room(problem, len(rows))
        for text in before_training(problem):
            for each in self.callbacks:
                each.on_warning(text)
        base = self._base(problem)
        group_rows = GroupRows.of(
            problem, training.take(np.arange(training.rows - len(groups.missing))), rows[:, 0], self.of_groups
        )
        result = self._trained(problem, group_rows)
        kept = np.flatnonzero(~result.diverged)
        if not kept.size:
            raise self._all_diverged(table)
        notes = [*self._notes_on_rows(every, groups), *self._notes_on_groups(group_rows, groups.keys, result)]
        record = self._record(rows[kept], len(every.keys) - len(kept), notes)
        keys, kind = tuple(groups.keys[i] for i in kept), required_kind(table.columns[self.by])
        model = GroupedModel(base, self.by, kind, keys, result.theta[kept], group_rows.scales.take(kept), record)
        for note in notes:
            for each in self.callbacks:
                each.on_note(note)
        ends = np.cumsum(rows[:, 1])
        of_kept = np.concatenate([np.arange(ends[i] - rows[i, 1], ends[i]) for i in kept])
        if testing is None or not of_kept.size:
            return model
        return with_scores(model, testing.take(of_kept), group_rows.levels()[kept])

    def _record(self, rows: NDArray[np.int64], others: int, notes: Sequence[str]) -> GroupedRecord:
        """The record of groups with so many training and test rows (groups, 2), without scores.

        Args:
            rows: The rows of each group.
            others: The number of groups without a network of their own.
            notes: The notes.
        """
        steps = np.array([self._steps(count) for count in rows[:, 0].tolist()], dtype=np.int64)
        return GroupedRecord(
            self.of_groups.to_json(), self.min_rows, others, {}, rows, np.zeros(0), steps, tuple(notes)
        )

    def _with_every_class(
        self, table: Table, groups: Groups, train: list[Rows], test: list[Rows]
    ) -> tuple[list[Rows], list[Rows]]:
        """Training and test rows such that every class trains: the test rows of a class that would not train, too."""
        targets = Targets.fit(table, [self.target], self.of_groups.task)
        if targets.task == "regression":
            return train, test
        y = targets.encode(table)
        classes = distinct_values(y)
        untrained = classes[~are_among(classes, y[np.concatenate([*train, groups.missing])])]
        moved = [are_among(y[rows], untrained) for rows in test]
        joined = [np.sort(np.concatenate([a, b[each]])) for a, b, each in zip(train, test, moved, strict=True)]
        return joined, [rows[~each] for rows, each in zip(test, moved, strict=True)]

    def _problem(self, training: Table, testing: Table | None) -> Problem:
        """The problem of all rows. Its rows are divided already, each by itself."""
        undivided = replace(self.of_all, test_fraction=0.0)
        roles: dict[str, Any] = {"drop": self.drop, "columns": self.columns, "distinguishing": (self.by,)}
        problem = make_problem(training, self.target, undivided, test=testing, **roles)
        notes = tuple(note for note in problem.notes if not note.endswith(KEPT_TOGETHER))
        return replace(problem, settings=self.of_all, notes=notes)

    def _base(self, problem: Problem) -> Model:
        """The model of the network of all rows."""
        self._stage("training the network of all rows", 0.0)
        part = problem.parts["train"]
        if part.rows > _SAMPLE:
            index = np.sort(permutation(self.of_all.seed, 0, _PURPOSE, part.rows)[:_SAMPLE])
            note = (
                f"the network of all rows is trained on a random sample of {_SAMPLE:,} of {part.rows:,} training rows"
            )
            parts = {**problem.parts, "train": part.take(index)}
            problem = replace(problem, parts=parts, notes=(*problem.notes, note))
        try:
            return fit_problem(problem, compare=False)
        except DivergedError as error:
            rate = self.of_all.learning_rate
            hint = f"--learning-rate {rate:g} may be too high: try {rate / 10:g}"
            raise DivergedError(f"the network of all rows: {error.message}", hint=hint) from None

    def _trained(self, problem: Problem, group_rows: GroupRows) -> StackedResult:
        """The networks of the groups.

        Raises:
            InterruptedTraining: On Ctrl-C.
        """
        s = self.of_groups
        decay = {"weight_decay": s.weight_decay_schedule}
        run = StackedRun(
            problem.network,
            problem.head.loss,
            replace(problem, settings=s).optimizer(),
            TrainingSettings(
                s.learning_rate,
                s.schedule,
                epochs=s.epochs,
                seed=s.seed,
                schedules={name: schedule for name, schedule in decay.items() if schedule != "constant"},
            ),
            partial(batch_size_for, s),
            problem.trainer,
            group_rows.x,
            group_rows.y,
            group_rows.first,
            group_rows.rows,
        )
        count = len(group_rows.rows)
        title = f"training {counted(count, 'group')}"
        with stop_on_signals() as stop:
            result = run.run(self._start(problem, group_rows), stop, lambda done: self._stage(title, done / count))
        if not result.is_whole:
            interrupted = InterruptedTraining("interrupted while the groups were trained; no model is kept")
            interrupted.signal = stop.signal or 0
            raise interrupted
        return result

    def _start(self, problem: Problem, group_rows: GroupRows) -> NDArray[Any]:
        """The parameters that each group starts from (groups, P): the same, but for the level of counts."""
        network, settings = problem.network, self.of_groups
        theta = network.initialize(settings.seed, settings.initialization, problem.dtype)
        found = np.repeat(theta[None], len(group_rows.rows), axis=0)
        if problem.head.has_log_link:
            found[:, -problem.head.outputs :] = group_rows.levels()
        return found

    def _steps(self, rows: int) -> int:
        """The number of steps of a group."""
        return self.of_groups.epochs * Batches.of(rows, batch_size_for(self.of_groups, rows)).steps

    def _require_room(self, problem: Problem, count: int) -> None:
        """Check that the parameters of all groups fit in memory and into a file."""
        size = count * problem.network.parameter_count * problem.dtype.itemsize
        what = f"{counted(count, 'network')} of {problem.network.parameter_count:,} parameters"
        hint = "a smaller --hidden, fewer columns (--drop), or a larger --min-rows"
        require_memory(3 * size, what, hint)
        if size > SIZE_LIMIT // 2:
            raise DataError(f"{what} take {size:,} bytes; a model file holds {SIZE_LIMIT // 2:,}", hint=hint)

    # Messages ---------------------------------------------------------------------------------------------------------

    def _stage(self, title: str, share: float) -> None:
        for each in self.callbacks:
            each.on_stage(title, share)

    def _too_small(self, table: Table, every: Groups) -> DataError:
        largest = max(map(len, every.rows), default=0)
        held = f"the largest of {counted(len(every.keys), 'group')} has {counted(largest, 'row')}"
        return DataError(
            f"{table.source}: no group of column {shown(self.by)} has at least {self.min_rows} rows: {held}",
            hint="lower --min-rows, or fit one model with the column as a feature",
        )

    def _all_diverged(self, table: Table) -> DataError:
        rate = self.of_groups.learning_rate
        return DataError(
            f"{table.source}: training diverged in every group",
            hint=f"--learning-rate {rate:g} may be too high: try {rate / 10:g}",
        )

    def _notes_on_rows(self, every: Groups, groups: Groups) -> list[str]:
        notes = []
        if small := len(every.keys) - len(groups.keys):
            rows = counted(len(groups.missing) - len(every.missing), "row")
            whose = f"{counted(small, 'group')} with fewer than {self.min_rows} rows ({rows} in all)"
            notes.append(f"{whose}: the network of all rows predicts them, and groups that are not in the table")
        if count := len(every.missing):
            rows = counted(count, "row")
            notes.append(f"{rows} without a value of {shown(self.by)}: the network of all rows predicts such rows")
        return notes

    def _notes_on_groups(self, group_rows: GroupRows, keys: Sequence[str], result: StackedResult) -> list[str]:
        lost = np.flatnonzero(result.diverged).tolist()
        has_classes = bool(group_rows.shared.head.classes)
        always = "the same class, which is always predicted" if has_classes else "the same target, which is predicted"
        sentences = {
            "training diverged, and the network of all rows predicts them": lost,
            f"all training rows have {always}": group_rows.constant_groups(),
            "a class is missing from the training rows, and gets a low probability": group_rows.incomplete_groups()
            if has_classes
            else [],
        }
        return [_on_groups([keys[i] for i in those], text) for text, those in sentences.items() if those]


def _on_groups(keys: Sequence[str], text: str) -> str:
    """A note on some groups, with the names of the first ones.

    >>> _on_groups(["a", "b"], "all training rows have the same target")
    "in 2 groups ('a', 'b'), all training rows have the same target"
    """
    more = [f"{len(keys) - _NAMED:,} more"] if len(keys) > _NAMED else []
    names = listed([*map(shown, keys[:_NAMED]), *more])
    return f"in {counted(len(keys), 'group')} ({names}), {text}"

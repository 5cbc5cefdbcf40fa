"""A record: what the model file keeps about a fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.model.evaluation.comparison import Comparison, comparison_from_json
from backpass.model.profile import Profile, profile_from_json
from backpass.model.split.horizon import Expected, Horizon
from backpass.model.split.units import Units, named_units
from backpass.table import CategoricalColumn, Table
from backpass.table.labeled import weights_in
from backpass.table.table import RequiredKind
from backpass.training import EpochRecord

COVERAGE_LEVEL = 0.9
"""The level of the intervals whose coverage is reported."""

COVERAGE = f"coverage_{COVERAGE_LEVEL * 100:.0f}"
"""The name, among metrics, of the share of rows inside their interval."""

Scores = Mapping[str, Mapping[str, float]]
"""The metrics by name, for each split ("validation", "test") that has rows."""


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """What the model file keeps about a fit.

    It holds no time, path, engine or machine, since these would change the file's bytes.

    Attributes:
        settings: The settings.
        rows: The number of rows of each split.
        scores: The metrics of each split.
        baselines: The metrics of each baseline, by name.
        history: One record per epoch.
        best_epoch: The epoch whose weights are kept.
        steps: The number of steps.
        reason: What ended the run: "finished", "patience", "time", "stopped", "interrupted" or "diverged".
        notes: Notes about the table and the fit.
        members: For an ensemble, each network's best epoch, its score there, and its number of epochs. Then ``history``
            and ``best_epoch`` are those of the first network, and ``steps`` counts those of all.
        columns: The profile of each column's training rows; empty in the earliest files.
        warnings: Problems of the model, see ``diagnostics``; the file omits the entry if there are none.
        confusion: For classes, the confusion matrix of each split: the weight of the rows by true class (outer) and
            predicted class (inner). Empty in files of earlier versions.
        coverage: The share of the test rows inside their ``COVERAGE_LEVEL`` interval, its mean over several targets;
            None without intervals or test rows.
        coverages: For several targets, the coverage of each.
        weight: The name of the column of row weights; "" if there is none.
        split_columns: The group and the time column by which rows were split, with their required kinds; the file omits
            the entry if there are none.
        comparison: The network and its best baseline on the test rows, else on the validation rows; None if there are
            no such rows, or in earlier files.
        candidates: With ``candidates`` above 1, each candidate: the settings that it changes, its validation score
            after each stage of the race, its score on all validation rows, how many of its networks are kept, and their
            share; else empty.
        refit: For a model that was trained again on all rows, their number and the epochs of its networks; else None.
        horizon: With a time column, the latest time that the model knows; None without, or in earlier files.
        expected: With a time column, the scores to expect of rows after the time that the test rows reach; None without
            later test rows, or in earlier files.
        teacher: The columns of a teacher, the number of rows of each split that have its predictions, and its metrics
            on the splits where all rows have; None without a teacher.
        features_of: For a model that keeps the learned features of another, the SHA-256 of that model's file, its
            targets and the number of its networks; else None.
    """

    settings: Mapping[str, Any]
    rows: Mapping[str, int]
    scores: Scores
    baselines: Mapping[str, Scores]
    history: tuple[EpochRecord, ...]
    best_epoch: int
    steps: int
    reason: str
    notes: tuple[str, ...]
    members: tuple[Mapping[str, Any], ...] = ()
    columns: Mapping[str, Profile] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    confusion: Mapping[str, Sequence[Sequence[float]]] = field(default_factory=dict)
    coverage: float | None = None
    coverages: tuple[float, ...] = ()
    weight: str = ""
    split_columns: Mapping[str, RequiredKind] = field(default_factory=dict)
    comparison: Comparison | None = None
    refit: Mapping[str, Any] | None = None
    horizon: Horizon | None = None
    expected: Expected | None = None
    candidates: tuple[Mapping[str, Any], ...] = ()
    teacher: Mapping[str, Any] | None = None
    features_of: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model file."""
        return {
            "settings": dict(self.settings),
            "rows": dict(self.rows),
            "scores": {part: dict(scores) for part, scores in self.scores.items()},
            "baselines": {
                name: {part: dict(scores) for part, scores in parts.items()} for name, parts in self.baselines.items()
            },
            "history": [asdict(epoch) for epoch in self.history],
            "best_epoch": self.best_epoch,
            "steps": self.steps,
            "reason": self.reason,
            "notes": list(self.notes),
            "members": [dict(member) for member in self.members],
            "columns": {name: profile.to_json() for name, profile in self.columns.items()},
            **({"warnings": list(self.warnings)} if self.warnings else {}),
            **(
                {"confusion": {k: [list(row) for row in v] for k, v in self.confusion.items()}}
                if self.confusion
                else {}
            ),
            **({} if self.coverage is None else {"coverage": self.coverage}),
            **({"coverages": list(self.coverages)} if self.coverages else {}),
            **({"weight": self.weight} if self.weight else {}),
            **({"split_columns": dict(self.split_columns)} if self.split_columns else {}),
            **({} if self.comparison is None else {"comparison": self.comparison.to_json()}),
            **({"candidates": [dict(each) for each in self.candidates]} if self.candidates else {}),
            **({} if self.refit is None else {"refit": dict(self.refit)}),
            **({} if self.horizon is None else {"horizon": self.horizon.to_json()}),
            **({} if self.expected is None else {"expected": self.expected.to_json()}),
            **({} if self.teacher is None else {"teacher": dict(self.teacher)}),
            **({} if self.features_of is None else {"features_of": dict(self.features_of)}),
        }

    @property
    def scored_part(self) -> str | None:
        """The split that the model is scored on: "test" if it has rows, else "validation", else None."""
        return next((part for part in ("test", "validation") if self.scores.get(part)), None)

    @property
    def scores_at_fit(self) -> dict[str, float]:
        """The scores of ``scored_part``, with the coverage of the test rows; empty without such rows."""
        part = self.scored_part
        found = {} if part is None else dict(self.scores[part])
        return found if self.coverage is None or part != "test" else {**found, COVERAGE: self.coverage}

    @property
    def at_fit(self) -> dict[str, Any] | None:
        """These scores as plain data for ``--json``; None without such rows."""
        return None if self.scored_part is None else {"part": self.scored_part, "scores": self.scores_at_fit}

    @property
    def teacher_scores(self) -> Scores:
        """The metrics of a teacher on the splits where it predicts every row."""
        return {} if self.teacher is None else self.teacher["scores"]

    def beyond(self, table: Table) -> NDArray[np.float64] | None:
        """How far each row (n,) of a table is after the test rows, see ``Horizon.beyond``; None without a time column.

        Rows whose time is not known count as later: new rows are.

        Args:
            table: The table, with the time column of the fit.
        """
        if self.horizon is None:
            return None
        column = table.columns.get(self.settings.get("time") or "")
        if column is None or isinstance(column, CategoricalColumn):
            return np.ones(table.rows)
        return self.horizon.beyond(column)

    def row_weights(self, table: Table) -> NDArray[np.float64] | None:
        """The weights of a table's rows (n,), from the column of weights of the fit; None without such a column.

        Args:
            table: The table.

        Raises:
            DataError: The weights cannot be used.
        """
        return weights_in(table, self.weight) if self.weight in table.columns else None

    def units(self, table: Table) -> Units | None:
        """The groups or the instants of the rows of a table, which a bootstrap draws together.

        None if the fit had neither a group nor a time column, or if the table lacks it: rows are drawn one by one.

        Args:
            table: The table.
        """
        return named_units(table, group=self.settings.get("group"), time=self.settings.get("time"))

    def notes_on_times(self, table: Table) -> tuple[str, ...]:
        """A note if rows of a table are later than those that the model knows.

        Args:
            table: The table.
        """
        column = table.columns.get(self.settings.get("time") or "")
        if self.horizon is None or column is None or isinstance(column, CategoricalColumn):
            return ()
        note = self.horizon.note(column)
        return (note,) if note else ()

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Record:
        """The record that ``to_json`` wrote.

        Args:
            data: What ``to_json`` returns.
        """
        history = tuple(EpochRecord(**epoch) for epoch in data["history"])
        notes, members = tuple(data["notes"]), tuple(data.get("members", ()))
        warnings, candidates = tuple(data.get("warnings", ())), tuple(data.get("candidates", ()))
        columns = {name: profile_from_json(profile) for name, profile in data.get("columns", {}).items()}
        comparison = comparison_from_json(data["comparison"]) if "comparison" in data else None
        horizon = Horizon.from_json(data["horizon"]) if "horizon" in data else None
        expected = Expected(**data["expected"]) if "expected" in data else None
        found = {"history": history, "notes": notes, "members": members, "columns": columns, "warnings": warnings}
        found |= {"candidates": candidates, "coverages": tuple(data.get("coverages", ()))}
        return Record(**{**data, **found, "comparison": comparison, "horizon": horizon, "expected": expected})

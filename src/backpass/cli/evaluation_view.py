"""The view of an evaluation: a model on rows whose target is known, as lines and as plain data.

It takes a model and a table and returns scores, of all rows and of segments, with warnings; ``backpass evaluate``
prints them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.cli.scores.model_scores import PARTS, confusion_lines, scored_part
from backpass.cli.text import aligned, figure, figures
from backpass.errors import UsageError
from backpass.model import Model
from backpass.model.evaluation.evaluation import Evaluation
from backpass.model.evaluation.gathering import evaluated
from backpass.model.metrics.per_class import areas, of_confusion
from backpass.model.record import COVERAGE, COVERAGE_LEVEL
from backpass.numerics.bootstrap import Interval, intervals
from backpass.numerics.elementary import mean
from backpass.reporting.numbers.segments import Segments
from backpass.table import Table
from backpass.table.messages import shown

CRPS = "crps"
"""The name of the continuous ranked probability score of the distribution that the intervals describe."""

MOST_CLASSES = 10
"""The maximum number of classes whose confusion matrix is printed; ``--json`` has all of them."""

MOST_LABELS = 5
"""The maximum number of labels whose confusion matrix is printed; ``--json`` has all of them."""


@dataclass(frozen=True, slots=True, eq=False)
class SegmentScores:
    """The scores of the rows of a segment.

    Attributes:
        name: The name of the segment.
        rows: The number of its rows.
        scores: Every metric that is defined for them.
        intervals: The 95 % confidence interval of each, if requested.
    """

    name: str
    rows: int
    scores: Mapping[str, float]
    intervals: Mapping[str, Interval]

    def to_json(self) -> dict[str, Any]:
        """Plain data for ``--json``."""
        spread = {name: list(each.ends()) for name, each in self.intervals.items()} or None
        return {"name": self.name, "rows": self.rows, "scores": dict(self.scores), "intervals": spread}


@dataclass(frozen=True, slots=True, eq=False)
class EvaluationView:
    """The evaluation of a model on labeled rows, as lines and as plain data.

    Attributes:
        model: The model.
        found: Its evaluation.
        scores: Every metric that is defined for these rows, the share of rows inside their interval, and the CRPS.
        intervals: The 95 % confidence interval of each score, if requested.
    """

    model: Model
    found: Evaluation
    scores: Mapping[str, float]
    intervals: Mapping[str, Interval]

    @staticmethod
    def of(model: Model, tables: Iterable[Table], by: Sequence[str], *, with_intervals: bool) -> EvaluationView:
        """Evaluate a model on labeled rows, which ``by`` divides into segments later."""
        rows = EvaluationView(model, evaluated(model, tables, by), {}, {})
        return replace(rows, **rows._scored(with_intervals=with_intervals))

    def _scored(self, rows: NDArray[np.intp] | None = None, *, with_intervals: bool) -> dict[str, Any]:
        """The scores of these rows, default all, and their confidence intervals."""
        every, found = slice(None) if rows is None else rows, self.found
        o, truth = found.o[every], found.truth[every]
        weights = None if found.weights is None else found.weights[every]
        unit = None if found.unit is None else found.unit[every]
        later = None if found.later is None else found.later[every]
        of_rows = _of_intervals(self.model, o, truth, later)

        def scored(drawn: NDArray[np.float64] | None) -> dict[str, float]:
            if drawn is None:
                return self.model.head.defined_scores(o, truth, weights) | _joined(_means(of_rows, weights))
            # a draw may lack a class that the rows have: a ratio of 0 / 0 counts as 0
            together = drawn if weights is None else drawn * weights
            return self.model.head.scores(o, truth, together) | _joined(_means(of_rows, together))

        return {"scores": scored(None), "intervals": intervals(scored, len(o), unit=unit) if with_intervals else {}}

    def by(self, segments: Segments) -> list[SegmentScores]:
        """The scores of each segment."""
        found = []
        for place, name in enumerate(segments.names):
            rows = segments.rows_of(place)
            found.append(SegmentScores(name, len(rows), **self._scored(rows, with_intervals=bool(self.intervals))))
        return found

    @property
    def confusion(self) -> NDArray[np.float64] | None:
        """The confusion matrix; None without classes."""
        return self.model.head.confusion(self.found.o, self.found.truth, self.found.weights)

    @property
    def confusion_per_label(self) -> list[NDArray[np.float64]]:
        """The confusion matrix of each label; empty without labels."""
        return self.model.head.confusion_of_each(self.found.o, self.found.truth, self.found.weights)

    @property
    def at_fit(self) -> dict[str, float]:
        """The scores at the fit; empty if no rows were set aside."""
        record, part = self.model.record, scored_part(self.model)
        found = {} if part is None else dict(record.scores[part])
        return found if record.coverage is None or part != "test" else {**found, COVERAGE: record.coverage}

    @property
    def per_target(self) -> dict[str, dict[str, float]]:
        """The metrics of each output, by its title; empty for a single target."""
        head = self.model.head
        if head.is_flat:
            return {}
        found = self.found
        each = head.scores_of_each(found.o, found.truth, found.weights)
        own = _means(_of_intervals(self.model, found.o, found.truth, found.later), found.weights)
        each = [scores | {name: values[j] for name, values in own.items()} for j, scores in enumerate(each)]
        return dict(zip(head.labels, each, strict=True))

    def facts(self) -> dict[str, Any]:
        """The evaluation for ``--json``."""
        model, classes, part = self.model, self.model.classes, scored_part(self.model)
        at_fit = None if part is None else {"part": part, "scores": self.at_fit}
        facts = {"rows": len(self.found.o), "target": model.target, "scores": dict(self.scores), "at_fit": at_fit}
        facts["targets"], facts["per_target"] = list(model.targets), self.per_target or None
        of_labels = zip(model.head.labels, self.confusion_per_label, strict=False)
        facts["confusion_per_target"] = {title: counts.tolist() for title, counts in of_labels} or None
        facts["intervals"] = {name: list(each.ends()) for name, each in self.intervals.items()} or None
        facts["comparison"] = None if self.found.comparison is None else self.found.comparison.to_json()
        facts["positive"] = classes[model.head.positive] if len(classes) == 2 else None
        confusion = self.confusion
        if confusion is None:
            return {**facts, "classes": [], "confusion": None, "per_class": None}
        of_each = areas(model.head.predictions(self.found.o), self.found.truth, classes, self.found.weights)
        counts = of_confusion(confusion, classes)
        per_class = {name: {**counts[name], **of_each[name]} for name in classes}
        return {**facts, "classes": list(classes), "confusion": confusion.tolist(), "per_class": per_class}

    def lines(self) -> list[str]:
        """The evaluation as lines: a metric each, then the confusion matrix."""
        rows, at_fit, part = [], self.at_fit, scored_part(self.model)
        for name, value in self.scores.items():
            row = [name, figure(value)]
            if name in self.intervals and self.intervals[name].is_known:
                row.append(f"{figure(self.intervals[name].low)} to {figure(self.intervals[name].high)}")
            rows.append(row)
        lines = aligned(rows, " ")
        for i, name in enumerate(self.scores):
            if part is not None and name in at_fit:
                lines[i] += f"   ({figure(at_fit[name])} on the {PARTS[part]} rows at training time)"
        if per_target := self.per_target:
            names = [name for name in self.scores if all(name in each for each in per_target.values())]
            table = [["target", *names]]
            table += [[title, *(figure(each[name]) for name in names)] for title, each in per_target.items()]
            lines += ["", *aligned(table)]
        labels = zip(self.model.head.targets, self.confusion_per_label, strict=False)
        for each, counts in [*labels][:MOST_LABELS]:
            lines += ["", shown(each.target.name)[1:-1], *confusion_lines(counts.tolist(), each.target.classes)]
        confusion = self.confusion
        if confusion is None or len(self.model.classes) > MOST_CLASSES:
            return lines
        return [*lines, "", *confusion_lines(confusion.tolist(), self.model.classes)]


def _of_intervals(
    model: Model, o: NDArray[Any], truth: NDArray[Any], later: NDArray[np.float64] | None
) -> dict[str, NDArray[Any]]:
    """Whether each row is inside its interval, and its CRPS, for each target (n, k); empty without intervals."""
    if model.intervals is None:
        return {}
    predicted, found = model.head.predictions(o), dict[str, NDArray[Any]]()
    with suppress(UsageError):  # too few residuals for the level
        found[COVERAGE] = model.intervals.covered(predicted, truth, COVERAGE_LEVEL, later)
    found[CRPS] = model.intervals.crps(predicted, truth, later)
    return {name: values.reshape(len(o), -1) for name, values in found.items()}


def _means(of_rows: Mapping[str, NDArray[Any]], weights: NDArray[np.float64] | None) -> dict[str, list[float]]:
    """The mean over the rows, for each target."""
    return {name: [mean(each, weights) for each in values.T] for name, values in of_rows.items()}


def _joined(each: Mapping[str, list[float]]) -> dict[str, float]:
    """The values of a single target; of several, the mean coverage, since their CRPS have different units."""
    return {name: mean(values) for name, values in each.items() if name == COVERAGE or len(values) == 1}


def segment_lines(title: str, found: Sequence[SegmentScores], metrics: Sequence[str]) -> list[str]:
    """Format the scores of segments as a table, one line each; with intervals, that of the first metric follows."""
    named = [name for name in metrics if any(name in each.scores for each in found)]
    columns = [[_cell(each, name) for each in found] for name in named]
    heads = list(named)
    if named and any(each.intervals for each in found):
        columns.insert(1, [_interval(each, named[0]) for each in found])
        heads.insert(1, "95 % interval")
    rows = [[shown(each.name)[1:-1], f"{each.rows:,}", *cells] for each, *cells in zip(found, *columns, strict=True)]
    return aligned([[shown(title)[1:-1], "rows", *heads], *rows])


def _cell(found: SegmentScores, name: str) -> str:
    return figure(found.scores[name]) if name in found.scores else "-"


def _interval(found: SegmentScores, name: str) -> str:
    each = found.intervals.get(name)
    return "-" if each is None or not each.is_known else " to ".join(figures([each.low, each.high]))

"""The view of an evaluation: a model on rows whose target is known, as lines and as plain data.

It takes a model and a table and returns scores, of all rows and of segments, with warnings; ``backpass evaluate``
prints them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from backpass.cli.scores.model_scores import PARTS, confusion_lines
from backpass.cli.text import aligned, figure, figures
from backpass.dataclass import dataclass
from backpass.model import Model
from backpass.model.evaluation.evaluation import Evaluation
from backpass.model.evaluation.gathering import evaluated
from backpass.model.evaluation.labeled_rows import ends_of_each
from backpass.numerics.bootstrap import Interval
from backpass.reporting.numbers.segments import Segments
from backpass.table import Table
from backpass.table.messages import shown

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
        intervals: The 95% confidence interval of each, if requested.
    """

    name: str
    rows: int
    scores: Mapping[str, float]
    intervals: Mapping[str, Interval]

    def to_json(self) -> dict[str, Any]:
        """Plain data for ``--json``."""
        spread = ends_of_each(self.intervals)
        return {"name": self.name, "rows": self.rows, "scores": dict(self.scores), "intervals": spread}


@dataclass(frozen=True, slots=True, eq=False)
class EvaluationView:
    """The evaluation of a model on labeled rows, as lines and as plain data.

    Attributes:
        model: The model.
        found: Its evaluation.
        intervals: The 95% confidence interval of each score, if requested.
    """

    model: Model
    found: Evaluation
    intervals: Mapping[str, Interval]

    @staticmethod
    def of(model: Model, tables: Iterable[Table], by: Sequence[str], *, with_intervals: bool) -> EvaluationView:
        """Evaluate a model on labeled rows, which ``by`` divides into segments later."""
        found = evaluated(model, tables, by, keep_rows=with_intervals)
        return EvaluationView(model, found, found.labeled.intervals() if with_intervals else {})

    def by(self, segments: Segments) -> list[SegmentScores]:
        """The scores of each segment."""
        found = []
        for place, name in enumerate(segments.names):
            rows = self.found.labeled.take(segments.rows_of(place))
            spread = rows.intervals() if self.intervals else {}
            found.append(SegmentScores(name, len(rows), rows.scores(), spread))
        return found

    def facts(self) -> dict[str, Any]:
        """The evaluation for ``--json``."""
        model, rows, comparison = self.model, self.found.rows, self.found.comparison
        per_target = self.found.labeled.intervals_per_target() if self.intervals else {}
        return {
            "target": model.target,
            "targets": list(model.targets),
            **rows.facts(self.found.scores, self.intervals, per_target),
            "at_fit": model.record.at_fit,
            "comparison": None if comparison is None else comparison.to_json(),
        }

    def lines(self) -> list[str]:
        """The evaluation as lines: a metric each, then the confusion matrix."""
        rows, part, at_fit = [], self.model.record.scored_part, self.model.record.scores_at_fit
        for name, value in self.found.scores.items():
            row = [name, figure(value)]
            if name in self.intervals and self.intervals[name].is_known:
                row.append(f"{figure(self.intervals[name].low)} to {figure(self.intervals[name].high)}")
            rows.append(row)
        lines = aligned(rows, " ")
        for i, name in enumerate(self.found.scores):
            if part is not None and name in at_fit:
                lines[i] += f"   ({figure(at_fit[name])} on the {PARTS[part]} rows at training time)"
        if per_target := self.found.rows.per_target():
            names = [name for name in self.found.scores if all(name in each for each in per_target.values())]
            table = [["target", *names]]
            table += [[title, *(figure(each[name]) for name in names)] for title, each in per_target.items()]
            lines += ["", *aligned(table)]
        labels = zip(self.model.head.targets, self.found.rows.confusion_per_label, strict=False)
        for each, counts in [*labels][:MOST_LABELS]:
            lines += ["", shown(each.target.name)[1:-1], *confusion_lines(counts.tolist(), each.target.classes)]
        confusion = self.found.rows.confusion
        if confusion is None or len(self.model.classes) > MOST_CLASSES:
            return lines
        return [*lines, "", *confusion_lines(confusion.tolist(), self.model.classes)]


def segment_lines(title: str, found: Sequence[SegmentScores], metrics: Sequence[str]) -> list[str]:
    """Format the scores of segments as a table, one line each; with intervals, that of the first metric follows."""
    named = [name for name in metrics if any(name in each.scores for each in found)]
    columns = [[_cell(each, name) for each in found] for name in named]
    heads = list(named)
    if named and any(each.intervals for each in found):
        columns.insert(1, [_interval(each, named[0]) for each in found])
        heads.insert(1, "95% interval")
    rows = [[shown(each.name)[1:-1], f"{each.rows:,}", *cells] for each, *cells in zip(found, *columns, strict=True)]
    return aligned([[shown(title)[1:-1], "rows", *heads], *rows])


def _cell(found: SegmentScores, name: str) -> str:
    return figure(found.scores[name]) if name in found.scores else "-"


def _interval(found: SegmentScores, name: str) -> str:
    each = found.intervals.get(name)
    return "-" if each is None or not each.is_known else " to ".join(figures([each.low, each.high]))

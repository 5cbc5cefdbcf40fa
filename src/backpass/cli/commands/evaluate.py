"""``backpass evaluate``: compute a model's metrics on rows whose target is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from backpass.cli import summary
from backpass.cli.commands.show import MOST_CLASSES
from backpass.cli.console import Console
from backpass.cli.notes import note_lines
from backpass.cli.options.declaration import Command, argument, option, strictness, talking
from backpass.cli.options.reading import reading, reading_of
from backpass.cli.summary import PARTS, confusion_lines, scored_part
from backpass.cli.text import aligned, figure
from backpass.model import Model, load
from backpass.model.comparison import Comparison, compare
from backpass.model.diagnostics import beaten_by, judged
from backpass.model.metrics.per_class import areas, of_confusion
from backpass.model.record import COVERAGE_LEVEL
from backpass.numerics.bootstrap import Interval, intervals
from backpass.table import Table
from backpass.table.unseen import require_seen

COVERAGE = f"coverage_{COVERAGE_LEVEL * 100:.0f}"
"""The name of the share of rows inside their interval."""


@click.command(cls=Command)
@argument("model", type=click.Path())
@argument("table", type=click.Path())
@option(
    "--intervals",
    is_flag=True,
    help="add the 95 % confidence interval of each metric: the bootstrap, rows drawn with replacement (whole groups, "
    "or blocks of time, if the model was fitted with --group or --time)",
)
@strictness("refuse a table with missing targets, which are left out by default")
@reading()
@talking()
def evaluate(**given: Any) -> int:
    """Score a model on rows whose target is known.

    TABLE is a file in any format that fit reads and contains the target column; use - for standard input. Rows without
    a target are left out. If the model was fitted with --weight and TABLE has that column, it weights the rows.

    Prints one line per metric: name, value and, in parentheses, the value on the test (or validation) rows at training
    time. For classes, the confusion matrix follows, with precision, recall and F1 of each class.
    A message says whether the network is better than the best baseline on these rows.

    \b
    Examples:
      backpass evaluate housing.backpass labeled.csv
      backpass evaluate churn.backpass labeled.csv --intervals
    """
    console = Console(quiet=given["quiet"])
    model = load(given["model"])
    whole = model.table(
        given["table"], with_target=True, strict=given["strict"], **reading_of(given, model.schema.missing)
    )
    table = model.labeled(whole, strict=given["strict"])
    found = Evaluation.of(model, table, with_intervals=given["intervals"])
    known = replace(model.schema, left_out=(*model.schema.left_out, *(each.target.name for each in model.head.targets)))
    encoded = known.encode(table)
    if given["strict"]:
        require_seen(table.source, encoded.unseen)
    notes, warnings = [*table.notes, *encoded.notes], [*encoded.warnings, *found.warnings]
    if model.record.weight and model.record.weight not in table.columns:
        notes.append(
            f"the table has no column {model.record.weight!r}, the weights of the fit: all rows weigh the same"
        )
    for note in note_lines(notes, verbose=given["verbose"]):
        console.item("note", note)
    for warning in warnings:
        console.alarm("warning", warning)
    if given["as_json"]:
        console.document("evaluate", **found.facts(), notes=notes, warnings=warnings)
        return 0
    console.page(found.lines())
    for label, text in summary.comparison_lines(model, found.comparison):
        console.item(label, text)
    return 0


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """The predictions of a model for labeled rows, and their scores.

    Attributes:
        model: The model.
        o: (n, k). The outputs.
        truth: (n,) or (n, k). The targets.
        weights: (n,). The weight of each row; None if all are 1.
        scores: Every metric that is defined for these rows, and the share of rows inside their interval.
        intervals: The 95 % confidence interval of each score, if requested.
        comparison: The network and the best baseline that the model keeps.
    """

    model: Model
    o: NDArray[Any]
    truth: NDArray[Any]
    weights: NDArray[np.float64] | None
    scores: Mapping[str, float]
    intervals: Mapping[str, Interval]
    comparison: Comparison | None

    @staticmethod
    def of(model: Model, table: Table, *, with_intervals: bool) -> Evaluation:
        """Evaluate a model on labeled rows."""
        encoded = model.schema.encode(table)
        x = model.inputs_at(encoded.numbers, encoded.codes)
        o, truth, weights = model.outputs_at(x), model.head.truth(table), model.weights(table)

        def scored(drawn: NDArray[np.float64] | None) -> dict[str, float]:
            together = drawn if weights is None or drawn is None else drawn * weights
            return _scores(model, o, truth, weights if drawn is None else together)

        unit = model.resampled_rows(table)
        spread = intervals(scored, table.rows, unit=unit) if with_intervals else {}
        comparison = compare(model.head, o, model.baseline_outputs(x, table), truth, weights, unit=unit)
        return Evaluation(model, o, truth, weights, scored(None), spread, comparison)

    @property
    def warnings(self) -> list[str]:
        """Warnings about the predictions for these rows."""
        alike = judged(self.model.head, self.o, self.truth, self.weights)
        return [*alike, *beaten_by(self.comparison, "these rows")]

    @property
    def confusion(self) -> NDArray[np.float64] | None:
        """The confusion matrix; None without classes."""
        return self.model.head.confusion(self.o, self.truth, self.weights)

    @property
    def at_fit(self) -> dict[str, float]:
        """The scores at the fit; empty if no rows were set aside."""
        record, part = self.model.record, scored_part(self.model)
        found = {} if part is None else dict(record.scores[part])
        return found if record.coverage is None or part != "test" else {**found, COVERAGE: record.coverage}

    def facts(self) -> dict[str, Any]:
        """The evaluation for ``--json``."""
        model, classes, part = self.model, self.model.classes, scored_part(self.model)
        at_fit = None if part is None else {"part": part, "scores": self.at_fit}
        facts = {"rows": len(self.o), "target": model.target, "scores": dict(self.scores), "at_fit": at_fit}
        facts["intervals"] = {name: [each.low, each.high] for name, each in self.intervals.items()} or None
        facts["comparison"] = None if self.comparison is None else self.comparison.to_json()
        facts["positive"] = classes[model.head.positive] if len(classes) == 2 else None
        confusion = self.confusion
        if confusion is None:
            return {**facts, "classes": [], "confusion": None, "per_class": None}
        of_each = areas(model.head.predictions(self.o), self.truth, classes, self.weights)
        counts = of_confusion(confusion, classes)
        per_class = {name: {**counts[name], **of_each[name]} for name in classes}
        return {**facts, "classes": list(classes), "confusion": confusion.tolist(), "per_class": per_class}

    def lines(self) -> list[str]:
        """The evaluation as lines: a metric each, then the confusion matrix."""
        rows, at_fit, part = [], self.at_fit, scored_part(self.model)
        for name, value in self.scores.items():
            row = [name, figure(value)]
            if name in self.intervals:
                row.append(f"{figure(self.intervals[name].low)} to {figure(self.intervals[name].high)}")
            rows.append(row)
        lines = aligned(rows, " ")
        for i, name in enumerate(self.scores):
            if part is not None and name in at_fit:
                lines[i] += f"   ({figure(at_fit[name])} on the {PARTS[part]} rows at training time)"
        confusion = self.confusion
        if confusion is None or len(self.model.classes) > MOST_CLASSES:
            return lines
        return [*lines, "", *confusion_lines(confusion.tolist(), self.model.classes)]


def _scores(
    model: Model, o: NDArray[Any], truth: NDArray[Any], weights: NDArray[np.float64] | None
) -> dict[str, float]:
    found = model.head.scores(o, truth, weights)
    if model.residuals is None:
        return found
    inside = model.residuals.coverage(model.head.predictions(o), truth, COVERAGE_LEVEL, weights)
    return found if inside is None else {**found, COVERAGE: inside}

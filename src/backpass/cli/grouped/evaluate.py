"""``backpass evaluate`` with a grouped model: the scores of all rows, and of each group."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any

import numpy as np

from backpass.cli.console import Console
from backpass.cli.grouped.show import WORST
from backpass.cli.note_lines import note_lines
from backpass.cli.options.reading import reading_of
from backpass.cli.text import aligned, figure
from backpass.errors import UsageError
from backpass.model import GroupedModel
from backpass.model.evaluation.gathering import labeled_windows
from backpass.model.grouped.evaluation import gathered
from backpass.model.grouped.scoring import scores_by_group
from backpass.numerics.distinct import distinct_values
from backpass.table.messages import counted, shown
from backpass.table.unseen import require_seen


def evaluate_groups(model: GroupedModel, given: Mapping[str, Any], console: Console) -> int:
    """Run ``backpass evaluate`` with a grouped model.

    Raises:
        UsageError: An option needs a model of one network.
    """
    if wrong := [name for name in given["by"] if name != model.by]:
        raise UsageError(f"--by {wrong[0]}: a grouped model is scored by its own column, {shown(model.by)}")
    if given["intervals"]:
        raise UsageError("--intervals: a grouped model has no intervals for its scores", hint="leave out --intervals")
    options = reading_of(given, model.base.schema.missing)
    tables = labeled_windows(model, given["table"], strict=given["strict"], **options)
    with console.working(f"scoring the rows of {given['table']}"), closing(tables) as windows:
        found = gathered(model, windows)
        predicted, truth, places, findings = found.predicted, found.truth, found.places, found.findings
        known = np.flatnonzero(places >= 0)
        present = distinct_values(places[known])
        of_groups = scores_by_group(model, predicted[known], truth[known], places[known])
    if given["strict"]:
        require_seen(findings.source, (*findings.unseen, *found.unseen), findings.suspects)
    rows = np.bincount(places[known], minlength=len(model))
    parts = [(model.groups[i], int(rows[i]), float(score)) for i, score in zip(present, of_groups, strict=True)]
    parts.sort(key=lambda each: each[2], reverse=model.is_lower_better)
    scores = model.scores_of(predicted, truth)
    notes = [*findings.notes, *model.notes_on(places)]
    for note in note_lines(notes, verbose=given["verbose"]):
        console.item("note", note)
    for warning in findings.warnings:
        console.alarm("warning", warning)
    if given["as_json"]:
        each = [{"name": name, "rows": count, "scores": {model.metric: score}} for name, count, score in parts]
        console.document("evaluate", scores=scores, groups=each, notes=notes, warnings=list(findings.warnings))
        return 0
    before = model.scores.get("groups", {})
    lines = [
        [name, figure(value), f"({figure(before[name])})" if name in before else ""] for name, value in scores.items()
    ]
    table_of = parts if given["by"] else parts[:WORST]
    heading = [model.by, "rows", model.metric]
    console.page(
        [
            *aligned(lines),
            "",
            *aligned([heading, *([shown(name)[1:-1], f"{count:,}", figure(score)] for name, count, score in table_of)]),
            *(
                [f"... {counted(len(parts) - WORST, 'better group')} (--by {model.by} has all)"]
                if len(table_of) < len(parts)
                else []
            ),
        ]
    )
    return 0

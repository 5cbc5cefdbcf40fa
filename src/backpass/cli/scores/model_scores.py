"""Scores of a model: a table of them next to the baselines, and the sentences about them.

Functions take a model and return lines of text. ``evaluation_view`` has the scores on other rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backpass.cli.text import aligned, figure, figures
from backpass.model import Model
from backpass.model.evaluation.comparison import Comparison, baseline_name, in_order
from backpass.model.metrics.decision import Counts
from backpass.model.metrics.per_class import of_counts
from backpass.model.record import COVERAGE_LEVEL
from backpass.table.messages import listed, shown

PARTS = {"train": "training", "validation": "validation", "test": "test"}


def confusion_lines(counts: Sequence[Sequence[float]], classes: Sequence[str]) -> list[str]:
    """Format a confusion matrix with precision, recall and F1 of each class, as lines of a table."""
    per_class = of_counts(Counts.of_confusion(np.array(counts, dtype=np.float64)), classes)
    names = [shown(name)[1:-1] for name in classes]
    rows = [["true", *(f"predicted {name}" for name in names), "precision", "recall", "f1"]]
    for name, title, row in zip(classes, names, counts, strict=True):
        scores = [figure(per_class[name][key], 3) for key in ("precision", "recall", "f1")]
        rows.append([title, *(f"{count:,.10g}" for count in row), *scores])
    return aligned(rows)


def scores_table(model: Model) -> list[str]:
    """Return a table of the scores of the network and of the baselines, on the rows of ``Record.scored_part``."""
    part = model.record.scored_part
    if part is None:
        return []
    taught_by = {"teacher": model.record.teacher_scores[part]} if part in model.record.teacher_scores else {}
    baselines = model.record.baselines
    known = {baseline_name(name): baselines[name][part] for name in in_order(baselines)}
    scores = {"network": model.record.scores[part], **taught_by, **known}
    metrics = [name for name in model.head.metrics if name in scores["network"]]
    metrics = [name for name in metrics if all(name in found for found in scores.values())]
    columns = [figures([found[metric] for found in scores.values()]) for metric in metrics]
    rows = [[f"  {name}", *cells] for name, *cells in zip(scores, *columns, strict=True)]
    return aligned([[PARTS[part], *metrics], *rows])


def other_scores(model: Model) -> str:
    """Format the scores beyond those of ``scores_table``, and the coverage of the intervals."""
    part = model.record.scored_part
    if part is None:
        return ""
    scores = model.record.scores[part]
    texts = [f"{name} {figure(value, 3)}" for name, value in scores.items() if name not in model.head.metrics]
    if model.record.coverage is not None:
        each = zip(model.targets, model.record.coverages, strict=False)
        listing = ", ".join(f"{shown(name)[1:-1]} {share:.1%}" for name, share in each)
        of_each = f" ({listing})" if listing else ""
        texts.append(f"{COVERAGE_LEVEL:.0%} intervals cover {model.record.coverage:.1%}{of_each}")
    return ", ".join(texts)


def later_line(model: Model) -> str:
    """Format the score to expect of rows after the time that the test rows reach; empty if that is not known."""
    expected, metric = model.record.expected, model.head.metric
    if expected is None or metric not in expected.scores:
        return ""
    low, high, score = expected.low, expected.high, expected.scores[metric]
    spread = "" if low is None or high is None else f" (95% interval {' to '.join(figures([low, high]))})"
    name = shown(model.record.settings["time"])[1:-1]
    when = f"whose {name} is more than {expected.beyond} after that of the last training row"
    return f"expect {metric} {figure(score)}{spread} for rows {when} (backtest)"


def comparison_lines(model: Model, comparison: Comparison | None) -> list[tuple[str, str]]:
    """Return the sentence that compares the network with the best baseline, and which baselines could not be scored."""
    lines = [] if comparison is None else [("comparison", comparison.sentence(is_linear=model.network.is_linear))]
    there = {*(each.name for each in model.baselines), *(each.name for each in model.lookups)}
    missing = [baseline_name(name) for name in in_order(model.record.baselines.keys() - there)]
    if missing:
        lines.append(
            ("note", f"the model file does not store these baselines, so they are not scored: {listed(missing)}")
        )
    return lines


def score_lines(model: Model) -> list[str]:
    """Return lines such as ``test rmse 0.51`` for the model's metric and, for a classifier, the accuracy."""
    part = model.record.scored_part
    if part is None:
        return []
    names = [model.head.metric, *(["accuracy"] if model.classes else [])]
    label = "validation" if part == "validation" else part
    found = [f"{label} {name} {figure(model.record.scores[part][name], 3)}" for name in names]
    if part == "test" and has_folds(model):
        score = figure(model.record.scores["validation"][model.head.metric], 3)
        found.insert(0, f"out-of-fold {model.head.metric} {score} ({model.record.rows['train']:,} rows)")
    return found


def has_folds(model: Model) -> bool:
    """Whether each network of an ensemble left out a fold of its own, so that validation scores are out of fold."""
    rows = model.record.rows
    return len(model.record.members) > 1 and rows.get("train") == rows.get("validation")

"""Findings: the content of a report as text and numbers.

``Findings.of`` takes a model and, if there are any, rows with known targets; the other functions return sentences and
table rows for the page. Pictures are made in ``pictures``, the HTML in ``page``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.model.evaluation.comparison import Comparison, baseline_name, compare, in_order
from backpass.model.evaluation.diagnostics import beaten_by
from backpass.model.head.head import Head
from backpass.model.metrics import LOWER_IS_BETTER
from backpass.model.model import Model
from backpass.model.prediction.suspects import fractions_in_targets
from backpass.model.record import COVERAGE
from backpass.numerics.bootstrap import Interval
from backpass.reporting.explanation.importance import Importance, dominance_warnings, importances
from backpass.reporting.numbers.columns import ModelColumn, columns_of
from backpass.reporting.numbers.decisions import Decisions, decisions_of
from backpass.reporting.numbers.drift import Drift, drifts
from backpass.reporting.numbers.held_out import HeldOut, number_names
from backpass.reporting.numbers.labels import LabelScore, constant_of, label_names, label_scores
from backpass.reporting.numbers.names import label
from backpass.reporting.numbers.numerals import fixed, number, value_text
from backpass.table import DatetimeColumn, Encoded, NumericColumn
from backpass.table.datetimes.timestamp import timestamp_texts
from backpass.table.messages import listed

PARTS = {"train": "training", "validation": "validation", "test": "test"}
WORST, SHOWN_COLUMNS = 10, 6


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """The results of a model, and its evaluation on given rows.

    Attributes:
        model: The model.
        held: The rows with known targets, if any.
        columns: The columns of the model.
        scores: Every score on these rows, with its interval, see ``LabeledRows.scores``.
        important: The importance of the columns on these rows, in descending order.
        labels: The scores of the single labels of a multi-label model.
        targets: For several numbers, the scores of each target with their intervals.
        baseline_scores: The scores on these rows of each baseline that the model keeps.
        comparison: The network and its best baseline on these rows.
    """

    model: Model
    held: HeldOut | None
    columns: tuple[ModelColumn, ...]
    scores: Mapping[str, Interval]
    important: tuple[Importance, ...]
    labels: tuple[LabelScore, ...] = ()
    baseline_scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    comparison: Comparison | None = None
    targets: Mapping[str, Mapping[str, Interval]] = field(default_factory=dict)

    @staticmethod
    def of(model: Model, held: HeldOut | None, *, seed: int = 0) -> Findings:
        """Evaluate a model.

        Args:
            model: The model.
            held: The rows with known targets; None for the contents of the model file only.
            seed: The seed for the bootstrap and for permutation importance.
        """
        if held is None:
            return Findings(model, None, columns_of(model), {}, ())
        rows = held.labeled(model)
        unit = rows.unit
        labels = label_scores(label_names(model.head), held.predicted, held.truth, held.weights, unit=unit, seed=seed)
        baselines = model.kept_baselines.outputs(held.x, held.table)
        return Findings(
            model,
            held,
            columns_of(model),
            rows.intervals(seed),
            tuple(importances(model, held, seed=seed)),
            labels,
            {
                name: model.head.of_baseline(name).scores(baselines[name], held.truth, held.weights)
                for name in in_order(baselines)
            },
            compare(model.head, held.outputs, baselines, held.truth, held.weights, unit=unit, seed=seed),
            rows.intervals_per_target(seed) if number_names(model.head) else {},
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warnings of the fit, one if a single column has all importance and, for rows other than those scored at
        the fit, the warnings about these rows."""
        held = self.held
        at_fit = (*self.model.record.warnings, *dominance_warnings(self.important))
        if held is None or held.is_known:
            return at_fit
        where = "these rows"
        fractions = fractions_in_targets(self.model.head, held.table, held.outputs)
        judgment = self.model.warnings_on_scores(held.outputs, held.truth, held.weights)
        return (*at_fit, *held.warnings, *fractions, *judgment, *beaten_by(self.comparison, where))

    @property
    def drift(self) -> tuple[Drift, ...] | None:
        """The drift of each column, in descending order; None for rows of the training table, or an earlier file."""
        held = self.held
        if held is None or held.is_known:
            return None
        return drifts(self.columns, self.model.training_rows, Encoded(held.numbers, held.codes, ()))

    @property
    def decisions(self) -> Decisions | None:
        """What thresholds and the ranking of two classes give on these rows; None without either."""
        return None if self.held is None else decisions_of(self.model, self.held)

    @property
    def part(self) -> str | None:
        """The split that was scored at the fit, see ``Record.scored_part``."""
        return self.model.record.scored_part

    @property
    def metric(self) -> str:
        """The metric that selected the best epoch, or another one if it is undefined on these rows."""
        head = self.model.head
        return head.metric if self.held is None else head.metric_among(self.scores)

    @property
    def others(self) -> dict[str, float]:
        """The metric of the baselines on these rows; at the fit if there are no rows, or no baselines are kept."""
        metric, part = self.metric, self.part
        found = constant_of(self.labels, metric)
        found |= {
            baseline_name(name): scores[metric] for name, scores in self.baseline_scores.items() if metric in scores
        }
        if part is not None and not self.baseline_scores:
            kept = {name: self.model.record.baselines[name][part] for name in in_order(self.model.record.baselines)}
            found |= {baseline_name(name): scores[metric] for name, scores in kept.items() if metric in scores}
        return found


def shown_metrics(findings: Findings) -> list[str]:
    """Return the metrics of the score table: the main ones, and the coverage of intervals if it is known."""
    at_fit = {} if findings.held is not None else findings.model.record.scores_at_fit
    covered = COVERAGE in findings.scores or COVERAGE in at_fit
    return [*findings.model.head.metrics, *([COVERAGE] if covered else [])]


def target_rows(findings: Findings) -> Iterator[dict[str, Any]]:
    """Yield the rows of the table of several numeric targets."""
    metrics = shown_metrics(findings)
    for name, scores in findings.targets.items():
        cells = [
            _measured(scores.get(each), _decimals(scores[each].value) if each in scores else 0) for each in metrics
        ]
        yield {"name": label(name), "cells": cells}


def score_rows(findings: Findings) -> Iterator[dict[str, Any]]:
    """Yield the rows of the score table: the network on the given rows and at the fit, then the baselines.

    All scores of one metric have the same number of decimals.
    """
    model, part, held = findings.model, findings.part, findings.held
    metrics = shown_metrics(findings)
    kept = model.record.baselines
    known = {} if part is None else {name: kept[name][part] for name in in_order(kept)}
    at_fit = {name: scores for name, scores in known.items() if name not in findings.baseline_scores}
    if part is not None and part in model.record.teacher_scores:
        at_fit = {"teacher": model.record.teacher_scores[part], **at_fit}
    own = model.record.scores_at_fit
    first = own if held is None else {name: score.value for name, score in findings.scores.items()}
    places = {name: _decimals(first.get(name, 0.0)) for name in metrics}
    if held is not None:
        scores = findings.scores
        cells = [
            (_fixed(scores[name].value, places[name]), _range(scores[name], places[name]))
            if name in scores
            else ("", "")
            for name in metrics
        ]
        yield {"name": "network", "where": "these rows", "cells": cells, "strong": True}
    for name, scores_of in findings.baseline_scores.items():
        cells = [(_fixed(scores_of[metric], places[metric]) if metric in scores_of else "", "") for metric in metrics]
        yield {"name": baseline_name(name), "where": "these rows", "cells": cells, "strong": False}
    if part is None:
        return
    where = f"{PARTS[part]} rows, at training time"
    both = [name for name in metrics if name in own and name in first]
    if held is None or any(_fixed(own[name], places[name]) != _fixed(first[name], places[name]) for name in both):
        cells = [(_fixed(own[name], places[name]) if name in own else "", "") for name in metrics]
        yield {"name": "network", "where": where, "cells": cells, "strong": held is None}
    for name, scores_of in at_fit.items():
        cells = [(_fixed(scores_of[name], places[name]) if name in scores_of else "", "") for name in metrics]
        yield {"name": baseline_name(name), "where": where, "cells": cells, "strong": False}


def _decimals(value: float, digits: int = 4) -> int:
    """Return the number of decimals that shows a value with ``digits`` significant digits."""
    return digits if not value or not np.isfinite(value) else max(digits - 1 - int(np.floor(np.log10(abs(value)))), 0)


def _fixed(value: float, decimals: int) -> str:
    return fixed(value, decimals) if abs(value) < 1e12 and decimals < 9 else number(value)


def _measured(score: Interval | None, decimals: int) -> tuple[str, str]:
    """Format a score and its interval; empty for a metric that is undefined for these rows."""
    return ("", "") if score is None else (_fixed(score.value, decimals), _range(score, decimals))


def _range(score: Interval, decimals: int) -> str:
    if not score.is_known:
        return ""
    return f"{_fixed(score.low, decimals)} to {_fixed(score.high, decimals)}"


def verdict(findings: Findings) -> str:
    """Compare the model's score with the best baseline, in one or two sentences."""
    model, part, metric = findings.model, findings.part, findings.metric
    if findings.held is not None:
        score = findings.scores[metric]
        spread = f" (95% interval {number(score.low)} to {number(score.high)})" if score.is_known else ""
        text = f"On {findings.held.origin}, its {_name(metric)} is {number(score.value)}{spread}."
    elif part is not None:
        text = f"Its {_name(metric)} on the {PARTS[part]} rows was {number(model.record.scores[part][metric])}."
    else:
        return "No rows were held out, so there is no score on unseen rows."
    text += _since_fit(findings)
    comparison = findings.comparison if findings.held is not None else model.record.comparison
    if comparison is not None:
        return f"{text} {comparison.sentence(is_linear=model.network.is_linear, written=number)}"
    others = findings.others
    if not others:
        return text
    if part is None or findings.labels or metric not in model.record.scores[part]:
        own, where = findings.scores[metric].value, "On these rows"
    else:
        own, where = model.record.scores[part][metric], f"On the {PARTS[part]} rows at training time"
    best = (min if metric in LOWER_IS_BETTER else max)(others, key=others.__getitem__)
    other = f"the {best}" if best.endswith("model") else f"always predicting the {best}"
    return f"{text} {where}, the network scored {number(own)}, compared with {number(others[best])} for {other}."


def _since_fit(findings: Findings) -> str:
    """Say whether the score on other rows than those at the fit is clearly better or worse; empty if it is not."""
    held, part, metric = findings.held, findings.part, findings.metric
    if held is None or held.is_known or part is None or metric not in findings.model.record.scores[part]:
        return ""
    score, then = findings.scores[metric], findings.model.record.scores[part][metric]
    if not score.is_known or score.low <= then <= score.high:
        return ""
    better = (score.value < then) == (metric in LOWER_IS_BETTER)
    than = f"{number(then)} on the {PARTS[part]} rows at training time"
    return f" This is clearly {'better' if better else 'worse'} than {than}."


def _name(metric: str) -> str:
    return metric.replace("_", " ")


def worst_rows(findings: Findings) -> dict[str, Any] | None:
    """Return the rows with the largest errors and their values in the most important columns; None without rows."""
    held, model = findings.held, findings.model
    if held is None:
        return None
    names = [each.name for each in findings.important if each.columns == 1][:SHOWN_COLUMNS]
    errors = _errors(model.head, held)
    rows = [
        {
            "number": f"{held.table.row_numbers[i]:,}",
            "truth": _truth_text(model.head, held.truth[i]),
            "predicted": _predicted_text(model.head, held.predicted[i]),
            "cells": [_cell(held, name, int(i)) for name in names],
        }
        for i in np.argsort(-errors, kind="stable")[:WORST]
    ]
    return {"names": [label(name) for name in names], "rows": rows}


def _errors(head: Head, held: HeldOut) -> NDArray[np.float64]:
    """Return the error of each row: |true - predicted|, averaged over labels, or 1 - p(true class).

    Of several numbers it is the largest, each in the standard deviation of its target.
    """
    if number_names(head):
        scales = np.array([each.scale for each in head.scales])
        return np.asarray((np.abs(held.predicted - held.truth) / scales).max(axis=1))
    if held.predicted.ndim == held.truth.ndim:
        return np.asarray(np.abs(held.predicted - held.truth).reshape(held.rows, -1).mean(axis=1))
    return np.asarray(1.0 - held.predicted[np.arange(held.rows), held.truth])


def _truth_text(head: Head, truth: Any) -> str:
    if names := label_names(head):
        return _labels_on([label(name) for name, on in zip(names, truth, strict=True) if on])
    if names := number_names(head):
        return listed([f"{label(name)} {value_text(float(y))}" for name, y in zip(names, truth, strict=True)])
    return label(head.classes[truth]) if head.classes else value_text(float(truth))


def _predicted_text(head: Head, predicted: Any) -> str:
    if names := label_names(head):
        return _labels_on([f"{label(name)} ({p:.0%})" for name, p in zip(names, predicted, strict=True) if p > 0.5])
    if names := number_names(head):
        return listed([f"{label(name)} {number(float(y))}" for name, y in zip(names, predicted, strict=True)])
    if not head.classes:
        return number(float(predicted))
    best = int(head.decided(predicted[None])[0])
    return f"{label(head.classes[best])} ({predicted[best]:.0%})"


def _labels_on(texts: Sequence[str]) -> str:
    return listed(texts) if texts else "none"


def _cell(held: HeldOut, name: str, row: int) -> str:
    column = held.table.columns[name]
    if isinstance(column, NumericColumn):
        return value_text(float(column.values[row])) if not np.isnan(column.values[row]) else "missing"
    if isinstance(column, DatetimeColumn):
        return timestamp_texts(column.microseconds[row : row + 1], column.kind)[0] or "missing"
    code = int(column.codes[row])
    return label(column.levels[code - 1]) if code else "missing"

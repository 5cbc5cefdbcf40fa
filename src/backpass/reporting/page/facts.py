"""Facts: the numbers of a report as plain data, for programs.

``facts_of`` takes findings and returns what the page shows as text and pictures; ``importance_facts`` is the part that
``backpass importance`` prints, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backpass.model.evaluation.labeled_rows import ends_of_each
from backpass.reporting.explanation.importance import Importance
from backpass.reporting.numbers.drift import drift_facts
from backpass.reporting.numbers.labels import LabelScore
from backpass.reporting.page.findings import Findings, verdict


def facts_of(findings: Findings) -> dict[str, Any]:
    """Return the numbers of a report: those of ``evaluate --json`` with 95% intervals, baselines, permutation
    importance, the tables of thresholds and gains of two classes, and the scores of each label."""
    model, held = findings.model, findings.held
    scores = {name: each.value for name, each in findings.scores.items()}
    of_rows: dict[str, Any] = {"rows": None, "scores": {}, "intervals": None}
    if held is not None:
        of_rows = held.labeled(model).facts(scores, findings.scores, findings.targets)
    return {
        "target": model.target,
        "targets": list(model.targets),
        **of_rows,
        "at_fit": model.record.at_fit,
        "measured_on": None if held is None else held.origin,
        "baselines": {name: dict(scores) for name, scores in findings.baseline_scores.items()},
        "comparison": None if findings.comparison is None else findings.comparison.to_json(),
        "metric": findings.metric,
        "importances": importance_facts(findings.important),
        **({"thresholds": None, "gains": None} if (found := findings.decisions) is None else found.to_json()),
        "drift": drift_facts(findings.drift),
        "labels": [_label(each) for each in findings.labels],
        "verdict": verdict(findings),
        "notes": [*dict.fromkeys((*model.record.notes, *(held.notes if held is not None else ())))],
        "warnings": list(findings.warnings),
    }


def importance_facts(found: Sequence[Importance]) -> list[dict[str, Any]]:
    """Return the importance of each column, in the given order.

    >>> importance_facts([Importance("age", 0.5, 0.01, 2.0)])
    [{'column': 'age', 'importance': 0.5, 'spread': 0.01, 'change': 2.0}]
    """
    return [
        {"column": each.name, "importance": each.worse, "spread": each.spread, "change": each.change}
        | ({"columns": each.columns} if each.columns > 1 else {})
        for each in found
    ]


def _label(found: LabelScore) -> dict[str, Any]:
    return {
        "name": found.name,
        "share": found.share,
        "scores": {name: each.value for name, each in found.scores.items()},
        "intervals": ends_of_each(found.scores),
        "constant": dict(found.constant),
        "roc_auc": found.area,
    }

"""Facts: the numbers of a report as plain data, for programs.

``facts_of`` takes findings and returns what the page shows as text and pictures; ``importance_facts`` is the part that
``backpass importance`` prints, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from backpass.numerics.bootstrap import Interval
from backpass.reporting.explanation.importance import Importance
from backpass.reporting.numbers.drift import drift_facts
from backpass.reporting.numbers.labels import LabelScore
from backpass.reporting.page.findings import Findings, verdict


def facts_of(findings: Findings) -> dict[str, Any]:
    """Return the numbers of a report: scores with 95 % intervals, baselines, the comparison with the best one,
    permutation importance, and the scores of each label."""
    model, held, part = findings.model, findings.held, findings.part
    return {
        "target": model.target,
        "rows": None if held is None else held.rows,
        "measured_on": None if held is None else held.origin,
        "scores": _scores(findings.scores),
        "at_fit": None if part is None else {"part": part, "scores": dict(model.record.scores[part])},
        "baselines": {name: dict(scores) for name, scores in findings.baseline_scores.items()},
        "comparison": None if findings.comparison is None else findings.comparison.to_json(),
        "metric": findings.metric,
        "importances": importance_facts(findings.important),
        "drift": drift_facts(findings.drift),
        "targets": {name: _scores(scores) for name, scores in findings.targets.items()} or None,
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


def _scores(scores: Mapping[str, Interval]) -> dict[str, Any]:
    found = {name: (each.value, *each.ends()) for name, each in scores.items()}
    return {name: dict(zip(("value", "low", "high"), each, strict=True)) for name, each in found.items()}


def _label(found: LabelScore) -> dict[str, Any]:
    return {
        "name": found.name,
        "share": found.share,
        "scores": _scores(found.scores),
        "constant": dict(found.constant),
        "roc_auc": found.area,
    }

"""``backpass show`` with a grouped model, and the lines and facts that ``fit --by`` prints, too."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from backpass._version import __version__
from backpass.cli import anatomy, summary
from backpass.cli.console import Console
from backpass.cli.options.declaration import flag
from backpass.cli.text import aligned, figure, size
from backpass.errors import UsageError
from backpass.model import GroupedModel
from backpass.table.feature import feature_to_json
from backpass.table.messages import counted, shown

WORST = 5
"""Maximum number of groups that are listed: those with the worst scores."""

_TITLES = {"groups": "networks of the groups", "all rows": "network of all rows", "constant": "constant of each group"}


def show_groups(model: GroupedModel, given: Mapping[str, Any], console: Console) -> int:
    """Run ``backpass show`` with a grouped model.

    Raises:
        UsageError: An option needs a model of one network.
    """
    if wrong := [flag(name) for name in ("history", "time") if given[name]]:
        raise UsageError(
            f"{wrong[0]}: a grouped model stores no history and has no single network", hint="leave it out"
        )
    if given["as_json"]:
        console.document("show", **facts(model))
        return 0
    lines = [f"{given['model']}: {size(os.path.getsize(given['model']))}, read by backpass {__version__}", ""]
    for label, texts in _sections(model):
        lines += console.labeled(label, texts)
    console.page(lines)
    return 0


def facts(model: GroupedModel) -> dict[str, Any]:
    """A grouped model as plain data for ``--json``."""
    record = model.record
    scores = record.scores_of_groups()
    groups = [
        {"name": name, "rows": {"train": train, "test": test}, "scores": {} if score is None else {model.metric: score}}
        for name, (train, test), score in zip(model.groups, record.rows.tolist(), scores, strict=True)
    ]
    return {
        "target": model.target,
        "task": model.base.head.target.task,
        "classes": list(model.classes),
        "by": model.by,
        "min_rows": record.min_rows,
        "groups": groups,
        "groups_without_network": record.others,
        "features": [feature_to_json(each) for each in model.base.schema.features],
        "parameters": int(model.theta.size),
        "settings": dict(record.settings),
        "metric": model.metric,
        "scores": {name: dict(each) for name, each in model.scores.items()},
        "notes": [*model.base.record.notes, *record.notes],
    }


def _sections(model: GroupedModel) -> Iterator[tuple[str, list[str]]]:
    yield from about(model)
    yield "layers", anatomy.layer_lines(model.base.network)
    yield "parameters", [f"{model.theta.size:,}, those of all groups"]
    if model.scores:
        yield "scores", score_table(model)
        yield "worst", [worst_line(model)]
    for note in (*model.base.record.notes, *model.record.notes):
        yield "note", [note]


def about(model: GroupedModel) -> Iterator[tuple[str, list[str]]]:
    """Yield what a grouped model is: target, groups, columns and network."""
    record, base = model.record, model.base
    train, test = record.rows.sum(axis=0).tolist()
    sizes = record.rows.sum(axis=1)
    others = f", and {counted(record.others, 'other group')} without" if record.others else ""
    yield "target", [summary.target_line(base.head)]
    networks = f"{counted(len(model), 'network')} by {shown(model.by)[1:-1]}"
    yield "groups", [f"{networks}, of {sizes.min():,} to {sizes.max():,} rows{others}"]
    yield "columns", [summary.columns_line(base.schema, base.feature_map)]
    yield "rows", [f"{train:,} training, {test:,} test" if test else f"{train:,} training"]
    yield "network", [f"{summary.network_line(base.network)} per group"]


def score_table(model: GroupedModel) -> list[str]:
    """The scores on the test rows of all groups, as lines."""
    metrics = [name for name in model.base.head.metrics if all(name in each for each in model.scores.values())]
    # In the order of the titles: a file keeps names sorted.
    known = [(title, model.scores[name]) for name, title in _TITLES.items() if name in model.scores]
    rows = [[title, *(figure(each[metric]) for metric in metrics)] for title, each in known]
    return aligned([["test rows", *metrics], *rows])


def worst_line(model: GroupedModel) -> str:
    """The groups with the worst scores: ``berlin 4.2, rome 3.9``"""
    worst = model.worst[:WORST]
    return f"{model.metric} of " + ", ".join(f"{shown(name)[1:-1]} {figure(score)}" for name, score in worst)

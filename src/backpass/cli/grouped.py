"""Grouped models on the command line: ``fit --by``, and what ``evaluate`` and ``show`` print of their files."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from backpass._version import __version__
from backpass.cli import anatomy, summary
from backpass.cli.console import Console
from backpass.cli.notes import note_lines
from backpass.cli.options.declaration import flag, names_in
from backpass.cli.options.reading import reading_of
from backpass.cli.options.settings import asked_settings
from backpass.cli.output import check_replaceable, model_path
from backpass.cli.progress import watcher
from backpass.cli.text import aligned, figure, size
from backpass.errors import UsageError
from backpass.model import GroupedModel, fit_groups
from backpass.model.grouped.fit import MIN_ROWS
from backpass.model.grouped.options import require_supported
from backpass.model.grouped.saving import KIND
from backpass.model.grouped.scoring import scores_by_group
from backpass.table.feature import feature_to_json
from backpass.table.messages import counted, shown
from backpass.table.unseen import require_seen

WORST = 5
"""The groups that are named, at most: those with the worst scores."""

_TITLES = {"groups": "networks of the groups", "all rows": "network of all rows", "constant": "constant of each group"}
_REFUSED = (
    *("validation_file", "test_file", "weight", "teacher", "folds", "repeats", "out_of_fold", "report"),
    *("checkpoint", "resume", "workers", "stream", "memory", "print_config"),
)
"""Options of ``fit`` that a grouped model does not have, beside settings."""


def fit_by_group(given: Mapping[str, Any], console: Console, processes: int) -> int:
    """Run ``backpass fit --by``.

    Raises:
        UsageError: Lists every option that a grouped model does not have.
    """
    asked = asked_settings(given)
    others = [flag(name) for name in _REFUSED if given[name] not in (None, False, (), [])]
    others += [f"{processes} processes"] if processes > 1 else []
    require_supported(asked, tuple(others))
    target = names_in(given["target"]) if given["target"][0].count(",") else list(given["target"])
    output = model_path(given["table"], given["output"])
    check_replaceable(output, KIND)
    reading = {
        **reading_of(given),
        "categorical": tuple(names_in(given["categorical"])),
        "text": tuple(names_in(given["text"])),
    }
    drop, columns = names_in(given["drop"]), names_in(given["columns"]) or None
    with watcher(console, "") as watching:
        model = fit_groups(
            given["table"],
            target[0] if len(target) == 1 else target,  # type: ignore[arg-type]  # fit_groups refuses several
            given["by"],
            min_rows=MIN_ROWS if given["min_rows"] is None else given["min_rows"],
            drop=drop,
            columns=columns,
            strict=given["strict"],
            callbacks=[watching],
            reading={name: value for name, value in reading.items() if value not in ((), None)},
            **asked,
        )
    model.save(output)
    for label, texts in _about(model):
        console.item(label, texts[0])
    for note in note_lines([*model.base.record.notes, *model.record.notes], verbose=given["verbose"]):
        console.item("note", note)
    for line in ("", *_score_table(model)) if model.scores else ():
        console.line(line)
    if model.scores:
        console.item("worst", _worst_line(model))
    console.line()
    console.command("next", shlex.join(["backpass", "show", output]))
    console.line(f"saved {output} ({size(os.path.getsize(output))})")
    if given["as_json"]:
        console.document("fit", **facts(model), output=output)
    return 0


def evaluate_groups(model: GroupedModel, given: Mapping[str, Any], console: Console) -> int:
    """Run ``backpass evaluate`` with a grouped model.

    Raises:
        UsageError: An option needs a model of one network.
    """
    if wrong := [name for name in given["by"] if name != model.by]:
        raise UsageError(f"--by {wrong[0]}: a grouped model is scored by its own column, {shown(model.by)}")
    if given["intervals"]:
        raise UsageError("--intervals: a grouped model has no intervals of its scores", hint="leave out --intervals")
    options = reading_of(given, model.base.schema.missing)
    with console.working(f"reading {given['table']}"):
        table = model.table(given["table"], with_target=True, strict=given["strict"], **options)
    with console.working(f"scoring {counted(table.rows, 'row')}"):
        encoded = model.encoded(table)
        predicted, truth = model.predicted(table, encoded), model.base.head.truth(table)
        places = model.places(table)
        known = np.flatnonzero(places >= 0)
        present = np.unique(places[known])
        of_groups = scores_by_group(model, predicted[known], truth[known], places[known])
    if given["strict"]:
        require_seen(table.source, encoded.unseen, encoded.suspects)
    rows = np.bincount(places[known], minlength=len(model))
    parts = [(model.groups[i], int(rows[i]), float(score)) for i, score in zip(present, of_groups, strict=True)]
    parts.sort(key=lambda each: each[2], reverse=model.is_lower_better)
    scores = model.scores_of(predicted, truth)
    notes = [*table.notes, *encoded.notes, *model.notes_on(places)]
    for note in note_lines(notes, verbose=given["verbose"]):
        console.item("note", note)
    for warning in encoded.warnings:
        console.alarm("warning", warning)
    if given["as_json"]:
        each = [{"name": name, "rows": count, "scores": {model.metric: score}} for name, count, score in parts]
        console.document("evaluate", scores=scores, groups=each, notes=notes, warnings=list(encoded.warnings))
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


def show_groups(model: GroupedModel, given: Mapping[str, Any], console: Console) -> int:
    """Run ``backpass show`` with a grouped model.

    Raises:
        UsageError: An option needs a model of one network.
    """
    if wrong := [flag(name) for name in ("history", "time") if given[name]]:
        raise UsageError(f"{wrong[0]}: a grouped model keeps no history and has no single network", hint="leave it out")
    if given["as_json"]:
        console.document("show", **facts(model))
        return 0
    lines = [f"{given['model']}: {size(os.path.getsize(given['model']))}, read by backpass {__version__}", ""]
    for label, texts in _sections(model):
        lines += console.labelled(label, texts)
    console.page(lines)
    return 0


def facts(model: GroupedModel) -> dict[str, Any]:
    """A grouped model as plain data for ``--json``."""
    record = model.record
    scores = record.group_scores.tolist() or [None] * len(model)
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


def _about(model: GroupedModel) -> Iterator[tuple[str, list[str]]]:
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


def _sections(model: GroupedModel) -> Iterator[tuple[str, list[str]]]:
    yield from _about(model)
    yield "layers", anatomy.layer_lines(model.base.network)
    yield "parameters", [f"{model.theta.size:,}, those of all groups"]
    if model.scores:
        yield "scores", _score_table(model)
        yield "worst", [_worst_line(model)]
    for note in (*model.base.record.notes, *model.record.notes):
        yield "note", [note]


def _score_table(model: GroupedModel) -> list[str]:
    """The scores on the test rows of all groups, as lines."""
    metrics = [name for name in model.base.head.metrics if all(name in each for each in model.scores.values())]
    rows = [[_TITLES[name], *(figure(each[metric]) for metric in metrics)] for name, each in model.scores.items()]
    return aligned([["test rows", *metrics], *rows])


def _worst_line(model: GroupedModel) -> str:
    """The groups with the worst scores: ``berlin 4.2, rome 3.9``"""
    worst = model.worst[:WORST]
    return f"{model.metric} of " + ", ".join(f"{shown(name)[1:-1]} {figure(score)}" for name, score in worst)

"""``backpass show``: print the contents of a model file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import click

from backpass._version import __version__
from backpass.cli import anatomy, summary
from backpass.cli.console import Console
from backpass.cli.evaluation_view import MOST_CLASSES
from backpass.cli.grouped.show import show_groups
from backpass.cli.options.declaration import Command, argument, option, output_options
from backpass.cli.scores.model_scores import confusion_lines, later_line, other_scores, scores_table
from backpass.cli.text import BARS, aligned, figure, size, sparkline
from backpass.model import GroupedModel, Model
from backpass.model.grouped.loading import load
from backpass.model.metrics import LOWER_IS_BETTER, as_loss
from backpass.model.settings.declarations import BY_NAME
from backpass.model.settings.defaults import default_settings, not_in_notes
from backpass.model.settings.settings import Settings
from backpass.table.feature import NumericFeature
from backpass.table.messages import counted, excerpt, listed, shown


@click.command(cls=Command)
@argument("model", type=click.Path())
@option("--history", is_flag=True, help="also print a table of all epochs")
@option("--time", is_flag=True, help="also measure floating-point operations and time of each layer")
@output_options()
def show(**given: Any) -> int:
    """Show the contents of a model file.

    Prints the target, columns, layers, parameter counts, settings, training history, and the scores next to those of
    the baselines. Model files contain no code; loading one executes nothing from it.

    --time evaluates the network and its gradient with NumPy, operation by operation, and adds up each layer.

    \b
    Example:
      backpass show housing.backpass
    """
    console = Console(quiet=given["quiet"])
    model = load(given["model"])
    if isinstance(model, GroupedModel):
        return show_groups(model, given, console)
    if given["as_json"]:
        console.document("show", **_facts(model), **({"time": anatomy.cost_facts(model)} if given["time"] else {}))
        return 0
    can_draw = console.can_page(BARS)
    lines = [f"{given['model']}: {size(os.path.getsize(given['model']))}, read by backpass {__version__}", ""]
    for label, texts in _sections(model, can_draw):
        lines += console.labeled(label, texts)
    if given["time"]:
        lines += ["", *anatomy.cost_lines(model)]
    if given["history"]:
        lines += ["", *_history_table(model)]
    console.page(lines)
    return 0


def _sections(model: Model, can_draw: bool) -> Iterator[tuple[str, list[str]]]:
    """Yield the label and the lines of each section; ``can_draw``: whether the output encoding has bar characters."""
    yield from _data_sections(model)
    yield from _network_sections(model)
    yield from _training_sections(model, can_draw)
    yield from _score_sections(model)
    for warning in model.record.warnings:
        yield "warning", [warning]
    for note in model.record.notes:
        yield "note", [note]


def _data_sections(model: Model) -> Iterator[tuple[str, list[str]]]:
    """Yield the sections on the target, the columns and the rows."""
    yield "target", [summary.target_line(model.head)]
    if decision := summary.decision_line(model.head):
        yield "decision", [decision]
    if model.record.weight:
        yield "weights", [shown(model.record.weight)[1:-1]]
    if model.record.teacher is not None:
        yield "teacher", [summary.teacher_line(model)]
    if model.record.features_of is not None:
        yield "features", [summary.features_line(model)]
    if len(model.labels) > 1:
        yield "outputs", [listed([shown(name)[1:-1] for name in model.labels])]
    yield "columns", list(_column_lines(model))
    if model.schema.left_out:
        yield "left out", [listed([shown(name)[1:-1] for name in model.schema.left_out])]
    yield "rows", [summary.rows_line(dict(model.record.rows))]


def _network_sections(model: Model) -> Iterator[tuple[str, list[str]]]:
    """Yield the sections on the networks and their loss."""
    network = model.network
    if model.others or model.shares:
        yield "networks", list(summary.group_lines(model))
    if model.record.candidates:
        yield "candidates", list(_candidate_lines(model))
    yield "layers", anatomy.layer_lines(network)
    if units := list(anatomy.unit_lines(model)):
        yield "wired", units
        yield "theta", list(anatomy.value_lines(model))
    yield "neurons", [anatomy.neurons_line(network)]
    yield "parameters", [anatomy.parameters_line(network)]
    yield "linear", ["yes: the network is one linear map" if network.is_linear else "no"]
    options = [f"{name} {value:g}" for name, value in model.head.options.items()]
    learned = ["of the logarithm of the target"] if model.head.is_log else []
    yield "loss", [", ".join([model.head.loss_title, *options, *learned])]
    if equation := list(anatomy.equation_lines(model)):
        yield "equation", equation


def _training_sections(model: Model, can_draw: bool) -> Iterator[tuple[str, list[str]]]:
    """Yield the sections on the settings and the run."""
    yield "settings", [_settings_line(model)]
    yield "deviations", [_deviations_line(model)]
    yield "trained", [summary.run_line(model)]
    if refit := summary.refit_line(model):
        yield "refit", [refit]
    if model.history:
        yield "history", list(_course_lines(model, can_draw))


def _score_sections(model: Model) -> Iterator[tuple[str, list[str]]]:
    """Yield the sections on the scores."""
    if scores := scores_table(model):
        yield "scores", scores
    if later := later_line(model):
        yield "later rows", [later]
    if others := other_scores(model):
        yield "more", [others]
    part = model.record.scored_part
    if part is not None and part in model.record.confusion and len(model.classes) <= MOST_CLASSES:
        yield "confusion", confusion_lines(model.record.confusion[part], model.classes)
    if model.record.comparison is not None:
        yield "comparison", [model.record.comparison.sentence(is_linear=model.network.is_linear)]


def _column_lines(model: Model) -> Iterator[str]:
    numbers = [
        f"{shown(each.name)[1:-1]}{' (bounds marked)' if each.marks_bounds else ''}"
        for each in model.schema.features
        if isinstance(each, NumericFeature)
    ]
    if numbers:
        yield f"{len(numbers)} numeric: {', '.join(numbers)}"
    for timestamp in model.schema.datetimes:
        yield f"{timestamp.kind} {shown(timestamp.name)[1:-1]}, by its {', '.join(timestamp.parts)}"
    for each in model.schema.free_texts:
        known = counted(len(each.encoding.vocabulary), "known word")
        yield f"free text {shown(each.name)[1:-1]}, {known}, {each.encoding.components} components"
    for text in model.schema.texts:
        levels = f"{counted(len(text.levels), 'category')}: {excerpt(text.levels, shown)}"
        yield f"categorical {shown(text.name)[1:-1]}, {levels}"


def _candidate_lines(model: Model) -> Iterator[str]:
    """Yield a line for each candidate of a pack: its share or how far it came, its score, and what it changes."""
    metric = model.head.metric
    for number, each in enumerate(model.record.candidates, start=1):
        scores = [*each["scores"], *([] if each["score"] is None else [each["score"]])]
        state = f"share {each['share']:.2f}" if each["networks"] else f"left out after stage {len(each['scores'])}"
        score = f"{metric} {figure(as_loss(metric, scores[-1]))}, " if scores else ""
        changes = ", ".join(f"{name} {_shown(value)}" for name, value in each["settings"].items())
        yield f"{number}: {state}, {score}{changes}"


def _settings_line(model: Model) -> str:
    """Format the settings that differ from the defaults of the preset, in the order of the help."""
    settings = model.record.settings
    shown_elsewhere = ("hidden", "wire", "loss")  # shown on lines of their own
    size = (model.record.rows["train"], len(model.schema.features))
    usual = default_settings(settings, model.head.target.task, *size)
    names = [
        name for name in BY_NAME if name in settings and name not in shown_elsewhere and settings[name] != usual[name]
    ]
    chosen = [f"{name} {_shown(settings[name])}" for name in names]
    return f"{', '.join(chosen)}; all others default"


def _deviations_line(model: Model) -> str:
    """Format the settings that CS229's notes do not have: what training added to their network and algorithms."""
    found = _deviations(model)
    return f"from CS229: {', '.join(f'{name} {_shown(value)}' for name, value in found.items()) or 'none'}"


def _deviations(model: Model) -> dict[str, Any]:
    """The settings of a model that CS229's notes do not have, also those that its file is too old to name."""
    return not_in_notes({**Settings.from_json(model.record.settings).to_json(), **model.record.settings})


def _shown(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], list):
        return " ".join(f"{name}={','.join(each) if isinstance(each, list) else f'{each:g}'}" for name, each in value)
    if value is None:
        return "none"
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)


def _course_lines(model: Model, can_draw: bool) -> Iterator[str]:
    """Yield a sparkline of the training loss and of the validation score, with first, last and lowest value."""
    history = model.history
    courses = {"loss": [epoch.train_loss for epoch in history]}
    metric = model.head.metric
    scores = [as_loss(metric, epoch.score) for epoch in history if epoch.score is not None]
    if len(scores) == len(history):
        courses[metric] = scores
    width = max(map(len, courses))
    for name, values in courses.items():
        bars = f"{sparkline(values)}  " if can_draw else ""
        is_lower = name == "loss" or metric in LOWER_IS_BETTER
        best = (min if is_lower else max)(range(len(values)), key=values.__getitem__)
        best_name = "lowest" if is_lower else "highest"
        ends = f"{figure(values[0])} -> {figure(values[-1])}, {best_name} {figure(values[best])} @{best + 1}"
        yield f"{name:<{width}}  {bars}{ends}"


def _history_table(model: Model) -> list[str]:
    rows = [["epoch", "step", "learning rate", "train loss", f"validation {model.head.metric}"]]
    for epoch in model.history:
        score = "" if epoch.score is None else figure(as_loss(model.head.metric, epoch.score))
        rows.append([str(epoch.epoch), str(epoch.step), figure(epoch.learning_rate), figure(epoch.train_loss), score])
    return aligned(rows)


def _facts(model: Model) -> dict[str, Any]:
    return {
        **summary.facts(model),
        **anatomy.facts(model.network),
        "groups": summary.groups_facts(model),
        "candidates": [dict(each) for each in model.record.candidates],
        "inputs": model.input_names,
        "left_out": list(model.schema.left_out),
        "loss": model.head.loss_title,
        "equation": anatomy.equation(model),
        "wired": anatomy.wired(model),
        "deviations": _deviations(model),
        "settings": json.loads(json.dumps(dict(model.record.settings))),
        "history": [asdict(epoch) for epoch in model.history],
    }

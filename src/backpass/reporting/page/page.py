"""The page: a report as a single HTML file.

``report`` takes a model and, optionally, rows with known targets and returns the HTML. The page loads nothing: pictures
are inline SVG, its content security policy allows one script and one style sheet by their hashes, and all data are
escaped. The same model and rows give a byte-identical page. Its content comes from ``findings``, ``sections`` and
``whatif``.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Sequence
from hashlib import sha256
from importlib import import_module
from importlib.resources import files
from math import isnan
from typing import Any

from backpass._version import __version__
from backpass.errors import UsageError, seed_errors, visible
from backpass.model.model import Model
from backpass.model.prediction.group import Group
from backpass.model.prediction.options import check_reading
from backpass.model.record import COVERAGE, COVERAGE_LEVEL, Record
from backpass.reporting.numbers.held_out import check_model, held_out, number_names, reportable
from backpass.reporting.numbers.labels import label_names, label_rows
from backpass.reporting.numbers.names import label
from backpass.reporting.numbers.numerals import number
from backpass.reporting.page import findings as words
from backpass.reporting.page import whatif
from backpass.reporting.page.column_table import column_rows
from backpass.reporting.page.findings import Findings
from backpass.reporting.page.sections import Picture, sections
from backpass.reporting.page.setting_texts import command, setting_rows
from backpass.reporting.pictures import drawing
from backpass.reporting.pictures.effects import MOST_BARS
from backpass.reporting.pictures.scene import scene_of
from backpass.reporting.pictures.style import house_style
from backpass.table import TextFeature
from backpass.table.messages import counted, listed

MOST_BYTES = 3_000_000
"""The maximum size of a page: mail servers take several times as much."""

_TITLES = {COVERAGE: f"coverage of {COVERAGE_LEVEL:.0%} intervals"}
"""The titles of metrics whose names are not words."""

SHOWN_CONTROLS = 12
"""The number of columns whose controls are visible; the others are collapsed."""


def require() -> None:
    """Check that the packages for a page are installed.

    Raises:
        UsageError: matplotlib or jinja2 is missing; the message names both, and the hint says how to install them.
    """
    missing = []
    for name in ("matplotlib", "jinja2"):
        try:
            import_module(name)
        except ImportError:
            missing.append(name)
    if missing:
        noun = "package" if len(missing) == 1 else "packages"
        raise UsageError(f"a report needs the {noun} {' and '.join(missing)}", hint="pip install 'backpass[report]'")


def report(model: Model, data: Any = None, *, seed: int = 0, **reading: Any) -> str:
    """Return a report about a model as an HTML page.

    Args:
        model: A model with one target or several.
        data: Rows with known targets: a path, a data frame, a dict or a Table. Of the table that the model was trained
            on, only the test (or validation) rows are used. None: the page shows only the contents of the model file.
        seed: The seed for the bootstrap and for permutation importance.
        **reading: Options of ``read_table`` if ``data`` is a path.

    Returns:
        The page, complete in itself: styles, pictures and scripts are part of it.

    Raises:
        UsageError: matplotlib or jinja2 is not installed, or the model predicts several quantiles or is a grouped
            model.
        DataError: Lists what the rows lack.
    """
    check_model(model)
    if errors := seed_errors(seed):
        raise UsageError(errors[0])
    if data is not None:
        check_reading("report", model, data, reading)
    require()
    return page_of(findings_on(model, data, seed=seed, **reading))


def findings_on(model: Model, data: Any = None, *, seed: int = 0, **reading: Any) -> Findings:
    """Return the content of a report; needs no plotting library. See ``report`` for the arguments and errors."""
    reportable(model.head)
    held = None if data is None else held_out(model, model.table(data, with_target=True, **reading))
    return Findings.of(model, held, seed=seed)


def page_of(findings: Findings) -> str:
    """Return the page as HTML.

    Raises:
        UsageError: matplotlib or jinja2 is not installed.
    """
    require()
    model = findings.model
    with house_style():
        pictures = dict(sections(findings))
    text = _rendered(findings, pictures, whatif.facts(model) if whatif.fits(model) else None)
    if len(text.encode("utf-8")) > MOST_BYTES:
        text = _rendered(findings, pictures, None)
    return text


def _rendered(findings: Findings, pictures: dict[str, list[Picture]], what_if: dict[str, Any] | None) -> str:
    """Render the template; ``what_if`` is the data of the sliders, None to omit them."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    room = files("backpass.reporting.page")
    style = "".join(room.joinpath(name).read_text("utf-8") for name in ("palette.css", "page.css"))
    scripts = [room.joinpath(name).read_text("utf-8") for name in ("timestamp.js", "page.js")]
    script = "\n".join(scripts if what_if is None else [whatif.script(findings.model), *scripts])
    environment = Environment(
        loader=PackageLoader("backpass.reporting", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    model = findings.model
    return environment.get_template("page.html.jinja").render(
        facts=_facts(findings),
        sections=pictures,
        network=drawing.to_svg(scene_of(model), alone=False),
        what_if=what_if,
        what_if_json=None if what_if is None else _inert(what_if),
        style=style,
        style_hash=_hash(style),
        script=script,
        script_hash=_hash(script),
    )


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode('utf-8')).digest()).decode('ascii')}'"


def _inert(data: Any) -> str:
    """Return JSON that can be embedded in HTML: the characters of tags and entities are escaped."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"), sort_keys=True)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _facts(findings: Findings) -> dict[str, Any]:
    """Return the texts and tables of the page."""
    model, held = findings.model, findings.held
    target, labels = model.head.target, label_names(model.head)
    task = "a number" if target.task == "regression" else f"one of {len(target.classes)} classes"
    numbers = number_names(model.head)
    title = listed(labels or numbers or [model.target], label)
    if labels:
        task = f"{len(labels)} labels, each on or off"
    if numbers:
        task = f"{len(numbers)} numbers"
    notes = dict.fromkeys((*model.record.notes, *(held.notes if held is not None else ())))
    return {
        "target": title,
        "task": task,
        "version": __version__,
        "question": f"Predict {title}, {task}, from {counted(len(findings.columns), 'column')}.",
        "verdict": words.verdict(findings),
        "warnings": [visible(warning) for warning in findings.warnings],
        "cards": list(_cards(findings)),
        "metrics": [_TITLES.get(name, name).replace("_", " ") for name in words.shown_metrics(findings)],
        "scores": list(words.score_rows(findings)),
        "labels": list(label_rows(findings.labels)),
        "targets": list(words.target_rows(findings)),
        "has_labels": bool(labels),
        **_decision_facts(findings),
        "columns": list(column_rows(findings)),
        "left_out": [label(name) for name in model.schema.left_out],
        "worst": words.worst_rows(findings),
        "drift": _drift_facts(findings),
        "order": _order(findings),
        "first": SHOWN_CONTROLS,
        "notes": [visible(note) for note in notes],
        "command": command(model, findings.columns),
        "settings": setting_rows(model.record.settings),
        "layers": _layers(model.groups, alone=model.theta.ndim == 1),
        "networks": len(model.record.members),
        "parameters": f"{model.parameter_count:,}",
        "is_large": not whatif.fits(model),
    }


def _drift_facts(findings: Findings) -> dict[str, Any] | None:
    """Return the columns that have clearly moved since training; None if that is not known."""
    found = findings.drift
    if found is None:
        return None
    moved = [each for each in found if each.is_clear]
    rows = [
        {"name": label(each.name), "distance": f"{each.distance:.2f}", "moved": visible(each.sentence)}
        for each in moved[:MOST_BARS]
    ]
    return {"rows": rows, "moved": len(moved), "columns": counted(len(found), "column")}


def _decision_facts(findings: Findings) -> dict[str, Any]:
    """Return the tables of thresholds, of gain and lift; empty for anything but two classes with given rows."""
    found = findings.decisions
    if found is None:
        return {"thresholds": [], "gains": [], "has_cost": False, "positive": ""}
    thresholds = []
    for row in found.thresholds:
        precision = "" if isnan(row.precision) else f"{row.precision:.1%}"
        cells = [f"{row.called:.1%}", precision, f"{row.recall:.1%}", f"{row.f1:.3f}"]
        if found.has_cost:
            cells.append(f"{row.cost:,.0f}")
        thresholds.append({"threshold": f"{row.threshold:.4g}", "cells": cells, "strong": row.threshold == found.own})
    return {
        "positive": label(found.positive),
        "has_cost": found.has_cost,
        "thresholds": thresholds,
        "gains": [
            [f"{row.top:.0%}", f"{row.threshold:.4g}", f"{row.precision:.1%}", f"{row.gain:.1%}", f"{row.lift:.2f}"]
            for row in found.tops
        ],
    }


def _layers(groups: Sequence[Group], *, alone: bool) -> str:
    """Format the layer widths: ``8 → 64 → 1``, or ``4 times 8 → 64 → 1`` for an ensemble."""
    layers = [(group.count, group.title.replace("->", "→")) for group in groups]
    return layers[0][1] if alone else ", ".join(f"{count} times {widths}" for count, widths in layers)


def _order(findings: Findings) -> list[int]:
    """Return the indices of the columns that can be moved, in descending order of importance if it is known."""
    names = [column.name for column in findings.columns]
    order = [names.index(each.name) for each in findings.important if each.columns == 1]
    order += sorted({*range(len(names))} - {*order})
    return [j for j in order if not isinstance(findings.columns[j].feature, TextFeature)]


def _cards(findings: Findings) -> Iterator[tuple[str, str, str]]:
    """Yield the headline numbers of the page: name, value, and a line below it."""
    model, part, metric = findings.model, findings.part, findings.metric
    shown = [metric, "r2" if model.head.target.task == "regression" else "accuracy"]
    for name in dict.fromkeys(each for each in shown if each in model.head.metrics):
        if findings.held is not None:
            if name not in findings.scores:
                continue
            score = findings.scores[name]
            spread = f"{number(score.low)} to {number(score.high)}"
            beneath = spread if score.is_known else "no interval: a single row or group"
            yield name.replace("_", " "), number(score.value), beneath
        elif part is not None and name in model.record.scores[part]:
            yield name.replace("_", " "), number(model.record.scores[part][name]), f"{words.PARTS[part]} rows"
    yield "training rows", f"{model.record.rows.get('train', 0):,}", _set_aside(model.record)
    yield "parameters", f"{model.parameter_count:,}", _layers(model.groups, alone=model.theta.ndim == 1)


def _set_aside(record: Record) -> str:
    """Format the sizes of the held-out splits; with folds, each training row validates exactly one network."""
    rows, settings = record.rows, record.settings
    counts = {name: f"{count:,} {words.PARTS[name]}" for name, count in rows.items() if count}
    if settings.get("ensemble_split") == "folds" and record.members and rows.get("train") == rows.get("validation"):
        counts["validation"] = "out-of-fold validation"
    return ", ".join(counts[name] for name in ("validation", "test") if name in counts) or "none held out"

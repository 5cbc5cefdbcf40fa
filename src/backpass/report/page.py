"""The page: one HTML file with everything a report tells, to open from disk, to print, to send.

It loads nothing: pictures are SVG inside it, its one script and one style sheet are allowed by their hashes, and
whatever comes from data is text. The same model and rows give the same page, byte by byte.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from backpass import __version__
from backpass.errors import UsageError
from backpass.model.model import Model
from backpass.report import drawing, figures, whatif
from backpass.report import findings as words
from backpass.report.bootstrap import Interval
from backpass.report.course import course_of
from backpass.report.curves import calibration, confusion, precision_recall, roc
from backpass.report.dependence import dependence
from backpass.report.findings import Findings
from backpass.report.held_out import head_of, held_out
from backpass.report.importance import names_of
from backpass.report.scene import scene_of
from backpass.report.style import HEIGHT, WIDTH, canvas, house_style, label, printable, require_matplotlib, to_svg
from backpass.report.typical import is_single_neuron
from backpass.table.wording import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_BYTES = 1_000_000
DEPENDENCES, CLASS_CURVES = 6, 8


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure of the page: its SVG, its heading and what it says."""

    svg: str
    heading: str
    text: str


def require() -> None:
    """Errors: UsageError that says how to install what a page is made with, where it is not there."""
    require_matplotlib()
    try:
        import jinja2  # noqa: F401  only asked for
    except ImportError:
        raise UsageError("a report needs the package jinja2", hint="pip install 'backpass[report]'") from None


def page(model: Model, data: Any = None, *, seed: int = 0, **reading: Any) -> str:
    """The page as one text.

    data: rows with known targets (a path, a data frame, a dict, a Table); of the very table that the model was fitted
    on, its test rows are taken. Without data the page shows what the model file alone can.

    Errors: UsageError where matplotlib or jinja2 is not installed, or for a model of several targets; DataError for what
    the rows lack.
    """
    require()
    head_of(model)
    held = None if data is None else held_out(model, model.table(data, with_target=True, **reading))
    findings = Findings.of(model, held, seed=seed)
    with house_style():
        sections = dict(_sections(findings))
    text = _rendered(findings, sections, whatif.facts(model) if whatif.fits(model) else None)
    return text if len(text.encode("utf-8")) <= MOST_BYTES else _rendered(findings, sections, None)


def _rendered(findings: Findings, sections: dict[str, list[Picture]], what_if: dict[str, Any] | None) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    room = files("backpass.report")
    style = room.joinpath("page.css").read_text("utf-8")
    script = "\n".join(room.joinpath(name).read_text("utf-8") for name in ("circuit.js", "page.js"))
    environment = Environment(
        loader=PackageLoader("backpass", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    model = findings.model
    return environment.get_template("page.html.jinja").render(
        facts=_facts(findings),
        sections=sections,
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
    """JSON that can stand in a page: nothing in it looks like a tag, whatever names hold."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"), sort_keys=True)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _facts(findings: Findings) -> dict[str, Any]:
    """The words and tables of the page."""
    model, held = findings.model, findings.held
    target = model.head.target
    task = "a number" if target.task == "regression" else f"one of {len(target.classes)} classes"
    notes = dict.fromkeys((*model.record.notes, *(held.notes if held is not None else ())))
    return {
        "target": label(model.target),
        "task": task,
        "version": __version__,
        "question": f"Predict {label(model.target)}, {task}, from {counted(len(names_of(model)), 'column')}.",
        "verdict": words.verdict(findings),
        "cards": list(_cards(findings)),
        "metrics": [name.replace("_", " ") for name in model.head.metrics],
        "scores": list(words.score_rows(findings)),
        "columns": list(words.column_rows(findings)),
        "left_out": [label(name) for name in model.schema.left_out],
        "worst": words.worst_rows(findings),
        "notes": [printable(note) for note in notes],
        "command": words.command(model),
        "settings": words.setting_rows(model),
        "layers": " → ".join(str(width) for width in (model.network.inputs, *model.network.widths)),
        "parameters": f"{model.theta.size:,}",
        "is_large": not whatif.fits(model),
    }


def _cards(findings: Findings) -> Iterator[tuple[str, str, str]]:
    """The few numbers that are read first: name, value, what stands beneath."""
    model, part, metric = findings.model, findings.part, findings.model.head.metric
    shown = [metric, *(["accuracy"] if model.classes else ["r2"])]
    for name in dict.fromkeys(each for each in shown if each in model.head.metrics):
        if findings.held is not None:
            score = findings.scores[name]
            yield name.replace("_", " "), words.number(score.value), f"{words.number(score.low)} to {words.number(score.high)}"
        elif part is not None:
            yield name.replace("_", " "), words.number(model.record.scores[part][name]), f"{words.PARTS[part]} rows"
    rows = model.record.rows
    others = ", ".join(f"{count:,} {words.PARTS[name]}" for name, count in rows.items() if name != "train")
    yield "training rows", f"{rows.get('train', 0):,}", others or "none set aside"
    yield "parameters", f"{model.theta.size:,}", " → ".join(map(str, (model.network.inputs, *model.network.widths)))


def _sections(findings: Findings) -> Iterator[tuple[str, list[Picture]]]:
    """The pictures, section by section."""
    yield "training", [*_beside(findings), *_training(findings)]
    yield "accuracy", list(_accuracy(findings))
    yield "columns", list(_columns(findings))
    yield "dependence", list(_dependences(findings))


def _picture(name: str, heading: str, text: str, draw: Callable[[Axes], None], height: float = HEIGHT) -> Picture:
    figure = canvas(WIDTH, height)
    draw(figure.subplots())
    return Picture(to_svg(figure, name, heading), heading, text)


def _training(findings: Findings) -> Iterator[Picture]:
    model = findings.model
    if model.history:
        course = course_of(model)
        figure: Figure = canvas()
        upper, lower = figure.subplots(2, 1, height_ratios=[4, 1], sharex=True)
        figures.history(upper, course, lower)
        text = f"Validation chooses the epoch that is kept: {model.record.best_epoch} of {len(course.epochs)}."
        if not course.scores:
            text = "No rows validated: the last epoch is kept."
        if model.record.members:
            text = f"The first of {len(model.record.members)} networks. {text}"
        yield Picture(to_svg(figure, "history", "Course of training"), "Course of training", text)


def _beside(findings: Findings) -> Iterator[Picture]:
    """The network's score and those of the baselines."""
    model, part, metric = findings.model, findings.part, findings.model.head.metric
    if part is not None and metric in model.record.scores[part]:
        others = {words.baseline(name): parts[part][metric] for name, parts in sorted(model.record.baselines.items())}
        own = findings.scores.get(metric)
        value = model.record.scores[part][metric]
        shown = own if own is not None else Interval(value, value, value)
        better = "further left is better" if metric in words.LOWER_IS_BETTER else "further right is better"
        text = f"{better[0].upper()}{better[1:]}. " + ("The bar is the 95 % interval." if own is not None else "")
        yield _picture(
            "scores",
            "Beside simple models",
            text,
            lambda ax: figures.scores(ax, metric.replace("_", " "), shown, others),
            60.0 + 34.0 * (1 + len(others)),
        )


def _accuracy(findings: Findings) -> Iterator[Picture]:
    model, held = findings.model, findings.held
    if held is None:
        return
    if not model.classes:
        target = model.target
        text = "On the dashed line lie the rows that are predicted rightly."
        yield _picture(
            "predictions", "Predicted against true", text, lambda ax: figures.predictions(ax, held.truth, held.predicted, target)
        )
        text = "What is left over: a shape in it is something the network has not learned."
        yield _picture(
            "residuals", "Residuals", text, lambda ax: figures.residuals(ax, held.truth, held.predicted, target)
        )
        return
    k = len(model.classes)
    counts = confusion(held.predicted, held.truth)
    yield _picture(
        "confusion",
        "Confusion matrix",
        "Rows by their true class; the darker, the larger the share of it.",
        lambda ax: figures.confusion(ax, counts, model.classes),
        HEIGHT if k <= 6 else HEIGHT * 1.35,
    )
    shown = [1] if k == 2 else range(min(k, CLASS_CURVES))
    present = [j for j in shown if 0 < (held.truth == j).sum() < held.rows]
    if not present:
        return
    curves = {model.classes[j]: roc(held.predicted[:, j], held.truth == j) for j in present}
    yield _picture("roc", "ROC curve", "The share found against false alarms.", lambda ax: figures.roc(ax, curves))
    recalls = {model.classes[j]: precision_recall(held.predicted[:, j], held.truth == j) for j in present}
    share = float((held.truth == 1).mean()) if k == 2 else None
    yield _picture(
        "recall",
        "Precision and recall",
        "Of the rows called positive, how many are; of the positive rows, how many are found.",
        lambda ax: figures.precision_recall(ax, recalls, share),
    )
    last = present[-1]
    found = calibration(held.predicted[:, last], held.truth == last)
    yield _picture(
        "calibration",
        "Calibration",
        "On the dashed line probabilities mean what they say. Bars are 95 % intervals.",
        lambda ax: figures.calibration(ax, found, model.classes[last]),
    )


def _columns(findings: Findings) -> Iterator[Picture]:
    if not findings.important:
        return
    model = findings.model
    count = min(len(findings.important), figures.MOST_BARS)
    height = 60.0 + 22.0 * count
    metric = model.head.metric.replace("_", " ")
    yield _picture(
        "importance",
        "When a column is shuffled",
        "How much worse the score gets: what the predictions rest on.",
        lambda ax: figures.importance(ax, findings.important, metric),
        height,
    )
    yield _picture(
        "slopes",
        "When a column moves a little",
        "Mean |dh/dx| through the circuit, per quartile distance of a number; for a text, when it is another row's.",
        lambda ax: figures.slopes(ax, findings.important, _answer(model)),
        height,
    )


def _dependences(findings: Findings) -> Iterator[Picture]:
    model, held = findings.model, findings.held
    names = [each.name for each in findings.important] or names_of(model)
    rows: tuple[Any, ...] = () if held is None else (held.numbers, held.codes)
    for i, name in enumerate(names[:DEPENDENCES]):
        found = dependence(model, name, *rows)
        if held is not None and is_single_neuron(model):
            at, y = held.numbers[:, 0], held.truth
            text = "One neuron: a line with a kink (CS229, Figure 1)."
            yield _picture("neuron", label(name), text, lambda ax, f=found: figures.neuron(ax, at, y, f, model.target))
            continue
        yield _picture(f"dependence-{i}", label(name), "", lambda ax, f=found: figures.dependence(ax, f, _answer(model)))


def _answer(model: Model) -> str:
    """What a prediction is, in a word: the target, or the probability of the last class."""
    return f"p({model.classes[-1]})" if model.classes else model.target

"""The pictures of a page, section by section: findings come in, headings with SVG go out.

Which pictures there are depends on the task and on whether there are rows to judge by; how each is drawn is in
``figures``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from backpass.model.metrics import LOWER_IS_BETTER
from backpass.model.model import Model
from backpass.report import figures
from backpass.report.bootstrap import Interval
from backpass.report.columns import names_of
from backpass.report.course import course_of
from backpass.report.curves import calibration, confusion, precision_recall, roc
from backpass.report.dependence import Dependence, dependence
from backpass.report.findings import Findings, baseline
from backpass.report.held_out import HeldOut
from backpass.report.style import HEIGHT, WIDTH, canvas, label, to_svg
from backpass.report.typical import is_single_neuron

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DEPENDENCES, CLASS_CURVES = 6, 8


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure of the page: its SVG, its heading and what it says."""

    svg: str
    heading: str
    text: str


def sections(findings: Findings) -> Iterator[tuple[str, list[Picture]]]:
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
        figure = canvas()
        upper, lower = figure.subplots(2, 1, height_ratios=[4, 1], sharex=True)
        figures.history(upper, course, lower)
        text = f"Validation chooses the epoch that is kept: {model.record.best_epoch} of {len(course.epochs)}."
        if not course.scores:
            text = "No rows validated: the last epoch is kept."
        if model.record.members:
            kept = ", ".join(str(member["best_epoch"]) for member in model.record.members)
            text = f"The first of {len(model.record.members)} networks. {text} The epochs of all: {kept}."
        yield Picture(to_svg(figure, "history", "Course of training"), "Course of training", text)


def _beside(findings: Findings) -> Iterator[Picture]:
    """The network's score and those of the baselines."""
    model, part, metric = findings.model, findings.part, findings.model.head.metric
    if part is not None and metric in model.record.scores[part]:
        others = {baseline(name): parts[part][metric] for name, parts in sorted(model.record.baselines.items())}
        own = findings.scores.get(metric)
        value = model.record.scores[part][metric]
        shown = own if own is not None else Interval(value, value, value)
        better = "further left is better" if metric in LOWER_IS_BETTER else "further right is better"
        text = f"{better[0].upper()}{better[1:]}. " + ("The bar is the 95 % interval." if own is not None else "")
        yield _picture(
            "scores",
            "Beside simple models",
            text,
            lambda ax: figures.scores(ax, metric.replace("_", " "), shown, others),
            60.0 + 34.0 * (1 + len(others)),
        )


def _accuracy(findings: Findings) -> Iterator[Picture]:
    """How well the given rows are predicted."""
    if findings.held is not None:
        yield from (_of_classes if findings.model.classes else _of_numbers)(findings.model, findings.held)


def _of_numbers(model: Model, held: HeldOut) -> Iterator[Picture]:
    yield _picture(
        "predictions",
        "Predicted against true",
        "On the dashed line lie the rows that are predicted rightly.",
        lambda ax: figures.predictions(ax, held.truth, held.predicted, model.target),
    )
    yield _picture(
        "residuals",
        "Residuals",
        "What is left over: a shape in it is something the network has not learned.",
        lambda ax: figures.residuals(ax, held.truth, held.predicted, model.target),
    )


def _of_classes(model: Model, held: HeldOut) -> Iterator[Picture]:
    k = len(model.classes)
    counts = confusion(held.predicted, held.truth)
    yield _picture(
        "confusion",
        "Confusion matrix",
        "Rows by their true class; the darker, the larger the share of it.",
        lambda ax: figures.confusion(ax, counts, model.classes),
        HEIGHT if k <= 6 else HEIGHT * 1.35,
    )
    # Of two classes the second is the positive one; a class that no row has, or every row, has no curve.
    shown = [1] if k == 2 else range(min(k, CLASS_CURVES))
    if present := [j for j in shown if 0 < (held.truth == j).sum() < held.rows]:
        yield from _of_probabilities(model, held, present)


def _of_probabilities(model: Model, held: HeldOut, present: Sequence[int]) -> Iterator[Picture]:
    curves = {model.classes[j]: roc(held.predicted[:, j], held.truth == j) for j in present}
    yield _picture("roc", "ROC curve", "The share found against false alarms.", lambda ax: figures.roc(ax, curves))
    recalls = {model.classes[j]: precision_recall(held.predicted[:, j], held.truth == j) for j in present}
    share = float((held.truth == 1).mean()) if len(model.classes) == 2 else None
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
        "Mean |dh/dx| through the circuit, per quartile distance of a number; for a text, when it is another row's."
        + " The parts of a date are added up." * bool(model.schema.moments),
        lambda ax: figures.slopes(ax, findings.important, _answer(model)),
        height,
    )


def _dependences(findings: Findings) -> Iterator[Picture]:
    model, held = findings.model, findings.held
    names = [each.name for each in findings.important] or names_of(model)
    rows: tuple[Any, ...] = () if held is None else (held.numbers, held.codes)
    for i, name in enumerate(names[:DEPENDENCES]):
        yield _dependence(findings, f"dependence-{i}", dependence(model, name, *rows))


def _dependence(findings: Findings, name: str, found: Dependence) -> Picture:
    model, held = findings.model, findings.held
    if held is not None and is_single_neuron(model):
        at, y = held.numbers[:, 0], held.truth
        text = "One neuron: a line with a kink (CS229, Figure 1)."
        return _picture(name, label(found.name), text, lambda ax: figures.neuron(ax, at, y, found, model.target))
    return _picture(name, label(found.name), "", lambda ax: figures.dependence(ax, found, _answer(model)))


def _answer(model: Model) -> str:
    """What a prediction is, in a word: the target, or the probability of the last class."""
    return f"p({model.classes[-1]})" if model.classes else model.target

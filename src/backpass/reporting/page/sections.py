"""The pictures of a page, by section.

``sections`` takes findings and returns pictures with headings as SVG. Which pictures a page has depends on the task and
on whether there are rows to evaluate; how each one is drawn is defined in ``reporting.pictures``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.model.anatomy.neuron import is_single_neuron
from backpass.model.fitting.outcome.neighbors import trained_members
from backpass.model.head.decision import Decision
from backpass.model.head.head import Head
from backpass.model.metrics import LOWER_IS_BETTER
from backpass.numerics.bootstrap import Interval
from backpass.reporting.explanation.dependence import Dependence, answer_number, dependences
from backpass.reporting.explanation.importance import screening_note
from backpass.reporting.numbers.curves import calibration, precision_recall, roc
from backpass.reporting.numbers.decisions import cost_curve, gain_curve
from backpass.reporting.numbers.held_out import HeldOut, number_names
from backpass.reporting.numbers.labels import label_names
from backpass.reporting.numbers.learning_curve import learning_curves_of
from backpass.reporting.numbers.names import label
from backpass.reporting.page.findings import Findings
from backpass.reporting.pictures import effects, evaluation, history
from backpass.reporting.pictures.style import HEIGHT, WIDTH, canvas, to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DEPENDENCES, CLASS_CURVES = 6, 8


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of the page.

    Attributes:
        svg: The picture as SVG.
        heading: The heading.
        text: The caption.
    """

    svg: str
    heading: str
    text: str


def sections(findings: Findings) -> Iterator[tuple[str, list[Picture]]]:
    """Yield the name of each section with its pictures."""
    yield "training", [*_baseline_picture(findings), *_training(findings)]
    yield "accuracy", list(_accuracy(findings))
    yield "columns", list(_columns(findings))
    yield "dependence", list(_dependences(findings))
    yield "drift", list(_drift(findings))


def _picture(name: str, heading: str, text: str, draw: Callable[[Axes], None], height: float = HEIGHT) -> Picture:
    figure = canvas(WIDTH, height)
    draw(figure.subplots())
    return Picture(to_svg(figure, name, heading), heading, text)


def _training(findings: Findings) -> Iterator[Picture]:
    model = findings.model
    if model.history:
        curves = learning_curves_of(model)
        figure = canvas()
        upper, lower = figure.subplots(2, 1, height_ratios=[4, 1], sharex=True)
        history.history(upper, curves, lower)
        best = f"Epoch {model.record.best_epoch} of {len(curves.epochs)}"
        text = f"{best} has the best validation score; its weights are kept."
        if not curves.scores:
            text = "No validation rows: the last epoch is kept."
        if members := trained_members(model):
            kept = ", ".join(str(member["best_epoch"]) for member in members)
            text = f"Network 1 of {len(members)}. {text} Best epochs of all networks: {kept}."
        yield Picture(to_svg(figure, "history", "Learning curves"), "Learning curves", text)


def _baseline_picture(findings: Findings) -> Iterator[Picture]:
    """Yield the picture that compares the network's score with those of the baselines."""
    model, part, metric = findings.model, findings.part, findings.metric
    if part is not None and metric in model.record.scores[part]:
        others = findings.others
        own = findings.scores.get(metric)
        value = model.record.scores[part][metric]
        shown = own if own is not None else Interval(value, value, value)
        better = "lower is better" if metric in LOWER_IS_BETTER else "higher is better"
        text = f"{better[0].upper()}{better[1:]}. " + (
            "The bar is the 95% interval." if own is not None and own.is_known else ""
        )
        yield _picture(
            "scores",
            "Comparison with baselines",
            text,
            lambda ax: evaluation.scores(ax, metric.replace("_", " "), shown, others),
            60.0 + 34.0 * (1 + len(others)),
        )


def _accuracy(findings: Findings) -> Iterator[Picture]:
    """Yield the pictures that show the quality of the predictions for the given rows."""
    if findings.held is None:
        return
    of_target = _of_classes if findings.model.classes else _of_labels if findings.labels else _of_numbers
    yield from of_target(findings.model.head, findings.held)


def _of_numbers(head: Head, held: HeldOut) -> Iterator[Picture]:
    names = number_names(head)
    if not names:
        yield from _of_number(held.truth, held.predicted, head.target.name)
    for j, name in enumerate(names[:CLASS_CURVES]):
        yield from _of_number(held.truth[:, j], held.predicted[:, j], name, f"-{j}", f": {label(name)}")


def _of_number(
    truth: NDArray[np.float64], predicted: NDArray[np.float64], target: str, number: str = "", about: str = ""
) -> Iterator[Picture]:
    """Yield the pictures of one numeric target; ``number`` and ``about`` tell it from others."""
    yield _picture(
        f"predictions{number}",
        f"Predicted vs. true values{about}",
        "Perfect predictions lie on the dashed line.",
        lambda ax: evaluation.predictions(ax, truth, predicted, target),
    )
    yield _picture(
        f"residuals{number}",
        f"Residuals{about}",
        "True minus predicted. Visible structure is something that the network has not learned.",
        lambda ax: evaluation.residuals(ax, truth, predicted, target),
    )


def _of_classes(head: Head, held: HeldOut) -> Iterator[Picture]:
    k = len(head.classes)
    counts = head.confusion(held.outputs, held.truth, held.weights)
    if counts is not None:
        yield _picture(
            "confusion",
            "Confusion matrix",
            "One row per true class; the darker a cell, the larger its share of the row."
            + " Numbers are sums of row weights." * (held.weights is not None),
            lambda ax: evaluation.confusion(ax, counts, head.classes),
            HEIGHT if k <= 6 else HEIGHT * 1.35,
        )
    # A class that no row or every row belongs to has no curve.
    shown = [head.positive] if k == 2 else range(min(k, CLASS_CURVES))
    if present := [j for j in shown if 0 < (held.truth == j).sum() < held.rows]:
        by_class = {head.classes[j]: (held.predicted[:, j], held.truth == j) for j in present}
        share = float(np.average(held.truth == head.positive, weights=held.weights)) if k == 2 else None
        yield from _of_probabilities(by_class, held.weights, share)
        if k > 2:
            yield _calibration_of_all(held, held.truth[:, None] == np.arange(k), "a class", "All classes together. ")
            return
        name = head.classes[head.positive]
        yield _calibration(name, *by_class[name], held.weights)
        yield from _of_decisions(head, held)


def _of_decisions(head: Head, held: HeldOut) -> Iterator[Picture]:
    """Yield the gain curve and the cost by threshold of two classes."""
    decision = head.decision or Decision()
    name = head.classes[decision.positive]
    score, positive = held.predicted[:, decision.positive], held.truth == decision.positive
    x, y = gain_curve(score, positive, held.weights)
    yield _picture(
        "gain",
        "Gain",
        f"Share of all {label(name)} rows among the rows with the highest probabilities.",
        lambda ax: evaluation.gain(ax, x, y, name),
    )
    at, costs = cost_curve(score, positive, decision.cost or (1.0, 1.0), held.weights)
    pair = ""
    if decision.cost is not None:
        pair = f"A false positive costs {decision.cost[0]:g}, a false negative {decision.cost[1]:g}. "
    what = "cost" if decision.cost is not None else "errors"
    yield _picture(
        "cost",
        "Cost by threshold" if decision.cost is not None else "Errors by threshold",
        f"{pair}The dashed line is the threshold of the model, {decision.threshold:.3g}.",
        lambda ax: evaluation.cost(ax, at, costs, decision.threshold, what),
    )


def _of_labels(head: Head, held: HeldOut) -> Iterator[Picture]:
    names = label_names(head)
    present = [j for j in range(len(names)) if 0 < held.truth[:, j].sum() < held.rows]
    if by_class := {names[j]: (held.predicted[:, j], held.truth[:, j] == 1) for j in present[:CLASS_CURVES]}:
        yield from _of_probabilities(by_class, held.weights, about=_among(by_class, present))
    yield _calibration_of_all(held, held.truth == 1, "a label", "All labels together. ")


def _of_probabilities(
    by_class: Mapping[str, tuple[NDArray[np.float64], NDArray[np.bool_]]],
    weights: NDArray[np.float64] | None,
    share: float | None = None,
    about: str = "",
) -> Iterator[Picture]:
    """Yield the ROC and precision-recall curves of classes or labels.

    Args:
        by_class: Name -> predicted probability (n,) and whether each row is positive (n,).
        weights: The weight of each row (n,).
        share: The share of positive rows, which random guessing has as its precision; None for no line.
        about: A sentence to append to the captions.
    """
    curves = {name: roc(*each, weights) for name, each in by_class.items()}
    text = f"True positive rate against false positive rate over all thresholds. {about}"
    yield _picture("roc", "ROC curve", text, lambda ax: evaluation.roc(ax, curves))
    recalls = {name: precision_recall(*each, weights) for name, each in by_class.items()}
    yield _picture(
        "recall",
        "Precision and recall",
        "Precision: share of the predicted positives that are positive. Recall: share of the positives that "
        "are predicted positive. "
        f"{about}",
        lambda ax: evaluation.precision_recall(ax, recalls, share),
    )


def _calibration_of_all(held: HeldOut, is_positive: NDArray[np.bool_], name: str, about: str) -> Picture:
    """Return the calibration of all classes or labels together: each row counts once for each, (n, k)."""
    weights = None if held.weights is None else np.repeat(held.weights, is_positive.shape[1])
    return _calibration(name, held.predicted.ravel(), is_positive.ravel(), weights, about)


def _calibration(
    name: str,
    score: NDArray[np.float64],
    positive: NDArray[np.bool_],
    weights: NDArray[np.float64] | None,
    about: str = "",
) -> Picture:
    found = calibration(score, positive, weights)
    return _picture(
        "calibration",
        "Calibration",
        f"{about}Perfect calibration lies on the dashed line. Bars are 95% intervals.",
        lambda ax: evaluation.calibration(ax, found, name),
    )


def _columns(findings: Findings) -> Iterator[Picture]:
    if not findings.important:
        return
    model = findings.model
    count = min(len(findings.important), effects.MOST_BARS)
    height = 60.0 + 22.0 * count
    metric = "r2" if findings.targets else findings.metric.replace("_", " ")
    note = screening_note(findings.important)
    screened = f" {note[:1].upper()}{note[1:]}." if note else ""
    yield _picture(
        "importance",
        "Permutation importance",
        f"How much worse the score gets when the values of a column are shuffled.{screened}",
        lambda ax: effects.importance(ax, findings.important, metric),
        height,
    )
    yield _picture(
        "changes",
        "Sensitivity",
        "Mean absolute change of the prediction when a number moves by its interquartile range, or when a category is "
        "replaced by that of another row."
        + " For dates and free text, the largest over their components."
        * bool(model.schema.datetimes or model.schema.free_texts),
        lambda ax: effects.changes(ax, findings.important, _answer(model.head)),
        height,
    )


def _drift(findings: Findings) -> Iterator[Picture]:
    moved = [each for each in findings.drift or () if each.is_clear]
    if not moved:
        return
    count = min(len(moved), effects.MOST_BARS)
    yield _picture(
        "drift",
        "Distance of the distributions",
        "0: as in the training rows, 1: no overlap (Kolmogorov-Smirnov; for categories, total variation). "
        "The black line is the distance that chance explains.",
        lambda ax: effects.drift(ax, moved),
        60.0 + 22.0 * count,
    )


def _dependences(findings: Findings) -> Iterator[Picture]:
    model, held = findings.model, findings.held
    names = [each.name for each in findings.important if each.columns == 1] or [
        column.name for column in findings.columns
    ]
    rows: tuple[Any, ...] = () if held is None else (held.numbers, held.codes)
    texts = {feature.name for feature in model.schema.free_texts}
    for i, name in enumerate([name for name in names if name not in texts][:DEPENDENCES]):
        found = dependences(model, name, *rows)
        if names_shown := label_names(model.head) or (model.classes if len(model.classes) > 2 else ()):
            yield _of_each(f"dependence-{i}", names_shown, found, "classes" if model.classes else "labels")
        elif targets := number_names(model.head):
            for j, target in enumerate(targets[:CLASS_CURVES]):
                yield _of_target(f"dependence-{i}-{j}", found[j], target)
        else:
            yield _dependence(findings, f"dependence-{i}", found[answer_number(model.head)])


def _of_each(name: str, answers: Sequence[str], found: Sequence[Dependence], what: str) -> Picture:
    """Draw the dependence of the probability of each label or class."""
    shown = dict(zip(answers[:CLASS_CURVES], found, strict=False))
    text = _among(shown, answers, what)
    return _picture(name, label(found[0].name), text, lambda ax: effects.label_dependence(ax, shown))


def _of_target(name: str, found: Dependence, target: str) -> Picture:
    """Draw the dependence of one of several numeric targets."""
    heading = f"{label(target)} by {label(found.name)}"
    return _picture(name, heading, "", lambda ax: effects.dependence(ax, found, target))


def _dependence(findings: Findings, name: str, found: Dependence) -> Picture:
    model, held = findings.model, findings.held
    if held is not None and is_single_neuron(model):
        at, y = held.numbers[:, 0], held.truth
        text = "One neuron: a line with a kink (CS229, Figure 1)."
        return _picture(name, label(found.name), text, lambda ax: effects.neuron(ax, at, y, found, model.target))
    return _picture(name, label(found.name), "", lambda ax: effects.dependence(ax, found, _answer(model.head)))


def _among(shown: Sized, answers: Sized, what: str = "labels") -> str:
    return f"The first {len(shown)} of {len(answers)} {what}." if len(answers) > len(shown) else ""


def _answer(head: Head) -> str:
    """Name the predicted quantity: the target, or the probability of the positive class, of a class or of a label.

    Several targets change by their standard deviations.
    """
    if number_names(head):
        return "the targets, in standard deviations"
    if label_names(head):
        return "a label's probability"
    if len(head.classes) > 2:
        return "a class's probability"
    return f"p({head.classes[head.positive]})" if head.classes else head.target.name

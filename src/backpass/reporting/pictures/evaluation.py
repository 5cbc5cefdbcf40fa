"""Evaluation: scores, predictions, errors and decisions drawn on matplotlib axes, with one function per picture.

Functions take ``Axes`` and finished numbers, and compute only the layout. Their callers have entered
``style.house_style``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from backpass.numerics.bootstrap import Interval
from backpass.reporting.numbers.curves import Calibration, Curve, thinned
from backpass.reporting.pictures.axes import Floats, cloud, fill, look, short, span
from backpass.reporting.pictures.style import ACCENT, INK, MUTED, PAPER

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FAINTEST, STRONGEST = 0.06, 0.6
"""The opacity of cells of the confusion matrix without rows and with all rows; figures in ink are legible on both."""
MOST_CLASSES = 12


def scores(ax: Axes, metric: str, network: Interval, others: Mapping[str, float]) -> None:
    """Draw the network's score with its 95% interval and the baselines' scores, one per line.

    Args:
        ax: The axes.
        metric: The name of the metric.
        network: The network's score.
        others: The baselines' scores by name.
    """
    names = ["network", *others]
    places = np.arange(len(names))[::-1]
    for place, value in zip(places[1:], others.values(), strict=True):
        ax.plot([value], [place], "o", color=MUTED, markersize=6)
    ax.plot([network.low, network.high], [places[0]] * 2, color=ACCENT, linewidth=2.5)
    ax.plot([network.value], [places[0]], "o", color=ACCENT, markersize=8)
    ax.set_yticks(places, names)
    ax.set_ylim(-0.6, len(names) - 0.4)
    ax.margins(x=0.12)
    ax.set_xlabel(metric)
    ax.grid(axis="x")
    ax.grid(visible=False, axis="y")


def predictions(ax: Axes, truth: Floats, predicted: Floats, target: str) -> None:
    """Draw predicted against true values; perfect predictions lie on the diagonal."""
    low, high = span(np.concatenate([truth, predicted]))
    cloud(ax, truth, predicted, (low, high, low, high))
    ax.plot([low, high], [low, high], color=MUTED, linewidth=1.0, linestyle=(0, (4, 3)))
    ax.set(xlim=(low, high), ylim=(low, high), xlabel=f"true {short(target, 40)}", ylabel="predicted")


def residuals(ax: Axes, truth: Floats, predicted: Floats, target: str) -> None:
    """Draw residuals (true - predicted) against predictions; visible structure indicates underfitting."""
    rest = truth - predicted
    low, high = span(predicted)
    far = float(np.quantile(np.abs(rest), 0.995)) * 1.05 or 1.0
    cloud(ax, predicted, rest, (low, high, -far, far))
    ax.axhline(0.0, color=MUTED, linewidth=1.0, linestyle=(0, (4, 3)))
    ax.set(xlim=(low, high), ylim=(-far, far), xlabel=f"predicted {short(target, 40)}", ylabel="true − predicted")


def confusion(ax: Axes, counts: NDArray[np.float64], classes: Sequence[str]) -> None:
    """Draw the confusion matrix: true classes as rows, predicted classes as columns, shaded by share of the row."""
    counts = counts[:MOST_CLASSES, :MOST_CLASSES]
    names = [short(name, 12) for name in classes[:MOST_CLASSES]]
    k = len(names)
    of_class = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, of_class, out=np.zeros_like(counts), where=of_class > 0.0)
    edges = np.arange(k + 1) - 0.5
    mesh = ax.pcolormesh(edges, edges, shares, edgecolors=PAPER, linewidth=2)
    fill(mesh, np.round(_FAINTEST + (STRONGEST - _FAINTEST) * shares.ravel(), 2))
    mesh.set_edgecolor(PAPER)
    size = 10 if k <= 6 else 7.5
    decimals = 0 if (counts == np.round(counts)).all() else 1
    for i in range(k):
        for j in range(k):
            ax.text(j, i, f"{counts[i, j]:,.{decimals}f}", ha="center", va="center", color=INK, fontsize=size)
    ax.set_xticks(range(k), names, rotation=0 if k <= 5 else 45, ha="center" if k <= 5 else "right")
    ax.set_yticks(range(k), names)
    ax.set(xlabel="predicted", ylabel="true", xlim=(-0.5, k - 0.5), ylim=(k - 0.5, -0.5))
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)


def roc(ax: Axes, curves: Mapping[str, Curve]) -> None:
    """Draw the true positive rate against the false positive rate, one curve per class or label."""
    _curves(ax, curves, "area")
    ax.plot([0, 1], [0, 1], color=MUTED, linewidth=1.0, linestyle=(0, (4, 3)), zorder=0)
    ax.set(xlabel="false positive rate", ylabel="true positive rate", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    ax.legend(loc="lower right")


def precision_recall(ax: Axes, curves: Mapping[str, Curve], share: float | None = None) -> None:
    """Draw precision against recall; a dashed line marks ``share``, the precision of random guessing."""
    _curves(ax, curves, "average precision")
    if share is not None:
        ax.axhline(share, color=MUTED, linewidth=1.0, linestyle=(0, (4, 3)), zorder=0)
    ax.set(xlabel="recall", ylabel="precision", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    ax.legend(loc="best")


def _curves(ax: Axes, curves: Mapping[str, Curve], what: str) -> None:
    for i, (name, curve) in enumerate(curves.items()):
        shown = thinned(curve, 160)
        color, dashes = look(i)
        text = f"{short(name, 18)}, {what} {curve.area:.3f}" if len(curves) > 1 else f"{what} {curve.area:.3f}"
        ax.plot(shown.x, shown.y, color=color, linestyle=dashes, label=text)


def calibration(ax: Axes, found: Calibration, name: str) -> None:
    """Draw observed shares (with 95% intervals) against predicted probabilities; the diagonal is perfect."""
    top = _end_of_axis(float(max(found.predicted.max(), found.high.max())))
    ax.plot([0, 1], [0, 1], color=MUTED, linewidth=1.0, linestyle=(0, (4, 3)), zorder=0)
    ax.vlines(found.predicted, found.low, found.high, color=ACCENT, linewidth=1.4, alpha=0.6)
    ax.plot(found.predicted, found.observed, "o-", color=ACCENT, markersize=4.5, linewidth=1.4)
    ax.set(xlabel=f"predicted probability of {short(name, 18)}", ylabel="observed share")
    ax.set(xlim=(-0.02 * top, 1.02 * top), ylim=(-0.02 * top, 1.02 * top))


def _end_of_axis(highest: float) -> float:
    """Where an axis of probabilities ends: at 1, or at the highest one if all are small, as those of a rare class."""
    return 1.0 if highest > 0.5 or highest == 0.0 else highest


def gain(ax: Axes, rows: Floats, found: Floats, name: str) -> None:
    """Draw the share of positive rows found against the share of rows taken, the most probable ones first."""
    ax.plot([0, 1], [0, 1], color=MUTED, linewidth=1.0, linestyle=(0, (4, 3)), zorder=0)
    shown = thinned(Curve(rows, found, 0.0), 160)
    ax.plot(shown.x, shown.y, color=ACCENT)
    ax.set(xlabel="share of the rows", ylabel=f"share of {short(name, 18)} found")
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))


def cost(ax: Axes, at: Floats, costs: Floats, threshold: float, what: str) -> None:
    """Draw the cost of all errors by threshold; a dashed line marks the threshold of the model.

    Args:
        ax: The axes.
        at: (m,). Thresholds, ascending.
        costs: (m,). The cost at each.
        threshold: The threshold of the model.
        what: The name of the cost.
    """
    shown = np.unique(np.linspace(0, len(at) - 1, 400).astype(int))
    ax.step(at[shown], costs[shown], where="pre", color=ACCENT)
    ax.axvline(threshold, color=MUTED, linewidth=1.0, linestyle=(0, (4, 3)), zorder=0)
    right = _end_of_axis(max(float(at[-1]), threshold))
    ax.set(xlabel="threshold", ylabel=what, xlim=(-0.02 * right, 1.02 * right))
    ax.set_ylim(bottom=0.0)

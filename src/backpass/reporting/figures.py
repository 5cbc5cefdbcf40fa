"""Figures: the report's numbers drawn on matplotlib axes, with one function per picture.

Functions take ``Axes`` and finished numbers, and compute only the layout. Their callers have entered
``style.house_style``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backpass.numerics.bootstrap import Interval
from backpass.reporting.curves import Calibration, Curve, thinned
from backpass.reporting.dependence import Dependence
from backpass.reporting.importance import Importance
from backpass.reporting.learning_curve import Course
from backpass.reporting.style import ACCENT, INK, MUTED, PAPER, SECOND, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]
MOST_POINTS = 600  # more rows than this are drawn as a density, not as dots
MOST_BARS, MOST_CLASSES = 15, 12
FEW_EPOCHS = 20
LONGEST = 26  # maximum length of a name next to an axis


def history(ax: Axes, course: Course, rates: Axes | None = None) -> None:
    """Draw the learning curves: training loss and validation score by epoch, with the best epoch.

    Args:
        ax: The axes of the curves.
        course: The training history.
        rates: Axes below for the learning rate; None for no learning rate.
    """
    epochs, few = course.epochs, len(course.epochs) < 3
    marker = "o" if few else None
    if course.scores:
        ax.plot(epochs, course.scores, color=ACCENT, marker=marker, label=f"validation {course.score_name}", zorder=3)
        best = course.scores[course.best - 1] if course.best else None
        if best is not None:
            ax.plot([course.best], [best], "o", color=ACCENT, markersize=6, zorder=4)
            ax.axvline(course.best, ymax=0.76, color=MUTED, linewidth=0.8, linestyle=(0, (3, 3)))
            _note(ax, course.best, course.best > epochs[-1] / 2, f"best epoch {course.best}")
    beside = ax if course.together or not course.scores else _right_of(ax, course.train_name)
    beside.plot(epochs, course.train, color=SECOND, marker=marker, label=f"training {course.train_name}")
    ax.set_xlabel("epoch")
    ax.set_ylabel(course.score_name if course.scores else course.train_name)
    _whole_ticks(ax)
    lines = [line for axes in dict.fromkeys((ax, beside)) for line in axes.get_legend_handles_labels()[0]]
    ax.legend(handles=lines, loc="upper right")
    for axes in dict.fromkeys((ax, beside)):
        _zoom(axes, len(epochs))
    if rates is not None:
        _below(rates, course, marker)
        rates.set_xlabel("epoch")
        ax.set_xlabel("")
        ax.tick_params(labelbottom=False)


def _right_of(ax: Axes, name: str) -> Axes:
    """Create axes over the same epochs with a separate scale on the right, for a curve in another unit."""
    right = ax.twinx()
    right.set_ylabel(name)
    right.grid(visible=False)
    right.spines["right"].set_visible(True)
    return right


def _zoom(ax: Axes, epochs: int) -> None:
    """Clip the first epoch of a long run at the top, because its high values would flatten the rest of the curve."""
    ax.margins(y=0.08)
    if epochs < FEW_EPOCHS:
        return
    curves = [np.asarray(line.get_ydata()) for line in ax.get_lines()]
    values = np.concatenate([curve[1:] for curve in curves if len(curve) == epochs])
    gap = 0.08 * (values.max() - values.min() or 1.0)
    ax.set_ylim(values.min() - gap, values.max() + 3 * gap)


def _below(ax: Axes, course: Course, marker: str | None) -> None:
    """Draw the learning rate by epoch."""
    ax.plot(course.epochs, course.rates, color=MUTED, linewidth=1.4, marker=marker)
    ax.set_ylabel("learning\nrate")
    ax.set_ylim(bottom=0.0)
    ax.locator_params(axis="y", nbins=3)
    _whole_ticks(ax)


def _note(ax: Axes, x: float, is_late: bool, text: str) -> None:
    """Write a note above the axes at x, to its left if ``is_late``, otherwise to its right."""
    side = "right" if is_late else "left"
    ax.annotate(
        text,
        (x, 1.0),
        (0, 3),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha=side,
        va="bottom",
        color=MUTED,
        fontsize=9.5,
    )


def _whole_ticks(ax: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(nbins=7, integer=True, min_n_ticks=1))


def scores(ax: Axes, metric: str, network: Interval, others: Mapping[str, float]) -> None:
    """Draw the network's score with its 95 % interval and the baselines' scores, one per line.

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
    low, high = _span(np.concatenate([truth, predicted]))
    _cloud(ax, truth, predicted, (low, high, low, high))
    ax.plot([low, high], [low, high], color=MUTED, linewidth=1.0, linestyle=(0, (4, 3)))
    ax.set(xlim=(low, high), ylim=(low, high), xlabel=f"true {_short(target, 40)}", ylabel="predicted")


def residuals(ax: Axes, truth: Floats, predicted: Floats, target: str) -> None:
    """Draw residuals (true - predicted) against predictions; visible structure indicates underfitting."""
    rest = truth - predicted
    low, high = _span(predicted)
    far = float(np.quantile(np.abs(rest), 0.995)) * 1.05 or 1.0
    _cloud(ax, predicted, rest, (low, high, -far, far))
    ax.axhline(0.0, color=MUTED, linewidth=1.0, linestyle=(0, (4, 3)))
    ax.set(xlim=(low, high), ylim=(-far, far), xlabel=f"predicted {_short(target, 40)}", ylabel="true − predicted")


def _span(values: Floats) -> tuple[float, float]:
    low, high = float(np.quantile(values, 0.001)), float(np.quantile(values, 0.999))
    gap = 0.03 * ((high - low) or abs(high) or 1.0)
    return low - gap, high + gap


def _cloud(ax: Axes, x: Floats, y: Floats, extent: tuple[float, float, float, float]) -> None:
    """Draw rows as dots, or, if there are many, as hexagons that are darker where there are more rows."""
    inside = (x >= extent[0]) & (x <= extent[1]) & (y >= extent[2]) & (y <= extent[3])
    x, y = x[inside], y[inside]
    if len(x) <= MOST_POINTS:
        ax.plot(x, y, "o", color=ACCENT, markersize=4, markeredgewidth=0, alpha=0.55)
        return
    drawn = ax.hexbin(x, y, gridsize=(34, 20), mincnt=1, extent=extent, linewidths=0)
    counts = np.asarray(drawn.get_array(), dtype=np.float64)
    strength = 0.10 + 0.85 * np.log1p(counts) / np.log1p(counts.max())
    _fill(drawn, np.round(strength, 2))


def _fill(drawn: Any, strength: Floats) -> None:
    """Fill each patch with the accent color; opacity shows its value, which works on light and dark pages."""
    from matplotlib.colors import to_rgb

    drawn.set_array(None)
    drawn.set_facecolor([(*to_rgb(ACCENT), alpha) for alpha in strength])
    drawn.set_edgecolor("none")


def confusion(ax: Axes, counts: NDArray[np.int64], classes: Sequence[str]) -> None:
    """Draw the confusion matrix: true classes as rows, predicted classes as columns, shaded by share of the row."""
    counts = counts[:MOST_CLASSES, :MOST_CLASSES]
    names = [_short(name, 12) for name in classes[:MOST_CLASSES]]
    k = len(names)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    edges = np.arange(k + 1) - 0.5
    mesh = ax.pcolormesh(edges, edges, shares, edgecolors=PAPER, linewidth=2)
    _fill(mesh, np.round(0.06 + 0.84 * shares.ravel(), 2))
    mesh.set_edgecolor(PAPER)
    size = 10 if k <= 6 else 7.5
    for i in range(k):
        for j in range(k):
            color = PAPER if shares[i, j] > 0.55 else INK
            ax.text(j, i, f"{counts[i, j]:,}", ha="center", va="center", color=color, fontsize=size)
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
    ax.legend(loc="lower left" if len(curves) == 1 else "best")


_DASHES: tuple[Any, ...] = ("solid", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)))


def _look(i: int) -> tuple[str, Any]:
    """Return the color and the dash pattern of curve i."""
    return (ACCENT, SECOND, INK, MUTED)[i % 4], _DASHES[i // 4 % 4]


def _curves(ax: Axes, curves: Mapping[str, Curve], what: str) -> None:
    for i, (name, curve) in enumerate(curves.items()):
        shown = thinned(curve, 160)
        color, dashes = _look(i)
        text = f"{_short(name, 18)}, {what} {curve.area:.3f}" if len(curves) > 1 else f"{what} {curve.area:.3f}"
        ax.plot(shown.x, shown.y, color=color, linestyle=dashes, label=text)


def calibration(ax: Axes, found: Calibration, name: str) -> None:
    """Draw observed shares (with 95 % intervals) against predicted probabilities; the diagonal is perfect."""
    ax.plot([0, 1], [0, 1], color=MUTED, linewidth=1.0, linestyle=(0, (4, 3)), zorder=0)
    ax.vlines(found.predicted, found.low, found.high, color=ACCENT, linewidth=1.4, alpha=0.6)
    ax.plot(found.predicted, found.observed, "o-", color=ACCENT, markersize=4.5, linewidth=1.4)
    ax.set(xlabel=f"predicted probability of {_short(name, 18)}", ylabel="observed share")
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))


def gain(ax: Axes, rows: Floats, found: Floats, name: str) -> None:
    """Draw the share of positive rows found against the share of rows taken, the most probable ones first."""
    ax.plot([0, 1], [0, 1], color=MUTED, linewidth=1.0, linestyle=(0, (4, 3)), zorder=0)
    shown = thinned(Curve(rows, found, 0.0), 160)
    ax.plot(shown.x, shown.y, color=ACCENT)
    ax.set(xlabel="share of the rows", ylabel=f"share of {_short(name, 18)} found")
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
    ax.set(xlabel="threshold", ylabel=what, xlim=(-0.02, 1.02))
    ax.set_ylim(bottom=0.0)


def importance(ax: Axes, found: Sequence[Importance], metric: str) -> None:
    """Draw permutation importance: the mean increase of the metric, with its standard deviation over repetitions."""
    first = found[:MOST_BARS]
    places = np.arange(len(first))[::-1]
    ax.barh(places, [each.worse for each in first], height=0.62, color=ACCENT, alpha=0.85)
    for place, each in zip(places, first, strict=True):
        ax.plot([each.worse - each.spread, each.worse + each.spread], [place] * 2, color=INK, linewidth=1.2)
    _bars(ax, places, first, f"increase of {metric} when shuffled")


def changes(ax: Axes, found: Sequence[Importance], target: str) -> None:
    """Draw the mean change of the prediction when each column moves, in the order of importance."""
    first = found[:MOST_BARS]
    places = np.arange(len(first))[::-1]
    ax.barh(places, [each.change for each in first], height=0.62, color=ACCENT, alpha=0.5)
    _bars(ax, places, first, f"mean |change| of {_short(target, 30)}")


def _bars(ax: Axes, places: NDArray[np.int_], found: Sequence[Importance], what: str) -> None:
    """Format the axes of horizontal bars: column names at the left, a line at 0, and no frame."""
    ax.set_yticks(places, [_short(each.name) for each in found])
    ax.set_ylim(-0.6, len(found) - 0.4)
    ax.set_xlabel(what)
    ax.locator_params(axis="x", nbins=6)
    ax.axvline(0.0, color=MUTED, linewidth=0.8)
    ax.spines["left"].set_visible(False)
    ax.grid(visible=True, axis="x")
    ax.grid(visible=False, axis="y")


def dependence(ax: Axes, found: Dependence, target: str) -> None:
    """Draw partial dependence, with faint ICE curves of single rows."""
    if found.kind == "categorical":
        _levels(ax, found, target)
        return
    at = np.asarray(found.at)
    ax.plot(at[::3], found.lines.T[::3], color=MUTED, linewidth=0.6, alpha=0.35)
    ax.plot(at, found.mean, color=ACCENT, linewidth=2.2)
    for kink in found.kinks:
        ax.axvline(kink, color=SECOND, linewidth=1.0, linestyle=(0, (3, 3)))
    ax.set(xlabel=_short(found.name, 40), ylabel=_short(target, 30))
    _along(ax, found)


def label_dependence(ax: Axes, found: Mapping[str, Dependence]) -> None:
    """Draw the partial dependence of each label; for a categorical column, a point for each label and category."""
    first = next(iter(found.values()))
    for i, (name, each) in enumerate(found.items()):
        color, dashes = _look(i)
        if first.kind == "categorical":
            places = np.arange(len(each.mean))[::-1]
            ax.plot(
                each.mean, places, "oD^s"[i // 4 % 4], color=color, markersize=6, alpha=0.85, label=_short(name, 18)
            )
        else:
            ax.plot(np.asarray(each.at), each.mean, color=color, linestyle=dashes, label=_short(name, 18))
    if first.kind == "categorical":
        _levels_beside(ax, first, "probability")
        ax.set_xlim(-0.02, 1.02)
    else:
        ax.set(xlabel=_short(first.name, 40), ylabel="probability", ylim=(-0.02, 1.02))
        _along(ax, first)
    ax.legend(loc="best")


def _along(ax: Axes, found: Dependence) -> None:
    """Format the x axis for numbers, dates (days since 1970-01-01, as in matplotlib) or times (hours)."""
    at = np.asarray(found.at)
    if found.kind == "numeric":
        ax.locator_params(axis="x", nbins=6)
        ax.margins(x=0.02)
        return
    ax.set_xlim(at[0], at[-1])  # no margin: matplotlib has no dates before the year 1
    if found.kind == "date":
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        locator = AutoDateLocator(minticks=3, maxticks=7)
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))
        return
    ax.locator_params(axis="x", nbins=6, steps=[1, 2, 3, 6, 10])
    ax.xaxis.set_major_formatter(lambda hours, _: f"{int(hours):02}:{round(hours % 1 * 60):02}")


def _levels(ax: Axes, found: Dependence, target: str) -> None:
    assert isinstance(found.at, tuple)
    places = np.arange(len(found.at))[::-1]
    ax.plot(found.lines.T, places, "o", color=MUTED, markersize=2.5, markeredgewidth=0, alpha=0.3)
    ax.plot(found.mean, places, "o", color=ACCENT, markersize=7)
    _levels_beside(ax, found, target)


def _levels_beside(ax: Axes, found: Dependence, target: str) -> None:
    places = np.arange(len(found.at))[::-1]
    ax.set_yticks(places, [_short(level) for level in found.at])
    ax.set_ylim(-0.6, len(places) - 0.4)
    ax.set(xlabel=_short(target, 40))
    ax.locator_params(axis="x", nbins=6)
    ax.grid(visible=True, axis="x")


def neuron(ax: Axes, at: Floats, y: Floats, line: Dependence, target: str) -> None:
    """Draw Figure 1 of the notes: rows, and the curve of one ReLU neuron with its breakpoint.

    Args:
        ax: The axes.
        at: (n,). The values of the column.
        y: (n,). The true targets.
        line: The dependence of the prediction on the column.
        target: The name of the target.
    """
    inside = (at >= np.asarray(line.at)[0]) & (at <= np.asarray(line.at)[-1])
    _cloud(ax, at[inside], y[inside], (*_span(at[inside]), *_span(y[inside])))
    ax.set(ylim=_span(np.concatenate([y[inside], line.mean])))
    ax.plot(np.asarray(line.at), line.mean, color=SECOND, linewidth=2.4)
    for kink in line.kinks:
        ax.plot([kink], [float(np.min(line.mean))], "o", color=SECOND, markersize=7)
    ax.set(xlabel=_short(line.name, 40), ylabel=_short(target, 40))
    _along(ax, line)


def _short(name: str, most: int = LONGEST) -> str:
    text = label(name)
    return text if len(text) <= most else f"{text[: most - 1]}…"

"""Effects: what the columns do to the prediction, drawn on matplotlib axes, with one function per picture.

Functions take ``Axes`` and finished numbers, and compute only the layout. Their callers have entered
``style.house_style``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from backpass.reporting.explanation.dependence import Dependence
from backpass.reporting.explanation.importance import Importance
from backpass.reporting.numbers.drift import Drift
from backpass.reporting.pictures.axes import Floats, cloud, look, short, span
from backpass.reporting.pictures.style import ACCENT, INK, MUTED, SECOND

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_BARS = 15


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
    _bars(ax, places, first, f"mean |change| of {short(target, 30)}")


def drift(ax: Axes, found: Sequence[Drift]) -> None:
    """Draw the distance of each column from its training rows; a line marks the distance that chance explains."""
    first = found[:MOST_BARS]
    places = np.arange(len(first))[::-1]
    ax.barh(places, [each.distance for each in first], height=0.62, color=ACCENT, alpha=0.85)
    for place, each in zip(places, first, strict=True):
        ax.plot([each.chance] * 2, [place - 0.42, place + 0.42], color=INK, linewidth=1.2)
    _bars(ax, places, first, "distance from the training rows")
    ax.set_xlim(0.0, 1.0)


def _bars(ax: Axes, places: NDArray[np.int_], found: Sequence[Importance | Drift], what: str) -> None:
    """Format the axes of horizontal bars: column names at the left, a line at 0, and no frame."""
    ax.set_yticks(places, [short(each.name) for each in found])
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
    ax.set(xlabel=short(found.name, 40), ylabel=short(target, 30))
    _along(ax, found)


def label_dependence(ax: Axes, found: Mapping[str, Dependence]) -> None:
    """Draw the partial dependence of each label; for a categorical column, a point for each label and category."""
    first = next(iter(found.values()))
    for i, (name, each) in enumerate(found.items()):
        color, dashes = look(i)
        if first.kind == "categorical":
            places = np.arange(len(each.mean))[::-1]
            ax.plot(each.mean, places, "oD^s"[i // 4 % 4], color=color, markersize=6, alpha=0.85, label=short(name, 18))
        else:
            ax.plot(np.asarray(each.at), each.mean, color=color, linestyle=dashes, label=short(name, 18))
    if first.kind == "categorical":
        _mark_levels(ax, first, "probability")
        ax.set_xlim(-0.02, 1.02)
    else:
        ax.set(xlabel=short(first.name, 40), ylabel="probability", ylim=(-0.02, 1.02))
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
    _mark_levels(ax, found, target)


def _mark_levels(ax: Axes, found: Dependence, target: str) -> None:
    places = np.arange(len(found.at))[::-1]
    ax.set_yticks(places, [short(level) for level in found.at])
    ax.set_ylim(-0.6, len(places) - 0.4)
    ax.set(xlabel=short(target, 40))
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
    cloud(ax, at[inside], y[inside], (*span(at[inside]), *span(y[inside])))
    ax.set(ylim=span(np.concatenate([y[inside], line.mean])))
    ax.plot(np.asarray(line.at), line.mean, color=SECOND, linewidth=2.4)
    for kink in line.kinks:
        ax.plot([kink], [float(np.min(line.mean))], "o", color=SECOND, markersize=7)
    ax.set(xlabel=short(line.name, 40), ylabel=short(target, 40))
    _along(ax, line)

"""History: the learning curves of a training run, drawn on matplotlib axes.

The caller has entered ``style.house_style``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from backpass.reporting.numbers.learning_curve import LearningCurves
from backpass.reporting.pictures.style import ACCENT, MUTED, SECOND

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEW_EPOCHS = 20


def history(ax: Axes, curves: LearningCurves, rates: Axes | None = None) -> None:
    """Draw the learning curves: training loss and validation score by epoch, with the best epoch.

    Args:
        ax: The axes of the curves.
        curves: The training history.
        rates: Axes below for the learning rate; None for no learning rate.
    """
    epochs, few = curves.epochs, len(curves.epochs) < 3
    marker = "o" if few else None
    if curves.scores:
        ax.plot(epochs, curves.scores, color=ACCENT, marker=marker, label=f"validation {curves.score_name}", zorder=3)
        best = curves.scores[curves.best - 1] if curves.best else None
        if best is not None:
            ax.plot([curves.best], [best], "o", color=ACCENT, markersize=6, zorder=4)
            ax.axvline(curves.best, ymax=0.76, color=MUTED, linewidth=0.8, linestyle=(0, (3, 3)))
            _note(ax, curves.best, curves.best > epochs[-1] / 2, f"best epoch {curves.best}")
    right = ax if curves.together or not curves.scores else _right_of(ax, curves.train_name)
    right.plot(epochs, curves.train, color=SECOND, marker=marker, label=f"training {curves.train_name}")
    ax.set_xlabel("epoch")
    ax.set_ylabel(curves.score_name if curves.scores else curves.train_name)
    _whole_ticks(ax)
    lines = [line for axes in dict.fromkeys((ax, right)) for line in axes.get_legend_handles_labels()[0]]
    ax.legend(handles=lines, loc="upper right")
    for axes in dict.fromkeys((ax, right)):
        _zoom(axes, len(epochs))
    if rates is not None:
        _below(rates, curves, marker)
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


def _below(ax: Axes, curves: LearningCurves, marker: str | None) -> None:
    """Draw the learning rate by epoch."""
    ax.plot(curves.epochs, curves.rates, color=MUTED, linewidth=1.4, marker=marker)
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

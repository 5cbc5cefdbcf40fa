"""The pictures of one model as matplotlib axes, available as ``model.plot``.

    ax = model.plot.history()
    ax = model.plot.dependence("age", data="rows.csv")
    ax.figure.savefig("age.png")

Every method takes ``ax``, the axes to draw on, and returns them. Without ``ax`` it creates a pyplot figure, which
notebooks display. The drawing itself is done in ``reporting.pictures``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from backpass.dataclass import dataclass
from backpass.errors import UsageError
from backpass.model.anatomy.neuron import is_single_neuron
from backpass.model.head.head import MOST_CONFUSED
from backpass.model.model import Model
from backpass.reporting.explanation.attribution import explain
from backpass.reporting.explanation.dependence import answer_number, dependences
from backpass.reporting.explanation.importance import importance_metric, importances
from backpass.reporting.numbers.curves import roc
from backpass.reporting.numbers.held_out import HeldOut, held_out, number_names
from backpass.reporting.numbers.labels import label_names
from backpass.reporting.numbers.learning_curve import learning_curves_of
from backpass.reporting.pictures import drawing, effects, evaluation, history, waterfall
from backpass.reporting.pictures.scene import SMALL, scene_of
from backpass.reporting.pictures.style import HEIGHT, WIDTH, house_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True)
class Plots:
    """The pictures of a model.

    The argument ``data`` of a method is a table with known targets: a path, a data frame, a dict or a Table. Of the
    table that the model was trained on, only the test (or validation) rows are used. Methods raise UsageError if
    matplotlib is not installed, and DataError if the table lacks something.

    Attributes:
        model: The model.
    """

    model: Model

    def history(self, ax: Axes | None = None) -> Axes:
        """Draw the learning curves: training loss and validation score by epoch, with the best epoch.

        Args:
            ax: The axes to draw on. Default None: those of a new figure.

        Raises:
            UsageError: The model has no history, or matplotlib is not installed.
        """
        curves = learning_curves_of(self.model)
        if not curves.epochs:
            raise UsageError("this model has no history: it was not trained for a whole epoch")
        return _drawn(ax, lambda axes: history.history(axes, curves))

    def predictions(self, data: Any, ax: Axes | None = None) -> Axes:
        """Draw predicted against true numbers, the confusion matrix of classes, or the ROC curves of labels.

        Args:
            data: Rows with known targets.
            ax: The axes to draw on.

        Raises:
            UsageError: There are too many classes for a confusion matrix.
        """
        held, model = self._held(data, "predictions"), self.model
        if names := label_names(model.head):
            curves = {
                name: roc(held.predicted[:, j], held.truth[:, j] == 1, held.weights) for j, name in enumerate(names)
            }
            return _drawn(ax, lambda axes: evaluation.roc(axes, curves))
        counts = model.head.confusion(held.outputs, held.truth, held.weights)
        if counts is not None:
            return _drawn(ax, lambda axes: evaluation.confusion(axes, counts, model.classes))
        if model.classes:
            raise UsageError(f"a confusion matrix of {len(model.classes):,} classes; expected at most {MOST_CONFUSED}")
        return _drawn(ax, lambda axes: evaluation.predictions(axes, held.truth, held.predicted, model.target))

    def importance(self, data: Any, ax: Axes | None = None, *, seed: int = 0) -> Axes:
        """Draw the permutation importance of each column.

        Args:
            data: Rows with known targets.
            ax: The axes to draw on.
            seed: The seed of the permutations.
        """
        held = self._held(data, "importance")
        found, metric = importances(self.model, held, seed=seed), importance_metric(self.model.head, held, seed=seed)
        return _drawn(ax, lambda axes: effects.importance(axes, found, metric))

    def dependence(self, column: str, data: Any = None, ax: Axes | None = None) -> Axes:
        """Draw the partial dependence of the prediction on one column.

        For a model with labels or with more than two classes, the curve of each is drawn. A model that is a single
        neuron on one column is drawn together with the rows, as in Figure 1 of the notes.

        Args:
            column: The name of the column.
            data: Rows with known targets to average over; None for the typical row.
            ax: The axes to draw on.

        Raises:
            UsageError: The column is unknown, with the most similar one as a hint, or it is free text.
        """
        model = self.model
        held = None if data is None else self._held(data, "dependence")
        rows = () if held is None else (held.numbers, held.codes)
        each = dependences(model, column, *rows)
        if names := label_names(model.head) or (model.classes if len(model.classes) > 2 else ()):
            return _drawn(ax, lambda axes: effects.label_dependence(axes, dict(zip(names, each, strict=True))))
        found = each[answer_number(model.head)]
        if held is not None and is_single_neuron(model):
            at, y = held.numbers[:, 0], held.truth
            return _drawn(ax, lambda axes: effects.neuron(axes, at, y, found, model.target))
        target = f"p({model.classes[answer_number(model.head)]})" if model.classes else model.target
        return _drawn(ax, lambda axes: effects.dependence(axes, found, target))

    def explanation(self, data: Any, row: int = 0, class_name: str | None = None, ax: Axes | None = None) -> Axes:
        """Draw the contributions of the columns to the prediction for one row, as a waterfall.

        Args:
            data: Rows; their targets need not be known.
            row: The position of the row, from 0.
            class_name: The class whose probability is explained. Default None: the positive one of two classes,
                otherwise the most probable one.
            ax: The axes to draw on.

        Raises:
            UsageError: There is no such row or class, the model has several targets, or matplotlib is not installed.
        """
        table = self.model.table(data)
        if not 0 <= row < table.rows:
            raise UsageError(f"row {row} is not in the data, which have {table.rows:,} rows (counted from 0)")
        one = table.take(np.array([row]))
        found = waterfall.waterfall_of(explain(self.model, one, class_name), 0, self.model.target)
        size = (WIDTH, waterfall.height_of(found))
        return _drawn(ax, lambda axes: waterfall.draw(axes, found), size)

    def network(self, ax: Axes | None = None) -> Axes:
        """Draw the network as in Figures 2 and 3 of the notes; color and width of a line show its weight.

        Args:
            ax: The axes to draw on. Default None: those of a new figure.
        """
        scene = scene_of(self.model)
        size = (scene.width, scene.height)
        return _drawn(ax, lambda axes: drawing.paint(axes, scene), size)

    def network_svg(self) -> str:
        """Return a small drawing of the network, with its strongest units and weights, as SVG; needs no matplotlib."""
        return drawing.to_svg(scene_of(self.model, SMALL), scale=0.7)

    def _held(self, data: Any, topic: str) -> HeldOut:
        if topic != "importance" and (names := number_names(self.model.head)):
            raise UsageError(f"a plot of {topic} shows a single number; this model predicts {len(names)}")
        return held_out(self.model, self.model.table(data, with_target=True), "a plot of " + topic)


def _drawn(ax: Axes | None, draw: Callable[[Axes], None], size: tuple[float, float] = (WIDTH, HEIGHT)) -> Axes:
    """Draw on the given axes, or on those of a new pyplot figure of a size in points; return the axes."""
    with house_style():
        if ax is None:
            from matplotlib import pyplot

            _, ax = pyplot.subplots(figsize=(size[0] / 72.0, size[1] / 72.0), layout="constrained", facecolor="white")
        draw(ax)
    return ax

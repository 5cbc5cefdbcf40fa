"""The head: the meaning of a network's outputs, for one target or for several.

It takes outputs and returns predictions; it encodes targets for the loss and scores predictions. The decoding is
traced, so that engines, the ONNX export and the report page all run the same circuit. ``target_head`` defines what the
outputs of a single target mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.circuit import Array, Circuit, Spec, label, trace
from backpass.circuit.operations import stack
from backpass.engine import default_engine
from backpass.errors import UsageError
from backpass.model.head.decoding import label_probabilities
from backpass.model.head.losses import CUSTOM, MissingLoss, MultiOutputLoss, UnscaledLoss
from backpass.model.head.scaling import TargetScale
from backpass.model.head.target_head import TargetHead
from backpass.model.metrics import metrics_for, scores
from backpass.model.settings.settings import Settings
from backpass.network import Loss, loss_named
from backpass.numerics.elementary import mean
from backpass.table import Table, Target


@dataclass(frozen=True, slots=True)
class Head:
    """The targets of a network, in the order of its outputs. All have the same loss, each its own scale.

    A flat head has one target: truth (n,), predictions (n,), or (n, classes) for classes. Any other head has truth and
    predictions (n, k), one column per output: several targets, several quantiles of one, or labels. Labels are targets
    of two classes, any number of which may be on; the prediction is the probability of each.

    Attributes:
        targets: The head of each target.
        is_flat: Whether the targets are a vector (n,), not columns (n, k).
        asked: The requested metric, if any.
        own: A user-defined loss of all outputs: it is minimized in place of the built-in one, and selects the epoch
            unless a metric is requested.
    """

    targets: tuple[TargetHead, ...]
    is_flat: bool = True
    asked: str | None = None
    own: Loss | None = None

    @staticmethod
    def fit(target: Target, y: NDArray[Any], settings: Settings) -> Head:
        """The head for one target, with its scale fitted on the training targets (n,).

        Raises:
            UsageError: The loss or the metric does not fit the target.
            DataError: A count is negative.
        """
        return Head((TargetHead.fit(target, y, settings),)).choosing(settings.metric)

    @staticmethod
    def fit_columns(each: Sequence[tuple[Target, Settings]], y: NDArray[Any]) -> Head:
        """The head for several targets, labels, or quantiles of one target, fitted on the training targets (n, k).

        Args:
            each: The target of each column and its settings, which may differ in the quantile.
            y: The training targets.

        Raises:
            UsageError: The loss or the metric does not fit a target.
            DataError: A count is negative.
        """
        targets = tuple(TargetHead.fit(target, y[:, j], settings) for j, (target, settings) in enumerate(each))
        return Head(targets, is_flat=False).choosing(each[0][1].metric)

    # What is predicted ------------------------------------------------------------------------------------------------

    @property
    def target(self) -> Target:
        """The first of the targets."""
        return self.targets[0].target

    @property
    def are_labels(self) -> bool:
        """Whether the targets are labels (on or off)."""
        return not self.is_flat and self.target.task == "binary"

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes, if the class of one target is predicted; else empty."""
        return self.target.classes if self.is_flat else ()

    @property
    def labels(self) -> tuple[str, ...]:
        """The titles of the predictions: their targets, ``p(name)`` for labels, ``price q=0.9`` for quantiles."""
        names = [each.target.name for each in self.targets]
        if self.are_labels:
            return tuple(f"p({name})" for name in names)
        if len(set(names)) == len(names):
            return tuple(names)
        return tuple(f"{name} q={each.q}" for name, each in zip(names, self.targets, strict=True))

    @property
    def outputs(self) -> int:
        """k, the number of the network's outputs."""
        return sum(each.outputs for each in self.targets)

    @property
    def scales(self) -> tuple[TargetScale, ...]:
        """The scale of each target."""
        return tuple(each.scale for each in self.targets)

    # Loss and metrics -------------------------------------------------------------------------------------------------

    @property
    def loss(self) -> Loss:
        """The loss of encoded targets: the built-in loss, or the user-defined loss of all outputs."""
        return self.named if self.own is None else self.own

    @property
    def loss_name(self) -> str:
        """The name of the loss in the settings."""
        return self.targets[0].loss_name

    @property
    def loss_title(self) -> str:
        """The title of the loss in files and on screen: its name, or "custom"."""
        return self.loss_name if self.own is None else CUSTOM

    @property
    def built_in(self) -> str:
        """The name of the built-in loss in the table of losses; that of each target if there are several numbers."""
        return "label_cross_entropy" if self.are_labels else self.targets[0].built_in

    @property
    def named(self) -> Loss:
        """The built-in loss, which also defines the meaning of the outputs; the sum over several numbers."""
        if self.is_flat or self.are_labels:
            return loss_named(self.built_in, **self.options)
        return MultiOutputLoss(tuple(each.named for each in self.targets))

    @property
    def options(self) -> Mapping[str, float]:
        """The options of the loss; those of the first target if there are several."""
        return self.targets[0].options

    @property
    def metric(self) -> str:
        """The metric that selects the best epoch."""
        return self.metrics[0]

    @property
    def metrics(self) -> tuple[str, ...]:
        """The reported metrics; the first one selects the best epoch."""
        named, own = metrics_for(self.loss_name, self.asked), ("loss",) if self.own is not None else ()
        if self.asked == "r2" and not self.is_flat:
            # Unlike for one target, the mean r2 of several need not have its optimum where their mean rmse has it.
            named = ("r2", *(name for name in named if name != "r2"))
        return (*own, *named) if self.asked is None else (*named, *own)

    def choosing(self, metric: str | None) -> Head:
        """The same head with this metric to select the epoch.

        Raises:
            UsageError: The metric does not fit the loss.
        """
        for each in self.targets:
            each.check_metric(metric)
        return replace(self, asked=metric)

    # Other training targets -------------------------------------------------------------------------------------------

    def refitted(self, y: NDArray[Any], settings: Settings) -> Head:
        """The head refitted on other training targets; a user-defined loss and the quantiles stay."""
        targets = tuple(each.refitted(self._column(y, j), settings) for j, each in enumerate(self.targets))
        return replace(self, targets=targets).choosing(settings.metric)

    def updated(self, y: NDArray[Any]) -> Head:
        """The head for training that continues with these targets: see ``TargetScale.updated``."""
        return replace(self, targets=tuple(each.updated(self._column(y, j)) for j, each in enumerate(self.targets)))

    def with_own_scale(self) -> Head:
        """The head, with its user-defined loss adapted to its current scales."""
        if not isinstance(self.own, UnscaledLoss):
            return self
        return replace(self, own=UnscaledLoss.of(self.own.loss, self.scales, is_flat=self.is_flat))

    # Encoding ---------------------------------------------------------------------------------------------------------

    def truth(self, table: Table) -> NDArray[Any]:
        """The targets of a table's rows: numbers or class codes (n,), or (n, k).

        Raises:
            DataError: A target is missing or cannot be used.
        """
        columns = [each.target.encode(table) for each in self.targets]
        return columns[0] if self.is_flat else np.column_stack(columns)

    def encode(self, y: NDArray[Any], dtype: Any) -> NDArray[Any]:
        """Targets as the loss takes them: scaled numbers (n, k), class codes (n,), or labels (n, k)."""
        if self.are_labels:
            return y.astype(dtype)
        columns = [each.encode(self._column(y, j), dtype) for j, each in enumerate(self.targets)]
        return columns[0] if self.is_flat else np.concatenate(columns, axis=1)

    def level(self, y: NDArray[Any]) -> NDArray[np.float64]:
        """The constant outputs (k,) with the lowest loss on the encoded targets."""
        return np.concatenate([each.level(self._column(y, j)) for j, each in enumerate(self.targets)])

    def wanted(self, y: NDArray[Any]) -> NDArray[np.float64]:
        """The desired outputs (n, k) for the encoded targets, from which the initial parameters are fitted."""
        return np.concatenate([each.wanted(self._column(y, j)) for j, each in enumerate(self.targets)], axis=1)

    def _column(self, y: NDArray[Any], j: int) -> NDArray[Any]:
        """The values of target j: (n,)"""
        return y if self.is_flat else y[:, j]

    def _outputs_of(self, o: Array, j: int) -> Array:
        """The outputs of target j: all of them if it is the only one, else one (n, 1)"""
        return o if len(self.targets) == 1 else o[:, j : j + 1]

    # Decoding ---------------------------------------------------------------------------------------------------------

    def columns(self, o: Array) -> list[Array]:
        """outputs o (n, k)  ->  the predictions of each target, see ``TargetHead.decoded``; can be traced

        For labels, the probability that each one is on, (n,).
        """
        if self.are_labels:
            with label("head"):
                p = label_probabilities(self.named, o)
            return [p[:, j] for j in range(len(self.targets))]
        return [each.decoded(self._outputs_of(o, j)) for j, each in enumerate(self.targets)]

    def decoded(self, o: Array) -> Array:
        """outputs o (n, k)  ->  predictions as ``predictions``; can be traced"""
        columns = self.columns(o)
        return columns[0] if self.is_flat else stack(columns, axis=1)

    def average(self, outputs: Sequence[Array]) -> Array:
        """outputs of several networks, each (n, k)  ->  outputs that predict the average; can be traced"""
        with label("average"):
            return self.named.averaged(outputs) if len(outputs) > 1 else outputs[0]

    def decoding(self, dtype: Any, rows: str = "n") -> Circuit:
        """``columns`` as a circuit of the outputs o (n, k)."""
        return trace(self.columns, [Spec((rows, self.outputs), dtype)])

    def averaging(self, networks: int, dtype: Any, rows: str = "n") -> Circuit:
        """``average`` as a circuit of the outputs of ``networks`` networks."""
        return trace(lambda *outputs: self.average(outputs), [Spec((rows, self.outputs), dtype)] * networks)

    # Both run on the default engine, so that they have the same bits whatever engine runs the network.

    def predictions(self, o: NDArray[Any]) -> NDArray[np.float64]:
        """Numbers in the target's unit (n,), or probabilities of the classes (n, classes); several targets (n, k)."""
        columns = default_engine(threads=1).run(_decoding(replace(self, asked=None, own=None), o.dtype), o)
        # The engine drops additions of 0, which leaves a zero its sign.
        return np.asarray((columns[0] if self.is_flat else np.column_stack(columns)) + 0.0)

    def averaged(self, outputs: Sequence[NDArray[Any]]) -> NDArray[Any]:
        """outputs of several networks, each (n, k)  ->  outputs (n, k) that predict their average"""
        if len(outputs) == 1:
            return outputs[0]
        circuit = _averaging(replace(self, asked=None, own=None), len(outputs), outputs[0].dtype)
        return default_engine(threads=1).run(circuit, *outputs)[0]

    def scores(
        self, o: NDArray[Any], truth: NDArray[Any], weights: NDArray[np.float64] | None = None
    ) -> dict[str, float]:
        """Every metric, averaged over the targets; and "loss" for a user-defined loss that is available."""
        predicted = self.predictions(o)
        each = [
            scores(one.loss_name, self._scored(predicted, j), self._column(truth, j), one.q, self.asked, weights)
            for j, one in enumerate(self.targets)
        ]
        found = {name: mean([scores[name] for scores in each]) for name in each[0]}
        if self.own is None or isinstance(self.own, MissingLoss):
            return found
        return {**found, "loss": mean_of(self.own, o, self.encode(truth, o.dtype), weights)}

    def _scored(self, predicted: NDArray[np.float64], j: int) -> NDArray[np.float64]:
        """The predictions of target j as its metrics take them: a label has the probabilities of off and on (n, 2)."""
        values = self._column(predicted, j)
        return np.column_stack([1.0 - values, values]) if self.are_labels else values

    # Files ------------------------------------------------------------------------------------------------------------

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model file; it says only whether there was a user-defined loss."""
        each = [{**target.to_json(), "metric": self.asked} for target in self.targets]
        return {**each[0], "loss": self.loss_title} if self.is_flat else {"heads": each, "loss": self.loss_title}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Head:
        """The head that ``to_json`` wrote.

        Raises:
            UsageError: Several targets have no common loss.
        """
        own = MissingLoss() if data["loss"] == CUSTOM else None
        if "heads" not in data:
            return Head((TargetHead.from_json(data),), asked=data.get("metric"), own=own)
        losses = {each["loss"] for each in data["heads"]}
        if len(losses) != 1 or CUSTOM in losses or data["loss"] not in (*losses, CUSTOM):
            raise UsageError(f"several outputs need one loss by name, got {', '.join(sorted(losses)) or 'none'}")
        targets = tuple(TargetHead.from_json(each) for each in data["heads"])
        return Head(targets, is_flat=False, asked=data["heads"][0].get("metric"), own=own)


@lru_cache(maxsize=32)
def _decoding(head: Head, dtype: np.dtype[Any]) -> Circuit:
    return head.decoding(dtype)


@lru_cache(maxsize=32)
def _averaging(head: Head, networks: int, dtype: np.dtype[Any]) -> Circuit:
    return head.averaging(networks, dtype)


def mean_of(loss: Loss, o: NDArray[Any], y: NDArray[Any], weights: NDArray[np.float64] | None) -> float:
    """The weighted mean of a loss over rows."""
    with np.errstate(all="ignore"):
        return mean(loss.per_example(o, y), weights)

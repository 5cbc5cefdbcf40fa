"""The head: what a network predicts and how it is judged, for one target or for several.

``codec`` encodes the targets and decodes the outputs; the head adds the metrics, a user-defined loss and the decision
between two classes, and scores predictions. ``target_head`` defines what the outputs of a single target mean.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.errors import UsageError
from backpass.model.head.codec import TargetCodec
from backpass.model.head.constant import CLASS_FREQUENCIES
from backpass.model.head.decision import OF_TWO, Decision, check_unset_for_several
from backpass.model.head.losses import CUSTOM, MissingLoss, UnscaledLoss
from backpass.model.head.target_head import TargetHead, options_of
from backpass.model.metrics import ScoringOptions, all_metrics, metrics_for, scores
from backpass.model.metrics.decision import Counts, confusion, undefined_for_one_class
from backpass.model.settings.settings import Settings
from backpass.network import Loss
from backpass.numerics.elementary import mean
from backpass.table import Target
from backpass.table.targets import Targets

MOST_CONFUSED = 200
"""Classes up to which there is a confusion matrix."""


@dataclass(frozen=True, slots=True)
class Head(TargetCodec):
    """The targets of a network, with the loss and the metrics that judge its outputs.

    Attributes:
        requested_metric: The requested metric, if any.
        custom_loss: A user-defined loss of all outputs: it is minimized in place of the built-in one, and selects the
            epoch unless a metric is requested.
        decision: For one target of two classes, how a class is decided; None in files that do not hold it.
    """

    requested_metric: str | None = None
    custom_loss: Loss | None = None
    decision: Decision | None = None

    @staticmethod
    def fit(target: Target, y: NDArray[Any], settings: Settings) -> Head:
        """The head for one target, with its scale fitted on the training targets (n,).

        Raises:
            UsageError: The loss, the metric or the decision does not fit the target.
            DataError: A count is negative.
        """
        decision = Decision.fit(target, y, settings)
        return Head((TargetHead.fit(target, y, settings),), decision=decision).with_metric(settings.metric)

    @staticmethod
    def of(targets: Targets, y: NDArray[Any], settings: Settings) -> Head:
        """The head for a single target (n,), or for several targets or labels (n, k).

        Raises:
            UsageError: The loss, the metric or the decision does not fit a target.
            DataError: A count is negative.
        """
        if targets.is_flat:
            return Head.fit(targets.each[0], y, settings)
        return Head.fit_columns([(each, settings) for each in targets.each], y)

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
        check_unset_for_several((*OF_TWO, "class_weight"), each[0][1])
        targets = tuple(TargetHead.fit(target, y[:, j], settings) for j, (target, settings) in enumerate(each))
        return Head(targets, is_flat=False).with_metric(each[0][1].metric)

    # Loss and metrics -------------------------------------------------------------------------------------------------

    @property
    def loss(self) -> Loss:
        """The loss of encoded targets: the built-in loss, or the user-defined loss of all outputs."""
        return self.builtin_loss if self.custom_loss is None else self.custom_loss

    @property
    def loss_title(self) -> str:
        """The title of the loss in files and on screen: its name, or "custom"."""
        return self.loss_name if self.custom_loss is None else CUSTOM

    @property
    def metric(self) -> str:
        """The metric that selects the best epoch."""
        return self.metrics[0]

    @property
    def metrics(self) -> tuple[str, ...]:
        """The main metrics; the first one selects the best epoch."""
        return self._in_order(metrics_for(self.loss_name, self.requested_metric))

    @property
    def all_metrics(self) -> tuple[str, ...]:
        """Every metric of the loss, the main ones first. Some may be undefined for some rows."""
        return self._in_order(all_metrics(self.loss_name, self.requested_metric))

    def metric_among(self, scores: Container[str]) -> str:
        """The metric that selects the best epoch, or the first of ``metrics`` that these scores have.

        Rows may leave it undefined, as one class leaves ROC AUC; a user-defined loss may be unavailable.
        """
        return next((name for name in (self.metric, *self.metrics) if name in scores), self.metric)

    def _in_order(self, named: tuple[str, ...]) -> tuple[str, ...]:
        """Metrics with the one that selects the epoch first."""
        own = ("loss",) if self.custom_loss is not None else ()
        if self.requested_metric == "r2" and not self.is_flat:
            # Unlike for one target, the mean r2 of several need not have its optimum where their mean rmse has it.
            named = ("r2", *(name for name in named if name != "r2"))
        return (*own, *named) if self.requested_metric is None else (*named, *own)

    def with_metric(self, metric: str | None) -> Head:
        """The same head with this metric to select the epoch.

        Raises:
            UsageError: The metric does not fit the loss.
        """
        for each in self.targets:
            each.check_metric(metric)
        return replace(self, requested_metric=metric)

    # Other training targets -------------------------------------------------------------------------------------------

    def refitted(self, y: NDArray[Any], settings: Settings) -> Head:
        """The head refitted on other training targets; a user-defined loss and the quantiles stay."""
        targets = tuple(each.refitted(self._column(y, j), settings) for j, each in enumerate(self.targets))
        return replace(self, targets=targets).with_metric(settings.metric)

    def trained_by(self, settings: Settings) -> Head:
        """The head whose built-in loss has the options of other settings; what outputs mean stays."""
        targets = [replace(each, options=options_of(each.loss_name, settings)) for each in self.targets]
        q = [each.options.get("q") for each in self.targets]
        return self if any(q) else replace(self, targets=tuple(targets))

    def updated(self, y: NDArray[Any]) -> Head:
        """The head for training that continues with these targets: see ``TargetScale.updated``."""
        return replace(self, targets=tuple(each.updated(self._column(y, j)) for j, each in enumerate(self.targets)))

    def corrected(self, amounts: Sequence[float]) -> Head:
        """The head that multiplies the predictions of each target by the exponential of an amount.

        The amounts replace earlier ones, see ``LogScale``.
        """
        targets = [each.corrected(amount) for each, amount in zip(self.targets, amounts, strict=True)]
        return replace(self, targets=tuple(targets))

    def corrected_like(self, other: Head) -> Head:
        """The head with the corrections of another one, if the logarithms of its targets are learned."""
        logs = [each.log for each in other.scales]
        return self.corrected([0.0 if each is None else each.correction for each in logs]) if self.is_log else self

    def with_own_scale(self) -> Head:
        """The head, with its user-defined loss adapted to its current scales."""
        if not isinstance(self.custom_loss, UnscaledLoss):
            return self
        return replace(self, custom_loss=UnscaledLoss.of(self.custom_loss.loss, self.scales, is_flat=self.is_flat))

    def decided(self, predicted: NDArray[np.float64]) -> NDArray[np.intp]:
        """The number of the class that each row is given: class probabilities (n, classes) -> (n,)"""
        return np.argmax(predicted, axis=1) if self.decision is None else self.decision.classes_of(predicted)

    def of_baseline(self, name: str) -> Head:
        """The head that scores a baseline, which is one of the target itself, also if its logarithm is learned.

        The class frequencies give every row the most frequent class. A threshold is chosen for the network: one below
        the frequency of the positive class would give it every row.
        """
        if self.is_log:
            return replace(self, targets=tuple(each.without_log for each in self.targets))
        if self.decision is None or name != CLASS_FREQUENCIES:
            return self
        return replace(self, decision=self.decision.most_probable)

    @property
    def positive(self) -> int:
        """The number of the positive class of two; the second one if nothing says otherwise."""
        return 1 if self.decision is None else self.decision.positive

    def scores(
        self,
        o: NDArray[Any],
        truth: NDArray[Any],
        weights: NDArray[np.float64] | None = None,
        names: Sequence[str] | None = None,
    ) -> dict[str, float]:
        """Metrics, averaged over the targets; and "loss" for a user-defined loss that is available.

        Args:
            o: Outputs (n, k).
            truth: Targets (n,) or (n, k).
            weights: The weight of each row (n,).
            names: The metrics. Default None: all. Those that are undefined for these targets are left out.
        """
        asked = self.all_metrics if names is None else tuple(names)
        each = self.scores_of_each(o, truth, weights, asked)
        # A metric that one of the targets does not define has no mean.
        found = {
            name: mean([scores[name] for scores in each]) for name in each[0] if all(name in scores for scores in each)
        }
        if self.custom_loss is None or isinstance(self.custom_loss, MissingLoss) or "loss" not in asked:
            return found
        return {**found, "loss": mean_of(self.custom_loss, o, self.encode(truth, o.dtype), weights)}

    def defined_scores(
        self, o: NDArray[Any], truth: NDArray[Any], weights: NDArray[np.float64] | None = None
    ) -> dict[str, float]:
        """Every metric of rows that are no part of a fit: one that is 0 / 0 on rows of one class is left out."""
        found, counts = self.scores(o, truth, weights), self.counts(o, truth, weights)
        undefined = frozenset[str]() if counts is None else undefined_for_one_class(counts, self.positive)
        return {name: score for name, score in found.items() if name not in undefined}

    def scores_of_each(
        self,
        o: NDArray[Any],
        truth: NDArray[Any],
        weights: NDArray[np.float64] | None = None,
        names: Sequence[str] | None = None,
    ) -> list[dict[str, float]]:
        """The metrics of each target, without a user-defined loss; arguments as for ``scores``."""
        asked = [name for name in (self.all_metrics if names is None else names) if name != "loss"]
        predicted = self.predictions(o)
        return [
            scores(asked, self._scored(predicted, j), self._column(truth, j), weights, self._scoring(one, predicted))
            for j, one in enumerate(self.targets)
        ]

    def counts(self, o: NDArray[Any], truth: NDArray[Any], weights: NDArray[np.float64] | None = None) -> Counts | None:
        """The weight of the rows by true and by given class; None without classes."""
        if not self.classes:
            return None
        predicted = self.predictions(o)
        return Counts.of(predicted, truth, weights, decided=self.decided(predicted))

    def confusion(
        self, o: NDArray[Any], truth: NDArray[Any], weights: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64] | None:
        """The weight of the rows by true class (rows) and given class (columns), (k, k); None without classes.

        None also for more than ``MOST_CONFUSED`` classes: 4,000 of them would have 16 million cells, in every file.
        """
        if not self.classes or len(self.classes) > MOST_CONFUSED:
            return None
        predicted = self.predictions(o)
        return confusion(predicted, truth, weights, decided=self.decided(predicted))

    def confusion_of_each(
        self, o: NDArray[Any], truth: NDArray[Any], weights: NDArray[np.float64] | None = None
    ) -> list[NDArray[np.float64]]:
        """The confusion matrix (2, 2) of each label, on if its probability is above 1/2; empty without labels."""
        if not self.are_labels:
            return []
        p = self.predictions(o)
        return [
            confusion(self._scored(p, j), self._column(truth, j).astype(np.int64), weights)
            for j in range(len(self.targets))
        ]

    def _scoring(self, target: TargetHead, predicted: NDArray[np.float64]) -> ScoringOptions:
        """What the metrics of a target need in addition to predictions."""
        return ScoringOptions(target.q, self.positive, self.decided(predicted) if self.classes else None)

    def _scored(self, predicted: NDArray[np.float64], j: int) -> NDArray[np.float64]:
        """The predictions of target j as its metrics take them: a label has the probabilities of off and on (n, 2)."""
        values = self._column(predicted, j)
        return np.column_stack([1.0 - values, values]) if self.are_labels else values

    # Files ------------------------------------------------------------------------------------------------------------

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model file; it says only whether there was a user-defined loss."""
        each = [{**target.to_json(), "metric": self.requested_metric} for target in self.targets]
        decision = {} if self.decision is None else {"decision": self.decision.to_json()}
        if self.is_flat:
            return {**each[0], "loss": self.loss_title, **decision}
        return {"heads": each, "loss": self.loss_title}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Head:
        """The head that ``to_json`` wrote.

        Raises:
            UsageError: Several targets have no common loss.
        """
        own = MissingLoss() if data["loss"] == CUSTOM else None
        if "heads" not in data:
            decision = Decision.from_json(data["decision"]) if "decision" in data else None
            return Head(
                (TargetHead.from_json(data),), requested_metric=data.get("metric"), custom_loss=own, decision=decision
            )
        losses = {each["loss"] for each in data["heads"]}
        if len(losses) != 1 or CUSTOM in losses or data["loss"] not in (*losses, CUSTOM):
            raise UsageError(f"several outputs need one loss by name; got {', '.join(sorted(losses)) or 'none'}")
        targets = tuple(TargetHead.from_json(each) for each in data["heads"])
        return Head(targets, is_flat=False, requested_metric=data["heads"][0].get("metric"), custom_loss=own)


def mean_of(loss: Loss, o: NDArray[Any], y: NDArray[Any], weights: NDArray[np.float64] | None) -> float:
    """The weighted mean of a loss over rows."""
    with np.errstate(all="ignore"):
        return mean(loss.per_example(o, y), weights)

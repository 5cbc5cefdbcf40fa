"""Labeled rows: the outputs of a model for rows with known targets, and every score of them.

It takes outputs, targets and what belongs to each row, and returns metrics, the coverage of the model's intervals, the
CRPS of the distribution behind them, their bootstrap intervals, and the same of each target. ``gathering`` and the
report make such rows; ``evaluate --json`` and ``report --json`` have their facts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.errors import UsageError
from backpass.model.head.head import Head
from backpass.model.head.intervals import Intervals
from backpass.model.metrics.decision import Counts
from backpass.model.metrics.per_class import areas, of_counts
from backpass.model.record import COVERAGE, COVERAGE_LEVEL
from backpass.model.split.units import Units
from backpass.numerics.bootstrap import Interval, drawn_weights, intervals
from backpass.numerics.elementary import mean

CRPS = "crps"
"""The name of the continuous ranked probability score of the distribution that the intervals describe."""

Scores = dict[str, float]


class ScoresOfRows(ABC):
    """The scores of rows with known targets, which need not be kept."""

    __slots__ = ()
    head: Head

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def scores(self) -> Scores:
        """Every metric that is defined for these rows, the share of them inside their interval, and the CRPS."""

    @abstractmethod
    def per_target(self) -> dict[str, Scores]:
        """The scores of each target, by its title; empty for a single target."""

    @abstractmethod
    def areas(self) -> dict[str, Scores]:
        """The areas under the curves of each class against the others, by its name."""

    @property
    @abstractmethod
    def counts(self) -> Counts | None:
        """The rows by true and by given class; None without classes."""

    @property
    @abstractmethod
    def confusion(self) -> NDArray[np.float64] | None:
        """The confusion matrix; None without classes, or with many."""

    @property
    @abstractmethod
    def confusion_per_label(self) -> list[NDArray[np.float64]]:
        """The confusion matrix of each label; empty without labels."""

    def facts(
        self,
        scores: Mapping[str, float],
        spread: Mapping[str, Interval],
        spread_per_target: Mapping[str, Mapping[str, Interval]],
    ) -> dict[str, Any]:
        """These rows as plain data.

        Args:
            scores: Their scores.
            spread: The 95% intervals of the scores; empty if not requested.
            spread_per_target: Those of each target; empty if not requested.
        """
        head, counts, confusion = self.head, self.counts, self.confusion
        classes = list(head.classes)
        of_labels = zip(head.labels, self.confusion_per_label, strict=False)
        facts: dict[str, Any] = {"rows": len(self), "scores": dict(scores), "intervals": ends_of_each(spread)}
        facts["per_target"] = self.per_target() or None
        of_targets = {title: ends_of_each(each) for title, each in spread_per_target.items()}
        facts["intervals_per_target"] = of_targets or None
        facts["confusion_per_target"] = {title: counts.tolist() for title, counts in of_labels} or None
        facts["positive"] = classes[head.positive] if len(classes) == 2 else None
        facts["classes"] = classes
        facts["confusion"] = None if confusion is None else confusion.tolist()
        if counts is None:
            return {**facts, "per_class": None}
        of_each, by_class = self.areas(), of_counts(counts, classes)
        return {**facts, "per_class": {name: {**by_class[name], **of_each[name]} for name in classes}}


@dataclass(frozen=True, slots=True, eq=False)
class LabeledRows(ScoresOfRows):
    """Rows with known targets, and the outputs of a model for them.

    Attributes:
        head: The meaning of the outputs.
        made: The intervals of the model; None for classes, or without residuals.
        o: Outputs (n, k).
        truth: Targets (n,) or (n, k).
        weights: The weight of each row (n,); None if all are 1.
        units: The groups or the instants of the rows, which a bootstrap draws together; None if it draws single rows.
        later: How far each row (n,) is after the test rows, see ``Horizon.beyond``; None without a time column.
    """

    head: Head
    made: Intervals | None
    o: NDArray[Any]
    truth: NDArray[Any]
    weights: NDArray[np.float64] | None = None
    units: Units | None = None
    later: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.o)

    def take(self, rows: NDArray[np.intp]) -> LabeledRows:
        """Some of the rows, by number (m,)."""
        names = [name for name in ("o", "truth", "weights", "later") if getattr(self, name) is not None]
        units = None if self.units is None else self.units.take(rows)
        return replace(self, units=units, **{name: getattr(self, name)[rows] for name in names})

    @property
    def unit(self) -> NDArray[np.int64] | None:
        """The group or the block of time of each row (n,), which a bootstrap draws as a whole; None for single rows."""
        return None if self.units is None else self.units.resampled

    def scores(self) -> Scores:
        """Every metric that is defined for these rows, the share of them inside their interval, and the CRPS."""
        return self.head.defined_scores(self.o, self.truth, self.weights) | self._joined(self.weights)

    def intervals(self, seed: int = 0) -> dict[str, Interval]:
        """Every score with its 95% bootstrap interval; ``seed`` is that of the draws."""
        of_rows = self._of_rows()

        def scored(drawn: NDArray[np.float64] | None) -> Scores:
            if drawn is None:
                return self.scores()
            # a draw may lack a class that the rows have: a ratio of 0 / 0 counts as 0
            weights = drawn_weights(drawn, self.weights)
            return self.head.scores(self.o, self.truth, weights) | self._joined(weights, of_rows)

        return intervals(scored, len(self), unit=self.unit, seed=seed)

    @property
    def counts(self) -> Counts | None:
        return self.head.counts(self.o, self.truth, self.weights)

    @property
    def confusion(self) -> NDArray[np.float64] | None:
        """The confusion matrix; None without classes."""
        return self.head.confusion(self.o, self.truth, self.weights)

    @property
    def confusion_per_label(self) -> list[NDArray[np.float64]]:
        """The confusion matrix of each label; empty without labels."""
        return self.head.confusion_of_each(self.o, self.truth, self.weights)

    def per_target(self) -> dict[str, Scores]:
        """The scores of each target, by its title; empty for a single target."""
        return self._scores_of_each(self.weights, self._of_rows())

    def intervals_per_target(self, seed: int = 0) -> dict[str, dict[str, Interval]]:
        """The scores of each target with their 95% intervals; empty for a single target."""
        of_rows = self._of_rows()

        def scored(drawn: NDArray[np.float64] | None) -> Scores:
            each = self._scores_of_each(drawn_weights(drawn, self.weights), of_rows).values()
            return {f"{j}/{name}": value for j, scores in enumerate(each) for name, value in scores.items()}

        if self.head.is_flat:
            return {}
        titles, found = self.head.labels, dict[str, dict[str, Interval]]()
        for key, interval in intervals(scored, len(self), unit=self.unit, seed=seed).items():
            j, name = key.split("/", 1)
            found.setdefault(titles[int(j)], {})[name] = interval
        return found

    def areas(self) -> dict[str, Scores]:
        """The areas under the curves of each class against the others, by its name."""
        return areas(self.head.predictions(self.o), self.truth, list(self.head.classes), self.weights)

    def means_of_rows(self) -> dict[str, list[float]]:
        """The coverage and the CRPS of each target."""
        return _means(self._of_rows(), self.weights)

    def _of_rows(self) -> dict[str, NDArray[Any]]:
        """Whether each row is inside its interval, and its CRPS, for each target (n, k); empty without intervals."""
        if self.made is None:
            return {}
        predicted, found = self.head.predictions(self.o), dict[str, NDArray[Any]]()
        with suppress(UsageError):  # too few residuals for the level
            found[COVERAGE] = self.made.covered(predicted, self.truth, COVERAGE_LEVEL, self.later)
        found[CRPS] = self.made.crps(predicted, self.truth, self.later)
        return {name: values.reshape(len(self), -1) for name, values in found.items()}

    def _joined(self, weights: NDArray[np.float64] | None, of_rows: Mapping[str, NDArray[Any]] | None = None) -> Scores:
        """The means of a single target; of several, the mean coverage, since their CRPS have different units."""
        each = _means(self._of_rows() if of_rows is None else of_rows, weights)
        return {name: mean(values) for name, values in each.items() if name == COVERAGE or len(values) == 1}

    def _scores_of_each(
        self, weights: NDArray[np.float64] | None, of_rows: Mapping[str, NDArray[Any]]
    ) -> dict[str, Scores]:
        """The scores of each target on weighted rows, by its title; empty for a single target."""
        if self.head.is_flat:
            return {}
        own = _means(of_rows, weights)
        each = self.head.scores_of_each(self.o, self.truth, weights)
        each = [scores | {name: values[j] for name, values in own.items()} for j, scores in enumerate(each)]
        return dict(zip(self.head.labels, each, strict=True))


def ends_of_each(spread: Mapping[str, Interval]) -> dict[str, list[float | None]] | None:
    """The ends of intervals as plain data; None without intervals.

    >>> ends_of_each({"rmse": Interval(2.0, 1.5, 2.5)}), ends_of_each({})
    ({'rmse': [1.5, 2.5]}, None)
    """
    return {name: list(each.ends()) for name, each in spread.items()} or None


def _means(of_rows: Mapping[str, NDArray[Any]], weights: NDArray[np.float64] | None) -> dict[str, list[float]]:
    """The mean over the rows, for each target."""
    return {name: [mean(each, weights) for each in values.T] for name, values in of_rows.items()}

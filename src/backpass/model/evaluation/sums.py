"""Sums: the scores of labeled rows without the rows, from one window of them after another, in constant memory.

Means, counts by class and the bins of the calibration error are sums: as of all rows at once, but for rounding. The
areas under curves count scores in bins whose edges are those of float32 numbers with fewer digits, denser towards 0
and 1, but for probabilities within 2^-32 of these: pairs of rows in one bin count as ties, so an area under the ROC
curve is wrong by at most half of the share of such pairs. The median absolute error is the middle of its bin.
``labeled_rows`` has the scores of rows that are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from math import frexp, inf, ldexp, nan, sqrt
from sys import float_info

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.model.evaluation.labeled_rows import LabeledRows, Scores, ScoresOfRows
from backpass.model.head.head import Head
from backpass.model.metrics.decision import Counts, undefined_for_one_class
from backpass.model.metrics.probability import BINS, calibration_gaps
from backpass.model.metrics.ranking import area_under_precision, area_under_roc
from backpass.model.record import COVERAGE
from backpass.numerics.elementary import mean, median, total

Floats = NDArray[np.float64]
Weights = NDArray[np.float64] | None

CELLS = 2**21
"""Numbers that are kept for the bins of all classes or targets; more of many classes."""

_CELLS_OF_CLASS = 2**11
"""Numbers that are kept for the bins of a class, at least: with fewer, average precision is a tenth too low."""

_MEANS = {"mae", "mape", "pinball", "poisson_deviance", "log_loss", "brier", "rmse"}
_AREAS = {"roc_auc": area_under_roc, "average_precision": area_under_precision}


@dataclass(slots=True)
class ScoreSums(ScoresOfRows):
    """The scores of rows that were added. Mutable.

    Attributes:
        head: The meaning of the outputs.
    """

    head: Head
    _rows: int = 0
    _weight: float = 0.0
    _loss: float | None = 0.0
    _own: dict[str, list[float]] = field(default_factory=dict)
    _targets: list[_TargetSums] = field(default_factory=list)
    _confusion: Floats | None = None
    _of_labels: list[Floats] = field(default_factory=list)

    def __len__(self) -> int:
        return self._rows

    def add(self, rows: LabeledRows) -> None:
        """Take in a window of rows, each with a weight above 0."""
        head, o, truth, weights = self.head, rows.o, rows.truth, rows.weights
        weight = float(len(rows)) if weights is None else total(weights)
        self._rows, self._weight = self._rows + len(rows), self._weight + weight
        share = weight / self._weight
        own = rows.means_of_rows()
        self._own = {
            name: [a + (b - a) * share for a, b in zip(self._own.get(name, each), each, strict=True)]
            for name, each in own.items()
        }
        loss = head.scores(o, truth, weights, ["loss"]).get("loss")
        self._loss = None if loss is None or self._loss is None else self._loss + (loss - self._loss) * share
        matrix = head.confusion(o, truth, weights)
        if matrix is not None:
            self._confusion = matrix if self._confusion is None else self._confusion + matrix
        predicted = head.predictions(o)
        means = head.scores_of_each(o, truth, weights, [name for name in head.all_metrics if name in _MEANS])
        labels = head.confusion_of_each(o, truth, weights)
        self._of_labels = [a + b for a, b in zip(self._of_labels, labels, strict=True)] if self._of_labels else labels
        counts: list[Counts | None] = [Counts.of_confusion(each) for each in labels]
        counts = counts or [head.counts(o, truth, weights)] * len(means)
        self._targets = self._targets or [_TargetSums(len(means)) for _ in means]
        for j, sums in enumerate(self._targets):
            p, y = (each if head.is_flat else each[:, j] for each in (predicted, truth))
            sums.add_means(means[j], weight)
            if (by_class := counts[j]) is None:
                sums.add_numbers(p, y, weights)
            else:
                p = np.column_stack([1.0 - p, p]) if head.are_labels else p
                sums.add_classes(p, y.astype(np.int64), by_class, weights)

    def scores(self) -> Scores:
        """Every metric that is defined for these rows, the share of them inside their interval, and the CRPS."""
        each = [self._of_target(sums) for sums in self._targets]
        found = {
            name: mean([scores[name] for scores in each]) for name in each[0] if all(name in scores for scores in each)
        }
        if self._loss is not None:
            found["loss"] = self._loss
        counts = self.counts
        undefined = frozenset[str]() if counts is None else undefined_for_one_class(counts, self.head.positive)
        found = {name: value for name, value in found.items() if name not in undefined}
        own = {name: mean(v) for name, v in self._own.items() if name == COVERAGE or len(v) == 1}
        return found | own

    @property
    def counts(self) -> Counts | None:
        return self._targets[0].counts if self.head.classes else None

    @property
    def confusion(self) -> Floats | None:
        return self._confusion

    @property
    def confusion_per_label(self) -> list[Floats]:
        return self._of_labels

    def per_target(self) -> dict[str, Scores]:
        if self.head.is_flat:
            return {}
        each = [
            self._of_target(sums) | {name: values[j] for name, values in self._own.items()}
            for j, sums in enumerate(self._targets)
        ]
        return dict(zip(self.head.labels, each, strict=True))

    def areas(self) -> dict[str, Scores]:
        sums, found, rows = self._targets[0], dict[str, Scores](), self.counts
        if rows is None:
            return found
        for j, name in enumerate(self.head.classes):
            is_defined = 0.0 < rows.true[j] < total(rows.true)
            found[name] = {area: sums.area(area, j) for area in _AREAS} if is_defined else {}
        return found

    def _of_target(self, sums: _TargetSums) -> Scores:
        values = sums.scores(self.head)
        return {name: values[name] for name in self.head.all_metrics if name in values}


@dataclass(slots=True)
class _TargetSums:
    """The sums of one target. Mutable.

    Attributes:
        targets: The number of targets, which share the bins.
        counts: The rows by class; None for numbers.
    """

    targets: int
    counts: Counts | None = None
    _weight: float = 0.0
    _means: dict[str, float] | None = None
    _center: float = 0.0
    _spread: float = 0.0
    _ends: tuple[float, float] = (np.inf, -np.inf)
    _unit: float = 0.0
    _errors: Floats | None = None
    _gaps: Floats = field(default_factory=lambda: np.zeros(BINS))
    _ranks: Floats | None = None
    _is_finite: bool = True

    def add_means(self, found: Scores, weight: float) -> None:
        """Take in means of a window; a mean that a window leaves undefined is undefined."""
        before, self._weight = self._weight, self._weight + weight
        share = weight / self._weight
        if self._means is None:
            self._means = dict(found)
            return
        self._means = {
            name: _length(value * sqrt(before / self._weight), found[name] * sqrt(share))
            if name == "rmse"
            else value + (found[name] - value) * share
            for name, value in self._means.items()
            if name in found
        }

    def add_numbers(self, predicted: Floats, y: Floats, weights: Weights) -> None:
        """Take in the spread of the targets y (n,) (Chan et al. 1983) and the absolute errors."""
        weight = float(len(y)) if weights is None else total(weights)
        unit = float(np.max(np.abs(y))) or 1.0
        center = unit * mean(y / unit, weights)
        scaled = y / unit - center / unit
        spread = unit * sqrt(mean(scaled * scaled, weights))
        before, after = self._weight - weight, self._weight
        apart = (center - self._center) * sqrt(before * weight) / after
        self._spread = _length(self._spread * sqrt(before / after), spread * sqrt(weight / after), apart)
        self._center += (center - self._center) * (weight / after)
        self._ends = min(self._ends[0], float(y.min())), max(self._ends[1], float(y.max()))
        self._is_finite = self._is_finite and bool(np.isfinite(predicted).all())
        with np.errstate(all="ignore"):
            errors = np.abs(predicted - y)
            if not self._unit:  # a power of two: float32 does not hold errors of any size
                middle = median(errors, weights)
                self._unit = ldexp(1.0, frexp(middle)[1] - 1) if 0.0 < middle < inf else 1.0
            bins = _bits(errors / self._unit) >> self._shift
        count = (_INFINITE >> self._shift) + 1
        counts = np.bincount(np.minimum(bins, count - 1), weights, count).astype(np.float64)
        self._errors = counts if self._errors is None else self._errors + counts

    def add_classes(self, p: Floats, y: NDArray[np.int64], counts: Counts, weights: Weights) -> None:
        """Take in probabilities p (n, k) with the class numbers y (n,) and their counts."""
        self.counts = counts if self.counts is None else self.counts + counts
        if not np.isfinite(p).all():
            self._is_finite = False
            return
        self._gaps = self._gaps + calibration_gaps(p, y, weights)
        k = p.shape[1]
        shift = self._shift_of(k)
        top = 2 * (_RANGE >> shift) + 1
        if self._ranks is None:
            self._ranks = np.zeros((k, 2, top + 1))
        for j, score in enumerate(p.T):
            below = np.maximum(_bits(np.minimum(score, 1.0 - score)) - _LOWEST, 0) >> shift
            bins = np.where(score <= 0.5, below, top - below)
            self._ranks[j] += np.bincount(bins + (y == j) * (top + 1), weights, 2 * top + 2).reshape(2, -1)

    def scores(self, head: Head) -> Scores:
        """The metrics of the target that are defined."""
        found = dict(self._means or {})
        counts, positive = self.counts, head.positive
        if counts is None:
            spread, rmse = self._spread, found.get("rmse", nan)
            is_constant = self._ends[0] == self._ends[1] or spread == 0.0
            found["r2"] = 0.0 if is_constant else max(1.0 - (rmse / spread) * (rmse / spread), -float_info.max)
            found["median_absolute_error"] = self._median()
            return found
        found |= {"accuracy": counts.accuracy, "error": 1.0 - counts.accuracy, "mcc": counts.mcc}
        found |= {"balanced_accuracy": counts.balanced_accuracy, "precision": counts.precision(positive)}
        found |= {"recall": counts.recall(positive), "f1": counts.f1(positive)}
        present = np.flatnonzero(counts.true > 0.0)
        found["calibration_error"] = total([abs(each) for each in self._gaps.tolist()]) / self._weight
        if len(present) > 1:
            chosen = [positive] if len(counts.true) == 2 else present.tolist()
            found |= {name: mean([self.area(name, j) for j in chosen]) for name in _AREAS}
        return found if self._is_finite else dict.fromkeys(found, nan)

    def area(self, name: str, j: int) -> float:
        """The area under a curve of class j against the others."""
        if self._ranks is None or not self._is_finite:
            return nan
        others, own = self._ranks[j]
        bins = np.flatnonzero(others + own)
        function: Callable[..., float] = _AREAS[name]
        scores, flags = np.tile(bins, 2).astype(np.float64), np.repeat([True, False], len(bins))
        return function(scores, flags, np.concatenate([own[bins], others[bins]]))

    def _median(self) -> float:
        assert self._errors is not None
        if not self._is_finite:
            return nan
        bins = np.flatnonzero(self._errors)
        edges = [((bins + i) << self._shift).astype(np.int32).view(np.float32).astype(np.float64) for i in (0, 1)]
        with np.errstate(all="ignore"):
            return self._unit * median(0.5 * edges[0] + 0.5 * edges[1], self._errors[bins])

    @property
    def _shift(self) -> int:
        """The binary digits of float32 errors that are dropped."""
        return next(s for s in range(23) if self.targets * (_INFINITE >> s) <= CELLS or s == 22)

    def _shift_of(self, classes: int) -> int:
        """The binary digits of float32 probabilities that are dropped."""
        most = max(CELLS, _CELLS_OF_CLASS * self.targets * classes)
        return next(s for s in range(24) if 4 * self.targets * classes * (_RANGE >> s) <= most or s == 23)


def _length(*parts: float) -> float:
    """The root of the sum of squares, which may be too large or too small for numbers themselves."""
    unit = max(map(abs, parts))
    if not 0.0 < unit < np.inf:
        return unit
    return unit * sqrt(total([(each / unit) * (each / unit) for each in parts]))


def _bits(values: Floats) -> NDArray[np.int64]:
    """The bits of numbers in float32, which ascend with the numbers from 0 on."""
    return values.astype(np.float32).view(np.int32).astype(np.int64)


_LOWEST, _HALF, _INFINITE = (int(each) for each in _bits(np.array([2.0**-32, 0.5, np.inf])))
_RANGE = _HALF - _LOWEST

"""Metrics of decisions: the class that each row is given, against its true class y (n,).

The given class is the most probable one, unless ``decided`` (n,) says otherwise. Precision, recall and F1 are those of
the positive class; for more than two classes, the mean over the classes (macro average). A ratio 0 / 0 is 0. They
follow from sums of the confusion matrix C, C_ij the weight of the rows of class i that are given class j; the matrix
itself has k^2 numbers and is only made to be shown.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.numerics.elementary import mean, total, totals

Floats = NDArray[np.float64]
Classes = NDArray[Any]
Weights = NDArray[np.float64] | None


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """The weight of rows by class, for k classes; the metrics that follow from it are those of the functions below.

    Attributes:
        right: The rows of each class that are given it, C_jj: (k,)
        true: The rows of each class: (k,)
        given: The rows that are given each class: (k,)
    """

    right: Floats
    true: Floats
    given: Floats

    @staticmethod
    def of(probabilities: Floats, y: Classes, weights: Weights = None, *, decided: Classes | None = None) -> Counts:
        """The counts of rows; arguments as for ``confusion``.

        >>> Counts.of(np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]]), np.array([0, 1, 1])).given.tolist()
        [2.0, 1.0]
        """
        k, taken = probabilities.shape[1], _given(probabilities, decided)
        w, is_right = np.ones(len(y)) if weights is None else weights, taken == y
        each = ((y[is_right], w[is_right]), (y, w), (taken, w))
        return Counts(*(np.bincount(rows.astype(np.int64), own, k).astype(np.float64) for rows, own in each))

    @staticmethod
    def of_confusion(C: Floats) -> Counts:
        """The counts that a confusion matrix (k, k) sums to."""
        return Counts(np.diag(C), totals(C.T), totals(C))

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.right + other.right, self.true + other.true, self.given + other.given)

    @property
    def accuracy(self) -> float:
        return total(self.right) / total(self.true)

    @property
    def balanced_accuracy(self) -> float:
        present = self.true > 0.0
        return mean(self.right[present] / self.true[present])

    def precision(self, positive: int) -> float:
        return _of_classes(_shares(self.right, self.given), positive)

    def recall(self, positive: int) -> float:
        return _of_classes(_shares(self.right, self.true), positive)

    def f1(self, positive: int) -> float:
        return _of_classes(_shares(2.0 * self.right, self.given + self.true), positive)

    @property
    def mcc(self) -> float:
        whole = total(self.true)
        right, true, given = (each / whole for each in (self.right, self.true, self.given))
        both, spread_true, spread_given = (
            total(each) for each in (right - true * given, true * (1.0 - true), given * (1.0 - given))
        )
        return both / sqrt(spread_true * spread_given) if spread_true > 0.0 and spread_given > 0.0 else 0.0


def confusion(
    probabilities: Floats, y: Classes, weights: Weights = None, *, decided: Classes | None = None
) -> NDArray[np.float64]:
    """The confusion matrix C (k, k): true classes as rows, given classes as columns

    >>> confusion(np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]]), np.array([0, 1, 1])).tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """
    k, taken = probabilities.shape[1], _given(probabilities, decided)
    counts = np.bincount(y.astype(np.int64) * k + taken, weights=weights, minlength=k * k)
    return counts.reshape(k, k).astype(np.float64)


def accuracy(probabilities: Floats, y: Classes, weights: Weights = None, *, decided: Classes | None = None) -> float:
    """The share of rows that are given their true class"""
    return mean(np.equal(_given(probabilities, decided), y), weights)


def error(probabilities: Floats, y: Classes, weights: Weights = None, *, decided: Classes | None = None) -> float:
    """The share of rows that are not given their true class"""
    return mean(np.not_equal(_given(probabilities, decided), y), weights)


def balanced_accuracy(
    probabilities: Floats, y: Classes, weights: Weights = None, *, decided: Classes | None = None
) -> float:
    """The mean over the classes of the share of their rows that are given them; classes without rows are left out"""
    return Counts.of(probabilities, y, weights, decided=decided).balanced_accuracy


def precision(
    probabilities: Floats, y: Classes, weights: Weights = None, *, positive: int = 1, decided: Classes | None = None
) -> float:
    """TP / (TP + FP): the share of the rows given the positive class that have it"""
    return Counts.of(probabilities, y, weights, decided=decided).precision(positive)


def recall(
    probabilities: Floats, y: Classes, weights: Weights = None, *, positive: int = 1, decided: Classes | None = None
) -> float:
    """TP / (TP + FN): the share of the rows of the positive class that are given it"""
    return Counts.of(probabilities, y, weights, decided=decided).recall(positive)


def f1(
    probabilities: Floats, y: Classes, weights: Weights = None, *, positive: int = 1, decided: Classes | None = None
) -> float:
    """2 TP / (2 TP + FP + FN): the harmonic mean of precision and recall"""
    return Counts.of(probabilities, y, weights, decided=decided).f1(positive)


def mcc(probabilities: Floats, y: Classes, weights: Weights = None, *, decided: Classes | None = None) -> float:
    """The correlation of true and given classes: 1 if all are right, 0 for guesses"""
    return Counts.of(probabilities, y, weights, decided=decided).mcc


def undefined_for_one_class(found: Counts, positive: int) -> frozenset[str]:
    """The metrics that are 0 / 0 on rows of a single class; empty if the rows have several.

    Args:
        found: The rows by class.
        positive: The number of the positive class of two.

    >>> sorted(undefined_for_one_class(Counts.of_confusion(np.array([[5.0, 0.0], [0.0, 0.0]])), 1))
    ['f1', 'mcc', 'precision', 'recall']
    >>> sorted(undefined_for_one_class(Counts.of_confusion(np.array([[4.0, 1.0], [0.0, 0.0]])), 1))
    ['mcc', 'recall']
    """
    true, given = found.true, found.given
    if np.count_nonzero(true) != 1:
        return frozenset()
    if len(true) != 2:
        return frozenset({"mcc"})
    empty = {"precision": given[positive], "recall": true[positive], "f1": given[positive] + true[positive]}
    return frozenset({"mcc", *(name for name, rows in empty.items() if rows == 0.0)})


def _given(probabilities: Floats, decided: Classes | None) -> Classes:
    return np.asarray(np.argmax(probabilities, axis=1) if decided is None else decided)


def _shares(part: Floats, whole: Floats) -> Floats:
    return np.where(whole > 0.0, part / np.where(whole > 0.0, whole, 1.0), 0.0)


def _of_classes(values: Floats, positive: int) -> float:
    """The value of the positive class of two, or the mean over more classes."""
    return float(values[positive]) if len(values) == 2 else mean(values)

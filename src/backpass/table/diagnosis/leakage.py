"""Leakage: columns that alone give the target away, although they do not determine it exactly.

Takes a column and an encoded target; yields findings. A model of the single column, a mean per bin or per category, or
of the words and the numbers of free text, is fitted on one half of the rows and scored on the other, so that
identifiers score nothing. ``diagnostics`` has the rules without exceptions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.numerics.distinct import distinct_values
from backpass.numerics.philox import permutation
from backpass.numerics.quantiles import quantiles
from backpass.table.free_text.counts import Sparse, count_words
from backpass.table.free_text.recognition import is_free_text
from backpass.table.messages import shown
from backpass.table.notation.lazy_pattern import LazyPattern
from backpass.table.table import CategoricalColumn, Column, DatetimeColumn, NumericColumn
from backpass.table.target import Target

Floats = NDArray[np.float64]

SUSPICIOUS = 0.98
"""AUC or R2 of a single column from which it is suspected to hold the target."""

FEWEST_ROWS = 200
"""Fewer rows say too little about a rule with exceptions."""

_MOST_ROWS = 20_000
_BINS = 64
_MOST_CLASSES = 20
_PRIOR_ROWS = 0.2  # rows of the overall mean that are added to each bin or category
_PURPOSE = 0x5D0B_0002
_PURE = 0.995  # share of one class among the rows with (or without) a value
_COVERED = 0.5  # share of that class that these rows must hold
_COMMON = 0.8  # a class with a larger share is found everywhere
_PRESENT = 0.5  # share of rows with a value from which these are scored alone
_FEWEST_PRESENT = 30

_MOST_TEXTS = 4_000
_MOST_WORDS = 256  # that a line through numbers has
_MOST_NUMBERS = 3  # of a text that are compared with the target
_WORD_PRIOR = 1.0  # texts that are added to those with a word
_CLEAR = 3.0
_NUMBER = LazyPattern(r"[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?")


def leakage_findings(column: Column, target: Target, y: NDArray[Any]) -> Iterator[tuple[float, str]]:
    """Yield how suspicious a column is, from 0 to 1, with the reason.

    Args:
        column: A column other than the target, with one value per row.
        target: The target.
        y: The encoded target (n,).
    """
    if len(y) < FEWEST_ROWS:
        return
    if reason := _by_presence(column.missing, target, y):
        yield 1.0, reason
        return
    score = score_alone(column, target, y)
    if score >= SUSPICIOUS:
        metric = "R2" if target.task == "regression" else "AUC"
        yield (
            score,
            f"by itself it predicts the target {shown(target.name)} almost perfectly ({metric} {score:.3f} on held-out "
            "rows): possible leakage; is it known at prediction time?",
        )


def _by_presence(missing: NDArray[np.bool_], target: Target, y: NDArray[Any]) -> str:
    """The reason if the rows with a value, or those without, are nearly all of one class and hold most of it."""
    if target.task == "regression" or not missing.any():
        return ""
    counts = np.bincount(y, minlength=len(target.classes))
    for chosen, words in ((~missing, "is present"), (missing, "is missing")):
        rows = int(chosen.sum())
        if rows < _FEWEST_PRESENT:
            continue
        within = np.bincount(y[chosen], minlength=len(counts))
        best = int(np.argmax(within))
        if within[best] >= _PURE * rows and within[best] >= _COVERED * counts[best] and counts[best] < _COMMON * len(y):
            return (
                f"{within[best]:,} of {rows:,} rows in which it {words} are of the class "
                f"{shown(target.classes[best])} of {shown(target.name)}: possible leakage"
            )
    return ""


def score_alone(column: Column, target: Target, y: NDArray[Any]) -> float:
    """R2, or the mean AUC of the classes, of a model of one column on rows that it was not fitted on; 0 if undefined.

    R2 is that of the rows with a value, if these are at least half of all.

    Args:
        column: The column.
        target: The target.
        y: The encoded target (n,).
    """
    if target.task != "regression" and len(target.classes) > _MOST_CLASSES:
        return 0.0
    if isinstance(column, CategoricalColumn) and is_free_text(column):
        return _score_of_texts(column, target, y)
    order = _drawn(len(y))
    if target.task == "regression" and len(there := order[~column.missing[order]]) >= _PRESENT * len(order):
        order = there  # gaps do not hide a copy of the target
    fitted, held = order[: len(order) // 2], order[len(order) // 2 :]
    cell = _cells(column, fitted)
    if target.task == "regression":
        y = y.astype(np.float64)
        binned = _r2(_means(cell, y[:, None], fitted, held)[:, 0], y[held])
        return max(binned, _r2_of_line(column, y, fitted, held))
    hot = np.eye(len(target.classes))[y]
    return _mean_area(_means(cell, hot, fitted, held), hot[held])


def _mean_area(p: Floats, truth: Floats) -> float:
    """The mean AUC of the classes (n, k), weighted by their rows; 0 if undefined."""
    areas = [(share, _area(p[:, k], truth[:, k] > 0.0)) for k, share in enumerate(truth.mean(axis=0)) if 0 < share < 1]
    return float(sum(share * area for share, area in areas) / sum(share for share, _ in areas)) if areas else 0.0


def _score_of_texts(column: CategoricalColumn, target: Target, y: NDArray[Any]) -> float:
    """``score_alone`` for free text: the better of its words, and of each of its first numbers as a column."""
    rows = _drawn(len(y))[:_MOST_TEXTS]
    texts, y = ["" if code == 0 else column.levels[code - 1] for code in column.codes[rows].tolist()], y[rows]
    numbers = [_NUMBER.findall(text)[:_MOST_NUMBERS] for text in texts]
    scores = [_score_of_words(texts, target, y)]
    for place in range(max(map(len, numbers), default=0)):
        values = [float(found[place].replace(",", "")) if place < len(found) else np.nan for found in numbers]
        scores.append(score_alone(NumericColumn(column.name, np.array(values)), target, y))
    return max(scores)


def _score_of_words(texts: Sequence[str], target: Target, y: NDArray[Any]) -> float:
    """R2 of a least-squares line of the frequent words, or the mean AUC of naive Bayes on words, on held-out texts."""
    words = count_words(texts).counts
    width, half = int(words.columns.max(initial=-1)) + 1, len(texts) // 2
    is_fitted = words.rows < half
    if target.task != "regression":
        hot = np.eye(len(target.classes))[y]
        return _mean_area(_bayes(words, width, hot, half), hot[half:])
    y = y.astype(np.float64)
    frequent = np.argsort(-np.bincount(words.columns[is_fitted], minlength=width), kind="stable")[:_MOST_WORDS]
    place = np.full(width, -1)
    place[frequent] = np.arange(len(frequent))
    X = np.zeros((len(texts), len(frequent) + 1))
    kept = place[words.columns] >= 0
    X[words.rows[kept], place[words.columns[kept]]] = 1.0
    X[:, -1] = 1.0
    ridge = np.eye(X.shape[1]) * _PRIOR_ROWS
    level = y[:half].mean()
    slopes = np.linalg.solve(X[:half].T @ X[:half] + ridge, X[:half].T @ (y[:half] - level))
    return _r2(level + X[half:] @ slopes, y[half:])


def _bayes(words: Sparse, width: int, hot: Floats, half: int) -> Floats:
    """The log-odds of each class (n, k) by the words of the texts from ``half`` on; the first ones are fitted

    sum over the words of a text of ln P(word | class) - ln P(word | another class)

    Words whose log-odds are below ``_CLEAR`` standard errors are left out, because they would hide the others.
    """
    is_fitted = words.rows < half
    ones = np.ones(len(words.rows))
    texts = Sparse(words.rows[is_fitted], words.columns[is_fitted], ones[is_fitted], half)
    held = Sparse(words.rows[~is_fitted] - half, words.columns[~is_fitted], ones[~is_fitted], words.height - half)
    logs, variance = list[Floats](), np.zeros((width, hot.shape[1]))
    for of_class in (hot[:half], 1.0 - hot[:half]):
        counts, rows = texts.transposed_times(of_class, width), np.maximum(of_class.sum(axis=0), 1.0)
        variance += 1.0 / (counts + _WORD_PRIOR)
        logs.append(np.log(half * counts / rows + _WORD_PRIOR))
    odds = logs[0] - logs[1]
    return held.times(np.where(np.abs(odds) > _CLEAR * np.sqrt(variance), odds, 0.0))


@lru_cache(maxsize=1)
def _drawn(rows: int) -> NDArray[np.int64]:
    """Rows in random order, the same for every column of a table; at most ``_MOST_ROWS``."""
    return permutation(0, 0, _PURPOSE, rows)[:_MOST_ROWS].copy()


def _cells(column: Column, fitted: NDArray[Any]) -> NDArray[np.intp]:
    """The number of the bin or category of each row; 0 where the value is missing."""
    if isinstance(column, CategoricalColumn):
        return column.codes.astype(np.intp)
    values = _numbers(column)
    known = values[fitted][~np.isnan(values[fitted])]
    if not known.size:
        return np.zeros(len(values), np.intp)
    edges = distinct_values(quantiles(known, np.linspace(0.0, 1.0, _BINS + 1)[1:-1]))
    return np.where(np.isnan(values), 0, 1 + np.searchsorted(edges, values, side="left"))


def _numbers(column: Column) -> Floats:
    if isinstance(column, DatetimeColumn):
        return np.where(column.missing, np.nan, column.microseconds.astype(np.float64))
    assert not isinstance(column, CategoricalColumn)
    return column.values


def _means(cell: NDArray[np.intp], y: Floats, fitted: NDArray[Any], held: NDArray[Any]) -> Floats:
    """The mean target of each held-out row's cell on the fitted rows, drawn a little to the overall mean: (n, k)."""
    size, mean = int(cell.max(initial=0)) + 1, y[fitted].mean(axis=0)
    counts = np.bincount(cell[fitted], minlength=size) + _PRIOR_ROWS
    sums = np.column_stack([np.bincount(cell[fitted], column, size) for column in y[fitted].T])
    return np.asarray(((sums + _PRIOR_ROWS * mean) / counts[:, None])[cell[held]])


def _r2(predicted: Floats, y: Floats) -> float:
    spread = float(np.mean((y - y.mean()) ** 2))
    return 1.0 - float(np.mean((predicted - y) ** 2)) / spread if spread > 0.0 else 0.0


def _r2_of_line(column: Column, y: Floats, fitted: NDArray[Any], held: NDArray[Any]) -> float:
    """R2 of the least-squares line; 0 for categories and for columns with many missing values."""
    if isinstance(column, CategoricalColumn):
        return 0.0
    x = _numbers(column)
    if np.isnan(x).mean() > 0.05:
        return 0.0
    x = np.where(np.isnan(x), np.nanmean(x), x)
    center, level = x[fitted].mean(), y[fitted].mean()
    spread = float(np.sum((x[fitted] - center) ** 2))
    if not 0.0 < spread < np.inf:
        return 0.0
    slope = float(np.sum((x[fitted] - center) * (y[fitted] - level))) / spread
    return _r2(level + slope * (x[held] - center), y[held])


def _area(score: Floats, positive: NDArray[np.bool_]) -> float:
    """The area under the ROC curve; ties count half."""
    place = np.unique(score, return_inverse=True)[1].reshape(-1)
    ones, zeros = np.bincount(place, positive), np.bincount(place, ~positive)
    below = np.cumsum(zeros) - zeros
    return float(np.sum(ones * (below + 0.5 * zeros)) / (ones.sum() * zeros.sum()))

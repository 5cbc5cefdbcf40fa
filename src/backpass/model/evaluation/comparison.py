"""The comparison of a network with the best of its baselines, on the same rows.

``compare`` takes the predictions of both and returns the difference of a metric with a paired bootstrap interval: the
same draws of rows serve both, so what the rows have in common cancels out. It says whether the network does better.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, field
from math import isfinite, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.model.head.head import Head
from backpass.numerics.bootstrap import counts_of_all, draws_for, ends_of
from backpass.numerics.distinct import distinct_values
from backpass.numerics.elementary import log, total, totals
from backpass.table.messages import rounded

Floats = NDArray[np.float64]

_SMALLEST = 1e-15
_LINEAR = ("linear", "logistic")
"""The baselines that a network without hidden layers can equal."""
_MANY = 20_000
"""With more units than this, the interval is the normal approximation of the bootstrap (delta method)."""
_NORMAL = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Comparison:
    """The scores of a network and of its best baseline on the same rows; lower is better.

    Attributes:
        metric: The metric.
        baseline: The name of the baseline.
        network_score: The score of the network.
        baseline_score: The score of the baseline.
        low: The lower end of the 95% interval of ``baseline_score - network_score``.
        high: Its upper end.
    """

    metric: str
    baseline: str
    network_score: float
    baseline_score: float
    low: float
    high: float

    @property
    def difference(self) -> float:
        """How much better the network is; negative if it is worse."""
        return self.baseline_score - self.network_score

    @property
    def result(self) -> str:
        """ "better" or "worse" if the interval excludes 0, else "unclear"."""
        return "better" if self.low > 0.0 else "worse" if self.high < 0.0 else "unclear"

    def sentence(self, *, is_linear: bool = False, written: Callable[[float], str] = rounded) -> str:
        """What the comparison says, in one sentence.

        Args:
            is_linear: Whether the network is linear; if not, the sentence says how to fit a better linear model.
            written: Formats a score.

        >>> Comparison("rmse", "mean", 0.5, 0.75, 0.2, 0.3).sentence()[:68]
        'The network is better than always predicting the mean: rmse 0.5 agai'
        >>> Comparison("rmse", "linear", 0.75, 0.5, -0.3, -0.2).sentence()[:86]
        'The network is worse than the linear model: prefer the simpler model (--hidden none); '
        """
        name = baseline_title(self.baseline)
        how = " (--hidden none)" if self.baseline in _LINEAR and not is_linear else ""
        what = {
            "better": f"The network is better than {name}:",
            "worse": f"The network is worse than {name}: prefer the simpler model{how};",
            "unclear": f"No clear difference between the network and {name}:",
        }[self.result]
        scores = f"{self.metric.replace('_', ' ')} {written(self.network_score)} against {written(self.baseline_score)}"
        interval = f"95% interval {written(self.low)} to {written(self.high)}"
        return f"{what} {scores} (difference {written(self.difference)}, {interval})."

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model file and ``--json``."""
        return asdict(self)


def baseline_name(name: str) -> str:
    """The name of a baseline in a table.

    >>> baseline_name("class_frequencies"), baseline_name("mean")
    ('class frequencies', 'mean')
    """
    names = {"linear": "linear model", "logistic": "logistic model", "class_frequencies": "class frequencies"}
    names |= {"group": "mean of the group", "last": "last value", "seasonal": "value of the previous season"}
    return names.get(name, name)


def in_order(names: Iterable[str]) -> list[str]:
    """The names of baselines in the order of tables: the constant prediction of classes comes after their models.

    >>> in_order(["class_frequencies", "logistic"]), in_order(["mean", "linear"])
    (['logistic', 'class_frequencies'], ['linear', 'mean'])
    """
    return sorted(names, key=lambda name: (name == "class_frequencies", name))


def baseline_title(name: str) -> str:
    """The name of a baseline in a sentence.

    >>> baseline_title("logistic"), baseline_title("mean")
    ('the logistic model', 'always predicting the mean')
    """
    titles = {
        "linear": "the linear model",
        "logistic": "the logistic model",
        "class_frequencies": "always predicting the class frequencies",
        "group": "the mean of each group",
        "last": "the last known value",
        "seasonal": "the value of the previous season",
    }
    return titles.get(name, f"always predicting the {name}")


def comparison_from_json(data: Mapping[str, Any]) -> Comparison:
    """The comparison that ``to_json`` wrote."""
    return Comparison(**data)


def compare(
    head: Head,
    o: NDArray[Any],
    baselines: Mapping[str, NDArray[Any]],
    truth: NDArray[Any],
    weights: Floats | None = None,
    *,
    unit: NDArray[Any] | None = None,
    seed: int = 0,
    are_networks: bool = False,
) -> Comparison | None:
    """Compare a network with the best of its baselines.

    Args:
        head: The meaning of the outputs.
        o: The outputs of the network (n, k).
        baselines: The outputs (n, k) of each baseline.
        truth: Targets (n,) or (n, k).
        weights: The weight of each row (n,). Default None: equal weights.
        unit: The number of the group of each row, int (n,): whole groups are drawn. Default None: single rows.
        seed: The seed of the draws.
        are_networks: Whether the others are networks, too, not baselines. Default False.

    Returns:
        The comparison, by the metric that selects the epoch if it is a mean over rows, else by that of the loss; None
        without a baseline, on a single row or group, or if a score is not finite.
    """
    metric = _metric_of(head)
    if metric is None or not baselines or (len(o) if unit is None else len(distinct_values(unit))) < 2:
        return None
    with np.errstate(all="ignore"):  # errors too large to square give no comparison
        losses = _losses_of_each(head, metric, o, baselines, truth, are_networks=are_networks)
        sums = _Sums.of(losses, weights, unit, _LOSSES[metric][1])
        scores = sums.undrawn()
        best = min(baselines, key=scores.__getitem__)
        if not all(map(isfinite, (scores[""], scores[best]))):
            return None
        low, high = sums.interval(best, scores, seed)
    return Comparison(metric, best, scores[""], scores[best], low, high) if isfinite(low) and isfinite(high) else None


@dataclass(slots=True)
class RunningComparison:
    """The comparison of a network with its baselines on rows that are not kept. Mutable.

    Attributes:
        head: The meaning of the outputs.
    """

    head: Head
    _rows: int = 0
    _weight: float = 0.0
    _losses: dict[str, Floats] = field(default_factory=dict)

    def add(
        self, o: NDArray[Any], baselines: Mapping[str, NDArray[Any]], truth: NDArray[Any], weights: Floats | None
    ) -> None:
        """Take in a window of rows; arguments as for ``compare``."""
        if (metric := _metric_of(self.head)) is None:
            return
        with np.errstate(all="ignore"):
            sums = _Sums.of(_losses_of_each(self.head, metric, o, baselines, truth), weights, None, _LOSSES[metric][1])
        self._rows, self._weight = self._rows + len(o), self._weight + total(sums.weights)
        for name, losses in sums.losses.items():
            self._losses[name] = totals(losses) + self._losses.get(name, 0.0)

    def on_all(
        self, o: NDArray[Any], baselines: Mapping[str, NDArray[Any]], truth: NDArray[Any], weights: Floats | None
    ) -> Comparison | None:
        """The comparison on all rows. Its interval has the width that a random sample of them shows.

        Args:
            o: The outputs for the sample; this and the others as for ``compare``.
            baselines: Those of each baseline.
            truth: Its targets.
            weights: Its weights.
        """
        metric = _metric_of(self.head)
        if metric is None or not baselines or len(o) < 2:
            return None
        of_mean = _LOSSES[metric][1]
        with np.errstate(all="ignore"):
            each = {name: [of_mean(m) for m in (sums / self._weight).tolist()] for name, sums in self._losses.items()}
            scores = {name: sum(values) / len(values) for name, values in each.items()}
            best = min(baselines, key=scores.__getitem__)
            losses = _losses_of_each(self.head, metric, o, baselines, truth)
            deviation = _Sums.of(losses, weights, None, of_mean).deviation(best)
        middle, width = scores[best] - scores[""], _NORMAL * deviation * sqrt(len(o) / self._rows)
        if not all(map(isfinite, (scores[""], scores[best], width))):
            return None
        return Comparison(metric, best, scores[""], scores[best], middle - width, middle + width)


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """Sums of the losses of each model by unit, from which a weighted score is computed.

    Attributes:
        losses: For each model, the sums (units, targets) of weight times loss.
        weights: The sum of the weights of each unit, (units,).
        of_mean: Score of one target from the mean of its losses.
    """

    losses: Mapping[str, Floats]
    weights: Floats
    of_mean: Callable[[float], float]

    @staticmethod
    def of(
        losses: Mapping[str, Floats],
        weights: Floats | None,
        unit: NDArray[Any] | None,
        of_mean: Callable[[float], float],
    ) -> _Sums:
        if weights is None:
            weights = np.broadcast_to(np.ones(1), len(losses[""]))  # takes no memory
            if unit is None:
                return _Sums(losses, weights, of_mean)
        if unit is None:
            return _Sums({name: each * weights[:, None] for name, each in losses.items()}, weights, of_mean)
        number = np.unique(unit, return_inverse=True)[1].reshape(-1)
        summed = {
            name: np.column_stack([np.bincount(number, weights * column).astype(np.float64) for column in each.T])
            for name, each in losses.items()
        }
        return _Sums(summed, np.bincount(number, weights).astype(np.float64), of_mean)

    def undrawn(self) -> dict[str, float]:
        """The scores of each model on all units, each once."""
        found = {name: [self.of_mean(m) for m in self._undrawn_means(name)] for name in self.losses}
        return {name: sum(each) / len(each) for name, each in found.items()}

    def _undrawn_means(self, name: str) -> list[float]:
        """The mean loss of a model for each target."""
        weight = max(total(self.weights), 1e-300)
        return [total(column) / weight for column in self.losses[name].T]

    def scores(self, counts: Floats) -> dict[str, Floats]:
        """The scores of each model on units that are drawn ``counts`` (units, draws) times: (draws,)"""
        found = {}
        for name, losses in self.losses.items():
            values = [[self.of_mean(m) for m in means.tolist()] for means in self._means(losses, counts)]
            found[name] = np.array([sum(each) / len(each) for each in zip(*values, strict=True)])
        return found

    def _means(self, losses: Floats, counts: Floats) -> list[Floats]:
        """The mean loss for each target: (draws,)"""
        weight = np.maximum(totals(counts * self.weights[:, None]), 1e-300)
        return [totals(counts * column[:, None]) / weight for column in losses.T]

    def interval(self, best: str, scores: Mapping[str, float], seed: int) -> tuple[float, float]:
        """The 95% interval of the score of the baseline ``best`` minus that of the network."""
        units = len(self.weights)
        if units > _MANY:
            width = _NORMAL * self.deviation(best)
            middle = scores[best] - scores[""]
            return middle - width, middle + width
        pair = _Sums({name: self.losses[name] for name in ("", best)}, self.weights, self.of_mean)
        drawn = [pair.scores(counts) for counts in counts_of_all(units, seed, draws_for(units))]
        return ends_of(scores[best] - scores[""], np.concatenate([each[best] - each[""] for each in drawn]))

    def deviation(self, best: str) -> float:
        """The standard deviation of the difference: the sum over units of its linearization, squared."""
        change = np.zeros(len(self.weights))
        for name, sign in ((best, 1.0), ("", -1.0)):
            columns = self.losses[name].T
            for column, m in zip(columns, self._undrawn_means(name), strict=True):
                step = max(abs(m), 1e-300) * 1e-6
                slope = (self.of_mean(m + step) - self.of_mean(m - step)) / (2.0 * step)
                part = m * self.weights  # in place from here on: it is as long as the table
                np.subtract(column, part, out=part)
                part *= sign * slope
                part /= len(columns)
                change += part
        change *= change
        return sqrt(total(change)) / max(total(self.weights), 1e-300)


def _metric_of(head: Head) -> str | None:
    """The metric that selects the epoch if it is a mean over rows, else that of the loss; None if neither is one."""
    return next((name for name in (head.metric, *head.metrics) if name in _LOSSES), None)


def _losses_of_each(
    head: Head,
    metric: str,
    o: NDArray[Any],
    baselines: Mapping[str, NDArray[Any]],
    truth: NDArray[Any],
    *,
    are_networks: bool = False,
) -> dict[str, Floats]:
    """The losses of each row (n, targets) by the network, under the name "", and by each baseline."""
    return {
        name: _losses(head if are_networks or not name else head.of_baseline(name), metric, np.asarray(each), truth)
        for name, each in {"": o, **baselines}.items()
    }


def _losses(head: Head, metric: str, o: NDArray[Any], truth: NDArray[Any]) -> Floats:
    """The loss of each row whose weighted mean gives the metric: (n, targets)."""
    predicted, loss = head.predictions(o), _LOSSES[metric][0]
    if metric == "error" and head.is_flat:
        return np.asarray(head.decided(predicted) != truth, np.float64)[:, None]
    if head.is_flat:
        return loss(predicted, truth, head.targets[0].q)[:, None]
    columns = []
    for j, each in enumerate(head.targets):
        values = predicted[:, j]
        values = np.column_stack([1.0 - values, values]) if head.are_labels else values
        columns.append(loss(values, truth[:, j], each.q))
    return np.column_stack(columns)


def _squared(predicted: Floats, y: NDArray[Any], q: float) -> Floats:
    e = predicted - y
    return np.asarray(e * e)


def _absolute(predicted: Floats, y: NDArray[Any], q: float) -> Floats:
    return np.asarray(np.abs(predicted - y))


def _pinball(predicted: Floats, y: NDArray[Any], q: float) -> Floats:
    return np.asarray(np.maximum(q * (y - predicted), (q - 1.0) * (y - predicted)))


def _deviance(predicted: Floats, y: NDArray[Any], q: float) -> Floats:
    logs = log(np.where(y > 0, y, 1.0)) - log(np.maximum(predicted, 1e-300))
    return np.asarray(2.0 * (y * logs - y + predicted))


def _surprise(predicted: Floats, y: NDArray[Any], q: float) -> Floats:
    rows = np.arange(len(y))
    return np.asarray(-log(np.maximum(predicted[rows, y.astype(np.intp)], _SMALLEST)))


def _wrong(predicted: Floats, y: NDArray[Any], q: float) -> Floats:
    return np.asarray(np.argmax(predicted, axis=1) != y, np.float64)


def _root(m: float) -> float:
    return sqrt(max(m, 0.0))


def _itself(m: float) -> float:
    return m


_LOSSES: Mapping[str, tuple[Callable[[Floats, NDArray[Any], float], Floats], Callable[[float], float]]] = {
    "rmse": (_squared, _root),
    "mae": (_absolute, _itself),
    "pinball": (_pinball, _itself),
    "poisson_deviance": (_deviance, _itself),
    "log_loss": (_surprise, _itself),
    "error": (_wrong, _itself),
}
"""Metric -> the loss of a row, and the metric from the mean of the losses."""

"""Neighbors: kernel regression on the learned features of an ensemble, as further networks that predict.

It takes trained members and returns them with their shares, followed by one network for each that has its layers up to
the penultimate activations and then a ``KernelRegression`` on training rows of that member; or the members alone, if
the rows that they did not train on do not show a clear gain. Trees and neighbors predict tables of near repeats better
than smooth functions do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backpass.circuit import Array, Spec, operations, trace
from backpass.dataclass import dataclass
from backpass.engine import Engine
from backpass.model.evaluation.comparison import Comparison, compare
from backpass.model.fitting.outcome.scoring import ScoredRows
from backpass.model.fitting.problem.data_split import DataSplit
from backpass.model.fitting.problem.problem import Problem
from backpass.model.fitting.runs.ensemble import Member, network_of
from backpass.model.head.head import Head
from backpass.model.metrics import as_loss
from backpass.model.prediction.forward import outputs_of
from backpass.network import Dense, KernelRegression, Network
from backpass.numerics.elementary import log, median, totals
from backpass.table.messages import counted, rounded

if TYPE_CHECKING:
    from backpass.model.model import Model

NEIGHBORS = "neighbors"
"""The name of the networks alone in the comparison."""

_WIDTHS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2)
"""s^2 of the kernel over the median of the squared distances to the fifth neighbor."""

_SHARES = (0.125, 0.25, 0.375, 0.5, 0.625)
"""The shares of the kernel regressions in the average that are tried."""

_FIFTH, _SAMPLE = 4, 512
"""The neighbor whose distance is measured, from 0, and the rows of which it is, at most."""

_LEAST_GAIN = 0.005
"""The minimum relative gain of the score, in addition to statistical significance: neighbors make a model larger."""

_DOUBT = 2.0**-10
"""The share of the stored targets of classes that is spread evenly, so that no probability is 0."""

_FEWEST = 50
"""Minimum number of training rows that become neighbors."""


class NeighborsNote(str):
    """A note that says whether neighbors predict."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, eq=False)
class Predicting:
    """The networks that a model predicts with.

    Attributes:
        members: The members.
        thetas: The parameters of each.
        notes: Notes for the model.
    """

    members: list[Member]
    thetas: list[NDArray[Any]]
    notes: list[NeighborsNote]


def with_neighbors(problem: Problem, members: Sequence[Member], thetas: Sequence[NDArray[Any]]) -> Predicting:
    """The members, and the neighbors of each if they clearly reduce the error of the average.

    The width of the kernel and the share are those with the best score on the validation rows (out-of-fold rows if
    there are folds). They are kept if the 95% interval of the paired bootstrap excludes 0, and the gain is at least
    0.5% of the score.

    Args:
        problem: The problem; its setting ``neighbors`` is the maximum number of rows that each member stores.
        members: The members.
        thetas: The parameters that each predicts with.
    """
    alone = Predicting([*members], [*thetas], [])
    if not problem.settings.neighbors:
        return alone
    rows = ScoredRows.of(problem, members, thetas, "validation")
    stored = None if rows is None else _stored(problem, members, thetas)
    if rows is None or stored is None:
        return replace(
            alone, notes=[NeighborsNote("no neighbors: there are too few rows to select them on, or to store")]
        )
    best = min(_tried(problem, members, rows, stored), key=lambda each: each.score)
    unit = None if rows.units is None else rows.units.resampled
    part = rows.part
    found = compare(
        problem.head,
        best.o,
        {NEIGHBORS: rows.o},
        part.truth,
        part.weights,
        unit=unit,
        seed=problem.settings.seed,
        are_networks=True,
    )
    if not _is_clear(found):
        return replace(alone, notes=[_note(problem, rows, best, None)])
    n, note = len(members), _note(problem, rows, best, len(stored[0].h))
    own = [replace(each, share=(1.0 - best.share) / n) for each in members]
    more = [each.member(replace(e, share=best.share / n)) for each, e in zip(stored, members, strict=True)]
    return Predicting([*own, *more], [*thetas, *(each.theta(best.width) for each in stored)], [note])


def trained_members(model: Model) -> Sequence[Mapping[str, Any]]:
    """What is known of the training of each network of an ensemble; neighbors are computed, not trained."""
    neighbors = sum(each.count for each in model.groups if each.is_of_neighbors)
    return model.record.members[: len(model.record.members) - neighbors]


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """The rows of one member that are its neighbors.

    Attributes:
        network: The network of the member.
        trained: The parameters of that network.
        kernel: The kernel regression.
        h: The learned features of the rows, less their mean: float64 (m, d).
        center: That mean (d,).
        Y: Their targets as means of outputs, (m, k).
        weights: The logarithm of the weight of each row (m,).
        distance: The median squared distance of validation rows to their fifth neighbor.
    """

    network: Network
    trained: NDArray[Any]
    kernel: KernelRegression
    h: NDArray[np.float64]
    center: NDArray[np.float64]
    Y: NDArray[np.float64]
    weights: NDArray[np.float64]
    distance: float

    @property
    def predicting(self) -> Network:
        """The layers of the member up to its features, the kernel regression, and a layer that passes it on.

        The last layer has the place of that of the member: a temperature is multiplied into it.
        """
        layers = (*self.network.layers[:-1], self.kernel, Dense(self.kernel.units))
        return replace(self.network, layers=layers)

    def member(self, like: Member) -> Member:
        """The member that predicts by the neighbors of another one."""
        return replace(like, problem=replace(like.problem, network=self.predicting), candidate=like.candidate + 1)

    def theta(self, width: float) -> NDArray[Any]:
        """The parameters of ``predicting``: s^2 is ``width`` times the distance."""
        variance, dtype = width * self.distance, self.trained.dtype
        K = self.h / variance
        c = self.weights - totals((0.5 * self.h + self.center).T * K.T)
        own = sum(each.size for each in self.network.layout.parameters[-2:])
        k = self.kernel.units
        parts = [self.trained[: self.trained.size - own], K.T, c, self.Y, np.eye(k), np.zeros(k)]
        return np.concatenate([np.asarray(each).reshape(-1).astype(dtype) for each in parts])


def _stored(problem: Problem, members: Sequence[Member], thetas: Sequence[NDArray[Any]]) -> list[Stored] | None:
    """The neighbors of every member, of each the same number; None if there are too few, or all are equal."""
    parts = [_weighted(member.problem.parts["train"]) for member in members]
    count = min(problem.settings.neighbors, *(part.rows for part in parts))
    if count < _FEWEST:
        return None
    found = []
    for member, theta, part in zip(members, thetas, parts, strict=True):
        network, engine = network_of(problem, member), problem.engine
        chosen = part.take(np.arange(count) * part.rows // count)
        h = _features(network, theta, chosen, engine)
        held_out = _features(network, theta, member.problem.parts["validation"].between(0, _SAMPLE), engine)
        distance = _distance(held_out, h, engine)
        if not 0.0 < distance < np.inf:
            return None
        center, exact = totals(h) / count, h.astype(np.float64)
        weights = np.zeros(count) if chosen.weights is None else log(chosen.weights)
        Y, link = _targets(problem.head, chosen)
        kernel = KernelRegression(count, Y.shape[1], link)
        found.append(Stored(network, theta, kernel, exact - center, center, Y, weights, distance))
    return found


def _weighted(part: DataSplit) -> DataSplit:
    """The rows whose weight is positive."""
    weights = part.weights
    return part if weights is None else part.take(np.flatnonzero(weights > 0.0))


def _features(network: Network, theta: NDArray[Any], part: DataSplit, engine: Engine) -> NDArray[Any]:
    return outputs_of(network, theta, part.inputs, engine, features=True)


def _targets(head: Head, part: DataSplit) -> tuple[NDArray[np.float64], str]:
    """The targets (m, k) whose means a kernel regression computes, and what makes outputs of these means."""
    if head.target.task == "regression":
        return part.y.reshape(part.rows, -1).astype(np.float64), "identity"
    if head.outputs > 1 and head.is_flat:
        return (1.0 - _DOUBT) * np.eye(head.outputs)[part.truth.astype(np.intp)] + _DOUBT / head.outputs, "log"
    return (1.0 - _DOUBT) * part.truth.reshape(part.rows, -1).astype(np.float64) + 0.5 * _DOUBT, "logit"


def _distance(x: NDArray[Any], h: NDArray[Any], engine: Engine) -> float:
    """The median over rows of x (n, d) of the squared distance to the fifth nearest row of h (m, d)."""

    def squares(x: Array, h: Array) -> Array:
        of_x, of_h = operations.sum(x * x, axis=1, keepdims=True), operations.sum(h * h, axis=1)
        return of_x + of_h - 2.0 * operations.matmul(x, h.T)

    circuit = trace(squares, [Spec(("n", x.shape[1]), x.dtype), Spec(("m", h.shape[1]), h.dtype)])
    found = engine.run(circuit, x, h)[0]
    return median(np.maximum(np.partition(found, _FIFTH, axis=1)[:, _FIFTH], 0.0))


@dataclass(frozen=True, slots=True, eq=False)
class _Tried:
    """An average of the networks and their neighbors.

    Attributes:
        score: Its score on the validation rows, lower is better.
        share: The share of the neighbors.
        width: The width of the kernel.
        o: Its outputs (n, k).
    """

    score: float
    share: float
    width: float
    o: NDArray[Any]


def _tried(problem: Problem, members: Sequence[Member], rows: ScoredRows, stored: Sequence[Stored]) -> Iterator[_Tried]:
    """Every average that is tried."""
    head, part, alone = problem.head, rows.part, rows.o.astype(np.float64)
    neighbors = [each.member(member) for each, member in zip(stored, members, strict=True)]
    for width in _WIDTHS:
        found = ScoredRows.of(problem, neighbors, [each.theta(width) for each in stored], "validation")
        assert found is not None  # the members have validation rows
        kernel = found.o.astype(np.float64)
        for share in _SHARES:
            o = np.asarray(head.average([alone, kernel], (1.0 - share, share)))
            score = as_loss(head.metric, head.scores(o, part.truth, part.weights, [head.metric])[head.metric])
            yield _Tried(score if np.isfinite(score) else np.inf, share, width, o)


def _is_clear(found: Comparison | None) -> bool:
    """Whether the neighbors gain more than chance and than they cost."""
    if found is None or found.result != "better":
        return False
    return found.difference >= _LEAST_GAIN * abs(found.baseline_score)


def _note(problem: Problem, rows: ScoredRows, best: _Tried, count: int | None) -> NeighborsNote:
    head, name = problem.head, problem.head.metric
    before, after = (
        head.scores(o, rows.part.truth, rows.part.weights, [name])[name] for o in (rows.o.astype(np.float64), best.o)
    )
    scores = f"{name.replace('_', ' ')} {rounded(after)} with them, {rounded(before)} without"
    where = "out-of-fold rows" if problem.folds else "validation rows"
    if count is None:
        return NeighborsNote(f"no neighbors: they do not clearly help ({scores}, {where})")
    kept = f"{counted(count, 'training row')} of each network predict as neighbors"
    return NeighborsNote(f"{kept}, with a share of {best.share:g} of the average ({scores}, {where})")

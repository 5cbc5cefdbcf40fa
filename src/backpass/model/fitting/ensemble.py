"""An ensemble: several networks of one shape that are trained independently and whose predictions are averaged.

It takes a problem and returns the problems of its members. Members share columns, categories, scales and the network's
shape. Each has its own seed and its own frequency scale for periodic embeddings (the scales take turns). With folds,
each also has its own rows: it trains on all folds but one, which selects its epoch. Training member i alone gives the
same bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.model.fitting.data_split import DataSplit
from backpass.model.fitting.problem import Problem
from backpass.model.forward import outputs_of
from backpass.model.metrics import FEWEST_ROWS
from backpass.network import Network, Periodic
from backpass.numerics.philox import permutation

_PURPOSE = 0x591B_0000
# 2^64 divided by the golden ratio: the members' seeds are far apart, also for neighboring seeds of the user.
_SEED_STEP = 0x9E37_79B9_7F4A_7C15


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """One network to train.

    Attributes:
        problem: Its problem.
        fold: The rows of the pool that validate it; None if all members share the same splits.
    """

    problem: Problem
    fold: NDArray[Any] | None


def members_of(problem: Problem, at_once: int = 1) -> list[Member]:
    """The members of the ensemble; without an ensemble, the problem itself.

    Args:
        problem: The problem.
        at_once: The number of members that train concurrently; ``max_seconds`` is divided accordingly.
    """
    settings = problem.settings
    count = settings.ensemble_size
    if count == 1:
        return [Member(problem, None)]
    # Members train in ceil(count / at_once) rounds, which share the time limit.
    limit = None if settings.max_seconds is None else settings.max_seconds / -(-count // at_once)
    wishes = [replace(settings, seed=(settings.seed + i * _SEED_STEP) % 2**64, max_seconds=limit) for i in range(count)]
    alike = [replace(problem, settings=stop, network=_network_of(problem, i)) for i, stop in enumerate(wishes)]
    if not on_folds(problem):
        return [Member(each, None) for each in alike]
    pool = pooled(problem)
    members = []
    for each, fold in zip(alike, folds_of(problem, pool), strict=True):
        others = np.setdiff1d(np.arange(pool.rows), fold)
        parts = {"train": pool.take(others), "validation": pool.take(fold)}
        members.append(Member(replace(each, parts=parts), fold))
    return members


def _network_of(problem: Problem, number: int) -> Network:
    """The network of member ``number``, whose periodic embeddings start with that member's frequency scale."""
    scales, network = problem.settings.frequency_scale, problem.network
    scale = scales[number % len(scales)]
    layers = [replace(layer, deviation=scale) if isinstance(layer, Periodic) else layer for layer in network.layers]
    return replace(network, layers=tuple(layers))


def on_folds(problem: Problem) -> bool:
    """Whether members train on folds: requested, and with enough rows for every fold."""
    settings, rows = problem.settings, pooled(problem).rows
    return (
        settings.ensemble_size > 1
        and settings.ensemble_split == "folds"
        and rows >= max(FEWEST_ROWS, 2 * settings.ensemble_size)
    )


def pooled(problem: Problem) -> DataSplit:
    """The training and validation rows together."""
    return DataSplit.joined([problem.parts[name] for name in ("train", "validation") if name in problem.parts])


def folds_of(problem: Problem, pool: DataSplit) -> list[NDArray[Any]]:
    """Random folds of the pool, as sorted row numbers, stratified by class or by set of labels."""
    order = permutation(problem.settings.seed, 0, _PURPOSE, pool.rows)
    if problem.head.target.task != "regression":
        order = order[np.lexsort(np.atleast_2d(pool.truth[order].T))]
    count = problem.settings.ensemble_size
    return [np.sort(order[i::count]) for i in range(count)]


def outputs_of_members(problem: Problem, thetas: Sequence[NDArray[Any]], x: NDArray[Any]) -> NDArray[Any]:
    """Outputs that correspond to the average of the members' predictions: x (n, d)  ->  (n, k)"""
    outputs = [outputs_of(problem.network, theta, x, problem.engine) for theta in thetas]
    return problem.head.averaged(outputs)


def out_of_fold(members: Sequence[Member], thetas: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], DataSplit]:
    """Out-of-fold outputs: those of each row by the member that did not train on it; and the rows, fold by fold.

    These rows selected the epoch of their member, so scores on them are slightly optimistic.
    """
    parts = [member.problem.parts["validation"] for member in members]
    outputs = [
        outputs_of(member.problem.network, theta, part.x, member.problem.engine)
        for member, theta, part in zip(members, thetas, parts, strict=True)
    ]
    return np.concatenate(outputs), DataSplit.joined(parts)

"""An ensemble: several networks of one shape that are trained independently and whose predictions are averaged.

It takes a problem and returns the problems of its members. Members share columns, categories, scales and the network's
shape. Each has its own seed and its own frequency scale for periodic embeddings (the scales take turns). With folds,
each also has its own rows: it trains on all folds but one, which selects its epoch. Training member i alone gives the
same bits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from backpass.model.fitting.data_split import DataSplit
from backpass.model.fitting.problem import Problem
from backpass.model.split.splits import RowSplit
from backpass.network import Network, Periodic

# 2^64 divided by the golden ratio: the members' seeds are far apart, also for neighboring seeds of the user.
_SEED_STEP = 0x9E37_79B9_7F4A_7C15


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """One network to train.

    Attributes:
        problem: Its problem.
        fold: Its split of the training and validation rows; None if all members share the same splits.
    """

    problem: Problem
    fold: RowSplit | None = None


def members_of(problem: Problem, at_once: int = 1) -> list[Member]:
    """The members of the ensemble; without an ensemble, the problem itself.

    Args:
        problem: The problem.
        at_once: The number of members that train concurrently; ``max_seconds`` is divided accordingly.
    """
    settings = problem.settings
    count = settings.ensemble_size
    if count == 1:
        return [Member(problem)]
    # Members train in ceil(count / at_once) rounds, which share the time limit.
    limit = None if settings.max_seconds is None else settings.max_seconds / -(-count // at_once)
    wishes = [replace(settings, seed=(settings.seed + i * _SEED_STEP) % 2**64, max_seconds=limit) for i in range(count)]
    alike = [replace(problem, settings=stop, network=_network_of(problem, i)) for i, stop in enumerate(wishes)]
    if not problem.folds:
        return [Member(each) for each in alike]
    pool = pooled(problem)
    return [
        Member(replace(each, parts={"train": pool.take(fold.train), "validation": pool.take(fold.validation)}), fold)
        for each, fold in zip(alike, problem.folds, strict=True)
    ]


def _network_of(problem: Problem, number: int) -> Network:
    """The network of member ``number``, whose periodic embeddings start with that member's frequency scale."""
    scales, network = problem.settings.frequency_scale, problem.network
    scale = scales[number % len(scales)]
    layers = [replace(layer, deviation=scale) if isinstance(layer, Periodic) else layer for layer in network.layers]
    return replace(network, layers=tuple(layers))


def pooled(problem: Problem) -> DataSplit:
    """The training and validation rows together."""
    return DataSplit.joined([problem.parts[name] for name in ("train", "validation") if name in problem.parts])

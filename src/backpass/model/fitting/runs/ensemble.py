"""An ensemble: several networks of one shape that are trained independently and whose predictions are averaged.

It takes a problem and returns the problems of its members. Members share columns, categories, scales and the network's
shape. Each has its own seed and its own frequency scale for periodic embeddings (the scales take turns). With folds,
each also has its own rows: it trains on all folds but one, which selects its epoch. Training member i alone gives the
same bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from backpass.dataclass import dataclass
from backpass.model.fitting.problem.data_split import DataSplit
from backpass.model.fitting.problem.problem import Problem
from backpass.model.fitting.transfer.kept_features import KeptFeatures
from backpass.model.split.splits import RowSplit
from backpass.network import Network
from backpass.numerics.elementary import total

# 2^64 divided by the golden ratio: the members' seeds are far apart, also for neighboring seeds of the user.
_SEED_STEP = 0x9E37_79B9_7F4A_7C15


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """One network to train.

    Attributes:
        problem: Its problem.
        fold: Its split of the training and validation rows; None if all members share the same splits.
        candidate: The number of its settings, in a pack; 1 for the neighbors of a member, see ``neighbors``.
        share: Its share of the average; None if all members have the same.
    """

    problem: Problem
    fold: RowSplit | None = None
    candidate: int = 0
    share: float | None = None


def shares_of(members: Sequence[Member]) -> tuple[float, ...]:
    """The share of each member in the average, with sum 1; empty if all are equal."""
    shares = [member.share for member in members if member.share is not None]
    whole = total(shares) if shares else 0.0
    return tuple(share / whole for share in shares)


def network_of(problem: Problem, member: Member) -> Network:
    """The network that a member predicts with: that of the problem, or of its candidate or neighbors.

    Members differ in how their periodic embeddings start, which predictions do not depend on.
    """
    is_own = problem.settings.candidates == 1 and member.candidate == 0
    return problem.network if is_own else member.problem.network


def members_of(
    problem: Problem, at_once: int = 1, first: int = 0, splits: Sequence[Mapping[str, DataSplit]] | None = None
) -> list[Member]:
    """The members of the ensemble; without an ensemble, the problem itself.

    Args:
        problem: The problem.
        at_once: The number of members that train concurrently; ``max_seconds`` is divided accordingly.
        first: The number of the first member among those of a pack, which its seed follows.
        splits: What ``splits_of`` returns. Default None: it is called.
    """
    settings = problem.settings
    count = settings.ensemble_size
    if count == 1:
        return [Member(_with_seed(problem, first) if first else problem)]
    # Members train in ceil(count / at_once) rounds, which share the time limit.
    limit = None if settings.max_seconds is None else settings.max_seconds / -(-count // at_once)
    own = [replace(settings, seed=_seed_of(settings.seed, first + i), max_seconds=limit) for i in range(count)]
    alike = [
        replace(problem, settings=each, network=_network_of(problem, i), kept=_kept_by(problem, i))
        for i, each in enumerate(own)
    ]
    if not problem.folds:
        return [Member(each) for each in alike]
    parts = splits_of(problem) if splits is None else splits
    stored = [None if problem.stored is None else problem.stored.for_member(i) for i in range(count)]
    return [
        Member(replace(each, parts=p, stored=s), f)
        for each, p, s, f in zip(alike, parts, stored, problem.folds, strict=True)
    ]


def splits_of(problem: Problem) -> list[Mapping[str, DataSplit]]:
    """The rows that train and validate each member; empty without folds."""
    pool = pooled(problem) if problem.folds else None
    return [
        {"train": pool.take(fold.train), "validation": pool.take(fold.validation)} for fold in problem.folds if pool
    ]


def _with_seed(problem: Problem, number: int) -> Problem:
    """The problem with the seed of member ``number``."""
    return replace(problem, settings=replace(problem.settings, seed=_seed_of(problem.settings.seed, number)))


def _seed_of(seed: int, number: int) -> int:
    """The seed of member ``number``; the first one has that of the settings."""
    return (seed + number * _SEED_STEP) % 2**64


def _kept_by(problem: Problem, number: int) -> KeptFeatures | None:
    """The kept features of member ``number``: those of the network with this number."""
    return None if problem.kept is None else problem.kept.member(number)


def _network_of(problem: Problem, number: int) -> Network:
    """The network of member ``number``, whose periodic embeddings start with that member's frequency scale."""
    scales, network = problem.settings.frequency_scale, problem.network
    if problem.kept is not None:
        return network
    return network.with_scales(scales[number % len(scales)])


def pooled(problem: Problem) -> DataSplit:
    """The training and validation rows together."""
    return DataSplit.joined([problem.parts[name] for name in ("train", "validation") if name in problem.parts])

"""Candidates: the members of a pack, before it is known which of them suit the table.

It takes a problem and returns the members of every candidate, candidate by candidate: as many networks as an ensemble
of its settings has, each on its own fold. All read the same rows and inputs; what differs are the layers and training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from backpass.model.fitting.problem.building import build_network
from backpass.model.fitting.problem.problem import Problem
from backpass.model.fitting.runs.ensemble import Member, members_of, splits_of
from backpass.model.settings.pack_portfolio import changes_of
from backpass.table.memory import require_memory


def candidate_of(problem: Problem, number: int) -> Problem:
    """The problem of one candidate: its settings, network and loss, on the same rows."""
    rows = problem.parts["train"].rows
    changes = changes_of(number, problem.settings, problem.head.target.task, rows)
    settings = replace(problem.settings, **changes)
    network = build_network(settings, problem.schema, problem.feature_map, problem.head.outputs, rows)
    return replace(problem, settings=settings, network=network, head=problem.head.trained_by(settings))


def field_of(problem: Problem, numbers: Sequence[int] | None = None) -> list[Member]:
    """The members of every candidate, or of those with the given numbers.

    Raises:
        ResourceError: Their parameters and gradients need more memory than there is.
    """
    numbers = range(problem.settings.candidates) if numbers is None else numbers
    candidates = [candidate_of(problem, number) for number in numbers]
    count = problem.settings.ensemble_size
    largest = max(each.network.parameter_count for each in candidates)
    thetas = 5 * problem.dtype.itemsize * count * sum(each.network.parameter_count for each in candidates)
    what = f"{len(candidates)} candidates of up to {largest:,} parameters"
    require_memory(thetas, what, "fewer --candidates, or fewer columns (--drop)")
    splits = splits_of(problem)  # all candidates share the rows of a fold
    return [
        replace(_limited(member, problem.settings.max_seconds), candidate=number)
        for number, candidate in zip(numbers, candidates, strict=True)
        for member in members_of(candidate, first=number * count, splits=splits)
    ]


def identity_of(problem: Problem, members: Sequence[Member]) -> dict[str, Any]:
    """What a checkpoint must match, see ``Problem.identity``; for a pack also the network of each member."""
    found = problem.identity()
    if problem.settings.candidates > 1:
        found["networks"] = [member.problem.network.to_json() for member in members]
    return found


def again(problem: Problem, members: Sequence[Member], at_once: int) -> list[Member]:
    """The members of another problem with the candidates and shares of these; without a pack those of the ensemble.

    Args:
        problem: The problem of other rows.
        members: The members whose candidates are known.
        at_once: The number of members that train concurrently; ``max_seconds`` is divided accordingly.
    """
    if problem.settings.candidates == 1:
        return members_of(problem, at_once)
    numbers = list(dict.fromkeys(member.candidate for member in members))
    shares = {c: [member.share for member in members if member.candidate == c] for c in numbers}
    found, limit = field_of(problem, numbers), problem.settings.max_seconds
    seconds = None if limit is None else limit / -(-len(found) // at_once)
    each = problem.settings.ensemble_size
    return [
        replace(_limited(member, seconds), share=sum(share or 0.0 for share in shares[member.candidate]) / each)
        for member in found
    ]


def _limited(member: Member, seconds: float | None) -> Member:
    """The member with this time limit."""
    problem = member.problem
    return replace(member, problem=replace(problem, settings=replace(problem.settings, max_seconds=seconds)))

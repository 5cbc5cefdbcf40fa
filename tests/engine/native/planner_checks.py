"""Shared by the tests of the planner: passes whose results are verified, and shards of any number."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from backpass.engine.plan.graph import Graph
from backpass.engine.plan.passes import Pass
from backpass.engine.plan.request import Request
from backpass.engine.plan.verification import InvalidGraphError, verify


def verified(one: Pass) -> Pass:
    """A pass of the planner whose result is verified."""

    def run(graph: Graph, request: Request) -> Graph:
        result = one(graph, request)
        try:
            verify(result)
        except InvalidGraphError as error:
            raise InvalidGraphError(f"after {one.__name__}: {error}") from None
        return result

    return run


def bounds_of(shards: int) -> Callable[[int, int], list[tuple[int, int]]]:
    """Instead of the planner's own rule: so many shards, of sizes that differ, for any step."""

    def shard_bounds(rows: int, numbers: int) -> list[tuple[int, int]]:
        ends = sorted({rows * (i + 1) ** 2 // shards**2 for i in range(shards)})
        return list(pairwise([0, *(end for end in ends if end > 0)])) if len(ends) > 1 else []

    return shard_bounds

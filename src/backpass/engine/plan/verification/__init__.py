"""Verification: what holds for a graph after every pass. The tests run it there; plans of users do without.

A pass that breaks the graph fails at once with the term and the reason, instead of computing other numbers later.
"""

from __future__ import annotations

from backpass.engine.plan.graph import Graph
from backpass.engine.plan.verification.operations import operation_problems
from backpass.engine.plan.verification.placement import placement_problems
from backpass.engine.plan.verification.terms import order_problems, shard_problems, view_problems
from backpass.engine.plan.verification.units import unit_problems


class InvalidGraphError(AssertionError):
    """A pass returned a graph that breaks an invariant."""


def verify(graph: Graph) -> None:
    """Check a graph.

    - Terms have distinct numbers, come after the terms that they need, and are needed by an output.
    - Views read the graph's own terms, and only elements that these have.
    - Shapes and dtypes of arguments agree with the operation.
    - A term of a shard reads terms of its own shard and of all rows only.
    - Pieces of an array lie inside it and do not overlap, except with the background, which is written first; every
      reader of a piece can express its view. Outputs with a buffer of their own are whole terms.
    - Every term is in one unit, which one instruction can compute; scheduled units come after those that they need.

    Raises:
        InvalidGraphError: If an invariant does not hold; the message names the term.
    """
    checks = (order_problems, view_problems, operation_problems, shard_problems, placement_problems, unit_problems)
    for problems_of in checks:
        for problem in problems_of(graph):
            raise InvalidGraphError(problem)

"""Schedule: the order of units; those that overwrite the state come last, after the guard.

Units of shards are grouped into runs as long as possible, ordered by shard: shards run concurrently, and threads wait
for each other only between such runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from heapq import heappop, heappush

from backpass.engine.plan.graph import Graph, Unit, needed
from backpass.engine.plan.request import Request
from backpass.engine.plan.term import WHOLE, TermKind


def schedule_units(graph: Graph, request: Request) -> Graph:
    """Order the units such that each comes after those that it needs, and the new state after the objective."""
    units = _ordered(graph.units, _late_terms(graph, request.states))
    return replace(graph, units=tuple(units), is_scheduled=True)


def _late_terms(graph: Graph, states: int) -> frozenset[int]:
    """The terms to compute after the guard: the new state, except for terms that the objective depends on."""
    if not states:
        return frozenset()
    state = frozenset(view.term.number for view in graph.outputs[:states] if view.term.is_computed)
    return state - {term.number for term in needed([graph.outputs[states].term.whole])}


def time_slots(units: Sequence[Unit]) -> list[int]:
    """The time slot in which each unit runs.

    Units run one after another. Consecutive packings, and consecutive units of shards, share a slot, because no thread
    waits between them.
    """
    slots, slot, before = [], 0, ""
    for unit in units:
        if unit.first.is_computed:
            together = "shards" if unit.shard != WHOLE else "packs" if unit.first.kind is TermKind.PACK else ""
            slot += not (together and together == before)
            before = together
        slots.append(slot)
    return slots


def _ordered(units: Sequence[Unit], late: frozenset[int]) -> list[Unit]:
    """Order the units; those with a term of ``late``, and those that depend on them, come at the end."""
    owner = {term.number: i for i, unit in enumerate(units) for term in unit.terms}
    waits: list[int] = []
    follows: dict[int, list[int]] = {}
    for i, unit in enumerate(units):
        needs = {owner[other.number] for term in unit.terms for other in term.needs} - {i}
        waits.append(len(needs))
        for other in needs:
            follows.setdefault(other, []).append(i)
    is_late = [any(term.number in late for term in unit.terms) for unit in units]
    ready: dict[tuple[bool, int], list[tuple[int, int]]] = {}
    order: list[int] = []

    def release(i: int) -> None:
        heappush(ready.setdefault((is_late[i], units[i].shard), []), (units[i].first.number, i))

    def take(i: int) -> None:
        order.append(i)
        for follower in follows.get(i, ()):
            is_late[follower] |= is_late[i]
            waits[follower] -= 1
            if waits[follower] == 0:
                release(follower)

    for i in [i for i, count in enumerate(waits) if count == 0]:
        (take if units[i].first.kind in (TermKind.INPUT, TermKind.CONSTANT) else release)(i)
    shards = (*sorted({unit.shard for unit in units} - {WHOLE}), WHOLE)
    for stage in (False, True):
        # Take all ready units of the first shard, then of the second, ..., then those without a shard; repeat until
        # none is ready.
        count = -1
        while count < len(order):
            count = len(order)
            for shard in shards:
                while heap := ready.get((stage, shard)):
                    take(heappop(heap)[1])
    assert len(order) == len(units), "units wait for each other"
    return [units[i] for i in order]

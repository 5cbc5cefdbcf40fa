"""Schedule: the order of units; those that overwrite the state come last, after the guard.

Units of shards are grouped into runs as long as possible, ordered by shard: shards run concurrently, and threads wait
for each other only between such runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush

from backpass.engine.plan.fusion import Unit
from backpass.engine.plan.graph import WHOLE


def ordered(units: Sequence[Unit], last: frozenset[int]) -> list[Unit]:
    """Order the units topologically; those with a term of ``last``, and those that depend on them, come at the end."""
    late = sum(1 << number for number in last)
    owner = {term.number: unit for unit in units for term in unit.terms}
    waits: dict[int, int] = {}
    follows: dict[int, list[Unit]] = {}
    ready: dict[tuple[bool, int], list[tuple[int, Unit]]] = {}
    for unit in units:
        needs = {id(owner[n]): owner[n] for n in unit.inputs if owner[n] is not unit}
        waits[id(unit)] = len(needs)
        for other in needs.values():
            follows.setdefault(id(other), []).append(unit)

    def release(unit: Unit) -> None:
        is_late = bool((unit.mask | unit.before) & late)
        heappush(ready.setdefault((is_late, unit.part), []), (unit.first.number, unit))

    order: list[Unit] = []

    def take(unit: Unit) -> None:
        order.append(unit)
        for follower in follows.get(id(unit), ()):
            waits[id(follower)] -= 1
            if waits[id(follower)] == 0:
                release(follower)

    for unit in [unit for unit in units if waits[id(unit)] == 0]:
        (take if unit.first.kind in ("input", "constant") else release)(unit)
    parts = (*sorted({unit.part for unit in units} - {WHOLE}), WHOLE)
    for is_late in (False, True):
        # Take all ready units of the first shard, then of the second, ..., then those without a shard; repeat until
        # none is ready.
        count = -1
        while count < len(order):
            count = len(order)
            for part in parts:
                while heap := ready.get((is_late, part)):
                    take(heappop(heap)[1])
    assert len(order) == len(units), "units wait for each other"
    return order

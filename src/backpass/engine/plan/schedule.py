"""The schedule: the order of units, with what overwrites the state at the end, behind the guard."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from backpass.engine.plan.fusion import Unit


def ordered(units: Sequence[Unit], last: frozenset[int]) -> list[Unit]:
    """The units, each after those it needs; units holding a term of ``last`` and what needs them come at the end."""
    late = 0
    for number in last:
        late |= 1 << number
    owner = {term.number: unit for unit in units for term in unit.terms}
    is_late = {id(unit): bool((unit.mask | unit.before) & late) for unit in units}
    waits: dict[int, int] = {}
    follows: dict[int, list[Unit]] = {}
    for unit in units:
        needs = {id(owner[n]): owner[n] for n in unit.inputs if owner[n] is not unit}
        waits[id(unit)] = len(needs)
        for other in needs.values():
            follows.setdefault(id(other), []).append(unit)
    ready = [(is_late[id(u)], u.first.number, u) for u in units if waits[id(u)] == 0]
    heapq.heapify(ready)
    order: list[Unit] = []
    while ready:
        _, _, unit = heapq.heappop(ready)
        order.append(unit)
        for follower in follows.get(id(unit), ()):
            waits[id(follower)] -= 1
            if waits[id(follower)] == 0:
                heapq.heappush(ready, (is_late[id(follower)], follower.first.number, follower))
    assert len(order) == len(units), "units wait for each other"
    return order

"""Graph of a plan: the terms that the outputs need, frozen, and what the passes have decided about them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from heapq import heapify, heappop, heappush

from backpass.dataclass import dataclass
from backpass.engine.plan.placement import Placement
from backpass.engine.plan.term import Term, View


@dataclass(frozen=True, slots=True)
class Unit:
    """Terms that one instruction computes: several elementwise terms, a product with its epilogue, or a single term."""

    terms: tuple[Term, ...]

    @property
    def first(self) -> Term:
        return self.terms[0]

    @property
    def shard(self) -> int:
        """The shard of the rows that it works on, or WHOLE."""
        return self.first.shard


@dataclass(frozen=True, slots=True)
class Graph:
    """What a plan computes.

    Attributes:
        terms: The terms that the outputs need, in topological order, otherwise in the order of their numbers.
        inputs: The inputs, read or not; an input that is split by rows has one term per shard.
        outputs: The outputs.
        placement: Terms whose memory is determined; empty before the pass ``alias_buffers``.
        units: The terms in groups, one per instruction; empty before the pass ``fuse_units``.
        is_scheduled: Whether the units are in the order in which they run.
    """

    terms: tuple[Term, ...]
    inputs: tuple[Term, ...]
    outputs: tuple[View, ...]
    placement: Placement = field(default_factory=Placement)
    units: tuple[Unit, ...] = ()
    is_scheduled: bool = False

    @classmethod
    def of(cls, inputs: Sequence[Term], outputs: Sequence[View]) -> Graph:
        """The graph of these outputs; terms that none of them needs are dropped."""
        return cls(tuple(needed(outputs)), tuple(inputs), tuple(outputs))

    @property
    def next_number(self) -> int:
        """A number that no term has, nor any after it."""
        return 1 + max((term.number for term in (*self.terms, *self.inputs)), default=-1)

    def rewritten(self, changes: Mapping[int, Term], outputs: Sequence[View] | None = None) -> Graph:
        """The graph with some terms replaced, and all terms that read them made anew to read the replacements.

        Args:
            changes: number -> the new term; it may be a number that the graph does not have yet.
            outputs: Other outputs, if they change.
        """
        wanted = self.outputs if outputs is None else tuple(outputs)
        if not changes:
            return replace(self, outputs=wanted)
        made: dict[int, Term] = {}
        for term in needed(wanted, changes):
            arguments = tuple([view.of(made[view.term.number]) for view in term.arguments])
            after = tuple([made[other.number] for other in term.after])
            pairs = zip((*arguments, *after), (*term.arguments, *term.after), strict=True)
            is_same = all(new is old for new, old in pairs)
            made[term.number] = term if is_same else term.reading(arguments, after)
        wanted = tuple(view.of(made[view.term.number]) for view in wanted)
        return replace(self, terms=tuple(made.values()), outputs=wanted)


def needed(outputs: Sequence[View], changes: Mapping[int, Term] | None = None) -> list[Term]:
    """The terms that the outputs need, in topological order, otherwise in the order of their numbers.

    Args:
        outputs: The outputs.
        changes: Terms that stand for others of the same number.
    """
    changed: Mapping[int, Term] = changes or {}
    found = {view.term.number: changed.get(view.term.number, view.term) for view in outputs}
    followers: defaultdict[int, list[int]] = defaultdict(list)
    unseen = list(found.values())
    waits: dict[int, int] = {}
    while unseen:
        term = unseen.pop()
        needs = term.needs
        waits[term.number] = len(needs)
        for other in needs:
            number = other.number
            followers[number].append(term.number)
            if number not in found:
                found[number] = new = changed.get(number, other)
                unseen.append(new)
    ready = [number for number, count in waits.items() if count == 0]
    heapify(ready)
    order = []
    while ready:
        number = heappop(ready)
        order.append(found[number])
        for follower in followers[number]:
            waits[follower] -= 1
            if waits[follower] == 0:
                heappush(ready, follower)
    return order

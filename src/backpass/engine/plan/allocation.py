"""Allocation: the memory of every value of a scheduled graph: the caller's buffers, the constants and the arena."""

from __future__ import annotations

from collections.abc import Mapping

import numpy

from backpass.dataclass import dataclass
from backpass.engine.plan.graph import Graph
from backpass.engine.plan.memory import ALIGNMENT, Need, lay_out
from backpass.engine.plan.passes.schedule import time_slots
from backpass.engine.plan.placement import Storage
from backpass.engine.plan.plan import ARENA, CONSTANTS, FIRST_INPUT
from backpass.engine.plan.request import Request
from backpass.engine.plan.strides import packed_strides
from backpass.engine.plan.term import WHOLE, Term, TermKind


@dataclass(frozen=True, slots=True)
class Allocation:
    """The memory of a plan.

    Attributes:
        storages: number of a term -> its storage; values that exist in registers only have none.
        sizes: The size of each buffer after the constants, in bytes; -1 if it is known only at run time.
        output_buffers: The buffer of each output.
        rows_buffer: The buffer of the row numbers of a batch, or -1.
        constants: The contents of the buffer of constants.
        arena_bytes: The size of the arena.
        copied_back: New states that are computed in the arena and copied to these buffers at the end of the step.
    """

    storages: Mapping[int, Storage]
    sizes: tuple[int, ...]
    output_buffers: tuple[int, ...]
    rows_buffer: int
    constants: bytes
    arena_bytes: int
    copied_back: tuple[tuple[Term, int], ...]


def allocate(graph: Graph, request: Request) -> Allocation:
    """Decide where every value of a scheduled graph is stored."""
    allocator = _Allocator(graph, request)
    output_buffers = allocator.store_outputs()
    constants = allocator.store_constants()
    rows_buffer = allocator.new_buffer(-1) if request.batch else -1
    arena_bytes = allocator.store_rest()
    allocator.store_pieces()
    for i in request.batch:
        allocator.sizes[i] = -1
    return Allocation(
        allocator.storages,
        tuple(allocator.sizes),
        output_buffers,
        rows_buffer,
        constants,
        arena_bytes,
        tuple(allocator.copied_back),
    )


def guard_position(graph: Graph, states: int) -> int:
    """The index of the first unit after the guard, which checks the objective."""
    objective = graph.outputs[states].term.number
    positions = (i + 1 for i, unit in enumerate(graph.units) if any(t.number == objective for t in unit.terms))
    return next(positions, 0)


def packed_storage(term: Term, buffer: int, offset_bytes: int = 0) -> Storage:
    return Storage(buffer, offset_bytes // term.dtype.itemsize, packed_strides(term.shape))


class _Allocator:
    """The memory that is allocated so far; see ``Allocation``."""

    def __init__(self, graph: Graph, request: Request) -> None:
        self._graph, self._request = graph, request
        self._inputs: dict[int, Term] = {}  # of a batch that is split into shards, the term of the first one
        for term in graph.inputs:
            self._inputs.setdefault(term.params["at"], term)
        self.storages: dict[int, Storage] = {}
        self.sizes = [term.size_bytes for term in self._inputs.values()]
        self.copied_back: list[tuple[Term, int]] = []

    def new_buffer(self, size: int) -> int:
        self.sizes.append(size)
        return FIRST_INPUT + len(self.sizes) - 1

    def store_outputs(self) -> tuple[int, ...]:
        """Store the inputs and the outputs in the caller's buffers.

        A state is overwritten in place where that is safe. Otherwise the new state is computed in the arena and copied
        back at the end of the step.
        """
        placed = self._graph.placement.output
        for i, term in self._inputs.items():
            if i not in self._request.batch:
                self._store(term, FIRST_INPUT + i)
        buffers = []
        for i, view in enumerate(self._graph.outputs):
            if i >= self._request.states:
                buffers.append(self.new_buffer(view.term.size_bytes))
                self._store(view.term, buffers[-1])
                continue
            buffers.append(FIRST_INPUT + i)
            if placed.get(view.term.number) != i:
                continue  # the state does not change
            if self._may_overwrite(view.term, self._inputs[i]):
                self._store(view.term, FIRST_INPUT + i)
            else:
                self.copied_back.append((view.term, FIRST_INPUT + i))
        return tuple(buffers)

    def store_constants(self) -> bytes:
        data = bytearray()
        for term in self._graph.terms:
            if term.kind is TermKind.CONSTANT:
                data += bytes(-len(data) % ALIGNMENT if term.size > 1 else -len(data) % 8)
                self._store(term, CONSTANTS, len(data))
                data += numpy.ascontiguousarray(term.params["value"]).tobytes()
        return bytes(data)

    def store_rest(self) -> int:
        """Allocate arena memory for every value that a unit other than its own reads. Returns the size of the arena.

        Values that only one shard uses lie in a separate region per shard, because shards run concurrently. Within a
        shard, lifetimes are measured in units. In the common region they are measured in time slots (see
        ``time_slots``), because units in the same slot run concurrently.
        """
        uses = self._uses()
        arena = 0
        for shard in (WHOLE, *range(len(self._request.shards))):
            owned = [use for use in uses if use.term.number not in self.storages and use.shard == shard]
            needs = []
            for use in owned:
                span = [slot if shard == WHOLE else unit for unit, slot in use.times]
                needs.append(Need(use.term.size_bytes, min(span), max(span)))
            offsets, size = lay_out(needs)
            for use, offset in zip(owned, offsets, strict=True):
                self._store(use.term, ARENA, arena + offset)
            arena += size
        return arena

    def store_pieces(self) -> None:
        """Store pieces inside the arrays that they belong to."""
        for number, (whole, inner) in self._graph.placement.within.items():
            if whole in self.storages:
                outer = self.storages[whole]
                self.storages[number] = Storage(outer.buffer, outer.offset + inner.offset, inner.strides)

    def _store(self, term: Term, buffer: int, offset_bytes: int = 0) -> None:
        self.storages[term.number] = packed_storage(term, buffer, offset_bytes)

    def _may_overwrite(self, term: Term, state: Term) -> bool:
        """Whether a new state can overwrite the old one in place.

        This requires an elementwise term after the guard, and that nothing reads the old state later, or in another
        order.
        """
        units = self._graph.units
        at = next((i for i, unit in enumerate(units) if any(t.number == term.number for t in unit.terms)), None)
        if at is None or term.kind is not TermKind.MAP or at < guard_position(self._graph, self._request.states):
            return False
        for i, unit in enumerate(units[at:], at):
            for other in unit.terms:
                for view in other.arguments:
                    if view.term.number == state.number and (i > at or not (view.is_whole and view.size == term.size)):
                        return False
        return True

    def _uses(self) -> list[_Use]:
        """Every value that is stored, except for pieces, whose uses are those of the array that they belong to."""
        graph, uses = self._graph, _Uses(self._graph)
        in_registers = _in_registers(graph)
        for time, unit in zip(enumerate(time_slots(graph.units)), graph.units, strict=True):
            own = {term.number for term in unit.terms}
            for term in unit.terms:
                if term.is_computed and term.number not in in_registers:
                    uses.add(term, unit.shard, time)
                if term.kind is TermKind.ASSEMBLE:
                    continue  # its pieces are written where they belong
                for view in term.arguments:
                    if view.term.number not in own:
                        uses.add(view.term, unit.shard, time)
        for term in graph.inputs:
            if term.params["at"] in self._request.batch and term.number in uses.by_number:
                uses.add(term, term.shard, (-1, -1))  # gathered before the first unit
        for term, _ in self.copied_back:
            uses.add(term, WHOLE, (len(graph.units), len(graph.units)))
        return list(uses.by_number.values())


@dataclass(slots=True)
class _Use:
    """Where a value is used.

    Attributes:
        term: The value.
        shard: The only shard that uses it, or WHOLE.
        times: The index of the unit and the time slot of each use.
    """

    term: Term
    shard: int
    times: list[tuple[int, int]]


class _Uses:
    """The uses of all values, by number; those of a piece count for the array that it belongs to."""

    def __init__(self, graph: Graph) -> None:
        self.by_number: dict[int, _Use] = {}
        self._within = graph.placement.within
        self._terms = {term.number: term for term in graph.terms}

    def add(self, term: Term, shard: int, time: tuple[int, int]) -> None:
        while term.number in self._within:
            term = self._terms[self._within[term.number][0]]
        use = self.by_number.setdefault(term.number, _Use(term, shard, []))
        use.times.append(time)
        if use.shard != shard:
            use.shard = WHOLE


def _in_registers(graph: Graph) -> set[int]:
    """Terms that no other unit reads and that are neither an output nor a piece: they exist in registers only."""
    owner = {term.number: i for i, unit in enumerate(graph.units) for term in unit.terms}
    stored = {*graph.placement.output, *graph.placement.within}
    for i, unit in enumerate(graph.units):
        for term in unit.terms:
            stored |= {v.term.number for v in term.arguments if owner[v.term.number] != i}
    return owner.keys() - stored

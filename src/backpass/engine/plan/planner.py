"""Planner: compiles a circuit with its lengths to a plan, by running all passes in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod

import numpy

from backpass.circuit import Circuit
from backpass.engine.plan.aliasing import Storage, place
from backpass.engine.plan.bf16_packing import pair_products, time_slots
from backpass.engine.plan.emission import emit, operand_of
from backpass.engine.plan.fusion import Unit, fuse
from backpass.engine.plan.graph import WHOLE, Graph, Term
from backpass.engine.plan.instruction import Gather, Guard, Instruction
from backpass.engine.plan.limits import FLOAT32
from backpass.engine.plan.lowering import lower
from backpass.engine.plan.memory import ALIGNMENT, Need, lay_out
from backpass.engine.plan.peephole import contract, needed
from backpass.engine.plan.plan import ARENA, CONSTANTS, FIRST_INPUT, Plan
from backpass.engine.plan.recomputation import recompute
from backpass.engine.plan.relu_sign import keep_signs
from backpass.engine.plan.schedule import ordered
from backpass.engine.plan.sharding import Cut, Sharding, settle, shard_bounds
from backpass.engine.plan.strides import packed_strides
from backpass.engine.plan.symbolic import SymbolicLengths
from backpass.engine.step import Step


def plan_circuit(circuit: Circuit, lengths: Mapping[str, int]) -> Plan:
    """Plan a circuit; each output gets its own buffer.

    Raises:
        Unplannable: If the core cannot run the circuit.
    """
    return _Planner(circuit, lengths).plan()


def plan_step(step: Step, batch_size: int, *, bf16: bool = False) -> Plan:
    """Plan a training step: gather the batch, compute, check J with a guard, and overwrite the state.

    Args:
        step: The step.
        batch_size: The number of rows of the batch.
        bf16: Whether large products round their operands to bfloat16 (see ``bf16_packing``). Such a step is not
            sharded, because that would make its products smaller.

    Raises:
        Unplannable: If the core cannot run the step.
    """
    circuit = step.circuit
    batch = tuple(range(step.states + 3, len(circuit.inputs)))
    bf16 = bf16 and any(spec.dtype == FLOAT32 for spec in circuit.inputs[: step.states])
    numbers = sum(prod(map(int, spec.shape)) for spec in circuit.inputs[: step.states])
    cuts = shard_bounds(batch_size, numbers) if batch and not bf16 else []
    return _Planner(circuit, {"B": batch_size}, step.states, batch, cuts, bf16).plan()


class _Planner:
    """The state of one planning run.

    Args:
        circuit: The circuit.
        lengths: The values of its free lengths.
        states: The number of leading outputs that overwrite the inputs of the same index.
        batch: The indices of the inputs to gather.
        cuts: The shards of their rows.
        bf16: Whether to pack the operands of large products.
    """

    def __init__(
        self,
        circuit: Circuit,
        lengths: Mapping[str, int],
        states: int = 0,
        batch: Sequence[int] = (),
        cuts: Sequence[Cut] = (),
        bf16: bool = False,
    ) -> None:
        self.circuit = circuit
        self.states, self.batch, self.parts = states, batch, len(cuts)
        graph = Graph()
        unknowns = SymbolicLengths(lengths, (node.spec.shape for node in circuit.nodes))
        views = lower(circuit, unknowns.lengths, graph)
        outputs = [views[i] for i in circuit.outputs]
        contract(needed(outputs), outputs)
        keep_signs(needed(outputs), outputs)
        inputs = [views[i].term for i in range(len(circuit.inputs))]
        self.graph, given, outputs = settle(inputs, outputs, unknowns, Sharding("B", cuts, batch))
        self.batch_terms = [term for i in batch for term in given[i]]
        self.inputs = [terms[0] for terms in given]
        if bf16:
            pair_products(self.graph, needed(outputs))
        # A state that the step does not change needs no output.
        wanted = [not (i < states and v.term is self.inputs[i] and v.is_whole) for i, v in enumerate(outputs)]
        self.outputs, self.placement = place(self.graph, outputs, wanted)
        self.wanted = wanted
        self.storages: dict[int, Storage] = {}
        self.buffers = [self._bytes_of(term) for term in self.inputs]

    def _bytes_of(self, term: Term) -> int:
        return term.size * term.dtype.itemsize

    def _buffer(self, size: int) -> int:
        self.buffers.append(size)
        return FIRST_INPUT + len(self.buffers) - 1

    def plan(self) -> Plan:
        terms = needed([v for v, wanted in zip(self.outputs, self.wanted, strict=True) if wanted])
        state_terms = frozenset(v.term.number for v in self.outputs[: self.states] if v.term.is_computed)
        units = ordered(fuse(terms, self.placement.within), self._late(state_terms))
        recompute(self.graph, units, {*self.placement.output, *self.placement.within})
        output_buffers = self._place_outputs(units)
        constants = self._place_constants(terms)
        rows_buffer = self._buffer(-1) if self.batch else -1
        arena = self._place_rest(units)
        instructions = self._instructions(units, rows_buffer)
        for i in self.batch:
            self.buffers[i] = -1
        return Plan(
            self.circuit.name,
            tuple(instructions),
            constants,
            arena,
            tuple(self.buffers),
            output_buffers,
            rows_buffer,
            len(list(self.circuit.operations)),
            sum(term.is_computed for term in terms),
        )

    def _late(self, state_terms: frozenset[int]) -> frozenset[int]:
        """The terms to compute after the guard: the new state, except for terms that J depends on."""
        if not self.states:
            return frozenset()
        guarded = self.outputs[self.states].term
        before = {term.number for term in needed([guarded.whole])}
        return frozenset(number for number in state_terms if number not in before)

    # Places --------------------------------------------------------------------------------------------------------

    def _where(self, term: Term) -> Storage:
        if term.number not in self.storages and term.number in self.placement.within:
            whole, inner = self.placement.within[term.number]
            outer = self._where(whole)
            self.storages[term.number] = Storage(outer.buffer, outer.offset + inner.offset, inner.strides)
        return self.storages[term.number]

    def _store(self, term: Term, buffer: int, offset_bytes: int = 0) -> None:
        offset = offset_bytes // term.dtype.itemsize
        self.storages[term.number] = Storage(buffer, offset, packed_strides(term.shape))

    def _place_outputs(self, units: Sequence[Unit]) -> tuple[int, ...]:
        buffers = []
        for i, term in enumerate(self.inputs):
            if i not in self.batch:
                self._store(term, FIRST_INPUT + i)
        self.copied_back: list[tuple[Term, int]] = []
        for i, (view, wanted) in enumerate(zip(self.outputs, self.wanted, strict=True)):
            # A state is overwritten in place where that is safe. Otherwise the new state is computed in the arena and
            # copied back at the end of the step.
            if i < self.states:
                buffers.append(FIRST_INPUT + i)
                if wanted and self._may_overwrite(view.term, self.inputs[i], units):
                    self._store(view.term, FIRST_INPUT + i)
                elif wanted:
                    self.copied_back.append((view.term, i))
                continue
            buffers.append(self._buffer(self._bytes_of(view.term)))
            self._store(view.term, buffers[-1])
        return tuple(buffers)

    def _may_overwrite(self, term: Term, state: Term, units: Sequence[Unit]) -> bool:
        """Whether a new state can overwrite the old one in place.

        This requires an elementwise term after the guard, and that nothing reads the old state later, or in another
        order.
        """
        at = next((i for i, unit in enumerate(units) if term in unit.terms), None)
        if at is None or term.kind != "map" or at < self._guard_at(units):
            return False
        for i, unit in enumerate(units[at:], at):
            for other in unit.terms:
                for view in other.arguments:
                    if view.term is state and (i > at or not (view.is_whole and view.size == term.size)):
                        return False
        return True

    def _guard_at(self, units: Sequence[Unit]) -> int:
        """The index of the first unit after the guard."""
        guarded = self.outputs[self.states].term
        return next((i + 1 for i, unit in enumerate(units) if guarded in unit.terms), 0)

    def _place_constants(self, terms: Sequence[Term]) -> bytes:
        data = bytearray()
        for term in terms:
            if term.kind == "constant":
                data += bytes(-len(data) % ALIGNMENT if term.size > 1 else -len(data) % 8)
                self._store(term, CONSTANTS, len(data))
                data += numpy.ascontiguousarray(term.params["value"]).tobytes()
        return bytes(data)

    def _place_rest(self, units: Sequence[Unit]) -> int:
        """Allocate arena memory for every value that a unit other than its own reads. Returns the size of the arena.

        Values that only one shard uses lie in a separate region per shard, because shards run concurrently. Within a
        shard, lifetimes are measured in units. In the common region they are measured in time slots (see
        ``time_slots``), because units in the same slot run concurrently.
        """
        times: dict[int, list[tuple[int, int]]] = {}  # uses of a value: indices of units, and their time slots
        owner: dict[int, int] = {}  # the only shard that uses a term, or WHOLE
        by_number: dict[int, Term] = {}

        def use(term: Term, part: int, time: tuple[int, int]) -> None:
            while term.number in self.placement.within:
                term = self.placement.within[term.number][0]
            by_number[term.number] = term
            times.setdefault(term.number, []).append(time)
            owner[term.number] = part if owner.get(term.number, part) == part else WHOLE

        inside = self._readers_inside(units)
        for time, unit in zip(enumerate(time_slots(units)), units, strict=True):
            for term in unit.terms:
                if term.is_computed and term.number not in inside:
                    use(term, unit.part, time)
                for view in term.arguments:
                    if view.term not in unit.terms and (term.kind != "assemble"):
                        use(view.term, unit.part, time)
        for term in self.batch_terms:
            if term.number in times:
                use(term, term.part, (-1, -1))
        for term, _ in self.copied_back:
            use(term, WHOLE, (len(units), len(units)))
        arena = 0
        for part in (WHOLE, *range(self.parts)):
            owned = [number for number in times if number not in self.storages and owner[number] == part]
            needs = []
            for number in owned:
                span = [moment if part == WHOLE else unit for unit, moment in times[number]]
                needs.append(Need(self._bytes_of(by_number[number]), min(span), max(span)))
            offsets, size = lay_out(needs)
            for number, offset in zip(owned, offsets, strict=True):
                self._store(by_number[number], ARENA, arena + offset)
            arena += size
        return arena

    def _readers_inside(self, units: Sequence[Unit]) -> set[int]:
        """Terms that are not an output and that no other unit reads: they exist in registers only."""
        owner = {term.number: unit for unit in units for term in unit.terms}
        outside = set(self.placement.output) | set(self.placement.within)
        for unit in units:
            for term in unit.terms:
                outside |= {v.term.number for v in term.arguments if owner[v.term.number] is not unit}
        return set(owner) - outside

    # Instructions --------------------------------------------------------------------------------------------------

    def _instructions(self, units: Sequence[Unit], rows_buffer: int) -> list[Instruction]:
        gathered = [term for term in self.batch_terms if term.number in self.storages]
        instructions: list[Instruction] = [
            self._gather(term, rows_buffer) for term in sorted(gathered, key=lambda term: term.part)
        ]
        inside = self._readers_inside(units)
        guard_at = self._guard_at(units) if self.states else -1
        for i, unit in enumerate(units):
            if i == guard_at:
                instructions.append(self._guard())
            if unit.first.is_computed:
                one = emit(unit, self._where, lambda term: term.number not in inside)
                instructions.append(replace(one, part=unit.part))
        if self.states and guard_at >= len(units):
            instructions.append(self._guard())
        for term, i in self.copied_back:
            copy = self._copy_unit(term)
            self._store(copy.first, FIRST_INPUT + i)
            instructions.append(emit(copy, self._where, lambda _: True))
        return instructions

    def _gather(self, term: Term, rows_buffer: int) -> Gather:
        data, first, rows = FIRST_INPUT + term.params["at"], term.params.get("first", 0), term.shape[0]
        to = replace(operand_of(term.whole, self._where), strides=(1,))
        row_bytes = self._bytes_of(term) // max(rows, 1)
        return Gather("batch", data, rows_buffer, first, rows, row_bytes, to, part=term.part)

    def _guard(self) -> Guard:
        return Guard("guard", replace(operand_of(self.outputs[self.states].term.whole, self._where), strides=(1,)))

    def _copy_unit(self, term: Term) -> Unit:
        name = f"copy.{term.dtype.name}"
        copy = self.graph.append("map", name, (term.whole.squeezed(),), term.whole.squeezed().shape, term.dtype, {})
        return Unit([copy], 1 << copy.number, 0)

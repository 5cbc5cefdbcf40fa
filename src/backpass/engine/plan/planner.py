"""Planner: compiles a circuit with its lengths to a plan: lowering, the passes, allocation and emission."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import prod

from backpass.circuit import Circuit
from backpass.engine.plan.allocation import Allocation, allocate, guard_position, packed_storage
from backpass.engine.plan.builder import GraphBuilder
from backpass.engine.plan.emission import Memory, emit
from backpass.engine.plan.graph import Graph, Unit
from backpass.engine.plan.instructions import Gather, Guard, Instruction
from backpass.engine.plan.limits import FLOAT32
from backpass.engine.plan.lowering import lower
from backpass.engine.plan.passes import PASSES
from backpass.engine.plan.passes.sharding import shard_bounds
from backpass.engine.plan.plan import FIRST_INPUT, Plan
from backpass.engine.plan.request import Request
from backpass.engine.plan.symbolic import SymbolicLengths
from backpass.engine.plan.term import Term
from backpass.engine.step import Step


def plan_circuit(circuit: Circuit, lengths: Mapping[str, int]) -> Plan:
    """Plan a circuit; each output gets its own buffer.

    Raises:
        Unplannable: If the core cannot run the circuit.
    """
    return _plan(circuit, Request(_symbols(circuit, lengths)))


def plan_step(step: Step, batch_size: int, *, bf16: bool = False) -> Plan:
    """Plan a training step: gather the batch, compute, check J with a guard, and overwrite the state.

    Args:
        step: The step.
        batch_size: The number of rows of the batch.
        bf16: Whether large products round their operands to bfloat16 (see ``passes.bf16_packing``). Such a step is not
            sharded, because that would make its products smaller.

    Raises:
        Unplannable: If the core cannot run the step.
    """
    circuit = step.circuit
    batch = tuple(range(step.states + 3, len(circuit.inputs)))
    bf16 = bf16 and any(spec.dtype == FLOAT32 for spec in circuit.inputs[: step.states])
    numbers = sum(prod(map(int, spec.shape)) for spec in circuit.inputs[: step.states])
    shards = shard_bounds(batch_size, numbers) if batch and not bf16 else []
    symbols = _symbols(circuit, {"B": batch_size})
    return _plan(circuit, Request(symbols, step.states, batch, "B", shards, bf16))


def _symbols(circuit: Circuit, lengths: Mapping[str, int]) -> SymbolicLengths:
    return SymbolicLengths(lengths, (node.spec.shape for node in circuit.nodes))


def _plan(circuit: Circuit, request: Request) -> Plan:
    graph = lower(circuit, request.symbols.lengths)
    for apply in PASSES:
        graph = apply(graph, request)
    allocation = allocate(graph, request)
    return Plan(
        circuit.name,
        tuple(_instructions(graph, request, allocation)),
        allocation.constants,
        allocation.arena_bytes,
        allocation.sizes,
        allocation.output_buffers,
        allocation.rows_buffer,
        len(list(circuit.operations)),
        sum(term.is_computed for term in graph.terms),
    )


def _instructions(graph: Graph, request: Request, allocation: Allocation) -> list[Instruction]:
    """The instructions: gathering the batch, the units with the guard between them, and copies to the state."""
    memory = Memory(allocation.storages)
    batch = [term for term in graph.inputs if term.params["at"] in request.batch and memory.is_stored(term)]
    batch.sort(key=lambda term: term.shard)
    instructions: list[Instruction] = [_gather(term, allocation.rows_buffer, memory) for term in batch]
    guard_at = guard_position(graph, request.states) if request.states else -1
    for i, unit in enumerate((*graph.units, None)):
        if i == guard_at:
            objective = graph.outputs[request.states].term
            instructions.append(Guard("guard", memory.flat(objective.whole)))
        if unit is not None and unit.first.is_computed:
            instructions.append(replace(emit(unit, memory), shard=unit.shard))
    builder = GraphBuilder(graph.next_number)
    instructions += [_copy(builder.copy(term.whole), buffer, memory) for term, buffer in allocation.copied_back]
    return instructions


def _gather(term: Term, rows_buffer: int, memory: Memory) -> Gather:
    data, first, rows = FIRST_INPUT + term.params["at"], term.params.get("first", 0), term.shape[0]
    row_bytes = term.size_bytes // max(rows, 1)
    return Gather("batch", data, rows_buffer, first, rows, row_bytes, memory.flat(term.whole), shard=term.shard)


def _copy(copy: Term, buffer: int, memory: Memory) -> Instruction:
    """A copy of a value to another buffer."""
    return emit(Unit((copy,)), Memory({**memory.storages, copy.number: packed_storage(copy, buffer)}))

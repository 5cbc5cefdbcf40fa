"""Compilation cache: plans and programs of circuits and steps; the latest ones stay in the process.

It takes a circuit and the shapes of its inputs and returns plans and programs; it runs nothing. Circuits that compute
the same share them, such as the steps of an ensemble's members.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy

from backpass.circuit import Circuit, Spec
from backpass.circuit.sameness import first_alike
from backpass.circuit.spec import bind, match
from backpass.dataclass import dataclass
from backpass.engine.native._core import Program, operations
from backpass.engine.plan import Plan, Unplannable, plan_circuit, plan_step
from backpass.engine.plan.rows import free_rows
from backpass.engine.step import Step
from backpass.once import Once

# Rows per block of a forward circuit: enough to amortize reading the weights, few enough for the L2 cache, and a
# multiple of the tile height 14 (6 nearly divides it) and of the lanes of a vector.
ROWS_AT_ONCE = 224


Target = tuple[str, int, int]
"""What programs are compiled for: an instruction set, and the rows and depth of a tiling (0: chosen by the core)."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A plan, and the program of the core that runs it.

    Attributes:
        plan: The plan.
        program: The program.
        work: The FLOPs plus bytes of one run.
        is_sharded: Whether the rows are split into shards.
    """

    plan: Plan
    program: Program
    work: int
    is_sharded: bool


@dataclass(frozen=True, slots=True)
class Execution:
    """How to run a circuit on inputs of certain shapes: all at once, or in blocks of rows along a free length.

    Attributes:
        outputs: The shapes and dtypes of the outputs.
        compiled: The compiled circuit; None if the core cannot run it.
        rows: The name of the free length, in which case ``compiled`` is for one block of rows; "" to run all at once.
    """

    outputs: tuple[tuple[tuple[int, ...], numpy.dtype[Any]], ...]
    compiled: Compiled | None
    rows: str = ""


@lru_cache(maxsize=64)
def dtypes_of(circuit: Circuit) -> tuple[numpy.dtype[Any], ...]:
    return tuple(spec.dtype for spec in circuit.inputs)


@lru_cache(maxsize=64)
def execution_of(target: Target, circuit: Circuit, *shapes: tuple[int, ...]) -> Execution:
    """How to run a circuit on inputs of these shapes.

    Raises:
        ShapeError: If an input does not match its spec; the message names it.
    """
    given = [Spec(shape, dtype) for shape, dtype in zip(shapes, dtypes_of(circuit), strict=True)]
    lengths = match(circuit.inputs, given, circuit.input_names)
    specs = [circuit.nodes[i].spec for i in circuit.outputs]
    outputs = tuple((bind(spec.shape, lengths), spec.dtype) for spec in specs)
    name, length = next(iter(lengths.items()), ("", 0))
    if length <= 2 * ROWS_AT_ONCE or _free_rows(circuit) != name:
        return Execution(outputs, compile_circuit(target, circuit, tuple(lengths.items())))
    return Execution(outputs, compile_circuit(target, circuit, ((name, ROWS_AT_ONCE),)), name)


def compile_circuit(target: Target, circuit: Circuit, lengths: tuple[tuple[str, int], ...]) -> Compiled | None:
    """Compile a circuit with its lengths; None if the core cannot run it."""
    return _compiled_circuit(target, first_alike(circuit), lengths)


@Once
def _compiled_circuit(target: Target, circuit: Circuit, lengths: tuple[tuple[str, int], ...]) -> Compiled | None:
    return _compile(target, lambda: plan_circuit(circuit, dict(lengths)))


@lru_cache(maxsize=64)
def _free_rows(circuit: Circuit) -> str | None:
    return free_rows(circuit)


def compile_step(target: Target, step: Step, batch_size: int, bf16: bool) -> Compiled | None:
    """Compile a training step with its batch size; None if the core cannot run it."""
    return compiled_step(target, Step(first_alike(step.circuit), step.states), batch_size, bf16)


@Once
def compiled_step(target: Target, step: Step, batch_size: int, bf16: bool) -> Compiled | None:
    """As ``compile_step``, for the first of the circuits that compute the same."""
    return _compile(target, lambda: plan_step(step, batch_size, bf16=bf16))


def _compile(target: Target, make: Callable[[], Plan]) -> Compiled | None:
    """Compile a plan to a program; None if the core cannot run the circuit."""
    codes = operations()
    try:
        plan = make()
        instructions = [numpy.array(one.words(codes), numpy.int64) for one in plan.instructions]
    except Unplannable:
        return None
    isa, tile_rows, tile_depth = target
    program = Program(
        instructions,
        numpy.frombuffer(plan.constants, numpy.uint8),
        plan.arena_bytes,
        plan.sizes,
        isa=isa,
        tile_rows=tile_rows,
        tile_depth=tile_depth,
    )
    return Compiled(plan, program, plan.flops + plan.bytes_moved, plan.is_sharded)

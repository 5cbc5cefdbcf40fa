"""Compilation cache: plans and programs of circuits and steps; the latest ones stay in the process.

It takes a circuit and the shapes of its inputs and returns plans and programs; it runs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy

from backpass.circuit import Circuit, Spec
from backpass.circuit.spec import bind, match
from backpass.engine.native._core import Program, operations
from backpass.engine.plan import Plan, Unplannable, plan_circuit, plan_step
from backpass.engine.plan.rows import free_rows
from backpass.engine.step import Step

# Rows per block of a forward circuit: enough to amortize reading the weights, few enough for the L2 cache, and a
# multiple of the tile heights 14 and 6.
ROWS_AT_ONCE = 252


@dataclass(frozen=True, slots=True)
class Compiled:
    plan: Plan
    program: Program
    work: int  # FLOPs plus bytes


@dataclass(frozen=True, slots=True)
class Execution:
    """How to run a circuit on inputs of certain shapes: all at once, or in blocks of rows along a free length.

    Attributes:
        outputs: The shapes and dtypes of the outputs.
        prepared: The compiled circuit; None if the core cannot run it.
        cut: The name of the free length, in which case ``prepared`` is for one block of rows; "" to run all at once.
    """

    outputs: tuple[tuple[tuple[int, ...], numpy.dtype[Any]], ...]
    prepared: Compiled | None
    cut: str = ""


Kind = tuple[str, int, int]
"""The target of compilation: an instruction set, and the rows and depth of a tiling (0: chosen by the core)."""


@lru_cache(maxsize=64)
def dtypes_of(circuit: Circuit) -> tuple[numpy.dtype[Any], ...]:
    return tuple(spec.dtype for spec in circuit.inputs)


@lru_cache(maxsize=64)
def compile_circuit(kind: Kind, circuit: Circuit, *shapes: tuple[int, ...]) -> Execution:
    """Compile a circuit for inputs of these shapes.

    Raises:
        ShapeError: If an input does not match its spec; the message names it.
    """
    given = [Spec(shape, dtype) for shape, dtype in zip(shapes, dtypes_of(circuit), strict=True)]
    lengths = match(circuit.inputs, given, circuit.input_names)
    specs = [circuit.nodes[i].spec for i in circuit.outputs]
    outputs = tuple((bind(spec.shape, lengths), spec.dtype) for spec in specs)
    name, length = next(iter(lengths.items()), ("", 0))
    if length <= 2 * ROWS_AT_ONCE or _free_rows(circuit) != name:
        return Execution(outputs, prepared_circuit(kind, circuit, tuple(lengths.items())))
    return Execution(outputs, prepared_circuit(kind, circuit, ((name, ROWS_AT_ONCE),)), name)


@lru_cache(maxsize=64)
def prepared_circuit(kind: Kind, circuit: Circuit, lengths: tuple[tuple[str, int], ...]) -> Compiled | None:
    return _prepared(kind, lambda: plan_circuit(circuit, dict(lengths)))


@lru_cache(maxsize=64)
def _free_rows(circuit: Circuit) -> str | None:
    return free_rows(circuit)


@lru_cache(maxsize=64)
def prepared_step(kind: Kind, step: Step, batch_size: int, bf16: bool) -> Compiled | None:
    return _prepared(kind, lambda: plan_step(step, batch_size, bf16=bf16))


def _prepared(kind: Kind, make: Callable[[], Plan]) -> Compiled | None:
    """Compile a plan to a program; None if the core cannot run the circuit."""
    try:
        plan = make()
    except Unplannable:
        return None
    isa, tile_rows, tile_depth = kind
    codes = operations()
    program = Program(
        [numpy.array(one.words(codes), numpy.int64) for one in plan.instructions],
        numpy.frombuffer(plan.constants, numpy.uint8),
        plan.arena_bytes,
        plan.sizes,
        isa=isa,
        tile_rows=tile_rows,
        tile_depth=tile_depth,
    )
    return Compiled(plan, program, plan.flops + plan.bytes_moved)

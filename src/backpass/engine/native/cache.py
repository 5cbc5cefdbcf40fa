"""The ways: how circuits and steps are run in the core. What was made last stays in the process, whoever asked for it.

A circuit and the shapes of its inputs come in; plans and programs come out. Nothing runs here.
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

# Rows of a forward circuit that are run together: enough to hide the weights' traffic, few enough for the L2 cache, and
# a whole number of tiles of 14 and of 6 rows.
ROWS_AT_ONCE = 252


@dataclass(frozen=True, slots=True)
class Compiled:
    plan: Plan
    program: Program
    work: int  # FLOPs and bytes


@dataclass(frozen=True, slots=True)
class Execution:
    """How a circuit is run on inputs of certain shapes: at once, or some rows at a time along a free length.

    outputs: the shapes and dtypes of what comes out
    prepared: None where the core has no form for it
    cut: the name of the length, and ``prepared`` is for a block of rows; "" if all is run at once
    """

    outputs: tuple[tuple[tuple[int, ...], numpy.dtype[Any]], ...]
    prepared: Compiled | None
    cut: str = ""


Kind = tuple[str, int, int]
"""What programs are made for: an instruction set, and the rows and depth of a tiling."""


@lru_cache(maxsize=64)
def dtypes_of(circuit: Circuit) -> tuple[numpy.dtype[Any], ...]:
    return tuple(spec.dtype for spec in circuit.inputs)


@lru_cache(maxsize=64)
def compile_circuit(kind: Kind, circuit: Circuit, *shapes: tuple[int, ...]) -> Execution:
    """The way for inputs of these shapes.    Errors: ShapeError naming the input that does not fit."""
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
    """A plan and its program; None where the core has no form for it."""
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

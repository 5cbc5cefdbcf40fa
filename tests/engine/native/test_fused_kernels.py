"""Fused kernels: compiled elementwise programs, which give the bits of the interpreter, step by step."""

from __future__ import annotations

import runpy
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy
import pytest

from backpass.engine.native._core import Program, operations
from backpass.engine.plan.instructions import Map, MapStep, Operand
from backpass.engine.plan.plan import FIRST_INPUT

ROOT = Path(__file__).parents[3]
HEADER = ROOT / "src" / "backpass" / "engine" / "native" / "fused_kernels.hpp"
TOOL = runpy.run_path(str(ROOT / "tools" / "print_fused_kernels.py"))

COUNT = 1100  # two chunks and a part of one, and a part of a vector
BOOL, FLOAT32 = numpy.dtype(bool), numpy.dtype(numpy.float32)


def test_header_is_what_the_tool_prints() -> None:
    assert HEADER.read_text("utf-8") == TOOL["header"]() + "\n"


def maps() -> Iterator[Map]:
    """One map for each fused kernel."""
    wanted = set(TOOL["programs"]())
    for target, settings in TOOL["NETWORKS"].values():
        for plan in TOOL["plans_of"](target, settings):
            for one in plan.instructions:
                program = TOOL["program_of"](one) if isinstance(one, Map) else None
                if program in wanted:
                    wanted.remove(program)
                    yield one


MAPS = list(maps())


def dtype_of(step: MapStep) -> numpy.dtype[Any]:
    return BOOL if step.name.partition(".")[0] in ("greater", "greater_equal", "equal") else FLOAT32


def operand(at: int, dtype: numpy.dtype[Any], stride: int = 1) -> Operand:
    return Operand(FIRST_INPUT + at, 0, dtype, (stride,))


def single_assignment(one: Map) -> tuple[list[MapStep], list[Operand]]:
    """The steps with a register for each result, and operands for the inputs, each in a buffer of its own."""
    held = list(range(one.registers))
    steps = []
    for i, step in enumerate(one.steps):
        steps.append(MapStep(step.name, len(one.inputs) + i, tuple(held[r] for r in step.arguments)))
        held[step.out] = len(one.inputs) + i
    inputs = [operand(i, x.dtype, int(any(x.strides))) for i, x in enumerate(one.inputs)]
    return steps, inputs


def program_of(maps: Sequence[Map], sizes: Sequence[int], isa: str) -> Program:
    words = [numpy.array(one.words(operations()), numpy.int64) for one in maps]
    return Program(words, numpy.zeros(0, numpy.uint8), 0, sizes, isa=isa)


def values_for(inputs: Sequence[Operand]) -> list[Any]:
    random = numpy.random.default_rng(4)
    drawn: dict[str, Any] = {
        "float32": lambda n: (random.normal(size=n) * 3).astype(numpy.float32),
        "uint32": lambda n: random.integers(0, 2**32, n, numpy.uint32),
        "bool": lambda n: random.integers(0, 2, n).astype(bool),
    }
    values = [drawn[x.dtype.name](COUNT if any(x.strides) else 1) for x in inputs]
    for value in values:
        if value.dtype == FLOAT32 and len(value) > 1:
            value[:5] = 0.0, -0.0, numpy.inf, -numpy.inf, numpy.nan
    return values


@pytest.mark.parametrize("number", range(len(MAPS)))
def test_a_fused_kernel_gives_the_bits_of_its_steps(number: int, isa: str) -> None:
    steps, inputs = single_assignment(MAPS[number])
    given = values_for(inputs)
    made = [operand(len(inputs) + i, dtype_of(step)) for i, step in enumerate(steps)]
    everything = [*inputs, *made]
    whole = Map("", (COUNT,), tuple(inputs), tuple(zip(made, (s.out for s in steps), strict=True)), tuple(steps),
                len(everything))  # fmt: skip
    alone = [
        Map("", (COUNT,), tuple(everything[r] for r in step.arguments), ((everything[step.out], len(step.arguments)),),
            (MapStep(step.name, len(step.arguments), tuple(range(len(step.arguments)))),), len(step.arguments) + 1)
        for step in steps
    ]  # fmt: skip
    sizes = [*(value.nbytes for value in given), *(COUNT * y.dtype.itemsize for y in made)]
    compiled, interpreted = program_of([whole], sizes, isa), program_of(alone, sizes, isa)
    assert (compiled.compiled_maps, interpreted.compiled_maps) == (1, 0)
    results = []
    for program in (compiled, interpreted):
        outputs = [numpy.zeros(COUNT, y.dtype) for y in made]
        program.run([*given, *outputs], threads=1, may_be_fewer=False)
        results.append(outputs)
    for step, one, other in zip(steps, *results, strict=True):
        numpy.testing.assert_array_equal(one, other, step.name)
        is_number = ~numpy.isnan(other) if other.dtype == FLOAT32 else numpy.full(COUNT, True)
        assert one[is_number].tobytes() == other[is_number].tobytes(), step.name


def test_a_program_without_a_fused_kernel_is_interpreted(isa: str) -> None:
    steps, inputs = single_assignment(MAPS[0])
    shorter = Map("", (COUNT,), tuple(inputs), ((operand(len(inputs), FLOAT32), steps[0].out),), tuple(steps[:-1]),
                  len(inputs) + len(steps))  # fmt: skip
    sizes = [*(value.nbytes for value in values_for(inputs)), 4 * COUNT]
    assert program_of([shorter], sizes, isa).compiled_maps == 0

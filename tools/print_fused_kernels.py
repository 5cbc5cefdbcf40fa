"""The core's fused kernels: prints src/backpass/engine/native/fused_kernels.hpp, the elementwise programs to compile.

    python tools/print_fused_kernels.py > src/backpass/engine/native/fused_kernels.hpp

They are the longer maps in the plans of the networks below: the presets, and the settings that users change first. Any
other map runs in the interpreter, with the same bits.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy

from backpass.circuit import Spec
from backpass.engine.plan import Plan, plan_circuit, plan_step
from backpass.engine.plan.instructions import Map
from backpass.model.fitting.problem.preparation import make_problem
from backpass.model.settings.settings import Settings
from backpass.table import table_from
from backpass.training import training_step

NETWORKS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "plain with decay and dropout": ("number", {"preset": "plain", "weight_decay": 0.1, "dropout": 0.1}),
    "the preset plain": ("number", {"preset": "plain"}),
    "the preset default, numbers": ("number", {"preset": "default"}),
    "the preset default, classes": ("class", {"preset": "default"}),
    "default without dropout, numbers": ("number", {"preset": "default", "dropout": 0.0}),
    "default without dropout, classes": ("class", {"preset": "default", "dropout": 0.0}),
}
"""The kind of target, and the settings."""

ROWS = (32, 64, 512)  # batches that are not sharded, and those of two and of four shards
LEAST_STEPS = 3  # shorter programs gain little
MOST_VALUES = 64

HEADER = """\
// Fused kernels: elementwise programs that are compiled as one loop. Printed by tools/print_fused_kernels.py.
#pragma once

#include "fused_kernel.hpp"

namespace backpass::native {
namespace {
"""

FOOTER = """
}  // namespace
}  // namespace backpass::native
"""

NAMES = {"cast.bool.float32": "TruthToFloat", "cast.float32.bool": "FloatToTruth", "logical_not.bool": "Not"}
"""Operations of elementwise_ops.hpp whose names do not follow from those of the planner."""


@dataclass(frozen=True, slots=True)
class Program:
    """A map without its operands: the kinds of its inputs, and for each step its operation and the values it reads."""

    inputs: tuple[str, ...]
    steps: tuple[tuple[str, tuple[int, ...]], ...]

    def text(self, name: str) -> str:
        """As C++."""
        parts = [*self.inputs, *(f"Step<{', '.join([op, *map(str, values)])}>" for op, values in self.steps)]
        lines, line = [], f"using {name} = FusedProgram<"
        for i, part in enumerate(parts):
            part += ", " if i + 1 < len(parts) else ">;"
            if len(line) + len(part.rstrip()) > 119:
                lines.append(line.rstrip())
                line = "    "
            line += part
        return "\n".join([*lines, line])


def program_of(plan_map: Map) -> Program | None:
    """The program of a map; None if a step has no vector operation."""
    numbers: dict[int, int] = {}  # the value that a register holds
    for step in plan_map.steps:
        for register in step.arguments:
            if register < len(plan_map.inputs) and register not in numbers:
                numbers[register] = len(numbers)
    kinds = [""] * len(numbers)
    for register, number in numbers.items():
        operand = plan_map.inputs[register]
        if operand.dtype.name not in ("float32", "uint32", "bool"):
            return None
        is_one = all(stride == 0 for stride in operand.strides)
        kinds[number] = {"float32": "Array", "uint32": "Words", "bool": "Truths"}[operand.dtype.name]
        if is_one:
            if operand.dtype.name != "float32":
                return None
            kinds[number] = "Scalar"
    steps = []
    for i, step in enumerate(plan_map.steps):
        op = op_of(step.name)
        if op is None:
            return None
        steps.append((op, tuple(numbers[register] for register in step.arguments)))
        numbers[step.out] = len(kinds) + i
    return Program(tuple(kinds), tuple(steps))


def op_of(name: str) -> str | None:
    """The vector operation of elementwise_ops.hpp that a step runs; None if there is none."""
    if name in NAMES:
        return NAMES[name]
    operation, _, dtype = name.partition(".")
    return "".join(word.capitalize() for word in operation.split("_")) if dtype == "float32" else None


def plans_of(target: str, settings: Mapping[str, Any]) -> Iterator[Plan]:
    """The plans of a training step and of the forward pass."""
    values = numpy.random.default_rng(0).normal(size=(3, 300))
    y = values[2] if target == "number" else numpy.where(values[2] > 0, "a", "b")
    table = table_from({"x1": values[0], "x2": values[1], "y": y})
    checked = Settings.of({"hidden": (24, 40), **settings})
    problem = make_problem(table, "y", checked)
    part = problem.parts["train"]
    data = (part.x, part.y, part.training_weights().astype(problem.dtype))
    specs = [Spec(("B", *array.shape[1:]), array.dtype) for array in data]
    columns = ("dropout",) if problem.settings.dropout_schedule != "constant" and problem.settings.dropout else ()
    theta = numpy.zeros(problem.network.parameter_count, problem.dtype)
    step = training_step(problem.objective, problem.optimizer(), theta, specs, columns)
    for rows in ROWS:
        yield plan_step(step, rows)
    forward = problem.network.forward(problem.dtype)
    (length,) = {d for spec in forward.inputs for d in spec.shape if isinstance(d, str)}
    yield plan_circuit(forward, {length: max(ROWS)})


def programs() -> dict[Program, str]:
    """Every program that is worth compiling, and the network and scope where it occurs first."""
    found: dict[Program, str] = {}
    for where, (target, settings) in NETWORKS.items():
        for plan in plans_of(target, settings):
            for one in plan.instructions:
                if isinstance(one, Map) and len(one.steps) >= LEAST_STEPS and prod(one.shape) > max(ROWS):
                    program = program_of(one)
                    if program is not None and len(program.inputs) + len(program.steps) <= MOST_VALUES:
                        found.setdefault(program, f"{where}: {one.label or 'unnamed'}")
    return found


def header() -> str:
    """The file fused_kernels.hpp."""
    lines, names = [HEADER], []
    for i, (program, where) in enumerate(programs().items(), 1):
        names.append(f"Fused{i}")
        lines.append(f"// {where}\n{program.text(names[-1])}\n")
    calls = ",\n                                   ".join(f"{name}::kernel()" for name in names)
    lines.append(
        f"Span<const FusedKernel> all_fused_kernels() {{\n    static const FusedKernel kernels[] = {{{calls}}};\n"
        f"    return {{kernels, {len(names)}}};\n}}\n{FOOTER.strip()}"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(header() + "\n")

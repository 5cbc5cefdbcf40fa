"""The plan itself: instructions and the sizes of the memory they work in, with a printed form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from backpass.engine.plan.graph import WHOLE
from backpass.engine.plan.instruction import Instruction

ARENA, CONSTANTS, FIRST_INPUT = 0, 1, 2
"""Numbers of buffers: the arena, the constants, then the circuit's inputs, then what the planner adds."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A circuit with known lengths as a flat program.

    sizes: bytes of each buffer after the constants, -1 where only the run knows
    output_buffers: the buffer of each output that is asked for
    rows_buffer: the buffer of the row numbers of a step's batch, or -1
    terms: how many operations the circuit had, and how many values were left to compute
    """

    name: str
    instructions: tuple[Instruction, ...]
    constants: bytes
    arena_bytes: int
    sizes: tuple[int, ...]
    output_buffers: tuple[int, ...]
    rows_buffer: int
    operations: int
    terms: int

    @property
    def is_cut(self) -> bool:
        """Whether parts of the rows go through it by themselves."""
        return any(instruction.part != WHOLE for instruction in self.instructions)

    @property
    def flops(self) -> int:
        return sum(instruction.flops for instruction in self.instructions)

    @property
    def bytes_moved(self) -> int:
        return sum(instruction.bytes_moved for instruction in self.instructions)

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> Iterator[str]:
        """The plan as text, one instruction a line with its FLOPs and the bytes it moves."""
        yield (
            f"{self.name}: {self.operations} operations, {self.terms} terms, {len(self.instructions)} instructions; "
            f"{self.flops:,} FLOPs, {self.bytes_moved:,} bytes moved, {self.arena_bytes:,} bytes of memory"
        )
        labelled = ""
        for instruction in self.instructions:
            label = instruction.label or "unnamed"
            if instruction.part != WHOLE:
                label += f", part {instruction.part + 1} of the rows"
            if label != labelled:
                labelled = label
                yield f"  -- {label}"
            yield f"  {instruction.flops:>12,} {instruction.bytes_moved:>12,}  {instruction.text()}"

"""Plan: instructions and the sizes of the memory they use, with a printed form."""

from __future__ import annotations

from collections.abc import Iterator

from backpass.dataclass import dataclass
from backpass.engine.plan.instructions import Instruction
from backpass.engine.plan.term import WHOLE

ARENA, CONSTANTS, FIRST_INPUT = 0, 1, 2
"""Buffer numbers: the arena, the constants, the circuit's inputs, and then those that the planner adds."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A circuit with known lengths as a flat program.

    Attributes:
        name: The name of the circuit.
        instructions: The instructions, in order.
        constants: The contents of the buffer of constants.
        arena_bytes: The size of the arena.
        sizes: The size of each buffer after the constants, in bytes; -1 if it is known only at run time.
        output_buffers: The buffer of each output.
        rows_buffer: The buffer of the row numbers of a step's batch, or -1.
        operations: The number of operations of the circuit.
        terms: The number of values that remain to be computed.
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
    def is_sharded(self) -> bool:
        """Whether the rows are split into shards."""
        return any(instruction.shard != WHOLE for instruction in self.instructions)

    @property
    def flops(self) -> int:
        return sum(instruction.flops for instruction in self.instructions)

    @property
    def bytes_moved(self) -> int:
        return sum(instruction.bytes_moved for instruction in self.instructions)

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> Iterator[str]:
        """The plan as text, one instruction per line with its FLOPs and bytes."""
        yield (
            f"{self.name}: {self.operations} operations, {self.terms} terms, {len(self.instructions)} instructions; "
            f"{self.flops:,} FLOPs, {self.bytes_moved:,} bytes moved, {self.arena_bytes:,} bytes of memory"
        )
        printed = ""
        for instruction in self.instructions:
            label = instruction.label or "unnamed"
            if instruction.shard != WHOLE:
                label += f", shard {instruction.shard + 1} of the rows"
            if label != printed:
                printed = label
                yield f"  -- {label}"
            yield f"  {instruction.flops:>12,} {instruction.bytes_moved:>12,}  {instruction.text()}"

"""Instructions that move, draw or check numbers: rows by index, random bits, packed factors and the guard of a step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from backpass.dataclass import dataclass
from backpass.engine.plan.instructions.instruction import Instruction, Opcode, Operand


@dataclass(frozen=True, slots=True)
class Take(Instruction):
    """y[o, i] = x[o, indices[i]], row by row."""

    opcode: ClassVar[Opcode] = Opcode.TAKE
    outer: int
    length: int
    count: int
    inner: int
    x: Operand
    indices: Operand
    y: Operand

    def encode(self, codes: Mapping[str, int]) -> list[int]:
        sizes = [self.outer, self.length, self.count, self.inner]
        return [*sizes, *self.x.encode(), *self.indices.encode(), *self.y.encode()]

    def text(self) -> str:
        return f"take {self.count} of {self.length} {self.y.name} <- {self.x.name}[{self.indices.name}]"

    @property
    def bytes_moved(self) -> int:
        return 2 * self.outer * self.count * self.inner * self.x.dtype.itemsize


@dataclass(frozen=True, slots=True)
class Scatter(Take):
    """y = 0, then y[o, indices[i]] += x[o, i], row by row."""

    opcode: ClassVar[Opcode] = Opcode.SCATTER

    def text(self) -> str:
        return f"scatter_add {self.count} to {self.length} {self.y.name}[{self.indices.name}] <- {self.x.name}"

    @property
    def flops(self) -> int:
        return self.outer * self.count * self.inner


@dataclass(frozen=True, slots=True)
class Gather(Instruction):
    """The rows of a batch, or of one shard of it, gathered from an array of all rows."""

    opcode: ClassVar[Opcode] = Opcode.GATHER
    data: int
    rows: int
    first: int
    count: int
    row_bytes: int
    y: Operand

    def encode(self, codes: Mapping[str, int]) -> list[int]:
        return [self.data, self.rows, self.first, self.count, self.row_bytes, *self.y.encode()]

    def text(self) -> str:
        return f"gather {self.count} rows of {self.row_bytes} bytes {self.y.name}"

    @property
    def bytes_moved(self) -> int:
        return 2 * self.count * self.row_bytes


@dataclass(frozen=True, slots=True)
class Pack(Instruction):
    """y = x (k, n) rounded to bfloat16, in panels of columns, two steps of k per word."""

    opcode: ClassVar[Opcode] = Opcode.PACK
    k: int
    n: int
    panel: int
    x: Operand
    y: Operand

    def encode(self, codes: Mapping[str, int]) -> list[int]:
        return [self.k, self.n, self.panel, *self.x.encode(), *self.y.encode()]

    def text(self) -> str:
        return f"pack [{self.k}, {self.n}] by {self.panel} {self.y.name} <- {self.x.name}"

    @property
    def bytes_moved(self) -> int:
        return self.k * self.n * (self.x.dtype.itemsize + 2)


@dataclass(frozen=True, slots=True)
class Random(Instruction):
    """Counter-based random bits, starting at element ``first``."""

    opcode: ClassVar[Opcode] = Opcode.RANDOM
    purpose: int
    first: int
    count: int
    key: Operand
    step: Operand
    y: Operand

    def encode(self, codes: Mapping[str, int]) -> list[int]:
        return [self.purpose, self.first, self.count, *self.key.encode(), *self.step.encode(), *self.y.encode()]

    def text(self) -> str:
        return f"random_bits {self.count} {self.y.name} (purpose {self.purpose:#x})"

    @property
    def bytes_moved(self) -> int:
        return self.count * 4


@dataclass(frozen=True, slots=True)
class Guard(Instruction):
    """End the step here, with the state unchanged, unless x is finite."""

    opcode: ClassVar[Opcode] = Opcode.GUARD
    x: Operand

    def encode(self, codes: Mapping[str, int]) -> list[int]:
        return self.x.encode()

    def text(self) -> str:
        return f"guard {self.x.name}"

    @property
    def bytes_moved(self) -> int:
        return 0

"""Instructions: a small set of opcodes, each encoded as integers that the core decodes (native/instruction.hpp)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, ClassVar

import numpy

from backpass.engine.plan.graph import WHOLE
from backpass.engine.plan.limits import DTYPES, RANK, Unplannable
from backpass.engine.plan.strides import Lengths


@dataclass(frozen=True, slots=True)
class Operand:
    """An array in memory.

    Attributes:
        buffer: The buffer.
        offset: The offset of the first element, in elements.
        dtype: The dtype.
        strides: The strides, in elements.
        name: The name in listings.
    """

    buffer: int
    offset: int
    dtype: numpy.dtype[Any]
    strides: Lengths
    name: str = field(compare=False, default="")

    def encode(self) -> list[int]:
        return [self.buffer, self.offset * self.dtype.itemsize, DTYPES.index(self.dtype), *pad(self.strides, 0)]


def pad(values: Sequence[int], filling: int) -> list[int]:
    """Pad with leading axes to the rank of the core.

    Raises:
        Unplannable: If there are more axes than the core supports.
    """
    if len(values) > RANK:
        raise Unplannable(f"an iteration over {len(values)} axes")
    return [filling] * (RANK - len(values)) + list(values)


@dataclass(frozen=True, slots=True)
class Instruction(ABC):
    """One operation of the core.

    Attributes:
        kind: The opcode.
        label: The scope in the circuit.
        part: The shard of the rows that it works on, or WHOLE.
    """

    kind: ClassVar[int]
    label: str
    part: int = field(default=WHOLE, kw_only=True)

    def words(self, codes: Mapping[str, int]) -> list[int]:
        """The encoding of the instruction.

        Args:
            codes: The core's numbers of the elementwise operations.
        """
        return [self.kind, self.part, *self.encode(codes)]

    @abstractmethod
    def encode(self, codes: Mapping[str, int]) -> list[int]:
        """The words that follow the common header."""

    @abstractmethod
    def text(self) -> str:
        """The instruction on one line of a listing."""

    @property
    def flops(self) -> int:
        return 0

    @property
    @abstractmethod
    def bytes_moved(self) -> int:
        """Bytes read and written, counting each operand once."""


_PAIRS = ("multiply_", "subtract_", "sqrt_", "divide_")
"""Prefixes of the names of fused pairs of operations (see ``peephole``)."""


@dataclass(frozen=True, slots=True)
class MapStep:
    """out = name(a, b, c) on registers; the last argument is repeated in place of missing ones."""

    name: str
    out: int
    arguments: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Map(Instruction):
    """An elementwise program over an iteration space; the inputs fill registers 0, 1, ..."""

    kind: ClassVar[int] = 0
    shape: Lengths
    inputs: tuple[Operand, ...]
    outputs: tuple[tuple[Operand, int], ...]
    steps: tuple[MapStep, ...]
    registers: int

    def encode(self, codes: Mapping[str, int]) -> list[int]:
        words = [len(self.inputs), len(self.outputs), len(self.steps), self.registers, *pad(self.shape, 1)]
        for operand in self.inputs:
            words += operand.encode()
        for operand, register in self.outputs:
            words += [*operand.encode(), register]
        for step in self.steps:
            if step.name not in codes:
                raise Unplannable(f"no elementwise operation {step.name}")
            a, b, c = (*step.arguments, *(step.arguments[-1:] * (3 - len(step.arguments))))
            words += [codes[step.name], step.out, a, b, c]
        return words

    def text(self) -> str:
        steps = " ".join(step.name.rpartition(".")[0] for step in self.steps)
        reads = ", ".join(operand.name for operand in self.inputs)
        writes = ", ".join(operand.name for operand, _ in self.outputs)
        return f"map {list(self.shape)} {writes} <- {reads}: {steps}"

    @property
    def flops(self) -> int:
        return prod(self.shape) * sum(2 if step.name.startswith(_PAIRS) else 1 for step in self.steps)

    @property
    def bytes_moved(self) -> int:
        operands = [*self.inputs, *(operand for operand, _ in self.outputs)]
        return sum(
            prod(n for n, stride in zip(self.shape, o.strides, strict=True) if stride) * o.dtype.itemsize
            for o in operands
        )


_EPILOGUES = ("", "relu", "slope_of_relu", "relu_alone", "relu_with_sign", "slope_by_sign")
"""The epilogues in the order of their codes, as in native/instruction.hpp."""


@dataclass(frozen=True, slots=True)
class Product(Instruction):
    """c = a b + bias for each matrix of a stack, followed by an epilogue while c is in registers.

    The epilogues, with the operand ``beside``:

    - "relu": beside = max(c, 0)
    - "slope_of_relu": c = c where beside >= 0, else 0
    - "relu_alone": c = max(c, 0)
    - "relu_with_sign": c = max(c, 0), and -0 where c < 0
    - "slope_by_sign": c = c where the sign of beside is +, else 0

    a and b are matrices, or panels of packed words made by ``Pack``.
    """

    kind: ClassVar[int] = 1
    stack: Lengths
    m: int
    n: int
    k: int
    is_narrow: bool
    a: Operand
    b: Operand
    c: Operand
    bias: Operand | None
    epilogue: str = ""
    beside: Operand | None = None

    def encode(self, codes: Mapping[str, int]) -> list[int]:
        stack = [1] * (3 - len(self.stack)) + list(self.stack)
        epilogue = _EPILOGUES.index(self.epilogue)
        words = [*stack, self.m, self.n, self.k, int(self.is_narrow), epilogue, int(self.bias is not None)]
        for operand in (self.a, self.b, self.c, self.bias, self.beside):
            words += operand.encode() if operand else []
        return words

    def text(self) -> str:
        bias = f" + {self.bias.name}" if self.bias else ""
        stack = f"{list(self.stack)} x " if self.stack else ""
        form = " narrow" if self.is_narrow else " of bf16" if self.is_paired else ""
        sizes = f"{stack}[{self.m}, {self.k}] [{self.k}, {self.n}]"
        then = f", {self.epilogue}" if self.epilogue else ""
        then += f" {self.beside.name}" if self.beside else ""
        return f"product{form} {sizes} {self.c.name} <- {self.a.name} {self.b.name}{bias}{then}"

    @property
    def is_paired(self) -> bool:
        """Whether the factors are packed bfloat16."""
        return self.a.dtype != self.c.dtype

    @property
    def flops(self) -> int:
        return 2 * prod(self.stack) * self.m * self.n * self.k

    @property
    def bytes_moved(self) -> int:
        read = (self.m * self.k + self.k * self.n) * (2 if self.is_paired else self.a.dtype.itemsize)
        made = self.m * self.n * (2 if self.beside else 1) * self.c.dtype.itemsize
        return prod(self.stack) * (read + made)


@dataclass(frozen=True, slots=True)
class Reduce(Instruction):
    """y[kept] = the sum or maximum of x[kept, reduced].

    Attributes:
        over_row: Whether it uses 32 virtual lanes and a fixed tree; otherwise each element of y is one sequential
            chain.
    """

    kind: ClassVar[int] = 2
    rule: str
    kept: Lengths
    reduced: Lengths
    x: Operand
    y: Operand
    over_row: bool

    def encode(self, codes: Mapping[str, int]) -> list[int]:
        kept = [1] * (3 - len(self.kept)) + list(self.kept)
        reduced = [1] * (2 - len(self.reduced)) + list(self.reduced)
        return [
            ("sum", "max").index(self.rule),
            int(self.over_row),
            *kept,
            *reduced,
            *self.x.encode(),
            *self.y.encode(),
        ]

    def text(self) -> str:
        form = " row" if self.over_row else ""
        return f"{self.rule}{form} {list(self.kept)} of {list(self.reduced)} {self.y.name} <- {self.x.name}"

    @property
    def flops(self) -> int:
        return prod(self.kept) * prod(self.reduced)

    @property
    def bytes_moved(self) -> int:
        return (self.flops + prod(self.kept)) * self.x.dtype.itemsize


@dataclass(frozen=True, slots=True)
class Take(Instruction):
    """y[o, i] = x[o, indices[i]], row by row."""

    kind: ClassVar[int] = 3
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

    kind: ClassVar[int] = 4

    def text(self) -> str:
        return f"scatter_add {self.count} to {self.length} {self.y.name}[{self.indices.name}] <- {self.x.name}"

    @property
    def flops(self) -> int:
        return self.outer * self.count * self.inner


@dataclass(frozen=True, slots=True)
class Gather(Instruction):
    """The rows of a batch, or of one shard of it, gathered from an array of all rows."""

    kind: ClassVar[int] = 5
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
class Random(Instruction):
    """Counter-based random bits, starting at element ``first``."""

    kind: ClassVar[int] = 6
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

    kind: ClassVar[int] = 7
    x: Operand

    def encode(self, codes: Mapping[str, int]) -> list[int]:
        return self.x.encode()

    def text(self) -> str:
        return f"guard {self.x.name}"

    @property
    def bytes_moved(self) -> int:
        return 0

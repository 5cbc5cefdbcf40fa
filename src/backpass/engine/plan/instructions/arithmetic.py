"""Instructions that compute: elementwise programs, matrix products and reductions."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import ClassVar

from backpass.dataclass import dataclass
from backpass.engine.plan.instructions.instruction import Instruction, Opcode, Operand, pad
from backpass.engine.plan.limits import Unplannable
from backpass.engine.plan.strides import Lengths

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

    opcode: ClassVar[Opcode] = Opcode.MAP
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

    The epilogues, with the auxiliary operand ``aux``:

    - "relu": aux = max(c, 0)
    - "slope_of_relu": c = c where aux >= 0, else 0
    - "relu_alone": c = max(c, 0)
    - "relu_with_sign": c = max(c, 0), and -0 where c < 0
    - "slope_by_sign": c = c where the sign of aux is +, else 0

    a and b are matrices, or panels of packed words made by ``Pack``.
    """

    opcode: ClassVar[Opcode] = Opcode.PRODUCT
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
    aux: Operand | None = None

    def encode(self, codes: Mapping[str, int]) -> list[int]:
        stack = [1] * (3 - len(self.stack)) + list(self.stack)
        epilogue = _EPILOGUES.index(self.epilogue)
        words = [*stack, self.m, self.n, self.k, int(self.is_narrow), epilogue, int(self.bias is not None)]
        for operand in (self.a, self.b, self.c, self.bias, self.aux):
            words += operand.encode() if operand else []
        return words

    def text(self) -> str:
        bias = f" + {self.bias.name}" if self.bias else ""
        stack = f"{list(self.stack)} x " if self.stack else ""
        form = " narrow" if self.is_narrow else " of bf16" if self.is_bf16 else ""
        sizes = f"{stack}[{self.m}, {self.k}] [{self.k}, {self.n}]"
        then = f", {self.epilogue}" if self.epilogue else ""
        then += f" {self.aux.name}" if self.aux else ""
        return f"product{form} {sizes} {self.c.name} <- {self.a.name} {self.b.name}{bias}{then}"

    @property
    def is_bf16(self) -> bool:
        """Whether the factors are packed bfloat16."""
        return self.a.dtype != self.c.dtype

    @property
    def flops(self) -> int:
        return 2 * prod(self.stack) * self.m * self.n * self.k

    @property
    def bytes_moved(self) -> int:
        read = (self.m * self.k + self.k * self.n) * (2 if self.is_bf16 else self.a.dtype.itemsize)
        made = self.m * self.n * (2 if self.aux else 1) * self.c.dtype.itemsize
        return prod(self.stack) * (read + made)


@dataclass(frozen=True, slots=True)
class Reduce(Instruction):
    """y[kept] = the sum or maximum of x[kept, reduced].

    Attributes:
        over_row: Whether it uses 32 virtual lanes and a fixed tree; otherwise each element of y is one sequential
            chain.
    """

    opcode: ClassVar[Opcode] = Opcode.REDUCE
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

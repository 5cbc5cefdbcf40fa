"""Instruction: one operation of the core, encoded as integers that it decodes (native/instruction.hpp)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import field
from enum import IntEnum
from typing import Any, ClassVar

import numpy

from backpass.dataclass import dataclass
from backpass.engine.plan.limits import DTYPES, RANK, Unplannable
from backpass.engine.plan.strides import Lengths
from backpass.engine.plan.term import WHOLE


class Opcode(IntEnum):
    """The instructions, as the core numbers them."""

    MAP = 0
    PRODUCT = 1
    REDUCE = 2
    TAKE = 3
    SCATTER = 4
    GATHER = 5
    RANDOM = 6
    GUARD = 7
    PACK = 8


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
        opcode: The opcode.
        label: The scope in the circuit.
        shard: The shard of the rows that it works on, or WHOLE.
    """

    opcode: ClassVar[Opcode]
    label: str
    shard: int = field(default=WHOLE, kw_only=True)

    def words(self, codes: Mapping[str, int]) -> list[int]:
        """The encoding of the instruction.

        Args:
            codes: The core's numbers of the elementwise operations.
        """
        return [self.opcode, self.shard, *self.encode(codes)]

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

"""bfloat16 packing: if requested, large products read operands rounded to bfloat16, two steps of k per 32-bit word.

Each factor is packed once per layout by a term of its own, which all products share. Everything else stays float32:
sums, biases, epilogues and every stored value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy

from backpass.engine.plan.fusion import Unit
from backpass.engine.plan.graph import WHOLE, Graph, Term, View
from backpass.engine.plan.instruction import Instruction, Operand

_LEFT, _RIGHT = 56, 32
"""Panel widths, in columns, of a and of b; as in native/instruction.hpp."""

_WORD = numpy.dtype(numpy.uint32)


def is_profitable(m: int, n: int, k: int) -> bool:
    """Whether a faster product saves more time than rounding and packing [m, k] and [k, n] costs.

    The rule depends on sizes only, so results do not depend on the machine.
    """
    return k >= 32 and m * n >= 24 * (m + n)


def pair_products(graph: Graph, terms: Sequence[Term]) -> None:
    """Let profitable products read packed operands."""
    for term in terms:
        if term.kind != "product" or term.dtype != numpy.float32 or term.params["is_narrow"] or len(term.shape) != 2:
            continue
        a, b, *bias = term.arguments
        if is_profitable(*term.shape, a.shape[1]):
            graph.label = term.label
            left, right = _packed(graph, a.transposed((1, 0)), _LEFT), _packed(graph, b, _RIGHT)
            term.arguments = (left.whole, right.whole, *bias)
    graph.label = ""


def time_slots(units: Sequence[Unit]) -> list[int]:
    """The time slot in which each unit runs.

    Units run one after another. Consecutive packings, and consecutive units of shards, share a slot, because no thread
    waits between them.
    """
    found, at, before = [], 0, ""
    for unit in units:
        if unit.first.is_computed:
            together = "parts" if unit.part != WHOLE else "packs" if unit.first.kind == "pack" else ""
            at += not (together and together == before)
            before = together
        found.append(at)
    return found


def _packed(graph: Graph, x: View, panel: int) -> Term:
    """x (k, n) in panels of columns, two steps of k per word; the last panel is padded."""
    k, n = x.shape
    words = -(-n // panel) * panel * -(-k // 2)
    return graph.add("pack", "pack", (x,), (words,), _WORD, panel=panel, k=k)


@dataclass(frozen=True, slots=True)
class Pack(Instruction):
    """y = x (k, n) rounded to bfloat16, in panels of columns, two steps of k per word."""

    kind: ClassVar[int] = 8
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

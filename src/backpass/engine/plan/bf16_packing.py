"""The pairs: where bfloat16 is asked for, large products read operands rounded to it, two steps of k to a word.

Each factor is packed by a term of its own, once, for whoever reads it in that arrangement. Everything else stays as it
is: sums, biases and what comes behind a product are float32, and so is every value that is stored.
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
"""Columns of a panel of a and of b, as in native/instruction.hpp."""

_WORD = numpy.dtype(numpy.uint32)


def is_profitable(m: int, n: int, k: int) -> bool:
    """Whether rounding and packing [m, k] and [k, n] costs less than a faster product saves.

    A rule of sizes alone, so that no result depends on the machine.
    """
    return k >= 32 and m * n >= 24 * (m + n)


def pair_products(graph: Graph, terms: Sequence[Term]) -> None:
    """Let the products that pay read packed pairs."""
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
    """When each unit runs: one after another, but at once where no thread waits: packings in a row, and parts."""
    found, at, before = [], 0, ""
    for unit in units:
        if unit.first.is_computed:
            together = "parts" if unit.part != WHOLE else "packs" if unit.first.kind == "pack" else ""
            at += not (together and together == before)
            before = together
        found.append(at)
    return found


def _packed(graph: Graph, x: View, panel: int) -> Term:
    """x (k, n) in panels of columns, the last filled up, two steps of k to a word."""
    k, n = x.shape
    words = -(-n // panel) * panel * -(-k // 2)
    return graph.add("pack", "pack", (x,), (words,), _WORD, panel=panel, k=k)


@dataclass(frozen=True, slots=True)
class Pack(Instruction):
    """y = x (k, n) rounded to bfloat16, in panels of columns, two steps of k to a word."""

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

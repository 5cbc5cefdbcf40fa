"""Request: what a plan is made for, besides the circuit."""

from __future__ import annotations

from collections.abc import Sequence

from backpass.dataclass import dataclass
from backpass.engine.plan.symbolic import SymbolicLengths

RowRange = tuple[int, int]
"""The first row of a shard, and the row after its last one."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the passes must know besides the graph.

    Attributes:
        symbols: The free lengths of the circuit, and their values.
        states: The number of leading outputs that overwrite the inputs of the same index; 0 for a forward circuit.
        batch: The indices of the inputs whose rows are gathered.
        rows: The name of the free length that is the number of rows of a batch.
        shards: The shards of the rows of a batch; empty if the step is not sharded.
        bf16: Whether large products round their factors to bfloat16.
    """

    symbols: SymbolicLengths
    states: int = 0
    batch: Sequence[int] = ()
    rows: str = "B"
    shards: Sequence[RowRange] = ()
    bf16: bool = False

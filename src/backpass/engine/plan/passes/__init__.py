"""Passes: functions that take the graph of a plan and return a better one.

Each pass takes a frozen graph and what is requested, and returns a new graph; it changes nothing else. After each pass
the graph satisfies ``verify``; the tests run it there. The passes run in the order of ``PASSES``:

1. ``fuse_peepholes`` replaces two elementwise float32 operations by one, such as a product and a sum by a fused
   multiply-add. Needs: symbolic lengths, so that no decision depends on the number of rows. Guarantees: an operation
   that is absorbed had no other reader.
2. ``mark_relu_signs`` lets the backward pass read the slope of a ReLU from the sign of its zeros. Needs: the slopes as
   ``fuse_peepholes`` writes them. Guarantees: only products read a ReLU whose zeros have signs, and no output shows it.
3. ``specialize`` replaces symbolic lengths by their values, and splits the rows of small steps into shards. Needs:
   nothing has depended on lengths so far. Guarantees: all lengths are numbers; a term of a shard reads terms of its
   own shard and terms of all rows only.
4. ``pack_bf16`` lets large products read factors that are rounded to bfloat16 and packed, if requested. Needs: the
   lengths, because small products do not profit. Guarantees: a factor is packed once per layout.
5. ``alias_buffers`` lets terms write directly into outputs and into larger arrays. Needs: all terms that are stored;
   later passes add none but copies that stay in registers. Guarantees: every wanted output is a whole term; pieces of
   an array do not overlap, except with the background, which comes first; every reader can express its view.
6. ``fuse_units`` groups elementwise terms, and a product with its epilogue, into units of one instruction. Needs: the
   placement, because a piece of a larger array has no epilogue. Guarantees: every term is in one unit; no two units
   wait for each other.
7. ``schedule_units`` orders the units. Guarantees: units come after those that they need; the units that overwrite the
   state come after the one that computes the objective; units of shards form runs that are as long as possible.
8. ``recompute`` repeats cheap elementwise terms in the units that read them, so that they need not be stored. Needs:
   the schedule. Guarantees: the order of units is kept; outputs and pieces of arrays are still stored once.
"""

from __future__ import annotations

from collections.abc import Callable

from backpass.engine.plan.graph import Graph
from backpass.engine.plan.passes.aliasing import alias_buffers
from backpass.engine.plan.passes.bf16_packing import pack_bf16
from backpass.engine.plan.passes.fusion import fuse_units
from backpass.engine.plan.passes.peephole import fuse_peepholes
from backpass.engine.plan.passes.recomputation import recompute
from backpass.engine.plan.passes.relu_sign import mark_relu_signs
from backpass.engine.plan.passes.schedule import schedule_units
from backpass.engine.plan.passes.sharding import specialize
from backpass.engine.plan.request import Request

Pass = Callable[[Graph, Request], Graph]

PASSES: tuple[Pass, ...] = (
    fuse_peepholes,
    mark_relu_signs,
    specialize,
    pack_bf16,
    alias_buffers,
    fuse_units,
    schedule_units,
    recompute,
)
"""All passes, in order; see the docstring of this module."""

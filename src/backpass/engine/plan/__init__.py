"""Execution plan: a circuit with known lengths, compiled to a flat program for the native core.

The passes, in order: ``lowering`` simplifies the circuit into terms; ``peephole`` and ``relu_sign`` rewrite terms;
``sharding`` inserts the lengths and splits the rows of small steps into shards; ``bf16_packing`` rounds the factors of
large products, if requested; ``aliasing`` lets terms write directly into outputs and larger arrays; ``fusion`` groups
elementwise terms; ``schedule`` orders the groups; ``recomputation`` drops values that are cheap to recompute;
``memory`` lays out the arena; ``emission`` writes the instructions.

A plan depends on the core's instruction formats, not on the hardware that runs it.
"""

from backpass.engine.plan.limits import Unplannable
from backpass.engine.plan.plan import Plan
from backpass.engine.plan.planner import plan_circuit, plan_step

__all__ = ["Plan", "Unplannable", "plan_circuit", "plan_step"]

"""The plan: a circuit whose lengths are known, as a flat program for a small machine.

``lowering`` simplifies the circuit into terms, ``pairs`` has the factors of large products rounded where bfloat16 is
asked for, ``placement`` decides which results are made where they are wanted, ``fusion`` gathers elementwise terms into
passes, ``schedule`` orders them, ``memory`` lays out the arena and ``emission`` writes the instructions. A plan knows
nothing of the machine that runs it but its instruction set.
"""

from backpass.engine.plan.limits import Unplannable
from backpass.engine.plan.plan import Plan
from backpass.engine.plan.planner import plan_circuit, plan_step

__all__ = ["Plan", "Unplannable", "plan_circuit", "plan_step"]

"""Execution plan: a circuit with known lengths, compiled to a flat program for the native core.

``lowering`` turns the circuit into a graph of terms; the passes in ``passes`` rewrite the graph, one after another;
``allocation`` decides where every value is stored; ``emission`` writes the instructions. ``planner`` runs them, and
``verify`` checks a graph between passes.

A plan depends on the core's instruction formats, not on the hardware that runs it.
"""

from backpass.engine.plan.limits import Unplannable
from backpass.engine.plan.plan import Plan
from backpass.engine.plan.planner import plan_circuit, plan_step

__all__ = ["Plan", "Unplannable", "plan_circuit", "plan_step"]

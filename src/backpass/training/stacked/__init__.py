"""Stacked training: many small networks of the same layers, each on rows of its own, in one step.

Reading order: ``step`` computes one step of a stack, ``batches`` says which rows each network reads, ``run`` trains any
number of networks, stack by stack.
"""

from backpass.training.stacked.run import StackedResult, StackedRun

__all__ = ["StackedResult", "StackedRun"]

"""Instructions: a small set of operations of the core, each encoded as integers (native/instruction.hpp)."""

from backpass.engine.plan.instructions.arithmetic import Map, MapStep, Product, Reduce
from backpass.engine.plan.instructions.instruction import Instruction, Operand
from backpass.engine.plan.instructions.movement import Gather, Guard, Pack, Random, Scatter, Take

__all__ = [
    "Gather",
    "Guard",
    "Instruction",
    "Map",
    "MapStep",
    "Operand",
    "Pack",
    "Product",
    "Random",
    "Reduce",
    "Scatter",
    "Take",
]

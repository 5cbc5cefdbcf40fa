"""Lowering: turns a circuit with its lengths into a graph of terms, by one rule per operation."""

from backpass.engine.plan.lowering.rules import lower

__all__ = ["lower"]

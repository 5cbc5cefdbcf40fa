"""The names of an exported graph's inputs and outputs, from the columns and the target of a model."""

from __future__ import annotations

from backpass.engine.onnx import Graph
from backpass.model.onnx.exportable import Exportable

PROBABILITIES = "probabilities"
"""The output with the class probabilities, unless a column has this name."""


def output_names(model: Exportable) -> tuple[str, ...]:
    """The outputs: the target, and for classes their probabilities; for several outputs, one per title."""
    if not model.classes:
        return model.labels
    name = PROBABILITIES
    while name in {*model.schema.kinds, model.target}:
        name += "_"
    return model.target, name


def input_names(model: Exportable) -> list[str]:
    """The inputs: each column under its own name, or a similar one if an output has that name."""
    graph = Graph("names")
    for name in output_names(model):
        graph.reserve(name)
    return [graph.reserve(name) for name in model.schema.kinds]

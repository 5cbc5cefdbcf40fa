"""The names of an exported graph's inputs and outputs, from the columns and the target of a model."""

from __future__ import annotations

from backpass.engine.onnx import Graph
from backpass.model.onnx.exportable import Exportable

PROBABILITIES = "probabilities"
"""The output with the probabilities of the classes, unless a column has this name."""


def output_names(model: Exportable) -> tuple[str, ...]:
    """The outputs: the target, and for classes their probabilities; or each of several by its label."""
    if not model.classes:
        return model.labels
    name = PROBABILITIES
    while name in {*model.schema.kinds, model.target}:
        name += "_"
    return model.target, name


def input_names(model: Exportable) -> list[str]:
    """The inputs: each column by its name, or one like it where an output has that."""
    graph = Graph("names")
    for name in output_names(model):
        graph.reserve(name)
    return [graph.reserve(name) for name in model.schema.kinds]

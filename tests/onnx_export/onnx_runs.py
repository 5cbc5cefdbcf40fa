"""Runs of exported graphs: ONNX Runtime beside NumPy, and the comparison of the two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy

from backpass.circuit import Circuit
from backpass.engine.onnx import Graph, to_bytes, translate


def run_onnx(data: bytes, inputs: Mapping[str, Any], *, optimized: bool = True) -> list[Any]:
    """The outputs of a model file in ONNX Runtime, on one thread; ``optimized``: nodes may be fused, as is usual."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # it warns of constants that it folds away
    if not optimized:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    used = {each.name for each in session.get_inputs()}
    return session.run(None, {name: value for name, value in inputs.items() if name in used})


def exported(circuit: Circuit) -> bytes:
    """A circuit alone as a model file, its inputs and outputs by the circuit's names and numbers."""
    graph = Graph(circuit.name)
    names = [graph.reserve(f"output {i}") for i in range(len(circuit.outputs))]
    inputs = [graph.input(name, spec) for name, spec in zip(circuit.input_names, circuit.inputs, strict=True)]
    for value, name in zip(translate(graph, circuit, inputs), names, strict=True):
        graph.output(value, name)
    return to_bytes(graph)


def both(circuit: Circuit, arrays: Sequence[Any], *, optimized: bool = True) -> tuple[list[Any], list[Any]]:
    """What a circuit gives in ONNX Runtime, and what it gives in NumPy."""
    given = dict(zip(circuit.input_names, circuit.arrays_for(arrays), strict=True))
    return run_onnx(exported(circuit), given, optimized=optimized), circuit.evaluate(arrays)


def assert_same(got: Sequence[Any], expected: Sequence[Any], tolerance: Mapping[str, float] | None = None) -> None:
    """Equal in number, shape, dtype, and value up to the rounding of the dtype."""
    limits = {"f": 1e-5, "d": 1e-12, **(tolerance or {})}
    assert len(got) == len(expected)
    for a, b in zip(got, expected, strict=True):
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        if b.dtype.kind == "f":
            limit = limits[b.dtype.char]
            numpy.testing.assert_allclose(a, b, rtol=limit, atol=limit * 0.1)
        else:
            numpy.testing.assert_array_equal(a, b)

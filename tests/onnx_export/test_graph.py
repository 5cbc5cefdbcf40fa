"""The graph and its file: names, constants, what is refused, and that nothing here needs onnx before a file is made."""

from __future__ import annotations

import builtins
import subprocess
import sys
from typing import Any

import numpy
import pytest
from onnx_runs import exported, run_onnx

from backpass.circuit import Spec, trace
from backpass.circuit import operations as o
from backpass.engine.onnx import IR, OPSET, Graph, is_onnx, to_bytes, translate
from backpass.errors import UsageError

F4 = numpy.dtype("f4")


def test_names_are_unique_and_columns_keep_theirs() -> None:
    circuit = trace(lambda x: o.sin(o.sin(x)) + 0.5, [Spec(("n",), F4)])
    graph = Graph("g")
    x = graph.input("sin", Spec(("n",), F4))
    assert graph.reserve("sin") == "sin_2"
    translate(graph, circuit, [x])
    assert [call.output for call in graph.calls] == ["sin_3", "sin_4", "add"]
    assert list(graph.constants) == ["float32/0.5"]


def test_equal_constants_are_one_and_unread_ones_are_left_out() -> None:
    graph = Graph("g")
    ones = numpy.ones((2, 2), F4)
    graph.call(ones, "W1")
    graph.call(numpy.zeros(9, F4), "unread")
    assert graph.name_of(ones, "a") == graph.name_of(ones.copy(), "b") == "W1"
    assert graph.name_of(ones.astype("f8"), "b") == "b/constant"
    assert sorted(graph.constants) == ["W1", "b/constant"]


def test_a_free_dimension_is_measured_once() -> None:
    circuit = trace(
        lambda x: [o.broadcast_to(x[:, :1], shape=("n", 4)), o.broadcast_to(x[:, 1:], shape=("n", 3))],
        [Spec(("n", 2), F4)],
    )
    graph = Graph("g")
    translate(graph, circuit, [graph.input("x", Spec(("rows", 2), F4))])
    measures = [call for call in graph.calls if call.operator == "Shape"]
    assert [(call.output, dict(call.attributes)) for call in measures] == [("length/rows", {"start": 0, "end": 1})]


def test_the_file_states_its_versions() -> None:
    import onnx

    model = onnx.load_from_string(exported(trace(lambda x: x * 2.0, [Spec(("n", 3), F4)])))
    assert (model.ir_version, model.producer_name) == (IR, "backpass")
    assert {each.domain: each.version for each in model.opset_import} == {"": OPSET, "ai.onnx.ml": 3}
    (x,) = model.graph.input
    assert [d.dim_param or d.dim_value for d in x.type.tensor_type.shape.dim] == ["n", 3]


def test_what_an_onnx_file_is() -> None:
    data = exported(trace(lambda x: x * 2.0, [Spec(("n",), F4)]))
    assert is_onnx(data)
    for other in (b"", b"a,b\n1,2\n", b"\x80\x04\x95 a pickle", data[: len(data) // 2], b"\x08\x09", bytes(100)):
        assert not is_onnx(other)


def test_constants_beyond_a_protobuf_file_are_refused() -> None:
    graph = Graph("g")
    x = graph.input("x", Spec(("n", 1), F4))
    huge = numpy.broadcast_to(numpy.zeros((), F4), (1, 2**29))
    graph.constants["W1"] = huge
    name = graph.reserve("y")
    graph.output(x, name)
    with pytest.raises(UsageError, match="take 2147483648 bytes; an ONNX file can hold at most 2147483647"):
        to_bytes(graph)


def test_without_onnx_the_hint_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.split(".")[0] == "onnx":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match="the export needs the package onnx") as caught:
        to_bytes(Graph("g"))
    assert caught.value.hint == "pip install 'backpass[onnx]'"


def test_translating_imports_no_onnx() -> None:
    program = """
import sys, numpy
from backpass.circuit import Spec, trace
from backpass.engine.onnx import Graph, translate
import backpass.model.onnx.export
graph = Graph("g")
spec = Spec(("n",), numpy.dtype("f4"))
translate(graph, trace(lambda x: x + 1.0, [spec]), [graph.input("x", spec)])
print("onnx" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_fixed_dimension_may_stand_in_for_a_free_one() -> None:
    circuit = trace(lambda x: o.broadcast_to(x.sum(axis=0), shape=("n", 2)), [Spec(("n", 2), F4)])
    graph = Graph("g")
    name = graph.reserve("y")
    (y,) = translate(graph, circuit, [graph.input("x", Spec((3, 2), F4))])
    assert y.spec.shape == (3, 2)
    graph.output(y, name)
    (got,) = run_onnx(to_bytes(graph), {"x": numpy.arange(6, dtype=F4).reshape(3, 2)})
    numpy.testing.assert_array_equal(got, [[6.0, 9.0]] * 3)

"""ONNX export: writes circuits as the nodes of a graph that other runtimes execute.

``Graph`` collects nodes, ``translate`` writes a circuit into it, ``to_bytes`` makes the file. The package only depends
on circuits; the meaning of columns and outputs lives in ``backpass.model.onnx.export``.

Reading order: ``graph``, ``writer``, ``forms`` (the table from operations to forms; the forms themselves live in
``elementwise``, ``shaping`` and ``products``), ``translation``, ``whole``, ``file``.
"""

from backpass.engine.onnx.file import IR, OPSET, OPSET_ML, is_onnx, require_onnx, to_bytes
from backpass.engine.onnx.graph import Graph, Value
from backpass.engine.onnx.translation import translate
from backpass.engine.onnx.whole import Whole

__all__ = ["IR", "OPSET", "OPSET_ML", "Graph", "Value", "Whole", "is_onnx", "require_onnx", "to_bytes", "translate"]

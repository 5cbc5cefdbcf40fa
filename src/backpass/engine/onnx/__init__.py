"""The ONNX export: circuits as the nodes of a graph that other runtimes execute.

``Graph`` grows, ``translate`` writes a circuit into it, ``to_bytes`` makes the file. It knows circuits only: which
columns go in and what the outputs mean is ``backpass.model.onnx.export``'s affair.

Reading order: ``graph``, ``writer``, ``forms`` (how each operation is written; the forms themselves stand in
``elementwise``, ``shaping`` and ``products``), ``translation``, ``whole``, ``file``.
"""

from backpass.engine.onnx.file import IR, OPSET, OPSET_ML, is_onnx, require_onnx, to_bytes
from backpass.engine.onnx.graph import Graph, Value
from backpass.engine.onnx.translation import translate
from backpass.engine.onnx.whole import Whole

__all__ = ["IR", "OPSET", "OPSET_ML", "Graph", "Value", "Whole", "is_onnx", "require_onnx", "to_bytes", "translate"]

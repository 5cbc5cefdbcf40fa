"""ONNX file: converts a finished graph to the bytes of a checked ONNX model. Only this module uses the onnx library.

Opset 18 is the oldest in which ReduceSum, ReduceMax and Pad all take their axes as inputs. ONNX Runtime supports it
since version 1.14 (February 2023), according to its documentation. Newer opsets would only require newer runtimes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy

from backpass.circuit.spec import Dimension
from backpass.engine.onnx.graph import TEXT, Graph, Value
from backpass.errors import UsageError

OPSET = 18
"""Version of ONNX's own operators (the default domain)."""

OPSET_ML = 3
"""Version of the domain ai.onnx.ml, which contains LabelEncoder."""

IR = 8
"""Version of the file format that was released with opset 18."""

_LARGEST = 2**31 - 1
"""Maximum size of a protobuf message, in bytes."""


def require_onnx() -> None:
    """Check that the onnx library is installed.

    Raises:
        UsageError: If it is not; the message says how to install it.
    """
    try:
        import onnx  # noqa: F401
    except ImportError:
        raise UsageError("the export needs the package onnx", hint="pip install 'backpass[onnx]'") from None


def to_bytes(graph: Graph, facts: Mapping[str, str] | None = None, version: str = "") -> bytes:
    """Convert a graph to an ONNX file, after onnx's full check. Equal graphs give equal bytes.

    Args:
        graph: The graph.
        facts: Metadata properties.
        version: The version of the producer.

    Raises:
        UsageError: If the onnx library is missing, or if the constants are too large for a protobuf file.
    """
    require_onnx()
    import onnx

    size = sum(array.nbytes for array in graph.constants.values())
    if size > _LARGEST:
        raise UsageError(f"the numbers of the graph take {size} bytes; an ONNX file can hold at most {_LARGEST}")
    model = onnx.helper.make_model(
        _graph(graph),
        ir_version=IR,
        opset_imports=[onnx.helper.make_opsetid("", OPSET), onnx.helper.make_opsetid("ai.onnx.ml", OPSET_ML)],
        producer_name="backpass",
        producer_version=version,
    )
    onnx.helper.set_model_props(model, dict(facts or {}))
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def is_onnx(data: bytes) -> bool:
    """Whether bytes are an ONNX model, judging by the outer structure.

    Raises:
        UsageError: If the onnx library is missing.
    """
    require_onnx()
    import onnx

    try:
        model = onnx.load_model_from_string(data)
    except Exception:  # DecodeError, which lives in a module of protobuf
        return False
    return bool(model.ir_version and len(model.opset_import) and model.graph.name)


def metadata(model: Any) -> dict[str, str]:
    """The metadata properties of an ONNX model.

    Args:
        model: Its bytes, an ``onnx.ModelProto`` or a session of ONNX Runtime.

    Raises:
        UsageError: If it is anything else, or if the onnx library is missing for bytes.
    """
    if hasattr(model, "get_modelmeta"):
        return dict(model.get_modelmeta().custom_metadata_map)
    if isinstance(model, bytes) and is_onnx(model):
        import onnx

        model = onnx.load_model_from_string(model)
    if not hasattr(model, "metadata_props"):
        kind = "bytes that are not an ONNX model" if isinstance(model, bytes) else type(model).__name__
        raise UsageError(
            f"an ONNX model is its bytes, a ModelProto or a session; got {kind}",
            hint="pass the output of `backpass export` or Model.to_onnx",
        )
    return {each.key: each.value for each in model.metadata_props}


def _graph(graph: Graph) -> Any:
    import onnx

    return onnx.helper.make_graph(
        [_node(call) for call in graph.calls],
        graph.name,
        [_described(value, doc) for value, doc in graph.inputs],
        [_described(value, doc) for value, doc in graph.outputs],
        [onnx.numpy_helper.from_array(_plain(array), name) for name, array in graph.constants.items()],
        doc_string=graph.doc,
    )


def _node(call: Any) -> Any:
    import onnx

    attributes: dict[str, Any] = {
        key: onnx.helper.np_dtype_to_tensor_dtype(value) if isinstance(value, numpy.dtype) else value
        for key, value in call.attributes.items()
    }
    return onnx.helper.make_node(
        call.operator, call.inputs, [call.output], name=call.output, domain=call.domain or None, **attributes
    )


def _described(value: Value, doc: str) -> Any:
    import onnx

    dtype = onnx.TensorProto.STRING if value.dtype == TEXT else onnx.helper.np_dtype_to_tensor_dtype(value.dtype)
    dimensions: list[Dimension] = list(value.shape)
    return onnx.helper.make_tensor_value_info(value.name, dtype, dimensions, doc_string=doc)


def _plain(array: Any) -> Any:
    """Convert to a contiguous little-endian array; NumPy scalars become arrays."""
    array = numpy.asarray(array)
    return array if array.dtype == TEXT else numpy.ascontiguousarray(array).reshape(array.shape)

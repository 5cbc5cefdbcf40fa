"""Translation: a circuit as a function of JAX arrays, with NumPy's dtypes and errors for indices out of range.

It takes a circuit and the lengths of its free dimensions. Compiling and running the function live in ``jax_engine`` and
``epoch``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy

from backpass.circuit import Circuit
from backpass.circuit.circuit import bind_param
from backpass.circuit.node import Node
from backpass.engine.jax.forms import Form

Function = Callable[..., tuple[list[Any], Any]]
"""(inputs) -> the outputs, and whether every index was in range."""


def translate(jax: Any, circuit: Circuit, lengths: Mapping[str, int], forms: Mapping[str, Form]) -> Function:
    """The circuit as a function; its inputs must have the dtypes of the circuit.

    Args:
        jax: The library.
        circuit: The circuit.
        lengths: The lengths of its free dimensions.
        forms: The form of each operation.
    """

    def function(*inputs: Any) -> tuple[list[Any], Any]:
        values, in_range = list(inputs), jax.numpy.asarray(True)
        for _, node in circuit.operations:
            params = {key: bind_param(value, lengths) for key, value in node.params.items()}
            arguments = _converted(node, [values[j] for j in node.inputs])
            if node.operation.name in ("take", "scatter_add"):
                length = params["length"] if "length" in params else arguments[0].shape[params["axis"]]
                in_range &= ((arguments[1] >= -length) & (arguments[1] < length)).all()
            values.append(forms[node.operation.name](jax, *arguments, **params).astype(node.spec.dtype))
        return [values[i] for i in circuit.outputs], in_range

    return function


def _converted(node: Node, arguments: Sequence[Any]) -> list[Any]:
    """The arguments in the dtype that NumPy computes in; JAX's own rules give other dtypes for mixed ones."""
    operation, dtype = node.operation, node.spec.dtype
    if operation.is_comparison:
        dtype = numpy.result_type(*(numpy.dtype(a.dtype) for a in arguments))
    return [a if i in operation.own_dtype else a.astype(dtype) for i, a in enumerate(arguments)]

"""Table of the NumPy functions that accept traced values, and their implementations. Imported for its side effect."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy

from backpass.circuit.node import user_line
from backpass.circuit.operation import is_weak
from backpass.circuit.operations import (
    arrangement,
    contraction,
    diagonals,
    functions,
    indexing,
    reduction,
    shaping,
    statistics,
)
from backpass.circuit.operations import elementwise as e
from backpass.circuit.operations.functions import as_array
from backpass.circuit.operations.reduction import Axis
from backpass.circuit.primitive import Array
from backpass.circuit.traced import NUMPY_NAMES
from backpass.errors import TraceError


def _in_numpys_dtype(ufunc: Any, function: Callable[..., Array]) -> Callable[..., Array]:
    """Wrap a function so that arguments are converted to NumPy's working dtype and the result has NumPy's dtype."""

    @wraps(function)
    def converted(*arguments: Any) -> Array:
        arrays = [a if is_weak(a) and not isinstance(a, bool) else as_array(a) for a in arguments]
        dtypes = ufunc.resolve_dtypes((*(type(a) if is_weak(a) else a.dtype for a in arrays), None))
        return function(
            *(a if is_weak(a) or a.dtype == to else a.astype(to) for a, to in zip(arrays, dtypes, strict=False))
        )

    return converted


def _transpose(a: Array, axes: Any = None) -> Array:
    order = range(a.ndim)[::-1] if axes is None else axes
    return shaping.transpose(a, axes=tuple(int(i) % a.ndim if -a.ndim <= i < a.ndim else int(i) for i in order))


def _reshape(a: Array, shape: Any, order: str = "C") -> Array:
    if order != "C":
        raise TraceError(
            f"{user_line()}: numpy.reshape with order={order!r}", hint='only order="C" can be traced: transpose first'
        )
    given = tuple(shape) if isinstance(shape, tuple | list) else (shape,)
    return shaping.reshape(a, shape=tuple(int(d) if isinstance(d, numpy.integer) else d for d in given))


def _sum(a: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    return reduction.sum(a, axis=axis, keepdims=keepdims)


def _max(a: Array, axis: Axis = None, *, keepdims: bool = False) -> Array:
    return reduction.max(a, axis=axis, keepdims=keepdims)


def _clip(a: Array, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Array:
    return functions.clip(as_array(a), a_min if min is None else min, a_max if max is None else max)


def _where(condition: Array, x: Any = None, y: Any = None) -> Array:
    if x is None or y is None:
        raise TraceError(
            f"{user_line()}: numpy.where(condition) returns indices, whose number is not known while tracing",
            hint="pass both values: where(condition, x, y)",
        )
    return e.where(condition, x, y)


def _ndim(a: Array) -> int:
    return int(as_array(a).ndim)


def _size(a: Array, axis: int | None = None) -> Any:
    return a.size if axis is None else a.shape[axis]


def _isclose(a: Array, b: Array, rtol: float = 1e-5, atol: float = 1e-8) -> Array:
    return functions.logical_or(
        e.equal(a, b), e.greater_equal(atol + rtol * e.absolute(b), e.absolute(e.subtract(a, b)))
    )


def _astype(x: Array, dtype: Any, /) -> Array:
    return x.astype(dtype)


_DIRECT = """add subtract multiply divide negative exp log log1p sqrt sin cos arctan tanh absolute sign maximum minimum
greater greater_equal equal logical_not remainder floor"""
_COMPOSED = """positive square reciprocal floor_divide fmod trunc ceil less less_equal not_equal isnan isinf isfinite
logical_and logical_or logical_xor bitwise_and bitwise_or bitwise_xor invert"""
_CONVERTED = "expm1 exp2 log2 log10 logaddexp tan sinh cosh rint"
for _name in _DIRECT.split():
    NUMPY_NAMES[getattr(numpy, _name)] = getattr(e, _name)
for _name in _COMPOSED.split():
    NUMPY_NAMES[getattr(numpy, _name)] = getattr(functions, _name)
for _name in _CONVERTED.split():
    NUMPY_NAMES[getattr(numpy, _name)] = _in_numpys_dtype(getattr(numpy, _name), getattr(functions, _name))
for _module, _names in (
    (arrangement, """concatenate stack hstack vstack column_stack array_split split hsplit vsplit ravel squeeze
        expand_dims swapaxes moveaxis rollaxis atleast_1d atleast_2d flip roll broadcast_arrays meshgrid tile repeat
        full_like zeros_like ones_like"""),
    (diagonals, """diagonal diag triu tril"""),
    (contraction, "matmul dot vdot inner outer tensordot einsum"),
    (indexing, "take take_along_axis"),
    (statistics, "mean average var std ptp count_nonzero prod cumsum cumprod diff argmax argmin"),
):  # fmt: skip
    for _name in _names.split():
        NUMPY_NAMES[getattr(numpy, _name)] = getattr(_module, _name)

NUMPY_NAMES |= {
    "getitem": indexing.getitem,
    numpy.power: e.power,
    numpy.where: _where,
    numpy.clip: _clip,
    numpy.sum: _sum,
    numpy.max: _max,
    numpy.amax: _max,
    numpy.min: statistics.min_,
    numpy.amin: statistics.min_,
    numpy.any: statistics.any_,
    numpy.all: statistics.all_,
    numpy.round: functions.around,
    numpy.around: functions.around,
    numpy.isclose: _isclose,
    numpy.linalg.norm: statistics.norm,
    numpy.trace: diagonals.trace_of,
    numpy.broadcast_to: arrangement.stretched,
    numpy.transpose: _transpose,
    numpy.reshape: _reshape,
    numpy.shape: arrangement.shape_of,
    numpy.ndim: _ndim,
    numpy.size: _size,
    numpy.astype if hasattr(numpy, "astype") else "astype": _astype,
}

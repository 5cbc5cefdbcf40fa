"""Table of JAX forms: how each operation of a circuit is computed on JAX arrays.

A form takes the library, the arguments and the parameters of a node. The arguments already have the dtypes in which
NumPy would compute (see ``translation``). Shapes are fixed when a form is called, values are not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy

from backpass.circuit.operations.shaping import Range, index_of
from backpass.engine.jax.random import random_bits
from backpass.engine.plan.passes.bf16_packing import is_profitable

Form: TypeAlias = Callable[..., Any]
"""(library, *arguments, **parameters) -> the value of the node."""


def _same(jax: Any, x: Any) -> Any:
    return x


def _as_numpy(name: str) -> Form:
    """A function that JAX has by NumPy's name."""
    return lambda jax, *arguments, **params: getattr(jax.numpy, name)(*arguments, **params)


def _constant(jax: Any, *, value: Any) -> Any:
    return jax.numpy.asarray(value)


def _cast(jax: Any, x: Any, *, dtype: Any) -> Any:
    return x.astype(dtype)


# Functions ----------------------------------------------------------------------------------------------------------


def _sigmoid(jax: Any, x: Any) -> Any:
    tail = jax.numpy.exp(-jax.numpy.abs(x))
    return jax.numpy.where(x >= 0, 1, tail) / (1 + tail)


def _softplus(jax: Any, x: Any) -> Any:
    jnp = jax.numpy
    return jnp.maximum(x, 0) + jnp.log1p(jnp.exp(-jnp.abs(x)))


def _relu(jax: Any, x: Any) -> Any:
    return jax.numpy.maximum(x, 0)


def _erf(jax: Any, x: Any) -> Any:
    return jax.lax.erf(x)


def _to_unit(jax: Any, bits: Any, *, dtype: Any) -> Any:
    return (bits >> jax.numpy.uint32(8)).astype(dtype) * numpy.dtype(dtype).type(2.0**-24)


def _logsumexp(jax: Any, x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    jnp = jax.numpy
    top = jnp.max(x, axis=axis, keepdims=True, initial=-jnp.inf)
    top = jnp.where(jnp.isfinite(top), top, 0)
    z = jnp.log(jnp.sum(jnp.exp(x - top), axis=axis, keepdims=True)) + top
    return z if keepdims else jnp.squeeze(z, axis=axis)


# Products -----------------------------------------------------------------------------------------------------------


def _matmul(jax: Any, x: Any, y: Any) -> Any:
    """Without ``highest``, a GPU or TPU would round the factors to 10 or 7 bits (TF32, bfloat16)."""
    return jax.numpy.matmul(x, y, precision="highest")


def _rounded_matmul(jax: Any, x: Any, y: Any) -> Any:
    """Factors of large products rounded to bfloat16, sums in float32: the products that the native engine rounds."""
    if x.dtype != numpy.float32 or not is_profitable(x.shape[-2], y.shape[-1], x.shape[-1]):
        return _matmul(jax, x, y)
    narrow = jax.numpy.bfloat16
    return jax.numpy.matmul(x.astype(narrow), y.astype(narrow), preferred_element_type=numpy.float32)


def _affine(matmul: Form) -> Form:
    return lambda jax, x, W, b: matmul(jax, x, W) + b[..., None, :]


# Movement -----------------------------------------------------------------------------------------------------------


def _reshape(jax: Any, x: Any, *, shape: tuple[int, ...]) -> Any:
    return x.reshape(shape)


def _concatenate(jax: Any, *parts: Any, axis: int) -> Any:
    return jax.numpy.concatenate(parts, axis=axis)


def _slice(jax: Any, x: Any, *, ranges: tuple[Range, ...]) -> Any:
    return x[index_of(ranges)]


def _assemble(jax: Any, *pieces: Any, ranges: Sequence[tuple[Range, ...]], shape: tuple[int, ...]) -> Any:
    """Pieces that lie side by side along the first axis, as in dJ/dtheta, are joined; others are added."""
    jnp, dtype = jax.numpy, pieces[0].dtype
    if len(shape) == 1 and (order := _side_by_side([each[0] for each in ranges], shape[0])) is not None:
        joined, end = [], 0
        for first, last, i in order:
            joined += [jnp.zeros(first - end, dtype), pieces[i]]
            end = last
        return jnp.concatenate([*joined, jnp.zeros(shape[0] - end, dtype)])
    z = jnp.zeros(shape, dtype)
    for piece, place in zip(pieces, ranges, strict=True):
        z = z.at[index_of(place)].add(piece)
    return z


def _side_by_side(ranges: Sequence[Range], length: int) -> list[tuple[int, int, int]] | None:
    """(start, stop, number) of each range, in ascending order; None if some overlap or have steps."""
    order = sorted((0, length, i) if r is None else (r[0], r[1], i) for i, r in enumerate(ranges))
    steps = {1 if r is None else r[2] for r in ranges}
    overlap = any(before[1] > after[0] for before, after in pairwise(order))
    return None if steps != {1} or overlap else order


def _take(jax: Any, x: Any, indices: Any, *, axis: int) -> Any:
    return jax.numpy.take(x, _from_start(jax, indices, x.shape[axis]), axis=axis, mode="clip")


def _scatter_add(jax: Any, x: Any, indices: Any, *, axis: int, length: int) -> Any:
    z = jax.numpy.zeros((*x.shape[:axis], length, *x.shape[axis + indices.ndim :]), x.dtype)
    place = (*(slice(None),) * axis, _from_start(jax, indices, length))
    return z.at[place].add(x, mode="drop")


def _from_start(jax: Any, indices: Any, length: int) -> Any:
    """Indices with negative ones counted from the end."""
    return jax.numpy.where(indices < 0, indices + length, indices)


FORMS: Mapping[str, Form] = MappingProxyType(
    {
        "absolute": _as_numpy("abs"),
        "add": _as_numpy("add"),
        "affine": _affine(_matmul),
        "arctan": _as_numpy("arctan"),
        "assemble": _assemble,
        "broadcast_to": _as_numpy("broadcast_to"),
        "cast": _cast,
        "concatenate_": _concatenate,
        "constant": _constant,
        "cos": _as_numpy("cos"),
        "divide": _as_numpy("divide"),
        "equal": _as_numpy("equal"),
        "erf": _erf,
        "exp": _as_numpy("exp"),
        "expm1": _as_numpy("expm1"),
        "floor": _as_numpy("floor"),
        "greater": _as_numpy("greater"),
        "greater_equal": _as_numpy("greater_equal"),
        "identity": _same,
        "log": _as_numpy("log"),
        "log1p": _as_numpy("log1p"),
        "logical_not": _as_numpy("logical_not"),
        "logsumexp": _logsumexp,
        "matmul_": _matmul,
        "max": _as_numpy("max"),
        "maximum": _as_numpy("maximum"),
        "minimum": _as_numpy("minimum"),
        "multiply": _as_numpy("multiply"),
        "negative": _as_numpy("negative"),
        "power": _as_numpy("power"),
        "random_bits": random_bits,
        "relu": _relu,
        "remainder": _as_numpy("remainder"),
        "reshape": _reshape,
        "scatter_add": _scatter_add,
        "sigmoid": _sigmoid,
        "sign": _as_numpy("sign"),
        "sin": _as_numpy("sin"),
        "slice_": _slice,
        "softplus": _softplus,
        "sqrt": _as_numpy("sqrt"),
        "stop_gradient": _same,
        "subtract": _as_numpy("subtract"),
        "sum": _as_numpy("sum"),
        "take": _take,
        "tanh": _as_numpy("tanh"),
        "to_unit": _to_unit,
        "transpose": _as_numpy("transpose"),
        "where": _as_numpy("where"),
    }
)
"""The form of every operation that has one."""

ROUNDED_FORMS: Mapping[str, Form] = MappingProxyType(
    {**FORMS, "affine": _affine(_rounded_matmul), "matmul_": _rounded_matmul}
)
"""The forms of a training step whose large products round their factors to bfloat16."""

WITHOUT_FORM: Mapping[str, str] = MappingProxyType({"argument": "it is an input of the function"})
"""Operations without a form, and why."""

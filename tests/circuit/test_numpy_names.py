"""NumPy's functions on traced arrays: the values, shapes and dtypes of NumPy, and slopes that differences confirm."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy
import pytest

from backpass.circuit import Spec, check_gradient, grad, trace, value_and_grad
from backpass.circuit import operations as o
from backpass.circuit.traced import NUMPY_NAMES
from backpass.engine import default_engine
from backpass.errors import TraceError

np = numpy
M = numpy.linspace(-1.7, 2.1, 12).reshape(3, 4)[:, [2, 0, 3, 1]]
S = numpy.cos(numpy.arange(60.0)).reshape(3, 4, 5)
V = numpy.array([0.3, -1.2, 2.4, 0.9])
Function = Callable[..., Any]

# Every case: a function of arrays, and the arrays; a case covers the function of NumPy that it is called after.
CASES: dict[str, tuple[Function, tuple[Any, ...]]] = {
    "min": (lambda x: (np.min(x), x.min(axis=0), np.min(x, axis=1, keepdims=True)), (M,)),
    "max": (lambda x: (np.max(x), x.max(axis=(0, 1)), np.amax(x, axis=-1)), (M,)),
    "sum": (lambda x: (np.sum(x), x.sum(0), np.sum(x, axis=-1, keepdims=True)), (M,)),
    "mean": (lambda x: (np.mean(x), x.mean(1), x.mean(axis=0, keepdims=True)), (M,)),
    "average": (lambda x, w: (np.average(x), np.average(x, 1, np.exp(w)), np.average(x, weights=x * x)), (M, V)),
    "var": (lambda x: (np.var(x), x.var(axis=0), x.var(ddof=1), np.var(x, axis=1, keepdims=True)), (M,)),
    "std": (lambda x: (np.std(x), x.std(axis=0), x.std(ddof=1), np.std(x, axis=(0, 1), keepdims=True)), (M,)),
    "ptp": (lambda x: (np.ptp(x), np.ptp(x, axis=1)), (M,)),
    "any": (lambda x: (np.any(x > 2.0), (x > 0).any(axis=1)), (M,)),
    "all": (lambda x: (np.all(x > -2.0), (x > 0).all(axis=1)), (M,)),
    "count_nonzero": (lambda x: (np.count_nonzero(x > 0), np.count_nonzero(x, axis=0)), (M,)),
    "prod": (lambda x: (np.prod(x), x.prod(axis=0), np.prod(x, axis=1, keepdims=True), np.prod(x[:0])), (M,)),
    "cumsum": (lambda x: (np.cumsum(x), x.cumsum(axis=0), np.cumsum(x, axis=-1)), (M,)),
    "cumprod": (lambda x: (np.cumprod(x), x.cumprod(axis=1)), (M,)),
    "diff": (lambda x: (np.diff(x), np.diff(x, axis=0), np.diff(x, n=2), np.diff(x > 0)), (M,)),
    "argmax": (lambda x: (np.argmax(x), x.argmax(axis=0), np.argmax(x, axis=1, keepdims=True)), (M,)),
    "argmin": (lambda x: (np.argmin(x), x.argmin(axis=0), np.argmin(x, axis=-1)), (M,)),
    "linalg.norm": (
        lambda x: (
            np.linalg.norm(x),
            np.linalg.norm(x, axis=0),
            np.linalg.norm(x, 1, axis=1),
            np.linalg.norm(x, np.inf, axis=1),
            np.linalg.norm(x, 3, axis=0, keepdims=True),
            np.linalg.norm(x[0], 2),
            np.linalg.norm(x[0], 0),
            np.linalg.norm(x, "fro"),
        ),
        (M,),
    ),
    "clip": (lambda x: (np.clip(x, -1.0, 1.0), x.clip(None, 1.0), np.clip(x, 0.0, None), x.clip(min=-0.5)), (M,)),
    "where": (lambda x: np.where((x > -1) & (x < 1), x, 0), (M,)),
    "logical_and": (lambda x: (np.logical_and(x > 0, x < 1), (x > 0) & True), (M,)),
    "logical_or": (lambda x: (np.logical_or(x > 1, x), (x > 1) | (x < 0)), (M,)),
    "logical_xor": (lambda x: (np.logical_xor(x > 0, x < 1), (x > 0) ^ (x < 1)), (M,)),
    "logical_not": (lambda x: (np.logical_not(x > 0), np.logical_not(np.floor(x))), (M,)),
    "bitwise_and": (lambda x: (np.bitwise_and(x > 0, x < 1), numpy.ones(4, bool) & (x > 0)), (M,)),
    "bitwise_or": (lambda x: np.bitwise_or(x > 1, x < 0), (M,)),
    "bitwise_xor": (lambda x: np.bitwise_xor(x > 1, x < 0), (M,)),
    "invert": (lambda x: (~(x > 0), np.invert(x.astype(int)), ~x.astype(numpy.uint8)), (np.abs(M),)),
    "remainder": (lambda x: (x % 0.7, 5.0 % x, np.remainder(x, -0.6), np.mod(x, V)), (M,)),
    "floor_divide": (lambda x: (x // 0.7, 5.0 // x, np.floor_divide(x, -0.6), divmod(x, 0.3)), (M,)),
    "fmod": (lambda x: (np.fmod(x, 0.7), np.fmod(x, -0.7)), (M,)),
    "positive": (lambda x: (+x, np.positive(x)), (M,)),
    "floor": (lambda x: (np.floor(x), np.floor(x * 10)), (M,)),
    "ceil": (lambda x: (np.ceil(x), np.ceil(-x)), (M,)),
    "trunc": (lambda x: np.trunc(3 * x), (M,)),
    "rint": (lambda x: (np.rint(x * 3), np.rint(np.round(x * 4) / 2)), (M,)),
    "round": (lambda x: (np.round(x), x.round(2), np.around(x * 100, -1)), (M,)),
    "square": (lambda x: np.square(x), (M,)),
    "reciprocal": (lambda x: np.reciprocal(x), (M + 10,)),
    "exp2": (lambda x: np.exp2(x), (M,)),
    "expm1": (lambda x: np.expm1(x), (M,)),
    "log1p": (lambda x: np.log1p(x * x), (M,)),
    "log2": (lambda x: np.log2(x * x), (M,)),
    "log10": (lambda x: np.log10(x * x), (M,)),
    "logaddexp": (lambda x: (np.logaddexp(x, V), np.logaddexp(x, x), np.logaddexp(1.0, x)), (M,)),
    "arctan": (lambda x: np.arctan(3 * x), (M,)),
    "tan": (lambda x: np.tan(x * 0.7), (M,)),
    "sinh": (lambda x: np.sinh(x), (M,)),
    "cosh": (lambda x: np.cosh(x), (M,)),
    "isnan": (lambda x: np.isnan(np.sqrt(x)), (M,)),
    "isinf": (lambda x: np.isinf(np.exp(x * 1000)), (M,)),
    "isfinite": (lambda x: np.isfinite(np.exp(x * 1000)), (M,)),
    "isclose": (lambda x: (np.isclose(x, np.round(x, 9)), np.isclose(x, 1.0)), (M,)),
    "less": (lambda x: (x < V, np.less(0.5, x)), (M,)),
    "less_equal": (lambda x: (x <= V, np.less_equal(0.5, x)), (M,)),
    "not_equal": (lambda x: (x != V, np.not_equal(x, M)), (M,)),
    # Arrangement
    "squeeze": (lambda x: (np.squeeze(x[:, None]), x[None, :, None].squeeze(axis=(0, 2)), x[:1].squeeze(0)), (M,)),
    "expand_dims": (lambda x: (np.expand_dims(x, 1), np.expand_dims(x, (0, -1))), (M,)),
    "ravel": (lambda x: (np.ravel(x), x.ravel(), x.flatten(), x.copy()), (M,)),
    "reshape": (
        lambda x: (x.reshape([4, 3]), x.reshape((2, -1)), np.reshape(x, [12]), x.reshape(numpy.int64(3), 4)),
        (M,),
    ),
    "transpose": (
        lambda x: (x.T, x.transpose(), x.transpose(2, 0, 1), x.transpose([1, 0, 2]), np.transpose(x, (-1, 0, 1))),
        (S,),
    ),
    "swapaxes": (lambda x: (np.swapaxes(x, 0, 2), x.swapaxes(-1, 1)), (S,)),
    "moveaxis": (lambda x: (np.moveaxis(x, 0, -1), np.moveaxis(x, [0, 1], [1, 2]), np.moveaxis(x, -1, 0)), (S,)),
    "rollaxis": (lambda x: (np.rollaxis(x, 2), np.rollaxis(x, 0, 3), np.rollaxis(x, 1, -1)), (S,)),
    "atleast_1d": (lambda x: (np.atleast_1d(x[0, 0]), np.atleast_1d(x)), (M,)),
    "atleast_2d": (lambda x: (np.atleast_2d(x[0, 0]), np.atleast_2d(x[0])), (M,)),
    "concatenate": (
        lambda x: (np.concatenate([x, M]), np.concatenate((x, x * 2), axis=-1), np.concatenate([x, V], axis=None)),
        (M,),
    ),
    "stack": (lambda x: (np.stack([x, x * x]), np.stack([x, M], axis=-1)), (M,)),
    "hstack": (lambda x: (np.hstack([x, M]), np.hstack([x[0], x[1]])), (M,)),
    "vstack": (lambda x: (np.vstack([x, V]), np.vstack([x[0], x[1]])), (M,)),
    "column_stack": (lambda x: np.column_stack([x[:, 0], x]), (M,)),
    "split": (lambda x: (np.split(x, 2, axis=1), np.split(x, [1, 3], axis=1), np.split(x, [2])), (M,)),
    "array_split": (lambda x: (np.array_split(x, 3, axis=1), np.array_split(x, 5)), (M,)),
    "hsplit": (lambda x: (np.hsplit(x, 2), np.hsplit(x[0], 4)), (M,)),
    "vsplit": (lambda x: np.vsplit(x, 3), (M,)),
    "flip": (lambda x: (np.flip(x), np.flip(x, 0), np.flip(x, axis=(1,))), (M,)),
    "roll": (
        lambda x: (np.roll(x, 1), np.roll(x, -3, axis=1), np.roll(x, (1, 2), axis=(0, 1)), np.roll(x, 5, 0)),
        (M,),
    ),
    "tile": (lambda x: (np.tile(x, 2), np.tile(x, (2, 1, 3)), np.tile(x[0], (2, 2)), np.tile(x, 0)), (M,)),
    "repeat": (lambda x: (np.repeat(x, 2), x.repeat(3, axis=0), np.repeat(x, [1, 0, 2], axis=0)), (M,)),
    "diagonal": (
        lambda x: (np.diagonal(x), x.diagonal(1), np.diagonal(x, -1), np.diagonal(x, 5), np.diagonal(x, -2)),
        (M,),
    ),
    "diag": (lambda x: (np.diag(x), np.diag(x[0]), np.diag(x[0], 2), np.diag(x[0], -1), np.diag(x, 1)), (M,)),
    "trace": (lambda x: (np.trace(x), x.trace(1), np.trace(np.exp(S) * x[0, 0], axis1=1, axis2=2)), (M,)),
    "triu": (lambda x: (np.triu(x), np.triu(x, 1), np.triu(x, -1)), (S,)),
    "tril": (lambda x: (np.tril(x), np.tril(x, 1), np.tril(x, -2)), (M,)),
    "meshgrid": (lambda x: (np.meshgrid(x[0], V[:2]), np.meshgrid(x[0], x[1], indexing="ij"), np.meshgrid(x[0])), (M,)),
    "broadcast_to": (lambda x: (np.broadcast_to(x, (2, 3, 4)), np.broadcast_to(x[0, 0], 3)), (M,)),
    "broadcast_arrays": (lambda x: np.broadcast_arrays(x, V, 1.0), (M,)),
    "zeros_like": (lambda x: (np.zeros_like(x), np.zeros_like(x, dtype=int)), (M,)),
    "ones_like": (lambda x: (np.ones_like(x) * x, np.ones_like(x > 0)), (M,)),
    "full_like": (lambda x: (np.full_like(x, 2.5), np.full_like(x, x[0, 0])), (M,)),
    # Products
    "matmul": (lambda x, y: (x @ y, np.matmul(V[:3], x), np.matmul(x, V)), (M, S[0, :, :3])),
    "dot": (lambda x, y: (np.dot(x, y), x.dot(V), np.dot(V[:3], x), np.dot(x, 2.0), np.dot(x[0, 0], y)), (M, S[0])),
    "vdot": (lambda x: np.vdot(x, M + 1.0), (M,)),
    "inner": (lambda x: (np.inner(x, V), np.inner(x, M), np.inner(x, 3.0), np.inner(V, V * x[0, 0])), (M,)),
    "outer": (lambda x: (np.outer(x, V), np.outer(V, x[0])), (M,)),
    "tensordot": (
        lambda x: (
            np.tensordot(x, S[:, :, 0], 2),
            np.tensordot(x, S, 1 * [0] and 0),
            np.tensordot(x, S, axes=([1], [1])),
            np.tensordot(x, S, axes=([0, 1], [0, 1])),
            np.tensordot(S, x, axes=(0, 0)),
        ),
        (M,),
    ),
    "einsum": (
        lambda x, y: (
            np.einsum("ij,kj->ik", x, x),
            np.einsum("ij->", x),
            np.einsum("ij->ji", x),
            np.einsum("ij,ijk->k", x, y),
            np.einsum("ijk,ij->ijk", y, x),
            np.einsum("ij,j", x, V),
            np.einsum("ij,kjl,l->ik", x, y, V[[0, 1, 2, 3, 0]]),
            np.einsum("ii->i", x[:, :3]),
            np.einsum("ii", x[:, 1:]),
            np.einsum("...i,i->...", y, y[0, 0]),
            np.einsum("i...,i...->...", y, y),
            np.einsum("i,j->ij", V, x[0]),
            np.einsum("ij, ij -> i", x, x, optimize=True),
        ),
        (M, S),
    ),
    # Places
    "take": (lambda x: (np.take(x, [0, 5, -1]), x.take([1, 1], axis=1), np.take(x, 2, axis=0)), (M,)),
    "take_along_axis": (
        lambda x: (
            np.take_along_axis(x, np.argmax(x, axis=1, keepdims=True), axis=1),
            np.take_along_axis(x, numpy.array([[0, -1, 2, 1]]), axis=0),
        ),
        (M,),
    ),
    "shape": (lambda x: np.ones_like(x) * (np.shape(x)[0] + np.ndim(x) + np.size(x) + x.size), (M,)),
    "getitem": (lambda x: x[:, [0, 2]], (M,)),
}
COVERED_ELSEWHERE = """amax amin around add subtract multiply divide power negative exp log sqrt sin cos tanh absolute
sign maximum minimum greater greater_equal equal ndim size astype"""
"""Covered by tests/circuit/test_operations.py, and by the cases "max", "min", "round" and "shape"."""


def name_of(function: Any) -> str:
    module = (getattr(function, "__module__", None) or "numpy").removeprefix("numpy").lstrip(".")
    return f"{module}.{function.__name__}" if module else str(function.__name__)


def flat(tree: Any) -> list[Any]:
    return [leaf for part in tree for leaf in flat(part)] if isinstance(tree, tuple | list) else [tree]


def test_every_name_is_covered() -> None:
    names = {name_of(function) for function in NUMPY_NAMES if not isinstance(function, str)} | {"getitem"}
    assert names == {*CASES, *COVERED_ELSEWHERE.split()}


@pytest.mark.parametrize("dtype", ["f8", "f4", "i8"])
@pytest.mark.parametrize("name", CASES)
def test_values_shapes_and_dtypes_are_numpys(name: str, dtype: str) -> None:
    f, arrays = CASES[name]
    arguments = [(3 * a if dtype == "i8" else a).astype(dtype) for a in arrays]
    with numpy.errstate(all="ignore"):
        try:
            expected = flat(f(*arguments))
        except (TypeError, ValueError):
            assert dtype == "i8"  # of whole numbers NumPy has no such function
            return
        found = flat(trace(f, [Spec(a.shape, a.dtype) for a in arguments])(*arguments))
    assert len(found) == len(expected)
    for z, wanted in zip(found, map(numpy.asarray, expected), strict=True):
        assert z.shape == wanted.shape
        assert z.dtype == wanted.dtype
        numpy.testing.assert_allclose(
            z, wanted, rtol=3e-5 if "f4" in (dtype, z.dtype.str[1:]) else 1e-12, atol=1e-6 if dtype == "f4" else 1e-13
        )


@pytest.mark.parametrize("name", CASES)
def test_gradient_is_the_slope(name: str) -> None:
    f, arrays = CASES[name]
    check_gradient(lambda *a: [z for z in flat(f(*a)) if z.dtype.kind == "f"] or [a[0]], *(a + 0.013 for a in arrays))


# Free lengths --------------------------------------------------------------------------------------------------------

FREE: list[Function] = [
    lambda x: x.min(axis=0),
    lambda x: np.var(x, axis=1),
    lambda x: np.cumsum(x, axis=1),
    lambda x: np.linalg.norm(x, axis=0),
    lambda x: np.swapaxes(x, 0, 1),
    lambda x: np.expand_dims(x, 1).squeeze(1),
    lambda x: np.zeros_like(x) + np.full_like(x, 2.0),
    lambda x: np.hstack([x, x]),
    lambda x: np.einsum("ni,nj->ij", x, x),
    lambda x: np.einsum("ni,mi->nm", x, x),
    lambda x: np.einsum("ni,nj->nij", x, x),
    lambda x: np.dot(x, S),
    lambda x: np.outer(x[:, 0], V),
    lambda x: np.tensordot(x, x, axes=(0, 0)),
    lambda x: x[:, [0, 2]],
    lambda x: x[:, V > 0],
    lambda x: np.argmax(x, axis=1),
    lambda x: (
        np.take_along_axis(x.T, np.array([[0], [1], [1], [0]]), axis=1) if isinstance(x, numpy.ndarray) else x[:0].T
    ),
    lambda x: x % 1.0 + x // 1.0,
]
FREE.pop(-2)


@pytest.mark.parametrize("f", FREE, ids=range(len(FREE)))
def test_lengths_may_be_free(f: Function) -> None:
    circuit = trace(f, [("n", 4)])
    for rows in (3, 2):
        numpy.testing.assert_allclose(circuit(M[:rows]), f(M[:rows]), rtol=1e-12, atol=1e-14)


# Indexing ------------------------------------------------------------------------------------------------------------

AT, J = numpy.array([2, 0, -1]), numpy.array([[0], [-2]])
INDEXES: list[Any] = [
    (slice(None), [0, 2]),
    (AT, AT),
    (AT, J),
    (slice(None), AT, J),
    (AT, slice(None), AT),
    (0, slice(None), AT),
    (AT, 1),
    (slice(1, None), AT, 0),
    (..., AT),
    (AT, ..., J),
    (None, AT),
    (AT, None, AT),
    (slice(None), None, AT, J),
    (1, AT),
    ([0], [1], [2]),
    (slice(None, None, -1), AT),
    S[0, :, 0] > 0,
    (slice(None), S[0, :, 0] > 0),
    S > 0.5,
    (S[:, :, 0] > 0, 2),
    [],
    (..., [1, 0], None),
    (2, J),
    numpy.array(1),
    (slice(None), numpy.array(1)),
    [True, False, True],
]


@pytest.mark.parametrize("index", INDEXES, ids=range(len(INDEXES)))
def test_indexing_is_numpys(index: Any) -> None:

    is_mask = isinstance(index, numpy.ndarray) and index.dtype == bool and index.ndim == 1
    x = S.transpose(1, 0, 2) if is_mask else S
    circuit = trace(lambda x: x[index], [x.shape])
    numpy.testing.assert_array_equal(circuit(x), x[index])
    check_gradient(lambda x: x[index] * 2.0, x)


@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1), (0, 2), (2, 1)])
def test_places_may_be_traced(axes: tuple[int, ...]) -> None:
    places = [AT if axis == 0 else AT[:, None] if len(axes) > 1 else AT for axis in axes]

    def f(x: Any, *places: Any) -> Any:
        index: list[Any] = [slice(None)] * 3
        for axis, place in zip(axes, places, strict=True):
            index[axis] = place
        return x[tuple(index)]

    circuit = trace(f, [S, *places])
    numpy.testing.assert_array_equal(circuit(S, *places), f(S, *places))
    for k in range(len(axes)):
        for outside in (S.shape[axes[k]], -S.shape[axes[k]] - 1):
            wrong = [numpy.full_like(place, outside) if i == k else place for i, place in enumerate(places)]
            with pytest.raises(IndexError):
                circuit(S, *wrong)


def test_a_traced_number_is_an_index() -> None:
    circuit = trace(lambda x: x[:, x[0, :].argmax()], [(3, 4)])
    numpy.testing.assert_array_equal(circuit(M), M[:, M[0].argmax()])


# Promotion (NumPy 2, NEP 50) -----------------------------------------------------------------------------------------

DTYPES = ["?", "i4", "i8", "u4", "f4", "f8"]
BESIDE: dict[str, Any] = {
    "True": True,
    "2": 2,
    "2.5": 2.5,
    "float32": np.float32(2.5),
    "float64": np.float64(2.5),
    "int64": np.int64(2),
    "int32": np.int32(2),
    "0-d": np.array(2.5),
    "f4 array": np.ones(3, "f4"),
    "f8 array": np.ones(3),
    "i4 array": np.ones(3, "i4"),
    "bool array": np.ones(3, bool),
}
BINARY: dict[str, Function] = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": lambda x, y: x / y,
    "**": lambda x, y: x**y,
    "%": lambda x, y: x % y,
    "//": lambda x, y: x // y,
    ">": lambda x, y: x > y,
    "maximum": np.maximum,
    "logaddexp": np.logaddexp,
    "fmod": np.fmod,
    "where": lambda x, y: np.where(x > 0, x, y),
    "clip": lambda x, y: np.clip(x, y, None),
    "and": np.logical_and,
    "concatenate": lambda x, y: np.concatenate([x, np.atleast_1d(y)]),
}


@pytest.mark.parametrize("beside", BESIDE)
@pytest.mark.parametrize("name", BINARY)
def test_promotion_is_numpys(name: str, beside: str) -> None:
    f, y = BINARY[name], BESIDE[beside]
    for dtype in DTYPES:
        x = numpy.array([1, 0, 1], dtype)
        for pair in (lambda x: f(x, y), lambda x: f(np.atleast_1d(y), x) if name == "concatenate" else f(y, x)):
            if (name, beside, dtype) == ("**", "2", "?"):
                continue  # NumPy squares truth values in int8, and raises them to 3 in int64
            with numpy.errstate(all="ignore"):
                try:
                    expected = pair(x)
                except (TypeError, ValueError, IndexError):
                    continue  # not among NumPy's loops: a difference of truth values, for one
                found = trace(pair, [Spec(x.shape, x.dtype)])(x)
            assert found.dtype == expected.dtype, (dtype, found.dtype, expected.dtype)
            numpy.testing.assert_allclose(found, expected, rtol=1e-6)


def test_two_traced_arrays_meet_as_numpys_do() -> None:
    for left in DTYPES:
        for right in DTYPES:
            x, y = numpy.array([3, 0, 1], left), numpy.array([1, 2, 1], right)
            for name, f in BINARY.items():
                with numpy.errstate(all="ignore"):
                    try:
                        expected = f(x, y)
                    except (TypeError, ValueError):
                        continue
                    found = trace(f, [Spec(x.shape, x.dtype), Spec(y.shape, y.dtype)])(x, y)
                assert found.dtype == expected.dtype, (name, left, right)
                numpy.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("f", [lambda x, m: np.dot(x, m), lambda x, m: np.stack([x, m]), lambda x, m: x[m > 0]])
def test_a_masked_array_is_refused(f: Function) -> None:
    masked = numpy.ma.masked_less(V, 0.5)
    with pytest.raises(TraceError, match="masked array"):
        trace(lambda x: f(x, masked), [V])


def total(x: Any) -> Any:
    return (x * x).sum()


def test_tracing_does_not_import_masked_arrays() -> None:
    """NumPy imports them when they are first named, which takes a command as long as twenty of our modules."""
    program = "import sys, numpy; before = {*sys.modules}; from backpass.circuit import trace"
    trace_one = "trace(lambda x: x + 1.0, [numpy.ones(3)]); sys.exit('numpy.ma' in {*sys.modules} - before)"
    subprocess.run([sys.executable, "-c", f"{program}; {trace_one}"], check=True)


@pytest.mark.parametrize("masked", [numpy.ma.masked_less(V, 0.5), numpy.ma.masked_array(V)], ids=["some", "none"])
@pytest.mark.parametrize(
    "call",
    [
        lambda m: trace(total, [m]),
        lambda m: trace(total, [V])(m),
        lambda m: trace(total, [V]).evaluate([m]),
        lambda m: default_engine().run(trace(total, [V]), m),
        lambda m: grad(total)(m),
        lambda m: grad(lambda p: total(p["w"]))({"w": m}),
        lambda m: value_and_grad(total)(m),
        lambda m: grad(lambda x: np.where(m > 0.5, x, 0.0).sum())(V),
        lambda m: check_gradient(total, m),
        lambda m: check_gradient(lambda x: (x * m).sum(), V),
        lambda m: trace(lambda x: m, [V]),
        lambda m: o.exp(m),
    ],
    ids=[
        "trace",
        "call",
        "evaluate",
        "engine",
        "grad",
        "dict",
        "value_and_grad",
        "mask",
        "check",
        "constant",
        "result",
        "operation",
    ],
)
def test_a_masked_array_is_refused_wherever_it_comes_in(call: Callable[[Any], Any], masked: Any) -> None:
    """Whether any entry is masked, or none: a circuit may run on other arrays later."""
    with pytest.raises(TraceError, match=r"is a masked array; arrays of a circuit have no masks") as caught:
        call(masked)
    assert ".compressed()" in str(caught.value.hint)


def test_a_number_that_does_not_fit_is_refused() -> None:
    with pytest.raises(TraceError, match="300 does not fit into int8, the dtype of the other operand"):
        trace(lambda x: x + 300, [Spec((3,), numpy.dtype("i1"))])


# Division ------------------------------------------------------------------------------------------------------------

SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 7.0, 1e300, -1e300, 5e-324, numpy.inf, -numpy.inf, numpy.nan, 2.0**53 + 2]


@pytest.mark.parametrize("name", ["remainder", "floor_divide", "fmod"])
def test_division_of_real_numbers_at_the_ends(name: str) -> None:
    f = getattr(numpy, name)
    x, y = (grid.ravel() for grid in numpy.meshgrid(SPECIAL, SPECIAL))
    with numpy.errstate(all="ignore"):
        numpy.testing.assert_array_equal(trace(f, [x, y])(x, y), f(x, y))


@pytest.mark.parametrize("name", ["remainder", "floor_divide"])
@pytest.mark.parametrize("dtype", ["i1", "i4", "i8", "u4"])
def test_division_of_whole_numbers_at_the_ends(name: str, dtype: str) -> None:
    f, info = getattr(numpy, name), numpy.iinfo(dtype)
    numbers = numpy.array([0, 1, 2, 3, 7, info.max, info.max - 1, info.min, info.max // 3, info.min + 1], dtype)
    if info.min < 0:
        numbers = numpy.concatenate([numbers, -numbers[1:7]])
    x, y = (grid.ravel() for grid in numpy.meshgrid(numbers, numbers))
    is_defined = ~((x == info.min) & (y == numpy.array(-1).astype(dtype)) & (info.min < 0))
    x, y = x[is_defined], y[is_defined]
    with numpy.errstate(all="ignore"):
        numpy.testing.assert_array_equal(trace(f, [x, y])(x, y), f(x, y))


def test_rounding_at_the_ends() -> None:
    x = numpy.array(
        [*SPECIAL, 0.49999999999999994, -0.49999999999999994, 1.5, -1.5, 2.5, 4503599627370497.5, 2.0**52 - 0.5]
    )
    for f in (numpy.floor, numpy.ceil, numpy.trunc, numpy.rint, numpy.round):
        numpy.testing.assert_array_equal(trace(f, [x])(x), f(x))


def test_nan_decides_extremes_and_only_later_sums() -> None:
    x = numpy.array([1.0, numpy.nan, 3.0, -numpy.inf])
    for f in (numpy.min, numpy.max, numpy.argmin, numpy.argmax, numpy.cumsum, numpy.cumprod):
        numpy.testing.assert_array_equal(trace(f, [x])(x), f(x))


def test_functions_compose_eagerly_too() -> None:
    numpy.testing.assert_array_equal(o.expm1(numpy.array([0.0, -50.0])), [0.0, -1.0])
    numpy.testing.assert_allclose(o.einsum("ij,j->i", M, V), M @ V)

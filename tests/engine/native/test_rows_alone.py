"""A row gives the same bits alone, among others and in any split: in circuits made at random, and in awkward ones."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backpass.circuit import Circuit, Spec, grad, trace
from backpass.circuit import operations as ops
from backpass.engine import NumpyEngine
from backpass.engine.native._core import instruction_sets
from backpass.engine.native.native_engine import NativeEngine
from backpass.engine.plan import Unplannable, plan_circuit
from backpass.engine.plan.symbolic import SymbolicLengths

SINGLE = numpy.dtype(numpy.float32)
ROWS, WIDTH = 6, 5
FIXED = ((WIDTH,), (1, WIDTH), (WIDTH, 40), (1,))
"""Shapes of the inputs that every row meets."""
RANDOM_CIRCUITS = 300 if os.environ.get("BACKPASS_SLOW_TESTS") else 60


def of_rows(function: Callable[..., Any]) -> Circuit:
    """A circuit of x (n, 5), y (n, 5) and the fixed inputs."""
    specs = [Spec(("n", WIDTH), SINGLE), Spec(("n", WIDTH), SINGLE), *(Spec(shape, SINGLE) for shape in FIXED)]
    return trace(function, specs)


def assert_rows_are_by_themselves(circuit: Circuit) -> None:
    for count in (ROWS, WIDTH):  # as many as there are columns, too
        _assert_rows_are_by_themselves(circuit, count)


def _assert_rows_are_by_themselves(circuit: Circuit, count: int) -> None:
    random = numpy.random.default_rng(2)
    rows = [random.uniform(-1, 1, (count, WIDTH)).astype(SINGLE) for _ in range(2)]
    fixed = [random.uniform(-1, 1, shape).astype(SINGLE) for shape in FIXED]
    engine = NativeEngine()
    together = engine.run(circuit, *rows, *fixed)
    for z, wanted in zip(together, NumpyEngine().run(circuit, *rows, *fixed), strict=True):
        numpy.testing.assert_allclose(z, wanted, rtol=1e-3, atol=1e-3)
    for first, last in [(i, i + 1) for i in range(count)] + [(0, 2), (2, count)]:
        part = engine.run(circuit, *[a[first:last] for a in rows], *fixed)
        for z, whole in zip(part, together, strict=True):
            assert z.tobytes() == whole[first:last].tobytes()


FORMS: dict[str, Callable[..., Any]] = {
    "a sum over networks": lambda x, y, *_: sum_of([(x * (i + 0.3))[:, :1] for i in range(50)], axis=0),
    "a maximum over networks": lambda x, y, *_: join([x * (i + 0.3) for i in range(50)]).max(axis=0),
    "a sum on both sides of the rows": lambda x, y, *_: sum_of([x * (i + 0.3) for i in range(9)], axis=(0, 2)),
    "a product of what all rows share": lambda x, y, v, w, *_: v * w.reshape(WIDTH) + x,
    "a product of what all rows share, as a row": lambda x, y, v, w, *_: w * v + x,
    "a transposed product": lambda x, y, *_: ((x * y).T + join([x, y])[0].T).T,
    "a matrix that lies on its side": lambda x, y, v, w, W, u: (numpy.exp(x.T)).T @ W[:, :3],
    "equal where there is one row": lambda x, y, *_: (numpy.exp(x) * y + y, numpy.exp(x.T).T * y),
}


def join(parts: list[Any]) -> Any:
    """Arrays of one shape (n, k)  ->  (parts, n, k)"""
    return numpy.concatenate([part.reshape(1, *part.shape) for part in parts], axis=0)


def sum_of(parts: list[Any], axis: Any) -> Any:
    """The sum of ``join``ed arrays, as (n, k) or (n,)."""
    return join(parts).sum(axis=axis)


@pytest.mark.parametrize("name", FORMS)
def test_a_row_is_alone_among_others(name: str) -> None:
    assert_rows_are_by_themselves(of_rows(FORMS[name]))


_KINDS = ["unary", "binary", "shared", "join", "sum", "max", "logsumexp", "turn", "product", "slice"]


@st.composite
def recipes(draw: Any) -> list[tuple[str, int, int, int]]:
    return [
        (draw(st.sampled_from(_KINDS)), draw(st.integers(0, i + 1)), draw(st.integers(0, i + 1)),
         draw(st.integers(0, 99)))
        for i in range(draw(st.integers(1, 12)))
    ]  # fmt: skip


def build(recipe: list[tuple[str, int, int, int]], x: Any, y: Any, *fixed: Any) -> list[Any]:
    """Everything the recipe makes, rows first. Each step keeps the rows by themselves, on whatever axis they are."""
    values = [x, y]
    for kind, i, j, choice in recipe:
        z, other = values[i], values[j]
        rows, ndim = z.shape.index("n"), z.ndim
        others = [axis for axis in range(ndim) if axis != rows]
        if kind == "unary":
            z = (ops.tanh, ops.relu, ops.negative)[choice % 3](z)
        elif kind == "binary" and other.shape == z.shape:
            z = z * other + 0.5 if choice % 2 else z + other
        elif kind == "shared" and z.shape[-1] == WIDTH:
            v, w = fixed[0], fixed[1]
            z = (v * w.reshape(WIDTH) + z, w * v + z, z * v + w)[choice % 3]
        elif kind == "join" and ndim < 4:
            z = join([z * (k + 0.3) for k in range(1 + choice % 40)])
        elif kind in ("sum", "max", "logsumexp") and others:
            axes = (others[0], others[-1], tuple(others))[choice % 3]
            operation = {"sum": ops.sum, "max": ops.max, "logsumexp": ops.logsumexp}[kind]
            z = operation(z, axis=axes, keepdims=bool(choice % 2))
        elif kind == "turn":
            turned = numpy.roll(numpy.arange(ndim), choice % 4)
            z = numpy.transpose(z, tuple(int(axis) for axis in turned))
        elif kind == "product" and ndim == 2:
            z = numpy.transpose(z, (rows, 1 - rows))
            z = z @ fixed[2][:, : 1 + choice % 40] if z.shape[1] == WIDTH else z
        elif kind == "slice" and others:
            z = z[tuple(slice(None) if axis == rows else slice(choice % 2, None) for axis in range(ndim))]
            z = z if all(z.shape) else values[i]
        values.append(z)
    return [numpy.transpose(z, (z.shape.index("n"), *(a for a in range(z.ndim) if z.shape[a] != "n"))) for z in values]


@given(recipes())
@settings(max_examples=RANDOM_CIRCUITS, deadline=None)
def test_rows_of_random_circuits_are_by_themselves(recipe: list[tuple[str, int, int, int]]) -> None:
    assert_rows_are_by_themselves(of_rows(lambda *arrays: build(recipe, *arrays)))


@pytest.mark.parametrize("k", [*range(1, 15), 40])
@pytest.mark.parametrize("m", [9, 16, 40, 100, 300])
def test_products_have_the_same_bits_however_they_are_made(k: int, m: int, isa: str) -> None:
    """Few steps of k, a single row and tiles each have a kernel of their own, and epilogues in each."""

    def forward(x: Any, W: Any, V: Any) -> Any:
        z = x @ W + V[:, 0]
        return z, ops.relu(z), ops.relu(x @ W), grad(lambda a: (ops.relu(a @ W) @ V).sum())(x)

    circuit = trace(forward, [Spec(("n", k), SINGLE), Spec((k, m), SINGLE), Spec((m, 9), SINGLE)])
    random = numpy.random.default_rng(k)
    x, *fixed = (random.uniform(-1, 1, shape).astype(SINGLE) for shape in ((ROWS, k), (k, m), (m, 9)))
    engine = NativeEngine(isa=isa, threads=1)
    together = engine.run(circuit, x, *fixed)
    for z, wanted in zip(together, NumpyEngine().run(circuit, x, *fixed), strict=True):
        numpy.testing.assert_allclose(z, wanted, rtol=1e-4, atol=1e-4)
    padded = numpy.concatenate([x, x[:, ::-1], x])  # as many rows as make tiles of every height
    for z, others in zip(together, engine.run(circuit, padded, *fixed), strict=True):
        assert z.tobytes() == others[:ROWS].tobytes()
    for i in range(ROWS):
        for z, alone in zip(together, engine.run(circuit, x[i : i + 1], *fixed), strict=True):
            assert z[i].tobytes() == alone[0].tobytes()
    for other in instruction_sets():
        for z, found in zip(together, NativeEngine(isa=other).run(circuit, x, *fixed), strict=True):
            assert z.tobytes() == found.tobytes()


@pytest.mark.parametrize("names", [("n",) * 5, ("n", "m", "n", "m", "n")], ids=str)
def test_one_free_length_may_be_that_of_many_axes(names: tuple[str, ...]) -> None:
    """Then strides are high powers of it, which must not be taken for those of another."""
    specs = [Spec(names, SINGLE), Spec(("m",), SINGLE)]
    circuit = trace(lambda x, y: (numpy.transpose(x, (4, 1, 2, 3, 0)) * 2.0 + y.sum(), y * 2.0), specs)
    lengths = {"n": 3, "m": 5}
    x, y = (numpy.random.default_rng(0).random(shape).astype(SINGLE) for shape in ([lengths[n] for n in names], 5))
    for z, wanted in zip(NativeEngine().run(circuit, x, y), NumpyEngine().run(circuit, x, y), strict=True):
        numpy.testing.assert_allclose(z, wanted, rtol=1e-6)


@pytest.mark.parametrize("step", [5, 1 << 48, 1 << 50, 1 << 60])
def test_a_step_longer_than_its_axis_is_like_any_other(step: int) -> None:
    circuit = trace(lambda x: grad(lambda a: (a[:, ::step] * a[:, ::-step]).sum())(x), [Spec(("n", 5), SINGLE)])
    for rows in (1, 2, 7):
        x = numpy.random.default_rng(rows).random((rows, 5)).astype(SINGLE)
        z = NativeEngine().run(circuit, x)[0]
        numpy.testing.assert_array_equal(z, x[:, [4, 3, 2, 1, 0]] * numpy.array([1, 0, 0, 0, 1], SINGLE))


def test_arrays_beyond_all_memory_are_not_planned() -> None:
    circuit = trace(lambda x: (x[:, None] * numpy.ones(1, SINGLE)).sum(), [Spec(("n",), SINGLE)])
    assert plan_circuit(circuit, {"n": 2}).instructions
    wide = trace(
        lambda x: ops.broadcast_to(x.reshape(1, 1, "n"), shape=(1 << 23, 1 << 23, "n")) * 2.0, [Spec(("n",), SINGLE)]
    )
    with pytest.raises(Unplannable):
        plan_circuit(wide, {"n": 2})


def test_unknowns_are_put_in_whatever_they_were_part_of() -> None:
    lengths = {"n": 3, "m": 0, "k": 7}
    n, m, k = SymbolicLengths(lengths).lengths.values()

    def polynomial(n: int, m: int, k: int) -> int:
        return 5 - 2 * n * k + 7 * n * n + 4 * m - 123_456_789 * n * m * k

    assert SymbolicLengths(lengths).value(polynomial(n, m, k)) == polynomial(**lengths)


@pytest.mark.parametrize("k", [1, 3, 4, 5, 8, 9, 15, 16, 17, 24, 31, 32, 33, 40])
def test_a_row_of_few_outputs_is_alone_among_others(k: int, isa: str) -> None:
    """Short rows are multiplied a vector of rows at a time, and what is left one by one."""
    random = numpy.random.default_rng(k)
    shapes = ((37, k), (k, 3), (3,))
    x, W, b = (random.normal(size=shape).astype(SINGLE) for shape in shapes)
    x[:, 0], W[0, 1] = -0.0, 1e-30
    # Sums that are zeros of either sign, and products that round to -0.
    x[1], x[2], x[3], W[:, 2], b[2] = 0.0, -0.0, -1e-30, 1e-30, -0.0
    circuit = trace(ops.affine, [Spec(("n", k), SINGLE), *(Spec(shape, SINGLE) for shape in shapes[1:])])
    engine = NativeEngine(isa=isa, threads=1)
    together = engine.run(circuit, x, W, b)[0]
    alone = [engine.run(circuit, x[i : i + 1], W, b)[0] for i in range(len(x))]
    assert together.tobytes() == numpy.concatenate(alone).tobytes()
    assert together.tobytes() == NativeEngine(threads=1).run(circuit, x, W, b)[0].tobytes()
    numpy.testing.assert_allclose(together, x.astype(float) @ W + b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(3, 700, 16), (2, 40, 5), (1, 5, 1300), (4, 3, 513)])
def test_what_several_rows_read_may_be_one_row(shape: tuple[int, int, int]) -> None:
    """Chunks that read the same numbers share a copy of them; with an array of all rows, each reads its own."""
    random = numpy.random.default_rng(0)
    stack, rows, columns = shape
    shapes = ((stack, rows, 1), (stack, 1, columns), (1, 1, columns), (1, rows, columns))
    arrays = [random.normal(size=each).astype(SINGLE) for each in shapes]

    def bits(given: list[Any]) -> bytes:
        circuit = trace(lambda a, b, c, d: ops.cos(a * b + c) * d - b, [Spec(each.shape, SINGLE) for each in given])
        return NativeEngine(threads=1).run(circuit, *given)[0].tobytes()

    whole = [numpy.ascontiguousarray(numpy.broadcast_to(each, shape)) for each in arrays]
    assert bits(arrays) == bits(whole)

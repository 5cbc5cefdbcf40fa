"""Which circuits may be run some rows at a time, and that they give the same bits so."""

from __future__ import annotations

import signal
from typing import Any

import numpy
import pytest

from backpass.circuit import Spec, grad, trace
from backpass.circuit import operations as ops
from backpass.engine import NumpyEngine
from backpass.engine.native import cache
from backpass.engine.native.native_engine import NativeEngine
from backpass.engine.plan.rows import free_rows
from backpass.network import Dense, Network, Periodic, dense_network
from backpass.network.feature_map import FeatureMap

SINGLE = numpy.dtype(numpy.float32)
WAVES = Network(3, (Periodic(3, 4, 2), Dense(5, "mish"), Dense(1)))


def slopes_of(theta: Any, x: Any) -> Any:
    """d(the sum of the outputs)/dx: of each row by itself."""
    return grad(lambda x: WAVES(theta, x).sum())(x)


BY_ROW = {
    "forward": dense_network(3, (4,), 2, activation="mish").forward(),
    "features": dense_network(3, (4,), 2).forward(features=True),
    "softmax": trace(lambda x: ops.softmax(x, axis=1), [("n", 3)]),
    "table": trace(lambda t, i: ops.take(t, i, axis=0), [(5, 3), Spec(("n",), numpy.dtype(int))]),
    "columns": trace(lambda x: numpy.concatenate([x[:, :1], ops.take(x, numpy.array([2, 0]), axis=1)], 1), [("n", 3)]),
    "waves": WAVES.forward(),
    "slopes": trace(slopes_of, [Spec((WAVES.parameter_count,), SINGLE), Spec(("n", 3), SINGLE)]),
    "along the rows, transposed": trace(lambda x, y: ((x + y.T) * 2.0).T, [("n",), ("n", 1)]),
    "there and back": trace(lambda x: (2.0 * x.T).T, [("n", 3)]),
    "feature map": FeatureMap(numpy.zeros(2), numpy.ones(2), (True, False), (3,), (True,), ("one_hot",)).circuit(),
}
NOT_BY_ROW = {
    "sum": trace(lambda x: x.sum(axis=0), [("n", 3)]),
    "share": trace(lambda x: x / x.sum(), [("n", 3)]),
    "transposed": trace(lambda x: x.T, [("n", 3)]),
    "reshaped when transposed": trace(lambda x: x.T.reshape(x.shape), [("n", 3)]),
    "all pairs": trace(lambda x, y: (x + y).sum(axis=1), [("n",), ("n", 1)]),
    "columns of the second factor": trace(lambda x: (numpy.ones((2, 3)) @ x.T).T, [("n", 3)]),
    "gram": trace(lambda x: x @ x.T, [("n", 3)]),
    "all rows by number": trace(lambda x, i: ops.take(x, i, axis=0), [("n", 3), Spec(("n",), numpy.dtype(int))]),
    "random": trace(lambda k, s, x: ops.to_unit(ops.random_bits(k, s, purpose=1, shape=("n",)), dtype=SINGLE) + x,
                    [Spec((2,), numpy.dtype("u4")), Spec((), numpy.dtype("u4")), Spec(("n",), SINGLE)]),
    "along the rows": trace(lambda x, y: x + y, [("n",), (3, 1)]),
    "fixed": trace(lambda x: x + 1.0, [(4, 3)]),
    "with a constant": trace(lambda x: (x + 1.0, ops.exp(2.0 * numpy.ones(3) + x[:, :1].sum())), [("n", 3)]),
}  # fmt: skip


@pytest.mark.parametrize("name", BY_ROW)
def test_rows_by_themselves(name: str) -> None:
    assert free_rows(BY_ROW[name]) == "n"


@pytest.mark.parametrize("name", NOT_BY_ROW)
def test_rows_together(name: str) -> None:
    assert free_rows(NOT_BY_ROW[name]) is None


@pytest.mark.parametrize("threads", [None, 1, 3])
@pytest.mark.parametrize("rows", [512, 513, 700, 1025, 3000])
@pytest.mark.parametrize("name", ["forward", "softmax", "waves", "slopes", "there and back"])
def test_blocks_of_rows_give_the_same_bits(name: str, rows: int, threads: int | None, monkeypatch: Any) -> None:
    circuit: Any = BY_ROW[name]
    random = numpy.random.default_rng(0)
    arguments = [
        random.uniform(-1, 1, [rows if d == "n" else d for d in spec.shape]).astype(spec.dtype)
        for spec in circuit.inputs
    ]
    by_blocks = NativeEngine(threads=threads).run(circuit, *arguments)[0]
    monkeypatch.setattr(cache, "ROWS_AT_ONCE", 10**9)
    cache.execution_of.cache_clear()
    at_once = NativeEngine().run(circuit, *arguments)[0]
    assert by_blocks.tobytes() == at_once.tobytes() or circuit.inputs[0].dtype == numpy.float64
    numpy.testing.assert_allclose(by_blocks, NumpyEngine().run(circuit, *arguments)[0], rtol=1e-4, atol=1e-5)


def test_all_numbers_of_rows_share_one_plan(monkeypatch: Any) -> None:
    """The last block overlaps the one before it, because a plan takes as long as the predictions of many rows."""
    network = dense_network(3, (5,), 1)
    theta = numpy.linspace(-1.0, 1.0, network.parameter_count, dtype=SINGLE)
    x = numpy.random.default_rng(0).normal(size=(3000, 3)).astype(SINGLE)
    engine = NativeEngine(threads=1)
    whole = engine.run(network.forward(), theta, x)[0]

    def refuse(*_: Any) -> None:
        raise AssertionError("another plan was made")

    monkeypatch.setattr(cache, "_compile", refuse)
    for rows in (2999, 1025, 2 * cache.ROWS_AT_ONCE + 1):
        assert engine.run(network.forward(), theta, x[:rows])[0].tobytes() == whole[:rows].tobytes()


@pytest.mark.parametrize("hidden", [(4,), (12,), (64, 64), (256, 256)])
def test_no_rows_give_no_rows(hidden: tuple[int, ...]) -> None:
    network = dense_network(9, hidden, 1)
    theta = numpy.zeros(network.parameter_count, SINGLE)
    for engine in (NativeEngine(threads=1), NativeEngine(threads=2)):
        assert engine.run(network.forward(), theta, numpy.zeros((0, 9), SINGLE))[0].shape == (0, 1)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timer that interrupts")
@pytest.mark.parametrize(
    "joined",
    [
        lambda x: ops.concatenate([1.0 - x, 2.0 * x], axis=1),
        lambda x: ops.stack([ops.exp(x[:, 0]), x[:, 1]], axis=1),
        lambda x: ops.concatenate([ops.exp(x).T, x.T], axis=0),
        lambda x: ops.concatenate([ops.exp(x), 2.0 * x], axis=1).sum(axis=0),
    ],
    ids=["columns", "stacked", "transposed", "summed"],
)
@pytest.mark.parametrize("rows", [0, 1, 3])
def test_joined_arrays_may_have_no_rows(joined: Any, rows: int) -> None:
    x = numpy.random.default_rng(0).normal(size=(rows, 2))
    circuit = trace(joined, [Spec(("n", 2), x.dtype)])
    [found], [expected] = (engine.run(circuit, x) for engine in (NativeEngine(threads=1), NumpyEngine()))
    assert found.shape == expected.shape
    numpy.testing.assert_allclose(found, expected, rtol=1e-13)


@pytest.mark.parametrize("threads", [1, 2])
def test_many_rows_can_be_interrupted(threads: int) -> None:
    class Interruption(Exception):
        pass

    def interrupt(*_: Any) -> None:
        raise Interruption

    network = dense_network(8, (256, 256, 256), 1)
    theta, x = numpy.zeros(network.parameter_count, SINGLE), numpy.zeros((1_000_000, 8), SINGLE)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(Interruption):
            NativeEngine(threads=threads).run(network.forward(), theta, x)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_the_core_refuses_blocks_that_nobody_could_take() -> None:
    circuit = trace(lambda x: x * 2.0, [Spec(("n", 3), SINGLE)])
    block = cache.compile_circuit(("portable", 0, 0), circuit, (("n", 2),))
    assert block is not None
    x, z = numpy.ones((4, 3), SINGLE), numpy.zeros((4, 3), SINGLE)
    block.program.run_blocks([x, z], stride_bytes=[24, 24], blocks=2, threads=1)
    numpy.testing.assert_array_equal(z, 2 * x)
    for blocks, threads, strides, said in [
        (0, 1, [24, 24], "expected at least one block"),
        (2, 0, [24, 24], "threads out of range"),
        (2, 1024, [24, 24], "threads out of range"),
        (2, 1, [24], "expected one stride per array: 2"),
        (2, 1, [-24, 24], "a stride is negative"),
        (2, 1, [48, 24], "an array has the wrong size"),
    ]:
        with pytest.raises(ValueError, match=said):
            block.program.run_blocks([x, z], stride_bytes=strides, blocks=blocks, threads=threads)

"""Circuits whose first inputs are given for good: the same bits as ``run``, whatever comes in and whoever calls."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy
import pytest

from backpass.circuit import Spec, trace
from backpass.circuit import operations as ops
from backpass.engine import Engine, NumpyEngine
from backpass.engine.native.native_engine import NativeEngine
from backpass.errors import ShapeError
from backpass.network import dense_network

SINGLE = numpy.dtype(numpy.float32)
SIZES = (1, 2, 3, 40, 0, 700, 1, 3)


def network(hidden: tuple[int, ...], dtype: Any = SINGLE) -> tuple[Any, Any]:
    """A forward circuit and theta."""
    made = dense_network(8, hidden, 2)
    theta = numpy.random.default_rng(1).uniform(-0.5, 0.5, made.parameter_count)
    return made.forward(dtype), theta.astype(dtype)


def rows(count: int, dtype: Any = SINGLE) -> Any:
    return numpy.random.default_rng(count).uniform(-1, 1, (count, 8)).astype(dtype)


def misaligned(x: Any) -> Any:
    return numpy.frombuffer(b"." + x.tobytes(), x.dtype, offset=1).reshape(x.shape)


@pytest.mark.parametrize("engine", [NativeEngine(threads=1), NativeEngine(threads=2), NativeEngine(), NumpyEngine()])
@pytest.mark.parametrize("hidden", [(64, 64), (256, 256, 256)])
def test_it_gives_what_running_gives(hidden: tuple[int, ...], engine: Engine) -> None:
    circuit, theta = network(hidden)
    predict = engine.partial(circuit, theta)
    for count in SIZES:
        found, wanted = predict(rows(count)), engine.run(circuit, theta, rows(count))
        assert [z.tobytes() for z in found] == [z.tobytes() for z in wanted]
        assert [z.shape for z in found] == [(count, 2)]


@pytest.mark.parametrize("change", [lambda x: x[::2], lambda x: x.astype(float), lambda x: x.tolist(), lambda x: x.T.T,
                                    numpy.asfortranarray, lambda x: numpy.repeat(x, 2, 1)[:, ::2],
                                    misaligned])  # fmt: skip
def test_arrays_of_any_sort_are_converted(change: Any) -> None:
    circuit, theta = network((16,))
    predict = NativeEngine().partial(circuit, theta)
    for x in (rows(6), change(rows(6)), rows(6)):
        assert predict(x)[0].tobytes() == NativeEngine().run(circuit, theta, numpy.array(x, SINGLE))[0].tobytes()


def test_other_dtypes_are_bound_as_well() -> None:
    table = trace(lambda t, i: ops.take(t, i, axis=0), [(5, 3), Spec(("n",), numpy.dtype(numpy.int64))])
    predict = NativeEngine().partial(table, numpy.arange(15.0).reshape(5, 3))
    for _ in range(3):
        numpy.testing.assert_array_equal(predict(numpy.array([4, 0]))[0], [[12, 13, 14], [0, 1, 2]])
        with pytest.raises(IndexError):
            predict(numpy.array([0, 5]))
    circuit, theta = network((16,), numpy.float64)
    double = NativeEngine().partial(circuit, theta)
    assert double(rows(3))[0].tobytes() == double(rows(3).astype(float))[0].tobytes()


def test_what_is_given_stays_as_it_was() -> None:
    circuit, theta = network((16,))
    predict = NativeEngine().partial(circuit, theta)
    before = predict(rows(1))[0]
    theta[:] = 0
    assert predict(rows(1))[0].tobytes() == before.tobytes()


def test_a_misfit_names_the_input() -> None:
    circuit, theta = network((16,))
    predict = NativeEngine().partial(circuit, theta)
    predict(rows(1))
    with pytest.raises(ShapeError, match=r"input 'x' expected shape \[1, 8\]; got \[1, 7\]"):
        predict(rows(1)[:, :7])
    with pytest.raises(ValueError, match="zip"):
        predict(rows(1), rows(1))


def test_without_memory_for_an_output_it_says_so(monkeypatch: Any) -> None:
    def empty(*_: Any) -> Any:
        raise MemoryError("no room")

    circuit, theta = network((16,))
    predict, x = NativeEngine().partial(circuit, theta), rows(1)
    monkeypatch.setattr(numpy, "empty", empty)
    with pytest.raises(MemoryError, match="no room"):
        predict(x)


@pytest.mark.parametrize("hidden", [(64, 64), (256, 256, 256)])
def test_threads_may_call_it_at_the_same_time(hidden: tuple[int, ...]) -> None:
    circuit, theta = network(hidden)
    predict = NativeEngine().partial(circuit, theta)
    wanted = {count: predict(rows(count))[0].tobytes() for count in set(SIZES)}

    def work(thread: int) -> bool:
        order = SIZES[thread % 3 :] + SIZES[: thread % 3]
        return all(predict(rows(count))[0].tobytes() == wanted[count] for _ in range(20) for count in order)

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(work, range(8)))

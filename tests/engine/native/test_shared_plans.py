"""Circuits that compute the same share a plan, and are planned once, also by several threads."""

import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from typing import Any

import numpy
import pytest

from backpass.circuit import Spec, operations, trace
from backpass.circuit.circuit import build_circuit
from backpass.engine.native import cache
from backpass.engine.native.native_engine import NativeEngine
from backpass.engine.plan import plan_circuit, plan_step
from backpass.estimators import BackpassRegressor
from backpass.model.fitting.fit import fit
from backpass.once import Once

SINGLE = numpy.dtype(numpy.float32)


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the circuits that are planned from here on."""
    names: list[str] = []

    def of_circuit(circuit: Any, lengths: Any) -> Any:
        names.append(circuit.name)
        return plan_circuit(circuit, lengths)

    def of_step(step: Any, batch_size: int, **options: Any) -> Any:
        names.append("a step")
        return plan_step(step, batch_size, **options)

    monkeypatch.setattr(cache, "plan_circuit", of_circuit)
    monkeypatch.setattr(cache, "plan_step", of_step)
    return names


def test_equal_circuits_are_planned_once(planned: list[str]) -> None:
    x = numpy.linspace(-2, 2, 6, dtype=SINGLE).reshape(2, 3)

    def with_factor(factor: float) -> Any:
        def shared_plan(x: Any) -> Any:
            return operations.sin(x) * factor

        return NativeEngine().run(trace(shared_plan, [Spec(("n", 3), SINGLE)]), x)[0]

    first, again, other = with_factor(1.125), with_factor(1.125), with_factor(1.25)
    assert planned == ["shared_plan", "shared_plan"]
    assert first.tobytes() == again.tobytes() != other.tobytes()


@pytest.mark.parametrize("threads", [1, 2])
def test_members_share_the_plans_of_their_start_and_their_step(planned: list[str], threads: int) -> None:
    """They differ in seed, fold and wave scale; folds of 50 and 51 rows have one batch size."""
    random = numpy.random.default_rng(threads)
    data = {f"x{i}": random.normal(size=251) for i in range(2 + threads)}
    data["y"] = data["x0"] - data["x1"]
    settings: dict[str, Any] = {"preset": "default", "hidden": (8,), "epochs": 1, "threads": threads}
    model = fit(data, "y", **settings)
    assert model.networks == 4
    assert planned.count("a step") == 1
    assert planned.count("theta_of") == 1


@pytest.mark.parametrize("threads", [1, 2])
def test_members_share_the_circuits_of_their_start_their_step_and_their_predictions(
    monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    traced: list[str] = []

    def counted(name: str, *others: Any) -> Any:
        traced.append(name)
        return build_circuit(name, *others)

    monkeypatch.setattr(sys.modules["backpass.circuit.trace"], "build_circuit", counted)
    random = numpy.random.default_rng(threads)
    data = {f"x{i}": random.normal(size=200) for i in range(2 + threads)}
    data["y"] = data["x0"] - data["x1"]
    settings: dict[str, Any] = {"preset": "default", "hidden": (7,), "epochs": 1, "threads": threads}
    fit(data, "y", **settings)
    assert [traced.count(name) for name in ("theta_of", "step", "__call__", "highest")] == [1, 1, 1, 1]
    fit(data, "y", **settings, seed=1, learning_rate=0.01)
    assert [traced.count(name) for name in ("theta_of", "step", "__call__", "highest")] == [1, 1, 1, 1]
    fit(data, "y", **settings, weight_decay=0.5)
    assert [traced.count(name) for name in ("theta_of", "step", "__call__", "highest")] == [1, 2, 1, 1]


def test_a_function_as_a_loss_is_traced_anew() -> None:
    """It may compute something else than before."""
    factor, x = [1.0], numpy.linspace(0.0, 1.0, 60)

    def loss(o: Any, y: Any) -> Any:
        return factor[0] * operations.absolute(o - y)

    regressor = BackpassRegressor(preset="plain", hidden_layer_sizes=(2,), epochs=2, optimizer="sgd", loss=loss)
    thetas = []
    for factor[0] in (1.0, 100.0, 1.0):
        thetas.append(regressor.fit(x[:, None], 2.0 * x).model_.theta)
    assert thetas[0].tobytes() == thetas[2].tobytes() != thetas[1].tobytes()


def test_what_another_thread_computes_is_waited_for() -> None:
    computed, started, both = [], Event(), Barrier(2)

    @Once
    def slow(x: int) -> int:
        computed.append(x)
        if x:
            started.set()
            both.wait(timeout=60)
        return x

    assert slow(0) == 0
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(slow, 1)
        assert started.wait(timeout=60)
        second = pool.submit(slow, 1)
        assert slow(0) == 0, "a result that is there needs no waiting"
        both.wait(timeout=60)
        assert (first.result(timeout=60), second.result(timeout=60)) == (1, 1)
    assert computed == [0, 1]


def test_results_are_forgotten_in_the_order_of_their_use() -> None:
    computed = []

    @Once
    def square(x: int) -> int:
        computed.append(x)
        return x * x

    assert [square(x) for x in range(Once.kept)] == [x * x for x in range(Once.kept)]
    square(0)
    square(Once.kept)
    computed.clear()
    assert (square(0), square(1)) == (0, 1)
    assert computed == [1]
    square.cache_clear()
    assert (square(0), computed) == (0, [1, 0])


def test_an_error_is_not_kept() -> None:
    asked = []

    @Once
    def fails(x: int) -> int:
        asked.append(x)
        raise ValueError(x)

    for _ in range(2):
        with pytest.raises(ValueError, match="3"):
            fails(3)
    assert asked == [3, 3]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_of_a_fork_waits_for_no_thread_of_its_parent() -> None:
    started, over = Event(), Event()

    @Once
    def slow(x: int) -> int:
        if x:
            started.set()
            over.wait(timeout=60)
        return x

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(slow, 1)
        assert started.wait(timeout=60)
        pool.submit(lambda: (time.sleep(0.2), over.set()))
        child = os.fork()
        if child == 0:
            signal.alarm(30)
            os._exit(0 if (slow(1), slow(0)) == (1, 0) else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert first.result(timeout=60) == 1


def test_a_function_may_ask_another_one_or_itself() -> None:
    @Once
    def total(x: int) -> int:
        return x + total(x - 1) if x else 0

    assert total(4) == 10

"""Whole runs of training: they agree with the NumPy engine, and with each other to the last bit."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy
import pytest

from backpass.circuit import operations as ops
from backpass.engine import Epoch, NumpyEngine, engine_named
from backpass.engine.native._core import instruction_sets
from backpass.engine.native.native_engine import NativeEngine, Tiling
from backpass.errors import UsageError
from backpass.network.layers import Dense, Unit, Wired
from backpass.network.network import Network
from backpass.training.optimizer import OptimizerOptions, optimizer_named

NETWORKS: dict[str, dict[str, Any]] = {
    "relu": {},
    "tanh": {"activation": "tanh", "optimizer": "momentum"},
    "mish": {"activation": "mish", "optimizer": "adamw", "weight_decay": 0.1},
    "selu": {"activation": "selu", "optimizer": "sgd"},
    "gelu, nesterov": {"activation": "gelu", "optimizer": "nesterov", "momentum": 0.8},
    "dropout": {"dropout": 0.3, "hidden": (24, 16)},
    "classes": {"loss": "cross_entropy", "outputs": 3, "loss_options": {"label_smoothing": 0.1}},
    "two classes": {"loss": "binary_cross_entropy"},
    "quantile": {"loss": "quantile", "loss_options": {"q": 0.9}, "activation": "sigmoid"},
    "huber": {"loss": "huber", "outputs": 2},
    "poisson": {"loss": "poisson", "activation": "softplus"},
    "clipped": {"max_grad_norm": 0.05, "hidden": (40,)},
    "wide": {"hidden": (100, 130), "batch_size": 64},
    "one neuron": {"hidden": (), "inputs": 9},
    "batches of one": {"batch_size": 1, "rows": 20},
}
UNEVEN = ("relu", "dropout", "classes", "clipped", "wide", "batches of one")
"""Those whose steps differ in what shards share: draws, several outputs, a norm, threads, and shards without a row."""

WAYS = [(shards, name) for name in NETWORKS for shards in ((0, 2, 5) if name in UNEVEN else (0, 2))]
"""Shards, as the fixture counts them, and the name of a network."""

ADAM_NOISE = 2e-4
"""Adam divides by the root of the second moment: where a gradient is all but zero, rounding decides the step's sign."""


@pytest.mark.parametrize("name", NETWORKS)
def test_training_agrees_with_the_numpy_engine(name: str, dense: Any, shards: int) -> None:
    training = dense(**NETWORKS[name])
    native, expected = training.on(NativeEngine()), training.on(NumpyEngine())
    assert not native.failed
    numpy.testing.assert_allclose(native.losses, expected.losses, rtol=2e-4, atol=1e-5)
    for mine, theirs in zip(native.state, expected.state, strict=True):
        assert mine.dtype == theirs.dtype
        numpy.testing.assert_allclose(mine, theirs, rtol=2e-3, atol=ADAM_NOISE)


@pytest.mark.parametrize("name", ["relu", "mish", "dropout", "classes", "clipped"])
def test_training_in_float64_agrees_closely(name: str, dense: Any, shards: int) -> None:
    training = dense(**NETWORKS[name], dtype=numpy.float64)
    native, expected = training.on(NativeEngine()), training.on(NumpyEngine())
    numpy.testing.assert_allclose(native.losses, expected.losses, rtol=1e-9)
    numpy.testing.assert_allclose(native.state[0], expected.state[0], rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(("shards", "name"), WAYS, indirect=["shards"])
def test_every_way_to_run_gives_the_same_bits(name: str, dense: Any, digest: Any, shards: int) -> None:
    training = dense(**NETWORKS[name])
    widest, *others = instruction_sets()
    engines = [NativeEngine(isa=widest, threads=threads) for threads in (1, 2, 3, 8)]
    engines += [NativeEngine(isa=isa, threads=threads) for isa in others for threads in (1, 3)]
    engines += [NativeEngine(tiling=Tiling(rows, depth)) for rows, depth in [(1, 1), (3, 17), (5, 64), (2, 500)]]
    assert len({digest(training.on(engine)) for engine in engines}) == 1


def test_many_threads_on_large_layers_give_the_same_bits(dense: Any, digest: Any) -> None:
    """Large enough that the threads really share the instructions."""
    training = dense((256, 200), inputs=70, batch_size=128, rows=256, epochs=1, max_grad_norm=1.0, dropout=0.1)
    engines = [NativeEngine(isa=isa, threads=t) for isa in instruction_sets() for t in (1, 2, 3, 8)]
    assert len({digest(training.on(engine)) for engine in engines}) == 1


def test_interrupted_and_resumed_gives_the_same_bits(dense: Any, digest: Any, shards: int) -> None:
    training = dense(dropout=0.2)
    whole = training.on(NativeEngine())
    epoch = training.epoch
    for cut in (1, 3, 4, 7):
        first = Epoch(epoch.rows[:cut], epoch.sizes[:cut], epoch.settings[:cut], 0)
        engine = NativeEngine()
        begun = engine.run_epoch(training.step, training.state, training.key, training.data, first, lambda done: False)
        rest = engine.run_epoch(
            training.step, begun.state, training.key, training.data, epoch.after(cut), lambda done: False
        )
        for mine, theirs in zip(rest.state, whole.state, strict=True):
            assert mine.tobytes() == theirs.tobytes()
        assert [*begun.losses, *rest.losses] == list(whole.losses)


def test_the_given_state_is_not_changed(dense: Any) -> None:
    training = dense()
    before = [a.copy() for a in training.state]
    training.on(NativeEngine())
    for mine, theirs in zip(training.state, before, strict=True):
        numpy.testing.assert_array_equal(mine, theirs)


def _random(shape: tuple[int, ...], seed: int) -> Any:
    return numpy.random.default_rng(seed).uniform(-1, 1, shape).astype(numpy.float32)


def _wired(theta: Any, batch: Any, draws: Any) -> Any:
    network = Network(4, (Wired((Unit("size", (0, 1)), Unit("walk", (3,)), Unit("school", (3, 2))), "relu"), Dense(1)))
    e = network(theta, batch[0], draws) - batch[1]
    return (e * e).sum() / 10.0


def _embedded(theta: Any, batch: Any, draws: Any) -> Any:
    table = theta[:28].reshape((7, 4))
    z = ops.tanh(ops.take(table, batch[2], axis=0) @ theta[28:40].reshape((4, 3)))
    e = z.sum(axis=1) - batch[1][:, 0]
    return (e * e).sum() / 10.0


def _periodic(theta: Any, batch: Any, draws: Any) -> Any:
    """cos features per column, as RealMLP and others have them."""
    x = batch[0].reshape((-1, 4, 1))
    z = ops.cos(6.28 * (x * theta[:20].reshape((4, 5)) + theta[20:40].reshape((4, 5))))
    e = (z.reshape((-1, 20)) @ theta[40:60].reshape((20, 1))) - batch[1]
    return (e * e).sum() / 10.0


def _stacked(theta: Any, batch: Any, draws: Any) -> Any:
    """Three networks side by side, as batched products."""
    W1, b1 = theta[:60].reshape((3, 4, 5)), theta[60:75].reshape((3, 5))
    W2 = theta[75:90].reshape((3, 5, 1))
    z = ops.relu(ops.affine(batch[0], W1, b1)) @ W2
    e = z - batch[1]
    return (e * e).sum() / 10.0


@pytest.mark.parametrize(("objective", "parameters"), [(_wired, 12), (_embedded, 40), (_periodic, 60), (_stacked, 90)])
def test_other_circuits_train_alike(objective: Any, parameters: int, training: Any, digest: Any, shards: int) -> None:
    codes = (numpy.arange(50) % 7).astype(numpy.int32)
    data = (_random((50, 4), 1), _random((50, 1), 2), codes)
    rule = optimizer_named("momentum", OptimizerOptions(max_grad_norm=2.0))
    run = training(objective, _random((parameters,), 3), data, rule, 16, epochs=3)
    expected = run.on(NumpyEngine())
    outcomes = [run.on(NativeEngine(isa=isa, threads=t)) for isa in instruction_sets() for t in (1, 3)]
    numpy.testing.assert_allclose(outcomes[0].losses, expected.losses, rtol=1e-4)
    numpy.testing.assert_allclose(outcomes[0].state[0], expected.state[0], rtol=1e-3, atol=1e-5)
    assert len({digest(outcome) for outcome in outcomes}) == 1


@pytest.mark.parametrize("width", [1, 3, 8, 9, 20, 64, 100])
def test_a_row_alone_and_among_others_gives_the_same_bits(width: int) -> None:
    network = Network(width + 2, (Dense(width, "mish"), Dense(40, "relu"), Dense(width, "selu"), Dense(3, "sigmoid")))
    forward = network.forward()
    theta, x = _random((network.parameter_count,), 5), _random((67, width + 2), 6)
    engine = NativeEngine()
    together = engine.run(forward, theta, x)[0]
    numpy.testing.assert_allclose(together, NumpyEngine().run(forward, theta, x)[0], rtol=1e-4, atol=1e-5)
    alone = numpy.concatenate([engine.run(forward, theta, x[i : i + 1])[0] for i in range(len(x))])
    assert alone.tobytes() == together.tobytes()
    for cut in (2, 15, 16, 33, 60):
        parts = [engine.run(forward, theta, part)[0] for part in (x[:cut], x[cut:])]
        assert numpy.concatenate(parts).tobytes() == together.tobytes()


def test_a_loss_that_is_not_finite_leaves_the_state_before_the_step(dense: Any) -> None:
    training = dense(optimizer="sgd", batch_size=10, rows=100, epochs=1)
    training.data[1][training.epoch.rows[4, 3]] = numpy.inf
    for threads in (1, 3):
        native, expected = training.on(NativeEngine(threads=threads)), training.on(NumpyEngine())
        assert native.failed
        assert expected.failed
        assert len(native.losses) == len(expected.losses) == 4
        numpy.testing.assert_allclose(native.state[0], expected.state[0], rtol=1e-4, atol=1e-6)


def test_rows_outside_the_data_are_an_index_error(dense: Any) -> None:
    training = dense()
    training.epoch.rows[2, 0] = 150
    with pytest.raises(IndexError):
        training.on(NativeEngine())
    training.epoch.rows[2, 0] = -150  # counted from the end, as NumPy does
    numpy.testing.assert_allclose(training.on(NativeEngine()).losses, training.on(NumpyEngine()).losses, rtol=1e-4)


def test_what_nobody_reads_may_hold_anything(dense: Any, digest: Any) -> None:
    """The rest of the last batch's row of the table, and rows of the data that no step reads."""
    training = dense(epochs=1)
    before = digest(training.on(NativeEngine()))
    training.epoch.rows[-1, training.epoch.sizes[-1] :] = 10**12
    padded = tuple(numpy.concatenate([a, numpy.full((5, *a.shape[1:]), numpy.nan, a.dtype)]) for a in training.data)
    outcome = NativeEngine().run_epoch(
        training.step, training.state, training.key, padded, training.epoch, lambda done: False
    )
    assert digest(outcome) == before


def test_it_stops_when_asked_and_keeps_what_is_done(dense: Any) -> None:
    training = dense(epochs=400)
    asked: list[float] = []

    def should_stop(done: int) -> bool:
        asked.append(time.monotonic())
        return len(asked) > 1

    outcome = training.on(NativeEngine(), should_stop)
    assert len(asked) == 2
    assert not outcome.failed
    assert 0 < len(outcome.losses) < training.epoch.steps
    again = Epoch(
        *(t[: len(outcome.losses)] for t in (training.epoch.rows, training.epoch.sizes, training.epoch.settings)), 0
    )
    shorter = NativeEngine().run_epoch(
        training.step, training.state, training.key, training.data, again, lambda done: False
    )
    assert shorter.state[0].tobytes() == outcome.state[0].tobytes()


def test_a_table_of_one_row_may_have_any_stride(dense: Any) -> None:
    training = dense(batch_size=16)
    rows = numpy.arange(16)
    tables = [Epoch(t, numpy.array([16]), training.epoch.settings[:1], 0) for t in (rows[None], rows.reshape(1, 16))]
    strange, usual = (
        NativeEngine().run_epoch(training.step, training.state, training.key, training.data, epoch, lambda done: False)
        for epoch in tables
    )
    assert strange.state[0].tobytes() == usual.state[0].tobytes()


def test_an_exception_of_should_stop_comes_through(dense: Any) -> None:
    def should_stop(done: int) -> bool:
        raise ZeroDivisionError

    for threads in (1, 3):
        with pytest.raises(ZeroDivisionError):
            dense().on(NativeEngine(threads=threads), should_stop)


@pytest.mark.parametrize("threads", [1, 3])
def test_an_interrupt_is_answered_within_200_milliseconds(dense: Any, threads: int) -> None:
    """At least once in five times: whoever else uses the machine may be in the way."""
    training = dense((256, 256), batch_size=50, epochs=2000)
    waits: list[float] = []
    while len(waits) < 5 and min(waits, default=1.0) > 0.2:
        sent: list[float] = []

        def interrupt(sent: list[float] = sent) -> None:
            sent.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGINT)

        timer = threading.Timer(0.1, interrupt)

        def should_stop(done: int, timer: threading.Timer = timer) -> bool:
            if done == 0:
                timer.start()
            return False

        with pytest.raises(KeyboardInterrupt):
            training.on(NativeEngine(threads=threads), should_stop)
        waits.append(time.monotonic() - sent[0])
    assert min(waits) < 0.2, waits


def test_several_python_threads_train_at_once(dense: Any, digest: Any) -> None:
    training = dense((64, 32), batch_size=50)
    expected = digest(training.on(NativeEngine(threads=1)))
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(digest(training.on(NativeEngine(threads=2))))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 6


def test_different_models_train_at_once(dense: Any, digest: Any) -> None:
    trainings = [dense(hidden, batch_size=30) for hidden in ((64, 32), (8,), (40, 40, 40), (100,))]
    expected = [digest(training.on(NativeEngine(threads=1))) for training in trainings]
    found: dict[int, list[str]] = {i: [] for i in range(len(trainings))}

    def train(i: int) -> None:
        for _ in range(3):
            found[i].append(digest(trainings[i].on(NativeEngine(threads=2))))

    threads = [threading.Thread(target=train, args=(i,)) for i in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {i: [each] * 3 for i, each in enumerate(expected)}


def is_right_in_a_child(check: Callable[[], bool]) -> bool:
    """Whether the check holds in a forked child. A child that hangs is ended by its alarm."""
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(60)
        os._exit(0 if check() else 1)
    return os.waitpid(child, 0)[1] == 0


forking = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
threads_and_forks = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


@forking
@threads_and_forks
def test_a_forked_child_trains_too(dense: Any, digest: Any) -> None:
    training = dense((64, 32))
    expected = digest(training.on(NativeEngine(threads=3)))
    assert is_right_in_a_child(lambda: digest(training.on(NativeEngine(threads=3))) == expected)


@forking
@threads_and_forks
def test_runs_that_end_while_others_come_do_not_wait_for_them(dense: Any) -> None:
    """Threads that were asleep may come at any moment, also when the run has just failed or was told to stop."""
    good = dense((64, 32), batch_size=100, rows=1000, epochs=20)
    bad = dense((64, 32), batch_size=100, rows=1000, epochs=1, optimizer="sgd")
    bad.data[1][bad.epoch.rows[6, 3]] = numpy.inf
    engine, random = NativeEngine(threads=2), numpy.random.default_rng(0)

    def check() -> bool:
        ended = []
        for _ in range(100):
            time.sleep(random.uniform(0.0, 0.001))
            ended.append(len(bad.on(engine).losses) == 6)
            time.sleep(random.uniform(0.0, 0.001))
            ended.append(len(good.on(engine, lambda done: done > 0).losses) in range(1, 201))
        return all(ended)

    assert is_right_in_a_child(check)


@forking
@threads_and_forks
def test_a_child_trains_whatever_other_threads_did_when_it_was_forked(dense: Any, digest: Any) -> None:
    """One is in the middle of training, and has all threads of the pool."""
    training, long = dense((64, 32)), dense((128, 128), epochs=2000)
    expected = digest(training.on(NativeEngine(threads=3)))
    begun, over = threading.Event(), threading.Event()

    def should_stop(done: int) -> bool:
        begun.set()
        return over.is_set()

    busy = threading.Thread(target=lambda: long.on(NativeEngine(threads=3), should_stop))
    busy.start()
    begun.wait()
    is_right = is_right_in_a_child(lambda: digest(training.on(NativeEngine(threads=3))) == expected)
    over.set()
    busy.join()
    assert is_right


def cores_of_threads() -> set[frozenset[int]]:
    """Which sets of cores the threads of this process may use."""
    found = set()
    for thread in os.listdir("/proc/self/task"):
        with contextlib.suppress(ProcessLookupError):  # it has ended in the meantime
            found.add(frozenset(os.sched_getaffinity(int(thread))))
    return found


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs affinity")
def test_threads_may_use_the_cores_of_their_caller(dense: Any, digest: Any) -> None:
    """They are woken on another core than the caller's, and then go where they like; one core is enough for all."""
    training, allowed = dense((64, 32), batch_size=100), os.sched_getaffinity(0)
    expected = digest(training.on(NativeEngine(threads=1)))

    def train() -> bool:
        time.sleep(0.02)  # the others fall asleep
        return bool(digest(training.on(NativeEngine(threads=4))) == expected)

    assert all(train() for _ in range(5))
    latest = time.monotonic() + 10
    while cores_of_threads() != {frozenset(allowed)} and time.monotonic() < latest:
        time.sleep(0.01)  # one may only be waking up
    assert cores_of_threads() == {frozenset(allowed)}
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert all(train() for _ in range(3))
    finally:
        os.sched_setaffinity(0, allowed)
    assert train()


def test_engines_by_name() -> None:
    assert engine_named("native").name == "native"
    assert engine_named("auto").name == "native"
    with pytest.raises(UsageError, match="instruction set"):
        NativeEngine(isa="avx1024")
    with pytest.raises(UsageError, match="threads"):
        NativeEngine(threads=0)


def test_a_plan_prints_readably(dense: Any) -> None:
    plan = NativeEngine().plan_of(dense().step, 32)
    assert plan is not None
    lines = str(plan).splitlines()
    assert "instructions" in lines[0]
    assert any("product [32, 5] [5, 16]" in line for line in lines)
    assert any("guard" in line for line in lines)
    assert sum(" map " in line and "sqrt" in line for line in lines) == 1  # Adam is one pass over theta

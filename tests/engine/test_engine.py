"""Engines: every one means the circuit, step after step. Each test runs on every engine by its name."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from backpass.circuit import Spec, trace
from backpass.circuit.philox import key_of
from backpass.engine import ENGINES, Engine, Epoch, Step, engine_named, first_fault, make_step
from backpass.errors import ShapeError, UsageError
from backpass.network import Draws, Network, dense_network, loss_named, mean_loss
from backpass.training import OptimizerOptions, optimizer_named, training_step
from backpass.training.optimizer import memory_like

Floats = numpy.ndarray[Any, Any]
NETWORK = dense_network(3, (5, 4), 1, activation="tanh", dropout=0.2)
KEY = key_of(11)


@pytest.fixture(params=list(ENGINES))
def engine(request: pytest.FixtureRequest) -> Engine:
    return engine_named(request.param)


def never(done: int) -> bool:
    return False


def objective(network: Network) -> Any:
    def J(theta: Any, batch: Any, draws: Draws) -> Any:  # noqa: N802  the notes' name
        x, y, w = batch
        return mean_loss(loss_named("squared"), network(theta, x, draws), y, w)

    return J


def problem(rows: int = 10, network: Network = NETWORK) -> tuple[Step, tuple[Floats, ...], tuple[Floats, ...]]:
    """A step of Adam, its first state, and data."""
    rng = numpy.random.default_rng(0)
    theta = rng.normal(size=network.parameter_count)
    data = (rng.normal(size=(rows, 3)), rng.normal(size=(rows, 1)), rng.uniform(0.5, 2, size=rows))
    optimizer = optimizer_named("adam", OptimizerOptions())
    batch = [Spec(("B", *array.shape[1:]), array.dtype) for array in data]
    step = training_step(objective(network), optimizer, theta, batch)
    return step, (theta, *memory_like(optimizer, theta)), data


def epoch_of(steps: int, rows: int = 10, size: int = 4, last: int = 4, first: int = 0) -> Epoch:
    rng = numpy.random.default_rng(1)
    table = numpy.stack([rng.permutation(rows)[:size] for _ in range(steps)])
    sizes = numpy.full(steps, size)
    sizes[-1] = last
    settings = optimizer_named("adam", OptimizerOptions()).settings(numpy.linspace(0.1, 0.01, steps), first)
    return Epoch(table, sizes, settings, first)


def test_run_is_the_circuit(engine: Engine) -> None:
    circuit = NETWORK.forward(numpy.float64)
    rng = numpy.random.default_rng(2)
    theta, x = rng.normal(size=NETWORK.parameter_count), rng.normal(size=(7, 3))
    found = engine.run(circuit, theta, x)
    assert len(found) == 1
    numpy.testing.assert_allclose(found[0], circuit(theta, x), rtol=1e-12)
    pair = engine.run(trace(lambda a, b: (a + b, {"difference": a - b}), [("n",), ("n",)]), x[:, 0], x[:, 1])
    numpy.testing.assert_allclose(pair, [x[:, 0] + x[:, 1], x[:, 0] - x[:, 1]], rtol=1e-15)


def test_run_names_the_input_that_does_not_fit(engine: Engine) -> None:
    with pytest.raises(ShapeError, match=r"input 'x' expected shape \[7, 3\], got \[7, 2\]"):
        engine.run(NETWORK.forward(numpy.float64), numpy.zeros(NETWORK.parameter_count), numpy.zeros((7, 2)))


def test_run_epoch_is_the_step_by_hand(engine: Engine) -> None:
    step, state, data = problem()
    epoch = epoch_of(8, last=3)
    outcome = engine.run_epoch(step, state, KEY, data, epoch, never)
    by_hand, losses = state, []
    for s in range(8):
        rows = epoch.rows[s, : epoch.sizes[s]]
        number = numpy.asarray(s, numpy.uint32)
        *new, J = step.circuit.evaluate([*by_hand, epoch.settings[s], KEY, number, *(array[rows] for array in data)])
        by_hand = tuple(new)
        losses.append(float(J))
    assert not outcome.failed
    numpy.testing.assert_allclose(outcome.losses, losses, rtol=1e-12)
    assert len(outcome.state) == len(state) == 3
    for found, expected in zip(outcome.state, by_hand, strict=True):
        numpy.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-15)


def test_a_smaller_last_batch_reads_only_its_rows(engine: Engine) -> None:
    """What stands in the table beyond the size of a step is never read, and the mean is over the rows that are."""
    step, state, data = problem()
    epoch = epoch_of(3, last=2)
    other = epoch.rows.copy()
    other[-1, 2:] = 9 - other[-1, 2:]
    found = engine.run_epoch(step, state, KEY, data, epoch, never)
    again = engine.run_epoch(step, state, KEY, data, Epoch(other, epoch.sizes, epoch.settings, 0), never)
    short = Epoch(epoch.rows[-1:, :2], numpy.array([2]), epoch.settings[-1:], 2)
    before = engine.run_epoch(
        step, state, KEY, data, Epoch(epoch.rows[:2], epoch.sizes[:2], epoch.settings[:2], 0), never
    )
    cut = engine.run_epoch(step, before.state, KEY, data, short, never)
    assert found.state[0].tobytes() == again.state[0].tobytes() == cut.state[0].tobytes()


@pytest.mark.parametrize("stop", [0, 1, 4, 6])
def test_stopping_and_going_on_is_not_stopping(engine: Engine, stop: int) -> None:
    step, state, data = problem()
    epoch = epoch_of(6, last=3, first=20)
    whole = engine.run_epoch(step, state, KEY, data, epoch, never)
    asked: list[int] = []

    def should_stop(done: int) -> bool:
        asked.append(done)
        return done >= stop

    # The NumPy engine asks before every step; others now and then, so that for them the epoch itself is cut.
    begun = Epoch(epoch.rows[:stop], epoch.sizes[:stop], epoch.settings[:stop], epoch.first_step)
    given = epoch if engine.name == "numpy" or stop == 0 else begun
    part = engine.run_epoch(step, state, KEY, data, given, should_stop)
    assert len(part.losses) == stop
    assert asked[0] == 0
    assert asked == sorted(asked)
    if engine.name == "numpy":
        assert asked == list(range(min(stop + 1, 6)))
    rest = engine.run_epoch(step, part.state, KEY, data, epoch.after(stop), never)
    assert numpy.concatenate([part.losses, rest.losses]).tobytes() == whole.losses.tobytes()
    for found, expected in zip(rest.state, whole.state, strict=True):
        assert found.tobytes() == expected.tobytes()


def test_given_arrays_are_not_changed(engine: Engine) -> None:
    step, state, data = problem()
    epoch = epoch_of(4)
    given = [*state, *data, epoch.rows, epoch.sizes, epoch.settings, KEY]
    before = [array.tobytes() for array in given]
    engine.run_epoch(step, state, KEY, data, epoch, never)
    assert [array.tobytes() for array in given] == before


def test_random_draws_depend_on_the_number_of_the_step(engine: Engine) -> None:
    step, state, data = problem()
    first, same, later = (
        engine.run_epoch(step, state, KEY, data, Epoch(e.rows, e.sizes, e.settings, e.first_step), never)
        for e in (epoch_of(1), epoch_of(1), Epoch(epoch_of(1).rows, epoch_of(1).sizes, epoch_of(1).settings, 1))
    )
    assert first.losses.tobytes() == same.losses.tobytes()
    assert first.losses.tobytes() != later.losses.tobytes()


def test_an_epoch_of_no_steps(engine: Engine) -> None:
    step, state, data = problem()
    outcome = engine.run_epoch(step, state, KEY, data, epoch_of(3).after(3), never)
    assert outcome.losses.shape == (0,)
    assert outcome.state[0].tobytes() == state[0].tobytes()


@pytest.mark.parametrize("bad", [numpy.nan, numpy.inf, -numpy.inf])
def test_a_loss_that_is_not_finite_stops_before_its_step(engine: Engine, bad: float) -> None:
    step, state, data = problem()
    epoch = epoch_of(5)
    y = data[1].copy()
    row = int(epoch.rows[3, 2])
    y[row] = bad
    first = next(s for s in range(5) if row in epoch.rows[s, : epoch.sizes[s]])
    outcome = engine.run_epoch(step, state, KEY, (data[0], y, data[2]), epoch, never)
    assert outcome.failed
    assert len(outcome.losses) == first
    good = engine.run_epoch(
        step, state, KEY, data, Epoch(*(a[:first] for a in (epoch.rows, epoch.sizes, epoch.settings)), 0), never
    )
    assert outcome.state[0].tobytes() == good.state[0].tobytes()


# Faults ---------------------------------------------------------------------------------------------------------------


def fault_of(network: Network, theta: Floats, x: Floats, y: Floats) -> str:
    optimizer = optimizer_named("sgd", OptimizerOptions())
    data = (x, y, numpy.ones(len(x)))
    batch = [Spec(("B", *array.shape[1:]), array.dtype) for array in data]
    step = training_step(objective(network), optimizer, theta, batch)
    rows = numpy.arange(len(x))[None]
    return str(first_fault(step, (theta,), KEY, data, Epoch(rows, numpy.array([len(x)]), numpy.array([[0.1]]), 0)))


def test_first_fault_names_layer_operation_and_row() -> None:
    network = dense_network(2, (3, 3), 1)
    theta, x, y = numpy.ones(network.parameter_count), numpy.ones((5, 2)), numpy.ones((5, 1))
    assert fault_of(network, theta, x, y) == "None"
    x[3, 1] = numpy.nan
    assert fault_of(network, theta, x, y) == "layer 1 of 3 (affine, batch row 3: nan)"
    x[3, 1], x[2, 0] = 1.0, 1.7e308
    assert fault_of(network, theta, x, y) == "layer 2 of 3 (affine, batch row 2: inf)"
    x[2, 0], y[4] = 1.0, -numpy.inf
    assert fault_of(network, theta, x, y) == "the loss (subtract, batch row 4: inf)"


def test_first_fault_finds_what_the_gradient_breaks() -> None:
    """A finite J whose gradient is not: sqrt at 0."""

    def J(theta: Any, batch: Any, draws: Any) -> Any:  # noqa: N802  the notes' name
        return (batch[0] * theta[0]).sum() + (theta[1:] ** 0.5).sum()

    step = training_step(J, optimizer_named("sgd"), numpy.array([1.0, 0.0]), [Spec(("B",), numpy.dtype(float))])
    epoch = Epoch(numpy.zeros((1, 1), int), numpy.array([1]), numpy.array([[0.1]]), 0)
    fault = first_fault(step, (numpy.array([1.0, 0.0]),), KEY, (numpy.ones(1),), epoch)
    assert fault is not None
    assert fault.label.startswith("gradient")


def test_first_fault_names_a_state_that_was_broken_before() -> None:
    network = dense_network(2, (), 1)
    fault = fault_of(network, numpy.array([1.0, -numpy.inf, 0.0]), numpy.ones((1, 2)), numpy.ones((1, 1)))
    assert fault.startswith("the state before the step")
    assert fault.endswith(": -inf)")


# Tables and names -----------------------------------------------------------------------------------------------------


def test_an_epoch_checks_its_tables() -> None:
    with pytest.raises(ShapeError, match="an epoch of 3 steps got 2 sizes and 3 settings"):
        Epoch(numpy.zeros((3, 2), int), numpy.ones(2, int), numpy.zeros((3, 1)), 0)


def test_a_step_knows_its_batch() -> None:
    step = make_step(
        lambda state, settings, key, number, batch: ((state[0] + batch[0].sum(),), batch[0].sum()),
        [numpy.zeros(())],
        1,
        [Spec(("B", 2), numpy.dtype(float))],
        numpy.float64,
    )
    assert (step.states, step.batch) == (1, (Spec(("B", 2), numpy.dtype(float)),))


def test_an_unknown_engine_gets_the_nearest() -> None:
    with pytest.raises(UsageError, match="unknown engine 'nunpy'") as caught:
        engine_named("nunpy")
    assert caught.value.hint == "did you mean 'numpy'?"

"""Engines: every one means the circuit, step after step. Each test runs on every engine by its name."""

from __future__ import annotations

import re
from typing import Any

import numpy
import pytest

from backpass.circuit import Spec, label, trace
from backpass.engine import ENGINES, Engine, Epoch, NonFiniteOrigin, Step, engine_named, first_non_finite, make_step
from backpass.errors import ShapeError, UsageError
from backpass.network import Network, RandomKey, dense_network, loss_named, mean_loss
from backpass.numerics.philox import key_of
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
    def J(theta: Any, batch: Any, draws: RandomKey) -> Any:  # noqa: N802  the notes' name
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
    with pytest.raises(ShapeError, match=r"input 'x' expected shape \[7, 3\]; got \[7, 2\]"):
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


def fault_of(engine: Engine, network: Network, theta: Floats, x: Floats, y: Floats) -> str:
    """The fault of a step of gradient descent on all rows at once."""
    optimizer = optimizer_named("sgd", OptimizerOptions())
    data = (x, y, numpy.ones(len(x)))
    batch = [Spec(("B", *array.shape[1:]), array.dtype) for array in data]
    step = training_step(objective(network), optimizer, theta, batch)
    rows = numpy.arange(len(x))[None]
    epoch = Epoch(rows, numpy.array([len(x)]), numpy.array([[0.1]]), 0)
    return str(first_non_finite(engine, step, (theta,), KEY, data, epoch))


def written(J: Any, theta: Floats, x: Floats) -> Step:
    """A step of gradient descent on any J(theta, rows of x)."""
    return training_step(
        lambda t, batch, draws: J(t, batch[0]), optimizer_named("sgd"), theta, [Spec(("B", *x.shape[1:]), x.dtype)]
    )


def epoch_in_order(rows: int, size: int, first: int = 0, rate: float = 0.1) -> Epoch:
    steps = rows // size
    return Epoch(numpy.arange(rows).reshape(steps, size), numpy.full(steps, size), numpy.full((steps, 1), rate), first)


def test_first_fault_names_layer_operation_step_and_row(engine: Engine) -> None:
    network = dense_network(2, (3, 3), 1)
    theta, x, y = numpy.ones(network.parameter_count), numpy.ones((5, 2)), numpy.ones((5, 1))
    x[3, 1] = numpy.nan
    assert (
        fault_of(engine, network, theta, x, y) == "layer 1 of 3 (operation affine) at step 1, row 3 of the batch: nan"
    )
    x[3, 1], x[2, 0] = 1.0, 1.7e308
    assert (
        fault_of(engine, network, theta, x, y) == "layer 2 of 3 (operation affine) at step 1, row 2 of the batch: inf"
    )
    x[2, 0], y[4] = 1.0, -numpy.inf
    assert fault_of(engine, network, theta, x, y) == "the loss (operation subtract) at step 1, row 4 of the batch: inf"
    y[[0, 2]] = numpy.nan
    assert "rows 0, 2 and 4 of the batch: nan" in fault_of(engine, network, theta, x, y)


def test_many_rows_are_counted() -> None:
    assert str(NonFiniteOrigin("layer 1 of 2", "affine", 3, numpy.inf, tuple(range(20, 29)))) == (
        "layer 1 of 2 (operation affine) at step 3, rows 20, 21, 22, 23, 24 and 4 more of the batch: inf"
    )


def test_first_fault_finds_the_gradient_that_breaks_while_j_is_finite(engine: Engine) -> None:
    """sqrt at 0 has an infinite derivative. It comes in the 18th of 24 steps; J breaks one later, or never."""
    x = numpy.ones((96, 1))
    x[[70, 71]] = 0.0

    def J(theta: Any, rows: Any) -> Any:  # noqa: N802  the notes' name
        with label("layer 2 of 3"):
            return ((theta * rows) ** 0.5).sum()

    theta = numpy.full(1, 100.0)
    step, epoch = written(J, theta, x), epoch_in_order(96, 4)
    outcome = engine.run_epoch(step, (theta,), KEY, (x,), epoch, never)
    assert numpy.isfinite(outcome.losses[17])
    fault = first_non_finite(engine, step, (theta,), KEY, (x,), epoch)
    assert re.fullmatch(
        r"the gradient of layer 2 of 3 \(operation \w+\) at step 18, rows 2 and 3 of the batch: (inf|nan)", str(fault)
    )
    later = first_non_finite(engine, step, (theta,), KEY, (x,), Epoch(epoch.rows, epoch.sizes, epoch.settings, 500))
    assert later.step == 518


def test_first_fault_finds_parameters_that_overflow(engine: Engine) -> None:
    """J and its gradient are finite, and so is what is subtracted, but theta minus it is not."""
    x = numpy.repeat([0.0, 0.45], (4, 2))[:, None]
    theta = numpy.array([-1e308])
    step = written(lambda theta, rows: (theta * rows).sum(), theta, x)
    fault = first_non_finite(engine, step, (theta,), KEY, (x,), epoch_in_order(6, 2, rate=1e308))
    assert str(fault) == "optimizer: update (operation subtract) at step 3: -inf"


def test_what_is_not_finite_and_not_used_is_no_fault(engine: Engine) -> None:
    """The branch not taken overflows in every step, and in the fourth also in the row beside the one that breaks."""
    x = numpy.ones((10, 1))
    x[7] = -1.0

    def J(theta: Any, rows: Any) -> Any:  # noqa: N802  the notes' name
        with label("branch"):
            unused = numpy.exp(rows * 1e6)
        with label("taken"):
            return (theta * numpy.where(rows > 5.0, unused, rows**0.5)).sum()

    theta = numpy.ones(1)
    fault = first_non_finite(engine, written(J, theta, x), (theta,), KEY, (x,), epoch_in_order(10, 2))
    assert (fault.label, fault.operation, fault.step, fault.rows) == ("taken", "power", 4, (1,))


def test_first_fault_names_a_state_that_was_broken_before(engine: Engine) -> None:
    network = dense_network(2, (), 1)
    theta = numpy.array([1.0, -numpy.inf, 0.0])
    fault = fault_of(engine, network, theta, numpy.ones((1, 2)), numpy.ones((1, 1)))
    assert fault.startswith("the state before the step")
    assert fault.endswith(" at step 1: -inf")


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

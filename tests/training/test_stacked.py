"""Stacked training: a network's bits don't depend on the others, batches visit each row once, ends are told apart."""

from __future__ import annotations

import signal
from typing import Any

import numpy
import pytest
from numpy.typing import NDArray

from backpass.circuit import Spec, check_gradient
from backpass.engine import ENGINES, engine_named
from backpass.network import Dropout, Network, dense_network, loss_named, mean_loss
from backpass.training import OptimizerOptions, StopRequest, TrainingSettings, optimizer_named
from backpass.training.stacked import StackedRun
from backpass.training.stacked.batches import Batches
from backpass.training.stacked.run import STACK
from backpass.training.stacked.step import stackable, stacked_outputs, stacked_step
from backpass.training.step import training_step

SIZES = [70, 33, 5, 64, 70, 1, 31, 32, 90, 65, 70, 70, 66, 69, 70, 68, 67, 70, 70, 70, 96, 95, 70]


def rows_of(sizes: list[int], columns: int = 3, dtype: Any = numpy.float32) -> tuple[NDArray[Any], NDArray[Any]]:
    """Inputs and targets of all networks; those of one network don't depend on the others."""
    draws = [numpy.random.default_rng([7, i]).normal(size=(n, columns + 1)) for i, n in enumerate(sizes)]
    x = numpy.concatenate(draws).astype(dtype)
    return x[:, :columns].copy(), x[:, columns:] + x[:, :1] * x[:, 1:2]


def run_of(
    sizes: list[int],
    x: NDArray[Any],
    y: NDArray[Any],
    *,
    network: Network | None = None,
    loss: str = "squared",
    optimizer: str = "adamw",
    engine: str = "auto",
    threads: int = 1,
    epochs: int = 3,
    learning_rate: float = 0.01,
) -> StackedRun:
    network = dense_network(x.shape[1], (5,), 1) if network is None else network
    mask = network.layout.per_group({"bias": 0.0})
    return StackedRun(
        network,
        loss_named(loss),
        optimizer_named(optimizer, OptimizerOptions(weight_decay=0.1), decay_mask=mask),
        TrainingSettings(learning_rate, "cosine", epochs=epochs, seed=3, schedules={"weight_decay": "cosine"}),
        lambda rows: 32,
        engine_named(engine, threads),
        x,
        y,
        numpy.cumsum([0, *sizes[:-1]]),
        numpy.array(sizes),
    )


def trained(run: StackedRun) -> NDArray[Any]:
    theta = run.network.initialize(0, dtype=run.x.dtype)
    result = run.run(theta, StopRequest())
    assert result.is_whole
    assert not result.diverged.any()
    assert (result.theta != theta).any(axis=1).all()
    return result.theta


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("optimizer", "loss", "activation"),
    [("adamw", "squared", "relu"), ("sgd", "absolute", "mish"), ("nesterov", "poisson", "tanh")],
)
def test_a_network_trained_alone_has_the_bits_it_has_among_others(
    engine: str, optimizer: str, loss: str, activation: str
) -> None:
    """For sizes that share a stack, fill one, and are the only ones of theirs."""
    x, y = rows_of(SIZES)
    y = numpy.abs(y)
    options = {"network": dense_network(3, (5, 4), 1, activation=activation), "loss": loss, "optimizer": optimizer}
    together = trained(run_of(SIZES, x, y, **options, engine=engine))
    ends = numpy.cumsum(SIZES)
    for i in (0, 1, 2, 5, 8, 22):
        own = slice(ends[i] - SIZES[i], ends[i])
        alone = trained(run_of(SIZES[i : i + 1], x[own], y[own], **options, engine=engine))
        assert alone.tobytes() == together[i].tobytes()


@pytest.mark.parametrize(("loss", "outputs"), [("cross_entropy", 3), ("binary_cross_entropy", 1)])
def test_classifiers_have_the_bits_they_have_alone(loss: str, outputs: int) -> None:
    x, y = rows_of(SIZES)
    labels = (numpy.digitize(y[:, 0], [-0.5, 0.5]) if outputs == 3 else y[:, 0] > 0).astype(numpy.int64)
    network = dense_network(3, (5,), outputs)
    together = trained(run_of(SIZES, x, labels, network=network, loss=loss))
    alone = trained(run_of(SIZES[:1], x[:70], labels[:70], network=network, loss=loss))
    assert alone.tobytes() == together[0].tobytes()


@pytest.mark.parametrize("dtype", [numpy.float32, numpy.float64])
def test_threads_and_the_order_of_the_networks_change_no_bit(dtype: Any) -> None:
    x, y = rows_of(SIZES, dtype=dtype)
    first = trained(run_of(SIZES, x, y))
    assert trained(run_of(SIZES, x, y, threads=2)).tobytes() == first.tobytes()
    ends = numpy.cumsum(SIZES)
    order = [*range(len(SIZES))][::-1]
    rows = numpy.concatenate([numpy.arange(ends[i] - SIZES[i], ends[i]) for i in order])
    turned = trained(run_of([SIZES[i] for i in order], x[rows], y[rows]))
    assert turned[::-1].tobytes() == first.tobytes()


def test_a_step_is_that_of_each_network_alone() -> None:
    """The slow twin: the step of the training loop on the rows of one network, in float64."""
    network = dense_network(3, (4,), 1)
    optimizer = optimizer_named("adamw", OptimizerOptions(weight_decay=0.2), decay_mask=network.layout.per_group({}))
    engine, dtype = engine_named("numpy"), numpy.dtype(numpy.float64)
    x, y = rows_of([6, 6], dtype=numpy.float64)
    weights = numpy.array([1.0] * 6 + [1.0] * 4 + [0.0] * 2)
    thetas = numpy.stack([network.initialize(seed) for seed in (1, 2)])
    settings = optimizer.settings(numpy.array([0.05]), 0)[0]
    specs = [Spec((3,), dtype), Spec((1,), dtype), Spec((), dtype)]
    step = stacked_step(network, loss_named("squared"), optimizer, thetas, specs, 6)
    key, number = numpy.zeros(2, numpy.uint32), numpy.uint32(0)
    memory = numpy.zeros_like(thetas)
    found, *_, whole = engine.run(step.circuit, thetas, memory, memory, settings, key, number, x, y, weights)

    def objective(theta: Any, rows: Any, draws: Any) -> Any:
        return mean_loss(loss_named("squared"), network(theta, rows[0]), rows[1], rows[2])

    losses = []
    for i, rows in enumerate((slice(0, 6), slice(6, 10))):
        alone = training_step(objective, optimizer, thetas[i], [Spec(("B", *s.shape), dtype) for s in specs])
        its, *_, own = engine.run(
            alone.circuit, thetas[i], *memory[:, :].copy(), settings, key, number, x[rows], y[rows], weights[rows]
        )
        numpy.testing.assert_allclose(found[i], its, rtol=1e-12)
        losses.append(own)
    assert whole == pytest.approx(sum(losses), rel=1e-12)


def test_the_gradient_by_all_thetas_is_right() -> None:
    network = dense_network(2, (3,), 2, activation="tanh")
    x = numpy.random.default_rng(0).normal(size=(3, 4, 2))
    thetas = numpy.stack([network.initialize(seed) for seed in range(3)])
    check_gradient(lambda theta: (stacked_outputs(network, theta, x) ** 2).sum(), thetas)


@pytest.mark.parametrize("rows", [1, 2, 31, 32, 33, 63, 64, 65, 100])
def test_an_epoch_visits_each_row_once_in_batches_of_nearly_equal_sizes(rows: int) -> None:
    batches = Batches.of(rows, 32)
    places = batches.places(rows, seed=5, first=2, last=6).reshape(4, batches.steps, 32)
    for epoch in places:
        assert sorted(epoch[epoch >= 0].tolist()) == list(range(rows))
        sizes = (epoch >= 0).sum(axis=1)
        assert sizes.max() - sizes.min() <= 1
    if rows > 2:
        assert (places[0] != places[1]).any()
    assert (batches.places(rows, seed=5, first=3, last=4) == places[1].reshape(-1, 32)).all()


def test_a_network_that_diverges_leaves_the_others_as_they_are() -> None:
    sizes = [40] * STACK
    x, y = rows_of(sizes)
    calm = trained(run_of(sizes, x, y))
    y[40 * 3 + 2] = 3e38
    run = run_of(sizes, x, y)
    theta = run.network.initialize(0, dtype=run.x.dtype)
    result = run.run(theta, StopRequest())
    assert result.is_whole
    assert numpy.flatnonzero(result.diverged).tolist() == [3]
    assert (result.theta[3] == theta).all()
    others = numpy.arange(STACK) != 3
    assert result.theta[others].tobytes() == calm[others].tobytes()


def test_a_signal_stops_between_two_steps() -> None:
    sizes = [40] * (3 * STACK)
    x, y = rows_of(sizes)
    stop, seen = StopRequest(), list[int]()

    def report(done: int) -> None:
        seen.append(done)
        stop.signal = signal.SIGINT

    run = run_of(sizes, x, y, epochs=50_000)
    result = run.run(run.network.initialize(0, dtype=run.x.dtype), stop, report)
    assert not result.is_whole
    assert seen[-1] < len(sizes)


def test_long_runs_are_the_runs_of_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = rows_of(SIZES)
    whole = trained(run_of(SIZES, x, y, epochs=7))
    monkeypatch.setattr("backpass.training.stacked.run._PLACES", 3 * 32 * 3)
    assert trained(run_of(SIZES, x, y, epochs=7)).tobytes() == whole.tobytes()


def test_what_mixes_networks_cannot_be_stacked() -> None:
    network = dense_network(3, (4,), 1)
    assert stackable(network, optimizer_named("adamw"))
    assert not stackable(network, optimizer_named("adamw", OptimizerOptions(max_grad_norm=1.0)))
    assert not stackable(Network(3, (*network.layers[:1], Dropout(0.1), *network.layers[1:])), optimizer_named("sgd"))

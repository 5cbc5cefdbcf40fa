"""Optimizers: each against its slow twin over a hundred steps; decay masks, factors, clipping, settings per step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy
import pytest

import slow_twins
from backpass.circuit import trace
from backpass.errors import UsageError
from backpass.notes import gradient_descent
from backpass.training import OPTIMIZERS, SCHEDULES, Optimizer, OptimizerOptions, optimizer_named
from backpass.training.optimizer import Clip, Moments, Momentum, Scale

Floats = numpy.ndarray[Any, Any]
ALPHA, STEPS = 0.02, 100
START = numpy.random.default_rng(0).normal(size=12)


def gradient(theta: Floats) -> Floats:
    """Of a bowl that is not round, with ripples."""
    return numpy.linspace(0.1, 3, 12) * theta + numpy.sin(5 * theta)


def path(
    optimizer: Optimizer, steps: int = STEPS, rates: Floats | None = None, dtype: Any = numpy.float64
) -> list[Floats]:
    """theta after each step: the optimizer as a circuit, run by hand on its settings table."""
    theta = START.astype(dtype)
    memory: Any = [numpy.zeros_like(theta) for _ in range(optimizer.memories)]
    columns = numpy.zeros(len(optimizer.columns), dtype)
    circuit = trace(optimizer, [theta, theta, list(memory), columns])
    table = optimizer.settings(numpy.full(steps, ALPHA) if rates is None else rates, 0).astype(dtype)
    found = []
    for row in table:
        theta, memory = circuit(theta, gradient(theta).astype(dtype), memory, row)
        found.append(theta)
    return found


def assert_path(optimizer: Optimizer, twin: Iterator[Floats], rates: Floats | None = None) -> None:
    for found, expected in zip(path(optimizer, rates=rates), islice(twin, STEPS), strict=True):
        numpy.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


TWINS: dict[str, Callable[[], Iterator[Floats]]] = {
    "sgd": lambda: gradient_descent(START, gradient, ALPHA),
    "momentum": lambda: slow_twins.momentum(START, gradient, ALPHA, 0.9),
    "nesterov": lambda: slow_twins.nesterov(START, gradient, ALPHA, 0.9),
    "adam": lambda: slow_twins.adam(START, gradient, ALPHA, 0.9, 0.999, 1e-8),
    "adamw": lambda: slow_twins.adamw(START, gradient, ALPHA, 0.9, 0.999, 1e-8, 0.0),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizer_is_its_twin(name: str) -> None:
    assert_path(optimizer_named(name), TWINS[name]())


def test_other_options() -> None:
    options = OptimizerOptions(momentum=0.5, beta1=0.8, beta2=0.95, epsilon=1e-3)
    assert_path(optimizer_named("momentum", options), slow_twins.momentum(START, gradient, ALPHA, 0.5))
    assert_path(optimizer_named("nesterov", options), slow_twins.nesterov(START, gradient, ALPHA, 0.5))
    assert_path(optimizer_named("adam", options), slow_twins.adam(START, gradient, ALPHA, 0.8, 0.95, 1e-3))
    options = OptimizerOptions(beta2=0.3)  # 1 - beta2 and 1 modulo beta2 differ
    assert_path(optimizer_named("adam", options), slow_twins.adam(START, gradient, ALPHA, 0.9, 0.3, 1e-8))
    nothing = OptimizerOptions(momentum=0.0, beta1=0.0)
    assert_path(optimizer_named("momentum", nothing), TWINS["sgd"]())
    assert_path(optimizer_named("nesterov", nothing), TWINS["sgd"]())
    assert_path(optimizer_named("adam", nothing), slow_twins.adam(START, gradient, ALPHA, 0.0, 0.999, 1e-8))


def test_rules_by_themselves_have_the_defaults_of_the_options() -> None:
    options = OptimizerOptions()
    assert Momentum().mu == options.momentum
    assert (Moments().beta1, Moments().beta2, Moments().epsilon) == (options.beta1, options.beta2, options.epsilon)


def test_adamw_decays_apart_from_the_moments() -> None:
    """The paper's lambda is alpha lambda here; a schedule eta_t multiplies both terms, as in the paper."""
    optimizer = optimizer_named("adamw", OptimizerOptions(weight_decay=0.3))
    assert_path(optimizer, slow_twins.adamw(START, gradient, ALPHA, 0.9, 0.999, 1e-8, ALPHA * 0.3))
    eta = SCHEDULES["cosine"](numpy.arange(STEPS) / STEPS)
    twin = slow_twins.adamw(START, gradient, ALPHA, 0.9, 0.999, 1e-8, ALPHA * 0.3, lambda t: eta[t - 1])
    assert_path(optimizer, twin, rates=ALPHA * eta)


@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov", "adam"])
def test_decay_of_the_others_is_an_l2_penalty(name: str) -> None:
    """Minimizing J + decay / 2 |theta|^2 on the elements of the mask: biases, where it is 0, are left alone."""
    mask = numpy.array([1.0, 0.0] * 6)
    penalized = lambda theta: gradient(theta) + 0.3 * mask * theta
    twins: dict[str, Iterator[Floats]] = {
        "sgd": gradient_descent(START, penalized, ALPHA),
        "momentum": slow_twins.momentum(START, penalized, ALPHA, 0.9),
        "nesterov": slow_twins.nesterov(START, penalized, ALPHA, 0.9),
        "adam": slow_twins.adam(START, penalized, ALPHA, 0.9, 0.999, 1e-8),
    }
    optimizer = optimizer_named(name, OptimizerOptions(weight_decay=0.3), decay_mask=mask)
    assert_path(optimizer, twins[name])


def test_adamw_decay_mask() -> None:
    mask = numpy.array([1.0, 0.0] * 6)
    decayed = path(optimizer_named("adamw", OptimizerOptions(weight_decay=0.3), decay_mask=mask))
    plain = path(optimizer_named("adamw"))
    fully = path(optimizer_named("adamw", OptimizerOptions(weight_decay=0.3)))
    assert decayed[0][1::2].tobytes() == plain[0][1::2].tobytes()
    assert decayed[0][::2].tobytes() == fully[0][::2].tobytes()


def test_decay_factors_and_learning_rate_factors_multiply() -> None:
    """With f for both, an element decays by alpha lambda f^2 a step: what RealMLP's code does."""
    f = numpy.array([0.0, 1.0, 6.0] * 4)
    options = OptimizerOptions(weight_decay=0.3)
    (decayed,) = path(optimizer_named("adamw", options, decay_mask=f, factors=f), 1)
    (plain,) = path(optimizer_named("adamw", factors=f), 1)
    numpy.testing.assert_allclose(plain - decayed, ALPHA * 0.3 * f * f * START, rtol=1e-10, atol=1e-15)


def test_a_schedule_of_weight_decay_is_its_column() -> None:
    optimizer = optimizer_named("adamw", OptimizerOptions(weight_decay=0.3))
    column = optimizer.columns.index("weight_decay")
    assert optimizer.settings(numpy.ones(4), 0)[:, column].tolist() == [0.3] * 4
    factors = {"weight_decay": numpy.array([1.0, 0.5, 0.25, 0.0])}
    assert optimizer.settings(numpy.ones(4), 0, factors)[:, column].tolist() == [0.3, 0.15, 0.075, 0.0]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_factors_multiply_the_learning_rate_per_element(name: str) -> None:
    factors = numpy.array([0.0, 1.0, 2.0] * 4)
    (scaled,), (plain,) = path(optimizer_named(name, factors=factors), 1), path(optimizer_named(name), 1)
    numpy.testing.assert_allclose(START - scaled, factors * (START - plain), rtol=1e-12, atol=1e-16)
    last = path(optimizer_named(name, factors=factors))[-1]
    assert last[::3].tobytes() == START[::3].tobytes(), "a factor of 0 freezes"


@pytest.mark.parametrize("length", [0.5, 1e3])
def test_clipping_shortens_the_whole_gradient(length: float) -> None:
    def clipped(theta: Floats) -> Floats:
        g = gradient(theta)
        return g * min(1.0, length / float(numpy.sqrt((g**2).sum())))

    optimizer = optimizer_named("momentum", OptimizerOptions(max_grad_norm=length))
    assert_path(optimizer, slow_twins.momentum(START, clipped, ALPHA, 0.9))


def test_clipping_of_a_zero_gradient() -> None:
    u, _ = Clip(1.0).update(numpy.zeros(3), (), numpy.ones(3), {})
    assert u.tolist() == [0, 0, 0]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_settings_are_per_step_and_independent_of_where_the_table_is_cut(name: str) -> None:
    optimizer = optimizer_named(name)
    rates = numpy.linspace(0.1, 0.001, 30)
    whole = optimizer.settings(rates, 0)
    assert whole.shape == (30, len(optimizer.columns))
    for cut in (0, 1, 13, 30):
        parts = [optimizer.settings(rates[:cut], 0), optimizer.settings(rates[cut:], cut)]
        assert numpy.concatenate(parts).tobytes() == whole.tobytes()
    assert whole[:, optimizer.columns.index("learning_rate")].tolist() == rates.tolist()


def test_learning_rates_per_step() -> None:
    rates = 0.1 / numpy.arange(1, STEPS + 1)
    theta, found = START, path(optimizer_named("sgd"), rates=rates)
    for rate, expected in zip(rates, found, strict=True):
        theta = theta - rate * gradient(theta)
        numpy.testing.assert_allclose(expected, theta, rtol=1e-13)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_float32_stays_float32(name: str) -> None:
    options = OptimizerOptions(weight_decay=0.01, max_grad_norm=1.0)
    optimizer = optimizer_named(name, options, decay_mask=numpy.ones(12), factors=numpy.ones(12))
    narrow = path(optimizer, 20, dtype=numpy.float32)
    assert narrow[-1].dtype == numpy.float32
    numpy.testing.assert_allclose(narrow[-1], path(optimizer, 20)[-1], rtol=1e-3, atol=1e-4)


def test_a_chain_counts_its_memories_and_columns() -> None:
    optimizer = optimizer_named("adamw", OptimizerOptions(weight_decay=0.1, max_grad_norm=1.0))
    assert [type(rule).__name__ for rule in optimizer.rules] == ["Clip", "Moments", "Decay", "Scale"]
    assert optimizer.memories == 2
    assert optimizer.columns == ("bias_correction1", "bias_correction2", "weight_decay", "learning_rate")
    with pytest.raises(KeyError):
        Scale().column("mu", 0, 1)


def test_an_unknown_optimizer_gets_the_nearest() -> None:
    with pytest.raises(UsageError, match="unknown optimizer 'adma'") as caught:
        optimizer_named("adma")
    assert caught.value.hint == "did you mean 'adam'?"

"""Exercises: checks an answer to an exercise of the lessons on drawn numbers.

An answer is a function. It is compared with what the library computes, or with central differences, on twenty draws;
the verdict says at which draw and in which element it differs, not why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.circuit import value_and_grad
from backpass.dataclass import dataclass
from backpass.errors import UsageError
from backpass.network import Dense, Network, Unit, Wired, dense_network, loss_named, mean_loss
from backpass.notes.columns import theta_from_columns
from backpass.training import OptimizerOptions, optimizer_named
from backpass.training.function import fit_function

Floats = NDArray[Any]
DRAWS, TOLERANCE = 20, 1e-6


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a check.

    Attributes:
        is_right: Whether the answer is right.
        text: What was found.
    """

    is_right: bool
    text: str

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Exercise:
    """An exercise.

    Attributes:
        names: The names of what an answer returns, one per value.
        draw: From a random generator to arguments of the answer.
        solve: From these arguments to the right values, one per name.
    """

    names: tuple[str, ...]
    draw: Callable[[numpy.random.Generator], tuple[Any, ...]]
    solve: Callable[..., Sequence[Any]]


def check_exercise(number: int, answer: Callable[..., Any]) -> Verdict:
    """Compare an answer with the right values on twenty draws.

    Args:
        number: The number of the lesson.
        answer: The function that the lesson asks for.

    Raises:
        UsageError: If there is no exercise of this number.

    >>> check_exercise(1, lambda w, b: b / w)
    not yet: in draw 1 the kink is 1.05, your answer -1.05
    >>> check_exercise(1, lambda w, b: -b / w)
    right in 20 of 20 draws
    """
    if number not in EXERCISES:
        raise UsageError(f"there are exercises 1 to {len(EXERCISES)}; got {number}")
    exercise = EXERCISES[number]
    for i in range(DRAWS):
        arguments = exercise.draw(numpy.random.default_rng(i))
        expected = exercise.solve(*arguments)
        found = answer(*_copied(arguments))
        values = found if len(exercise.names) > 1 else (found,)
        if not isinstance(values, tuple | list) or len(values) != len(exercise.names):
            return Verdict(False, f"not yet: expected {len(exercise.names)} values: {', '.join(exercise.names)}")
        for name, wanted, got in zip(exercise.names, expected, values, strict=True):
            problem = _problem(name, numpy.asarray(wanted, float), got)
            if problem:
                return Verdict(False, f"not yet: in draw {i + 1} {problem}")
    return Verdict(True, f"right in {DRAWS} of {DRAWS} draws")


def _copied(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(each.copy() if isinstance(each, numpy.ndarray) else each for each in arguments)


def _problem(name: str, wanted: Floats, got: Any) -> str:
    """What is wrong with one value; empty if nothing is."""
    try:
        found = numpy.asarray(got, float)
    except (TypeError, ValueError):
        return f"{name} is not an array of numbers: {got!r}"
    if found.shape != wanted.shape:
        return f"{name} has shape {list(wanted.shape)}, your answer {list(found.shape)}"
    wrong = ~(abs(found - wanted) <= TOLERANCE * max(1.0, abs(wanted).max(initial=0.0)))
    if not wrong.any():
        return ""
    at = tuple(int(i) for i in numpy.argwhere(wrong)[0])
    where = "".join(f"[{i}]" for i in at)
    return f"{name}{where} is {wanted[at]:.3g}, your answer {found[at]:.3g}"


# The exercises --------------------------------------------------------------------------------------------------------


def _neuron(rng: numpy.random.Generator) -> tuple[Any, ...]:
    return float(rng.normal()), float(rng.normal())


def _wiring(rng: numpy.random.Generator) -> tuple[Any, ...]:
    d, units = int(rng.integers(2, 7)), int(rng.integers(1, 5))
    return ([sorted(rng.choice(d, int(rng.integers(1, d + 1)), replace=False).tolist()) for _ in range(units)],)


def _wired_count(wires: list[list[int]]) -> list[int]:
    units = tuple(Unit(f"unit {j}", tuple(inputs)) for j, inputs in enumerate(wires))
    return [Network(1 + max(map(max, wires)), (Wired(units), Dense(1))).parameter_count]


def _two_layers(rng: numpy.random.Generator, n: int | None = None) -> tuple[Any, ...]:
    d, m = (int(k) for k in rng.integers(2, 5, size=2))
    n = n or int(rng.integers(2, 5))
    return (
        rng.normal(size=(m, d)),
        rng.normal(size=(m, 1)),
        rng.normal(size=(1, m)),
        rng.normal(size=(1, 1)),
        (rng.normal(size=(d, n))),
    )


def _outputs(W1: Floats, b1: Floats, W2: Floats, b2: Floats, X: Floats) -> list[Floats]:
    network = dense_network(X.shape[0], (len(W1),), 1)
    return [network(theta_from_columns(network, [W1, W2], [b1, b2]), X.T).T]


def _collapse(W1: Floats, b1: Floats, W2: Floats, b2: Floats) -> list[Floats]:
    network = dense_network(W1.shape[1], (len(W1),), 1, activation="identity")
    W, b = network.collapse(theta_from_columns(network, [W1, W2], [b1, b2]))
    return [W.T, b[:, None]]


def _example(rng: numpy.random.Generator) -> tuple[Any, ...]:
    return *_two_layers(rng, n=1), float(rng.normal())


def _bias_gradients(W1: Floats, b1: Floats, W2: Floats, b2: Floats, x: Floats, y: float) -> list[Floats]:
    """dJ/db^[1] and dJ/db^[2] by central differences."""

    def J(b1: Floats, b2: Floats) -> float:  # noqa: N802  the notes' name
        return 0.5 * float((W2 @ numpy.maximum(W1 @ x + b1, 0) + b2 - y).item() ** 2)

    step, db1 = 1e-5, numpy.zeros_like(b1)
    for j in range(len(b1)):
        e = numpy.zeros_like(b1)
        e[j] = step
        db1[j] = (J(b1 + e, b2) - J(b1 - e, b2)) / (2 * step)
    return [db1, numpy.array([[(J(b1, b2 + step) - J(b1, b2 - step)) / (2 * step)]])]


def _layer(rng: numpy.random.Generator) -> tuple[Any, ...]:
    n, d, m = (int(k) for k in rng.integers(2, 5, size=3))
    return rng.normal(size=(n, m)), rng.normal(size=(n, d)), rng.normal(size=(d, m))


def _layer_gradients(dZ: Floats, X: Floats, W: Floats) -> Sequence[Floats]:
    both = value_and_grad(lambda t: (dZ * (t["X"] @ t["W"] + t["b"])).sum())
    found = both({"X": X, "W": W, "b": numpy.zeros(W.shape[1])})[1]
    return [found["W"], found["b"], found["X"]]


def _batch(rng: numpy.random.Generator) -> tuple[Any, ...]:
    d, n = 3, int(rng.integers(4, 8))
    rows = rng.choice(n, int(rng.integers(1, 4)), replace=False)
    return rng.normal(size=d), rng.normal(size=(n, d)), rng.normal(size=n), rows, float(rng.uniform(0.01, 0.2))


def _step(theta: Floats, x: Floats, y: Floats, rows: Floats, alpha: float) -> list[Floats]:
    """One step of mini-batch SGD on the linear model theta^T x by the library's loss."""

    def J(theta: Any) -> Any:  # noqa: N802  the notes' name
        h = (x[rows] @ theta).reshape(len(rows), 1)
        return mean_loss(loss_named("squared"), h, y[rows][:, None], numpy.ones(len(rows)))

    return [theta - alpha * value_and_grad(J)(theta)[1]]


def _features(rng: numpy.random.Generator) -> tuple[Any, ...]:
    m = int(rng.integers(2, 5))
    return rng.normal(size=(12, m)), rng.normal(size=12)


def _least_squares(phi: Floats, y: Floats) -> list[Any]:
    """The last layer at which the gradient of J is zero, by one Newton step, exact for a quadratic J."""
    m = phi.shape[1]

    def slope(w: Floats) -> Floats:
        found: Floats = value_and_grad(lambda w: 0.5 * ((phi @ w[:m] + w[m] - y) ** 2).mean())(w)[1]
        return found

    start = slope(numpy.zeros(m + 1))
    hessian = numpy.stack([slope(e) - start for e in numpy.eye(m + 1)], axis=1)
    found = -numpy.linalg.solve(hessian, start)
    return [found[:m], found[m]]


def _bowl(rng: numpy.random.Generator) -> tuple[Any, ...]:
    curvature = rng.uniform(0.1, 5.0, size=3)
    return rng.normal(size=3), lambda theta: curvature * theta, float(rng.uniform(0.01, 0.1)), int(rng.integers(1, 6))


def _adam(theta: Floats, gradient: Callable[[Floats], Floats], alpha: float, steps: int) -> list[Floats]:
    """theta after some steps of the library's Adam on J = 1/2 sum of c_k theta_k^2."""
    curvature = gradient(numpy.ones_like(theta))
    fitted = fit_function(
        lambda theta, x: (0.5 * curvature * theta**2).sum() * x,
        theta,
        numpy.ones(1),
        numpy.zeros(1),
        loss=lambda h, y: h - y,
        optimizer=optimizer_named("adam", OptimizerOptions()),
        learning_rate=alpha,
        sampling="full",
        epochs=steps,
    )
    return [fitted.theta]


EXERCISES: dict[int, Exercise] = {
    1: Exercise(("the kink",), _neuron, lambda w, b: [-b / w]),
    2: Exercise(("the number of parameters",), _wiring, _wired_count),
    3: Exercise(("h",), _two_layers, _outputs),
    4: Exercise(("W", "b"), lambda rng: _two_layers(rng)[:4], _collapse),
    5: Exercise(("db1", "db2"), _example, _bias_gradients),
    6: Exercise(("dW", "db", "dX"), _layer, _layer_gradients),
    7: Exercise(("theta",), _batch, _step),
    8: Exercise(("w", "b"), _features, _least_squares),
    9: Exercise(("theta",), _bowl, _adam),
}
"""The exercise of each lesson, by its number."""

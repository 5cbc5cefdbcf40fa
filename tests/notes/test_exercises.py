"""Exercises of the lessons: right answers pass, and each wrong one is refused at the element that is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import pytest

from backpass.errors import UsageError
from backpass.notes.exercises import EXERCISES, check_exercise


def bias_gradients(W1: Any, b1: Any, W2: Any, b2: Any, x: Any, y: Any) -> Any:
    z = W1 @ x + b1
    delta2 = W2 @ numpy.maximum(z, 0) + b2 - y
    return (W2.T @ delta2) * (z >= 0), delta2


def least_squares(phi: Any, y: Any) -> Any:
    found = numpy.linalg.lstsq(numpy.column_stack([phi, numpy.ones(len(y))]), y, rcond=None)[0]
    return found[:-1], found[-1]


def adam(theta: Any, gradient: Any, alpha: float, steps: int, *, corrected: bool = True) -> Any:
    mu, nu = numpy.zeros_like(theta), numpy.zeros_like(theta)
    for t in range(1, steps + 1):
        g = gradient(theta)
        mu, nu = 0.9 * mu + 0.1 * g, 0.999 * nu + 0.001 * g**2
        c1, c2 = (1 - 0.9**t, 1 - 0.999**t) if corrected else (1.0, 1.0)
        theta = theta - alpha * (mu / c1) / (numpy.sqrt(nu / c2) + 1e-8)
    return theta


RIGHT: dict[int, Callable[..., Any]] = {
    1: lambda w, b: -b / w,
    2: lambda wires: sum(len(unit) + 1 for unit in wires) + len(wires) + 1,
    3: lambda W1, b1, W2, b2, X: W2 @ numpy.maximum(W1 @ X + b1, 0) + b2,
    4: lambda W1, b1, W2, b2: (W2 @ W1, W2 @ b1 + b2),
    5: bias_gradients,
    6: lambda dZ, X, W: (X.T @ dZ, dZ.sum(axis=0), dZ @ W.T),
    7: lambda theta, x, y, rows, alpha: theta - alpha / len(rows) * x[rows].T @ (x[rows] @ theta - y[rows]),
    8: least_squares,
    9: adam,
}
WRONG: dict[int, tuple[Callable[..., Any], str]] = {
    1: (lambda w, b: b / w, "the kink is"),
    2: (lambda wires: sum(len(unit) + 1 for unit in wires), "the number of parameters is"),
    3: (lambda W1, b1, W2, b2, X: (W2 @ numpy.maximum(W1 @ X + b1, 0) + b2).T, "h has shape [1, "),
    4: (lambda W1, b1, W2, b2: (W2 @ W1, b1 + b2), "b has shape [1, 1], your answer ["),
    5: (lambda W1, b1, W2, b2, x, y: bias_gradients(W1, 0 * b1, W2, b2, x, y), "db"),
    6: (lambda dZ, X, W: (X.T @ dZ, dZ.mean(axis=0), dZ @ W.T), "db[0] is"),
    7: (lambda theta, x, y, rows, alpha: theta - alpha * x[rows].T @ (x[rows] @ theta - y[rows]), "theta[0] is"),
    8: (lambda phi, y: (numpy.linalg.lstsq(phi, y, rcond=None)[0], 0.0), "w[0] is"),
    9: (lambda theta, gradient, alpha, steps: adam(theta, gradient, alpha, steps, corrected=False), "theta[0] is"),
}


@pytest.mark.parametrize("number", EXERCISES)
def test_the_right_answer_is_right(number: int) -> None:
    verdict = check_exercise(number, RIGHT[number])
    assert verdict.is_right
    assert str(verdict) == "right in 20 of 20 draws"


@pytest.mark.parametrize("number", EXERCISES)
def test_a_wrong_answer_is_told_where(number: int) -> None:
    answer, where = WRONG[number]
    verdict = check_exercise(number, answer)
    assert not verdict.is_right
    assert verdict.text.startswith("not yet: in draw ")
    assert where in verdict.text


@pytest.mark.parametrize("found", [None, 3.0, (1.0, 2.0, 3.0)])
def test_the_number_of_values_is_told(found: Any) -> None:
    assert str(check_exercise(4, lambda *arguments: found)) == "not yet: expected 2 values: W, b"


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (None, "the kink is 1.05, your answer nan"),
        (float("nan"), "the kink is 1.05, your answer nan"),
        ("x", "the kink is not an array of numbers: 'x'"),
    ],
)
def test_what_is_no_number_is_told(found: Any, text: str) -> None:
    assert str(check_exercise(1, lambda w, b: found)) == f"not yet: in draw 1 {text}"


def test_an_answer_cannot_change_what_it_is_compared_with() -> None:
    def spoils(theta: Any, x: Any, y: Any, rows: Any, alpha: float) -> Any:
        found = RIGHT[7](theta, x, y, rows, alpha)
        theta[:] = x[:] = y[:] = 0.0
        return found

    assert check_exercise(7, spoils).is_right


def test_an_unknown_exercise_is_an_error() -> None:
    with pytest.raises(UsageError, match="there are exercises 1 to 9; got 10"):
        check_exercise(10, RIGHT[1])

"""Costs: squared costs and the algorithms that lower them, as in section 1 of the notes.

Everything here takes plain numbers and NumPy arrays and takes one step at a time. Networks live in ``networks``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy
from numpy.typing import NDArray

Floats = NDArray[Any]


def nonlinear_model(theta: Sequence[float], x: Sequence[float]) -> float:
    """h = theta_1^2 x_1^2 + ... + theta_d^2 x_d^2, which is not a network    CS229 footnote 1

    >>> nonlinear_model([2.0, 1.0], [3.0, 1.0])
    37.0
    """
    h = 0.0
    for i in range(len(theta)):
        h += theta[i] ** 2 * x[i] ** 2
    return h


def squared_cost(h: float, y: float) -> float:
    """J^(i) = 1/2 (h - y)^2    CS229 (1.1)

    >>> squared_cost(1.0, 3.0)
    2.0
    """
    return 0.5 * (h - y) ** 2  # (1.1)


def mean_squared_cost(h: Sequence[float], y: Sequence[float]) -> float:
    """J = 1/n sum of J^(i)    CS229 (1.2)

    h, y: n numbers

    >>> mean_squared_cost([1.0, 2.0], [3.0, 2.0])
    1.0
    """
    n = len(y)
    J = 0.0
    for i in range(n):
        J += squared_cost(h[i], y[i])
    return J / n  # (1.2)


def gradient_descent(theta: Floats, gradient: Callable[[Floats], Floats], alpha: float) -> Iterator[Floats]:
    """theta after 1, 2, ... steps of theta := theta - alpha grad J(theta), without end    CS229 (1.3), footnote 2

    Args:
        theta: The initial parameters (P,).
        gradient: theta -> the gradient of J.
        alpha: The learning rate.

    >>> steps = gradient_descent(numpy.array([1.0]), lambda theta: 2.0 * theta, alpha=0.25)
    >>> next(steps), next(steps)
    (array([0.5]), array([0.25]))
    """
    while True:
        theta = theta - alpha * gradient(theta)  # (1.3)
        yield theta


def algorithm_1(
    theta: Floats, gradient_of: Callable[[Floats, int], Floats], alpha: float, sampled: Sequence[int]
) -> Iterator[Floats]:
    """theta after each iteration of stochastic gradient descent    CS229 Algorithm 1, (1.4)

    Args:
        theta: The initial parameters (P,), drawn at random.
        gradient_of: (theta, j) -> the gradient of J^(j), the cost of example j.
        alpha: The learning rate.
        sampled: The example j of each iteration, drawn uniformly with replacement; its length is n_iter.

    >>> x = numpy.array([1.0, 3.0])
    >>> [float(theta) for theta in algorithm_1(numpy.array(0.0), lambda theta, j: theta - x[j], 0.5, [1, 0])]
    [1.5, 1.25]
    """
    for j in sampled:
        theta = theta - alpha * gradient_of(theta, j)  # (1.4)
        yield theta


def algorithm_2(
    theta: Floats, gradient_of: Callable[[Floats, int], Floats], alpha: float, sampled: Sequence[Sequence[int]]
) -> Iterator[Floats]:
    """theta after each iteration of mini-batch stochastic gradient descent    CS229 Algorithm 2, (1.5)

    Args:
        theta: The initial parameters (P,), drawn at random.
        gradient_of: (theta, j) -> the gradient of J^(j), the cost of example j.
        alpha: The learning rate.
        sampled: The examples j_1, ..., j_B of each iteration, drawn without replacement; its length is n_iter.

    >>> x = numpy.array([1.0, 3.0])
    >>> [float(theta) for theta in algorithm_2(numpy.array(0.0), lambda theta, j: theta - x[j], 0.5, [[1, 0]])]
    [1.0]
    """
    for batch in sampled:
        B = len(batch)
        total = numpy.zeros_like(theta)
        for j in batch:
            total = total + gradient_of(theta, j)
        theta = theta - alpha / B * total  # (1.5)
        yield theta

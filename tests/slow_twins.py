"""Slow twins of what the notes do not have: optimizers as in their papers, and intervals row by row.

Nothing here is fast and nothing imports the library. Those of the notes are ``backpass.notes``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import sqrt
from typing import Any

import numpy

Floats = numpy.ndarray[Any, Any]
Gradient = Callable[[Floats], Floats]
"""theta -> the gradient of J at theta."""


def momentum(theta: Floats, gradient: Gradient, alpha: float, mu: float) -> Iterator[Floats]:
    """v := mu v - alpha g(theta), theta := theta + v (Polyak 1964, as in Sutskever et al. 2013, eqs. (1), (2))"""
    v = numpy.zeros_like(theta)
    while True:
        v = mu * v - alpha * gradient(theta)
        theta = theta + v
        yield theta


def nesterov(theta: Floats, gradient: Gradient, alpha: float, mu: float) -> Iterator[Floats]:
    """v := mu v - alpha g(theta + mu v), theta := theta + v (Sutskever et al. 2013, eqs. (3), (4))

    Gives the look-ahead points theta + mu v, where gradients are taken: they are what libraries call theta.
    """
    v = numpy.zeros_like(theta)
    while True:
        v = mu * v - alpha * gradient(theta + mu * v)
        theta = theta + v
        yield theta + mu * v


def adam(
    theta: Floats, gradient: Gradient, alpha: float, beta1: float, beta2: float, epsilon: float
) -> Iterator[Floats]:
    """Kingma & Ba 2015, Algorithm 1, element by element."""
    theta = theta.copy()
    m, v, t = [0.0] * len(theta), [0.0] * len(theta), 0
    while True:
        t += 1
        g = gradient(theta)
        theta = theta.copy()
        for i in range(len(theta)):
            m[i] = beta1 * m[i] + (1 - beta1) * g[i]
            v[i] = beta2 * v[i] + (1 - beta2) * g[i] ** 2
            m_hat = m[i] / (1 - beta1**t)
            v_hat = v[i] / (1 - beta2**t)
            theta[i] -= alpha * m_hat / (sqrt(v_hat) + epsilon)
        yield theta


def adamw(
    theta: Floats,
    gradient: Gradient,
    alpha: float,
    beta1: float,
    beta2: float,
    epsilon: float,
    decay: float,
    eta: Callable[[int], float] = lambda t: 1.0,
) -> Iterator[Floats]:
    """Loshchilov & Hutter 2019, Algorithm 2: theta := theta - eta_t (alpha m^ / (sqrt(v^) + epsilon) + decay theta)"""
    theta = theta.copy()
    m, v, t = [0.0] * len(theta), [0.0] * len(theta), 0
    while True:
        t += 1
        g = gradient(theta)
        theta = theta.copy()
        for i in range(len(theta)):
            m[i] = beta1 * m[i] + (1 - beta1) * g[i]
            v[i] = beta2 * v[i] + (1 - beta2) * g[i] ** 2
            m_hat = m[i] / (1 - beta1**t)
            v_hat = v[i] / (1 - beta2**t)
            theta[i] -= eta(t) * (alpha * m_hat / (sqrt(v_hat) + epsilon) + decay * theta[i])
        yield theta


def errors_by_spread(
    predicted: Sequence[float], errors: Sequence[float], weights: Sequence[float]
) -> tuple[list[float], Callable[[float], float]]:
    """The relative error of each row, and the factor of any prediction, row by row as ``Spread`` defines them."""
    count = min(12, len(errors) // 25)
    in_order, everything = sorted(zip(predicted, weights, strict=True)), sum(weights)
    knots = []
    for j in range(count):
        below = 0.0
        for p, w in in_order:
            below += w
            if below / everything >= (2 * j + 1) / (2 * count) - 1e-9:
                knots += [p] if p not in knots else []
                break
    mean = sum(w * e for w, e in zip(weights, errors, strict=True)) / everything
    prior = 5.0 * everything / len(errors)

    def hat(j: int, p: float) -> float:
        p = min(max(p, knots[0]), knots[-1])
        if j > 0 and knots[j - 1] <= p <= knots[j]:
            return (p - knots[j - 1]) / (knots[j] - knots[j - 1])
        if j < len(knots) - 1 and knots[j] <= p <= knots[j + 1]:
            return (knots[j + 1] - p) / (knots[j + 1] - knots[j])
        return float(p == knots[j])

    def factor(p: float, left_out: int | None = None) -> float:
        found = 0.0
        for j in range(len(knots)):
            size, rows = prior * mean, prior
            for i, (own, e, w) in enumerate(zip(predicted, errors, weights, strict=True)):
                used = w - (min(w, 1.0) if i == left_out else 0.0)
                size, rows = size + used * hat(j, own) * e, rows + used * hat(j, own)
            each = size / rows / mean
            found += hat(j, p) * (each if left_out is not None else max(each, 0.1))
        return max(found, 0.1)

    relative = [e / factor(p, i) for i, (p, e) in enumerate(zip(predicted, errors, strict=True))]
    return relative, factor

"""Slow twins of the optimizers that the notes do not have, written out as in their papers, to be checked by hand.

Nothing here is fast and nothing imports the library. Those of the notes are ``backpass.notes``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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

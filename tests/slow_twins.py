"""The slow twins: the notes' equations and algorithms written out line by line, to be checked by hand.

Nothing here is fast and nothing imports the library. The notes' convention holds throughout: a vector is a column, W is
(m, d), W x + b. Tests compare the library with these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import exp, sqrt
from typing import Any

import numpy

Floats = numpy.ndarray[Any, Any]
Gradient = Callable[[Floats], Floats]
"""theta -> the gradient of J at theta."""


# Section 2: networks --------------------------------------------------------------------------------------------------


def relu(t: float) -> float:
    """max(t, 0)    eq. (2.1)"""
    return t if t > 0 else 0.0


def single_neuron(w: Sequence[float], b: float, x: Sequence[float]) -> float:
    """ReLU(w^T x + b)    eqs. (2.1), (2.2)"""
    z = b
    for i in range(len(x)):
        z += w[i] * x[i]
    return relu(z)


def wired_house(theta: Sequence[float], x: Sequence[float]) -> float:
    """Figure 2: x_1 size, x_2 bedrooms, x_3 zip code, x_4 wealth; theta_1 is ``theta[0]``    eq. (2.3)"""
    t = [0.0, *theta]  # counted from 1, as in the notes
    x1, x2, x3, x4 = x
    a1 = relu(t[1] * x1 + t[2] * x2 + t[3])
    a2 = relu(t[4] * x3 + t[5])
    a3 = relu(t[6] * x3 + t[7] * x4 + t[8])
    return t[9] * a1 + t[10] * a2 + t[11] * a3 + t[12]


def two_layers_by_loops(
    w1: Sequence[Sequence[float]], b1: Sequence[float], w2: Sequence[float], b2: float, x: Sequence[float]
) -> tuple[list[float], list[float], float]:
    """z, a and h_theta(x) with ``w1[j]`` = w_j^[1]: one number at a time    eqs. (2.5), (2.6)"""
    m, d = len(w1), len(x)
    z, a = [0.0] * m, [0.0] * m
    for j in range(m):
        z[j] = b1[j]
        for i in range(d):
            z[j] += w1[j][i] * x[i]
        a[j] = relu(z[j])
    h = b2
    for j in range(m):
        h += w2[j] * a[j]
    return z, a, h


def two_layers_by_matrices(W1: Floats, b1: Floats, W2: Floats, b2: Floats, x: Floats) -> tuple[Floats, Floats, Floats]:
    """z = W^[1] x + b^[1],  a = ReLU(z),  h = W^[2] a + b^[2]    eqs. (2.8)-(2.11)

    W1 (m, d)   b1 (m, 1)   W2 (1, m)   b2 (1, 1)   x (d, 1), or (d, n) as in eq. (4.2)
    """
    z = W1 @ x + b1
    a = numpy.maximum(z, 0)
    return z, a, W2 @ a + b2


def many_layers(Ws: Sequence[Floats], bs: Sequence[Floats], x: Floats) -> list[Floats]:
    """a^[0] = x, a^[1], ..., a^[r] = h_theta(x)    eqs. (2.12), (2.13)"""
    r = len(Ws)
    a = [x]
    for k in range(1, r):
        a.append(numpy.maximum(Ws[k - 1] @ a[k - 1] + bs[k - 1], 0))
    a.append(Ws[r - 1] @ a[r - 1] + bs[r - 1])
    return a


def sigmoid(z: float) -> float:
    """1 / (1 + e^-z)    eq. (2.14)"""
    return 1 / (1 + exp(-z))


def tanh(z: float) -> float:
    """(e^z - e^-z) / (e^z + e^-z)    eq. (2.15)"""
    return (exp(z) - exp(-z)) / (exp(z) + exp(-z))


# Section 3: backpropagation -------------------------------------------------------------------------------------------


@dataclass
class Backward:
    """What a backward pass computes: ``delta[k]``, ``dW[k]``, ``db[k]`` of layer k, counted from 1; and J."""

    J: float
    delta: dict[int, Floats]
    dW: dict[int, Floats]  # noqa: N815  the notes' name
    db: dict[int, Floats]


def algorithm_3(W1: Floats, b1: Floats, W2: Floats, b2: Floats, x: Floats, y: float) -> Backward:
    """Back-propagation for two-layer neural networks, J = 1/2 (y - o)^2, one example x (d, 1)."""
    # 1: compute the values of z, a and o
    z = W1 @ x + b1
    a = numpy.maximum(z, 0)
    o = W2 @ a + b2
    # 2: compute the deltas
    delta2 = o - y
    delta1 = (W2.T @ (o - y)) * (z >= 0)  # by eqs. (3.12), (3.13)
    # 3: compute the gradients
    dW2 = delta2 @ a.T  # eq. (3.5)
    db2 = delta2  # eq. (3.6)
    dW1 = delta1 @ x.T  # eq. (3.7)
    db1 = delta1
    J = 0.5 * float((y - o[0, 0]) ** 2)  # eq. (3.4)
    return Backward(J, {1: delta1, 2: delta2}, {1: dW1, 2: dW2}, {1: db1, 2: db2})


def algorithm_4(Ws: Sequence[Floats], bs: Sequence[Floats], x: Floats, y: float) -> Backward:
    """Back-propagation for multi-layer neural networks, J = 1/2 (a^[r] - y)^2, one example x (d, 1)."""
    r = len(Ws)
    W, b = dict(enumerate(Ws, 1)), dict(enumerate(bs, 1))
    # 1: compute and store the values of a^[k], z^[k] and J ("forward pass")
    a, z = {0: x}, {}
    for k in range(1, r + 1):
        z[k] = W[k] @ a[k - 1] + b[k]
        a[k] = numpy.maximum(z[k], 0) if k < r else z[k]
    J = 0.5 * float((a[r][0, 0] - y) ** 2)
    # 3: for k = r to 1 ("backward pass")
    delta, dW, db = {}, {}, {}
    for k in range(r, 0, -1):
        if k == r:
            delta[r] = z[r] - y  # eq. (3.16)
        else:
            delta[k] = (W[k + 1].T @ delta[k + 1]) * (z[k] >= 0)  # by eq. (3.19) and Claim 3.3
        dW[k] = delta[k] @ a[k - 1].T  # eq. (3.15)
        db[k] = delta[k]
    return Backward(J, delta, dW, db)


# Section 1: costs and optimizers --------------------------------------------------------------------------------------


def squared_cost(h: float, y: float) -> float:
    """J^(i) = 1/2 (h - y)^2    eq. (1.1)"""
    return 0.5 * (h - y) ** 2


def mean_squared_cost(h: Sequence[float], y: Sequence[float]) -> float:
    """J = 1/n sum of J^(i)    eq. (1.2)"""
    n = len(y)
    J = 0.0
    for i in range(n):
        J += squared_cost(h[i], y[i])
    return J / n


def gradient_descent(theta: Floats, gradient: Gradient, alpha: float) -> Iterator[Floats]:
    """theta := theta - alpha grad J(theta), for ever    eq. (1.3)"""
    while True:
        theta = theta - alpha * gradient(theta)
        yield theta


def algorithm_1(
    theta: Floats, gradient_of: Callable[[Floats, int], Floats], alpha: float, sampled: Sequence[int]
) -> Iterator[Floats]:
    """Stochastic gradient descent: ``sampled[i]`` is the example j drawn in iteration i    eq. (1.4)"""
    for j in sampled:
        theta = theta - alpha * gradient_of(theta, j)
        yield theta


def algorithm_2(
    theta: Floats, gradient_of: Callable[[Floats, int], Floats], alpha: float, sampled: Sequence[Sequence[int]]
) -> Iterator[Floats]:
    """Mini-batch SGD: ``sampled[i]`` are the examples j_1, ..., j_B of iteration i    eq. (1.5)"""
    for batch in sampled:
        B = len(batch)
        total = numpy.zeros_like(theta)
        for j in batch:
            total = total + gradient_of(theta, j)
        theta = theta - alpha / B * total
        yield theta


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

"""Networks: from a single neuron to r layers, by loops and by matrices, as in section 2 of the notes.

A vector is a column and W is (m, d), so that z = W x + b. Nothing here is fast. ``columns`` translates to the rows of
the library.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp
from typing import Any

import numpy
from numpy.typing import NDArray

Floats = NDArray[Any]


def relu(t: float) -> float:
    """ReLU(t) = max(t, 0)    CS229 (2.1)

    >>> relu(-2.0), relu(3.0)
    (0.0, 3.0)
    """
    return t if t > 0 else 0.0


def single_neuron(w: Sequence[float], b: float, x: Sequence[float]) -> float:
    """ReLU(w^T x + b); with one input the line with a kink    CS229 (2.1), (2.2), Figure 1

    w, x: d numbers

    >>> single_neuron([2.0], -1.0, [3.0]), single_neuron([2.0], -1.0, [0.0])
    (5.0, 0.0)
    """
    z = b
    for i in range(len(x)):
        z += w[i] * x[i]
    return relu(z)  # (2.2)


def wired_house(theta: Sequence[float], x: Sequence[float]) -> float:
    """The price of a house from three wired hidden units; theta_1 is ``theta[0]``    CS229 (2.3), Figure 2, footnote 3

    theta: 12 numbers   x: size, bedrooms, zip code, wealth

    >>> wired_house([1.0] * 12, [1.0] * 4)
    9.0
    """
    t = [0.0, *theta]  # counted from 1, as in the notes
    x1, x2, x3, x4 = x
    a1 = relu(t[1] * x1 + t[2] * x2 + t[3])  # family size
    a2 = relu(t[4] * x3 + t[5])  # walkable
    a3 = relu(t[6] * x3 + t[7] * x4 + t[8])  # school quality
    return t[9] * a1 + t[10] * a2 + t[11] * a3 + t[12]  # (2.3)


def two_layers_by_loops(
    w1: Sequence[Sequence[float]], b1: Sequence[float], w2: Sequence[float], b2: float, x: Sequence[float]
) -> tuple[list[float], list[float], float]:
    """z, a and h_theta(x) of a two-layer network, one number at a time    CS229 (2.4), (2.5), (2.6), Figure 3

    Args:
        w1: w_j^[1] of each hidden unit j, m vectors of d numbers.
        b1: b_j^[1], m numbers.
        w2: w^[2], m numbers.
        b2: b^[2].
        x: The inputs, d numbers.

    >>> two_layers_by_loops([[1.0, 1.0], [0.0, -1.0]], [0.0, 1.0], [2.0, 3.0], 0.5, [1.0, 2.0])
    ([3.0, -1.0], [3.0, 0.0], 6.5)
    """
    m, d = len(w1), len(x)
    z, a = [0.0] * m, [0.0] * m
    for j in range(m):
        z[j] = b1[j]
        for i in range(d):
            z[j] += w1[j][i] * x[i]  # (2.5)
        a[j] = relu(z[j])  # (2.4)
    h = b2
    for j in range(m):
        h += w2[j] * a[j]  # (2.6)
    return z, a, h


def stack_rows(w: Sequence[Sequence[float]]) -> Floats:
    """W^[1] (m, d): row j is w_j^T    CS229 (2.7)

    >>> stack_rows([[1.0, 2.0], [3.0, 4.0]])
    array([[1., 2.],
           [3., 4.]])
    """
    return numpy.array(w)  # (2.7)


def two_layers_by_matrices(W1: Floats, b1: Floats, W2: Floats, b2: Floats, x: Floats) -> tuple[Floats, Floats, Floats]:
    """z = W^[1] x + b^[1], a = ReLU(z), h = W^[2] a + b^[2]    CS229 (2.8), (2.9), (2.10), (2.11)

    W1 (m, d)   b1 (m, 1)   W2 (1, m)   b2 (1, 1)   x (d, 1), or (d, n) as in (4.2)   ->   z, a (m, 1), h (1, 1)

    >>> one = numpy.ones((1, 1))
    >>> [value.item() for value in two_layers_by_matrices(one, one, one, one, 2.0 * one)]
    [3.0, 3.0, 4.0]
    """
    z = W1 @ x + b1  # (2.8), (2.9)
    a = numpy.maximum(z, 0)  # (2.10)
    return z, a, W2 @ a + b2  # (2.11)


def many_layers(W: Sequence[Floats], b: Sequence[Floats], x: Floats) -> list[Floats]:
    """a^[0] = x, a^[1], ..., a^[r] = h_theta(x)    CS229 (2.12), (2.13)

    W^[k] (m_k, m_{k-1})   b^[k] (m_k, 1)   x (d, 1), or (d, n)

    >>> one = numpy.ones((1, 1))
    >>> [a.item() for a in many_layers([one, -one, one], [one, one, one], one)]
    [1.0, 2.0, 0.0, 1.0]
    """
    r = len(W)
    a = [x]
    for k in range(1, r):
        a.append(numpy.maximum(W[k - 1] @ a[k - 1] + b[k - 1], 0))  # (2.13)
    a.append(W[r - 1] @ a[r - 1] + b[r - 1])  # (2.12)
    return a


def sigmoid(z: float) -> float:
    """1 / (1 + e^-z)    CS229 (2.14)

    >>> sigmoid(0.0)
    0.5
    """
    return 1 / (1 + exp(-z))  # (2.14)


def tanh(z: float) -> float:
    """(e^z - e^-z) / (e^z + e^-z)    CS229 (2.15)

    >>> tanh(0.0)
    0.0
    """
    return (exp(z) - exp(-z)) / (exp(z) + exp(-z))  # (2.15)


def two_linear_layers(W1: Floats, W2: Floats, x: Floats) -> tuple[Floats, Floats]:
    """h with sigma(z) = z and no biases, and W~ = W^[2] W^[1]    CS229 (2.16), (2.17), (2.18), (2.19), (2.20)

    W1 (m, d)   W2 (1, m)   x (d, 1)   ->   h (1, 1), W~ (1, d) with W~ x = h

    >>> h, W = two_linear_layers(numpy.array([[1.0, 2.0]]), numpy.array([[3.0]]), numpy.array([[1.0], [1.0]]))
    >>> h, W
    (array([[9.]]), array([[3., 6.]]))
    """
    z = W1 @ x
    a = z  # sigma(z) = z: (2.17), (2.18)
    h = W2 @ a  # (2.16), (2.19)
    return h, W2 @ W1  # (2.20)


def linear_on_features(W: Floats, b: Floats, phi: Floats) -> Floats:
    """h = W^[r] phi_beta(x) + b^[r] with phi_beta(x) = a^[r-1]    CS229 (2.21)

    W (1, m_{r-1})   b (1, 1)   phi (m_{r-1}, 1)   ->   h (1, 1)

    >>> linear_on_features(numpy.array([[2.0]]), numpy.array([[1.0]]), numpy.array([[3.0]]))
    array([[7.]])
    """
    return W @ phi + b  # (2.21)

"""Backpropagation: Algorithms 3 and 4 and the claims behind them, line by line, as in section 3 of the notes.

A vector is a column, (m, 1). The library computes the same gradients for any function with ``backpass.grad``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.dataclass import dataclass

Floats = NDArray[Any]


@dataclass(frozen=True, slots=True)
class BackwardPass:
    """What a backward pass for one example computes; layers are counted from 1, a^[0] is x.

    Attributes:
        J: The cost 1/2 (y - h)^2.
        z: k -> z^[k] (m_k, 1).
        a: k -> a^[k] (m_k, 1), from k = 0.
        delta: k -> delta^[k] = dJ/dz^[k] (m_k, 1).
        dW: k -> dJ/dW^[k] (m_k, m_{k-1}).
        db: k -> dJ/db^[k] (m_k, 1).
    """

    J: float
    z: dict[int, Floats]
    a: dict[int, Floats]
    delta: dict[int, Floats]
    dW: dict[int, Floats]  # noqa: N815  the notes' name
    db: dict[int, Floats]


def chain_rule(dJ_dg: Floats, dg_dtheta: Floats) -> Floats:
    """dJ/dtheta_i = sum over j of dJ/dg_j dg_j/dtheta_i    CS229 (3.1), (3.2), (3.3)

    dJ_dg (k,)   dg_dtheta (k, p), row j the derivatives of g_j   ->   (p,)

    >>> chain_rule(numpy.array([1.0, 2.0]), numpy.array([[3.0, 0.0], [1.0, 1.0]]))
    array([5., 2.])
    """
    k, p = dg_dtheta.shape
    dJ = numpy.zeros(p)
    for i in range(p):
        for j in range(k):
            dJ[i] += dJ_dg[j] * dg_dtheta[j, i]  # (3.3)
    return dJ


def affine_gradients(dz: Floats, W: Floats, u: Floats) -> tuple[Floats, Floats, Floats]:
    """dJ/dW, dJ/db and dJ/du for z = W u + b and J = J(z)    CS229 Claim 3.2, Claim 3.4

    The equations are CS229 (3.8), (3.9), (3.10), (3.11) and CS229 (3.14).

    dz = dJ/dz (m, 1)   W (m, d)   u (d, 1)   ->   dW (m, d), db (m, 1), du (d, 1)

    >>> affine_gradients(numpy.array([[2.0]]), numpy.array([[1.0, 3.0]]), numpy.array([[5.0], [7.0]]))
    (array([[10., 14.]]), array([[2.]]), array([[2.],
           [6.]]))
    """
    dW = dz @ u.T  # (3.10)
    db = dz  # (3.11)
    du = W.T @ dz  # (3.14)
    return dW, db, du


def activation_gradient(da: Floats, slope: Floats) -> Floats:
    """dJ/dz = dJ/da * sigma'(z), element by element, for a = sigma(z)    CS229 Claim 3.3, (3.12)

    da, slope = sigma'(z) (m, 1)   ->   (m, 1)

    >>> activation_gradient(numpy.array([[2.0], [3.0]]), numpy.array([[1.0], [0.0]]))
    array([[2.],
           [0.]])
    """
    return da * slope  # (3.12)


def algorithm_3(W1: Floats, b1: Floats, W2: Floats, b2: Floats, x: Floats, y: float) -> BackwardPass:
    """Back-propagation for two-layer neural networks    CS229 Algorithm 3, (3.4), (3.5), (3.6), (3.7), (3.13)

    W1 (m, d)   b1 (m, 1)   W2 (1, m)   b2 (1, 1)   x (d, 1)   y, a number

    >>> one = numpy.ones((1, 1))
    >>> back = algorithm_3(one, one, one, one, one, y=1.0)
    >>> back.J, back.delta[1].item(), back.dW[2].item()
    (2.0, 2.0, 4.0)
    """
    # 1: compute the values of z, a and o
    z = W1 @ x + b1
    a = numpy.maximum(z, 0)
    o = W2 @ a + b2
    J = 0.5 * float((y - o[0, 0]) ** 2)  # (3.4)
    # 2: compute the deltas
    delta2 = o - y
    da = W2.T @ (o - y)  # (3.13)
    delta1 = da * (z >= 0)  # by (3.12)
    # 3: compute the gradients
    dW2 = delta2 @ a.T  # (3.5)
    db2 = delta2  # (3.6)
    dW1 = delta1 @ x.T  # (3.7)
    db1 = delta1  # the exercise of the notes; (3.11)
    return BackwardPass(J, {1: z, 2: o}, {0: x, 1: a, 2: o}, {1: delta1, 2: delta2}, {1: dW1, 2: dW2}, {1: db1, 2: db2})


def algorithm_4(W: Sequence[Floats], b: Sequence[Floats], x: Floats, y: float) -> BackwardPass:
    """Back-propagation for multi-layer neural networks    CS229 Algorithm 4, (3.15), (3.16)

    The step from layer k + 1 to layer k is CS229 (3.17), (3.18), (3.19).

    W^[k] (m_k, m_{k-1})   b^[k] (m_k, 1)   x (d, 1)   y, a number; m_r is 1

    >>> one = numpy.ones((1, 1))
    >>> back = algorithm_4([one, one], [one, one], one, y=1.0)
    >>> back.J, back.delta[1].item(), back.dW[2].item()
    (2.0, 2.0, 4.0)
    """
    r = len(W)
    # 1: compute and store the values of a^[k], z^[k] and J ("forward pass")
    a, z = {0: x}, {}
    for k in range(1, r + 1):
        z[k] = W[k - 1] @ a[k - 1] + b[k - 1]  # (3.17)
        a[k] = numpy.maximum(z[k], 0) if k < r else z[k]
    J = 0.5 * float((a[r][0, 0] - y) ** 2)  # (3.18)
    # 3: for k = r to 1 ("backward pass")
    delta, dW, db = {}, {}, {}
    for k in range(r, 0, -1):
        if k == r:
            delta[r] = z[r] - y  # (3.16)
        else:
            da = W[k].T @ delta[k + 1]  # (3.19); W[k] is W^[k+1]
            delta[k] = da * (z[k] >= 0)
        dW[k] = delta[k] @ a[k - 1].T  # (3.15)
        db[k] = delta[k]
    return BackwardPass(J, z, a, delta, dW, db)

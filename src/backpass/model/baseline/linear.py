"""The linear model on inputs whose last columns are codes, each equivalent to a row of one-hot columns.

    o = x W + b + T_1[j_1] + ... + T_q[j_q]       x (n, p)   codes j (n, q)   T_i (levels_i + 1, k)   ->   o (n, k)

The one-hot columns are never formed: a row costs p + q products, not one per category. It takes inputs, targets and a
loss and returns theta, the matrix (W, T_1, ..., T_q, b) row by row. ``fitting.outcome.scoring``
scores it.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backpass.circuit import Array, Circuit, Spec, grad, operations, trace
from backpass.dataclass import dataclass
from backpass.engine import Engine
from backpass.model.baseline.work import Method
from backpass.network import Loss
from backpass.numerics.elementary import total, totals

if TYPE_CHECKING:
    from backpass.training.newton import Effort

Floats = NDArray[np.float64]

# Enough for a score shown with four digits; on adult it saves four of five passes over the rows.
_PRECISION = 1e-5
_CHUNK = 8192
_LEAST = 1e-9  # lower bound of sums of weights: avoids division by 0 where the loss has no curvature


@dataclass(frozen=True, slots=True)
class Linear:
    """A linear model.

    Attributes:
        dense: The number of numeric inputs, p.
        levels: The number of categories of each code column.
        outputs: The number of outputs, k.
    """

    dense: int
    levels: tuple[int, ...]
    outputs: int

    @property
    def columns(self) -> int:
        """The number of columns of X, including the one-hot columns and the constant."""
        return self.dense + sum(levels + 1 for levels in self.levels) + 1

    def __call__(self, theta: Array, x: Array) -> Array:
        """o (n, k) in float64; theta (columns k,)"""
        rows = operations.reshape(theta, shape=(self.columns, self.outputs))
        o = operations.matmul(x[:, : self.dense].astype(np.float64), rows[: self.dense]) + rows[self.columns - 1]
        for j, (start, size) in enumerate(self.tables()):
            o = o + operations.take(rows[start : start + size], self.codes(x, j), axis=0)
        return o

    def tables(self) -> list[tuple[int, int]]:
        """First row and number of rows of each code's table: one row per category and one for code 0."""
        sizes = [levels + 1 for levels in self.levels]
        return [*zip(np.cumsum([self.dense, *sizes]).tolist(), sizes, strict=False)]

    def codes(self, x: Any, j: int) -> Any:
        """The codes of one column (n,)."""
        return x[:, self.dense + j].astype(np.int32)

    def fit(
        self,
        loss: Loss,
        x: NDArray[Any],
        y: NDArray[Any],
        level: Floats,
        engine: Engine,
        method: Method = Method.EXACT,
        effort: Effort | None = None,
        weights: Floats | None = None,
    ) -> Floats:
        """The theta with the lowest sum of losses plus a ridge penalty that makes it unique, by Newton's method.

        The search starts at the constant outputs ``level`` (k,). The preconditioner of the conjugate gradients is, for
        the exact method, the Hessian itself for one output. For several outputs it ignores their interaction, and uses
        for each output the row weights averaged over the outputs. The diagonal method only has the diagonal of the
        Hessian at the start.

        Args:
            loss: A smooth loss.
            x: Inputs (n, d).
            y: Encoded targets.
            level: The constant outputs at the start, (k,).
            engine: The engine that runs the circuits.
            method: How the Hessian is approximated, and the ridge penalty.
            effort: Limits the passes over the rows.
            weights: The weight of each row (n,); None if all are 1.
        """
        from backpass.training.newton import minimize_convex  # here: predictions of a baseline need no training

        y = y.astype(np.float64) if y.dtype.kind == "f" else y
        start = np.zeros((self.columns, self.outputs))
        start[-1] = level

        def objective(t: Array, some: tuple[Array, ...]) -> Array:
            losses = loss.per_example(self(t, some[0]), some[1])
            return operations.sum(losses if weights is None else losses * some[2])

        data = (x, y) if weights is None else (x, y, weights)
        rows = _Rows.of(self, loss, x, y, engine, weights)
        of_method = self._exact if method is Method.EXACT else self._diagonal
        preconditioner = of_method(rows, start, method.ridge)
        return minimize_convex(
            objective, start.reshape(-1), data, engine, method.ridge, _PRECISION, preconditioner, effort
        )

    def _exact(self, rows: _Rows, start: Floats, ridge: float) -> Callable[[Floats], Callable[[Floats], Floats]]:
        """t -> (v -> H^-1 v) with a factored Hessian."""

        def preconditioner(t: Floats) -> Callable[[Floats], Floats]:
            # The Hessian of output k is X^T diag(bends_k) X; one factored matrix, rescaled, approximates all of them.
            bends = [rows.bends(t, unit) for unit in np.eye(self.outputs)]
            weights = sum(bends[1:], bends[0]) / self.outputs
            shares = np.array([max(total(each), _LEAST) for each in bends]) / max(total(weights), _LEAST)
            solve = _solver(rows.gram(weights), ridge)
            return lambda v: (solve(v.reshape(start.shape)) / shares).reshape(-1)

        return preconditioner

    def _diagonal(self, rows: _Rows, start: Floats, ridge: float) -> Callable[[Floats], Callable[[Floats], Floats]]:
        """t -> (v -> D^-1 v) with D, the diagonal of the Hessian at the constant outputs of the start.

        These losses have second derivatives that depend on the outputs only, so at constant outputs one row has them.
        """
        bends = [max(rows.curvature_of_one(start.reshape(-1), unit), _LEAST) for unit in np.eye(self.outputs)]
        D = rows.squares()[:, None] * np.array(bends) + ridge
        return lambda t: lambda v: (v.reshape(D.shape) / D).reshape(-1)


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of a fit and the sums over them, computed in chunks to bound the memory."""

    linear: Linear
    x: NDArray[Any]
    y: NDArray[Any]
    engine: Engine
    bend: Circuit
    products: Circuit
    weights: Floats | None

    @staticmethod
    def of(
        linear: Linear, loss: Loss, x: NDArray[Any], y: NDArray[Any], engine: Engine, weights: Floats | None = None
    ) -> _Rows:
        def bend(t: Array, v: Array, some: Array, target: Array) -> Array:
            slope = grad(lambda u: operations.sum(loss.per_example(u, target)))
            return operations.sum(grad(lambda u: operations.sum(slope(u) * v))(linear(t, some)) * v, axis=1)

        def products(some: Array, ones: Array, w: Array) -> Array:
            X = operations.concatenate([some[:, : linear.dense].astype(np.float64), ones], axis=1)
            return operations.matmul(operations.transpose(X * w, axes=(1, 0)), X)

        wide = np.dtype(np.float64)
        theta, unit = Spec((linear.columns * linear.outputs,), wide), Spec((linear.outputs,), wide)
        column = Spec(("B", 1), wide)
        some, target = (Spec(("B", *array.shape[1:]), array.dtype) for array in (x, y))
        bent, multiplied = trace(bend, [theta, unit, some, target]), trace(products, [some, column, column])
        return _Rows(linear, x, y, engine, bent, multiplied, weights)

    def bends(self, t: Floats, v: Floats) -> Floats:
        """v^T H v of each row, where H is the second derivative of the row's weighted loss by its outputs."""
        found = [self.engine.run(self.bend, t, v, self.x[i], self.y[i])[0] for i in _chunks(len(self.x))]
        bends: Floats = np.concatenate(found)
        return bends if self.weights is None else bends * self.weights

    def curvature_of_one(self, t: Floats, v: Floats) -> float:
        """v^T H v of the first row, without its weight."""
        return float(self.engine.run(self.bend, t, v, self.x[:1], self.y[:1])[0][0])

    def squares(self) -> Floats:
        """The diagonal of X^T diag(weights) X: (columns,)"""
        dense, sums = self.linear.dense, np.zeros(self.linear.columns)
        for i in _chunks(len(self.x)):
            x = self.x[i, :dense].astype(np.float64)
            sums[:dense] += totals(x * x if self.weights is None else x * x * self.weights[i, None])
        for j, (start, size) in enumerate(self.linear.tables()):
            sums[start : start + size] = np.bincount(self.linear.codes(self.x, j), self.weights, size)
        sums[-1] = len(self.x) if self.weights is None else total(self.weights)
        return sums

    def gram(self, weights: Floats) -> Floats:
        """X^T diag(w) X, from products of numbers, sums of numbers by code, and sums by pairs of codes."""
        dense, tables = self.linear.dense, self.linear.tables()
        G, columns = np.zeros((self.linear.columns, self.linear.columns)), [*range(dense), self.linear.columns - 1]
        for i in _chunks(len(self.x)):
            w = weights[i, None]
            G[np.ix_(columns, columns)] += self.engine.run(self.products, self.x[i], np.ones_like(w), w)[0]
        # Numbers with one-hot columns: the sums of each number (and of the constant) over the rows of each code.
        codes = [self.linear.codes(self.x, j) for j in range(len(tables))]
        for i in columns if tables else ():
            column = weights * self.x[:, i] if i < dense else weights
            for (start, size), code in zip(tables, codes, strict=True):
                G[start : start + size, i] = G[i, start : start + size] = np.bincount(code, column, size)
        # One-hot columns with each other: the sums of weights by pair of codes. Each pair of tables is computed once.
        for j, (start, size) in enumerate(tables):
            for (first, other), code in zip(tables[: j + 1], codes, strict=False):
                sums = np.bincount(codes[j] * other + code, weights, size * other).reshape(size, other)
                G[start : start + size, first : first + other] = sums
                G[first : first + other, start : start + size] = sums.T
        return G


def _chunks(rows: int) -> list[slice]:
    return [slice(i, i + _CHUNK) for i in range(0, rows, _CHUNK)]


def _solver(G: Floats, ridge: float) -> Callable[[Floats], Floats]:
    """B -> (G + ridge I)^-1 B for matrices B (columns, k)."""
    U = _factor(G, np.diagonal(G) + ridge)

    def solve(B: Floats) -> Floats:
        X = B.copy()
        for j in range(len(U)):
            X[j] /= U[j, j]
            X[j + 1 :] -= U[j, j + 1 :, None] * X[j]
        for j in reversed(range(len(U))):
            X[j] /= U[j, j]
            X[:j] -= U[:j, j, None] * X[j]
        return X

    return solve


def _factor(G: Floats, diagonal: Floats) -> Floats:
    """U, upper triangular, with U^T U = G with this diagonal (Cholesky 1924), by NumPy's sums alone: no LAPACK."""
    U = G.copy()
    np.fill_diagonal(U, diagonal)
    for j in range(len(U)):
        # For linearly dependent columns only the ridge remains, which may be lost in rounding.
        U[j, j] = sqrt(max(U[j, j], 1e-12 * diagonal[j]))
        U[j, j + 1 :] /= U[j, j]
        U[j + 1 :, j + 1 :] -= U[j, j + 1 :, None] * U[j, j + 1 :]
    return U

"""Newton's method for convex objectives: fits linear and logistic models to convergence.

The Hessian is never formed: conjugate gradients only need its products with vectors, which are gradients of a gradient
(truncated Newton, Dembo & Steihaug 1983; products as in Pearlmutter 1994).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import inf, sqrt
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.circuit import Array, Circuit, Spec, grad, operations, trace, value_and_grad
from backpass.dataclass import dataclass
from backpass.engine import Engine
from backpass.numerics.elementary import total

Floats = NDArray[numpy.float64]
_CHUNK = 8192
_CG_STEPS = 100
_NEWTON_STEPS = 30


@dataclass(slots=True)
class Effort:
    """The passes over the rows that a search may take, and what it reached with them. Mutable.

    Attributes:
        limit: The number of passes after which the search ends with the best theta so far.
        per_step: The number of passes that the preconditioner of one step counts for.
        stop: Called after each pass with the share of the limit that is spent; returning True ends the search, too.
        passes: The number of passes so far.
        gradient: The length of the gradient where the search ended, as a fraction of its initial value.
        is_spent: Whether the search has to end.
    """

    limit: float = inf
    per_step: float = 0.0
    stop: Callable[[float], bool] = lambda share: False
    passes: float = 0.0
    gradient: float = 1.0
    is_spent: bool = False

    def spend(self, passes: float = 1.0) -> None:
        """Count passes over the rows."""
        self.passes += passes
        self.is_spent = self.stop(min(self.passes / self.limit, 1.0)) or self.is_spent or self.passes >= self.limit


@dataclass(frozen=True, slots=True)
class _Sums:
    """J, its gradient and its Hessian-vector products, summed over chunks of rows to bound memory."""

    engine: Engine
    both: Circuit
    product: Circuit
    data: Sequence[NDArray[Any]]
    ridge: float
    effort: Effort

    def _chunks(self) -> list[list[NDArray[Any]]]:
        rows = self.data[0].shape[0]
        return [[array[i : i + _CHUNK] for array in self.data] for i in range(0, rows, _CHUNK)]

    def value_and_gradient(self, theta: Floats) -> tuple[float, Floats]:
        J, g = 0.5 * self.ridge * _dot(theta, theta), self.ridge * theta
        for chunk in self._chunks():
            value, gradient = self.engine.run(self.both, theta, *chunk)
            J, g = J + float(value), g + gradient
        self.effort.spend()
        return J, g

    def hessian_product(self, theta: Floats, v: Floats) -> Floats:
        total = self.ridge * v
        for chunk in self._chunks():
            total = total + self.engine.run(self.product, theta, v, *chunk)[0]
        self.effort.spend()
        return total


def _plain(theta: Floats) -> Callable[[Floats], Floats]:
    """No preconditioning: H = I."""
    return lambda v: v


def minimize_convex(
    objective: Callable[[Array, tuple[Array, ...]], Array],
    theta: Floats,
    data: Sequence[NDArray[Any]],
    engine: Engine,
    ridge: float = 1e-3,
    precision: float = 1e-9,
    preconditioner: Callable[[Floats], Callable[[Floats], Floats]] = _plain,
    effort: Effort | None = None,
) -> Floats:
    """Find the theta that minimizes J(theta, data) + ridge/2 |theta|^2, in float64.

    theta (P,)   ->   theta (P,)

    Args:
        objective: The sum (not the mean) of J over the rows of a chunk; it must be convex in theta.
        theta: The initial parameters.
        data: Arrays whose first axis is the rows.
        engine: The engine that runs the circuits.
        ridge: A small penalty makes the solution unique if columns are linearly dependent.
        precision: Iterations end when the length of the gradient falls to this fraction of its initial value.
        preconditioner: preconditioner(theta) returns v -> H^-1 v for a positive definite H. The closer H is to the
            Hessian, the fewer passes over the rows are needed.
        effort: Limits the passes over the rows, and tells what was reached. Default None: no limit but that of the
            iterations.
    """
    effort = Effort() if effort is None else effort
    specs = tuple(Spec(("B", *array.shape[1:]), array.dtype) for array in data)
    vector = Spec(theta.shape, numpy.dtype(numpy.float64))

    def both(t: Array, rows: tuple[Array, ...]) -> Any:
        return value_and_grad(lambda u: objective(u, rows))(t)

    def product(t: Array, v: Array, rows: tuple[Array, ...]) -> Any:
        return grad(lambda u: operations.sum(grad(lambda w: objective(w, rows))(u) * v))(t)

    sums = _Sums(engine, trace(both, [vector, specs]), trace(product, [vector, vector, specs]), data, ridge, effort)
    with numpy.errstate(all="ignore"):  # on overflow the line search takes no step
        J, g = sums.value_and_gradient(theta)
        start = sqrt(_dot(g, g))
        for _ in range(_NEWTON_STEPS):
            size = sqrt(_dot(g, g))
            if size <= precision * start or size == 0.0 or effort.is_spent:
                break
            effort.spend(effort.per_step)
            tolerance = min(1_000.0 * precision, 0.1) * size
            product, precondition = partial(sums.hessian_product, theta), preconditioner(theta)
            direction = _conjugate_gradients(product, -g, tolerance, precondition, effort)
            moved = _line_search(sums, theta, J, g, direction)
            if moved is None:
                break
            theta, J, g = moved
        effort.gradient = sqrt(_dot(g, g)) / start if start > 0.0 else 0.0
    return theta


def _conjugate_gradients(
    product: Callable[[Floats], Floats],
    b: Floats,
    tolerance: float,
    precondition: Callable[[Floats], Floats],
    effort: Effort | None = None,
) -> Floats:
    """Solve H x = b for a positive definite H that is known by its products (Hestenes & Stiefel 1952).

    Every iterate is a direction of descent, so the search may end early.
    """
    x, r, p = numpy.zeros_like(b), b, precondition(b)
    rz = _dot(r, p)
    for _ in range(_CG_STEPS):
        if sqrt(_dot(r, r)) <= tolerance or (effort is not None and effort.is_spent and x.any()):
            break
        Hp = product(p)
        curvature = _dot(p, Hp)
        if curvature <= 0.0:
            break
        step = rz / curvature
        x, r = x + step * p, r - step * Hp
        z = precondition(r)
        rz, before = _dot(r, z), rz
        p = z + (rz / before) * p
    return x


def _line_search(
    sums: _Sums, theta: Floats, J: float, g: Floats, direction: Floats
) -> tuple[Floats, float, Floats] | None:
    """Halve the step until J decreases enough (Armijo 1966); None if no step does."""
    slope = _dot(g, direction)
    step = 1.0
    while step > 1e-8:
        candidate = theta + step * direction
        value, gradient = sums.value_and_gradient(candidate)
        if value <= J + 1e-4 * step * slope:
            return candidate, value, gradient
        step *= 0.5
    return None


def _dot(a: Floats, b: Floats) -> float:
    return total(a * b)

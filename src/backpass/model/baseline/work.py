"""Work: how the linear baseline is fitted within a fixed amount of work, whatever the shape of the table.

It takes the shape of a fit and returns a plan: the method, the number of rows and the limit on the passes over them.
Work is counted in nominal nanoseconds, from the shape alone, so that the same table gives the same baseline on every
machine. ``baseline`` carries the plan out.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.numerics.distinct import distinct_values
from backpass.numerics.philox import integers

BUDGET = 1.5e9
"""Nominal nanoseconds that a fit may always take: 1.5 s on one core."""

_LARGEST = 1e10
_OF_TRAINING = 1e-3
"""Nominal nanoseconds per floating-point operation of training: a twentieth of what training takes at 50 GFLOP/s."""

FACTORED = 1_500
"""The maximum number of columns of a Hessian that is factored."""

CONVERGED = 0.1
"""A search that runs out of work is good enough to compare with if its gradient fell to this fraction."""

_NEWTON_STEPS = 8  # usual number of steps of the exact method
_PASSES = 30  # fewest passes over the rows with which the diagonal method is started
_PER_COLUMN = 20  # fewest sampled rows per column of X
_FEWEST = 1_000  # fewest sampled rows
_PURPOSE = 0x5D0B_0001


class Method(Enum):
    """How the Hessian is approximated.

    ``EXACT`` factors it at each step; a tiny ridge makes the minimum unique. ``DIAGONAL`` uses a diagonal; the ridge is
    the default of scikit-learn's linear models (C = 1, alpha = 1), with which wide tables converge.
    """

    EXACT = "exact"
    DIAGONAL = "diagonal"

    @property
    def ridge(self) -> float:
        """The factor of |theta|^2 / 2."""
        return 1e-3 if self is Method.EXACT else 1.0


@dataclass(frozen=True, slots=True)
class Shape:
    """The shape of a fit.

    Attributes:
        rows: n.
        dense: The number of numeric inputs.
        levels: The number of categories of each code column.
        outputs: k.
    """

    rows: int
    dense: int
    levels: Sequence[int]
    outputs: int

    @property
    def columns(self) -> int:
        """The number of columns of X."""
        return self.dense + sum(levels + 1 for levels in self.levels) + 1

    @property
    def per_pass(self) -> float:
        """Nominal nanoseconds that one row takes in a pass over the rows."""
        p, q = self.dense, len(self.levels)
        return 100.0 + 6.0 * p + 100.0 * q + self.outputs * (3.0 * p + 25.0 * q + 30.0)

    @property
    def per_step(self) -> float:
        """Nominal nanoseconds that one row takes where the Hessian of the exact method is formed."""
        q, wide = len(self.levels), self.dense + 1
        gram = 0.5 * wide * wide + 5.0 * wide * q + 4.0 * q * q
        return gram + self.outputs * self.per_pass

    @property
    def factoring(self) -> float:
        """Nominal nanoseconds of factoring the Hessian."""
        return 3e4 * self.columns + 0.5 * self.columns * self.columns * self.columns


@dataclass(frozen=True, slots=True)
class Plan:
    """How a fit is done.

    Attributes:
        method: The approximation of the Hessian.
        rows: The number of rows it is fitted on.
        passes: The limit on the passes over these rows.
        step: The number of passes that forming and factoring the Hessian counts for.
    """

    method: Method
    rows: int
    passes: float
    step: float = 0.0


def budget_of(training: float) -> float:
    """The budget in nominal nanoseconds, for a training run of so many floating-point operations."""
    return min(max(BUDGET, training * _OF_TRAINING), _LARGEST)


def plan_of(shape: Shape, budget: float = BUDGET) -> Plan | None:
    """The plan with the most exact method on the most rows; None if no method fits the budget.

    All rows and the exact method, if that is affordable; else the exact method on a sample, if the sample is large for
    the number of columns; else the diagonal method.

    >>> plan = plan_of(Shape(20_000, 8, (), 1))
    >>> plan.method, plan.rows
    (<Method.EXACT: 'exact'>, 20000)
    """
    if shape.columns <= FACTORED:
        passes = 3 if shape.outputs == 1 else 12  # in one step: value, gradient and products with the Hessian
        affordable = (budget / _NEWTON_STEPS - shape.factoring) / (shape.per_step + passes * shape.per_pass)
        if affordable >= min(shape.rows, max(_FEWEST, _PER_COLUMN * shape.columns)):
            return _plan(shape, Method.EXACT, affordable, budget)
    affordable = budget / (_PASSES * shape.per_pass)
    return _plan(shape, Method.DIAGONAL, affordable, budget) if affordable >= min(shape.rows, _FEWEST) else None


def _plan(shape: Shape, method: Method, affordable: float, budget: float) -> Plan:
    rows = max(min(shape.rows, int(affordable)), 1)
    one_pass = rows * shape.per_pass + 2e5 * (1 + rows // 8192)
    step = (rows * shape.per_step + shape.factoring) / one_pass if method is Method.EXACT else 0.0
    return Plan(method, rows, budget / one_pass, step)


def sample_of(rows: int, wanted: int) -> slice | NDArray[np.int64]:
    """The rows to fit on, ascending: all of them, or at most ``wanted`` drawn at random, always the same."""
    return slice(None) if wanted >= rows else distinct_values(integers(0, 0, _PURPOSE, wanted, rows))

"""The correction of a target that was learned as its logarithm: a factor that makes predictions those of the mean.

The exponential of a mean of logarithms is below the mean. It takes a problem and rows that the networks did not train
on; it returns the problem whose head multiplies predictions by the factor, and a note.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backpass.model.fitting.outcome.scoring import ScoredRows
from backpass.model.fitting.problem.problem import Problem
from backpass.numerics.elementary import log, total
from backpass.table.messages import listed

_MOST = 4.0
"""The largest factor; the smallest one is its inverse."""

_TINY = np.finfo(np.float64).tiny


def corrected(problem: Problem, rows: ScoredRows | None) -> tuple[Problem, list[str]]:
    """The problem with the factor of each target on these rows, and a note; the problem itself if it needs none.

    factor = sum_i w_i y_i / sum_i w_i p_i    for the predictions p without a factor

    Duan's smearing estimate (1983) is the mean of y_i / p_i, which rows with small targets dominate; the ratio of the
    sums makes the errors of the rows sum to 0. It is limited to 1/4 to 4. Medians and quantiles need no factor: the
    exponential keeps them.
    """
    head = problem.head
    if not head.is_log or head.loss_name != "squared" or rows is None:
        return problem, []
    plain = replace(problem, head=head.corrected([0.0] * len(head.targets)))
    predicted = plain.head.predictions(rows.o).reshape(rows.part.rows, -1)
    truth = rows.part.truth.reshape(rows.part.rows, -1)
    weights = np.ones(rows.part.rows) if rows.part.weights is None else rows.part.weights
    sums = [(total(weights * y), total(weights * p)) for y, p in zip(truth.T, predicted.T, strict=True)]
    factors = [min(max(y / max(p, _TINY), 1.0 / _MOST), _MOST) for y, p in sums]
    found = listed([f"{factor:.4g}" for factor in factors])
    note = f"predictions are multiplied by {found}, so that their sum on the validation rows is that of the target"
    return replace(plain, head=plain.head.corrected(log(np.array(factors)).tolist())), [note]

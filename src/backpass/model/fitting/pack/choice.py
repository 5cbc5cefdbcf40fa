"""The choice of a pack: the shares of its candidates in the average.

It takes the outputs of each candidate on rows that its networks did not train on. Greedy forward selection with
repetition (Caruana et al. 2004) adds the candidate that improves the average most, again and again; a candidate's share
is how often it was added. Few rows choose badly, so the shares are shrunk toward equal ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.model.fitting.problem.data_split import DataSplit
from backpass.model.head.head import Head
from backpass.model.metrics import as_loss
from backpass.numerics.elementary import total

ROUNDS = 16
"""The maximum number of additions."""

PRIOR_ROWS = 100
"""The number of rows that count for equal shares."""


def shares_of(head: Head, outputs: Sequence[NDArray[Any]], part: DataSplit) -> list[float]:
    """The share of each candidate in the average, all above 0, with sum 1.

    Args:
        head: The meaning of the outputs; its metric is what the average is chosen by.
        outputs: o (n, k) of each candidate on rows that it did not train on.
        part: The rows.
    """
    exact = [o.astype(np.float64) for o in outputs]
    counts, best, found = [0] * len(exact), np.inf, [1] * len(exact)
    for _ in range(ROUNDS if len(exact) > 1 else 0):
        scores = []
        for j in range(len(exact)):
            tried = [count + (i == j) for i, count in enumerate(counts)]
            scores.append(_score(head, exact, tried, part))
        j = int(np.argmin(scores))
        counts[j] += 1
        if scores[j] < best:
            best, found = scores[j], [*counts]
    shrinkage = PRIOR_ROWS / (PRIOR_ROWS + part.rows)
    shares = [(1.0 - shrinkage) * count / sum(found) + shrinkage / len(exact) for count in found]
    return [share / total(shares) for share in shares]


def _score(head: Head, outputs: Sequence[NDArray[Any]], counts: Sequence[int], part: DataSplit) -> float:
    """The metric of an average, lower is better."""
    added = [(o, count / sum(counts)) for o, count in zip(outputs, counts, strict=True) if count]
    o = np.asarray(head.average([o for o, _ in added], [share for _, share in added]))
    score = as_loss(head.metric, head.scores(o, part.truth, part.weights, [head.metric])[head.metric])
    return score if np.isfinite(score) else np.inf

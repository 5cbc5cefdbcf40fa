"""Logits: the logarithms of probabilities, computed from the outputs of a network without rounding to 1 first."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def log_probabilities(outputs: NDArray[Any], *, are_labels: bool) -> NDArray[np.float64]:
    """The natural logarithm (n, k) of the probability of each class or label.

        log p_j = o_j - log(sum of exp(o));    two classes or a label: log p = -log(1 + exp(-o))

    Args:
        outputs: (n, k). The logits o; (n, 1) for two classes, positive for the second.
        are_labels: Whether each logit is that of a label.

    >>> log_probabilities(np.array([[0.0]]), are_labels=False).round(3).tolist()
    [[-0.693, -0.693]]
    """
    o = outputs.astype(np.float64)
    if are_labels:
        return -np.logaddexp(0.0, -o)
    if o.shape[1] == 1:
        return -np.logaddexp(0.0, np.column_stack([o, -o]))
    return np.asarray(o - np.logaddexp.reduce(o, axis=1, keepdims=True))

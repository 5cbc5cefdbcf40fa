"""Decoding: from the outputs of one target to predictions, as a traced function.

It takes outputs and returns numbers in the target's unit or probabilities. Engines, the ONNX export and the report page
all run it as part of a circuit; there is no other definition.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from backpass.circuit import Array
from backpass.circuit.operations import concatenate, isnan, where
from backpass.model.head.scaling import TargetScale
from backpass.network import Loss

WIDE: np.dtype[Any] = np.dtype(np.float64)
"""The dtype of predictions."""


def number(loss: Loss, scale: TargetScale, o: Array) -> Array:
    """output o (n, 1)  ->  numbers (n,) in the target's unit"""
    p = loss.predicted(o).astype(WIDE)[:, 0]
    if scale.scale == 0.0:
        return where(isnan(p), scale.center, scale.center)  # the center for every row
    return scale.decode(p)


def class_probabilities(loss: Loss, o: Array) -> Array:
    """outputs o (n, k), one column for two classes  ->  the probability of each class (n, classes)"""
    p = loss.predicted(o).astype(WIDE)
    if o.shape[1] == 1:
        return concatenate([1.0 - p, p], axis=1)
    # In float32 they sum only approximately to 1, which scikit-learn's metrics reject.
    return p / p.sum(axis=1, keepdims=True)


def label_probabilities(loss: Loss, o: Array) -> Array:
    """outputs o (n, k)  ->  the probability that each label is on (n, k)"""
    return loss.predicted(o).astype(WIDE)

"""The precision of training: maps the setting to the dtype of stored numbers."""

from __future__ import annotations

from typing import Any

import numpy as np


def dtype_of(precision: str) -> np.dtype[Any]:
    """The dtype of theta, of the inputs and of the predictions.

    "bf16" affects only what the factors of large products are rounded to during training (see
    ``engine.plan.bf16_packing``).

    >>> dtype_of("bf16").name, dtype_of("float64").name
    ('float32', 'float64')
    """
    return np.dtype("float32" if precision == "bf16" else precision)

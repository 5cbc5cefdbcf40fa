"""The precision of training: what numbers are stored, where the setting says more than a dtype."""

from __future__ import annotations

from typing import Any

import numpy as np


def dtype_of(precision: str) -> np.dtype[Any]:
    """The dtype of theta, of the inputs and of what is predicted.

    "bf16" only says what the factors of large products are rounded to while training (see ``engine.plan.pairs``).

    >>> dtype_of("bf16").name, dtype_of("float64").name
    ('float32', 'float64')
    """
    return np.dtype("float32" if precision == "bf16" else precision)

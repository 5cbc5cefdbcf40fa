"""Limits of the core: the dtypes and ranks that it supports, and the error for a circuit beyond them."""

from __future__ import annotations

import numpy

DTYPES = tuple(numpy.dtype(name) for name in ("bool", "int32", "int64", "uint32", "float32", "float64"))
"""The dtypes of the core, in the order of its codes."""

BOOL, FLOAT32, FLOAT64 = DTYPES[0], DTYPES[4], DTYPES[5]

RANK = 5
"""The maximum number of axes of an operand, as in native/operand.hpp."""


class Unplannable(Exception):
    """The core cannot run a circuit, because it does not support a dtype, a rank or an operation."""

"""The weight of each row, from ``sample_weight`` and ``class_weight`` together."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_array

from backpass.estimators.columns import check_unmasked

Floats = NDArray[np.float64]


def weights_of(
    sample_weight: Any, rows: int, name: str = "sample_weight", *, may_be_zero: bool = False
) -> Floats | None:
    """The weights (rows,), at least one of them positive unless ``may_be_zero``; None if all rows have the same weight.

    Raises:
        ValueError: The weights cannot be used.
    """
    if sample_weight is None or isinstance(sample_weight, int | float | np.number):
        if sample_weight is not None and not sample_weight > 0:
            raise ValueError(f"{name} must be above zero; got {sample_weight}")
        return None
    check_unmasked(sample_weight, name)
    weights: Floats = check_array(sample_weight, ensure_2d=False, dtype=np.float64, input_name=name)
    if weights.shape != (rows,):
        raise ValueError(f"{name} must have shape ({rows},), one weight per row; got {weights.shape}")
    if np.min(weights) < 0:
        row = int(np.argmin(weights))
        raise ValueError(f"{name} must not be negative; row {row} has {weights[row]:g}")
    if not (may_be_zero or weights.any()):
        raise ValueError(f"{name} is zero for every row: at least one weight must be non-zero")
    return weights


def with_classes(
    weights: Floats | None, codes: NDArray[Any], classes: NDArray[Any], class_weight: Any
) -> Floats | None:
    """The weights times the weights of the rows' classes; a class that ``class_weight`` does not name has weight 1.

    A fold of a table may lack a class, so an unknown name in ``class_weight`` raises an error only if a class has no
    weight.

    "balanced": W / (k W_c), W the weight of all rows and W_c that of the rows of the class (King & Zeng 2001).

    Raises:
        ValueError: A weight is negative, or ``class_weight`` names labels that are not among the classes.
    """
    if class_weight is None:
        return weights
    given = np.ones(len(codes)) if weights is None else weights
    if isinstance(class_weight, str):
        present = np.bincount(codes, weights=given, minlength=len(classes))
        factors = given.sum() / (np.count_nonzero(present) * np.where(present > 0, present, 1.0))
        return np.asarray(given * factors[codes], dtype=np.float64)
    known = {label: j for j, label in enumerate(classes.tolist())}
    unknown = [label for label in class_weight if label not in known]
    if unknown and len(class_weight) - len(unknown) < len(known):
        raise ValueError(f"class_weight names classes that are not in y: {unknown}; the classes are {list(known)}")
    factors = np.ones(len(classes))
    for label, factor in class_weight.items():
        if not (isinstance(factor, int | float | np.number) and np.isfinite(factor) and factor >= 0):
            raise ValueError(f"class_weight of class {label!r} must be a finite number of at least 0; got {factor!r}")
        factors[known[label]] = factor
    return np.asarray(given * factors[codes], dtype=np.float64)

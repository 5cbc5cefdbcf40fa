"""Targets: y and classes, as scikit-learn's callers pass them, as arrays of numbers, classes or labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import assert_all_finite, check_array, column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from backpass.errors import DataError


def numbers_in(y: Any) -> NDArray[np.float64]:
    """y as numbers (n,) or (n, k).

    Raises:
        ValueError: y does not hold numbers.
    """
    numbers: NDArray[np.float64] = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
    return numbers


def label_count(y: Any) -> int:
    """The number of label columns in y; 0 if y holds classes."""
    labels = _array(y)
    return labels.shape[1] if labels.ndim == 2 and type_of_target(labels) == "multilabel-indicator" else 0


def labels_in(y: Any, count: int) -> NDArray[np.int32]:
    """y as labels (n, count) of 0 and 1.

    Raises:
        ValueError: y holds anything else.
    """
    labels: NDArray[Any] = check_array(_array(y), dtype=None, input_name="y")
    if labels.shape[1] != count:
        raise ValueError(f"y must have shape ('n', {count}) as before; got {labels.shape}")
    if not np.isin(labels, (0, 1)).all():
        raise ValueError(f"labels are 0 or 1; y holds {np.unique(labels).tolist()}")
    return labels.astype(np.int32)


def _array(y: Any) -> NDArray[Any]:
    """y as an array; sparse matrices of labels become dense."""
    return np.asarray(y.toarray() if hasattr(y, "toarray") else y)


def classes_in(y: Any) -> NDArray[Any]:
    """y as an array of classes.

    Raises:
        ValueError: y cannot hold classes.
    """
    labels: NDArray[Any] = column_or_1d(y, warn=True)
    assert_all_finite(labels, input_name="y")
    check_classification_targets(labels)
    return labels


def at_least_two(labels: NDArray[Any]) -> NDArray[Any]:
    """The distinct classes of the targets, of which training needs at least two.

    Raises:
        DataError: There are fewer.
    """
    if len(labels) < 2:
        raise DataError(
            f"y has only one class, {labels.tolist()[0]!r}, among the rows whose weight is not 0", hint="two are needed"
        )
    return labels


def classes_given(classes: Any) -> NDArray[Any]:
    """The distinct classes in the argument ``classes``, sorted.

    Raises:
        DataError: It is masked: scikit-learn would ignore the mask and use the values under it.
        ValueError: It is not one-dimensional.
    """
    if np.ma.is_masked(classes):
        raise DataError(
            "classes has masked entries", hint="list only the classes that can occur, in an array without a mask"
        )
    return np.unique(column_or_1d(classes))


def class_numbers(y: Any, classes: NDArray[Any], weights: NDArray[np.float64] | None) -> NDArray[np.int32]:
    """The position (n,) of the class of each row in ``classes``; 0 for an unknown class in a row of weight 0.

    Raises:
        ValueError: y cannot hold classes.
        DataError: A row whose weight is not 0 has an unknown class.
    """
    labels = classes_in(y)
    known = {label: j for j, label in enumerate(classes.tolist())}
    counted = labels if weights is None else labels[weights > 0]
    if unknown := [label for label in dict.fromkeys(counted.tolist()) if label not in known]:
        raise DataError(f"y holds classes that are not known: {unknown}; the classes are {list(known)}")
    return np.array([known.get(label, 0) for label in labels.tolist()], dtype=np.int32)


def check_classes_present(y: Any, classes: NDArray[Any], weights: NDArray[np.float64] | None) -> None:
    """Check that the rows of y whose weight is not 0 hold every class, as a warm start needs.

    Raises:
        ValueError: y cannot hold classes.
        DataError: A class is absent.
    """
    labels = classes_in(y)
    present = set(labels.tolist() if weights is None else labels[weights > 0].tolist())
    if lacking := [label for label in classes.tolist() if label not in present]:
        raise DataError(
            f"y lacks classes of the fit that warm_start continues: {lacking}; the classes are {classes.tolist()}",
            hint="partial_fit takes rows of some of the classes; without warm_start a fit takes the classes of y",
        )

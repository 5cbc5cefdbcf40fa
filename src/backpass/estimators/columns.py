"""The columns: X, in any of the shapes scikit-learn's users have it in, as a Table; and a frame like X for results.

Data frames keep their columns' names and kinds; arrays and lists get the names x0, x1, ... Whether X has the columns
that the estimator was fitted on is scikit-learn's to check.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import validate_data

from backpass.errors import DataError
from backpass.table import DEFAULT_MISSING, Table, table_from
from backpass.table.feature import how_tiny
from backpass.table.frame import arrow_index, from_arrow, not_unique
from backpass.table.messages import rows_listed
from backpass.table.objects import is_missing, sort_of, text_in
from backpass.table.row_names import index_among
from backpass.training import EpochRecord


def table_of(
    estimator: Any,
    X: Any,
    *,
    reset: bool,
    kinds: Mapping[str, str] | None = None,
    missing: tuple[str, ...] = DEFAULT_MISSING,
) -> Table:
    """The Table of X.

    reset: whether the estimator takes over the number and the names of the columns, or has to have them
    kinds: the kinds the columns must have; those of the other columns are found out

    Errors: ValueError or TypeError as scikit-learn words them; DataError for columns no table can hold.
    """
    frame = _frame(X)
    if frame is None:
        X = validate_data(estimator, unmasked(_unmixed(X)), dtype=None, ensure_all_finite="allow-nan", reset=reset)
        columns = _columns(X)
    else:
        validate_data(estimator, frame.to_native(), skip_check_array=True, reset=reset)
        columns = list(frame.iter_columns())
    names = getattr(estimator, "feature_names_in_", None)
    if names is None and not reset and hasattr(estimator, "model_"):
        # Names that are gone (shap.KernelExplainer takes them away) are those of the model: columns go by position.
        names = [feature.name for feature in estimator.model_.schema.features]
    if names is None:
        names = [f"x{j}" for j in range(len(columns))]
    data = dict(zip(names, columns, strict=True))
    table = table_from(data, kinds=kinds, missing=missing, source="X")
    for column in table.columns.values() if reset else ():
        if tiny := how_tiny(column):
            warnings.warn(f"column {column.name!r} of X counts as constant: {tiny}", stacklevel=2)
    if kinds is None or len(kinds) == len(data):
        return table
    others = table_from({name: data[name] for name in data if name not in kinds}, missing=missing, source="X")
    found = table.columns | others.columns
    return replace(others, columns={name: found[name] for name in data}, left_out=())


def unmasked(X: Any) -> Any:
    """X, but with what is masked as missing: NaN among numbers, NaT among dates, None among all else.

    >>> unmasked(np.ma.masked_array([[1, 2]], mask=[[False, True]]))
    array([[ 1., nan]])
    """
    if not isinstance(X, np.ma.MaskedArray):
        return X
    mask, data = np.ma.getmaskarray(X), np.asarray(X)
    if data.dtype.kind in "iuf":
        data = data if data.dtype.kind == "f" else data.astype(np.float64)
        return np.where(mask, data.dtype.type(np.nan), data)
    if data.dtype.kind in "mM":
        return np.where(mask, data.dtype.type("NaT"), data)
    objects = data.astype(object)
    objects[mask] = None
    return objects


def check_unmasked(values: Any, name: str) -> None:
    """Refuse masked targets and weights, of which scikit-learn would take what lies under the mask.

    Errors: DataError naming the rows.
    """
    if not isinstance(values, np.ma.MaskedArray):
        return
    mask = np.ma.getmaskarray(values)
    rows = np.flatnonzero(mask.reshape(len(mask), -1).any(axis=1)) + 1 if mask.ndim else np.array([1])
    if len(rows):
        raise DataError(f"{name} is masked in {rows_listed(rows)}", hint="leave these rows out")


def library_of(X: Any) -> Any:
    """The name of the library that X is a data frame of; None where X is none."""
    frame = _frame(X)
    return None if frame is None else str(frame.implementation.value)


def history_in(library: Any, epochs: Sequence[EpochRecord]) -> Any:
    """One row per epoch, in a data frame of a library; a list of dicts without one."""
    rows = [asdict(epoch) for epoch in epochs]
    if library is None:
        return rows
    import narwhals.stable.v2 as nw

    sorts = {each.name: nw.Int64 if each.type == "int" else nw.Float64 for each in fields(EpochRecord)}
    columns = {name: [row[name] for row in rows] for name in sorts}
    return nw.from_dict(columns, schema=sorts, backend=library).to_native()


def _frame(X: Any) -> Any:
    """X through narwhals where it is a data frame, else None."""
    import narwhals.stable.v2 as nw
    from narwhals.exceptions import DuplicateError

    if isinstance(X, np.ndarray | list | tuple):
        return None
    try:
        frame = nw.from_native(from_arrow(X), pass_through=True)
    except TypeError:
        return None
    except DuplicateError as error:
        raise not_unique("X", error) from None
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    if not isinstance(frame, nw.DataFrame):
        return None
    names: list[Any] = frame.columns  # pandas has numbers for names, too
    texts = [name for name in names if isinstance(name, str)]
    index = index_among(texts, arrow_index(frame.to_native()), [])
    return frame.drop(*index) if index else frame


def _unmixed(X: Any) -> Any:
    """X, but of lists with texts every value as it is: NumPy would turn the numbers among them into texts."""
    if not isinstance(X, list | tuple):
        return X
    try:
        array = np.asarray(X)
    except ValueError:
        return X  # rows of different lengths: scikit-learn says so
    return np.asarray(X, dtype=object) if array.dtype.kind in "US" else X


def _columns(X: NDArray[Any]) -> list[Any]:
    if X.dtype.kind == "O":
        return [_of_objects(j, column.tolist()) for j, column in enumerate(X.T)]
    if X.dtype.kind in "US":
        return [column.tolist() for column in X.T]
    return list(X.T if X.dtype.kind in "mM" else X.T.astype(np.float64))


def _of_objects(j: int, values: list[Any]) -> list[Any]:
    """A column of Python values of one sort as it is; of several sorts as texts, which is said."""
    sorts = {sort_of(value) for value in values if not is_missing(value)}
    if len(sorts) < 2 and sorts <= {"boolean", "number", "text", "date", "duration"}:
        return values
    warnings.warn(
        f"column {j} of X holds values of type {' and '.join(sorted(sorts))}: each is taken as a text", stacklevel=2
    )
    return [None if is_missing(value) else text_in(value) or str(value) for value in values]

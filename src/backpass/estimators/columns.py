"""Conversion of X, in any form that scikit-learn accepts, to a Table; and of results to a data frame like X.

Data frames keep the names and kinds of their columns; the columns of arrays, lists and sparse matrices are named x0,
x1, ... A table holds every value, so a sparse matrix becomes dense: whole in fit, block by block in predict.
scikit-learn itself checks whether X has the columns that the estimator was fitted on.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils.validation import validate_data

from backpass.errors import DataError, UsageError, did_you_mean, hints_in_reading
from backpass.model.fitting.problem.tables import reading_options
from backpass.table import Table, table_from
from backpass.table.columns.exclusion import how_tiny
from backpass.table.columns.objects import WRITTEN, is_missing, text_in, type_of
from backpass.table.columns.row_names import index_among
from backpass.table.frame import arrow_index, from_arrow, not_unique
from backpass.table.memory import CELL, require_memory
from backpass.table.messages import rows_listed
from backpass.table.windows.read_settings import FrameOptions
from backpass.training import EpochRecord

READING = frozenset(FrameOptions.__annotations__) - {"kinds", "drop"}
"""Options of ``table_from`` that say how the columns of X are read."""
BLOCK = 1 << 24  # values of a sparse matrix that are dense at a time in prediction
FEWER = "reduce its columns first, for example with TruncatedSVD or SelectKBest"
FEWER_ROWS = "predict fewer rows at a time"


def table_of(
    estimator: Any,
    X: Any,
    *,
    reset: bool,
    kinds: Mapping[str, str] | None = None,
    reading: Mapping[str, Any] | None = None,
) -> Table:
    """The Table of X.

    Args:
        estimator: The estimator that stores, or has stored, the number and the names of the columns.
        X: The rows.
        reset: Whether the estimator stores the number and names of the columns of X; otherwise X must match them.
        kinds: The required kinds of columns; the kinds of other columns are detected.
        reading: Options of ``table_from``, those of ``READING``.

    Raises:
        ValueError: X fails one of scikit-learn's checks; its own message is kept.
        TypeError: The same, for types.
        DataError: A table cannot hold a column.
        UsageError: An option in ``reading`` is unknown.
    """
    with hints_in_reading():
        return _table(estimator, X, reset=reset, kinds=kinds, reading=checked_reading(reading))


def checked_reading(reading: Mapping[str, Any] | None) -> dict[str, Any]:
    """The options of reading X.

    Raises:
        UsageError: An option is unknown.

    >>> checked_reading({"date_order": "day_first"})
    {'date_order': 'day_first'}
    """
    given = reading_options(reading)
    for name in given:
        if name not in READING:
            near = did_you_mean(name, sorted(READING))
            raise UsageError(f"reading has no option {name!r}", hint=near or f"it has {', '.join(sorted(READING))}")
    return given


def _table(
    estimator: Any, X: Any, *, reset: bool, kinds: Mapping[str, str] | None, reading: Mapping[str, Any]
) -> Table:
    frame = _frame(X)
    if issparse(X):
        _require_dense_memory(X)  # first, since CSC has a number for every column, however empty
        X = validate_data(estimator, X, accept_sparse="csc", dtype=None, ensure_all_finite="allow-nan", reset=reset)
        columns = _dense_columns(X)
    elif frame is None:
        X = validate_data(estimator, unmasked(_unmixed(X)), dtype=None, ensure_all_finite="allow-nan", reset=reset)
        columns = _columns(X)
    else:
        validate_data(estimator, frame.to_native(), skip_check_array=True, reset=reset)
        columns = list(frame.iter_columns())
    names = getattr(estimator, "feature_names_in_", None)
    if names is None and not reset and hasattr(estimator, "model_"):
        # X without names (shap.KernelExplainer drops them) takes the model's names: columns are matched by position.
        names = [feature.name for feature in estimator.model_.schema.features]
    if names is None:
        names = [f"x{j}" for j in range(len(columns))]
    data = dict(zip(names, columns, strict=True))
    table = _read(data, reading, kinds)
    for column in table.columns.values() if reset else ():
        if tiny := how_tiny(column):
            warnings.warn(f"column {column.name!r} of X counts as constant: {tiny}", stacklevel=2)
    if kinds is None or len(kinds) == len(data):
        return table
    rest = {name: data[name] for name in data if name not in kinds}
    lists = {option: [name for name in reading.get(option, ()) if name in rest] for option in ("categorical", "text")}
    others = _read(rest, {**reading, **lists}, None)
    found = {**table.columns, **others.columns}
    return replace(others, columns={name: found[name] for name in data}, left_out=())


def _read(data: Mapping[str, Any], reading: Mapping[str, Any], kinds: Mapping[str, str] | None) -> Table:
    """The table of columns; where kinds are required, they say which columns are categorical or free text."""
    given: Any = {
        name: value for name, value in reading.items() if kinds is None or name not in ("categorical", "text")
    }
    return table_from(data, kinds=kinds, source="X", **given)


def blocks_of(X: Any) -> Iterator[Any]:
    """X in blocks of rows if it is sparse, so that few rows are dense at a time; otherwise X itself.

    Raises:
        ResourceError: One number for each row, as CSR has and a prediction is, does not fit in memory.
    """
    if not issparse(X) or X.ndim != 2 or X.shape[0] == 0:
        yield X
        return
    require_memory(CELL * X.shape[0], f"X ({X.shape[0]:,} x {X.shape[1]:,}, one number for each row)", FEWER_ROWS)
    rows = max(BLOCK // max(X.shape[1], 1), 1)
    by_row = X.tocsr()
    for start in range(0, X.shape[0], rows):
        yield by_row[start : start + rows]


def _require_dense_memory(X: Any) -> None:
    """Check that a sparse matrix can be dense.

    Raises:
        DataError: It is not of rows and columns.
        ResourceError: Its values do not fit in memory.
    """
    if X.ndim != 2:
        found = f"got a sparse array of shape {X.shape}"
        raise DataError(f"X must have two dimensions, rows and columns; {found}", hint="X.reshape(1, -1) is one row")
    require_memory(CELL * X.shape[0] * X.shape[1], f"X ({X.shape[0]:,} x {X.shape[1]:,}, dense)", FEWER)


def _dense_columns(X: Any) -> list[NDArray[np.float64]]:
    """The columns of a sparse matrix in CSC format."""
    return [np.asarray(X[:, [j]].toarray(), dtype=np.float64)[:, 0] for j in range(X.shape[1])]


def unmasked(X: Any) -> Any:
    """X with masked values as missing: NaN for numbers, NaT for dates, None for everything else.

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
    """Reject masked targets and weights: scikit-learn would ignore the mask and use the values under it.

    Raises:
        DataError: Names the masked rows.
    """
    if not isinstance(values, np.ma.MaskedArray):
        return
    mask = np.ma.getmaskarray(values)
    rows = np.flatnonzero(mask.reshape(len(mask), -1).any(axis=1)) + 1 if mask.ndim else np.array([1])
    if len(rows):
        raise DataError(f"{name} is masked in {rows_listed(rows)}", hint="leave these rows out")


def library_of(X: Any) -> Any:
    """The name of the data frame library of X; None if X is not a data frame."""
    frame = _frame(X)
    return None if frame is None else str(frame.implementation.value)


def history_in(library: Any, epochs: Sequence[EpochRecord]) -> Any:
    """One row per epoch: a data frame of the library, or a list of dicts if the library is None."""
    rows = [asdict(epoch) for epoch in epochs]
    if library is None:
        return rows
    import narwhals.stable.v2 as nw

    types = {each.name: nw.Int64 if each.type == "int" else nw.Float64 for each in fields(EpochRecord)}
    columns = {name: [row[name] for row in rows] for name in types}
    return nw.from_dict(columns, schema=types, backend=library).to_native()


def _frame(X: Any) -> Any:
    """X as a narwhals frame if it is a data frame, else None."""
    import narwhals.stable.v2 as nw
    from narwhals.exceptions import DuplicateError

    if isinstance(X, np.ndarray | list | tuple) or issparse(X):
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
    names: list[Any] = frame.columns  # in pandas, names can be numbers
    texts = [name for name in names if isinstance(name, str)]
    index = index_among(texts, arrow_index(frame.to_native()), [])
    return frame.drop(*index) if index else frame


def _unmixed(X: Any) -> Any:
    """X; lists that hold text become arrays of objects, since NumPy would turn the numbers among them into text."""
    if not isinstance(X, list | tuple):
        return X
    try:
        array = np.asarray(X)
    except ValueError:
        return X  # rows of different lengths: scikit-learn raises the error
    return np.asarray(X, dtype=object) if array.dtype.kind in "US" else X


def _columns(X: NDArray[Any]) -> list[Any]:
    if X.dtype.kind == "O":
        return [_of_objects(j, column.tolist()) for j, column in enumerate(X.T)]
    if X.dtype.kind in "US":
        return [column.tolist() for column in X.T]
    return list(X.T if X.dtype.kind in "mM" else X.T.astype(np.float64))


def _of_objects(j: int, values: list[Any]) -> list[Any]:
    """A column of Python objects: unchanged if a table can hold them; otherwise as text, with a warning."""
    types = {type_of(value) for value in values if not is_missing(value)}
    if len(types) < 2 and types <= {"boolean", "number", "text", "date", "duration"}:
        return values
    if "text" in types and types <= WRITTEN:
        return values
    warnings.warn(
        f"column {j} of X holds values of type {' and '.join(sorted(types))}: each is read as a string", stacklevel=2
    )
    return [None if is_missing(value) else text_in(value) or str(value) for value in values]

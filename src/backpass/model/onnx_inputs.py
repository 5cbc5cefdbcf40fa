"""The inputs of an exported model: converts a table to the arrays that its ONNX graph takes, by name.

It does what a graph cannot, in the same way as in training: it trims text, finds missing values in all their forms and
converts dates to whole numbers. The metadata of the exported file say how to read the columns, so that a service with
a session of ONNX Runtime needs neither the model nor the onnx package. The subpackage ``onnx`` makes the graph.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.engine.onnx.file import metadata
from backpass.errors import DataError, UsageError
from backpass.model.file.sniff import PROTOBUF
from backpass.model.file.storage import read_file
from backpass.model.loading import from_bytes
from backpass.model.model import Model
from backpass.model.onnx.dates import NO_DAY
from backpass.model.onnx.names import input_names
from backpass.model.onnx.reading import Reading, reading_facts, reading_from
from backpass.table.datetimes.date_components import TimestampFields
from backpass.table.datetimes.timestamp import NAT
from backpass.table.frame import table_from
from backpass.table.messages import ErrorList, absent, listed, shown
from backpass.table.notation.reading import PREFIX
from backpass.table.reading import read_table
from backpass.table.table import CategoricalColumn, Column, DatetimeColumn, NumericColumn, Table


def onnx_inputs(data: Any, model: Any = None) -> dict[str, NDArray[Any]]:
    """The arrays that the ONNX graph of a model takes for the rows of a table.

    A number becomes double (n, 1), NaN if missing. Text becomes string (n, 1), empty if missing. A date or a time of
    day becomes int32 (n, 3): days since 1970-01-01 in UTC (0 for a time), seconds and microseconds, with -2147483648
    days if missing. None, NaN, NA and NaT mean missing in columns of every kind; booleans become the text ``true`` and
    ``false``.

    Without ``model``, every column of the table becomes an input and its kind is detected, so the table must hold
    exactly the model's columns, as in training. With it, columns are selected, ordered and read as in training: numbers
    and text in one column, percentages, day or month first, values declared to mean missing.

    Args:
        data: A path, a data frame, a dict of columns, a list of dicts or a structured array; with a model also an
            array (n, d) of its columns in order.
        model: The exported graph (a path, the bytes, an ``onnx.ModelProto`` or a session of ONNX Runtime), or the
            Backpass model that it was exported from (a ``Model`` or the path of its file).

    Returns:
        Input name -> array, as ``InferenceSession.run`` takes it.

    Raises:
        DataError: A column that the model needs is missing, or has values of another kind.
        UsageError: ``model`` is none of the above, or a graph that this version did not export; or reading its file
            requires the package onnx, which is not installed.

    >>> feed = onnx_inputs({"rooms": [3, None], "town": ["Rome", None]})
    >>> feed["rooms"].tolist(), feed["town"].tolist()
    ([[3.0], [nan]], [['Rome'], ['']])
    >>> onnx_inputs({"sold": ["1969-12-31T23:59:59.5", None]})["sold"].tolist()
    [[-1, 86399, 500000], [-2147483648, 0, 0]]
    """
    if isinstance(data, Model) or hasattr(data, "get_modelmeta"):
        raise UsageError(
            "onnx_inputs takes the table first; its first argument is a model",
            hint="backpass.onnx_inputs(table, model)",
        )
    if model is None:
        table = data if isinstance(data, Table) else _table(data, None)
        return {
            name: input_array(column, column.kind, marks_bounds=getattr(column, "bounds", None) is not None)
            for name, column in table.columns.items()
        }
    reading = reading_of(model)
    table = data if isinstance(data, Table) else _table(data, reading)
    _check(table, reading)
    return {
        each.name: input_array(table.columns[each.column], each.kind, marks_bounds=each.marks_bounds)
        for each in reading.inputs
    }


NUMBERS, TEXTS = ("numeric", "percent"), ("categorical", "boolean")
"""The required kinds whose inputs are numbers, and those whose inputs are texts; all others are dates and times."""


def is_number(kind: str) -> bool:
    """Whether a required kind is one of numbers, plain or in a notation."""
    return kind in NUMBERS or kind.startswith(PREFIX)


def input_array(column: Column, kind: str, *, marks_bounds: bool = False) -> NDArray[Any]:
    """A column as an input of its kind; a column without any value may be of another kind."""
    match column:
        case NumericColumn() if is_number(kind) and marks_bounds:
            return np.column_stack([column.values, np.where(column.missing, np.nan, column.signs)])
        case NumericColumn() if is_number(kind):
            return column.values.reshape(-1, 1)
        case CategoricalColumn() if kind in TEXTS:
            return np.array(["", *column.levels], dtype=object)[column.codes].reshape(-1, 1)
        case DatetimeColumn() if not is_number(kind) and kind not in TEXTS:
            return _fields(column.microseconds)
    rows = len(column.missing)
    if is_number(kind):
        return np.full((rows, 2 if marks_bounds else 1), np.nan)
    return np.full((rows, 1), "", dtype=object) if kind in TEXTS else _fields(np.full(rows, NAT))


def _fields(microseconds: NDArray[np.int64]) -> NDArray[np.int32]:
    there = microseconds != NAT
    fields = TimestampFields(np.where(there, microseconds, 0))
    days = np.where(there, fields.days, NO_DAY)
    return np.column_stack([days, fields.seconds, fields.microseconds]).astype(np.int32)


def reading_of(model: Any) -> Reading:
    """How a graph requires tables to be read.

    Raises:
        UsageError: As ``onnx_inputs``.
    """
    if isinstance(model, str | Path):
        content = read_file(model)
        model = content if PROTOBUF.match(content) else from_bytes(content, str(model))
    if isinstance(model, Model):
        return reading_from(reading_facts(model.schema, input_names(model)))
    return reading_from(metadata(model))


def _table(data: Any, reading: Reading | None) -> Table:
    settings: dict[str, Any] = {} if reading is None else {"kinds": reading.kinds, "missing": reading.missing}
    if isinstance(data, str | Path):
        return read_table(data, keep_rows=True, **settings)
    if isinstance(data, np.ndarray) and data.dtype.names is None and reading is not None:
        data = _columns_of(data, reading)
    return table_from(data, **settings)


def _columns_of(X: NDArray[Any], reading: Reading) -> dict[str, Any]:
    names = [each.column for each in reading.inputs]
    if X.ndim != 2 or X.shape[1] != len(names):
        raise DataError(
            f"an array of rows for this graph has shape (n, {len(names)}); got {X.shape}",
            hint=f"its columns are, in this order: {listed(names, shown)}",
        )
    return dict(zip(names, X.T.tolist() if X.dtype.kind in "OU" else X.T, strict=True))


def _check(table: Table, reading: Reading) -> None:
    wanted = [each.column for each in reading.inputs if each.column not in table.columns]
    errors = ErrorList(table.source)
    for message in absent(wanted, [*table.names, *table.left_out]):
        errors.add(message, "pass every column that the model was trained on; values may be missing")
    errors.stop()

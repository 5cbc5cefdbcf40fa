"""Batches: the predictions for a table of any length, a window of rows at a time.

Takes a path, tables one after another, or a table; yields the windows of rows, or predictions as Arrow record batches.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from backpass.errors import UsageError, whole_number_errors
from backpass.model.batches.findings import Findings
from backpass.model.evaluation.diagnostics import warn_all
from backpass.model.prediction.predictions import Predictions
from backpass.model.prediction.reader import Reader
from backpass.table import CategoricalColumn, DatetimeColumn, Table
from backpass.table.columns.rules import check_name_lists
from backpass.table.datetimes.timestamp import timestamp_texts
from backpass.table.windows.frames import frame_windows
from backpass.table.windows.windows import ROWS, windows_of

if TYPE_CHECKING:
    import pyarrow

_NUMBERS = 2**24
"""Outputs of a window."""

NO_ARROW = "record batches need the package pyarrow, which is not installed"


class TablePredictor(Protocol):
    """The read-only part of ``prediction.Predictor`` that predicts windows of rows."""

    @property
    def labels(self) -> tuple[str, ...]: ...

    @property
    def classes(self) -> tuple[str, ...]: ...

    @property
    def why_no_probabilities(self) -> str: ...

    def reader(self) -> Reader: ...

    def table(self, data: Any, **reading: Any) -> Table: ...

    def predictions(self, table: Table) -> Predictions: ...


def windows_for(
    model: TablePredictor, source: Any, rows: int = ROWS, *, keep: Sequence[str] = (), **reading: Any
) -> Generator[Table, None, None]:
    """Yield windows of the rows of a table, with the kinds of columns that the model was fitted on.

    Close it if rows are left (``contextlib.closing``): files are open, and some are temporary.

    Args:
        model: The model.
        source: As for ``predict_batches``.
        rows: Number of rows of a window, at most; there are fewer if the model has more than 256 classes.
        keep: Names of further columns; those that the model does not use are categorical, their cells are verbatim.
        **reading: Options of ``read_table`` or ``table_from``.

    Raises:
        DataError: As ``Model.predict``.
        UsageError: The number of rows is not a positive integer.
    """
    if errors := whole_number_errors(1, rows=rows):
        raise UsageError(errors[0])
    check_name_lists("keep", keep=keep)
    rows = min(rows, rows_at_once(len(model.classes)))
    reader = model.reader()
    kinds = {**dict.fromkeys(keep, "categorical"), **reader.kinds}
    known = {"missing": reader.schema.missing, **reading}
    if isinstance(source, str | Path):
        options = {"headerless": reader.headerless, "keep_rows": True, "need": tuple(keep), **known}
        yield from cut(windows_of(source, rows=max(rows, ROWS), kinds=kinds, **options), rows)
    elif isinstance(source, Table):
        yield from cut([source], rows)
    elif isinstance(source, np.ndarray) and source.dtype.names is None:
        yield from cut([model.table(source, **reading)], rows)
    else:
        yield from cut(frame_windows(source, rows=rows, kinds=kinds, **known), rows)


def rows_at_once(outputs: int) -> int:
    """The number of rows whose predictions are in memory at a time.

    >>> rows_at_once(1), rows_at_once(10_000)
    (16777216, 1677)
    """
    return max(_NUMBERS // max(outputs, 1), 1)


def cut(tables: Iterable[Table], rows: int) -> Iterator[Table]:
    """Yield the tables in pieces of at most ``rows`` rows. Notes belong to the first piece of a table."""
    for table in tables:
        if table.rows <= rows:
            yield table
            continue
        for start in range(0, table.rows, rows):
            piece = table.take(np.arange(start, min(start + rows, table.rows)))
            yield piece if not start else _without_notes(piece)


def _without_notes(table: Table) -> Table:
    return Table(table.source, table.columns, table.row_numbers, (), table.left_out, table.missing)


def predictions_of(
    model: TablePredictor, tables: Iterable[Table], findings: Findings
) -> Iterator[tuple[Table, Predictions]]:
    """Yield each window that has rows, with the predictions for them.

    Args:
        model: The model.
        tables: The windows.
        findings: Takes in what was noticed about them.
    """
    for table in tables:
        found = model.predictions(table) if table.rows else None
        findings.add(table, found)
        if found is not None:
            yield table, found


def batches_of(
    model: TablePredictor, source: Any, rows: int, *, proba: bool, keep: Sequence[str], **reading: Any
) -> Iterator[pyarrow.RecordBatch]:
    """See ``Model.predict_batches``."""
    try:
        import pyarrow
    except ImportError:
        raise UsageError(NO_ARROW, hint="pip install 'backpass[arrow]'") from None
    if proba and not model.classes:
        raise UsageError(model.why_no_probabilities, hint="leave out proba=True")

    def batches() -> Iterator[pyarrow.RecordBatch]:
        findings = Findings()
        with closing(windows_for(model, source, rows, keep=keep, **reading)) as tables:
            for table, found in predictions_of(model, tables, findings):
                columns: dict[str, Any] = {name: cells(table, name) for name in keep}
                columns |= predicted_columns(model, found, columns, proba=proba)
                yield pyarrow.RecordBatch.from_pydict({name: _arrow(pyarrow, each) for name, each in columns.items()})
        warn_all(findings.warnings)

    return batches()


def _arrow(pyarrow: Any, values: Any) -> Any:
    """A column as an Arrow array: doubles, or strings; NaN and None are as they are."""
    if isinstance(values, np.ndarray) and values.dtype != object:
        return pyarrow.array(np.ascontiguousarray(values))
    items = values.tolist() if isinstance(values, np.ndarray) else values
    is_text = any(isinstance(each, str) for each in items)
    return pyarrow.array(items, pyarrow.string() if is_text else None)


def predicted_columns(
    model: TablePredictor, found: Predictions, kept: Mapping[str, Any], *, proba: bool
) -> dict[str, NDArray[Any]]:
    """The columns of predictions and, if requested, of the probability of each class.

    A kept column with the target's name holds the true values; the predictions then get another name.
    """
    names = [f"predicted({name})" if name in kept else name for name in model.labels]
    columns: dict[str, NDArray[Any]] = dict(zip(names, found.values.reshape(-1, len(names)).T, strict=True))
    if proba and found.probabilities is not None:
        columns |= {f"p({name})": p for name, p in zip(model.classes, found.probabilities.T, strict=True)}
    return columns


def cells(table: Table, name: str) -> list[Any]:
    """The cells of a column; None is a missing value."""
    column = table.columns[name]
    if isinstance(column, DatetimeColumn):
        return list(timestamp_texts(column.microseconds, column.kind))
    if isinstance(column, CategoricalColumn):
        levels = (None, *column.levels)
        return [levels[code] for code in column.codes.tolist()]
    return [None if gap else value for value, gap in zip(column.values.tolist(), column.missing, strict=True)]

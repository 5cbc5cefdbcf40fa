"""Tables from in-memory data: data frames (pandas, polars, ... through narwhals), Arrow streams, dicts of arrays.

Takes such data; returns a Table. The rules match those for files, so a frame and the file it was written to give equal
tables: booleans become the categories ``false`` and ``true``, strings are categorical unless they all spell dates or
times, and the index of a pandas frame is left out. ``reading`` reads files.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from backpass.errors import DataError, UsageError
from backpass.table.columns.arrays import raw_array
from backpass.table.columns.kinds import infer_column
from backpass.table.columns.objects import UNFIT, columns_of_rows, digits_of, raw_objects
from backpass.table.columns.raw import (
    Content,
    RawColumn,
    RawDatetimes,
    RawNumbers,
    RawStrings,
    coded,
    integers_as_texts,
)
from backpass.table.columns.row_names import PandasNotes, index_among, index_note
from backpass.table.columns.rules import Rules
from backpass.table.datetimes.timestamp import microseconds_of_days
from backpass.table.delimited.records import UNIQUE, check_names
from backpass.table.messages import ErrorList, absent, counted, data_error, listed, shown
from backpass.table.table import Table
from backpass.table.windows.read_settings import FRAME_OPTIONS, FrameOptions, ReadSettings, check_options

if TYPE_CHECKING:
    import narwhals.stable.v2 as nw
    from narwhals.typing import IntoSeries

TABLES = "a table is a path, a data frame, a dict of columns, a list of dicts or a structured array"
ONE_ROW = "a single row is a list of one dict: [{...}]"
ONE_PASS = "an Arrow stream can be read once: was this one read before?"


def table_from(data: Any, *, source: str = "data frame", **options: Unpack[FrameOptions]) -> Table:
    """Convert in-memory data to a Table.

    Args:
        data: A data frame, a dict of columns, a list of dicts (rows) or a structured array.
        source: Name of the data in messages.
        **options: Those options of ``read_table`` that do not concern files: ``kinds``, ``missing``, ``categorical``,
            ``text``, ``drop``, ``date_order``, ``detect_missing``, ``merge_spaces``, ``detect_dates``, ``merge_case``
            and ``known_kinds``.

    Raises:
        DataError: ``data`` is not a valid table.
        UsageError: ``data`` is of an unsupported type, or a setting is invalid.

    >>> table_from({"age": [3, None], "sex": ["f", "m"]}).column("age").values
    array([ 3., nan])
    >>> table_from([{"age": 3}, {"age": 4, "sex": "m"}]).column("age").values
    array([3., 4.])
    """
    check_options("table_from", options, FRAME_OPTIONS)
    return frame_table(ReadSettings.of(**options), data, source)


def frame_table(settings: ReadSettings, data: Any, source: str, above: int = 0) -> Table:
    """Convert in-memory data to a Table.

    Args:
        settings: The settings.
        data: As for ``table_from``.
        source: Name of the data in messages.
        above: Number of rows of the source above these.

    Raises:
        DataError: ``data`` is not a valid table.
        UsageError: ``data`` is of an unsupported type.
    """
    errors, notes, rules = ErrorList(source), list[str](), replace(settings.rules, before=above)
    content = frame_content(data, rules, errors)
    for message in absent(settings.named, content.names):
        errors.add(message)
    columns = {
        column.name: infer_column(column, rules.of_column(column.name), errors, notes) for column in content.columns
    }
    errors.stop()
    left_out = tuple(name for name in content.names if name not in columns)
    all_notes, row_numbers = (*content.notes, *notes), np.arange(1, content.rows + 1) + above
    return Table(source, columns, row_numbers, all_notes, left_out, settings.missing, of_source=content.notes)


def frame_content(data: Any, rules: Rules, errors: ErrorList) -> Content:
    """Return the requested columns of in-memory data.

    Args:
        data: A data frame, a dict of columns, a list of dicts (rows) or a structured array.
        rules: What is required of the columns.
        errors: Collects errors; its source is the name of the data.

    Raises:
        DataError: ``data`` is not a valid table.
        UsageError: ``data`` is of an unsupported type.
    """
    source = errors.source
    found, index = _named_columns(data, source)
    known = [str(name).strip(" \t") for name, _ in found]
    left = index_among(known, index, rules.named)
    found = [pair for pair, name in zip(found, known, strict=True) if name not in left]
    notes = (index_note(left),) if left or _has_index(data) else ()
    names = tuple(str(name).strip(" \t") for name, _ in found)
    check_names(names, source)
    pairs = [(name, column) for name, (_, column) in zip(names, found, strict=True)]
    rows = _length(pairs, errors, ONE_PASS if _is_stream(data) else "")
    raw = [_raw(name, column, rules, errors) for name, column in pairs if rules.wants(name)]
    return Content(names, [column for column in raw if column is not None], rows, notes)


def _named_columns(data: Any, source: str) -> tuple[list[tuple[object, Any]], tuple[str, ...]]:
    """Return name-column pairs, and the names of the pandas index columns according to the table's metadata."""
    if isinstance(data, Mapping):
        return list(data.items()), ()
    if isinstance(data, np.ndarray) and data.dtype.names is not None and data.ndim == 1:
        return [(name, data[name]) for name in data.dtype.names], ()
    if isinstance(data, list | tuple) and data and all(isinstance(row, Mapping) for row in data):
        return list(columns_of_rows(data)[0].items()), ()
    return _series_of(data, source)


def _series_of(data: Any, source: str) -> tuple[list[tuple[object, Any]], tuple[str, ...]]:
    """Return name-series pairs of a data frame, and the names of its pandas index columns.

    Raises:
        UsageError: ``data`` is not a supported table.
        DataError: Column names repeat.
    """
    import narwhals.stable.v2 as nw
    from narwhals.exceptions import DuplicateError

    try:
        frame = nw.from_native(from_arrow(data))
    except TypeError:
        if isinstance(data, str | Path):
            raise UsageError(f"{source}: expected data in memory; got a path", hint="read_table reads a file") from None
        kind = "an empty list" if isinstance(data, list) and not data else type(data).__name__
        hint = "an array has no column names: pass a dict of columns" if isinstance(data, np.ndarray) else ""
        raise UsageError(f"{TABLES}; got {kind}", hint=hint) from None
    except DuplicateError as error:
        raise not_unique(source, error) from None
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    return [(series.name, series) for series in frame.iter_columns()], arrow_index(frame.to_native())


def arrow_index(table: Any) -> tuple[str, ...]:
    """Return the names of the pandas index columns in an Arrow table, according to its metadata."""
    metadata = getattr(getattr(table, "schema", None), "metadata", None)
    return PandasNotes.of(metadata.get(b"pandas")).index if isinstance(metadata, Mapping) else ()


def _is_stream(data: Any) -> bool:
    return hasattr(data, "__arrow_c_stream__") and not hasattr(data, "__len__")


def _has_index(data: Any) -> bool:
    """Whether a pandas frame has an index that pandas would write to a file: any but a RangeIndex."""
    index = getattr(data, "index", None)
    is_pandas = type(data).__module__.partition(".")[0] == "pandas" and hasattr(index, "names")
    return is_pandas and type(index).__name__ != "RangeIndex"


def from_arrow(data: Any) -> Any:
    """Convert Arrow data other than a data frame (a record batch, a reader) to a pyarrow or polars table.

    Anything else is returned unchanged.

    Raises:
        TypeError: ``data`` has no named columns.
        UsageError: Neither pyarrow nor polars is installed.

    Source: the Arrow PyCapsule interface.
    """
    import narwhals.stable.v2 as nw

    if not (hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__")):
        return data
    if isinstance(nw.from_native(data, pass_through=True), nw.DataFrame | nw.LazyFrame):
        return data
    with suppress(ImportError):
        import pyarrow

        try:
            return pyarrow.table(data)
        except pyarrow.ArrowException as error:
            raise TypeError(str(error)) from None
    with suppress(ImportError):
        import polars

        try:
            return polars.DataFrame(data)
        except polars.exceptions.PolarsError as error:
            raise TypeError(str(error)) from None
    kind = type(data).__name__
    raise UsageError(f"{kind} exports Arrow data; reading it needs pyarrow or polars", hint="pip install pyarrow")


def not_unique(source: str, error: Exception) -> DataError:
    """Return the error for a frame with duplicate column names, from the exception that narwhals raised."""
    return data_error(source, " ".join(str(error).split()), UNIQUE)


def _length(pairs: Sequence[tuple[str, Any]], errors: ErrorList, hint: str) -> int:
    """Return the common number of rows, at least one. ``hint`` is the hint of the error for zero rows."""
    single = [name for name, column in pairs if isinstance(column, str | bytes) or not hasattr(column, "__len__")]
    if single:
        held = "column" if len(single) == 1 else "columns"
        raise data_error(errors.source, f"{held} {listed(single, shown)}: expected a sequence of values", ONE_ROW)
    lengths = {name: len(column) for name, column in pairs}
    rows = next(iter(lengths.values()), 0)
    for name, length in lengths.items():
        if length != rows:
            errors.add(f"column {shown(name)} has {counted(length, 'row')}, the first has {rows:,}")
    if not errors.texts and not rows:
        errors.add("has columns but no rows" if pairs else "has no columns", hint)
    errors.stop()
    return rows


def _raw(name: str, column: Any, rules: Rules, errors: ErrorList) -> RawColumn | None:
    import narwhals.stable.v2 as nw

    if isinstance(column, np.ndarray):
        return raw_array(name, column, rules, errors)
    series = nw.from_native(column, series_only=True, pass_through=True)
    if isinstance(series, nw.Series):
        return _raw_series(name, series, rules, errors)
    return raw_objects(name, list(column), rules, errors)


def _raw_series(name: str, series: nw.Series[IntoSeries], rules: Rules, errors: ErrorList) -> RawColumn | None:
    import narwhals.stable.v2 as nw

    kind = series.dtype
    if kind.is_numeric():
        return _exact(name, series) if rules.required_kind(name) == "categorical" else _numbers(name, series)
    if kind in (nw.String, nw.Categorical, nw.Enum):
        return replace(_strings(name, series), is_category=kind != nw.String)
    if kind in (nw.Datetime, nw.Duration) and (values := series.to_numpy()).dtype.kind in "mM":
        raw = raw_array(name, values, rules, errors)  # missing values are NaT, zoned times are in UTC
        zoned = isinstance(kind, nw.Datetime) and kind.time_zone is not None
        return replace(raw, zoned=True) if isinstance(raw, RawDatetimes) and zoned else raw
    if kind == nw.Date:
        return RawDatetimes(name, microseconds_of_days(_numbers(name, series.cast(nw.Int32)).values), "date")
    if kind in (nw.Boolean, nw.Time, nw.Object, nw.Unknown, nw.Binary, nw.Datetime, nw.Duration):
        return raw_objects(name, series.to_list(), rules, errors)
    errors.add(f"column {shown(name)} is of type {shown(kind)}", UNFIT)
    return None


def _strings(name: str, series: nw.Series[IntoSeries]) -> RawStrings:
    """Return the strings of a series. pandas and pyarrow find the distinct ones; Python examines only those."""
    import narwhals.stable.v2 as nw

    native: Any = series.to_native()
    is_string = series.dtype == nw.String
    if series.implementation.is_pandas() and (is_string or _are_strings(getattr(native.dtype, "categories", ()))):
        positions, distinct = native.factorize()
        strings = _texts(name, nw.from_native(type(native)(distinct), series_only=True))
        codes = np.concatenate([strings.codes, np.zeros(1, np.int32)])  # the last one for -1, a missing value
        return replace(strings, codes=codes[positions])
    if is_string and (series.implementation.is_pyarrow() or series.implementation.is_polars()):
        with suppress(ImportError):
            import pyarrow

            with suppress(pyarrow.ArrowNotImplementedError):
                encoded = series.to_arrow().dictionary_encode()
                codes = encoded.indices.fill_null(-1).to_numpy().astype(np.int32) + np.int32(1)
                return RawStrings(name, encoded.dictionary.to_pylist(), codes, typed=True)
    return _texts(name, series)


def _are_strings(values: Sequence[Any]) -> bool:
    return len(values) > 0 and all(isinstance(each, str) for each in values)


def _texts(name: str, series: nw.Series[IntoSeries]) -> RawStrings:
    """Return the strings of a series, value by value."""
    import narwhals.stable.v2 as nw

    # Before the cast, which in some versions turns missing values into the strings "None" or "<NA>".
    missing, texts = series.is_null().to_list(), series.cast(nw.String).to_list()
    return coded(name, (None if gap else text for gap, text in zip(missing, texts, strict=True)), typed=True)


def _exact(name: str, series: nw.Series[IntoSeries]) -> RawNumbers | RawStrings:
    """Return the strings of numbers that must be categories, with all digits of integers and of exact whole numbers."""
    import narwhals.stable.v2 as nw

    if isinstance(series.dtype, nw.Decimal):
        return coded(name, (None if v is None else digits_of(v) for v in series.to_list()), typed=True)
    if not series.dtype.is_integer():
        return _numbers(name, series)
    missing = series.is_null().to_numpy()
    values = (series.fill_null(0) if missing.any() else series).to_numpy()
    if values.dtype.kind not in "iu":  # 128 bits
        return coded(name, (None if v is None else str(v) for v in series.to_list()), typed=True)
    return integers_as_texts(name, values, missing)


def _numbers(name: str, series: nw.Series[IntoSeries]) -> RawNumbers:
    import narwhals.stable.v2 as nw

    if isinstance(series.dtype, nw.Decimal):
        return RawNumbers(name, np.array([math.nan if v is None else float(v) for v in series.to_list()]))
    native: Any = series.to_native()
    dtype = getattr(native, "dtype", None)
    if isinstance(dtype, np.dtype) and dtype.kind in "iuf":  # of NumPy: pandas has NaN where a value is missing
        return RawNumbers(name, np.array(native, np.float64))
    missing = series.is_null().to_numpy()
    if missing.any():
        series = series.fill_null(0)
    values = np.asarray(series.to_numpy(), np.float64)  # Arrow's own cast refuses integers beyond 2^53
    return RawNumbers(name, np.where(missing, np.nan, values))

"""Frame: a data frame (pandas, polars, pyarrow, ... through narwhals) or a dict of arrays -> Table.

The same rules as for files, so that a frame and the file it was written to give equal tables: booleans are the texts
``false`` and ``true``, dates are days since 1970-01-01, strings are texts whatever they spell.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backpass.errors import UsageError
from backpass.table.kinds import Rules, settle
from backpass.table.missing import DEFAULT_MISSING, Missing
from backpass.table.parquet import DAY_NOTE, UNFIT
from backpass.table.raw import RawColumn, RawNumbers, coded
from backpass.table.records import check_names
from backpass.table.table import Table
from backpass.table.wording import Faults, absent, counted, shown

if TYPE_CHECKING:
    import narwhals.stable.v2 as nw
    from narwhals.typing import IntoSeries

EPOCH = datetime.date(1970, 1, 1)
BOOLEAN = {True: "true", False: "false"}


def table_from(
    data: Any,
    *,
    kinds: Mapping[str, str] | None = None,
    text: Sequence[str] = (),
    drop: Sequence[str] = (),
    missing: Sequence[str] = DEFAULT_MISSING,
    source: str = "data frame",
) -> Table:
    """The Table of a data frame or a dict of columns; settings as for ``read_table``.

    >>> table_from({"age": [3, None], "sex": ["f", "m"]}).column("age").values
    array([ 3., nan])
    """
    rules = Rules(kinds, frozenset(text), frozenset(drop), Missing.of(missing))
    faults, notes = Faults(source), list[str]()
    found = list(data.items()) if isinstance(data, Mapping) else _series_of(data)
    names = tuple(str(name).strip(" \t") for name, _ in found)
    check_names(names, source)
    pairs = [(name, column) for name, (_, column) in zip(names, found, strict=True)]
    rows = _length(pairs, faults)
    raw = [_raw(name, column, faults, notes) for name, column in pairs if rules.wants(name)]
    for fault in absent([*text, *drop], names):
        faults.add(fault)
    columns = {column.name: settle(column, rules, faults, notes) for column in raw if column is not None}
    faults.stop()
    left_out = tuple(name for name in names if name not in columns)
    return Table(source, columns, np.arange(1, rows + 1), tuple(notes), left_out, tuple(missing))


def _series_of(data: Any) -> list[tuple[object, Any]]:
    import narwhals.stable.v2 as nw

    try:
        frame = nw.from_native(data)
    except TypeError:
        kind = type(data).__name__
        raise UsageError(f"a table is a data frame or a dict of columns, got {kind}") from None
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    return [(series.name, series) for series in frame.iter_columns()]


def _length(pairs: Sequence[tuple[str, Any]], faults: Faults) -> int:
    """The common number of rows, at least one."""
    lengths = {name: len(column) for name, column in pairs if hasattr(column, "__len__")}
    rows = next(iter(lengths.values()), 0)
    for name, length in lengths.items():
        if length != rows:
            faults.add(f"column {shown(name)} has {counted(length, 'row')}, the first has {rows:,}")
    if not faults.texts and not rows:
        faults.add("has columns but no rows" if pairs else "has no columns")
    faults.stop()
    return rows


def _raw(name: str, column: Any, faults: Faults, notes: list[str]) -> RawColumn | None:
    import narwhals.stable.v2 as nw

    if isinstance(column, nw.Series):
        return _raw_series(name, column, faults, notes)
    values = np.asarray(column) if isinstance(column, np.ndarray) else None
    if values is not None and values.ndim == 1 and values.dtype.kind in "iuf":
        return RawNumbers(name, values.astype(np.float64))
    if values is not None and values.ndim == 1 and values.dtype.kind == "M":
        return _days(name, values, notes)
    return _raw_objects(name, list(column), faults, notes)


def _raw_series(name: str, series: nw.Series[IntoSeries], faults: Faults, notes: list[str]) -> RawColumn | None:
    import narwhals.stable.v2 as nw

    kind = series.dtype
    if kind.is_numeric():
        return _numbers(name, series)
    if kind in (nw.String, nw.Categorical, nw.Enum):
        texts = series.cast(nw.String).to_list()  # pandas has NaN among them
        return coded(name, (text if isinstance(text, str) else None for text in texts), typed=True)
    if kind in (nw.Boolean, nw.Object, nw.Unknown):
        return _raw_objects(name, series.to_list(), faults, notes)
    if kind in (nw.Datetime, nw.Date):
        return _dates(name, series, notes)
    faults.add(f"column {shown(name)} is of type {shown(kind)}", UNFIT)
    return None


def _numbers(name: str, series: nw.Series[IntoSeries]) -> RawNumbers:
    import narwhals.stable.v2 as nw

    if isinstance(series.dtype, nw.Decimal):
        return RawNumbers(name, np.array([math.nan if v is None else float(v) for v in series.to_list()]))
    missing = series.is_null().to_numpy()
    if missing.any():
        series = series.fill_null(0)
    values = series.cast(nw.Float64).to_numpy()
    return RawNumbers(name, np.where(missing, np.nan, values))


def _dates(name: str, series: nw.Series[IntoSeries], notes: list[str]) -> RawNumbers:
    """Microseconds, or nanoseconds where the frame keeps them, over those of a day: what Parquet gives."""
    import narwhals.stable.v2 as nw

    unit = series.dtype.time_unit if isinstance(series.dtype, nw.Datetime) else "us"
    stamps = series.cast(nw.Datetime("us")) if series.dtype == nw.Date else series
    ticks = stamps.dt.timestamp("ns" if unit == "ns" else "us")
    missing = ticks.is_null().to_numpy()
    whole = (ticks.fill_null(0) if missing.any() else ticks).cast(nw.Int64).to_numpy()
    notes.append(DAY_NOTE.format(shown(name)))
    days = whole.astype(np.float64) / (86400e9 if unit == "ns" else 86400e6)
    return RawNumbers(name, np.where(missing, np.nan, days))


def _days(name: str, values: NDArray[Any], notes: list[str]) -> RawNumbers:
    notes.append(DAY_NOTE.format(shown(name)))
    ticks = values.astype("datetime64[us]")
    days = ticks.astype(np.int64).astype(np.float64) / 86400e6
    return RawNumbers(name, np.where(np.isnat(ticks), np.nan, days))


def _raw_objects(name: str, values: list[Any], faults: Faults, notes: list[str]) -> RawColumn | None:
    """A column of Python values, all of one sort; None, NaN and pandas.NA are missing."""
    items = [None if is_missing(value) else value for value in values]
    sorts = {sort_of(item) for item in items if item is not None}
    if sorts <= {"number"}:
        return RawNumbers(name, np.array([math.nan if item is None else float(item) for item in items]))
    if sorts == {"boolean"}:
        return coded(name, (None if item is None else BOOLEAN[bool(item)] for item in items), typed=True)
    if sorts == {"text"}:
        return coded(name, (None if item is None else str(item) for item in items), typed=True)
    if sorts == {"date"}:
        notes.append(DAY_NOTE.format(shown(name)))
        return RawNumbers(name, np.array([math.nan if item is None else float((item - EPOCH).days) for item in items]))
    faults.add(f"column {shown(name)} holds {' and '.join(f'values of type {sort}' for sort in sorted(sorts))}", UNFIT)
    return None


def is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ in {"NAType", "NaTType"}:
        return True
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


def sort_of(value: Any) -> str:
    """What a Python value counts as; the name of its type when it has no place in a table."""
    if isinstance(value, bool | np.bool_):
        return "boolean"
    if isinstance(value, int | float | np.integer | np.floating) or type(value).__name__ == "Decimal":
        return "number"
    if isinstance(value, str):
        return "text"
    return "date" if type(value) is datetime.date else type(value).__name__

"""Frame: a data frame (pandas, polars, pyarrow, ... through narwhals) or a dict of arrays -> Table.

The same rules as for files, so that a frame and the file it was written to give equal tables: booleans are the texts
``false`` and ``true``, strings are texts unless they all spell dates or times.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backpass.errors import DataError, UsageError
from backpass.table.judging import Rules
from backpass.table.kinds import settle
from backpass.table.missing import DEFAULT_MISSING, Missing
from backpass.table.moment import NO_MOMENT
from backpass.table.objects import UNFIT, columns_of_rows, raw_objects
from backpass.table.raw import RawColumn, RawMoments, RawNumbers, coded
from backpass.table.records import UNIQUE, check_names
from backpass.table.table import Table
from backpass.table.wording import Faults, absent, counted, listed, refusal, shown

if TYPE_CHECKING:
    import narwhals.stable.v2 as nw
    from narwhals.typing import IntoSeries

ONE_ROW = "a single row is a list of one dict: [{...}]"


def table_from(
    data: Any,
    *,
    kinds: Mapping[str, str] | None = None,
    text: Sequence[str] = (),
    drop: Sequence[str] = (),
    missing: Sequence[str] = DEFAULT_MISSING,
    source: str = "data frame",
) -> Table:
    """The Table of a data frame, a dict of columns, a list of dicts (rows) or a structured array; settings as for
    ``read_table``.

    >>> table_from({"age": [3, None], "sex": ["f", "m"]}).column("age").values
    array([ 3., nan])
    >>> table_from([{"age": 3}, {"age": 4, "sex": "m"}]).column("age").values
    array([3., 4.])
    """
    rules = Rules(kinds, frozenset(text), frozenset(drop), Missing.of(missing))
    faults, notes = Faults(source), list[str]()
    found = _named_columns(data, source)
    names = tuple(str(name).strip(" \t") for name, _ in found)
    check_names(names, source)
    pairs = [(name, column) for name, (_, column) in zip(names, found, strict=True)]
    rows = _length(pairs, faults)
    raw = [_raw(name, column, faults) for name, column in pairs if rules.wants(name)]
    for fault in absent([*text, *drop], names):
        faults.add(fault)
    columns = {column.name: settle(column, rules, faults, notes) for column in raw if column is not None}
    faults.stop()
    left_out = tuple(name for name in names if name not in columns)
    return Table(source, columns, np.arange(1, rows + 1), tuple(notes), left_out, tuple(missing))


def _named_columns(data: Any, source: str) -> list[tuple[object, Any]]:
    if isinstance(data, Mapping):
        return list(data.items())
    if isinstance(data, np.ndarray) and data.dtype.names is not None and data.ndim == 1:
        return [(name, _readable(data[name])) for name in data.dtype.names]
    if isinstance(data, list | tuple) and data and all(isinstance(row, Mapping) for row in data):
        return list(columns_of_rows(data)[0].items())
    return _series_of(data, source)


def _readable(values: NDArray[Any]) -> Any:
    """A field of a structured array: numbers and dates as they are, all else as Python values."""
    return values if values.dtype.kind in "iufM" else values.tolist()


def _series_of(data: Any, source: str) -> list[tuple[object, Any]]:
    import narwhals.stable.v2 as nw
    from narwhals.exceptions import DuplicateError

    try:
        frame = nw.from_native(data)
    except TypeError:
        kind = type(data).__name__
        hint = "an array has no names of columns: give a dict of them" if isinstance(data, np.ndarray) else ""
        what = "a table is a data frame, a dict of columns, a list of dicts or a structured array"
        raise UsageError(f"{what}, got {kind}", hint=hint) from None
    except DuplicateError as error:
        raise not_unique(source, error) from None
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    return [(series.name, series) for series in frame.iter_columns()]


def not_unique(source: str, error: Exception) -> DataError:
    """What to say of a frame with a name that stands there twice, by what narwhals says of it."""
    return refusal(source, " ".join(str(error).split()), UNIQUE)


def _length(pairs: Sequence[tuple[str, Any]], faults: Faults) -> int:
    """The common number of rows, at least one."""
    single = [name for name, column in pairs if isinstance(column, str | bytes) or not hasattr(column, "__len__")]
    if single:
        held = "column" if len(single) == 1 else "columns"
        raise refusal(faults.source, f"{held} {listed(single, shown)}: expected a sequence of values", ONE_ROW)
    lengths = {name: len(column) for name, column in pairs}
    rows = next(iter(lengths.values()), 0)
    for name, length in lengths.items():
        if length != rows:
            faults.add(f"column {shown(name)} has {counted(length, 'row')}, the first has {rows:,}")
    if not faults.texts and not rows:
        faults.add("has columns but no rows" if pairs else "has no columns")
    faults.stop()
    return rows


def _raw(name: str, column: Any, faults: Faults) -> RawColumn | None:
    import narwhals.stable.v2 as nw

    if isinstance(column, nw.Series):
        return _raw_series(name, column, faults)
    values = np.asarray(column) if isinstance(column, np.ndarray) else None
    if values is not None and values.ndim == 1 and values.dtype.kind in "iuf":
        return RawNumbers(name, values.astype(np.float64))
    if values is not None and values.ndim == 1 and values.dtype.kind == "M":
        return RawMoments(name, values.astype("datetime64[us]").astype(np.int64), "date")  # NumPy's NaT is ours
    return raw_objects(name, list(column), faults)


def _raw_series(name: str, series: nw.Series[IntoSeries], faults: Faults) -> RawColumn | None:
    import narwhals.stable.v2 as nw

    kind = series.dtype
    if kind.is_numeric():
        return _numbers(name, series)
    if kind in (nw.String, nw.Categorical, nw.Enum):
        # Asked first: the cast of some versions makes texts of what is missing, "None" or "<NA>".
        missing, texts = series.is_null().to_list(), series.cast(nw.String).to_list()
        return coded(name, (None if gap else text for gap, text in zip(missing, texts, strict=True)), typed=True)
    if kind in (nw.Boolean, nw.Time, nw.Object, nw.Unknown):
        return raw_objects(name, series.to_list(), faults)
    if kind in (nw.Datetime, nw.Date):
        return _dates(name, series)
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


def _dates(name: str, series: nw.Series[IntoSeries]) -> RawMoments:
    """Microseconds; nanoseconds, where the frame keeps them, cut off as in Parquet."""
    import narwhals.stable.v2 as nw

    kind = series.dtype
    unit = kind.time_unit if isinstance(kind, nw.Datetime) else "us"
    stamps = series.cast(nw.Datetime("us")) if kind == nw.Date else series
    ticks = stamps.dt.timestamp("ns" if unit == "ns" else "us")
    missing = ticks.is_null().to_numpy()
    whole = (ticks.fill_null(0) if missing.any() else ticks).cast(nw.Int64).to_numpy()
    zoned = isinstance(kind, nw.Datetime) and kind.time_zone is not None
    return RawMoments(name, np.where(missing, NO_MOMENT, whole // (1_000 if unit == "ns" else 1)), "date", zoned)

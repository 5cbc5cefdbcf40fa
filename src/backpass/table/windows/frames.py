"""Windows of tables in memory: a data frame, or several one after another, such as the batches of an Arrow reader.

Takes such data; yields tables. Record batches are joined, or cut, to windows of the requested length, so that engines
that hand over a few rows at a time cost no more than others. ``frame`` converts a single table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Unpack

from backpass.table.frame import frame_table
from backpass.table.table import Table
from backpass.table.windows.read_settings import FRAME_OPTIONS, FrameOptions, ReadSettings, check_options


def frame_windows(
    data: Any, *, rows: int, source: str = "data frame", **options: Unpack[FrameOptions]
) -> Iterator[Table]:
    """Yield the windows of a table in memory, or of several with the same columns; tables without rows are left out.

    Args:
        data: What ``table_from`` takes, an Arrow reader, or an iterable of such tables.
        rows: Number of rows of a window, at most, where the data can be cut.
        source: Name of the data in messages.
        **options: The keyword arguments of ``table_from``.

    Raises:
        DataError: As ``table_from``.
        UsageError: As ``table_from``.
    """
    check_options("table_from", options, FRAME_OPTIONS)
    settings = ReadSettings.of(**options)
    several = _several(data)
    above = 0
    for each in [data] if several is None else _grouped(several, rows):
        if several is not None and _length(each) == 0:
            continue
        for piece in _pieces(each, rows):
            table = frame_table(settings, piece, source, above)
            yield table
            above += table.rows


def _several(data: Any) -> Iterable[Any] | None:
    """Return the tables of an Arrow reader or an iterable of tables; None if the data are one table."""
    if hasattr(data, "read_next_batch") or (isinstance(data, Iterator) and not hasattr(data, "__arrow_c_stream__")):
        return data  # type: ignore[no-any-return]
    if hasattr(data, "__arrow_c_stream__") and not hasattr(data, "__len__"):
        try:
            import pyarrow
        except ImportError:
            return None
        return pyarrow.RecordBatchReader.from_stream(data)  # type: ignore[no-any-return]
    if isinstance(data, list | tuple) and data and not any(isinstance(each, Mapping) for each in data):
        return data
    return None


def _length(data: Any) -> int | None:
    """Return the number of rows of a table in memory; None if it does not say."""
    if isinstance(data, Mapping):
        return len(next(iter(data.values()), ()))
    rows = getattr(data, "num_rows", None)
    return rows if isinstance(rows, int) else len(data) if hasattr(data, "__len__") else None


def _grouped(tables: Iterable[Any], rows: int) -> Iterator[Any]:
    """Yield tables; short record batches of one schema are joined to tables of up to ``rows`` rows."""
    waiting, count = list[Any](), 0
    for each in tables:
        length = each.num_rows if _is_batch(each) else rows
        if waiting and (count + length > rows or each.schema != waiting[0].schema):
            yield _joined(waiting)
            waiting, count = [], 0
        if not _is_batch(each):
            yield each
        elif length:
            waiting, count = [*waiting, each], count + length
    if waiting:
        yield _joined(waiting)


def _is_batch(data: Any) -> bool:
    return type(data).__name__ == "RecordBatch" and type(data).__module__.partition(".")[0] == "pyarrow"


def _joined(batches: list[Any]) -> Any:
    import pyarrow

    return pyarrow.Table.from_batches(batches)


def _pieces(data: Any, rows: int) -> Iterator[Any]:
    """Yield slices of at most ``rows`` rows of an Arrow table or a polars frame; other data are yielded whole."""
    is_cut = type(data).__module__.partition(".")[0] in ("pyarrow", "polars") and hasattr(data, "slice")
    length = _length(data)
    if not is_cut or not length or length <= rows:
        yield data
        return
    for start in range(0, length, rows):
        yield data.slice(start, rows)

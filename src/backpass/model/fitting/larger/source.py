"""The source of a streamed fit: Parquet files that are read piece by piece, with row numbers.

It takes a path or a pattern and yields Arrow tables of bounded length, in the order of the rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backpass.errors import DataError, ResourceError
from backpass.table.files.pattern import files_of
from backpass.table.messages import listed, plain, refusal, shown

PIECE = 65_536
"""The most rows of a piece."""

BUFFER = 65_536
"""Bytes of a column that are read at once; without it, pyarrow holds a whole row group in memory."""


@dataclass(frozen=True, slots=True, eq=False)
class ParquetSource:
    """Parquet files with the same columns.

    Attributes:
        name: Name of the table in messages.
        files: The paths.
        rows: The number of rows of all files.
    """

    name: str
    files: tuple[str, ...]
    rows: int

    @staticmethod
    def of(path: str | Path) -> ParquetSource:
        """Open a file, or all files that match a pattern, and compare their columns.

        Raises:
            DataError: A file is no Parquet file, or has other columns than the first.
            ResourceError: A file cannot be read, or pyarrow is not installed.
        """
        files = files_of(path)
        name = files[0] if len(files) == 1 else f"{path} ({len(files)} files)"
        first, rows = None, 0
        for file in files:
            opened = _opened(file)
            types = {field.name: str(field.type) for field in opened.schema_arrow}
            first = types if first is None else first
            if faults := _differences(first, types, files[0], file):
                raise DataError(f"{plain(name)}: the files have different columns", faults=faults)
            rows += opened.metadata.num_rows
        if not rows:
            raise refusal(name, "has columns but no rows")
        return ParquetSource(name, tuple(files), rows)

    def pieces(self) -> Iterator[tuple[int, Any]]:
        """Yield the number of the first row, from 0, and an Arrow table of at most ``PIECE`` rows.

        Raises:
            DataError: A row group is damaged.
        """
        import pyarrow as pa

        first = 0
        for file in self.files:
            opened = _opened(file)
            groups = opened.num_row_groups
            for group in range(groups):
                try:
                    for batch in opened.iter_batches(PIECE, row_groups=[group], use_threads=False):
                        yield first, _without_views(pa.Table.from_batches([batch]))
                        first += batch.num_rows
                except (pa.ArrowException, OSError) as error:
                    reason = str(error).splitlines()[0]
                    raise refusal(file, f"row group {group + 1} of {groups} is damaged ({reason})") from error


def _opened(file: str) -> Any:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise ResourceError("reading a file in pieces needs pyarrow", hint='pip install "backpass[arrow]"') from None
    try:
        return pq.ParquetFile(file, pre_buffer=False, buffer_size=BUFFER)
    except FileNotFoundError:
        raise refusal(file, "there is no such file") from None
    except (pa.ArrowInvalid, OSError) as error:
        what = f"cannot be read as a Parquet file ({str(error).splitlines()[0]})"
        hint = "a streamed fit reads Parquet; DuckDB writes it: COPY 'table.csv' TO 'table.parquet'"
        raise refusal(file, what, hint) from error


def _without_views(piece: Any) -> Any:
    """The piece with plain strings in place of string views, of which Arrow cannot take rows."""
    import pyarrow as pa

    kinds = [pa.large_string() if pa.types.is_string_view(each.type) else each.type for each in piece.schema]
    plain_fields = [each.with_type(kind) for each, kind in zip(piece.schema, kinds, strict=True)]
    return piece.cast(pa.schema(plain_fields)) if plain_fields != [*piece.schema] else piece


def _differences(first: dict[str, str], other: dict[str, str], first_name: str, name: str) -> Sequence[str]:
    lacking, more = [each for each in first if each not in other], [each for each in other if each not in first]
    typed = [each for each in first if other.get(each, first[each]) != first[each]]
    faults = [f"{plain(name)} lacks {listed(lacking, shown)}, which {plain(first_name)} has"] if lacking else []
    faults += [f"{plain(name)} has {listed(more, shown)}, which {plain(first_name)} has not"] if more else []
    return faults + [
        f"column {shown(each)} is of type {first[each]} in {plain(first_name)}, {other[each]} in {plain(name)}"
        for each in typed
    ]

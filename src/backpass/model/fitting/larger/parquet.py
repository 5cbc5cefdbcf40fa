"""A source of a streamed fit: Parquet files that are read piece by piece, with row numbers.

It takes a path or a pattern and returns a sample of the rows, and tables of bounded length in the order of the rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from backpass.dataclass import dataclass
from backpass.errors import DataError, ResourceError, missing_file
from backpass.model.fitting.larger import sample
from backpass.model.fitting.larger.sample import FirstRows, drawn
from backpass.model.fitting.larger.source import SampledRows
from backpass.model.fitting.runs.processes import require_same
from backpass.numerics.distinct import are_among
from backpass.table import Table
from backpass.table.files.pattern import files_of
from backpass.table.frame import frame_table
from backpass.table.messages import data_error, listed, plain, shown
from backpass.table.windows.read_settings import FRAME_OPTIONS, ReadSettings
from backpass.training.processes.exchange import SOLO, Exchange
from backpass.training.processes.sharded import share_of

PIECE = 65_536
"""Maximum number of rows in a piece."""

BUFFER = 65_536
"""Bytes of a column that are read at once; without it, pyarrow holds a whole row group in memory."""


@dataclass(frozen=True, slots=True, eq=False)
class ParquetSource:
    """Parquet files with the same columns.

    Attributes:
        name: Name of the table in messages.
        files: The paths.
        rows: The number of rows of all files.
        options: Options of reading; those that ``table_from`` has are used.
    """

    name: str
    files: tuple[str, ...]
    rows: int
    options: Mapping[str, Any]

    @staticmethod
    def of(path: str | Path, options: Mapping[str, Any]) -> ParquetSource:
        """Open a file, or all files that match a pattern, and compare their columns.

        Args:
            path: The file, or the pattern.
            options: Options of reading.

        Raises:
            DataError: A file is not a Parquet file, or its columns differ from those of the first.
            ResourceError: A file cannot be read, or pyarrow is not installed.
        """
        files = files_of(path)
        name = files[0] if len(files) == 1 else f"{path} ({len(files)} files)"
        first, rows = None, 0
        for file in files:
            opened = _opened(file)
            types = {field.name: str(field.type) for field in opened.schema_arrow}
            first = types if first is None else first
            if errors := _differences(first, types, files[0], file):
                raise DataError(f"{plain(name)}: the files have different columns", details=errors)
            rows += opened.metadata.num_rows
        if not rows:
            raise data_error(name, "has columns but no rows")
        return ParquetSource(name, tuple(files), rows, options)

    def sample(self, targets: Sequence[str], seed: int, exchange: Exchange = SOLO) -> SampledRows:
        """Draw rows, and the first rows with each value of a target that may be a class.

        Each process reads its share of the rows.

        Raises:
            DataError: A row group is damaged, the rows are not a valid table, or the processes have different files.
        """
        import pyarrow as pa

        parts, numbers, firsts = list[Any](), list[Any](), FirstRows.of(targets)
        share = min(sample.SAMPLE / self.rows, 1.0)
        require_same(exchange, {"files": self.digest} if exchange.size > 1 else {})
        for first, piece in self.pieces(share_of(self.rows, exchange.rank, exchange.size)):
            rows = np.arange(first, first + piece.num_rows)
            chosen = drawn(rows, seed, share)
            for name in targets:
                if name in piece.column_names and firsts.wants(name):
                    new = firsts.add(name, _places(piece.column(name), first))
                    chosen[np.array(new, dtype=np.intp) - first] = True
            parts.append(piece.filter(pa.array(chosen)))
            numbers.append(rows[chosen])
        parts, numbers, firsts = _joined(exchange.share((parts, numbers, firsts)))
        found = np.concatenate(numbers)
        kept = drawn(found, seed, share) | are_among(found, firsts.rows)
        whole = pa.concat_tables(parts).filter(pa.array(kept))
        table = replace(self._table(whole, found[kept] + 1), recurring=firsts.recurring)
        return SampledRows(table, self.rows, len(whole) == self.rows)

    def tables(self, kinds: Mapping[str, str], rows: range) -> Iterator[Table]:
        """Yield these rows in tables, with these columns of these kinds; row groups without any are not read.

        Raises:
            DataError: A row group is damaged, or a column does not have the required kind.
        """
        for first, piece in self.pieces(rows):
            yield self._read(piece, self.name, kinds=kinds, above=first)

    def _table(self, rows: Any, numbers: Any) -> Table:
        """The table of a sample, with the row numbers of the source."""
        is_all = len(numbers) == self.rows
        try:
            table = self._read(rows, self.name if is_all else f"a random sample of {self.name}")
        except DataError:
            if not is_all:
                for first, piece in self.pieces(range(self.rows)):  # an error of a piece names the rows of the source
                    self._read(piece, self.name, above=first)
            raise
        return replace(table, source=self.name, row_numbers=numbers)

    def _read(self, data: Any, name: str, *, kinds: Mapping[str, str] | None = None, above: int = 0) -> Table:
        """The table of an Arrow table.

        Args:
            data: The Arrow table.
            name: Name of the rows in messages.
            kinds: Required kind by column name; only these columns are read. Default None: all.
            above: The number of rows of the source above these.

        Raises:
            DataError: The rows are not a valid table.
        """
        given: Any = {option: value for option, value in self.options.items() if option in FRAME_OPTIONS - {"drop"}}
        return frame_table(ReadSettings.of(**{**given, "kinds": kinds}), data, name, above)

    @property
    def digest(self) -> str:
        """A digest of the metadata of the files: their columns, row groups, and where and how large these are."""
        found = sha256()
        for file in self.files:
            metadata = _opened(file).metadata.to_dict()
            found.update(repr(metadata).encode())
        return found.hexdigest()

    def pieces(self, rows: range) -> Iterator[tuple[int, Any]]:
        """Yield the number of the first row, from 0, and an Arrow table of at most ``PIECE`` of these rows.

        The columns have the order of the first file. Row groups without any of them are not read.

        Raises:
            DataError: A row group is damaged.
        """
        import pyarrow as pa

        first, names = 0, list[str]()
        for file in self.files:
            opened = _opened(file)
            names = names or opened.schema_arrow.names
            groups = opened.num_row_groups
            for group in range(groups):
                after = first + opened.metadata.row_group(group).num_rows
                if after <= rows.start or first >= rows.stop:
                    first = after
                    continue
                try:
                    for batch in opened.iter_batches(PIECE, row_groups=[group], use_threads=False):
                        begin = max(rows.start - first, 0)
                        part = batch.slice(begin, max(rows.stop - first - begin, 0))
                        if part.num_rows:
                            yield first + begin, _in_order(_without_views(pa.Table.from_batches([part])), names)
                        first += batch.num_rows
                except (pa.ArrowException, OSError) as error:
                    reason = str(error).splitlines()[0]
                    raise data_error(file, f"row group {group + 1} of {groups} is damaged ({reason})") from error


def _in_order(piece: Any, names: Sequence[str]) -> Any:
    """The columns of a piece by these names, all of which may have missing values: pieces of all files then join."""
    import pyarrow as pa

    if piece.column_names == names and all(field.nullable for field in piece.schema):
        return piece
    return pa.table({name: piece.column(name) for name in names})


def _opened(file: str) -> Any:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise ResourceError("reading a file in pieces needs pyarrow", hint='pip install "backpass[arrow]"') from None
    try:
        return pq.ParquetFile(file, pre_buffer=False, buffer_size=BUFFER)
    except FileNotFoundError:
        raise DataError(missing_file(file)) from None
    except (pa.ArrowInvalid, OSError) as error:
        what = f"cannot be read as a Parquet file ({str(error).splitlines()[0]})"
        raise data_error(file, what) from error


def _joined(shared: Sequence[tuple[list[Any], list[Any], FirstRows]]) -> tuple[list[Any], list[Any], FirstRows]:
    """The drawn rows, their numbers and the first rows of all processes, whose rows follow one another."""
    firsts = shared[0][2]
    for _, _, later in shared[1:]:
        firsts.merge(later)
    return [each for parts, _, _ in shared for each in parts], [each for _, rows, _ in shared for each in rows], firsts


def _places(column: Any, first: int) -> Iterator[tuple[Any, int, int]]:
    """Yield the values of a column, with the first row and the number of rows of each; none for other types of targets.

    Args:
        column: The values of a piece.
        first: The number of the first row of the piece.
    """
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    try:
        encoded = column.combine_chunks().dictionary_encode()
        codes = encoded.indices.drop_null().to_numpy()
        rows = np.flatnonzero(encoded.indices.is_valid().to_numpy(zero_copy_only=False))
        counts, places = np.bincount(codes), np.empty(len(encoded.dictionary), np.int64)
        places[codes[::-1]] = rows[::-1]  # the last that is written is the first row
        values = encoded.dictionary[: 2 * sample.MOST_CLASSES + 2].to_pylist()
        for value, place, count in zip(values, places.tolist(), counts.tolist(), strict=False):
            if value == value:
                yield value, first + place, count
    except pa.ArrowNotImplementedError:  # lists, for example
        return


def _without_views(piece: Any) -> Any:
    """The piece with plain strings in place of string views, of which Arrow cannot take rows."""
    import pyarrow as pa

    kinds = [pa.large_string() if pa.types.is_string_view(each.type) else each.type for each in piece.schema]
    plain_fields = [each.with_type(kind) for each, kind in zip(piece.schema, kinds, strict=True)]
    return piece.cast(pa.schema(plain_fields)) if plain_fields != [*piece.schema] else piece


def _differences(first: dict[str, str], other: dict[str, str], first_name: str, name: str) -> Sequence[str]:
    lacking, more = [each for each in first if each not in other], [each for each in other if each not in first]
    typed = [each for each in first if other.get(each, first[each]) != first[each]]
    errors = [f"{plain(name)} lacks {listed(lacking, shown)}, which {plain(first_name)} has"] if lacking else []
    if more:
        errors += [f"{plain(name)} has {listed(more, shown)}, which {plain(first_name)} does not have"]
    return errors + [
        f"column {shown(each)} is of type {first[each]} in {plain(first_name)}, {other[each]} in {plain(name)}"
        for each in typed
    ]

"""A streamed fit: the problem of a Parquet file that does not fit in memory.

It takes a path and settings. A sample of the rows decides on columns, scales and the network, and is divided into
training, validation and test rows as a table is. All other rows train, too: they are encoded once and kept on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from backpass.errors import DataError, UsageError
from backpass.model.fitting.larger.sample import Sample, windows_of
from backpass.model.fitting.larger.source import ParquetSource
from backpass.model.fitting.larger.stored import Stored
from backpass.model.fitting.problem.data_split import Rows
from backpass.model.fitting.problem.preparation import make_problem, part_of
from backpass.model.fitting.problem.problem import Problem
from backpass.model.settings.settings import Settings
from backpass.table import Column, NumericColumn, Table, required_kind
from backpass.table.frame import frame_table
from backpass.table.labeled import Labeled
from backpass.table.memory import written_bytes
from backpass.table.targets import target_names
from backpass.table.windows.settings import FRAME_OPTIONS, ReadSettings
from backpass.training.processes.exchange import Exchange


def check_streamable(
    data: Any, settings: Settings, options: Mapping[str, Any], exchange: Exchange, **others: Any
) -> None:
    """Refuse what a streamed fit cannot do.

    Args:
        data: The table.
        settings: The settings.
        options: Options of reading.
        exchange: The processes of the fit.
        others: Other tables and columns by name, None if there are none.

    Raises:
        UsageError: Names it and what to do.
    """
    if not isinstance(data, str | Path) or str(data) == "-":
        raise UsageError("a streamed fit reads Parquet files", hint="give the path of a file, or a pattern")
    needs = {
        "group": settings.group is not None,
        "time": settings.time is not None,
        "refit": settings.refit,
        "candidates": settings.candidates > 1,
        "shards": settings.shards > 1,
        "engine jax": settings.engine == "jax",
        "sampling full": settings.sampling == "full",
    }
    refused = [name for name, value in others.items() if value is not None]
    refused += [name for name, value in options.items() if name not in FRAME_OPTIONS and value]
    refused += [name for name, is_set in needs.items() if is_set]
    refused += ["several processes"] if exchange.size > 1 else []
    if refused:
        raise UsageError(f"a streamed fit has no {refused[0]}", hint=f"leave out {refused[0]}, or stream")


@contextmanager
def streamed_problem(
    path: str | Path,
    target: str | Sequence[str],
    settings: Settings,
    options: Mapping[str, Any],
    tell: Callable[[str], object],
    *,
    drop: Sequence[str] = (),
    columns: Sequence[str] | None = None,
    weight: str | None = None,
    strict: bool = False,
) -> Iterator[Problem]:
    """The problem of Parquet files, while its encoded rows are on disk.

    Args:
        path: The file, or a pattern.
        target: The column to predict, or several.
        settings: The settings.
        options: Options of reading.
        tell: Called with where the rows are kept.
        drop: Columns to leave out.
        columns: The only columns to learn from. Default None: all.
        weight: The column of row weights. Default None: all rows have weight 1.
        strict: Whether a row without a target is an error.

    Raises:
        DataError: The files cannot be used.
        ResourceError: Disk or memory is missing.
    """
    names = target_names(target)
    source = ParquetSource.of(path)
    sample = Sample.of(source, names, settings.seed)
    table = _table_of(sample, source, options)
    problem = make_problem(table, names, settings, drop=drop, columns=columns, weight=weight, strict=strict)
    used = {*names, *(feature.name for feature in problem.schema.features), weight}
    kinds = {name: required_kind(column) for name, column in table.columns.items() if name in used}
    del table
    if len(sample.numbers) == source.rows:
        yield problem
        return
    with TemporaryDirectory(prefix="backpass-") as folder:
        stored = Stored.of(Path(folder), source.rows - len(sample.numbers), problem.parts["train"])
        tell(f"training rows are kept in {folder} until the end: {written_bytes(stored.expected)}")
        for first, piece in source.pieces():
            rows = np.arange(first, first + piece.num_rows)
            rows = rows[~np.isin(rows, sample.numbers)]
            if not len(rows):
                continue
            whole = _read(piece, source.name, options, kinds=kinds, above=first)
            part = whole.take(rows - first)
            if weight is not None and _is_idle(part.columns[weight]):
                continue  # every row of the piece has weight 0
            labeled = Labeled.of(part, names, weight, strict=strict)
            if not labeled.table.rows or all(labeled.table.columns[name].missing.all() for name in names):
                continue
            truth = problem.head.truth(labeled.table)
            encoded = part_of(problem, Rows(labeled.table, truth, labeled.weights))
            if not np.isfinite(encoded.y).all():
                raise DataError(f"{source.name}: the target holds numbers too large for {settings.precision}")
            stored.add(encoded, windows_of(labeled.table.row_numbers - 1, settings.seed, stored.windows))
        yield replace(problem, stored=stored, notes=(*problem.notes, _note(source, sample)))


def _table_of(sample: Sample, source: ParquetSource, options: Mapping[str, Any]) -> Table:
    """The table of a sample, with the row numbers of the source.

    Raises:
        DataError: The rows are no valid table.
    """
    is_all = len(sample.numbers) == source.rows
    try:
        table = _read(sample.rows, source.name if is_all else f"a random sample of {source.name}", options)
    except DataError:
        if not is_all:
            for first, piece in source.pieces():  # an error of a piece names the rows of the source
                _read(piece, source.name, options, above=first)
        raise
    return replace(table, source=source.name, row_numbers=sample.numbers + 1)


def _read(
    data: Any, name: str, options: Mapping[str, Any], *, kinds: Mapping[str, str] | None = None, above: int = 0
) -> Table:
    """The table of an Arrow table.

    Args:
        data: The Arrow table.
        name: Name of the rows in messages.
        options: Options of reading; those that ``table_from`` has are used.
        kinds: Required kind by column name; only these columns are read. Default None: all.
        above: The number of rows of the source above these.

    Raises:
        DataError: The rows are no valid table.
    """
    given = {option: value for option, value in options.items() if option in FRAME_OPTIONS - {"drop"}}
    return frame_table(ReadSettings.of(**{**given, "kinds": kinds}), data, name, above)


def _is_idle(weights: Column) -> bool:
    """Whether all weights are 0."""
    return isinstance(weights, NumericColumn) and not weights.values.any()


def _note(source: ParquetSource, sample: Sample) -> str:
    drawn = f"{len(sample.numbers):,} of {source.rows:,} rows"
    return f"the fit is streamed: columns, scales and held-out rows are those of a random sample of {drawn}"

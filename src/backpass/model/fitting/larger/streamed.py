"""A streamed fit: the problem of a file that does not fit in memory.

It takes a path and settings. A sample of the rows decides on columns, scales and the network, and is divided into
training, validation and test rows as a table is. All other rows train, too: they are encoded once and kept on disk.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.errors import DataError, UsageError
from backpass.model.batches.findings import MergedNotes
from backpass.model.fitting.larger.held_out import HeldOut
from backpass.model.fitting.larger.packed import Packing
from backpass.model.fitting.larger.parquet import ParquetSource
from backpass.model.fitting.larger.sample import windows_of
from backpass.model.fitting.larger.source import RowSource, SampledRows
from backpass.model.fitting.larger.stored import EVERY, NONE, NewRows, Stored
from backpass.model.fitting.larger.text import TextSource
from backpass.model.fitting.problem.data_split import Rows
from backpass.model.fitting.problem.encoded_rows import encodings_of
from backpass.model.fitting.problem.preparation import make_problem
from backpass.model.fitting.problem.problem import Problem
from backpass.model.fitting.runs.processes import require_work
from backpass.model.fitting.runs.runs import processes_together
from backpass.model.prediction.forward import inputs_of
from backpass.model.settings.settings import Settings
from backpass.numerics.distinct import are_among, distinct_values
from backpass.table import Column, NumericColumn, Table, required_kind
from backpass.table.columns.late_bounds import admitting_bounds, late_bounds, late_notes, reading_bounds
from backpass.table.files.opening import opened
from backpass.table.files.pattern import files_of
from backpass.table.formats.registry import BY_NAME
from backpass.table.labeled import Labeled
from backpass.table.memory import written_bytes
from backpass.table.messages import counted, plain
from backpass.table.targets import target_names
from backpass.table.windows.read_settings import ReadSettings
from backpass.table.windows.sampling import can_sample
from backpass.training.processes.exchange import SOLO, Exchange
from backpass.training.processes.sharded import share_of

T = TypeVar("T")


def check_streamable(data: Any, settings: Settings, options: Mapping[str, Any], **others: Any) -> None:
    """Refuse what a streamed fit cannot do.

    Args:
        data: The table.
        settings: The settings.
        options: Options of reading.
        others: The values of other options by their names on the command line, such as ``test_file``; None if an option
            is not used.

    Raises:
        UsageError: Names it and what to do.
    """
    if not isinstance(data, str | Path) or str(data) == "-":
        raise UsageError("a streamed fit reads files", hint="pass the path of a Parquet or CSV file, or a pattern")
    needs = {
        "--query": bool(options.get("query")),
        "--refit": settings.refit,
        "--candidates": settings.candidates > 1,
        "--neighbors": settings.neighbors > 0,
        "--engine jax": settings.engine == "jax",
        "--sampling full": settings.sampling == "full",
        f"--sampling {settings.sampling} with --shards": settings.shards > 1
        and settings.sampling not in ("epoch", "epoch_drop_last"),
    }
    refused = [f"--{name.replace('_', '-')}" for name, value in others.items() if value is not None]
    refused += [flag for flag, is_set in needs.items() if is_set]
    if refused:
        raise UsageError(f"a streamed fit cannot use {refused[0]}", hint=f"leave out {refused[0]}, or --stream")


@contextmanager
def streamed_problem(
    path: str | Path,
    target: str | Sequence[str],
    settings: Settings,
    options: Mapping[str, Any],
    tell: Callable[[str], object],
    reason: str = "",
    *,
    drop: Sequence[str] = (),
    columns: Sequence[str] | None = None,
    weight: str | None = None,
    strict: bool = False,
    exchange: Exchange = SOLO,
) -> Iterator[Problem]:
    """The problem of files, while its encoded rows are on disk.

    With several processes, each of them reads and stores the rows of the shards that it computes, of all shards if it
    trains networks of its own.

    Args:
        path: The file, or a pattern.
        target: The column to predict, or several.
        settings: The settings.
        options: Options of reading.
        tell: Called with the reason, and with where the rows are kept.
        reason: Why the fit is streamed. Default "": no reason is reported.
        drop: Columns to leave out.
        columns: The only columns to learn from. Default None: all.
        weight: The column of row weights. Default None: all rows have weight 1.
        strict: Whether a row without a target raises an error.
        exchange: The processes that train together.

    Raises:
        UsageError: The processes cannot divide the work.
        DataError: The files cannot be used.
        ResourceError: Disk or memory is missing.
    """
    names = target_names(target)
    require_work(settings.shards, settings.ensemble_size, exchange)
    with ExitStack() as stack, ExitStack() as reading:
        source = reading.enter_context(source_at(path, options))
        if reason:
            tell(reason)
        sample = source.sample(names, settings.seed, exchange)
        problem = make_problem(sample.table, names, settings, drop=drop, columns=columns, weight=weight, strict=strict)
        if sample.is_all:
            reading.close()  # an error of the system during training is not one of these files
            yield problem
            return
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="backpass-")))
        division = _Division.of(sample.rows, problem.settings, exchange)
        rows_left = sample.rows - sample.table.rows
        stored = Stored.of(
            folder,
            rows_left,
            problem.parts["train"],
            _packing(problem, sample.table),
            division.shards,
            division.own,
            has_classes=problem.class_weights is not None,
            has_uses=bool(problem.folds and problem.split_columns),
        )
        tell(f"training rows are kept in {folder} until the end: {written_bytes(stored.expected)}")
        used = {*names, *(feature.name for feature in problem.schema.features), *problem.split_columns, weight}
        kinds = admitting_bounds(
            {name: required_kind(column) for name, column in sample.table.columns.items() if name in used}
        )
        drawn = sample.table.row_numbers
        note, collected = _note(sample), _Notes()
        del sample  # its table takes memory
        if not division.own.start:  # the notes of the processes are put together
            collected.add(problem.notes, problem.of_source)
        tables = division.cut(source.tables(kinds, division.rows))
        _store(problem, stored, source.name, _others(tables, drawn, names, weight, collected, strict=strict), collected)
        shared = division.of_group(exchange.share((stored.added, collected)))
        stored.complete(each for added, _ in shared for each in added)
        (_, collected), *others = shared
        for _, later in others:
            collected.merge(later)
        of_source, late = collected.of_source.notes, collected.late
        if collected.unused:
            rows, what = counted(collected.unused, "row"), "groups" if settings.group is not None else "times"
            collected.others.add([f"{rows} outside the sample of {what} that are held out: not used"])
        collected.others.add(late_notes(late, "the rows of the sample"))
        problem = replace(problem, schema=reading_bounds(problem.schema, late)) if late else problem
        reading.close()
        yield replace(problem, stored=stored, notes=(*of_source, *collected.others.notes, note), of_source=of_source)


def _packing(problem: Problem, sample: Table) -> Packing:
    """How the inputs of rows that are like a sample are stored."""
    feature_map, dtype, engine = problem.feature_map, problem.dtype, problem.engine

    def phi(numbers: NDArray[np.float64], codes: NDArray[np.int32], out: NDArray[Any]) -> None:
        inputs_of(feature_map, numbers, codes, dtype, engine, out)

    numbers = problem.schema.number_columns(sample)
    return Packing.of(phi, problem.parts["train"].pool.x, numbers, feature_map.levels)


@dataclass(slots=True)
class _Notes:
    """The notes on the sample and on all other rows, and what further notes are made of. Mutable.

    Attributes:
        of_source: The notes that a model does not keep, see ``Table``.
        others: Those that it keeps.
        late: Column -> number of bounds such as ``<5`` that it has outside the sample only.
        unused: The number of rows outside the sample that belong to held-out groups or times.
    """

    of_source: MergedNotes = field(default_factory=MergedNotes)
    others: MergedNotes = field(default_factory=MergedNotes)
    late: Counter[str] = field(default_factory=Counter)
    unused: int = 0

    def add(self, notes: Sequence[str], of_source: Sequence[str]) -> None:
        """Take in the notes on some rows; ``of_source`` are some of them."""
        self.of_source.add(of_source)
        self.others.add(note for note in notes if note not in of_source)

    def merge(self, later: _Notes) -> None:
        """Take in the notes on the rows that follow."""
        self.of_source.merge(later.of_source)
        self.others.merge(later.others)
        self.late.update(later.late)
        self.unused += later.unused


@dataclass(frozen=True, slots=True)
class _Division:
    """How processes divide the rows outside the sample: by neighboring shards of the file.

    Attributes:
        count: The number of rows of the source.
        shards: The number of shards.
        own: The shards of this process.
        members: The processes that divide the rows with this one, or, for one without a network, the first that do.
    """

    count: int
    shards: int
    own: range
    members: range

    @staticmethod
    def of(count: int, settings: Settings, exchange: Exchange) -> _Division:
        """The division of so many rows by the processes that train a network together."""
        shards = settings.shards
        together = processes_together(shards, settings.ensemble_size, exchange.size)
        first = exchange.rank - exchange.rank % together
        is_idle = first + together > exchange.size
        members = range(together) if is_idle else range(first, first + together)
        own = range(0) if is_idle else share_of(shards, exchange.rank - first, together)
        return _Division(count, shards, own, members)

    @property
    def rows(self) -> range:
        """The numbers of the rows of the own shards, from 0."""
        ends = [self.own.start * self.count // self.shards, self.own.stop * self.count // self.shards]
        return range(*ends)

    def cut(self, tables: Iterable[Table]) -> Iterator[tuple[int, Table]]:
        """Yield the tables, cut where a shard ends; those of the own shards, each with its number."""
        begins = [shard * self.count // self.shards for shard in range(1, self.shards)]
        last = 0
        for table in tables:
            # Text files number rows that are no data, such as repeated headers, too.
            shards = np.searchsorted(begins, table.row_numbers - 1, side="right")
            present = distinct_values(shards).tolist() or [last]
            last = present[-1]
            for shard in present:
                if shard in self.own:
                    part = table if len(present) == 1 else table.take(np.flatnonzero(shards == shard))
                    yield shard, part if shard == present[0] else replace(part, notes=(), of_source=())

    def of_group(self, shared: Sequence[T]) -> list[T]:
        """What the processes that divide the rows have shared."""
        return [shared[rank] for rank in self.members]


def _others(
    tables: Iterator[tuple[int, Table]],
    drawn: NDArray[np.int64],
    targets: Sequence[str],
    weight: str | None,
    collected: _Notes,
    *,
    strict: bool,
) -> Iterator[tuple[int, Labeled]]:
    """Yield the rows outside the sample that have targets, with their shard.

    Args:
        tables: All rows, with their shard.
        drawn: The numbers of the rows of the sample.
        targets: The target columns.
        weight: The column of row weights; None: all rows have weight 1.
        collected: Takes in the notes on the tables.
        strict: Whether a row without a target raises an error.
    """
    drawn = np.sort(drawn)
    for shard, table in tables:
        numbers = table.row_numbers  # ascending: few rows of the sample are between the first and the last
        near = drawn[slice(*np.searchsorted(drawn, [numbers[0], numbers[-1] + 1]))] if len(numbers) else drawn[:0]
        part = table.take(np.flatnonzero(~are_among(numbers, near)))
        if not part.rows or (weight is not None and _is_idle(part.columns[weight])):
            collected.add(part.notes, part.of_source)
            continue  # every row has weight 0
        labeled = Labeled.of(part, targets, weight, strict=strict)
        collected.add(labeled.table.notes, part.of_source)
        if labeled.table.rows and not all(labeled.table.columns[name].missing.all() for name in targets):
            yield shard, labeled


def _store(
    problem: Problem, stored: Stored, source: str, others: Iterable[tuple[int, Labeled]], collected: _Notes
) -> None:
    """Encode the rows outside the sample, and store those that train.

    Args:
        problem: The problem of the sample.
        stored: Takes in the rows.
        source: The name of the source, for messages.
        others: The rows, with their shard.
        collected: Takes in what is to be noted about them.

    Raises:
        DataError: The precision cannot represent a target.
    """
    held_out, settings = HeldOut.of(problem), problem.settings
    for shard, rows in others:
        uses = np.full(rows.table.rows, EVERY) if held_out is None else held_out.uses(rows.table)
        windows = windows_of(rows.table.row_numbers - 1, settings.seed, stored.windows)
        trains = np.flatnonzero(uses != NONE)
        collected.unused += len(uses) - len(trains)
        if not len(trains):
            continue
        chosen = trains[np.argsort(windows[trains], kind="stable")]
        rows, windows, uses = rows.take(chosen), windows[chosen], uses[chosen]
        collected.late.update(late_bounds(problem.schema, rows.table))
        truth = problem.head.truth(rows.table)
        problem.head.check(truth)
        y = problem.head.encode(truth, problem.dtype)
        if not np.isfinite(y).all():
            raise DataError(f"{source}: the target holds numbers too large for {settings.precision}")
        inputs = encodings_of(problem.schema, {"": Rows(rows.table, truth)})[""]
        stored.add(NewRows(inputs.numbers, inputs.codes, y, truth, rows.weights, uses), windows, shard)


@contextmanager
def source_at(path: str | Path, options: Mapping[str, Any]) -> Iterator[RowSource]:
    """The source of a path, while its files are open.

    Args:
        path: The file, or a pattern.
        options: Options of reading.

    Raises:
        UsageError: Files of their format are not read in pieces.
        DataError: The files cannot be used.
    """
    given: Any = {name: value for name, value in options.items() if value is not None}
    settings = ReadSettings.of(**given)
    with ExitStack() as stack:
        files = [stack.enter_context(opened(each, settings.opening)) for each in files_of(path)]
        forms = {file.form for file in files}
        if forms == {"parquet"}:
            yield ParquetSource.of(path, options)
        elif can_sample(files, settings):
            yield TextSource(files, path, given)
        else:
            what = "a streamed fit reads Parquet files, and CSV and other text"
            if forms == {"text"}:
                raise UsageError(f"{what} with the compiled core", hint="backpass doctor shows why it is missing")
            named = " and ".join(sorted(BY_NAME[form].what for form in forms))
            raise UsageError(f"{what}; {plain(str(path))} is {named}", hint="save the table as CSV or Parquet")


def _is_idle(weights: Column) -> bool:
    """Whether all weights are 0."""
    return isinstance(weights, NumericColumn) and not weights.values.any()


def _note(sample: SampledRows) -> str:
    drawn = f"{sample.table.rows:,} of {sample.rows:,} rows"
    return f"the fit is streamed: columns, scales and held-out rows are those of a random sample of {drawn}"

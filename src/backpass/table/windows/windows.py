"""Windows: a table as a sequence of tables of consecutive rows, each read when it is asked for.

Takes a path; yields tables whose rows have the numbers that they have in the source. CSV, TSV and Parquet files are
read in constant memory, and text from standard input before its end; files of other formats, and short ones, are read
whole and are one window. The columns' kinds must be given, because they are decided over all rows otherwise. A window
reads as the whole table would; what the whole table decides once (decimal sign, order of day and month, rows of totals
at the end) is decided by the first rows that tell, and later rows that contradict are an error.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Unpack

import numpy as np

from backpass.dataclass import dataclass
from backpass.table.columns.kinds import infer_column
from backpass.table.columns.raw import Content, RawStrings
from backpass.table.columns.rules import Rules
from backpass.table.delimited.delimited import Delimited
from backpass.table.delimited.records import ROW_NAMES
from backpass.table.files.opening import STANDARD_INPUT, Opened, opened, reported
from backpass.table.files.pattern import files_of
from backpass.table.layout.findings import lines_listed, note_of
from backpass.table.layout.summaries import summary_rows
from backpass.table.layout.totals import Above, called_otherwise, doubtful_note, total_rows, without_labels
from backpass.table.messages import ErrorList, absent, shown
from backpass.table.notation.decimals import with_points
from backpass.table.notation.reading import NumberReading
from backpass.table.reading import check_percent, laid_out, notes_on, read_opened, source_of
from backpass.table.scan import scanner_for
from backpass.table.scan.plain import PlainScanner
from backpass.table.table import Column, DatetimeColumn, NumericColumn, Table
from backpass.table.windows.delimited import DecimalSign, delimited_windows
from backpass.table.windows.read_settings import ReadingOptions, ReadSettings
from backpass.table.windows.spool import GrowingText, Spool

ROWS = 65_536
"""Rows of a window; a window of a text file has some more, up to the end of a piece."""

WHOLE = 1 << 20
"""Bytes up to which files are read whole."""

UNLIKE = "write all rows in the same notation, or declare the exceptions with --missing"


def windows_of(
    path: str | Path, *, rows: int = ROWS, whole: int = WHOLE, **options: Unpack[ReadingOptions]
) -> Generator[Table, None, None]:
    """Yield the windows of a file, or of the files that match a pattern.

    Args:
        path: The file, as for ``read_table``.
        rows: Number of rows of a window.
        whole: Size in bytes up to which files are read whole.
        **options: The keyword arguments of ``read_table``.

    Raises:
        DataError: As ``read_table``; windows above the error have been handed out by then.
        ResourceError: As ``read_table``.
        UsageError: As ``read_table``.
    """
    settings = ReadSettings.of(**options)
    if str(path) == STANDARD_INPUT:
        yield from _of_standard_input(settings, rows, whole)
        return
    with ExitStack() as stack:
        files = [stack.enter_context(opened(name, settings.opening)) for name in files_of(path)]
        yield from windows_of_opened(files, path, settings, rows, whole)


def windows_of_opened(
    files: Sequence[Opened], path: str | Path, settings: ReadSettings, rows: int = ROWS, whole: int = WHOLE
) -> Iterator[Table]:
    """Yield the windows of files that are open.

    Args:
        files: The files.
        path: Their path, or the pattern that they match.
        settings: The settings of the read.
        rows: Number of rows of a window.
        whole: Size in bytes up to which files are read whole.

    Raises:
        DataError: As ``windows_of``.
    """
    contents = None
    if sum(file.path.stat().st_size for file in files) > whole:
        contents = _contents(files, settings, ErrorList(source_of(files, path)), rows)
    if contents is None:
        yield read_opened(files, path, settings)
        return
    yield from _Windows(files, source_of(files, path), settings).tables(contents)


def _of_standard_input(settings: ReadSettings, rows: int, whole: int) -> Iterator[Table]:
    """Yield the windows of standard input; those of delimited text before its end."""
    with TemporaryDirectory(prefix="backpass-") as folder:
        spool = Spool(sys.stdin.buffer, Path(folder, "stdin"), "standard input")
        with reported(spool.source):
            spool.fill(whole + 1)
            is_whole = spool.is_done or not _is_windowed(settings) or settings.dialect.footer is not None
            if not is_whole and spool.is_text(settings.opening):
                text = GrowingText.of(
                    spool, lambda: laid_out([spool.opened], settings.rules, settings.dialect)[0].layout
                )
                contents = _windows_of_text([text], settings, ErrorList(spool.source), rows)
                if contents is not None:
                    yield from _Windows([spool.opened], spool.source, settings).tables(contents)
                    return
            spool.fill()
        with opened(STANDARD_INPUT, settings.opening, copy=spool.path) as file:
            contents = None if spool.size <= whole else _contents([file], settings, ErrorList(file.source), rows)
            if contents is None:
                yield read_opened([file], STANDARD_INPUT, settings)
            else:
                yield from _Windows([file], file.source, settings).tables(contents)


def _is_windowed(settings: ReadSettings) -> bool:
    """Whether the settings allow windows: kinds are known, and nothing is asked of all rows at once."""
    return settings.query is None and settings.rules.kinds is not None and not settings.tolerant


@dataclass(frozen=True, slots=True)
class _Window:
    """The content of a window, and the rules by which its columns are converted."""

    content: Content
    rules: Rules


def _contents(
    files: Sequence[Opened], settings: ReadSettings, errors: ErrorList, rows: int
) -> Iterator[_Window] | None:
    """Return the content of each window; None if the files must be read whole."""
    forms = {file.form for file in files}
    if not _is_windowed(settings):
        return None
    if forms == {"parquet"}:
        from backpass.table.windows.parquet import are_alike, described  # here, as ``reading`` imports the reader

        found = described(files)
        return _of_parquet(found, settings, errors, rows) if are_alike(found) else None
    if forms != {"text"}:
        return None
    return _windows_of_text(laid_out(files, settings.rules, settings.dialect), settings, errors, rows)


def _of_parquet(found: Sequence[Any], settings: ReadSettings, errors: ErrorList, rows: int) -> Iterator[_Window]:
    from backpass.table.windows.parquet import parquet_windows  # here, as above

    for content, above in parquet_windows(found, settings.rules, errors, rows):
        yield _Window(content, replace(settings.rules, before=above))


def _windows_of_text(
    delimited: Sequence[Delimited], settings: ReadSettings, errors: ErrorList, rows: int
) -> Iterator[_Window] | None:
    """Return the content of windows of delimited files; None without the compiled scanner."""
    dialect = settings.dialect
    if scanner_for("".join(file.sign for file in delimited)) is PlainScanner:
        return None

    def windows() -> Iterator[_Window]:
        decimal, above = DecimalSign(settings.rules.decimal), 0
        detects = dialect.decimal is None and "," not in {file.layout.delimiter for file in delimited}
        for fields in delimited_windows(delimited, settings.rules, errors, rows):
            if detects:
                decimal.update(fields.columns, settings.rules, errors)
                errors.stop()
            rules = replace(settings.rules, decimal=decimal.sign, before=above)
            rules = with_points([each.column for each in fields.columns if isinstance(each.column, RawStrings)], rules)
            columns, labeled = [each.column for each in fields.columns], list[int]()
            if not dialect.all_rows:
                columns, labeled = without_labels(columns, rules)
            known = [file.known for file in delimited]
            notes = (*notes_on(known, rules, dialect), *fields.notes)
            if labeled:
                notes = (*notes, note_of("total_labels", lines_listed([row + above for row in labeled], "row")))
            layout = delimited[0].layout
            no_data = tuple(sorted({*fields.no_data, *labeled}))
            names = tuple(name for name in delimited[0].named if name != ROW_NAMES)
            yield _Window(Content(names, columns, fields.rows, notes, layout.has_header, no_data), rules)
            above += fields.rows

    return windows()


@dataclass(slots=True)
class _Windows:
    """What is known of a table whose windows are read one after another. Mutable.

    Attributes:
        files: The files.
        source: Their name in messages.
        settings: The settings of the read.
        kinds: Required kind by column name; a column of dates gets the order of day and month that it shows first.
        readings: Reading of the numbers of each column of strings.
        above: The sums of the rows above, for rows of totals.
        waiting: Rows without data at the end of the windows so far: they count if rows with data follow.
    """

    files: Sequence[Opened]
    source: str
    settings: ReadSettings
    kinds: dict[str, str] = field(default_factory=dict)
    readings: dict[str, NumberReading] = field(default_factory=dict)
    above: Above | None = None
    waiting: list[Table] = field(default_factory=list)

    def tables(self, windows: Iterator[_Window]) -> Iterator[Table]:
        """Yield a table for each window, without the rows that hold no data at the end of the last one."""
        for window in windows:
            table, last = self._table(window)
            if not last:
                if table.rows:
                    self.waiting.append(table)
                else:
                    yield table
                continue
            yield from self._followed()
            yield table if last == table.rows else table.take(np.arange(last))
            if last < table.rows:
                self.waiting.append(table.take(np.arange(last, table.rows)))

    def _followed(self) -> Iterator[Table]:
        """Yield the waiting rows, which lie between others after all."""
        for table in self.waiting:
            yield replace(table, notes=(*table.notes, _kept(table.row_numbers.tolist())))
        self.waiting.clear()

    def _table(self, window: _Window) -> tuple[Table, int]:
        """Return the rows of a window, and how many of them there are up to the last one with data."""
        content, settings = window.content, self.settings
        self.kinds = self.kinds or dict(settings.rules.kinds or {})
        rules = replace(window.rules, kinds=self.kinds)
        errors, notes = ErrorList(self.source), list[str]()
        for message in absent(settings.named, content.names):
            errors.add(message)
        check_percent(self.files, content, rules, errors)
        columns = {raw.name: infer_column(raw, rules, errors, notes) for raw in content.columns}
        self._agree(columns, rules.before, errors)
        errors.stop()
        if self.above is None:
            self.above = Above.nothing([*columns.values()])
        totals = not settings.dialect.all_rows
        typed = [*columns.values()]
        summaries = summary_rows(typed, content.no_data) if totals and not self.above.rows else []
        empty = (*content.no_data, *summaries)
        found, doubtful = total_rows(typed, empty, self.above) if totals else ([], [])
        found = [row for row in found if row not in summaries]
        layout_notes = [doubtful_note(row + rules.before) for row in doubtful if row not in summaries]
        if summaries:
            layout_notes.append(note_of("summaries", lines_listed(summaries, "row")))
        if found:
            layout_notes.append(note_of("totals", lines_listed([row + rules.before for row in found], "row")))
        left_out = {*empty, *found}
        kept = np.setdiff1d(np.arange(1, content.rows + 1), sorted(left_out), assume_unique=True)
        last = int(kept[-1]) if len(kept) else 0
        if settings.keep_rows:
            last = max(last, *called_otherwise(typed, found), 0)
        if settings.keep_rows and (inner := sorted(row + rules.before for row in left_out if row <= last)):
            layout_notes.append(_kept(inner))
        table = self._made(content, columns, rules.before, layout_notes, notes)
        if settings.keep_rows or not left_out:
            return table, last
        return table.take(kept - 1), len(kept)

    def _made(
        self,
        content: Content,
        columns: dict[str, Column],
        before: int,
        layout_notes: Sequence[str],
        notes: Sequence[str],
    ) -> Table:
        """Return the table of all rows of a window."""
        of_source = (*content.notes, *layout_notes)
        left_out = tuple(name for name in content.names if name not in columns)
        known = () if content.has_header else content.names
        numbers = np.arange(1, content.rows + 1) + before
        all_notes, missing = (*of_source, *notes), self.settings.missing
        return Table(self.source, columns, numbers, all_notes, left_out, missing, {}, of_source, known)

    def _agree(self, columns: dict[str, Column], before: int, errors: ErrorList) -> None:
        """Keep how the strings of columns are read, and add an error where a window contradicts those above it."""
        for name, column in columns.items():
            if isinstance(column, DatetimeColumn) and column.order is not None and self.kinds[name] == "date":
                self.kinds[name] = column.order
            if isinstance(column, NumericColumn) and column.reading is not None:
                known = self.readings.setdefault(name, column.reading)
                if known != column.reading:
                    where = f"from row {before + 1:,} on, the notation of numbers differs from that above"
                    errors.add(
                        f"column {shown(name)}: {where} ({column.notation or column.reading.required_kind})", UNLIKE
                    )


def _kept(rows: Sequence[int]) -> str:
    return f"{lines_listed(rows, 'row')}: kept in place, so that there is one result per row"

"""Table reader: reads one or more files into a Table.

Reads CSV and TSV (fields separated by any of , ; tab |; in UTF-8, UTF-16 or another stated encoding), JSON rows,
Parquet, and the formats that ``formats.registry`` lists; all may be compressed as .gz or .zst. The format is detected
from the content. A glob pattern reads several files; a query replaces the table by its result. Every error is collected
and raised as one ``DataError``; otherwise the result is a table with notes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Unpack

from backpass.errors import DataError, UsageError
from backpass.table.columns.joining import check_same_names, joined
from backpass.table.columns.kinds import infer_column
from backpass.table.columns.raw import Content, RawNumbers, RawStrings
from backpass.table.columns.rules import Rules
from backpass.table.delimited.delimited import Delimited, Fields, fields_of
from backpass.table.delimited.records import ROW_NAMES, delimiter_name
from backpass.table.files.database import connected
from backpass.table.files.opening import Opened, opened
from backpass.table.files.pattern import files_of
from backpass.table.formats.registry import BY_NAME
from backpass.table.layout.absent_name import absence_hint
from backpass.table.layout.dialect import Dialect
from backpass.table.layout.findings import lines_listed, note_of
from backpass.table.layout.layout import layout_of
from backpass.table.layout.totals import rows_of_data, without_labels
from backpass.table.messages import ErrorList, absent, plain, shown
from backpass.table.notation.decimals import decimal_of, may_be_thousands, with_points
from backpass.table.table import Column, Table
from backpass.table.windows.read_settings import ReadingOptions, ReadSettings

NO_PERCENT = "save the workbook as .xlsx or CSV, which have the percent sign"


def read_table(path: str | Path, **options: Unpack[ReadingOptions]) -> Table:
    """Read a file in one of the formats of ``formats.registry``: CSV, Excel, Parquet, Stata, SQLite and others.

    Args:
        path: File to read; ``-`` for standard input, or a glob pattern (``data/*.csv``) for all files that match. The
            name of a sheet, or of a table in a database, follows two colons: ``book.xlsx::Sheet1``,
            ``shop.db::orders``, ``postgresql://user@host/shop::orders``.
        **options: How the file is read:

            - ``kinds``: required kind by column name, as in ``Schema.kinds``. These columns are converted and all
              others are left out. Default None: each column's kind is inferred over all rows (see the module
              ``kinds``).
            - ``known_kinds``: required kind of some columns by name; the kinds of all others are inferred. Default {}.
            - ``missing``: tokens that mean "missing". Default ``backpass.DEFAULT_MISSING``.
            - ``categorical``: columns to treat as categorical. Default ().
            - ``text``: columns to treat as free text. Default ().
            - ``drop``: columns that are not read. Default ().
            - ``need``: columns that must exist. Default None.
            - ``delimiter``: one character, or "whitespace". Default None: detected.
            - ``decimal``: decimal sign of a text file, "." or ",". Default None: detected.
            - ``skip``: number of lines before the header of a text file. Default 0.
            - ``header_row``: line of the header of a text file, from 1, or its lines, if it has several: their names
              are joined. Default None: detected.
            - ``comment``: what a comment line of a text file begins with, such as ``#``; "none" if it has none. Default
              None: detected.
            - ``footer``: number of lines below the last row of a text file, blank ones not counted. Default None:
              detected.
            - ``all_rows``: whether every record below the header is a row. Default False: those that hold no data are
              left out, such as units below the header, empty rows, the header again, and totals (see
              ``LAYOUT_FINDINGS``).
            - ``keep_rows``: whether such records between the rows keep their places, so that what is computed for the
              rows can be joined by position: they become rows without values, and totals stay. Those below the last row
              are left out. Default False.
            - ``no_header``: whether the first line is a row; the columns are then called column1, column2, ... Default
              False.
            - ``names``: column names of a file without a header; implies ``no_header``. Default ().
            - ``headerless``: column names for a file without a header, selected by its number of fields; a model
              provides them. Default ().
            - ``date_order``: "day_first", "month_first" or, for years of two digits, "year_first" (see ``day_month``).
              Default None: inferred.
            - ``encoding``: encoding of a text file without a byte order mark. Default None: UTF-8.
            - ``max_bytes``: maximum size of a decompressed file in bytes (see ``decompression``). Default None: a
              multiple of its compressed size.
            - ``query``: SELECT statement over the table, called ``data``; its result replaces the table. In a database,
              the query names the tables of the database. Default None.
            - ``sheet``: sheet of a workbook: its name, or its number from 1. Default None: the only one that holds a
              table.
            - ``widths``: widths of the fields of a text file whose fields have fixed widths, in characters. Default ().
            - ``detect_missing``: whether words such as ``-``, ``#N/A`` and ``unknown`` are missing in columns in which
              everything else is a number or a date (see ``notation.words``), and suspected numbers such as -999 are
              named. Default True.
            - ``merge_spaces``: whether categories that differ only in spaces or a period at the end are merged (see
              ``spellings``). Default True.
            - ``detect_dates``: whether dates and times in everyday notations are found, such as ``31 Dec 2024``,
              20241231, seconds since 1970 and spreadsheet serials (see ``datetimes``). ISO 8601, ``31.12.2024`` and
              ``12/31/2024`` are always dates. Default True.
            - ``merge_case``: whether categories that differ only in upper and lower case are merged. Default False.
            - ``tolerant``: whether a column with errors is kept as categorical, with the errors in ``Table.doubts``.
              Default False.

    Returns:
        The columns with their kinds, and the notes on what was assumed.

    Raises:
        DataError: The content is not a valid table (exit code 3).
        ResourceError: The file cannot be read.
        UsageError: A setting is invalid.
    """
    settings = ReadSettings.of(**options)
    with ExitStack() as stack:
        files = [stack.enter_context(opened(name, settings.opening)) for name in files_of(path)]
        return read_opened(files, path, settings)


def source_of(files: Sequence[Opened], path: str | Path) -> str:
    """Return the name of a table of one or several files in messages."""
    return files[0].source if len(files) == 1 else f"{path} ({len(files)} files)"


def read_opened(files: Sequence[Opened], path: str | Path, settings: ReadSettings) -> Table:
    """Read files that are open.

    Args:
        files: The files.
        path: Their path, or the pattern that they match.
        settings: The settings.

    Raises:
        DataError: The content is not a valid table.
        ResourceError: A file cannot be read.
    """
    source, query, rules = source_of(files, path), settings.query, settings.rules
    errors, notes = ErrorList(source), list[str]()
    if query is None:
        content, rules = _content(files, rules, settings.dialect, errors)
    else:
        content = _queried(files, query, rules, settings.dialect, errors, notes)
    return table_of(files, content, rules, settings, errors, notes)


def table_of(
    files: Sequence[Opened],
    content: Content,
    rules: Rules,
    settings: ReadSettings,
    errors: ErrorList,
    notes: list[str],
) -> Table:
    """Decide the columns of a content.

    Args:
        files: The files that it is of.
        content: What was read.
        rules: What is required of the columns.
        settings: The settings.
        errors: Collects errors; its source is the name of the table.
        notes: Messages about the result of a query.

    Raises:
        DataError: The content is not a valid table.
    """
    source = errors.source
    for name in settings.named:
        if message := absent([name], content.names):
            text = name not in content.names and len(files) == 1 and files[0].form == "text" and settings.query is None
            hint = absence_hint(files[0].path, source, settings.dialect, content.names, name) if text else ""
            errors.add(message[0], hint)
    columns, doubts = dict[str, Column](), dict[str, tuple[str, ...]]()
    check_percent(files, content, rules, errors)
    for raw in content.columns:
        own, own_notes = ErrorList(source), list[str]()
        columns[raw.name] = infer_column(raw, rules.of_column(raw.name), own, own_notes)
        notes += [] if own.texts else own_notes
        if settings.tolerant and own.texts:
            doubts[raw.name] = tuple(own.texts)
            columns[raw.name] = infer_column(
                raw, replace(rules, text=frozenset([raw.name]), free_text=frozenset()), own, []
            )
        elif own.texts:
            errors.extend(own)
    errors.stop()
    totals = not settings.dialect.all_rows and settings.query is None
    columns, row_numbers, layout_notes = rows_of_data(columns, content, totals=totals, keep=settings.keep_rows)
    left_out = tuple(name for name in content.names if name not in columns)
    known = () if content.has_header or settings.query is not None else content.names
    of_source = (*content.notes, *layout_notes)
    notes = [*of_source, *notes]
    labels = {name: label for name, label in content.labels.items() if name in columns}
    return Table(
        source, columns, row_numbers, tuple(notes), left_out, settings.missing, doubts, of_source, known, labels
    )


def check_percent(files: Sequence[Opened], content: Content, rules: Rules, errors: ErrorList) -> None:
    """Add an error where the model has percentages such as 12.5%, and the file would give 0.125 for them."""
    if not any(file.lacks_percent for file in files):
        return
    for raw in content.columns:
        if rules.wants_percent(raw.name) and isinstance(raw, RawNumbers):
            text = f"column {shown(raw.name)}: the model has percentages such as 12.5%, this format has 0.125 for them"
            errors.add(text, NO_PERCENT)


def _content(files: Sequence[Opened], rules: Rules, dialect: Dialect, errors: ErrorList) -> tuple[Content, Rules]:
    """Return the content of files that share one format, and the rules with the decimal sign filled in."""
    forms = {file.form: file.source for file in files}
    if len(forms) > 1:
        named = ", ".join(f"{plain(source)} is {BY_NAME[form].what}" for form, source in sorted(forms.items()))
        errors.add(f"the files have different formats: {named}", "read them one by one, or with a narrower pattern")
        errors.stop()
    if files[0].form == "text":
        return _delimited(files, rules, dialect, errors)
    if files[0].form == "parquet":
        from backpass.table.formats.parquet import parquet_columns  # here, as ``Format.read`` imports the other readers

        with connected() as database:
            contents = [parquet_columns(database, file, rules, errors) for file in files]
    else:
        contents = [file.format.read(file, rules, errors) for file in files]
    return joined(contents, [file.source for file in files], rules, errors), rules


def _queried(
    files: Sequence[Opened],
    query: str,
    rules: Rules,
    dialect: Dialect,
    errors: ErrorList,
    notes: list[str],
) -> Content:
    """Return the result of a query over the files. The column requirements apply to the result, not to the files."""
    if any(file.format.is_database for file in files):
        if len(files) > 1:
            raise UsageError("a query runs in one database", hint="name one file")
        return files[0].format.read(files[0], rules, errors, query)  # type: ignore[no-any-return]
    from backpass.table.files.query import (  # here: few reads have a query
        mentions_data,
        provide_columns,
        provide_relation,
        queried,
        queried_without_data,
    )
    from backpass.table.formats.parquet import Described, described_relation

    index: Sequence[str] = ()
    labels: Mapping[str, str] = {}
    with connected(alone=True) as database:
        if {file.form for file in files} == {"parquet"}:
            first, *others = described = [Described.of(database, file) for file in files]
            for other in others:
                check_same_names(first.names(rules), other.names(rules), files[0].source, other.file.source, errors)
            errors.stop()
            provide_relation(database, described_relation(described))
            index = [name for each in described for name in each.metadata.index]
        elif mentions_data(query):
            try:
                columns, labels = _columns(files, rules, dialect, errors, notes)
                provide_columns(database, columns)
            except DataError as error:  # the query may read the file by itself
                return queried_without_data(database, query, files, rules, ErrorList(errors.source), error)
        found = queried(database, query, files, rules, errors, index)
        return replace(found, labels={name: label for name, label in labels.items() if name in found.names})


def _columns(
    files: Sequence[Opened], rules: Rules, dialect: Dialect, errors: ErrorList, notes: list[str]
) -> tuple[list[Column], Mapping[str, str]]:
    """Return the columns of files for a query, before anything is required of them, and their labels."""
    from backpass.table.files.query import bounds_notes  # here, as above

    whole = replace(rules, kinds=None, drop=frozenset(), detect_dates=False)  # a query sees 20241231 as the file has it
    content, whole = _content(files, whole, dialect, errors)
    inferred: dict[str, Column] = {raw.name: infer_column(raw, whole, errors, notes) for raw in content.columns}
    errors.stop()
    inferred, _, layout_notes = rows_of_data(inferred, content, totals=not dialect.all_rows, keep=False)
    notes.extend((*content.notes, *layout_notes, *bounds_notes(inferred.values())))
    return list(inferred.values()), content.labels


def _delimited(files: Sequence[Opened], rules: Rules, dialect: Dialect, errors: ErrorList) -> tuple[Content, Rules]:
    """Return the content of delimited files with notes on what was detected, and the rules with the decimal sign."""
    delimited = laid_out(files, rules, dialect)
    rules = with_layout(rules, delimited)
    return content_of(delimited, fields_of(delimited, rules, errors), rules, dialect, errors)


def with_layout(rules: Rules, files: Sequence[Delimited]) -> Rules:
    """Return the rules with what the layout shows of the columns, unless their kinds are required."""
    if rules.kinds is not None:
        return rules
    layout = files[0].layout
    left_out = frozenset(layout.left_out) - rules.need - rules.known_kinds.keys()
    return replace(rules, drop=rules.drop | left_out, text=rules.text | set(layout.texts))


def content_of(
    delimited: Sequence[Delimited],
    found: Fields,
    rules: Rules,
    dialect: Dialect,
    errors: ErrorList,
    numbers: Sequence[int] | None = None,
) -> tuple[Content, Rules]:
    """Return the content of fields with notes on what was detected, and the rules with the decimal sign.

    Args:
        delimited: The files.
        found: The fields.
        rules: What is required of the columns.
        dialect: How the files are written.
        errors: Collects errors.
        numbers: The number of each row in the files, for messages. None: 1, 2, ...
    """
    delimiters = sorted({each.layout.delimiter for each in delimited})
    if dialect.decimal is None and "," not in delimiters:
        numeric = [field.column for field in found.columns if field.has_points]
        pointed = [each.name for each in numeric if isinstance(each, RawNumbers) and may_be_thousands(each.values)]
        texts = [field.column for field in found.columns if isinstance(field.column, RawStrings)]
        rules = replace(rules, decimal=decimal_of(texts, pointed, rules, errors))
    rules = with_points([field.column for field in found.columns if isinstance(field.column, RawStrings)], rules)
    layout_notes = notes_on(delimited, rules, dialect)
    columns, labeled = [field.column for field in found.columns], list[int]()
    if not dialect.all_rows:
        columns, labeled = without_labels(columns, rules)
    notes = (*layout_notes, *found.notes)
    if labeled:
        of_files = labeled if numbers is None else [numbers[row - 1] for row in labeled]
        notes = (*notes, note_of("total_labels", lines_listed(of_files, "row")))
    no_data = tuple(sorted({*found.no_data, *labeled}))
    names = tuple(name for name in delimited[0].named if name != ROW_NAMES)  # as the index of a frame is no column
    return Content(names, columns, found.rows, notes, delimited[0].layout.has_header, no_data), rules


def laid_out(files: Sequence[Opened], rules: Rules, dialect: Dialect) -> list[Delimited]:
    """Return delimited files with the layout of each.

    Raises:
        DataError: A file has no usable header, or its delimiter is ambiguous.
    """
    wanted = None if rules.kinds is None else rules.kinds.keys()
    manners = [dialect if file.delimiter is None else replace(dialect, delimiter=file.delimiter) for file in files]
    layouts = [layout_of(file.path, file.source, each, wanted) for file, each in zip(files, manners, strict=True)]
    return [Delimited(file, layout) for file, layout in zip(files, layouts, strict=True)]


def notes_on(files: Sequence[Delimited], rules: Rules, dialect: Dialect) -> list[str]:
    """Return the messages about the layouts of files and their delimiters and decimal signs."""
    delimiters = sorted({each.layout.delimiter for each in files})
    detected = [f"delimiter {delimiter_name(each)}" for each in delimiters if dialect.delimiter is None and each != ","]
    detected += ["decimal ','"] if dialect.decimal is None and rules.decimal == "," else []
    several = len(files) > 1
    layout_notes = [
        f"{plain(each.file.source)}: {note}" if several else note
        for each in files
        for note in (*each.file.notes, *each.layout.notes)
    ]
    return [*dict.fromkeys([*layout_notes, *([f"{', '.join(detected)} detected"] if detected else [])])]

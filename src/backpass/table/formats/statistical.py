"""Statistical files: the columns of Stata, SPSS and SAS files, read by pyreadstat.

Takes an opened file; returns raw columns. Values that the file declares to be missing are missing. Dates and times keep
their kind. Value labels become categories where every value of the column has one; where only some have, the column
stays numeric and a note names these values, because they often mean that an answer is missing. A column of times of
which some last a day, or are negative, holds durations. Labels of variables go into ``Content.labels``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from backpass.table.columns.objects import raw_objects
from backpass.table.columns.raw import Content, RawColumn, coded
from backpass.table.columns.rules import Rules
from backpass.table.delimited.records import check_names
from backpass.table.files.opening import Opened
from backpass.table.files.text import codec_name
from backpass.table.formats.extra import extra_module
from backpass.table.memory import require_table_memory
from backpass.table.messages import ErrorList, counted, data_error, listed, shown
from backpass.table.notation.number import text_of

FUNCTIONS = {"stata": "read_dta", "spss": "read_sav", "por": "read_por", "sas": "read_sas7bdat", "xpt": "read_xport"}
DURATION = "DTIME"  # SPSS's format of days, hours, minutes and seconds
HOURS = ("TIME", "HHMM", DURATION)  # formats of SPSS and SAS that show 24 hours and more
VALUE = 48  # bytes of a value as a Python object, and its place in a list


def read(file: Opened, rules: Rules, errors: ErrorList) -> Content:
    """Read the requested columns of a file.

    Raises:
        DataError: The file is damaged, has no rows, or pyreadstat is not installed.
        ResourceError: The columns do not fit in memory.
    """
    pyreadstat = extra_module("pyreadstat", file.form, file.source)
    reader = getattr(pyreadstat, FUNCTIONS[file.form])
    _, about = _called(pyreadstat, reader, file, metadataonly=True)
    names = tuple(name.strip(" \t") for name in about.column_names)
    check_names(names, file.source)
    stored = {name: own for name, own in zip(names, about.column_names, strict=True) if rules.wants(name)}
    rows = max(about.number_rows or 0, 0)  # portable and transport files do not state it
    require_table_memory(file.source, rows, len(stored), VALUE)
    columns, about = _called(pyreadstat, reader, file, usecols=[*stored.values()])
    columns |= _durations(pyreadstat, reader, file, stored, about.original_variable_types, rules)
    rows = about.number_rows or max(map(len, columns.values()), default=0)
    if not rows:
        raise data_error(file.source, "has columns but no rows" if names else "has no columns")
    notes = list[str]()
    labels = {name: about.variable_value_labels.get(own, {}) for name, own in stored.items()}
    found = [_column(name, [*columns[own]], labels[name], rules, errors, notes) for name, own in stored.items()]
    titles = {name: title for name, own in stored.items() if (title := about.column_names_to_labels.get(own))}
    return Content(names, [each for each in found if each is not None], rows, tuple(notes), labels=titles)


def _called(pyreadstat: Any, reader: Any, file: Opened, **options: Any) -> tuple[dict[str, list[Any]], Any]:
    """Call a reader of pyreadstat.

    Raises:
        DataError: The file is damaged.
    """
    if file.encoding is not None and file.form != "por":  # portable files are in an alphabet of their own
        options["encoding"] = codec_name(file.encoding).replace("iso8859", "iso-8859")  # as iconv spells it
    try:
        columns, about = reader(str(file.path), output_format="dict", **options)
    except (
        pyreadstat.ReadstatError,
        pyreadstat.PyreadstatError,
        UnicodeDecodeError,
        ValueError,
        OverflowError,
    ) as error:
        hint = "another --encoding?" if isinstance(error, UnicodeDecodeError) or "string" in str(error) else ""
        raise data_error(file.source, f"cannot be read as {file.format.what} ({error})", hint) from error
    return columns, about


def _durations(
    pyreadstat: Any, reader: Any, file: Opened, stored: Mapping[str, str], types: Mapping[str, str | None], rules: Rules
) -> dict[str, list[Any]]:
    """Return the columns of times that hold durations, because pyreadstat drops their days: 30:00 would be 06:00."""
    formats = {name: (types.get(own) or "").rstrip("0123456789.") for name, own in stored.items()}
    timed = {name: stored[name] for name, form in formats.items() if form in HOURS}
    if not timed:
        return {}
    seconds, _ = _called(pyreadstat, reader, file, usecols=[*timed.values()], disable_datetime_conversion=True)
    spans = {
        name: [None if value is None else timedelta(seconds=value) for value in seconds[timed[name]]] for name in timed
    }
    return {
        timed[name]: values
        for name, values in spans.items()
        if formats[name] == DURATION
        or rules.required_kind(name) == "numeric"
        or not all(value is None or timedelta(0) <= value < timedelta(days=1) for value in values)
    }


def _column(
    name: str,
    values: list[Any],
    labels: Mapping[Any, str],
    rules: Rules,
    errors: ErrorList,
    notes: list[str],
) -> RawColumn | None:
    """Return a column; with labels in place of the values where ``_becomes_categories`` says so."""
    if labels and _becomes_categories(name, values, labels, rules, notes):
        texts = _distinct(labels)
        return coded(name, (_text(value, texts) for value in values), typed=True)
    return raw_objects(name, values, rules, errors)


def _becomes_categories(
    name: str, values: Sequence[Any], labels: Mapping[Any, str], rules: Rules, notes: list[str]
) -> bool:
    """Whether a column with value labels is categorical: it must be, or every value has a label."""
    required = rules.required_kind(name)
    if required is not None:
        return required == "categorical"
    counts = Counter(value for value in values if value is not None)
    labeled = [value for value in counts if value in labels]
    if len(labeled) == len(counts):
        return bool(counts)
    if labeled:
        named = [f"{_text(value, {})} {shown(labels[value])} ({counted(counts[value], 'row')})" for value in labeled]
        missing = " ".join(f"--missing {_text(value, {})}" for value in labeled[:1])
        note = f"column {shown(name)}: only some values have labels, so it is numeric: {listed(named)}"
        notes.append(f"{note}; for values that mean missing: {missing}")
    return False


def _distinct(labels: Mapping[Any, str]) -> dict[Any, str]:
    """Return the labels; those that several values share are followed by the value."""
    counts = Counter(labels.values())
    return {value: label if counts[label] == 1 else f"{label} ({_text(value, {})})" for value, label in labels.items()}


def _text(value: Any, labels: Mapping[Any, str]) -> str | None:
    """Return the label of a value, or the value as text; None where missing."""
    if value is None or value == "":
        return None
    return labels.get(value, text_of(float(value)) if isinstance(value, int | float) else str(value))

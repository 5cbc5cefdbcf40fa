"""Statistical files: the columns of Stata, SPSS and SAS files, read by pyreadstat.

Takes an opened file; returns raw columns. Values that the file declares to be missing are missing. Dates and times keep
their kind. Value labels become categories where every value of the column has one; where only some have, the column
stays numeric and a note names these values, because they often mean that an answer is missing. A column of times of
which some last a day, or are negative, holds durations. Months, quarters and other dates that pyreadstat leaves as
numbers become dates. Labels of variables go into ``Content.labels``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.table.columns.objects import raw_objects
from backpass.table.columns.raw import Content, RawColumn, RawDatetimes, coded
from backpass.table.columns.rules import Rules
from backpass.table.datetimes.timestamp import BEYOND, FIRST, LAST, NAT, SECOND
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
DAY = 86_400.0  # seconds
Numbers = NDArray[np.float64]
Seconds = Callable[[Numbers], Numbers]
"""Takes the numbers of a column to seconds since 1970."""


def _months(size: int) -> Seconds:
    """Return the function that takes numbers of periods of some months since 1960 to their first days."""

    def seconds(values: Numbers) -> Numbers:
        months = np.datetime64("1960-01", "M") + size * values.astype(np.int64)
        return months.astype("M8[s]").astype(np.float64)

    return seconds


def _weeks(values: Numbers) -> Numbers:
    """Return the first days of Stata's weeks since 1960: 52 in each year, the first on January 1."""
    years, weeks = np.divmod(values, 52.0)
    return _months(12)(years) + 7.0 * DAY * weeks


STATA = {"tm": _months(1), "tq": _months(3), "th": _months(6), "tw": _weeks}
SPSS: dict[str, Seconds] = dict.fromkeys(("QYR", "MOYR", "WKYR"), lambda values: values - DAY * 141_428.0)  # 1582-10-14
SAS_DAYS = """
    MONYY YYMON MMYY MMYYC MMYYD MMYYN MMYYP MMYYS YYMM YYMMC YYMMD YYMMN YYMMP YYMMS YYQ YYQC YYQD YYQN YYQP YYQS YYQR
    QTR QTRR YEAR MONTH MONNAME DAY DOWNAME WEEKDAY WORDDATE WORDDATX JULIAN JULDAY MINGUO NENGO
"""
SAS_SECONDS = "DTDATE DTMONYY DTYEAR DTYYQC DTWKDATX"
SAS: dict[str, Seconds] = {
    **dict.fromkeys(SAS_DAYS.split(), lambda values: DAY * (values - 3_653.0)),  # since 1960-01-01
    **dict.fromkeys(SAS_SECONDS.split(), lambda values: values - DAY * 3_653.0),
}
PERIODS = {"stata": STATA, "spss": SPSS, "por": SPSS, "sas": SAS, "xpt": SAS}
"""Formats of dates that pyreadstat 1.3 leaves as numbers, or takes for others (DTDATE), and what their numbers are."""
VALUE = 48  # bytes of a value as a Python object, and its place in a list


def read(file: Opened, rules: Rules, errors: ErrorList) -> Content:
    """Read the requested columns of a file.

    Raises:
        DataError: The file is damaged, has no rows, or pyreadstat is not installed.
        ResourceError: The columns do not fit in memory.
    """
    pyreadstat = extra_module("pyreadstat", file.form, file.source)
    reader = getattr(pyreadstat, FUNCTIONS[file.form])
    _, declared = _called(pyreadstat, reader, file, metadataonly=True)
    about = declared
    names = tuple(name.strip(" \t") for name in about.column_names)
    check_names(names, file.source)
    stored = {name: own for name, own in zip(names, about.column_names, strict=True) if rules.wants(name)}
    rows = max(about.number_rows or 0, 0)  # portable and transport files do not state it
    require_table_memory(file.source, rows, len(stored), VALUE)
    periods = _periods(file.form, [*stored.values()], about.original_variable_types)
    columns = dict[str, Any]()
    if others := [own for own in stored.values() if own not in periods]:
        columns, about = _called(pyreadstat, reader, file, usecols=others)
    columns |= _durations(pyreadstat, reader, file, stored, about.original_variable_types, rules)
    if periods:
        columns |= _called(pyreadstat, reader, file, usecols=[*periods], disable_datetime_conversion=True)[0]
    rows = about.number_rows or max(map(len, columns.values()), default=0)
    if not rows:
        raise data_error(file.source, "has columns but no rows" if names else "has no columns")
    notes = list[str]()
    labels = {name: about.variable_value_labels.get(own, {}) for name, own in stored.items()}
    found = [
        _dates(name, columns[own], periods[own])
        if own in periods
        else _column(name, [*columns[own]], labels[name], rules, errors, notes)
        for name, own in stored.items()
    ]
    titles = {name: title for name, own in stored.items() if (title := declared.column_names_to_labels.get(own))}
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


def _periods(form: str, columns: Sequence[str], types: Mapping[str, str | None]) -> dict[str, Seconds]:
    """Return what the numbers of a column are, for the columns of months, quarters and other dates."""
    found = {own: (types.get(own) or "").strip("%-.0123456789") for own in columns}
    known = PERIODS[form]
    return {own: known[key] for own, name in found.items() if (key := name[:2] if form == "stata" else name) in known}


def _dates(name: str, values: Sequence[Any], since_1970: Seconds) -> RawDatetimes:
    """Return a column of dates that the file holds as numbers."""
    numbers = np.array([np.nan if value is None else value for value in values], np.float64)
    near = np.abs(numbers) <= LAST / SECOND
    seconds = since_1970(np.where(near, numbers, 0.0))
    inside = near & (seconds * SECOND >= FIRST) & (seconds * SECOND <= LAST)
    microseconds = np.rint(SECOND * np.where(inside, seconds, 0.0)).astype(np.int64)
    return RawDatetimes(name, np.where(inside, microseconds, np.where(np.isnan(numbers), NAT, BEYOND)), "date")


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
        note = f"column {shown(name)}: only some values have labels, so it is numeric: {listed(named)}"
        missing = f"; for values that mean missing: --missing {_text(labeled[0], {})}"
        notes.append(note + ("" if _are_within(labeled, [*counts]) else missing))
    return False


def _are_within(labeled: Sequence[Any], values: Sequence[Any]) -> bool:
    """Whether some labels are those of a scale, as of its ends: 1 "never", 5 "always" beside 2, 3 and 4."""
    others = [value for value in values if value not in labeled]
    return not (min(labeled) > max(others) or max(labeled) < min(others))


def _distinct(labels: Mapping[Any, str]) -> dict[Any, str]:
    """Return the labels; those that several values share are followed by the value."""
    counts = Counter(labels.values())
    return {value: label if counts[label] == 1 else f"{label} ({_text(value, {})})" for value, label in labels.items()}


def _text(value: Any, labels: Mapping[Any, str]) -> str | None:
    """Return the label of a value, or the value as text; None where missing."""
    if value is None or value == "":
        return None
    return labels.get(value, text_of(float(value)) if isinstance(value, int | float) else str(value))

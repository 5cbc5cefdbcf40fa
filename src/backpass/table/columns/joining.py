"""Concatenation of files: the rows of several files, one after another, before column kinds are decided.

Takes the content of files with the same column names; returns one content. Each column must be numbers, strings, dates
or times in all files; a mismatch is an error that names the file. Numbers join the strings of a source without types:
``<5`` may occur in one file alone. ``stack`` concatenates finished tables.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backpass.table.columns.raw import Content, RawColumn, RawDatetimes, RawNumbers, RawStrings, numbers_as_texts
from backpass.table.columns.rules import Rules
from backpass.table.datetimes.timestamp import NAT
from backpass.table.messages import ErrorList, listed, plain, shown


def joined(contents: Sequence[Content], sources: Sequence[str], rules: Rules, errors: ErrorList) -> Content:
    """Concatenate contents; a single one is returned unchanged.

    Args:
        contents: The contents.
        sources: Names of their files in messages.
        rules: What is required of the columns: numbers that must be categories join strings.
        errors: Collects errors.
    """
    first = contents[0]
    if len(contents) == 1:
        return first
    for content, source in zip(contents[1:], sources[1:], strict=True):
        check_same_names(first.names, content.names, sources[0], source, errors)
    errors.stop()
    by_name = [{column.name: column for column in content.columns} for content in contents]
    columns = [
        _joined_column([found[raw.name] for found in by_name], sources, rules, errors)
        for raw in first.columns
        if all(raw.name in found for found in by_name)  # a column that could not be read is already an error
    ]
    notes = tuple(dict.fromkeys(note for content in contents for note in content.notes))
    labels = {name: label for content in reversed(contents) for name, label in content.labels.items()}
    rows = sum(content.rows for content in contents)
    return Content(first.names, [each for each in columns if each], rows, notes, labels=labels)


def check_same_names(
    first: Sequence[str], other: Sequence[str], first_source: str, source: str, errors: ErrorList
) -> None:
    """Add an error if a file lacks columns of the first file, or has extra ones."""
    lacking, more = [name for name in first if name not in other], [name for name in other if name not in first]
    if lacking:
        errors.add(f"{plain(source)} lacks {listed(lacking, shown)}, which {plain(first_source)} has")
    if more:
        errors.add(f"{plain(source)} has {listed(more, shown)}, which {plain(first_source)} does not have")


def _joined_column(
    raws: Sequence[RawColumn], sources: Sequence[str], rules: Rules, errors: ErrorList
) -> RawColumn | None:
    """Concatenate one column; return None after an error if its kind differs between files."""
    name, filled = raws[0].name, [raw for raw in raws if not _is_empty(raw)]
    last_first = [*zip(raws, sources, strict=True)][::-1]
    kinds = {_kind(raw): source for raw, source in last_first if not _is_empty(raw)}  # kind -> first file with it
    if {*kinds} == {"numbers", "strings"} and (
        rules.required_kind(name) == "categorical"
        or not any(isinstance(raw, RawStrings) and raw.typed for raw in filled)
    ):
        return _texts(name, [numbers_as_texts(raw, errors) if isinstance(raw, RawNumbers) else raw for raw in raws])
    if len(kinds) > 1:
        held = ", ".join(f"{kind} in {plain(source)}" for kind, source in sorted(kinds.items()))
        errors.add(f"column {shown(name)} holds {held}")
        return None
    lead = filled[0] if filled else raws[0]
    match lead:
        case RawNumbers():
            return RawNumbers(name, np.concatenate([_numbers(raw) for raw in raws]), lead.is_duration)
        case RawDatetimes():
            microseconds = [
                raw.microseconds if isinstance(raw, RawDatetimes) else np.full(_rows(raw), NAT) for raw in raws
            ]
            return RawDatetimes(name, np.concatenate(microseconds), lead.kind, lead.zoned)
    return _texts(name, raws)


def _kind(raw: RawColumn) -> str:
    if isinstance(raw, RawDatetimes):
        return f"{raw.kind}s with a time zone" if raw.zoned else f"{raw.kind}s"
    if isinstance(raw, RawNumbers):
        return "durations" if raw.is_duration else "numbers"
    return "strings"


def _is_empty(raw: RawColumn) -> bool:
    """Whether a column has no value at all; such a column matches any kind."""
    match raw:
        case RawNumbers(_, values):
            return bool(np.isnan(values).all())
        case RawDatetimes(_, microseconds):
            return bool((microseconds == NAT).all())
    return not raw.codes.any()


def _rows(raw: RawColumn) -> int:
    return len(
        raw.values if isinstance(raw, RawNumbers) else raw.microseconds if isinstance(raw, RawDatetimes) else raw.codes
    )


def _numbers(raw: RawColumn) -> NDArray[np.float64]:
    return raw.values if isinstance(raw, RawNumbers) else np.full(_rows(raw), np.nan)


def _texts(name: str, raws: Sequence[RawColumn]) -> RawStrings:
    """Concatenate string columns, merging their codes."""
    known: dict[str, int] = {}
    codes = []
    for raw in raws:
        if isinstance(raw, RawStrings):
            places = [0, *(known.setdefault(level, len(known) + 1) for level in raw.levels)]
            codes.append(np.array(places, dtype=np.int32)[raw.codes])
        else:
            codes.append(np.zeros(_rows(raw), dtype=np.int32))
    is_category = any(isinstance(raw, RawStrings) and raw.is_category for raw in raws)
    typed = all(raw.typed for raw in raws if isinstance(raw, RawStrings) and len(raw.levels))
    return RawStrings(name, list(known), np.concatenate(codes), typed, is_category)

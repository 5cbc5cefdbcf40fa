"""Settings of a read: what the caller says about how a file is written and what its columns must be, checked.

Takes the keyword arguments of ``read_table``, whose docstring describes them, or of ``table_from``. ``reading`` reads
whole files with them, ``windows`` rows in windows, ``frame`` data in memory.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict, Unpack

from backpass.table.columns.rules import Rules, check_name_lists, checked_order
from backpass.table.files.opening import Opening
from backpass.table.layout.dialect import Dialect
from backpass.table.notation.missing import DEFAULT_MISSING, Missing


class FrameOptions(TypedDict, total=False):
    """Options of ``table_from``, which ``read_table`` has, too."""

    kinds: Mapping[str, str] | None
    missing: Sequence[str]
    categorical: Sequence[str]
    text: Sequence[str]
    drop: Sequence[str]
    date_order: str | None
    detect_missing: bool
    merge_spaces: bool
    detect_dates: bool
    merge_case: bool
    known_kinds: Mapping[str, str]


class ReadingOptions(FrameOptions, total=False):
    """Options of ``read_table``."""

    need: Sequence[str] | None
    delimiter: str | None
    decimal: str | None
    skip: int
    header_row: int | Sequence[int] | None
    comment: str | None
    footer: int | None
    all_rows: bool
    keep_rows: bool
    no_header: bool
    names: Sequence[str]
    headerless: Sequence[Sequence[str]]
    encoding: str | None
    max_bytes: int | None
    query: str | None
    sheet: str | int | None
    widths: Sequence[int]
    tolerant: bool


FRAME_OPTIONS = frozenset(FrameOptions.__annotations__)
READING_OPTIONS = frozenset(ReadingOptions.__annotations__)


@dataclass(frozen=True, slots=True)
class ReadSettings:
    """The settings of a read.

    Attributes:
        dialect: How a text file is written.
        rules: What is required of the columns.
        opening: How files are opened.
        named: Names of columns that must exist.
        missing: Tokens that mean "missing".
        query: SELECT statement whose result replaces the table.
        keep_rows: Whether rows without data keep their places between others.
        tolerant: Whether a column with errors is kept as categorical.
    """

    dialect: Dialect
    rules: Rules
    opening: Opening
    named: tuple[str, ...]
    missing: tuple[str, ...]
    query: str | None
    keep_rows: bool
    tolerant: bool

    @classmethod
    def of(cls, **options: Unpack[ReadingOptions]) -> ReadSettings:
        """Check the keyword arguments of ``read_table``.

        Raises:
            TypeError: An option is unknown.
            UsageError: A setting is invalid.
        """
        check_options("read_table", options, READING_OPTIONS)
        missing, names, decimal = (
            options.get("missing", DEFAULT_MISSING),
            options.get("names", ()),
            options.get("decimal"),
        )
        categorical, text, drop, need = (
            options.get("categorical", ()),
            options.get("text", ()),
            options.get("drop", ()),
            options.get("need"),
        )
        check_name_lists(categorical=categorical, text=text, drop=drop, need=need, missing=missing)
        dialect = Dialect.of(
            options.get("delimiter"),
            decimal,
            skip=options.get("skip", 0),
            header_row=options.get("header_row"),
            comment=options.get("comment"),
            footer=options.get("footer"),
            all_rows=options.get("all_rows", False),
            no_header=options.get("no_header", False),
            names=names,
            headerless=options.get("headerless", ()),
        )
        rules = Rules(
            options.get("kinds"),
            frozenset(categorical),
            frozenset(drop),
            Missing.of(missing),
            options.get("detect_missing", True),
            decimal or ".",
            decimal is not None,
            checked_order(options.get("date_order")),
            frozenset(need or ()),
            options.get("merge_spaces", True),
            options.get("detect_dates", True),
            options.get("merge_case", False),
            frozenset(text),
            known_kinds=options.get("known_kinds", {}),
        )
        opening = Opening(
            options.get("encoding"),
            options.get("max_bytes"),
            not dialect.searches,
            options.get("sheet"),
            tuple(options.get("widths", ())),
        )
        named = tuple(dict.fromkeys([*(need or ()), *categorical, *text, *drop]))
        query, keep_rows, tolerant = (
            options.get("query"),
            options.get("keep_rows", False),
            options.get("tolerant", False),
        )
        return cls(dialect, rules, opening, named, tuple(missing), query, keep_rows, tolerant)


def check_options(function: str, options: Iterable[str], known: Collection[str]) -> None:
    """Reject keyword arguments that a function does not have, as Python does.

    Raises:
        TypeError: An option is unknown.
    """
    for name in options:
        if name not in known:
            raise TypeError(f"{function}() got an unexpected keyword argument {name!r}")

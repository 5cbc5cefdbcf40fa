"""Settings of a read: what the caller says about how a file is written and what its columns must be, checked.

Takes the keyword arguments of ``read_table``, whose docstring describes them, or of ``table_from``. ``reading`` reads
whole files with them, ``windows`` rows in windows, ``frame`` data in memory.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypedDict, Unpack

from backpass.dataclass import dataclass
from backpass.errors import argument_error
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
SWITCHES = (
    "all_rows",
    "keep_rows",
    "no_header",
    "detect_missing",
    "merge_spaces",
    "detect_dates",
    "merge_case",
    "tolerant",
)
STRINGS = ("delimiter", "decimal", "encoding", "query")


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
        _check_types(options)
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
            known_kinds=options.get("known_kinds") or {},
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


def _check_types(options: Mapping[str, Any]) -> None:
    """Reject switches, strings, lists and dicts of another type: the string "no" would be a true switch.

    Raises:
        UsageError: One or several options are of another type.
    """
    errors = [
        f"{name} must be True or False; got {options[name]!r}" for name in SWITCHES if not _is_a(bool, options, name)
    ]
    errors += [f"{name} must be a string; got {options[name]!r}" for name in STRINGS if not _is_a(str, options, name)]
    errors += [
        f"{name} must be a list; got {options[name]!r}"
        for name in ("names", "widths")
        if not _is_a(Iterable, options, name)
    ]
    if not _are_name_lists(headerless := options.get("headerless", ())):
        errors.append(f"headerless must be a list of lists of column names; got {headerless!r}")
    for name in ("kinds", "known_kinds"):
        kinds = options.get(name) or {}
        if not isinstance(kinds, Mapping) or not all(isinstance(kind, str) for kind in kinds.values()):
            errors.append(f"{name} must be a dict of a kind by the name of a column; got {kinds!r}")
    size = options.get("max_bytes")
    if not _is_a(int, options, "max_bytes") or (size is not None and size < 1):
        errors.append(f"max_bytes must be a number of bytes, 1 or more; got {size!r}")
    if errors:
        raise argument_error(errors)


def _are_name_lists(value: object) -> bool:
    """Whether a value is a list of lists of strings."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return False
    each_is_list = all(isinstance(names, Sequence) and not isinstance(names, str) for names in value)
    return each_is_list and all(isinstance(name, str) for names in value for name in names)


def _is_a(kind: type, options: Mapping[str, Any], name: str) -> bool:
    """Whether an option is of a type, None where that means "detected", or not given."""
    value = options.get(name)
    is_none = value is None and (kind is not bool or name not in options)
    return is_none or (isinstance(value, kind) and (kind is bool or not isinstance(value, bool)))


def check_options(function: str, options: Iterable[str], known: Collection[str]) -> None:
    """Reject keyword arguments that a function does not have, as Python does.

    Raises:
        TypeError: An option is unknown.
    """
    for name in options:
        if name not in known:
            raise TypeError(f"{function}() got an unexpected keyword argument {name!r}")

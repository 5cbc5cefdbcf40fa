"""Settings of a read: what the caller says about how a file is written and what its columns must be, checked.

Takes the keyword arguments of ``read_table``, whose docstring describes them. ``reading`` reads whole files with them,
``windows`` rows in windows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backpass.table.columns.rules import Rules, check_name_lists, checked_order
from backpass.table.files.opening import Opening
from backpass.table.layout.dialect import Dialect
from backpass.table.notation.missing import DEFAULT_MISSING, Missing


@dataclass(frozen=True, slots=True)
class ReadSettings:
    """The settings of a read.

    Attributes:
        manner: How a text file is written.
        rules: What is required of the columns.
        opening: How files are opened.
        named: Names of columns that must exist.
        missing: Tokens that mean "missing".
        query: SELECT statement whose result replaces the table.
        keep_rows: Whether rows without data keep their places between others.
        tolerant: Whether a column with errors is kept as categorical.
    """

    manner: Dialect
    rules: Rules
    opening: Opening
    named: tuple[str, ...]
    missing: tuple[str, ...]
    query: str | None
    keep_rows: bool
    tolerant: bool

    @classmethod
    def of(
        cls,
        *,
        kinds: Mapping[str, str] | None = None,
        missing: Sequence[str] = DEFAULT_MISSING,
        categorical: Sequence[str] = (),
        text: Sequence[str] = (),
        drop: Sequence[str] = (),
        need: Sequence[str] | None = None,
        delimiter: str | None = None,
        decimal: str | None = None,
        skip: int = 0,
        header_row: int | Sequence[int] | None = None,
        comment: str | None = None,
        footer: int | None = None,
        all_rows: bool = False,
        keep_rows: bool = False,
        no_header: bool = False,
        names: Sequence[str] = (),
        headerless: Sequence[Sequence[str]] = (),
        date_order: str | None = None,
        encoding: str | None = None,
        max_bytes: int | None = None,
        query: str | None = None,
        sheet: str | int | None = None,
        widths: Sequence[int] = (),
        tolerant: bool = False,
        detect_missing: bool = True,
        merge_spaces: bool = True,
        detect_dates: bool = True,
        merge_case: bool = False,
    ) -> ReadSettings:
        """Check the keyword arguments of ``read_table``.

        Raises:
            UsageError: A setting is invalid.
        """
        check_name_lists(categorical=categorical, text=text, drop=drop, need=need, names=names, missing=missing)
        manner = Dialect.of(
            delimiter,
            decimal,
            skip=skip,
            header_row=header_row,
            comment=comment,
            footer=footer,
            all_rows=all_rows,
            no_header=no_header,
            names=names,
            headerless=headerless,
        )
        rules = Rules(
            kinds,
            frozenset(categorical),
            frozenset(drop),
            Missing.of(missing),
            detect_missing,
            decimal or ".",
            decimal is not None,
            checked_order(date_order),
            frozenset(need or ()),
            merge_spaces,
            detect_dates,
            merge_case,
            frozenset(text),
        )
        opening = Opening(encoding, max_bytes, not manner.searches, sheet, tuple(widths))
        named = tuple(dict.fromkeys([*(need or ()), *categorical, *text, *drop]))
        return cls(manner, rules, opening, named, tuple(missing), query, keep_rows, tolerant)

"""A scan: delimited text in pieces -> columns of numbers and of coded texts, and what is wrong with its structure.

Two scanners do it, with the same manners and the same results: ``_scanner``, compiled from the C++ here, and ``plain``,
which can be read and checked by hand, and stands in where the other was not built. Files, headers and messages are not
looked at here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from backpass.table.scan.plain import PlainScanner

if TYPE_CHECKING:
    from backpass.table.scan._scanner import Scanner


def scanner_for(delimiters: str) -> Callable[..., Scanner | PlainScanner]:
    """The compiled scanner where there is one, and where it knows the delimiters: those of one byte."""
    try:
        from backpass.table.scan._scanner import Scanner
    except ImportError:
        return PlainScanner
    return Scanner if delimiters.isascii() else PlainScanner

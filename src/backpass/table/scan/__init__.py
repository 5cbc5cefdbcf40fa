"""Scanners: split delimited text into columns of numbers and coded strings, and report structural errors.

Two scanners share one interface and give the same results: ``_scanner``, compiled from the C++ in this folder, and
``plain``, the readable reference, used where the compiled one was not built. ``delimited`` handles files, headers and
messages.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from backpass.table.scan.plain import PlainScanner

if TYPE_CHECKING:
    from backpass.table.scan._scanner import Scanner


def scanner_for(delimiters: str) -> Callable[..., Scanner | PlainScanner]:
    """Return the compiled scanner if it is built and every delimiter is ASCII; else the plain one."""
    try:
        from backpass.table.scan._scanner import Scanner
    except ImportError:
        return PlainScanner
    return Scanner if delimiters.isascii() else PlainScanner

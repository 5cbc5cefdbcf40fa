"""Lazy patterns: regular expressions that are compiled on first use, because large ones take most of the start-up.

Takes what ``re.compile`` takes. Small patterns are compiled at once; this is for those that many tables never need.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property


class LazyPattern:
    """A regular expression, compiled when a string is first matched.

    >>> LazyPattern("[0-9]+ ?kg", re.IGNORECASE).fullmatch("12 KG")
    <re.Match object; span=(0, 5), match='12 KG'>
    """

    def __init__(self, text: str, flags: int = 0) -> None:
        self.text, self.flags = text, flags

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """The compiled expression."""
        return re.compile(self.text, self.flags)

    def fullmatch(self, text: str) -> re.Match[str] | None:
        """Match a whole string."""
        return self.compiled.fullmatch(text)

    def search(self, text: str) -> re.Match[str] | None:
        """Find the first match in a string."""
        return self.compiled.search(text)

    def sub(self, replacement: str | Callable[[re.Match[str]], str], text: str) -> str:
        """Replace every match in a string."""
        return self.compiled.sub(replacement, text)

"""Lazy patterns: regular expressions that are compiled on first use, because compiling takes a part of the start-up.

Takes what ``re.compile`` takes. Patterns that every table needs are compiled at once; this is for the others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import AnyStr, Generic


class LazyPattern(Generic[AnyStr]):
    """A regular expression, compiled when a string is first matched.

    >>> LazyPattern("[0-9]+ ?kg", re.IGNORECASE).fullmatch("12 KG")
    <re.Match object; span=(0, 5), match='12 KG'>
    """

    def __init__(self, text: AnyStr, flags: int = 0) -> None:
        self.text: AnyStr = text
        self.flags = flags

    @cached_property
    def compiled(self) -> re.Pattern[AnyStr]:
        """The compiled expression."""
        return re.compile(self.text, self.flags)

    @cached_property
    def match(self) -> Callable[[AnyStr], re.Match[AnyStr] | None]:
        """Match the beginning of a string."""
        return self.compiled.match

    @cached_property
    def fullmatch(self) -> Callable[[AnyStr], re.Match[AnyStr] | None]:
        """Match a whole string."""
        return self.compiled.fullmatch

    @cached_property
    def search(self) -> Callable[[AnyStr], re.Match[AnyStr] | None]:
        """Find the first match in a string."""
        return self.compiled.search

    @cached_property
    def findall(self) -> Callable[[AnyStr], list[AnyStr]]:
        """Find every match in a string."""
        return self.compiled.findall

    @cached_property
    def finditer(self) -> Callable[[AnyStr], Iterator[re.Match[AnyStr]]]:
        """Find every match in a string, in turn."""
        return self.compiled.finditer

    def sub(self, replacement: AnyStr | Callable[[re.Match[AnyStr]], AnyStr], text: AnyStr) -> AnyStr:
        """Replace every match in a string."""
        return self.compiled.sub(replacement, text)

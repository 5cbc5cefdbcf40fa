"""Docstrings: prepares the docstrings of the source, which are written to be read there, for reStructuredText.

The source aligns equations and shapes with spaces, indents trees and tables, and writes ``|x|`` and ``x * y`` as they
are. Here an indented block becomes a literal block, aligned lines stay lines, and marks that reStructuredText would
read as markup are escaped. ``Args:``, ``Returns:`` and ``Raises:`` are left to napoleon, and examples to doctest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from sphinx.application import Sphinx

_SECTION = re.compile(r"(Args|Arguments|Attributes|Example|Examples|Note|Raises|References|Returns|Source|Yields):$")
_ALIGNED = re.compile(r"\S {3,}\S")
_ENTRY = re.compile(r"[A-Za-z]\w*(, \w+)*( \([^)]*\))?: ")
_LIST = re.compile(r"([-*]|\d+\.) ")
_MARKUP = re.compile(r"(:[a-z:]+:`[^`]*`|``.+?``)")
_TYPES = [
    (re.compile(r"Callable\[\[\.\.\.\], "), "Callable[..., "),
    (
        re.compile(r"~?(?:numpy\.)?ndarray\[tuple\[~?(?:typing\.)?Any, \.\.\.\], ~?(?:numpy\.)?dtype\[([\w.~]+)\]\]"),
        r"NDArray[\1]",
    ),
    (re.compile(r"<class '([\w.]+)'>"), r"\1"),
    (re.compile(r"<factory>"), "..."),
]


def escaped(text: str) -> str:
    """A text whose stars, bars, single backquotes and trailing underscores are no markup.

    >>> print(escaped("a * |b_|, ``c * d``"))
    a \\* \\|b\\_\\|, ``c * d``
    >>> print(escaped("``Callback``s"))
    ``Callback``\\ s
    """
    pieces = _MARKUP.split(text)
    for i in range(0, len(pieces), 2):
        pieces[i] = re.sub(r"([\\*|`])|(?<=\w)_(?!\w)", lambda match: "\\" + match[0], pieces[i])
        if i and pieces[i][:1].isalnum():
            pieces[i] = "\\ " + pieces[i]
    return "".join(pieces)


def paragraphs(lines: Sequence[str]) -> Iterator[list[str]]:
    """The runs of lines between empty ones."""
    found: list[str] = []
    for line in (*lines, ""):
        if line.strip():
            found.append(line.rstrip())
        elif found:
            yield found
            found = []


def prepared(lines: Sequence[str]) -> list[str]:
    """A docstring as reStructuredText.

    >>> prepared(["z = |x|    eq. (1)", "", "    a  tree"])
    ['| z = \\\\|x\\\\| \\u2003 eq. (1)', '', '::', '', '    a  tree', '']
    """
    made: list[str] = []
    in_section = False
    for paragraph in paragraphs(lines):
        indented = paragraph[0].startswith(" ")
        in_section = indented and in_section
        if _SECTION.match(paragraph[0]):
            in_section = True
        if in_section:
            made += [*map(escaped, paragraph), ""]
        elif indented:
            made += ["::", "", *paragraph, ""]
        elif paragraph[0].startswith((">>>", "..")):
            made += [*paragraph, ""]
        else:
            made += _text(paragraph)
    return made


def _text(paragraph: list[str]) -> list[str]:
    head = next(
        (i for i, line in enumerate(paragraph) if i and line.startswith(" ") and not _LIST.match(paragraph[0])), 0
    )
    if head:  # a block that follows its introduction without an empty line
        return [*_text(paragraph[:head]), "::", "", *paragraph[head:], ""]
    example = next((i for i, line in enumerate(paragraph) if line.startswith(">>>")), 0)
    if example:
        return [*_text(paragraph[:example]), *paragraph[example:], ""]
    before, found, after = "\n".join(paragraph).partition("Errors: ")
    if found and (not before.strip() or before.endswith((" ", "\n"))):
        return [*(_text(before.rstrip().split("\n")) if before.strip() else []), f"**Errors:** {escaped(after)}", ""]
    if any(_ALIGNED.search(line) for line in paragraph) or sum(bool(_ENTRY.match(line)) for line in paragraph) > 1:
        return [*map(_line, paragraph), ""]
    return [*map(escaped, paragraph), ""]


def _line(line: str) -> str:
    """A line of a block of lines; one without a gap, a name or an equation goes on with the line before it."""
    begins = _ALIGNED.search(line) or _ENTRY.match(line) or re.search(r" (=|:=|->) ", line)
    return ("| " if begins else "  ") + escaped(re.sub(" {3,}", " \u2003 ", line))


def _prepare(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    lines[:] = prepared(lines)
    if what in ("attribute", "data", "property"):
        lines[:0] = ["..", ""]  # an empty comment, else napoleon takes what precedes a colon for the type


def _sign(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """Mend what Sphinx makes of types."""
    return signature and with_short_types(signature), returns and with_short_types(returns)


def with_short_types(text: str) -> str:
    """A signature with the types and defaults as the source has them.

    >>> with_short_types("(f: Callable[[...], int]) -> ndarray[tuple[Any, ...], dtype[float64]]")
    '(f: Callable[..., int]) -> NDArray[float64]'
    >>> with_short_types("(dtype: Any = <class 'numpy.float64'>, losses: list[int] = <factory>)")
    '(dtype: Any = numpy.float64, losses: list[int] = ...)'
    """
    for pattern, plain in _TYPES:
        text = pattern.sub(plain, text)
    return text


def _skip(app: Sphinx, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Whether a member is left out: what a class inherits from another library is documented there."""
    function = getattr(obj, "fget", obj)
    return True if str(getattr(function, "__module__", "backpass")).partition(".")[0] == "sklearn" else None


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("autodoc-process-signature", _sign)
    app.connect("autodoc-skip-member", _skip)
    app.connect("autodoc-process-docstring", _prepare, priority=400)  # before napoleon
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

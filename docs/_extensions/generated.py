"""Generated: a directive whose content is reStructuredText that Python writes from the declarations of the source."""

from __future__ import annotations

import re
from collections.abc import Iterable

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective


class Generated(SphinxDirective):
    """A directive without content of its own; a subclass writes the lines."""

    has_content = False
    optional_arguments = 1
    final_argument_whitespace = True

    def lines(self) -> Iterable[str]:
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        made = StringList(list(self.lines()), source=f"<{self.name}>")
        return self.parse_text_to_nodes("\n".join(made), allow_section_headings=True)


def plain(text: str) -> str:
    """A text in which nothing is markup, but for options, which are set as code.

    >>> print(plain("a * b_ with --hidden"))
    a \\* b\\_ with ``--hidden``
    """
    pieces = re.split(r"(?<![\w-])(--[a-z][a-z-]*)", text)
    for i, piece in enumerate(pieces):
        pieces[i] = f"``{piece}``" if i % 2 else re.sub(r"([\\*`|_<>])", r"\\\1", piece)
    return "".join(pieces)


def list_table(head: Iterable[str], rows: Iterable[Iterable[str]], classes: str, widths: str = "auto") -> list[str]:
    """A table from cells that are reStructuredText of one line."""
    lines = [".. list-table::", "   :header-rows: 1", f"   :widths: {widths}", f"   :class: {classes}", ""]
    for row in (head, *rows):
        for i, cell in enumerate(row):
            lines.append(f"   {'*' if i == 0 else ' '} - {cell}".rstrip())
    return [*lines, ""]

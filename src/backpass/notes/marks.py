"""Marks: where each item of the notes is in the source, by explicit marks in docstrings such as ``CS229 (3.12)``.

A mark is the word CS229 and a list of items: ``(3.12)``, ``Algorithm 4``, ``Theorem 3.1``, ``Claim 3.3``,
``Figure 2``, ``footnote 4``. A mark in the docstring of a function, method, class or operation makes it a definition of
the item. Marks of modules name what a module is about and define nothing. A comment with ``(3.12)`` marks a line.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from backpass.dataclass import dataclass
from backpass.notes.items import ITEMS

SOURCE = Path(__file__).parents[1]
_ONE = r"(?:\(\d\.\d{1,2}\)|(?:Algorithm|Theorem|Claim|Figure|footnote) \d(?:\.\d{1,2})?)"
_MARK = re.compile(rf"CS229,?\s+({_ONE}(?:(?:,\s+|\s+and\s+){_ONE})*)")
_KEY = re.compile(_ONE)


@dataclass(frozen=True, slots=True)
class Definition:
    """A function, method, class or operation that is marked as an item.

    Attributes:
        name: The dotted name.
        path: The file, relative to the package.
        line: The number of its first line.
        summary: The first line of its docstring.
        lines: Its source without the docstring.
        marked: The numbers of the lines of the source that a comment marks, from 1.
    """

    name: str
    path: str
    line: int
    summary: str
    lines: tuple[str, ...]
    marked: tuple[int, ...]

    @property
    def is_twin(self) -> bool:
        """Whether it is one of the slow functions of ``backpass.notes``."""
        return self.name.startswith("backpass.notes.")


def keys_in(text: str) -> list[str]:
    """The items that the marks of a text name, also those that the notes do not have.

    >>> keys_in("the slope    {} Claim 3.3, (3.12)".format("CS229"))
    ['Claim 3.3', '3.12']
    >>> keys_in("Kingma & Ba 2015, Algorithm 1; (3.12)")
    []
    """
    return [key.strip("()") for mark in _MARK.finditer(text) for key in _KEY.findall(mark[1])]


def documented(path: Path, root: Path) -> Iterator[tuple[str, ast.AST, str]]:
    """(dotted name, node, docstring) of a module and of every class and function in it."""
    parts = path.relative_to(root).with_suffix("").parts
    module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def below(node: ast.AST, name: str) -> Iterator[tuple[str, ast.AST, str]]:
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            yield name, node, ast.get_docstring(node) or ""
            for child in node.body:
                yield from below(child, f"{name}.{getattr(child, 'name', '')}")

    yield from below(ast.parse(path.read_text("utf-8")), module)


@cache
def definitions() -> dict[str, tuple[Definition, ...]]:
    """Item -> its definitions; those of the library before the slow ones of ``backpass.notes``."""
    found: dict[str, list[Definition]] = {key: [] for key in ITEMS}
    for path in sorted(SOURCE.rglob("*.py")):
        text = path.read_text("utf-8").splitlines()
        for name, node, docstring in documented(path, SOURCE.parent):
            if isinstance(node, ast.Module):
                continue
            for key in keys_in(docstring):
                if key in found:
                    found[key].append(_definition(key, name, path, node, docstring, text))
    return {key: tuple(sorted(each, key=lambda definition: definition.is_twin)) for key, each in found.items()}


def _definition(key: str, name: str, path: Path, node: ast.AST, docstring: str, text: list[str]) -> Definition:
    first, last = node.lineno, node.end_lineno  # type: ignore[attr-defined]
    text_node = node.body[0]  # type: ignore[attr-defined]
    lines = (*text[first - 1 : text_node.lineno - 1], *text[text_node.end_lineno : last])
    marked = [i for i, line in enumerate(lines, 1) if f"({key})" in line.partition("  # ")[2]]
    summary = re.split(r"\s{2,}CS229", docstring.partition("\n")[0])[0]
    return Definition(name, path.relative_to(SOURCE).as_posix(), first, summary, lines, tuple(marked))


def unknown(source: Path = SOURCE) -> list[str]:
    """Marks that name no item of the notes, as ``name: item``, modules included."""
    return [
        f"{name}: CS229 {key}"
        for path in sorted(source.rglob("*.py"))
        for name, _, docstring in documented(path, source.parent)
        for key in keys_in(docstring)
        if key not in ITEMS
    ]

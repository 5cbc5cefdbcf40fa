"""Equations: writes the index of the notes' numbers from the docstrings that name them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from generated import Generated, list_table, plain
from sphinx.application import Sphinx

import backpass

SOURCE = Path(backpass.__file__).parent
EQUATIONS = [*(f"1.{i}" for i in range(1, 6)), *(f"2.{i}" for i in range(1, 22))]
EQUATIONS += [*(f"3.{i}" for i in range(1, 20)), *(f"4.{i}" for i in range(1, 5))]
_RANGE = re.compile(r"\((\d)\.(\d+)\)(?: to |-)\((?:\d)\.(\d+)\)")
_ONE = re.compile(r"\((\d\.\d{1,2})\)")


def equations_in(text: str) -> set[str]:
    """The equations of the notes that a text names; a range names everything in it.

    >>> sorted(equations_in("eqs. (2.1), (3.4)-(3.6)"))
    ['2.1', '3.4', '3.5', '3.6']
    """
    found = set(_ONE.findall(text))
    for chapter, first, last in _RANGE.findall(text):
        found |= {f"{chapter}.{i}" for i in range(int(first), int(last) + 1)}
    return found & set(EQUATIONS)


def documented(path: Path) -> Iterator[tuple[str, str, str]]:
    """(name, first line of the docstring, docstring) of the module and of every class and function in it."""
    tree = ast.parse(path.read_text("utf-8"))
    module = ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")

    def below(node: ast.AST, name: str) -> Iterator[tuple[str, str, str]]:
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            text = ast.get_docstring(node) or ""
            yield name, text.partition("\n")[0], text
            for child in node.body:
                if isinstance(child, ast.ClassDef | ast.FunctionDef):
                    yield from below(child, f"{name}.{child.name}")

    yield from below(tree, module)


def places() -> dict[str, list[tuple[str, str]]]:
    """Equation -> (name, first line) of everything whose docstring names it; definitions before modules."""
    found: dict[str, list[tuple[str, str]]] = {number: [] for number in EQUATIONS}
    modules: dict[str, list[tuple[str, str]]] = {number: [] for number in EQUATIONS}
    for path in sorted(SOURCE.rglob("*.py")):
        for i, (name, line, text) in enumerate(documented(path)):
            for number in equations_in(text):
                (modules if i == 0 else found)[number].append((name, line))
    return {number: found[number] or modules[number] for number in EQUATIONS}


class Equations(Generated):
    """``.. equations::`` has a row for each equation of the notes."""

    def lines(self) -> Iterator[str]:
        where = places()
        for chapter in ("1", "2", "3", "4"):
            title = f"Section {chapter}"
            yield from [title, "-" * len(title), ""]
            numbers = [number for number in EQUATIONS if number.startswith(f"{chapter}.")]
            rows = [(f":index:`({n}) <! {n}>`", _list(where[n])) for n in numbers]
            yield from list_table(("Equation", "Where"), rows, "equations", "12 88")


def _list(found: list[tuple[str, str]]) -> str:
    shown = [f":py:obj:`{name.removeprefix('backpass.')} <{name}>`: {plain(line)}" for name, line in found]
    return " |br| ".join(shown)


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("equations", Equations)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

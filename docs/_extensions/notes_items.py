"""Items of the notes: writes each with its code, its test and the difference of its check.

The build fails on an item without a definition in the library, without a test that calls the library, on a check that
fails, and on marks of items that the notes do not have.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from generated import Generated, plain
from notes_tests import problems, tests_of
from sphinx.application import Sphinx
from sphinx.util.logging import getLogger

from backpass.notes.checks import CHECKS, is_right
from backpass.notes.items import ITEMS, Item
from backpass.notes.lessons import lessons_of
from backpass.notes.marks import Definition, definitions, unknown

TESTS = Path(__file__).parents[2] / "tests"
SECTIONS = {
    1: "Supervised learning with non-linear models",
    2: "Neural networks",
    3: "Backpropagation",
    4: "Vectorization over training examples",
}


def errors() -> list[str]:
    """Everything that must not be: see the module."""
    without = [
        f"CS229 {key} has no definition in the library"
        for key, found in definitions().items()
        if all(each.is_twin for each in found)
    ]
    wrong = [f"the check of CS229 {key} fails" for key in ITEMS if not is_right(CHECKS[key]())]
    return [*without, *wrong, *(f"unknown item: {each}" for each in unknown()), *problems(TESTS)]


class NotesItems(Generated):
    """``.. notes-items::`` has a section for each item of the notes."""

    def lines(self) -> Iterator[str]:
        for message in errors():
            getLogger(__name__).warning(message, type="notes_items")
        tests = tests_of(TESTS)
        for number, title in SECTIONS.items():
            yield from ["", title, "-" * len(title), ""]
            for item in ITEMS.values():
                if item.section == number:
                    yield from _item(item, tests[item.key])


class NotesLinks(Generated):
    """``.. notes-links::`` has a line of links to the items of each section."""

    def lines(self) -> Iterator[str]:
        for number, title in SECTIONS.items():
            links = (f":ref:`{item.title} <{_label(item)}>`" for item in ITEMS.values() if item.section == number)
            yield from [f"**{number} {title}:** {', '.join(links)}", ""]


def _label(item: Item) -> str:
    return f"notes-{item.key.lower().replace(' ', '-').replace('.', '-')}"


def _item(item: Item, tests: list[tuple[Path, str]]) -> Iterator[str]:
    term = item.key if item.key[0].isdigit() else item.title
    yield from [f".. _{_label(item)}:", "", f".. index:: ! {term}", ""]
    heading = item.title[0].upper() + item.title[1:]
    yield from [heading, "^" * len(heading), "", plain(item.statement), ""]
    if item.tex:
        yield from [".. math::", "", f"   {item.tex}", ""]
    found = definitions()[item.key]
    for each in found:
        if each.is_twin:
            yield from _code(each)
    yield from _library([each for each in found if not each.is_twin])
    shown = ", ".join(f"``{name}`` in ``tests/{path.relative_to(TESTS).as_posix()}``" for path, name in tests[:2])
    yield f":Test: {shown}"
    lessons = ", ".join(f":doc:`{each.number} {each.title} </lessons/{each.name}>`" for each in lessons_of(item.key))
    yield f":Lesson: {lessons}"
    if item.command:
        yield f":Command: ``{item.command}``"
    check = CHECKS[item.key]
    yield f":Check: {check.__doc__}: difference {check():.1e}"
    yield ""


def _library(found: list[Definition]) -> Iterator[str]:
    places = " |br| ".join(f":py:obj:`~{each.name}`: {plain(each.summary)}" for each in found)
    yield f":Library: {places}"


def _code(definition: Definition) -> Iterator[str]:
    yield from [".. code-block:: python", f"   :caption: {definition.name}"]
    if definition.marked:
        yield f"   :emphasize-lines: {', '.join(map(str, definition.marked))}"
    yield ""
    yield from (f"   {line}" for line in definition.lines)
    yield ""


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("notes-items", NotesItems)
    app.add_directive("notes-links", NotesLinks)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

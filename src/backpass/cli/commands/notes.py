"""``backpass notes``: print an item of the CS229 notes with the code that implements it, and run its check."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import click

from backpass.cli.console import Console
from backpass.cli.options.declaration import Command, argument, output_options
from backpass.cli.text import aligned
from backpass.errors import BackpassError
from backpass.notes.checks import CHECKS, TOLERANCE, is_right
from backpass.notes.items import ITEMS, Item, item_named
from backpass.notes.lessons import lessons_of
from backpass.notes.marks import Definition, definitions


@click.command(cls=Command)
@argument("item", nargs=-1)
@output_options()
def notes(**given: Any) -> int:
    """Print an item of the CS229 notes with its code, and check it.

    ITEM is the number of an equation, such as 3.12, or a name: Algorithm 4, Claim 3.3, Figure 2, footnote 4.
    The code is that of backpass.notes, which follows the notes line by line; > marks the line of an equation. The check
    computes the item with that code and with the library, and prints the largest difference. Without ITEM, all items
    are listed with their checks.

    \b
    Examples:
      backpass notes 3.12
      backpass notes Algorithm 4
      backpass notes
    """
    console = Console(quiet=given["quiet"])
    name = " ".join(given["item"])
    items = [item_named(name)] if name else list(ITEMS.values())
    differences = _differences(items)
    if given["as_json"]:
        console.document("notes", items=[_facts(item, differences[item.key]) for item in items])
    elif not name:
        console.page(aligned([_row(item, differences[item.key]) for item in items], left=(0, 1, 2)))
    else:
        lines = []
        for label, texts in _sections(items[0], differences[items[0].key]):
            lines += console.labeled(label, texts)
        console.page(lines)
    wrong = [item.title for item in items if not is_right(differences[item.key])]
    if wrong:
        raise BackpassError(f"the check of {', '.join(wrong)} failed: the difference is above {TOLERANCE:g}")
    return 0


def _differences(items: list[Item]) -> dict[str, float]:
    """The result of the check of each item; a check that several items share runs once."""
    found = {check: check() for check in dict.fromkeys(CHECKS[item.key] for item in items)}
    return {item.key: found[CHECKS[item.key]] for item in items}


def _row(item: Item, difference: float) -> list[str]:
    return ["ok" if is_right(difference) else "WRONG", item.title, item.statement, f"{difference:.1e}"]


def _sections(item: Item, difference: float) -> Iterator[tuple[str, list[str]]]:
    """Yield the label and the lines of each section."""
    yield "item", [f"{item.title}, section {item.section}"]
    yield "says", [item.statement]
    if item.tex:
        yield "formula", [item.tex]
    for each in definitions()[item.key]:
        place = f"{each.name}, {each.path}:{each.line}"
        yield ("code", [place, *_code(each)]) if each.is_twin else ("library", [place, each.summary])
    yield "lesson", [f"{each.number} {each.title}, docs/lessons/{each.name}.md" for each in lessons_of(item.key)]
    if item.command:
        yield "command", [item.command]
    verdict = "ok" if is_right(difference) else "WRONG"
    what = str(CHECKS[item.key].__doc__).replace("``", "")
    yield "check", [f"{what}: difference {difference:.1e}, {verdict}"]


def _code(definition: Definition) -> list[str]:
    return [f"{'>' if i in definition.marked else ' '} {line}" for i, line in enumerate(definition.lines, 1)]


def _facts(item: Item, difference: float) -> dict[str, Any]:
    """Return an item as plain data for ``--json``."""
    return {
        **asdict(item),
        "definitions": [{"name": each.name, "path": each.path, "line": each.line} for each in definitions()[item.key]],
        "lessons": [each.number for each in lessons_of(item.key)],
        "difference": difference,
        "ok": is_right(difference),
    }

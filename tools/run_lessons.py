"""Lessons: runs the cells of the pages of docs/lessons, compares or renews what they show, and writes notebooks.

    .venv/bin/python tools/run_lessons.py                 # renew outputs and pictures of all lessons
    .venv/bin/python tools/run_lessons.py docs/lessons/1-a-kink.md

A page is Markdown with fenced blocks. ``python`` is a cell; all cells of a page share their names. ``output`` after a
cell is what it prints, ``measured`` is the same where numbers differ from run to run, and ``{picture} NAME`` is the
value of its last expression, kept in docs/lessons/pictures; with ``:measured:`` its numbers differ from run to run.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

LESSONS = Path(__file__).parents[1] / "docs" / "lessons"
_BLOCK = re.compile(r"^```(python|output|measured|\{picture\} ([\w-]+))\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_TITLE = re.compile(r"<title>.*?</title>")
_NUMBER = re.compile(r"[-+−]?\d[\d,]*(?:\.\d+)?(?:e[-+−]?\d+)?")
TINY = 1e-9
"""Numbers below this are differences of rounding, which no two machines share."""


@dataclass
class Block:
    """A fenced block of a page.

    Attributes:
        kind: python, output, measured or picture.
        name: The name of the picture.
        text: What is between the fences.
        start: Where the block begins in the page.
        end: Where it ends.
        found: What the cell before it printed or drew, after ``run``.
    """

    kind: str
    name: str
    text: str
    start: int
    end: int
    found: str = ""


def pages() -> list[Path]:
    """The lessons, in order."""
    return sorted(LESSONS.glob("[1-9]-*.md"))


def blocks(text: str) -> list[Block]:
    """The blocks of a page.

    >>> [block.kind for block in blocks("```python\\nx = 1\\nx\\n```\\n\\n```output\\n1\\n```\\n")]
    ['python', 'output']
    """
    return [
        Block("picture" if match[2] else match[1], match[2] or "", match[3], *match.span())
        for match in _BLOCK.finditer(text)
    ]


def run(page: list[Block], name: str) -> list[Block]:
    """Run the cells of a page in order and record what they print and draw in the blocks after them.

    >>> run(blocks("```python\\nx = 1\\nprint(x)\\n```\\n\\n```output\\n```\\n"), "page")[1].found
    '1\\n'
    """
    names: dict[str, Any] = {"__name__": "__lesson__"}
    printed, value = "", None
    for block in page:
        if block.kind == "python":
            printed, value = _run_cell(block.text, names, name)
        elif block.kind == "picture":
            block.found = value._repr_svg_() + "\n"
        else:
            block.found, printed = printed, ""
    return page


def _run_cell(code: str, names: dict[str, Any], name: str) -> tuple[str, Any]:
    """What a cell prints, and the value of its last expression, which is printed like in a notebook."""
    tree, value = ast.parse(code), None
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with redirect_stdout(StringIO()) as out:
        exec(compile(tree, name, "exec"), names)
        if last is not None:
            assert isinstance(last, ast.Expr)
            value = eval(compile(ast.Expression(last.value), name, "eval"), names)
            if value is not None and not hasattr(value, "_repr_svg_"):
                print(value)
    return out.getvalue(), value


def alike(found: str, shown: str, *, any_number: bool = False, units: float = 1.0) -> bool:
    """Whether two texts are the same but for numbers that differ by at most ``units`` of their last digit, or are tiny.

    >>> alike("off by 2.2e-16, J 0.123", "off by 0.0e+00, J 0.124"), alike("J 0.123", "J 0.125")
    (True, False)
    >>> alike("3 ms", "14.2 ms", any_number=True), alike("3 ms", "3 s", any_number=True)
    (True, False)
    """
    if _NUMBER.sub("#", found).split() != _NUMBER.sub("#", shown).split():
        return False
    pairs = zip(_NUMBER.findall(found), _NUMBER.findall(shown), strict=True)
    return any_number or all(_same_number(one, other, units) for one, other in pairs)


def _same_number(one: str, other: str, units: float) -> bool:
    if one == other:
        return True
    a, b = (float(text.replace(",", "").replace("−", "-")) for text in (one, other))
    mantissa, _, power = other.replace("−", "-").partition("e")
    digits = len(mantissa.partition(".")[2]) - int(power or 0)
    is_whole = digits == 0 and not power
    if max(abs(a), abs(b)) < TINY:
        return True
    is_zero = bool(power) and b == 0
    return not is_whole and not is_zero and abs(a - b) <= 1.01 * units * 10.0**-digits


def picture_path(name: str) -> Path:
    return LESSONS / "pictures" / f"{name}.svg"


def differences(path: Path) -> Iterator[str]:
    """What a page shows and its cells do not give: run it and compare."""
    for block in run(blocks(path.read_text("utf-8")), path.name):
        if block.kind == "picture":
            if not _same_picture(block):
                yield f"{path.name}: the cell draws another picture {block.name}; run tools/run_lessons.py"
        elif block.kind != "python" and not alike(block.found, block.text, any_number=block.kind == "measured"):
            yield f"{path.name} shows\n{block.text}but the cell prints\n{block.found}"


def _same_picture(block: Block) -> bool:
    """Whether the kept picture is the drawn one, or has its title if it shows what is measured."""
    path = picture_path(block.name)
    shown = path.read_text("utf-8") if path.exists() else ""
    if ":measured:" in block.text:
        return _TITLE.search(shown) is not None and _TITLE.findall(shown) == _TITLE.findall(block.found)
    return alike(block.found, shown, units=20.0)


def renew(path: Path) -> None:
    """Write what the cells print and draw into a page and its pictures, where it differs."""
    text = path.read_text("utf-8")
    for block in reversed(run(blocks(text), path.name)):
        if block.kind == "picture":
            shown = picture_path(block.name)
            if not shown.exists() or shown.read_text("utf-8") != block.found:
                shown.parent.mkdir(exist_ok=True)
                shown.write_text(block.found, "utf-8")
        elif block.kind != "python":
            text = f"{text[: block.start]}```{block.kind}\n{block.found}```{text[block.end :]}"
    path.write_text(text, "utf-8")


# Notebooks ------------------------------------------------------------------------------------------------------------


def notebook(text: str) -> dict[str, Any]:
    """A page as a notebook (nbformat 4.5), with the outputs that it shows.

    >>> book = notebook("# A\\n\\nSee {notes}`3.12`.\\n\\n```python\\n1 + 1\\n```\\n\\n```output\\n2\\n```\\n")
    >>> [cell["cell_type"] for cell in book["cells"]], book["cells"][0]["source"]
    (['markdown', 'code'], '# A\\n\\nSee (3.12).')
    """
    cells: list[dict[str, Any]] = []
    position = 0
    for block in blocks(text):
        _add_markdown(cells, text[position : block.start])
        position = block.end
        if block.kind == "python":
            cells.append(_cell(len(cells), "code", block.text, execution_count=None, outputs=[]))
        elif block.kind == "picture":
            data = {"image/svg+xml": picture_path(block.name).read_text("utf-8")}
            _code(cells)["outputs"].append({"output_type": "display_data", "metadata": {}, "data": data})
        else:
            _code(cells)["outputs"].append({"output_type": "stream", "name": "stdout", "text": block.text})
    _add_markdown(cells, text[position:])
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "cells": cells,
    }


def _code(cells: list[dict[str, Any]]) -> dict[str, Any]:
    return next(cell for cell in reversed(cells) if cell["cell_type"] == "code")


def _cell(number: int, kind: str, source: str, **more: Any) -> dict[str, Any]:
    return {"id": f"cell-{number}", "cell_type": kind, "metadata": {}, "source": source.rstrip("\n"), **more}


def _add_markdown(cells: list[dict[str, Any]], text: str) -> None:
    text = re.sub(r"\{notes\}`(\d[\d.]*)`", r"(\1)", text)
    text = re.sub(r"\{notes\}`([^`]+)`", r"\1", text)
    text = re.sub(r"\{playground\}`([^`<]+?) <[^`>]+>`", r"\1", text)
    text = re.sub(r"\{py:\w+\}`~?(?:[\w.]+\.)?([\w]+)`", r"`\1`", text)
    text = re.sub(r"^:::\{dropdown\} (.*)$", r"**\1**", text, flags=re.MULTILINE)
    text = re.sub(r"^:::.*$\n?", "", text, flags=re.MULTILINE)
    text = re.sub(r"\[([^\]]+)\]\((?!https?:)[^)]+\)", r"\1", text)  # other pages are not beside the notebook
    if text.strip():
        cells.append(_cell(len(cells), "markdown", text.strip()))


def notebook_text(path: Path) -> str:
    """A page as the text of a notebook file."""
    return json.dumps(notebook(path.read_text("utf-8")), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for page in [Path(name) for name in sys.argv[1:]] or pages():
        began = time.process_time()
        renew(page)
        print(f"{page.name}: {time.process_time() - began:.1f} s of CPU time")

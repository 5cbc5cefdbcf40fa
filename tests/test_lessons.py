"""The lessons: their cells run as they stand and print and draw what the pages show; each becomes a notebook."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from backpass.cli import main
from backpass.notes.exercises import EXERCISES
from backpass.notes.items import ITEMS
from backpass.notes.lessons import LESSONS, lessons_of, without_lesson

ROOT = Path(__file__).parents[1]


def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("run_lessons", ROOT / "tools" / "run_lessons.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["run_lessons"] = module  # dataclasses look it up
    spec.loader.exec_module(module)
    return module


run_lessons = tool()
PAGES = run_lessons.pages()


@pytest.mark.parametrize("path", PAGES, ids=[path.stem for path in PAGES])
def test_a_lesson_shows_what_its_cells_print_and_draw(path: Path) -> None:
    """All items of a lesson run here; the cells themselves assert that slow code, circuit and engines agree."""
    assert list(run_lessons.differences(path)) == []


@pytest.mark.parametrize("path", PAGES, ids=[path.stem for path in PAGES])
def test_a_lesson_has_the_shape_of_all(path: Path) -> None:
    text = path.read_text("utf-8")
    code = "\n".join(block.text for block in run_lessons.blocks(text) if block.kind == "python")
    assert re.search(r"^## Exercise$", text, flags=re.MULTILINE)
    assert ":::{dropdown} Solution" in text
    assert "```{picture}" in text
    assert code.count("check_exercise(") >= 2
    assert re.search(r"^assert .*differences?", code, flags=re.MULTILINE)
    assert "default_engine(" in code
    assert text.count("{playground}`") == 1
    assert text.count("$$") >= 2


def test_the_pages_are_those_of_the_table_and_name_their_items() -> None:
    assert [path.stem for path in PAGES] == [lesson.name for lesson in LESSONS]
    assert [lesson.number for lesson in LESSONS] == list(range(1, len(LESSONS) + 1))
    assert {lesson.number for lesson in LESSONS} == EXERCISES.keys()
    for lesson, path in zip(LESSONS, PAGES, strict=True):
        text = path.read_text("utf-8")
        assert text.startswith(f"# {lesson.number} {lesson.title}\n")
        named = set(re.findall(r"\{notes\}`([^`]+)`", text))
        assert set(lesson.items) <= named
        assert named <= ITEMS.keys()


def test_every_item_has_a_lesson() -> None:
    assert without_lesson() == []
    assert {key for lesson in LESSONS for key in lesson.items} == ITEMS.keys()
    assert [lesson.number for lesson in lessons_of("3.12")] == [5]
    assert [lesson.number for lesson in lessons_of("Algorithm 2")] == [7, 9]


@pytest.mark.parametrize(("item", "page"), [("3.12", "5-backpropagation"), ("footnote 7", "6-rows-and-columns")])
def test_the_command_names_the_lesson(item: str, page: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["notes", item]) == 0
    assert f"docs/lessons/{page}.md" in capsys.readouterr().out
    assert main(["notes", item, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["items"][0]["lessons"] == [int(page[0])]


@pytest.mark.parametrize("path", PAGES, ids=[path.stem for path in PAGES])
def test_a_lesson_is_a_notebook(path: Path) -> None:
    book = json.loads(run_lessons.notebook_text(path))
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in book["cells"]]
    assert len(set(ids)) == len(ids)
    found = [block for block in run_lessons.blocks(path.read_text("utf-8")) if block.kind == "python"]
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    assert [cell["source"] + "\n" for cell in code] == [block.text for block in found]
    assert any(output["output_type"] == "display_data" for cell in code for output in cell["outputs"])
    for cell in book["cells"]:
        if cell["cell_type"] == "markdown":
            assert not re.search(r"\{\w+\}`|^:::|\]\(\S+\.(md|rst)\)", cell["source"], flags=re.MULTILINE)


def page(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "page.md"
    path.write_text(text, "utf-8")
    return path


def test_a_page_that_shows_something_else_is_named(tmp_path: Path) -> None:
    wrong = page(tmp_path, "```python\nprint(0.5)\n```\n\n```output\n0.7\n```\n")
    assert list(run_lessons.differences(wrong)) == ["page.md shows\n0.7\nbut the cell prints\n0.5\n"]


def test_numbers_of_a_measured_block_may_differ_and_nothing_else(tmp_path: Path) -> None:
    text = "```python\nprint('loops 12.5 us')\n```\n\n```measured\n{} 80 us\n```\n"
    assert list(run_lessons.differences(page(tmp_path, text.format("loops")))) == []
    assert len(list(run_lessons.differences(page(tmp_path, text.format("engine"))))) == 1


def test_renewing_writes_the_output_and_leaves_the_rest(tmp_path: Path) -> None:
    path = page(
        tmp_path, "# A\n\n```python\nx = 3\nx\n```\n\n```output\nold\n```\n\n```python\nx + 1\n```\n\n```output\n```\n"
    )
    run_lessons.renew(path)
    assert path.read_text("utf-8") == (
        "# A\n\n```python\nx = 3\nx\n```\n\n```output\n3\n```\n\n```python\nx + 1\n```\n\n```output\n4\n```\n"
    )
    assert list(run_lessons.differences(path)) == []


@pytest.mark.parametrize(
    ("found", "shown", "same"),
    [
        ("J 0.1234", "J 0.1235", True),
        ("J 0.1234", "J 0.1240", False),
        ("off by 4.4e-16", "off by 0.0e+00", True),
        ("off by 4.4e-07", "off by 0.0e+00", False),
        ("25 parameters", "26 parameters", False),
        ("1,250 steps", "1,250 steps", True),
        ("a 1.0", "b 1.0", False),
        ("1.0 2.0", "1.0", False),
    ],
)
def test_which_texts_are_alike(found: str, shown: str, same: bool) -> None:
    assert run_lessons.alike(found, shown) is same

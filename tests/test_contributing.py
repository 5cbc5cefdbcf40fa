"""CONTRIBUTING.md: the table of declarations names files and names that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parents[1]
SOURCE = HERE / "src" / "backpass"
TITLE = "## Where things are declared"


def rows() -> list[str]:
    text = (HERE / "CONTRIBUTING.md").read_text("utf-8").partition(TITLE)[2].partition("\n## ")[0]
    return [line for line in text.splitlines() if line.startswith("| ") and "`" in line]


def missing(row: str) -> list[str]:
    """The paths in a row that do not exist, and the names that no file of its paths holds."""
    quoted = [text for text in re.findall(r"`([^`]+)`", row) if text != "pyproject.toml"]
    paths = [text for text in quoted if "/" in text or text.endswith(".py")]
    files = [HERE / path if path.startswith(("tests/", "docs/", "tools/")) else SOURCE / path for path in paths]
    absent = [path for path, file in zip(paths, files, strict=True) if not file.exists()]
    modules = [each for file in files for each in (file.rglob("*.py") if file.is_dir() else [file]) if each.is_file()]
    held = "\n".join(module.read_text("utf-8") for module in modules if module.suffix == ".py")
    names = [text.lstrip("@") for text in quoted if text not in paths]
    return absent + [name for name in names if not re.search(rf"\b{re.escape(name)}\b", held)]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.split("|")[1].strip())
def test_a_declaration_is_where_the_table_says(row: str) -> None:
    assert missing(row) == []


def test_the_table_is_read() -> None:
    assert len(rows()) > 15


def test_a_planted_row_is_found() -> None:
    assert missing("| a loss | `network/losses.py`, `NO_SUCH` | `network/nowhere.py` |") == [
        "network/nowhere.py",
        "NO_SUCH",
    ]


def test_the_table_of_verbs_has_those_of_the_makefile() -> None:
    text, makefile = ((HERE / name).read_text("utf-8") for name in ("CONTRIBUTING.md", "Makefile"))
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.M)
    assert phony is not None
    verbs = {*phony[1].split()} - {"help"}
    assert {*re.findall(r"^\| `make ([\w-]+)` \|", text, re.M)} == verbs
    printed = {word for line in re.findall(r'@echo "make (.*)"', makefile) for word in re.findall(r"[\w-]+", line)}
    assert verbs <= printed


# The changelog


def entries() -> list[str]:
    """The entries of the changelog, each on one line."""
    lines = (HERE / "CHANGELOG.md").read_text("utf-8").partition("\n### ")[2]
    return [" ".join(entry.partition("\n\n")[0].split()) for entry in re.split(r"^- ", lines, flags=re.MULTILINE)[1:]]


def test_an_entry_of_the_changelog_is_whole_and_there_once() -> None:
    """A merge can leave an old entry, or its end, beside the new one."""
    found = entries()
    assert len(found) > 50
    assert [entry for entry in found if not entry.endswith((".", ".)"))] == []
    openings = [entry[:40] for entry in found]
    assert sorted({each for each in openings if openings.count(each) > 1}) == []

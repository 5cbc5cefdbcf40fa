"""The tools behind ``make docs``: what is checked in the finished pages, and what is installed to make them."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


def tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


check_site = tool("check_site")
requirements = tool("requirements")


def site(folder: Path, body: str) -> Path:
    """Two pages, one in a folder, with a file to load."""
    (folder / "guide").mkdir()
    (folder / "site.css").write_text("body { margin: 0; }")
    (folder / "index.html").write_text(f"<link rel='stylesheet' href='site.css'><h1 id='top'>Home</h1>{body}")
    (folder / "guide" / "a b.html").write_text("<p id='x.y'>text</p><a href='../index.html#top'>home</a>")
    return folder.resolve()


def test_pages_whose_links_lead_somewhere_pass(tmp_path: Path) -> None:
    body = (
        "<a href='guide/a%20b.html#x.y'>a</a><a href='#top'>b</a><a href='index.html#m1=1&amp;B=4'>state</a><a href='https://example.org/'>c</a>"
        "<pre>.. list-table::</pre>"
        "<a href='mailto:somebody@example.org'>d</a><img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='>"
    )
    assert check_site.problems(site(tmp_path, body)) == []


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("<a href='guide/gone.html'>a</a>", "index.html: guide/gone.html: no such file"),
        ("<a href='guide/a%20b.html#z'>a</a>", "index.html: guide/a%20b.html#z: no such anchor"),
        ("<a href='#nowhere'>a</a>", "index.html: #nowhere: no such anchor"),
        ("<a href='guide/'>a</a>", "index.html: guide/: no such file"),
        ("<img src='gone.svg'>", "index.html: gone.svg: no such file"),
        ("<script src='https://example.org/a.js'></script>", "index.html: loads https://example.org/a.js"),
        ("<script src='//example.org/a.js'></script>", "index.html: loads //example.org/a.js"),
        ("<p>.. list-table:: x</p>", "index.html: markup in the text: .. list-table:: x"),
        ("<td>$\\partial J = $ a</td>", "index.html: markup in the text: $\\partial J = $ a"),
        ("<link rel='stylesheet' href='http://example.org/a.css'>", "index.html: loads http://example.org/a.css"),
    ],
)
def test_what_is_broken_is_named(tmp_path: Path, body: str, problem: str) -> None:
    assert check_site.problems(site(tmp_path, body)) == [problem]


def test_a_style_that_loads_a_font_is_named(tmp_path: Path) -> None:
    folder = site(tmp_path, "")
    (folder / "site.css").write_text("@font-face { src: url(https://example.org/a.woff2); }")
    assert check_site.problems(folder) == ["site.css: loads something from elsewhere"]


def test_an_empty_folder_is_no_site(tmp_path: Path) -> None:
    assert check_site.problems(tmp_path) == [f"{tmp_path}: no pages"]


def test_a_query_without_an_entry_is_named(tmp_path: Path) -> None:
    entries = {query: [[0, "", True]] for query in check_site.SEARCHES if query != "3.12"}
    (tmp_path / "searchindex.js").write_text(f"Search.setIndex({json.dumps({'indexentries': entries})})")
    assert check_site.missing_terms(tmp_path) == ["search: '3.12' is no entry of the index"]


def test_the_pages_need_no_build_of_backpass() -> None:
    needed = requirements.requirements(ROOT / "pyproject.toml", ["docs"])
    names = {one.partition(">=")[0] for one in needed}
    assert {"sphinx", "furo", "latex2mathml", "numpy", "click", "scikit-learn"} <= names
    assert not any(one.startswith("backpass") for one in needed)

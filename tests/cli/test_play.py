"""``backpass play``: a page from a table, notes on what is left out, and what is refused before anything is lost."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Numbers, categories, a date and an identifier."""
    rows = "".join(f"{n / 7:.3f},{'ab'[n % 2]},2024-{n % 12 + 1:02}-{n % 28 + 1:02},id{n},{n * n}\n" for n in range(40))
    path = tmp_path / "t.csv"
    path.write_text(f"size,kind,day,name,y\n{rows}")
    return path


def table_in(page: str) -> Any:
    found = re.search(r'id="facts">(.*?)</script>', page, flags=re.DOTALL)
    assert found is not None
    return json.loads(found[1])["table"]


def test_a_page_holds_the_columns_that_it_can_show(call: Run, table: Path, tmp_path: Path) -> None:
    done = call("play", table, "-o", "p.html")
    assert (done.code, done.out) == (0, "")
    assert "column 'name' looks like an identifier" in done.err
    assert done.err.splitlines()[-1].startswith("saved p.html (")
    held = table_in((tmp_path / "p.html").read_text("utf-8"))
    assert held["target"] == "y"
    assert [(each["name"], each["kind"]) for each in held["columns"]] == [
        ("size", "numeric"), ("kind", "categorical"), ("day", "date"), ("y", "numeric"),
    ]  # fmt: skip
    assert call("play", table, "-o", "p.html").code == 0  # a page of ours may be replaced


def test_standard_output_and_another_target(call: Run, table: Path) -> None:
    done = call("play", table, "--target", "kind", "-q")
    assert done.code == 0
    held = table_in(done.out)
    assert held["target"] == "kind"
    assert held["columns"][-1]["levels"] == ["a", "b"]


def test_json_describes_the_page(call: Run, table: Path, tmp_path: Path) -> None:
    facts = call("play", table, "-o", "p.html", "--json", "-q").json
    assert facts["command"] == "play"
    assert facts["columns"] == ["size", "kind", "day"]
    assert facts["bytes"] == (tmp_path / "p.html").stat().st_size
    failed = call("play", table, "--json")
    assert failed.code == 2
    assert "--json needs a file for the page" in failed.err


def test_files_of_others_are_never_overwritten(call: Run, table: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.html").write_text("<p>mine</p>")
    failed = call("play", table, "-o", "mine.html")
    assert failed.code == 2
    assert failed.err.startswith("error: mine.html already exists and would be overwritten")
    assert (tmp_path / "mine.html").read_text() == "<p>mine</p>"
    assert call("play", table, "-o", table).code == 2


def test_notes_of_one_kind_share_a_line(call: Run, tmp_path: Path) -> None:
    names = [f"c{j}" for j in range(30)]
    rows = "".join(f"{','.join([str(n % 7)] * 30)},{n}\n" for n in range(40))
    (tmp_path / "wide.csv").write_text(f"{','.join(names)},y\n{rows}")
    assert len(call("play", tmp_path / "wide.csv", "-o", "p.html").err.splitlines()) < 12
    assert len(call("play", tmp_path / "wide.csv", "-o", "p.html", "--verbose").err.splitlines()) > 20


def test_what_the_table_is_read_as_is_said(call: Run, tmp_path: Path) -> None:
    rows = "".join(f"{n % 12 + 1}/{n % 11 + 1}/2024,{'<0.5' if n % 4 == 0 else n},{n * n % 17}\n" for n in range(40))
    (tmp_path / "read.csv").write_text(f"day,level,y\n{rows}")
    said = call("play", tmp_path / "read.csv", "-o", "p.html").err
    assert "and no row shows whether day or month comes first: kept as categories; --date-order" in said
    assert "column 'level': '<0.5' is read as 0.5" in said

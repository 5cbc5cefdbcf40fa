"""Files that are dropped on the page: what Python refuses is refused, and what is read is read alike."""

from __future__ import annotations

import base64
import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from odd_files import ODD_FILES

from backpass.errors import DataError
from backpass.playground import playground
from backpass.playground.columns import columns_of
from backpass.table import read_table

READ = """(async () => {
  const bytes = Uint8Array.from(atob(%s), (character) => character.charCodeAt(0));
  const told = (value) => (Number.isNaN(value) ? null : value);
  try {
    const { columns, target, omitted } = columnsOf(textOf(bytes));
    return { target, omitted, columns: columns.map((each) => ({ ...each, values: each.values.map(told) })) };
  } catch (error) { return { error: error.message }; }
})()"""
PARTLY = {"one row", "total below", "units below the header", "title above", "JSON", "gzip", "bounds", "sums below"}
"""Some of the files that Python reads and the page refuses."""


@pytest.fixture(scope="module")
def found(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What the page makes of each file: {target, columns, omitted} or {error}."""
    path = tmp_path_factory.mktemp("reading") / "page.html"
    path.write_text(playground({"x": [1.0, 2.0, 3.0, 4.0], "y": [1.0, 3.0, 2.0, 4.0]}), "utf-8")
    browser.complaints.clear()
    browser.open(path)
    read = {name: browser.run(READ % json.dumps(base64.b64encode(raw).decode())) for name, raw in ODD_FILES.items()}
    assert browser.complaints == []
    return read


def kept(columns: list[dict[str, Any]], target: str) -> dict[str, Any]:
    """The columns by name, without the rows that lack the target."""
    goal = next(each for each in columns if each["name"] == target)
    gap = 0 if goal["kind"] == "categorical" else None
    rows = [i for i, value in enumerate(goal["values"]) if value != gap or value is False]
    return {
        each["name"]: (each["kind"], each.get("levels"), each.get("parts"), [each["values"][i] for i in rows])
        for each in columns
    }


@pytest.mark.parametrize("name", ODD_FILES)
def test_the_page_reads_as_python_does_or_refuses(name: str, found: dict[str, Any], tmp_path: Path) -> None:
    """A column is read alike, or left out here and named in the command, or left out by fit, too."""
    path, page = tmp_path / "x.csv", found[name]
    path.write_bytes(ODD_FILES[name])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            read_table(path)
        except DataError:
            assert "error" in page
            return
        if "error" in page:
            assert page["error"][0].isupper()
            assert page["error"].rstrip()[-1] == "."
            return
        python = columns_of(read_table(path), page["target"])
    expected, shown = kept(python["columns"], page["target"]), kept(page["columns"], page["target"])
    assert shown == {each: expected.get(each) for each in shown}
    assert expected.keys() - shown.keys() <= {*page["omitted"]}


def test_most_files_are_read_and_some_are_refused_on_purpose(found: dict[str, Any]) -> None:
    refused = {name for name, page in found.items() if "error" in page}
    assert refused >= PARTLY
    assert len(refused) < 0.45 * len(found)
    whole = [name for name, page in found.items() if name not in refused and not page["omitted"]]
    assert len(whole) > 0.35 * len(found)
    assert found["short row"]["error"].startswith("Line 8 has 2 cells, the header has 3 names. A cell that holds")
    assert found["a word among numbers"]["error"] == (
        'Column a: 59 numbers, but line 31 has "oops". Correct it, or leave the cell empty if the value is missing.'
    )

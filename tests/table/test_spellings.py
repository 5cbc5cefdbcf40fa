"""Spellings: categories that differ only in spaces are merged and said; those that differ in case are named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backpass.table import read_table, table_from
from backpass.table.columns.spellings import merged, tidy
from backpass.table.diagnosis.inspection import inspect_table
from backpass.table.table import CategoricalColumn

SPACES = {
    "two spaces": "very  good",
    "five spaces": "very     good",
    "no-break": "very\u00a0good",
    "narrow no-break": "very\u202fgood",
    "thin": "very\u2009good",
    "ideographic": "very\u3000good",
    "tab": "very\tgood",
    "line break": "very\ngood",
    "no-break behind": "very good\u00a0",
    "no-break before": "\u00a0very good",
    "zero-width": "very\u200b good",
    "byte order mark": "\ufeffvery good",
    "spaces around": "  very good ",
}


@pytest.mark.parametrize("other", SPACES.values(), ids=SPACES)
@pytest.mark.parametrize("door", ["csv", "json", "parquet", "pandas", "category", "dict"])
def test_texts_that_differ_only_in_spaces_are_one_category(door: str, other: str, tmp_path: Path) -> None:
    texts = ["very good", other, "bad", "very good", other, "bad", None]
    frame = pd.DataFrame({"c": texts, "x": range(7)})
    if door == "csv":
        frame.to_csv(tmp_path / "t.csv", index=False)
        table = read_table(tmp_path / "t.csv")
    elif door == "json":
        frame.to_json(tmp_path / "t.json", orient="records")
        table = read_table(tmp_path / "t.json")
    elif door == "parquet":
        frame.to_parquet(tmp_path / "t.parquet")
        table = read_table(tmp_path / "t.parquet")
    else:
        data = {"c": texts, "x": range(7)} if door == "dict" else frame
        table = table_from(frame.astype({"c": "category"}) if door == "category" else data)
    column = table.columns["c"]
    assert isinstance(column, CategoricalColumn)
    assert column.levels == ("bad", "very good")
    assert column.codes.tolist() == [2, 2, 1, 2, 2, 1, 0]
    said = [note for note in table.notes if "differ only in spaces" in note]
    assert len(said) == (other.strip(" ") != "very good")
    assert all("(2 rows) counts as 'very good'" in note and "--keep-spaces" in note for note in said)


@pytest.mark.parametrize("other", SPACES.values(), ids=SPACES)
def test_without_another_spelling_a_text_stays_as_it_is(other: str) -> None:
    table = table_from({"c": [other, "bad", "good", other]})
    assert set(table.columns["c"].levels) == {other.strip(" \t"), "bad", "good"}
    assert table.notes == ()


def test_spellings_are_kept_on_request(tmp_path: Path) -> None:
    texts = ["very good", "very  good", "bad"]
    frame = pd.DataFrame({"c": texts})
    frame.to_csv(tmp_path / "t.csv", index=False)
    for table in (read_table(tmp_path / "t.csv", merge_spaces=False), table_from(frame, merge_spaces=False)):
        assert table.columns["c"].levels == ("bad", "very  good", "very good")
        assert table.notes == ()
    assert table_from(frame, kinds={"c": "categorical"}).columns["c"].levels == ("bad", "very  good", "very good")


def test_booleans_in_spaces_are_booleans() -> None:
    column = table_from({"c": ["True\u00a0", "TRUE", "False", "false\u00a0"]}).columns["c"]
    assert column.levels == ("false", "true")


def test_what_differs_otherwise_is_not_merged() -> None:
    assert merged(["a b", "ab", "A B", "a-b", "a\u00a0c"]) == {}
    assert merged(["\u00a0", "\u2009", "x"]) == {}
    assert tidy("\u200d") == "\u200d"  # joins letters in some scripts: no space


@pytest.mark.parametrize("texts", [("yes", "YES"), ("no", "No"), ("etc", "etc."), ("Straße", "STRASSE")])
def test_texts_that_differ_in_case_or_a_full_stop_are_named(texts: tuple[str, str], tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    pd.DataFrame({"c": [*texts, "other"] * 10, "x": np.arange(30) % 7}).to_csv(path, index=False)
    table = read_table(path)
    assert set(table.columns["c"].levels) == {*texts, "other"}
    found = [each for column in inspect_table(table).columns for each in column.findings if each.code == "spellings"]
    assert len(found) == 1
    assert all(repr(text) in found[0].text for text in texts)
    query = found[0].text.partition("--query ")[2].strip("'")
    if texts[0].lower() == texts[1].lower():
        assert set(read_table(path, query=query).columns["c"].levels) == {texts[0].lower(), "other"}
    other = inspect_table(table_from({"c": ["a", "b", "c d"] * 10}))
    assert not [each for column in other.columns for each in column.findings if each.code == "spellings"]

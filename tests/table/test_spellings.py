"""Spellings: categories that differ only in spaces are merged and said; those that differ in case are named."""

from __future__ import annotations

import random
import sys
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from backpass.table import read_table, table_from
from backpass.table.columns.spellings import Spelling, likeness, merged, tidy, truths
from backpass.table.diagnosis.inspection import inspect_table
from backpass.table.presentation.spaces import OTHER_SPACES
from backpass.table.table import CategoricalColumn, Table

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
    "full stop": "very good.",
    "full stop and spaces": "very  good. ",
}


@pytest.mark.parametrize("city", ["Zürich", "São Paulo", "Åre", "Łódź"])
def test_accents_that_are_stored_in_two_ways_are_one_letter(city: str) -> None:
    split = unicodedata.normalize("NFD", city)
    table = table_from({"c": [city, split, "Rome"] * 8})
    column = table.column("c")
    assert isinstance(column, CategoricalColumn)
    assert set(column.levels) == {city, "Rome"}
    assert any("(8 rows) counts as" in note and "differ only in how accents are stored" in note for note in table.notes)
    kept = table_from({"c": [city, split, "Rome"] * 8}, merge_spaces=False).column("c")
    assert isinstance(kept, CategoricalColumn)
    assert len(kept.levels) == 3


@pytest.mark.parametrize(
    ("text", "other"),
    [("pre-tax", "pre\u2013tax"), ("don't", "don\u2019t"), ("A1", "\u04101"), ("R&D", "R&amp;D"), ("x2", "x\u00b2")],
)
def test_categories_that_look_alike_are_said_and_kept(text: str, other: str) -> None:
    table = table_from({"c": [text, other, "b"] * 8, "y": np.arange(24.0)})
    column = table.column("c")
    assert isinstance(column, CategoricalColumn)
    assert set(column.levels) == {text, other, "b"}
    (found,) = [each.text for each in inspect_table(table, "y").columns[0].findings if each.code == "spellings"]
    assert found.startswith("strings that look alike but are written with other characters: ")
    assert likeness("c", [text, "b"]) == likeness("c", [other, "b"]) == ""


def test_every_space_is_looked_for() -> None:
    assert {*OTHER_SPACES, " "} == {chr(c) for c in range(sys.maxunicode + 1) if chr(c).isspace()}


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
    said = [note for note in table.notes if "differ only in" in note]
    assert len(said) == (other.strip(" ") != "very good")
    assert all("(2 rows) counts as 'very good'" in note and "--keep-spaces" in note for note in said)


WORDS = {
    "English": "very good",
    "German": "groß über",
    "Russian": "очень хорошо",
    "Greek": "πολύ καλό",
    "Polish": "łódź śródmieście",
}
OF_SPACES = [
    lambda text: text.replace(" ", "  "),
    lambda text: text.replace(" ", "\u00a0"),
    "{}. ".format,
    "\u00a0{}".format,
]
OF_CASE = [str.upper, str.title, lambda text: text.upper().replace(" ", "\u00a0 ")]
PLACES = {"first": lambda n: range(n), "last": lambda n: range(60 - n, 60), "between": lambda n: range(3, 60, 57 // n)}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("share", [0.02, 0.2, 0.5])
@pytest.mark.parametrize("language", WORDS)
def test_spellings_of_one_category_anywhere(language: str, share: float, place: str, tmp_path: Path) -> None:
    """Spaces are merged and said, case is said and merged on request: language x share x place, by two doors."""
    draw = random.Random(f"{language} {share} {place}")
    word, rows = WORDS[language], [*PLACES[place](max(int(share * 60), 1))]
    plain = [word if row in rows or row % 2 else "none of it" for row in range(60)]
    for respelled, merges_case in ((draw.choice(OF_SPACES), False), (draw.choice(OF_CASE), True)):
        texts = [respelled(text) if row in rows else text for row, text in enumerate(plain)]
        pd.DataFrame({"c": texts, "x": range(60)}).to_csv(tmp_path / "t.csv", index=False)
        options: dict[str, Any] = {"merge_case": True} if merges_case else {}
        expected = table_from({"c": plain}).columns["c"]
        for source in (tmp_path / "t.csv", {"c": texts, "x": range(60)}):
            read = read_table if isinstance(source, Path) else table_from
            column = read(source, **options).columns["c"]
            assert isinstance(column, CategoricalColumn)
            assert isinstance(expected, CategoricalColumn)
            assert len(column.levels) == 2  # in any order: the most frequent spelling stays
            assert (np.diff(column.codes) != 0).tolist() == (np.diff(expected.codes) != 0).tolist()
            kept = read(source)
            assert len(kept.columns["c"].levels) == 2 + merges_case
            told = [*kept.notes, *(each.text for each in inspect_table(kept).columns[0].findings)]
            assert any(("--merge-case" if merges_case else "differ only in") in text for text in told), told


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
    assert merged(dict.fromkeys(["a b", "ab", "A B", "a-b", "a\u00a0c", "ab!", "a.b"], 1), Spelling()) == {}
    assert merged(dict.fromkeys(["\u00a0", "\u2009", "x"], 1), Spelling()) == {}
    assert merged(dict.fromkeys([".", "..", "...", ""], 1), Spelling(case=True)) == {}
    assert tidy("\u200d") == "\u200d"  # joins letters in some scripts: no space


def read_by(door: str, texts: list[str | None], folder: Path, **given: Any) -> Table:
    """The texts as column c of a table that comes in by a door."""
    frame = pd.DataFrame({"c": texts, "x": range(len(texts))})
    match door:
        case "csv":
            frame.to_csv(folder / "t.csv", index=False)
            return read_table(folder / "t.csv", **given)
        case "parquet":
            frame.to_parquet(folder / "t.parquet")
            return read_table(folder / "t.parquet", **given)
        case "category":
            return table_from(frame.astype({"c": "category"}), **given)
    return table_from({"c": texts} if door == "dict" else frame, **given)


@pytest.mark.parametrize("door", ["csv", "parquet", "pandas", "category", "dict"])
@pytest.mark.parametrize(
    ("texts", "form"),
    [
        (["yes", "YES", "yes", "Yes"], "yes"),
        (["Straße", "STRASSE", "straße", "Straße"], "Straße"),
        (["ÖL", "öl", "Öl", "Öl"], "Öl"),
        (["b2", "B2"], "B2"),  # of equally many the first
    ],
)
def test_case_is_merged_on_request(door: str, texts: list[str], form: str, tmp_path: Path) -> None:
    table = read_by(door, [*texts, "other", None], tmp_path, merge_case=True)
    column = table.columns["c"]
    assert isinstance(column, CategoricalColumn)
    assert column.levels == tuple(sorted([form, "other"]))
    assert column.merges_case
    assert len(set(column.codes[: len(texts)].tolist())) == 1
    said = [note for note in table.notes if "differ only in upper and lower case" in note]
    assert len(said) == 1
    assert "--keep-spaces" not in said[0]
    apart = read_by(door, [*texts, "other", None], tmp_path).columns["c"]
    assert isinstance(apart, CategoricalColumn)
    assert len(apart.levels) == len(set(texts)) + 1


def test_case_may_be_merged_while_spaces_are_kept() -> None:
    column = table_from({"c": ["a b", "A  B", "A B", "A B"]}, merge_case=True, merge_spaces=False).columns["c"]
    assert isinstance(column, CategoricalColumn)
    assert column.levels == ("A  B", "A B")


@pytest.mark.parametrize("texts", [("yes", "YES"), ("no", "No"), ("etc", "etc.."), ("Straße", "STRASSE")])
def test_texts_that_differ_in_case_are_named_with_what_joins_them(texts: tuple[str, str], tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    pd.DataFrame({"c": [*texts, "other"] * 10, "x": np.arange(30) % 7}).to_csv(path, index=False)
    table = read_table(path)
    assert set(table.columns["c"].levels) == {*texts, "other"}
    found = [each for column in inspect_table(table).columns for each in column.findings if each.code == "spellings"]
    assert len(found) == 1
    assert all(repr(text) in found[0].text for text in texts)
    query = found[0].text.partition("--query ")[2].strip("'").replace("'\"'\"'", "'")
    joined = read_table(path, query=query) if query else read_table(path, merge_case=True)
    assert query or found[0].text.endswith("--merge-case")
    assert set(joined.columns["c"].levels) in ({texts[0], "other"}, {texts[1], "other"})
    other = inspect_table(table_from({"c": ["a", "b", "c d"] * 10}))
    assert not [each for column in other.columns for each in column.findings if each.code == "spellings"]


@pytest.mark.parametrize("texts", [["yes", "no", "1", "0"], ["true", "yes", "no"], ["Y", "N", "true"], ["1", "0", "t"]])
def test_booleans_in_several_notations_are_named_with_what_joins_them(texts: list[str], tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    pd.DataFrame({"c": texts * 10, "x": np.arange(10 * len(texts)) % 7}).to_csv(path, index=False)
    column = inspect_table(read_table(path)).columns[0]
    found = next(each.text for each in column.findings if each.code == "spellings")
    query = found.partition("--query ")[2][1:-1].replace("'\"'\"'", "'")
    joined = read_table(path, query=query).columns["c"]
    assert isinstance(joined, CategoricalColumn)
    assert joined.levels == ("false", "true")
    assert joined.codes[: len(texts)].tolist() == [2 if text in {"yes", "1", "true", "Y", "t"} else 1 for text in texts]


def test_booleans_in_one_notation_are_not_named() -> None:
    for texts in (["yes", "no"], ["Yes", "YES", "no"], ["0", "1"], ["yes", "no", "maybe"], ["1", "2", "yes"]):
        assert truths(texts) == []

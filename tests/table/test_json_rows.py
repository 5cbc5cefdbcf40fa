"""JSON rows: objects by line or in a list, what is missing, and what is no row."""

import gzip
import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backpass.errors import DataError
from backpass.table import read_table, table_from

Write = Callable[..., Path]
VALUES = {
    "numeric": st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False),
    "categorical": st.text(max_size=5).map(lambda text: f"w{text.strip()}"),
    "flag": st.booleans(),
}


@st.composite
def columns(draw: st.DrawFn) -> dict[str, list[Any]]:
    rows = draw(st.integers(1, 6))
    return {name: draw(st.lists(st.none() | values, min_size=rows, max_size=rows)) for name, values in VALUES.items()}


@settings(deadline=None, max_examples=40)
@given(data=columns(), leave_out=st.booleans())
def test_lines_lists_and_frames_agree(tmp_path_factory: Any, data: dict[str, list[Any]], leave_out: bool) -> None:
    rows = [dict(zip(data, row, strict=True)) for row in zip(*data.values(), strict=True)]
    first, *others = rows  # the first row has every name, so that the order of the columns is known
    given_ = [first, *({k: v for k, v in row.items() if v is not None or not leave_out} for row in others)]
    folder = tmp_path_factory.mktemp("json")
    (folder / "lines.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in given_))
    (folder / "list.json").write_text(json.dumps(given_, indent=2, ensure_ascii=False), encoding="utf-8")
    expected = table_from(data)
    assert read_table(folder / "lines.jsonl") == expected
    assert read_table(folder / "list.json") == expected


def test_dates_and_texts_of_digits(write: Write) -> None:
    table = read_table(write('\ufeff\n {"d": "2024-01-01", "t": "00:30", "x": "12"}\n\n{"d": null, "x": "13"}\n'))
    assert [column.kind for column in table.columns.values()] == ["date", "time", "categorical"]


def test_compressed_and_wider_rows(write: Write) -> None:
    table = read_table(write(gzip.compress(b'{"a": 1}\n{"a": 2, "b": 3}\n')))
    assert table == table_from({"a": [1, 2], "b": [None, 3]})


REFUSED = {
    '{"a": 1}\n{"a": 2\n': "line 2 is not JSON (Expecting ',' delimiter, at character 9)",
    '{"a": 1}\n{"a": }\n': "line 2 is not JSON (Expecting value, at character 7)",
    '[{"a": 1},\n {"a": 1]': "line 2 is not JSON",
    '{"a": 1}\n[1]\n': "line 2 is a list, not an object",
    '[{"a": 1}, [2]]': "item 2 is a list, not an object",
    '{"a": 1, "a": 2}\n': "line 1: an object has 'a' twice",
    '{"a": [1]}\n': "column 'a' holds values of type list (row 1)",
    '{"a": 1}\n{"a": [2]}\n': "column 'a' holds values of type list (row 2) and values of type number (row 1)",
    '{"a": 1}\n{"a": Infinity}\n': "inf, or a number too large for float64, in column 'a' row 2",
    '{"": 1}\n': "the header has no name at position 1",
    "{}\n": "has rows but no columns",
    "[]": "has no rows",
    "[1, 2]\n": "not an object",
    "[1, 2]\n[3, 4]\n": "line 2 is not JSON",
    '{"a": ' + "[" * 100_000 + "\n": "line 1 is nested too deeply",
    '{"a": ' + "9" * 5_000 + "}\n": "line 1: Exceeds the limit",
}


@pytest.mark.parametrize(("content", "expected"), REFUSED.items(), ids=[text[:20] for text in REFUSED])
def test_what_is_no_table(write: Write, content: str, expected: str) -> None:
    with pytest.raises(DataError) as caught:
        read_table(write(content, "t.json"))
    assert expected in str(caught.value)


FRAME = pd.DataFrame(
    {"x": [1.5, None, 3.5] * 4, "c": ["p", "q", None] * 4, "d": pd.date_range("2024-01-01", periods=12, freq="7h")}
)
ORIENTS = ("columns", "split", "table", "index", "records")


@pytest.mark.parametrize("orient", ORIENTS)
@pytest.mark.parametrize("indent", [None, 2])
def test_every_layout_of_pandas(tmp_path: Path, orient: Any, indent: int | None) -> None:
    FRAME.to_json(tmp_path / "t.json", orient=orient, indent=indent, date_format="iso")
    table = read_table(tmp_path / "t.json")
    assert table == table_from(FRAME)
    assert table.notes == ()


@pytest.mark.parametrize("orient", ["columns", "split", "table", "index"])
def test_an_index_in_json_is_left_out_and_said(tmp_path: Path, orient: Any) -> None:
    frame = FRAME.sample(frac=0.5, random_state=0)
    frame.to_json(tmp_path / "t.json", orient=orient, date_format="iso")
    table = read_table(tmp_path / "t.json")
    assert table == table_from(frame)
    assert table.notes == ("the index of a pandas frame: treated as row names and left out",)
    assert table.of_source == table.notes


@pytest.mark.parametrize(("unit", "name"), [("ms", "milliseconds"), ("us", "microseconds"), ("ns", "nanoseconds")])
def test_times_as_whole_numbers_get_a_note(tmp_path: Path, unit: Any, name: str) -> None:
    """In a column called ``k`` nothing proves that they are dates; a column called ``time`` is read as dates."""
    shift = 1_234_567_891 if unit == "ns" else 1_234_567 if unit == "us" else 1_234
    whole = [int(stamp.to_datetime64().astype(f"M8[{unit}]").astype(int)) + shift for stamp in FRAME["d"]]
    (tmp_path / "t.json").write_text(json.dumps([{"time": number, "x": 1.5} for number in whole]))
    assert read_table(tmp_path / "t.json").column("time").kind == "date"
    (tmp_path / "t.json").write_text(json.dumps([{"t": number, "x": 1.5} for number in whole]))
    notes = read_table(tmp_path / "t.json").notes
    assert f"column 't' looks like {name} since 1970 (2024-01-01T00:00:01): read as numbers" in notes[0]
    assert not any("since 1970" in note for note in read_table(tmp_path / "t.json", kinds={"t": "numeric"}).notes)


def test_objects_of_lists_and_rows_inside_an_object(write: Write) -> None:
    expected = table_from({"a": [1, 2], "b": ["x", None]})
    assert read_table(write('{"a": [1, 2], "b": ["x", null]}', "t.json")) == expected
    wrapped = read_table(write('{"count": 2, "data": [{"a": 1, "b": "x"}, {"a": 2}]}', "t.json"))
    assert wrapped == expected
    assert wrapped.notes == ("the rows are those of 'data'",)
    assert read_table(write('{"a": 1,\n "b": "x"}', "t.json")) == table_from([{"a": 1, "b": "x"}])


NO_TABLES = {
    '{"a": [1, 2], "b": [1]}': "is an object of columns of unequal lengths: 'b' has 1 value, 'a' has 2",
    '{"columns": ["a", "b"], "data": [[1, 2], [3]]}': "row 2 of 'data' has 1 value, 'columns' has 2 names",
    '{"columns": ["a", "a"], "data": [[1, 2]]}': "'columns' has 'a' twice",
    '{"columns": [["a", "b"]], "data": [[1]]}': "'columns' holds more than names",
    '{"columns": ["a"], "data": []}': "has no rows",
    '{"a": {"u": 1, "v": 2}, "b": {"u": 3, "v": 4}}': "its names may be those of columns or of rows",
    '{"type": "FeatureCollection", "features": []}': "is GeoJSON, not a table of rows",
    '{"u": [{"a": 1}], "v": [{"a": 2}]}': "is one object with 'u', 'v', lists of rows, not a table",
    '{"a": {"u": 1}, "b": {"w": 3}}': "column 'a' holds values of type dict (row 1)",
    "[[1, 2], [3, 4]]": "to_json(orient='records')",
}


@pytest.mark.parametrize(("content", "expected"), NO_TABLES.items(), ids=[text[:20] for text in NO_TABLES])
def test_one_object_that_is_no_table(write: Write, content: str, expected: str) -> None:
    with pytest.raises(DataError) as caught:
        read_table(write(content, "t.json"))
    assert expected in str(caught.value)


def test_objects_inside_rows_are_columns_of_a_query(write: Write) -> None:
    path = write(
        '{"at": {"lat": 1.5, "lon": 2}, "tags": ["a"], "y": 1}\n{"at": {"lat": 3, "lon": 4}, "y": 2}', "t.json"
    )
    with pytest.raises(DataError) as caught:
        read_table(path, drop=["tags"])
    assert "column 'at' holds values of type dict (row 1)" in caught.value.message
    query = shlex.split(caught.value.hint.partition("--query ")[2])[0]
    table = read_table(path, query=query, drop=["tags"])
    assert table == table_from({"y": [1, 2], "lat": [1.5, 3], "lon": [2, 4]})


def test_lists_inside_rows_are_texts_of_a_query(write: Write) -> None:
    rows = [{"at": {"lat": 1.5}, "tags": ["a", "b"], "p": [1, 2], "y": 1}, {"at": {"lat": 3}, "tags": [], "y": 2}]
    path = write(json.dumps(rows), "t.json")
    with pytest.raises(DataError, match="column 'tags' holds values of type list") as caught:
        read_table(path)
    query = shlex.split(caught.value.hint.partition("--query ")[2])[0]
    assert read_table(path, query=query) == table_from(
        {"tags": ["a b", ""], "p": ["1 2", None], "y": [1, 2], "lat": [1.5, 3]}
    )


HUGE = 10**400


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    "door",
    [
        lambda rows, write: read_table(write("\n".join(map(json.dumps, rows)), "t.jsonl")),
        lambda rows, write: read_table(write(json.dumps(rows), "t.json")),
        lambda rows, write: table_from(rows),
        lambda rows, write: table_from({"a": [row["a"] for row in rows]}),
        lambda rows, write: table_from({"a": np.array([row["a"] for row in rows], dtype=object)}),
    ],
    ids=["lines", "list", "rows", "columns", "objects"],
)
def test_an_integer_beyond_float64_is_refused_as_in_text(write: Any, door: Any, sign: int) -> None:
    with pytest.raises(DataError, match="inf, or a number too large for float64, in column 'a' row 2"):
        door([{"a": 1}, {"a": sign * HUGE}], write)

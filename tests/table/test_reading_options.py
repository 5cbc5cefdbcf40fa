"""The options of reading: named once, known to both doors, and refused where they are unknown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from backpass.errors import UsageError
from backpass.table import read_table, table_from
from backpass.table.windows.frames import frame_windows
from backpass.table.windows.read_settings import FRAME_OPTIONS, READING_OPTIONS, STRINGS, SWITCHES, ReadSettings
from backpass.table.windows.windows import windows_of

ANY_VALUE = {
    "kinds": {"x": "numeric"}, "missing": ["NA"], "categorical": ["x"], "text": ["x"], "drop": ["y"],
    "date_order": "day_first", "detect_missing": False, "merge_spaces": False, "detect_dates": False,
    "merge_case": True, "need": ["x"], "delimiter": ";", "decimal": ",", "skip": 1, "header_row": 2, "comment": "#",
    "footer": 1, "all_rows": True, "keep_rows": True, "no_header": True, "names": ["x", "y"],
    "headerless": [["x", "y"]], "encoding": "latin-1", "max_bytes": 9, "query": "select x from data", "sheet": 1,
    "widths": [1, 2], "tolerant": True, "known_kinds": {"x": "numeric"},
}  # fmt: skip


def test_every_option_changes_the_settings() -> None:
    assert {*ANY_VALUE} == READING_OPTIONS
    plain = ReadSettings.of()
    for name, value in ANY_VALUE.items():
        assert ReadSettings.of(**{name: value}) != plain, name  # type: ignore[misc]


@pytest.mark.parametrize("name", sorted(READING_OPTIONS))
def test_the_docstring_explains_every_option_with_its_default(name: str) -> None:
    text = " ".join((read_table.__doc__ or "").split())
    item = text.partition(f"- ``{name}``: ")[2].partition(" - ``")[0]
    assert "Default" in item
    assert (f"``{name}``" in (table_from.__doc__ or "")) is (name in FRAME_OPTIONS)


def test_an_unknown_option_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("x,y\n1,2\n")
    with pytest.raises(TypeError, match=r"read_table\(\) got an unexpected keyword argument 'delimeter'"):
        read_table(path, delimeter=";")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="'delimeter'"):
        next(windows_of(path, delimeter=";"))  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"table_from\(\) got an unexpected keyword argument 'skip'"):
        table_from({"x": [1]}, skip=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="'skip'"):
        next(frame_windows({"x": [1]}, rows=1, skip=1))  # type: ignore[call-arg]


def refused(**options: Any) -> str:
    with pytest.raises(UsageError) as caught:
        ReadSettings.of(**options)
    return caught.value.message


@pytest.mark.parametrize("value", [None, 1, "no", [True]])
@pytest.mark.parametrize("name", SWITCHES)
def test_a_switch_is_true_or_false(name: str, value: Any) -> None:
    assert refused(**{name: value}) == f"{name} must be True or False; got {value!r}"


@pytest.mark.parametrize("value", [3, True, b"x", ["x"], {}])
def test_options_of_another_type(value: Any) -> None:
    for name in STRINGS:
        assert refused(**{name: value}) == f"{name} must be a string; got {value!r}"
    for name in ("kinds", "known_kinds"):
        assert refused(**{name: {"x": value}}).startswith(
            f"{name} must be a dict of a kind by the name of a column; got"
        )
    with pytest.raises(UsageError) as caught:
        ReadSettings.of(names=3, widths=1.5)
    assert caught.value.message == "2 invalid arguments"
    assert caught.value.details == ("names must be a list; got 3", "widths must be a list; got 1.5")


@pytest.mark.parametrize("value", [3, None, "x", ["x"], [3], [[3]], {"x": 1}])
def test_headerless_is_a_list_of_lists(value: Any) -> None:
    assert refused(headerless=value) == f"headerless must be a list of lists of column names; got {value!r}"


@pytest.mark.parametrize("value", [0, -1, 1.5, "9", True])
def test_a_size_is_a_number_of_bytes(value: Any) -> None:
    assert refused(max_bytes=value) == f"max_bytes must be a number of bytes, 1 or more; got {value!r}"


@pytest.mark.parametrize("value", [None, 3, b"x", ["t.csv"]])
def test_a_path_is_a_str_or_a_path(value: Any) -> None:
    with pytest.raises(UsageError, match=r"^the path of a table must be a str or a pathlib\.Path; got a value of type"):
        read_table(value)

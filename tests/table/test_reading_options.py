"""The options of reading: named once, known to both doors, and refused where they are unknown."""

from __future__ import annotations

from pathlib import Path

import pytest

from backpass.table import read_table, table_from
from backpass.table.windows.frames import frame_windows
from backpass.table.windows.settings import FRAME_OPTIONS, READING_OPTIONS, ReadSettings
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

"""Columns and targets of numbers with other texts between them, generated: notation x locale x share x place.

Whatever stands between the numbers, a column of numbers never becomes categories without a word, and a target of
numbers never becomes classes: the texts are missing, or read, or asked about by rows.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from backpass.errors import DataError
from backpass.table import CategoricalColumn, NumericColumn, Table, Target, read_table, table_from
from backpass.table.labeled import Labeled

ROWS = 120
SIGNS = {"point": (".", ","), "comma": (",", "."), "space": (",", "\u202f"), "apostrophe": (".", "'")}
NOTATIONS: dict[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "unit": lambda text: f"{text} kg",
    "joined unit": lambda text: f"{text}°C",
    "currency": lambda text: f"€ {text}",
    "code": lambda text: f"{text} CHF",
    "footnote": lambda text: f"{text}*",
}
WORDS = {
    "dash": ["-"],
    "errors": ["#N/A", "#DIV/0!", "#VALUE!"],
    "words": ["n/a", "unknown", "missing"],
    "German": ["k. A.", "unbekannt"],
    "point": ["."],
}
TEXTS = {"offers": ["ask us", "call us"], "codes": ["A7-x", "B9-y"], "sentences": ["see the other table"]}
PLACES = ("everywhere", "first", "last")


def written(value: float, locale: str) -> str:
    decimal, mark = SIGNS[locale]
    return f"{value:,.2f}".replace(",", "\0").replace(".", decimal).replace("\0", mark)


def columns(draw: random.Random, notation: str, locale: str, texts: list[str], share: float, place: str) -> tuple:
    """A column of texts, its numbers (NaN for the other texts), and the rows of these."""
    values = [round(draw.uniform(1, 9_000), 2) for _ in range(ROWS)]
    cells = [NOTATIONS[notation](written(value, locale)) for value in values]
    count = max(round(share * ROWS), 2)
    rows = {
        "everywhere": sorted(draw.sample(range(ROWS), count)),
        "first": range(count),
        "last": range(ROWS - count, ROWS),
    }[place]
    for row in rows:
        cells[row], values[row] = draw.choice(texts), math.nan
    return cells, np.array(values), list(rows)


def table_of(cells: list[str], door: str, path: Path) -> Table:
    if door == "frame":
        return table_from({"x": cells, "n": range(len(cells))})
    path.write_text("x;n\n" + "".join(f'"{cell}";{n}\n' for n, cell in enumerate(cells)), encoding="utf-8")
    return read_table(path)


@pytest.mark.parametrize("share", [0.02, 0.15, 0.5])
@pytest.mark.parametrize("words", WORDS)
@pytest.mark.parametrize("notation", NOTATIONS)
def test_words_for_missing_are_missing_and_the_target_is_numbers(
    notation: str, words: str, share: float, tmp_path: Path
) -> None:
    draw = random.Random(f"{notation} {words} {share}")
    locale, place, door = draw.choice([*SIGNS]), draw.choice(PLACES), draw.choice(["frame", "file"])
    cells, values, rows = columns(draw, notation, locale, WORDS[words], share, place)
    table = table_of(cells, door, tmp_path / "t.csv")
    column = table.column("x")
    assert isinstance(column, NumericColumn), (locale, place, door, cells[:9], table.notes)
    np.testing.assert_array_equal(column.values, values)
    assert any("missing values are written as" in note and f"({len(rows)} rows)" in note for note in table.notes) or (
        len({cells[row] for row in rows}) > 1
    )
    left = Labeled.of(table, ["x"])
    assert Target.fit(left.table, "x").task == "regression"
    assert left.table.rows == ROWS - len(rows)
    assert any(f"{len(rows)} of {ROWS} rows have no value" in note for note in left.notes)


@pytest.mark.parametrize("share", [0.02, 0.15, 0.4])
@pytest.mark.parametrize("texts", TEXTS)
@pytest.mark.parametrize("notation", NOTATIONS)
def test_other_texts_are_said_and_never_make_classes(notation: str, texts: str, share: float, tmp_path: Path) -> None:
    draw = random.Random(f"{notation} {texts} {share}")
    locale, place, door = draw.choice([*SIGNS]), draw.choice(PLACES), draw.choice(["frame", "file"])
    cells, _, rows = columns(draw, notation, locale, TEXTS[texts], share, place)
    try:
        table = table_of(cells, door, tmp_path / "t.csv")
    except DataError as error:  # a few are mistakes, which are named with their rows
        assert share < 0.1
        text = str(error)
        assert f"{ROWS - len(rows)} numbers" in text
        assert f"row {rows[0] + 1}" in text or f"rows {rows[0] + 1}" in text
        return
    assert isinstance(table.column("x"), CategoricalColumn)
    assert any(f"{ROWS - len(rows)} numbers and {len(rows)} other values" in note for note in table.notes), table.notes
    with pytest.raises(DataError, match=f"{ROWS - len(rows)} numbers") as caught:
        Target.fit(table, "x")
    assert "task='classification'" in str(caught.value)


@pytest.mark.parametrize("door", ["frame", "file"])
@pytest.mark.parametrize("share", [0.02, 0.15, 0.5, 0.85])
@pytest.mark.parametrize("notation", ["plain", "unit", "code"])
def test_two_decimal_signs_are_named_and_no_value_is_advised_away(
    notation: str, share: float, door: str, tmp_path: Path
) -> None:
    """Some cells as 57.25 and others as 57,25: as rows of two offices."""
    draw = random.Random(f"{notation} {share}")
    values = [f"{draw.randrange(10, 99)}.{draw.randrange(10, 99)}" for _ in range(ROWS)]
    others = {*draw.sample(range(ROWS), max(round(share * ROWS), 2))}
    cells = [NOTATIONS[notation](v.replace(".", ",") if n in others else v) for n, v in enumerate(values)]
    try:
        table = table_of(cells, door, tmp_path / "t.csv")
    except DataError as error:
        told = str(error)
    else:
        assert isinstance(table.column("x"), CategoricalColumn)
        told = next(note for note in table.notes if "'x'" in note)
    assert notation != "plain" or "some numbers have a decimal point and others a decimal comma" in told
    assert "makes that value missing" not in told

"""Decimal commas: a model fitted on them reads a lone 1.234 as 1234, and points where the file clearly has them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backpass
from backpass.errors import DataError
from backpass.model import Model
from backpass.table import NumericColumn, read_table

QUICK: dict[str, Any] = {"hidden": (4,), "epochs": 1}


def german(number: float) -> str:
    return f"{number:,.2f}".translate({ord(","): ".", ord("."): ","})


def lines(delimiter: str, quote: str = "") -> str:
    """60 rows of an amount (some above 1,000), a count without fractions, and the target."""
    draw = np.random.default_rng(0)
    rows = zip(draw.uniform(1, 3000, 60), draw.integers(1, 900, 60), draw.normal(size=60), strict=True)
    texts = [delimiter.join(f"{quote}{cell}{quote}" for cell in (german(a), n, german(y))) for a, n, y in rows]
    return "\n".join([delimiter.join(("amount", "count", "y")), *texts, ""])


@pytest.fixture(params=["semicolons", "tabs", "option"])
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Model:
    name, delimiter = ("t.tsv", "\t") if request.param == "tabs" else ("t.csv", ";")
    (tmp_path / name).write_text(lines(delimiter), encoding="utf-8")
    reading = {"decimal": ","} if request.param == "option" else {}
    return backpass.fit(tmp_path / name, "y", reading=reading, **QUICK)


def numbers_in(model: Model, path: Path, text: str, **reading: Any) -> list[list[float]]:
    path.write_text(text, encoding="utf-8")
    found = []
    table = read_table(path, kinds=model.kinds(), **reading)
    for name in ("amount", "count"):
        column = table.columns[name]
        assert isinstance(column, NumericColumn)
        found.append(column.values.tolist())
    windowed = np.concatenate([batch.column(0).to_numpy() for batch in model.predict_batches(path, **reading)])
    np.testing.assert_array_equal(windowed, model.predict(path, **reading))
    return found


@pytest.mark.parametrize(
    ("rows", "amount", "count"),
    [
        ("1.234;5", [1234.0], [5.0]),
        ("1.234;1.000", [1234.0], [1000.0]),
        ("1.234,5;7", [1234.5], [7.0]),
        ("2,5;1.000\n1.234;7", [2.5, 1234.0], [1000.0, 7.0]),
        ("12.345.678;7", [12345678.0], [7.0]),
        ("2.5;7", [2.5], [7.0]),
        ("1.234;7\n2.5;8", [1.234, 2.5], [7.0, 8.0]),
        ("1.234;7.5", [1.234], [7.5]),
        ("1234;7", [1234.0], [7.0]),
        (";1.234", [np.nan], [1234.0]),
        ("-1.234;+5", [-1234.0], [5.0]),
    ],
)
def test_the_stored_reading_decides(
    model: Model, tmp_path: Path, rows: str, amount: list[float], count: list[float]
) -> None:
    for delimiter, name in ((";", "p.csv"), ("\t", "p.tsv")):
        text = f"amount;count\n{rows}\n".replace(";", delimiter)
        np.testing.assert_array_equal(numbers_in(model, tmp_path / name, text), [amount, count])


def test_the_caller_decides_first(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    assert numbers_in(model, path, "amount;count\n1.234;5\n", decimal=".") == [[1.234], [5.0]]
    assert numbers_in(model, path, "amount;count\n1.234;5\n", decimal=",") == [[1234.0], [5.0]]
    with pytest.raises(DataError, match=r"'2\.5'"):
        numbers_in(model, path, "amount;count\n2.5;5\n", decimal=",")


def test_numbers_of_typed_sources_are_what_they_are(model: Model, tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text('[{"amount": 1.234, "count": 5}]')
    table = read_table(tmp_path / "p.json", kinds=model.kinds())
    assert table.column("amount").values.tolist() == [1.234]  # type: ignore[union-attr]
    expected = model.predict({"amount": [1.234], "count": [5]})
    np.testing.assert_array_equal(model.predict(tmp_path / "p.json"), expected)
    np.testing.assert_array_equal(
        model.predict({"amount": ["1.234"], "count": [5]}), model.predict({"amount": [1234.0], "count": [5]})
    )


def test_a_file_with_points_is_read_as_before(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a;y\n" + "".join(f"{i / 7:.3f};{i}\n" for i in range(40)))
    model = backpass.fit(tmp_path / "t.csv", "y", **QUICK)
    assert model.kinds() == {"a": "numeric"}
    (tmp_path / "p.csv").write_text("a\n1.234\n")
    assert read_table(tmp_path / "p.csv", kinds=model.kinds()).column("a").values.tolist() == [1.234]  # type: ignore[union-attr]


def test_a_column_of_quoted_numbers_keeps_its_own_comma(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(lines(",", '"'), encoding="utf-8")
    model = backpass.fit(tmp_path / "t.csv", "y", **QUICK)
    assert numbers_in(model, tmp_path / "p.csv", "amount,count\n1.234,1.5\n") == [[1234.0], [1.5]]
    assert numbers_in(model, tmp_path / "p.csv", "amount,count\n2.5,1.5\n1.234,7\n") == [[2.5, 1.234], [1.5, 7.0]]


def pages(rows: int) -> Iterator[str]:
    yield "amount;count\n"
    yield from (f"1.{i % 1000:03d};{i}\n" for i in range(rows))


def test_windows_that_contradict_each_other_are_an_error(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("".join(pages(300_000)) + "2.5;7\n", encoding="utf-8")
    with pytest.raises(DataError, match="the notation of numbers differs"):
        list(model.predict_batches(path, rows=1000))
    assert model.predict(path).shape == (300_001,)

"""``backpass explain``: contributions beside predictions, as CSV and JSON, that sum to them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def lines_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_contributions_and_baseline_sum_to_the_prediction(call: Run, home: Path) -> None:
    done = call("explain", home / "numbers.backpass", home / "numbers.csv")
    assert done.code == 0
    lines = lines_of(done.out)
    assert len(lines) == 120
    assert list(lines[0]) == ["price", "baseline", *(f"contribution({name})" for name in ("size", "age", "colour"))]
    predicted = lines_of(call("predict", home / "numbers.backpass", home / "numbers.csv").out)
    for line, expected in zip(lines, predicted, strict=True):
        price, *parts = map(float, line.values())
        assert price == pytest.approx(float(expected["price"]), rel=1e-5)
        assert sum(parts) == pytest.approx(price, rel=1e-4, abs=1e-4)


def test_classes_are_named_beside_their_probability(call: Run, home: Path) -> None:
    lines = lines_of(call("explain", home / "kinds.backpass", home / "kinds.csv").out)
    predicted = lines_of(call("predict", home / "kinds.backpass", home / "kinds.csv", "--proba").out)
    for line, expected in zip(lines, predicted, strict=True):
        assert line["kind"] == expected["kind"]
        assert float(line["probability"]) == pytest.approx(float(expected[f"p({line['kind']})"]), abs=1e-5)
    low = lines_of(call("explain", home / "kinds.backpass", home / "kinds.csv", "--class", "low").out)
    assert {line["kind"] for line in low} == {"low"}


def test_kept_columns_stand_first(call: Run, home: Path) -> None:
    done = call("explain", home / "pets.backpass", home / "pets.csv", "--keep", "colour,pet")
    assert done.out.splitlines()[0].startswith("colour,pet,predicted(pet),probability,baseline,contribution(size),")


def test_json_holds_the_same(call: Run, home: Path) -> None:
    lines = lines_of(call("explain", home / "numbers.backpass", home / "numbers.csv").out)
    facts = call("explain", home / "numbers.backpass", home / "numbers.csv", "--json").json
    assert facts["command"] == "explain"
    assert facts["columns"] == ["size", "age", "colour"]
    assert facts["predictions"] == [float(line["price"]) for line in lines]
    assert facts["contributions"][7] == [float(lines[7][f"contribution({name})"]) for name in facts["columns"]]


def test_a_file_is_written_whole(call: Run, home: Path, tmp_path: Path) -> None:
    done = call("explain", home / "numbers.backpass", home / "numbers.csv", "-o", "out.csv")
    assert (done.code, done.out) == (0, "")
    assert len(lines_of((tmp_path / "out.csv").read_text())) == 120


@pytest.mark.parametrize(
    ("model", "options", "code", "message"),
    [
        ("kinds", ("--class", "hihg"), 2, "target 'kind' has no class 'hihg'"),
        ("numbers", ("--class", "low"), 2, "target 'price' has no classes"),
        ("numbers", ("--keep", "nothing"), 3, "nothing"),
        ("numbers", ("-o", "none/out.csv"), 5, "there is no folder none"),
    ],
)
def test_what_is_not_there_is_refused(
    call: Run, home: Path, model: str, options: tuple[str, ...], code: int, message: str
) -> None:
    done = call("explain", home / f"{model}.backpass", home / f"{model}.csv", *options)
    assert (done.code, done.out) == (code, "")
    assert message in done.err


def test_who_waits_is_told_how_many_rows_are_done(call: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ("explain", home / "numbers.backpass", home / "numbers.csv")
    plain = call(*arguments)
    monkeypatch.setattr("backpass.reporting.attribution._ROWS", 50)
    monkeypatch.setattr("backpass.cli.commands.explain.LINE_SECONDS", 0.0)
    watched = call(*arguments)
    assert [line.split() for line in watched.err.splitlines() if line.startswith("explained")] == [
        ["explained", str(done), "of", "120", "rows"] for done in (50, 100)
    ]
    assert "explained" not in plain.err
    assert "explained" not in call(*arguments, "--quiet").err

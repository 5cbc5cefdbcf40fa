"""``backpass explain``: contributions beside predictions, as CSV and JSON, that sum to them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backpass.cli.console import Console
from backpass.reporting.explanation import attribution

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
        assert line["explained_class"] == expected["kind"]
        assert float(line["probability"]) == pytest.approx(float(expected[f"p({expected['kind']})"]), abs=1e-5)
    low = lines_of(call("explain", home / "kinds.backpass", home / "kinds.csv", "--class", "low").out)
    assert {line["explained_class"] for line in low} == {"low"}


def test_the_class_explained_is_not_taken_for_the_decision(call: Run, home: Path) -> None:
    lines = lines_of(call("explain", home / "pets.backpass", home / "pets.csv").out)
    predicted = lines_of(call("predict", home / "pets.backpass", home / "pets.csv", "--proba").out)
    (positive,) = {line["explained_class"] for line in lines}
    assert {line["pet"] for line in predicted} > {positive}, "both classes are predicted"
    assert "pet" not in lines[0]
    for line, expected in zip(lines, predicted, strict=True):
        assert float(line["probability"]) == pytest.approx(float(expected[f"p({positive})"]), abs=1e-5)


def test_kept_columns_stand_first(call: Run, home: Path) -> None:
    done = call("explain", home / "pets.backpass", home / "pets.csv", "--keep", "colour,pet")
    assert done.out.splitlines()[0].startswith("colour,pet,explained_class,probability,baseline,contribution(size),")


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
    monkeypatch.setattr("backpass.reporting.explanation.attribution.BLOCK", 50)
    monkeypatch.setattr("backpass.cli.commands.explain.LINE_SECONDS", 0.0)
    watched = call(*arguments)
    assert [line.split() for line in watched.err.splitlines() if line.startswith("explained")] == [
        ["explained", str(done), "of", "120", "rows"] for done in (50, 100)
    ]
    assert "explained" not in plain.err
    assert "explained" not in call(*arguments, "--quiet").err


def test_rows_are_written_as_soon_as_they_are_explained(
    call: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A window of standard input takes minutes to explain."""
    arguments = ("explain", home / "numbers.backpass", home / "numbers.csv", "--keep", "colour", "--top", "2")
    whole, events = call(*arguments).out, list[str]()
    write, integrated = Console.write_bytes, attribution.integrated

    def noted(*args: Any) -> Any:
        events.append("explained")
        return integrated(*args)

    def written(console: Console, data: bytes) -> None:
        events.append("written")
        write(console, data)

    monkeypatch.setattr(attribution, "BLOCK", 50)
    monkeypatch.setattr(attribution, "integrated", noted)
    monkeypatch.setattr(Console, "write_bytes", written)
    assert call(*arguments).out == whole
    assert events == ["explained", "written", "written", *["explained", "written"] * 2]  # the header, then the rows
    assert call(*arguments, "-o", tmp_path / "rows.csv").code == 0
    assert (tmp_path / "rows.csv").read_text() == whole


@pytest.mark.parametrize("name", ["numbers", "pets", "kinds"])
def test_the_top_contributions_are_the_largest(call: Run, home: Path, name: str) -> None:
    paths = (home / f"{name}.backpass", home / f"{name}.csv")
    whole, top = lines_of(call("explain", *paths).out), lines_of(call("explain", *paths, "--top", "2").out)
    source = lines_of(paths[1].read_text())
    for line, short, row in zip(whole, top, source, strict=True):
        parts = {key[13:-1]: float(value) for key, value in line.items() if key.startswith("contribution(")}
        order = sorted(parts, key=lambda column: -abs(parts[column]))
        assert [short["column_1"], short["column_2"]] == order[:2]
        for k in (1, 2):
            column = short[f"column_{k}"]
            assert float(short[f"contribution_{k}"]) == parts[column]
            value = short[f"value_{k}"]
            assert value == row[column] or float(value) == float(row[column])
        assert float(short["contribution(other columns)"]) == pytest.approx(sum(parts[each] for each in order[2:]))
    facts = call("explain", *paths, "--top", "2", "--json").json
    assert [[each["column"] for each in row] for row in facts["top"]] == [
        [line["column_1"], line["column_2"]] for line in top
    ]
    assert facts["rest"] == [float(line["contribution(other columns)"]) for line in top]


def test_more_than_all_columns_are_all(call: Run, home: Path) -> None:
    lines = lines_of(call("explain", home / "numbers.backpass", home / "numbers.csv", "--top", "9").out)
    assert "column_3" in lines[0]
    assert "column_4" not in lines[0]
    assert {float(line["contribution(other columns)"]) for line in lines} == {0.0}


def test_one_row_is_that_of_all(call: Run, home: Path) -> None:
    paths = (home / "numbers.backpass", home / "numbers.csv")
    expected = lines_of(call("explain", *paths).out)[16]
    (found,) = lines_of(call("explain", *paths, "--row", "17").out)
    assert {key: float(value) for key, value in found.items()} == pytest.approx(
        {key: float(value) for key, value in expected.items()}, rel=1e-4, abs=1e-5
    )


@pytest.mark.parametrize(("suffix", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_a_row_becomes_a_picture(call: Run, home: Path, tmp_path: Path, suffix: str, start: bytes) -> None:
    pytest.importorskip("matplotlib")
    paths = (home / "numbers.backpass", home / "numbers.csv", "--row", "17")
    done = call("explain", *paths, "--picture", f"row.{suffix}")
    assert done.code == 0
    assert f"saved row.{suffix}" in done.err
    data = (tmp_path / f"row.{suffix}").read_bytes()
    assert data.startswith(start)
    assert done.out == call("explain", *paths).out
    again = call("explain", *paths, "--picture", f"row.{suffix}")
    assert again.code == 0
    assert (tmp_path / f"row.{suffix}").read_bytes() == data
    if suffix == "svg":
        line = lines_of(done.out)[0]
        row = lines_of(paths[1].read_text())[16]
        for text in ("typical row", "prediction", f"colour = {row['colour']}", f"size = {float(row['size']):.4g}"):
            assert text in data.decode()
        assert f"{float(line['contribution(size)']):+.3g}".replace("-", "\u2212")[:5] in data.decode()


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--picture", "row.svg"), 2, "--picture draws the contributions of one row"),
        (("--row", "3", "--picture", "row.gif"), 2, "a picture has one of the suffixes .svg, .png, .pdf"),
        (("--row", "3", "--picture", "a.svg", "-o", "a.svg"), 2, "are the same file"),
        (("--row", "121"), 2, "rows are numbered from 1 to 120"),
        (("--row", "0"), 2, "--row"),
        (("--top", "0"), 2, "--top"),
        (("--row", "3", "--picture", "none/row.svg"), 5, "there is no folder none"),
    ],
)
def test_rows_and_pictures_that_cannot_be_are_refused(
    call: Run, home: Path, tmp_path: Path, options: tuple[str, ...], code: int, message: str
) -> None:
    pytest.importorskip("matplotlib")
    done = call("explain", home / "numbers.backpass", home / "numbers.csv", *options)
    assert (done.code, done.out) == (code, "")
    assert message in done.err
    assert list(tmp_path.iterdir()) == []

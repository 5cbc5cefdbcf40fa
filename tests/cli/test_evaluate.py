"""``backpass evaluate``: training rows, drift, unknown categories and segments, as text and JSON."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backpass
from backpass.model.record import COVERAGE_LEVEL
from sample_tables import written

Run = Callable[..., Any]
KEPT = Path(__file__).parents[1] / "model_files" / "format_3_arithmetic_4"


def made(rows: int, seed: int, shift: float = 0.0, towns: tuple[str, ...] = ("north", "south")) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    x, town = rng.normal(size=rows) + shift, rng.choice(towns, rows)
    sold = np.datetime64("2023-11-01") + rng.integers(0, 150, rows)
    return {"x": x, "town": town, "sold": sold, "y": 2 * x + (town == "north") + 0.5 * rng.normal(size=rows)}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, its table, other rows of the same kind, and rows that have moved."""
    folder = tmp_path_factory.mktemp("evaluate")
    backpass.fit(made(600, 0), "y", hidden=(8,), epochs=20, validation_fraction=0.2).save(folder / "m.backpass")
    written(made(600, 0), folder / "own.csv")
    written(made(300, 1), folder / "other.csv")
    written(made(300, 2, 1.5, ("north", "west")), folder / "moved.csv")
    return folder


def test_the_table_of_the_fit_is_a_warning(call: Run, place: Path) -> None:
    done = call("evaluate", place / "m.backpass", place / "own.csv")
    assert done.code == 0
    assert "warning: about 80% of these rows trained the model or selected its epoch" in done.err
    facts = call("evaluate", place / "m.backpass", place / "own.csv", "--json").json
    assert any("trained the model" in each for each in facts["warnings"])
    assert "trained the model" not in call("evaluate", place / "m.backpass", place / "other.csv").err


def test_compare_and_report_say_so_too(call: Run, place: Path) -> None:
    both = (place / "m.backpass", place / "m.backpass", place / "own.csv")
    assert "trained the model or selected its epoch" in call("compare", *both).err
    table = backpass.load(place / "m.backpass").table(made(600, 0), with_target=True)
    first = written({name: values[:500] for name, values in made(600, 0).items()}, place / "part.csv")
    assert table.rows == 600
    facts = call("report", place / "m.backpass", first, "--json").json
    assert any("trained the model or selected its epoch" in each for each in facts["warnings"])
    own = call("report", place / "m.backpass", place / "own.csv", "--json").json
    assert not any("trained the model" in each for each in own["warnings"])  # the test rows are taken


def test_columns_that_have_moved_are_listed(call: Run, place: Path) -> None:
    lines = call("evaluate", place / "m.backpass", place / "moved.csv").out.splitlines()
    start = next(i for i, line in enumerate(lines) if "moved since training" in line)
    assert lines[start].startswith("2 of 3 columns moved since training")
    assert {line.split()[0] for line in lines[start + 1 :]} == {"x", "town"}
    assert "missing or unknown 0.0% to" in lines[start + 1] + lines[start + 2]
    assert "moved since" not in call("evaluate", place / "m.backpass", place / "other.csv").out
    facts = call("evaluate", place / "m.backpass", place / "moved.csv", "--json").json
    assert {each["column"]: each["clear"] for each in facts["drift"]} == {"x": True, "town": True, "sold": False}
    (unseen,) = facts["unseen"]
    share = np.mean(made(300, 2, 1.5, ("north", "west"))["town"] == "west")
    assert (unseen["column"], unseen["share"], unseen["values"]) == ("town", pytest.approx(share), ["west"])


def test_segments_have_the_scores_of_their_rows(call: Run, place: Path) -> None:
    facts = call("evaluate", place / "m.backpass", place / "other.csv", "--by", "month", "--by", "town", "--json").json
    columns, model = made(300, 1), backpass.load(place / "m.backpass")
    predicted = model.predict(columns)
    ends = model.predict_interval(columns, COVERAGE_LEVEL)
    by_month, by_town = facts["segments"]
    assert facts["scores"] == model.evaluate(columns)
    assert (by_month["by"], by_town["by"]) == ("sold:month", "town")
    months = columns["sold"].astype("datetime64[M]")
    assert [each["name"] for each in by_month["parts"]] == sorted({str(month) for month in months})
    keys = [(each, months.astype(str) == each["name"]) for each in by_month["parts"]]
    keys += [(each, columns["town"] == each["name"]) for each in by_town["parts"]]
    for each, rows in keys:
        rest = predicted[rows] - columns["y"][rows]
        assert each["rows"] == rows.sum()
        assert each["scores"]["rmse"] == pytest.approx(np.sqrt(np.mean(rest**2)))
        assert each["scores"]["mae"] == pytest.approx(np.mean(np.abs(rest)))
        low, high = ends[rows].T
        inside = (low <= columns["y"][rows]) & (columns["y"][rows] <= high)
        assert each["scores"]["coverage_90"] == pytest.approx(np.mean(inside))
        assert each["intervals"] is None
    done = call("evaluate", place / "m.backpass", place / "other.csv", "--by", "town", "--intervals")
    table = done.out.split("\n\n")[1].splitlines()
    assert table[0].split()[:3] == ["town", "rows", "rmse"]
    assert "95% interval" in table[0]
    expected = {each["name"]: each["scores"]["rmse"] for each in by_town["parts"]}
    for line in table[1:]:
        name, _, rmse, low, _, high, *_ = line.split()
        assert float(rmse) == pytest.approx(expected[name], abs=1e-3)
        assert float(low) < float(rmse) < float(high)


def test_a_column_that_is_no_feature_divides_too(call: Run, place: Path) -> None:
    columns = {**made(300, 1), "region": np.where(np.arange(300) % 3, "far", "near")}
    done = call("evaluate", place / "m.backpass", written(columns, place / "more.csv"), "--by", "region")
    assert done.code == 0
    assert "far" in done.out
    assert "ignored" not in done.err
    assert [line.split()[:2] for line in done.out.split("\n\n")[1].splitlines()[1:]] == [
        ["far", "200"],
        ["near", "100"],
    ]


def test_rows_without_a_target_do_not_shift_such_a_column(call: Run, place: Path) -> None:
    columns = {**made(300, 1), "region": np.where(np.arange(300) < 100, "far", "near")}
    columns["y"] = np.where(np.arange(300) % 10 == 0, "", columns["y"].astype(str))
    facts = call(
        "evaluate", place / "m.backpass", written(columns, place / "gaps.csv"), "--by", "region", "--json"
    ).json
    assert [(each["name"], each["rows"]) for each in facts["segments"][0]["parts"]] == [("near", 180), ("far", 90)]


def test_a_month_is_found_in_a_column_that_is_no_feature(call: Run, place: Path, tmp_path: Path) -> None:
    columns = made(300, 3)
    backpass.fit(columns, "y", drop=["sold"], hidden=(4,), epochs=1, test_fraction=0.2).save(tmp_path / "m.backpass")
    path = written(made(200, 4), tmp_path / "t.csv")
    found = [call("evaluate", "m.backpass", path, "--by", by, "--json").json for by in ("month", "sold:month")]
    assert found[0]["segments"] == found[1]["segments"]
    assert sum(each["rows"] for each in found[0]["segments"][0]["parts"]) == 200


def test_classes_have_segments(call: Run, home: Path) -> None:
    facts = call("evaluate", home / "pets.backpass", home / "pets.csv", "--by", "colour", "--json").json
    parts = facts["segments"][0]["parts"]
    assert sum(each["rows"] for each in parts) == facts["rows"]
    mean = sum(each["rows"] * each["scores"]["accuracy"] for each in parts) / facts["rows"]
    assert mean == pytest.approx(facts["scores"]["accuracy"])


def test_a_file_of_an_earlier_version_says_that_drift_is_unknown(call: Run, tmp_path: Path) -> None:
    model = backpass.load(KEPT / "regression.backpass")
    rng = np.random.default_rng(0)
    columns: dict[str, Any] = {}
    for feature in model.schema.features:
        levels = getattr(feature, "levels", ())
        columns[feature.name] = rng.choice(levels, 30) if levels else rng.normal(size=30)
    columns[model.target] = rng.normal(size=30)
    if any(feature.kind in ("date", "time") for feature in model.schema.features):
        pytest.skip("the kept model has dates")
    path = written(columns, tmp_path / "t.csv")
    done = call("evaluate", KEPT / "regression.backpass", path)
    assert done.code == 0
    assert "lacks the statistics for drift" in done.err
    assert call("evaluate", KEPT / "regression.backpass", path, "--json").json["drift"] is None


@pytest.mark.parametrize(
    ("by", "code", "message"),
    [
        ("tow", 3, "column 'tow' not found"),
        ("x:month", 2, "column 'x' holds no dates or times"),
        ("", 2, "--by is empty"),
    ],
)
def test_what_cannot_divide_is_refused(call: Run, place: Path, by: str, code: int, message: str) -> None:
    done = call("evaluate", place / "m.backpass", place / "other.csv", "--by", by)
    assert (done.code, done.out) == (code, "")
    assert message in done.err


def test_a_single_row_or_group_has_no_interval(call: Run, place: Path) -> None:
    columns = {**made(400, 7), "house": np.arange(400) // 8}
    model = backpass.fit(columns, "y", group="house", drop=["sold"], hidden=(4,), epochs=2)
    model.save(place / "g.backpass")
    row, house, two = (
        written({name: values[:n] for name, values in columns.items()}, place / f"first{n}.csv") for n in (1, 8, 16)
    )
    for few in (row, house):
        facts = call("evaluate", place / "g.backpass", few, "--intervals", "--json").json
        assert {tuple(each) for each in facts["intervals"].values()} == {(None, None)}
        assert facts["comparison"] is None
        report = call("report", place / "g.backpass", few, "--json").json
        assert {tuple(each) for each in report["intervals"].values()} == {(None, None)}
        assert "interval" not in report["verdict"]
        assert " to " not in call("evaluate", place / "g.backpass", few, "--intervals").out.split("columns moved")[0]
    assert "the only row of" in call("report", place / "g.backpass", row, "--json").json["measured_on"]
    low, high = call("evaluate", place / "g.backpass", two, "--intervals", "--json").json["intervals"]["rmse"]
    assert low < high


def test_the_constant_is_that_of_the_training_rows(call: Run, place: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=600)
    columns = {"x": x, "k": np.where(x + rng.normal(size=600) > 0, "yes", "no")}
    backpass.fit(columns, "k", hidden=(4,), epochs=30).save(place / "k.backpass")
    only = columns["k"] == "no"
    one = written({name: values[only] for name, values in columns.items()}, place / "no.csv")
    for command in ("evaluate", "report"):
        found = call(command, place / "k.backpass", one, "--json").json
        assert not [text for text in found["warnings"] if "class frequencies" in text], found["warnings"]
    low = np.where(columns["k"] == "no", "yes", "no")
    wrong = written({"x": x, "k": low}, place / "wrong.csv")
    warnings = call("evaluate", place / "k.backpass", wrong, "--json").json["warnings"]
    assert any("no better than always predicting the class frequencies" in text for text in warnings)


def test_a_target_of_fractions_is_a_warning(call: Run, tmp_path: Path) -> None:
    x = np.linspace(2.0, 12.0, 80)
    signed = {"x": x, "y": [f"{v:.2f} %" for v in 3.0 * x]}
    backpass.fit(signed, "y", preset="fast", hidden=(16,), epochs=30).save(tmp_path / "m.backpass")
    tables = {name: written({"x": x, "y": y}, tmp_path / name) for name, y in (("f.csv", 0.03 * x), ("n.csv", 3.0 * x))}
    for command in ("evaluate", "report"):
        model, found = tmp_path / "m.backpass", {}
        for name, path in tables.items():
            warnings = call(command, model, path, "--json").json["warnings"]
            found[name] = [each for each in warnings if "multiply them by 100" in each]
        assert (len(found["f.csv"]), len(found["n.csv"])) == (1, 0), (command, found)
        assert found["f.csv"][0].startswith("column 'y': no value has the % of the training rows")


def test_the_currency_that_is_assumed_is_said_once(call: Run, tmp_path: Path) -> None:
    """For the target and for an input; amounts far from those of the training rows are a warning."""
    x = np.linspace(50.0, 90.0, 40).round(2)
    forms = {"eur": [f"{v:.2f} EUR" for v in x], "usd": [f"${v:.2f}" for v in x], "none": x, "cents": 100.0 * x}
    paths = {name: written({"x": v, "y": v}, tmp_path / f"{name}.csv") for name, v in forms.items()}
    for name in ("eur", "none"):
        backpass.fit(paths[name], "y", hidden=(), epochs=1).save(tmp_path / f"{name}.backpass")

    def said(model: str, table: str) -> list[str]:
        done = call("evaluate", tmp_path / f"{model}.backpass", paths[table])
        assert done.code == 0, done.err
        return [line for line in done.err.splitlines() if "currency" in line]

    lacking = "no amount has the currency EUR of the training rows; the numbers are read as EUR"
    foreign = "holds amounts in $, but the training rows had no currency; they are read as plain numbers"
    assert [line[-len(lacking) :] for line in said("eur", "none")] == [lacking] * 2  # x and y
    assert [foreign in line for line in said("none", "usd")] == [True] * 2
    assert said("eur", "eur") == said("none", "none") == []
    (far,) = [line for line in said("eur", "cents") if line.startswith("warning: ")]
    assert "column 'x': no value has a currency, unlike the training rows; the median is 7000, but training" in far
    assert far.endswith("The values are read as EUR (write the currency, or convert the numbers to EUR)")


def test_a_negative_count_has_no_deviance(call: Run, tmp_path: Path) -> None:
    """Every command that scores a Poisson model rejects the rows, as fit does; predictions need no target."""
    counts = np.arange(40) % 7
    backpass.fit({"x": range(40), "y": counts}, "y", loss="poisson", hidden=(), epochs=1).save(tmp_path / "m.backpass")
    path = written({"x": range(40), "y": np.where(np.arange(40) % 20 == 3, -1, counts)}, tmp_path / "t.csv")
    model = tmp_path / "m.backpass"
    for words in (
        ("evaluate", model, path),
        ("report", model, path),
        ("importance", model, path),
        ("compare", model, model, path),
    ):
        done = call(*words)
        assert done.code == 3
        assert "t.csv: target 'y': the poisson loss needs counts of at least 0; got -1 (rows 4, 24)" in done.err
        assert "leave their cells empty: rows without a target are left out" in done.err
    assert call("predict", model, path).code == 0


def test_a_ratio_of_nothing_has_no_score(call: Run, home: Path, tmp_path: Path) -> None:
    """On rows of one class, what is 0 / 0 has no line, as the ROC AUC."""
    header, *rows = (home / "pets.csv").read_text().splitlines()
    for pet in ("cat", "dog"):
        (tmp_path / f"{pet}.csv").write_text("\n".join([header, *(row for row in rows if row.endswith(pet)), ""]))
        run = ("evaluate", home / "pets.backpass", f"{pet}.csv")
        facts = call(*run, "--json", "--intervals").json
        assert {"mcc", "roc_auc"}.isdisjoint(facts["scores"])
        assert facts["scores"].keys() == facts["intervals"].keys()
        assert ("recall" in facts["scores"]) == (pet == facts["positive"])
        assert not any(line.startswith("mcc ") for line in call(*run).out.splitlines())

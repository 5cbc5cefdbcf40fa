"""--group and --time: declared, written to the configuration, stored, shown, and used by fit, evaluate and report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backpass.model import load

from .conftest import QUICK, Outcome

Run = Callable[..., Outcome]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    ids = rng.permutation(np.repeat(np.arange(40), 5))
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 400, 200), unit="D")
    frame = pd.DataFrame(
        {
            "id": ids,
            "age": rng.normal(size=200).round(3),
            "day": days.strftime("%d.%m.%Y"),
            "y": (rng.normal(size=40)[ids] + rng.normal(size=200)).round(3),
        }
    )
    path = tmp_path / "visits.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("dropped", [(), ("--drop", "id,day")])
def test_the_options_reach_the_model_and_the_model_knows_them(
    call: Run, table: Path, tmp_path: Path, dropped: tuple[str, ...]
) -> None:
    output = str(tmp_path / "m.backpass")
    requested = ("-t", "y", "--group", "id", "--time", "day", *dropped)
    done = call("fit", str(table), *requested, *QUICK, "-o", output)
    assert done.code == 0, done.err
    assert "40 groups of column 'id': no group is on both sides of a split" in done.err + done.out
    model = load(output)
    assert model.record.split_columns == {"id": "numeric", "day": "day_first"}
    assert [*model.schema.kinds] == (["age"] if dropped else ["age", "day"])
    shown = call("show", output)
    assert "group id" in shown.out
    assert "time day" in shown.out
    other = table.with_name("other.csv")
    pd.read_csv(table).drop(columns="id").to_csv(other, index=False)
    assert call("evaluate", output, str(other)).out == call("evaluate", output, str(table)).out
    page = tmp_path / "page.html"
    assert call("report", output, str(table), "-o", str(page)).code == 0
    count = model.record.rows["test"]
    assert f"the {count} rows of visits.csv that were held out for testing" in page.read_text(encoding="utf-8").lower()


def test_the_configuration_repeats_the_run(call: Run, table: Path, tmp_path: Path) -> None:
    first, second, config = (tmp_path / name for name in ("a.backpass", "b.backpass", "run.toml"))
    requested = ("fit", str(table), "-t", "y", "--group", "id", *QUICK)
    text = call(*requested, "-o", str(second), "--print-config").out
    assert 'group = "id"' in text
    assert "# time: random splits" in text
    config.write_text(text, encoding="utf-8")
    assert call(*requested, "-o", str(first)).code == call("fit", "--config", str(config)).code == 0
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(
    ("requested", "said"),
    [
        (("--group", "patient"), "'patient' not found"),
        (("--group", "y"), "group 'y' is the target"),
        (("--group", "id", "--time", "id"), "--group, --time: both name the column 'id'"),
        (("--group", ""), "--group is empty"),
    ],
)
def test_bad_columns_are_refused(call: Run, table: Path, requested: tuple[str, ...], said: str) -> None:
    done = call("fit", str(table), "-t", "y", *requested, *QUICK)
    assert done.code == (3 if "not found" in said else 2)
    assert said in done.err


def test_a_test_file_that_is_the_training_table_is_warned_of(call: Run, table: Path, tmp_path: Path) -> None:
    requested = ("--test-file", str(table), *QUICK, "-o", str(tmp_path / "m.backpass"))
    done = call("fit", str(table), "-t", "y", *requested)
    assert done.code == 0
    assert "200 test rows with the columns of a training or validation row" in done.err
    assert "same side of a split" not in done.err
    assert "200 test rows with the columns" in call("show", str(tmp_path / "m.backpass")).out


@pytest.mark.parametrize("target", ["y", "kind"])
def test_folds_are_printed_and_written(call: Run, table: Path, tmp_path: Path, target: str) -> None:
    frame = pd.read_csv(table).assign(kind=lambda f: np.where(f["y"] > 0, "up", "down"))
    frame.to_csv(table, index=False)
    drop = "kind" if target == "y" else "y"
    rows, output = tmp_path / "rows.csv", str(tmp_path / "m.backpass")
    requested = ("-t", target, "--drop", drop, "--group", "id", *QUICK)
    done = call("fit", str(table), *requested, "--folds", "3", "--out-of-fold", str(rows), "-o", output, "--json")
    assert done.code == 0, done.err
    found = done.json["cross_validation"]
    written = pd.read_csv(rows)
    assert written["row"].tolist() == list(range(1, 201))
    assert written[target].tolist() == frame[target].tolist()
    assert (written.groupby(frame["id"])["fold"].nunique() == 1).all()
    metric = "rmse" if target == "y" else "accuracy"
    by_hand = [
        np.sqrt(((part[target] - part["predicted(y)"]) ** 2).mean())
        if target == "y"
        else (part[target] == part["predicted(kind)"]).mean()
        for _, part in written.groupby("fold")
    ]
    assert [each[metric] for each in found["scores"]] == pytest.approx(by_hand, rel=1e-6)
    assert found["mean"][metric] == pytest.approx(np.mean(by_hand), rel=1e-6)
    assert found["spread"][metric] == pytest.approx(np.std(by_hand, ddof=1), rel=1e-6)
    assert f"cross-validated {metric} {np.mean(by_hand):.3g}"[:-1] in done.err
    if target == "kind":
        np.testing.assert_allclose(written["p(down)"] + written["p(up)"], 1.0, atol=1e-6)
    plain = str(tmp_path / "plain.backpass")
    call("fit", str(table), *requested, "-o", plain)
    assert Path(plain).read_bytes() == Path(output).read_bytes()


def test_out_of_fold_rows_of_a_parquet_file_are_numbers(call: Run, table: Path, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("rows.csv", "rows.parquet")]
    for rows in files:
        requested = ("--folds", "2", "--out-of-fold", str(rows), *QUICK, "-o", str(tmp_path / "m.backpass"))
        assert call("fit", str(table), "-t", "y", *requested).code == 0
    found = pd.read_parquet(files[1])
    assert [str(found[name].dtype) for name in ("row", "fold", "y", "predicted(y)")] == ["int64"] * 2 + ["float64"] * 2
    pd.testing.assert_frame_equal(found, pd.read_csv(files[0]), check_exact=True)


@pytest.mark.parametrize(
    ("requested", "said"),
    [
        (("--repeats", "2"), "--repeats requires --folds"),
        (("--out-of-fold", "rows.csv"), "--out-of-fold requires --folds"),
        (("--folds", "3", "--repeats", "2", "--time", "day"), "leave out --repeats"),
        (("--folds", "1"), "--folds"),
        (("--folds", "3", "--out-of-fold", "rows.xlsx"), "rows are written as CSV"),
    ],
)
def test_bad_folds_are_refused(call: Run, table: Path, requested: tuple[str, ...], said: str) -> None:
    done = call("fit", str(table), "-t", "y", *requested, *QUICK)
    assert done.code == 2
    assert said in done.err


@pytest.mark.parametrize("folds", ["101", "500"])
def test_too_many_folds_are_refused_before_training(call: Run, tmp_path: Path, folds: str) -> None:
    lines = [f"{j},{j % 7},{3 * j}" for j in range(200)]
    (tmp_path / "rows.csv").write_text("\n".join(["a,b,y", *lines, ""]))
    done = call("fit", "rows.csv", "-t", "y", "--folds", folds, *QUICK, "-o", "m.backpass")
    assert done.code == 3
    assert f"{folds} folds need at least {2 * int(folds)} rows; there are 200" in done.err
    assert not (tmp_path / "m.backpass").exists()


def test_an_ensemble_prints_the_score_out_of_fold(call: Run, table: Path, tmp_path: Path) -> None:
    output = str(tmp_path / "m.backpass")
    done = call("fit", str(table), "-t", "y", "--ensemble-size", "3", *QUICK, "-o", output)
    score = load(output).record.scores["validation"]["rmse"]
    assert f"out-of-fold rmse {score:.3g}"[:-1] in done.err + done.out
    alone = call("fit", str(table), "-t", "y", *QUICK, "-o", output)
    assert "out-of-fold" not in alone.err + alone.out


def test_a_refit_says_what_it_gives_up(call: Run, table: Path, tmp_path: Path) -> None:
    output = str(tmp_path / "m.backpass")
    done = call("fit", str(table), "-t", "y", "--time", "day", "--refit", *QUICK, "-o", output)
    assert done.code == 0, done.err
    shown = call("show", output)
    for text in (done.out + done.err, shown.out):
        flat = " ".join(text.split())
        assert "the scores are those before the refit, and no rows are left to test this model" in flat
    rows = len(pd.read_csv(table))
    assert load(output).record.refit == {"rows": rows, "epochs": [load(output).record.best_epoch]}


@pytest.mark.parametrize("more", [(), ("--weight", "age2"), ("--group", "id", "--class-weight", "balanced")])
def test_folds_read_standard_input(process: Run, call: Run, table: Path, tmp_path: Path, more: tuple[str, ...]) -> None:
    frame = pd.read_csv(table)
    frame["age2"] = frame["age"].abs() + 0.1
    if "--class-weight" in more:
        frame["y"] = np.where(frame["y"] > 1.0, "high", "low")
    frame.to_csv(table, index=False)
    requested = ("-t", "y", "--folds", "2", "--out-of-fold", "out.csv", *more, *QUICK, "-o", "m.backpass")
    piped = process("fit", "-", *requested, cwd=tmp_path, stdin=table.read_bytes())
    assert piped.code == 0, piped.err
    first, model = (tmp_path / "out.csv").read_bytes(), (tmp_path / "m.backpass").read_bytes()
    assert call("fit", str(table), *requested).code == 0
    assert (tmp_path / "out.csv").read_bytes() == first
    assert (tmp_path / "m.backpass").read_bytes() == model
    assert "cross-validated" in piped.out + piped.err

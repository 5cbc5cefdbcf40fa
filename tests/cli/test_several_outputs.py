"""Models of several outputs, and of a written loss, at every command that takes a model; several targets in fit."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

from backpass import BackpassRegressor

QUICK: dict[str, Any] = {"preset": "plain", "validation_fraction": 0.16, "hidden_layer_sizes": (4,), "epochs": 2}
X = np.random.default_rng(0).normal(size=(40, 2))


@pytest.fixture
def folder(tmp_path: Path, call: Callable[..., Any]) -> Path:
    """Where models of two targets, of two quantiles and of a written loss lie beside a table."""
    import pandas as pd

    y = pd.DataFrame({"price": X[:, 0], "rent": 100.0 + X[:, 1]})
    models = {
        "targets": BackpassRegressor(**QUICK).fit(X, y),
        "quantiles": BackpassRegressor(**QUICK, loss="quantile", quantile=(0.1, 0.9)).fit(X, y["price"]),
        "custom": BackpassRegressor(**QUICK, loss=lambda o, y: abs(o - y)).fit(X, y["price"]),
    }
    for name, fitted in models.items():
        fitted.model_.save(f"{name}.backpass")
    pd.DataFrame(X, columns=["x0", "x1"]).join(y).to_csv("table.csv", index=False)
    return tmp_path


COLUMNS = {
    "targets": ["price", "rent"],
    "quantiles": ["price q=0.1", "price q=0.9"],
    "custom": ["price"],
}


@pytest.mark.parametrize("name", COLUMNS)
def test_predictions_are_columns_of_their_own(name: str, folder: Path, call: Callable[..., Any]) -> None:
    done = call("predict", f"{name}.backpass", "table.csv")
    rows = list(csv.reader(io.StringIO(done.out)))
    assert rows[0] == COLUMNS[name]
    assert len(rows) == 41
    facts = json.loads(call("predict", f"{name}.backpass", "table.csv", "--json").out)
    assert facts["outputs"] == COLUMNS[name]
    found = np.array(facts["predictions"]).reshape(40, -1)
    np.testing.assert_array_equal(found, np.array(rows[1:], dtype=float))


def test_outputs_that_are_quantiles_have_no_others(folder: Path, call: Callable[..., Any]) -> None:
    done = call("predict", "quantiles.backpass", "table.csv", "--quantiles", "0.5")
    assert (done.code, done.out) == (2, "")
    assert "the outputs of this model are quantiles already: q=0.1, q=0.9 of 'price'" in done.err


def test_kept_targets_stand_beside_predictions(folder: Path, call: Callable[..., Any]) -> None:
    done = call("predict", "targets.backpass", "table.csv", "--keep", "rent")
    assert done.out.splitlines()[0] == "rent,price,predicted(rent)"


def test_every_target_is_evaluated(folder: Path, call: Callable[..., Any]) -> None:
    done = call("evaluate", "targets.backpass", "table.csv")
    assert done.out.startswith("rmse")
    assert "ignored" not in done.err
    done = call("evaluate", "custom.backpass", "table.csv")
    names = [line.split()[0] for line in done.out.splitlines()]
    assert names == ["rmse", "mae", "r2", "median_absolute_error", "mape", "crps"]


def test_a_missing_target_is_named(folder: Path, call: Callable[..., Any]) -> None:
    (folder / "half.csv").write_text("x0,x1,price\n1,2,3\n")
    done = call("evaluate", "targets.backpass", "half.csv")
    assert done.code == 3
    assert "'rent'" in done.err


@pytest.mark.parametrize("name", COLUMNS)
def test_show_says_what_comes_out(name: str, folder: Path, call: Callable[..., Any]) -> None:
    page = call("show", f"{name}.backpass").out
    assert ("outputs     " + ", ".join(COLUMNS[name]) in page) == (name != "custom")
    assert (
        f"loss        {'custom' if name == 'custom' else 'squared' if name == 'targets' else 'quantile, q 0.1'}" in page
    )


# Fitted from the command line -----------------------------------------------------------------------------------------

FIT = ("--preset", "plain", "--hidden", "4", "--epochs", "2", "--validation-fraction", "0.16")
ROWS = [
    f"{i * 37 % 101},{i * 37 % 101 + 0.5},{i * 53 % 97 * 10.0},{i % 3 // 2},{'late' if i % 4 else 'early'},{i % 11}.5"
    for i in range(80)
]
TABLE = "\n".join(['x,a,b,hot,status,"c,d"', *ROWS])


@pytest.fixture
def made(tmp_path: Path) -> Path:
    (tmp_path / "t.csv").write_text(TABLE + "\n")
    return tmp_path


@pytest.mark.parametrize("options", [("-t", "a,b"), ("-t", "a", "-t", "b"), ("--target", "a , b"), ("--target=a,b",)])
def test_several_targets_are_named_in_one_option_or_in_several(
    made: Path, call: Callable[..., Any], options: tuple[str, ...]
) -> None:
    drop = ("--drop", 'hot,status,"c,d"')
    done = call("fit", "t.csv", *options, *drop, *FIT, "-o", "m.backpass", "--json")
    assert done.code == 0
    assert done.json["targets"] == ["a", "b"]
    assert "target      a, b, regression" in done.err
    assert call("predict", "m.backpass", "t.csv").out.splitlines()[0] == "a,b"
    assert "ignored" not in call("predict", "m.backpass", "t.csv").err
    found = call("evaluate", "m.backpass", "t.csv", "--json").json
    assert found["targets"] == ["a", "b"]
    assert found["scores"]["rmse"] == pytest.approx(sum(each["rmse"] for each in found["per_target"].values()) / 2)
    lines = call("evaluate", "m.backpass", "t.csv").out.splitlines()
    assert [line.split()[0] for line in lines[-3:]] == ["target", "a", "b"]


def test_a_column_whose_name_has_a_comma_comes_first(made: Path, call: Callable[..., Any]) -> None:
    assert call("fit", "t.csv", "-t", "c,d", *FIT, "-o", "m.backpass", "--json").json["targets"] == ["c,d"]
    done = call("fit", "t.csv", "-t", "c,d", "-t", "a", *FIT, "-o", "m.backpass", "--json")
    assert done.json["targets"] == ["c,d", "a"]
    done = call("fit", "t.csv", "-t", 'a,"c,d"', *FIT, "-o", "m.backpass", "--json")
    assert done.json["targets"] == ["a", "c,d"]


def test_labels_from_the_command_line(made: Path, call: Callable[..., Any]) -> None:
    options = (
        "-t",
        "hot,status",
        "--drop",
        "a,b",
        *FIT,
        "--folds",
        "2",
        "--out-of-fold",
        "o.csv",
        "--report",
        "r.html",
    )
    done = call("fit", "t.csv", *options, "-o", "m.backpass")
    assert done.code == 0
    assert "target      hot, status, labels: '0' and '1'; 'early' and 'late'" in done.err
    assert (made / "r.html").exists()
    rows = list(csv.reader(io.StringIO((made / "o.csv").read_text())))
    assert rows[0] == ["row", "fold", "hot", "status", "p(hot)", "p(status=late)"]
    assert {row[3] for row in rows[1:]} == {"early", "late"}
    assert call("predict", "m.backpass", "t.csv").out.splitlines()[0] == "p(hot),p(status=late)"
    assert call("show", "m.backpass").code == 0
    assert call("compare", "m.backpass", "m.backpass", "t.csv").code == 0


def test_out_of_fold_predictions_of_numbers(made: Path, call: Callable[..., Any]) -> None:
    done = call("fit", "t.csv", "-t", "a,b", *FIT, "--folds", "2", "--out-of-fold", "o.csv", "-o", "m.backpass")
    assert done.code == 0
    rows = list(csv.reader(io.StringIO((made / "o.csv").read_text())))
    assert rows[0] == ["row", "fold", "a", "b", "predicted(a)", "predicted(b)"]
    assert len(rows) == 81


def test_several_targets_in_a_configuration_and_in_a_search(made: Path, call: Callable[..., Any]) -> None:
    written = call("fit", "t.csv", "-t", "a,b", *FIT, "--print-config").out
    (made / "run.toml").write_text(written)
    assert call("fit", "--config", "run.toml", "-o", "m.backpass", "--json").json["targets"] == ["a", "b"]
    (made / "own.toml").write_text('table = "t.csv"\ntarget = ["a", "b"]\nepochs = 2\nhidden = [4]\n')
    assert call("fit", "--config", "own.toml", "-o", "m.backpass", "--json").json["targets"] == ["a", "b"]
    found = call("tune", "t.csv", "-t", "a,b", "--trials", "1", "--folds", "2", *FIT, "-o", "m.backpass", "--json")
    assert found.json["targets"] == ["a", "b"]


def test_files_without_a_header_and_onnx(made: Path, call: Callable[..., Any]) -> None:
    (made / "bare.csv").write_text("\n".join(",".join(line.split(",")[:3]) for line in TABLE.splitlines()[1:]))
    fit = ("fit", "bare.csv", "--no-header", "-t", "column2,column3", *FIT, "-o", "m.backpass")
    assert call(*fit).code == 0
    done = call("predict", "m.backpass", "bare.csv", "--no-header")
    assert done.out.splitlines()[0] == "column2,column3"
    pytest.importorskip("onnx")
    assert call("export", "m.backpass", "m.onnx").code == 0


def test_several_numbers_have_importances_and_a_report(made: Path, call: Callable[..., Any]) -> None:
    assert call("fit", "t.csv", "-t", "a,b", *FIT, "-o", "m.backpass", "--report", "r.html").code == 0
    assert "Residuals: b" in (made / "r.html").read_text()
    found = json.loads(call("importance", "m.backpass", "t.csv", "--json").out)
    assert (found["metric"], len(found["importances"])) == ("r2", 4)
    facts = json.loads(call("report", "m.backpass", "t.csv", "-o", "s.html", "--json").out)
    assert [*facts["targets"]] == ["a", "b"]


def test_the_message_on_several_quantiles_names_the_command(folder: Path, call: Callable[..., Any]) -> None:
    for command, title in (("importance", "importance"), ("report", "a report")):
        failed = call(command, "quantiles.backpass", "table.csv")
        assert failed.code == 2
        assert f"{title} requires one prediction per target; this model predicts 2 quantiles" in failed.err


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        (("-t", "a,hot"), 2, "several targets must all be numeric, or all have two classes"),
        (("-t", "a,nowhere"), 3, "target column 'nowhere' not found"),
        (("-t", "nowhere"), 3, "column 'nowhere' not found"),
        (("-t", "a", "-t", "a"), 2, "target names 'a' twice"),
        (("-t", "a,a"), 2, "target names 'a' twice"),
        (("-t", "a,b", "--drop", "b"), 2, "--drop leaves out 'b', which is a --target"),
        (("-t", "a", "--drop", "a"), 2, "--drop leaves out 'a', which is the --target"),
        (("-t", "a,b", "--weight", "b"), 2, "'b' is the weight column"),
        (("-t", ","), 2, "names no column"),
        (
            ("-t", "hot,status", "--cost", "false_positive=1,false_negative=2"),
            2,
            "--cost: only for a single classification target",
        ),
    ],
)
def test_several_targets_that_cannot_be_fitted(
    made: Path, call: Callable[..., Any], options: tuple[str, ...], code: int, text: str
) -> None:
    failed = call("fit", "t.csv", *options, *FIT, "-o", "m.backpass")
    assert failed.code == code
    assert text in failed.err
    assert not (made / "m.backpass").exists()


def test_evaluate_has_the_confusion_matrix_of_each_label(made: Path, call: Callable[..., Any]) -> None:
    from sklearn.metrics import confusion_matrix

    columns = ("--columns", "x,a,b")
    assert call("fit", "t.csv", "-t", "hot,status", *columns, *FIT, "-o", "m.backpass").code == 0
    rows = list(csv.DictReader(io.StringIO(call("predict", "m.backpass", "t.csv", "--keep", "hot,status").out)))
    found = call("evaluate", "m.backpass", "t.csv", "--json").json
    lines = call("evaluate", "m.backpass", "t.csv").out.splitlines()
    titles = list(found["confusion_per_target"])
    assert titles == list(found["per_target"])
    for title, name, (off, on) in zip(titles, ("hot", "status"), (("0", "1"), ("early", "late")), strict=True):
        given = [on if float(row[title]) > 0.5 else off for row in rows]
        by_hand = confusion_matrix([row[name] for row in rows], given, labels=[off, on])
        np.testing.assert_array_equal(found["confusion_per_target"][title], by_hand)
        place = lines.index(name)
        assert lines[place + 1].split()[:5] == ["true", "predicted", off, "predicted", on]
        assert [int(value) for value in lines[place + 2].split()[1:3]] == by_hand[0].tolist()
    assert found["confusion"] is None
    call("fit", "t.csv", "-t", "a,b", "--columns", "x,a,b", *FIT, "-o", "n.backpass")
    assert call("evaluate", "n.backpass", "t.csv", "--json").json["confusion_per_target"] is None

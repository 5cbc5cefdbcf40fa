"""The main circle in processes of its own: sample -> fit -> show -> predict -> evaluate."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from backpass.model import load
from backpass.model.metrics import all_metrics

Run = Callable[..., Any]


def cells(text: str) -> list[list[str]]:
    return list(csv.reader(StringIO(text)))


def test_the_sample_goes_round(process: Run, tmp_path: Path) -> None:
    listed = process("sample", cwd=tmp_path)
    assert listed.out.startswith("housing   20,640 districts")
    sample = process("sample", "housing", cwd=tmp_path)
    (tmp_path / "housing.csv").write_text(sample.out)
    (tmp_path / "elsewhere").mkdir()

    fit = process(
        *(
            "fit",
            "../housing.csv",
            "--target",
            "median_house_value",
            "--hidden",
            "32",
            "--epochs",
            "2",
            "--validation-fraction",
            "0.16",
        ),
        cwd=tmp_path / "elsewhere",
    )
    assert (fit.code, fit.out) == (0, "")
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["housing.backpass"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "housing.csv"]
    for line in (
        "table       ../housing.csv: 20,640 rows x 9 columns",
        "target      median_house_value, regression",
        "columns     8 numeric",
        "network     8 -> 32 -> 1, relu, 321 parameters",
        "next        backpass show housing.backpass",
    ):
        assert line in fit.err.splitlines()
    assert re.search(r"^epoch 1/2   train loss 0\.\d+   validation rmse 0\.\d+   best 0\.\d+ @1 ", fit.err, re.M)
    assert re.search(r"^test +rmse +mae +r2\n  network .*\n  linear model .*\n  mean +1\.1483 ", fit.err, re.M)
    first, second = fit.err.splitlines()[-2:]
    assert re.fullmatch(r"test rmse 0\.\d{2,3}", first)
    assert re.fullmatch(r"saved housing\.backpass \(\d+ kB\)", second)

    where = tmp_path / "elsewhere"
    shown = process("show", "housing.backpass", cwd=where)
    assert "parameters  (8+1) 32 + (32+1) 1 = 321" in shown.out.splitlines()
    assert "neurons     32 + 1 = 33" in shown.out.splitlines()
    assert (shown.code, shown.err) == (0, "")

    predicted = process("predict", "housing.backpass", "../housing.csv", cwd=where)
    assert (predicted.code, predicted.err) == (0, "")
    table = cells(predicted.out)
    assert table[0] == ["median_house_value"]
    values = load(where / "housing.backpass").predict(tmp_path / "housing.csv")
    assert [float(row[0]) for row in table[1:]] == values.tolist()

    scored = process("evaluate", "housing.backpass", "../housing.csv", cwd=where)
    assert re.fullmatch(
        r"rmse +0\.\d+   \(0\.\d+ on the test rows at training time\)\nmae .*\nr2 .*\n(.*\n)*", scored.out
    )


def test_intervals_go_beside_the_predictions(call: Run, home: Path) -> None:
    arguments = ("predict", home / "numbers.backpass", home / "numbers.csv", "--interval", "0.8")
    table = cells(call(*arguments, "--keep", "price").out)
    assert table[0] == ["price", "predicted(price)", "low(price)", "high(price)"]
    rows = [list(map(float, row)) for row in table[1:]]
    assert all(low < predicted < high for _, predicted, low, high in rows)
    # No price was negative, so intervals end at 0.
    assert min(low for _, _, low, _ in rows) >= 0.0
    halves = [high - predicted for _, predicted, _, high in rows]
    assert halves == pytest.approx([halves[0]] * 120)
    lows = [max(predicted - half, 0.0) for (_, predicted, _, _), half in zip(rows, halves, strict=True)]
    assert [low for _, _, low, _ in rows] == pytest.approx(lows, abs=1e-9)
    facts = call(*arguments, "--json").json
    assert facts["intervals"] == [row[2:] for row in rows]
    assert call(*arguments[:3], "--json").json["intervals"] is None


def test_quantiles_are_the_ends_of_intervals(call: Run, home: Path) -> None:
    arguments = ("predict", home / "numbers.backpass", home / "numbers.csv")
    both = cells(call(*arguments, "--interval", "0.8", "--quantiles", "0.9, 0.5,0.1").out)
    names = ["price", "low(price)", "high(price)", "q0.1(price)", "q0.5(price)", "q0.9(price)"]
    assert both[0] == names
    for price, low, high, first, middle, last in both[1:]:
        assert (first, middle, last) == (low, price, high)
    facts = call(*arguments, "--quantiles", "0.1,0.9", "--json").json
    expected = {q: [float(row[names.index(f"q{q}(price)")]) for row in both[1:]] for q in ("0.1", "0.9")}
    assert facts["quantiles"] == expected
    assert call(*arguments, "--json").json["quantiles"] is None


@pytest.mark.parametrize(("name", "target", "classes"), [("pets", "pet", "cat dog"), ("kinds", "kind", "high low mid")])
def test_classes_go_round(call: Run, home: Path, name: str, target: str, classes: str) -> None:
    fit = call(
        "fit", home / f"{name}.csv", "-t", target, "--validation-fraction", "0.16", "--hidden", "8", "--epochs", "3"
    )
    assert (fit.code, fit.out) == (0, "")
    assert "columns     2 numeric (missing values in age), 1 categorical (colour: 3 categories)" in fit.err
    assert re.search(r"\ntest log_loss [\d.]+\ntest accuracy [\d.]+\nsaved ", fit.err)
    assert re.search(r"^  logistic model .*\n  class frequencies ", fit.err, re.M)

    names = classes.split()
    predicted = call("predict", f"{name}.backpass", home / f"{name}.csv", "--proba", "--keep", "size,colour")
    table = cells(predicted.out)
    assert table[0] == ["size", "colour", target, *(f"p({each})" for each in names)]
    assert len(table) == 121
    for row in table[1:]:
        probabilities = list(map(float, row[3:]))
        assert sum(probabilities) == pytest.approx(1.0)
        assert row[2] == names[probabilities.index(max(probabilities))]
    assert [row[:2] for row in table[1:4]] == [["0.0", "red"], ["3.7", "green"], ["7.4", "blue"]]

    scored = call("evaluate", f"{name}.backpass", home / f"{name}.csv")
    metrics, matrix = (part.splitlines() for part in scored.out.split("\n\n"))
    assert [line.split()[0] for line in metrics] == list(all_metrics("cross_entropy"))
    assert [line.split()[0] for line in matrix] == ["true", *names]
    shown = call("show", f"{name}.backpass", "--history").out
    assert "categorical colour, 3 categories: 'blue', 'green', 'red'" in shown
    assert re.search(r"^epoch +step +learning rate +train loss +validation log_loss$", shown, re.M)


def test_standard_input_is_a_table(process: Run, home: Path, tmp_path: Path) -> None:
    table = (home / "numbers.csv").read_bytes()
    fit = process(
        *("fit", "-", "-t", "price", "-o", "m.backpass", "--hidden", "8", "--epochs", "3"),
        *("--validation-fraction", "0.16"),
        cwd=tmp_path,
        stdin=table,
    )
    assert fit.code == 0
    assert (tmp_path / "m.backpass").read_bytes() == (home / "numbers.backpass").read_bytes()
    by_pipe = process("predict", "m.backpass", "-", cwd=tmp_path, stdin=table)
    by_file = process("predict", "m.backpass", str(home / "numbers.csv"), cwd=tmp_path)
    assert by_pipe.out == by_file.out


def test_the_bytes_depend_on_nothing_but_data_settings_and_seed(process: Run, home: Path, tmp_path: Path) -> None:
    files = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        arguments = ("fit", str(home / "kinds.csv"), "-t", "kind", "--hidden", "8", "--epochs", "3", "--seed", "4")
        assert process(*arguments, cwd=folder, PYTHONHASHSEED=str(number)).code == 0
        files.append((folder / "kinds.backpass").read_bytes())
    assert files[0] == files[1]


def test_files_of_validation_and_test_rows(call: Run, home: Path) -> None:
    table = home / "numbers.csv"
    fit = call(
        "fit", table, "-t", "price", "--validation-file", table, "--test-file", table, "--hidden", "8", "--epochs", "2"
    )
    assert "rows        120 training, 120 validation, 120 test" in fit.err


def test_columns_are_chosen(call: Run, home: Path) -> None:
    fit = call("fit", home / "numbers.csv", "-t", "price", "--drop", "age, colour", "--hidden", "none", "--epochs", "2")
    assert "columns     1 numeric\n" in fit.err
    assert "network     1 -> 1, 2 parameters" in fit.err
    fit = call("fit", home / "numbers.csv", "-t", "price", "--columns", "age", "--columns", "colour", "--epochs", "2")
    assert "columns     1 numeric (missing values in age), 1 categorical (colour: 3 categories)" in fit.err
    assert "linear      no" in call("show", "numbers.backpass").out


def test_wired_units_are_listed_with_their_numbers(call: Run, home: Path) -> None:
    wires = ("--wire", "big=size", "--wire", "odd=size,age")
    fit = call("fit", home / "numbers.csv", "-t", "price", *wires, "--epochs", "2")
    assert "6 -> 2 (wired) -> 1, relu, 9 parameters" in fit.err
    shown = call("show", "numbers.backpass").out
    assert "wired       big = relu(theta_1 size + theta_2)\n" in shown
    assert "odd = relu(theta_3 size + theta_4 age + theta_5 age is missing + theta_6)" in shown
    assert "price = theta_7 big + theta_8 odd + theta_9" in shown
    assert "in the units of the columns and of the target" in shown
    assert "(1+1) + (3+1) + (2+1) 1 = 9" in shown


def test_labels_are_written_as_they_were(call: Run, tmp_path: Path) -> None:
    lines = [f"{i % 17},{i % 2 + 1}" for i in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["x,grade", *lines]))
    call("fit", "t.csv", "-t", "grade", "--task", "classification", "--hidden", "4", "--epochs", "2")
    predicted = cells(call("predict", "t.backpass", "t.csv").out)
    assert {row[0] for row in predicted[1:]} <= {"1", "2"}


def test_labels_that_spreadsheets_take_for_formulas_are_written_as_they_were(call: Run, tmp_path: Path) -> None:
    """Predictions go to programs: a sign put before a label would make it another label."""
    labels = ["=cmd()", "+1a", "@x", "-2b", "a\tb", '=HYPERLINK("x")']
    quoted = ['"' + label.replace('"', '""') + '"' for label in labels]
    lines = [f"{i % 6},{quoted[i % 6]}" for i in range(120)]
    (tmp_path / "t.csv").write_text("\n".join(["x,label", *lines]))
    fit = ("--hidden", "16", "--epochs", "200", "--learning-rate", "0.02", "-q")
    assert call("fit", "t.csv", "-t", "label", *fit).code == 0
    predicted = cells(call("predict", "t.backpass", "t.csv", "--keep", "label").out)[1:]
    assert {row[0] for row in predicted} == {row[1] for row in predicted} == set(labels)
    header = cells(call("predict", "t.backpass", "t.csv", "--proba").out)[0]
    assert all(any(label in name for name in header) for label in labels)


def test_texts_are_quoted_and_nothing_is_lost(call: Run, home: Path, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('size,age,colour,"the, note"\n1,2,red,"say ""hi"""\n2,,blue,"two\nlines"\n')
    kept = call("predict", home / "numbers.backpass", "t.csv", "--keep", '"the, note",age')
    table = cells(kept.out)
    assert table[0] == ["the, note", "age", "price"]
    assert [row[:2] for row in table[1:]] == [['say "hi"', "2.0"], ["two\nlines", ""]]
    assert "\r" not in kept.out


def test_a_kept_target_stands_beside_the_prediction(call: Run, home: Path) -> None:
    out = call("predict", home / "numbers.backpass", home / "numbers.csv", "--keep", "price").out
    assert out.startswith("price,predicted(price)\n")


def test_predictions_go_to_a_file(call: Run, home: Path, tmp_path: Path) -> None:
    to_screen = call("predict", home / "pets.backpass", home / "pets.csv")
    to_file = call("predict", home / "pets.backpass", home / "pets.csv", "-o", "p.csv")
    assert to_file.out == ""
    assert (tmp_path / "p.csv").read_text() == to_screen.out

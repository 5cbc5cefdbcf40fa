"""Two models side by side: scores, paired differences, and what cannot be compared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backpass import load
from backpass.model import fit
from backpass.reporting.numbers.comparison import compared

Run = Callable[..., Any]
QUICK: dict[str, Any] = {"hidden": (6,), "epochs": 20, "learning_rate": 0.05, "validation_fraction": 0.16}


def columns(n: int, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, n))
    return {"a": a, "b": b, "y": 3.0 * a + rng.normal(size=n), "k": np.where(a + rng.normal(size=n) > 0, "yes", "no")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models of y and k by the column that matters and by the one that does not, and rows to compare them on."""
    place, train, rows = tmp_path_factory.mktemp("compare"), columns(300, 0), columns(150, 1)
    for target in ("y", "k"):
        for column in ("a", "b"):
            fit(train, target, columns=[column], **QUICK).save(place / f"{target}_{column}.backpass")
    fit(train, "k", columns=["b"], positive="yes", **QUICK).save(place / "yes.backpass")
    fit(train, "k", columns=["b"], positive="no", **QUICK).save(place / "no.backpass")
    lines = [",".join(map(str, row)) for row in zip(*rows.values(), strict=True)]
    (place / "rows.csv").write_text("\n".join([",".join(rows), *lines]))
    return place


@pytest.mark.parametrize("target", ["y", "k"])
def test_the_better_model_is_named_and_the_interval_is_that_of_the_rows(call: Run, folder: Path, target: str) -> None:
    paths = [folder / f"{target}_{column}.backpass" for column in ("b", "a")]
    facts = call("compare", *paths, folder / "rows.csv", "--json").json
    for path, scores in zip(paths, facts["scores"], strict=True):
        expected = load(path).evaluate(folder / "rows.csv")
        assert scores == pytest.approx({name: expected[name] for name in scores})
    metric = "rmse" if target == "y" else "log_loss"
    found = facts["differences"][metric]
    assert found["value"] == pytest.approx(facts["scores"][1][metric] - facts["scores"][0][metric])
    assert found["better"] == 2
    # The mean difference of squared errors, or of log losses, has a standard error that the interval must show.
    if target == "k":
        p = [load(path).predict_proba(folder / "rows.csv") for path in paths]
        y = columns(150, 1)["k"] == "yes"
        each = [-np.log(np.where(y, q[:, 1], q[:, 0])) for q in p]
        error = np.std(each[1] - each[0]) / np.sqrt(150)
        assert (found["high"] - found["low"]) / 3.92 == pytest.approx(error, rel=0.2)
    lines = call("compare", *paths, folder / "rows.csv").out.splitlines()
    assert lines[0].split()[:3] == ["metric", *(path.name for path in paths)]
    assert next(line for line in lines if line.startswith(f"{metric} ")).endswith(f" {target}_a.backpass")


def test_a_model_and_itself_show_no_difference(call: Run, folder: Path) -> None:
    path = folder / "y_a.backpass"
    facts = call("compare", path, path, folder / "rows.csv", "--json").json
    for each in facts["differences"].values():
        assert each == {"value": 0.0, "low": 0.0, "high": 0.0, "better": None}
    lines = call("compare", path, path, folder / "rows.csv").out.splitlines()
    assert lines[0].split()[1:5] == [str(path), "(1)", str(path), "(2)"]
    assert lines[1].endswith("no clear difference")


def test_the_order_of_the_models_turns_the_differences_round(folder: Path) -> None:
    models = [load(folder / f"y_{column}.backpass") for column in "ab"]
    tables = [model.table(folder / "rows.csv", with_target=True) for model in models]
    one = compared((models[0], models[1]), (tables[0], tables[1]))
    other = compared((models[1], models[0]), (tables[1], tables[0]))
    for name, each in one.differences.items():
        assert each.value == -other.differences[name].value
        assert each.low <= each.value <= each.high, name
    assert (one.better("rmse"), other.better("rmse")) == (1, 2)


def test_what_cannot_be_compared(call: Run, folder: Path) -> None:
    rows = folder / "rows.csv"
    different = call("compare", folder / "y_a.backpass", folder / "k_a.backpass", rows)
    assert (different.code, different.err.splitlines()[0]) == (
        2,
        "error: the models predict different targets: 'y' and 'k'",
    )
    unread = call("compare", folder / "y_a.backpass", folder / "k_a.backpass", folder / "no_such.csv")
    assert unread.err == different.err  # before the columns of either are looked for
    assert call("compare", folder / "y_a.backpass", folder / "y_b.backpass", "-").code == 2
    positives = call("compare", folder / "yes.backpass", folder / "no.backpass", rows, "--json").json
    assert "f1" not in positives["differences"]
    assert "roc_auc" in positives["differences"]
    assert positives["notes"] == [
        "the positive classes differ, 'yes' and 'no': precision, recall, F1 and the like are left out"
    ]


def test_units_of_the_target(call: Run, tmp_path: Path) -> None:
    """Scores in two units cannot be compared; those of a model without a unit can, if its numbers are in that unit."""
    height = [150.0 + i for i in range(40)]
    paths = []
    for unit in ("cm", "in", "EUR", "", "$", "USD"):
        y = [f"$ {each:g}" if unit == "$" else f"{each:g} {unit}" for each in height] if unit else height
        paths.append(tmp_path / f"{unit or 'none'}.backpass")
        fit({"x": range(40), "y": y}, "y", hidden=(), epochs=1).save(paths[-1])
    rows = tmp_path / "rows.csv"
    rows.write_text("x,y\n" + "\n".join(f"{i},{each:g}" for i, each in enumerate(height)))
    for one, other, units in ((0, 1, "'cm' and 'in'"), (0, 2, "'cm' and 'EUR'"), (2, 4, "'EUR' and '$'")):
        done = call("compare", paths[one], paths[other], rows)
        assert (done.code, done.err.splitlines()[0]) == (
            2,
            f"error: the models predict numbers in different units: 'y': {units}",
        )
    notes = call("compare", paths[4], paths[5], rows, "--json").json["notes"]  # one currency in two spellings
    what = "column 'y': no amount has the currency {0} of the training rows; the numbers are read as {0}"
    assert notes == [f"{paths[at]}: {what.format(sign)}" for at, sign in ((4, "$"), (5, "USD"))]
    facts = call("compare", paths[0], paths[3], rows, "--json").json
    assert facts["notes"] == [
        "one model was fitted on values of 'y' in 'cm', the other on numbers without a unit: both read the numbers of "
        "the table without converting them"
    ]
    assert call("compare", paths[0], paths[0], rows, "--json").json["notes"] == []


def test_a_single_row_shows_no_difference(call: Run, folder: Path) -> None:
    row = folder / "row.csv"
    row.write_text("\n".join((folder / "rows.csv").read_text().splitlines()[:2]) + "\n")
    both = (folder / "y_a.backpass", folder / "y_b.backpass", row)
    facts = call("compare", *both, "--json").json
    assert facts["differences"]["mae"]["value"] != 0.0
    assert {(each["low"], each["high"], each["better"]) for each in facts["differences"].values()} == {(None,) * 3}
    assert "no clear difference" in call("compare", *both).out

"""``fit --by`` and its model on the command line: as text and JSON, and every option that does not apply."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

import backpass

Run = Callable[..., Any]
QUICK = ("--hidden", "6", "--epochs", "5")


def sales(seed: int = 0) -> pandas.DataFrame:
    draws = np.random.default_rng(seed)
    store = np.repeat(["berlin", "paris", "rome", "oslo"], [60, 50, 40, 6])
    x = draws.normal(size=len(store))
    slope = np.where(store == "berlin", 3.0, -2.0)
    return pandas.DataFrame({"store": store, "x": x, "y": slope * x + draws.normal(size=len(x))})


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table, later rows of it with an unknown store, and a model of it."""
    folder = tmp_path_factory.mktemp("grouped")
    sales().to_csv(folder / "sales.csv", index=False)
    sales(1).replace({"store": {"rome": "rio"}}).to_csv(folder / "later.csv", index=False)
    backpass.fit_groups(folder / "sales.csv", "y", by="store", hidden=(6,), epochs=5).save(folder / "m.backpass")
    return folder


def test_fit_writes_the_model_that_python_makes_and_says_how_good_it_is(call: Run, place: Path) -> None:
    done = call("fit", place / "sales.csv", "-t", "y", "--by", "store", *QUICK, "-o", "own.backpass")
    assert done.code == 0
    assert Path("own.backpass").read_bytes() == (place / "m.backpass").read_bytes()
    assert "3 networks by store, of 40 to 60 rows, and 1 other group without" in done.err
    assert "120 training, 30 test" in done.err
    assert "1 group with fewer than 30 rows (6 rows in all)" in done.err
    for title in ("networks of the groups", "network of all rows", "constant of each group"):
        assert title in done.err
    assert "rmse of " in done.err
    assert "backpass show own.backpass" in done.err
    assert "saved own.backpass" in done.err
    facts = call("fit", place / "sales.csv", "-t", "y", "--by", "store", *QUICK, "--min-rows", "45", "--json").json
    assert [each["name"] for each in facts["groups"]] == ["berlin", "paris"]
    assert facts["groups_without_network"] == 2
    assert facts["output"] == "sales.backpass"
    assert set(facts["scores"]) == {"groups", "all rows", "constant"}


def test_fit_says_each_warning_and_each_note_once(call: Run) -> None:
    """On the terminal, and not as a warning of Python with a line of code."""
    pandas.concat([sales(), sales().head(5)]).to_csv("twice.csv", index=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        done = call("fit", "twice.csv", "-t", "y", "--by", "store", *QUICK)
    assert done.code == 0
    assert done.err.count("the columns of a training row") == 1
    assert done.err.count("with fewer than 30 rows") == 1
    order = [done.err.index(title) for title in ("networks of the groups", "network of all rows  ", "constant of each")]
    assert order == sorted(order)
    shown = call("show", "twice.backpass").out
    assert (
        shown.index("networks of the groups") < shown.index("network of all rows  ") < shown.index("constant of each")
    )


def test_predict_reads_windows_and_uses_the_network_of_each_row(call: Run, place: Path) -> None:
    model = backpass.load(place / "m.backpass")
    for name in ("sales", "later"):
        done = call("predict", place / "m.backpass", place / f"{name}.csv", "--keep", "store,y", "-o", "p.csv")
        assert done.code == 0
        assert pandas.read_csv("p.csv")["predicted(y)"].tolist() == model.predict(place / f"{name}.csv").tolist()
    assert "has no network of its own, or is missing: predicted by the network of all rows" in done.err
    facts = call("predict", place / "m.backpass", place / "later.csv", "--json").json
    assert facts["predictions"] == model.predict(place / "later.csv").tolist()
    batches = list(model.predict_batches(str(place / "sales.csv"), rows=50))
    assert [batch.num_rows for batch in batches] == [50, 50, 50, 6]


def test_evaluate_scores_all_rows_and_names_the_worst_groups(call: Run, place: Path) -> None:
    done = call("evaluate", place / "m.backpass", place / "later.csv")
    assert done.code == 0
    table = done.out.splitlines()
    assert table[0].startswith("rmse")
    heading = next(i for i, line in enumerate(table) if line.startswith("store"))
    assert [line.split()[0] for line in table[heading + 1 :]] in (["berlin", "paris"], ["paris", "berlin"])
    facts = call("evaluate", place / "m.backpass", place / "later.csv", "--by", "store", "--json").json
    model = backpass.load(place / "m.backpass")
    assert facts["scores"] == model.evaluate(place / "later.csv")
    assert sum(each["rows"] for each in facts["groups"]) == 110
    scores = [each["scores"]["rmse"] for each in facts["groups"]]
    assert scores == sorted(scores, reverse=True)


def test_show_prints_what_is_in_the_file(call: Run, place: Path) -> None:
    done = call("show", place / "m.backpass")
    assert done.code == 0
    for text in ("y, regression", "3 networks by store", "1 -> 6 -> 1", "networks of the groups", "worst"):
        assert text in done.out
    facts = call("show", place / "m.backpass", "--json").json
    assert facts["by"] == "store"
    assert [each["rows"] for each in facts["groups"]] == [
        {"train": 48, "test": 12},
        {"train": 40, "test": 10},
        {"train": 32, "test": 8},
    ]


def test_every_option_that_does_not_apply_is_named_at_once(call: Run, place: Path) -> None:
    given = {
        "--dropout": "0.1",
        "--preset": "best",
        "--folds": "3",
        "--weight": "x",
        "--checkpoint": "c",
        "--validation-file": "v.csv",
        "--memory": "4GB",
        "--group": "store",
    }
    words = [word for pair in given.items() for word in pair]
    done = call("fit", place / "sales.csv", "-t", "y", "--by", "store", *words, "--report", "r.html")
    assert done.code == 2
    assert "9 options not supported with a network per group (--by)" in done.err
    assert all(f"- {name}" in done.err for name in (*given, "--report"))


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("fit", "sales.csv", "-t", "y", "--by", "y"), 2, "--by is 'y', which is the target"),
        (("fit", "sales.csv", "-t", "y", "--by", "shop"), 3, "group column 'shop' not found"),
        (
            ("fit", "sales.csv", "-t", "y", "--by", "store", "--min-rows", "61"),
            3,
            "no group of column 'store' has at least 61",
        ),
        (("fit", "sales.csv", "-t", "y", "--by", "store", "--min-rows", "1"), 2, "--min-rows must be a whole number"),
        (("fit", "sales.csv", "-t", "y", "--min-rows", "40"), 2, "name the column of groups: --by COLUMN"),
        (("fit", "sales.csv", "-t", "x", "-t", "y", "--by", "store"), 2, "target names 2 columns"),
        (("fit", "sales.csv", "-t", "y", "--by", "store", "--epochs", "0"), 2, "epochs must be"),
        (("predict", "m.backpass", "no_store.csv"), 3, "'store'"),
        (("predict", "m.backpass", "sales.csv", "--interval", "0.9"), 2, "--interval: a grouped model stores no"),
        (("predict", "m.backpass", "sales.csv", "--quantiles", "0.5"), 2, "--quantiles: a grouped model stores no"),
        (("predict", "m.backpass", "sales.csv", "--proba"), 2, "leave out --proba"),
        (("evaluate", "m.backpass", "sales.csv", "--by", "x"), 2, "scored by its own column, 'store'"),
        (("evaluate", "m.backpass", "sales.csv", "--intervals"), 2, "leave out --intervals"),
        (("show", "m.backpass", "--history"), 2, "--history: a grouped model stores no history"),
        (("explain", "m.backpass", "sales.csv"), 4, "is a grouped model; expected a model"),
        (("export", "m.backpass", "m.onnx"), 4, "is a grouped model; expected a model"),
    ],
)
def test_what_cannot_be_done(call: Run, place: Path, arguments: tuple[str, ...], code: int, message: str) -> None:
    for name in ("sales.csv", "m.backpass"):
        Path(name).write_bytes((place / name).read_bytes())
    sales().drop(columns="store").to_csv("no_store.csv", index=False)
    done = call(*arguments)
    assert message in done.err
    assert done.code == code


def test_a_model_of_another_kind_is_not_overwritten(call: Run, place: Path) -> None:
    backpass.fit(sales(), "y", hidden=(4,), epochs=1).save("sales.backpass")
    done = call("fit", place / "sales.csv", "-t", "y", "--by", "store", *QUICK)
    assert done.code == 2
    assert "sales.backpass already exists and would be overwritten" in done.err


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_strict_refuses_groups_without_a_network(call: Run, place: Path, command: str) -> None:
    done = call(command, place / "m.backpass", place / "later.csv", "--strict")
    assert done.code == 3
    assert "column 'store': 46 rows of 2 groups without a network: 'oslo', 'rio'" in done.err
    assert "without --strict the network of all rows predicts them" in done.err
    known = sales(2).query("store != 'oslo'").assign(store=lambda rows: rows["store"].where(rows["x"] > -2.0))
    known.to_csv("known.csv", index=False)
    assert known["store"].isna().any()
    done = call(command, place / "m.backpass", "known.csv", "--strict")
    assert done.code == 0
    assert "has no network of its own, or is missing" in done.err


def test_by_is_given_once(call: Run, place: Path) -> None:
    done = call("fit", place / "sales.csv", "-t", "y", "--by", "store", "--by", "x", *QUICK)
    assert done.code == 2
    assert done.err.splitlines()[0] == "error: --by names one column of groups; got store and x"
    Path("by.toml").write_text('by = ["store", "x"]\n', encoding="utf-8")
    done = call("fit", place / "sales.csv", "-t", "y", "--config", "by.toml", *QUICK)
    assert (done.code, "got store and x" in done.err) == (2, True)
    Path("by.toml").write_text('by = "store"\n', encoding="utf-8")
    done = call("fit", place / "sales.csv", "-t", "y", "--config", "by.toml", *QUICK, "-o", "config.backpass")
    assert done.code == 0
    assert Path("config.backpass").read_bytes() == (place / "m.backpass").read_bytes()

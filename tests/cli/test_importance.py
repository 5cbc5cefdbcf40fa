"""``backpass importance``: permutation importance as text and JSON, against scikit-learn's and known answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backpass
from backpass.reporting.explanation.importance import Importance, dominance_warnings

Run = Callable[..., Any]
ROWS = 600


def made(seed: int = 0) -> dict[str, Any]:
    """y depends on a, less on b, on a category, and not on noise."""
    rng = np.random.default_rng(seed)
    a, b, noise = rng.normal(size=(3, ROWS))
    town = rng.choice(["north", "south"], ROWS)
    y = 2.0 * a + 0.7 * b + 1.2 * (town == "north") + 0.1 * rng.normal(size=ROWS)
    return {"a": a, "b": np.where(rng.random(ROWS) < 0.1, np.nan, b), "noise": noise, "town": town, "y": y}


def written(columns: dict[str, Any], path: Path) -> Path:
    lines = [
        ",".join("" if value != value else str(value) for value in row) for row in zip(*columns.values(), strict=True)
    ]
    path.write_text("\n".join([",".join(columns), *lines]) + "\n")
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("importance") / "m.backpass"
    backpass.fit(made(), "y", hidden=(16,), epochs=30, validation_fraction=0.2).save(path)
    return path


def test_importances_are_those_of_scikit_learn(call: Run, model: Path, tmp_path: Path) -> None:
    inspection = pytest.importorskip("sklearn.inspection")
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(made(1))
    facts = call("importance", model, written(made(1), tmp_path / "t.csv"), "--repeats", "20", "--json").json
    loaded = backpass.load(model)

    class Fitted:
        """What scikit-learn asks for: an object with ``fit`` and ``predict``."""

        predict = staticmethod(loaded.predict)

        def fit(self, X: Any, y: Any) -> None:
            raise NotImplementedError

    def minus_rmse(fitted: Any, X: Any, y: Any) -> float:
        return -float(np.sqrt(np.mean((fitted.predict(X) - y) ** 2)))

    X, y = frame.drop(columns="y"), frame["y"]
    found = inspection.permutation_importance(Fitted(), X, y, scoring=minus_rmse, n_repeats=20, random_state=0)
    ours = {each["column"]: each for each in facts["importances"]}
    assert set(ours) == set(X.columns)
    assert facts["rows"] == ROWS
    for name, mean, std in zip(X.columns, found.importances_mean, found.importances_std, strict=True):
        each = ours[name]
        # Both are means of 20 draws.
        assert abs(each["importance"] - mean) <= 4.0 * (each["spread"] + std) / np.sqrt(20) + 1e-6
        assert each["spread"] == pytest.approx(std, rel=0.6, abs=1e-3)
    assert [each["column"] for each in facts["importances"]] == ["a", "b", "town", "noise"]


def test_text_lists_the_columns_by_importance(call: Run, model: Path, tmp_path: Path) -> None:
    path = written(made(1), tmp_path / "t.csv")
    done = call("importance", model, path)
    facts = call("importance", model, path, "--json").json
    lines = done.out.splitlines()
    assert lines[0].split() == ["column", "rmse", "worse", "by", "std", "dev", "change"]
    assert [line.split()[0] for line in lines[1:]] == [each["column"] for each in facts["importances"]]
    for line, each in zip(lines[1:], facts["importances"], strict=True):
        assert float(line.split()[1]) == pytest.approx(each["importance"], abs=1e-3)
    assert "all 600 rows of t.csv" in done.err
    assert done.out == call("importance", model, path, "--seed", "0").out
    assert done.out != call("importance", model, path, "--seed", "1").out


def test_python_gives_the_same(call: Run, model: Path, tmp_path: Path) -> None:
    facts = call("importance", model, written(made(1), tmp_path / "t.csv"), "--json").json["importances"]
    for data in (made(1), tmp_path / "t.csv"):
        found = backpass.permutation_importance(backpass.load(model), data)
        assert [each.name for each in found] == [each["column"] for each in facts]
        assert [each.worse for each in found] == pytest.approx([each["importance"] for each in facts], rel=1e-6)


def test_of_the_table_of_the_fit_the_test_rows_are_taken(call: Run, home: Path) -> None:
    for name in ("numbers", "pets", "kinds"):
        facts = call("importance", home / f"{name}.backpass", home / f"{name}.csv", "--json").json
        assert facts["rows"] == 24
        assert "held out for testing" in facts["measured_on"]


def test_training_rows_are_warned_of(call: Run, model: Path, tmp_path: Path) -> None:
    seen = call("importance", model, written({k: v[:300] for k, v in made().items()}, tmp_path / "seen.csv"), "--json")
    assert len(seen.json["warnings"]) == 1
    assert "of these rows trained the model or selected its epoch" in seen.json["warnings"][0]
    assert seen.json["warnings"][0] in seen.err
    new = call("importance", model, written(made(1), tmp_path / "new.csv"), "--json")
    assert (new.json["warnings"], new.err) == ([], "")


def test_a_column_with_all_importance_is_named(call: Run, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 3))
    columns = {"copied": x[:, 0], "b": x[:, 1], "c": x[:, 2], "y": x[:, 0] + 0.3 * rng.normal(size=400)}
    backpass.fit(columns, "y", hidden=(8,), epochs=40, validation_fraction=0.2).save(tmp_path / "m.backpass")
    path = written(columns, tmp_path / "t.csv")
    text = "of the importance of all columns: possible leakage; is it known at prediction time?"
    done = call("importance", "m.backpass", path)
    assert "warning: column 'copied' has" in done.err
    assert text in done.err
    assert any(text in each for each in call("report", "m.backpass", path, "--json").json["warnings"])


def test_without_a_dominant_column_nothing_is_said(call: Run, model: Path, tmp_path: Path) -> None:
    assert "leakage" not in call("importance", model, written(made(1), tmp_path / "t.csv")).err


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--repeats", "0"), 2, "--repeats"),
        (("--query", "SELECT a FROM data"), 3, "column 'b' is in the model but not in the table"),
    ],
)
def test_what_cannot_be_is_refused(
    call: Run, model: Path, tmp_path: Path, options: tuple[str, ...], code: int, message: str
) -> None:
    done = call("importance", model, written(made(), tmp_path / "t.csv"), *options)
    assert (done.code, done.out) == (code, "")
    assert message in done.err


def test_another_metric_where_that_of_the_epoch_is_undefined(call: Run, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    a, b, c = rng.normal(size=(3, 200))
    columns = {"a": a, "b": b, "c": c, "k": np.where(a + 0.3 * b > 0, "yes", "no")}
    path = tmp_path / "auc.backpass"
    backpass.fit(columns, "k", hidden=(8,), epochs=20, metric="roc_auc").save(path)
    assert call("importance", path, written(columns, tmp_path / "k.csv"), "--json").json["metric"] == "roc_auc"
    only = written({name: values[columns["k"] == "no"] for name, values in columns.items()}, tmp_path / "no.csv")
    facts = call("importance", path, only, "--json").json
    assert (facts["metric"], facts["importances"][0]["column"]) == ("log_loss", "a")
    assert "log_loss worse by" in call("importance", path, only).out
    page = call("report", path, only, "--json", "--output", tmp_path / "no.html").json
    assert page["metric"] == "log_loss"
    assert "its log loss is" in page["verdict"]
    assert page["importances"] == facts["importances"]


def test_a_custom_loss_that_the_file_lacks_leaves_its_metrics(call: Run, tmp_path: Path) -> None:
    path = Path(__file__).parents[1] / "model_files" / "format_3_arithmetic_4" / "custom.backpass"
    rng = np.random.default_rng(3)
    columns = {
        "size": rng.normal(80.0, 15.0, 60),
        "age": rng.integers(20, 80, 60),
        "town": rng.choice(["north", "east"], 60),
        "street": rng.choice(["street 01", "street 02"], 60),
        "price": rng.normal(150.0, 50.0, 60),
    }
    table = written(columns, tmp_path / "rows.csv")
    metric = call("importance", path, table, "--json").json["metric"]
    page = call("report", path, table, "--json", "--output", tmp_path / "rows.html").json
    assert metric == page["metric"] == "rmse"
    assert page["scores"]["rmse"] > 0.0


def test_a_single_row_is_refused(call: Run, model: Path, tmp_path: Path) -> None:
    row = written({name: values[:1] for name, values in made(4).items()}, tmp_path / "row.csv")
    done = call("importance", model, row)
    assert (done.code, "got the only row of row.csv" in done.err) == (3, True)


def test_noise_alone_is_no_leak() -> None:
    found = [Importance("a", 0.011, 0.006, 0.1), Importance("b", -0.014, 0.01, 0.1), Importance("c", -0.02, 0.01, 0.1)]
    assert dominance_warnings(found) == ()
    leak = [Importance("a", 2.0, 0.01, 0.1), Importance("b", -0.01, 0.01, 0.1), Importance("c", -0.02, 0.01, 0.1)]
    assert "column 'a'" in dominance_warnings(leak)[0]

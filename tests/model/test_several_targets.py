"""Several targets at once: numbers or labels, at every function that takes a target, scored and compared by hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score, root_mean_squared_error

import backpass
from backpass.errors import DataError, UsageError
from backpass.model import from_bytes

QUICK: dict[str, Any] = {"preset": "plain", "hidden": (8,), "epochs": 4, "validation_fraction": 0.16}


def frame(rows: int = 240) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 3)).round(4)
    return pd.DataFrame(
        {
            "x0": x[:, 0],
            "x1": x[:, 1],
            "price": (x[:, 0] + 0.2 * x[:, 2]).round(4),
            "rent": (1000.0 + 300.0 * x[:, 1] + 30.0 * x[:, 2]).round(4),
            "hot": (x[:, 0] + 0.5 * x[:, 2] > 0).astype(int),
            "status": np.where(x[:, 1] + 0.5 * x[:, 2] > 0.5, "late", "early"),
            "grade": np.where(x[:, 1] > 0.5, "u", np.where(x[:, 1] > 0, "v", "w")),
        }
    )


NUMBERS = frame()[["x0", "x1", "price", "rent"]]
LABELS = frame()[["x0", "x1", "hot", "status"]]


def test_numbers_are_columns_of_the_prediction() -> None:
    model = backpass.fit(NUMBERS, ["price", "rent"], **QUICK)
    assert model.targets == model.labels == ("price", "rent")
    assert [each.name for each in model.schema.features] == ["x0", "x1"]
    predicted = model.predict(NUMBERS[["x0", "x1"]])
    assert predicted.shape == (240, 2)
    assert abs(predicted[:, 1].mean() - 1000.0) < 200.0
    scores = model.evaluate(NUMBERS)
    each = [root_mean_squared_error(NUMBERS[name], predicted[:, j]) for j, name in enumerate(model.targets)]
    assert scores["rmse"] == pytest.approx(np.mean(each))
    assert repr(model).startswith("Model(targets 'price', 'rent', regression, 2 columns")
    assert model.predictions(model.table(NUMBERS)).notes == ()
    again = from_bytes(model.to_bytes(), "memory")
    np.testing.assert_array_equal(again.predict(NUMBERS), predicted)


def test_labels_are_probabilities_of_the_second_class() -> None:
    model = backpass.fit(LABELS, ("hot", "status"), **QUICK)
    assert model.labels == ("p(hot)", "p(status=late)")
    p = model.predict(LABELS)
    truth = [LABELS["hot"] == 1, LABELS["status"] == "late"]
    scores = model.evaluate(LABELS)
    assert scores["log_loss"] == pytest.approx(np.mean([log_loss(y, p[:, j]) for j, y in enumerate(truth)]), rel=1e-6)
    assert scores["roc_auc"] == pytest.approx(np.mean([roc_auc_score(y, p[:, j]) for j, y in enumerate(truth)]))
    assert all(roc_auc_score(y, p[:, j]) > 0.7 for j, y in enumerate(truth))
    with pytest.raises(UsageError, match="probabilities of its labels already"):
        model.predict_proba(LABELS)


def test_one_name_in_a_list_is_that_name() -> None:
    one = NUMBERS.drop(columns="rent")
    assert backpass.fit(one, ["price"], **QUICK).to_bytes() == backpass.fit(one, "price", **QUICK).to_bytes()


def _test_rows(model: backpass.Model, table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The training and the test rows of a fit, found by its split."""
    from backpass.model import Settings, make_problem
    from backpass.table import table_from

    problem = make_problem(table_from(table), model.targets, Settings.of(QUICK))
    truth = {name: part.truth for name, part in problem.parts.items()}
    key = model.targets[0]
    values = table[key].to_numpy() if not model.head.are_labels else None
    assert values is not None
    rows = {name: np.array([int(np.flatnonzero(values == y[0])[0]) for y in truth[name]]) for name in truth}
    return table.iloc[rows["train"]], table.iloc[rows["test"]]


def test_the_baselines_of_numbers_are_those_of_each_target() -> None:
    model = backpass.fit(NUMBERS, ["price", "rent"], **QUICK)
    train, test = _test_rows(model, NUMBERS)
    linear = LinearRegression().fit(train[["x0", "x1"]], train[["price", "rent"]]).predict(test[["x0", "x1"]])
    names = ["price", "rent"]
    wanted = np.mean([root_mean_squared_error(test[name], linear[:, j]) for j, name in enumerate(names)])
    assert model.record.baselines["linear"]["test"]["rmse"] == pytest.approx(wanted, rel=1e-3)
    constant = np.mean([root_mean_squared_error(test[name], [train[name].mean()] * len(test)) for name in names])
    assert model.record.baselines["mean"]["test"]["rmse"] == pytest.approx(constant, rel=1e-5)


@pytest.mark.parametrize("loss", ["absolute", "huber", "poisson", "quantile"])
def test_baselines_of_other_losses(loss: str) -> None:
    table = NUMBERS.assign(price=(NUMBERS["price"] * 3).abs().round(), rent=(NUMBERS["rent"] / 100).round().abs())
    model = backpass.fit(table, ["price", "rent"], loss=loss, quantile=0.8, **QUICK)
    assert model.predict(table).shape == (240, 2)
    for name, scores in model.record.baselines.items():
        spread = table[["price", "rent"]].std().mean()
        assert scores["test"]["mae"] < 3 * spread, name
    constant = model.kept_baselines.outputs(model.ensemble.inputs(*_encoded(model, table)), model.table(table))[
        next(iter(model.record.baselines))
    ]
    found = model.head.predictions(np.asarray(constant))[0]
    target = table[["price", "rent"]]
    wanted = {
        "absolute": target.median(),
        "huber": target.mean(),
        "poisson": target.mean(),
        "quantile": target.quantile(0.8),
    }[loss]
    assert found == pytest.approx(wanted.to_numpy(), rel=0.2, abs=0.6)


def _encoded(model: backpass.Model, table: pd.DataFrame) -> tuple[Any, Any]:
    encoded = model.schema.encode(model.table(table))
    return encoded.numbers, encoded.codes


def test_the_baselines_of_labels_are_those_of_each_label() -> None:
    model = backpass.fit(LABELS, ["hot", "status"], test=LABELS, **QUICK)
    truth = np.column_stack([LABELS["hot"] == 1, LABELS["status"] == "late"]).astype(int)
    outputs = model.kept_baselines.outputs(model.ensemble.inputs(*_encoded(model, LABELS)), model.table(LABELS))
    logistic, shares = (model.head.predictions(np.asarray(outputs[name])) for name in ("logistic", "class_frequencies"))
    x = LABELS[["x0", "x1"]]
    for j in range(2):
        best = LogisticRegression(C=1e6).fit(x, truth[:, j]).predict_proba(x)[:, 1]
        assert log_loss(truth[:, j], logistic[:, j]) == pytest.approx(log_loss(truth[:, j], best), rel=0.03)
        assert shares[0, j] == pytest.approx(truth[:, j].mean(), abs=0.05)
        assert np.ptp(shares[:, j]) == 0.0
    assert model.record.baselines["logistic"]["test"]["roc_auc"] > 0.9


def test_cross_validation_of_several_targets() -> None:
    found = backpass.cross_validate(NUMBERS, ["price", "rent"], folds=3, **QUICK)
    assert found.predicted.shape == found.truth.shape == (240, 2)
    assert not np.isnan(found.predicted).any()
    assert found.classes == ()
    for fold in (1, 2, 3):
        inside = found.fold == fold
        each = [root_mean_squared_error(found.truth[inside, j], found.predicted[inside, j]) for j in range(2)]
        assert found.scores[fold - 1]["rmse"] == pytest.approx(np.mean(each))
    labels = backpass.cross_validate(LABELS, ["hot", "status"], folds=2, **QUICK)
    assert [each.classes for each in labels.targets] == [("0", "1"), ("early", "late")]


def test_tuning_several_targets() -> None:
    found = backpass.tune(NUMBERS, ["price", "rent"], trials=2, folds=2, **QUICK)
    assert found.model.to_bytes() == backpass.fit(NUMBERS, ["price", "rent"], **found.settings).to_bytes()


def test_ensembles_groups_weights_and_gaps() -> None:
    table = frame()[["x0", "x1", "price", "rent"]].assign(id=np.arange(240) // 4, w=1.0 + np.arange(240) % 3)
    table.loc[3, "price"], table.loc[7, "rent"] = np.nan, np.nan
    settings = {**QUICK, "ensemble_size": 2, "group": "id"}
    model = backpass.fit(table, ["price", "rent"], weight="w", **settings)
    assert model.record.rows["train"] + model.record.rows["test"] == 238
    assert any("target 'rent': 1 of 239 rows has no value" in note for note in model.record.notes)
    with pytest.raises(DataError, match="missing"):
        backpass.fit(table, ["price", "rent"], strict=True, **settings)


@pytest.mark.parametrize("door", ["csv", "tsv", "json", "parquet", "polars", "arrow", "dict", "records"])
def test_every_form_of_a_table(tmp_path: Path, door: str) -> None:
    path = tmp_path / f"t.{door}"
    makers: dict[str, Callable[[], Any]] = {
        "csv": lambda: NUMBERS.to_csv(path, index=False) or path,
        "tsv": lambda: NUMBERS.to_csv(path, index=False, sep="\t") or path,
        "json": lambda: NUMBERS.to_json(path, orient="records") or path,
        "parquet": lambda: NUMBERS.to_parquet(path) or path,
        "polars": lambda: pytest.importorskip("polars").from_pandas(NUMBERS),
        "arrow": lambda: pytest.importorskip("pyarrow").Table.from_pandas(NUMBERS),
        "dict": lambda: {name: NUMBERS[name].to_numpy() for name in NUMBERS},
        "records": lambda: NUMBERS.to_records(index=False),
    }
    data = makers[door]()
    model = backpass.fit(data, ["price", "rent"], **QUICK)
    wanted = backpass.fit(NUMBERS, ["price", "rent"], **QUICK)
    np.testing.assert_array_equal(model.predict(data), wanted.predict(NUMBERS))
    assert model.evaluate(data) == wanted.evaluate(NUMBERS)


@pytest.mark.parametrize(
    ("target", "settings", "error", "text"),
    [
        (["price", "hot"], {}, UsageError, "'price' holds numbers, 'hot' holds 2 classes"),
        (["price", "grade"], {}, UsageError, "several targets must all be numeric, or all have two classes"),
        (["grade", "status"], {}, UsageError, "'grade' holds 3 classes, 'status' holds 2 classes"),
        (["price", "price"], {}, UsageError, "target names 'price' twice"),
        ([], {}, UsageError, "target must be the name of a column, or a list of names"),
        ([1.5, 2], {}, UsageError, "target must be the name of a column, or a list of names"),
        (np.arange(3), {}, UsageError, "got a value of type ndarray"),
        (["price", "nowhere"], {}, DataError, "target column 'nowhere' not found"),
        (["price", "rent"], {"group": "rent"}, UsageError, "group 'rent' is the target"),
        (["price", "rent"], {"metric": "roc_auc"}, UsageError, "metric 'roc_auc' does not work with target"),
        (["hot", "status"], {"positive": "late"}, UsageError, "positive: only for a single classification target"),
        (["hot", "status"], {"threshold": 0.2}, UsageError, "threshold: only for a single classification target"),
        (
            ["hot", "status"],
            {"class_weight": "balanced"},
            UsageError,
            "class_weight: only for a single classification target",
        ),
    ],
)
def test_targets_that_cannot_be_predicted_together(
    target: Any, settings: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        backpass.fit(frame(), target, **{**QUICK, **settings})


def test_a_target_is_no_weight() -> None:
    with pytest.raises(UsageError, match="is the weight column"):
        backpass.fit(frame(), ["price", "rent"], weight="rent", **QUICK)


def test_the_example_of_the_page_runs() -> None:
    page = Path(__file__).parents[2] / "docs" / "how-to" / "targets.md"
    (program,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.S)
    names: dict[str, Any] = {}
    exec(compile(program, page.name, "exec"), names)
    assert names["model"].targets == ("price", "rent")
    assert names["model"].predict(names["rows"]).shape == (60, 2)

"""Columns of other codes than at fit: a warning through every door; booleans, 0 and 1 are the same values."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from backpass import BackpassRegressor, BackpassWarning, Model, fit, load
from backpass.errors import DataError
from sample_tables import csv_file, parquet_file

ROWS = 60
FLAGS = np.random.default_rng(5).random(ROWS) > 0.5
SIZES = np.random.default_rng(6).normal(0.0, 1.0, ROWS)
PRICES = 3.0 * FLAGS + SIZES
CODES = np.where(FLAGS, "a", "b")
Door = Callable[[dict[str, Any], Path], Any]


def json_rows(columns: dict[str, Any], path: Path) -> Any:
    plain = {name: np.asarray(values).tolist() for name, values in columns.items()}
    rows = [dict(zip(plain, row, strict=True)) for row in zip(*plain.values(), strict=True)]
    (path / "t.json").write_text(json.dumps(rows))
    return path / "t.json"


def records(columns: dict[str, Any], path: Path) -> Any:
    return np.rec.fromarrays([np.asarray(values) for values in columns.values()], names=list(columns))


DOORS: dict[str, Door] = {
    "csv": csv_file,
    "parquet": parquet_file,
    "json": json_rows,
    "structured array": records,
    "dict of arrays": lambda columns, path: columns,
    "pandas": lambda columns, path: pd.DataFrame(columns),
    "polars": lambda columns, path: pl.DataFrame(columns),
    "pyarrow": lambda columns, path: pa.table(columns),
}
FORMS: dict[str, Any] = {
    "booleans": FLAGS,
    "integers": FLAGS.astype(int),
    "floats": FLAGS.astype(float),
    "digits": FLAGS.astype(int).astype(str),
    "digits with a fraction": FLAGS.astype(float).astype(str),
    "True and False": FLAGS.astype(str),
}


def columns_with(flags: Any, **others: Any) -> dict[str, Any]:
    return {"flag": flags, "size": SIZES, "price": PRICES, **others}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Model]:
    """A model per form of the flags at fit, each saved and loaded."""
    path, found = tmp_path_factory.mktemp("models"), {}
    for name in ("booleans", "integers", "floats", "digits"):
        fit(columns_with(FORMS[name]), "price", hidden=[4], epochs=3).save(path / "m.backpass")
        found[name] = load(path / "m.backpass")
    return found


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("fitted", ["booleans", "integers", "floats", "digits"])
def test_booleans_and_0_and_1_are_the_same(
    models: dict[str, Model], fitted: str, form: str, door: str, tmp_path: Path
) -> None:
    expected = models[fitted].predict(columns_with(FORMS[fitted]))
    new = DOORS[door](columns_with(FORMS[form]), tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(models[fitted].predict(new), expected)


def test_a_number_beside_0_and_1_is_no_boolean(models: dict[str, Model]) -> None:
    with pytest.raises(DataError, match="column 'size': 0 numbers, 60 other values"):
        models["integers"].predict({**columns_with(FLAGS), "size": FLAGS})
    new = columns_with(FLAGS)
    assert models["integers"].predictions(models["integers"].table(new)).notes == ()
    assert "column 'flag': 'false' is read as 0, 'true' is read as 1" in models["integers"].table(new).notes


@pytest.mark.parametrize("fitted", [FLAGS, FLAGS.astype(int), CODES, FLAGS.astype(int).astype(str)])
def test_classes_of_0_and_1_are_booleans_too(fitted: Any, tmp_path: Path) -> None:
    model = fit({"size": PRICES, "sold": fitted}, "sold", hidden=[4], epochs=3)
    expected = model.evaluate({"size": PRICES, "sold": fitted})
    for form in FORMS.values() if fitted is not CODES else ():
        for door in DOORS.values():
            assert model.evaluate(door({"size": PRICES, "sold": form}, tmp_path)) == expected
    if fitted is CODES:
        with pytest.raises(DataError, match="class 'false' of target 'sold' is not known to the model"):
            model.evaluate({"size": PRICES, "sold": FLAGS})


@pytest.fixture(scope="module")
def coded() -> Model:
    return fit(columns_with(CODES), "price", hidden=[4], epochs=3, validation_fraction=0.2)


UPPER = "column 'flag': the model knows none of the values ('A', 'B'; 60 rows); it was fitted on 'a', 'b'"


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("method", ["predict", "predict_interval", "predict_quantiles", "features", "evaluate"])
def test_a_column_of_unknown_codes_is_a_warning(coded: Model, method: str, door: str, tmp_path: Path) -> None:
    new = DOORS[door](columns_with(np.char.upper(CODES)), tmp_path)
    with pytest.warns(BackpassWarning) as caught:
        getattr(coded, method)(new, **({"level": 0.5} if method == "predict_interval" else {}))
    assert str(caught[0].message).startswith(UPPER)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("place", ["first", "last", "between"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("unknown", ["A", "\u0430", "a1", "1", "1.5", "true", "2024-01-31", "other town"])
def test_the_share_of_unknown_codes_decides_between_note_and_warning(
    coded: Model, unknown: str, share: float, place: str
) -> None:
    """Another case, script, number, date or word: up to nine tenths are a note with its share, from there a warning."""
    count = round(share * ROWS)
    start = {"first": 0, "last": ROWS - count, "between": (ROWS - count) // 2}[place]
    codes = np.where((np.arange(ROWS) >= start) & (np.arange(ROWS) < start + count), unknown, CODES)
    found = coded.predictions(coded.table(columns_with(codes)))
    told = [*found.notes, *found.warnings]
    if share < 0.9:
        rows = f"{count} rows" + (" (50%)" if share == 0.5 else "")
        assert told == [f"column 'flag': {rows} with a category that the model does not know"]
    else:
        known = "none" if share == 1.0 else "only 10%"
        assert any(text.startswith(f"column 'flag': the model knows {known} of the values") for text in told), told


@pytest.mark.parametrize("codes", [FLAGS, FLAGS.astype(int), np.where(FLAGS, "x", "y"), np.where(FLAGS, 1.5, 2.5)])
def test_other_codes_are_a_warning(coded: Model, codes: Any) -> None:
    with pytest.warns(BackpassWarning, match="column 'flag': the model knows none of the values"):
        coded.predict(columns_with(codes))


def test_some_unknown_or_missing_values_are_none(coded: Model) -> None:
    some = CODES.copy()
    some[:20] = "x"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        coded.predict(columns_with(some))
        coded.predict(columns_with(["a", *[None] * (ROWS - 1)]))
        coded.predict({"flag": [None], "size": [0.5]})
    assert coded.predictions(coded.table(columns_with(some))).notes == (
        "column 'flag': 20 rows (33%) with a category that the model does not know",
    )


@pytest.mark.parametrize("door", [name for name in DOORS if name != "structured array"])
@pytest.mark.parametrize("name", ["flag", "size"])
def test_a_column_without_values_is_a_warning(coded: Model, name: str, door: str, tmp_path: Path) -> None:
    new = DOORS[door]({**columns_with(CODES), name: [None] * ROWS}, tmp_path)
    with pytest.warns(BackpassWarning, match=f"column '{name}': no value in 60 rows; in the training rows, none was"):
        coded.predict(new)


def test_a_column_with_gaps_at_fit_may_lack_all_values() -> None:
    days = np.datetime64("2024-01-01") + np.arange(ROWS).astype("timedelta64[D]")
    gaps = {"flag": [None, *CODES[1:]], "size": [None, *SIZES[1:]], "day": [None, *days[1:]], "price": PRICES}
    whole = {"flag": CODES, "size": SIZES, "day": days, "price": PRICES}
    empty = {name: [None, None] for name in ("flag", "size", "day")}
    found = {}
    for title, data in (("gaps", gaps), ("whole", whole)):
        model = fit(data, "price", hidden=[4], epochs=3)
        found[title] = model.predictions(model.table(empty)).warnings
    assert found["gaps"] == ()
    assert [text.split(":")[0] for text in found["whole"]] == ["column 'flag'", "column 'size'", "column 'day'"]


def test_probabilities_warn_too() -> None:
    model = fit({"code": CODES, "size": SIZES, "sold": FLAGS}, "sold", hidden=[4], epochs=3)
    with pytest.warns(BackpassWarning, match="column 'code': the model knows none of the values"):
        model.predict_proba({"code": np.char.upper(CODES), "size": SIZES})


def test_estimators_warn_and_take_equal_values() -> None:
    table = pd.DataFrame({"flag": FLAGS, "code": CODES, "size": SIZES})
    estimator = BackpassRegressor(hidden_layer_sizes=(4,), epochs=3).fit(table, PRICES)
    numbers = BackpassRegressor(hidden_layer_sizes=(4,), epochs=3).fit(table.assign(flag=FLAGS.astype(int)), PRICES)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected = estimator.predict(table)
        assert np.array_equal(estimator.predict(table.assign(flag=FLAGS.astype(int))), expected)
        assert np.array_equal(numbers.predict(table), numbers.predict(table.assign(flag=FLAGS.astype(float))))
    for method in (estimator.predict, estimator.transform, lambda X: estimator.score(X, PRICES)):
        with pytest.warns(BackpassWarning, match="column 'code': the model knows none of the values"):
            method(table.assign(code=np.char.upper(CODES)))


SPELLED = np.where(FLAGS, "very good", "bad")
VARIANTS = ["very  good", "very\u00a0good", "very good\u00a0", "\u2009very good"]


@pytest.mark.parametrize("door", [name for name in DOORS if name != "structured array"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_spaces_are_no_other_category(door: str, variant: str, spelled: Model, tmp_path: Path) -> None:
    expected = spelled.predict(columns_with(SPELLED))
    new = DOORS[door](columns_with(np.where(FLAGS, variant, "bad")), tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(spelled.predict(new), expected)


@pytest.fixture(scope="module")
def spelled() -> Model:
    texts = SPELLED.copy().astype(object)
    texts[np.flatnonzero(FLAGS)[:5]] = "very \u00a0good"
    return fit(columns_with(texts), "price", hidden=[4], epochs=3)


def test_merged_spellings_are_said_once_and_are_the_same_model(spelled: Model) -> None:
    plain = fit(columns_with(SPELLED), "price", hidden=[4], epochs=3)
    assert np.array_equal(plain.theta, spelled.theta)
    said = [note for note in spelled.record.notes if "spaces" in note]
    assert said == [
        "column 'flag': 'very \\xa0good' (5 rows) counts as 'very good': they differ only in spaces; "
        "--keep-spaces keeps them apart"
    ]


def test_classes_are_merged_and_evaluated_in_any_spelling() -> None:
    texts = SPELLED.copy().astype(object)
    texts[np.flatnonzero(FLAGS)[:5]] = "very  good"
    data = {"size": PRICES, "sold": texts}
    model = fit(data, "sold", hidden=[4], epochs=3)
    assert model.classes == ("bad", "very good")
    assert model.evaluate(data) == model.evaluate({"size": PRICES, "sold": SPELLED})


def test_spellings_kept_at_fit_stay_apart_at_prediction() -> None:
    texts = SPELLED.copy().astype(object)
    texts[np.flatnonzero(FLAGS)[:9]] = "very  good"
    model = fit(columns_with(texts), "price", hidden=[4], epochs=3, reading={"merge_spaces": False})
    assert model.schema.texts[0].levels == ("bad", "very  good", "very good")
    assert model.schema.encode(model.table(columns_with(texts))).codes[np.flatnonzero(FLAGS)[:9], 0].tolist() == [2] * 9


def test_case_is_named_when_fitting() -> None:
    texts = np.where(SIZES > 0, np.char.upper(CODES), CODES)
    model = fit(columns_with(texts), "price", hidden=[4], epochs=3)
    assert any("column 'flag': strings that differ only in case" in note for note in model.record.notes)


@pytest.mark.parametrize("door", DOORS)
def test_case_merged_at_fit_is_merged_at_prediction(door: str, tmp_path: Path) -> None:
    texts = np.where(SIZES > 0, np.char.upper(CODES), CODES)
    model = fit(columns_with(texts), "price", hidden=[4], epochs=3, reading={"merge_case": True})
    assert len(model.schema.texts[0].levels) == len(set(CODES.tolist()))
    model.save(tmp_path / "m.backpass")
    again = load(tmp_path / "m.backpass")
    expected = model.predict(columns_with(CODES))
    for variant in (np.char.upper(CODES), np.char.lower(CODES), np.char.title(CODES)):
        assert np.array_equal(again.predict(DOORS[door](columns_with(variant), tmp_path)), expected)
    apart = fit(columns_with(texts), "price", hidden=[4], epochs=3)
    assert len(apart.schema.texts[0].levels) > len(model.schema.texts[0].levels)


def test_classes_in_any_case_are_one_on_request(tmp_path: Path) -> None:
    texts = np.where(FLAGS, np.where(SIZES > 0, "YES", "yes"), "No")
    model = fit({"size": PRICES, "sold": texts}, "sold", hidden=[4], epochs=3, reading={"merge_case": True})
    assert len(model.classes) == 2
    model.save(tmp_path / "m.backpass")
    again = load(tmp_path / "m.backpass")
    scores = [again.evaluate({"size": PRICES, "sold": each}) for each in (texts, np.char.upper(texts))]
    assert scores[0] == scores[1]

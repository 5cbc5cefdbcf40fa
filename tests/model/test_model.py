"""The model: the same predictions from any table, the same bytes from the same fit, and nothing strange accepted."""

from __future__ import annotations

import copy
import csv
import gzip
import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backpass.errors import DataError, ModelFileError, UsageError
from backpass.model import Model, fit, from_bytes, load
from backpass.model.file.container import pack, unpack
from backpass.model.metrics import ScoringOptions, all_metrics, scores
from backpass.model.settings.declarations import SETTINGS
from backpass.table import table_from

Columns = dict[str, list[Any]]
TASKS = {"price": "regression", "sold": "binary", "grade": "multiclass"}
WIRES = (("building", ("size", "heating")), ("place", ("town",)))


@pytest.fixture(params=TASKS)
def target(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def columns(target: str, table_with: Callable[..., Columns]) -> Columns:
    return table_with(target)


@pytest.fixture
def model(target: str, columns: Columns, quick: dict[str, Any]) -> Model:
    return fit(columns, target, **quick)


@pytest.fixture
def price(houses: Columns, quick: dict[str, Any]) -> Model:
    return fit(houses, "price", **quick)


@pytest.fixture
def sold(table_with: Callable[..., Columns], quick: dict[str, Any]) -> Model:
    return fit(table_with("sold"), "sold", **quick)


def without(columns: Columns, *names: str) -> Columns:
    return {name: values for name, values in columns.items() if name not in names}


def written(columns: Columns, path: Path) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


# Predicting


def test_any_table_gives_the_same_predictions(model: Model, columns: Columns, target: str, tmp_path: Path) -> None:
    import pandas
    import polars

    rows = without(columns, target)
    expected = model.predict(rows)
    path = written(rows, tmp_path / "rows.csv")
    for table in (pandas.DataFrame(rows), polars.DataFrame(rows), table_from(rows), path, str(path)):
        np.testing.assert_array_equal(model.predict(table), expected)
    assert expected.shape == (120,)
    assert (expected.dtype == np.float64) == (target == "price")


def test_an_array_has_the_columns_of_the_model_in_their_order(model: Model, columns: Columns) -> None:
    names = list(model.kinds())
    array = np.array([columns[name] for name in names], dtype=object).T
    np.testing.assert_array_equal(model.predict(array), model.predict(columns))
    for wrong in (array[:, :-1], array[0]):
        with pytest.raises(DataError, match=r"an array of rows for this model has shape \(n, 4\); got") as caught:
            model.predict(wrong)
        assert caught.value.hint == "its columns are, in this order: 'size', 'age', 'town', 'heating'"


def test_arrays_of_numbers(houses: Columns, quick: dict[str, Any]) -> None:
    numbers = {name: houses[name] for name in ("age", "price")}
    model = fit({**numbers, "half": [value / 2 for value in houses["age"]]}, "price", **quick)
    X = np.array(houses["age"])[:, None] * np.array([1.0, 0.5])
    expected = model.predict({"age": X[:, 0], "half": X[:, 1]})
    for array in (X, X[:, ::-1][:, ::-1], np.asfortranarray(X), X.astype(">f8"), X.astype(object)):
        np.testing.assert_array_equal(model.predict(array), expected)


def test_columns_are_matched_by_name_and_others_ignored_with_a_note(price: Model, houses: Columns) -> None:
    expected = price.predict(houses)
    mixed = {"colour": ["red"] * 120, **{name: houses[name] for name in reversed(houses)}, "floor": [1] * 120}
    predictions = price.predictions(price.table(mixed))
    np.testing.assert_array_equal(predictions.values, expected)
    assert predictions.notes == ("2 columns not in the model, ignored: 'colour', 'floor'",)


def test_columns_known_but_unused_need_no_note(price: Model, houses: Columns) -> None:
    assert price.predictions(price.table(houses)).notes == ()


def test_all_missing_columns_are_named_with_what_may_be_meant(price: Model, houses: Columns, tmp_path: Path) -> None:
    renamed = {{"age": "aeg", "town": "Town"}.get(name, name): values for name, values in houses.items()}
    for data in (renamed, written(renamed, tmp_path / "t.csv")):
        with pytest.raises(DataError) as caught:
            price.predict(data)
        text = str(caught.value)
        assert "column 'age' is in the model but not in the table (did you mean 'aeg'?)" in text
        assert "column 'town' is in the model but not in the table (did you mean 'Town'?)" in text


def test_a_column_of_another_kind_is_refused(price: Model, houses: Columns) -> None:
    with pytest.raises(DataError, match="'age'"):
        price.predict({**houses, "age": ["old"] * 120})


def test_texts_never_seen_are_counted(price: Model, houses: Columns) -> None:
    houses["town"][:3] = ["atlantis", "eldorado", "atlantis"]
    predictions = price.predictions(price.table(houses))
    assert predictions.notes == ("column 'town': 3 rows with a category that the model does not know",)
    assert np.isfinite(predictions.values).all()


def test_a_column_without_any_value_is_missing_everywhere(price: Model, houses: Columns) -> None:
    assert np.isfinite(price.predict({**houses, "age": [None] * 120, "town": [None] * 120})).all()


def test_a_model_is_shown_in_one_line(price: Model) -> None:
    from dataclasses import replace

    sizes = " -> ".join(map(str, [price.network.inputs, *price.network.widths]))
    assert repr(price) == f"Model(target 'price', regression, {len(price.schema.features)} columns, network {sizes})"
    assert repr(replace(price, theta=price.theta[None])) == repr(price), "an ensemble of which one network is left"


def test_an_ensemble_is_shown_in_one_line(houses: Columns, quick: dict[str, Any]) -> None:
    assert ", 2 networks " in repr(fit(houses, "price", **{**quick, "ensemble_size": 2}))


def test_one_row_of_a_structured_array(quick: dict[str, Any]) -> None:
    rows = np.array([(1.0, "a", 2.0), (2.0, "b", 3.0), (3.0, "a", 5.0)], [("x", "f8"), ("t", "U1"), ("y", "f8")])
    model = fit(rows, "y", **quick)
    assert np.array_equal(model.predict(rows), model.predict({name: rows[name].tolist() for name in ("x", "t")}))
    assert set(model.evaluate(rows)) == set(all_metrics("squared"))


def test_one_row(model: Model, columns: Columns) -> None:
    one = model.predict({name: values[5:6] for name, values in columns.items()})
    if model.classes:
        assert one[0] == model.predict(columns)[5]
    else:
        np.testing.assert_allclose(one[0], model.predict(columns)[5], rtol=1e-6)


def test_probabilities(model: Model, columns: Columns, target: str) -> None:
    if target == "price":
        with pytest.raises(UsageError, match="target 'price' is a number; only classes have probabilities"):
            model.predict_proba(columns)
        assert model.classes == ()
        return
    p = model.predict_proba(columns)
    assert model.classes == {"sold": ("no", "yes"), "grade": ("a", "b", "c")}[target]
    assert p.shape == (120, len(model.classes))
    assert (p >= 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1.0, atol=1e-6)
    np.testing.assert_array_equal(np.array(model.classes)[p.argmax(axis=1)], model.predict(columns))


# Evaluating


def test_evaluate_is_the_metrics_of_predict(model: Model, columns: Columns, target: str) -> None:
    if target == "price":
        expected = scores(all_metrics("squared"), model.predict(columns), np.array(columns[target]))
    else:
        codes = np.array([model.classes.index(value) for value in columns[target]])
        options = ScoringOptions(positive=model.head.positive)
        expected = scores(all_metrics("cross_entropy"), model.predict_proba(columns), codes, options=options)
    found = model.evaluate(columns)
    if target == "price":
        low, high = model.predict_interval(columns, 0.9).T
        y = np.array(columns[target])
        assert found.pop("coverage_90") == pytest.approx(np.mean((low <= y) & (y <= high)))
        assert 0.0 < found.pop("crps") < found["mae"]  # the CRPS of the prediction alone is the MAE
    assert found == expected


def test_evaluate_needs_the_target(price: Model, houses: Columns) -> None:
    with pytest.raises(DataError, match="target column 'price' not found"):
        price.evaluate(without(houses, "price"))


def test_the_record_agrees_with_evaluate(houses: Columns, quick: dict[str, Any]) -> None:
    test = {name: values[:30] for name, values in houses.items()}
    model = fit(houses, "price", test=test, **quick)
    found = model.evaluate(test)
    del found["crps"]
    assert found == pytest.approx(model.record.scores_at_fit, rel=1e-12)


# Features, CS229 eq. (2.21)


@pytest.mark.parametrize("settings", [{}, {"hidden": ()}, {"wire": WIRES, "hidden": ()}], ids=["deep", "flat", "wired"])
def test_a_linear_model_on_the_features_is_the_network(
    columns: Columns, target: str, settings: dict[str, Any], quick: dict[str, Any]
) -> None:
    model = fit(columns, target, **{**quick, **settings, "precision": "float64"})
    a = model.features(columns)
    o = model.outputs(model.table(columns))
    views = model.network.layout.views(model.theta)
    last = len(model.network.widths)
    np.testing.assert_allclose(a @ views[f"W{last}"] + views[f"b{last}"], o, rtol=1e-9, atol=1e-12)
    fitted = np.linalg.lstsq(np.column_stack([a, np.ones(len(a))]), o, rcond=None)[0]
    np.testing.assert_allclose(np.column_stack([a, np.ones(len(a))]) @ fitted, o, rtol=1e-7, atol=1e-9)


# Files


def test_a_file_gives_back_the_same_model(model: Model, columns: Columns, tmp_path: Path) -> None:
    path = tmp_path / "m.backpass"
    model.save(path)
    again = load(path)
    np.testing.assert_array_equal(again.predict(columns), model.predict(columns))
    np.testing.assert_array_equal(again.outputs(again.table(columns)), model.outputs(model.table(columns)))
    assert again.to_bytes() == model.to_bytes() == path.read_bytes()
    assert again.history == model.history
    assert again.record.to_json() == json.loads(json.dumps(model.record.to_json()))
    assert (again.target, again.classes, again.input_names) == (model.target, model.classes, model.input_names)
    assert again.kinds() == model.kinds()


@pytest.mark.parametrize(
    "settings",
    [
        {"hidden": ()},
        {"hidden": (3, 2), "dropout": 0.0, "activation": "gelu", "output_activation": "relu"},
        {"wire": WIRES},
        {"loss": "quantile", "quantile": 0.9},
        {"loss": "huber", "huber_delta": 2.0},
        {"precision": "float64", "validation_fraction": 0.0, "test_fraction": 0.0},
    ],
)
def test_every_sort_of_model_goes_into_a_file(houses: Columns, quick: dict[str, Any], settings: dict[str, Any]) -> None:
    model = fit(houses, "price", **{**quick, **settings})
    again = from_bytes(model.to_bytes())
    assert again.to_bytes() == model.to_bytes()
    np.testing.assert_array_equal(again.predict(houses), model.predict(houses))


PROGRAM = """
import json, sys
from backpass import fit
columns = json.load(open(sys.argv[1]))
model = fit(columns, "grade", hidden=(8,), epochs=2, batch_size=16)
sys.stdout.buffer.write(model.to_bytes())
"""


def test_processes_agree_on_every_byte(table_with: Callable[..., Columns], tmp_path: Path) -> None:
    columns = table_with("grade")
    path = tmp_path / "columns.json"
    path.write_text(json.dumps(columns))
    found = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM, str(path)],
            capture_output=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    ]
    assert found[0] == found[1] == fit(columns, "grade", hidden=(8,), epochs=2, batch_size=16).to_bytes()


def test_a_file_tells_nothing_of_where_and_when_it_was_made(
    houses: Columns, quick: dict[str, Any], tmp_path: Path
) -> None:
    import datetime
    import getpass
    import socket

    folder = tmp_path / "a folder of mine"
    folder.mkdir()
    data = fit(written(houses, folder / "mine.csv"), "price", checkpoint=folder / "c.backpass", **quick).to_bytes()
    now = datetime.datetime.now()
    secrets = [str(tmp_path), "a folder of mine", "mine.csv", ".csv", "c.backpass", os.getcwd(), sys.prefix]
    secrets += [socket.gethostname(), getpass.getuser(), sys.platform, np.__version__]
    secrets += [now.strftime("%Y-%m"), now.strftime("%H:%M"), str(int(now.timestamp()))[:7]]
    # The header is where texts can stand; the numbers behind it may spell anything.
    header = data[8 : 8 + int.from_bytes(data[:8], "little")].decode()
    assert [secret for secret in secrets if re.search(rf"(?<!\w){re.escape(secret)}(?!\w)", header)] == []


def test_the_engine_is_not_in_the_file(price: Model) -> None:
    assert price.engine == "auto"
    assert b"numpy" not in price.to_bytes()
    assert b"native" not in price.to_bytes()


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="there is no such file"):
        load(tmp_path / "m.backpass")


def test_real_files_of_others_are_refused_by_name(price: Model, houses: Columns, tmp_path: Path) -> None:
    """As their own libraries write them."""
    joblib, pandas = pytest.importorskip("joblib"), pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    frame = pandas.DataFrame({name: houses[name] for name in ("age", "price")})
    frame.to_parquet(tmp_path / "table.parquet")
    frame.to_feather(tmp_path / "table.arrow")
    frame.to_csv(tmp_path / "table.csv", index=False)
    frame.to_pickle(tmp_path / "frame.pickle")
    joblib.dump(price, tmp_path / "plain.joblib")
    joblib.dump(price, tmp_path / "compressed.joblib", compress=3)
    (tmp_path / "model.backpass.gz").write_bytes(gzip.compress(price.to_bytes()))
    np.savez(tmp_path / "theta.npz", theta=price.theta)
    expected = {
        "table.parquet": "a Parquet table",
        "table.arrow": "an Arrow (Feather) table",
        "table.csv": "a text file (a table, or JSON?)",
        "frame.pickle": "a pickle (joblib?), which can run code",
        "plain.joblib": "a pickle (joblib?), which can run code",
        "compressed.joblib": "a zlib stream (joblib?)",
        "model.backpass.gz": "a gzip archive",
        "theta.npz": "a NumPy .npz archive (zip)",
    }
    if importlib.util.find_spec("onnx") is not None:
        (tmp_path / "model.onnx").write_bytes(price.to_onnx())
        expected["model.onnx"] = "a protobuf message (an ONNX model?)"
    for name, words in expected.items():
        with pytest.raises(ModelFileError) as caught:
            load(tmp_path / name)
        assert caught.value.message == f"{tmp_path / name} is not a Backpass file: it is {words}"


def test_weights_that_are_not_finite_are_refused(price: Model) -> None:
    from dataclasses import replace

    for wrong in (np.nan, np.inf):
        theta = price.theta.copy()
        theta[3] = wrong
        with pytest.raises(ModelFileError, match=r"1 of .* numbers in 'theta' that are not finite"):
            replace(price, theta=theta).to_bytes()


# Hostile facts: right digest, wrong content

REPLACEMENTS = (None, True, -1, 1.5, "os.system", [], {"a": 1}, 10**18, 1e300)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every entry of the facts."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


def parent(facts: Any, path: tuple[Any, ...]) -> Any:
    for key in path[:-1]:
        facts = facts[key]
    return facts


@pytest.fixture
def opened(model: Model) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    return unpack(model.to_bytes(), "model", "m")


def pattern(path: tuple[Any, ...]) -> tuple[Any, ...]:
    """The path without the places in lists."""
    return tuple("#" if isinstance(key, int) else key for key in path)


@pytest.fixture
def entries(target: str, opened: Any, price: Model) -> list[tuple[Any, ...]]:
    """The entries of the facts to change: of a list of alike things the first and the last.

    What every task has is changed in the model of the first task alone.
    """
    known = (
        set() if target == "price" else {pattern(path) for path in places(unpack(price.to_bytes(), "model", "m")[0])}
    )
    alike: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
    for path in places(opened[0]):
        if path[0] == "head" or pattern(path) not in known:
            alike.setdefault(pattern(path), []).append(path)
    return [path for paths in alike.values() for path in dict.fromkeys((paths[0], paths[-1]))]


def test_what_is_not_changed_is_like_what_is(target: str, opened: Any, price: Model, entries: list[Any]) -> None:
    """An entry of the same name, in this model or in that of the first task."""
    of_price = places(unpack(price.to_bytes(), "model", "m")[0]) if target != "price" else ()
    changed = {pattern(path) for path in (*entries, *of_price)}
    assert [path for path in places(opened[0]) if pattern(path) not in changed] == []
    assert len(entries) > (200 if target == "price" else 20)


def model_of(facts: Any, arrays: Any) -> Model | None:
    """The model, or None when it is refused as it should be; any other error fails the test."""
    data = pack("model", facts, arrays)
    try:
        return from_bytes(data, "m")
    except ModelFileError:
        return None


def sort_of(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return str(type(value))
    return "numeric" if isinstance(value, int | float) else str(type(value))


def test_every_entry_that_is_deleted_is_missed(opened: Any, columns: Columns, entries: list[tuple[Any, ...]]) -> None:
    facts, arrays = opened
    loaded = []
    for path in entries:
        changed = copy.deepcopy(facts)
        del parent(changed, path)[path[-1]]
        model = model_of(changed, arrays)
        if model is not None:
            assert len(model.predict(columns)) == 120
            assert len(model.to_bytes()) > 0
            loaded.append(".".join(map(str, path)))
    # Remarks, epochs of the history and whole baselines can be spared, and what only training needed; nothing else.
    spared = r"(schema|record|head\.target)\.(notes|left_out|missing)\.\d+|record\.(history\.\d+|baselines\.\w+)"
    spared += r"|network\.layers\.1|record\.settings\.hidden\.0"
    # What the first files lack means what it meant then.
    spared += r"|head\.(low|high|metric)|features\.coding|record\.(members|columns|comparison|warnings|warnings\.\d+)"
    # Only the metric that selects the epoch must be there.
    spared += r"|record\.(scores|baselines\.\w+)\.\w+\.(?!rmse|log_loss)\w+"
    spared += r"|head\.decision|record\.(coverage|confusion(\.\w+)?)"
    spared += rf"|record\.settings\.({'|'.join(setting.name for setting in SETTINGS if setting.since > 1)})"
    assert [path for path in loaded if not re.fullmatch(spared, path)] == []


def test_every_entry_of_another_type_is_refused(opened: Any, entries: list[tuple[Any, ...]]) -> None:
    facts, arrays = opened
    loaded = []
    for path in entries:
        for value in REPLACEMENTS:
            changed = copy.deepcopy(facts)
            before = parent(changed, path)[path[-1]]
            parent(changed, path)[path[-1]] = value
            if model_of(changed, arrays) is not None and sort_of(before) != sort_of(value):
                loaded.append((".".join(map(str, path)), value))
    # A setting whose default is None may be None, and an epoch may have no score.
    optional = {setting.name for setting in SETTINGS if setting.default is None} | {"score", "low", "high"}
    assert [(path, value) for path, value in loaded if path.rpartition(".")[2] not in optional] == []


def with_changes(facts: Any, changes: dict[str, Any]) -> Any:
    facts = copy.deepcopy(facts)
    for path, value in changes.items():
        keys = [int(key) if key.isdigit() else key for key in path.split(".")] if path[0] != "." else [path]
        parent(facts, tuple(keys))[keys[-1]] = value
    return facts


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"network.layers.0.activation": "os.system"}, r"activation must be one of relu, .*; got 'os.system'"),
        ({"network.layers.0.kind": "__import__('os').system('id')"}, "kind must be one of"),
        ({"network.layers.0.units": -8}, "units"),
        ({"network.layers.0.units": 0}, "units"),
        ({"network.layers.0.units": 2**63}, "sizes of theta differ"),
        ({"network.layers.0.units": 9}, "sizes of theta differ"),
        ({"network.layers": []}, "at least one layer"),
        ({"network.inputs": 3}, "sizes of theta differ"),
        ({"network.inputs": -3}, "inputs must be a whole number"),
        ({"network.layers.1.rate": 1.0}, "rate"),
        ({"network.layers.1": {"kind": "lambda", "code": "x"}}, "layers"),
        ({"head.loss": "poisson"}, "parts and the scores differ"),
        ({"head.loss": "cross_entropy"}, "loss and the task differ"),
        ({"head.loss": "builtins.eval"}, "loss must be one of"),
        ({"head.options": {"q": 0.5}}, "options of the loss"),
        ({"head.scale": -1.0}, "scale must be a number"),
        ({"head.target.task": "multiclass"}, "tasks differ"),
        ({"head.target.classes": ["a", "b"]}, "tasks differ"),
        ({"head.target.classes": ["a", "a"]}, "classes differ"),
        ({"head.target.name": "age"}, "names of the target differ"),
        ({"schema.target": "age", "head.target.name": "age"}, "names and columns differ"),
        ({"schema.features.0.name": "age"}, "names and columns differ"),
        ({"schema.features.0.kind": "categorical"}, "levels"),
        ({"schema.features.2.levels": []}, "inputs of the network differ"),
        ({"features.has_missing": [True]}, "numbers of centers, scales and columns differ"),
        ({"record.settings.activation": "os.system"}, "activation must be one of"),
        ({"record.settings.precision": "float64"}, "dtypes of theta differ"),
        ({"record.best_epoch": 99}, "epochs and the best one"),
        ({"record.reason": "magic"}, "reason must be one of"),
        ({"record.scores.validation": {}}, "parts and the scores differ"),
        ({"extra": 1}, "unexpected 'extra'"),
        ({"../../x": 1}, "unexpected '../../x'"),
    ],
    ids=lambda value: str(value)[:50] if isinstance(value, dict) else "",
)
def test_planted_facts(price: Model, changes: dict[str, Any], reason: str) -> None:
    facts, arrays = unpack(price.to_bytes(), "model", "m")
    with pytest.raises(ModelFileError) as caught:
        from_bytes(pack("model", with_changes(facts, changes), arrays))
    assert re.search(reason, str(caught.value)), str(caught.value)


@pytest.fixture
def several(houses: Columns) -> Model:
    """Two quantiles of one target."""
    kind = pytest.importorskip("backpass.estimators").BackpassRegressor
    age = np.array(houses["age"], dtype=float)[:, None]
    fitted = kind((4,), epochs=2, loss="quantile", quantile=(0.1, 0.9)).fit(age, houses["price"])
    return fitted.model_  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"head.heads.1.options.q": 1.5}, "quantile and its range differ"),
        ({"head.heads.1.options": {}}, "options of the loss and its name differ"),
        ({"head.heads.1.target.classes": ["a", "b"]}, "tasks differ"),
        ({"head.heads.1.target.task": "binary"}, "tasks differ"),
        ({"head.heads.1.target.name": "x0"}, "names and columns differ"),
        ({"head.heads.0.options.q": 0.2}, "options of the loss and the settings differ"),
        ({"head.heads.1.loss": "os.system"}, "loss must be one of"),
        ({"head.heads.1.scale": -1.0}, "scale must be a number"),
        ({"head.heads": []}, "several outputs need one loss by name"),
        ({"head.loss": "squared"}, "several outputs need one loss by name"),
        ({"head.loss": "backpass.fit"}, "loss must be one of"),
    ],
    ids=lambda value: str(value)[:50] if isinstance(value, dict) else "",
)
def test_planted_facts_of_several_outputs(several: Model, changes: dict[str, Any], reason: str) -> None:
    facts, arrays = unpack(several.to_bytes(), "model", "m")
    assert from_bytes(pack("model", facts, arrays)).labels == ("y q=0.1", "y q=0.9")
    with pytest.raises(ModelFileError) as caught:
        from_bytes(pack("model", with_changes(facts, changes), arrays))
    assert re.search(reason, str(caught.value)), str(caught.value)


def test_one_head_too_many_is_refused(several: Model) -> None:
    facts, arrays = unpack(several.to_bytes(), "model", "m")
    facts["head"]["heads"].append(facts["head"]["heads"][1])
    with pytest.raises(ModelFileError, match="outputs of the network differ"):
        from_bytes(pack("model", facts, arrays))


def test_wires_that_lead_nowhere_are_refused(houses: Columns, quick: dict[str, Any]) -> None:
    facts, arrays = unpack(fit(houses, "price", **{**quick, "wire": WIRES}).to_bytes(), "model", "m")
    for inputs in ([], [99], [0, -1], [2**63], [0.0], ["size"]):
        with pytest.raises(ModelFileError):
            from_bytes(pack("model", with_changes(facts, {"network.layers.0.units.0.inputs": inputs}), arrays))


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays: {**arrays, "theta": arrays["theta"][:-1]},
        lambda arrays: {**arrays, "theta": arrays["theta"].reshape(1, -1)},
        lambda arrays: {**arrays, "theta": arrays["theta"].astype(np.float64)},
        lambda arrays: {**arrays, "theta": arrays["theta"].astype(np.int32)},
        lambda arrays: {**arrays, "theta": np.array(1.0, np.float32)},
        lambda arrays: {**arrays, "center": arrays["center"].astype(np.float32)},
        lambda arrays: {**arrays, "center": np.array(1.0)},
        lambda arrays: {**arrays, "scale": arrays["scale"][:0]},
        lambda arrays: {**arrays, "more": arrays["scale"]},
        lambda arrays: {name: array for name, array in arrays.items() if name != "theta"},
        lambda arrays: {},
    ],
)
def test_arrays_that_do_not_fit_are_refused(price: Model, change: Any) -> None:
    facts, arrays = unpack(price.to_bytes(), "model", "m")
    with pytest.raises(ModelFileError):
        from_bytes(pack("model", facts, change(arrays)))


WATCHER = """
import json, sys
from backpass.errors import ModelFileError
from backpass.model import load
good, hostile = sys.argv[1], sys.argv[2:]
load(good)  # whatever is imported late is imported now
seen = []
FORBIDDEN = ("exec", "compile", "import", "socket", "subprocess", "os.system", "os.exec", "os.posix_spawn", "ctypes",
             "pickle", "marshal", "os.remove", "os.rename", "os.mkdir", "shutil")
def watch(event, arguments):
    writes = event == "open" and (arguments[1] is None or set(arguments[1]) & set("wax+"))
    if writes or event.startswith(FORBIDDEN):
        seen.append((event, repr(arguments)[:80]))
sys.addaudithook(watch)
refused = 0
for path in hostile:
    try:
        load(path)
    except ModelFileError:
        refused += 1
found = list(seen)
exec("1")  # the watcher must be able to see
print(json.dumps([refused, found, len(seen) > len(found)]))
"""


def test_nothing_in_a_file_is_run(price: Model, tmp_path: Path) -> None:
    import pickle

    facts, arrays = unpack(price.to_bytes(), "model", "m")
    code = f"__import__('os').system('touch {tmp_path}/pwned')"
    hostile = [
        pack("model", with_changes(facts, {place: text}), arrays)
        for place in ("network.layers.0.activation", "network.layers.0.kind", "head.loss", "record.reason")
        for text in ("os.system", code, "backpass.model.fit", "../../x", "http://localhost/x")
    ]
    hostile += [pickle.dumps({"a": 1}), price.to_bytes()[:-1], pack("checkpoint", facts, arrays), b"PK\x03\x04" * 9]
    paths = []
    for i, data in enumerate([price.to_bytes(), *hostile]):
        paths.append(tmp_path / f"{i}.backpass")
        paths[-1].write_bytes(data)
    answer = subprocess.run(
        [sys.executable, "-c", WATCHER, *map(str, paths)], stdout=subprocess.PIPE, text=True, check=True
    )
    assert json.loads(answer.stdout) == [len(hostile), [], True]
    assert not (tmp_path / "pwned").exists()

"""Grouped models: a network per group, its bits, every form of data, the file and its forgeries, every refusal."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import polars
import pyarrow
import pytest
from numpy.typing import NDArray

import backpass
from backpass import GroupedModel, Model, fit_groups
from backpass.errors import BackpassError, BackpassWarning, DataError, InterruptedTraining, ModelFileError, UsageError
from backpass.model import load
from backpass.model.file.container import pack, unpack
from backpass.model.grouped.evaluation import gathered
from backpass.model.grouped.groups import Groups, keys_of
from backpass.model.grouped.loading import from_bytes
from backpass.model.grouped.saving import KIND
from backpass.table import Encoded, Table, table_from
from backpass.table.windows import windows
from backpass.training import Callback

Data = dict[str, Any]
FAST: dict[str, Any] = {"epochs": 4, "hidden": (6,)}


def shop(sizes: dict[Any, int], *, seed: int = 0) -> Data:
    """Rows of several stores: numbers with gaps, categories, dates; the slope and the level of y differ by store."""
    parts = []
    for i, (store, n) in enumerate(sizes.items()):
        draws = np.random.default_rng([seed, i])
        x = draws.normal(size=n) * 10.0**i + i
        parts.append(
            {
                "store": [store] * n,
                "x": np.where(draws.random(n) < 0.1, np.nan, x),
                "kind": draws.choice(["new", "old", "used"], n).tolist(),
                "day": (np.datetime64("2024-01-01") + draws.integers(0, 700, n).astype("m8[D]")).tolist(),
                "y": 100.0 * i + (-1) ** i * x * 3.0 + draws.normal(size=n),
            }
        )
    return {name: [value for part in parts for value in part[name]] for name in parts[0]}


def at(data: Data, store: Any, *without: str) -> Data:
    rows = [i for i, each in enumerate(data["store"]) if each == store]
    return {name: [values[i] for i in rows] for name, values in data.items() if name not in without}


SIZES: dict[Any, int] = {"berlin": 70, "paris": 45, "rome": 33, "oslo": 5, "rio": 1}
SHOP = shop(SIZES)
BIG = ("berlin", "paris", "rome")


@pytest.fixture(scope="module")
def model() -> GroupedModel:
    return fit_groups(SHOP, "y", by="store", **FAST)


def with_target(task: str) -> tuple[Data, dict[str, Any]]:
    y = np.array(SHOP["y"])
    targets: dict[str, tuple[Any, dict[str, Any]]] = {
        "numbers": (y, {}),
        "unbounded": (y, {"clip_predictions": "none", "loss": "absolute"}),
        "quantile": (y, {"loss": "quantile", "quantile": 0.8}),
        "counts": (np.abs(y).round() % 7, {"loss": "poisson"}),
        "two classes": (np.where(y > np.median(y), "high", "low"), {"positive": "low"}),
        "three classes": (np.digitize(y, [0.0, 150.0]), {"task": "classification", "label_smoothing": 0.1}),
        "double": (y, {"precision": "float64", "numerical_scaling": "robust", "activation": "tanh"}),
    }
    values, settings = targets[task]
    return {**SHOP, "y": values.tolist()}, settings


@pytest.mark.parametrize(
    "task", ["numbers", "unbounded", "quantile", "counts", "two classes", "three classes", "double"]
)
def test_a_group_predicts_as_its_own_model_does_and_as_it_does_from_the_file(task: str, tmp_path: Path) -> None:
    data, settings = with_target(task)
    grouped = fit_groups(data, "y", by="store", **FAST, **settings)
    assert grouped.groups == BIG
    whole = grouped.predict(data)
    for store in BIG:
        rows = at(data, store, "y", "store")
        own = grouped[store].predict(rows)
        assert own.tolist() == whole[[each == store for each in data["store"]]].tolist()
        grouped[store].save(tmp_path / "own.backpass")
        assert backpass.load(tmp_path / "own.backpass").predict(at(data, store)).tolist() == own.tolist()
    grouped.save(tmp_path / "all.backpass")
    loaded = backpass.load(tmp_path / "all.backpass")
    assert isinstance(loaded, GroupedModel)
    assert loaded.predict(data).tolist() == whole.tolist()
    assert loaded.to_bytes() == grouped.to_bytes()
    assert loaded.evaluate(data) == grouped.evaluate(data)
    assert (loaded.scores, loaded.worst, loaded.notes) == (grouped.scores, grouped.worst, grouped.notes)
    if grouped.classes:
        p = grouped.predict_proba(data)
        np.testing.assert_allclose(p.sum(axis=1), 1.0)
        assert p[:70].tolist() == grouped["berlin"].predict_proba(at(data, "berlin", "y", "store")).tolist()


def test_a_group_has_the_bits_that_it_has_alone() -> None:
    """Among other groups, in another order, and on several threads."""
    numbers = {name: values for name, values in SHOP.items() if name not in ("kind", "day")}
    together = fit_groups(numbers, "y", by="store", **FAST, threads=2)
    for store in BIG:
        alone = fit_groups(at(numbers, store), "y", by="store", **FAST, threads=1)
        assert alone.theta[0].tobytes() == together.theta[together.groups.index(store)].tobytes()
        assert alone[store].predict(at(numbers, store)).tolist() == together.predict(at(numbers, store)).tolist()


def test_the_order_of_the_groups_changes_nothing() -> None:
    order = np.argsort(np.array(SHOP["store"])[::-1], kind="stable")
    turned = {name: np.array(values, dtype=object)[order].tolist() for name, values in SHOP.items()}
    rows = {store: [i for i, each in enumerate(SHOP["store"]) if each == store] for store in SIZES}
    kept = {
        name: [values[i] for store in sorted(SIZES, reverse=True) for i in rows[store]] for name, values in SHOP.items()
    }
    assert turned["store"] != kept["store"]
    assert fit_groups(kept, "y", by="store", **FAST).theta.tobytes() == (
        fit_groups(SHOP, "y", by="store", **FAST).theta.tobytes()
    )


def test_groups_learn_what_one_network_of_all_rows_cannot() -> None:
    draws = np.random.default_rng(1)
    group, x = np.repeat(np.arange(8), 60), draws.normal(size=480)
    data = {"g": group, "x": x, "y": np.where(group % 2, x, -x) + 100.0 * group}
    grouped = fit_groups(data, "y", by="g", epochs=60)
    assert grouped.scores["groups"]["rmse"] < 0.3 * grouped.scores["constant"]["rmse"]
    assert grouped.scores["groups"]["rmse"] < 0.01 * grouped.scores["all rows"]["rmse"]
    assert grouped.record.rows.tolist() == [[48, 12]] * 8
    keys, worst = zip(*grouped.worst, strict=True)
    assert sorted(keys) == [str(i) for i in range(8)]
    assert list(worst) == sorted(worst, reverse=True)


def test_scores_are_those_of_the_rows_that_did_not_train() -> None:
    grouped = fit_groups(SHOP, "y", by="store", **FAST)
    groups = Groups.of(table_from(SHOP).columns["store"]).at_least(30)
    _, test = groups.held_out(0.2, 0)
    rows = np.concatenate(test)
    held = {name: [values[i] for i in rows] for name, values in SHOP.items()}
    assert grouped.evaluate(held) == pytest.approx(dict(grouped.scores["groups"]))
    for store, index in zip(groups.keys, test, strict=True):
        own = {name: [values[i] for i in index] for name, values in SHOP.items()}
        assert dict(grouped.worst)[store] == pytest.approx(grouped.evaluate(own)["rmse"])
    assert grouped.scores["all rows"] == pytest.approx(grouped.base.evaluate(held))
    assert not fit_groups(SHOP, "y", by="store", **FAST, test_fraction=0.0).scores


def test_small_and_unknown_groups_get_the_network_of_all_rows(model: GroupedModel) -> None:
    for store in ("oslo", "rio", "tokio", None):
        data = {**at(SHOP, "berlin"), "store": [store] * 70}
        assert model.predict(data).tolist() == model.base.predict(data).tolist()
    assert any("2 groups with fewer than 30 rows (6 rows in all)" in note for note in model.notes)
    assert model.record.others == 2
    found = model.predictions(model.table({**at(SHOP, "paris"), "store": ["paris"] * 40 + ["x"] * 5}))
    assert "predicted by the network of all rows" in found.notes[-1]


def test_a_row_without_a_group_trains_the_network_of_all_rows() -> None:
    data = {**SHOP, "store": [None if each == "oslo" else each for each in SHOP["store"]]}
    grouped = fit_groups(data, "y", by="store", **FAST)
    assert grouped.groups == BIG
    assert any("5 rows without a value of 'store'" in note for note in grouped.notes)


def as_csv(data: Data, path: Path) -> Path:
    pandas.DataFrame(data).to_csv(path / "shop.csv", index=False)
    return path / "shop.csv"


def as_parquet(data: Data, path: Path) -> Path:
    pandas.DataFrame(data).to_parquet(path / "shop.parquet")
    return path / "shop.parquet"


def as_json(data: Data, path: Path) -> Path:
    polars.DataFrame(data, strict=False).write_ndjson(path / "shop.jsonl")
    return path / "shop.jsonl"


FORMS: dict[str, Callable[[Data, Path], Any]] = {
    "csv": as_csv,
    "parquet": as_parquet,
    "json": as_json,
    "pandas": lambda data, path: pandas.DataFrame(data),
    "polars": lambda data, path: polars.DataFrame(data, strict=False),
    "pyarrow": lambda data, path: pyarrow.table(data),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("names", [(1, 2, 3, 4, 5), ("01", "02", "3", "x", "y"), (True, False, True, False, True)])
def test_every_form_of_data_and_of_group_names(form: str, names: tuple[Any, ...], tmp_path: Path) -> None:
    store = dict(zip(SIZES, names, strict=True))
    data = {**SHOP, "store": [store[each] for each in SHOP["store"]]}
    grouped = fit_groups(FORMS[form](data, tmp_path), "y", by="store", **FAST)
    first = fit_groups(data, "y", by="store", **FAST)
    assert grouped.groups == first.groups
    assert grouped.predict(FORMS[form](data, tmp_path)).tolist() == first.predict(data).tolist()
    assert names[0] in grouped
    assert (
        grouped[names[0]].predict(at(data, names[0])).tolist() == first[names[0]].predict(at(data, names[0])).tolist()
    )


def test_columns_that_are_named_by_numbers_and_columns_that_are_chosen() -> None:
    named = pandas.DataFrame({7: SHOP["store"], 1: SHOP["x"], 2: SHOP["y"], 3: SHOP["kind"]})
    grouped = fit_groups(named, 2, by=7, columns=["1"], **FAST)
    assert (grouped.by, grouped.target, [each.name for each in grouped.schema.features]) == ("7", "2", ["1"])
    first = fit_groups(SHOP, "y", by="store", drop=["kind", "day"], **FAST)
    assert grouped.predict(named).tolist() == first.predict(SHOP).tolist()


def test_keys_of_numbers_and_texts() -> None:
    columns = table_from({"a": [1.0, 2.5, None, -3.0], "b": ["01", "1", None, " x"]}).columns
    assert keys_of(columns["a"]).tolist() == ["1", "2.5", "", "-3"]
    assert keys_of(columns["b"]).tolist() == ["01", "1", "", "x"]


def test_a_group_of_a_single_target_predicts_it_and_lacking_classes_are_named() -> None:
    data = {**SHOP, "y": [7.0 if store == "paris" else y for store, y in zip(SHOP["store"], SHOP["y"], strict=True)]}
    grouped = fit_groups(data, "y", by="store", **FAST)
    assert set(grouped.predict(at(data, "paris"))) == {7.0}
    assert any("in 1 group ('paris'), all training rows have the same target" in note for note in grouped.notes)
    stores = np.array(SHOP["store"])
    classes = np.array(["a", "b", "c"], dtype=object)[np.arange(len(stores)) % 3]
    classes[(stores == "rome") & (classes == "c")] = "a"
    classes[stores == "paris"] = "b"
    grouped = fit_groups({**SHOP, "y": classes.tolist()}, "y", by="store", hidden=(6,), epochs=100)
    assert set(grouped.predict(at(SHOP, "paris"))) == {"b"}
    assert grouped.predict_proba(at(SHOP, "rome"))[:, 2].max() < 0.3
    assert set(grouped.predict(at(SHOP, "rome"))) <= {"a", "b"}
    assert any("('rome'), a class is missing" in note for note in grouped.notes)
    assert any("('paris'), all training rows have the same class" in note for note in grouped.notes)


def test_predictions_stay_within_the_targets_of_the_group(model: GroupedModel) -> None:
    far = {**at(SHOP, "berlin", "y"), "x": [1e12] * 35 + [-1e12] * 35}
    own = at(SHOP, "berlin")["y"]
    assert min(own) <= model.predict(far).min() <= model.predict(far).max() <= max(own)


# Refusals -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"by": "y"}, "by is 'y', which is the target"),
        ({"drop": ["store"]}, "by is 'store', which is left out by drop"),
        ({"columns": ["x", "store"]}, "which is among columns"),
        ({"target": ["x", "y"]}, "target names 2 columns"),
        ({"by": ["store"]}, "by must be the name of a column"),
        ({"min_rows": 1}, "min_rows must be a whole number of at least 2; got 1"),
        ({"hiden": (8,)}, "unknown setting 'hiden' (did you mean 'hidden'?)"),
        ({"delimiter": ";"}, "options for reading files are not settings"),
        ({"epochs": 0}, "epochs must be"),
    ],
)
def test_arguments_that_cannot_be_used(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as error:
        fit_groups(SHOP, **{"target": "y", "by": "store", **arguments})
    assert message in str(error.value)


def test_all_that_a_grouped_model_does_not_have_is_named_at_once() -> None:
    given: dict[str, Any] = {"dropout": 0.1, "ensemble_size": 4, "preset": "best", "engine": "jax", "patience": 3}
    with pytest.raises(UsageError) as error:
        fit_groups(SHOP, "y", by="store", **given, initialization="data", epochs=3)
    text = str(error.value)
    assert "6 options not supported with a network per group (by)" in text
    assert all(f"- {name}" in text for name in (*given, "initialization data"))
    assert "epochs" not in text


def test_tables_that_cannot_be_used(model: GroupedModel) -> None:
    cases: list[tuple[Callable[[], object], str]] = [
        (lambda: fit_groups(SHOP, "y", by="stor"), "group column 'stor' not found (did you mean 'store'?)"),
        (
            lambda: fit_groups(SHOP, "y", by="store", min_rows=71),
            "no group of column 'store' has at least 71 rows: the largest",
        ),
        (lambda: fit_groups({**SHOP, "store": range(154)}, "y", by="store"), "the largest of 154 groups has 1 row"),
        (lambda: fit_groups(SHOP, "y", by="day", min_rows=2), "the group column 'day' holds a date in each row"),
        (lambda: fit_groups(SHOP, "z", by="store"), "'z'"),
        (lambda: model.predict({"store": ["rome"]}), "'x'"),
        (lambda: model.predict(at(SHOP, "rome", "store")), "'store'"),
        (lambda: model.predict({**at(SHOP, "rome"), "x": ["a"] * 33}), "'x'"),
        (lambda: model.evaluate(at(SHOP, "rome", "y")), "'y'"),
        (lambda: fit_groups(SHOP, "y", by="store", **FAST, learning_rate=1e38), "diverged"),
    ]
    for call, message in cases:
        with pytest.raises(BackpassError) as error:
            call()
        assert message in str(error.value), message
        assert isinstance(error.value, UsageError | DataError) or "diverged" in message


def test_a_group_that_is_not_there(model: GroupedModel) -> None:
    assert len(model) == len([*model]) == 3
    assert "rome" in model
    assert "oslo" not in model
    with pytest.raises(UsageError, match=r"no network for 'store' = 'romme' \(did you mean 'rome'\?\)"):
        model["romme"]
    with pytest.raises(UsageError, match="only classes have probabilities"):
        model.predict_proba(SHOP)


def test_ctrl_c_ends_the_fit_without_a_model() -> None:
    class Interrupt(Callback):
        sent = False

        def on_stage(self, name: str, share: float) -> None:
            if name == "training 3 groups" and not self.sent:
                self.sent = True
                os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(InterruptedTraining, match="no model is kept"):
        fit_groups(SHOP, "y", by="store", hidden=(512,), epochs=1_500, callbacks=[Interrupt()])


def test_test_rows_that_repeat_training_rows_are_a_warning() -> None:
    twice = {name: [*values, *values] for name, values in SHOP.items()}
    with pytest.warns(BackpassWarning, match="test rows"):
        fit_groups(twice, "y", by="store", **FAST)


def test_equal_rows_of_two_groups_are_no_duplicates() -> None:
    """Every store has the same days: none of them is the duplicate of another, and the rows are split one by one."""
    sizes, draws = {"a": 90, "b": 80, "c": 70}, np.random.default_rng(0)
    day = [i for n in sizes.values() for i in range(n)]
    data = {"store": [key for key, n in sizes.items() for _ in range(n)], "day": day, "y": draws.normal(size=240)}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        grouped = fit_groups(data, "y", by="store", **FAST)
        assert not any("duplicates" in note for note in grouped.notes)
    with pytest.warns(BackpassWarning, match="test rows with the columns of a training row"):
        fit_groups({**data, "day": [i // 2 for i in day]}, "y", by="store", **FAST)


def test_a_class_of_one_row_trains_wherever_it_is() -> None:
    data = {"g": ["a", "b"] * 30, "x": list(range(60))}
    rare = []
    for row in range(0, 60, 6):
        y = ["low" if i < 30 else "high" for i in range(60)]
        y[row] = "rare"
        grouped = fit_groups({**data, "y": y}, "y", by="g", task="classification", **FAST)
        assert grouped.classes == ("high", "low", "rare")
        assert grouped.predict_proba(data).shape == (60, 3)
        rare.append(grouped.record.rows.sum(axis=0).tolist())
    assert {tuple(each) for each in rare} == {(48, 12), (49, 11)}


def test_whole_numbers_that_are_not_told_apart_are_no_groups(tmp_path: Path) -> None:
    keys = [10**17 + 1 + 2 * (i % 2) for i in range(80)]
    data = {"g": keys, "x": list(range(80)), "y": [float(i % 7) for i in range(80)]}
    with pytest.raises(DataError, match="'g' holds whole numbers beyond 2") as error:
        fit_groups(data, "y", by="g", **FAST)
    assert "categorical=['g'] keeps all digits" in str(error.value)
    path = as_csv(data, tmp_path)
    grouped = fit_groups(path, "y", by="g", reading={"categorical": ["g"]}, **FAST)
    assert grouped.groups == ("100000000000000001", "100000000000000003")
    assert fit_groups(
        {**data, "g": list(map(str, keys))}, "y", by="g", reading={"categorical": ["g"]}, **FAST
    ).groups == (grouped.groups)
    assert grouped.predict(path).tolist() == grouped.predict({**data, "g": list(map(str, keys))}).tolist()


def test_functions_on_one_model_name_the_model_of_a_group(model: GroupedModel) -> None:
    for call in (backpass.explain, backpass.permutation_importance, backpass.report):
        with pytest.raises(UsageError, match=r"must be a Model; got GroupedModel.*\n*.*\[group\]"):
            call(model, SHOP) if call is not backpass.report else call(model, data=SHOP)  # type: ignore[operator]
    assert "rmse" in backpass.report(model["rome"])


@pytest.mark.parametrize("by_class", [False, True])
def test_groups_without_test_rows_have_no_scores(by_class: bool, tmp_path: Path) -> None:
    """A fifth of four rows is no row."""
    data = {**SHOP, "y": ["high" if y > 0 else "low" for y in SHOP["y"]]} if by_class else SHOP
    rows = np.concatenate([np.arange(40), np.arange(70, 110), np.arange(115, 148), np.arange(4), np.arange(3)])
    names = ["berlin"] * 40 + ["paris"] * 40 + ["rome"] * 33 + ["a small one"] * 4 + ["the last"] * 3
    data = {**{name: [values[i] for i in rows] for name, values in data.items()}, "store": names}
    grouped = fit_groups(data, "y", by="store", min_rows=np.int64(3), **FAST)  # type: ignore[arg-type]  # a number of NumPy
    assert grouped.record.rows[:, 1].tolist() == [0, 8, 8, 6, 0]
    groups = Groups.of(table_from(data).columns["store"])
    for store, index in zip(groups.keys, groups.held_out(0.2, 0)[1], strict=True):
        own = {name: [values[i] for i in index] for name, values in data.items()}
        known = grouped.evaluate(own)[grouped.metric] if len(index) else None
        assert dict(grouped.worst).get(store) == (None if known is None else pytest.approx(known))
        assert grouped[store].record.scores.get("test", {}).get(grouped.metric) == dict(grouped.worst).get(store)
    grouped.save(tmp_path / "m.backpass")
    loaded = backpass.load(tmp_path / "m.backpass")
    assert isinstance(loaded, GroupedModel)
    assert (loaded.worst, loaded.predict(data).tolist()) == (grouped.worst, grouped.predict(data).tolist())


# Files ----------------------------------------------------------------------------------------------------------------


def test_a_file_of_one_model_and_a_file_of_groups_are_told_apart(model: GroupedModel, tmp_path: Path) -> None:
    model.save(tmp_path / "groups.backpass")
    assert isinstance(backpass.load(tmp_path / "groups.backpass"), GroupedModel)
    model.base.save(tmp_path / "one.backpass")
    assert isinstance(backpass.load(tmp_path / "one.backpass"), Model)
    with pytest.raises(ModelFileError, match="is a grouped model; expected a model"):
        load(tmp_path / "groups.backpass")


def test_no_changed_byte_is_accepted(model: GroupedModel) -> None:
    data = model.to_bytes()
    for place in np.random.default_rng(0).integers(0, len(data), 40).tolist():
        changed = bytearray(data)
        changed[place] ^= 1 << (place % 8)
        with pytest.raises(ModelFileError):
            from_bytes(bytes(changed))
    for end in (0, 7, 100, len(data) - 1):
        with pytest.raises(ModelFileError):
            from_bytes(data[:end])


def _without(name: str) -> Callable[[Data, Data], None]:
    return lambda facts, arrays: arrays.pop(f"groups.{name}")


def _array(name: str, change: Callable[[NDArray[Any]], Any]) -> Callable[[Data, Data], None]:
    return lambda facts, arrays: arrays.update({f"groups.{name}": np.asarray(change(arrays[f"groups.{name}"]))})


def _fact(name: str, value: Any) -> Callable[[Data, Data], None]:
    return lambda facts, arrays: facts["groups"].update({name: value})


FORGERIES: dict[str, Callable[[Data, Data], None]] = {
    **{f"no {name}": _without(name) for name in ("theta", "center", "scale", "target", "rows", "steps", "scores")},
    "a group less": _array("theta", lambda a: a[1:]),
    "a parameter less": _array("theta", lambda a: a[:, 1:]),
    "theta of another type": _array("theta", lambda a: a.astype(np.float64)),
    "a vector of centers": _array("center", np.ravel),
    "scales below 0": _array("scale", lambda a: a - 1e9),
    "targets without bounds": _array("target", lambda a: a[:, :2].copy()),
    "target scales below 0": _array("target", lambda a: -np.abs(a) - 1.0),
    "bounds the wrong way round": _array("target", lambda a: a[:, [0, 1, 3, 2]].copy()),
    "rows below 0": _array("rows", lambda a: a - 1000),
    "a score less": _array("scores", lambda a: a[1:]),
    "one more array": lambda facts, arrays: arrays.update({"groups.more": np.zeros(1)}),
    "the array of a model less": lambda facts, arrays: arrays.pop("center"),
    "two equal keys": _fact("keys", ["berlin", "berlin", "rome"]),
    "keys that are not sorted": _fact("keys", ["paris", "berlin", "rome"]),
    "an empty key": _fact("keys", ["", "berlin", "rome"]),
    "no groups": _fact("keys", []),
    "by the target": _fact("by", "y"),
    "by a feature": _fact("by", "x"),
    "a strange kind": _fact("kind", "cheese"),
    "a strange score": _fact("scores", {"groups": {"rmse": 1.0, "charm": 2.0}}),
    "a strange predictor": _fact("scores", {"me": {"rmse": 1.0}}),
    "no scores": _fact("scores", {}),
    "other settings": _fact("settings", {"hidden": [4]}),
    "a strange fact": _fact("code", "import os"),
    "a number of groups below 0": _fact("others", -1),
    "a forged model": lambda facts, arrays: facts["model"]["head"].update({"scale": -1.0}),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_file_with_a_right_digest_is_refused(name: str, model: GroupedModel) -> None:
    facts, arrays = unpack(model.to_bytes(), KIND, "x")
    FORGERIES[name](facts, arrays)
    with pytest.raises(ModelFileError):
        from_bytes(pack(KIND, facts, arrays))


def test_numbers_of_groups_are_known_however_they_are_written() -> None:
    """A model whose groups were numbers takes the texts of these numbers, in every form of data."""
    data = shop({12: 40, 7: 40, 1.5: 40})
    model = fit_groups(data, "y", by="store", **FAST)
    assert model.groups == ("1.5", "12", "7")
    own = {**at(data, 12, "store", "y")}
    rows = len(own["x"])
    wanted = model.predict({**own, "store": [12] * rows})
    assert not np.array_equal(wanted, model.predict({**own, "store": [99] * rows}))
    for key in (12.0, "12", "12.0", " 12"):
        store = {**own, "store": [key] * rows}
        for form in (store, pandas.DataFrame(store), polars.DataFrame(store), pyarrow.table(store), table_from(store)):
            np.testing.assert_array_equal(model.predict(form), wanted)
    as_categories = table_from({**own, "store": ["12.0"] * rows}, categorical=["store"])
    np.testing.assert_array_equal(model.predict(as_categories), wanted)
    for key in (12, 12.0, "12", "12.0", np.int64(12), np.float32(12.0)):
        assert key in model
    assert "012x" not in model


def test_the_hint_of_a_run_that_diverged_names_no_setting_that_is_refused() -> None:
    with pytest.raises(BackpassError, match="the network of all rows: training diverged") as error:
        fit_groups(SHOP, "y", by="store", **FAST, learning_rate=1e38)
    assert error.value.hint == "--learning-rate 1e+38 may be too high: try 1e+37"


def test_windows_give_the_evaluation_of_the_whole_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = fit_groups(SHOP, "y", by="store", **FAST)
    rows = SHOP | {"store": [f"{each}s" if each == "rome" else each for each in SHOP["store"]]}
    rows["y"] = [None if i % 20 == 3 else y for i, y in enumerate(rows["y"])]
    table = model.table(rows, with_target=True)
    whole = gathered(model, [table])
    places = [np.arange(first, min(first + 40, table.rows)) for first in range(0, table.rows, 40)]
    found = gathered(model, [table.take(each) for each in places])
    for name in ("predicted", "truth", "places"):
        np.testing.assert_allclose(getattr(found, name), getattr(whole, name), rtol=1e-6)
    [of_windows], [of_whole] = found.unseen, whole.unseen
    assert (of_windows.rows, of_windows.held, of_windows.texts) == (of_whole.rows, of_whole.held, of_whole.texts)
    assert found.findings.unseen == whole.findings.unseen
    expected = model.evaluate(rows)
    pandas.DataFrame(rows).to_parquet(tmp_path / "rows.parquet", index=False)
    lengths, encoded = list[int](), GroupedModel.encoded
    monkeypatch.setattr(windows.windows_of, "__kwdefaults__", {"rows": 50, "whole": 0})

    def counted(self: GroupedModel, table: Table) -> Encoded:
        lengths.append(table.rows)
        return encoded(self, table)

    monkeypatch.setattr(GroupedModel, "encoded", counted)
    assert model.evaluate(tmp_path / "rows.parquet") == pytest.approx(expected)
    assert max(lengths) <= 50

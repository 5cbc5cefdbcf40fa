"""Transfer: the learned features of a model are kept bit by bit, and one new output layer is trained on them.

CS229 (2.21)
"""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from backpass import Callback, fit_groups, operations, tune
from backpass.errors import DataError, ModelFileError, UsageError
from backpass.model import Model, Settings, cross_validate, fit, load, make_problem
from backpass.model.fitting.transfer.feature_source import KEPT_SETTINGS, FeatureSource
from backpass.model.fitting.transfer.output_layer import trainable
from backpass.model.loading import from_bytes
from backpass.table import read_table, table_from
from backpass.training import EpochRecord, Progress

N = 120


def columns_of(seed: int, *targets: str, rows: int = N) -> dict[str, Any]:
    """Three columns with gaps, and some targets that follow from them."""
    rng = np.random.default_rng(seed)
    x, z, c = rng.normal(size=rows).round(3), rng.uniform(-2, 2, rows).round(3), rng.choice([*"abcdefghij"], rows)
    signal = np.sin(2 * x) + (c == "a")
    known = {
        "y": (signal + z).round(3),
        "w": (3 * signal - z * z).round(3),
        "sold": np.where(signal > z, "yes", "no"),
        "grade": np.array([*"pqr"])[np.digitize(z, [-0.5, 0.5])],
        "g": rng.integers(0, 15, rows),
        "weight": rng.integers(1, 4, rows),
    }
    x[::13] = np.nan
    return {"x": x, "z": z, "c": c, **{name: known[name] for name in targets}}


def trained(**settings: Any) -> Model:
    return fit(columns_of(0, "y"), "y", **{"epochs": 2, **settings})


def below(model: Model) -> np.ndarray[Any, Any]:
    """The parameters of the layers below the output layer, of each network."""
    *_, (number, layer, width) = model.network.numbered()
    size = sum(each.size for each in layer.parameters(width, number))
    return np.atleast_2d(model.theta)[:, :-size]


@pytest.fixture(scope="module")
def source() -> Model:
    return trained(hidden=(16, 8), activation="tanh", epochs=20)


SOURCES: dict[str, dict[str, Any]] = {
    "plain": {"hidden": (8,)},
    "dropout": {"hidden": (8, 4), "dropout": 0.4},
    "default": {"preset": "default", "ensemble_size": 2, "hidden": (6,)},
    "ntk": {"preset": "realmlp", "hidden": (8, 8)},
    "embedding": {"hidden": (8,), "max_one_hot_levels": 4},
    "projection": {"hidden": (8,), "principal_components": 3},
    "wired": {"wire": {"first": ["x"], "second": ["x", "z"]}},
    "custom": {"hidden": (8,), "activation": lambda z: z * operations.sigmoid(z)},
    "float64": {"hidden": (8,), "precision": "float64"},
}


@pytest.mark.parametrize("name", SOURCES)
def test_the_features_are_kept_bit_by_bit_for_any_layers_and_any_target(name: str) -> None:
    first, rows = trained(**SOURCES[name]), columns_of(2)
    for target in (["w"], ["sold"], ["grade"], ["w", "y"]) if name in ("plain", "default") else (["grade"],):
        second = fit(columns_of(1, *target), target, features_of=first, epochs=2)
        assert np.array_equal(below(second), below(first))
        assert np.array_equal(second.features(rows), first.features(rows))
        assert second.networks == first.networks
        loaded = from_bytes(second.to_bytes())
        assert loaded.to_bytes() == second.to_bytes()
        assert np.array_equal(loaded.predict(rows), second.predict(rows))
        assert {name: second.record.settings.get(name) for name in KEPT_SETTINGS if name != "ensemble_size"} == {
            name: first.record.settings.get(name) for name in KEPT_SETTINGS if name != "ensemble_size"
        }


@pytest.mark.parametrize("target", ["w", "sold", "grade"])
def test_one_command_equals_the_two_commands(source: Model, target: str, tmp_path: Path) -> None:
    """``backpass features`` and ``fit --hidden none`` on its columns, or ``fit --features-of``."""
    table = columns_of(1, target)
    features = source.features(table)
    by_hand = {f"feature_{j + 1}": features[:, j] for j in range(features.shape[1])} | {target: table[target]}
    two = fit(by_hand, target, hidden=(), epochs=40, test_fraction=0.0)
    one = fit(table, target, features_of=source, epochs=40, test_fraction=0.0)
    rows = columns_of(2)
    phi = source.features(rows)
    there = {f"feature_{j + 1}": phi[:, j] for j in range(phi.shape[1])}
    if one.classes:
        assert np.allclose(one.predict_proba(rows), two.predict_proba(there), rtol=0, atol=1e-5)
    else:
        assert np.allclose(one.predict(rows), two.predict(there), rtol=1e-5, atol=1e-5)
    assert [each.train_loss for each in one.history] == [each.train_loss for each in two.history]


def test_a_prediction_is_linear_on_the_features(source: Model) -> None:
    second, rows = fit(columns_of(1, "w"), "w", features_of=source, epochs=3), columns_of(2)
    views = second.network.layout.views(second.theta.astype(np.float64))
    o = source.features(rows) @ views["W3"] + views["b3"]
    (unit,) = second.head.scales
    assert np.allclose(second.predict(rows), unit.center + unit.scale * o[:, 0], rtol=1e-5)


def test_no_step_evaluates_the_layers_below(source: Model) -> None:
    table = table_from(columns_of(1, "w"))
    problem = make_problem(table, "w", Settings.of({"epochs": 1}), features_of=FeatureSource.of(source))
    small = trainable(problem)
    assert small.network.layers == problem.network.layers[-1:]
    assert small.parts["train"].x.shape == (problem.parts["train"].rows, 8)
    assert np.allclose(small.parts["train"].x.mean(axis=0), 0.0, atol=1e-5)
    assert np.allclose(small.parts["train"].x.std(axis=0), 1.0, atol=1e-5)
    assert problem.trained_network.parameter_count == 9
    assert trainable(small) is small


def test_a_network_of_an_ensemble_keeps_its_own_features() -> None:
    pair = trained(preset="fast")
    both = fit(columns_of(1, "w"), "w", features_of=pair, epochs=3, ensemble_split="split")
    assert not np.array_equal(pair.theta[0], pair.theta[1])
    for i in range(2):
        alone = replace(pair, theta=pair.theta[i : i + 1], record=replace(pair.record, members=pair.record.members[:1]))
        if i == 0:  # the second network of the pair trains with another seed
            first = fit(columns_of(1, "w"), "w", features_of=alone, epochs=3, ensemble_split="split")
            assert np.array_equal(first.theta, both.theta[i])
        assert np.array_equal(below(both)[i], pair.theta[i][: below(both).shape[1]])


def test_a_feature_that_is_constant_has_no_effect(source: Model) -> None:
    """A saturated unit differs from 1 by rounding only, which its scale must not multiply to the size of the target."""
    theta = source.theta.copy()
    source.network.layout.views(theta)["b2"][2] = 9.0  # tanh(9 + z) is 1 up to a few units in the last place
    second = fit(columns_of(1, "w"), "w", features_of=replace(source, theta=theta), epochs=2)
    assert second.network.layout.views(second.theta)["W3"][2] == 0.0
    assert any("1 of 8 kept features are constant" in note for note in second.notes)


def test_class_weights_temperature_thresholds_and_row_weights(source: Model) -> None:
    rows = columns_of(2)
    more: dict[str, Any] = {"class_weight": "balanced", "calibration": "temperature", "threshold": "f1"}
    second = fit(columns_of(1, "sold", "weight"), "sold", features_of=source, epochs=3, weight="weight", **more)
    assert np.array_equal(below(second), below(source))
    assert second.record.weight == "weight"
    assert any("temperature" in note for note in second.notes)
    plain = fit(columns_of(1, "sold"), "sold", features_of=source, epochs=3)
    assert not np.allclose(plain.predict_proba(rows), second.predict_proba(rows))


@pytest.mark.parametrize(
    "more",
    [
        {"refit": True},
        {"group": "g"},
        {"time": "g", "validation_fraction": 0.2, "refit": True},
        {"output_activation": "relu"},
        {"loss": "quantile", "quantile": 0.2},
        {"preset": "notes"},
        {"shards": 2},
        {"initialization": "data"},
        {"patience": 1},
    ],
)
def test_what_a_fit_can_be_asked_for_beside(source: Model, more: dict[str, Any]) -> None:
    second = fit(columns_of(1, "y", "g"), "y", features_of=source, epochs=2, **more)
    assert np.array_equal(below(second), below(source))
    assert second.record.features_of == {
        "sha256": sha256(source.to_bytes()).hexdigest(), "targets": ["y"], "networks": 1
    }  # fmt: skip


def test_a_run_is_resumed_with_the_same_features_only(source: Model, tmp_path: Path) -> None:
    class StopAfter(Callback):
        def on_epoch(self, record: EpochRecord, progress: Progress) -> bool:
            return record.epoch >= 2

    table, path = columns_of(1, "w"), tmp_path / "run.checkpoint"
    whole = fit(table, "w", features_of=source, epochs=6)
    problem = make_problem(table_from(table), "w", Settings.of({"epochs": 6}), features_of=FeatureSource.of(source))
    fit(table, "w", features_of=source, epochs=6, checkpoint=path, callbacks=[StopAfter()])
    assert problem.identity()["features_of"] == sha256(source.to_bytes()).hexdigest()
    again = fit(table, "w", features_of=source, epochs=6, checkpoint=path)
    assert again.to_bytes() == whole.to_bytes()
    assert fit(table, "w", features_of=source, epochs=6, resume_from=path).to_bytes() == whole.to_bytes()
    other = replace(source, theta=source.theta * np.float32(1.5))
    with pytest.raises(ModelFileError, match="features_of differs"):
        fit(table, "w", features_of=other, epochs=6, resume_from=path)


def test_a_cross_validation_keeps_the_features(source: Model) -> None:
    table = table_from(columns_of(1, "w"))
    found = cross_validate(table, "w", features_of=source, folds=3, epochs=3)
    for fold in (1, 2, 3):
        held_out = np.flatnonzero(found.fold == fold)
        rest = table.take(np.flatnonzero(found.fold != fold))
        alone = fit(rest, "w", test=table.take(held_out), features_of=source, epochs=3)
        assert np.array_equal(alone.predict(table.take(held_out)), found.predicted[held_out])


def test_the_table_is_read_as_for_the_model(tmp_path: Path) -> None:
    """Day before month, a decimal comma, percentages, categories and words for missing values are the model's."""
    rng = np.random.default_rng(0)
    days, months = rng.integers(1, 29, N), rng.integers(1, 13, N)
    rows = [
        f"{d:02}/{m:02}/2024;{a},{b};{p}%;{t};{y}"
        for d, m, a, b, p, t, y in zip(
            days, months, rng.integers(0, 9, N), rng.integers(0, 9, N), rng.integers(0, 99, N),
            rng.choice(["yes", "no"], N), rng.integers(0, 99, N), strict=True,
        )
    ]  # fmt: skip
    path = tmp_path / "first.csv"
    path.write_text("\n".join(["day;size;share;open;y", *rows, "13/01/2024;?;5%;no;3"]) + "\n")
    first = fit(path, "y", hidden=(6,), epochs=1, reading={"missing": ["?"]})
    # No day of this table is above 12, one category is new, and the cells hold nothing that tells the notation.
    other = tmp_path / "other.csv"
    lines = [
        f"{1 + i % 12:02}/{1 + i % 7:02}/2024;{i % 5};{i % 50}%;{'maybe' if i == 3 else 'yes'};{i % 3};{i}"
        for i in range(60)
    ]
    other.write_text("\n".join(["day;size;share;open;rent;id", *lines, "01/02/2024;?;5%;no;1;99"]) + "\n")
    second = fit(other, "rent", features_of=first, epochs=1)
    assert np.array_equal(second.features(other), first.features(other))
    problem_rows = make_problem(
        read_table(other, **FeatureSource.of(first).reading({})), "rent", Settings.of({"test_fraction": 0.0}),
        features_of=FeatureSource.of(first),
    )  # fmt: skip
    theta = first.network.forward(np.float32, features=True)
    (features,) = problem_rows.engine.run(theta, first.theta, problem_rows.parts["train"].x)
    assert sorted(features.tolist()) == sorted(first.features(other).tolist())  # the rows have the order of the split
    assert any("column 'open': 1 row with a category that the model does not know" in note for note in second.notes), (
        second.notes
    )
    assert any("not in the model, ignored: 'id'" in note for note in second.notes)


def test_every_form_of_a_table_gives_the_same_model(source: Model, tmp_path: Path) -> None:
    table = columns_of(1, "w")
    frame = pd.DataFrame(table)
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_csv(tmp_path / "t.tsv", index=False, sep="\t")
    frame.to_parquet(tmp_path / "t.parquet", index=False)
    (tmp_path / "t.json").write_text(
        json.dumps([{k: None if v != v else v for k, v in row.items()} for row in frame.to_dict("records")])
    )
    forms: list[Any] = [tmp_path / f"t.{suffix}" for suffix in ("csv", "tsv", "parquet", "json")]
    forms += [frame, pl.DataFrame(frame.to_dict("list")), pl.DataFrame(table).to_arrow(), frame.to_records(index=False)]
    wanted = fit(table, "w", features_of=source, epochs=2)
    saved = tmp_path / "source.backpass"
    source.save(saved)
    for form in forms:
        found = fit(form, "w", features_of=saved, epochs=2)
        assert found.theta.tobytes() == wanted.theta.tobytes(), form


def test_validation_and_test_tables_are_read_as_for_the_model(source: Model) -> None:
    parts = {"validation": columns_of(3, "w", rows=40), "test": columns_of(4, "w", rows=30)}
    second = fit(columns_of(1, "w"), "w", features_of=source, epochs=4, metric="mae", **parts)
    assert second.record.rows == {"train": N, "validation": 40, "test": 30}
    found = second.evaluate(parts["test"])["mae"]
    assert found == pytest.approx(second.record.scores["test"]["mae"])
    del parts["test"]["c"]
    with pytest.raises(DataError, match="column 'c' is in the model but not in the table"):
        fit(columns_of(1, "w"), "w", features_of=source, **parts)


def test_the_file_says_where_the_features_come_from(source: Model, tmp_path: Path) -> None:
    path, made = tmp_path / "first.backpass", tmp_path / "second.backpass"
    source.save(path)
    fit(columns_of(1, "w"), "w", features_of=str(path), epochs=1).save(made)
    record = load(made).record
    assert record.features_of is not None
    assert record.features_of["sha256"] == sha256(path.read_bytes()).hexdigest()
    for wrong in ({"sha256": "no digest"}, {"networks": 1, "sha256": "f" * 63}):
        forged = replace(load(made), record=replace(record, features_of={**record.features_of, **wrong}))
        with pytest.raises(ModelFileError, match="is inconsistent: the digest"):
            from_bytes(forged.to_bytes())


def test_the_columns_of_the_model_are_required(source: Model) -> None:
    table = columns_of(1, "w")
    del table["x"], table["c"]
    with pytest.raises(DataError, match="lacks 2 columns that the kept features are computed from: 'x', 'c'"):
        fit(table, "w", features_of=source)


@pytest.mark.parametrize(
    ("more", "match"),
    [
        ({"columns": ["x"]}, "the columns are those of the model"),
        ({"drop": ["x"]}, "column 'x' is left out by drop"),
        ({"weight": "z"}, "column 'z' is the weight column"),
        ({"teacher": ["z"]}, "column 'z' is a column of the teacher"),
        ({"reading": {"categorical": ["z"]}}, "so it is read as in their model"),
        ({"hidden": (3,), "dropout": 0.2}, "2 settings that a fit with features_of does not accept"),
        ({"precision": "float64"}, "precision is 'float32' in the model"),
        ({"ensemble_size": 3}, "ensemble_size is 1 in the model"),
        ({"candidates": 3}, "candidates try networks of other layers"),
        ({"preset": "best"}, "preset 'best' trains whole networks"),
    ],
)
def test_what_is_the_models_is_not_the_users(source: Model, more: dict[str, Any], match: str) -> None:
    with pytest.raises(UsageError, match=match):
        fit(columns_of(1, "w"), "w", features_of=source, **more)


def test_a_target_may_not_be_a_column_of_the_features(source: Model) -> None:
    with pytest.raises(UsageError, match="column 'z' is the target, but the kept features are computed from it"):
        fit(columns_of(1, "w"), "z", features_of=source)


def test_settings_may_repeat_those_of_the_model(source: Model) -> None:
    table = columns_of(1, "w")
    plain = fit(table, "w", features_of=source, epochs=2)
    repeated = fit(table, "w", features_of=source, epochs=2, hidden=(16, 8), activation="tanh", preset="plain")
    assert repeated.to_bytes() == plain.to_bytes()


def test_sources_without_features_are_refused(tmp_path: Path) -> None:
    table = columns_of(1, "w")
    with pytest.raises(UsageError, match="has no hidden layer"):
        fit(table, "w", features_of=trained(hidden=()))
    with pytest.raises(UsageError, match="got a value of type int"):
        fit(table, "w", features_of=3)
    grouped = fit_groups(columns_of(0, "y", "g"), "y", by="g", epochs=1, min_rows=2)
    with pytest.raises(UsageError, match="got a value of type GroupedModel"):
        fit(table, "w", features_of=grouped)
    grouped.save(tmp_path / "grouped.backpass")
    with pytest.raises(ModelFileError, match="grouped"):
        fit(table, "w", features_of=tmp_path / "grouped.backpass")
    one = trained(hidden=(4,))
    pack = replace(one, theta=one.theta[None], others=trained(hidden=(5,)).groups)
    with pytest.raises(UsageError, match="networks of different layers"):
        fit(table, "w", features_of=pack)


def test_neighbors_of_the_source_and_of_the_fit() -> None:
    """Neighbors are further networks on the same features: a source lends those of its networks."""
    rng = np.random.default_rng(0)
    x, z, level = rng.normal(size=600), rng.integers(0, 40, 600), rng.normal(size=40)
    inputs = {"x": x, "z": z}
    first = fit({**inputs, "y": level[z] + 0.1 * x}, "y", preset="fast", epochs=2)
    second = fit({**inputs, "w": 2 * level[z] - x}, "w", features_of=first, epochs=2, neighbors=100)
    assert second.others
    third = fit({**inputs, "k": np.where(level[z] > 0, "a", "b")}, "k", features_of=second, epochs=2)
    assert third.networks == 2
    assert np.array_equal(below(third), below(first))
    assert np.array_equal(from_bytes(second.to_bytes()).predict(inputs), second.predict(inputs))


def test_what_keeps_no_features_says_so(source: Model, tmp_path: Path) -> None:
    table, path = columns_of(1, "w"), tmp_path / "t.csv"
    pd.DataFrame(table).to_csv(path, index=False)
    with pytest.raises(UsageError, match="a streamed fit cannot use features_of"):
        fit(path, "w", features_of=source, stream=True)
    with pytest.raises(UsageError, match="features_of is an argument of fit and cross_validate"):
        tune(table, "w", features_of=source)

"""Neighbors: chosen on held-out rows, kept where they clearly help, stored, exported; equal to a twin in NumPy."""

from __future__ import annotations

import json
from pathlib import Path
from shutil import which
from typing import Any

import numpy as np
import pytest

from backpass.cli import main
from backpass.errors import DataError, UsageError
from backpass.estimators import BackpassClassifier, BackpassRegressor
from backpass.model import Model, fit, from_bytes
from backpass.model.file.container import unpack
from backpass.model.fitting.checks import storable
from backpass.model.fitting.outcome.neighbors import Stored
from backpass.model.javascript import to_javascript, verify
from backpass.network import Dense, KernelRegression, Network

SMALL: dict[str, Any] = {"preset": "fast", "epochs": 3, "ensemble_size": 2, "ensemble_split": "folds", "threads": 1}
ROWS, PLACES = 600, 60


def columns(seed: int = 3, rows: int = ROWS) -> dict[str, Any]:
    """Rows near one of a few places, each with a target of its own, which no smooth function of few steps has."""
    rng = np.random.default_rng(seed)
    places, levels = rng.uniform(-2, 2, (PLACES, 2)), rng.normal(size=PLACES)
    at = rng.integers(0, PLACES, rows)
    a, b = (places[at] + 0.002 * rng.normal(size=(rows, 2))).T
    return {
        "a": a.tolist(),
        "b": b.tolist(),
        "y": (10 + levels[at] + 0.05 * rng.normal(size=rows)).tolist(),
        "z": (levels[at] ** 2 + 0.05 * rng.normal(size=rows)).tolist(),
        "two": np.where(levels[at] > 0, "yes", "no").tolist(),
        "three": np.where(levels[at] > 0.5, "high", np.where(levels[at] > -0.5, "middle", "low")).tolist(),
        "on": (levels[at] > 0).astype(float).tolist(),
        "off": (levels[at] ** 2 > 1).astype(float).tolist(),
        "weight": rng.integers(0, 3, rows).astype(float).tolist(),
        "who": [f"p{i % 40}" for i in range(rows)],
        "day": [float(i) for i in range(rows)],
        "slope": (a + 0.5 * b + 0.3 * rng.normal(size=rows)).tolist(),
    }


def data(*more: str, seed: int = 3) -> dict[str, Any]:
    return {name: values for name, values in columns(seed).items() if name in ("a", "b", *more)}


def has_neighbors(model: Model) -> bool:
    return any(isinstance(layer, KernelRegression) for group in model.groups for layer in group.network.layers)


@pytest.fixture(scope="module")
def numbers() -> Model:
    return fit(data("y"), "y", neighbors=512, **SMALL)


def test_they_are_kept_where_they_clearly_help(numbers: Model) -> None:
    alone = fit(data("y"), "y", **SMALL)
    assert numbers.networks == len(numbers.shares) == len(numbers.record.members) == 4
    assert has_neighbors(numbers)
    assert not has_neighbors(alone)
    for split in ("validation", "test"):
        assert numbers.record.scores[split]["rmse"] < 0.8 * alone.record.scores[split]["rmse"]
    (note,) = [note for note in numbers.notes if "neighbors" in note]
    assert "training rows of each network predict as neighbors, with a share of 0." in note
    assert f"{numbers.record.scores['validation']['rmse']:.4g} with them" in note
    assert f"{alone.record.scores['validation']['rmse']:.4g} without" in note


def test_the_networks_beside_them_keep_their_bits(numbers: Model) -> None:
    assert numbers.theta.tobytes() == fit(data("y"), "y", **SMALL).theta.tobytes()


def test_the_parameters_are_those_of_a_gaussian_kernel() -> None:
    """A twin that computes exp(-|x - h|^2 / (2 s^2)) of every pair of rows."""
    rng = np.random.default_rng(1)
    network = Network(2, (Dense(3, "tanh"), Dense(1)))
    trained, x, Y = rng.normal(size=network.parameter_count), rng.normal(size=(9, 2)), rng.normal(size=(7, 2))
    h, weights = network.features(trained, rng.normal(size=(7, 2))), rng.uniform(0.5, 2, 7)
    center = h.mean(axis=0)
    stored = Stored(network, trained, KernelRegression(7, 2), h - center, center, Y, np.log(weights), 0.5)
    found = stored.predicting(stored.theta(0.25), x)
    squares = ((network.features(trained, x)[:, None] - h[None]) ** 2).sum(axis=2)
    kernel = weights * np.exp(-squares / (2 * 0.25 * 0.5))
    np.testing.assert_allclose(found, kernel @ Y / kernel.sum(axis=1, keepdims=True), rtol=1e-9)


def test_the_bytes_do_not_depend_on_threads_and_come_back(numbers: Model) -> None:
    written = numbers.to_bytes()
    assert fit(data("y"), "y", neighbors=512, **{**SMALL, "threads": 2}).to_bytes() == written
    again = from_bytes(written)
    assert again.to_bytes() == written
    assert again.predict(data()).tobytes() == numbers.predict(data()).tobytes()


def test_the_setting_is_the_maximum_of_stored_rows() -> None:
    model = fit(data("y"), "y", neighbors=100, **SMALL)
    assert [each.rows for each in model.groups[1].network.layers if isinstance(each, KernelRegression)] == [100]


@pytest.mark.parametrize("target", ["two", "three", ["on", "off"], ["y", "z"]])
def test_classes_labels_and_several_numbers(target: Any) -> None:
    names = [target] if isinstance(target, str) else target
    model, alone = (fit(data(*names), target, neighbors=n, **SMALL) for n in (512, 0))
    assert has_neighbors(model)
    metric = model.head.metric
    assert model.record.scores["test"][metric] < alone.record.scores["test"][metric]
    assert from_bytes(model.to_bytes()).predict(data()).tolist() == model.predict(data()).tolist()
    if isinstance(target, str):
        p = model.predict_proba(data())
        assert (p > 0).all()
        np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("more", [{"ensemble_split": "split"}, {"group": "who"}, {"time": "day"}])
def test_splits_of_every_kind(more: dict[str, str]) -> None:
    names = [name for name in ("who", "day") if name in more.values()]
    model = fit(data("y", *names), "y", neighbors=512, **{**SMALL, **more})
    assert has_neighbors(model)
    rows = "validation rows" if "ensemble_split" in more else "out-of-fold rows"
    assert any("as neighbors" in note and note.endswith(f"{rows})") for note in model.notes)


def test_rows_of_weight_0_are_no_neighbors() -> None:
    weighted = columns()
    table = data("y", "weight")
    odd = [y if w else 1e4 for y, w in zip(weighted["y"], weighted["weight"], strict=True)]
    model = fit({**table, "y": odd}, "y", weight="weight", neighbors=512, **SMALL)
    assert has_neighbors(model)
    assert model.predict(data()).max() < 100


def test_they_are_left_out_where_they_do_not_clearly_help() -> None:
    model, alone = (fit(data("slope"), "slope", neighbors=n, **{**SMALL, "epochs": 24}) for n in (512, 0))
    assert not has_neighbors(model)
    assert model.theta.tobytes() == alone.theta.tobytes()
    (note,) = [note for note in model.notes if "neighbors" in note]
    assert note.startswith("no neighbors: they do not clearly help (rmse ")
    few = fit({name: values[:40] for name, values in data("y").items()}, "y", neighbors=512, **SMALL)
    assert any(note.startswith("no neighbors: there are too few rows") for note in few.notes)


@pytest.mark.parametrize(
    ("settings", "need"),
    [
        ({"preset": "plain"}, "neighbors 512 needs an ensemble: --ensemble-size of at least 2"),
        ({"candidates": 4}, "neighbors 512 needs one candidate"),
        ({"loss": "absolute"}, "neighbors 512 needs the loss squared or cross_entropy"),
        ({"output_activation": "relu", "preset": "fast"}, "neighbors 512 needs --output-activation identity"),
        ({"class_weight": "balanced"}, "neighbors 512 needs classes without --class-weight"),
        ({"refit": True}, "neighbors 512 needs a fit without refit"),
        ({"neighbors": -1}, "neighbors must be"),
    ],
)
def test_what_they_cannot_be_combined_with_is_refused_before_training(settings: dict[str, Any], need: str) -> None:
    with pytest.raises(UsageError) as raised:
        fit(data("y"), "y", **{"neighbors": 512, **settings})
    assert any(need in fault for fault in (*raised.value.details, raised.value.message))


def test_more_rows_than_a_file_holds_are_refused_before_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storable, "SIZE_LIMIT", 600_000)
    assert fit(data("y"), "y", **SMALL)
    with pytest.raises(DataError, match="a model file holds 600,000") as raised:
        fit(data("y"), "y", neighbors=512, **SMALL)
    assert raised.value.hint == "fewer --neighbors"


def test_they_stay_out_of_files_without_the_setting() -> None:
    facts, _ = unpack(fit(data("y"), "y", **SMALL).to_bytes(), "model", "m")
    assert "neighbors" not in facts["record"]["settings"]


def test_features_are_those_of_the_networks_without_predictions_from_stored_targets(numbers: Model) -> None:
    alone = fit(data("y"), "y", **SMALL)
    assert numbers.features(data()).tobytes() == alone.features(data()).tobytes()


def test_estimators_have_them() -> None:
    table, parameters = columns(), {**SMALL, "neighbors": 512}
    X = np.column_stack([table["a"], table["b"]])
    regressor = BackpassRegressor(**parameters).fit(X, np.array(table["y"]))
    assert has_neighbors(regressor.model_)
    assert regressor.transform(X).shape == (ROWS, len(regressor.get_feature_names_out()))
    assert has_neighbors(BackpassClassifier(**parameters).fit(X, np.array(table["two"])).model_)


def test_the_command_line_fits_shows_and_exports_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / "places.csv", tmp_path / "m.backpass"
    table = data("y")
    lines = [",".join(table), *(",".join(map(repr, row)) for row in zip(*table.values(), strict=True))]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    options = ["--preset", "fast", "--epochs", "3", "--ensemble-split", "folds", "--neighbors", "512"]
    assert main(["fit", str(path), "--target", "y", "-o", str(out), *options]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "predict as neighbors, with a share of" in said
    assert "trained 2 networks, " in said  # neighbors are not trained
    assert main(["show", str(out)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "predict as neighbors, with a share of" in shown
    assert "2 networks 4 -> 128 -> 128 -> 1, share 0." in shown
    assert "240 training rows as neighbors for each of 2 networks, share 0." in shown
    assert main(["show", str(out), "--json"]) == 0
    assert [group["neighbors"] for group in json.loads(capsys.readouterr().out)["groups"]] == [0, 240]
    assert main(["report", str(out), "-o", str(tmp_path / "m.html")]) == 0


@pytest.mark.parametrize("target", ["y", "two", "three"])
def test_the_onnx_file_predicts_the_same(target: str) -> None:
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    model, rows = fit(data(target), target, neighbors=200, **SMALL), data(seed=5)
    session = runtime.InferenceSession(model.to_onnx(), providers=["CPUExecutionProvider"])
    predicted = session.run([target], {name: np.array(values)[:, None] for name, values in rows.items()})[0]
    if model.classes:
        assert np.mean(predicted == model.predict(rows)) > 0.99
    else:
        np.testing.assert_allclose(predicted, model.predict(rows), atol=2e-3)


@pytest.mark.skipif(which("node") is None, reason="needs Node.js")
@pytest.mark.parametrize("target", ["y", "two"])
def test_the_javascript_module_predicts_the_same(target: str) -> None:
    model = fit(data(target), target, neighbors=200, **SMALL)
    assert has_neighbors(model)
    assert verify(model, to_javascript(model)) is not None  # it raises if a prediction differs

"""Models of several groups of networks: they predict the weighted average everywhere, and their files come back."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import backpass
from backpass.cli import main
from backpass.errors import ModelFileError, UsageError
from backpass.estimators import BackpassRegressor
from backpass.estimators.continuation import check_single
from backpass.model import Model, Settings, fit, from_bytes, load
from backpass.model.file.container import pack, unpack
from backpass.model.prediction.group import Group
from backpass.network import Network, Selection
from backpass.reporting.explanation.attribution import explain
from backpass.reporting.explanation.smooth import SmoothModel
from backpass.reporting.page.whatif import forward
from backpass.reporting.pictures.scene import scene_of
from backpass.table import table_from

SHARES = (0.4, 0.1, 0.25, 0.25)
WAYS = [str(i % 11) for i in range(120)]


def columns(target: str) -> dict[str, Any]:
    rng = np.random.default_rng(5)
    size, age = rng.uniform(20, 200, 120), rng.integers(0, 90, 120)
    price = 1000.0 * size - 30.0 * age + 500.0 * np.array([int(way) for way in WAYS])
    values = {
        "price": price.round().tolist(),
        "sold": np.where(price > np.median(price), "yes", "no").tolist(),
        "band": np.array(["low", "mid", "high"])[np.digitize(price, np.quantile(price, [0.3, 0.7]))].tolist(),
    }
    return {"size": size.tolist(), "age": age.tolist(), "way": WAYS, target: values[target]}


def without_ranks(network: Network) -> Network:
    """The layers of a network behind a selection of the numbers without their ranks, for inputs that have both."""
    return Network(network.inputs + 2, (Selection(4, 2), *network.layers))


@cache
def packed(target: str) -> tuple[Model, list[NDArray[Any]]]:
    """A model of three groups, and the decoded predictions of each of its four networks."""
    quick: dict[str, Any] = {"preset": "fast", "ensemble_size": 2, "epochs": 4, "seed": 3}
    quick |= {"calibration": "none", "clip_predictions": "none"}
    first = fit(columns(target), target, **quick, hidden=(12,))
    second = fit(columns(target), target, **quick, hidden=(8, 8), quantile_features=False)
    third = fit(columns(target), target, **{**quick, "ensemble_size": 1}, hidden=(5,), activation="tanh")
    others = (Group(without_ranks(second.network), second.theta[:1]), Group.of(third.network, third.theta))
    members = (*first.record.members, second.record.members[0], first.record.members[0])
    model = replace(first, others=others, shares=SHARES, record=replace(first.record, members=members))
    alone = [replace(first, theta=theta, record=replace(first.record, members=())) for theta in first.theta]
    alone += [replace(second, theta=second.theta[0]), third]
    return model, [each.head.predictions(each.outputs(table_from(columns(target)))) for each in alone]


@pytest.fixture(scope="module", params=["price", "sold", "band"])
def case(request: pytest.FixtureRequest) -> tuple[str, Model, list[NDArray[Any]]]:
    return request.param, *packed(request.param)


def predicted(model: Model, target: str) -> NDArray[Any]:
    return model.head.predictions(model.outputs(table_from(columns(target))))


def test_predictions_are_the_weighted_average(case: tuple[str, Model, list[NDArray[Any]]]) -> None:
    target, model, alone = case
    expected = sum(share * each for share, each in zip(SHARES, alone, strict=True))
    np.testing.assert_allclose(predicted(model, target), expected, rtol=2e-4, atol=2e-5 * np.abs(expected).max())
    assert model.networks == 4
    assert model.features(columns(target)).shape == (120, 12 + 12 + 8 + 5)


def test_a_file_comes_back_to_the_bit(case: tuple[str, Model, list[NDArray[Any]]], tmp_path: Path) -> None:
    target, model, _ = case
    model.save(tmp_path / "m.backpass")
    again = load(tmp_path / "m.backpass")
    assert again.to_bytes() == model.to_bytes()
    assert again.shares == SHARES
    assert [each.count for each in again.groups] == [2, 1, 1]
    np.testing.assert_array_equal(predicted(again, target), predicted(model, target))
    assert again.evaluate(columns(target)) == model.evaluate(columns(target))


def test_one_group_of_equal_shares_is_the_file_without_groups() -> None:
    data = columns("price")
    model = fit(data, "price", preset="fast", epochs=2)
    facts, arrays = unpack(model.to_bytes(), "model", "m")
    assert not {"others", "shares"} & {*facts, *arrays}
    equal = replace(model, shares=(0.5, 0.5))
    np.testing.assert_allclose(equal.predict(data), model.predict(data), rtol=1e-5)


def test_reports_evaluate_the_weighted_average(case: tuple[str, Model, list[NDArray[Any]]]) -> None:
    target, model, _ = case
    table = table_from(columns(target))
    encoded = model.encoded(table)
    x = model.ensemble.inputs(encoded.numbers, encoded.codes)
    expected = predicted(model, target)
    size = 1e-5 * np.abs(expected).max()
    smooth = SmoothModel(model)
    np.testing.assert_allclose(smooth.predictions(smooth.inputs(x)), expected, rtol=1e-4, atol=size)
    theta = np.concatenate([each.theta.reshape(-1) for each in model.groups])
    (shown,) = [np.asarray(forward(model)(theta, encoded.numbers, encoded.codes))]
    np.testing.assert_allclose(shown, expected, rtol=1e-4, atol=size)
    assert "the first of 4 networks" in scene_of(model).title
    assert explain(model, table).contributions.shape[0] == 120


def test_a_selection_first_is_drawn() -> None:
    model, _ = packed("price")
    second = replace(model, network=model.others[0].network, theta=model.others[0].theta, others=(), shares=())
    assert scene_of(second).title.startswith("3")


def test_onnx_averages_in_the_graph(case: tuple[str, Model, list[NDArray[Any]]]) -> None:
    runtime = pytest.importorskip("onnxruntime")
    target, model, _ = case
    graph = model.to_onnx()
    session = runtime.InferenceSession(graph)
    inputs = backpass.onnx_inputs({name: columns(target)[name] for name in ("size", "age", "way")}, graph)
    found = session.run(None, inputs)[-1]
    np.testing.assert_allclose(found, predicted(model, target), rtol=1e-4, atol=1e-4 * np.abs(found).max())


def test_what_one_network_can_do_is_refused() -> None:
    model, _ = packed("price")
    with pytest.raises(UsageError, match="activations are all the identity"):
        model.collapse()
    linear = fit(columns("price"), "price", hidden=(), epochs=2, ensemble_size=2, numerical_scaling="standard")
    assert linear.collapse().weights
    with pytest.raises(UsageError, match="averages networks of different layers or shares"):
        replace(linear, shares=(0.75, 0.25)).collapse()
    with pytest.raises(UsageError, match="ensemble of 4"):
        check_single(Settings.of({"ensemble_size": 1}), "warm_start", model)
    estimator = BackpassRegressor()
    estimator.model_ = model
    assert estimator._n_features_out == 37


def test_show_lists_the_groups(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, _ = packed("price")
    path = str(tmp_path / "m.backpass")
    model.save(path)
    assert main(["show", path]) == 0
    assert "2 networks 5 -> 12 -> 1, share 0.5" in " ".join(capsys.readouterr().out.split())
    assert main(["show", path, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert [each["networks"] for each in facts["groups"]] == [2, 1, 1]
    assert [share for each in facts["groups"] for share in each["shares"]] == list(SHARES)


def damaged(facts: Mapping[str, Any], arrays: Mapping[str, Any], **changes: Any) -> bytes:
    return pack("model", {**facts, **changes}, arrays)


@pytest.mark.parametrize("target", ["price"])
def test_forged_groups_are_refused(target: str) -> None:
    model, _ = packed(target)
    facts, arrays = unpack(model.to_bytes(), "model", "m")
    one, two = facts["others"]
    forged: dict[str, tuple[bytes, str]] = {
        "too few shares": (damaged(facts, arrays, shares=[0.5, 0.5]), "numbers of shares and networks"),
        "no share": (damaged(facts, arrays, shares=[0.4, 0.0, 0.35, 0.25]), "shares and their signs"),
        "sum of shares": (damaged(facts, arrays, shares=[0.4, 0.1, 0.2, 0.2]), "sum of the shares and 1"),
        "negative share": (damaged(facts, arrays, shares=[1.0, -0.5, 0.25, 0.25]), "shares"),
        "networks": (damaged(facts, arrays, others=[{**one, "networks": 2}, two]), "numbers"),
        "many networks": (damaged(facts, arrays, others=[{**one, "networks": 10**15}, two]), "numbers"),
        "no other": (damaged(facts, arrays, others=[]), "numbers"),
        "not a group": (damaged(facts, arrays, others=[{"networks": 1}, two]), "lacks 'network'"),
        "no array": (pack("model", facts, {k: v for k, v in arrays.items() if k != "others"}), "arrays"),
        "no groups": (pack("model", {k: v for k, v in facts.items() if k != "others"}, arrays), "arrays"),
        "dtype": (pack("model", facts, {**arrays, "others": arrays["others"].astype(np.float64)}), "dtypes of theta"),
    }
    selected = {
        **one["network"],
        "layers": [{"kind": "selection", "columns": 4, "size": 5}, *one["network"]["layers"][1:]],
    }
    forged["selection"] = (damaged(facts, arrays, others=[{**one, "network": selected}, two]), "selection keeps 5 of 4")
    for name, (data, message) in forged.items():
        with pytest.raises(ModelFileError) as caught:
            from_bytes(data)
        text = " ".join([caught.value.message, *caught.value.details])
        assert message in text, (name, text)


def test_a_pack_predicts_in_another_process(tmp_path: Path) -> None:
    model, _ = packed("band")
    model.save(tmp_path / "m.backpass")
    program = (
        "import sys, json; from backpass import load; m = load(sys.argv[1]);"
        "print(m.predict_proba({'size': [50.0, 180.0], 'age': [3, 70], 'way': ['1', '9']}).tobytes().hex())"
    )
    out = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "m.backpass")], capture_output=True, text=True, check=True
    )
    rows = {"size": [50.0, 180.0], "age": [3, 70], "way": ["1", "9"]}
    assert out.stdout.strip() == model.predict_proba(rows).tobytes().hex()

"""Functions as activations: traced, checked, kept in files as operations, refused if they are not elementwise."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backpass
from backpass import BackpassClassifier, BackpassRegressor, dense_network, operations
from backpass.circuit import check_gradient
from backpass.engine import NumpyEngine
from backpass.errors import ModelFileError, UsageError
from backpass.model.file.container import pack, unpack
from backpass.model.loading import from_bytes
from backpass.network import CustomActivation, Dense
from backpass.network.activations import ACTIVATIONS

X = np.linspace(-2.0, 2.0, 120)
DATA = {"x": X, "y": np.sin(2.0 * X)}


def swish(z: Any) -> Any:
    return z * operations.sigmoid(1.702 * z)


def bent(z: Any) -> Any:
    """Powers, comparisons, a cast, constants that fold, and a selection."""
    half = operations.sqrt(0.25)
    return operations.where(z > half, z**2 - 0.25 + half, z) + (z < -1.0).astype(float) * 0.5


@pytest.mark.parametrize("name", [name for name in ACTIVATIONS if name != "identity"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_function_gives_the_numbers_of_the_named_activation(name: str, dtype: Any) -> None:
    z = np.linspace(-30.0, 30.0, 301).astype(dtype)
    given = CustomActivation.of(ACTIVATIONS[name])
    found = given(z)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, ACTIVATIONS[name](z))
    assert CustomActivation.from_json(json.loads(json.dumps(given.to_json()))) == given


@pytest.mark.parametrize("function", [swish, bent])
def test_gradients_of_a_network_are_right(function: Callable[[Any], Any]) -> None:
    network = dense_network(3, (4, 3), 1, activation=function)
    rng = np.random.default_rng(0)
    theta, x = rng.normal(size=network.parameter_count), rng.normal(size=(5, 3))
    assert check_gradient(lambda theta: (network(theta, x) ** 2).sum(), theta).ok


def test_networks_with_the_same_function_are_equal() -> None:
    assert Dense(3, swish) == Dense(3, lambda z: z * operations.sigmoid(1.702 * z))
    assert Dense(3, swish) != Dense(3, lambda z: z * operations.sigmoid(1.7 * z))
    assert hash(dense_network(2, (3,), 1, activation=swish)) == hash(dense_network(2, (3,), 1, activation=swish))
    # A number and the result of a step are not taken for each other.
    first, second = CustomActivation.of(lambda z: (z + 1.0) * 1.0), CustomActivation.of(lambda z: (z + 1.0) * (z + 1.0))
    assert first != second


FITTED = {
    "hidden": {"hidden": (8,), "activation": swish},
    "output": {"hidden": (8,), "output_activation": lambda z: 2.0 * operations.tanh(z)},
    "wired": {"wire": [("u", ("x",))], "activation": bent},
    "default": {"preset": "default", "hidden": (8,), "activation": swish, "ensemble_size": 2},
}


@pytest.mark.parametrize("settings", FITTED.values(), ids=FITTED)
def test_a_model_is_saved_loaded_and_exported(settings: dict[str, Any], tmp_path: Path) -> None:
    model = backpass.fit(DATA, "y", epochs=3, **settings)
    path = tmp_path / "m.backpass"
    model.save(path)
    loaded = backpass.load(path)
    assert loaded.network == model.network
    assert loaded.to_bytes() == path.read_bytes()
    np.testing.assert_array_equal(loaded.predict(DATA), model.predict(DATA))
    assert "custom" in loaded.record.settings.values()
    plain = replace(loaded, engine="numpy").predict(DATA)
    np.testing.assert_allclose(plain, model.predict(DATA), rtol=1e-4, atol=1e-5)
    assert pickle.loads(pickle.dumps(model)).network == model.network


def test_the_same_function_again_gives_the_same_bytes() -> None:
    first = backpass.fit(DATA, "y", hidden=(8,), epochs=3, activation=swish).to_bytes()
    again = backpass.fit(DATA, "y", hidden=(8,), epochs=3, activation=lambda t: t * operations.sigmoid(1.702 * t))
    assert again.to_bytes() == first


@pytest.mark.parametrize("engine", ["numpy", "auto"])
def test_the_engines_train_it_alike(engine: str) -> None:
    model = backpass.fit(DATA, "y", hidden=(16,), epochs=100, activation=swish, engine=engine, precision="float64")
    assert model.record.scores["test"]["r2"] > 0.7


def test_an_onnx_graph_and_a_page_have_it_too() -> None:
    runtime = pytest.importorskip("onnxruntime")
    model = backpass.fit(DATA, "y", hidden=(8,), epochs=3, activation=bent)
    (found,) = runtime.InferenceSession(model.to_onnx()).run(None, {"x": X[:, None]})
    np.testing.assert_allclose(found.reshape(-1), model.predict(DATA), rtol=1e-4, atol=1e-5)
    assert 'id="what-if"' in backpass.report(model, DATA)


def test_estimators_take_it_and_go_on_with_it() -> None:
    many = BackpassRegressor(activation=swish, epochs=1).fit(X[:, None], DATA["y"])
    assert len(many.model_.theta) == 4
    labels = np.where(X > 0.0, "b", "a")
    one = BackpassClassifier(preset="plain", hidden_layer_sizes=(8,), activation=swish, epochs=2, warm_start=True)
    first = one.fit(X[:, None], labels).model_.theta
    assert not np.array_equal(one.fit(X[:, None], labels).model_.theta, first)
    stream = BackpassRegressor(preset="plain", hidden_layer_sizes=(4,), activation=swish)
    assert np.isfinite(stream.partial_fit(X[:, None], DATA["y"]).partial_fit(X[:, None], DATA["y"]).predict([[0.5]]))
    one.set_params(activation="relu")
    with pytest.raises(UsageError, match="the parameters describe a different one"):
        one.fit(X[:, None], labels)


REFUSED: dict[str, tuple[Callable[..., Any], str]] = {
    "a sum": (lambda z: z / z.sum(axis=1, keepdims=True), "sum does not act element by element"),
    "a product": (lambda z: z @ np.eye(3), "matmul"),
    "itself": (lambda z: z, "it returns z itself"),
    "a constant": (lambda z: 1.0, "return one number per element"),
    "truth values": (lambda z: z > 0.0, "to bool"),
    "two arrays": (lambda z: (z, z * 2.0), "it returns 2 arrays"),
    "an array": (lambda z: z * np.arange(3.0), "array|broadcast"),
    "infinity": (lambda z: operations.minimum(z, np.inf), "not finite"),
    "NumPy alone": (lambda z: np.fft.fft(z), "fft"),
    "two arguments": (lambda z, y: z, "TypeError"),
    "an error of its own": (lambda z: {}[z], "KeyError"),
}


@pytest.mark.parametrize(("function", "text"), REFUSED.values(), ids=REFUSED)
def test_other_functions_are_refused_before_training(function: Callable[..., Any], text: str) -> None:
    for settings in ({"activation": function}, {"output_activation": function}):
        with pytest.raises(UsageError, match=text) as caught:
            backpass.fit(DATA, "y", hidden=(4,), **settings)
        assert len(caught.value.details) == 1
        assert next(iter(settings)) in caught.value.details[0]
    with pytest.raises(UsageError, match=text):
        dense_network(3, (3,), 1, activation=function)
    with pytest.raises(ValueError, match=text):
        BackpassRegressor(activation=function).fit(X[:, None], DATA["y"])


@pytest.mark.parametrize(
    "change",
    [
        {"steps": []},
        {"steps": [{"operation": "matmul", "inputs": [0, 0], "value": 0.0}]},
        {"steps": [{"operation": "tanh", "inputs": [1], "value": 0.0}]},
        {"steps": [{"operation": "tanh", "inputs": [0, 0], "value": 0.0}]},
        {"steps": [{"operation": "greater", "inputs": [0, 0], "value": 0.0}]},
        {"steps": [{"operation": "constant", "inputs": [], "value": 1.0}]},
        {"steps": [{"operation": "__import__", "inputs": [0], "value": 0.0}]},
        {"steps": [{"operation": "tanh", "inputs": [-1], "value": 0.0}]},
        {"steps": [{"operation": "tanh", "inputs": [0]}]},
        {"steps": [{"operation": "tanh", "inputs": [0], "value": 0.0}], "more": 1},
        "custom",
        "no such activation",
    ],
    ids=str,
)
def test_a_file_that_describes_no_activation_is_refused(change: Any) -> None:
    facts, arrays = unpack(backpass.fit(DATA, "y", hidden=(4,), epochs=1).to_bytes(), "model", "m")
    facts["network"]["layers"][0]["activation"] = change
    with pytest.raises(ModelFileError):
        from_bytes(pack("model", facts, arrays))


def test_a_file_holds_names_of_operations_and_numbers_only() -> None:
    facts, _ = unpack(backpass.fit(DATA, "y", hidden=(4,), epochs=1, activation=swish).to_bytes(), "model", "m")
    activation = facts["network"]["layers"][0]["activation"]
    assert [step["operation"] for step in activation["steps"]] == ["constant", "multiply", "sigmoid", "multiply"]
    assert facts["record"]["settings"]["activation"] == "custom"


def test_the_numpy_engine_runs_the_forward_circuit() -> None:
    network = dense_network(2, (3,), 1, activation=bent)
    theta = np.random.default_rng(1).normal(size=network.parameter_count).astype(np.float32)
    x = np.random.default_rng(2).normal(size=(4, 2)).astype(np.float32)
    (found,) = NumpyEngine().run(network.forward(), theta, x)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, network(theta, x), rtol=1e-6)

"""The models of estimators as ONNX graphs: what can be one, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("sklearn")

from backpass import BackpassClassifier, BackpassRegressor  # noqa: E402

QUICK: dict[str, Any] = {"preset": "plain", "hidden_layer_sizes": (8,), "epochs": 3, "learning_rate": 0.05}
X = np.random.default_rng(0).normal(size=(60, 2))


@pytest.mark.parametrize("ensemble_size", [1, 2])
def test_a_weighted_classifier_with_a_loss_of_its_own(ensemble_size: int) -> None:
    def loss(o: Any, y: Any) -> Any:
        return (o * o).sum(axis=1) * 0.01 + 0.0 * y

    label = np.digitize(X[:, 0], [-0.5, 0.5])
    fitted = BackpassClassifier(**QUICK, loss=loss, ensemble_size=ensemble_size).fit(
        X, label, sample_weight=1.0 + label
    )
    session = onnxruntime.InferenceSession(fitted.model_.to_onnx(), providers=["CPUExecutionProvider"])
    columns = {entry.name: X[:, i : i + 1] for i, entry in enumerate(session.get_inputs())}
    np.testing.assert_allclose(session.run(["probabilities"], columns)[0], fitted.predict_proba(X), rtol=1e-5)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"loss": "poisson"},
        {"ensemble_size": 2},
        {"preset": "default", "learning_rate": None},
        {"loss": lambda o, y: ((o - y) ** 2).sum(axis=1)},
    ],
    ids=["targets", "counts", "ensemble_size", "preset", "written"],
)
def test_several_targets_are_outputs_by_their_names(settings: dict[str, Any]) -> None:
    y = np.column_stack([np.abs(X[:, 0]), 100.0 + np.abs(X[:, 1]), np.full(60, 7.0)])
    y = y if settings.get("loss") == "poisson" else y - [5.0, 0.0, 0.0]
    fitted = BackpassRegressor(**{**QUICK, **settings}).fit(X, pd.DataFrame(y, columns=["a", "x0", "of 7"]))
    assert_outputs(fitted, ["a_", "x0_", "of 7_"])


def test_several_quantiles_are_outputs() -> None:
    fitted = BackpassRegressor(**QUICK, loss="quantile", quantile=(0.1, 0.9)).fit(X, X[:, 0])
    assert_outputs(fitted, ["y q=0.1", "y q=0.9"])
    facts = {each.key: each.value for each in onnx.load_from_string(fitted.model_.to_onnx()).metadata_props}
    assert facts["backpass.outputs"] == '["y q=0.1", "y q=0.9"]'


@pytest.mark.parametrize("ensemble_size", [1, 2])
@pytest.mark.parametrize("calibration", ["none", "temperature"])
def test_the_probabilities_of_labels_are_outputs(ensemble_size: int, calibration: str) -> None:
    tags = pd.DataFrame({"red": X[:, 0] > 0, "of blue": X[:, 1] > 0.5, "late": X[:, 0] > X[:, 1]}).astype(int)
    fitted = BackpassClassifier(**QUICK, ensemble_size=ensemble_size, calibration=calibration).fit(X, tags)
    session = onnxruntime.InferenceSession(fitted.model_.to_onnx(), providers=["CPUExecutionProvider"])
    assert [each.name for each in session.get_outputs()] == ["p(red)", "p(of blue)", "p(late)"]
    columns = {entry.name: X[:, i : i + 1] for i, entry in enumerate(session.get_inputs())}
    found = np.column_stack(session.run(None, columns))
    np.testing.assert_allclose(found, fitted.predict_proba(X), rtol=1e-5)


def assert_outputs(fitted: Any, names: list[str]) -> None:
    session = onnxruntime.InferenceSession(fitted.model_.to_onnx(), providers=["CPUExecutionProvider"])
    assert [each.name for each in session.get_outputs()] == names
    columns = {entry.name: X[:, i : i + 1] for i, entry in enumerate(session.get_inputs())}
    found = np.column_stack(session.run(None, columns))
    scales = np.array([each.scale for each in fitted.model_.head.scales])
    assert (np.abs(found - fitted.predict(X)) <= 1e-5 * np.maximum(np.abs(found), scales)).all()

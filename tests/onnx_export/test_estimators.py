"""The models of estimators as ONNX graphs: what can be one, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("sklearn")

from backpass import BackpassClassifier, BackpassRegressor  # noqa: E402
from backpass.errors import UsageError  # noqa: E402

QUICK: dict[str, Any] = {"hidden_layer_sizes": (8,), "epochs": 3, "learning_rate": 0.05}
X = np.random.default_rng(0).normal(size=(60, 2))


@pytest.mark.parametrize("ensemble", [1, 2])
def test_a_weighted_classifier_with_a_loss_of_its_own(ensemble: int) -> None:
    def loss(o: Any, y: Any) -> Any:
        return (o * o).sum(axis=1) * 0.01 + 0.0 * y

    label = np.digitize(X[:, 0], [-0.5, 0.5])
    fitted = BackpassClassifier(**QUICK, loss=loss, ensemble=ensemble).fit(X, label, sample_weight=1.0 + label)
    session = onnxruntime.InferenceSession(fitted.model_.to_onnx(), providers=["CPUExecutionProvider"])
    columns = {entry.name: X[:, i : i + 1] for i, entry in enumerate(session.get_inputs())}
    np.testing.assert_allclose(session.run(["probabilities"], columns)[0], fitted.predict_proba(X), rtol=1e-5)


def test_several_outputs_are_refused() -> None:
    fitted = BackpassRegressor(**QUICK).fit(X, X)
    with pytest.raises(UsageError, match="a model of several outputs cannot be exported to ONNX"):
        fitted.model_.to_onnx()

"""shap: the explainers that take a function explain predictions for arrays and frames."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from backpass import BackpassClassifier, BackpassRegressor

shap = pytest.importorskip("shap", reason="needs shap: make test-integrations")

pytestmark = pytest.mark.filterwarnings("ignore")  # shap's own, and those of numba

rng = np.random.default_rng(0)
X = pd.DataFrame(rng.normal(size=(60, 2)), columns=["size", "age"])
SMALL: dict[str, Any] = {"hidden_layer_sizes": (6,), "epochs": 20, "learning_rate": 0.05}


def test_kernel_explainer_of_a_bound_method_on_a_frame() -> None:
    """Some versions set ``feature_names_in_`` to None and leave it so; contributions still add up to the prediction."""
    model = BackpassRegressor(**SMALL).fit(X, 3.0 * X["size"])
    expected = model.predict(X)
    explainer = shap.KernelExplainer(model.predict, X[:10])
    values = explainer.shap_values(X[:4], silent=True)
    np.testing.assert_allclose(values.sum(axis=1) + explainer.expected_value, expected[:4], atol=1e-6)
    model.feature_names_in_ = None
    np.testing.assert_array_equal(model.predict(X.to_numpy()), expected)


def test_kernel_explainer_of_probabilities() -> None:
    model = BackpassClassifier(**SMALL).fit(X, np.where(X["size"] > 0, "dear", "cheap"))
    explainer = shap.KernelExplainer(model.predict_proba, X[:10])
    values = explainer.shap_values(X[:4], silent=True)
    np.testing.assert_allclose(
        values.sum(axis=1) + explainer.expected_value, model.predict_proba(X[:4].to_numpy()), atol=1e-6
    )


@pytest.mark.parametrize("data", [X, X.to_numpy()], ids=["frame", "array"])
def test_permutation_explainer(data: Any) -> None:
    model = BackpassRegressor(**SMALL).fit(data, 3.0 * X["size"])
    found = shap.Explainer(model.predict, data[:20])(data[:4])
    np.testing.assert_allclose(found.values.sum(axis=1) + found.base_values, model.predict(data[:4]), atol=1e-5)

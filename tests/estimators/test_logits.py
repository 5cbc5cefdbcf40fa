"""predict_log_proba and decision_function, and a warm start with other classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier
from sklearn.metrics import RocCurveDisplay, get_scorer
from sklearn.multiclass import OneVsRestClassifier

from backpass.errors import DataError


@pytest.mark.parametrize("parameters", [{}, {"ensemble_size": 3}, {"calibration": "temperature"}], ids=str)
@pytest.mark.parametrize("classes", [2, 3])
def test_log_probabilities_and_logits_agree_with_predictions(
    classifier: Any, numbers: Any, classes: int, parameters: dict[str, Any]
) -> None:
    X, y, label = numbers()
    goal = label if classes == 3 else np.where(y > 0, "up", "down")
    fitted = classifier(**parameters).fit(X, goal)
    logs, logits = fitted.predict_log_proba(X), fitted.decision_function(X)
    np.testing.assert_allclose(np.exp(logs), fitted.predict_proba(X), rtol=1e-5)
    assert logits.shape == ((60,) if classes == 2 else (60, 3))
    codes = (logits > 0).astype(int) if classes == 2 else logits.argmax(axis=1)
    np.testing.assert_array_equal(fitted.classes_[codes], fitted.predict(X))
    np.testing.assert_allclose(logs[:, 1] - logs[:, 0], logits if classes == 2 else logits[:, 1] - logits[:, 0])


def test_of_labels(classifier: Any, numbers: Any) -> None:
    X, y, _ = numbers()
    fitted = classifier().fit(X, np.column_stack([y > 0, X[:, 0] > 0]).astype(int))
    np.testing.assert_allclose(np.exp(fitted.predict_log_proba(X)), fitted.predict_proba(X), rtol=1e-5)
    np.testing.assert_array_equal(fitted.decision_function(X) > 0, fitted.predict(X))


def test_log_probabilities_are_minus_infinity_exactly_where_probabilities_are_0(classifier: Any, numbers: Any) -> None:
    X, y, _ = numbers()
    fitted = classifier(precision="float64", epochs=1, dropout=0.0).fit(X, y > 0)
    object.__setattr__(fitted.model_, "theta", fitted.model_.theta * 100.0)
    p, logs = fitted.predict_proba(X), fitted.predict_log_proba(X)
    assert p.min() == 0.0
    np.testing.assert_array_equal(np.isneginf(logs), p == 0.0)
    np.testing.assert_allclose(np.exp(logs), p, rtol=1e-5, atol=1e-15)


def test_tools_that_ask_for_them(classifier: Any, numbers: Any) -> None:
    pytest.importorskip("matplotlib").use("agg")
    X, y, label = numbers(120)
    goal = np.where(y > 0, "up", "down")
    fitted = classifier(epochs=20).fit(X, goal)
    assert get_scorer("roc_auc")(fitted, X, goal) > 0.9
    assert RocCurveDisplay.from_estimator(fitted, X, goal).roc_auc > 0.9
    for tool in (
        CalibratedClassifierCV(classifier(epochs=20), cv=2),
        OneVsRestClassifier(classifier(epochs=20)),
        StackingClassifier([("a", classifier(epochs=20))], cv=2),
    ):
        assert tool.fit(X, label).score(X, label) > 0.6


@pytest.mark.parametrize("others", [["a", "b"], ["a", "b", "d"], ["a", "b", "c", "d"]], ids=str)
def test_a_warm_start_refuses_other_classes(classifier: Any, numbers: Any, others: list[str]) -> None:
    X, _, label = numbers()
    fitted = classifier(warm_start=True).fit(X, label)
    theta = fitted.model_.theta
    with pytest.raises(DataError, match=r"classes .*\['[cd]'\]; the classes are \['a', 'b', 'c'\]"):
        fitted.fit(X, np.resize(others, 60))
    np.testing.assert_array_equal(fitted.model_.theta, theta)
    assert fitted.fit(X, label[::-1]).classes_.tolist() == ["a", "b", "c"]

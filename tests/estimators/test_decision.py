"""BackpassClassifier predicts by its threshold, and its class weights stay those of scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")

from backpass import BackpassClassifier
from backpass.errors import UsageError

X = np.random.default_rng(0).normal(size=(300, 2))
Y = (X[:, 0] + np.random.default_rng(1).normal(size=300) > 1.0).astype(int)
QUICK: dict[str, Any] = {"hidden_layer_sizes": (8,), "epochs": 4, "preset": "plain", "validation_fraction": 0.16}


def test_predict_follows_the_threshold_and_probabilities_stay() -> None:
    plain, fixed = BackpassClassifier(**QUICK).fit(X, Y), BackpassClassifier(**QUICK, threshold=0.2).fit(X, Y)
    p = plain.predict_proba(X)
    np.testing.assert_array_equal(fixed.predict_proba(X), p)
    np.testing.assert_array_equal(fixed.predict(X), p[:, 1] >= 0.2)
    np.testing.assert_array_equal(plain.predict(X), p.argmax(axis=1))
    other = BackpassClassifier(**QUICK, threshold=0.8, positive=0).fit(X, Y)
    np.testing.assert_array_equal(other.predict(X), np.where(p[:, 0] >= 0.8, 0, 1))


def test_a_threshold_by_cost_is_below_that_of_equal_costs() -> None:
    found = [
        BackpassClassifier(**QUICK, cost={"false_positive": 1, "false_negative": c}).fit(X, Y).model_.head.decision
        for c in (1, 50)
    ]
    assert found[0] is not None
    assert found[1] is not None
    assert found[1].threshold < found[0].threshold
    assert found[1].rule == "cost"


@pytest.mark.parametrize("value", [0.0, 1.0, "f2", -1])
def test_a_threshold_that_cannot_be_used(value: Any) -> None:
    with pytest.raises(ValueError, match="threshold"):
        BackpassClassifier(**QUICK, threshold=value).fit(X, Y)


def test_partial_fit_has_no_rows_to_choose_a_threshold_on() -> None:
    with pytest.raises(UsageError, match="a threshold is chosen on validation rows, and partial_fit has none"):
        BackpassClassifier(**QUICK, threshold="f1").partial_fit(X, Y, classes=[0, 1])
    fixed = BackpassClassifier(**QUICK, threshold=0.2).partial_fit(X, Y, classes=[0, 1])
    np.testing.assert_array_equal(fixed.predict(X), fixed.predict_proba(X)[:, 1] >= 0.2)


def test_class_weights_multiply_those_of_the_rows() -> None:
    by_class = BackpassClassifier(**QUICK, class_weight={1: 5.0}).fit(X, Y)
    by_row = BackpassClassifier(**QUICK).fit(X, Y, sample_weight=np.where(Y == 1, 5.0, 1.0))
    np.testing.assert_array_equal(by_class.predict_proba(X), by_row.predict_proba(X))

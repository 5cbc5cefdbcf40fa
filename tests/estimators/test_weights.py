"""Weights: they reach the loss, the scores and nothing else; a row of weight 0 is not there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import is_regressor
from sklearn.utils.class_weight import compute_class_weight

from backpass.errors import DataError
from backpass.estimators.weights import weights_of, with_classes


def test_weight_0_is_the_row_removed(case: Any) -> None:
    """Outliers, unknown texts and other classes in such rows leave no trace, in medians and scales neither."""
    make, X, y = case
    weights = np.random.default_rng(0).uniform(0.5, 2.0, len(X))
    strange = np.full_like(X[:5], 1e9)
    foreign = np.full(5, 1e12) if is_regressor(make()) else np.array(["z"] * 5)
    with_zeros = make().fit(
        np.concatenate([strange, X]), np.concatenate([foreign, y]), np.concatenate([np.zeros(5), weights])
    )
    without = make().fit(X, y, weights)
    np.testing.assert_array_equal(with_zeros.model_.theta, without.model_.theta)
    assert with_zeros.model_.feature_map.scale.tolist() == without.model_.feature_map.scale.tolist()


def test_only_the_ratio_of_weights_matters(case: Any) -> None:
    make, X, y = case
    weights = np.random.default_rng(0).integers(1, 5, len(X)).astype(float)
    one, two = make().fit(X, y, weights), make().fit(X, y, 4.0 * weights)
    np.testing.assert_array_equal(one.model_.theta, two.model_.theta)
    np.testing.assert_array_equal(make().fit(X, y, np.full(len(X), 3.0)).model_.theta, make().fit(X, y).model_.theta)
    np.testing.assert_array_equal(make().fit(X, y, 2).model_.theta, make().fit(X, y).model_.theta)


def test_a_heavy_row_is_fitted_better(regressor: Any) -> None:
    X = np.zeros((40, 1))
    y = np.r_[np.zeros(20), np.ones(20)] + np.arange(40) * 1e-6  # no two rows are equal
    weights = np.r_[np.ones(20), np.full(20, 9.0)]
    fitted = regressor(epochs=200, batch_size=8, dropout=0.0, validation_fraction=0.0, precision="float64")
    assert fitted.fit(X, y, weights).predict(X)[0] == pytest.approx(0.9, abs=0.02)
    assert fitted.fit(X, y).predict(X)[0] == pytest.approx(0.5, abs=0.02)


def test_rare_rows_of_great_weight_count_in_small_batches_too(classifier: Any) -> None:
    """Equal rows merge into one of great weight; its share of all rows is what counts, not that of its batch."""
    X, y = np.zeros((1000, 1)), np.r_[np.zeros(900), np.ones(100)]
    X[:100, 0], X[900:950, 0] = 1.0, 1.0
    fitted = classifier(
        epochs=400, batch_size=1, dropout=0.0, validation_fraction=0.0, weight_decay=0.0, learning_rate=0.01
    )
    P = fitted.fit(X, y).predict_proba([[0.0], [1.0]])[:, 1]
    np.testing.assert_allclose(P, [50 / 850, 50 / 150], atol=0.04)


def test_validation_scores_are_weighted(regressor: Any, numbers: Any) -> None:
    X, y, _ = numbers()
    weights = np.r_[np.ones(10), np.zeros(10)]
    two = regressor().fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:], sample_weight_val=weights)
    one = regressor().fit(X[:40], y[:40], X_val=X[40:50], y_val=y[40:50])
    assert two.history_ == one.history_


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.zeros(60), "sample_weight is zero for every row: at least one weight must be non-zero"),
        (0, "sample_weight must be above zero; got 0"),
        (-np.ones(60), "sample_weight must not be negative; row 0 has -1"),
        (np.ones(59), r"sample_weight must have shape \(60,\), one weight per row; got \(59,\)"),
        (np.ones((60, 1)), "sample_weight must have shape"),
        (np.full(60, np.nan), "Input sample_weight contains NaN"),
    ],
)
def test_weights_that_are_none(weights: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        weights_of(weights, 60)


def test_balanced_is_what_scikit_learn_computes() -> None:
    codes = np.array([0, 0, 0, 1, 2, 2])
    found = with_classes(None, codes, np.array([5, 6, 7]), "balanced")
    np.testing.assert_allclose(found, compute_class_weight("balanced", classes=np.arange(3), y=codes)[codes])


def test_balanced_shares_the_weight_among_the_classes_that_occur() -> None:
    """A fold may lack a class: the others then share its weight, so that the mean weight stays 1."""
    codes = np.array([0, 0, 0, 2])
    found = with_classes(None, codes, np.array([5, 6, 7]), "balanced")
    np.testing.assert_allclose(found, [4 / 6, 4 / 6, 4 / 6, 2.0])


def test_balanced_counts_weights_as_repetitions() -> None:
    codes, weights = np.array([0, 1, 1]), np.array([3.0, 1.0, 2.0])
    repeated = np.repeat(codes, weights.astype(int))
    found = with_classes(weights, codes, np.arange(2), "balanced")
    expected = with_classes(None, repeated, np.arange(2), "balanced")
    assert found is not None
    assert expected is not None
    np.testing.assert_allclose(found / weights, expected[[0, 3, 4]])


def test_class_weights_multiply_sample_weights() -> None:
    found = with_classes(np.array([1.0, 2.0, 4.0]), np.array([0, 1, 1]), np.array(["a", "b"]), {"b": 0.5})
    assert found is not None
    assert found.tolist() == [1.0, 1.0, 2.0]
    with pytest.raises(ValueError, match=r"names classes that are not in y: \['c'\]; the classes are \['a', 'b'\]"):
        with_classes(None, np.array([0, 1]), np.array(["a", "b"]), {"c": 2.0})
    with pytest.raises(ValueError, match="class_weight of class 'b' must be a finite number of at least 0; got -1"):
        with_classes(None, np.array([0, 1]), np.array(["a", "b"]), {"b": -1})


def test_class_weights_of_zero_leave_a_row_that_counts(classifier: Any, numbers: Any) -> None:
    X, _, label = numbers()
    none = dict.fromkeys("abc", 0)
    with pytest.raises(ValueError, match="class_weight is zero for the classes of every row"):
        classifier(class_weight=none).fit(X, label)
    assert not hasattr(classifier(class_weight=none).partial_fit(X, label, classes=list("abc")), "model_")


def test_class_weight_moves_the_decision(classifier: Any) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(400, 1)), np.where(rng.random(400) < 0.05, "rare", "common")
    plain = classifier(epochs=20).fit(X, y).predict_proba(X)[:, 1].mean()
    balanced = classifier(epochs=20, class_weight="balanced").fit(X, y).predict_proba(X)[:, 1].mean()
    assert plain < 0.15
    assert 0.3 < balanced < 0.7


@pytest.mark.parametrize("method", ["fit", "partial_fit", "score"])
@pytest.mark.parametrize("which", ["y", "sample_weight"])
def test_masked_targets_and_weights_are_refused_by_row(case: Any, method: str, which: str) -> None:
    make, X, y = case
    mask = np.isin(np.arange(len(X)), [3, 40])
    estimator = make().fit(X, y)
    given = {"y": y, "sample_weight": np.ones(len(X))}
    more = {"classes": np.unique(y)} if method == "partial_fit" and not is_regressor(make()) else {}
    masked = np.ma.masked_array(given[which], mask=mask)
    with pytest.raises(DataError, match=rf"^{which} is masked in rows 4, 41"):
        getattr(estimator, method)(X, **{**given, which: masked}, **more)
    nothing = np.ma.masked_array(given[which])
    getattr(estimator, method)(X, **{**given, which: nothing}, **more)  # nothing is masked


@pytest.mark.parametrize("which", ["y_val", "sample_weight_val"])
def test_masked_validation_targets_and_weights_are_refused(case: Any, which: str) -> None:
    make, X, y = case
    given = {"X_val": X, "y_val": y, "sample_weight_val": np.ones(len(X))}
    with pytest.raises(DataError, match=r"is masked in row 1"):
        make().fit(X, y, **{**given, which: np.ma.masked_array(given[which], mask=np.arange(len(X)) == 0)})


@pytest.mark.parametrize("is_first", [True, False])
def test_masked_classes_are_refused(classifier: Any, is_first: bool) -> None:
    """Scikit-learn's checks would take the value under the mask for a class that can occur."""
    X, y = np.arange(20.0)[:, None], np.arange(20) % 2
    estimator = classifier()
    if not is_first:
        estimator.partial_fit(X, y, classes=[0, 1])
    with pytest.raises(DataError, match=r"^classes has masked entries"):
        estimator.partial_fit(X, y, classes=np.ma.masked_array([0, 1, 2], mask=[False, False, True]))
    estimator.partial_fit(X, y, classes=np.ma.masked_array([0, 1]))  # nothing is masked
    assert estimator.classes_.tolist() == [0, 1]


def test_masked_targets_of_several_columns_are_refused(regressor: Any, numbers: Any) -> None:
    X, y, _ = numbers()
    both = np.ma.masked_array(np.column_stack([y, y]), mask=np.arange(2 * len(y)).reshape(-1, 2) == 5)
    with pytest.raises(DataError, match=r"^y is masked in row 3"):
        regressor().fit(X, both)


def test_masked_features_are_missing(case: Any) -> None:
    make, X, y = case
    masked, gaps = np.ma.masked_less(X, -1.0), np.where(X < -1.0, np.nan, X)
    one, other = make().fit(masked, y), make().fit(gaps, y)
    np.testing.assert_array_equal(one.model_.theta, other.model_.theta)
    np.testing.assert_array_equal(one.predict(masked), other.predict(gaps))

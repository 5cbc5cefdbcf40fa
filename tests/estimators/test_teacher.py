"""``fit(X, y, teacher=...)``: learning from another model's out-of-fold predictions, as scikit-learn makes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_predict

from backpass import BackpassClassifier, BackpassRegressor

N = 120
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 3))
SIGNAL = np.sin(2.0 * X[:, 0]) + X[:, 1]
Y = SIGNAL + RNG.normal(0.0, 0.5, N)
C = np.where(SIGNAL > 0.8, "c", np.where(SIGNAL < -0.8, "a", "b"))
QUICK: dict[str, Any] = {"preset": "plain", "hidden_layer_sizes": (4,), "epochs": 3, "random_state": 0}


def test_the_probabilities_of_cross_val_predict_teach_in_their_order() -> None:
    p = cross_val_predict(RandomForestClassifier(10, random_state=0), X, C, cv=3, method="predict_proba")
    taught = BackpassClassifier(**QUICK, teacher_weight=1.0).fit(X, C, teacher=p)
    shuffled = BackpassClassifier(**QUICK, teacher_weight=1.0).fit(
        X, C, teacher=pd.DataFrame(p, columns=list("abc"))[["c", "a", "b"]]
    )
    np.testing.assert_array_equal(taught.model_.theta, shuffled.model_.theta)
    assert not np.array_equal(taught.model_.theta, BackpassClassifier(**QUICK).fit(X, C).model_.theta)


@pytest.mark.parametrize("flip", [False, True])
def test_one_column_is_the_probability_of_the_second_class(flip: bool) -> None:
    rare = np.where(SIGNAL > 1.2, "a", "z") if flip else np.where(SIGNAL > 1.2, "z", "a")
    p = 1.0 / (1.0 + np.exp(-SIGNAL))
    one = BackpassClassifier(**QUICK).fit(X, rare, teacher=p)
    two = BackpassClassifier(**QUICK).fit(X, rare, teacher=np.stack([1.0 - p, p], axis=1))
    np.testing.assert_array_equal(one.model_.theta, two.model_.theta)


def test_the_order_of_the_rows_does_not_matter() -> None:
    order = RNG.permutation(N)
    one = BackpassRegressor(**QUICK).fit(X, Y, teacher=SIGNAL)
    two = BackpassRegressor(**QUICK).fit(X[order], Y[order], teacher=SIGNAL[order])
    np.testing.assert_array_equal(one.model_.theta, two.model_.theta)


SHAPES: dict[str, tuple[type, Any, Any, dict[str, Any]]] = {
    "numbers": (BackpassRegressor, np.stack([Y, -Y], axis=1), np.stack([SIGNAL, -SIGNAL], axis=1), {}),
    "quantiles": (
        BackpassRegressor,
        Y,
        np.stack([SIGNAL - 1.0, SIGNAL + 1.0], axis=1),
        {"loss": "quantile", "quantile": [0.1, 0.9]},
    ),
    "labels": (
        BackpassClassifier,
        np.stack([Y > 0, Y > 1], axis=1) * 1,
        np.stack([SIGNAL > 0, SIGNAL > 1], axis=1) * 0.8 + 0.1,
        {},
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_several_outputs_have_a_column_each(name: str) -> None:
    kind, y, teacher, more = SHAPES[name]
    taught = kind(**QUICK, **more).fit(X, y, teacher=teacher)
    assert taught.predict(X).shape == (N, 2)
    assert not np.array_equal(taught.model_.theta, kind(**QUICK, **more).fit(X, y).model_.theta)
    with pytest.raises(ValueError, match="the teacher has 1 column"):
        kind(**QUICK, **more).fit(X, y, teacher=teacher[:, 0])


BAD: dict[str, tuple[Any, str]] = {
    "rows": (SIGNAL[:7], "teacher has 7 rows; X has 120"),
    "a name": ("t", "teacher must hold predictions, one row per row of X"),
    "masked": (np.ma.masked_array(SIGNAL, SIGNAL > 1.0), "teacher"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_teachers_are_value_errors(name: str) -> None:
    teacher, text = BAD[name]
    with pytest.raises(ValueError, match=text):
        BackpassRegressor(**QUICK).fit(X, Y, teacher=teacher)


def test_a_loss_of_classes_cannot_take_probabilities() -> None:
    def loss(y: Any, o: Any) -> Any:
        return (o * 0.0).sum(axis=1)

    with pytest.raises(ValueError, match="a teacher of classes needs the cross-entropy"):
        BackpassClassifier(**QUICK, loss=loss).fit(X, C, teacher=np.full((N, 3), 1.0 / 3.0))


def test_a_loss_of_numbers_takes_the_teacher_in_place_of_y() -> None:
    def loss(y: Any, p: Any) -> Any:
        return (p - y) ** 2

    more = {**QUICK, "hidden_layer_sizes": (), "learning_rate": 0.1, "loss": loss, "teacher_weight": 1.0}
    more["epochs"] = 40
    one = BackpassRegressor(**more).fit(X, Y, teacher=SIGNAL)
    other = BackpassRegressor(**more).fit(X, Y, teacher=-SIGNAL)
    assert np.corrcoef(one.predict(X), other.predict(X))[0, 1] < -0.9


def test_a_warm_start_may_have_a_teacher_and_partial_fit_goes_on_without() -> None:
    warm = BackpassRegressor(**QUICK, warm_start=True).fit(X, Y)
    before = warm.model_.theta
    warm.fit(X, Y, teacher=SIGNAL)
    assert not np.array_equal(before, warm.model_.theta)
    warm.partial_fit(X, Y)
    with pytest.raises(TypeError, match="teacher"):
        warm.partial_fit(X, Y, teacher=SIGNAL)

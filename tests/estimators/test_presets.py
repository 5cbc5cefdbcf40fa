"""Presets and ensembles as parameters of the estimators."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import clone

from backpass.errors import UsageError

FEW: dict[str, Any] = {"hidden_layer_sizes": (8,), "epochs": 3, "learning_rate": None, "ensemble_size": 1}


def test_what_is_none_follows_the_preset_and_the_rest_does_not(regressor: Any, numbers: Any) -> None:
    X, y, _ = numbers(60)
    settings = regressor(**FEW, preset="default", dropout=0.0).fit(X, y).model_.record.settings
    assert (settings["activation"], settings["parametrization"], settings["clip_predictions"]) == (
        "mish",
        "ntk",
        "training",
    )
    assert (settings["hidden"], settings["epochs"], settings["dropout"]) == ([8], 3, 0.0)
    plain = regressor(**FEW).fit(X, y).model_.record.settings
    assert (plain["activation"], plain["parametrization"], plain["dropout"]) == ("relu", "standard", 0.0)


def test_a_preset_suits_classes(classifier: Any, numbers: Any) -> None:
    X, _, label = numbers(60)
    settings = classifier(**FEW, preset="default", metric="accuracy").fit(X, label).model_.record.settings
    assert (settings["activation"], settings["label_smoothing"]) == ("selu", 0.1)


def test_an_ensemble_averages_predictions_of_weighted_rows(classifier: Any, regressor: Any, numbers: Any) -> None:
    X, y, label = numbers(60)
    weights = np.random.default_rng(1).uniform(0.5, 2.0, 60)
    for rows in ("folds", "split"):
        several = classifier(ensemble_size=3, ensemble_split=rows).fit(X, label, sample_weight=weights)
        assert several.model_.theta.shape[0] == 3
        np.testing.assert_allclose(several.predict_proba(X).sum(axis=1), 1.0)
        both = regressor(ensemble_size=3, ensemble_split=rows).fit(X, np.c_[y, -y], sample_weight=weights)
        assert both.predict(X).shape == (60, 2)
        assert np.isfinite(both.model_.record.scores["validation"]["rmse"])


def test_scaling_the_weights_of_an_ensemble_changes_nothing(regressor: Any, numbers: Any) -> None:
    X, y, _ = numbers(60)
    weights = np.random.default_rng(1).integers(1, 5, 60).astype(float)
    one = regressor(ensemble_size=2).fit(X, y, sample_weight=weights)
    two = regressor(ensemble_size=2).fit(X, y, sample_weight=4.0 * weights)
    np.testing.assert_array_equal(one.predict(X), two.predict(X))


def test_an_ensemble_of_a_written_loss(regressor: Any, numbers: Any) -> None:
    X, y, _ = numbers(60)
    fitted = regressor(ensemble_size=2, loss=lambda o, y: abs(o - y), metric="loss").fit(X, y)
    assert fitted.model_.head.metric == "loss"
    assert regressor(loss=lambda o, y: abs(o - y), metric="mae").fit(X, y).model_.head.metric == "mae"


def test_what_goes_on_with_one_network_refuses_an_ensemble(regressor: Any, numbers: Any) -> None:
    X, y, _ = numbers(60)
    with pytest.raises(UsageError, match="warm_start continues the training of one network"):
        regressor(ensemble_size=2, warm_start=True).fit(X, y)
    fitted = regressor(ensemble_size=2).fit(X, y)
    for ensemble in (clone(fitted), fitted):
        with pytest.raises(AttributeError, match=r"has no attribute 'partial_fit': .* one network; .*ensemble of 2"):
            ensemble.partial_fit(X, y)
    fitted.set_params(ensemble_size=1)
    with pytest.raises(UsageError, match="partial_fit continues the training of one network"):
        fitted.partial_fit(X, y)


def test_a_stream_of_a_preset(regressor: Any, numbers: Any) -> None:
    X, y, _ = numbers(60)
    found = regressor(**FEW, preset="fast").partial_fit(X, y).partial_fit(X, y)
    assert np.isfinite(found.predict(X)).all()


def test_r2_chooses_the_epoch_of_several_targets(regressor: Any, numbers: Any) -> None:
    X, y, _ = numbers(60)
    fitted = regressor(metric="r2", epochs=20).fit(X, np.c_[y, 100.0 * X[:, 2]])
    found = fitted.model_.record.scores["validation"]["r2"]
    assert min(epoch["score"] for epoch in fitted.history_) == pytest.approx(-found)

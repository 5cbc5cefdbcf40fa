"""Cross-validation: its scores are those of models fitted by hand on the other folds, in every kind of split."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, log_loss, root_mean_squared_error

import backpass
from backpass.errors import BackpassWarning, DataError, UsageError
from sample_tables import rows_in_groups

QUICK: dict[str, Any] = {"hidden": (4,), "epochs": 2, "batch_size": 32}


@pytest.mark.parametrize("target", ["y", "kind"])
@pytest.mark.parametrize("requested", [{}, {"group": "id"}, {"time": "day"}, {"ensemble_size": 2}])
def test_scores_and_predictions_are_those_of_models_fitted_by_hand(target: str, requested: dict[str, Any]) -> None:
    frame = rows_in_groups(120)
    drop = [name for name in ("y", "kind", "id") if name not in (target, *requested.values())]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BackpassWarning)
        found = backpass.cross_validate(frame, target, folds=3, drop=drop, **requested, **QUICK)
        assert len(found.scores) == 3
        for fold in (1, 2, 3):
            inside = found.fold == fold
            rest = frame[found.fold < fold] if "time" in requested else frame[~inside]
            model = backpass.fit(rest, target, drop=drop, test_fraction=0.0, **requested, **QUICK)
            part = frame[inside]
            if target == "y":
                np.testing.assert_array_equal(model.predict(part), found.predicted[inside])
                assert found.scores[fold - 1]["rmse"] == pytest.approx(
                    root_mean_squared_error(part["y"], model.predict(part))
                )
            else:
                p = model.predict_proba(part)
                np.testing.assert_array_equal(p, found.predicted[inside])
                labels = [*found.classes]
                wanted = log_loss(part["kind"], p, labels=labels)
                assert found.scores[fold - 1]["log_loss"] == pytest.approx(wanted, rel=1e-6)
                accuracy = accuracy_score(part["kind"], np.array(labels)[p.argmax(axis=1)])
                assert found.scores[fold - 1]["accuracy"] == pytest.approx(accuracy)
    for name, mean in found.mean.items():
        values = pd.Series([each[name] for each in found.scores])
        assert mean == pytest.approx(values.mean())
        assert found.spread[name] == pytest.approx(values.std())
    if "group" in requested:
        assert (frame.groupby("id")["id"].transform(lambda ids: len({*found.fold[ids.index]})) == 1).all()
    if "time" in requested:
        days = [frame["day"][found.fold == fold] for fold in range(4)]
        assert all(days[i].max() < days[i + 1].min() for i in range(3))
        assert np.isnan(found.predicted[found.fold == 0]).all()
        assert (found.fold == 0).sum() == 30


def test_repeats_have_other_folds_and_average_predictions() -> None:
    frame = rows_in_groups(120)[["a", "b", "y"]]
    once = backpass.cross_validate(frame, "y", folds=3, **QUICK)
    twice = backpass.cross_validate(frame, "y", folds=3, repeats=2, **QUICK)
    assert [dict(each) for each in twice.scores[:3]] == [dict(each) for each in once.scores]
    assert {each["rmse"] for each in twice.scores[3:]}.isdisjoint({each["rmse"] for each in once.scores})
    np.testing.assert_array_equal(once.fold, twice.fold)
    assert (once.predicted != twice.predicted).any()
    assert np.isfinite(twice.predicted).all()
    errors = np.sqrt(np.mean((once.predicted - frame["y"]) ** 2))
    assert errors == pytest.approx(once.mean["rmse"], rel=0.1)


@pytest.mark.parametrize(
    "requested", [{"threshold": 0.2}, {"threshold": "f1"}, {"class_weight": {"low": 1, "high": 6}}, {}]
)
def test_decisions_are_those_of_the_models_that_are_scored(requested: dict[str, Any]) -> None:
    frame = rows_in_groups(120)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BackpassWarning)
        found = backpass.cross_validate(frame, "kind", folds=3, drop=["y"], **requested, **QUICK)
        twice = backpass.cross_validate(frame, "kind", folds=3, repeats=2, drop=["y"], **requested, **QUICK)
    for fold in (1, 2, 3):
        inside = found.fold == fold
        right = found.decided[inside] == found.truth[inside]
        assert right.mean() == pytest.approx(found.scores[fold - 1]["accuracy"])
    most_probable = np.argmax(found.predicted, axis=1)
    assert (found.decided != most_probable).any() == bool(requested)
    p = twice.predicted[:, 0]  # of "high"
    if requested.get("threshold") == 0.2:
        np.testing.assert_array_equal(twice.decided == 0, p >= 0.2)
    if not requested:
        np.testing.assert_array_equal(twice.decided == 0, p >= 0.5)
    numbers = backpass.cross_validate(frame, "y", folds=2, drop=["kind"], **QUICK)
    assert (numbers.decided == -1).all()


def test_what_cannot_be_done_is_said() -> None:
    frame = rows_in_groups(120)
    with pytest.raises(UsageError, match="folds must be a whole number of at least 2"):
        backpass.cross_validate(frame, "y", folds=1, **QUICK)
    with pytest.raises(UsageError, match="repeats must be 1"):
        backpass.cross_validate(frame, "y", time="day", repeats=2, **QUICK)
    with pytest.raises(DataError, match="31 splits or folds need at least 31 groups; there are 30"):
        backpass.cross_validate(frame, "y", folds=31, group="id", **QUICK)
    with pytest.raises(DataError, match="100 folds need at least 200 rows"):
        backpass.cross_validate(frame, "y", folds=100, **QUICK)


def test_folds_are_not_searched_for_leaks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What would be found is never shown, and the search takes a model per column and fold."""
    searched: list[str] = []
    for place in ("model.fitting.problem.preparation.worst_findings", "model.fitting.problem.division.dependences"):
        monkeypatch.setattr(f"backpass.{place}", lambda *args, place=place, **kwargs: searched.append(place) or [])
    backpass.cross_validate(rows_in_groups(120), "y", folds=2, **QUICK)
    assert searched == []
    backpass.fit(rows_in_groups(120), "y", **QUICK)
    assert len(searched) == 2

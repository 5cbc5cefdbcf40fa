"""Residuals: the quantile that an interval needs, and that intervals hold the target as often as they say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backpass.errors import ModelFileError, UsageError
from backpass.model import Model, fit, from_bytes
from backpass.model.file.container import pack, unpack
from backpass.model.head.residuals import KEPT, PredictedRows, Residuals

QUICK: dict[str, Any] = {"hidden": (16,), "epochs": 20, "batch_size": 64, "validation_fraction": 0.16}


def by_hand(errors: Any, level: float) -> float:
    """The ceil(level (n + 1))-th smallest error, counted on fingers."""
    rank = next(k for k in range(1, len(errors) + 2) if k >= level * (len(errors) + 1) - 1e-9)
    return float(sorted(abs(errors))[rank - 1])


@pytest.mark.parametrize("rows", [9, 19, 100, KEPT - 1, KEPT])
@pytest.mark.parametrize("level", [0.1, 0.5, 0.8, 0.9])
def test_the_half_width_is_an_order_statistic(rows: int, level: float) -> None:
    errors = np.random.default_rng(rows).normal(size=rows)
    found = Residuals.of(PredictedRows(errors, np.zeros(rows)))
    assert found is not None
    assert found.half_width(level) == pytest.approx(by_hand(errors, level), rel=1e-15)


def test_of_many_rows_some_are_kept_and_intervals_are_never_too_narrow() -> None:
    errors = np.random.default_rng(0).normal(size=7_777)
    found = Residuals.of(PredictedRows(errors, np.zeros(len(errors))))
    assert found is not None
    assert found.values.shape == (KEPT,)
    for level in (0.5, 0.9, 0.99, 0.999):
        exact, next_kept = by_hand(errors, level), sorted(abs(errors))[min(int(level * 7_777) + 9, 7_776)]
        assert exact <= found.half_width(level) <= next_kept


def test_weights_count_rows() -> None:
    errors, weights = np.array([3.0, -1.0, 2.0, 4.0]), np.array([1.0, 2.0, 3.0, 0.0])
    found = Residuals.of(PredictedRows(errors, np.zeros(4), weights))
    assert found is not None
    assert found.values.tolist() == [1.0, 2.0, 2.0, 3.0]  # quantiles 1/4 to 4/4 of 1 1 2 2 2 3


@pytest.mark.parametrize("level", [0.0, 1.0, -0.5, 90.0, float("nan")])
def test_a_level_lies_between_0_and_1(level: float) -> None:
    with pytest.raises(UsageError, match=r"^level must be a number greater than 0 and less than 1; got"):
        Residuals(np.ones(20), 20).half_width(level)


def test_too_few_rows_say_what_they_are_enough_for() -> None:
    few = Residuals(np.arange(1.0, 10.0), 9)
    assert few.half_width(0.9) == 9.0
    with pytest.raises(UsageError, match=r"an interval of 0\.95 needs residuals of more than 9 rows") as caught:
        few.half_width(0.95)
    assert "at most 0.9" in str(caught.value.hint)


def test_residuals_that_no_number_holds_are_not_kept() -> None:
    assert Residuals.of(PredictedRows(np.array([1.7e308]), np.array([-1.7e308]))) is None


def simulated(rows: int, seed: int) -> dict[str, list[float]]:
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2.0, 2.0, rows)
    return {"x": x.tolist(), "y": (np.sin(2.0 * x) + rng.normal(0.0, 0.3, rows)).tolist()}


def coverage(model: Model, level: float, new: dict[str, list[float]]) -> float:
    low, high = model.predict_interval({"x": new["x"]}, level).T
    return float(np.mean((low <= new["y"]) & (new["y"] <= high)))


@pytest.mark.parametrize(
    "settings", [{}, {"ensemble_size": 4}, {"ensemble_size": 3, "ensemble_split": "split"}], ids=str
)
def test_intervals_hold_new_targets_as_often_as_they_say(settings: dict[str, Any]) -> None:
    """The mean over tables; one table's coverage with 160 residuals deviates by 0.024 at 0.9."""
    new = simulated(4_000, 99)
    models = [fit(simulated(1_000, seed), "y", **QUICK, **settings) for seed in range(6)]
    for level in (0.5, 0.9):
        assert np.mean([coverage(model, level, new) for model in models]) == pytest.approx(level, abs=0.03)


def test_a_wrong_width_would_be_noticed() -> None:
    """The check above can fail: intervals of half the width hold far too few targets."""
    model = fit(simulated(1_000, 0), "y", **QUICK)
    low, high = model.predict_interval(simulated(4_000, 99), 0.9).T
    y, middle = np.array(simulated(4_000, 99)["y"]), 0.5 * (low + high)
    assert float(np.mean(np.abs(y - middle) <= 0.25 * (high - low))) < 0.8


def test_residuals_stay_with_the_file() -> None:
    model = fit(simulated(300, 0), "y", **QUICK)
    again = from_bytes(model.to_bytes())
    assert again.to_bytes() == model.to_bytes()
    assert again.predict_interval({"x": [0.5]}, 0.8).tolist() == model.predict_interval({"x": [0.5]}, 0.8).tolist()
    assert again.intervals is not None
    assert again.intervals.each[0].rows == model.record.rows["validation"] == 48


@pytest.mark.parametrize(
    "change",
    [
        lambda facts, arrays: facts.pop("residual_rows"),
        lambda facts, arrays: facts.update(residual_rows=47),
        lambda facts, arrays: facts.update(residual_rows=0),
        lambda facts, arrays: arrays.pop("residuals"),
        lambda facts, arrays: arrays.update(residuals=arrays["residuals"][::-1].copy()),
        lambda facts, arrays: arrays.update(residuals=-arrays["residuals"]),
        lambda facts, arrays: arrays.update(residuals=arrays["residuals"].astype(np.float32)),
    ],
)
def test_files_whose_residuals_cannot_be(change: Any) -> None:
    facts, arrays = unpack(fit(simulated(300, 0), "y", **QUICK).to_bytes(), "model", "m")
    facts, arrays = dict(facts), dict(arrays)
    change(facts, arrays)
    with pytest.raises(ModelFileError):
        from_bytes(pack("model", facts, arrays))


def test_quantiles_leave_as_many_targets_below_as_they_say() -> None:
    """The mean over tables, as for intervals; errors of this target are as large above as below."""
    new = simulated(4_000, 99)
    asked = (0.1, 0.25, 0.5, 0.9)
    below = []
    for seed in range(6):
        found = fit(simulated(1_000, seed), "y", **QUICK).predict_quantiles({"x": new["x"]}, asked)
        assert (np.diff(found, axis=1) > 0.0).all()
        below.append((np.array(new["y"])[:, None] <= found).mean(axis=0))
    np.testing.assert_allclose(np.mean(below, axis=0), asked, atol=0.04)


def test_quantiles_are_the_ends_of_intervals() -> None:
    model, x = fit(simulated(300, 0), "y", **QUICK), {"x": [0.5, 1.0]}
    low, middle, high = model.predict_quantiles(x).T
    np.testing.assert_array_equal(np.column_stack([low, high]), model.predict_interval(x, 0.9))
    np.testing.assert_array_equal(middle, model.predict(x))


@pytest.mark.parametrize("asked", [0.1, "0.1"])
def test_quantiles_are_asked_for_in_a_list(asked: Any) -> None:
    model = fit(simulated(100, 1), "y", **{**QUICK, "epochs": 1})
    with pytest.raises(UsageError, match="quantiles takes a list of numbers; got") as caught:
        model.predict_quantiles({"x": [0.5]}, asked)
    assert caught.value.hint == "quantiles=[0.1]"


def test_outputs_that_are_quantiles_already_have_no_others() -> None:
    model = fit(simulated(300, 0), "y", **QUICK, loss="quantile", quantile=0.9)
    with pytest.raises(UsageError, match=r"the outputs of this model are quantiles already: q=0\.9 of 'y'"):
        model.predict_quantiles({"x": [0.5]})


def test_where_there_are_no_intervals() -> None:
    with pytest.raises(UsageError, match="the model has no residuals for intervals"):
        fit(simulated(300, 0), "y", **{**QUICK, "validation_fraction": 0.0}).predict_interval({"x": [0.5]})
    classes = {"x": list(range(40)), "y": ["no", "yes"] * 20}
    with pytest.raises(UsageError, match="target 'y' holds classes; only numbers have intervals"):
        fit(classes, "y", **QUICK).predict_interval({"x": [0.5]})

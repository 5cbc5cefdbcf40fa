"""The intervals of several targets: those of each, computed by hand, at every function that has intervals."""

from __future__ import annotations

from math import ceil
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import backpass
import slow_twins
from backpass import BackpassRegressor
from backpass.errors import ModelFileError, UsageError
from backpass.model import Model, from_bytes
from backpass.model.file.container import pack, unpack
from backpass.model.fitting.outcome.intervals import coverage_by_stretch, notes_on_few_groups
from backpass.model.head.intervals import Intervals
from backpass.model.head.residuals import Residuals
from backpass.model.split.units import Units

QUICK: dict[str, Any] = {"preset": "plain", "hidden": (8,), "epochs": 8, "learning_rate": 0.02}
TARGETS = ["price", "rent", "gain"]


def table(rows: int, seed: int = 0) -> pd.DataFrame:
    """Targets of three scales, one of which is sometimes negative; the noise of each has its own size."""
    rng = np.random.default_rng(seed)
    x, noise = rng.normal(size=(rows, 2)), rng.normal(size=(rows, 3))
    return pd.DataFrame(
        {
            "x0": x[:, 0],
            "x1": x[:, 1],
            "price": 20.0 + x[:, 0] + 0.2 * noise[:, 0],
            "rent": 900.0 + 100.0 * x[:, 1] + 50.0 * noise[:, 1],
            "gain": x[:, 0] - x[:, 1] + noise[:, 2],
        }
    )


@pytest.fixture(scope="module")
def model() -> Model:
    return backpass.fit(table(400), TARGETS, validation=table(150, 1), test_fraction=0.25, **QUICK)


def by_hand(errors: Any, level: float) -> float:
    """The ceil(level (n + 1))-th smallest absolute error."""
    return float(np.sort(np.abs(errors))[ceil(round(level * (len(errors) + 1), 9)) - 1])


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9])
def test_the_interval_of_each_target_is_that_of_its_errors(model: Model, level: float) -> None:
    known, new = table(150, 1), table(30, 2)
    ends, predicted = model.predict_interval(new, level), model.predict(new)
    assert ends.shape == (30, 3, 2)
    for j, name in enumerate(TARGETS):
        before = model.predict(known)[:, j]
        relative, factor = slow_twins.errors_by_spread(before, np.abs(known[name] - before), np.ones(150))
        half = by_hand(np.array(relative), level) * np.array([factor(p) for p in predicted[:, j]])
        np.testing.assert_allclose(ends[:, j, 1], predicted[:, j] + half, rtol=1e-12)
        lowest = predicted[:, j] - half
        np.testing.assert_allclose(ends[:, j, 0], lowest if name == "gain" else np.maximum(lowest, 0.0), rtol=1e-12)


def test_every_target_is_covered_as_often_as_it_says(model: Model) -> None:
    new = table(4_000, 3)
    ends = model.predict_interval(new, 0.9)
    for j, name in enumerate(TARGETS):
        assert np.mean((ends[:, j, 0] <= new[name]) & (new[name] <= ends[:, j, 1])) == pytest.approx(0.9, abs=0.06)


def test_quantiles_are_the_ends_of_the_intervals(model: Model) -> None:
    new = table(20, 2)
    found = model.predict_quantiles(new, [0.95, 0.5, 0.05])
    assert found.shape == (20, 3, 3)
    np.testing.assert_array_equal(found[..., [0, 2]], model.predict_interval(new, 0.9))
    np.testing.assert_array_equal(found[..., 1], model.predict(new))


def test_the_record_has_the_coverage_of_each(model: Model) -> None:
    assert len(model.record.coverages) == 3
    assert model.record.coverage == pytest.approx(np.mean(model.record.coverages))
    assert min(model.record.coverages) > 0.75


def test_files_keep_the_intervals_of_each(model: Model) -> None:
    again = from_bytes(model.to_bytes())
    assert again.to_bytes() == model.to_bytes()
    np.testing.assert_array_equal(again.predict_interval(table(9, 2)), model.predict_interval(table(9, 2)))
    assert again.record.coverages == model.record.coverages


@pytest.mark.parametrize(
    "change",
    [
        lambda facts, arrays: facts.update(residual_rows=149),
        lambda facts, arrays: facts.update(residual_floor=[0.0, None]),
        lambda facts, arrays: facts.update(later_residual_rows=150),
        lambda facts, arrays: (facts.update(later_residual_rows=150), arrays.update(later_residuals=np.ones(450))),
        lambda facts, arrays: arrays.update(residuals=arrays["residuals"][:-1].copy()),
        lambda facts, arrays: arrays.update(residuals=arrays["residuals"][::-1].copy()),
        lambda facts, arrays: facts.update(spreads=[6, 6]),
        lambda facts, arrays: facts.update(spreads=[6, 6, 5]),
        lambda facts, arrays: facts.update(spreads=[6, 8, 4]),
        lambda facts, arrays: facts.pop("spreads"),
        lambda facts, arrays: arrays.pop("spread"),
        lambda facts, arrays: arrays.update(spread=arrays["spread"][::-1].copy()),
        lambda facts, arrays: arrays.update(spread=np.append(arrays["spread"][:-1], 0.0)),
        lambda facts, arrays: arrays.update(spread=np.append(arrays["spread"][:-1], np.nan)),
        lambda facts, arrays: arrays.update(spread=arrays["spread"].astype(np.float32)),
    ],
)
def test_files_whose_residuals_cannot_be(change: Any, model: Model) -> None:
    facts, arrays = (dict(each) for each in unpack(model.to_bytes(), "model", "m"))
    change(facts, arrays)
    with pytest.raises(ModelFileError):
        from_bytes(pack("model", facts, arrays))


def test_weights_count_rows_several_times() -> None:
    known = table(150, 1).assign(w=np.arange(150) % 3)
    model = backpass.fit(table(300).assign(w=1.0), ["price", "gain"], validation=known, weight="w", **QUICK)
    assert model.intervals is not None
    for j, name in enumerate(["price", "gain"]):
        used = known[known["w"] > 0]
        before = model.predict(used)[:, j]
        own, _ = slow_twins.errors_by_spread(before, np.abs(used[name] - before), used["w"])
        errors = np.array(own)
        # The residuals are the weighted quantiles at k / 100, of the 100 rows with a weight above 0.
        order = np.argsort(errors)
        shares = np.cumsum(used["w"].to_numpy()[order]) / used["w"].sum()
        place = ceil(0.8 * 101) / 100.0
        wanted = errors[order][np.searchsorted(shares + 1e-9, place)]
        assert model.intervals.half_widths(0.8)[j] == pytest.approx(wanted)


@pytest.mark.parametrize("more", [{"ensemble_size": 2}, {"group": "id"}], ids=["folds", "groups"])
def test_intervals_hold_on_new_rows_of_ensembles_and_groups(more: dict[str, Any]) -> None:
    data = table(600).assign(id=np.arange(600) // 3)
    if "group" not in more:
        data = data.drop(columns="id")
    model = backpass.fit(data, ["rent", "gain"], drop=["price"], **{**QUICK, "validation_fraction": 0.25}, **more)
    new = table(3_000, 5).assign(id=-1)
    ends, truth = model.predict_interval(new, 0.8), new[["rent", "gain"]].to_numpy()
    covered = np.mean((ends[..., 0] <= truth) & (truth <= ends[..., 1]), axis=0)
    np.testing.assert_allclose(covered, 0.8, atol=0.12)
    assert model.intervals is not None
    # 50 of the 200 groups validate; of an ensemble, all rows but those that test.
    wanted = 50 if "group" in more else model.record.rows["validation"]
    assert [each.rows for each in model.intervals.each] == [wanted, wanted]


def test_estimators_have_intervals_of_each_target() -> None:
    X, y = table(200)[["x0", "x1"]], table(200)[TARGETS]
    fitted = BackpassRegressor(preset="plain", hidden_layer_sizes=(8,), epochs=5, validation_fraction=0.2).fit(X, y)
    ends = fitted.predict_interval(X, 0.8)
    assert ends.shape == (200, 3, 2)
    np.testing.assert_array_equal(ends, fitted.model_.predict_interval(X, 0.8))
    np.testing.assert_allclose(ends.mean(axis=2)[:, 2], fitted.predict(X)[:, 2])
    assert fitted.predict_quantiles(X, [0.1, 0.9]).shape == (200, 3, 2)


def test_labels_and_several_quantiles_have_none() -> None:
    data = table(80).assign(
        hot=lambda each: (each["x0"] > 0).astype(int), wet=lambda each: (each["x1"] > 0).astype(int)
    )
    labels = backpass.fit(data[["x0", "x1", "hot", "wet"]], ["hot", "wet"], preset="plain", epochs=1)
    with pytest.raises(UsageError, match="target 'hot' holds classes; only numbers have intervals"):
        labels.predict_interval(data)
    with pytest.raises(UsageError, match=r"an interval of 0\.999 needs residuals of more than"):
        backpass.fit(
            data[["x0", "price", "rent"]], ["price", "rent"], **QUICK, validation_fraction=0.2
        ).predict_interval(data, 0.999)


def test_few_groups_make_intervals_wider_than_asked_and_this_is_said() -> None:
    def notes(groups: int, group: str | None = "id") -> list[str]:
        made = Intervals((Residuals(np.arange(1.0, groups + 1.0), groups),))
        return notes_on_few_groups(made, SimpleNamespace(settings=SimpleNamespace(group=group)))  # type: ignore[arg-type]

    few = (
        "prediction intervals are computed from the errors of 9 groups; with so few groups, 90% intervals cover "
        "100% of these errors, so they are too wide for most new groups; more groups, in the table or among"
    )
    assert notes(9)[0].startswith(few)
    assert notes(9, group=None) == notes(99) == []
    assert "90% intervals are not possible: the highest level is 87.5%" in notes(7)[0]
    values = np.arange(1.0, 13.0)
    assert "cover 100% of these errors" in notes(12)[0]
    assert np.mean(values <= Residuals(values, 12).half_width(0.9)) == 1.0


def test_coverage_is_told_for_each_quarter_of_the_test_rows() -> None:
    ranks = np.random.default_rng(0).permutation(200)
    errors = np.where(ranks < 50, 0.5, np.where(ranks % 2 == 0, 0.5, 2.0))  # all inside in the first quarter, then half
    rows = SimpleNamespace(
        o=errors, part=SimpleNamespace(truth=np.zeros(200), weights=None), units=Units(np.arange(200), ranks)
    )
    head = SimpleNamespace(predictions=lambda o: o)
    made = Intervals((Residuals(np.ones(19), 19),))
    assert coverage_by_stretch(made, rows, head) == [1.0, 0.5, 0.5, 0.5]  # type: ignore[arg-type]
    rows.units = Units(np.arange(200))
    assert coverage_by_stretch(made, rows, head) == []  # type: ignore[arg-type]
    rows.units = Units(np.arange(200), np.repeat([0, 1], 100))  # two instants have no quarters
    assert coverage_by_stretch(made, rows, head) == []  # type: ignore[arg-type]

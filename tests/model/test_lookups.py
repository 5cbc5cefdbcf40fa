"""Lookups: the last value, the seasonal value and the group mean agree with pandas, on splits and from files."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss, root_mean_squared_error

from backpass.errors import BackpassWarning, ModelFileError
from backpass.model import Model, fit, from_bytes
from backpass.model.baseline.season import SEASONS, seasons_of
from backpass.model.file.container import pack, unpack
from backpass.table import table_from

N = 1_440
RNG = np.random.default_rng(5)
QUICK: dict[str, Any] = {"hidden": (3,), "epochs": 2, "validation_fraction": 0.16, "engine": "numpy"}

pytestmark = pytest.mark.filterwarnings("ignore::backpass.errors.BackpassWarning")


def series(step: str, season: Any) -> pd.DataFrame:
    """Two rows per instant whose target is that of the season, with a little noise."""
    day = pd.date_range("2011-01-03", periods=N // 2, freq=step).repeat(2)
    phases = season(day)
    _, phase = np.unique(phases, return_inverse=True)
    level = RNG.permutation(int(phase.max()) + 1) * 1.0
    return pd.DataFrame({"x": RNG.normal(size=N), "day": day, "y": level[phase] + 0.1 * RNG.normal(size=N)})


CASES = {
    "hour_of_day": ("h", lambda t: t.hour),
    "hour_of_week": ("h", lambda t: 24 * t.day_of_week + t.hour),
    "day_of_week": ("D", lambda t: t.day_of_week),
    "week_of_year": ("7D", lambda t: ((t - pd.Timestamp("2011-01-03")).days // 7) % 52),
    "month": ("MS", lambda t: t.month),
    "quarter": ("QS", lambda t: t.quarter),
}


@pytest.mark.parametrize("name", CASES)
def test_the_season_is_found_and_its_last_values_are_those_of_pandas(name: str) -> None:
    step, season = CASES[name]
    frame = series(step, season)
    model = fit(frame, "y", time="day", **QUICK)
    (lookup,) = model.lookups
    assert (lookup.name, lookup.season) == ("seasonal", name)
    # By hand: the mean of the two rows of the latest instant before the test rows with the same phase.
    known, test = frame.iloc[: int(0.8 * N)], frame.iloc[int(0.8 * N) :]
    phases = pd.Series(season(pd.DatetimeIndex(known["day"])), index=known.index)
    latest = known.groupby(phases).apply(lambda rows: rows.loc[rows["day"] == rows["day"].max(), "y"].mean())
    predicted = latest.reindex(season(pd.DatetimeIndex(test["day"]))).to_numpy()
    assert model.record.baselines["seasonal"]["test"]["rmse"] == pytest.approx(
        root_mean_squared_error(test["y"], predicted), rel=1e-6
    )
    if name == "day_of_week":
        assert model.record.comparison is not None
        assert model.record.comparison.baseline == "seasonal"
        assert "worse than the value of the previous season" in " ".join(model.record.warnings)


@pytest.mark.parametrize("kind", ["numbers", "rare dates"])
def test_without_a_season_the_last_value_counts(kind: str) -> None:
    walk = np.cumsum(RNG.normal(size=N))
    time: Any = np.arange(N) * 1.0 if kind == "numbers" else pd.date_range("1000", periods=N, freq="200D", unit="s")
    model = fit({"x": RNG.normal(size=N), "t": time, "y": walk}, "y", time="t", drop=["t"], **QUICK)
    assert [(each.name, each.season, each.keys) for each in model.lookups] == [("last", "", ())]
    last, test = walk[int(0.8 * N) - 1], walk[int(0.8 * N) :]
    assert model.record.baselines["last"]["test"]["rmse"] == pytest.approx(
        root_mean_squared_error(test, np.full(len(test), last))
    )
    # Validation rows are predicted by the training rows alone.
    first, second = int(0.64 * N), int(0.8 * N)
    assert model.record.baselines["last"]["validation"]["rmse"] == pytest.approx(
        root_mean_squared_error(walk[first:second], np.full(second - first, walk[first - 1])), rel=1e-5
    )


def test_the_mean_of_a_group_is_that_of_known_groups() -> None:
    groups = np.repeat(np.arange(60), N // 60)
    level = RNG.normal(size=60)[groups] * 3
    table = {"x": RNG.normal(size=N), "id": groups, "y": level + 0.1 * RNG.normal(size=N)}
    model = fit(table, "y", group="id", **QUICK)
    assert model.record.baselines.keys() == {"mean", "linear"}, "the test rows are of new groups"
    (lookup,) = model.lookups
    known = np.isin([f"{float(each)!r}" for each in groups], lookup.keys)
    assert 0 < np.count_nonzero(~known) < N
    new = model.table(table).take(np.flatnonzero(~known))
    assert "group" not in model.kept_baselines.outputs(np.zeros((new.rows, model.network.inputs)), new)
    found = model.evaluation(model.table(table, with_target=True).take(np.flatnonzero(known))).comparison
    assert found is not None
    frame = pd.DataFrame(table)[known]
    means = frame.groupby("id")["y"].transform("mean")
    assert (found.baseline, found.result) == ("group", "worse")
    assert found.baseline_score == pytest.approx(root_mean_squared_error(frame["y"], means), rel=1e-6)


@pytest.mark.parametrize("weighted", [False, True])
def test_classes_get_smoothed_shares(weighted: bool) -> None:
    groups = np.repeat(np.arange(40), 10)
    y = np.where(RNG.random(400) < RNG.random(40)[groups], "yes", "no")
    table = {"x": RNG.normal(size=400), "id": [f"g{i}" for i in groups], "w": RNG.integers(1, 5, 400) * 1.0, "y": y}
    model = fit(table, "y", group="id", weight="w" if weighted else None, drop=[] if weighted else ["w"], **QUICK)
    (lookup,) = model.lookups
    frame = pd.DataFrame(table).assign(hit=lambda f: f["y"] == "yes")
    frame["w"] = frame["w"] if weighted else 1.0
    known = frame[frame["id"].isin(lookup.keys)]
    share = np.average(known["hit"], weights=known["w"])
    sums = known.assign(hit=known["hit"] * known["w"]).groupby("id")[["hit", "w"]].sum()
    p = ((sums["hit"] + share) / (sums["w"] + 1)).reindex(known["id"]).to_numpy()
    found = model.evaluation(model.table(known.drop(columns="hit"), with_target=True)).comparison
    assert found is not None
    assert found.baseline == "group"
    assert found.baseline_score == pytest.approx(
        log_loss(known["hit"], p, sample_weight=known["w"] if weighted else None), rel=1e-6
    )


@pytest.mark.parametrize(("column", "name"), [("group", "group"), ("time", "last")])
@pytest.mark.parametrize("weighted", [False, True])
def test_counts_have_lookups(column: str, name: str, weighted: bool) -> None:
    """The mean count of all rows counts as one more row."""
    table = {"x": RNG.normal(size=120), "t": np.arange(120) // 4 * 1.0, "y": RNG.poisson(3.0, size=120)}
    weights: dict[str, Any] = {"w": RNG.uniform(0.5, 2.0, size=120)} if weighted else {}
    weight = {"weight": "w"} if weighted else {}
    model = fit(table | weights, "y", loss="poisson", drop=["t"], **{column: "t"}, **weight, **QUICK)
    assert [each.name for each in model.lookups] == [name]
    assert np.isfinite(model.lookups[0].cells).all()


def test_out_of_fold_rows_are_of_new_groups() -> None:
    groups = np.repeat(np.arange(60), N // 60)
    table = {"x": RNG.normal(size=N), "id": groups, "y": RNG.normal(size=60)[groups] * 3}
    model = fit(table, "y", group="id", ensemble_size=3, **QUICK)
    assert model.record.baselines.keys() == {"mean", "linear"}
    assert [each.name for each in model.lookups] == ["group"]


@pytest.fixture(scope="module")
def seasonal() -> Model:
    frame = series("D", lambda t: t.day_of_week)
    frame["id"] = np.repeat(np.arange(N // 8), 8)
    with pytest.warns(BackpassWarning):
        return fit(frame, "y", time="day", group="id", **QUICK)


def test_the_model_file_keeps_them(seasonal: Model) -> None:
    again = from_bytes(seasonal.to_bytes())
    assert again.to_bytes() == seasonal.to_bytes()
    assert [each.name for each in again.lookups] == ["seasonal", "group"]
    table = table_from({"x": np.zeros(7), "day": pd.date_range("2030-01-07", periods=7), "id": [1e9] * 7})
    one, other = (each.kept_baselines.outputs(np.zeros((7, each.network.inputs)), table) for each in (seasonal, again))
    np.testing.assert_array_equal(one["seasonal"], other["seasonal"])
    assert len(np.unique(one["seasonal"])) == 7
    without = again.kept_baselines.outputs(np.zeros((7, again.network.inputs)), table_from({"x": np.zeros(7)}))
    assert without.keys() == {"mean", "linear"}, "the table lacks their columns"


@pytest.mark.parametrize(
    "wrong",
    [
        {"season": "fortnight"},
        {"season": ""},
        {"column": "x"},
        {"name": "group", "season": ""},
        {"keys": ["0", "0", "1", "2", "3", "4", "5"]},
        {"keys": ["0"]},
    ],
)
def test_a_file_whose_lookups_contradict_it_is_refused(seasonal: Model, wrong: dict[str, Any]) -> None:
    facts, arrays = unpack(seasonal.to_bytes(), "model", "file")
    facts["lookups"][0] |= wrong
    with pytest.raises(ModelFileError):
        from_bytes(pack("model", facts, arrays))


@pytest.mark.parametrize("name", SEASONS)
def test_phases_are_those_of_the_calendar(name: str) -> None:
    times = pd.DatetimeIndex(pd.to_datetime(RNG.integers(-(10**9), 3 * 10**9, 500), unit="s"))
    found = SEASONS[name].phase(times.as_unit("us").asi8)
    by_hand = {
        "hour_of_day": times.hour,
        "hour_of_week": 24 * times.day_of_week + times.hour,
        "day_of_week": times.day_of_week,
        "week_of_year": ((times.normalize() - pd.Timestamp("1969-12-29")).days // 7) % 52,
        "month": times.month - 1,
        "quarter": times.quarter - 1,
    }[name]
    np.testing.assert_array_equal(found, by_hand)


def test_a_season_needs_two_of_its_spans() -> None:
    day = 86_400_000_000
    assert seasons_of(np.arange(10) * day) == ()
    assert seasons_of(np.arange(14) * day) == ("day_of_week",)
    assert seasons_of(np.arange(800) * day) == ("day_of_week", "month")
    assert seasons_of(np.arange(20) * 400 * day) == ()
    assert seasons_of(np.zeros(5, dtype=np.int64)) == ()

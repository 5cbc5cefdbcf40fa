"""The backtest: with a time column, intervals are as wide as the errors of the same fit one stretch of time earlier."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backpass import Callback
from backpass.errors import BackpassWarning, InterruptedTraining
from backpass.model import Model, Settings, fit, fit_problem, from_bytes, make_problem
from backpass.model.fitting.checks.backtest import Distances, earlier_problem
from backpass.model.fitting.outcome.scoring import ScoredRows
from backpass.model.fitting.runs.ensemble import members_of
from backpass.model.head.intervals import Intervals
from backpass.model.head.residuals import Residuals
from backpass.model.split.horizon import times_of
from backpass.table import table_from

N = 1_000
RNG = np.random.default_rng(3)
X = RNG.normal(size=N)
TABLE: dict[str, Any] = {
    "x": X,
    "day": np.datetime64("2020-01-01") + np.arange(N),
    "y": 2.0 * X - 4.0 * np.arange(N) / N + 0.2 * RNG.normal(size=N),
}
SINGLE: dict[str, Any] = {"hidden": (6,), "epochs": 12, "validation_fraction": 0.16, "sampling": "full"}
LINEAR: dict[str, Any] = {
    "preset": "plain",
    "hidden": (),
    "epochs": 30,
    "learning_rate": 0.05,
    "validation_fraction": 0.16,
}
FOLDS: dict[str, Any] = {**SINGLE, "ensemble_size": 2, "epochs": 8}


def first(rows: int) -> dict[str, Any]:
    return {name: values[:rows] for name, values in TABLE.items()}


def without_backtest(**wishes: Any) -> Model:
    problem = make_problem(table_from(TABLE), "y", Settings.of(wishes), drop=["day"])
    return fit_problem(problem, compare=False)


def without_widening(plain: Model, level: float) -> float:
    """The half width by the validation rows alone: that of the same fit to rows that need no backtest."""
    problem = make_problem(table_from(TABLE), "y", Settings.of(plain.record.settings), drop=["day"])
    members = members_of(problem)
    rows = ScoredRows.of(problem, members, [*plain.theta.reshape(len(members), -1)], "validation")
    assert rows is not None
    found = rows.intervals(problem.head)
    assert found is not None
    return found.half_widths(level)[0]


@pytest.mark.parametrize("wishes", [SINGLE, FOLDS], ids=["one network", "folds"])
def test_the_residuals_are_the_larger_of_two_fits_made_by_hand(wishes: dict[str, Any]) -> None:
    model = fit(TABLE, "y", time="day", drop=["day"], **wishes)
    plain = without_backtest(time="day", **wishes)
    assert model.intervals is not None
    np.testing.assert_array_equal(model.theta, plain.theta)
    # The last 200 days test. As many days earlier, the first 800 rows are the table, and its last 200 days test.
    earlier = fit(first(800), "y", time="day", drop=["day"], test_fraction=0.25, **wishes)
    forecasts = [(earlier, slice(600, 800)), (model, slice(800, N))]
    errors = [np.sort(np.abs(TABLE["y"][rows] - each.predict({"x": X[rows]}))) for each, rows in forecasts]
    for level in (0.5, 0.8, 0.9):
        of_validation = without_widening(plain, level)
        backtest, test = (each[int(np.ceil(level * (len(each) + 1))) - 1] for each in errors)
        assert model.intervals.each[0].half_width(level) == pytest.approx(max(of_validation, backtest, test), rel=0.04)
        if level == 0.9:  # the coverage of the test rows is that of intervals made without them
            held = np.mean(errors[1] <= max(of_validation, backtest))
            assert model.record.coverage == pytest.approx(held, abs=0.02)
        # Rows after the test rows: the errors of the earlier fit on the test rows, which are up to twice as far ahead.
        t = np.ceil(np.arange(1, 201) / 200 * 64) / 64
        beyond = np.abs(TABLE["y"][800:] - earlier.predict({"x": X[800:]}))
        grown = (np.sort(beyond / np.sqrt(1.0 + c * t)) for c in np.linspace(0.0, 15.0, 3_001))
        c, divided = next((k * 0.005, each) for k, each in enumerate(grown) if each[179] <= errors[0][179])
        near, later = (each[0].half_width(level) for each in (model.intervals.each, model.intervals.later))
        wanted = max(divided[int(np.ceil(level * 201)) - 1], near) * np.sqrt(1.0 + c)
        assert later == pytest.approx(wanted, rel=0.04)
    assert "on the 600 earliest rows, scored on the 200 rows after them, weighted to be" in " ".join(model.record.notes)
    expected = model.record.expected
    assert expected is not None
    assert expected.beyond == "200 days"
    errors_beyond = TABLE["y"][800:] - earlier.predict({"x": X[800:]})
    assert expected.scores["rmse"] == pytest.approx(np.sqrt(np.mean(errors_beyond**2)), rel=0.02)
    assert expected.low is not None
    assert expected.high is not None
    assert expected.low < expected.scores["rmse"] < expected.high


def test_intervals_hold_where_the_target_drifts() -> None:
    """The middle of a falling target tells blocks between training rows, not the rows after them."""
    wishes = {**FOLDS, "hidden": (), "ensemble_size": 4, "epochs": 60, "learning_rate": 0.1}
    model = fit(TABLE, "y", time="day", drop=["day"], **wishes)
    plain = without_backtest(time="day", **wishes)
    assert model.record.coverage is not None
    assert plain.record.coverage is not None
    assert model.record.coverage > plain.record.coverage + 0.1
    assert model.record.coverage > 0.8, "of 90% asked; the middle of more rows is farther from the latest ones"


@pytest.mark.parametrize("refit", [False, True])
def test_rows_after_the_test_rows_have_wider_intervals(refit: bool) -> None:
    """The target falls: rows that are two stretches ahead are missed by twice as much as those one stretch ahead."""
    wishes = {**LINEAR, "time": "day", "refit": refit}
    model = fit(TABLE, "y", **wishes, drop=["day"])
    horizon = model.record.horizon
    assert horizon is not None
    assert horizon.ahead == 200 * 86_400e6
    start = np.datetime64("2020-01-01") + (N - 1 if refit else 799)
    days = start + np.array([-5, 1, 200, 250, 300, 400, 900])
    new: dict[str, Any] = {"x": np.zeros(7), "day": days}
    width = np.diff(model.predict_interval(table_from(new), 0.8)).ravel()
    assert width[0] == width[1] == width[2]
    assert width[5] == width[6] > 1.1 * width[2]
    # The squared width grows evenly with the time, from the test rows to twice as far ahead.
    np.testing.assert_allclose(width[3:5] ** 2, width[2] ** 2 + np.array([0.25, 0.5]) * (width[5] ** 2 - width[2] ** 2))
    # Rows without a time are rows to come.
    assert np.diff(model.predict_interval({"x": np.zeros(1)}, 0.8))[0, 0] == width[5]
    again = from_bytes(model.to_bytes())
    assert again.to_bytes() == model.to_bytes()
    both = again.predict_quantiles(table_from(new), [0.1, 0.9]), model.predict_interval(table_from(new), 0.8)
    np.testing.assert_array_equal(*both)


@pytest.mark.parametrize("steps", [0.0, 2.0, 4.0], ids=["steady", "falling", "falling faster"])
def test_intervals_hold_a_whole_stretch_after_the_test_rows(steps: float) -> None:
    draw = np.random.default_rng(4)
    x, day = draw.normal(size=1_400), np.arange(1_400)
    y = 2.0 * x - steps * day / N + 0.3 * draw.normal(size=1_400)
    data: dict[str, Any] = {"x": x, "day": day, "y": y}
    wishes = {**LINEAR, "time": "day"}
    model = fit({name: values[:N] for name, values in data.items()}, "y", drop=["day"], **wishes)
    later = {name: values[N : N + 200] for name, values in data.items()}
    low, high = model.predict_interval(later, 0.9).T
    assert np.mean((low <= later["y"]) & (later["y"] <= high)) > 0.8
    # Intervals of the distance of the test rows would hold fewer.
    assert model.intervals is not None
    half = model.intervals.half_widths(0.9)[0]
    assert steps == 0.0 or np.mean(np.abs(model.predict(later) - later["y"]) <= half) < 0.6


def test_the_score_of_gradual_intervals_is_that_of_their_residuals() -> None:
    near, far = np.array([1.0, 2.0, 4.0]), np.array([3.0, 4.0, 8.0])
    found = Intervals((Residuals(near, 3),), (Residuals(far, 3),), is_gradual=True)
    p, y, t = np.zeros(4), np.array([0.5, 1.0, 2.0, 5.0]), np.array([0.0, 0.25, 0.75, 1.0])
    joined = np.sqrt((1.0 - t)[:, None] * near**2 + t[:, None] * far**2)
    by_hand = [Residuals(each, 3).crps(p[i : i + 1], y[i : i + 1])[0] for i, each in enumerate(joined)]
    np.testing.assert_allclose(found.crps(p, y, t), by_hand)
    ends = [each[2] for each in joined]  # 0.75 of 4: the largest of three
    np.testing.assert_allclose(found.ends(p, 0.75, t), np.column_stack([np.negative(ends), ends]))
    steps = replace(found, is_gradual=False)  # files of earlier versions
    np.testing.assert_allclose(steps.ends(p, 0.75, t)[:, 1], [4.0, 8.0, 8.0, 8.0])
    for each in (found, steps):
        facts, arrays = each.stored()
        again = Intervals.from_stored(facts, arrays, 1)
        assert again is not None
        np.testing.assert_array_equal(again.ends(p, 0.75, t), each.ends(p, 0.75, t))


def sparse_at_the_end(**columns: Any) -> dict[str, Any]:
    """Rows whose last fifth takes twelve times as long as the fifth before it, with errors that grow by the day."""
    days = np.concatenate([np.arange(800) / 4.0, 200.0 + np.arange(200) * 0.5])
    return {"x": X, "day": days, "y": 2.0 * X - 0.01 * days + 0.1 * RNG.normal(size=N), **columns}


@pytest.mark.parametrize("door", ["numbers", "dates", "test rows in a table of their own", "groups"])
def test_the_backtest_looks_as_far_ahead_in_time_as_the_test_rows(door: str) -> None:
    table = sparse_at_the_end()
    wishes: dict[str, Any] = {**SINGLE, "time": "day"}
    if door == "dates":
        table["day"] = np.datetime64("2020-01-01") + (table["day"] * 86_400e6).astype("timedelta64[us]")
    if door == "groups":
        table["id"], wishes["group"] = np.arange(N) // 2, "id"
    test = None
    if door.startswith("test rows"):
        table, test = ({k: v[rows] for k, v in table.items()} for rows in (slice(800), slice(800, N)))
    problem = make_problem(
        table_from(table), "y", Settings.of(wishes), test=None if test is None else table_from(test), drop=["day"]
    )
    distances = Distances.of(problem)
    assert distances is not None
    # The test rows are 0.5 to 100 days after the last of the 800 others (day 199.75): half of these are as close to it.
    assert distances.share == pytest.approx(0.5, abs=0.01)
    day = 86_400e6 if door == "dates" else 1.0
    assert distances.ahead[-1] == pytest.approx(99.75 * day)


def test_later_rows_weigh_as_the_distances_of_the_test_rows() -> None:
    table = sparse_at_the_end()
    problem = make_problem(table_from(table), "y", Settings.of({**SINGLE, "time": "day"}), drop=["day"])
    distances = Distances.of(problem)
    assert distances is not None
    earlier = earlier_problem(problem, distances)
    assert earlier is not None
    part = distances.weighted(earlier.parts["test"], earlier)
    assert part.weights is not None
    assert part.rows == 399, "those of the days 100.25 to 199.75, after a fit that ends on day 100"
    assert earlier.source is not None
    times = {name: times_of([rows.table], "day") for name, rows in earlier.source.rows.items()}
    ahead = times["test"] - max(times["train"].max(), times["validation"].max())
    # By hand: bins of 12.5 days, the eighths of the distances of the test rows, which are even, hold 25 of them each.
    for k in range(8):
        inside = (ahead >= 12.5 * k + 0.25) & (ahead < 12.5 * (k + 1) + 0.25)
        assert float(part.weights[inside].sum()) == pytest.approx(25.0)


def test_test_rows_at_one_instant_with_the_others_need_no_distance() -> None:
    table = sparse_at_the_end()
    same = {name: values[:50] for name, values in table.items()}
    settings = Settings.of({**SINGLE, "time": "day"})
    problem = make_problem(table_from(table), "y", settings, test=table_from(same), drop=["day"])
    assert Distances.of(problem) is None, "the test rows are earlier than the last training row"


def test_intervals_that_miss_the_test_rows_are_a_warning() -> None:
    jump = np.where(np.arange(N) < 800, 0.0, 5.0)
    wishes: dict[str, Any] = {**SINGLE, "hidden": (), "epochs": 60, "learning_rate": 0.1, "time": "day"}
    with pytest.warns(BackpassWarning, match=r"90% intervals made without the test rows cover only \d") as caught:
        model = fit({**TABLE, "y": 2.0 * X + jump + 0.2 * RNG.normal(size=N)}, "y", drop=["day"], **wishes)
    coverage = model.record.coverage
    assert coverage is not None
    assert coverage < 0.5
    texts = [str(each.message) for each in caught if "made without" in str(each.message)]
    assert f"cover only {coverage:.1%} of these, because their errors are " in texts[0]
    assert texts[0].endswith(
        "fit again as soon as newer rows are known, or use intervals of a higher level, such as 95%"
    )
    assert texts[0] in model.record.warnings
    even = fit({**TABLE, "y": 2.0 * X + 0.2 * RNG.normal(size=N)}, "y", drop=["day"], **wishes)
    assert not [each for each in even.record.warnings if "made without" in each]
    assert even.record.coverage == pytest.approx(0.9, abs=0.06)


@pytest.mark.parametrize("missing", ["time", "numbers", "validation rows", "rows"])
def test_there_is_no_backtest_without(missing: str) -> None:
    table = dict(TABLE) if missing != "rows" else first(15)
    wishes = {**SINGLE, "epochs": 2}
    if missing == "numbers":
        table["y"] = np.where(TABLE["y"] > 0, "up", "down")
    if missing == "validation rows":
        wishes["validation_fraction"] = 0.0
    if missing != "time":
        wishes["time"] = "day"
    model = fit(table, "y", drop=["day"], **wishes)
    assert "backtest" not in " ".join(model.record.notes)


class Interrupting(Callback):
    """Sends SIGINT in the middle of the backtest."""

    sent = False

    def on_stage(self, name: str, share: float) -> None:
        if name == "backtest" and not self.sent:
            self.sent = True
            os.kill(os.getpid(), signal.SIGINT)


def test_an_interrupted_backtest_is_said_and_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    place = tmp_path / "run.checkpoint"
    whole = fit(TABLE, "y", time="day", **SINGLE)
    with pytest.raises(InterruptedTraining) as caught:
        fit(TABLE, "y", time="day", **SINGLE, checkpoint=place, callbacks=[Interrupting()])
    model = caught.value.model
    assert isinstance(model, Model)
    note = "the backtest was not finished: intervals may be too narrow for later rows; use a higher level, or fit again"
    assert note in model.record.notes
    assert fit(TABLE, "y", time="day", **SINGLE, resume_from=place).to_bytes() == whole.to_bytes()


# Classes: probabilities are at most as certain as those of the backtest -----------------------------------------------


def drifting(rows: int = 1_200, seed: int = 5) -> dict[str, Any]:
    """Classes whose dependence on x moves with time, so that forecasts of later rows are too certain."""
    draw = np.random.default_rng(seed)
    angle, x = np.linspace(0.0, 2.6, rows), draw.normal(size=(2, rows))
    z = 4.0 * (np.cos(angle) * x[0] + np.sin(angle) * x[1])
    named = np.where(draw.random(rows) < 1.0 / (1.0 + np.exp(-z)), "yes", "no")
    return {"a": x[0], "b": x[1], "day": np.datetime64("2020-01-01") + np.arange(rows), "y": named}


CLASSES: dict[str, Any] = {"hidden": (8,), "epochs": 12, "calibration": "temperature", "learning_rate": 0.02}


def losses_of(model: Model, later: dict[str, Any]) -> tuple[float, float]:
    """The log loss, and the expected calibration error in ten bins, of later rows."""
    p, truth = model.predict_proba(later), np.array([model.classes.index(name) for name in later["y"]])
    sure, right = p.max(axis=1), p.argmax(axis=1) == truth
    bins = np.minimum((sure * 10).astype(int), 9)
    ece = sum(abs(sure[bins == b].sum() - right[bins == b].sum()) for b in range(10)) / len(truth)
    return float(-np.log(p[np.arange(len(truth)), truth]).mean()), float(ece)


@pytest.mark.parametrize("more", [{}, {"ensemble_size": 2}, {"refit": True}], ids=["one network", "folds", "refit"])
def test_probabilities_of_later_rows_are_better_calibrated(
    more: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = drifting()
    known = {name: values[:1_000] for name, values in data.items()}
    later = {name: values[1_000:] for name, values in data.items()}
    wishes = {**CLASSES, **more, "time": "day"}
    model = fit(known, "y", drop=["day"], **wishes)
    assert any("probabilities are at most as certain as those of a backtest" in note for note in model.record.notes)
    assert any("validation rows and a backtest)" in note for note in model.record.notes)
    monkeypatch.setattr("backpass.model.fitting.fit_problem.is_backtested", lambda problem: False)
    plain = fit(known, "y", drop=["day"], **wishes)
    (loss, error), (plain_loss, plain_error) = losses_of(model, later), losses_of(plain, later)
    least = 0.0 if "refit" in more else 0.02  # later rows are nearer to those of a refit
    assert loss < plain_loss - least
    assert error < plain_error - least
    np.testing.assert_array_equal(model.predict(later), plain.predict(later))


def test_the_factor_is_that_of_the_later_rows_of_an_earlier_fit_by_hand() -> None:
    data = drifting()
    wishes = {**CLASSES, "time": "day", "sampling": "full", "validation_fraction": 0.16}
    model = fit(data, "y", drop=["day"], **wishes)
    rows = len(data["y"]) * 8 // 10  # the last fifth tests; one stretch earlier, the fifth before it does
    earlier = {name: values[:rows] for name, values in data.items()}
    uncalibrated = {**wishes, "calibration": "none", "test_fraction": 0.25}
    before = fit(earlier, "y", drop=["day"], **uncalibrated)
    last = {name: values[rows * 3 // 4 :] for name, values in earlier.items()}
    truth = (last["y"] == before.classes[1]).astype(int)
    logit = np.log(before.predict_proba(last)[:, 1]) - np.log(before.predict_proba(last)[:, 0])
    doubt = 1.0 / (len(truth) + 2.0)

    def loss(f: float) -> float:
        right = np.log1p(np.exp(-f * np.where(truth == 1, logit, -logit)))
        wrong = np.log1p(np.exp(f * np.where(truth == 1, logit, -logit)))
        return float(((1.0 - doubt) * right + doubt * wrong).mean())

    factors = np.arange(8, 129) / 32.0
    by_hand = factors[np.argmin([loss(f) for f in factors])]
    said = next(note for note in model.record.notes if "temperature scaling" in note)
    assert float(said.split("T = ")[1].split(",")[0]) == pytest.approx(1.0 / by_hand, rel=0.1)


def test_classes_without_calibration_or_time_need_no_backtest() -> None:
    data = drifting(300)
    for wishes in ({"time": "day", "calibration": "none"}, {}):
        model = fit(data, "y", drop=["day"], hidden=(4,), epochs=2, **wishes)
        assert not any("backtest" in note for note in model.record.notes)

"""Targets of positive numbers: their logarithms, what is said of very skewed ones, and intervals not below zero."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backpass
from backpass import BackpassRegressor
from backpass.cli import main
from backpass.errors import DataError, ModelFileError, UsageError
from backpass.model.head.scaling import TargetScale
from backpass.model.loading import from_bytes
from backpass.table import table_from
from backpass.table.diagnosis.inspection import inspect_table
from backpass.table.diagnosis.skewness import skewness_of

OPTIONS: dict[str, Any] = {"hidden": (8,), "epochs": 2, "seed": 3, "validation_fraction": 0.3}


def table(spread: float, shift: float = 0.0, rows: int = 300) -> dict[str, Any]:
    draw = np.random.default_rng(5)
    x, noise = draw.normal(size=rows), draw.normal(size=rows)
    return {"x": x, "y": np.exp(spread * (x + 0.3 * noise)) + shift}


def half_widths(model: backpass.Model, predicted: Any) -> Any:
    """Half the width of the 0.9 interval of each prediction."""
    assert model.intervals is not None
    (own,) = model.intervals.each
    assert own.spread is not None
    return own.half_width(0.9) * own.spread.at(predicted)


def test_no_end_of_an_interval_is_below_zero() -> None:
    data = table(2.0)
    model = backpass.fit(data, "y", **OPTIONS)
    kept = from_bytes(model.to_bytes())
    assert kept.intervals is not None
    assert kept.intervals.each[0].floor == 0.0
    predicted = model.predict(data)
    half = half_widths(model, predicted)
    assert (predicted - half).min() < 0.0
    for each in (model, kept):
        interval = each.predict_interval(data)
        assert interval.min() == 0.0
        assert np.array_equal(interval, np.maximum(np.column_stack([predicted - half, predicted + half]), 0.0))
        quantiles = each.predict_quantiles(data)
        assert quantiles.min() == 0.0
        assert (np.diff(quantiles, axis=1) >= 0.0).all()


def test_coverage_does_not_suffer() -> None:
    data = table(2.0)
    model = backpass.fit(data, "y", **OPTIONS)
    low, high = model.predict_interval(data).T
    predicted, y = model.predict(data), data["y"]
    half = half_widths(model, predicted)
    inside = (predicted - half <= y) & (y <= predicted + half)
    assert np.array_equal((low <= y) & (y <= high), inside)


def test_intervals_of_a_target_with_negative_numbers_are_as_before() -> None:
    data = table(2.0, shift=-5.0)
    model = backpass.fit(data, "y", **OPTIONS)
    assert model.intervals is not None
    assert model.intervals.each[0].floor is None
    predicted = model.predict(data)
    half = half_widths(model, predicted)
    assert np.array_equal(model.predict_interval(data), np.column_stack([predicted - half, predicted + half]))
    assert b"residual_floor" not in model.to_bytes()


def test_the_command_line_gives_the_same_ends(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = table(2.0)
    model = backpass.fit(data, "y", **OPTIONS)
    model.save(tmp_path / "m.backpass")
    lines = ["x", *(repr(float(x)) for x in data["x"])]
    (tmp_path / "new.csv").write_text("\n".join(lines) + "\n")
    asked = ["predict", str(tmp_path / "m.backpass"), str(tmp_path / "new.csv"), "--interval", "0.9"]
    assert main([*asked, "--quantiles", "0.05,0.95", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    interval = model.predict_interval(data)
    assert np.array_equal(facts["intervals"], interval)
    assert np.array_equal(facts["quantiles"]["0.05"], interval[:, 0])
    assert main(asked) == 0
    rows = capsys.readouterr().out.splitlines()[1:]
    assert min(float(row.split(",")[1]) for row in rows) == 0.0


@pytest.mark.parametrize(("spread", "is_said"), [(0.3, False), (0.8, False), (2.0, True), (3.0, True)])
def test_a_very_skewed_target_is_said(spread: float, is_said: bool) -> None:
    data = table(spread)
    what = "is positive and very skewed"
    notes = backpass.fit(data, "y", **OPTIONS).record.notes
    assert any(what in note for note in notes) == is_said
    findings = inspect_table(table_from(data), "y").findings
    assert ("skewed_target" in [each.code for each in findings]) == is_said
    if is_said:
        poisson = backpass.fit(data, "y", **OPTIONS, loss="poisson").record.notes
        assert not any(what in note for note in poisson)


def test_what_is_said_of_zeros_and_of_few_rows() -> None:
    y = np.exp(np.linspace(0.0, 12.0, 100))
    assert "or --target-transform log fits" in skewness_of("y", y)
    zeros = skewness_of("y", np.append(y, 0.0))
    assert "never negative" in zeros
    assert "log" not in zeros
    assert skewness_of("y", y[::10]) == skewness_of("y", -y) == skewness_of("y", y - 2.0) == ""
    assert skewness_of("y", np.repeat([0.0, 5.0], [90, 10])) == ""


SHAPES: dict[str, tuple[bool, Any]] = {
    "lognormal": (True, lambda draw: draw.lognormal(0.0, 2.2, 800)),
    "Pareto": (True, lambda draw: draw.pareto(0.7, 800) + 1.0),
    "powers": (True, lambda draw: 10.0 ** draw.uniform(0.0, 5.0, 800)),
    "normal": (False, lambda draw: draw.normal(20.0, 2.0, 800)),
    "uniform": (False, lambda draw: draw.uniform(0.0, 1.0, 800)),
    "exponential": (False, lambda draw: draw.exponential(1.0, 800)),
    "few outliers": (False, lambda draw: np.append(draw.uniform(1.0, 2.0, 790), [1e4] * 10)),
}


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e9])
@pytest.mark.parametrize("zeros", [0, 80])
@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_said_of_a_target_depends_on_its_shape_only(shape: str, zeros: int, scale: float) -> None:
    """Shape x unit x share of zeros; a target with negative numbers is never called positive."""
    is_skewed, draw = SHAPES[shape]
    y = scale * np.append(draw(np.random.default_rng(3)), np.zeros(zeros))
    text = skewness_of("y", y)
    assert bool(text) == is_skewed
    assert ("--target-transform log" in text) == (is_skewed and not zeros)
    assert ("never negative" in text) == (is_skewed and zeros > 0)
    assert skewness_of("y", np.append(y, -scale)) == ""
    assert skewness_of("y", y[::-1]) == text


# A target that is learned as its logarithm --------------------------------------------------------------------------


def fitted(data: dict[str, Any], **settings: Any) -> backpass.Model:
    return backpass.fit(data, "y", **{**OPTIONS, "target_transform": "log", **settings})


def test_logarithms_are_standardized_and_come_back() -> None:
    y = np.exp(np.linspace(-3.0, 9.0, 200))
    plain, scale = TargetScale.fit(y, "identity"), TargetScale.fit(y, "identity", is_log=True)
    assert scale.log is not None
    assert replace(scale, log=None) == plain
    z = scale.encode(y)
    assert z.mean() == pytest.approx(0.0, abs=1e-12)
    assert z.std() == pytest.approx(1.0)
    np.testing.assert_allclose(scale.decode(z), y, rtol=1e-12)
    doubled = replace(scale, log=replace(scale.log, correction=np.log(2.0)))
    np.testing.assert_array_equal(doubled.encode(y), z)
    np.testing.assert_allclose(doubled.bounded(y).decode(z), np.minimum(2.0 * y, y.max()), rtol=1e-12)
    assert np.isfinite(scale.decode(np.array([1e30], np.float32))).all()


def test_a_constant_is_predicted_exactly_and_gets_a_scale_when_it_varies() -> None:
    scale = TargetScale.fit(np.full(5, 3.0), "identity", is_log=True)
    np.testing.assert_array_equal(scale.decode(np.array([0.0, 7.0])), 3.0)
    later = scale.updated(np.array([3.0, 48.0]))
    assert later.log is not None
    assert later.scale > 0.0
    np.testing.assert_allclose(later.decode(later.encode(np.array([3.0, 48.0]))), [3.0, 48.0])


def test_a_multiplicative_target_is_learned_better_and_the_file_predicts_the_same_bits() -> None:
    data = table(2.0)
    model, plain = (fitted(data, epochs=30, target_transform=t) for t in ("log", "none"))
    assert model.record.scores["test"]["mae"] < 0.7 * plain.record.scores["test"]["mae"]
    assert model.record.baselines == plain.record.baselines
    kept = from_bytes(model.to_bytes())
    assert kept.to_bytes() == model.to_bytes()
    np.testing.assert_array_equal(kept.predict(data), model.predict(data))
    assert kept.head == model.head
    assert (model.predict(data) > 0.0).all()
    assert model.record.settings["target_transform"] == "log"
    assert b'"log"' not in plain.to_bytes()
    assert b"target_transform" not in plain.to_bytes()


def test_the_errors_of_the_validation_rows_sum_to_zero_and_medians_are_left_alone() -> None:
    data = table(2.0)
    rows = {name: values[:100] for name, values in data.items()}
    model = backpass.fit(data, "y", validation=rows, **{**OPTIONS, "target_transform": "log"})
    assert model.predict(rows).sum() == pytest.approx(rows["y"].sum())
    (note,) = [note for note in model.notes if "are multiplied by" in note]
    assert model.head.scales[0].log is not None
    assert f"{np.exp(model.head.scales[0].log.correction):.4g}" in note
    for loss in ("absolute", "huber", "quantile"):
        other = fitted(data, loss=loss)
        assert other.head.scales[0].log is not None
        assert other.head.scales[0].log.correction == 0.0
        assert not [note for note in other.notes if "are multiplied by" in note]


def test_the_weight_of_rows_counts_in_the_correction() -> None:
    data = {**table(2.0), "w": np.where(np.arange(300) % 2, 1.0, 3.0)}
    rows = {name: values[:100] for name, values in data.items()}
    model = backpass.fit(data, "y", validation=rows, weight="w", **{**OPTIONS, "target_transform": "log"})
    assert (rows["w"] * model.predict(rows)).sum() == pytest.approx((rows["w"] * rows["y"]).sum())


def test_several_targets_each_have_their_logarithm() -> None:
    data = {**table(1.0), "z": table(1.0)["y"] ** 2 * 1e6}
    model = backpass.fit(data, ["y", "z"], **{**OPTIONS, "target_transform": "log", "epochs": 20})
    assert all(each.log is not None for each in model.head.scales)
    assert model.record.scores["test"]["r2"] > 0.3
    np.testing.assert_array_equal(from_bytes(model.to_bytes()).predict(data), model.predict(data))


def test_a_refit_keeps_the_correction() -> None:
    model = fitted(table(2.0), refit=True)
    assert model.record.refit is not None
    (note,) = [note for note in model.notes if "are multiplied by" in note]
    assert model.head.scales[0].log is not None
    assert f"{np.exp(model.head.scales[0].log.correction):.4g}" in note


def test_a_backtest_and_later_rows() -> None:
    data = {**table(1.0), "day": [f"2024-{1 + i // 28 % 12:02}-{1 + i % 28:02}" for i in range(300)]}
    model = fitted(data, time="day")
    assert model.record.expected is not None
    assert model.predict_interval(data).min() >= 0.0


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"loss": "poisson"}, "needs another loss than poisson"),
        ({"output_activation": "softplus"}, "needs --output-activation identity"),
        ({"task": "classification"}, "needs a target of numbers"),
        ({"target_transform": "ln"}, "target_transform must be"),
    ],
)
def test_settings_that_do_not_go_with_it(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as raised:
        fitted(table(1.0), **settings)
    assert said in str([raised.value.message, *raised.value.details])


def test_what_has_no_logarithm() -> None:
    data = table(1.0)
    data["y"][[4, 9]] = 0.0, -2.0
    with pytest.raises(DataError) as raised:
        fitted(data)
    assert "learned as its logarithm, which needs numbers above 0; got -2 (rows 5, 10)" in raised.value.message
    assert "--target-transform none" in raised.value.hint
    with pytest.raises(UsageError, match="='log' does not work with target 'y', which holds"):
        fitted({**data, "y": ["a", "b"] * 150})
    with pytest.raises(UsageError, match="target_transform"):
        backpass.fit_groups(table(1.0), "y", by="x", target_transform="log")


def test_rows_without_a_logarithm_can_be_scored() -> None:
    data = table(1.0)
    model = fitted(data)
    assert np.isfinite(model.evaluate({"x": data["x"][:20], "y": data["y"][:20] - 1.0})["rmse"])


def test_estimators_continue_it() -> None:
    data = table(1.0)
    X, y = data["x"][:, None], data["y"]
    single: dict[str, Any] = {"preset": "plain", "epochs": 2, "random_state": 0, "target_transform": "log"}
    est = BackpassRegressor((8,), warm_start=True, **single).fit(X, y)
    before = est.predict(X)
    est.fit(X, y)
    assert not np.array_equal(before, est.predict(X))
    est.partial_fit(X[:50], y[:50])
    with pytest.raises(DataError, match="needs numbers above 0; got -1"):
        est.partial_fit(X[:50], np.full(50, -1.0))
    with pytest.raises(UsageError, match="learned the logarithm of y, but target_transform is 'none'"):
        est.set_params(target_transform="none").fit(X, y)
    with pytest.raises(UsageError, match="needs a loss by name"):
        BackpassRegressor((8,), loss=lambda o, y: (o - y) ** 2, **single).fit(X, y)
    stream = BackpassRegressor((8,), **single)
    for first in range(0, 300, 100):
        stream.partial_fit(X[first : first + 100], y[first : first + 100])
    assert (stream.predict(X) > 0.0).all()


def test_a_teacher_predicts_numbers_above_zero() -> None:
    data = table(1.0)
    model, plain = (fitted({**data, "t": data["y"] * 1.1}, teacher="t", target_transform=t) for t in ("log", "none"))
    assert model.record.teacher is not None
    assert model.record.teacher == plain.record.teacher
    with pytest.raises(DataError, match="not above 0 in 1 of"):
        fitted({**data, "t": np.where(np.arange(300) == 7, -1.0, data["y"])}, teacher="t")


def test_a_run_is_continued_from_its_checkpoint(tmp_path: Path) -> None:
    data, path = table(1.0), tmp_path / "run.checkpoint"
    model = fitted(data, checkpoint=path)
    assert fitted(data, resume_from=path).to_bytes() == model.to_bytes()
    with pytest.raises(ModelFileError, match="target_transform"):
        fitted(data, resume_from=path, target_transform="none")


def test_streams_and_kept_features(tmp_path: Path) -> None:
    data = table(1.0)
    lines = ["x,y", *(f"{x!r},{y!r}" for x, y in zip(data["x"].tolist(), data["y"].tolist(), strict=True))]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    options = {**OPTIONS, "target_transform": "log"}
    streamed = backpass.fit(tmp_path / "t.csv", "y", stream=True, **options)
    kept = backpass.fit(data, "y", features_of=streamed, epochs=2, validation_fraction=0.3, target_transform="log")
    for model in (streamed, kept):
        (log,) = (each.log for each in model.head.scales)
        assert log is not None
        assert log.correction != 0.0
        assert (from_bytes(model.to_bytes()).predict(data) == model.predict(data)).all()
    (tmp_path / "t.csv").write_text("\n".join([*lines, "0.5,-1.0"]) + "\n")
    with pytest.raises(DataError, match="needs numbers above 0; got -1"):
        backpass.fit(tmp_path / "t.csv", "y", stream=True, **options)

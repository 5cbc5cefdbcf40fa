"""Temperature: the factor is found again, theta carries it, and probabilities come closer to what happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from backpass.model import fit, from_bytes
from backpass.model.fitting.outcome import temperature
from backpass.model.fitting.outcome.temperature import fitted_factor, tempered
from backpass.model.fitting.problem.data_split import DataSplit
from backpass.model.fitting.problem.preparation import make_problem
from backpass.model.fitting.runs.ensemble import members_of
from backpass.model.head.head import Head
from backpass.model.head.scaling import TargetScale
from backpass.model.head.target_head import TargetHead
from backpass.model.prediction.forward import outputs_of
from backpass.model.settings.settings import Settings
from backpass.numerics.elementary import mean
from backpass.table import Target, table_from

Columns = dict[str, list[Any]]
QUICK: dict[str, Any] = {
    "hidden": (8,),
    "epochs": 8,
    "batch_size": 16,
    "validation_fraction": 0.16,
    "calibration": "temperature",
}


def head_for(classes: int) -> Head:
    task = "binary" if classes == 2 else "multiclass"
    names = tuple("abcdefghij"[:classes])
    return Head((TargetHead(Target("y", task, names), "cross_entropy", {"label_smoothing": 0.0}, TargetScale()),))


def drawn(classes: int, rows: int, seed: int = 0, sharpness: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Outputs o, and classes drawn with the probabilities that o says."""
    rng = np.random.default_rng(seed)
    o = sharpness * rng.normal(size=(rows, 1 if classes == 2 else classes))
    logits = np.column_stack([np.zeros(rows), o[:, 0]]) if classes == 2 else o
    y = np.argmax(logits + rng.gumbel(size=logits.shape), axis=1)
    return o, y


def part_with(y: np.ndarray, weights: np.ndarray | None = None) -> DataSplit:
    return DataSplit.of(np.zeros((len(y), 1)), y, y, weights)


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_a_planted_temperature_is_found_again(classes: int, temperature: float) -> None:
    o, y = drawn(classes, 20_000)
    assert fitted_factor(head_for(classes), [o * temperature], part_with(y)) == pytest.approx(1 / temperature, rel=0.08)


@pytest.mark.parametrize("classes", [2, 3])
def test_a_few_rows_that_are_all_right_make_no_certainty(classes: int) -> None:
    y = np.arange(6) % classes
    o = (2.0 * y - 1.0)[:, None] if classes == 2 else 2.0 * np.eye(classes)[y]
    assert fitted_factor(head_for(classes), [o], part_with(y)) < 4.0


@pytest.mark.parametrize("seed", range(5))
def test_many_classes_and_few_rows_stay_as_sharp_as_they_are(seed: int) -> None:
    o, y = drawn(10, 300, seed, sharpness=8.0)
    assert np.mean(np.argmax(o, axis=1) == y) > 0.8
    assert fitted_factor(head_for(10), [o], part_with(y)) == pytest.approx(1.0, rel=0.1)


@pytest.mark.parametrize("classes", [2, 3])
def test_factors_tried_at_once_have_the_losses_of_one_at_a_time(classes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    o, y = drawn(classes, 37)
    part, weights = part_with(y, np.linspace(0.5, 1.5, 37)), (0.25, 0.75)
    losses: list[list[float]] = []
    for at_once in (1, 1_000, 1 << 15):
        found: list[float] = []
        monkeypatch.setattr(temperature, "_NUMBERS_AT_ONCE", at_once)
        monkeypatch.setattr(temperature, "mean", lambda *given, found=found: found.append(mean(*given)) or found[-1])
        fitted_factor(head_for(classes), [o, 0.7 * o], part, weights)
        losses.append(found)
    assert losses[0] == losses[1] == losses[2]
    assert len(losses[0]) == 31  # every eighth of 121, and the neighbors of the best


def test_weights_count_and_members_are_averaged() -> None:
    o, y = drawn(2, 4_000)
    weights = np.where(np.arange(4_000) < 2_000, 1.0, 0.0)
    part = part_with(y, weights)
    assert fitted_factor(head_for(2), [o], part) == pytest.approx(
        fitted_factor(head_for(2), [o[:2_000]], part_with(y[:2_000])), abs=1 / 32
    )
    assert fitted_factor(head_for(2), [0.5 * o, 0.5 * o], part) == fitted_factor(head_for(2), [0.5 * o], part)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_labels_share_a_factor(temperature: float) -> None:
    """It is that of all labels laid one beneath another."""
    each = [drawn(2, 4_000, seed) for seed in range(3)]
    o, y = temperature * np.column_stack([o for o, _ in each]), np.column_stack([y for _, y in each])
    weights = np.linspace(0.5, 1.5, 4_000)
    found = fitted_factor(Head(head_for(2).targets * 3, is_flat=False), [o, o], part_with(y, weights))
    assert found == pytest.approx(1 / temperature, rel=0.08)
    beneath = part_with(y.T.ravel(), np.tile(weights, 3))
    assert found == fitted_factor(head_for(2), [o.T.reshape(-1, 1)] * 2, beneath)


def test_the_factor_is_inside_the_last_layer(table_with: Callable[..., Columns]) -> None:
    problem = make_problem(table_from(table_with("grade")), "grade", Settings.of(QUICK))
    theta, x = problem.first_theta(), problem.parts["train"].x
    changed = tempered(problem.network, theta, 0.5)
    before, after = (outputs_of(problem.network, each, x, problem.engine) for each in (theta, changed))
    np.testing.assert_allclose(after, 0.5 * before, rtol=1e-5, atol=1e-6)
    assert (changed != theta).sum() <= 9 * 3


@pytest.mark.parametrize("target", ["sold", "grade"])
@pytest.mark.parametrize("settings", [{}, {"label_smoothing": 0.3}], ids=str)
def test_log_loss_on_the_validation_rows_is_never_worse_by_more_than_the_smoothing(
    table_with: Callable[..., Columns], target: str, settings: dict[str, Any]
) -> None:
    columns = table_with(target, rows=600)
    wishes = {**QUICK, **settings}
    warm, cold = fit(columns, target, **wishes), fit(columns, target, **{**wishes, "calibration": "none"})
    assert [note for note in warm.record.notes if "temperature scaling" in note]
    assert not [note for note in cold.record.notes if "temperature" in note]
    got, had = (model.record.scores["validation"]["log_loss"] for model in (warm, cold))
    assert got <= had + 1e-3
    if settings:
        assert got < had - 0.02, "smoothed labels make probabilities too soft, and the temperature makes up for it"
        assert warm.record.scores["test"]["log_loss"] < cold.record.scores["test"]["log_loss"]
    assert from_bytes(warm.to_bytes()).predict_proba(columns).tolist() == warm.predict_proba(columns).tolist()


def test_on_folds_probabilities_are_only_made_sharper(table_with: Callable[..., Columns]) -> None:
    columns = table_with("sold", rows=300)
    for smoothing in (0.0, 0.4):
        wishes = {**QUICK, "ensemble_size": 3, "label_smoothing": smoothing}
        model = fit(columns, "sold", **wishes)
        problem = make_problem(table_from(columns), "sold", Settings.of(wishes))
        assert problem.folds
        trained = members_of(problem)[0].problem.train().theta
        last = model.network.layout.views(model.theta[0])["W2"] / model.network.layout.views(trained)["W2"]
        assert (last >= 1.0 - 1e-6).all()
        assert np.ptp(last) < 1e-5


@pytest.mark.parametrize(
    "change", [{"validation_fraction": 0.0}, {"output_activation": "tanh"}, {"calibration": "none"}]
)
def test_without_what_it_needs_theta_is_as_trained(table_with: Callable[..., Columns], change: dict[str, Any]) -> None:
    columns, wishes = table_with("sold"), {**QUICK, **change}
    trained = make_problem(table_from(columns), "sold", Settings.of(wishes)).train().theta
    assert fit(columns, "sold", **wishes).theta.tobytes() == trained.tobytes()


def test_numbers_have_no_temperature(houses: Columns) -> None:
    model = fit(houses, "price", **QUICK)
    assert not any("temperature" in note for note in model.record.notes)
    assert replace(model).theta.tobytes() == fit(houses, "price", **{**QUICK, "calibration": "none"}).theta.tobytes()

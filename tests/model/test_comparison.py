"""The comparison with baselines: scores as scikit-learn has them, intervals as in paired bootstraps made by hand."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import log_loss, mean_absolute_error, root_mean_squared_error

from backpass.errors import BackpassWarning
from backpass.model import Model, fit
from backpass.model.evaluation.comparison import Comparison, compare
from backpass.model.head.head import Head
from backpass.model.loading import from_bytes
from backpass.model.settings.settings import Settings
from backpass.model.split.splits import split_rows
from backpass.table import Target, table_from

RNG = np.random.default_rng(0)
N = 800
TRUE = RNG.normal(size=N)
NEAR, FAR = TRUE + 0.5 * RNG.normal(size=N), TRUE + 0.8 * RNG.normal(size=N)


def head_for(y: Any, **settings: Any) -> Head:
    target = Target.fit(table_from({"y": y}), "y", None)
    values = target.encode(table_from({"y": y}))
    return Head.fit(target, values, Settings.of({"clip_predictions": "none", **settings}).suited(target.task))


def outputs(head: Head, predicted: Any) -> Any:
    return head.encode(np.asarray(predicted), np.float64)


def compared(head: Head, o: Any, beside: dict[str, Any], truth: Any, **options: Any) -> Comparison:
    found = compare(head, o, beside, truth, **options)
    assert found is not None
    return found


@pytest.mark.parametrize(("loss", "score"), [("squared", root_mean_squared_error), ("absolute", mean_absolute_error)])
def test_the_interval_is_that_of_a_paired_bootstrap(loss: str, score: Any) -> None:
    head = head_for(TRUE, loss=loss)
    found = compared(head, outputs(head, NEAR), {"linear": outputs(head, FAR)}, TRUE)
    assert (found.network_score, found.baseline_score) == (
        pytest.approx(score(TRUE, NEAR)),
        pytest.approx(score(TRUE, FAR)),
    )
    drawn = [RNG.integers(0, N, N) for _ in range(2_000)]
    differences = [score(TRUE[i], FAR[i]) - score(TRUE[i], NEAR[i]) for i in drawn]
    np.testing.assert_allclose([found.low, found.high], np.quantile(differences, [0.025, 0.975]), atol=0.012)
    assert found.result == "better"
    assert "is better than the linear model" in found.sentence()


def test_many_rows_have_the_interval_of_the_bootstrap(monkeypatch: pytest.MonkeyPatch) -> None:
    from backpass.model.evaluation import comparison

    head = head_for(TRUE)
    drawn = compared(head, outputs(head, NEAR), {"linear": outputs(head, FAR)}, TRUE)
    monkeypatch.setattr(comparison, "_MANY", 10)
    normal = compared(head, outputs(head, NEAR), {"linear": outputs(head, FAR)}, TRUE)
    assert normal != drawn
    np.testing.assert_allclose([normal.low, normal.high], [drawn.low, drawn.high], atol=0.01)


def test_many_rows_take_little_memory() -> None:
    """The losses of both models and two more numbers per row, not one for each step of the formula."""
    rows = 100_000
    truth = np.random.default_rng(1).normal(size=rows)
    head = head_for(truth)
    o, other = outputs(head, truth + 0.5), outputs(head, truth - 1.0)
    compared(head, o, {"linear": other}, truth)
    tracemalloc.start()
    compared(head, o, {"linear": other}, truth)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 48 * rows


def test_classes_are_compared_by_log_loss() -> None:
    y = np.where(TRUE > 0, "yes", "no")
    head = head_for(y)
    truth = (TRUE > 0).astype(np.int32)
    o, other = 2.0 * TRUE[:, None], 0.1 * TRUE[:, None]
    found = compared(head, o, {"logistic": other, "class_frequencies": np.zeros((N, 1))}, truth)
    assert found.baseline == "logistic", "the best of the two"
    assert found.network_score == pytest.approx(log_loss(truth, 1 / (1 + np.exp(-o[:, 0]))))
    assert found.baseline_score == pytest.approx(log_loss(truth, 1 / (1 + np.exp(-other[:, 0]))))


def test_row_weights_count_as_rows() -> None:
    head, weights = head_for(TRUE), RNG.integers(1, 4, N).astype(float)
    found = compared(head, outputs(head, NEAR), {"linear": outputs(head, FAR)}, TRUE, weights=weights)
    assert found.network_score == pytest.approx(root_mean_squared_error(TRUE, NEAR, sample_weight=weights))


def test_whole_groups_are_drawn() -> None:
    """Rows of a group that repeat each other say no more than one of them: the interval is that of the groups."""
    head, unit = head_for(TRUE), np.repeat(np.arange(N), 5)
    near, far, truth = (np.repeat(each, 5) for each in (NEAR, FAR, TRUE))
    single = compared(head, outputs(head, NEAR), {"linear": outputs(head, FAR)}, TRUE)
    grouped = compared(head, outputs(head, near), {"linear": outputs(head, far)}, truth, unit=unit)
    assert (grouped.low, grouped.high) == (pytest.approx(single.low), pytest.approx(single.high))
    naive = compared(head, outputs(head, near), {"linear": outputs(head, far)}, truth)
    assert naive.high - naive.low < 0.6 * (grouped.high - grouped.low)


def test_no_clear_difference_and_worse_are_said() -> None:
    head = head_for(TRUE)
    other = TRUE + 0.5 * RNG.normal(size=N)
    unclear = compared(head, outputs(head, NEAR), {"mean": outputs(head, other)}, TRUE)
    assert unclear.sentence().startswith("No clear difference between the network and always predicting the mean: rmse")
    worse = compared(head, outputs(head, FAR), {"linear": outputs(head, NEAR)}, TRUE)
    assert worse.result == "worse"
    said = "The network is worse than the linear model: prefer the simpler model"
    assert worse.sentence().startswith(f"{said} (--hidden none); rmse 0.")
    assert worse.sentence(is_linear=True).startswith(f"{said}; rmse 0.")
    assert worse.sentence(written=lambda score: f"<{score:.0f}>").endswith(" interval <-0> to <-0>).")


def test_without_a_baseline_there_is_no_comparison() -> None:
    head = head_for(TRUE)
    assert compare(head, outputs(head, NEAR), {}, TRUE) is None


SEEN = {"a": RNG.normal(size=400), "kind": RNG.choice(["x", "y", "z"], 400)}
TABLE = {**SEEN, "y": 3.0 * SEEN["a"] + (SEEN["kind"] == "x") + 0.1 * RNG.normal(size=400)}


@pytest.fixture(scope="module")
def linear_wins() -> Model:
    with pytest.warns(BackpassWarning, match="the network is worse than the linear model on the test rows: rmse"):
        return fit(TABLE, "y", hidden=[2], epochs=1, engine="numpy")


def test_worse_than_the_linear_model_is_a_warning(linear_wins: Model) -> None:
    record = linear_wins.record
    assert record.comparison is not None
    assert record.comparison.result == "worse"
    assert record.comparison.network_score == pytest.approx(record.scores["test"]["rmse"])
    assert record.comparison.baseline_score == pytest.approx(record.baselines["linear"]["test"]["rmse"])


def test_the_model_file_keeps_the_baselines(linear_wins: Model) -> None:
    again = from_bytes(linear_wins.to_bytes())
    assert [each.name for each in again.baselines] == ["mean", "linear"]
    assert again.record.comparison == linear_wins.record.comparison
    assert again.to_bytes() == linear_wins.to_bytes()


def test_baselines_are_scored_on_other_rows(linear_wins: Model) -> None:
    settings = linear_wins.record.settings
    split = split_rows(400, settings["validation_fraction"], settings["test_fraction"], settings["seed"])

    def inputs(index: Any) -> Any:
        encoded = linear_wins.schema.encode(linear_wins.table({name: values[index] for name, values in TABLE.items()}))
        x = linear_wins.ensemble.inputs(encoded.numbers, encoded.codes)
        return np.column_stack([x.astype(np.float64), np.ones(len(x))])

    line = np.linalg.lstsq(inputs(split.train), TABLE["y"][split.train], rcond=None)[0]
    other = np.concatenate([split.validation, split.test])
    table = linear_wins.table({name: values[other] for name, values in TABLE.items()}, with_target=True)
    comparison = linear_wins.evaluation(table).comparison
    assert comparison is not None
    assert comparison.baseline_score == pytest.approx(
        root_mean_squared_error(TABLE["y"][other], inputs(other) @ line), rel=1e-3
    )


def test_baselines_with_many_parameters_are_not_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from backpass.model.baseline import baseline

    monkeypatch.setattr(baseline, "KEPT", 3)
    with pytest.warns(BackpassWarning):
        model = fit(TABLE, "y", hidden=[2], epochs=1, engine="numpy")
    assert [each.name for each in model.baselines] == ["mean"]
    assert set(model.record.baselines) == {"mean", "linear"}
    again = from_bytes(model.to_bytes())
    assert [each.name for each in again.baselines] == ["mean"]


def test_large_scores_are_written_without_an_exponent() -> None:
    found = Comparison("rmse", "linear", 79301.4, 83736.2, -4968.1, 18270.4)
    scores = "rmse 79301 against 83736 (difference 4435, 95% interval -4968 to 18270)."
    assert found.sentence() == f"No clear difference between the network and the linear model: {scores}"

"""Draws that are made at once are those that are made one by one; intervals contain their score, and the truth."""

from typing import Any

import numpy as np
import pytest

from backpass.model.metrics import METRICS
from backpass.model.metrics.probability import calibration_error
from backpass.model.metrics.scoring import scores
from backpass.numerics import bootstrap
from backpass.numerics.bootstrap import Interval, counts_of, counts_of_all, intervals
from backpass.numerics.philox import key_of, philox_bits, philox_bits_of_steps

_CLASSES = [name for name, metric in METRICS.items() if metric.task == "classification"]
_NUMBERS = [name for name, metric in METRICS.items() if metric.task == "regression"]


@pytest.mark.parametrize("rows", [1, 2, 5, 64, 1_003])
def test_the_counts_of_all_draws_are_those_of_each(rows: int) -> None:
    found = np.concatenate(list(counts_of_all(rows, 3, 90)), axis=1)
    assert found.shape == (rows, 90)
    assert (found.sum(axis=0) == rows).all()
    for step in range(90):
        assert found[:, step].tobytes() == counts_of(rows, 3, step).tobytes()


def test_many_rows_are_drawn_in_blocks() -> None:
    widths = [block.shape[1] for block in counts_of_all(bootstrap._NUMBERS_AT_ONCE // 2 - 1, 0, 5)]
    assert widths == [2, 2, 1]
    assert [block.shape for block in counts_of_all(bootstrap._NUMBERS_AT_ONCE + 1, 0, 2)] == [
        (bootstrap._NUMBERS_AT_ONCE + 1, 1)
    ] * 2


@pytest.mark.parametrize("n", [1, 3, 4, 9])
def test_bits_of_several_steps(n: int) -> None:
    key = key_of(2**40 + 7)
    found = philox_bits_of_steps(key, range(5, 12), 0xABC, n)
    assert found.shape == (7, n)
    for i, step in enumerate(range(5, 12)):
        assert found[i].tobytes() == philox_bits(key, step, 0xABC, (n,)).tobytes()


def test_the_interval_of_a_score_without_bias_is_the_percentile_interval() -> None:
    x = np.random.default_rng(0).normal(size=200)
    found = intervals(lambda w: {"mean": float(np.average(x, weights=w))}, 200)["mean"]
    drawn = np.sort([np.average(x, weights=counts_of(200, 0, step)) for step in range(400)])
    assert (found.low, found.high) == pytest.approx((drawn[10], drawn[390]))


def _calibration(n: int, excess: float, seed: int) -> Interval:
    """The calibration error of a model whose confidences are too high by ``excess``, on n rows."""
    random = np.random.default_rng(seed)
    confidence = random.uniform(0.5, 1.0, n)
    y = (random.uniform(size=n) < confidence - excess).astype(int)
    p = np.column_stack([1.0 - confidence, confidence])
    return intervals(lambda w: {"ece": calibration_error(p, y, w)}, n, seed=seed)["ece"]


def test_the_interval_of_a_biased_score_contains_the_score_and_the_truth() -> None:
    """The percentile interval contains a calibration error of 3% on 400 rows one time in ten."""
    found = [_calibration(400, 0.03, seed) for seed in range(20)]
    assert all(each.low <= each.value <= each.high for each in found)
    assert np.mean([each.low <= 0.03 <= each.high for each in found]) > 0.6
    assert min(each.low for each in found) == 0.0


def test_the_interval_of_every_metric_contains_it() -> None:
    """Of few rows too, where metrics are most biased."""
    random = np.random.default_rng(1)
    for n in (8, 30, 300):
        p, y = random.dirichlet(np.ones(2), n), random.integers(0, 2, n)
        truth = np.exp(random.normal(size=n))
        predicted = truth * np.exp(0.3 * random.normal(size=n))

        def of_classes(w: Any, p: Any = p, y: Any = y) -> dict[str, float]:
            return scores(_CLASSES, p, y, w)

        def of_numbers(w: Any, predicted: Any = predicted, truth: Any = truth) -> dict[str, float]:
            return scores(_NUMBERS, predicted, truth, w)

        found = {**intervals(of_classes, n), **intervals(of_numbers, n)}
        assert set(found) == set(METRICS)
        for name, each in found.items():
            assert each.low <= each.value <= each.high, (n, name, each)

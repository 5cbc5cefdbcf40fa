"""Losses: values by hand and by mpmath, gradients against differences, weights, smoothing, extreme outputs."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy
import pytest

from backpass.circuit import check_gradient, grad
from backpass.errors import UsageError
from backpass.network import LOSSES, Loss, loss_named, mean_loss, weighted_loss

Floats = numpy.ndarray[Any, Any]
RNG = numpy.random.default_rng(0)
REAL, COUNTS = RNG.normal(size=(6, 2)), RNG.poisson(2.0, size=(6, 2)).astype(float)
BITS, CLASSES = numpy.array([0.0, 1, 1, 0, 1, 0]), numpy.array([0, 3, 1, 2, 2, 0])
LABELS = RNG.integers(0, 2, (6, 3)).astype(float)

CASES: dict[str, tuple[Loss, int, Floats]] = {
    "squared": (loss_named("squared"), 2, REAL),
    "absolute": (loss_named("absolute"), 2, REAL),
    "huber": (loss_named("huber"), 2, REAL),
    "huber 0.3": (loss_named("huber", delta=0.3), 2, REAL),
    "quantile": (loss_named("quantile"), 2, REAL),
    "quantile 0.9": (loss_named("quantile", q=0.9), 2, REAL),
    "poisson": (loss_named("poisson"), 2, COUNTS),
    "binary_cross_entropy": (loss_named("binary_cross_entropy"), 1, BITS),
    "binary_cross_entropy smoothed": (loss_named("binary_cross_entropy", label_smoothing=0.1), 1, BITS),
    "label_cross_entropy": (loss_named("label_cross_entropy"), 3, LABELS),
    "label_cross_entropy smoothed": (loss_named("label_cross_entropy", label_smoothing=0.1), 3, LABELS),
    "cross_entropy": (loss_named("cross_entropy"), 4, CLASSES),
    "cross_entropy smoothed": (loss_named("cross_entropy", label_smoothing=0.1), 4, CLASSES),
}
"""A loss, its number of outputs, and targets."""


def outputs(k: int, rows: int = 6) -> Floats:
    return numpy.random.default_rng(k).normal(size=(rows, k)) * 1.7


def test_every_loss_has_a_case() -> None:
    missing = LOSSES.keys() ^ {name.split()[0] for name in CASES}
    assert not missing, f"a loss needs outputs and targets in CASES of tests/network/test_losses.py: {sorted(missing)}"


@pytest.mark.parametrize("case", CASES)
def test_gradient_of_every_example(case: str) -> None:
    loss, k, y = CASES[case]
    report = check_gradient(lambda o: loss.per_example(o, y), outputs(k))
    assert report.ok
    assert report.compared == 6 * 6 * k


@pytest.mark.parametrize("case", CASES)
def test_gradient_of_the_weighted_mean(case: str) -> None:
    loss, k, y = CASES[case]
    w = numpy.array([1.0, 0.0, 2.0, 0.5, 3.0, 1.0])
    assert check_gradient(lambda o: mean_loss(loss, o, y, w), outputs(k)).ok


@pytest.mark.parametrize("case", CASES)
def test_gradient_of_the_weighted_sum(case: str) -> None:
    loss, k, y = CASES[case]
    w = numpy.array([1.0, 0.0, 2.0, 0.5, 1.5, 1.0])
    assert check_gradient(lambda o: weighted_loss(loss, o, y, w), outputs(k)).ok
    expected = (w * loss.per_example(outputs(k), y)).sum() / 6
    numpy.testing.assert_allclose(weighted_loss(loss, outputs(k), y, w), expected)


def test_batches_of_weighted_rows_average_to_the_weighted_mean() -> None:
    """Divided by the weight of each batch, as in ``mean_loss``, they would not."""
    loss, o, y = loss_named("squared"), outputs(2), REAL
    w = numpy.array([3.0, 0.5, 0.5, 1.0, 0.5, 0.5])
    batches = [slice(0, 2), slice(2, 4), slice(4, 6)]
    whole = mean_loss(loss, o, y, w)
    unbiased = numpy.mean([weighted_loss(loss, o[b], y[b], w[b]) for b in batches])
    biased = numpy.mean([mean_loss(loss, o[b], y[b], w[b]) for b in batches])
    assert unbiased == pytest.approx(float(whole), rel=1e-12)
    assert biased != pytest.approx(float(whole), rel=1e-2)


def by_hand(case: str, o: Any, y: Any) -> Any:
    """J^(i) in forty digits, from its definition."""
    o = [mpmath.mpf(float(v)) for v in o]
    name, _, option = case.partition(" ")
    y = [mpmath.mpf(float(v)) for v in numpy.atleast_1d(y)]
    if name == "squared":
        return sum((a - b) ** 2 / 2 for a, b in zip(o, y, strict=True))
    if name == "absolute":
        return sum(abs(a - b) for a, b in zip(o, y, strict=True))
    if name == "huber":
        delta = mpmath.mpf(float(option or 1))
        errors = [abs(a - b) for a, b in zip(o, y, strict=True)]
        return sum(e**2 / 2 if e <= delta else delta * (e - delta / 2) for e in errors)
    if name == "quantile":
        q = mpmath.mpf(float(option or 0.5))
        return sum(q * (b - a) if b >= a else (1 - q) * (a - b) for a, b in zip(o, y, strict=True))
    if name == "poisson":
        return sum(mpmath.exp(a) - b * a for a, b in zip(o, y, strict=True))
    smoothing = mpmath.mpf(0.1) if option else mpmath.mpf(0)
    if name in ("binary_cross_entropy", "label_cross_entropy"):
        ps = [1 / (1 + mpmath.exp(-v)) for v in o]
        ts = [(1 - smoothing) * v + smoothing / 2 for v in y]
        each = [-t * mpmath.log(p) - (1 - t) * mpmath.log(1 - p) for t, p in zip(ts, ps, strict=True)]
        return sum(each) / len(each)
    total = sum(mpmath.exp(v) for v in o)
    t = [(1 - smoothing) * (j == int(y[0])) + smoothing / len(o) for j in range(len(o))]
    return -sum(t[j] * mpmath.log(mpmath.exp(o[j]) / total) for j in range(len(o)))


@pytest.mark.parametrize("case", CASES)
def test_values(case: str) -> None:
    loss, k, y = CASES[case]
    o = outputs(k)
    with mpmath.workdps(40):
        expected = [float(by_hand(case, o[i], y[i])) for i in range(6)]
    numpy.testing.assert_allclose(loss.per_example(o, y), expected, rtol=1e-13)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("size", [1e4, 800.0, -800.0])
def test_extreme_outputs(case: str, size: float) -> None:
    """Outputs of 1e4 and +-800 of both signs: finite, with the exact gradient (log-rates: down to where e^o is 0)."""
    loss, k, y = CASES[case]
    o = size * numpy.where(numpy.arange(6 * k).reshape(6, k) % 2, 1.0, -1.0)
    o = -abs(o) if case == "poisson" else o
    with numpy.errstate(all="raise", under="ignore"):
        J = loss.per_example(o, y)
        do = grad(lambda o: loss.per_example(o, y).sum())(o)
    with mpmath.workdps(1000):  # enough to tell 1 - e^-800 from 1, and e^-10000 from 0 in a sum
        if size > 800 and "cross_entropy" in case:
            assert numpy.isfinite(J).all()  # e^-10000 is beyond a thousand digits
        else:
            expected = [float(by_hand(case, o[i], y[i])) for i in range(6)]
            numpy.testing.assert_allclose(J, expected, rtol=1e-13, atol=1e-300)
    assert numpy.isfinite(J).all()
    assert numpy.isfinite(do).all()
    if "cross_entropy" not in case:
        return
    s = 0.1 if "smoothed" in case else 0.0
    if y.shape == (6, k) or k == 1:
        expected_do = ((o > 0) - ((1 - s) * y.reshape(6, k) + s / 2)) / k
        numpy.testing.assert_allclose(do, expected_do, rtol=1e-14, atol=1e-300)
    else:
        top = o == o.max(axis=1, keepdims=True)
        target = (1 - s) * (y[:, None] == numpy.arange(k)) + s / k
        # The share is e^(o - z), and z has the rounding of a number of that size.
        rounding = 2e-16 * abs(size)
        numpy.testing.assert_allclose(do, top / top.sum(axis=1, keepdims=True) - target, rtol=rounding, atol=rounding)


def test_a_count_beyond_any_number_is_infinite() -> None:
    """e^800 of the Poisson loss: J itself is beyond float64, which the loop reports as diverged."""
    assert loss_named("poisson").per_example(numpy.array([[800.0]]), numpy.ones((1, 1))).tolist() == [numpy.inf]


def test_cross_entropy_of_two_classes_is_the_binary_one() -> None:
    o = outputs(1)
    two = numpy.concatenate([numpy.zeros((6, 1)), o], axis=1)
    for s in (0.0, 0.2):
        binary = loss_named("binary_cross_entropy", label_smoothing=s).per_example(o, BITS)
        both = loss_named("cross_entropy", label_smoothing=s).per_example(two, BITS.astype(int))
        numpy.testing.assert_allclose(both, binary, rtol=1e-13)


def test_smoothing_moves_the_best_output() -> None:
    """With label smoothing s the gradient is zero where the probability of y is 1 - s + s / k."""
    loss = loss_named("cross_entropy", label_smoothing=0.2)
    p = numpy.array([[0.85, 0.05, 0.05, 0.05]])
    do = grad(lambda o: loss.per_example(o, numpy.array([0])).sum())(numpy.log(p))
    numpy.testing.assert_allclose(do, 0, atol=1e-15)


@pytest.mark.parametrize("q", [0.1, 0.5, 0.8])
def test_the_best_constant_of_the_pinball_loss_is_the_quantile(q: float) -> None:
    y = numpy.random.default_rng(1).normal(size=(501, 1))
    J = lambda c: mean_loss(loss_named("quantile", q=q), numpy.full((501, 1), c), y, numpy.ones(501))
    best = min(y[:, 0], key=lambda c: float(J(c)))
    assert numpy.mean(y < best) == pytest.approx(q, abs=0.002)


def test_predictions_are_in_the_terms_of_the_target() -> None:
    o = numpy.array([[0.0, 1.0, -800.0], [800.0, -800.0, 0.0]])
    assert loss_named("squared").predicted(o) is o
    numpy.testing.assert_allclose(loss_named("cross_entropy").predicted(o).sum(axis=1), 1.0, rtol=1e-15)
    assert loss_named("cross_entropy").predicted(o)[1].tolist() == [1, 0, 0]
    assert loss_named("binary_cross_entropy").predicted(o[:, 2:]).tolist() == [[0.0], [0.5]]
    assert loss_named("poisson").predicted(o[:1, :2]).tolist() == [[1.0, numpy.e]]


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_has_a_log_link_if_it_predicts_exponentials(name: str) -> None:
    o = numpy.array([[0.5, -1.0]])
    assert loss_named(name).has_log_link == numpy.allclose(loss_named(name).predicted(o), numpy.exp(o))


# Weights --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_weight_2_is_the_row_twice_and_weight_0_the_row_removed(case: str) -> None:
    loss, k, y = CASES[case]
    o = outputs(k)
    weights = numpy.array([1.0, 2.0, 0.0, 1.0, 2.0, 1.0])
    rows = numpy.array([0, 1, 1, 3, 4, 4, 5])
    weighted = mean_loss(loss, o, y, weights)
    assert float(weighted) == pytest.approx(float(mean_loss(loss, o[rows], y[rows], numpy.ones(7))), rel=1e-12)
    do = grad(lambda o: mean_loss(loss, o, y, weights))(o)
    repeated = grad(lambda o: mean_loss(loss, o[rows], y[rows], numpy.ones(7)))(o)
    numpy.testing.assert_allclose(do, repeated, rtol=1e-12, atol=1e-15)
    assert (do[2] == 0).all()


@pytest.mark.parametrize("case", CASES)
def test_a_batch_of_weights_0_moves_nothing(case: str) -> None:
    loss, k, y = CASES[case]
    assert float(mean_loss(loss, outputs(k), y, numpy.zeros(6))) == 0.0
    assert (grad(lambda o: mean_loss(loss, o, y, numpy.zeros(6)))(outputs(k)) == 0).all()


@pytest.mark.parametrize("case", CASES)
def test_scaling_every_weight_changes_nothing_and_scaling_the_loss_scales_the_gradient(case: str) -> None:
    loss, k, y = CASES[case]
    o, w = outputs(k), numpy.arange(1.0, 7.0)
    J = lambda o, w: mean_loss(loss, o, y, w)
    numpy.testing.assert_allclose(grad(J)(o, 8.0 * w), grad(J)(o, w), rtol=1e-13)
    numpy.testing.assert_allclose(grad(lambda o: 4.0 * J(o, w))(o), 4.0 * grad(J)(o, w), rtol=1e-15)


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(UsageError, match="unknown loss 'sqared'") as caught:
        loss_named("sqared")
    assert caught.value.hint == "did you mean 'squared'?"


@pytest.mark.parametrize("name", LOSSES)
def test_outputs_of_several_networks_predict_their_average(name: str) -> None:
    """Also where one network is certain: nothing overflows that the predictions hold."""
    rng = numpy.random.default_rng(3)
    k = 1 if name == "binary_cross_entropy" else 3
    outputs = [*rng.normal(size=(4, 6, k)), numpy.full((6, k), 40.0), numpy.full((6, k), -40.0)]
    loss = loss_named(name)
    expected = numpy.mean([loss.predicted(o) for o in outputs], axis=0)
    numpy.testing.assert_allclose(loss.predicted(loss.averaged(outputs)), expected, rtol=1e-12)
    assert check_gradient(lambda *o: loss.averaged(o), *outputs[:3]).ok

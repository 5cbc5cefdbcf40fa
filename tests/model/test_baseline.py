"""The baselines: the best constant, and the linear model that a textbook formula gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from backpass.engine import NumpyEngine, engine_named
from backpass.model.baseline import linear
from backpass.model.baseline.baseline import constant_baseline, constant_outputs, linear_baseline
from backpass.model.baseline.work import BUDGET, Method, Shape, budget_of, plan_of, sample_of
from backpass.network import loss_named
from backpass.training import newton
from backpass.training.newton import Effort

RNG = np.random.default_rng(0)
N = 2000
X = np.clip(RNG.normal(size=(N, 3)), -3, 3)
TRUE = X @ np.array([[1.0], [-0.5], [0.0]]) + 0.3
Y = TRUE + 0.5 * RNG.normal(size=(N, 1))
BINARY = (Y[:, 0] > 0.2).astype(np.int32)
THREE = np.digitize(Y[:, 0], [-0.5, 1.0]).astype(np.int32)
COUNTS = RNG.poisson(np.exp(TRUE)).astype(np.float64)


def outputs(loss: str, y: Any, k: int = 1, x: Any = X) -> Any:
    return linear_baseline("linear", loss, x, y, k, NumpyEngine()).outputs(x, NumpyEngine())


def with_ones(x: Any) -> Any:
    return np.column_stack([x, np.ones(len(x))])


def test_linear_is_least_squares() -> None:
    expected = with_ones(X) @ np.linalg.lstsq(with_ones(X), Y, rcond=None)[0]
    np.testing.assert_allclose(outputs("squared", Y), expected, atol=1e-5)


@pytest.mark.parametrize("loss", ["absolute", "huber", "quantile"])
def test_a_loss_that_is_not_smooth_gets_the_least_squares_line(loss: str) -> None:
    np.testing.assert_array_equal(outputs(loss, Y), outputs("squared", Y))


def test_logistic_has_no_gradient_left() -> None:
    p = 1 / (1 + np.exp(-outputs("binary_cross_entropy", BINARY)[:, 0]))
    # The ridge of 1e-3 is all that keeps the gradient from 0.
    assert np.abs(with_ones(X).T @ (p - BINARY)).max() < 1e-3 * 10


def test_softmax_has_no_gradient_left() -> None:
    o = outputs("cross_entropy", THREE, 3)
    p = np.exp(o) / np.exp(o).sum(axis=1, keepdims=True)
    assert np.abs(with_ones(X).T @ (p - np.eye(3)[THREE])).max() < 1e-3 * 10


def test_poisson_has_no_gradient_left() -> None:
    assert np.abs(with_ones(X).T @ (np.exp(outputs("poisson", COUNTS)) - COUNTS)).max() < 1e-3 * 10


def test_classes_that_can_be_separated_are() -> None:
    separable = (X[:, 0] > 0).astype(np.int32)
    o = outputs("binary_cross_entropy", separable)
    assert np.isfinite(o).all()
    assert np.mean((o[:, 0] > 0) == (separable == 1)) > 0.999  # the ridge holds the boundary back by a hair


def test_collinear_columns_change_nothing() -> None:
    wide = np.column_stack([X, X[:, 0], X[:, 1] - X[:, 2], np.ones(N)])
    np.testing.assert_allclose(outputs("squared", Y, x=wide), outputs("squared", Y), atol=1e-5)


def test_more_columns_than_rows() -> None:
    assert np.isfinite(outputs("squared", Y[:5], x=RNG.normal(size=(5, 20)))).all()


def test_float32_inputs_are_fitted_in_float64() -> None:
    narrow = linear_baseline("linear", "squared", X.astype(np.float32), Y.astype(np.float32), 1, NumpyEngine())
    found = narrow.outputs(X.astype(np.float32), NumpyEngine())
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, outputs("squared", Y), atol=1e-5)


LEVELS = (3, 5)
CODES = np.stack([RNG.integers(0, levels + 1, N) for levels in LEVELS], axis=1)
WITH_CODES = np.column_stack([X, CODES]).astype(np.float32)
ONE_HOT = np.concatenate(
    [X.astype(np.float32), *(np.eye(n + 1)[c] for n, c in zip(LEVELS, CODES.T, strict=True))], axis=1
)
TARGETS = {
    "squared": (Y + CODES[:, 1:] ** 2, 1),
    "poisson": (COUNTS, 1),
    "binary_cross_entropy": ((Y[:, 0] > CODES[:, 0] - 1.0).astype(np.int32), 1),
    "cross_entropy": ((THREE + CODES[:, 0]) % 3, 3),
}


def of_codes(loss: str) -> Any:
    y, k = TARGETS[loss]
    return settled(
        linear_baseline("linear", loss, WITH_CODES, y, k, NumpyEngine(), LEVELS).outputs(WITH_CODES, NumpyEngine())
    )


def settled(o: Any) -> Any:
    """Outputs whose sum is 0 where there are several: what is added to all of a row's says nothing."""
    return o - o.mean(axis=1, keepdims=True) if o.shape[1] > 1 else o


@pytest.mark.parametrize("loss", TARGETS)
def test_codes_are_what_their_one_hot_columns_are(loss: str) -> None:
    np.testing.assert_allclose(of_codes(loss), settled(outputs(loss, *TARGETS[loss], x=ONE_HOT)), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("k", [2, 3])
def test_the_diagonal_method_is_the_default_of_sklearn(k: int) -> None:
    y = BINARY if k == 2 else THREE
    effort = Effort()
    found = linear_baseline(
        "logistic",
        "binary_cross_entropy" if k == 2 else "cross_entropy",
        WITH_CODES,
        y,
        1 if k == 2 else k,
        NumpyEngine(),
        LEVELS,
        Method.DIAGONAL,
        effort,
    )
    # The constant is a column here, because ours has a penalty on it, too.
    peer = LogisticRegression(tol=1e-10, max_iter=10_000, fit_intercept=False).fit(with_ones(ONE_HOT), y)
    np.testing.assert_allclose(
        settled(found.outputs(WITH_CODES, NumpyEngine())),
        settled(peer.decision_function(with_ones(ONE_HOT)).reshape(N, -1)),
        atol=2e-4,
    )
    assert effort.gradient < 1e-4
    assert not effort.is_spent


def test_a_search_ends_with_its_passes_and_says_what_it_reached() -> None:
    y, k = TARGETS["cross_entropy"]
    reached = []
    for limit in (1, 10, 40, 1_000):
        effort = Effort(limit)
        linear_baseline("l", "cross_entropy", WITH_CODES, y, k, NumpyEngine(), LEVELS, Method.DIAGONAL, effort)
        assert effort.passes <= limit + 30  # a line search may add a few
        reached.append(effort.gradient)
    assert reached == sorted(reached, reverse=True)
    assert reached[0] == 1.0
    assert reached[-1] < 1e-4


def test_a_search_can_be_stopped_from_outside() -> None:
    seen: list[float] = []
    effort = Effort(100, stop=lambda share: len(seen.append(share) or seen) >= 5)  # type: ignore[func-returns-value]
    linear_baseline("l", "binary_cross_entropy", WITH_CODES, BINARY, 1, NumpyEngine(), LEVELS, effort=effort)
    assert effort.is_spent
    assert seen == sorted(seen)
    assert effort.passes < 10


SHAPES = [
    Shape(6_552, 900, [5] * 300, 1),
    Shape(8_190, 1_503, [], 1),
    Shape(8_000, 50, [], 100),
    Shape(2_000_000, 20, [20] * 6, 1),
    Shape(2_000_000, 500, [], 1),
    Shape(100, 3_000, [], 1),
    Shape(100_000, 10, [2_000] * 3, 1),
    Shape(500, 3, [], 1),
]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_plan_stays_within_its_budget(shape: Shape) -> None:
    plan = plan_of(shape)
    assert plan is not None
    assert plan.rows <= shape.rows
    assert plan.rows * shape.per_pass * plan.passes <= BUDGET * 1.001
    assert plan.passes >= 15
    if plan.method is Method.EXACT:
        assert 8 * plan.step <= plan.passes


def test_more_work_is_allowed_beside_a_long_training() -> None:
    assert budget_of(0.0) == BUDGET
    assert BUDGET < budget_of(5e12) < budget_of(1e20) == budget_of(1e30)
    small, large = (plan_of(SHAPES[3], budget) for budget in (BUDGET, 4 * BUDGET))
    assert small is not None
    assert large is not None
    assert large.rows > 2 * small.rows


def test_what_needs_too_much_work_has_no_plan() -> None:
    assert plan_of(Shape(1_000_000, 20_000, [], 1_000)) is None


def test_a_sample_is_always_the_same_and_has_no_row_twice() -> None:
    assert sample_of(10, 10) == slice(None)
    rows = np.asarray(sample_of(1_000_000, 1_000))
    assert 990 <= len(rows) <= 1_000
    assert (np.diff(rows) > 0).all()
    np.testing.assert_array_equal(rows, sample_of(1_000_000, 1_000))


@pytest.mark.parametrize("loss", ["squared", "poisson", "binary_cross_entropy"])
def test_a_step_of_one_output_takes_one_pass_for_its_direction(loss: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The preconditioner is the Hessian itself."""
    products, steps = list[Any](), list[Any]()
    real, solve = newton._Sums.hessian_product, newton._conjugate_gradients
    monkeypatch.setattr(newton._Sums, "hessian_product", lambda *given: products.append(1) or real(*given))
    monkeypatch.setattr(newton, "_conjugate_gradients", lambda *given: steps.append(1) or solve(*given))
    of_codes(loss)
    assert 1 <= len(products) <= len(steps)


@pytest.mark.parametrize("chunk", [700, 8192])
def test_the_gram_matrix_of_codes_is_that_of_one_hot_columns(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear, "_CHUNK", chunk)
    weights = RNG.uniform(size=N)
    model = linear.Linear(3, LEVELS, 1)
    rows = linear._Rows.of(model, loss_named("squared"), WITH_CODES, Y, NumpyEngine())
    wide = with_ones(ONE_HOT)
    np.testing.assert_allclose(rows.gram(weights), wide.T @ (weights[:, None] * wide), rtol=1e-9, atol=1e-9)


def test_codes_alone_give_the_mean_of_each() -> None:
    x = CODES[:, :1].astype(np.float32)
    found = linear_baseline("linear", "squared", x, Y, 1, NumpyEngine(), LEVELS[:1]).outputs(x, NumpyEngine())
    for code in range(LEVELS[0] + 1):
        np.testing.assert_allclose(found[CODES[:, 0] == code], Y[CODES[:, 0] == code].mean(), atol=1e-4)


def test_every_number_of_threads_gives_the_same_bits() -> None:
    pytest.importorskip("backpass.engine.native.native_engine")
    y, k = TARGETS["binary_cross_entropy"]
    found = [
        linear_baseline("logistic", "binary_cross_entropy", WITH_CODES, y, k, engine_named("native", threads), LEVELS)
        for threads in (1, 3)
    ]
    one, several = (each.outputs(WITH_CODES, NumpyEngine()) for each in found)
    assert one.tobytes() == several.tobytes()


CONSTANTS = [
    ("squared", Y, 1, {}),
    ("absolute", Y, 1, {}),
    ("quantile", Y, 1, {"q": 0.9}),
    ("quantile", Y, 1, {"q": 0.05}),
    ("poisson", COUNTS, 1, {}),
    ("binary_cross_entropy", BINARY, 1, {}),
    ("cross_entropy", THREE, 3, {}),
]


@pytest.mark.parametrize(("loss", "y", "k", "options"), CONSTANTS)
def test_no_other_constant_is_better(loss: str, y: Any, k: int, options: dict[str, float]) -> None:
    row = constant_outputs(loss, y, k, **options)
    assert row.shape == (k,)
    function = loss_named(loss, **options)

    def J(constant: Any) -> float:  # noqa: N802  the notes' name
        return float(np.mean(function.per_example(np.tile(constant, (N, 1)), y)))

    best = J(row)
    for step in (*np.eye(k), *-np.eye(k)):
        for size in (1e-3, 1e-1, 1.0):
            assert J(row + size * step) >= best - 1e-9


def test_constants_by_name() -> None:
    assert constant_outputs("squared", Y, 1)[0] == pytest.approx(Y.mean())
    assert constant_outputs("absolute", Y, 1)[0] == pytest.approx(np.median(Y))
    assert constant_outputs("quantile", Y, 1, 0.9)[0] == pytest.approx(np.quantile(Y, 0.9))
    assert constant_outputs("poisson", COUNTS, 1)[0] == pytest.approx(np.log(COUNTS.mean()))
    assert 1 / (1 + np.exp(-constant_outputs("binary_cross_entropy", BINARY, 1)[0])) == pytest.approx(BINARY.mean())
    shares = np.exp(constant_outputs("cross_entropy", THREE, 3))
    np.testing.assert_allclose(shares, np.bincount(THREE) / N, rtol=1e-9)


def test_a_class_without_rows_and_counts_of_0_are_finite() -> None:
    assert np.isfinite(constant_outputs("cross_entropy", np.zeros(5, np.int32), 3)).all()
    assert np.isfinite(constant_outputs("poisson", np.zeros(5), 1)).all()


def test_every_row_gets_the_same() -> None:
    baseline = constant_baseline("mean", "squared", Y, 1)
    assert baseline.name == "mean"
    assert baseline.outputs(X[:7], NumpyEngine()).shape == (7, 1)
    assert len(np.unique(baseline.outputs(X, NumpyEngine()))) == 1


@pytest.mark.parametrize("method", Method)
@pytest.mark.parametrize("loss", ["squared", "poisson", "binary_cross_entropy", "cross_entropy"])
@pytest.mark.parametrize("levels", [(), (3,)])
def test_a_weight_counts_as_so_many_rows(loss: str, method: Method, levels: tuple[int, ...]) -> None:
    y, k = {
        "squared": (Y, 1),
        "poisson": (COUNTS, 1),
        "binary_cross_entropy": (BINARY, 1),
        "cross_entropy": (THREE, 3),
    }[loss]
    x = X if not levels else np.column_stack([X, RNG.integers(0, 4, N)])
    weights = RNG.integers(1, 4, N)
    twice = np.repeat(np.arange(N), weights)
    weighted = linear_baseline(
        "linear", loss, x, y, k, NumpyEngine(), levels, method, weights=weights.astype(np.float64)
    )
    repeated = linear_baseline("linear", loss, x[twice], y[twice], k, NumpyEngine(), levels, method)
    np.testing.assert_allclose(
        weighted.outputs(x, NumpyEngine()), repeated.outputs(x, NumpyEngine()), rtol=1e-3, atol=1e-3
    )
    if method is Method.EXACT:
        plain = linear_baseline("linear", loss, x, y, k, NumpyEngine(), levels, method)
        assert np.abs(plain.outputs(x, NumpyEngine()) - weighted.outputs(x, NumpyEngine())).max() > 5e-3


@pytest.mark.parametrize(("loss", "y", "k", "options"), CONSTANTS)
def test_the_weighted_constant_is_that_of_repeated_rows(loss: str, y: Any, k: int, options: dict[str, float]) -> None:
    weights = RNG.integers(1, 4, len(y))
    again = np.repeat(y, weights, axis=0)
    weighted = constant_outputs(loss, y, k, options.get("q", 0.5), weights.astype(np.float64))
    repeated = constant_outputs(loss, again, k, options.get("q", 0.5))
    np.testing.assert_allclose(weighted, repeated, atol=2e-2 if loss in ("absolute", "quantile") else 1e-9)

"""The function: any h_theta(x) trained; structures of theta, losses, weights, validation, and every refusal."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import numpy
import pytest

from backpass import fit_function
from backpass.circuit import operations, trace
from backpass.engine import NumpyEngine
from backpass.errors import BackpassError, InterruptedTraining, ShapeError, TraceError, UsageError
from backpass.network import Dense, Network, loss_named
from backpass.training import Callback, FittedFunction, OptimizerOptions, optimizer_named
from backpass.training.function import CallableLoss

Floats = numpy.ndarray[Any, Any]
X = numpy.random.default_rng(0).normal(size=(60, 2))
Y = X @ [1.0, -2.0] + 0.5


def line(theta: Any, x: Any) -> Any:
    return x @ theta["w"] + theta["b"]


ZERO = {"w": numpy.zeros(2), "b": 0.0}


def fit(h: Callable[..., Any] = line, theta: Any = ZERO, x: Any = X, y: Any = Y, **options: Any) -> FittedFunction:
    return fit_function(h, theta, x, y, **{"learning_rate": 0.1, "epochs": 200, "sampling": "full", **options})


def test_theta_comes_back_in_its_structure() -> None:
    """Arrays as arrays of their own, plain numbers as plain numbers, dicts, tuples and lists as they were."""
    theta = {"first": (numpy.zeros((2, 1)), [0.0]), "b": numpy.zeros(1)}
    h = lambda theta, x: x @ theta["first"][0] + theta["first"][1][0] + theta["b"]
    found = fit(h, theta).theta
    assert set(found) == {"first", "b"}
    assert type(found["first"]) is tuple
    assert type(found["first"][1]) is list
    assert type(found["first"][1][0]) is float
    assert (found["first"][0].shape, found["b"].shape) == ((2, 1), (1,))
    numpy.testing.assert_allclose(found["first"][0][:, 0], [1, -2], atol=1e-3)
    assert found["first"][1][0] + found["b"][0] == pytest.approx(0.5, abs=1e-3)
    assert not numpy.shares_memory(found["b"], found["first"][0])


def test_one_number_is_a_theta_too() -> None:
    found = fit(lambda theta, x: theta * x[:, 0], 0.0, y=3.0 * X[:, 0]).theta
    assert type(found) is float
    assert found == pytest.approx(3.0, abs=1e-4)


def test_the_given_arrays_are_not_changed() -> None:
    theta = {"w": numpy.zeros(2), "b": numpy.zeros(())}
    kept = [X.copy(), Y.copy()]
    fit(theta=theta, epochs=2)
    assert not theta["w"].any()
    assert [X.tobytes(), Y.tobytes()] == [array.tobytes() for array in kept]


@pytest.mark.parametrize(
    ("shape", "h"), [((60,), line), ((60, 1), line), ((60,), lambda t, x: line(t, x).reshape(-1, 1))]
)
def test_one_output_as_a_vector_or_as_a_column(shape: tuple[int, ...], h: Callable[..., Any]) -> None:
    assert fit(h, y=Y.reshape(shape)).theta["w"] == pytest.approx([1.0, -2.0], abs=1e-3)


def test_several_outputs() -> None:
    W = numpy.array([[1.0, 2.0, 3.0], [-1.0, 0.0, 1.0]])
    found = fit(lambda theta, x: x @ theta, numpy.zeros((2, 3)), y=X @ W).theta
    numpy.testing.assert_allclose(found, W, atol=1e-3)


def test_a_network_is_one_case() -> None:
    network = Network(2, (Dense(8, "tanh"), Dense(1)))
    theta = numpy.random.default_rng(1).normal(size=network.parameter_count) / 2
    fitted = fit(network, theta, y=numpy.sin(X[:, 0]), epochs=500, learning_rate=0.02)
    assert fitted.history[-1].train_loss < 1e-3


@pytest.mark.parametrize("name", ["squared", "absolute", "huber", "quantile"])
def test_losses_of_numbers_by_name(name: str) -> None:
    assert fit(loss=name, schedule="linear").theta["w"] == pytest.approx([1.0, -2.0], abs=0.02)


def test_a_loss_with_options_and_a_written_one_agree() -> None:
    """0.9-quantile as a Loss, and as a function of outputs and y that gives one number per example."""
    y = Y + numpy.random.default_rng(2).normal(size=60)
    given = fit(y=y, loss=loss_named("quantile", q=0.9), epochs=50)
    written = fit(y=y, loss=lambda o, y: operations.maximum(0.9 * (y - o), -0.1 * (y - o)), epochs=50)
    numpy.testing.assert_allclose(written.theta["w"], given.theta["w"], rtol=1e-9)


def test_classes() -> None:
    labels = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
    h = lambda theta, x: x @ theta["w"] + theta["b"]
    theta = {"w": numpy.zeros((2, 3)), "b": numpy.zeros(3)}
    found = fit(h, theta, y=labels, loss="cross_entropy").theta
    assert numpy.mean(numpy.argmax(X @ found["w"] + found["b"], axis=1) == labels) > 0.8
    found = fit(y=(Y > 0).astype(int), loss="binary_cross_entropy").theta
    assert numpy.mean((X @ found["w"] + found["b"] > 0) == (Y > 0)) > 0.95


def test_weights_are_rows_repeated() -> None:
    y = Y + numpy.random.default_rng(3).normal(size=60)
    w = numpy.random.default_rng(4).integers(0, 4, 60)
    rows = numpy.repeat(numpy.arange(60), w)
    weighted = fit(y=y, sample_weight=w, optimizer="sgd").theta["w"]
    numpy.testing.assert_allclose(weighted, fit(x=X[rows], y=y[rows], optimizer="sgd").theta["w"], rtol=1e-12)


def test_batches_whose_weights_are_all_0_move_nothing() -> None:
    w = numpy.zeros(60)
    w[:5] = 1.0
    fitted = fit(sample_weight=w, batch_size=4, sampling="epoch", optimizer="sgd")
    assert fitted.reason == "finished"
    assert fitted.theta["w"] == pytest.approx([1.0, -2.0], abs=1e-3)


def test_validation_keeps_the_best_theta_and_patience_ends_the_run() -> None:
    """Validation rows that want the opposite: the first epoch is the best."""
    fitted = fit(validation=(X, -Y), patience=3, optimizer="sgd", learning_rate=0.01)
    assert (fitted.reason, len(fitted.history)) == ("patience", 4)
    first = fit(epochs=1, optimizer="sgd", learning_rate=0.01)
    assert fitted.theta["w"].tobytes() == first.theta["w"].tobytes()
    by_hand = 0.5 * numpy.mean((X @ first.theta["w"] + first.theta["b"] + Y) ** 2)
    assert fitted.history[0].score == pytest.approx(by_hand, rel=1e-12)


def test_validation_weights() -> None:
    w = numpy.zeros(60)
    w[7] = 2.0
    fitted = fit(validation=(X, Y, w), epochs=1)
    o = X[7] @ fitted.theta["w"] + fitted.theta["b"]
    assert fitted.history[0].score == pytest.approx(0.5 * (o - Y[7]) ** 2, rel=1e-12)


def test_float32_stays_float32() -> None:
    theta = numpy.zeros(2, numpy.float32)
    found = fit(lambda theta, x: x @ theta, theta, X.astype(numpy.float32), Y.astype(numpy.float32)).theta
    assert found.dtype == numpy.float32


def test_an_optimizer_an_engine_and_callbacks_may_be_given() -> None:
    class Once(Callback):
        def on_epoch(self, record: Any, progress: Any) -> bool:
            return True

    optimizer = optimizer_named("momentum", OptimizerOptions(momentum=0.5))
    fitted = fit(optimizer=optimizer, engine=NumpyEngine(), callbacks=[Once()])
    assert (fitted.reason, len(fitted.history)) == ("stopped", 1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_raises_so_that_no_unfinished_theta_passes_for_the_result(number: signal.Signals) -> None:
    class Signals(Callback):
        def on_epoch(self, record: Any, progress: Any) -> None:
            if record.epoch == 5:
                os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    with pytest.raises(InterruptedTraining, match="interrupted after 5 steps") as caught:
        fit(callbacks=[Signals()])
    fitted = caught.value.model
    assert isinstance(fitted, FittedFunction)
    assert (fitted.reason, len(fitted.history), caught.value.signal) == ("interrupted", 5, number)
    numpy.testing.assert_array_equal(fitted.theta["w"], fit(epochs=5).theta["w"])
    assert signal.getsignal(number) == before


def test_a_diverging_run_says_where() -> None:
    y = Y.copy()
    y[3] = numpy.nan
    fitted = fit(y=y)
    assert (fitted.reason, fitted.theta["b"]) == ("diverged", 0.0)
    assert fitted.non_finite.startswith("epoch 1, batch 1 of 1: first non-finite value: the loss (")
    x = X.copy()
    x[5] = numpy.inf
    assert fit(x=x).non_finite.startswith("epoch 1, batch 1 of 1: first non-finite value: h(theta, x) (")


REFUSALS: dict[str, tuple[dict[str, Any], type[BackpassError], str]] = {
    "unknown loss": ({"loss": "sqared"}, UsageError, "unknown loss 'sqared'"),
    "unknown optimizer": ({"optimizer": "adma"}, UsageError, "unknown optimizer 'adma'"),
    "unknown sampling": ({"sampling": "fool"}, UsageError, "unknown sampling 'fool'"),
    "unknown schedule": ({"schedule": "cosin"}, UsageError, "unknown schedule 'cosin'"),
    "theta of text": ({"theta": {"w": "zero"}}, UsageError, "theta must hold real numbers; got str"),
    "complex theta": ({"theta": 1j}, UsageError, "theta must hold real numbers; got complex128"),
    "empty theta": ({"theta": []}, UsageError, "theta must hold real numbers; got none"),
    "nan in theta": ({"theta": {"w": numpy.full(2, numpy.nan), "b": 0.0}}, UsageError, "must hold finite"),
    "x of text": ({"x": [["a"]] * 60}, UsageError, "x must hold numbers; got str"),
    "no rows": ({"x": X[:0], "y": Y[:0]}, UsageError, r"x must hold at least one example; got shape \[0, 2\]"),
    "a single number as x": ({"x": 3.0}, UsageError, r"x must hold at least one example; got shape \[\]"),
    "short y": ({"y": Y[:9]}, ShapeError, r"y expected shape \[60\] or \[60, k\] to match x; got \[9\]"),
    "deep y": ({"y": Y.reshape(60, 1, 1)}, ShapeError, r"y expected shape \[60\] or \[60, k\] to match x"),
    "short weights": ({"sample_weight": [1.0]}, ShapeError, r"expected shape \[60\] to match x; got \[1\]"),
    "negative weights": ({"sample_weight": -numpy.ones(60)}, UsageError, "sample_weight must be finite, at least 0"),
    "no weight": ({"sample_weight": numpy.zeros(60)}, UsageError, "not 0 everywhere"),
    "half a validation": ({"validation": X}, UsageError, r"validation must be \(x, y\) or \(x, y, weights\)"),
    "short validation": ({"validation": (X, Y[:3])}, ShapeError, r"validation y expected shape \[60\]"),
    "a number from h": ({"h": lambda t, x: t["b"]}, ShapeError, r"h returned shape \[\]; expected one output"),
    "too many outputs": ({"h": lambda t, x: x * t["w"]}, ShapeError, r"h returned shape \[n, 2\], but y has 1 number"),
    "too few outputs": ({"y": X}, ShapeError, r"h returned shape \[n\], but y has 2 number"),
    "words as weights": ({"sample_weight": ["x"] * 60}, UsageError, "sample_weight must hold numbers; got str"),
    "a list as optimizer": ({"optimizer": []}, UsageError, r"unknown optimizer \[\]"),
    "a list as sampling": ({"sampling": []}, UsageError, r"unknown sampling \[\]"),
    "a number as callbacks": ({"callbacks": -1}, UsageError, "callbacks must be a list of instances of backpass"),
    "a mean as loss": ({"loss": lambda o, y: ((o - y) ** 2).sum()}, ShapeError, r"loss returned shape \[\]"),
    "one logit for classes": ({"y": (Y > 0).astype(int), "loss": "cross_entropy"}, ShapeError, "an output per class"),
    "two logits for one": (
        {"h": lambda t, x: x * t["w"], "y": (Y > 0) * 1, "loss": "binary_cross_entropy"}, ShapeError, "1 output",
    ),
    "classes that are not whole": ({"loss": "cross_entropy"}, UsageError, "class numbers 0, 1, 2"),
    "bits that are not": ({"loss": "binary_cross_entropy"}, UsageError, "expects y from 0 to 1; got -"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals(case: str) -> None:
    options, error, message = REFUSALS[case]
    with pytest.raises(error, match=message):
        fit(**options)


@pytest.mark.parametrize(
    ("name", "where"),
    [("theta", "theta"), ("x", "x"), ("y", "y"), ("sample_weight", "sample_weight"), ("validation", "validation x")],
)
def test_masked_arrays_are_refused(name: str, where: str) -> None:
    """Also inside the structure of theta."""
    masked = numpy.ma.masked_less(X[:, 0], 0.0)
    given: dict[str, Any] = {
        "theta": {"w": numpy.ma.masked_array(numpy.zeros(2), mask=[True, False]), "b": 0.0},
        "x": numpy.ma.masked_less(X, 0.0),
        "y": masked,
        "sample_weight": numpy.ma.abs(masked),
        "validation": (numpy.ma.masked_less(X, 0.0), Y),
    }
    with pytest.raises(TraceError, match=rf"^{where} is a masked array"):
        fit(**{name: given[name]})


@pytest.mark.parametrize("value", [-1, [], object()])
def test_arguments_of_another_type_are_named_at_once(value: Any) -> None:
    with pytest.raises(UsageError) as caught:
        fit(loss=value, watch=value, engine=value)
    came = f"got a value of type {type(value).__name__}"
    assert caught.value.details == (
        f"watch must be a function; {came}",
        f"loss must be a name, a Loss or a function; {came}",
        f"engine must be an Engine (see engine_named); {came}",
    )


def test_every_setting_that_cannot_be_used_is_named_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        fit(batch_size=0, epochs=0, max_steps=0, patience=0, learning_rate=numpy.nan, seed=-1, max_seconds=0.0)
    assert caught.value.details == (
        "batch_size must be a whole number of at least 1; got 0",
        "epochs must be a whole number of at least 1; got 0",
        "max_steps must be a whole number of at least 1; got 0",
        "patience must be a whole number of at least 1; got 0",
        "learning_rate must be a number above 0; got nan",
        "seed must be a whole number from 0 to 2^64 - 1; got -1",
        "max_seconds must be a number above 0; got 0.0",
    )


@pytest.mark.parametrize("value", [numpy.nan, 1.5, "x", [], None, True])
def test_counts_that_are_no_whole_numbers_are_named(value: Any) -> None:
    with pytest.raises(UsageError) as caught:
        fit(batch_size=value, epochs=value, seed=value)
    assert caught.value.details == (
        f"batch_size must be a whole number of at least 1; got {value!r}",
        f"epochs must be a whole number of at least 1; got {value!r}",
        f"seed must be a whole number from 0 to 2^64 - 1; got {value!r}",
    )


@pytest.mark.parametrize("value", ["x", [], None, 1j])
def test_what_is_no_number_or_name_is_named(value: Any) -> None:
    with pytest.raises(UsageError, match="learning_rate must be a number above 0"):
        fit(learning_rate=value)
    if not isinstance(value, list):
        with pytest.raises(UsageError, match="unknown schedule"):
            fit(schedule=value)
    with pytest.raises(UsageError, match="h must be a function of theta and x"):
        fit_function(value, numpy.zeros(2), numpy.ones((3, 2)), numpy.ones(3))


def test_class_numbers_beyond_the_outputs_are_refused() -> None:
    h = lambda theta, x: x @ theta
    with pytest.raises(UsageError, match="class number 3"):
        fit(h, numpy.zeros((2, 3)), y=numpy.array([0, 1, 2, 3] * 15), loss="cross_entropy")


@pytest.mark.parametrize(
    ("loss", "error"),
    [
        (lambda o: o, TypeError),
        (lambda o, y: numpy.median(o - y), TraceError),
        (lambda o, y: unknown(o, y), NameError),  # type: ignore[name-defined]  # noqa: F821
    ],
)
def test_an_error_in_a_loss_says_how_the_loss_is_called(loss: Any, error: type[Exception]) -> None:
    with pytest.raises(error) as failed:
        trace(CallableLoss(loss).per_example, [("n", 2), ("n", 2)])
    (note,) = failed.value.__notes__
    assert note.startswith(
        "the loss is called as loss(o, y), with outputs o of shape [n, 2] and targets y of shape [n, 2]"
    )
    assert "returns one number per example" in note
    assert "the functions of backpass.operations" in note


def test_a_loss_that_returns_nothing() -> None:
    with pytest.raises(ShapeError, match=r"the loss returned None; expected one number per example: \[n\]"):
        trace(CallableLoss(lambda o, y: None).per_example, [("n",), ("n",)])

"""Heads: one or several outputs, each in its own scale, their decoding, and user-defined losses."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from backpass.circuit import check_gradient
from backpass.errors import UsageError
from backpass.model.head.head import Head
from backpass.model.head.losses import LogitLoss, MissingLoss, MultiOutputLoss, UnscaledLoss
from backpass.model.head.scaling import TargetScale
from backpass.model.head.target_head import TargetHead
from backpass.model.settings.settings import Settings
from backpass.network import Loss, loss_named
from backpass.table import Target
from backpass.training.function import CallableLoss

RNG = np.random.default_rng(0)
OUT, Y = RNG.normal(size=(6, 2)), RNG.normal(size=(6, 2))
BITS, CLASSES = np.array([0, 1, 1, 0, 1, 0], dtype=np.int32), np.array([0, 1, 1, 0, 1, 0], dtype=np.int32)

LOSSES: dict[str, tuple[Loss, Any, Any]] = {
    "side by side": (MultiOutputLoss((loss_named("squared"), loss_named("quantile", q=0.9))), OUT, Y),
    "in units": (
        UnscaledLoss(CallableLoss(lambda o, y: ((o - y) ** 2).sum(axis=1)), (5.0, -1.0), (2.0, 0.5), False),
        OUT,
        Y,
    ),
    "in units, flat": (
        UnscaledLoss(CallableLoss(lambda o, y: (o - y) ** 2), (5.0,), (2.0,), True),
        OUT[:, :1],
        Y[:, :1],
    ),
    "of logits": (LogitLoss(loss_named("cross_entropy")), OUT, CLASSES),
    "of a logit": (LogitLoss(CallableLoss(lambda o, y: (o - y.astype(o.dtype)) ** 2)), OUT[:, :1], BITS),
}


@pytest.mark.parametrize("name", LOSSES)
def test_gradients(name: str) -> None:
    loss, o, y = LOSSES[name]
    assert check_gradient(lambda o: loss.per_example(o, y), o).ok


def test_values() -> None:
    squared = 0.5 * (OUT[:, 0] - Y[:, 0]) ** 2
    e = Y[:, 1] - OUT[:, 1]
    np.testing.assert_allclose(LOSSES["side by side"][0].per_example(OUT, Y), squared + np.maximum(0.9 * e, -0.1 * e))
    np.testing.assert_allclose(
        LOSSES["in units"][0].per_example(OUT, Y), 4.0 * (OUT[:, 0] - Y[:, 0]) ** 2 + 0.25 * (OUT[:, 1] - Y[:, 1]) ** 2
    )
    np.testing.assert_allclose(LOSSES["side by side"][0].predicted(OUT), OUT)


def heads(loss: str = "squared") -> Head:
    settings = Settings.of({"preset": "plain", "loss": loss})
    y = np.array([[1.0, 100.0], [3.0, 500.0], [5.0, 600.0]])
    return Head.fit_columns([(Target(f"y{j}", "regression"), settings) for j in range(2)], y)


def test_each_output_has_its_own_scale() -> None:
    both, y = heads(), np.array([[1.0, 100.0], [3.0, 500.0]])
    o = both.encode(y, np.float64)
    np.testing.assert_allclose(both.predictions(o), y)
    np.testing.assert_allclose(both.level(o), o.mean(axis=0))
    scores = both.scores(o + 1.0, y)
    scales = [each.scale for each in both.scales]
    assert scores["rmse"] == pytest.approx(np.mean(scales))
    assert both.metric == "rmse"
    assert both.outputs == 2


def test_a_written_loss_is_a_metric() -> None:
    both = heads()
    own = replace(both, custom_loss=CallableLoss(lambda o, y: abs(o - y).sum(axis=1)))
    assert own.metrics == ("loss", "rmse", "mae", "r2")
    y = np.array([[1.0, 100.0], [3.0, 500.0]])
    assert own.scores(own.encode(y, np.float64) + 1.0, y, np.array([1.0, 3.0]))["loss"] == pytest.approx(2.0)


@pytest.mark.parametrize("several", [True, False])
def test_a_written_loss_is_a_word_in_files(several: bool) -> None:
    """What comes back predicts, knows the other metrics, and asks for the function before it trains."""
    both, y, o = heads(), np.array([[1.0, 100.0], [3.0, 500.0]]), np.zeros((2, 2))
    plain = both if several else Head(both.targets[:1])
    if not several:
        y, o = y[:, 0], o[:, :1]
    data = json.loads(
        json.dumps(replace(plain, custom_loss=CallableLoss(lambda o, y: abs(o - y).sum(axis=1))).to_json())
    )
    assert data["loss"] == "custom"
    assert "lambda" not in str(data)
    again = Head.from_json(data)
    assert again == replace(plain, custom_loss=MissingLoss())
    assert again.to_json() == data
    assert again.metrics[0] == "loss"
    np.testing.assert_array_equal(again.predictions(o), plain.predictions(o))
    assert again.scores(o, y) == plain.scores(o, y)
    with pytest.raises(
        UsageError, match="the loss of this model is a function, which its file does not store"
    ) as caught:
        again.loss.per_example(o, again.encode(y, np.float64))
    assert caught.value.hint == "pass the function again to continue training"


def test_heads_come_back_from_plain_data() -> None:
    both = heads("quantile")
    assert Head.from_json(json.loads(json.dumps(both.to_json()))) == both
    data = both.to_json()
    mixed = [data["heads"][0], {**data["heads"][1], "loss": "custom"}]
    for wrong in ({"heads": []}, {"loss": "absolute"}, {"heads": mixed}):
        with pytest.raises(UsageError, match="several outputs need one loss by name"):
            Head.from_json({**data, **wrong})


def test_outputs_have_labels() -> None:
    both = heads("quantile")
    assert both.labels == ("y0", "y1")
    price = Target("price", "regression")
    quantiles = tuple(
        replace(each, target=price, options={"q": q}) for each, q in zip(both.targets, (0.1, 0.9), strict=True)
    )
    assert replace(both, targets=quantiles).labels == ("price q=0.1", "price q=0.9")
    assert Head(quantiles[:1]).labels == ("price",)


def test_a_written_loss_leaves_the_probabilities_what_they_are() -> None:
    for k, classes in ((1, ("a", "b")), (3, ("a", "b", "c"))):
        head = Head.fit(Target("y", "binary" if k == 1 else "multiclass", classes), CLASSES, Settings.of({}))
        own, o = replace(head, custom_loss=LogitLoss(CallableLoss(lambda o, y: o))), RNG.normal(size=(5, k))
        np.testing.assert_array_equal(own.predictions(o), head.predictions(o))
        np.testing.assert_array_equal(own.loss.predicted(o), head.loss.predicted(o))


def test_probabilities_sum_to_1_in_float64() -> None:
    head = Head.fit(Target("y", "multiclass", ("a", "b", "c")), CLASSES, Settings.of({}))
    P = head.predictions(RNG.normal(size=(50, 3)).astype(np.float32))
    np.testing.assert_allclose(P.sum(axis=1), 1.0, rtol=1e-15)


# Decoding -------------------------------------------------------------------------------------------------------------


def softmax(o: np.ndarray) -> np.ndarray:
    powers = np.exp(o - o.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def number_head(scale: TargetScale, loss: str = "squared") -> TargetHead:
    return TargetHead(Target("y", "regression"), loss, {}, scale)


def class_head(k: int) -> TargetHead:
    names = tuple("abcdefghijkl"[:k])
    return TargetHead(Target("y", "binary" if k == 2 else "multiclass", names), "cross_entropy", {}, TargetScale())


FIRST, SECOND = TargetScale(5.0, 2.0), TargetScale(-1e6, 0.25, low=-1e6, high=1e6)
DECODED: dict[str, tuple[Head, int, Any]] = {
    "a number": (Head((number_head(FIRST),)), 1, lambda o: 5.0 + 2.0 * o[:, 0]),
    "a clipped number": (Head((number_head(SECOND),)), 1, lambda o: np.clip(-1e6 + 0.25 * o[:, 0], -1e6, 1e6)),
    "a constant": (Head((number_head(TargetScale(7.5, 0.0)),)), 1, lambda o: np.full(len(o), 7.5)),
    "a count": (Head((number_head(TargetScale(), "poisson"),)), 1, lambda o: np.exp(o[:, 0])),
    "two classes": (Head((class_head(2),)), 1, lambda o: softmax(np.column_stack([0.0 * o, o]))),
    "twelve classes": (Head((class_head(12),)), 12, softmax),
    "two numbers": (
        Head((number_head(FIRST), number_head(SECOND)), is_flat=False),
        2,
        lambda o: np.column_stack([5.0 + 2.0 * o[:, 0], np.clip(-1e6 + 0.25 * o[:, 1], -1e6, 1e6)]),
    ),
    "a column": (Head((number_head(FIRST),), is_flat=False), 1, lambda o: 5.0 + 2.0 * o),
    "labels": (Head((class_head(2),) * 3, is_flat=False), 3, lambda o: 1.0 / (1.0 + np.exp(-o))),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", DECODED)
def test_decoding_beside_its_slow_twin(name: str, dtype: Any) -> None:
    """The circuit, on the engine and value by value in NumPy, gives what the formula gives."""
    head, k, twin = DECODED[name]
    assert head.outputs == k
    o = (3.0 * RNG.normal(size=(40, k))).astype(dtype)
    expected = twin(o.astype(np.float64))
    close = 2e-6 if dtype == np.float32 else 1e-12
    for found in (head.predictions(o), np.asarray(head.decoded(o))):
        assert found.dtype == np.float64
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=close, atol=close)
    none = head.predictions(o[:0])
    assert none.shape == (0, *expected.shape[1:])


def test_outputs_that_are_not_finite_are_decoded_to_what_they_are() -> None:
    o = np.array([[np.nan], [np.inf], [-np.inf]])
    np.testing.assert_array_equal(Head((number_head(FIRST),)).predictions(o), o[:, 0])
    np.testing.assert_array_equal(Head((number_head(SECOND),)).predictions(o), [np.nan, 1e6, -1e6])
    np.testing.assert_array_equal(Head((number_head(TargetScale(7.5, 0.0)),)).predictions(o), [7.5, 7.5, 7.5])


def test_a_predicted_zero_has_no_sign() -> None:
    assert not np.signbit(Head((number_head(TargetScale()),)).predictions(np.array([[-0.0]]))).any()


def test_heads_that_differ_in_their_options_are_decoded_apart() -> None:
    """Circuits are kept by head: two that differ in anything that decoding uses must not share one."""
    o = np.ones((2, 1))
    for scale in (FIRST, TargetScale(5.0, 3.0), TargetScale(5.0, 2.0, low=0.0, high=6.0)):
        head = Head((number_head(scale),))
        np.testing.assert_array_equal(head.predictions(o), np.asarray(head.decoded(o)))
    smooth = [replace(class_head(2), options={"label_smoothing": s}) for s in (0.0, 0.1)]
    assert hash(smooth[0]) == hash(smooth[1])
    assert Head((smooth[0],)) != Head((smooth[1],))

"""Heads: several outputs at once, each in its own scale, and losses that somebody wrote."""

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
from backpass.model.settings.settings import Settings
from backpass.network import Loss, loss_named
from backpass.table import Target
from backpass.training.function import Written

RNG = np.random.default_rng(0)
OUT, Y = RNG.normal(size=(6, 2)), RNG.normal(size=(6, 2))
BITS, CLASSES = np.array([0, 1, 1, 0, 1, 0], dtype=np.int32), np.array([0, 1, 1, 0, 1, 0], dtype=np.int32)

LOSSES: dict[str, tuple[Loss, Any, Any]] = {
    "side by side": (MultiOutputLoss((loss_named("squared"), loss_named("quantile", q=0.9))), OUT, Y),
    "in units": (
        UnscaledLoss(Written(lambda o, y: ((o - y) ** 2).sum(axis=1)), (5.0, -1.0), (2.0, 0.5), False),
        OUT,
        Y,
    ),
    "in units, flat": (UnscaledLoss(Written(lambda o, y: (o - y) ** 2), (5.0,), (2.0,), True), OUT[:, :1], Y[:, :1]),
    "of logits": (LogitLoss(loss_named("cross_entropy")), OUT, CLASSES),
    "of a logit": (LogitLoss(Written(lambda o, y: (o - y.astype(o.dtype)) ** 2)), OUT[:, :1], BITS),
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
    own = replace(both, own=Written(lambda o, y: abs(o - y).sum(axis=1)))
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
    data = json.loads(json.dumps(replace(plain, own=Written(lambda o, y: abs(o - y).sum(axis=1))).to_json()))
    assert data["loss"] == "custom"
    assert "lambda" not in str(data)
    again = Head.from_json(data)
    assert again == replace(plain, own=MissingLoss())
    assert again.to_json() == data
    assert again.metrics[0] == "loss"
    np.testing.assert_array_equal(again.predictions(o), plain.predictions(o))
    assert again.scores(o, y) == plain.scores(o, y)
    with pytest.raises(UsageError, match="the loss of this model is a function that its file does not hold") as caught:
        again.loss.per_example(o, again.encode(y, np.float64))
    assert caught.value.hint == "give the function again to go on training"


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
        own, o = replace(head, own=LogitLoss(Written(lambda o, y: o))), RNG.normal(size=(5, k))
        np.testing.assert_array_equal(own.predictions(o), head.predictions(o))
        np.testing.assert_array_equal(own.loss.predicted(o), head.loss.predicted(o))


def test_probabilities_sum_to_1_in_float64() -> None:
    head = Head.fit(Target("y", "multiclass", ("a", "b", "c")), CLASSES, Settings.of({}))
    P = head.predictions(RNG.normal(size=(50, 3)).astype(np.float32))
    np.testing.assert_allclose(P.sum(axis=1), 1.0, rtol=1e-15)

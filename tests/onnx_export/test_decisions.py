"""The class that an ONNX graph returns is the one that ``predict`` returns, by threshold or class weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from backpass.model import fit  # noqa: E402

X = np.random.default_rng(0).normal(size=400)
Z = X + np.random.default_rng(1).normal(size=400)
TABLE = {"x": X, "y": np.where(Z > 1.0, "bad", "good"), "n": (Z > 1.0) * 3, "g": np.digitize(Z, [0.0, 1.0])}
COST = {"false_positive": 1.0, "false_negative": 20.0}


@pytest.mark.parametrize("target", ["y", "n"])
@pytest.mark.parametrize(
    "settings",
    [{"threshold": 0.2}, {"threshold": "f1"}, {"cost": COST}, {"class_weight": "balanced"}, {"ensemble_size": 2}],
    ids=["value", "f1", "cost", "class_weight", "ensemble"],
)
def test_the_class_follows_the_threshold(target: str, settings: dict[str, Any]) -> None:
    settings = {"threshold": 0.3, **settings} if "ensemble_size" in settings else settings
    agree(target, settings, task=None)


def test_the_class_follows_the_weights_of_three_classes() -> None:
    agree("g", {"class_weight": {2: 9.0}}, task="classification")


def agree(target: str, settings: dict[str, Any], task: str | None) -> None:
    model = fit(TABLE, target, columns=["x"], task=task, hidden=(8,), epochs=4, validation_fraction=0.16, **settings)
    data = model.to_onnx()
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    given, probabilities = session.run([target, "probabilities"], {"x": X[:, None]})
    sure = np.ones(400, dtype=bool)
    decision = model.head.decision
    assert decision is not None
    if not decision.weights:  # the graph's float32 network may round a probability to the other side
        sure = np.abs(probabilities[:, decision.positive] - decision.threshold) > 1e-6
        facts = {each.key: each.value for each in onnx.load_from_string(data).metadata_props}
        assert float(facts["backpass.threshold"]) == decision.threshold
        assert facts["backpass.positive"] == model.classes[decision.positive]
    assert np.asarray(given)[sure].astype(str).tolist() == model.predict(TABLE)[sure].astype(str).tolist()
    most_probable = np.array(model.classes)[probabilities.argmax(axis=1)]
    assert (np.asarray(given).astype(str) != most_probable).any()

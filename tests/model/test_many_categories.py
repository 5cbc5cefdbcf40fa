"""Columns of many categories: learned, saved, exported, and the same as before up to 255 of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import backpass
from backpass.estimators import BackpassRegressor
from backpass.model import from_bytes

MERCHANTS = 500


@pytest.fixture(scope="module")
def table() -> dict[str, Any]:
    """Each merchant has its own level of y; the noise has deviation 0.5, the levels 1."""
    rng = np.random.default_rng(3)
    merchant = rng.permutation(np.repeat(np.arange(MERCHANTS), 16))
    x = rng.normal(size=len(merchant))
    y = rng.normal(size=MERCHANTS)[merchant] + 0.5 * x + 0.5 * rng.normal(size=len(merchant))
    return {"merchant": [f"m{j:03}" for j in merchant], "x": x, "y": y}


@pytest.fixture(scope="module")
def model(table: dict[str, Any]) -> backpass.Model:
    return backpass.fit(table, "y", preset="fast", epochs=12)


def test_every_category_is_learned(model: backpass.Model) -> None:
    (feature,) = model.schema.texts
    assert len(feature.levels) > 0.99 * MERCHANTS
    assert model.record.scores["test"]["rmse"] < 0.62, (
        "the noise is 0.5, a mean of 10 rows adds 0.15; capped it was 0.9"
    )


def test_a_saved_model_and_its_export_predict_the_same(model: backpass.Model, table: dict[str, Any]) -> None:
    again = from_bytes(model.to_bytes())
    np.testing.assert_array_equal(again.predict(table), model.predict(table))
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(model.to_onnx(), providers=["CPUExecutionProvider"])
    rows = {"merchant": [*table["merchant"][:50], "never seen"], "x": table["x"][:51]}
    given = {"merchant": np.array(rows["merchant"], dtype=object)[:, None], "x": np.asarray(rows["x"])[:, None]}
    kinds = {each.name: each.type for each in session.get_inputs()}
    fed = {
        name: values.astype(np.float32) if kinds[name] == "tensor(float)" else values for name, values in given.items()
    }
    np.testing.assert_allclose(np.ravel(session.run(None, fed)[0]), model.predict(rows), rtol=1e-4, atol=1e-4)


def test_an_unseen_category_is_predicted_as_an_average_one(model: backpass.Model) -> None:
    rows = {"merchant": ["never seen"] * 3, "x": [-1.0, 0.0, 1.0]}
    assert np.abs(model.predict(rows)).max() < 1.5


def test_estimators_keep_every_category(table: dict[str, Any]) -> None:
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame({"merchant": table["merchant"], "x": table["x"]})
    fitted = BackpassRegressor(preset="fast", epochs=1).fit(X, table["y"])
    assert len(fitted.model_.schema.texts[0].levels) > 0.99 * MERCHANTS


def test_one_hot_columns_keep_255(table: dict[str, Any]) -> None:
    model = backpass.fit(table, "y", preset="plain", epochs=1, hidden=(4,))
    assert len(model.schema.texts[0].levels) == 255
    assert any(
        "the 255 most frequent categories are kept, 245 others count as unknown" in note for note in model.record.notes
    )

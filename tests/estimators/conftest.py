"""What the tests of this room share: estimators that train in an instant, and little tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from backpass import BackpassClassifier, BackpassRegressor

QUICK: dict[str, Any] = {
    "preset": "plain",
    "validation_fraction": 0.16,
    "hidden_layer_sizes": (8,),
    "epochs": 5,
    "learning_rate": 0.05,
}

Floats = np.ndarray[Any, Any]


def make_regressor(**parameters: Any) -> BackpassRegressor:
    return BackpassRegressor(**{**QUICK, **parameters})


def make_classifier(**parameters: Any) -> BackpassClassifier:
    return BackpassClassifier(**{**QUICK, **parameters})


def make_numbers(rows: int = 60, seed: int = 0) -> tuple[Floats, Floats, Floats]:
    """X (n, 3), a number, and one of three labels, both of which follow from X."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 3))
    y = X[:, 0] - 2.0 * X[:, 1] + 0.1 * rng.normal(size=rows)
    return X, y, np.array(["a", "b", "c"])[np.digitize(y, [-1.0, 1.0])]


def make_mixed(rows: int = 60, seed: int = 0) -> pd.DataFrame:
    """Numbers, texts and a category, the first two with gaps; and a boolean."""
    rng = np.random.default_rng(seed)
    gap = rng.random((2, rows)) < 0.15
    return pd.DataFrame(
        {
            "size": np.where(gap[0], np.nan, rng.normal(size=rows)),
            "town": np.where(gap[1], None, rng.choice(["north", "south", "NA"], rows)),
            "fuel": pd.Categorical(rng.choice(["gas", "oil"], rows)),
            "rooms": rng.integers(1, 6, rows),
            "garden": rng.random(rows) < 0.5,
        }
    )


@pytest.fixture
def regressor() -> Callable[..., BackpassRegressor]:
    """The maker of a small regressor with these parameters."""
    return make_regressor


@pytest.fixture
def classifier() -> Callable[..., BackpassClassifier]:
    """The maker of a small classifier with these parameters."""
    return make_classifier


@pytest.fixture
def numbers() -> Callable[..., tuple[Floats, Floats, Floats]]:
    """The maker of X, a number and a label: (rows, seed)."""
    return make_numbers


@pytest.fixture
def mixed() -> Callable[..., pd.DataFrame]:
    """The maker of a mixed frame: (rows, seed)."""
    return make_mixed


@pytest.fixture(params=[make_regressor, make_classifier], ids=["regressor", "classifier"])
def case(request: pytest.FixtureRequest) -> tuple[Any, Floats, Floats]:
    """The maker of an estimator, X, and a y for it."""
    X, y, label = make_numbers()
    return request.param, X, y if request.param is make_regressor else label

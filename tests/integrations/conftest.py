"""What the optional integrations share. ``make test-integrations`` installs them, ``make test`` skips these."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from backpass import BackpassClassifier, BackpassRegressor

SMALL: dict[str, Any] = {"preset": "plain", "hidden_layer_sizes": (6,), "epochs": 3, "learning_rate": 0.05}

rng = np.random.default_rng(0)
NUMBERS = pd.DataFrame(rng.normal(size=(60, 2)), columns=["size", "age"])
MIXED = NUMBERS.assign(
    town=rng.choice(["north", "south", None], 60),
    day=pd.date_range("2024-03-01", periods=60),
    flag=rng.random(60) < 0.5,
)
PRICE = 3.0 * NUMBERS["size"] - NUMBERS["age"]

Fitted = Callable[[], tuple[Any, Any]]


def _regressor(X: Any, **parameters: Any) -> Fitted:
    return lambda: (BackpassRegressor(**{**SMALL, **parameters}).fit(X, PRICE), X)


def _classifier(X: Any, y: Any, **parameters: Any) -> Fitted:
    return lambda: (BackpassClassifier(**{**SMALL, **parameters}).fit(X, y), X)


DEAR = np.where(PRICE > 0, "dear", "cheap")

CASES: dict[str, Fitted] = {
    "array": _regressor(NUMBERS.to_numpy()),
    "numbers": _regressor(NUMBERS),
    "mixed": _regressor(MIXED),
    "polars": _regressor(pl.from_pandas(NUMBERS)),
    "classes": _classifier(MIXED, DEAR),
    "three classes": _classifier(NUMBERS, np.digitize(PRICE, [-1.0, 1.0])),
    "labels": _classifier(NUMBERS, np.column_stack([PRICE > 0, NUMBERS["age"] > 0]).astype(int)),
    "quantiles": _regressor(MIXED, loss="quantile", quantile=(0.1, 0.9)),
    "ensemble_size": _regressor(MIXED, preset="fast"),
    "stream": lambda: (BackpassRegressor(**SMALL).partial_fit(MIXED[:20], PRICE[:20]), MIXED),
    "open stream": lambda: (BackpassRegressor(**SMALL).partial_fit(MIXED[:3], PRICE[:3]), MIXED),
}
"""An estimator fitted on every shape of X and y that changes what it holds, and that X."""


@pytest.fixture(params=CASES.values(), ids=CASES)
def fitted(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    """A fitted estimator and its X."""
    estimator, X = request.param()
    return estimator, X

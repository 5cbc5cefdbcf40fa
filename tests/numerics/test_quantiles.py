"""Quantiles have the bits of NumPy's."""

from __future__ import annotations

import numpy as np
import pytest

from backpass.numerics.philox import integers
from backpass.numerics.quantiles import quantiles

SHARES = [0.0, 0.05, 0.25, 1 / 3, 0.5, 0.75, 0.95, 1.0]


@pytest.mark.parametrize("rows", [1, 2, 3, 10, 101, 1000])
@pytest.mark.parametrize("kind", ["distinct", "repeated", "large"])
def test_quantiles_are_those_of_numpy(rows: int, kind: str) -> None:
    values = np.tan(np.asarray(integers(0, 0, 1, rows, 1_000_000)) / 1e6 - 0.5)
    if kind == "repeated":
        values = np.asarray(integers(0, 0, 2, rows, 4)).astype(np.float64)
    if kind == "large":
        values = np.exp(40.0 * values)
    before = values.copy()
    assert quantiles(values, SHARES).tobytes() == np.quantile(values, SHARES).tobytes()
    assert values.tobytes() == before.tobytes()

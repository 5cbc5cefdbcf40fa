"""Percentages: a column of nothing else is numbers, and a model knows that they were written with their sign."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backpass
from backpass.errors import DataError
from backpass.model import from_bytes

QUICK: dict[str, Any] = {"hidden": (4,), "epochs": 2}


def lines_of(rate: str, price: str, rows: int = 60) -> str:
    rng = np.random.default_rng(0)
    rates, colours = rng.uniform(1, 9, rows).round(2), "ab" * (rows // 2)
    lines = [f"{rate.format(r)},{c},{price.format(3 * r)}" for r, c in zip(rates, colours, strict=True)]
    return "\n".join(["rate,colour,price", *lines, ""])


@pytest.fixture
def written(tmp_path: Path) -> Any:
    def write(name: str, text: str) -> Path:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return write


def test_a_model_takes_them_with_and_without_their_sign(written: Any) -> None:
    signed, plain = written("signed.csv", lines_of("{} %", "{}")), written("plain.csv", lines_of("{}", "{}"))
    model = backpass.fit(signed, "price", **QUICK)
    assert "column 'rate' holds percentages: '1.02 %' is read as 1.02" in model.record.notes
    assert model.kinds() == {"rate": "percent", "colour": "categorical"}
    alike = backpass.fit(plain, "price", **QUICK)
    np.testing.assert_array_equal(model.theta, alike.theta)
    for table in (signed, plain):
        np.testing.assert_array_equal(model.predict(table), alike.predict(plain))
    back = from_bytes(model.to_bytes())
    assert back.kinds() == model.kinds()
    assert back.to_bytes() == model.to_bytes()


def test_a_model_of_numbers_refuses_them(written: Any) -> None:
    """0.12 may be what it knows as 12 %."""
    model = backpass.fit(written("plain.csv", lines_of("{}", "{}")), "price", **QUICK)
    assert model.kinds() == {"rate": "numeric", "colour": "categorical"}
    with pytest.raises(DataError, match=r"column 'rate': 0 numbers, 60 texts \('1.02%' row 12, "):
        model.predict(written("signed.csv", lines_of("{}%", "{}")))


def test_a_target_of_percentages_is_predicted_in_percent(written: Any) -> None:
    signed, plain = written("signed.csv", lines_of("{}", "{:.2f}%")), written("plain.csv", lines_of("{}", "{:.2f}"))
    model = from_bytes(backpass.fit(signed, "price", **QUICK).to_bytes())
    assert model.head.target.is_percent
    assert model.evaluate(signed) == model.evaluate(plain)
    np.testing.assert_array_equal(model.predict(plain), backpass.fit(plain, "price", **QUICK).predict(plain))

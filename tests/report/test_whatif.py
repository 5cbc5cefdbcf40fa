"""What if: the forward circuit of a whole model, and its script."""

from __future__ import annotations

import numpy as np
import pytest
from fitted import QUICK, Case, case_of, table_of

import backpass
from backpass.circuit import trace
from backpass.engine.javascript import script_of
from backpass.reporting.page import whatif


def test_the_circuit_predicts_what_the_model_does(variant: Case) -> None:
    model = variant.model
    encoded = model.schema.encode(model.table(variant.columns))
    found = whatif.forward(model)(model.theta.reshape(-1), encoded.numbers, encoded.codes)
    expected = model.predictions(model.table(variant.columns))
    numbers = expected.values if expected.probabilities is None else expected.probabilities
    np.testing.assert_allclose(found, numbers, rtol=1e-5, atol=1e-6 * np.abs(numbers).max())


def test_constants_that_json_does_not_have_are_written() -> None:
    circuit = trace(lambda x: np.where(x > 0.0, x, np.array([np.nan, -np.inf])), [("n", 2)])
    assert script_of(circuit).constants_source == "[Float64Array.from([NaN,(-Infinity)])]"


def test_the_script_of_a_model_is_the_same_every_time(variant: Case) -> None:
    assert whatif.script(variant.model) == whatif.script(variant.model)


def test_a_model_that_fits_is_told_from_one_that_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    model = case_of("price").model
    assert whatif.fits(model)
    monkeypatch.setattr(whatif, "MOST_BYTES", 10)
    assert not whatif.fits(model)


def test_a_target_that_is_learned_as_its_logarithm() -> None:
    columns = dict(table_of("price"))
    columns["price"] = np.exp(np.array(columns["price"]) / 3000.0).tolist()
    options = {**QUICK, "target_transform": "log", "ensemble_size": 2, "epochs": 2}
    test_the_circuit_predicts_what_the_model_does(Case(backpass.fit(columns, "price", **options), columns))

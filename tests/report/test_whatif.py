"""What if: the script knows every operation that a forward pass can hold, and a circuit becomes plain data."""

from __future__ import annotations

import json

import numpy as np
import pytest
from fitted import Case, case_of
from script_operations import KNOWN

from backpass.circuit import trace
from backpass.network import ACTIVATIONS
from backpass.reporting.page import whatif

FREE = {"argument", "constant"}


def missing(operations: set[str]) -> set[str]:
    return operations - KNOWN - FREE


def operations_of(case: Case) -> set[str]:
    return {node.operation.name for node in whatif.forward(case.model).nodes}


def test_every_operation_of_every_model_is_known(variant: Case) -> None:
    assert missing(operations_of(variant)) == set()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_operation_of_every_activation_is_known(activation: str) -> None:
    circuit = trace(ACTIVATIONS[activation], [("n", 3)])
    assert missing({node.operation.name for node in circuit.nodes}) == set()


def test_a_planted_operation_is_missed() -> None:
    assert missing({"relu", "scatter_add", "constant"}) == {"scatter_add"}


def test_the_circuit_predicts_what_the_model_does(variant: Case) -> None:
    model = variant.model
    encoded = model.schema.encode(model.table(variant.columns))
    found = whatif.forward(model)(model.theta.reshape(-1), encoded.numbers, encoded.codes)
    expected = model.predictions(model.table(variant.columns))
    numbers = expected.values if expected.probabilities is None else expected.probabilities
    np.testing.assert_allclose(found, numbers, rtol=1e-5, atol=1e-6 * np.abs(numbers).max())


def test_constants_that_json_does_not_have_are_texts() -> None:
    circuit = trace(lambda x: np.where(x > 0.0, x, np.array([np.nan, -np.inf])), [("n", 2)])
    facts = whatif.circuit_facts(circuit)
    json.dumps(facts, allow_nan=False)
    assert ["nan", "-inf"] in [node[2].get("value") for node in facts["nodes"]]


def test_a_model_that_fits_is_told_from_one_that_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    model = case_of("price").model
    assert whatif.fits(model)
    monkeypatch.setattr(whatif, "MOST_BYTES", 10)
    assert not whatif.fits(model)

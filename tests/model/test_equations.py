"""Equations in the units of the columns: what a linear model collapses to, and the units wired by hand."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from backpass import Model, fit
from backpass.errors import UsageError
from backpass.model.anatomy.wired import are_in_units, equations_of

RNG = numpy.random.default_rng(0)
SIZE, AGE = RNG.uniform(30, 200, 300), RNG.uniform(0, 80, 300)
KIND = numpy.where(RNG.random(300) < 0.5, "flat", "house")
PRICE = 900.0 * SIZE - 300.0 * AGE + 5e4 * (KIND == "house") + RNG.normal(0, 1e4, 300)
DATA: dict[str, Any] = {"size": SIZE, "age": AGE, "kind": KIND, "price": PRICE}
ROWS = {"size": [50.0, 120.0, 77.0], "age": [10.0, 70.0, 0.5], "kind": ["flat", "house", "house"]}


def linear(inputs: Any, model: Model) -> numpy.ndarray[Any, Any]:
    line = model.collapse()
    return sum((numpy.asarray(inputs[name]) * w for name, w in line.weights.items()), numpy.full(3, line.bias))


@pytest.mark.parametrize(
    "options",
    [{"hidden": (4, 3)}, {"hidden": (5,), "dropout": 0.2}, {"hidden": ()}, {"hidden": (3,), "parametrization": "ntk"}],
    ids=str,
)
def test_eq_2_20_a_linear_model_is_w_x_plus_b_in_columns(options: dict[str, Any]) -> None:
    """CS229 (2.16), (2.20): predictions are w x + b in the units of the columns, for any depth."""
    model = fit(DATA, "price", activation="identity", epochs=20, columns=["size", "age"], **options)
    assert [*model.collapse().weights] == ["size", "age"]
    numpy.testing.assert_allclose(model.predict(ROWS), linear(ROWS, model), rtol=1e-5)


def test_eq_2_20_a_linear_model_with_categories_and_missing_numbers() -> None:
    holes = numpy.where(RNG.random(300) < 0.2, numpy.nan, AGE)
    model = fit({**DATA, "age": holes}, "price", hidden=(4,), activation="identity", epochs=20)
    line = model.collapse()
    assert {"size", "age", "age is missing"} < {*line.weights}
    inputs = {"size": ROWS["size"], "age": ROWS["age"], "age is missing": [0.0] * 3}
    inputs |= {f"kind = {kind}": [float(each == kind) for each in ROWS["kind"]] for kind in ("flat", "house")}
    numpy.testing.assert_allclose(model.predict(ROWS), linear(inputs, model), rtol=1e-5)


def test_eq_2_20_an_ensemble_of_linear_networks_is_their_mean() -> None:
    model = fit(DATA, "price", hidden=(3,), activation="identity", epochs=10, ensemble_size=3, columns=["size", "age"])
    assert model.theta.ndim == 2
    numpy.testing.assert_allclose(model.predict(ROWS), linear(ROWS, model), rtol=1e-5)


def test_eq_2_20_two_classes_have_a_linear_logit() -> None:
    model = fit(DATA, "kind", hidden=(3,), activation="identity", epochs=20, columns=["size", "age"])
    logit = linear(ROWS, model)
    numpy.testing.assert_allclose(model.predict_proba(ROWS)[:, 1], 1 / (1 + numpy.exp(-logit)), rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden": (3,)}, "activations are all the identity"),
        ({"hidden": (3,), "activation": "identity", "numerical_scaling": "robust"}, "its numbers are clipped"),
    ],
)
def test_a_model_that_is_not_linear_in_its_columns_does_not_collapse(options: dict[str, Any], message: str) -> None:
    model = fit(DATA, "price", epochs=2, **options)
    with pytest.raises(UsageError, match=message) as caught:
        model.collapse()
    assert caught.value.hint


def value(equations: Any, inputs: dict[str, Any]) -> Any:
    """The last unit, computed from the equations alone."""
    found = {name: numpy.asarray(inputs[name], float) for name in ("size", "age")}
    for each in equations:
        z = sum(term.value * (found[term.input] if term.input else 1.0) for term in each.terms)
        found[each.unit] = {"relu": lambda z: numpy.maximum(z, 0), "identity": lambda z: z}[each.activation](z)
    return found[""]


def test_eq_2_3_the_equations_of_wired_units_predict() -> None:
    """CS229 (2.3), Figure 2: theta_1 to theta_9 in the units of the columns give every prediction."""
    wire = {"big": ["size"], "old": ["size", "age"]}
    model = fit(DATA, "price", wire=wire, epochs=20, columns=["size", "age"])
    equations = equations_of(model)
    assert are_in_units(model)
    assert [each.unit for each in equations] == ["big", "old", ""]
    assert [term.theta for each in equations for term in each.terms] == [*range(1, 9)]
    numpy.testing.assert_allclose(value(equations, ROWS), model.predict(ROWS), rtol=1e-4)


def test_eq_2_3_on_clipped_numbers_the_values_are_those_of_theta() -> None:
    model = fit(DATA, "price", wire={"big": ["size"]}, epochs=5, columns=["size", "age"], numerical_scaling="robust")
    assert not are_in_units(model)
    values = [term.value for each in equations_of(model) for term in each.terms]
    numpy.testing.assert_allclose(values, model.theta, rtol=1e-6)


def test_models_without_wired_units_have_no_equations() -> None:
    assert equations_of(fit(DATA, "price", hidden=(3,), epochs=2)) == []

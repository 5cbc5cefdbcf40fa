"""Named intermediate values: their gradients, their names in circuits, and nothing else changes."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from backpass import grad, named, named_gradients, operations, trace
from backpass.errors import GradientError
from backpass.notes import chain_rule

THETA = numpy.array([0.3, -1.2])


def f(theta: Any) -> Any:
    """J = g_1 g_2 + g_1 with g_1 = theta_1 theta_2 and g_2 = sin theta_1."""
    g1 = named(theta[0] * theta[1], "g1")
    g2 = named(operations.sin(theta[0]), "g2")
    return g1 * g2 + g1


def test_chain_rule_through_named_values() -> None:
    """CS229 (3.1), (3.2), (3.3): dJ/dtheta_i is the sum over j of dJ/dg_j dg_j/dtheta_i."""
    found = named_gradients(f)(THETA)
    g1, g2 = THETA[0] * THETA[1], numpy.sin(THETA[0])
    assert pytest.approx(g1 * g2 + g1, rel=1e-15) == found.J
    assert {name: float(value) for name, value in found.values.items()} == pytest.approx({"g1": g1, "g2": g2})
    dJ = numpy.array([found.gradients["g1"], found.gradients["g2"]])
    numpy.testing.assert_allclose(dJ, [g2 + 1, g1], rtol=1e-15)
    jacobian = numpy.array([[THETA[1], THETA[0]], [numpy.cos(THETA[0]), 0.0]])
    numpy.testing.assert_allclose(chain_rule(dJ, jacobian), grad(f)(THETA), rtol=1e-14)


def test_a_gradient_counts_the_paths_through_other_named_values() -> None:
    def through(theta: Any) -> Any:
        g = named(theta * theta, "g")
        k = named(g * g, "k")
        return (g + k).sum()

    found = named_gradients(through)(THETA)
    numpy.testing.assert_allclose(found.gradients["g"], 1 + 2 * THETA**2, rtol=1e-15)
    numpy.testing.assert_allclose(found.gradients["k"], [1.0, 1.0], rtol=0)


def test_an_equal_expression_without_the_name_is_another_path() -> None:
    found = named_gradients(lambda t: (named(t * t, "g") + 5.0 * (t * t)).sum())(THETA)
    assert found.gradients["g"].tolist() == [1.0, 1.0]


def test_a_value_that_j_does_not_use_has_gradient_zero() -> None:
    def unused(theta: Any) -> Any:
        named(theta * 2.0, "g")
        named(numpy.array([3.0]), "constant")
        return theta.sum()

    found = named_gradients(unused)(THETA)
    assert found.gradients["g"].tolist() == [0.0, 0.0]
    assert found.values["constant"].tolist() == [3.0]


def test_a_named_constant_has_a_gradient() -> None:
    found = named_gradients(lambda t: (t * named(numpy.array([3.0, 4.0]), "c")).sum())(THETA)
    assert found.gradients["c"].tolist() == THETA.tolist()


def test_names_change_no_value_and_no_operation() -> None:
    def plain(theta: Any) -> Any:
        g1 = theta[0] * theta[1]
        return g1 * operations.sin(theta[0]) + g1

    with_names, without = trace(grad(f), [(2,)]), trace(grad(plain), [(2,)])
    assert [n.operation.name for _, n in with_names.operations] == [n.operation.name for _, n in without.operations]
    assert with_names(THETA).tobytes() == without(THETA).tobytes()
    assert float(f(THETA)) == float(plain(THETA))


def test_circuits_print_and_draw_the_names() -> None:
    found = named_gradients(f)(THETA)
    text = str(found.circuit)
    assert "  g1 = multiply(" in text
    assert "  dg2 = " in text
    assert "  J = add(" in text
    assert ">g2 = sin<" in found.circuit.to_svg()
    inner = trace(lambda theta: named(theta * 2.0, "g"), [(2,)])
    assert "  g = multiply(" in str(trace(lambda t: inner(t) + 1.0, [(2,)])), "a circuit inside another keeps them"


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda t: named(t, "g").sum() + named(t, "g").sum(), "two intermediate values are named 'g'"),
        (lambda t: (named(t > 0.0, "g") * t).sum(), "g: a gradient needs floating-point numbers"),
        (lambda t: named(t, "g"), "footnote 6"),
    ],
)
def test_what_has_no_gradient_is_refused(function: Any, message: str) -> None:
    with pytest.raises(GradientError, match=message):
        named_gradients(function)(THETA)

"""Section 3 of the notes: backpropagation through networks, against Algorithms 3 and 4 written line by line."""

from __future__ import annotations

from typing import Any

import numpy
import pytest
from drawn import drawn, gradient_at, network_of
from hypothesis import given
from hypothesis import strategies as st

from backpass import notes
from backpass.circuit import grad, operations, trace, value_and_grad
from backpass.errors import GradientError
from backpass.network import Network, activation_named

Floats = numpy.ndarray[Any, Any]


def example(widths: list[int], seed: int) -> tuple[list[Floats], list[Floats], Floats, float]:
    Ws, bs = drawn(widths, seed)
    rng = numpy.random.default_rng(seed + 1000)
    return Ws, bs, rng.normal(size=(widths[0], 1)), float(rng.normal())


def assert_gradient_equals(network: Network, theta: Floats, x: Floats, y: float, twin: notes.BackwardPass) -> None:
    """The circuit's gradient is the twin's: dW^[k] and db^[k] of every layer to 1e-12."""
    views = network.layout.views(gradient_at(network, x.T, numpy.array([[y]]))(theta))
    for k, dW in twin.dW.items():
        scale = max(1.0, float(numpy.abs(dW).max()))
        numpy.testing.assert_allclose(views[f"W{k}"].T, dW, rtol=1e-12, atol=1e-12 * scale)
        numpy.testing.assert_allclose(views[f"b{k}"], twin.db[k][:, 0], rtol=1e-12, atol=1e-12 * scale)


def test_eq_3_1_to_3_3_chain_rule_over_several_paths() -> None:
    """(3.1)-(3.3): J reaches theta by g_1 and g_2; the products of both paths add up.    CS229 (3.1), (3.2), (3.3)"""
    theta = numpy.array([0.3, -1.2])
    g = lambda t: (t[0] * t[1], operations.sin(t[0]))
    J = lambda t: g(t)[0] * g(t)[1]
    g1, g2 = theta[0] * theta[1], numpy.sin(theta[0])
    expected = [g2 * theta[1] + g1 * numpy.cos(theta[0]), g2 * theta[0]]
    numpy.testing.assert_allclose(grad(J)(theta), expected, rtol=1e-14)


def test_theorem_3_1_the_gradient_costs_a_constant_times_the_loss() -> None:
    """Theorem 3.1 for networks: size of J and dJ is O(N), with a constant that no depth or width changes.

    CS229 Theorem 3.1
    """
    ratios = []
    for widths in ([4, 8, 1], [4, 64, 64, 1], [16, *[32] * 12, 1]):
        network = network_of(widths)

        def J(theta: Any, x: Any, network: Network = network) -> Any:  # noqa: N802  the notes' name
            return (0.5 * network(theta, x) ** 2).sum()

        shapes = [(network.parameter_count,), ("n", widths[0])]
        forward, both = trace(J, shapes), trace(value_and_grad(J), shapes)
        ratios.append(both.size(n=256) / forward.size(n=256))
    assert max(ratios) < 4


def test_footnote_4_inputs_that_do_not_matter_have_gradient_zero() -> None:
    """Footnote 4: exactly zero, and nothing of the function is computed for an argument that it does not use.

    CS229 footnote 4
    """
    assert grad(lambda t: t[0] * 2.0)(numpy.array([1.0, 5.0])).tolist() == [2.0, 0.0]
    unused = trace(grad(lambda t, u: (numpy.exp(t) * t).sum(), 1), [(3,), ("n", 4)])
    assert [node.operation.name for _, node in unused.operations] == ["constant", "broadcast_to"]
    assert unused(numpy.ones(3), numpy.ones((2, 4))).tolist() == [[0.0] * 4] * 2


def test_footnote_4_an_unused_argument_costs_nothing() -> None:
    """CS229 footnote 4: zeros count nothing, so the size of a gradient can be below the number of its arguments."""
    J = lambda t, u: (t * t).sum()
    small, large = (trace(value_and_grad(J, (0, 1)), [(3,), (m,)]) for m in (1, 10**9))
    assert small.size() == large.size() < 20
    assert small.bytes_moved() == large.bytes_moved()
    value, (dt, du) = trace(value_and_grad(J, (0, 1)), [(3,), ("m",)])(numpy.ones(3), numpy.ones(4))
    assert (float(value), dt.tolist(), du.tolist()) == (3.0, [2.0] * 3, [0.0] * 4)
    du[0] = 1.0
    assert du.tolist() == [1.0, 0.0, 0.0, 0.0], "the caller owns the zeros"
    filled = trace(lambda x: operations.broadcast_to(2.0 * x, shape=(1000,)), [()])
    assert filled.size() > 1000, "copies of another number count"


def test_footnote_4_zeros_take_no_memory_until_somebody_writes() -> None:
    """CS229 footnote 4: the zeros for 4 GB of unused numbers are not stored."""
    resource = pytest.importorskip("resource")
    J = trace(value_and_grad(lambda t, u: (t * t).sum(), 1), [(3,), ("m",)])
    unused = numpy.broadcast_to(0.0, (5 * 10**8,))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    du = J(numpy.ones(3), unused)[1]
    assert du.shape == unused.shape
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 10**6, "kilobytes"


@pytest.mark.parametrize("seed", range(30))
def test_algorithm_3_two_layers(seed: int) -> None:
    """Algorithm 3; (3.4)-(3.7), (3.12)-(3.13): every gradient of a two-layer network.

    CS229 (3.4), (3.5), (3.6), (3.7), (3.12), (3.13), Algorithm 3
    """
    rng = numpy.random.default_rng(seed)
    widths = [int(rng.integers(1, 8)), int(rng.integers(1, 12)), 1]
    Ws, bs, x, y = example(widths, seed)
    network = network_of(widths)
    twin = notes.algorithm_3(Ws[0], bs[0], Ws[1], bs[1], x, y)
    assert_gradient_equals(network, notes.theta_from_columns(network, Ws, bs), x, y, twin)


@pytest.mark.parametrize("seed", range(40))
def test_algorithm_4_many_layers(seed: int) -> None:
    """Algorithm 4; (3.15)-(3.19): every gradient of a network of r layers.

    CS229 (3.15), (3.16), (3.17), (3.18), (3.19), Algorithm 4
    """
    rng = numpy.random.default_rng(100 + seed)
    widths = [int(m) for m in rng.integers(1, 9, size=rng.integers(2, 9))] + [1]
    Ws, bs, x, y = example(widths, seed)
    network = network_of(widths)
    assert_gradient_equals(network, notes.theta_from_columns(network, Ws, bs), x, y, notes.algorithm_4(Ws, bs, x, y))


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.integers(0, 10**6))
def test_algorithm_4_on_whole_numbers_with_zeros_before_the_activation(widths: list[int], seed: int) -> None:
    """Algorithm 4 at z = 0, where the notes' slope is 1{z >= 0} = 1: small whole numbers hit 0 often, and exactly.

    CS229 Algorithm 4
    """
    rng = numpy.random.default_rng(seed)
    widths = [*widths, 1]
    pairs = list(zip(widths[1:], widths[:-1], strict=True))
    Ws = [rng.integers(-1, 2, size=pair).astype(float) for pair in pairs]
    bs = [rng.integers(-1, 2, size=(m, 1)).astype(float) for m, _ in pairs]
    x, y = rng.integers(-1, 2, size=(widths[0], 1)).astype(float), 2.0
    network = network_of(widths)
    assert_gradient_equals(network, notes.theta_from_columns(network, Ws, bs), x, y, notes.algorithm_4(Ws, bs, x, y))


def test_algorithm_4_is_algorithm_3_for_two_layers() -> None:
    """Algorithms 3 and 4 agree where both apply.    CS229 Algorithm 3, Algorithm 4"""
    Ws, bs, x, y = example([3, 4, 1], seed=1)
    two, many = notes.algorithm_3(Ws[0], bs[0], Ws[1], bs[1], x, y), notes.algorithm_4(Ws, bs, x, y)
    assert two.J == many.J
    for k in (1, 2):
        assert two.delta[k].tolist() == many.delta[k].tolist()
        assert two.dW[k].tolist() == many.dW[k].tolist()


def deltas(network: Network, theta: Floats, x: Floats, y: float) -> list[Floats]:
    """delta^[k] = dJ/dz^[k] of every layer: the gradient with respect to a shift of z^[k] that is 0."""

    def J(shifts: list[Any]) -> Any:  # noqa: N802  the notes' name
        views, a = network.layout.views(theta), x
        for (number, layer, _), shift in zip(network.numbered(), shifts, strict=True):
            a = activation_named(layer.activation)(layer.pre_activation(views, a, number) + shift)  # type: ignore[attr-defined]
        return 0.5 * ((a - y) ** 2).sum()

    return grad(J)([numpy.zeros((len(x), m)) for m in network.widths])  # type: ignore[no-any-return]


@pytest.mark.parametrize("widths", [[3, 4, 1], [2, 5, 3, 4, 1]], ids=str)
def test_eq_3_16_to_3_19_every_delta_can_be_inspected(widths: list[int]) -> None:
    """(3.16), and delta^[k] = W^[k+1]^T delta^[k+1] * ReLU'(z^[k]) by (3.17)-(3.19), layer by layer.

    CS229 (3.16), (3.17), (3.18), (3.19)
    """
    Ws, bs, x, y = example(widths, seed=2)
    network = network_of(widths)
    found = deltas(network, notes.theta_from_columns(network, Ws, bs), x.T, y)
    for k, delta in notes.algorithm_4(Ws, bs, x, y).delta.items():
        numpy.testing.assert_allclose(found[k - 1][0], delta[:, 0], rtol=1e-12, atol=1e-13)


def test_eq_3_16_deltas_are_part_of_the_gradient_circuit() -> None:
    """(3.16): the values of a run of the gradient circuit, by layer, hold each delta^[k]; nothing is hidden.

    CS229 (3.16)
    """
    Ws, bs, x, y = example([2, 5, 3, 1], seed=3)
    network = network_of([2, 5, 3, 1])
    both = trace(
        value_and_grad(lambda theta, x, y: 0.5 * ((network(theta, x) - y) ** 2).sum()),
        [(network.parameter_count,), ("n", 2), ("n", 1)],
    )
    seen: dict[str, list[Floats]] = {}
    inputs = [notes.theta_from_columns(network, Ws, bs), x.T, numpy.array([[y]])]
    both.evaluate(inputs, watch=lambda i, node, value: seen.setdefault(node.label, []).append(value))
    twin = notes.algorithm_4(Ws, bs, x, y)
    for k in (1, 2):
        values = seen[f"gradient of layer {k} of 3"]
        delta = twin.delta[k].T
        assert any(value.shape == delta.shape and numpy.allclose(value, delta, rtol=1e-12) for value in values)


@pytest.mark.parametrize("name", ["J", "pair"])
def test_footnote_6_only_real_valued_functions_have_a_gradient(name: str) -> None:
    """Footnote 6: dJ/dA is used for real-valued J only; anything else is refused.    CS229 footnote 6"""
    network = network_of([2, 3, 2])
    theta, x = numpy.ones(network.parameter_count), numpy.ones((4, 2))
    h = {"J": lambda t: network(t, x), "pair": lambda t: (network(t, x).sum(), t.sum())}[name]
    with pytest.raises(GradientError, match="footnote 6"):
        grad(h)(theta)

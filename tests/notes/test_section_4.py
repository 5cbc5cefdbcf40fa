"""Section 4 of the notes: examples as columns or as rows. One is the transpose of the other, forwards and backwards."""

from __future__ import annotations

from typing import Any

import numpy
import pytest
from drawn import drawn, gradient_at, network_of

from backpass import dense_network, notes
from backpass.circuit import operations
from backpass.errors import ShapeError, UsageError
from backpass.network import Dense, Network, Unit, Wired

Floats = numpy.ndarray[Any, Any]


def three_examples() -> tuple[Floats, Floats, Floats]:
    """X (d, 3) with examples in columns (4.1), W (m, d), b (m, 1)."""
    rng = numpy.random.default_rng(0)
    return rng.normal(size=(5, 3)), rng.normal(size=(4, 5)), rng.normal(size=(4, 1))


def test_eq_4_1_eq_4_2_examples_as_columns() -> None:
    """(4.1), (4.2): Z = W X + b is z^(1), z^(2), z^(3) side by side, and the transpose of the library's Z.

    CS229 (4.1), (4.2)
    """
    X, W, b = three_examples()
    columns = [X[:, i : i + 1] for i in range(3)]
    assert notes.stack_columns(columns).tolist() == X.tolist()
    Z = notes.pre_activations(W, b, X)
    theta = notes.theta_from_columns(dense_network(5, (), 4), [W], [b])
    for i, x in enumerate(columns):
        numpy.testing.assert_allclose(Z[:, i : i + 1], notes.pre_activations(W, b, x), rtol=1e-14)
        one = dense_network(5, (), 4)(theta, x.T)
        numpy.testing.assert_allclose(Z[:, i : i + 1], one.T, rtol=1e-14)
    numpy.testing.assert_allclose(Z, dense_network(5, (), 4)(theta, X.T).T, rtol=1e-14)


@pytest.mark.parametrize("widths", [[3, 1], [3, 3, 3], [1, 1], [2, 5, 4, 1]], ids=str)
def test_eq_4_4_matrices_of_the_notes_become_theta_and_come_back(widths: list[int]) -> None:
    """(4.4): the translation is its own inverse, also where every matrix is square.    CS229 (4.4)"""
    Ws, bs = drawn(widths, seed=3)
    network = network_of(widths)
    theta = notes.theta_from_columns(network, Ws, bs)
    again = notes.columns_from_theta(network, theta)
    assert [W.tolist() for W in again[0]] == [W.tolist() for W in Ws]
    assert [b.tolist() for b in again[1]] == [b.tolist() for b in bs]
    x = numpy.random.default_rng(4).normal(size=(6, widths[0]))
    numpy.testing.assert_allclose(network(theta, x).T, notes.many_layers(Ws, bs, x.T)[-1], rtol=1e-12, atol=1e-13)


def test_a_square_matrix_of_the_notes_is_never_taken_for_one_of_rows() -> None:
    """With d = m the shapes of W agree; those of the biases do not, in either direction."""
    network = network_of([2, 2])
    W, column, vector = numpy.array([[1.0, 2.0], [3.0, 4.0]]), numpy.ones((2, 1)), numpy.ones(2)
    with pytest.raises(ShapeError, match=r"^b1 expected shape \[2\]; got \[2, 1\]") as to_rows:
        network.layout.vector({"W1": W, "b1": column})
    assert "theta_from_columns" in to_rows.value.hint
    with pytest.raises(ShapeError, match=r"^b\^\[1\] of the notes expected shape \[2, 1\]; got \[2\]") as to_columns:
        notes.theta_from_columns(network, [W], [vector])
    assert "network.layout.vector" in to_columns.value.hint
    assert notes.theta_from_columns(network, [W], [column])[:4].tolist() == [1.0, 3.0, 2.0, 4.0]


def test_matrices_of_the_notes_that_do_not_fit_are_named() -> None:
    Ws, bs = drawn([3, 4, 1], seed=5)
    network = network_of([3, 4, 1])
    with pytest.raises(ShapeError, match=r"^W\^\[1\] of the notes expected shape \[4, 3\]; got \[3, 4\]"):
        notes.theta_from_columns(network, [Ws[0].T, Ws[1]], bs)
    with pytest.raises(ShapeError, match="2 layers expected as many W and b; got 1 W and 2 b"):
        notes.theta_from_columns(network, Ws[:1], bs)
    with pytest.raises(ShapeError, match=r"^W1 expected shape \[3, 4\]; got \[4, 3\]") as transposed:
        network.layout.vector({"W1": Ws[0], "b1": bs[0][:, 0], "W2": Ws[1].T, "b2": bs[1][:, 0]})
    assert "theta_from_columns" in transposed.value.hint
    wired = Network(2, (Wired((Unit("u", (0, 1)),)), Dense(1)))
    with pytest.raises(UsageError, match="no matrices for a wired layer"):
        notes.theta_from_columns(wired, Ws, bs)


def test_eq_4_3_broadcasting_of_the_bias() -> None:
    """(4.3): b~ repeats b for every example, and need not be built.    CS229 (4.3)"""
    X, W, b = three_examples()
    tiled = numpy.concatenate([b, b, b], axis=1)
    assert (W @ X + tiled).tobytes() == (W @ X + b).tobytes()
    rows = operations.affine(X.T, W.T, b[:, 0])
    built = operations.matmul(X.T, W.T) + operations.stack([b[:, 0]] * 3)
    assert rows.tobytes() == built.tobytes()


def test_eq_4_4_rows_are_the_transpose() -> None:
    """(4.4): with examples as rows, Z = X W + b is the transpose of (4.2).    CS229 (4.2), (4.4)"""
    X, W, b = three_examples()
    numpy.testing.assert_allclose(operations.affine(X.T, W.T, b[:, 0]), (W @ X + b).T, rtol=1e-14)


@pytest.mark.parametrize("widths", [[3, 1], [3, 6, 1], [2, 5, 4, 3, 1]], ids=str)
def test_eq_4_4_whole_networks_and_their_gradients(widths: list[int]) -> None:
    """(4.1)-(4.4) for r layers: outputs are transposed, and the gradient is the mean of Algorithm 4 over examples.

    CS229 Algorithm 4, (4.1), (4.2), (4.3), (4.4), footnote 7
    """
    Ws, bs = drawn(widths, seed=1)
    network = network_of(widths)
    theta = notes.theta_from_columns(network, Ws, bs)
    rng = numpy.random.default_rng(2)
    X, y = rng.normal(size=(widths[0], 7)), rng.normal(size=7)
    numpy.testing.assert_allclose(network(theta, X.T).T, notes.many_layers(Ws, bs, X)[-1], rtol=1e-12, atol=1e-13)
    singles = [notes.algorithm_4(Ws, bs, X[:, i : i + 1], y[i]) for i in range(7)]
    views = network.layout.views(gradient_at(network, X.T, y[:, None])(theta))
    for k in range(1, len(widths)):
        dW = numpy.mean([single.dW[k] for single in singles], axis=0)
        db = numpy.mean([single.db[k] for single in singles], axis=0)
        numpy.testing.assert_allclose(views[f"W{k}"], dW.T, rtol=1e-11, atol=1e-13)
        numpy.testing.assert_allclose(views[f"b{k}"], db[:, 0], rtol=1e-11, atol=1e-13)

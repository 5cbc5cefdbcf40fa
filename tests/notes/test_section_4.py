"""Section 4 of the notes: examples as columns or as rows. One is the transpose of the other, forwards and backwards."""

from __future__ import annotations

from typing import Any

import numpy
import pytest
from drawn import drawn, gradient_at, library_theta, network_of

import slow_twins
from backpass.circuit import operations

Floats = numpy.ndarray[Any, Any]


def three_examples() -> tuple[Floats, Floats, Floats]:
    """X (d, 3) with examples in columns (4.1), W (m, d), b (m, 1)."""
    rng = numpy.random.default_rng(0)
    return rng.normal(size=(5, 3)), rng.normal(size=(4, 5)), rng.normal(size=(4, 1))


def test_eq_4_1_eq_4_2_examples_as_columns() -> None:
    """(4.1), (4.2): Z = W X + b is z^(1), z^(2), z^(3) side by side."""
    X, W, b = three_examples()
    Z = W @ X + b
    for i in range(3):
        numpy.testing.assert_allclose(Z[:, i : i + 1], W @ X[:, i : i + 1] + b, rtol=1e-14)


def test_eq_4_3_broadcasting_of_the_bias() -> None:
    """(4.3): b~ repeats b for every example, and need not be built."""
    X, W, b = three_examples()
    tiled = numpy.concatenate([b, b, b], axis=1)
    assert (W @ X + tiled).tobytes() == (W @ X + b).tobytes()
    rows = operations.affine(X.T, W.T, b[:, 0])
    built = operations.matmul(X.T, W.T) + operations.stack([b[:, 0]] * 3)
    assert rows.tobytes() == built.tobytes()


def test_eq_4_4_rows_are_the_transpose() -> None:
    """(4.4): with examples as rows, Z = X W + b is the transpose of (4.2)."""
    X, W, b = three_examples()
    numpy.testing.assert_allclose(operations.affine(X.T, W.T, b[:, 0]), (W @ X + b).T, rtol=1e-14)


@pytest.mark.parametrize("widths", [[3, 1], [3, 6, 1], [2, 5, 4, 3, 1]], ids=str)
def test_eq_4_4_whole_networks_and_their_gradients(widths: list[int]) -> None:
    """(4.1)-(4.4) for r layers: outputs are transposed, and the gradient is the mean of Algorithm 4 over examples."""
    Ws, bs = drawn(widths, seed=1)
    network = network_of(widths)
    theta = library_theta(network, Ws, bs)
    rng = numpy.random.default_rng(2)
    X, y = rng.normal(size=(widths[0], 7)), rng.normal(size=7)
    numpy.testing.assert_allclose(network(theta, X.T).T, slow_twins.many_layers(Ws, bs, X)[-1], rtol=1e-12, atol=1e-13)
    singles = [slow_twins.algorithm_4(Ws, bs, X[:, i : i + 1], y[i]) for i in range(7)]
    views = network.layout.views(gradient_at(network, X.T, y[:, None])(theta))
    for k in range(1, len(widths)):
        dW = numpy.mean([single.dW[k] for single in singles], axis=0)
        db = numpy.mean([single.db[k] for single in singles], axis=0)
        numpy.testing.assert_allclose(views[f"W{k}"], dW.T, rtol=1e-11, atol=1e-13)
        numpy.testing.assert_allclose(views[f"b{k}"], db[:, 0], rtol=1e-11, atol=1e-13)

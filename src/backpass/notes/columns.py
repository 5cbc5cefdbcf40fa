"""Columns: examples as columns, as in section 4 of the notes, and the translation to the rows of the library.

In the notes z = W x + b with W (m, d) and x a column; in the library z = x W + b with W (d, m) and x a row. One is the
transpose of the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.errors import ShapeError, UsageError
from backpass.network import Dense, Network

Floats = NDArray[Any]


def stack_columns(x: Sequence[Floats]) -> Floats:
    """X = [x^(1), ..., x^(n)], one example per column    CS229 (4.1)

    x^(i) (d, 1)   ->   X (d, n)

    >>> stack_columns([numpy.array([[1.0], [2.0]]), numpy.array([[3.0], [4.0]])])
    array([[1., 3.],
           [2., 4.]])
    """
    return numpy.concatenate(list(x), axis=1)  # (4.1)


def pre_activations(W: Floats, b: Floats, X: Floats) -> Floats:
    """Z = W X + b~, where b~ repeats b for every example    CS229 (4.2), (4.3)

    W (m, d)   b (m, 1)   X (d, n)   ->   Z (m, n)

    >>> pre_activations(numpy.array([[2.0]]), numpy.array([[1.0]]), numpy.array([[1.0, 3.0]]))
    array([[3., 7.]])
    """
    tiled = numpy.concatenate([b] * X.shape[1], axis=1)  # (4.3)
    Z: Floats = W @ X + tiled  # (4.2)
    return Z


def pre_activations_of_rows(X: Floats, W: Floats, b: Floats) -> Floats:
    """Z = X W + b, the convention of the library    CS229 (4.4)

    X (n, d)   W (d, m)   b (1, m) or (m,)   ->   Z (n, m)

    >>> pre_activations_of_rows(numpy.array([[1.0], [3.0]]), numpy.array([[2.0]]), numpy.array([1.0]))
    array([[3.],
           [7.]])
    """
    return X @ W + b  # (4.4)


def theta_from_columns(network: Network, W: Sequence[Any], b: Sequence[Any]) -> Floats:
    """theta of a dense network from the matrices of the notes    CS229 (4.4), footnote 5, footnote 7

    Every W is transposed and every b becomes a vector. A bias has to be a column (m, 1): a square W looks the same in
    both conventions, its bias does not. ``network.layout.vector`` takes arrays in the convention of the library.

    Args:
        network: A network of ``Dense`` layers.
        W: W^[1], ..., W^[r], each (m_k, m_{k-1}).
        b: b^[1], ..., b^[r], each (m_k, 1).

    Returns:
        theta (P,), float64.

    Raises:
        ShapeError: If the shape of an array is wrong; the message names the array.
        UsageError: If the network has other layers with parameters.

    >>> from backpass import dense_network
    >>> network = dense_network(2, (), 1)
    >>> theta_from_columns(network, [[[3.0, 4.0]]], [[[5.0]]])
    array([3., 4., 5.])
    """
    shapes = _shapes(network)
    if not len(W) == len(b) == len(shapes):
        raise ShapeError(f"a network of {len(shapes)} layers expected as many W and b; got {len(W)} W and {len(b)} b")
    arrays: dict[str, Floats] = {}
    for k, (m, d) in enumerate(shapes, 1):
        W_k, b_k = numpy.asarray(W[k - 1], numpy.float64), numpy.asarray(b[k - 1], numpy.float64)
        _require(f"W^[{k}]", W_k, (m, d))
        _require(f"b^[{k}]", b_k, (m, 1))
        arrays |= {f"W{k}": W_k.T, f"b{k}": b_k[:, 0]}
    return network.layout.vector(arrays)


def columns_from_theta(network: Network, theta: Floats) -> tuple[list[Floats], list[Floats]]:
    """W^[1], ..., W^[r] and b^[1], ..., b^[r] of the notes from theta: the inverse of ``theta_from_columns``

    theta (P,)   ->   W^[k] (m_k, m_{k-1}), b^[k] (m_k, 1)

    Args:
        network: The dense network.
        theta: Its parameters (P,).

    Raises:
        UsageError: As ``theta_from_columns``.

    >>> from backpass import dense_network
    >>> columns_from_theta(dense_network(2, (), 1), numpy.array([3.0, 4.0, 5.0]))
    ([array([[3., 4.]])], [array([[5.]])])
    """
    views, layers = network.layout.views(theta), range(1, len(_shapes(network)) + 1)
    return [views[f"W{k}"].T.copy() for k in layers], [views[f"b{k}"][:, None].copy() for k in layers]


def _shapes(network: Network) -> list[tuple[int, int]]:
    """(m_k, m_{k-1}) of each layer.

    Raises:
        UsageError: If the network has layers with other parameters than W and b.
    """
    for number, layer, width in network.numbered():
        if not isinstance(layer, Dense) and layer.parameters(width, number):
            raise UsageError(
                f"the notes have no matrices for a {layer.kind} layer",
                hint="use a network of dense layers, such as dense_network(d, (m,), 1)",
            )
    return [(layer.width(width), width) for _, layer, width in network.numbered() if layer.neurons]


def _require(name: str, array: Floats, shape: tuple[int, int]) -> None:
    if array.shape != shape:
        raise ShapeError(
            f"{name} of the notes expected shape {list(shape)}; got {list(array.shape)}",
            hint="the notes' W is (m, d) and b is a column (m, 1); "
            "network.layout.vector takes the library's W (d, m) and b (m,)",
        )

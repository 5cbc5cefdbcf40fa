"""Nested tuples, lists and dicts of arrays: flattening into a list of leaves, and rebuilding."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Rebuild = Callable[[Iterator[Any]], Any]


def flatten(tree: Any, is_leaf: Callable[[Any], bool] = lambda _: False) -> tuple[list[Any], Rebuild]:
    """The leaves of a tree from left to right (dicts in key order), and a function that rebuilds it from new leaves.

    >>> leaves, rebuild = flatten({"b": 1, "a": (2, 3)})
    >>> leaves
    [2, 3, 1]
    >>> rebuild(iter([20, 30, 10]))
    {'a': (20, 30), 'b': 10}
    """
    if is_leaf(tree) or not isinstance(tree, dict | tuple | list):
        return [tree], next
    keys = sorted(tree) if isinstance(tree, dict) else range(len(tree))
    leaves: list[Any] = []
    rebuilds: list[Rebuild] = []
    for key in keys:
        part, rebuild = flatten(tree[key], is_leaf)
        leaves += part
        rebuilds.append(rebuild)
    if isinstance(tree, dict):
        return leaves, lambda new: {key: rebuild(new) for key, rebuild in zip(keys, rebuilds, strict=True)}
    if hasattr(tree, "_fields"):  # the constructor of a named tuple takes its fields one by one
        return leaves, lambda new: type(tree)(*(rebuild(new) for rebuild in rebuilds))
    return leaves, lambda new: type(tree)(rebuild(new) for rebuild in rebuilds)


def paths(tree: Any, name: str, is_leaf: Callable[[Any], bool] = lambda _: False) -> list[str]:
    """The names of the leaves of a tree called ``name``, in the order of ``flatten``.

    >>> paths({"b": 1, "W": (2, 3)}, "theta"), paths(1, "x")
    (['theta.W.0', 'theta.W.1', 'theta.b'], ['x'])
    """
    if is_leaf(tree) or not isinstance(tree, dict | tuple | list):
        return [name]
    keys = sorted(tree) if isinstance(tree, dict) else range(len(tree))
    return [path for key in keys for path in paths(tree[key], f"{name}.{key}", is_leaf)]

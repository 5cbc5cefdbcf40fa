"""Products of arrays summed over common axes, with NumPy's functions, composed of matrix products."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from backpass.circuit.operations import elementwise as e
from backpass.circuit.operations.arrangement import moveaxis, ravel
from backpass.circuit.operations.diagonals import diagonal
from backpass.circuit.operations.functions import as_array
from backpass.circuit.operations.product import matmul_
from backpass.circuit.operations.reduction import axes_of
from backpass.circuit.operations.reduction import sum as sum_of
from backpass.circuit.operations.shaping import reshape, transpose
from backpass.circuit.primitive import Array
from backpass.circuit.spec import Dimension, Shape, text_of
from backpass.errors import ShapeError


def matmul(x: Array, y: Array) -> Array:
    """z = x y, like NumPy's ``@``: a vector counts as one row (x) or one column (y)"""
    x, y = as_array(x), as_array(y)
    if x.ndim == 0 or y.ndim == 0:
        raise ShapeError(f"matmul({text_of(x.shape)}, {text_of(y.shape)}): expected arrays of at least one dimension")
    left = reshape(x, shape=(1, *x.shape)) if x.ndim == 1 else x
    right = reshape(y, shape=(*y.shape, 1)) if y.ndim == 1 else y
    z = matmul_(left, right)
    if x.ndim == 1:
        z = reshape(z, shape=(*z.shape[:-2], z.shape[-1]))
    return reshape(z, shape=z.shape[:-1]) if y.ndim == 1 else z


def dot(x: Array, y: Array) -> Array:
    """z = the sum of x y over the last axis of x and the second-to-last of y, for all pairs of their other axes

    x (..., n, d)   y (..., d, m)   ->   z (the axes of x without d, the axes of y without d); a number multiplies
    """
    x, y = as_array(x), as_array(y)
    if x.ndim == 0 or y.ndim == 0:
        return e.multiply(x, y)
    if x.ndim == 1 or y.ndim <= 2:
        return matmul(x, y)
    lead, stack = x.ndim - 2, y.ndim - 2
    z = matmul_(reshape(x, shape=(*x.shape[:-2], *(1,) * stack, *x.shape[-2:])), y)
    return transpose(z, axes=(*range(lead), lead + stack, *range(lead, lead + stack), lead + stack + 1))


def vdot(x: Array, y: Array) -> Array:
    """z = the sum of x y over all elements"""
    return matmul(ravel(x), ravel(y))


def inner(x: Array, y: Array) -> Array:
    """z = the sum of x y over their last axes, for all pairs of the other axes"""
    x, y = as_array(x), as_array(y)
    if x.ndim == 0 or y.ndim == 0:
        return e.multiply(x, y)
    return tensordot(x, y, axes=(-1, -1))


def outer(x: Array, y: Array) -> Array:
    """z[i, j] = x[i] y[j], for all elements of x and y"""
    return e.multiply(reshape(as_array(x), shape=(-1, 1)), reshape(as_array(y), shape=(1, -1)))


def tensordot(x: Array, y: Array, axes: Any = 2) -> Array:
    """z = the sum of x y over pairs of axes: the last k of x with the first k of y, or those of two lists"""
    x, y = as_array(x), as_array(y)
    if isinstance(axes, int):
        axes = (range(x.ndim - axes, x.ndim), range(axes))
    left, right = ([one] if isinstance(one, int) else list(one) for one in axes)
    left = [axes_of(i, x.ndim)[0] for i in left]
    right = [axes_of(i, y.ndim)[0] for i in right]
    if [x.shape[i] for i in left] != [y.shape[i] for i in right]:
        raise ShapeError(
            f"tensordot({text_of(x.shape)}, {text_of(y.shape)}): axes {left} and {right} must have equal lengths"
        )
    names = iter(_LETTERS)
    of_x = [next(names) for _ in range(x.ndim)]
    of_y = [next(names) for _ in range(y.ndim)]
    for i, j in zip(left, right, strict=True):
        of_y[j] = of_x[i]
    kept = [c for c in of_x + of_y if not (c in of_x and c in of_y)]
    return _contract(x, of_x, y, of_y, kept)


# Einstein's notation -------------------------------------------------------------------------------------------------

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def einsum(subscripts: str, *operands: Array, optimize: Any = False) -> Array:
    """z = the products of the operands' elements, summed over every letter that is missing from the output

    ``"ij,jk->ik"`` is the matrix product, ``"ii->i"`` a diagonal; ``"...i,i"`` leaves the axes of ``...`` unchanged.
    Operands are joined two at a time, from left to right; ``optimize`` has no effect.

    Args:
        subscripts: The letters of the axes of every operand and of the output.
        *operands: The arrays.
        optimize: Accepted for compatibility with NumPy.

    Raises:
        ShapeError: The subscripts do not fit the operands.
    """
    if not isinstance(subscripts, str):
        raise ShapeError("einsum needs its subscripts as a string", hint='for example einsum("ij,jk->ik", x, y)')
    arrays = [as_array(x) for x in operands]
    terms, output = _parsed(subscripts, [x.ndim for x in arrays])
    lengths: dict[str, Dimension] = {}
    for term, x in zip(terms, arrays, strict=True):
        for letter, length in zip(term, x.shape, strict=True):
            if lengths.setdefault(letter, length) != length:
                raise ShapeError(
                    f"einsum {subscripts!r}: index {letter} has the lengths {lengths[letter]} and {length}"
                )
    z, term = _single(arrays[0], terms[0])
    for k, x in enumerate(arrays[1:], start=1):
        other, letters = _single(x, terms[k])
        needed = {*output, *(c for later in terms[k + 1 :] for c in later)}
        kept = [c for c in dict.fromkeys([*term, *letters]) if c in needed]
        z, term = _contract(z, term, other, letters, kept), kept
    return _arranged(z, term, output)


def _parsed(subscripts: str, ranks: Sequence[int]) -> tuple[list[list[str]], list[str]]:
    """The letters of each operand and of the output; ``...`` becomes letters that are used nowhere else."""
    inputs, arrow, result = subscripts.replace(" ", "").partition("->")
    texts = inputs.split(",")
    if len(texts) != len(ranks):
        raise ShapeError(f"einsum {subscripts!r}: expected {len(texts)} operands; got {len(ranks)}")
    spare = [c for c in reversed(_LETTERS) if c not in subscripts]
    most = max(
        (rank - len(t.replace("...", "")) for t, rank in zip(texts, ranks, strict=True) if "..." in t), default=0
    )
    dots = spare[: max(most, 0)]
    terms = []
    for text, rank in zip(texts, ranks, strict=True):
        hidden = rank - len(text.replace("...", ""))
        before, has_dots, after = text.partition("...")
        if hidden < 0 or (hidden and not has_dots) or (not (before + after).isalpha() and before + after):
            raise ShapeError(f"einsum {subscripts!r}: {text!r} does not fit an array of {rank} dimensions")
        terms.append([*before, *dots[len(dots) - hidden :], *after])
    flat = [c for term in terms for c in term]
    if not arrow:
        return terms, [*dots, *sorted({c for c in flat if flat.count(c) == 1 and c not in dots})]
    before, has_dots, after = result.partition("...")
    output = [*before, *(dots if has_dots else []), *after]
    if len(set(output)) < len(output) or not set(output) <= set(flat):
        raise ShapeError(f"einsum {subscripts!r}: an index of the output is repeated or occurs in no operand")
    return terms, output


def _single(x: Array, term: Sequence[str]) -> tuple[Array, list[str]]:
    """Make the letters of an operand unique: an axis pair with the same letter is replaced by its diagonal."""
    letters = list(term)
    while len(set(letters)) < len(letters):
        twice = next(c for c in letters if letters.count(c) > 1)
        i = letters.index(twice)
        j = letters.index(twice, i + 1)
        x = diagonal(x, 0, i, j)
        letters = [c for k, c in enumerate(letters) if k not in (i, j)] + [twice]
    return x, letters


def _arranged(x: Array, letters: Sequence[str], output: Sequence[str]) -> Array:
    """Sum over the letters that are missing from the output, and bring the axes into its order."""
    gone = tuple(i for i, c in enumerate(letters) if c not in output)
    x = sum_of(x, axis=gone) if gone else x
    left = [c for c in letters if c in output]
    return x if left == list(output) else transpose(x, axes=tuple(left.index(c) for c in output))


def _contract(x: Array, of_x: list[str], y: Array, of_y: list[str], kept: list[str]) -> Array:
    """The product of two operands, summed over the letters that are not in ``kept``; axes in the order of ``kept``."""
    x, of_x = _without(x, of_x, {*of_y, *kept})
    y, of_y = _without(y, of_y, {*of_x, *kept})
    both = [c for c in of_x if c in of_y]
    batch, summed = [c for c in both if c in kept], [c for c in both if c not in kept]
    rows, columns = [c for c in of_x if c not in of_y], [c for c in of_y if c not in of_x]
    length = dict(zip([*of_x, *of_y], [*x.shape, *y.shape], strict=True))
    groups = [tuple(length[c] for c in group) for group in (batch, rows, columns, summed)]
    x = _ordered(x, of_x, [*batch, *rows, *summed])
    y = _ordered(y, of_y, [*batch, *summed, *columns])
    if summed and all(_is_flat(group) for group in groups[1:]):
        lead, row, column, inner_ = groups[0], *(_flat(group) for group in groups[1:])
        z = matmul_(reshape(x, shape=(*lead, row, inner_)), reshape(y, shape=(*lead, inner_, column)))
    else:  # two free lengths have no product, and without a sum no matrix product is needed
        left = reshape(x, shape=(*groups[0], *groups[1], *(1,) * len(columns), *groups[3]))
        y = moveaxis(y, list(range(len(batch), len(batch) + len(summed))), list(range(-len(summed), 0)))
        z = e.multiply(left, reshape(y, shape=(*groups[0], *(1,) * len(rows), *groups[2], *groups[3])))
        z = sum_of(z, axis=tuple(range(z.ndim - len(summed), z.ndim))) if summed else z
    z = reshape(z, shape=(*groups[0], *groups[1], *groups[2]))
    return _ordered(z, [*batch, *rows, *columns], kept)


def _without(x: Array, letters: list[str], needed: set[str]) -> tuple[Array, list[str]]:
    """Sum over the letters that nothing needs."""
    left = [c for c in letters if c in needed]
    return _arranged(x, letters, left), left


def _ordered(x: Array, letters: list[str], order: list[str]) -> Array:
    return x if letters == order else transpose(x, axes=tuple(letters.index(c) for c in order))


def _is_flat(lengths: Shape) -> bool:
    """Whether the product of the lengths is a dimension: all are known, or one is free and the others are 1."""
    free = [d for d in lengths if isinstance(d, str)]
    return not free or (len(free) == 1 and all(d == 1 for d in lengths if not isinstance(d, str)))


def _flat(lengths: Shape) -> Dimension:
    free = [d for d in lengths if isinstance(d, str)]
    return free[0] if free else prod(d for d in lengths if not isinstance(d, str))

"""Index arithmetic: lengths, strides and places as integers or JavaScript expressions, folded where they are known.

Takes dimensions of a shape; a free dimension is the name of the constant that holds its length.
"""

from __future__ import annotations

from collections.abc import Sequence

Index = int | str


def times(a: Index, b: Index) -> Index:
    """a b

    >>> times("n", 1), times(2, 3), times("n", 4), times("i0", 0)
    ('n', 6, 'n*4', 0)
    """
    if isinstance(a, int) and isinstance(b, int):
        return a * b
    if a == 0 or b == 0:
        return 0
    if a == 1 or b == 1:
        return b if a == 1 else a
    return f"{_factor(a)}*{_factor(b)}"


def plus(*terms: Index) -> Index:
    """The sum of the terms.

    >>> plus("i0", 2, 3), plus(0, "i1"), plus()
    ('i0+5', 'i1', 0)
    """
    known = sum(term for term in terms if isinstance(term, int))
    texts = [term for term in terms if isinstance(term, str)]
    if not texts:
        return known
    return "+".join(texts) + (f"{known:+d}" if known else "")


def size_of(shape: Sequence[Index]) -> Index:
    """The number of elements of a shape."""
    size: Index = 1
    for length in shape:
        size = times(size, length)
    return size


def dense(shape: Sequence[Index]) -> tuple[Index, ...]:
    """The strides of an array in row-major order; 0 along an axis of length 1.

    >>> dense(("n", 2, 3)), dense((1, "m"))
    ((6, 3, 1), (0, 1))
    """
    strides: list[Index] = []
    step: Index = 1
    for length in reversed(shape):
        strides.append(0 if length == 1 else step)
        step = times(step, length)
    return tuple(reversed(strides))


def place(offset: Index, strides: Sequence[Index], at: Sequence[Index]) -> Index:
    """The place in memory of the element with these indices."""
    return plus(offset, *(times(index, stride) for index, stride in zip(at, strides, strict=True)))


def _factor(value: Index) -> str:
    text = str(value)
    return f"({text})" if "+" in text or "-" in text else text

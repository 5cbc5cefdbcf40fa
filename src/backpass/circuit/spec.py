"""Spec: the shape and dtype of an array whose values are not known yet.

A dimension is an integer, or a name such as ``"n"`` for a length that stays free until the circuit runs. The functions
here broadcast and bind shapes.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy

from backpass.dataclass import dataclass
from backpass.errors import ShapeError, TraceError

Dimension = int | str
Shape = tuple[Dimension, ...]


@dataclass(frozen=True, slots=True)
class Spec:
    """Shape and dtype of an array.

    Attributes:
        shape: The length of each axis; a name stands for a free dimension.
        dtype: The dtype.

    >>> Spec(("n", 3), numpy.dtype("float32"))
    float32[n, 3]
    """

    shape: Shape
    dtype: numpy.dtype[Any]

    def __repr__(self) -> str:
        return f"{self.dtype.name}{text_of(self.shape)}"

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def size(self, lengths: Mapping[str, int]) -> int:
        """The number of elements for these lengths of the free dimensions.

        Args:
            lengths: The length of each free dimension, by name.
        """
        return prod(bind(self.shape, lengths))

    @property
    def is_float(self) -> bool:
        return bool(numpy.issubdtype(self.dtype, numpy.floating))


def spec_of(array: Any) -> Spec:
    """The spec of a NumPy array."""
    return Spec(tuple(array.shape), array.dtype)


def check_unmasked(value: Any, what: str) -> None:
    """Reject a masked array: operations ignore the mask and would compute with the values under it.

    Raises:
        TraceError: If the value is a masked array.
    """
    # NumPy imports this module when it is first named, which takes a while: without it there is no masked array.
    if "numpy.ma" in sys.modules and isinstance(value, numpy.ma.MaskedArray):
        hint = "pass the valid entries (.compressed()), or fill the masked ones (.filled(0.0))"
        raise TraceError(f"{what} is a masked array; arrays of a circuit have no masks", hint=hint)


def text_of(shape: Sequence[Dimension]) -> str:
    """A shape in the form of messages and listings: ``[n, 3]``."""
    return f"[{', '.join(str(dimension) for dimension in shape)}]"


def bind(shape: Shape, lengths: Mapping[str, int]) -> tuple[int, ...]:
    """Replace every free dimension by its length."""
    return tuple(dimension if isinstance(dimension, int) else lengths[dimension] for dimension in shape)


def broadcast(*shapes: Shape) -> Shape:
    """Broadcast shapes by NumPy's rule. A free dimension matches only itself and 1.

    >>> broadcast(("n", 3), (3,), (1, 1))
    ('n', 3)
    """
    long = [shape for shape in shapes if shape]
    if all(shape == long[0] for shape in long):  # nearly always, and every traced operation asks
        return long[0] if long else ()
    ndim = max(len(shape) for shape in shapes)
    padded = [(1,) * (ndim - len(shape)) + shape for shape in shapes]
    result: list[Dimension] = []
    for dimensions in zip(*padded, strict=True):
        wide = {dimension for dimension in dimensions if dimension != 1}
        if len(wide) > 1:
            raise ShapeError(f"shapes {' and '.join(text_of(shape) for shape in shapes)} do not broadcast")
        result.append(wide.pop() if wide else 1)
    return tuple(result)


def fill_in(shape: Shape, source: Shape) -> Shape:
    """The target shape of a reshape with its one -1 replaced; both shapes must hold the same number of elements.

    >>> fill_in(("n", -1), ("n", 8, 4))
    ('n', 32)
    """
    if shape.count(-1) > 1 or any(isinstance(dimension, int) and dimension < -1 for dimension in shape):
        raise ShapeError(f"{text_of(shape)} is not a shape: lengths are at least 0, and at most one may be -1")
    names, count = _factors(source)
    target_names, target_count = _factors(tuple(dimension for dimension in shape if dimension != -1))
    missing = _divide(names, target_names)
    if missing is None or target_count == 0 or count % target_count:
        fits = missing == [] and count == target_count and -1 not in shape
    elif -1 in shape:
        rest = count // target_count
        if len(missing) > 1 or (missing and rest != 1):
            raise ShapeError(f"cannot infer the length -1 in a reshape of {text_of(source)} to {text_of(shape)}")
        found: Dimension = missing[0] if missing else rest
        return tuple(found if dimension == -1 else dimension for dimension in shape)
    else:
        fits = not missing and count == target_count
    if not fits:
        raise ShapeError(f"cannot reshape {text_of(source)} to {text_of(shape)}: the sizes differ")
    return shape


def _factors(shape: Shape) -> tuple[list[str], int]:
    names = sorted(dimension for dimension in shape if isinstance(dimension, str))
    return names, prod(dimension for dimension in shape if isinstance(dimension, int))


def _divide(names: list[str], divisors: list[str]) -> list[str] | None:
    left = list(names)
    for name in divisors:
        if name not in left:
            return None
        left.remove(name)
    return left


def match(specs: Sequence[Spec], arrays: Sequence[Any], names: Sequence[str]) -> dict[str, int]:
    """Read the lengths of the free dimensions from actual arrays; an error names the input that does not match."""
    lengths: dict[str, int] = {}
    for spec, array, name in zip(specs, arrays, names, strict=True):
        fits = len(spec.shape) == array.ndim and all(
            lengths.setdefault(expected, actual) == actual if isinstance(expected, str) else expected == actual
            for expected, actual in zip(spec.shape, array.shape, strict=True)
        )
        if not fits:
            bound = tuple(lengths.get(d, d) if isinstance(d, str) else d for d in spec.shape)
            raise ShapeError(f"input {name!r} expected shape {text_of(bound)}; got {text_of(array.shape)}")
    return lengths

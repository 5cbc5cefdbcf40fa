"""Values: what a node of a circuit is in JavaScript: a view of a buffer, a constant, or an expression per element."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy

from backpass.dataclass import dataclass
from backpass.engine.javascript.index import Index, dense, place

DType = numpy.dtype[Any]


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """Elements of a typed array.

    Attributes:
        shape: Shape.
        dtype: The type of the elements.
        buffer: The variable of the typed array.
        strides: Steps in memory along each axis.
        offset: The place of the first element.
    """

    shape: tuple[Index, ...]
    dtype: DType
    buffer: str
    strides: tuple[Index, ...]
    offset: Index = 0

    @classmethod
    def whole(cls, shape: Sequence[Index], dtype: DType, buffer: str) -> View:
        """A whole buffer in row-major order."""
        return cls(tuple(shape), dtype, buffer, dense(shape))

    @property
    def is_dense(self) -> bool:
        """Whether the elements lie in row-major order, without gaps."""
        return self.strides == dense(self.shape)

    def at(self, index: Sequence[Index]) -> str:
        return f"{self.buffer}[{place(self.offset, self.strides, index)}]"

    def flat(self, index: str, shape: Sequence[Index]) -> str | None:
        if all(length == 1 for length in self.shape):
            return self.at([0] * len(self.shape))
        is_same = self.is_dense and self.offset == 0 and self.shape == tuple(shape)
        return f"{self.buffer}[{index}]" if is_same else None


@dataclass(frozen=True, slots=True, eq=False)
class Literal:
    """One number in every element.

    Attributes:
        shape: Shape.
        dtype: The type of the number.
        text: The number as JavaScript writes it.
    """

    shape: tuple[Index, ...]
    dtype: DType
    text: str

    def at(self, index: Sequence[Index]) -> str:
        return self.text

    def flat(self, index: str, shape: Sequence[Index]) -> str | None:
        return self.text


@dataclass(frozen=True, slots=True, eq=False)
class Elementwise:
    """An expression of the elements of other values, which broadcast to its shape.

    Attributes:
        shape: Shape.
        dtype: The type of the result.
        render: Texts of the elements -> text of the result.
        operands: The other values.
        name: The name of the operation.
    """

    shape: tuple[Index, ...]
    dtype: DType
    render: Callable[[Sequence[str]], str]
    operands: tuple[Value, ...]
    name: str

    def at(self, index: Sequence[Index]) -> str:
        return self.render([each.at(aligned(each, index)) for each in self.operands])

    def flat(self, index: str, shape: Sequence[Index]) -> str | None:
        texts = [each.flat(index, shape) for each in self.operands]
        known = [text for text in texts if text is not None]
        return self.render(known) if len(known) == len(texts) and self.shape == tuple(shape) else None


@dataclass(frozen=True, slots=True, eq=False)
class Lookup:
    """Slices of a view, by the indices in another one, as ``take``.

    Attributes:
        shape: Shape.
        dtype: The type of the elements.
        source: The view that is looked up.
        indices: The indices.
        axis: The axis of the source.
    """

    shape: tuple[Index, ...]
    dtype: DType
    source: View
    indices: View
    axis: int

    def at(self, index: Sequence[Index]) -> str:
        end = self.axis + len(self.indices.shape)
        row = wrapped(self.indices.at(index[self.axis : end]), self.source.shape[self.axis])
        return self.source.at([*index[: self.axis], row, *index[end:]])

    def flat(self, index: str, shape: Sequence[Index]) -> str | None:
        return None


Value = View | Literal | Elementwise | Lookup


def aligned(value: Value, index: Sequence[Index]) -> list[Index]:
    """The indices into a value that is broadcast to a larger shape."""
    lead = len(index) - len(value.shape)
    return [0 if length == 1 else index[lead + k] for k, length in enumerate(value.shape)]


def wrapped(index: str, length: Index) -> str:
    """An index from the end if it is negative, as in NumPy."""
    return f"at({index},{length})"


def number_text(value: Any) -> str:
    """A number as JavaScript writes it, exactly.

    >>> number_text(0.1), number_text(-2.0), number_text(float("inf")), number_text(numpy.True_)
    ('0.1', '(-2)', 'Infinity', '1')
    """
    number = value.item() if isinstance(value, numpy.generic) else value
    if isinstance(number, float) and not math.isfinite(number):
        return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "(-Infinity)"
    if isinstance(number, float) and number == int(number) and abs(number) < 2**53:
        text = "-0" if number == 0.0 and math.copysign(1.0, number) < 0 else str(int(number))
    else:
        text = str(int(number)) if isinstance(number, bool) else repr(number)
    return f"({text})" if text.startswith("-") else text

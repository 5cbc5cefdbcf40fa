"""Kernels: loops of a script as functions of their own, shared by all scripts of a page, so that they can be replaced.

Takes values; returns calls. A kernel has a JavaScript form here; other rooms may write another form of its expression.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from backpass.dataclass import dataclass
from backpass.engine.javascript.index import size_of
from backpass.engine.javascript.value import DType, Elementwise, Literal, Lookup, Value, View


@dataclass(frozen=True, slots=True, eq=False)
class Kernel:
    """z_i = f(x0_i, x1_i, ...), for i from 0 to n - 1.

    Attributes:
        name: Its name.
        dtype: The type of z.
        value: f as an expression; its views are ``x0``, ``x1``, ...: whole arrays, or one number each.
        operands: The number of arrays x0, x1, ...
    """

    name: str
    dtype: DType
    value: Elementwise
    operands: int

    @property
    def source(self) -> str:
        """The kernel in JavaScript: (z, x0, x1, ..., n)."""
        names = ",".join(["z", *(f"x{k}" for k in range(self.operands)), "n"])
        return f"function {self.name}({names}){{for(let i=0;i<n;i++)z[i]={_element(self.value)};}}"


class Kernels:
    """The kernels of several scripts; equal ones are one.

    Args:
        accepts: Whether an expression may become a kernel; others stay loops of their script.
    """

    def __init__(self, accepts: Callable[[Value], bool]) -> None:
        self.accepts = accepts
        self.found: dict[str, Kernel] = {}

    def call(self, target: View, value: Value) -> str | None:
        """The statement that computes a value into a whole buffer; None if the value cannot be a kernel.

        Args:
            target: The buffer.
            value: The value.
        """
        if not isinstance(value, Elementwise) or not self.accepts(value):
            return None
        if size_of(target.shape) == 1 or value.flat("i", target.shape) is None:
            return None
        if target.dtype.name not in ("float32", "bool"):
            return None
        places: dict[str, str] = {}
        try:
            renamed = _renamed(value, places)
        except _ApartError:
            return None
        kernel = self._kernel(target.dtype, renamed, len(places))
        arguments = [target.buffer, *places, str(size_of(target.shape))]
        return f"{kernel.name}({','.join(arguments)});"

    def _kernel(self, dtype: DType, value: Elementwise, operands: int) -> Kernel:
        key = f"{dtype.name} {_types(value)} {_element(value)}"
        if key not in self.found:
            self.found[key] = Kernel(f"k{len(self.found)}", dtype, value, operands)
        return self.found[key]

    @property
    def names(self) -> frozenset[str]:
        """The names of all kernels."""
        return frozenset(kernel.name for kernel in self.found.values())

    @property
    def source(self) -> str:
        """All kernels in JavaScript."""
        return "".join(kernel.source for kernel in self.found.values())


class _ApartError(Exception):
    """An operand is neither a whole array nor a number at a known place."""


def is_number(view: View) -> bool:
    """Whether a view of a kernel is one number, the same for every i."""
    return all(length == 1 for length in view.shape)


def _element(value: Elementwise) -> str:
    text = value.flat("i", value.shape)
    assert text is not None
    return text


def _renamed(value: Elementwise, places: dict[str, str]) -> Elementwise:
    """The expression with its buffers named x0, x1, ... in their order; they are added to ``places``."""
    return replace(value, operands=tuple(_operand(each, places) for each in value.operands))


def _operand(value: Value, places: dict[str, str]) -> Value:
    if isinstance(value, Elementwise):
        return _renamed(value, places)
    if isinstance(value, View):
        if not isinstance(value.offset, int) or (value.offset and not is_number(value)):
            raise _ApartError
        return replace(value, buffer=places.setdefault(value.buffer, f"x{len(places)}"))
    if isinstance(value, Lookup):
        raise _ApartError
    return value


def _types(value: Value) -> str:
    if isinstance(value, Elementwise):
        return f"{value.name}({','.join(map(_types, value.operands))})"
    return value.dtype.name if isinstance(value, View | Literal) else ""

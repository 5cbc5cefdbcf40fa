"""A traced value: what stands in for an array while a function is recorded.

Operations on traced values append nodes to a ``Recorder``; the recorder's nodes become a ``Circuit``. What an operation
means, and its derivative, live in ``operation`` and ``operations/``.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy

from backpass.circuit.spec import Dimension, Shape, Spec
from backpass.errors import TraceError

if TYPE_CHECKING:
    from backpass.circuit.operation import Operation

Array = Any
"""A NumPy array or a traced value: whatever the operations take and return."""

OPERATIONS: dict[str, Operation[...]] = {}
"""Every declared operation by name. Operators and methods below find theirs here."""

NUMPY_NAMES: dict[Any, Callable[..., Array]] = {}
"""NumPy functions that accept traced values, and what they become."""

_PACKAGE = str(Path(__file__).resolve().parents[1])


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One operation of a circuit: what is computed, from which earlier nodes, and where the user asked for it."""

    operation: Operation[...]
    inputs: tuple[int, ...]
    params: Mapping[str, Any]
    spec: Spec
    label: str
    line: str


class Recorder:
    """The growing list of nodes while a function is traced. It only ever appends."""

    __slots__ = ("_constants", "_known", "labels", "nodes")

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.labels: list[str] = []
        self._constants: dict[tuple[Any, ...], int] = {}
        self._known: dict[tuple[Any, ...], int] = {}

    def record(
        self, operation: Operation[...], inputs: tuple[int, ...], params: Mapping[str, Any], spec: Spec
    ) -> Traced:
        """A node for an operation; what was computed before from the same inputs is not computed again."""
        key = (operation.name, inputs, tuple(sorted(params.items())))
        try:
            known = self._known.get(key)
        except TypeError:  # a parameter that cannot be compared, such as an array
            return self.append(operation, inputs, params, spec)
        if known is None:
            traced = self.append(operation, inputs, params, spec)
            self._known[key] = traced.index
            return traced
        return Traced(self, known, self.nodes[known].spec)

    def append(
        self, operation: Operation[...], inputs: tuple[int, ...], params: Mapping[str, Any], spec: Spec
    ) -> Traced:
        label = self.labels[-1] if self.labels else ""
        self.nodes.append(Node(operation, inputs, params, spec, label, user_line()))
        return Traced(self, len(self.nodes) - 1, spec)

    def constant(self, value: numpy.ndarray[Any, Any]) -> Traced:
        """A node that holds an array; equal scalars share one node."""
        key = (value.dtype.str, value.tobytes()) if value.ndim == 0 else None
        if key in self._constants:
            index = self._constants[key]
            return Traced(self, index, self.nodes[index].spec)
        value = value.copy()
        value.flags.writeable = False
        traced = self.append(OPERATIONS["constant"], (), {"value": value}, Spec(value.shape, value.dtype))
        if key is not None:
            self._constants[key] = traced.index
        return traced


def user_line() -> str:
    """Where the user's code is: the innermost frame outside this package, as ``file:line``."""
    frame = innermost = sys._getframe(2)
    while frame.f_code.co_filename.startswith(_PACKAGE) and frame.f_back is not None:
        frame = frame.f_back
    if frame.f_code.co_filename.startswith(_PACKAGE):
        frame = innermost
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


class Traced:
    """An array that is not there yet: it knows its shape and dtype, and how it is computed.

    It takes NumPy's operators and the operations of this package; it cannot be turned into a Python number.
    """

    __slots__ = ("index", "recorder", "spec")
    __hash__ = object.__hash__

    def __init__(self, recorder: Recorder, index: int, spec: Spec) -> None:
        self.recorder = recorder
        self.index = index
        self.spec = spec

    @property
    def node(self) -> Node:
        return self.recorder.nodes[self.index]

    @property
    def shape(self) -> Shape:
        return self.spec.shape

    @property
    def dtype(self) -> numpy.dtype[Any]:
        return self.spec.dtype

    @property
    def ndim(self) -> int:
        return self.spec.ndim

    @property
    def T(self) -> Array:  # noqa: N802  NumPy's name
        return OPERATIONS["transpose"](self, axes=tuple(reversed(range(self.ndim))))

    def __repr__(self) -> str:
        return f"Traced({self.spec!r}, made by {self.node.operation.name!r})"

    def __len__(self) -> int:
        length: Dimension = self.shape[0] if self.shape else self._refuse("len()")
        return length if isinstance(length, int) else self._refuse("len() of a free dimension")

    def __iter__(self) -> Iterator[Array]:
        return iter([self[i] for i in range(len(self))])

    # Operators: each finds its operation by name, so that this file needs none of them.
    def __add__(self, other: Array) -> Array:
        return OPERATIONS["add"](self, other)

    def __radd__(self, other: Array) -> Array:
        return OPERATIONS["add"](other, self)

    def __sub__(self, other: Array) -> Array:
        return OPERATIONS["subtract"](self, other)

    def __rsub__(self, other: Array) -> Array:
        return OPERATIONS["subtract"](other, self)

    def __mul__(self, other: Array) -> Array:
        return OPERATIONS["multiply"](self, other)

    def __rmul__(self, other: Array) -> Array:
        return OPERATIONS["multiply"](other, self)

    def __truediv__(self, other: Array) -> Array:
        return OPERATIONS["divide"](self, other)

    def __rtruediv__(self, other: Array) -> Array:
        return OPERATIONS["divide"](other, self)

    def __pow__(self, exponent: Array) -> Array:
        if isinstance(exponent, int) and exponent in (1, 2):
            return self if exponent == 1 else OPERATIONS["multiply"](self, self)
        return OPERATIONS["power"](self, exponent)

    def __rpow__(self, base: Array) -> Array:
        return OPERATIONS["power"](base, self)

    def __neg__(self) -> Array:
        return OPERATIONS["negative"](self)

    def __abs__(self) -> Array:
        return OPERATIONS["absolute"](self)

    def __matmul__(self, other: Array) -> Array:
        return NUMPY_NAMES[numpy.matmul](self, other)

    def __rmatmul__(self, other: Array) -> Array:
        return NUMPY_NAMES[numpy.matmul](other, self)

    def __gt__(self, other: Array) -> Array:
        return OPERATIONS["greater"](self, other)

    def __lt__(self, other: Array) -> Array:
        return OPERATIONS["greater"](other, self)

    def __ge__(self, other: Array) -> Array:
        return OPERATIONS["greater_equal"](self, other)

    def __le__(self, other: Array) -> Array:
        return OPERATIONS["greater_equal"](other, self)

    def __eq__(self, other: object) -> Array:
        return OPERATIONS["equal"](self, other)

    def __ne__(self, other: object) -> Array:
        return OPERATIONS["logical_not"](OPERATIONS["equal"](self, other))

    def __invert__(self) -> Array:
        return OPERATIONS["logical_not"](self)

    def __getitem__(self, index: Any) -> Array:
        return NUMPY_NAMES["getitem"](self, index)

    # Methods that NumPy arrays have too, so that one function serves both.
    def sum(self, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Array:
        return OPERATIONS["sum"](self, axis=axis, keepdims=keepdims)

    def max(self, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Array:
        return OPERATIONS["max"](self, axis=axis, keepdims=keepdims)

    def mean(self, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Array:
        return NUMPY_NAMES[numpy.mean](self, axis=axis, keepdims=keepdims)

    def reshape(self, *shape: Any) -> Array:
        target = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple) else shape
        return OPERATIONS["reshape"](self, shape=target)

    def astype(self, dtype: Any) -> Array:
        return OPERATIONS["cast"](self, dtype=numpy.dtype(dtype))

    # NumPy's own functions hand traced values over here.
    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Array:
        if method != "__call__" or kwargs or ufunc not in NUMPY_NAMES:
            self._refuse(f"numpy.{ufunc.__name__}{'' if method == '__call__' else '.' + method}")
        return NUMPY_NAMES[ufunc](*inputs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Array:
        if function not in NUMPY_NAMES:
            self._refuse(f"numpy.{function.__name__}")
        return NUMPY_NAMES[function](*args, **kwargs)

    # A traced value has no value: every way of asking for one is refused with the place and the remedy.
    def _refuse(self, what: str) -> NoReturn:
        node = self.node
        raise TraceError(
            f"{user_line()}: {what} needs the value of an array that is only traced ({self.spec!r}, made by "
            f"{node.operation.name!r} at {node.line})",
            hint=_remedy(what),
        )

    def __bool__(self) -> bool:
        self._refuse("a condition (if, while, and, or, not)")

    def __float__(self) -> float:
        self._refuse("float()")

    def __int__(self) -> int:
        self._refuse("int()")

    def __index__(self) -> int:
        self._refuse("an index")

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        self._refuse("numpy.asarray()")

    def item(self) -> NoReturn:
        self._refuse("item()")

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        self._refuse("assignment to elements")


def _remedy(what: str) -> str:
    if what.startswith("a condition"):
        return "choose between two arrays with where(condition, a, b)"
    if what.startswith("numpy."):
        return "write it with the operations of backpass; dir(backpass.operations) lists them"
    if what.startswith("assignment"):
        return "traced values do not change; build a new one with where or concatenate"
    return "keep it an array, or compute the number outside the traced function"


_ACTIVE = threading.local()


def active_recorder() -> Recorder | None:
    """The recorder of the innermost trace in this thread, if a function is being traced."""
    stack: list[Recorder] = getattr(_ACTIVE, "stack", [])
    return stack[-1] if stack else None


@contextmanager
def recording(recorder: Recorder) -> Iterator[None]:
    """Make a recorder the innermost one while a function is traced."""
    _ACTIVE.stack = [*getattr(_ACTIVE, "stack", []), recorder]
    try:
        yield
    finally:
        _ACTIVE.stack.pop()


@contextmanager
def label(text: str) -> Iterator[None]:
    """Name everything recorded inside, so that listings and error messages can say where it belongs."""
    recorder = active_recorder()
    if recorder is None:
        yield
        return
    recorder.labels.append(text)
    try:
        yield
    finally:
        recorder.labels.pop()

"""Traced value: a stand-in for an array while a function is recorded.

Operations on traced values append nodes to a ``Recorder``, whose nodes become a ``Circuit``. Operations and their
derivatives live in ``operation`` and ``operations/``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from math import prod
from typing import Any, NoReturn

import numpy

from backpass.circuit.node import OPERATIONS, Node, user_line
from backpass.circuit.primitive import Array, Primitive
from backpass.circuit.refusals import METHODS, OPTIONS, OTHERS, REMEDIES, MissingMethod, remedy
from backpass.circuit.spec import Dimension, Shape, Spec
from backpass.errors import TraceError

NUMPY_NAMES: dict[Any, Callable[..., Array]] = {}
"""NumPy functions that accept traced values, and their implementations; "getitem" is x[index]."""


class Recorder:
    """The append-only list of nodes of a trace.

    Attributes:
        nodes: The nodes.
        labels: The active scopes, innermost last.
        names: Node -> the names of its value, each with the name of its gradient; see ``named``.
        intermediates: Name -> value of the named intermediate variables, while ``named_gradients`` collects them.
    """

    __slots__ = ("_constants", "_known", "intermediates", "labels", "names", "nodes")

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.labels: list[str] = []
        self.names: dict[int, list[tuple[str, str]]] = {}
        self.intermediates: dict[str, Traced] | None = None
        self._constants: dict[tuple[Any, ...], int] = {}
        self._known: dict[tuple[Any, ...], int] = {}

    def record(self, operation: Primitive, inputs: tuple[int, ...], params: Mapping[str, Any], spec: Spec) -> Traced:
        """Record an operation, or return the earlier node with the same operation, inputs and parameters."""
        key = (operation.name, inputs, tuple(sorted(params.items())) if params else ())
        try:
            known = self._known.get(key)
        except TypeError:  # an unhashable parameter, such as an array
            return self.append(operation, inputs, params, spec)
        if known is None:
            traced = self.append(operation, inputs, params, spec)
            self._known[key] = traced.index
            return traced
        return Traced(self, known, self.nodes[known].spec)

    def append(self, operation: Primitive, inputs: tuple[int, ...], params: Mapping[str, Any], spec: Spec) -> Traced:
        label = self.labels[-1] if self.labels else ""
        self.nodes.append(Node(operation, inputs, params, spec, label, user_line()))
        return Traced(self, len(self.nodes) - 1, spec)

    def name(self, index: int, name: str, gradient: str = "") -> None:
        """Give the value of a node a name, and the gradient with respect to it another."""
        self.names.setdefault(index, []).append((name, gradient))

    def constant(self, value: numpy.ndarray[Any, Any]) -> Traced:
        """Record a constant array; equal scalars share one node."""
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


_NO_VALUE = getattr(numpy, "_NoValue", None)


@cache
def _signature_of(function: Callable[..., Array]) -> inspect.Signature:
    return inspect.signature(function)


def _operator(function: Any, *, reflected: bool = False) -> Callable[[Any, Any], Array]:
    def operator(self: Traced, other: Array) -> Array:
        if function not in NUMPY_NAMES:
            self._refuse_function(f"numpy.{function.__name__}", function.__name__)
        return NUMPY_NAMES[function](other, self) if reflected else NUMPY_NAMES[function](self, other)

    return operator


def _reflected(function: Any) -> Callable[[Any, Any], Array]:
    return _operator(function, reflected=True)


class Traced:
    """A stand-in for an array: it knows its shape, its dtype and how it is computed, but not its values.

    It supports NumPy's operators and the operations of this package. It cannot be converted to a Python number.
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

    # Operators look their functions up by NumPy's names, so that this module does not import the operations.
    __add__, __radd__ = _operator(numpy.add), _reflected(numpy.add)
    __sub__, __rsub__ = _operator(numpy.subtract), _reflected(numpy.subtract)
    __mul__, __rmul__ = _operator(numpy.multiply), _reflected(numpy.multiply)
    __truediv__, __rtruediv__ = _operator(numpy.divide), _reflected(numpy.divide)
    __floordiv__, __rfloordiv__ = _operator(numpy.floor_divide), _reflected(numpy.floor_divide)
    __mod__, __rmod__ = _operator(numpy.remainder), _reflected(numpy.remainder)
    __matmul__, __rmatmul__ = _operator(numpy.matmul), _reflected(numpy.matmul)
    __and__, __rand__ = _operator(numpy.bitwise_and), _reflected(numpy.bitwise_and)
    __or__, __ror__ = _operator(numpy.bitwise_or), _reflected(numpy.bitwise_or)
    __xor__, __rxor__ = _operator(numpy.bitwise_xor), _reflected(numpy.bitwise_xor)
    __lshift__, __rlshift__ = _operator(numpy.left_shift), _reflected(numpy.left_shift)
    __rshift__, __rrshift__ = _operator(numpy.right_shift), _reflected(numpy.right_shift)
    __gt__, __lt__ = _operator(numpy.greater), _reflected(numpy.greater)
    __ge__, __le__ = _operator(numpy.greater_equal), _reflected(numpy.greater_equal)

    def __pow__(self, exponent: Array) -> Array:
        if isinstance(exponent, int) and exponent in (1, 2) and self.dtype != bool:
            return self if exponent == 1 else OPERATIONS["multiply"](self, self)
        return OPERATIONS["power"](self, exponent)

    __rpow__ = _reflected(numpy.power)

    def __divmod__(self, other: Array) -> tuple[Array, Array]:
        return self // other, self % other

    def __rdivmod__(self, other: Array) -> tuple[Array, Array]:
        return other // self, other % self

    def __neg__(self) -> Array:
        return OPERATIONS["negative"](self)

    def __pos__(self) -> Array:
        return self

    def __abs__(self) -> Array:
        return OPERATIONS["absolute"](self)

    def __round__(self, decimals: int = 0) -> Array:
        return NUMPY_NAMES[numpy.round](self, decimals)

    def __eq__(self, other: object) -> Array:
        return OPERATIONS["equal"](self, other)

    def __ne__(self, other: object) -> Array:
        return OPERATIONS["logical_not"](OPERATIONS["equal"](self, other))

    def __invert__(self) -> Array:
        return NUMPY_NAMES[numpy.invert](self)

    def __getitem__(self, index: Any) -> Array:
        return NUMPY_NAMES["getitem"](self, index)

    # Methods and attributes that NumPy arrays have too, so that one function works on both.
    @property
    def size(self) -> int:
        length = prod(d for d in self.shape if not isinstance(d, str))
        return length if all(isinstance(d, int) for d in self.shape) else self._refuse("size of a free dimension")

    def sum(self, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Array:
        return OPERATIONS["sum"](self, axis=axis, keepdims=keepdims)

    def max(self, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Array:
        return OPERATIONS["max"](self, axis=axis, keepdims=keepdims)

    def reshape(self, *shape: Any, order: str = "C") -> Array:
        if order != "C":
            self._refuse(f"reshape with order={order!r}")
        return NUMPY_NAMES[numpy.reshape](self, shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> Array:
        return NUMPY_NAMES[numpy.transpose](self, axes[0] if len(axes) == 1 else axes or None)

    def astype(self, dtype: Any) -> Array:
        return OPERATIONS["cast"](self, dtype=numpy.dtype(dtype))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or not hasattr(numpy.ndarray, name):
            raise AttributeError(f"a traced array has no attribute {name!r}")
        function = getattr(numpy, METHODS[name]) if name in METHODS else None
        if function is None:
            raise MissingMethod(
                f"{user_line()}: {name} is not available for a traced array ({self.spec!r})",
                hint=REMEDIES.get(name) or OTHERS,
            )
        return lambda *arguments, **options: self.__array_function__(function, (), (self, *arguments), options)

    # NumPy's functions dispatch here when an argument is traced.
    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Array:
        if method != "__call__":
            self._refuse_function(f"numpy.{ufunc.__name__}.{method}", ufunc.__name__)
        return self.__array_function__(ufunc, (), inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Array:
        name = f"{getattr(function, '__module__', None) or 'numpy'}.{function.__name__}"
        if function not in NUMPY_NAMES:
            self._refuse_function(name, function.__name__)
        found = NUMPY_NAMES[function]
        signature = _signature_of(found)
        known = signature.parameters
        # Options that NumPy fills in itself, or that keep their default, are dropped.
        options = {k: v for k, v in kwargs.items() if k in known or not (v is None or v is _NO_VALUE)}
        unknown = [f"{k}=" for k in options if k not in known]
        if unknown:
            self._refuse_function(f"{name} with {', '.join(unknown)}", function.__name__, unknown[0])
        try:
            signature.bind(*args, **options)
        except TypeError as error:
            self._refuse_function(f"{name}: {error}", function.__name__, "argument")
        return found(*args, **options)

    # Every use that needs a value raises an error with the source line and a hint.
    def _refuse_function(self, what: str, name: str, option: str = "") -> NoReturn:
        raise TraceError(
            f"{user_line()}: {what} does not accept a traced array ({self.spec!r}, made by "
            f"{self.node.operation.name!r} at {self.node.line})",
            hint=OPTIONS.get(option) or REMEDIES.get(name) or OTHERS,
        )

    def _refuse(self, what: str) -> NoReturn:
        node = self.node
        raise TraceError(
            f"{user_line()}: {what} needs the value of a traced array ({self.spec!r}, made by "
            f"{node.operation.name!r} at {node.line})",
            hint=remedy(what),
        )

    def __bool__(self) -> bool:
        self._refuse("a condition (if, while, and, or, not)")

    def __float__(self) -> float:
        self._refuse("float()")

    def __int__(self) -> int:
        self._refuse("int()")

    def __index__(self) -> int:
        self._refuse("an index")

    def __complex__(self) -> complex:
        self._refuse("complex()")

    def __array__(self, *args: Any, **kwargs: Any) -> NoReturn:
        self._refuse("numpy.asarray()")

    def item(self) -> NoReturn:
        self._refuse("item()")

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        self._refuse("assignment to elements")

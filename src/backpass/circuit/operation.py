"""Operation: a NumPy function, its shape rule and one pullback per argument, declared in one place.

``@operation(shape=..., rows=..., dx=..., dy=...)`` turns the decorated NumPy function into an ``Operation``. On NumPy
arrays an operation computes; on a traced value it records a node. A pullback maps dz, the gradient of the loss with
respect to the output z, to the gradient with respect to one argument. Pullbacks are written in operations themselves,
so gradients of gradients need no further code (CS229 section 3).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Generic, ParamSpec

import numpy

from backpass.circuit.node import OPERATIONS, user_line
from backpass.circuit.primitive import Array, Count, Primitive, Pullback, RowRule, ShapeRule
from backpass.circuit.row_rules import aligned
from backpass.circuit.spec import Spec, broadcast, check_unmasked, spec_of, text_of
from backpass.circuit.traced import Recorder, Traced
from backpass.errors import ShapeError, TraceError

P = ParamSpec("P")
Merge = Callable[[Sequence[Traced]], Array]


class Operation(Primitive, Generic[P]):
    """A named function of arrays with a shape rule and pullbacks.

    Args:
        forward: The function on NumPy arrays.
        shape: The shape rule: the specs of the arguments -> the spec of the output.
        pullbacks: One per argument; None where there is no derivative.
        rows: Whether it processes each row by itself (see ``row_rules``).
        count: (inputs, output, lengths) -> the size in scalar operations (N of Theorem 3.1): arithmetic operations,
            elementary functions and copied numbers count one each; filling with zeros is free (footnote 4).
        is_elementwise: Whether element i of the output depends only on element i of the broadcast arguments.
        is_view: Whether the output holds the same numbers under another shape or name.
        is_arithmetic: Whether it counts as floating-point work.
        is_comparison: Whether it compares two arguments, in their common dtype.
        own_dtype: The arguments whose dtype does not affect that of the output: conditions, indices and random bits.
        merge: Adds several results of this operation at less cost than one by one.
    """

    def __init__(
        self,
        forward: Callable[P, Array],
        shape: ShapeRule,
        pullbacks: Mapping[str, Pullback | None],
        rows: RowRule,
        count: Count,
        *,
        is_elementwise: bool = False,
        is_view: bool = False,
        is_arithmetic: bool = True,
        is_comparison: bool = False,
        own_dtype: Sequence[str] = (),
        merge: Merge | None = None,
    ) -> None:
        parameters = inspect.signature(forward).parameters.values()
        self.variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        self.arguments = tuple(p.name for p in parameters if p.kind is not p.KEYWORD_ONLY)
        expected = [f"d{name}" for name in self.arguments]
        if list(pullbacks) != expected:
            raise TypeError(f"operation {forward.__name__!r}: expected pullbacks {expected}; got {list(pullbacks)}")
        self.name = forward.__name__
        self.forward = forward
        self.shape = shape
        self.pullbacks = tuple(pullbacks.values())
        self.rows = rows
        self.count = count
        self.is_elementwise = is_elementwise
        self.is_view = is_view
        self.is_arithmetic = is_arithmetic
        self.is_comparison = is_comparison
        self.own_dtype = frozenset(self.arguments.index(name) for name in own_dtype)
        self.merge = merge
        self.__doc__ = forward.__doc__
        self.__name__ = self.name
        self.__wrapped__ = forward

    def __repr__(self) -> str:
        return f"<operation {self.name}>"

    def __call__(self, *arguments: P.args, **params: P.kwargs) -> Array:
        traced = [a for a in arguments if isinstance(a, Traced)]
        if not traced:
            arrays = _arrays_of(arguments, self._like(arguments))
            self._spec([spec_of(a) for a in arrays], params)
            with numpy.errstate(all="ignore"):
                return self.forward(*arrays, **params)
        recorder = traced[0].recorder
        like = self._like(arguments)
        operands = [lift(a, recorder, like or traced[0].dtype, self.name) for a in arguments]
        try:
            spec = self._spec([operand.spec for operand in operands], params)
        except ShapeError as error:
            raise ShapeError(f"{user_line()}: {error.message}", hint=error.hint) from None
        if spec.shape == () and all(operand.node.operation.name == "constant" for operand in operands):
            values = [operand.node.params["value"] for operand in operands]
            with numpy.errstate(all="ignore"):
                return recorder.constant(numpy.asarray(self.forward(*values, **params), dtype=spec.dtype))
        return recorder.record(self, tuple(operand.index for operand in operands), params, spec)

    def _like(self, arguments: Sequence[Any]) -> numpy.dtype[Any] | None:
        """The dtype that a plain Python number is converted to; None if all arguments are plain numbers.

        An argument with a dtype of its own, such as a condition, does not count, unless it is the only array.
        """
        dtypes = [
            None if is_weak(a) else a.dtype if isinstance(a, Traced) else numpy.asarray(a).dtype for a in arguments
        ]
        known = {i: dtype for i, dtype in enumerate(dtypes) if dtype is not None and dtype.kind in "biuf"}
        strong = [*known.values()]
        if self.own_dtype:
            strong = [dtype for i, dtype in known.items() if i not in self.own_dtype] or strong
        if strong and strong[0].isnative and all(dtype is strong[0] for dtype in strong):  # as it nearly always is
            return strong[0]
        return numpy.result_type(*strong) if strong else None

    def _spec(self, inputs: Sequence[Spec], params: Mapping[str, Any]) -> Spec:
        try:
            return self.shape(*inputs, **params)
        except ShapeError as error:
            shapes = ", ".join(text_of(spec.shape) for spec in inputs)
            raise ShapeError(f"{self.name.rstrip('_')}({shapes}): {error.message}", hint=error.hint) from None

    def pullback(
        self, position: int, dz: Array, z: Array, arguments: Sequence[Array], params: Mapping[str, Any]
    ) -> Array:
        """The gradient with respect to the argument at ``position``; None if there is none (integers, truth values)."""
        if self.variadic:
            rule = self.pullbacks[0]
            return None if rule is None else rule(dz, z, *arguments, position=position, **params)
        rule = self.pullbacks[position]
        return None if rule is None else rule(dz, z, *arguments, **params)

    def is_differentiable_by(self, position: int) -> bool:
        return self.pullbacks[0 if self.variadic else position] is not None


def is_weak(value: Any) -> bool:
    """Whether a value is a plain Python number, which takes the dtype of the array operands (NumPy 2, NEP 50)."""
    return isinstance(value, bool | int | float) and not isinstance(value, numpy.generic)


def _arrays_of(values: Sequence[Any], like: numpy.dtype[Any] | None) -> list[Any]:
    """Convert the arguments to arrays; a Python number takes the dtype of the array operands, as in a trace."""
    for value in values:
        check_unmasked(value, "an argument")
    return [_of_number(v, like) if like is not None and is_weak(v) else numpy.asarray(v) for v in values]


def _of_number(value: float, like: numpy.dtype[Any]) -> numpy.ndarray[Any, Any]:
    try:
        return numpy.asarray(value, dtype=numpy.result_type(like, value))
    except OverflowError:
        raise TraceError(
            f"{user_line()}: {value} does not fit into {like.name}, the dtype of the other operand",
            hint="convert the array first, for example with .astype(float)",
        ) from None


def lift(value: Any, recorder: Recorder, like: numpy.dtype[Any], user: str) -> Traced:
    """Return traced values unchanged and record anything else as a constant.

    A Python number takes the dtype ``like``; arrays keep theirs.
    """
    if isinstance(value, Traced):
        if value.recorder is not recorder:
            raise TraceError(
                f"{user_line()}: {user} got a value from another trace ({value.spec!r}, made by "
                f"{value.node.operation.name!r} at {value.node.line})",
                hint="pass it as an argument of the traced function",
            )
        return value
    if not is_weak(value):
        check_unmasked(value, f"{user_line()}: an argument of {user}")
    array = _of_number(value, like) if is_weak(value) else numpy.asarray(value)
    if array.dtype.kind not in "biuf":
        raise TraceError(
            f"{user_line()}: {user} cannot combine a traced value with a value of type {type(value).__name__}",
            hint="pass a number or an array of numbers",
        )
    return recorder.constant(array)


def operation(
    *,
    shape: ShapeRule,
    rows: RowRule,
    count: Count | None = None,
    is_elementwise: bool = False,
    is_view: bool = False,
    is_arithmetic: bool = True,
    is_comparison: bool = False,
    own_dtype: Sequence[str] = (),
    merge: Merge | None = None,
    **pullbacks: Pullback | None,
) -> Callable[[Callable[P, Array]], Operation[P]]:
    """Declare an operation; the decorated function computes it on NumPy arrays.

    Args:
        shape: The shape rule.
        rows: Whether it processes each row by itself; ``mixed`` if it needs all rows at once.
        count: The number of scalar operations (default: one per element of the output).
        is_elementwise: As for ``Operation``; ``elementwise`` sets it.
        is_view: As for ``Operation``.
        is_arithmetic: As for ``Operation``.
        is_comparison: As for ``Operation``.
        own_dtype: As for ``Operation``.
        merge: As for ``Operation``.
        **pullbacks: One per argument, named d + argument and called as ``pullback(dz, z, *arguments, **params)``; None
            where there is no derivative.
    """

    def declare(forward: Callable[P, Array]) -> Operation[P]:
        declared = Operation(
            forward,
            shape,
            pullbacks,
            rows,
            count or per_output,
            is_elementwise=is_elementwise,
            is_view=is_view,
            is_arithmetic=is_arithmetic,
            is_comparison=is_comparison,
            own_dtype=own_dtype,
            merge=merge,
        )
        OPERATIONS[declared.name] = declared
        return declared

    return declare


def elementwise(
    *,
    is_arithmetic: bool = True,
    is_comparison: bool = False,
    own_dtype: Sequence[str] = (),
    **pullbacks: Pullback | None,
) -> Callable[[Callable[P, Array]], Operation[P]]:
    """Declare an operation that acts element by element with NumPy's broadcasting    CS229 Claim 3.3, (3.12)

    The pullbacks work on the broadcast shape; their results are then summed down to the shape of the argument. NumPy's
    promotion rules give the dtype of the output: e^x of integers is a real number.
    """
    fitted: dict[str, Any] = {
        name: rule and _fitted(rule, position) for position, (name, rule) in enumerate(pullbacks.items())
    }

    def declare(forward: Callable[P, Array]) -> Operation[P]:
        dtype_of = dtype_rule(forward)

        def shape(*inputs: Spec) -> Spec:
            return Spec(broadcast(*(spec.shape for spec in inputs)), dtype_of(*(spec.dtype for spec in inputs)))

        return operation(
            shape=shape,
            rows=aligned,
            is_elementwise=True,
            is_arithmetic=is_arithmetic,
            is_comparison=is_comparison,
            own_dtype=own_dtype,
            **fitted,
        )(forward)

    return declare


def dtype_rule(forward: Callable[..., Array]) -> Callable[..., numpy.dtype[Any]]:
    """The map from argument dtypes to the output dtype, determined by calling the function on single elements."""

    @cache
    def dtype_of(*dtypes: numpy.dtype[Any]) -> numpy.dtype[Any]:
        with numpy.errstate(all="ignore"):
            return numpy.asarray(forward(*(numpy.ones((), dtype) for dtype in dtypes))).dtype

    return dtype_of


def _fitted(rule: Pullback, position: int) -> Pullback:
    def pullback(dz: Array, z: Array, *arguments: Array) -> Array:
        return sum_to(rule(dz, z, *arguments), arguments[position])

    return pullback


def sum_to(dx: Array, x: Array) -> Array:
    """Undo broadcasting: sum dx over the axes along which x was stretched, and convert to the dtype of x.

    dx (any shape that x broadcasts to)  ->  the shape of x
    """
    if dx.shape != x.shape:
        extra = dx.ndim - x.ndim
        stretched = [i + extra for i, length in enumerate(x.shape) if length == 1 and dx.shape[i + extra] != 1]
        dx = dx.sum(axis=(*range(extra), *stretched))
        if dx.shape != x.shape:
            dx = dx.reshape(x.shape)
    return dx if dx.dtype == x.dtype else dx.astype(x.dtype)


def per_output(inputs: Sequence[Spec], output: Spec, lengths: Mapping[str, int]) -> int:
    """One scalar operation per element of the output."""
    return output.size(lengths)


def per_input(inputs: Sequence[Spec], output: Spec, lengths: Mapping[str, int]) -> int:
    """One scalar operation per element of the first argument."""
    return inputs[0].size(lengths)


def free(inputs: Sequence[Spec], output: Spec, lengths: Mapping[str, int]) -> int:
    """No scalar operations: only the name or the shape changes."""
    return 0

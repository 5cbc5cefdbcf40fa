"""ONNX forms of elementwise operations. NumPy promotes dtypes and ONNX does not, so the forms insert casts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy

from backpass.circuit.node import Node
from backpass.circuit.operations.error_function import _P_LESS_Q_SMALL, _P_MIDDLE, _Q_MIDDLE, _Q_SMALL
from backpass.engine.onnx.graph import Operand, Value
from backpass.engine.onnx.writer import DType, Form, Writer, working


def in_output_dtype(operator: str) -> Form:
    """A form that casts the arguments to the dtype of the output; e^x of integers is a real number."""

    def form(w: Writer, node: Node, values: Sequence[Value]) -> Operand:
        dtype = working(node.spec.dtype)
        z = w(operator, *(w.cast(value, dtype) for value in values))
        return w.recast(z, dtype, node.spec.dtype)

    return form


def comparison(operator: str) -> Form:
    def form(w: Writer, node: Node, values: Sequence[Value]) -> Operand:
        dtype = working(numpy.result_type(*(value.dtype for value in values)))
        return w(operator, *(w.cast(value, dtype) for value in values))

    return form


def composed(formula: Callable[[Writer, Operand, DType], Operand]) -> Form:
    """A form for a function of one argument that takes several operators."""

    def form(w: Writer, node: Node, values: Sequence[Value]) -> Operand:
        dtype = working(node.spec.dtype)
        return w.recast(formula(w, w.cast(values[0], dtype), dtype), dtype, node.spec.dtype)

    return form


def sigmoid(w: Writer, x: Operand, dtype: DType) -> Operand:
    """1 / (1 + e^-x); the Sigmoid of ONNX Runtime is 0 in float32 below about x = -18."""
    return w("Reciprocal", w("Add", w("Exp", w("Neg", x)), dtype.type(1)))


def expm1(w: Writer, x: Operand, dtype: DType) -> Operand:
    """tanh(x / 2) (e^x + 1) = e^x - 1, without cancellation near 0."""
    return w("Mul", w("Tanh", w("Mul", x, dtype.type(0.5))), w("Add", w("Exp", x), dtype.type(1)))


def log1p(w: Writer, x: Operand, dtype: DType) -> Operand:
    """ln(u) x / (u - 1) with u = 1 + x as rounded; the factor corrects the rounding of u (Kahan)

    Where u - 1 = x, nothing was rounded, and the formula ln(u) also serves infinity. Where u = 1, the result is x.
    """
    one = dtype.type(1)
    u = w("Add", x, one)
    excess = w("Sub", u, one)
    log = w("Log", u)
    is_exact = w("Equal", excess, x)
    scaled = w("Mul", log, w("Div", x, w("Where", w("Equal", excess, dtype.type(0)), one, excess)))
    value = w("Where", is_exact, log, scaled)
    return w("Where", w("Equal", excess, dtype.type(0)), x, value)


def arctan(w: Writer, x: Operand, dtype: DType) -> Operand:
    """ONNX Runtime has no Atan in float64; the result y of the float32 operator is corrected.

    arctan(x) = y + arctan(r), r = (x cos y - sin y) / (cos y + x sin y), and arctan(r) = r - r^3 / 3 for r near 1e-7
    """
    if dtype != numpy.float64:
        return w("Atan", x)
    narrow = numpy.dtype(numpy.float32)
    size = w("Min", w("Max", x, dtype.type(-1e300)), dtype.type(1e300))
    y = w("Cast", w("Atan", w("Cast", size, to=narrow)), to=dtype)
    sine, cosine = w("Sin", y), cos(w, y, dtype)
    r = w("Div", w("Sub", w("Mul", size, cosine), sine), w("Add", cosine, w("Mul", size, sine)))
    cube = w("Mul", w("Mul", r, r), w("Mul", r, dtype.type(1 / 3)))
    return w("Add", y, w("Sub", r, cube))


def floor(w: Writer, node: Node, values: Sequence[Value]) -> Operand:
    """z = the largest integer not above x; integers are unchanged."""
    dtype = working(node.spec.dtype)
    z = w.cast(values[0], dtype)
    return w.recast(w("Floor", z) if dtype.kind == "f" else z, dtype, node.spec.dtype)


def remainder(w: Writer, node: Node, values: Sequence[Value]) -> Operand:
    """z = x - floor(x / y) y, with ONNX's Mod.

    For real numbers Mod has the sign of x (``fmod``), so y is added where the signs differ. For integers it has the
    sign of y but must not see a divisor of 0; the result is 0 there, as in NumPy.
    """
    dtype = working(node.spec.dtype)
    x, y = (w.cast(value, dtype) for value in values)
    zero = dtype.type(0)
    is_zero = w("Equal", y, zero)
    if dtype.kind != "f":
        rest = w("Where", is_zero, zero, w("Mod", x, w("Where", is_zero, dtype.type(1), y)))
        return w.recast(rest, dtype, node.spec.dtype)
    rest = w("Mod", x, y, fmod=1)
    is_apart = w("Less", w("Mul", w("Sign", rest), w("Sign", y)), zero)
    return w.recast(w("Where", is_apart, w("Add", rest, y), rest), dtype, node.spec.dtype)


def erf(w: Writer, x: Operand, dtype: DType) -> Operand:
    """ONNX Runtime has no Erf in float64; the approximations of ``error_function`` replace it."""
    if dtype != numpy.float64:
        return w("Erf", x)
    size = w("Min", w("Abs", x), dtype.type(6.0))
    near = w("Min", size, dtype.type(0.46875))
    t = w("Mul", near, near)
    small = w("Add", x, w("Mul", x, w("Div", _polynomial(w, _P_LESS_Q_SMALL, t), _polynomial(w, _Q_SMALL, t))))
    ratio = w("Div", _polynomial(w, _P_MIDDLE, size), _polynomial(w, _Q_MIDDLE, size))
    tail = w("Mul", w("Exp", w("Neg", w("Mul", size, size))), ratio)
    large = w("Mul", w("Sign", x), w("Sub", dtype.type(1), tail))
    return w("Where", w("LessOrEqual", size, dtype.type(0.46875)), small, large)


def cos(w: Writer, x: Operand, dtype: DType) -> Operand:
    """Older versions of ONNX Runtime have no Cos in float64: 1 - 2 sin^2(x / 2), within a rounding of 1."""
    if dtype != numpy.float64:
        return w("Cos", x)
    half = w("Sin", w("Mul", x, dtype.type(0.5)))
    return w("Sub", dtype.type(1), w("Mul", dtype.type(2), w("Mul", half, half)))


def softplus(w: Writer, x: Operand, dtype: DType) -> Operand:
    """ONNX Runtime has no Softplus in float64: max(x, 0) + ln(1 + t) with t = e^-|x|.

    ln(1 + t) = t ln(u) / (u - 1) with u = 1 + t as rounded, and t itself where u = 1 (Kahan).
    """
    if dtype != numpy.float64:
        return w("Softplus", x)
    one = dtype.type(1)
    t = w("Exp", w("Neg", w("Abs", x)))
    u = w("Add", t, one)
    excess = w("Sub", u, one)
    log1p = w("Where", w("Equal", excess, dtype.type(0)), t, w("Div", w("Mul", t, w("Log", u)), excess))
    return w("Add", w("Max", x, dtype.type(0)), log1p)


def _polynomial(w: Writer, coefficients: Sequence[float], t: Operand) -> Operand:
    """Horner's rule; the coefficient of the highest power comes first."""
    z: Operand = numpy.asarray(coefficients[0])
    for coefficient in coefficients[1:]:
        z = w("Add", w("Mul", z, t), numpy.asarray(coefficient))
    return z


def logical_not(w: Writer, node: Node, values: Sequence[Value]) -> Operand:
    return w("Not", w.cast(values[0], numpy.dtype(bool)))


def where(w: Writer, node: Node, values: Sequence[Value]) -> Operand:
    condition, x, y = values
    dtype = working(node.spec.dtype)
    z = w("Where", w.cast(condition, numpy.dtype(bool)), w.cast(x, dtype), w.cast(y, dtype))
    return w.recast(z, dtype, node.spec.dtype)


def to_unit(w: Writer, node: Node, values: Sequence[Value]) -> Operand:
    upper = w("BitShift", values[0], numpy.asarray(8, values[0].dtype), direction="RIGHT")
    z = w("Mul", w("Cast", upper, to=numpy.dtype(numpy.float64)), numpy.asarray(2.0**-24))
    return w.recast(z, numpy.dtype(numpy.float64), node.spec.dtype)

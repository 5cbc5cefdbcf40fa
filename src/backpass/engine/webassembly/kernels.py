"""Kernels: loops of scripts in the text format of WebAssembly, four numbers at a time.

Takes kernels of ``engine.javascript``; returns functions that take addresses. Results are those of the JavaScript form:
arithmetic in float32 is the same, and what ``functions`` computes is rounded from double precision. Only subnormal
results become 0: processors are a hundred times slower with them, and a momentum whose gradient stays 0 ends there.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from backpass.engine.javascript.kernels import Kernel, is_number
from backpass.engine.javascript.value import Elementwise, Literal, Value, View

FORMS: Mapping[str, str] = MappingProxyType(
    {
        "absolute": "(f32x4.abs $0)",
        "add": "(f32x4.add $0 $1)",
        "cast": "(v128.and $0 (f32x4.splat (f32.const 1)))",
        "divide": "(f32x4.div $0 $1)",
        "equal": "(f32x4.eq $0 $1)",
        "erf": "(call $erf $0)",
        "exp": "(call $exp $0)",
        "greater": "(f32x4.gt $0 $1)",
        "greater_equal": "(f32x4.ge $0 $1)",
        "logical_not": "(v128.not $0)",
        "maximum": "(f32x4.max $0 $1)",
        "minimum": "(f32x4.min $0 $1)",
        "multiply": "(f32x4.mul $0 $1)",
        "negative": "(f32x4.neg $0)",
        "relu": "(f32x4.pmax $0 (f32x4.splat (f32.const 0)))",
        "sigmoid": "(call $sigmoid $0)",
        "sqrt": "(f32x4.sqrt $0)",
        "subtract": "(f32x4.sub $0 $1)",
        "tanh": "(call $tanh $0)",
        "to_unit": "(f32x4.mul (f32x4.convert_i32x4_u (i32x4.shr_u $0 (i32.const 8))) "
        "(f32x4.splat (f32.const 5.9604644775390625e-08)))",
        "where": "(v128.bitselect $1 $2 $0)",
    }
)
"""The form of an operation on four numbers, or on true as ones and false as zeros: $0, $1, ... stand for arguments."""

_TYPES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"logical_not": ("bool",), "to_unit": ("uint32",), "where": ("bool", "float32", "float32")}
)
"""Types of the arguments; elsewhere each is float32."""


def accepts(value: Value) -> bool:
    """Whether an expression has a form: every operation in it, with arguments of its types."""
    if isinstance(value, Literal):
        return value.dtype.name == "float32"
    if isinstance(value, View):
        return value.dtype.name in ("float32", "uint32") or (value.dtype.name == "bool" and not is_number(value))
    if not isinstance(value, Elementwise) or value.name not in FORMS:
        return False
    wanted = _TYPES.get(value.name, ("float32", "float32"))
    if value.name == "cast":
        wanted = (value.operands[0].dtype.name,)
        if wanted[0] not in ("float32", "bool") or value.dtype.name != "float32":
            return False
    typed = all(each.dtype.name == name for each, name in zip(value.operands, wanted, strict=False))
    return typed and all(map(accepts, value.operands))


def kernel_text(kernel: Kernel) -> str:
    """The kernel as a function of addresses and n. It may write up to 12 bytes beyond z, and read as far."""
    names = ["z", *(f"x{k}" for k in range(kernel.operands)), "n"]
    parameters = "".join(f"(param ${name} i32)" for name in names)
    value = _vector(kernel.value)
    if kernel.dtype.name == "bool":
        halves = f"(i16x8.narrow_i32x4_s {value} {value})"
        ones = f"(v128.and (i8x16.narrow_i16x8_s {halves} {halves}) (i32x4.splat (i32.const 16843009)))"
        store = f"(v128.store32_lane 0 (i32.add (local.get $z) (i32.shr_u (local.get $i) (i32.const 2))) {ones})"
    else:
        subnormal = "(f32x4.lt (f32x4.abs (local.get $v)) (f32x4.splat (f32.const 1.1754943508222875e-38)))"
        kept = f"(v128.andnot (local.get $v) {subnormal})"
        store = f"(local.set $v {value}) (v128.store (i32.add (local.get $z) (local.get $i)) {kept})"
    step = "(local.set $i (i32.add (local.get $i) (i32.const 16)))"
    again = "(br_if $next (i32.lt_u (local.get $i) (i32.shl (local.get $n) (i32.const 2))))"
    return f"(func ${kernel.name} {parameters} (local $i i32) (local $v v128) (loop $next {store} {step} {again}))"


def _vector(value: Value) -> str:
    if isinstance(value, Literal):
        return f"(f32x4.splat (f32.const {_number(value.text)}))"
    if isinstance(value, View):
        return _loaded(value)
    assert isinstance(value, Elementwise)
    operands = [_vector(each) for each in value.operands]
    if value.name == "cast" and value.operands[0].dtype.name == "float32":
        return operands[0]
    first, *pieces = FORMS[value.name].split("$")
    return first + "".join(
        operands[int(piece[0])] + piece[1:] if piece[0].isdigit() else f"${piece}" for piece in pieces
    )


def _number(text: str) -> str:
    return text.strip("()").replace("Infinity", "inf").replace("NaN", "nan")


def _loaded(view: View) -> str:
    base = f"(local.get ${view.buffer})"
    if is_number(view):
        assert isinstance(view.offset, int)
        return f"(v128.load32_splat offset={4 * view.offset} {base})"
    if view.dtype.name != "bool":
        return f"(v128.load (i32.add {base} (local.get $i)))"
    four = f"(v128.load32_zero (i32.add {base} (i32.shr_u (local.get $i) (i32.const 2))))"
    wide = f"(i32x4.extend_low_i16x8_u (i16x8.extend_low_i8x16_u {four}))"
    return f"(i32x4.ne {wide} (i32x4.splat (i32.const 0)))"

"""Functions: exp, tanh, sigmoid and erf of four numbers, which the kernels call.

Each is computed in double precision, two numbers at a time, and rounded once, so that the result is that of the
JavaScript form but for rare halves. No table, no branch: NaN gives NaN, and infinities give the limits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

_LOG2_E = 1.4426950408889634
_LN2_HIGH, _LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10
"""ln 2 in two parts: the products of the first with whole numbers up to 2^20 are exact."""
_EXP = [1.0 / math.factorial(k) for k in range(13)]
"""e^r = sum of r^k / k!, within 1e-15 for |r| <= ln(2) / 2."""
_ERF = [2.0 / math.sqrt(math.pi) * (-1.0) ** k / (math.factorial(k) * (2 * k + 1)) for k in range(16)]
"""erf(x) / x in powers of x^2 (Abramowitz and Stegun 7.1.5), within 1e-14 for |x| <= 1."""
_ERFC = (
    7.452762366355614e-06, 0.2818977007153865, 0.28441696663669824, 0.23080465389197313, 0.24785307739534146,
    -0.13057597612885943, 0.42533344988640126, -0.604510069551426, 0.3205011140753571, -0.04747729522131134,
    -0.008291233118494013,
)  # fmt: skip
"""e^(x^2) erfc(x) in powers of 2 / (2 + x), interpolated at Chebyshev points of 1 <= x <= 6: erf within 1e-12."""
_LARGEST = 200.0
"""Powers of e beyond are infinite or 0 in float32 and still numbers in float64."""


def constant(value: float) -> str:
    """The number in both halves of a vector of float64."""
    return f"(f64x2.splat (f64.const {value!r}))"


def polynomial(coefficients: Sequence[float], x: str) -> str:
    """c_0 + c_1 x + c_2 x^2 + ..., by Horner's rule."""
    *others, text = map(constant, coefficients)
    for coefficient in reversed(others):
        text = f"(f64x2.add (f64x2.mul {text} {x}) {coefficient})"
    return text


X, T = "(local.get $x)", "(local.get $t)"
ONE = constant(1.0)
SIGN = constant(-0.0)
SIZE = f"(f64x2.abs {X})"


def _pair(name: str, steps: str, result: str) -> str:
    return f"(func ${name}_pair (param $x v128) (result v128) (local $t v128) (local $n v128) {steps} {result})"


def _bounded(value: str, low: float, high: float) -> str:
    """A NaN stays."""
    return f"(f64x2.pmin (f64x2.pmax {value} {constant(low)}) {constant(high)})"


def _exp() -> str:
    n = f"(local.set $n (f64x2.nearest (f64x2.mul {X} {constant(_LOG2_E)})))"
    parts = [f"(f64x2.mul (local.get $n) {constant(part)})" for part in (_LN2_HIGH, _LN2_LOW)]
    rest = f"(local.set $t (f64x2.sub (f64x2.sub {X} {parts[0]}) {parts[1]}))"
    whole = "(i64x2.extend_low_i32x4_s (i32x4.trunc_sat_f64x2_s_zero (local.get $n)))"
    power = f"(i64x2.shl (i64x2.add {whole} (i64x2.splat (i64.const 1023))) (i32.const 52))"
    bounded = f"(local.set $x {_bounded(X, -_LARGEST, _LARGEST)})"
    return _pair("exp", f"{bounded} {n} {rest}", f"(f64x2.mul {polynomial(_EXP, T)} {power})")


def _tanh() -> str:
    """1 - 2 / (e^(2 |x|) + 1); x - x^3 / 3 + 2 x^5 / 15 near 0, where that would lose digits."""
    power = f"(call $exp_pair (f64x2.add {SIZE} {SIZE}))"
    large = f"(f64x2.sub {ONE} (f64x2.div {constant(2.0)} (f64x2.add {power} {ONE})))"
    square = f"(local.set $n (f64x2.mul {X} {X}))"
    small = f"(f64x2.mul {X} {polynomial([1.0, -1.0 / 3.0, 2.0 / 15.0], '(local.get $n)')})"
    return _pair("tanh", f"(local.set $t {large}) {square}", _near_zero(small, 1e-3))


def _sigmoid() -> str:
    """1 / (1 + e^-x) or e^x / (1 + e^x), whichever power is at most 1."""
    power = f"(local.set $t (call $exp_pair (f64x2.neg {SIZE})))"
    top = f"(v128.bitselect {T} {ONE} (f64x2.lt {X} {constant(0.0)}))"
    return _pair("sigmoid", power, f"(f64x2.div {top} (f64x2.add {ONE} {T}))")


def _erf() -> str:
    square = f"(local.set $n (f64x2.mul {X} {X}))"
    reached = _bounded(SIZE, 0.0, 6.0)
    ratio = f"(local.set $t (f64x2.div {constant(2.0)} (f64x2.add {constant(2.0)} {reached})))"
    power = "(call $exp_pair (f64x2.neg (local.get $n)))"
    large = f"(local.set $t (f64x2.sub {ONE} (f64x2.mul {power} {polynomial(_ERFC, T)})))"
    small = f"(f64x2.mul {X} {polynomial(_ERF, '(local.get $n)')})"
    return _pair("erf", f"{square} {ratio} {large}", _near_zero(small, 1.0))


def _near_zero(small: str, bound: float) -> str:
    """``small`` where |x| < bound, elsewhere t with the sign of x."""
    signed = f"(v128.or (v128.and {X} {SIGN}) (v128.andnot {T} {SIGN}))"
    return f"(v128.bitselect {small} {signed} (f64x2.lt {SIZE} {constant(bound)}))"


def _of_four(name: str) -> str:
    """Both pairs of four numbers, each in double precision."""
    high = f"(i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15 {X} {X})"
    pairs = (f"(f32x4.demote_f64x2_zero (call ${name}_pair (f64x2.promote_low_f32x4 {each})))" for each in (X, high))
    both = f"(i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 {' '.join(pairs)})"
    return f"(func ${name} (param $x v128) (result v128) {both})"


def functions_text() -> str:
    """exp, tanh, sigmoid and erf of the four numbers of a v128."""
    return "\n".join([_exp(), _tanh(), _sigmoid(), _erf(), *map(_of_four, ("exp", "tanh", "sigmoid", "erf"))])

// Elementary: exp, expm1, log, log1p, tanh, sigmoid, softplus, sin, cos, arctan, erf and power of a vector's lanes.
//
// Every function is built from the exactly rounded operations of lanes.hpp, so it gives the same bits on every
// instruction set; no libm. range_reduction.hpp brings arguments near 0. Each takes every float32; a NaN gives a NaN
// (but power(1, y) and power(x, 0) are 1). Largest errors, in units in the last place of the exact result:
//
//   exp 0.85   expm1 0.90   log 0.85   log1p 0.95   tanh 1.02   sigmoid 0.80   softplus 0.95   sin, cos 0.85   erf 0.95
//   arctan 0.75   power 0.90 (on random pairs; the others were tried on every float32 between 2^-8 and 2^7 in size,
//   sin and cos up to 10^5, and on every 17th beyond)
//
// Subnormal arguments and results are right. Where the machine flushes them (FTZ and DAZ), a subnormal argument counts
// as the zero of its sign, a subnormal result is zero, and other bits stay; but sigmoid and softplus may change by a
// unit in the last place below 2^-100, where what completes their sums is subnormal.
#pragma once

#include "range_reduction.hpp"

namespace backpass::native {
namespace {

BACKPASS_LANE Float with_sign_of(Float x, Float value) { return as_float(as_word(value) | sign_bit(x)); }

// e^x; 0 below -103.98, infinite above 88.72
BACKPASS_LANE Float exp(Float x) {
    const Exponential e = exponential(clamp(x, exp_lowest, exp_highest));
    return scaled(broadcast(1.0f) + e.growth.head, e.n);
}

// e^x - 1, exact near 0; the sign is put back for -0
BACKPASS_LANE Float expm1(Float x) {
    const Exponential e = exponential(clamp(x, -20.0f, 88.8f));
    // Half of 2^n (1 + growth) - 1, because 2^128 is no number.
    const Float half = power_of_two(e.n - broadcast(1));
    const Float less = half - broadcast(0.5f), lost = (half - less) - broadcast(0.5f);
    const Pair start = sum_of_ordered(less, half * e.growth.head);
    const Float sum = start.head + (fma(half, e.growth.tail, start.tail) + lost);
    const Float value = select(e.n == broadcast(0), e.growth.head, sum + sum);
    return with_sign_of(x, value);
}

// ln x; -infinity at both zeros, NaN below
BACKPASS_LANE Float log(Float x) {
    const Split s = split(x);
    const Pair sum = logarithm(s.k, s.m - broadcast(1.0f), broadcast(0.0f));
    const Float value = select(x < broadcast(infinity), sum.head + sum.tail, x);
    const Float below = select(x < broadcast(0.0f), broadcast(not_a_number), value);
    return select(x == broadcast(0.0f), broadcast(-infinity), below);
}

// ln(1 + x), exact near 0; -infinity at -1, NaN below
BACKPASS_LANE Float log1p(Float x) {
    const Int k = exponent_of(broadcast(1.0f) + x);
    // 1 + f = (1 + x) / 2^k; 2^-k is 0 here for k = 127 and 128, where it is negligible relative to x.
    const Int scale_bits = select(k > broadcast(126), broadcast(0), broadcast(0x3f800000) - (k << 23));
    const Pair f = sum_of_ordered(as_float(scale_bits) - broadcast(1.0f), divided_by_power(x, k));
    const Pair sum = logarithm(to_float(k), f.head, f.tail);
    const Float value = select(x < broadcast(infinity), with_sign_of(x, sum.head + sum.tail), x);
    const Float below = select(x < broadcast(-1.0f), broadcast(not_a_number), value);
    return select(x == broadcast(-1.0f), broadcast(-infinity), below);
}

// (e^x - e^-x) / (e^x + e^-x)
BACKPASS_LANE Float tanh(Float x) {
    const Float size = lesser_of(broadcast(10.0f), abs(x));  // tanh(10) rounds to 1
    const Float square = size * size;
    const Float small = fma(size, square * polynomial(square, tanh_terms), size);
    const Exponential e = exponential(broadcast(-2.0f) * size);
    const Float tail = fma(power_of_two(e.n), e.growth.head, power_of_two(e.n));  // e^(-2 |x|)
    const Float large = broadcast(1.0f) - (tail + tail) / (broadcast(1.0f) + tail);
    return copy_sign(select(size < broadcast(1.034f), small, large), x);
}

// 1 / (1 + e^-x)
BACKPASS_LANE Float sigmoid(Float x) {
    const Pair e = exp_of_negative(-abs(x));
    const Pair sum = sum_of_ordered(broadcast(1.0f), e.head);
    const Mask is_negative = x < broadcast(0.0f);
    const Float numerator = select(is_negative, e.head, broadcast(1.0f));
    const Float numerator_tail = select(is_negative, e.tail, broadcast(0.0f));
    const Float inverse = broadcast(1.0f) / sum.head;
    const Float quotient = numerator * inverse;
    const Float rest = fma(-quotient, sum.head, numerator);
    const Float rest_tail = fma(-quotient, sum.tail + e.tail, numerator_tail);
    return fma(rest + rest_tail, inverse, quotient);
}

// ln(1 + e^x)
BACKPASS_LANE Float softplus(Float x) {
    const Pair e = exp_of_negative(-abs(x));
    // 1 + f = (1 + e) / 2^k
    const Mask halve = e.head > broadcast(0x1.555556p-2f);
    const Float scale = select(halve, broadcast(0.5f), broadcast(1.0f));
    const Float k = select(halve, broadcast(1.0f), broadcast(0.0f));
    const Pair f = sum_of_ordered(broadcast(-0.5f) * k, e.head * scale);
    const Pair log_sum = logarithm(k, f.head, fma(e.tail, scale, f.tail));
    const Pair sum = sum_of(greater_of(broadcast(0.0f), x), log_sum.head);
    const Float value = sum.head + (sum.tail + log_sum.tail);
    return select(x > broadcast(20.0f), x, value);  // e^-20 is negligible relative to 20, and infinity has no tail
}

// sin x for every finite x; NaN at the infinities
BACKPASS_LANE Float sin(Float x) { return as_float(as_word(sine_of<0>(abs(x))) ^ sign_bit(x)); }

// cos x for every finite x; NaN at the infinities
BACKPASS_LANE Float cos(Float x) { return sine_of<1>(abs(x)); }

// arctan x: pi/4 plus that of (|x| - 1) / (|x| + 1), or pi/2 plus that of -1 / |x|, if the argument is nearer to 0
// than |x|
BACKPASS_LANE Float arctan(Float x) {
    const Float zero = broadcast(0.0f), one = broadcast(1.0f), size = abs(x);
    const Mask is_large = size > broadcast(0x1.3504f4p1f);    // 1 / tan(pi / 8)
    const Mask is_middle = size > broadcast(0x1.a8279ap-2f);  // tan(pi / 8)
    const Pair less = sum_of(size, -one), more = sum_of(size, one);
    const Float numerator = select(is_large, -one, select(is_middle, less.head, size));
    const Float denominator = select(is_large, size, select(is_middle, more.head, one));
    const Float t = numerator / denominator;
    const Float rest = fma(-t, more.head, less.head) + fma(-t, more.tail, less.tail);
    const Float t_tail = select(is_middle & !is_large, rest / denominator, zero);
    const Float square = t * t;
    const Float growth = fma(t * square, polynomial(square, arctan_terms), t_tail);
    const Float turn = select(is_large, one, select(is_middle, broadcast(0.5f), zero));
    const Pair start = sum_of_ordered(turn * broadcast(half_pi_1), t);
    const Float beside = start.head + (start.tail + fma(turn, broadcast(half_pi_2), growth));
    return copy_sign(select(is_middle, beside, t + growth), x);
}

// 2/sqrt(pi) times the integral of e^(-t^2) from 0 to x
BACKPASS_LANE Float erf(Float x) {
    const Float size = lesser_of(broadcast(4.0f), abs(x));  // erf(4) rounds to 1
    const Float small = fma(size, polynomial(size * size, erf_small_terms), size);
    const Float factor = polynomial(size, erf_large_terms), exponent = size * factor;
    const Exponential e = exponential(exponent, fma(size, factor, -exponent));
    const Float tail = fma(power_of_two(e.n), e.growth.head, power_of_two(e.n));
    const Float large = broadcast(1.0f) - tail;
    return copy_sign(select(size < broadcast(0.921875f), small, large), x);
}

// ln x, 2/3 <= m < 4/3, with a relative error near 2^-40: ln m = 2 artanh((m - 1) / (m + 1))
BACKPASS_LANE Pair precise_logarithm(Split x) {
    const Float one = broadcast(1.0f);
    const Float difference = x.m - one;
    const Pair sum = sum_of_ordered(one, x.m);  // exact although m may exceed 1: their exponents differ by at most 1
    const Float inverse = one / sum.head;
    const Float q = (difference + difference) * inverse;
    const Float rest = fma(-q, sum.tail, fma(-q, sum.head, difference + difference));
    const Float q_tail = rest * inverse;
    const Float square = q * q;
    const Float square_tail = fma(q + q, q_tail, fma(q, q, -square));
    // ln m = q (1 + twelfth + ...)
    const Float twelfth = square * broadcast(twelfth_high);
    const Float twelfth_error = fma(square, broadcast(twelfth_high), -twelfth);
    const Float more = fma(square_tail, broadcast(twelfth_high), fma(square, broadcast(twelfth_low), twelfth_error));
    const Float growth_tail = fma(square * square, polynomial(square, power_terms), more);
    const Float cubic = q * twelfth;
    const Float cubic_tail = fma(q, growth_tail, fma(q, twelfth, -cubic));
    const Pair start = sum_of_ordered(q, cubic);
    const Float low = start.tail + (cubic_tail + fma(q_tail, twelfth, q_tail));
    const Pair total = sum_of_ordered(x.k * broadcast(ln2_high), start.head);
    return sum_of_ordered(total.head, total.tail + fma(x.k, broadcast(ln2_low), low));
}

// x ** y, with the special values of C's pow (IEEE 754-2019, 9.2.1)
BACKPASS_LANE Float power(Float x, Float y) {
    const Float zero = broadcast(0.0f), one = broadcast(1.0f), infinite = broadcast(infinity);
    const Float size = abs(x);
    const Pair log_size = precise_logarithm(split(size));
    const Float product = y * log_size.head;
    const Float product_tail = fma(y, log_size.tail, fma(y, log_size.head, -product));
    const Float tail = select(abs(product) < broadcast(128.0f), product_tail, zero);  // beyond, it is of no use
    const Exponential e = exponential(clamp(product, exp_lowest, exp_highest), tail);
    const Float regular = scaled(one + e.growth.head, e.n);

    const Mask to_zero = ((size == zero) & (y > zero)) | ((size == infinite) & (y < zero));
    const Mask to_infinity = ((size == zero) & (y < zero)) | ((size == infinite) & (y > zero));
    const Float magnitude = select(to_zero, zero, select(to_infinity, infinite, regular));
    const Float half = y * broadcast(0.5f);
    const Mask is_whole = floor(y) == y;
    const Mask is_odd = is_whole & (floor(half) != half);
    const Float with_sign = select(is_odd, with_sign_of(x, magnitude), magnitude);
    const Mask no_root = (x < zero) & (size < infinite) & !is_whole;
    const Float real = select(no_root, broadcast(not_a_number), with_sign);
    const Float number = select(is_nan(x) | is_nan(y), x + y, real);
    const Mask is_one = (y == zero) | (x == one) | ((x == -one) & (abs(y) == infinite));
    return select(is_one, one, number);
}

}  // namespace
}  // namespace backpass::native

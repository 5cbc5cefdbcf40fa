// Elementwise operations: what each does to one vector of lanes, or to one scalar.
//
// An operation takes three arguments. Those that it does not use repeat an earlier one. The interpreter
// (elementwise.hpp) and the fused kernels (fused_kernel.hpp) are built from these operations, so both give the same
// bits.
#pragma once

#include <cmath>
#include <type_traits>

#include "elementary.hpp"
#include "lanes.hpp"
#include "numbers.hpp"
#include "truth.hpp"

namespace backpass::native {
namespace {

#define BACKPASS_OP(name, ...)                    \
    struct name {                                   \
        template <class X, class Y, class W>        \
        BACKPASS_LANE auto of(X x, Y y, W w) {      \
            (void)x, (void)y, (void)w;              \
            return __VA_ARGS__;                     \
        }                                           \
    }

BACKPASS_OP(Copy, x);
BACKPASS_OP(Add, x + y);
BACKPASS_OP(Subtract, x - y);
BACKPASS_OP(Multiply, x * y);
BACKPASS_OP(Divide, x / y);
BACKPASS_OP(MultiplyAdd, fma(x, y, w));
BACKPASS_OP(MultiplySubtract, fma(x, y, -w));
BACKPASS_OP(SubtractMultiply, fma(-x, y, w));
BACKPASS_OP(MultiplyMultiply, x * y * w);
BACKPASS_OP(SqrtMultiply, sqrt(x * y));
BACKPASS_OP(DivideBySum, x / (y + w));
BACKPASS_OP(SlopeOfRelu, slope_of_relu(x, y));
BACKPASS_OP(ReluWithSign, relu_with_sign(x));
BACKPASS_OP(SlopeBySign, slope_by_sign(x, y));
BACKPASS_OP(Negative, -x);
BACKPASS_OP(Exp, exp(x));
BACKPASS_OP(Expm1, expm1(x));
BACKPASS_OP(Log, log(x));
BACKPASS_OP(Log1p, log1p(x));
BACKPASS_OP(Sqrt, sqrt(x));
BACKPASS_OP(Sin, sin(x));
BACKPASS_OP(Cos, cos(x));
BACKPASS_OP(Arctan, arctan(x));
BACKPASS_OP(Floor, floor(x));
BACKPASS_OP(Tanh, tanh(x));
BACKPASS_OP(Sigmoid, sigmoid(x));
BACKPASS_OP(Softplus, softplus(x));
BACKPASS_OP(Erf, erf(x));
BACKPASS_OP(Relu, relu(x));
BACKPASS_OP(Absolute, abs(x));
BACKPASS_OP(Power, power(x, y));
BACKPASS_OP(Maximum, maximum(x, y));
BACKPASS_OP(Minimum, minimum(x, y));
BACKPASS_OP(Greater, x > y);
BACKPASS_OP(GreaterEqual, x >= y);
BACKPASS_OP(Equal, x == y);
BACKPASS_OP(Not, !x);
BACKPASS_OP(Where, select(x, y, w));
BACKPASS_OP(ToUnit, to_unit(x));

// -1, 0 or 1; NaN stays.
struct Sign {
    template <class Y, class W>
    BACKPASS_LANE Float of(Float x, Y, W) {
        const Float zero = broadcast(0.0f);
        return select(x > zero, broadcast(1.0f), select(x < zero, broadcast(-1.0f), select(is_nan(x), x, zero)));
    }
    template <class T, class Y, class W>
    BACKPASS_LANE T of(T x, Y, W) {
        return x > 0 ? T(1) : x < 0 ? T(-1) : x == 0 ? T(0) : x;
    }
};

// x - floor(x / y) y, exactly, with the sign of y; NaN for a real y = 0, and 0 for an integer y = 0, as in NumPy.
struct Remainder {
    template <class T>
    BACKPASS_LANE T of(T x, T y, T) {
        if constexpr (T(0.5) != T(0)) {
            const T rest = std::fmod(x, y);
            if (rest == T(0)) return std::copysign(T(0), y);
            return (rest < T(0)) != (y < T(0)) ? rest + y : rest;
        } else {
            if (y == T(0)) return T(0);
            if constexpr (std::is_signed_v<T>)
                if (y == T(-1)) return T(0);  // the quotient may overflow
            const T rest = static_cast<T>(x % y);
            return rest != T(0) && (rest < T(0)) != (y < T(0)) ? static_cast<T>(rest + y) : rest;
        }
    }
};

struct TruthToFloat {
    template <class Y, class W>
    BACKPASS_LANE Float of(Mask x, Y, W) {
        return select(x, broadcast(1.0f), broadcast(0.0f));
    }
};

struct FloatToTruth {
    template <class Y, class W>
    BACKPASS_LANE Mask of(Float x, Y, W) {
        return x != broadcast(0.0f);
    }
};

// Integers wrap around, as in NumPy; signed overflow is undefined in C++.
#define BACKPASS_WRAPPING(name, sign)                                                   \
    struct name {                                                                       \
        template <class T>                                                              \
        BACKPASS_LANE T of(T x, T y, T) {                                               \
            using U = std::make_unsigned_t<T>;                                            \
            return static_cast<T>(static_cast<U>(x) sign static_cast<U>(y));            \
        }                                                                               \
    }
BACKPASS_WRAPPING(WrappingAdd, +);
BACKPASS_WRAPPING(WrappingSubtract, -);
BACKPASS_WRAPPING(WrappingMultiply, *);

struct WrappingNegative {
    template <class T>
    BACKPASS_LANE T of(T x, T, T) {
        return WrappingSubtract::of(T(0), x, x);
    }
};

template <class Compare>
struct AsTruth {
    template <class T>
    BACKPASS_LANE Truth of(T x, T y, T w) {
        return {Compare::of(x, y, w) ? ~0u : 0u};
    }
};

struct Choose {
    template <class T>
    BACKPASS_LANE T of(Truth x, T y, T w) {
        return x.bits ? y : w;
    }
};

// A cast. From real numbers to integers it truncates, and gives the smallest integer where the result is undefined in
// NumPy.
template <class Z>
struct Cast {
    template <class T>
    BACKPASS_LANE Z of(T x, T, T) {
        if constexpr (T(0.5) != T(0) && Z(0.5) == Z(0)) {
            const double wide = static_cast<double>(x);
            const double low = Z(-1) < Z(0) ? -0x1p63 : 0.0;
            return wide >= low && wide < 0x1p63 ? static_cast<Z>(static_cast<std::int64_t>(wide)) : Z(INT64_MIN);
        } else {
            return static_cast<Z>(x);
        }
    }
    BACKPASS_LANE Z of(Truth x, Truth, Truth) { return x.bits ? Z(1) : Z(0); }
};

struct CastToTruth {
    template <class T>
    BACKPASS_LANE Truth of(T x, T, T) {
        return {x != T(0) ? ~0u : 0u};
    }
};

struct WordToUnit {
    BACKPASS_LANE double of(std::uint32_t x, std::uint32_t, std::uint32_t) { return (x >> 8) * 0x1p-24; }
};

}  // namespace
}  // namespace backpass::native

// Rules: what each elementwise operation does to one vector, or to one plain number.
#pragma once

#include <cmath>
#include <type_traits>

#include "elementary.hpp"
#include "lanes.hpp"
#include "numbers.hpp"
#include "truth.hpp"

namespace backpass::native {
namespace {

// Rules. Arguments that a rule has no use for are the
// first argument again.
#define BACKPASS_RULE(name, ...)                    \
    struct name {                                   \
        template <class X, class Y, class W>        \
        BACKPASS_LANE auto of(X x, Y y, W w) {      \
            (void)x, (void)y, (void)w;              \
            return __VA_ARGS__;                     \
        }                                           \
    }

BACKPASS_RULE(Copy, x);
BACKPASS_RULE(Add, x + y);
BACKPASS_RULE(Subtract, x - y);
BACKPASS_RULE(Multiply, x * y);
BACKPASS_RULE(Divide, x / y);
BACKPASS_RULE(MultiplyAdd, fma(x, y, w));
BACKPASS_RULE(MultiplySubtract, fma(x, y, -w));
BACKPASS_RULE(SubtractMultiply, fma(-x, y, w));
BACKPASS_RULE(MultiplyMultiply, x * y * w);
BACKPASS_RULE(SqrtMultiply, sqrt(x * y));
BACKPASS_RULE(DivideBySum, x / (y + w));
BACKPASS_RULE(SlopeOfRelu, slope_of_relu(x, y));
BACKPASS_RULE(ReluWithSign, relu_with_sign(x));
BACKPASS_RULE(SlopeBySign, slope_by_sign(x, y));
BACKPASS_RULE(Negative, -x);
BACKPASS_RULE(Exp, exp(x));
BACKPASS_RULE(Expm1, expm1(x));
BACKPASS_RULE(Log, log(x));
BACKPASS_RULE(Log1p, log1p(x));
BACKPASS_RULE(Sqrt, sqrt(x));
BACKPASS_RULE(Sin, sin(x));
BACKPASS_RULE(Cos, cos(x));
BACKPASS_RULE(Arctan, arctan(x));
BACKPASS_RULE(Floor, floor(x));
BACKPASS_RULE(Tanh, tanh(x));
BACKPASS_RULE(Sigmoid, sigmoid(x));
BACKPASS_RULE(Softplus, softplus(x));
BACKPASS_RULE(Erf, erf(x));
BACKPASS_RULE(Relu, relu(x));
BACKPASS_RULE(Absolute, abs(x));
BACKPASS_RULE(Power, power(x, y));
BACKPASS_RULE(Maximum, maximum(x, y));
BACKPASS_RULE(Minimum, minimum(x, y));
BACKPASS_RULE(Greater, x > y);
BACKPASS_RULE(GreaterEqual, x >= y);
BACKPASS_RULE(Equal, x == y);
BACKPASS_RULE(Not, !x);
BACKPASS_RULE(Where, select(x, y, w));
BACKPASS_RULE(ToUnit, to_unit(x));

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

// x - floor(x / y) y, exactly, with the sign of y; NaN for a real y = 0, and 0 for a whole one, as NumPy has it.
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

// Whole numbers wrap around, as NumPy's do; signed overflow is undefined in C++.
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

// A cast; from real to whole numbers it cuts the fraction off, and gives the least number where NumPy's is undefined.
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

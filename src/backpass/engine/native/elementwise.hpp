// The table of elementwise operations: one function per name, dtype and set of scalar arguments, for the interpreter
// (map.hpp). float32 and booleans use vectors; other dtypes use scalar loops, which give the same bits because
// arithmetic is exactly rounded.
#pragma once

#include "kernels.hpp"
#include "lanes.hpp"
#include "elementwise_ops.hpp"

namespace backpass::native {
namespace {

// Vectors of a register: float32, 32-bit integers, or masks.
BACKPASS_LANE Float get(const float* from) { return load(from); }
BACKPASS_LANE Float get_first(const float* from, int count) { return load_first(from, count); }
BACKPASS_LANE void put(float* to, Float a) { store(to, a); }
BACKPASS_LANE void put_first(float* to, Float a, int count) { store_first(to, a, count); }

BACKPASS_LANE Mask get(const Truth* from) {
    return !(load(reinterpret_cast<const std::int32_t*>(from)) == broadcast(std::int32_t{0}));
}
BACKPASS_LANE Mask get_first(const Truth* from, int count) {
    return !(load_first(reinterpret_cast<const std::int32_t*>(from), count) == broadcast(std::int32_t{0}));
}
BACKPASS_LANE Int ones_of(Mask m) { return select(m, broadcast(std::int32_t{-1}), broadcast(std::int32_t{0})); }
BACKPASS_LANE void put(Truth* to, Mask m) { store(reinterpret_cast<std::int32_t*>(to), ones_of(m)); }
BACKPASS_LANE void put_first(Truth* to, Mask m, int count) {
    store_first(reinterpret_cast<std::int32_t*>(to), ones_of(m), count);
}
BACKPASS_LANE Word get(const std::uint32_t* from) { return load(from); }
BACKPASS_LANE Word get_first(const std::uint32_t* from, int count) { return load_first(from, count); }

BACKPASS_LANE Float every(float s) { return broadcast(s); }
BACKPASS_LANE Word every(std::uint32_t s) { return broadcast(s); }
BACKPASS_LANE Mask every(Truth s) { return !(broadcast(s.bits) == broadcast(0u)); }

template <bool is_scalar, class T>
BACKPASS_LANE auto argument(const T* from, std::int64_t i) {
    if constexpr (is_scalar)
        return every(*from);
    else
        return get(from + i);
}
template <bool is_scalar, class T>
BACKPASS_LANE auto last_argument(const T* from, std::int64_t i, int count) {
    if constexpr (is_scalar)
        return every(*from);
    else
        return get_first(from + i, count);
}

// out = op(a, b, c), vector by vector.
template <class Op, class Z, class A, class B, class C, unsigned scalars>
void vector_loop(void* out, const void* a, const void* b, const void* c, std::int64_t n) {
    Z* z = static_cast<Z*>(out);
    const A* x = static_cast<const A*>(a);
    const B* y = static_cast<const B*>(b);
    const C* w = static_cast<const C*>(c);
    std::int64_t i = 0;
#pragma GCC unroll 4
    for (; i + width <= n; i += width)
        put(z + i, Op::of(argument<(scalars & 1) != 0>(x, i), argument<(scalars & 2) != 0>(y, i),
                            argument<(scalars & 4) != 0>(w, i)));
    if (i < n) {
        const int left = static_cast<int>(n - i);
        put_first(z + i, Op::of(last_argument<(scalars & 1) != 0>(x, i, left),
                                  last_argument<(scalars & 2) != 0>(y, i, left),
                                  last_argument<(scalars & 4) != 0>(w, i, left)),
                  left);
    }
}

template <class Op, class Z, class A, class B, class C, unsigned scalars>
void scalar_loop(void* out, const void* a, const void* b, const void* c, std::int64_t n) {
    Z* z = static_cast<Z*>(out);
    const A* x = static_cast<const A*>(a);
    const B* y = static_cast<const B*>(b);
    const C* w = static_cast<const C*>(c);
    for (std::int64_t i = 0; i < n; ++i)
        z[i] = Op::of(x[scalars & 1 ? 0 : i], y[scalars & 2 ? 0 : i], w[scalars & 4 ? 0 : i]);
}

// All eight sets of scalar arguments.
#define BACKPASS_VARIANTS(loop, Op, Z, A, B, C)                                                                  \
    {                                                                                                              \
        loop<Op, Z, A, B, C, 0>, loop<Op, Z, A, B, C, 1>, loop<Op, Z, A, B, C, 2>, loop<Op, Z, A, B, C, 3>, \
            loop<Op, Z, A, B, C, 4>, loop<Op, Z, A, B, C, 5>, loop<Op, Z, A, B, C, 6>,                        \
            loop<Op, Z, A, B, C, 7>                                                                              \
    }
// One argument, which is repeated in place of the others.
#define BACKPASS_UNARY(loop, Op, Z, A)                                                                           \
    {                                                                                                              \
        loop<Op, Z, A, A, A, 0>, loop<Op, Z, A, A, A, 7>, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr \
    }
// Two arguments; the second is repeated in place of the third.
#define BACKPASS_BINARY(loop, Op, Z, A, B)                                                                        \
    {                                                                                                               \
        loop<Op, Z, A, B, B, 0>, loop<Op, Z, A, B, B, 1>, loop<Op, Z, A, B, B, 6>, loop<Op, Z, A, B, B, 7>, \
            nullptr, nullptr, nullptr, nullptr                                                                      \
    }

#define BACKPASS_FLOAT1(name, Op) {name ".float32", 1, BACKPASS_UNARY(vector_loop, Op, float, float)}
#define BACKPASS_FLOAT2(name, Op) {name ".float32", 2, BACKPASS_BINARY(vector_loop, Op, float, float, float)}
#define BACKPASS_TRUTH2(name, Op) {name ".float32", 2, BACKPASS_BINARY(vector_loop, Op, Truth, float, float)}
#define BACKPASS_PLAIN1(name, Op, T) {name, 1, BACKPASS_UNARY(scalar_loop, Op, T, T)}
#define BACKPASS_PLAIN2(name, Op, T) {name, 2, BACKPASS_BINARY(scalar_loop, Op, T, T, T)}
#define BACKPASS_COMPARE(name, Op, T) {name, 2, BACKPASS_BINARY(scalar_loop, AsTruth<Op>, Truth, T, T)}
#define BACKPASS_DOUBLE1(name, Op) BACKPASS_PLAIN1(name ".float64", Op, double)
#define BACKPASS_DOUBLE2(name, Op) BACKPASS_PLAIN2(name ".float64", Op, double)
#define BACKPASS_WHOLE(dtype, T)                                           \
    BACKPASS_PLAIN2("add." dtype, WrappingAdd, T),                         \
        BACKPASS_PLAIN2("subtract." dtype, WrappingSubtract, T),           \
        BACKPASS_PLAIN2("multiply." dtype, WrappingMultiply, T),           \
        BACKPASS_PLAIN2("remainder." dtype, Remainder, T),                 \
        BACKPASS_PLAIN1("negative." dtype, WrappingNegative, T),           \
        BACKPASS_PLAIN1("sign." dtype, Sign, T), BACKPASS_ORDERED(dtype, T)
#define BACKPASS_ORDERED(dtype, T)                                                                 \
    BACKPASS_PLAIN1("copy." dtype, Copy, T), BACKPASS_PLAIN1("relu." dtype, Relu, T),              \
        BACKPASS_PLAIN1("absolute." dtype, Absolute, T), BACKPASS_PLAIN2("maximum." dtype, Maximum, T), \
        BACKPASS_PLAIN2("minimum." dtype, Minimum, T), BACKPASS_COMPARE("greater." dtype, Greater, T),  \
        BACKPASS_COMPARE("greater_equal." dtype, GreaterEqual, T), BACKPASS_COMPARE("equal." dtype, Equal, T), \
        {"where." dtype, 3, BACKPASS_VARIANTS(scalar_loop, Choose, T, Truth, T, T)}
#define BACKPASS_CAST(from, to, A, Z) {"cast." from "." to, 1, BACKPASS_UNARY(scalar_loop, Cast<Z>, Z, A)}

const NamedElementwise elementwise_table[] = {
    BACKPASS_FLOAT1("copy", Copy),
    BACKPASS_FLOAT2("add", Add),
    BACKPASS_FLOAT2("subtract", Subtract),
    BACKPASS_FLOAT2("multiply", Multiply),
    BACKPASS_FLOAT2("divide", Divide),
    {"multiply_add.float32", 3, BACKPASS_VARIANTS(vector_loop, MultiplyAdd, float, float, float, float)},
    {"multiply_subtract.float32", 3, BACKPASS_VARIANTS(vector_loop, MultiplySubtract, float, float, float, float)},
    {"subtract_multiply.float32", 3, BACKPASS_VARIANTS(vector_loop, SubtractMultiply, float, float, float, float)},
    {"multiply_multiply.float32", 3, BACKPASS_VARIANTS(vector_loop, MultiplyMultiply, float, float, float, float)},
    {"divide_by_sum.float32", 3, BACKPASS_VARIANTS(vector_loop, DivideBySum, float, float, float, float)},
    BACKPASS_FLOAT2("sqrt_multiply", SqrtMultiply),
    BACKPASS_FLOAT2("slope_of_relu", SlopeOfRelu),
    BACKPASS_FLOAT1("relu_with_sign", ReluWithSign),
    BACKPASS_FLOAT2("slope_by_sign", SlopeBySign),
    BACKPASS_FLOAT1("negative", Negative),
    BACKPASS_FLOAT1("exp", Exp),
    BACKPASS_FLOAT1("expm1", Expm1),
    BACKPASS_FLOAT1("log", Log),
    BACKPASS_FLOAT1("log1p", Log1p),
    BACKPASS_FLOAT1("sqrt", Sqrt),
    BACKPASS_FLOAT1("sin", Sin),
    BACKPASS_FLOAT1("cos", Cos),
    BACKPASS_FLOAT1("arctan", Arctan),
    BACKPASS_FLOAT1("floor", Floor),
    BACKPASS_FLOAT1("tanh", Tanh),
    BACKPASS_FLOAT1("sigmoid", Sigmoid),
    BACKPASS_FLOAT1("softplus", Softplus),
    BACKPASS_FLOAT1("erf", Erf),
    BACKPASS_FLOAT1("relu", Relu),
    BACKPASS_FLOAT1("absolute", Absolute),
    BACKPASS_FLOAT1("sign", Sign),
    BACKPASS_FLOAT2("maximum", Maximum),
    BACKPASS_FLOAT2("minimum", Minimum),
    BACKPASS_TRUTH2("greater", Greater),
    BACKPASS_TRUTH2("greater_equal", GreaterEqual),
    BACKPASS_TRUTH2("equal", Equal),
    {"where.float32", 3, BACKPASS_VARIANTS(vector_loop, Where, float, Truth, float, float)},
    {"to_unit.float32", 1, BACKPASS_UNARY(vector_loop, ToUnit, float, std::uint32_t)},
    {"cast.bool.float32", 1, BACKPASS_UNARY(vector_loop, TruthToFloat, float, Truth)},
    {"cast.float32.bool", 1, BACKPASS_UNARY(vector_loop, FloatToTruth, Truth, float)},
    BACKPASS_FLOAT2("power", Power),
    BACKPASS_PLAIN2("remainder.float32", Remainder, float),
    {"copy.bool", 1, BACKPASS_UNARY(scalar_loop, Copy, Truth, Truth)},
    {"logical_not.bool", 1, BACKPASS_UNARY(vector_loop, Not, Truth, Truth)},
    {"where.bool", 3, BACKPASS_VARIANTS(scalar_loop, Choose, Truth, Truth, Truth, Truth)},
    BACKPASS_DOUBLE2("add", Add),
    BACKPASS_DOUBLE2("subtract", Subtract),
    BACKPASS_DOUBLE2("multiply", Multiply),
    BACKPASS_DOUBLE2("divide", Divide),
    BACKPASS_DOUBLE1("negative", Negative),
    BACKPASS_DOUBLE1("exp", Exp),
    BACKPASS_DOUBLE1("expm1", Expm1),
    BACKPASS_DOUBLE1("log", Log),
    BACKPASS_DOUBLE1("log1p", Log1p),
    BACKPASS_DOUBLE1("sqrt", Sqrt),
    BACKPASS_DOUBLE1("sin", Sin),
    BACKPASS_DOUBLE1("cos", Cos),
    BACKPASS_DOUBLE1("arctan", Arctan),
    BACKPASS_DOUBLE1("floor", Floor),
    BACKPASS_DOUBLE1("tanh", Tanh),
    BACKPASS_DOUBLE1("sigmoid", Sigmoid),
    BACKPASS_DOUBLE1("softplus", Softplus),
    BACKPASS_DOUBLE1("erf", Erf),
    BACKPASS_DOUBLE1("sign", Sign),
    BACKPASS_DOUBLE2("power", Power),
    BACKPASS_DOUBLE2("remainder", Remainder),
    BACKPASS_ORDERED("float64", double),
    {"to_unit.float64", 1, BACKPASS_UNARY(scalar_loop, WordToUnit, double, std::uint32_t)},
    BACKPASS_WHOLE("int32", std::int32_t),
    BACKPASS_WHOLE("int64", std::int64_t),
    BACKPASS_WHOLE("uint32", std::uint32_t),
    BACKPASS_CAST("bool", "int32", Truth, std::int32_t),
    BACKPASS_CAST("bool", "int64", Truth, std::int64_t),
    BACKPASS_CAST("bool", "uint32", Truth, std::uint32_t),
    BACKPASS_CAST("bool", "float64", Truth, double),
    BACKPASS_CAST("int32", "int64", std::int32_t, std::int64_t),
    BACKPASS_CAST("int32", "uint32", std::int32_t, std::uint32_t),
    BACKPASS_CAST("int32", "float32", std::int32_t, float),
    BACKPASS_CAST("int32", "float64", std::int32_t, double),
    BACKPASS_CAST("int64", "int32", std::int64_t, std::int32_t),
    BACKPASS_CAST("int64", "uint32", std::int64_t, std::uint32_t),
    BACKPASS_CAST("int64", "float32", std::int64_t, float),
    BACKPASS_CAST("int64", "float64", std::int64_t, double),
    BACKPASS_CAST("uint32", "int32", std::uint32_t, std::int32_t),
    BACKPASS_CAST("uint32", "int64", std::uint32_t, std::int64_t),
    BACKPASS_CAST("uint32", "float32", std::uint32_t, float),
    BACKPASS_CAST("uint32", "float64", std::uint32_t, double),
    BACKPASS_CAST("float32", "int32", float, std::int32_t),
    BACKPASS_CAST("float32", "int64", float, std::int64_t),
    BACKPASS_CAST("float32", "uint32", float, std::uint32_t),
    BACKPASS_CAST("float32", "float64", float, double),
    BACKPASS_CAST("float64", "int32", double, std::int32_t),
    BACKPASS_CAST("float64", "int64", double, std::int64_t),
    BACKPASS_CAST("float64", "uint32", double, std::uint32_t),
    BACKPASS_CAST("float64", "float32", double, float),
    {"cast.int32.bool", 1, BACKPASS_UNARY(scalar_loop, CastToTruth, Truth, std::int32_t)},
    {"cast.int64.bool", 1, BACKPASS_UNARY(scalar_loop, CastToTruth, Truth, std::int64_t)},
    {"cast.uint32.bool", 1, BACKPASS_UNARY(scalar_loop, CastToTruth, Truth, std::uint32_t)},
    {"cast.float64.bool", 1, BACKPASS_UNARY(scalar_loop, CastToTruth, Truth, double)},
};

}  // namespace
}  // namespace backpass::native

// Lanes: a vector of float32 numbers, the matching vectors of whole numbers, and masks, for one instruction set.
//
// A kernel is written once against this file and compiled once per instruction set, each time as a translation unit of
// its own; the compiler's flags choose the instruction set (BACKPASS_PORTABLE_LANES overrules them). Everything has
// internal linkage: nothing compiled for AVX-512 can be picked by the linker for another unit.
//
// Every function gives the same bits on every instruction set, except for the sign and payload of a NaN: each is
// exactly rounded (IEEE 754-2019, binary32, to nearest even) or a whole-number operation. That needs
// -ffp-contract=off, and no -ffast-math. Loops, and functions built from these, are defined elsewhere.
//
//   width                     lanes in one vector: 16, 8 or 4
//   Float, Int, Word, Mask    float32, int32, uint32, and one truth value per lane
//
//   load, store               whole vectors, any alignment          broadcast(s), iota()
//   load_first, store_first   the first `count` lanes; the others read as 0 and are not written, nor is memory touched
//   + - * /  unary -  sqrt  fma(a, b, c) = a b + c, rounded once  abs  round_even  floor  copy_sign
//   maximum, minimum          of NumPy: NaN if either is NaN        greater_of, lesser_of: see below
//   == != < <= > >=           give a Mask; & | ! join masks; any, all, bits_of; select(mask, a, b); first_lanes(count)
//   + - * & | ^ << >>         of Int and Word, modulo 2^32; >> keeps the sign of an Int; multiply_wide: 64-bit products
//   to_float, truncate        Int <-> Float; truncate needs |x| < 2^31
//   as_float, as_int, as_word the same bits under another type
//   sum_row, maximum_row      over a row of 32 virtual lanes, in an order that no instruction set changes
//   interleave                four vectors of words, lane by lane in turn    to_unit: random bits as numbers in [0, 1)
//
// Where the machine flushes subnormals (FTZ and DAZ; FZ on ARM), arithmetic and comparisons take them for zeros; abs,
// unary -, copy_sign and select do not. maximum, minimum, greater_of, lesser_of and relu return a zero for a subnormal
// on x86, and the subnormal on ARM. There the bits differ, as may a result just below 2^-126 before it is rounded:
// x86 detects subnormal results after rounding, ARM before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__FAST_MATH__)
#error "lanes.hpp promises the same bits everywhere: compile without -ffast-math"
#endif

// On every function: a call would pass vectors through memory, and the linker could merge it across units.
#define BACKPASS_LANE static inline __attribute__((always_inline))

namespace backpass::native {
namespace {

// A row of a panel is 32 floats on every machine, hence 2, 4 or 8 vectors.
constexpr int row_width = 32;

}  // namespace
}  // namespace backpass::native

#if defined(BACKPASS_PORTABLE_LANES)
#include "lanes/portable.hpp"
#elif defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)
#include "lanes/avx512.hpp"
#elif defined(__AVX2__) && defined(__FMA__)
#include "lanes/avx2.hpp"
#elif defined(__aarch64__)
#include "lanes/neon.hpp"
#else
#include "lanes/portable.hpp"
#endif

namespace backpass::native {
namespace {

using Int = Whole<std::int32_t>;
using Word = Whole<std::uint32_t>;

constexpr int row_parts = row_width / width;

BACKPASS_LANE Int as_int(Word a) { return {a.raw}; }
BACKPASS_LANE Word as_word(Int a) { return {a.raw}; }
BACKPASS_LANE Word as_word(Float a) { return as_word(as_int(a)); }
BACKPASS_LANE Float as_float(Word a) { return as_float(as_int(a)); }

template <class T>
BACKPASS_LANE Whole<T> operator~(Whole<T> a) {
    return a ^ broadcast(static_cast<T>(-1));
}

BACKPASS_LANE Mask operator<=(Int a, Int b) { return !(a > b); }
BACKPASS_LANE Mask operator>=(Int a, Int b) { return !(b > a); }
BACKPASS_LANE Mask operator<(Int a, Int b) { return b > a; }
BACKPASS_LANE Mask is_nan(Float a) { return a != a; }

// Signs, by their bit: defined for NaN and for subnormals too.
BACKPASS_LANE Word sign_bit(Float a) { return as_word(a) & broadcast(0x80000000u); }
BACKPASS_LANE Float abs(Float a) { return as_float(as_word(a) & broadcast(0x7fffffffu)); }
BACKPASS_LANE Float operator-(Float a) { return {-a.raw}; }
BACKPASS_LANE Float copy_sign(Float size, Float sign) { return as_float(as_word(abs(size)) | sign_bit(sign)); }

// numpy.maximum and numpy.minimum: NaN where either is NaN; a where they are equal, which decides between the zeros.
BACKPASS_LANE Float maximum(Float a, Float b) { return select(is_nan(b), b, greater_of(b, a)); }
BACKPASS_LANE Float minimum(Float a, Float b) { return select(is_nan(b), b, lesser_of(b, a)); }

// max(x, 0): NaN stays NaN and -0 stays -0, in one instruction on x86.
BACKPASS_LANE Float relu(Float x) { return greater_of(broadcast(0.0f), x); }

// max(x, 0) that remembers which x were below zero: it is -0 for those and +0 for both zeros. Its slope needs no x
// then: dz where the sign is plus, else 0; and 0 for NaN.
BACKPASS_LANE Float relu_with_sign(Float x) { return select(x < broadcast(0.0f), broadcast(-0.0f), abs(x)); }
BACKPASS_LANE Float slope_by_sign(Float a, Float dz) {
    return select((as_int(a) > broadcast(-1)) & (a >= broadcast(0.0f)), dz, broadcast(0.0f));
}

// dz where the slope of max(x, 0) is 1, else 0; also for NaN.
BACKPASS_LANE Float slope_of_relu(Float x, Float dz) { return select(x >= broadcast(0.0f), dz, broadcast(0.0f)); }

// 1 - 2^-24 at most: the upper 24 bits, times 2^-24, which is exact.
BACKPASS_LANE Float to_unit(Word bits) { return to_float(as_int(bits >> 8)) * broadcast(0x1p-24f); }

// Folds the upper half of the lanes onto the lower until one is left: (c, c + 16), then (c, c + 8), ... (c, c + 1).
// This order is the definition of a sum over a row; with `join` the same, so are the bits on every instruction set.
// Here as far as one vector of lanes.
template <class Join>
BACKPASS_LANE Float fold_parts(const Float* parts, Join join) {
    Float row[row_parts];
#pragma GCC unroll 8
    for (int i = 0; i < row_parts; ++i) row[i] = parts[i];
#pragma GCC unroll 4
    for (int half = row_parts / 2; half > 0; half /= 2)
#pragma GCC unroll 8
        for (int i = 0; i < half; ++i) row[i] = join(row[i], row[i + half]);
    return row[0];
}

template <class Join>
BACKPASS_LANE float fold_row(const Float* parts, Join join) {
    Float left = fold_parts(parts, join);
    if constexpr (width > 8) left = join(left, swapped<8>(left));
    if constexpr (width > 4) left = join(left, swapped<4>(left));
    left = join(left, swapped<2>(left));
    left = join(left, swapped<1>(left));
    return first(left);
}

BACKPASS_LANE float sum_row(const Float* parts) {
    return fold_row(parts, [](Float a, Float b) __attribute__((always_inline)) { return a + b; });
}

BACKPASS_LANE Float sum_parts(const Float* parts) {
    return fold_parts(parts, [](Float a, Float b) __attribute__((always_inline)) { return a + b; });
}

// Rows by the vector: lane i of the result is the sum of row i, which was folded to the vector rows[i]. Half of what
// folding one row would leave behind unused is another row here.
template <int half = width / 2>
BACKPASS_LANE Float sum_rows(Float* rows) {
    const Mask is_upper = (iota() & broadcast(std::int32_t{half})) == broadcast(std::int32_t{half});
#pragma GCC unroll 8
    for (int i = 0; i < half; ++i) {
        const Float kept = select(is_upper, rows[i + half], rows[i]);
        rows[i] = kept + swapped<half>(select(is_upper, rows[i], rows[i + half]));
    }
    if constexpr (half > 1)
        return sum_rows<half / 2>(rows);
    else
        return rows[0];
}

BACKPASS_LANE float maximum_row(const Float* parts) {
    return fold_row(parts, [](Float a, Float b) __attribute__((always_inline)) { return maximum(a, b); });
}

BACKPASS_LANE float minimum_row(const Float* parts) {
    return fold_row(parts, [](Float a, Float b) __attribute__((always_inline)) { return minimum(a, b); });
}

}  // namespace
}  // namespace backpass::native

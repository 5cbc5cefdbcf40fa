// Lanes for any machine: four lanes in the vector extension of GCC and Clang, which lowers them to what there is (SSE2
// on a baseline x86-64). Right without a fused multiply-add in hardware. Included by lanes.hpp only.
#pragma once

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace backpass::native {
namespace {

constexpr int width = 4;

typedef float RawFloat __attribute__((vector_size(16)));
typedef std::int32_t RawInt __attribute__((vector_size(16)));
typedef std::uint32_t RawWord __attribute__((vector_size(16)));

struct Float {
    RawFloat raw;
};

template <class T>
struct Whole {
    RawInt raw;  // also of an unsigned T, so that reinterpretation is free; operations that differ convert
};

struct Mask {
    RawInt raw;
};

// Masks
BACKPASS_LANE Mask operator&(Mask a, Mask b) { return {a.raw & b.raw}; }
BACKPASS_LANE Mask operator|(Mask a, Mask b) { return {a.raw | b.raw}; }
BACKPASS_LANE Mask operator!(Mask a) { return {~a.raw}; }
BACKPASS_LANE std::uint32_t bits_of(Mask a) {
#if defined(__SSE2__)
    return static_cast<std::uint32_t>(_mm_movemask_ps(reinterpret_cast<__m128>(a.raw)));
#else
    return (a.raw[0] & 1u) | (a.raw[1] & 2u) | (a.raw[2] & 4u) | (a.raw[3] & 8u);
#endif
}
BACKPASS_LANE bool any(Mask a) { return bits_of(a) != 0; }
BACKPASS_LANE bool all(Mask a) { return bits_of(a) == 0xf; }
BACKPASS_LANE Whole<std::int32_t> iota() { return {RawInt{0, 1, 2, 3}}; }

// Memory
BACKPASS_LANE Float broadcast(float s) { return {RawFloat{s, s, s, s}}; }
BACKPASS_LANE Whole<std::int32_t> broadcast(std::int32_t s) { return {RawInt{s, s, s, s}}; }
BACKPASS_LANE Whole<std::uint32_t> broadcast(std::uint32_t s) {
    return {reinterpret_cast<RawInt>(RawWord{s, s, s, s})};
}
BACKPASS_LANE Mask first_lanes(int count) { return {broadcast(count).raw > iota().raw}; }
BACKPASS_LANE Float load(const float* from) {
    Float a;
    std::memcpy(&a.raw, from, sizeof a.raw);
    return a;
}
BACKPASS_LANE void store(float* to, Float a) { std::memcpy(to, &a.raw, sizeof a.raw); }
BACKPASS_LANE Float load_first(const float* from, int count) {
    Float a = broadcast(0.0f);
    for (int i = 0; i < width && i < count; ++i) a.raw[i] = from[i];
    return a;
}
BACKPASS_LANE void store_first(float* to, Float a, int count) {
    for (int i = 0; i < width && i < count; ++i) to[i] = a.raw[i];
}
template <class T>
BACKPASS_LANE Whole<T> load(const T* from) {
    Whole<T> a;
    std::memcpy(&a.raw, from, sizeof a.raw);
    return a;
}
template <class T>
BACKPASS_LANE void store(T* to, Whole<T> a) {
    std::memcpy(to, &a.raw, sizeof a.raw);
}
template <class T>
BACKPASS_LANE Whole<T> load_first(const T* from, int count) {
    Whole<T> a = broadcast(T{0});
    for (int i = 0; i < width && i < count; ++i) a.raw[i] = static_cast<std::int32_t>(from[i]);
    return a;
}
template <class T>
BACKPASS_LANE void store_first(T* to, Whole<T> a, int count) {
    for (int i = 0; i < width && i < count; ++i) to[i] = static_cast<T>(a.raw[i]);
}

// Comparisons and choice
BACKPASS_LANE Mask operator==(Float a, Float b) { return {a.raw == b.raw}; }
BACKPASS_LANE Mask operator!=(Float a, Float b) { return {a.raw != b.raw}; }
BACKPASS_LANE Mask operator<(Float a, Float b) { return {a.raw < b.raw}; }
BACKPASS_LANE Mask operator<=(Float a, Float b) { return {a.raw <= b.raw}; }
BACKPASS_LANE Mask operator>(Float a, Float b) { return {a.raw > b.raw}; }
BACKPASS_LANE Mask operator>=(Float a, Float b) { return {a.raw >= b.raw}; }
BACKPASS_LANE Mask operator>(Whole<std::int32_t> a, Whole<std::int32_t> b) { return {a.raw > b.raw}; }
template <class T>
BACKPASS_LANE Mask operator==(Whole<T> a, Whole<T> b) {
    return {a.raw == b.raw};
}
template <class T>
BACKPASS_LANE Whole<T> select(Mask m, Whole<T> a, Whole<T> b) {
    return {(m.raw & a.raw) | (~m.raw & b.raw)};
}
BACKPASS_LANE Float as_float(Whole<std::int32_t> a) { return {reinterpret_cast<RawFloat>(a.raw)}; }
BACKPASS_LANE Whole<std::int32_t> as_int(Float a) { return {reinterpret_cast<RawInt>(a.raw)}; }
BACKPASS_LANE Float select(Mask m, Float a, Float b) { return as_float(select(m, as_int(a), as_int(b))); }

// Arithmetic
BACKPASS_LANE Float operator+(Float a, Float b) { return {a.raw + b.raw}; }
BACKPASS_LANE Float operator-(Float a, Float b) { return {a.raw - b.raw}; }
BACKPASS_LANE Float operator*(Float a, Float b) { return {a.raw * b.raw}; }
BACKPASS_LANE Float operator/(Float a, Float b) { return {a.raw / b.raw}; }
BACKPASS_LANE Float sqrt(Float a) {
#if defined(__SSE2__)
    return {_mm_sqrt_ps(a.raw)};
#else
    return {RawFloat{__builtin_sqrtf(a.raw[0]), __builtin_sqrtf(a.raw[1]), __builtin_sqrtf(a.raw[2]),
                     __builtin_sqrtf(a.raw[3])}};
#endif
}

#if defined(__FP_FAST_FMAF) && !defined(BACKPASS_PORTABLE_LANES)
BACKPASS_LANE Float fma(Float a, Float b, Float c) {
    Float z;
    for (int i = 0; i < width; ++i) z.raw[i] = __builtin_fmaf(a.raw[i], b.raw[i], c.raw[i]);
    return z;
}
#else
typedef double HalfDouble __attribute__((vector_size(16)));
typedef std::uint64_t HalfLong __attribute__((vector_size(16)));

// GCC 12 converts these lane by lane, hence the intrinsics.
BACKPASS_LANE HalfDouble low_half(Float a) {
#if defined(__SSE2__)
    return _mm_cvtps_pd(a.raw);
#else
    return HalfDouble{a.raw[0], a.raw[1]};
#endif
}
BACKPASS_LANE HalfDouble high_half(Float a) {
#if defined(__SSE2__)
    return _mm_cvtps_pd(_mm_movehl_ps(a.raw, a.raw));
#else
    return HalfDouble{a.raw[2], a.raw[3]};
#endif
}
BACKPASS_LANE Float narrowed(HalfDouble low, HalfDouble high) {
#if defined(__SSE2__)
    return {_mm_movelh_ps(_mm_cvtpd_ps(low), _mm_cvtpd_ps(high))};
#else
    return {RawFloat{static_cast<float>(low[0]), static_cast<float>(low[1]), static_cast<float>(high[0]),
                     static_cast<float>(high[1])}};
#endif
}

// a b + c for float32 a, b, c, rounded to odd: towards 0, with the last bit set where that is not exact. No
// intermediate is subnormal in float64, so flushing does not show.
BACKPASS_LANE HalfDouble fma_to_odd(HalfDouble a, HalfDouble b, HalfDouble c) {
    const HalfDouble product = a * b;  // exact
    const HalfDouble sum = product + c;
    const HalfDouble back = sum - product;
    const HalfDouble error = (product - (sum - back)) + (c - back);  // exact (Knuth 1969); NaN if the sum is infinite
    const HalfLong bits = reinterpret_cast<HalfLong>(sum), error_bits = reinterpret_cast<HalfLong>(error);
    const HalfDouble error_size = reinterpret_cast<HalfDouble>(error_bits & 0x7fffffffffffffff);
    const HalfLong is_inexact = reinterpret_cast<HalfLong>(error_size > 0.0);
    const HalfLong went_away = (bits ^ error_bits) >> 63;  // from 0: the error has the other sign
    return reinterpret_cast<HalfDouble>((bits - (went_away & is_inexact)) | (is_inexact & 1));
}

// Rounding an odd-rounded float64 to float32 rounds the exact number, because 53 >= 2 * 24 + 2 (Boldo & Melquiond 2008,
// Emulation of FMA and correctly rounded sums).
BACKPASS_LANE Float fma(Float a, Float b, Float c) {
    return narrowed(fma_to_odd(low_half(a), low_half(b), low_half(c)),
                    fma_to_odd(high_half(a), high_half(b), high_half(c)));
}
#endif

// a > b ? a : b, hence b where the two are equal or either is NaN; lesser_of is a < b ? a : b.
#if defined(__SSE2__)
// Written in assembly: GCC 16 takes the intrinsics for a comparison and a choice, which would keep a flushed subnormal.
BACKPASS_LANE Float greater_of(Float a, Float b) {
    __asm__("maxps %1, %0" : "+x"(a.raw) : "x"(b.raw));
    return a;
}
BACKPASS_LANE Float lesser_of(Float a, Float b) {
    __asm__("minps %1, %0" : "+x"(a.raw) : "x"(b.raw));
    return a;
}
#else
BACKPASS_LANE Float greater_of(Float a, Float b) { return select(a > b, a, b); }
BACKPASS_LANE Float lesser_of(Float a, Float b) { return select(a < b, a, b); }
#endif

// Adding 2^23 leaves no place for a fraction; numbers from there on have none. The sign is put back for -0.
BACKPASS_LANE Float round_even(Float a) {
    const RawInt sign = as_int(a).raw & static_cast<std::int32_t>(0x80000000u);
    const Float size = as_float(Whole<std::int32_t>{as_int(a).raw ^ sign});
    const Float limit = broadcast(0x1p23f);
    const Float rounded = (size + limit) - limit;
    const Float kept = select(size < limit, rounded, size);
    return as_float(Whole<std::int32_t>{as_int(kept).raw | sign});
}
BACKPASS_LANE Float floor(Float a) {
    const Float nearest = round_even(a);
    return select(nearest > a, nearest - broadcast(1.0f), nearest);
}

// Whole numbers: added and multiplied without a sign, because signed overflow is undefined
BACKPASS_LANE RawWord unsigned_of(RawInt a) { return reinterpret_cast<RawWord>(a); }
BACKPASS_LANE RawInt signed_of(RawWord a) { return reinterpret_cast<RawInt>(a); }
template <class T>
BACKPASS_LANE Whole<T> operator+(Whole<T> a, Whole<T> b) {
    return {signed_of(unsigned_of(a.raw) + unsigned_of(b.raw))};
}
template <class T>
BACKPASS_LANE Whole<T> operator-(Whole<T> a, Whole<T> b) {
    return {signed_of(unsigned_of(a.raw) - unsigned_of(b.raw))};
}
template <class T>
BACKPASS_LANE Whole<T> operator*(Whole<T> a, Whole<T> b) {
    return {signed_of(unsigned_of(a.raw) * unsigned_of(b.raw))};
}
template <class T>
BACKPASS_LANE Whole<T> operator&(Whole<T> a, Whole<T> b) {
    return {a.raw & b.raw};
}
template <class T>
BACKPASS_LANE Whole<T> operator|(Whole<T> a, Whole<T> b) {
    return {a.raw | b.raw};
}
template <class T>
BACKPASS_LANE Whole<T> operator^(Whole<T> a, Whole<T> b) {
    return {a.raw ^ b.raw};
}
template <class T>
BACKPASS_LANE Whole<T> operator<<(Whole<T> a, int count) {
    return {signed_of(unsigned_of(a.raw) << count)};
}
BACKPASS_LANE Whole<std::int32_t> operator>>(Whole<std::int32_t> a, int count) { return {a.raw >> count}; }
BACKPASS_LANE Whole<std::uint32_t> operator>>(Whole<std::uint32_t> a, int count) {
    return {signed_of(unsigned_of(a.raw) >> count)};
}
BACKPASS_LANE void multiply_wide(Whole<std::uint32_t> a, Whole<std::uint32_t> b, Whole<std::uint32_t>& high,
                                 Whole<std::uint32_t>& low) {
#if defined(__SSE2__)
    const __m128i x = reinterpret_cast<__m128i>(a.raw), y = reinterpret_cast<__m128i>(b.raw);
    const __m128i even = _mm_mul_epu32(x, y);
    const __m128i odd = _mm_mul_epu32(_mm_srli_epi64(x, 32), _mm_srli_epi64(y, 32));
    const __m128i upper = _mm_set_epi32(-1, 0, -1, 0);
    high = {reinterpret_cast<RawInt>(_mm_or_si128(_mm_srli_epi64(even, 32), _mm_and_si128(odd, upper)))};
    low = {reinterpret_cast<RawInt>(_mm_or_si128(_mm_andnot_si128(upper, even), _mm_slli_epi64(odd, 32)))};
#else
    const RawWord x = unsigned_of(a.raw), y = unsigned_of(b.raw);
    RawWord upper, lower;
    for (int i = 0; i < width; ++i) {
        const std::uint64_t product = static_cast<std::uint64_t>(x[i]) * y[i];
        upper[i] = static_cast<std::uint32_t>(product >> 32);
        lower[i] = static_cast<std::uint32_t>(product);
    }
    high = {signed_of(upper)};
    low = {signed_of(lower)};
#endif
}

// Conversion
BACKPASS_LANE Float to_float(Whole<std::int32_t> a) { return {__builtin_convertvector(a.raw, RawFloat)}; }
BACKPASS_LANE Whole<std::int32_t> truncate(Float a) { return {__builtin_convertvector(a.raw, RawInt)}; }

// Lane i of the result is lane i xor `distance` of a.
template <int distance>
BACKPASS_LANE Float swapped(Float a) {
    return {RawFloat{a.raw[distance], a.raw[1 ^ distance], a.raw[2 ^ distance], a.raw[3 ^ distance]}};
}
BACKPASS_LANE float first(Float a) { return a.raw[0]; }

// From four vectors whose lane b belongs to block b, the same numbers block by block: a0 b0 c0 d0 a1 b1 c1 d1 ...
template <class T>
BACKPASS_LANE void interleave(Whole<T> (&word)[4]) {
    const Whole<T> a = word[0], b = word[1], c = word[2], d = word[3];
    for (int i = 0; i < width; ++i) word[i] = {RawInt{a.raw[i], b.raw[i], c.raw[i], d.raw[i]}};
}

}  // namespace
}  // namespace backpass::native

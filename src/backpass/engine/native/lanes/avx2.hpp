// Lanes for AVX2 with FMA: eight lanes, masks as all-ones lanes. Included by lanes.hpp only.
#pragma once

#include <immintrin.h>

namespace backpass::native {
namespace {

constexpr int width = 8;

struct Float {
    __m256 raw;
};

template <class T>
struct Whole {
    __m256i raw;
};

struct Mask {
    __m256i raw;
};

// Masks
BACKPASS_LANE Mask operator&(Mask a, Mask b) { return {_mm256_and_si256(a.raw, b.raw)}; }
BACKPASS_LANE Mask operator|(Mask a, Mask b) { return {_mm256_or_si256(a.raw, b.raw)}; }
BACKPASS_LANE Mask operator!(Mask a) { return {_mm256_xor_si256(a.raw, _mm256_set1_epi32(-1))}; }
BACKPASS_LANE std::uint32_t bits_of(Mask a) {
    return static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(a.raw)));
}
BACKPASS_LANE bool any(Mask a) { return bits_of(a) != 0; }
BACKPASS_LANE bool all(Mask a) { return bits_of(a) == 0xff; }
BACKPASS_LANE Whole<std::int32_t> iota() { return {_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)}; }
BACKPASS_LANE Mask first_lanes(int count) { return {_mm256_cmpgt_epi32(_mm256_set1_epi32(count), iota().raw)}; }

// Memory
BACKPASS_LANE Float broadcast(float s) { return {_mm256_set1_ps(s)}; }
BACKPASS_LANE Whole<std::int32_t> broadcast(std::int32_t s) { return {_mm256_set1_epi32(s)}; }
BACKPASS_LANE Whole<std::uint32_t> broadcast(std::uint32_t s) { return {_mm256_set1_epi32(static_cast<int>(s))}; }
BACKPASS_LANE Float load(const float* from) { return {_mm256_loadu_ps(from)}; }
BACKPASS_LANE void store(float* to, Float a) { _mm256_storeu_ps(to, a.raw); }
BACKPASS_LANE Float load_first(const float* from, int count) {
    return {_mm256_maskload_ps(from, first_lanes(count).raw)};
}
BACKPASS_LANE void store_first(float* to, Float a, int count) {
    _mm256_maskstore_ps(to, first_lanes(count).raw, a.raw);
}
template <class T>
BACKPASS_LANE Whole<T> load(const T* from) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))};
}
template <class T>
BACKPASS_LANE void store(T* to, Whole<T> a) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), a.raw);
}
template <class T>
BACKPASS_LANE Whole<T> load_first(const T* from, int count) {
    return {_mm256_maskload_epi32(reinterpret_cast<const int*>(from), first_lanes(count).raw)};
}
template <class T>
BACKPASS_LANE void store_first(T* to, Whole<T> a, int count) {
    _mm256_maskstore_epi32(reinterpret_cast<int*>(to), first_lanes(count).raw, a.raw);
}

// Arithmetic
BACKPASS_LANE Float operator+(Float a, Float b) { return {_mm256_add_ps(a.raw, b.raw)}; }
BACKPASS_LANE Float operator-(Float a, Float b) { return {_mm256_sub_ps(a.raw, b.raw)}; }
BACKPASS_LANE Float operator*(Float a, Float b) { return {_mm256_mul_ps(a.raw, b.raw)}; }
BACKPASS_LANE Float operator/(Float a, Float b) { return {_mm256_div_ps(a.raw, b.raw)}; }
BACKPASS_LANE Float sqrt(Float a) { return {_mm256_sqrt_ps(a.raw)}; }
BACKPASS_LANE Float fma(Float a, Float b, Float c) { return {_mm256_fmadd_ps(a.raw, b.raw, c.raw)}; }
// a > b ? a : b, hence b where the two are equal or either is NaN; lesser_of is a < b ? a : b.
// Written in assembly: GCC 16 takes the intrinsics for a comparison and a choice, which would keep a flushed subnormal.
BACKPASS_LANE Float greater_of(Float a, Float b) {
    __m256 chosen;
    __asm__("vmaxps %2, %1, %0" : "=x"(chosen) : "x"(a.raw), "x"(b.raw));
    return {chosen};
}
BACKPASS_LANE Float lesser_of(Float a, Float b) {
    __m256 chosen;
    __asm__("vminps %2, %1, %0" : "=x"(chosen) : "x"(a.raw), "x"(b.raw));
    return {chosen};
}
BACKPASS_LANE Float round_even(Float a) {
    return {_mm256_round_ps(a.raw, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
BACKPASS_LANE Float floor(Float a) { return {_mm256_round_ps(a.raw, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)}; }

// Comparisons and choice
template <int relation>
BACKPASS_LANE Mask compare(Float a, Float b) {
    return {_mm256_castps_si256(_mm256_cmp_ps(a.raw, b.raw, relation))};
}
BACKPASS_LANE Mask operator==(Float a, Float b) { return compare<_CMP_EQ_OQ>(a, b); }
BACKPASS_LANE Mask operator!=(Float a, Float b) { return compare<_CMP_NEQ_UQ>(a, b); }
BACKPASS_LANE Mask operator<(Float a, Float b) { return compare<_CMP_LT_OQ>(a, b); }
BACKPASS_LANE Mask operator<=(Float a, Float b) { return compare<_CMP_LE_OQ>(a, b); }
BACKPASS_LANE Mask operator>(Float a, Float b) { return compare<_CMP_GT_OQ>(a, b); }
BACKPASS_LANE Mask operator>=(Float a, Float b) { return compare<_CMP_GE_OQ>(a, b); }
BACKPASS_LANE Mask operator>(Whole<std::int32_t> a, Whole<std::int32_t> b) {
    return {_mm256_cmpgt_epi32(a.raw, b.raw)};
}
template <class T>
BACKPASS_LANE Mask operator==(Whole<T> a, Whole<T> b) {
    return {_mm256_cmpeq_epi32(a.raw, b.raw)};
}
BACKPASS_LANE Float select(Mask m, Float a, Float b) {
    return {_mm256_blendv_ps(b.raw, a.raw, _mm256_castsi256_ps(m.raw))};
}
template <class T>
BACKPASS_LANE Whole<T> select(Mask m, Whole<T> a, Whole<T> b) {
    return {_mm256_blendv_epi8(b.raw, a.raw, m.raw)};
}

// Whole numbers
template <class T>
BACKPASS_LANE Whole<T> operator+(Whole<T> a, Whole<T> b) {
    return {_mm256_add_epi32(a.raw, b.raw)};
}
template <class T>
BACKPASS_LANE Whole<T> operator-(Whole<T> a, Whole<T> b) {
    return {_mm256_sub_epi32(a.raw, b.raw)};
}
template <class T>
BACKPASS_LANE Whole<T> operator*(Whole<T> a, Whole<T> b) {
    return {_mm256_mullo_epi32(a.raw, b.raw)};
}
template <class T>
BACKPASS_LANE Whole<T> operator&(Whole<T> a, Whole<T> b) {
    return {_mm256_and_si256(a.raw, b.raw)};
}
template <class T>
BACKPASS_LANE Whole<T> operator|(Whole<T> a, Whole<T> b) {
    return {_mm256_or_si256(a.raw, b.raw)};
}
template <class T>
BACKPASS_LANE Whole<T> operator^(Whole<T> a, Whole<T> b) {
    return {_mm256_xor_si256(a.raw, b.raw)};
}
template <class T>
BACKPASS_LANE Whole<T> operator<<(Whole<T> a, int count) {
    return {_mm256_slli_epi32(a.raw, count)};
}
BACKPASS_LANE Whole<std::int32_t> operator>>(Whole<std::int32_t> a, int count) {
    return {_mm256_srai_epi32(a.raw, count)};
}
BACKPASS_LANE Whole<std::uint32_t> operator>>(Whole<std::uint32_t> a, int count) {
    return {_mm256_srli_epi32(a.raw, count)};
}
BACKPASS_LANE void multiply_wide(Whole<std::uint32_t> a, Whole<std::uint32_t> b, Whole<std::uint32_t>& high,
                                 Whole<std::uint32_t>& low) {
    const __m256i even = _mm256_mul_epu32(a.raw, b.raw);
    const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(a.raw, 32), _mm256_srli_epi64(b.raw, 32));
    high = {_mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa)};
    low = {_mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa)};
}

// Conversion
BACKPASS_LANE Float to_float(Whole<std::int32_t> a) { return {_mm256_cvtepi32_ps(a.raw)}; }
BACKPASS_LANE Whole<std::int32_t> truncate(Float a) { return {_mm256_cvttps_epi32(a.raw)}; }
BACKPASS_LANE Float as_float(Whole<std::int32_t> a) { return {_mm256_castsi256_ps(a.raw)}; }
BACKPASS_LANE Whole<std::int32_t> as_int(Float a) { return {_mm256_castps_si256(a.raw)}; }

// Lane i of the result is lane i xor `distance` of a.
template <int distance>
BACKPASS_LANE Float swapped(Float a) {
    if constexpr (distance == 4) return {_mm256_permute2f128_ps(a.raw, a.raw, 0x01)};
    if constexpr (distance == 2) return {_mm256_permute_ps(a.raw, 0x4e)};
    if constexpr (distance == 1) return {_mm256_permute_ps(a.raw, 0xb1)};
}
BACKPASS_LANE float first(Float a) { return _mm256_cvtss_f32(a.raw); }

// From four vectors whose lane b belongs to block b, the same numbers block by block: a0 b0 c0 d0 a1 b1 c1 d1 ...
template <class T>
BACKPASS_LANE void interleave(Whole<T> (&word)[4]) {
    const __m256i ab_low = _mm256_unpacklo_epi32(word[0].raw, word[1].raw);
    const __m256i ab_high = _mm256_unpackhi_epi32(word[0].raw, word[1].raw);
    const __m256i cd_low = _mm256_unpacklo_epi32(word[2].raw, word[3].raw);
    const __m256i cd_high = _mm256_unpackhi_epi32(word[2].raw, word[3].raw);
    // Half h of the n-th of these four is block 4 h + n.
    const __m256i by0 = _mm256_unpacklo_epi64(ab_low, cd_low);
    const __m256i by1 = _mm256_unpackhi_epi64(ab_low, cd_low);
    const __m256i by2 = _mm256_unpacklo_epi64(ab_high, cd_high);
    const __m256i by3 = _mm256_unpackhi_epi64(ab_high, cd_high);
    word[0] = {_mm256_permute2x128_si256(by0, by1, 0x20)};
    word[1] = {_mm256_permute2x128_si256(by2, by3, 0x20)};
    word[2] = {_mm256_permute2x128_si256(by0, by1, 0x31)};
    word[3] = {_mm256_permute2x128_si256(by2, by3, 0x31)};
}

}  // namespace
}  // namespace backpass::native

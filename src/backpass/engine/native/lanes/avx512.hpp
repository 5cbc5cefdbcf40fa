// Lanes for AVX-512 (F, BW, VL, DQ): sixteen lanes, masks in registers of their own. Included by lanes.hpp only.
#pragma once

// GCC 12 takes the placeholder of an unmasked intrinsic for an uninitialised value (its bug 105593).
#if defined(__clang__)
#include <immintrin.h>
#else
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#endif

namespace backpass::native {
namespace {

constexpr int width = 16;

struct Float {
    __m512 raw;
};

template <class T>
struct Whole {
    __m512i raw;
};

struct Mask {
    __mmask16 raw;
};

// Masks
BACKPASS_LANE Mask operator&(Mask a, Mask b) { return {static_cast<__mmask16>(a.raw & b.raw)}; }
BACKPASS_LANE Mask operator|(Mask a, Mask b) { return {static_cast<__mmask16>(a.raw | b.raw)}; }
BACKPASS_LANE Mask operator!(Mask a) { return {static_cast<__mmask16>(~a.raw)}; }
BACKPASS_LANE std::uint32_t bits_of(Mask a) { return a.raw; }
BACKPASS_LANE bool any(Mask a) { return a.raw != 0; }
BACKPASS_LANE bool all(Mask a) { return a.raw == 0xffff; }
BACKPASS_LANE Mask first_lanes(int count) {
    return {static_cast<__mmask16>(count >= width ? 0xffffu : (1u << count) - 1u)};
}

// Memory
BACKPASS_LANE Float broadcast(float s) { return {_mm512_set1_ps(s)}; }
BACKPASS_LANE Whole<std::int32_t> broadcast(std::int32_t s) { return {_mm512_set1_epi32(s)}; }
BACKPASS_LANE Whole<std::uint32_t> broadcast(std::uint32_t s) { return {_mm512_set1_epi32(static_cast<int>(s))}; }
BACKPASS_LANE Whole<std::int32_t> iota() {
    return {_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)};
}
BACKPASS_LANE Float load(const float* from) { return {_mm512_loadu_ps(from)}; }
BACKPASS_LANE void store(float* to, Float a) { _mm512_storeu_ps(to, a.raw); }
BACKPASS_LANE Float load_first(const float* from, int count) {
    return {_mm512_maskz_loadu_ps(first_lanes(count).raw, from)};
}
BACKPASS_LANE void store_first(float* to, Float a, int count) {
    _mm512_mask_storeu_ps(to, first_lanes(count).raw, a.raw);
}
template <class T>
BACKPASS_LANE Whole<T> load(const T* from) {
    return {_mm512_loadu_si512(from)};
}
template <class T>
BACKPASS_LANE void store(T* to, Whole<T> a) {
    _mm512_storeu_si512(to, a.raw);
}
template <class T>
BACKPASS_LANE Whole<T> load_first(const T* from, int count) {
    return {_mm512_maskz_loadu_epi32(first_lanes(count).raw, from)};
}
template <class T>
BACKPASS_LANE void store_first(T* to, Whole<T> a, int count) {
    _mm512_mask_storeu_epi32(to, first_lanes(count).raw, a.raw);
}

// Arithmetic
BACKPASS_LANE Float operator+(Float a, Float b) { return {_mm512_add_ps(a.raw, b.raw)}; }
BACKPASS_LANE Float operator-(Float a, Float b) { return {_mm512_sub_ps(a.raw, b.raw)}; }
BACKPASS_LANE Float operator*(Float a, Float b) { return {_mm512_mul_ps(a.raw, b.raw)}; }
BACKPASS_LANE Float operator/(Float a, Float b) { return {_mm512_div_ps(a.raw, b.raw)}; }
BACKPASS_LANE Float sqrt(Float a) { return {_mm512_sqrt_ps(a.raw)}; }
BACKPASS_LANE Float fma(Float a, Float b, Float c) { return {_mm512_fmadd_ps(a.raw, b.raw, c.raw)}; }
// a > b ? a : b, hence b where the two are equal or either is NaN; lesser_of is a < b ? a : b.
// Written in assembly: GCC 16 takes the intrinsics for a comparison and a choice, which would keep a flushed subnormal.
BACKPASS_LANE Float greater_of(Float a, Float b) {
    __m512 chosen;
    __asm__("vmaxps %2, %1, %0" : "=v"(chosen) : "v"(a.raw), "v"(b.raw));
    return {chosen};
}
BACKPASS_LANE Float lesser_of(Float a, Float b) {
    __m512 chosen;
    __asm__("vminps %2, %1, %0" : "=v"(chosen) : "v"(a.raw), "v"(b.raw));
    return {chosen};
}
BACKPASS_LANE Float round_even(Float a) { return {_mm512_roundscale_ps(a.raw, _MM_FROUND_TO_NEAREST_INT)}; }
BACKPASS_LANE Float floor(Float a) { return {_mm512_roundscale_ps(a.raw, _MM_FROUND_TO_NEG_INF)}; }

// Comparisons and choice
BACKPASS_LANE Mask operator==(Float a, Float b) { return {_mm512_cmp_ps_mask(a.raw, b.raw, _CMP_EQ_OQ)}; }
BACKPASS_LANE Mask operator!=(Float a, Float b) { return {_mm512_cmp_ps_mask(a.raw, b.raw, _CMP_NEQ_UQ)}; }
BACKPASS_LANE Mask operator<(Float a, Float b) { return {_mm512_cmp_ps_mask(a.raw, b.raw, _CMP_LT_OQ)}; }
BACKPASS_LANE Mask operator<=(Float a, Float b) { return {_mm512_cmp_ps_mask(a.raw, b.raw, _CMP_LE_OQ)}; }
BACKPASS_LANE Mask operator>(Float a, Float b) { return {_mm512_cmp_ps_mask(a.raw, b.raw, _CMP_GT_OQ)}; }
BACKPASS_LANE Mask operator>=(Float a, Float b) { return {_mm512_cmp_ps_mask(a.raw, b.raw, _CMP_GE_OQ)}; }
BACKPASS_LANE Mask operator>(Whole<std::int32_t> a, Whole<std::int32_t> b) {
    return {_mm512_cmpgt_epi32_mask(a.raw, b.raw)};
}
template <class T>
BACKPASS_LANE Mask operator==(Whole<T> a, Whole<T> b) {
    return {_mm512_cmpeq_epi32_mask(a.raw, b.raw)};
}
BACKPASS_LANE Float select(Mask m, Float a, Float b) { return {_mm512_mask_blend_ps(m.raw, b.raw, a.raw)}; }
template <class T>
BACKPASS_LANE Whole<T> select(Mask m, Whole<T> a, Whole<T> b) {
    return {_mm512_mask_blend_epi32(m.raw, b.raw, a.raw)};
}

// Whole numbers
template <class T>
BACKPASS_LANE Whole<T> operator+(Whole<T> a, Whole<T> b) {
    return {_mm512_add_epi32(a.raw, b.raw)};
}
template <class T>
BACKPASS_LANE Whole<T> operator-(Whole<T> a, Whole<T> b) {
    return {_mm512_sub_epi32(a.raw, b.raw)};
}
template <class T>
BACKPASS_LANE Whole<T> operator*(Whole<T> a, Whole<T> b) {
    return {_mm512_mullo_epi32(a.raw, b.raw)};
}
template <class T>
BACKPASS_LANE Whole<T> operator&(Whole<T> a, Whole<T> b) {
    return {_mm512_and_si512(a.raw, b.raw)};
}
template <class T>
BACKPASS_LANE Whole<T> operator|(Whole<T> a, Whole<T> b) {
    return {_mm512_or_si512(a.raw, b.raw)};
}
template <class T>
BACKPASS_LANE Whole<T> operator^(Whole<T> a, Whole<T> b) {
    return {_mm512_xor_si512(a.raw, b.raw)};
}
template <class T>
BACKPASS_LANE Whole<T> operator<<(Whole<T> a, int count) {
    return {_mm512_slli_epi32(a.raw, static_cast<unsigned>(count))};
}
BACKPASS_LANE Whole<std::int32_t> operator>>(Whole<std::int32_t> a, int count) {
    return {_mm512_srai_epi32(a.raw, static_cast<unsigned>(count))};
}
BACKPASS_LANE Whole<std::uint32_t> operator>>(Whole<std::uint32_t> a, int count) {
    return {_mm512_srli_epi32(a.raw, static_cast<unsigned>(count))};
}
BACKPASS_LANE void multiply_wide(Whole<std::uint32_t> a, Whole<std::uint32_t> b, Whole<std::uint32_t>& high,
                                 Whole<std::uint32_t>& low) {
    const __m512i even = _mm512_mul_epu32(a.raw, b.raw);
    const __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(a.raw, 32), _mm512_srli_epi64(b.raw, 32));
    high = {_mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(even, 32), odd)};
    low = {_mm512_mask_blend_epi32(0xaaaa, even, _mm512_slli_epi64(odd, 32))};
}

// Conversion
BACKPASS_LANE Float to_float(Whole<std::int32_t> a) { return {_mm512_cvtepi32_ps(a.raw)}; }
BACKPASS_LANE Whole<std::int32_t> truncate(Float a) { return {_mm512_cvttps_epi32(a.raw)}; }
BACKPASS_LANE Float as_float(Whole<std::int32_t> a) { return {_mm512_castsi512_ps(a.raw)}; }
BACKPASS_LANE Whole<std::int32_t> as_int(Float a) { return {_mm512_castps_si512(a.raw)}; }

// Lane i of the result is lane i xor `distance` of a.
template <int distance>
BACKPASS_LANE Float swapped(Float a) {
    if constexpr (distance == 8) return {_mm512_shuffle_f32x4(a.raw, a.raw, 0x4e)};
    if constexpr (distance == 4) return {_mm512_shuffle_f32x4(a.raw, a.raw, 0xb1)};
    if constexpr (distance == 2) return {_mm512_permute_ps(a.raw, 0x4e)};
    if constexpr (distance == 1) return {_mm512_permute_ps(a.raw, 0xb1)};
}
BACKPASS_LANE float first(Float a) { return _mm512_cvtss_f32(a.raw); }

// From four vectors whose lane b belongs to block b, the same numbers block by block: a0 b0 c0 d0 a1 b1 c1 d1 ...
template <class T>
BACKPASS_LANE void interleave(Whole<T> (&word)[4]) {
    const __m512i ab_low = _mm512_unpacklo_epi32(word[0].raw, word[1].raw);
    const __m512i ab_high = _mm512_unpackhi_epi32(word[0].raw, word[1].raw);
    const __m512i cd_low = _mm512_unpacklo_epi32(word[2].raw, word[3].raw);
    const __m512i cd_high = _mm512_unpackhi_epi32(word[2].raw, word[3].raw);
    // Quarter q of the n-th of these four is block 4 q + n.
    const __m512i by0 = _mm512_unpacklo_epi64(ab_low, cd_low);
    const __m512i by1 = _mm512_unpackhi_epi64(ab_low, cd_low);
    const __m512i by2 = _mm512_unpacklo_epi64(ab_high, cd_high);
    const __m512i by3 = _mm512_unpackhi_epi64(ab_high, cd_high);
    const __m512i q02_of_01 = _mm512_shuffle_i32x4(by0, by1, 0x88);
    const __m512i q13_of_01 = _mm512_shuffle_i32x4(by0, by1, 0xdd);
    const __m512i q02_of_23 = _mm512_shuffle_i32x4(by2, by3, 0x88);
    const __m512i q13_of_23 = _mm512_shuffle_i32x4(by2, by3, 0xdd);
    word[0] = {_mm512_shuffle_i32x4(q02_of_01, q02_of_23, 0x88)};
    word[1] = {_mm512_shuffle_i32x4(q13_of_01, q13_of_23, 0x88)};
    word[2] = {_mm512_shuffle_i32x4(q02_of_01, q02_of_23, 0xdd)};
    word[3] = {_mm512_shuffle_i32x4(q13_of_01, q13_of_23, 0xdd)};
}

}  // namespace
}  // namespace backpass::native

// Lanes for 64-bit ARM (NEON, whose fused multiply-add is part of the base): four lanes. Included by lanes.hpp only.
#pragma once

#include <arm_neon.h>

namespace backpass::native {
namespace {

constexpr int width = 4;

struct Float {
    float32x4_t raw;
};

template <class T>
struct Whole {
    int32x4_t raw;
};

struct Mask {
    uint32x4_t raw;
};

// Masks
BACKPASS_LANE Mask operator&(Mask a, Mask b) { return {vandq_u32(a.raw, b.raw)}; }
BACKPASS_LANE Mask operator|(Mask a, Mask b) { return {vorrq_u32(a.raw, b.raw)}; }
BACKPASS_LANE Mask operator!(Mask a) { return {vmvnq_u32(a.raw)}; }
BACKPASS_LANE std::uint32_t bits_of(Mask a) {
    const uint32x4_t place = {1, 2, 4, 8};
    return vaddvq_u32(vandq_u32(a.raw, place));
}
BACKPASS_LANE bool any(Mask a) { return vmaxvq_u32(a.raw) != 0; }
BACKPASS_LANE bool all(Mask a) { return vminvq_u32(a.raw) != 0; }
BACKPASS_LANE Whole<std::int32_t> iota() { return {int32x4_t{0, 1, 2, 3}}; }
BACKPASS_LANE Mask first_lanes(int count) { return {vcgtq_s32(vdupq_n_s32(count), iota().raw)}; }

// Memory
BACKPASS_LANE Float broadcast(float s) { return {vdupq_n_f32(s)}; }
BACKPASS_LANE Whole<std::int32_t> broadcast(std::int32_t s) { return {vdupq_n_s32(s)}; }
BACKPASS_LANE Whole<std::uint32_t> broadcast(std::uint32_t s) { return {vreinterpretq_s32_u32(vdupq_n_u32(s))}; }
BACKPASS_LANE Float load(const float* from) { return {vld1q_f32(from)}; }
BACKPASS_LANE void store(float* to, Float a) { vst1q_f32(to, a.raw); }
BACKPASS_LANE Float load_first(const float* from, int count) {
    float lane[width] = {};
    for (int i = 0; i < width && i < count; ++i) lane[i] = from[i];
    return load(lane);
}
BACKPASS_LANE void store_first(float* to, Float a, int count) {
    float lane[width];
    store(lane, a);
    for (int i = 0; i < width && i < count; ++i) to[i] = lane[i];
}
template <class T>
BACKPASS_LANE Whole<T> load(const T* from) {
    return {vld1q_s32(reinterpret_cast<const std::int32_t*>(from))};
}
template <class T>
BACKPASS_LANE void store(T* to, Whole<T> a) {
    vst1q_s32(reinterpret_cast<std::int32_t*>(to), a.raw);
}
template <class T>
BACKPASS_LANE Whole<T> load_first(const T* from, int count) {
    T lane[width] = {};
    for (int i = 0; i < width && i < count; ++i) lane[i] = from[i];
    return load(lane);
}
template <class T>
BACKPASS_LANE void store_first(T* to, Whole<T> a, int count) {
    T lane[width];
    store(lane, a);
    for (int i = 0; i < width && i < count; ++i) to[i] = lane[i];
}

// Comparisons and choice
BACKPASS_LANE Mask operator==(Float a, Float b) { return {vceqq_f32(a.raw, b.raw)}; }
BACKPASS_LANE Mask operator!=(Float a, Float b) { return !(a == b); }
BACKPASS_LANE Mask operator<(Float a, Float b) { return {vcltq_f32(a.raw, b.raw)}; }
BACKPASS_LANE Mask operator<=(Float a, Float b) { return {vcleq_f32(a.raw, b.raw)}; }
BACKPASS_LANE Mask operator>(Float a, Float b) { return {vcgtq_f32(a.raw, b.raw)}; }
BACKPASS_LANE Mask operator>=(Float a, Float b) { return {vcgeq_f32(a.raw, b.raw)}; }
BACKPASS_LANE Mask operator>(Whole<std::int32_t> a, Whole<std::int32_t> b) { return {vcgtq_s32(a.raw, b.raw)}; }
template <class T>
BACKPASS_LANE Mask operator==(Whole<T> a, Whole<T> b) {
    return {vceqq_s32(a.raw, b.raw)};
}
BACKPASS_LANE Float select(Mask m, Float a, Float b) { return {vbslq_f32(m.raw, a.raw, b.raw)}; }
template <class T>
BACKPASS_LANE Whole<T> select(Mask m, Whole<T> a, Whole<T> b) {
    return {vbslq_s32(m.raw, a.raw, b.raw)};
}

// Arithmetic
BACKPASS_LANE Float operator+(Float a, Float b) { return {vaddq_f32(a.raw, b.raw)}; }
BACKPASS_LANE Float operator-(Float a, Float b) { return {vsubq_f32(a.raw, b.raw)}; }
BACKPASS_LANE Float operator*(Float a, Float b) { return {vmulq_f32(a.raw, b.raw)}; }
BACKPASS_LANE Float operator/(Float a, Float b) { return {vdivq_f32(a.raw, b.raw)}; }
BACKPASS_LANE Float sqrt(Float a) { return {vsqrtq_f32(a.raw)}; }
BACKPASS_LANE Float fma(Float a, Float b, Float c) { return {vfmaq_f32(c.raw, a.raw, b.raw)}; }
// a > b ? a : b, hence b where the two are equal or either is NaN; lesser_of is a < b ? a : b. Not FMAX and FMIN, which
// order the zeros and return NaN for either.
BACKPASS_LANE Float greater_of(Float a, Float b) { return select(a > b, a, b); }
BACKPASS_LANE Float lesser_of(Float a, Float b) { return select(a < b, a, b); }
BACKPASS_LANE Float round_even(Float a) { return {vrndnq_f32(a.raw)}; }
BACKPASS_LANE Float floor(Float a) { return {vrndmq_f32(a.raw)}; }

// Whole numbers
template <class T>
BACKPASS_LANE Whole<T> operator+(Whole<T> a, Whole<T> b) {
    return {vaddq_s32(a.raw, b.raw)};
}
template <class T>
BACKPASS_LANE Whole<T> operator-(Whole<T> a, Whole<T> b) {
    return {vsubq_s32(a.raw, b.raw)};
}
template <class T>
BACKPASS_LANE Whole<T> operator*(Whole<T> a, Whole<T> b) {
    return {vmulq_s32(a.raw, b.raw)};
}
template <class T>
BACKPASS_LANE Whole<T> operator&(Whole<T> a, Whole<T> b) {
    return {vandq_s32(a.raw, b.raw)};
}
template <class T>
BACKPASS_LANE Whole<T> operator|(Whole<T> a, Whole<T> b) {
    return {vorrq_s32(a.raw, b.raw)};
}
template <class T>
BACKPASS_LANE Whole<T> operator^(Whole<T> a, Whole<T> b) {
    return {veorq_s32(a.raw, b.raw)};
}
// A shift by a negative count is one to the right.
template <class T>
BACKPASS_LANE Whole<T> operator<<(Whole<T> a, int count) {
    return {vshlq_s32(a.raw, vdupq_n_s32(count))};
}
BACKPASS_LANE Whole<std::int32_t> operator>>(Whole<std::int32_t> a, int count) {
    return {vshlq_s32(a.raw, vdupq_n_s32(-count))};
}
BACKPASS_LANE Whole<std::uint32_t> operator>>(Whole<std::uint32_t> a, int count) {
    return {vreinterpretq_s32_u32(vshlq_u32(vreinterpretq_u32_s32(a.raw), vdupq_n_s32(-count)))};
}
BACKPASS_LANE void multiply_wide(Whole<std::uint32_t> a, Whole<std::uint32_t> b, Whole<std::uint32_t>& high,
                                 Whole<std::uint32_t>& low) {
    const uint32x4_t x = vreinterpretq_u32_s32(a.raw), y = vreinterpretq_u32_s32(b.raw);
    const uint32x4_t lower = vreinterpretq_u32_u64(vmull_u32(vget_low_u32(x), vget_low_u32(y)));
    const uint32x4_t upper = vreinterpretq_u32_u64(vmull_high_u32(x, y));
    high = {vreinterpretq_s32_u32(vuzp2q_u32(lower, upper))};
    low = {vreinterpretq_s32_u32(vuzp1q_u32(lower, upper))};
}

// Conversion
BACKPASS_LANE Float to_float(Whole<std::int32_t> a) { return {vcvtq_f32_s32(a.raw)}; }
BACKPASS_LANE Whole<std::int32_t> truncate(Float a) { return {vcvtq_s32_f32(a.raw)}; }
BACKPASS_LANE Float as_float(Whole<std::int32_t> a) { return {vreinterpretq_f32_s32(a.raw)}; }
BACKPASS_LANE Whole<std::int32_t> as_int(Float a) { return {vreinterpretq_s32_f32(a.raw)}; }

// Lane i of the result is lane i xor `distance` of a.
template <int distance>
BACKPASS_LANE Float swapped(Float a) {
    if constexpr (distance == 2) return {vextq_f32(a.raw, a.raw, 2)};
    if constexpr (distance == 1) return {vrev64q_f32(a.raw)};
}
BACKPASS_LANE float first(Float a) { return vgetq_lane_f32(a.raw, 0); }

// From four vectors whose lane b belongs to block b, the same numbers block by block: a0 b0 c0 d0 a1 b1 c1 d1 ...
template <class T>
BACKPASS_LANE void interleave(Whole<T> (&word)[4]) {
    const int32x4_t ab_low = vzip1q_s32(word[0].raw, word[1].raw), ab_high = vzip2q_s32(word[0].raw, word[1].raw);
    const int32x4_t cd_low = vzip1q_s32(word[2].raw, word[3].raw), cd_high = vzip2q_s32(word[2].raw, word[3].raw);
    word[0] = {vcombine_s32(vget_low_s32(ab_low), vget_low_s32(cd_low))};
    word[1] = {vcombine_s32(vget_high_s32(ab_low), vget_high_s32(cd_low))};
    word[2] = {vcombine_s32(vget_low_s32(ab_high), vget_low_s32(cd_high))};
    word[3] = {vcombine_s32(vget_high_s32(ab_high), vget_high_s32(cd_high))};
}

}  // namespace
}  // namespace backpass::native

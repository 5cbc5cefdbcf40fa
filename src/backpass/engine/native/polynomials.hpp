// Polynomials: the numbers of elementary.hpp, printed by tools/fit_polynomials.py, which describes the fit.
#pragma once

#include <cstdint>

namespace backpass::native {
namespace {

// Parts of a value add up to it; two_over_pi_bits starts with the word before the point.
constexpr float log2_e = 0x1.715476p0f;
constexpr float ln2_high = 0x1.62e4p-1f;
constexpr float ln2_low = 0x1.7f7d1cp-20f;
constexpr float two_over_pi = 0x1.45f306p-1f;
constexpr float half_pi_1 = 0x1.921fb6p0f;
constexpr float half_pi_2 = -0x1.777a5cp-25f;
constexpr float half_pi_3 = -0x1.ee59dap-50f;
constexpr float twelfth_high = 0x1.555556p-4f;
constexpr float twelfth_low = -0x1.555556p-29f;
constexpr std::uint32_t two_over_pi_bits[] = {0x00000000u, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u,
    0xdb629599u, 0x3c439041u, 0xfe5163abu};

// e^r = 1 + r + r^2 P(r), |r| <= ln(2) / 2; relative error 2^-31.1
constexpr float exp_terms[] = {0x1p-1f, 0x1.555554p-3f, 0x1.5554f8p-5f, 0x1.1112d8p-7f, 0x1.6d3a4ap-10f,
    0x1.9e73b6p-13f};

// ln(1 + f) = f - f^2 / 2 + f^3 P(f), |f| <= 1/3; relative error 2^-30.1
constexpr float log_terms[] = {0x1.555556p-2f, -0x1.ffff18p-3f, 0x1.9997eep-3f, -0x1.55978ep-3f, 0x1.24eb7p-3f,
    -0x1.f3afcep-4f, 0x1.b91ea2p-4f, -0x1.06c3c6p-3f, 0x1.e9d366p-4f};

// tanh(x) = x + x^3 P(x^2), |x| <= 1.034; relative error 2^-30.4
constexpr float tanh_terms[] = {-0x1.555552p-2f, 0x1.11102cp-3f, -0x1.b9f36ep-5f, 0x1.649d44p-6f, -0x1.182bd2p-7f,
    0x1.8be75cp-9f, -0x1.a4e5d4p-11f, 0x1.d2ee4p-14f};

// sin(r) = r + r^3 P(r^2), |r| <= pi / 4; relative error 2^-32.5
constexpr float sin_terms[] = {-0x1.555556p-3f, 0x1.111174p-7f, -0x1.a05956p-13f, 0x1.7c2da2p-19f};

// cos(r) = 1 - r^2 / 2 + r^4 P(r^2), |r| <= pi / 4; relative error 2^-33.0
constexpr float cos_terms[] = {0x1.55554ap-5f, -0x1.6c0c28p-10f, 0x1.99e80cp-16f};

// erf(x) = x + x P(x^2), |x| <= 0.921875; relative error 2^-30.1
constexpr float erf_small_terms[] = {0x1.06eba8p-3f, -0x1.81274p-2f, 0x1.ce2d64p-4f, -0x1.b80116p-6f, 0x1.5449a2p-8f,
    -0x1.a6023p-11f, 0x1.4f3dfep-14f};

// erf(x) = 1 - e^(x P(x)), 0.921875 <= x <= 4; relative error 2^-30.4
constexpr float erf_large_terms[] = {-0x1.20ef2ep0f, -0x1.4531f8p-1f, -0x1.b32d24p-4f, 0x1.856bb4p-6f, -0x1.ddcfccp-9f,
    0x1.533d82p-12f, -0x1.7b4096p-17f};

// arctan(t) = t + t^3 P(t^2), |t| <= tan(pi / 8); relative error 2^-30.4
constexpr float arctan_terms[] = {-0x1.55554ap-2f, 0x1.9991e2p-3f, -0x1.23b9a2p-3f, 0x1.b2245ap-4f, -0x1.f2e5dep-5f};

// ln(m) = q + q^3 / 12 + q^5 P(q^2), q = 2 (m - 1) / (m + 1), 2/3 <= m <= 4/3; relative error 2^-41.4
constexpr float power_terms[] = {0x1.999996p-7f, 0x1.2495p-9f, 0x1.c5bfdap-12f, 0x1.97e92cp-14f};

}  // namespace
}  // namespace backpass::native

// Range reduction: brings an argument near 0, where a polynomial serves: exponents by multiples of ln 2, numbers whose
// logarithm is sought by powers of 2, angles by multiples of pi / 2.
//
// The functions built on it: elementary.hpp. The numbers: polynomials.hpp. Pairs carry what one float32 would lose.
#pragma once

#include "lanes.hpp"
#include "polynomials.hpp"

namespace backpass::native {
namespace {

// A number as an unevaluated sum; the tail is at most about half a unit in the last place of the head.
struct Pair {
    Float head;
    Float tail;
};

constexpr float infinity = __builtin_inff();
constexpr float not_a_number = __builtin_nanf("");

// c[0] + c[1] x + c[2] x^2 + ...
template <int terms>
BACKPASS_LANE Float polynomial(Float x, const float (&c)[terms]) {
    Float sum = broadcast(c[terms - 1]);
#pragma GCC unroll 16
    for (int i = terms - 2; i >= 0; --i) sum = fma(sum, x, broadcast(c[i]));
    return sum;
}

// a + b and its rounding error, for |a| >= |b| or a = 0 (Dekker 1971), and for any a and b (Knuth 1969).
BACKPASS_LANE Pair sum_of_ordered(Float a, Float b) {
    const Float sum = a + b;
    return {sum, (a - sum) + b};
}
BACKPASS_LANE Pair sum_of(Float a, Float b) {
    const Float sum = a + b, back = sum - a;
    return {sum, (a - (sum - back)) + (b - back)};
}

BACKPASS_LANE Float clamp(Float x, float low, float high) {  // NaN stays
    return lesser_of(broadcast(high), greater_of(broadcast(low), x));
}

// Rounds to a whole number |n| < 2^21 and leaves n in the lowest bits too: the unit in the last place of 3 * 2^22 is 1.
constexpr float rounder = 0x1.8p23f;
BACKPASS_LANE Int whole_of(Float rounded) { return as_int(rounded) - as_int(broadcast(rounder)); }

BACKPASS_LANE Float power_of_two(Int n) { return as_float((n + broadcast(127)) << 23); }  // -126 <= n <= 127

// e^x = 2^n (1 + growth)
struct Exponential {
    Pair growth;
    Int n;
};

BACKPASS_LANE Exponential exponential_of(Pair r, Int n) {
    return {sum_of_ordered(r.head, fma(r.head * r.head, polynomial(r.head, exp_terms), r.tail)), n};
}

struct Reduced {
    Pair r;
    Int n;
};

// x = n ln 2 + r, |x| <= 150. x - n ln2_high is exact: a multiple of 2^-25 below 1/2.
BACKPASS_LANE Reduced reduce_exponent(Float x) {
    const Float shifted = fma(x, broadcast(log2_e), broadcast(rounder));
    const Float n = shifted - broadcast(rounder);
    const Float rest = fma(n, broadcast(-ln2_high), x);
    const Float low = n * broadcast(ln2_low);
    const Float r = rest - low;
    return {{r, (rest - r) - low}, whole_of(shifted)};
}

BACKPASS_LANE Exponential exponential(Float x) {
    const Reduced reduced = reduce_exponent(x);
    return exponential_of(reduced.r, reduced.n);
}

// e^(x + tail). The tail may be the larger part of the rest, so it must enter the polynomial.
BACKPASS_LANE Exponential exponential(Float x, Float tail) {
    const Reduced reduced = reduce_exponent(x);
    return exponential_of(sum_of_ordered(reduced.r.head, reduced.r.tail + tail), reduced.n);
}

// 2^n a with one rounding, for -252 <= n <= 254 and |a| near 1: the first product is exact.
BACKPASS_LANE Float scaled(Float a, Int n) {
    const Int half = n >> 1;
    return (a * power_of_two(half)) * power_of_two(n - half);
}

constexpr float exp_lowest = -104.0f;  // e^-104 is less than half the smallest subnormal number
constexpr float exp_highest = 89.0f;   // e^89 overflows

// e^x for x <= 0, as a pair
BACKPASS_LANE Pair exp_of_negative(Float x) {
    const Exponential e = exponential(greater_of(broadcast(exp_lowest), x));
    const Pair sum = sum_of_ordered(broadcast(1.0f), e.growth.head);
    return {scaled(sum.head, e.n), scaled(sum.tail + e.growth.tail, e.n)};
}

// ln(2^k (1 + f + tail)), |f| <= 1/3, the tail far below f
BACKPASS_LANE Pair logarithm(Float k, Float f, Float tail) {
    const Float square = f * f;
    const Float slope = fma(-f, tail, tail);  // tail / (1 + f), nearly
    const Float cubic = fma(f * square, polynomial(f, log_terms), slope);
    const Float rest = fma(k, broadcast(ln2_low), fma(broadcast(-0.5f), square, cubic));
    const Pair sum = sum_of_ordered(k * broadcast(ln2_high), f);  // the product is exact
    return {sum.head, sum.tail + rest};
}

constexpr std::int32_t two_thirds_bits = 0x3f2aaaab;

// Floor of the binary logarithm of 3 x / 2, so that x / 2^k lies in [2/3, 4/3); x is positive and normal.
BACKPASS_LANE Int exponent_of(Float x) { return (as_int(x) - broadcast(two_thirds_bits)) >> 23; }
BACKPASS_LANE Float divided_by_power(Float x, Int k) { return as_float(as_int(x) - (k << 23)); }

struct Split {
    Float m;
    Float k;
};

// x = 2^k m, 2/3 <= m < 4/3, x positive and finite
BACKPASS_LANE Split split(Float x) {
    const Mask is_subnormal = x < broadcast(0x1p-126f);
    const Float normal = select(is_subnormal, x * broadcast(0x1p23f), x);
    const Int k = exponent_of(normal);
    return {divided_by_power(normal, k), to_float(k) - select(is_subnormal, broadcast(23.0f), broadcast(0.0f))};
}

// r + tail = |x| less a multiple of pi / 2, |r| <= pi / 4; the lowest two bits of n are those of the multiple
struct Angle {
    Pair r;
    Int n;
};

constexpr float angle_limit = 1e5f, short_limit = 512.0f;

// Lanes beyond angle_limit, by 96-bit whole numbers (Payne & Hanek 1983): x = M 2^e is the part M (2^e / (2 pi) mod 1)
// of a turn, here to 2^-64 of a turn; no float32 comes nearer than about 2^-30 to a multiple of pi / 2. A lane at a
// time: such angles are rare.
__attribute__((noinline, cold)) static void reduce_large(const float* x, float* head, float* tail, std::int32_t* n) {
    for (int lane = 0; lane < width; ++lane) {
        if (!(x[lane] > angle_limit) || x[lane] == infinity) continue;
        std::uint32_t bits;
        std::memcpy(&bits, &x[lane], sizeof bits);
        const std::uint64_t mantissa = (bits & 0x7fffffu) | 0x800000u;
        const unsigned place = (bits >> 23) - 150 - 2 + 32;  // of the first bit of 2 / pi that counts
        const std::uint32_t* word = two_over_pi_bits + place / 32;
        const unsigned shift = place % 32;
        std::uint64_t piece[3];
        for (int i = 0; i < 3; ++i) {
            const std::uint64_t two_words = (static_cast<std::uint64_t>(word[i]) << 32) | word[i + 1];
            piece[i] = (two_words << shift) >> 32;
        }
        const std::uint64_t turn = ((mantissa * piece[0]) << 32) + mantissa * piece[1] + ((mantissa * piece[2]) >> 32);
        const std::uint64_t quarters = (turn + (1ull << 61)) >> 62;
        const double left = static_cast<double>(static_cast<std::int64_t>(turn - (quarters << 62)));
        const double r = left * 0x1.921fb54442d18p-62;  // pi / 2 / 2^62
        head[lane] = static_cast<float>(r);
        tail[lane] = static_cast<float>(r - head[lane]);
        n[lane] = static_cast<std::int32_t>(quarters & 3);
    }
}

// For x <= angle_limit, in three parts of pi / 2 (Cody & Waite 1980). x - n half_pi_1 is exact: a multiple of 2^-24
// below 1, hence of the last place of n half_pi_2, which makes the first sum exact in either order. If the angle is
// short, the tail may be half a unit in the last place of r or a little more; no float32 up to 512 then has another
// sine or cosine.
template <bool is_short>
BACKPASS_LANE Angle reduce_near(Float x) {
    const Float shifted = fma(x, broadcast(two_over_pi), broadcast(rounder));
    const Float n = shifted - broadcast(rounder);
    const Float rest = fma(n, broadcast(-half_pi_1), x);
    const Float second = n * broadcast(-half_pi_2);
    const Float second_tail = fma(n, broadcast(-half_pi_2), -second);
    const Pair sum = sum_of_ordered(rest, second);
    const Float tail = fma(n, broadcast(-half_pi_3), sum.tail + second_tail);
    return {is_short ? Pair{sum.head, tail} : sum_of_ordered(sum.head, tail), as_int(shifted)};
}

// For every x >= 0, if some lane is beyond angle_limit.
BACKPASS_LANE Angle reduce_far(Float x) {
    const Angle near = reduce_near<false>(x);
    float from[width], heads[width], tails[width];
    std::int32_t quarters[width];
    store(from, x);
    store(heads, near.r.head);
    store(tails, near.r.tail);
    store(quarters, near.n);
    reduce_large(from, heads, tails, quarters);
    return {{load(heads), load(tails)}, load(quarters)};
}

// sin(r + n pi / 2)
BACKPASS_LANE Float sine(Angle angle) {
    const Float r = angle.r.head, tail = angle.r.tail, square = r * r;
    const Float odd = r + fma(r * square, polynomial(square, sin_terms), tail);
    const Float start = fma(broadcast(-0.5f), square, broadcast(1.0f));
    const Float start_tail = fma(broadcast(-0.5f), square, broadcast(1.0f) - start);
    const Float fourth = fma(square * square, polynomial(square, cos_terms), start_tail);
    const Float even = start + fma(-r, tail, fourth);
    const Float value = select((angle.n & broadcast(1)) == broadcast(0), odd, even);
    return as_float(as_int(value) ^ ((angle.n & broadcast(2)) << 30));
}

// sin(x + turn pi / 2) for x >= 0, NaN at infinity, if some lane is not short. Apart from the usual case: there the sine
// and the cosine of one argument have everything but the last choice in common, and the compiler sees it.
__attribute__((noinline, cold)) static Float sine_of_far(Float x, int turn) {
    const Angle angle = reduce_far(x);
    return select(x < broadcast(infinity), sine({angle.r, angle.n + broadcast(turn)}), x - x);
}

// sin(x + turn pi / 2) for x >= 0, NaN at infinity
template <int turn>
BACKPASS_LANE Float sine_of(Float x) {
    const Angle angle = reduce_near<true>(x);
    const Float near = sine({angle.r, angle.n + broadcast(turn)});
    return __builtin_expect(all(x <= broadcast(short_limit)), 1) ? near : sine_of_far(x, turn);
}

}  // namespace
}  // namespace backpass::native

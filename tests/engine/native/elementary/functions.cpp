// The functions of lanes.hpp, elementary.hpp and philox.hpp over arrays, one C function each, for ctypes.
//
// Compiled by conftest.py once per instruction set. `flush` sets FTZ and DAZ (on ARM: FZ) around the loop.
#include "elementary.hpp"
#include "philox.hpp"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

using namespace backpass::native;

namespace {

struct Flushing {
#if defined(__x86_64__)
    unsigned before = _mm_getcsr();
    explicit Flushing(bool on) { _mm_setcsr(on ? before | 0x8040u : before); }
    ~Flushing() { _mm_setcsr(before); }
#elif defined(__aarch64__)
    std::uint64_t before;
    explicit Flushing(bool on) {
        __asm__ volatile("mrs %0, fpcr" : "=r"(before));
        __asm__ volatile("msr fpcr, %0" : : "r"(on ? before | (1ull << 24) : before));
    }
    ~Flushing() { __asm__ volatile("msr fpcr, %0" : : "r"(before)); }
#else
    explicit Flushing(bool) {}
#endif
};

// z[i] = rule(x[i], y[i], w[i]); the last, incomplete vector is loaded and stored in part.
template <class Rule>
void each(const float* x, const float* y, const float* w, float* z, std::int64_t n, bool flush, Rule rule) {
    const Flushing flushing(flush);
    std::int64_t i = 0;
    for (; i + width <= n; i += width) store(z + i, rule(load(x + i), load(y + i), load(w + i)));
    const int left = static_cast<int>(n - i);
    store_first(z + i, rule(load_first(x + i, left), load_first(y + i, left), load_first(w + i, left)), left);
}

Float from_mask(Mask m) { return select(m, broadcast(1.0f), broadcast(0.0f)); }

}  // namespace

#define EACH(name, value)                                                                                         \
    extern "C" void run_##name(const float* x_, const float* y_, const float* w_, float* z_, std::int64_t n_,     \
                               int flush_) {                                                                      \
        each(x_, y_, w_, z_, n_, flush_ != 0, [](Float x, Float y, Float w) __attribute__((always_inline)) {      \
            (void)x, (void)y, (void)w;                                                                            \
            return value;                                                                                         \
        });                                                                                                       \
    }

EACH(exp, exp(x))
EACH(expm1, expm1(x))
EACH(log, log(x))
EACH(log1p, log1p(x))
EACH(tanh, tanh(x))
EACH(sigmoid, sigmoid(x))
EACH(softplus, softplus(x))
EACH(sin, sin(x))
EACH(cos, cos(x))
EACH(reduced_fully, sine(reduce_near<false>(x)))
EACH(reduced_shortly, sine(reduce_near<true>(x)))
EACH(cosine_reduced_fully, sine({reduce_near<false>(x).r, reduce_near<false>(x).n + broadcast(1)}))
EACH(cosine_reduced_shortly, sine({reduce_near<true>(x).r, reduce_near<true>(x).n + broadcast(1)}))
EACH(arctan, arctan(x))
EACH(erf, erf(x))
EACH(power, power(x, y))

EACH(add, x + y)
EACH(subtract, x - y)
EACH(multiply, x * y)
EACH(divide, x / y)
EACH(sqrt, sqrt(x))
EACH(fma, fma(x, y, w))
EACH(absolute, abs(x))
EACH(negative, -x)
EACH(copy_sign, copy_sign(x, y))
EACH(round_even, round_even(x))
EACH(floor, floor(x))
EACH(maximum, maximum(x, y))
EACH(minimum, minimum(x, y))
EACH(greater_of, greater_of(x, y))
EACH(lesser_of, lesser_of(x, y))
EACH(relu, relu(x))
EACH(equal, from_mask(x == y))
EACH(unequal, from_mask(x != y))
EACH(less, from_mask(x < y))
EACH(less_equal, from_mask(x <= y))
EACH(greater, from_mask(x > y))
EACH(greater_equal, from_mask(x >= y))
EACH(select, select((x > y) & !(y > w), x, w))
EACH(truncate, to_float(truncate(x)))
EACH(to_unit, to_unit(as_word(x)))

// Whole numbers, through the bits of floats
EACH(int_add, as_float(as_int(x) + as_int(y)))
EACH(int_subtract, as_float(as_int(x) - as_int(y)))
EACH(int_multiply, as_float(as_int(x) * as_int(y)))
EACH(int_and, as_float(as_int(x) & as_int(y)))
EACH(int_or, as_float(as_int(x) | as_int(y)))
EACH(int_xor, as_float(as_int(x) ^ as_int(y)))
EACH(int_not, as_float(~as_int(x)))
EACH(int_left, as_float(as_int(x) << 7))
EACH(int_right, as_float(as_int(x) >> 7))
EACH(word_right, as_float(as_word(x) >> 7))
EACH(int_to_float, to_float(as_int(x)))
EACH(int_greater, from_mask(as_int(x) > as_int(y)))
EACH(int_less_equal, from_mask(as_int(x) <= as_int(y)))
EACH(int_equal, from_mask(as_int(x) == as_int(y)))

static inline Float high_product(Float x, Float y) {
    Word high, low;
    multiply_wide(as_word(x), as_word(y), high, low);
    return as_float(high);
}
static inline Float low_product(Float x, Float y) {
    Word high, low;
    multiply_wide(as_word(x), as_word(y), high, low);
    return as_float(low);
}
EACH(word_high, high_product(x, y))
EACH(word_low, low_product(x, y))

// Rows of 32: one result per row
#define ROWS(name)                                                                                      \
    extern "C" void rows_##name(const float* x, float* z, std::int64_t rows) {                          \
        for (std::int64_t i = 0; i < rows; ++i) {                                                       \
            Float parts[row_parts];                                                                     \
            for (int j = 0; j < row_parts; ++j) parts[j] = load(x + i * row_width + j * width);         \
            z[i] = name(parts);                                                                         \
        }                                                                                               \
    }
ROWS(sum_row)
ROWS(maximum_row)
ROWS(minimum_row)

extern "C" void run_philox(std::uint32_t key0, std::uint32_t key1, std::uint32_t step, std::uint32_t purpose,
                           std::uint64_t first, std::uint64_t count, std::uint32_t* words) {
    philox_fill({{key0, key1}, step, purpose}, first, count, words);
}

extern "C" int lane_count() { return width; }

// Bit l of each answer belongs to lane l; first_lanes(count) for count = 0, 1, ..., width + 1.
extern "C" void masks_of(std::uint32_t* bits, int* anys, int* alls) {
    for (int count = 0; count <= width + 1; ++count) {
        const Mask m = first_lanes(count);
        bits[count] = bits_of(m);
        anys[count] = any(m);
        alls[count] = all(m);
    }
}

#if defined(__x86_64__)
extern "C" int has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
extern "C" int has_avx512() {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}
#endif

// Flushing: subnormal numbers are treated as zero while a program runs. Gradients and moments that decay into them
// would make operations on them about a hundred times slower.
#pragma once

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif
#include <cstdint>

namespace backpass::native {

// Sets flush-to-zero and denormals-are-zero for this thread, and restores the previous mode.
class Flushing {
  public:
#if defined(__x86_64__) || defined(_M_X64)
    Flushing() : before_(_mm_getcsr()) { _mm_setcsr(before_ | 0x8040); }
    ~Flushing() { _mm_setcsr(before_); }

  private:
    unsigned before_;
#elif defined(__aarch64__)
    Flushing() {
        asm volatile("mrs %0, fpcr" : "=r"(before_));
        asm volatile("msr fpcr, %0" : : "r"(before_ | (std::uint64_t{1} << 24)));
    }
    ~Flushing() { asm volatile("msr fpcr, %0" : : "r"(before_)); }

  private:
    std::uint64_t before_;
#else
    Flushing() {}
#endif
  public:
    Flushing(const Flushing&) = delete;
    Flushing& operator=(const Flushing&) = delete;
};

}  // namespace backpass::native

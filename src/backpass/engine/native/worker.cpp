// See worker.hpp.
#include "worker.hpp"

#include "spinning.hpp"

#if defined(__linux__)
#include <unistd.h>
#endif

namespace backpass::native {

void Worker::wait_for_change(const std::atomic<std::uint32_t>& value, std::uint32_t old) {
    if (spin_for_change(value, old)) return;
    is_asleep_.store(true, std::memory_order_release);
    while (value.load(std::memory_order_acquire) == old) value.wait(old, std::memory_order_acquire);
    is_asleep_.store(false, std::memory_order_relaxed);
#if defined(__linux__)
    if (!is_migrated_.load(std::memory_order_acquire)) return;
    sched_setaffinity(number_, sizeof allowed_, &allowed_);
    is_migrated_.store(false, std::memory_order_release);
#endif
}

#if defined(__linux__)

void Worker::begin() { number_ = gettid(); }

// If a call fails, the scheduler decides.
void Worker::migrate() {
    if (!is_asleep_.load(std::memory_order_acquire) || is_migrated_.load(std::memory_order_acquire)) return;
    const int here = sched_getcpu();
    if (here < 0 || here >= CPU_SETSIZE || sched_getaffinity(0, sizeof allowed_, &allowed_) != 0) return;
    cpu_set_t others = allowed_;
    CPU_CLR(here, &others);
    if (CPU_COUNT(&others) == 0 || sched_setaffinity(number_, sizeof others, &others) != 0) return;
    is_migrated_.store(true, std::memory_order_release);
}

#else

void Worker::begin() {}
void Worker::migrate() {}

#endif

}  // namespace backpass::native

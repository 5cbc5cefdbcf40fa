// A worker: a thread that waits for work, and wakes on another core than that of the thread that wakes it.
//
// A scheduler may put a waking thread on the core of its waker although others are idle. On virtual machines whose
// scheduler packs threads, the two took turns for 4 ms before one was moved. Therefore the waker restricts a sleeping
// worker to the other cores, and the worker lifts the restriction when it is awake (Linux only).
#pragma once

#include <atomic>
#include <cstdint>

#if defined(__linux__)
#include <sched.h>
#endif

namespace backpass::native {

class Worker {
  public:
    // Called by the thread itself, first.
    void begin();
    // Called by the thread itself: returns when `value` is no longer `old`.
    void wait_for_change(const std::atomic<std::uint32_t>& value, std::uint32_t old);
    // Called by the thread that is about to change the value: the worker will wake on another core.
    void migrate();

  private:
    std::atomic<bool> is_asleep_{false};
#if defined(__linux__)
    int number_ = 0;  // the kernel's number of the thread
    cpu_set_t allowed_{};  // the cores that it may use when it is awake
    std::atomic<bool> is_migrated_{false};
#endif
};

}  // namespace backpass::native

// A sleeper: a thread that waits for work, and wakes on another core than the one where whoever wakes it is busy.
//
// Left to itself, a scheduler may put a thread that wakes on the core of the one that woke it, even where others are idle:
// on virtual machines whose scheduler packs threads, the two then took turns for 4 ms before one was moved.
#pragma once

#include <atomic>
#include <cstdint>

#if defined(__linux__)
#include <sched.h>
#endif

namespace backpass::native {

class Sleeper {
  public:
    // For the thread itself, first of all.
    void begin();
    // For the thread itself: returns when `value` is no longer `old`.
    void wait_for_change(const std::atomic<std::uint32_t>& value, std::uint32_t old);
    // For the one who is about to change the value.
    void send_elsewhere();

  private:
    std::atomic<bool> is_asleep_{false};
#if defined(__linux__)
    int number_ = 0;  // of the thread
    cpu_set_t allowed_{};  // when it has woken up
    std::atomic<bool> is_sent_{false};
#endif
};

}  // namespace backpass::native

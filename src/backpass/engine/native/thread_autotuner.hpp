// The thread-count autotuner: measures whether a program runs faster on one thread or on all. Every thread count gives
// the same bits, so the choice may depend on the machine: small programs lose time at barriers, and all programs do on
// busy cores.
#pragma once

#include <cstdint>

namespace backpass::native {

// Keeps the time of a step on one thread and on all: the faster of the last two bursts on each, because a thread that
// loses its core once says nothing about the next burst. Not thread-safe.
class ThreadAutotuner {
  public:
    // The duration of a burst of steps on one thread count: a fraction of what waiting for a busy core can cost.
    static constexpr double kBurstSeconds = 0.008;

    // The number of threads for the next burst: 1 or `most`.
    int select(int most) {
        if (most == 1) return 1;
        if (tried_[0] < kTrials) return 1;
        if (tried_[1] < kTrials) return most;
        const bool all_are_faster = seconds(1) < seconds(0);
        if (all_are_faster != were_faster_) {
            were_faster_ = all_are_faster;
            since_trial_ = 0;
            until_trial_ = kSoonest;
        }
        const bool is_trial = ++since_trial_ == until_trial_;  // of the slower count so far
        if (is_trial) {
            since_trial_ = 0;
            until_trial_ = until_trial_ < kLatest ? 2 * until_trial_ : kLatest;
        }
        return all_are_faster != is_trial ? most : 1;
    }

    std::int64_t steps(int threads) const {
        if (tried_[0] == 0) return 1;  // memory is cold; this burst only determines the length of the next
        const double step = seconds(threads > 1 && tried_[1] > 0);
        return step * 1e6 > kBurstSeconds ? static_cast<std::int64_t>(kBurstSeconds / step) + 1 : 1000000;
    }

    void record(int threads, double seconds_per_step) {
        const int i = threads > 1;
        last_[i][tried_[i] % 2] = seconds_per_step;
        ++tried_[i];
    }

  private:
    double seconds(int i) const {
        return tried_[i] == 1 || last_[i][0] < last_[i][1] ? last_[i][0] : last_[i][1];
    }

    static constexpr unsigned kTrials = 2, kSoonest = 4, kLatest = 64;  // bursts
    double last_[2][2] = {};
    unsigned tried_[2] = {0, 0}, since_trial_ = 0, until_trial_ = kSoonest;
    bool were_faster_ = false;
};

}  // namespace backpass::native

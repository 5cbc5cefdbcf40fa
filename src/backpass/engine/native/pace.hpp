// The pace: how many threads a program is best run on, found by trying. Every number of threads gives the same bits, so
// this may follow the machine: small programs lose by waiting for each other, and all do where cores are busy elsewhere.
#pragma once

#include <cstdint>

namespace backpass::native {

// Times of a step on one thread and on all of them. Not shared between threads.
class Pace {
  public:
    // Steps in a row on one number of threads take about this long: a fraction of what waiting for a busy core can cost.
    static constexpr double kBurstSeconds = 0.008;

    // The number of threads for the next burst: 1 or `most`.
    int choose(int most) {
        if (most == 1) return 1;
        if (tried_[0] < kTrials) return 1;
        if (tried_[1] < kTrials) return most;
        const bool all_are_faster = seconds_[1] < seconds_[0];
        return (++bursts_ % kBetweenTrials == 0) == all_are_faster ? 1 : most;
    }

    std::int64_t steps(int threads) const {
        if (tried_[0] == 0) return 1;
        const double seconds = seconds_[threads > 1 && tried_[1] > 0];
        return seconds * 1e6 > kBurstSeconds ? static_cast<std::int64_t>(kBurstSeconds / seconds) + 1 : 1000000;
    }

    void note(int threads, double seconds_per_step) {
        const int i = threads > 1;
        // The first step meets cold memory, and the first burst threads that are not there yet.
        seconds_[i] = tried_[i] < 2 ? seconds_per_step : 0.5 * (seconds_[i] + seconds_per_step);
        ++tried_[i];
    }

  private:
    static constexpr int kTrials = 3, kBetweenTrials = 25;
    double seconds_[2] = {0.0, 0.0};
    int tried_[2] = {0, 0};
    int bursts_ = 0;
};

}  // namespace backpass::native

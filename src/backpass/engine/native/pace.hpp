// The pace: how many threads a program is best run on, found by trying. Every number of threads gives the same bits, so
// this may follow the machine: small programs lose by waiting for each other, and all do where cores are busy elsewhere.
#pragma once

#include <cstdint>

namespace backpass::native {

// Times of a step on one thread and on all of them: of the last two bursts on each the faster, as a thread that loses its
// core for once says nothing of the next burst. Not shared between threads.
class Pace {
  public:
    // Steps in a row on one number of threads take about this long: a fraction of what waiting for a busy core can cost.
    static constexpr double kBurstSeconds = 0.008;

    // The number of threads for the next burst: 1 or `most`.
    int choose(int most) {
        if (most == 1) return 1;
        if (tried_[0] < kTrials) return 1;
        if (tried_[1] < kTrials) return most;
        const bool all_are_faster = seconds(1) < seconds(0);
        if (all_are_faster != were_faster_) {
            were_faster_ = all_are_faster;
            since_trial_ = 0;
            until_trial_ = kSoonest;
        }
        const bool is_trial = ++since_trial_ == until_trial_;  // of what is the slower one so far
        if (is_trial) {
            since_trial_ = 0;
            until_trial_ = until_trial_ < kLatest ? 2 * until_trial_ : kLatest;
        }
        return all_are_faster != is_trial ? most : 1;
    }

    std::int64_t steps(int threads) const {
        if (tried_[0] == 0) return 1;  // it meets cold memory, and only says how long a burst should be
        const double step = seconds(threads > 1 && tried_[1] > 0);
        return step * 1e6 > kBurstSeconds ? static_cast<std::int64_t>(kBurstSeconds / step) + 1 : 1000000;
    }

    void note(int threads, double seconds_per_step) {
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

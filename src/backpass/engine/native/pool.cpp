// See pool.hpp.
#include "pool.hpp"

#if defined(_WIN32)
#include <process.h>
#define getpid _getpid
#else
#include <unistd.h>
#endif
#include "spinning.hpp"

namespace backpass::native {

void Barrier::wait() {
    if (threads_ == 1) return;
    const int round = round_.load(std::memory_order_relaxed);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads_) {
        arrived_.store(0, std::memory_order_relaxed);
        round_.store(round + 1, std::memory_order_release);
        round_.notify_all();
        return;
    }
    wait_for_change(round_, round);
}

bool StartGate::admit(Point here) {
    if (waiting_.load(std::memory_order_acquire) < others_) return false;
    point_ = here;
    state_.store(Open, std::memory_order_release);
    state_.notify_all();
    return true;
}

void StartGate::close() {
    int shut = Shut;
    if (state_.compare_exchange_strong(shut, Closed, std::memory_order_relaxed)) state_.notify_all();
}

std::optional<Point> StartGate::wait() {
    waiting_.fetch_add(1, std::memory_order_acq_rel);
    wait_for_change(state_, static_cast<int>(Shut));
    if (state_.load(std::memory_order_acquire) != Open) return std::nullopt;
    return point_;
}

void Pool::grow(int threads) {
    while (static_cast<int>(workers_.size()) < threads - 1) {
        Worker& worker = workers_.emplace_back();
        const int thread = static_cast<int>(workers_.size());
        std::thread([this, &worker, thread, seen = call_.load()]() mutable {
            worker.begin();
            for (;;) {
                worker.wait_for_change(call_, seen);
                seen = call_.load(std::memory_order_acquire);
                if (thread >= static_cast<int>(seen % kMostThreads) || !begin(seen)) continue;
                job_.function(job_.context, thread);
                begun_.fetch_sub(1, std::memory_order_acq_rel);
                begun_.notify_all();
            }
        }).detach();
    }
}

// Whether a call may still be begun; if so, counts this thread.
bool Pool::begin(std::uint32_t call) {
    std::uint64_t now = begun_.load(std::memory_order_relaxed);
    do {
        if (now >> 32 != call) return false;
    } while (!begun_.compare_exchange_weak(now, now + 1, std::memory_order_acquire, std::memory_order_relaxed));
    return true;
}

bool Pool::try_run(int threads, Job job) {
    std::unique_lock<std::mutex> lock(in_use_, std::try_to_lock);
    if (!lock.owns_lock()) return false;
    grow(threads);
    job_ = job;
    const std::uint32_t last = call_.load(std::memory_order_relaxed);
    const std::uint32_t call = (last / kMostThreads + 1) % (1 << 20) * kMostThreads +
        static_cast<std::uint32_t>(threads);
    begun_.store(std::uint64_t{call} << 32, std::memory_order_release);
    for (int thread = 1; thread < threads; ++thread) workers_[static_cast<std::size_t>(thread) - 1].migrate();
    call_.store(call, std::memory_order_release);
    call_.notify_all();
    job.function(job.context, 0);
    begun_.fetch_and(0xffffffff, std::memory_order_acq_rel);  // 0 is not a call
    for (std::uint64_t left; (left = begun_.load(std::memory_order_acquire)) > 0;) wait_for_change(begun_, left);
    return true;
}

Pool& Pool::shared() {
    // Leaked on purpose: its threads may still sleep in it when the process ends. Not guarded by a lock: a lock that
    // another thread held during a fork would stay locked in the child.
    static std::atomic<Pool*> shared{nullptr};
    const int process = static_cast<int>(getpid());
    Pool* found = shared.load(std::memory_order_acquire);
    while (found == nullptr || found->process_ != process) {
        auto* fresh = new Pool(process);
        if (shared.compare_exchange_strong(found, fresh, std::memory_order_acq_rel)) return *fresh;
        delete fresh;
    }
    return *found;
}

}  // namespace backpass::native

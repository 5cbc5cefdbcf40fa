// The thread pool, the barrier between instructions, and the start gate at which threads join a run.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "worker.hpp"

namespace backpass::native {

constexpr int kMostThreads = 1024;

// A position in a run: a step and an instruction.
struct Point {
    std::int64_t step = 0;
    std::size_t instruction = 0;
};

// Threads spin for a while, because the others are usually less than a microsecond away, and then sleep, so that they
// do not occupy a core that others need.
class Barrier {
  public:
    explicit Barrier(int threads) : threads_(threads) {}
    void wait();

  private:
    const int threads_;
    alignas(64) std::atomic<int> arrived_{0};
    alignas(64) std::atomic<int> round_{0};
};

// Threads 1, 2, ... wait here until thread 0 admits them. A sleeping thread may take milliseconds to wake up; thread 0
// does not wait for it, but works alone until all have arrived.
class StartGate {
  public:
    explicit StartGate(int threads) : others_(threads - 1) {}

    // Called by thread 0: whether all others have arrived; they then continue from this point.
    bool admit(Point here);
    // Called by thread 0 at the end: threads that were not admitted leave.
    void close();
    // Called by the others: the point from which to continue, or nothing if the run is over.
    std::optional<Point> wait();

  private:
    enum State { Shut, Open, Closed };
    const int others_;
    Point point_{};
    alignas(64) std::atomic<int> waiting_{0};
    alignas(64) std::atomic<int> state_{Shut};
};

// A function of a thread number; not owned.
struct Job {
    void (*function)(void* context, int thread);
    void* context;
};

class Pool {
  public:
    // Runs a job on threads 0 (the caller), 1, ..., threads - 1. Returns when thread 0 and all others that have begun
    // by then are done; the rest skip the job. Returns false without running anything if the pool is in use.
    bool try_run(int threads, Job job);

    // The pool of this process. After a fork the child gets a new one: threads do not survive a fork.
    static Pool& shared();

  private:
    explicit Pool(int process) : process_(process) {}
    void grow(int threads);
    bool begin(std::uint32_t call);

    const int process_;  // the process that the threads belong to
    std::mutex in_use_;
    std::deque<Worker> workers_;  // threads 1, 2, ...; never joined: they sleep until the process ends
    Job job_{};
    // The number of the job, and in the low bits its thread count. They are read together, so that a thread that wakes
    // late, when the next job has begun, cannot confuse the two.
    alignas(64) std::atomic<std::uint32_t> call_{0};
    // The call that may be begun, or 0, and how many other threads are running it: in one word, so that no thread
    // begins a call that is over.
    alignas(64) std::atomic<std::uint64_t> begun_{0};
};

}  // namespace backpass::native

// The pool: threads that wait for work, the barrier at which they meet between instructions, and the door before it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "sleeper.hpp"

namespace backpass::native {

constexpr int kMostThreads = 1024;

// A place in the course of a program: a step, and an instruction.
struct Point {
    std::int64_t step = 0;
    std::size_t instruction = 0;
};

// Everybody spins for a while, because the others are usually less than a microsecond away, and then sleeps, so that a
// busy core is left to whoever needs it.
class Barrier {
  public:
    explicit Barrier(int threads) : threads_(threads) {}
    void wait();

  private:
    const int threads_;
    alignas(64) std::atomic<int> arrived_{0};
    alignas(64) std::atomic<int> round_{0};
};

// Where threads 1, 2, ... wait until thread 0 lets them in. A thread that was asleep may take milliseconds to come, and
// thread 0 does not wait for it: it works alone until all are there.
class Door {
  public:
    explicit Door(int threads) : others_(threads - 1) {}

    // For thread 0: whether all others are here; they then go on from this point.
    bool let_in(Point here);
    // For thread 0, in the end: those who were not let in go away.
    void close();
    // For the others: the point from which to go on, or nothing.
    std::optional<Point> wait();

  private:
    enum State { Shut, Open, Closed };
    const int others_;
    Point point_{};
    alignas(64) std::atomic<int> waiting_{0};
    alignas(64) std::atomic<int> state_{Shut};
};

// A function of the number of a thread; not owned.
struct Job {
    void (*function)(void* context, int thread);
    void* context;
};

class Pool {
  public:
    // Runs job on threads 0 (the caller's own), 1, ..., threads - 1, and returns when thread 0 is done and so are those of
    // the others that had begun by then; the job is over for the rest. False, and nothing is run, when somebody else is
    // using the pool.
    bool try_run(int threads, Job job);

    // The pool of this process. After a fork the child gets a new one: threads do not survive a fork.
    static Pool& shared();

  private:
    explicit Pool(int process) : process_(process) {}
    void grow(int threads);
    bool begin(std::uint32_t call);

    const int process_;  // whose threads they are
    std::mutex in_use_;
    std::deque<Sleeper> sleepers_;  // of threads 1, 2, ..., which are never joined: they sleep until the process ends
    Job job_{};
    // The number of the job, and in the low bits how many threads it wants: read together, so that a thread which wakes
    // late, when the next job has begun, cannot mistake the one for the other.
    alignas(64) std::atomic<std::uint32_t> call_{0};
    // Which call may be begun, or none, and how many others have begun it and are not done: in one word, so that nobody
    // begins a call that is over.
    alignas(64) std::atomic<std::uint64_t> begun_{0};
};

}  // namespace backpass::native

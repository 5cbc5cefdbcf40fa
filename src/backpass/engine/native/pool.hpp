// The pool: threads that wait for work, and the barrier at which they meet between instructions.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace backpass::native {

constexpr int kMostThreads = 1024;

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

// A function of the number of a thread; not owned.
struct Job {
    void (*function)(void* context, int thread);
    void* context;
};

class Pool {
  public:
    // Runs job on threads 0 (the caller's own), 1, ..., threads - 1, and returns when all are done. False, and nothing is
    // run, when somebody else is using the pool.
    bool try_run(int threads, Job job);

    // The pool of this process. After a fork the child gets a new one: threads do not survive a fork.
    static Pool& shared();

  private:
    explicit Pool(int process) : process_(process) {}
    void grow(int threads);
    void work(int thread);

    const int process_;  // whose threads they are
    std::mutex in_use_;
    std::vector<std::thread> threads_;  // never joined: they sleep until the process ends
    Job job_{};
    // The number of the job, and in the low bits how many threads it wants: read together, so that a thread which wakes
    // late, when the next job has begun, cannot mistake the one for the other.
    alignas(64) std::atomic<int> call_{0};
    alignas(64) std::atomic<int> running_{0};
};

}  // namespace backpass::native

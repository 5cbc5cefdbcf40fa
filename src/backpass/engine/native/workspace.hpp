// A workspace: the memory of one run. A pool keeps the workspaces of finished runs for later runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

namespace backpass::native {

// The arena, and scratch for each thread.
class Workspace {
  public:
    Workspace(std::int64_t arena_bytes, std::int64_t scratch_bytes, int threads);  // throws std::bad_alloc
    std::byte* arena() const { return start_; }
    std::byte* scratch(int thread) const { return start_ + arena_bytes_ + thread * scratch_bytes_; }
    int threads() const { return threads_; }

  private:
    friend class WorkspacePool;
    struct Free {
        void operator()(std::byte*) const;
    };
    std::int64_t arena_bytes_, scratch_bytes_;
    int threads_;
    std::unique_ptr<std::byte, Free> memory_;
    std::byte* start_;
    std::unique_ptr<Workspace> next_;  // in the pool's free list
};

// Reuses workspaces, because fresh memory costs more than a short run. It holds as many as there were concurrent runs.
class WorkspacePool {
  public:
    struct Return {
        WorkspacePool* pool;
        void operator()(Workspace* workspace) const { pool->put(std::unique_ptr<Workspace>(workspace)); }
    };
    using Lease = std::unique_ptr<Workspace, Return>;  // returns to the pool when it is destroyed

    // A workspace for at least this many threads; the sizes must always be the same. Throws std::bad_alloc.
    Lease take(std::int64_t arena_bytes, std::int64_t scratch_bytes, int threads);

  private:
    void put(std::unique_ptr<Workspace> workspace);

    // Only try_lock is used: in the child of a fork, the thread that held it may be gone.
    std::mutex in_use_;
    std::unique_ptr<Workspace> free_;
};

}  // namespace backpass::native

// A workspace: the memory of one run. A shelf keeps those of the runs that have ended for the runs to come.
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
    friend class Shelf;
    struct Free {
        void operator()(std::byte*) const;
    };
    std::int64_t arena_bytes_, scratch_bytes_;
    int threads_;
    std::unique_ptr<std::byte, Free> memory_;
    std::byte* start_;
    std::unique_ptr<Workspace> next_;  // on the shelf
};

// As many workspaces as there were runs at the same time. Fresh memory costs more than a short run.
class Shelf {
  public:
    struct PutBack {
        Shelf* shelf;
        void operator()(Workspace* workspace) const { shelf->put(std::unique_ptr<Workspace>(workspace)); }
    };
    using Lease = std::unique_ptr<Workspace, PutBack>;  // goes back to the shelf in the end

    // Always the same sizes, and for at least so many threads. Throws std::bad_alloc.
    Lease take(std::int64_t arena_bytes, std::int64_t scratch_bytes, int threads);

  private:
    void put(std::unique_ptr<Workspace> workspace);

    // Only ever tried: in the child of a fork nobody may be left to open it.
    std::mutex in_use_;
    std::unique_ptr<Workspace> free_;
};

}  // namespace backpass::native

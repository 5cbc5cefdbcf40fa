// A program: the instructions of one planned circuit, and the memory they work in.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "decoder.hpp"
#include "pace.hpp"

namespace backpass::native {

// Memory of one run: the arena, and scratch for each thread.
class Workspace {
  public:
    Workspace(std::int64_t arena_bytes, std::int64_t scratch_bytes, int threads);  // throws std::bad_alloc
    std::byte* arena() const { return start_; }
    std::byte* scratch(int thread) const { return start_ + arena_bytes_ + thread * scratch_bytes_; }

  private:
    struct Free {
        void operator()(std::byte*) const;
    };
    std::int64_t arena_bytes_, scratch_bytes_;
    std::unique_ptr<std::byte, Free> memory_;
    std::byte* start_;
};

// An array from outside: its buffer's memory.
struct Given {
    std::byte* data;
    std::int64_t bytes;
};

// What a program reads and writes that moves from step to step of an epoch. A buffer of -1 means there is none.
struct Walk {
    std::int64_t settings_buffer = -1, settings_bytes = 0;  // bytes from one step's settings to the next
    std::int64_t rows_buffer = -1, rows_bytes = 0;
    std::int64_t step_buffer = -1;  // uint32, counted up
    std::int64_t loss_buffer = -1;  // the loss of each step, copied out after it
    bool loss_is_double = false;
};

enum class Ending { Done, Stopped, NotFinite, IndexFault };

struct Progress {
    std::int64_t steps = 0;  // taken completely
    Ending ending = Ending::Done;
};

struct Threads {
    int most = 1;
    bool may_be_fewer = false;  // whether one thread does where it is faster
};

class Program {
  public:
    // The first two buffers are the arena and the constants; `sizes` are those of the others.
    Program(const std::vector<std::vector<std::int64_t>>& instructions, std::vector<std::byte> constants,
            std::int64_t arena_bytes, const std::vector<std::int64_t>& sizes, const Kernels& kernels, Tiling tiling);

    // Takes `steps` steps one after another. `should_stop` is asked now and then, by the calling thread alone, and told
    // how many steps are done.
    Progress run(const std::vector<Given>& given, const Walk& walk, std::int64_t steps, Threads threads, double* losses,
                 const std::function<bool(std::int64_t)>& should_stop);

    std::int64_t arena_bytes() const { return arena_bytes_; }

    // How many maps run as chains instead of in the interpreter.
    std::int64_t compiled_maps() const;

  private:
    struct Run;
    void execute(const Instruction& instruction, const Frame& frame, const Run& run) const;
    void take_burst(Run& run, int threads) const;
    void take_steps(Run& run, int thread) const;
    void finish_step(Run& run) const;
    void guard(Run& run, const Guard& guard, const Frame& frame) const;
    bool is_finite(const Guard& guard, const Frame& frame) const;
    void check(const std::vector<Given>& given, const Walk& walk, std::int64_t steps) const;

    std::vector<std::byte> constants_;
    std::int64_t arena_bytes_;
    std::int64_t scratch_bytes_;
    std::vector<std::int64_t> sizes_;
    const Kernels& kernels_;
    Tiling tiling_;
    Decoder decoder_;
    std::vector<Instruction> instructions_;
    std::mutex kept_in_use_;  // guards what follows
    Pace pace_;
    std::unique_ptr<Workspace> kept_;  // from the last run; another run at the same time makes its own
    int kept_threads_ = 0;
};

}  // namespace backpass::native

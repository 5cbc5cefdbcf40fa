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
#include "workspace.hpp"

namespace backpass::native {

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

    // Once, on the calling thread alone. Safe to call from several threads at a time.
    Ending run_alone(const std::vector<Given>& given);

    // Blocks of rows one by one, whichever thread is free taking the next: array i of a block lies apart[i] bytes behind
    // that of the block before. `is_interrupted` is asked now and then, by the calling thread alone.
    Ending run_blocks(const std::vector<Given>& given, const std::vector<std::int64_t>& apart, std::int64_t blocks,
                      int threads, const std::function<bool()>& is_interrupted);

    // How many maps run as chains instead of in the interpreter.
    std::int64_t compiled_maps() const;

  private:
    struct Run;
    using Buffers = std::vector<std::byte*>;
    using Sizes = std::vector<std::int64_t>;
    Shelf::Lease lease(int threads);
    Buffers buffers_of(const std::vector<Given>& given, const Workspace& workspace);
    Sizes sizes_of(const std::vector<Given>& given) const;
    void execute(const Instruction& instruction, const Frame& frame, const Sizes& bytes) const;
    int take_all(const Buffers& buffers, const Sizes& bytes, std::byte* scratch) const;
    void take_burst(Run& run, int threads) const;
    static bool goes_along(const Instruction& before, const Instruction& after);
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
    Shelf shelf_;
    std::mutex pace_in_use_;
    Pace pace_;
};

}  // namespace backpass::native

// A program: the instructions of a planned circuit, and the memory that they use.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "decoder.hpp"
#include "thread_autotuner.hpp"
#include "workspace.hpp"

namespace backpass::native {

// An array of the caller: the memory of a buffer.
struct BufferArg {
    std::byte* data;
    std::int64_t bytes;
};

// The buffers that advance from step to step of an epoch, and by how much. A buffer of -1 means that there is none.
struct StepStrides {
    std::int64_t settings_buffer = -1, settings_bytes = 0;  // the distance between the settings of two steps
    std::int64_t rows_buffer = -1, rows_bytes = 0;
    std::int64_t step_buffer = -1;  // uint32, incremented
    std::int64_t loss_buffer = -1;  // the loss of each step, copied out after it
    bool loss_is_double = false;
};

enum class Status { Done, Stopped, NotFinite, IndexOutOfRange };

struct Progress {
    std::int64_t steps = 0;  // completed
    Status status = Status::Done;
};

struct Threads {
    int most = 1;
    bool may_be_fewer = false;  // whether to use one thread if that is faster
};

class Program {
  public:
    // The first two buffers are the arena and the constants; `sizes` are those of the others.
    Program(const std::vector<std::vector<std::int64_t>>& instructions, std::vector<std::byte> constants,
            std::int64_t arena_bytes, const std::vector<std::int64_t>& sizes, const Kernels& kernels, Tiling tiling);

    // Runs `steps` steps one after another. The calling thread calls `should_stop` from time to time with the number of
    // completed steps.
    Progress run(const std::vector<BufferArg>& args, const StepStrides& strides, std::int64_t steps, Threads threads,
                 double* losses, const std::function<bool(std::int64_t)>& should_stop);

    // Runs once, on the calling thread only. Thread-safe.
    Status run_alone(const std::vector<BufferArg>& args);

    // Runs blocks of rows; each thread takes the next block when it is free. Array i of a block starts stride_bytes[i]
    // bytes after that of the previous block. The calling thread calls `is_interrupted` from time to time.
    Status run_blocks(const std::vector<BufferArg>& args, const std::vector<std::int64_t>& stride_bytes,
                      std::int64_t blocks, int threads, const std::function<bool()>& is_interrupted);

    // The number of maps that run as fused kernels instead of in the interpreter.
    std::int64_t compiled_maps() const;

  private:
    struct Run;
    using Buffers = std::vector<std::byte*>;
    using Sizes = std::vector<std::int64_t>;
    WorkspacePool::Lease lease(int threads);
    Buffers buffers_of(const std::vector<BufferArg>& args, const Workspace& workspace);
    Sizes sizes_of(const std::vector<BufferArg>& args) const;
    void execute(const Instruction& instruction, const Frame& frame, const Sizes& bytes) const;
    int run_all(const Buffers& buffers, const Sizes& bytes, std::byte* scratch) const;
    void run_burst(Run& run, int threads) const;
    static bool needs_no_barrier(const Instruction& before, const Instruction& after);
    void run_steps(Run& run, int thread) const;
    void finish_step(Run& run) const;
    void guard(Run& run, const Guard& guard, const Frame& frame) const;
    bool is_finite(const Guard& guard, const Frame& frame) const;
    void check(const std::vector<BufferArg>& args, const StepStrides& strides, std::int64_t steps) const;

    std::vector<std::byte> constants_;
    std::int64_t arena_bytes_;
    std::int64_t scratch_bytes_;
    std::vector<std::int64_t> sizes_;
    const Kernels& kernels_;
    Tiling tiling_;
    Decoder decoder_;
    std::vector<Instruction> instructions_;
    WorkspacePool workspaces_;
    std::mutex autotuner_in_use_;
    ThreadAutotuner autotuner_;
};

}  // namespace backpass::native

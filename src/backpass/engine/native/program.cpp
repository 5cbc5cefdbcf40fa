// See program.hpp.
#include "program.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <exception>

#include "flushing.hpp"
#include "movement.hpp"
#include "pool.hpp"

namespace backpass::native {
namespace {

constexpr std::int64_t kLeastScratch = 64;
constexpr auto kPollInterval = std::chrono::milliseconds(50);

}  // namespace

// The state of a run that its threads share.
struct Program::Run {
    Run(const StepStrides& step_strides, std::int64_t wanted) : strides(step_strides), steps(wanted) {}

    const StepStrides& strides;
    std::int64_t steps;
    std::int64_t burst = 0;  // steps on the current thread count
    int threads = 1;
    std::unique_ptr<Barrier> barrier;
    std::unique_ptr<StartGate> gate;
    Buffers buffers;
    Sizes bytes;
    const Workspace* workspace = nullptr;
    double* losses = nullptr;
    const std::function<bool(std::int64_t)>* should_stop = nullptr;
    std::chrono::steady_clock::time_point next_poll;
    std::uint32_t step_number = 0;
    int frame_error = kNoError;
    // Two flags, each set at one place in a step and read after the barrier that follows. With a single flag, a thread
    // that reads it late at the guard could see the value that thread 0 sets at the end of the step, and leave too
    // early.
    std::atomic<bool> is_failed{false};  // at the guard
    std::atomic<bool> is_over{false};    // between steps
    Progress progress;
    std::exception_ptr error;

    void end(Status status, std::atomic<bool>& flag) {
        progress.status = status;
        flag.store(true, std::memory_order_relaxed);
    }

    void ask() {
        const auto now = std::chrono::steady_clock::now();
        if (!*should_stop || now < next_poll) return;
        next_poll = now + kPollInterval;
        try {
            if ((*should_stop)(progress.steps)) end(Status::Stopped, is_over);
        } catch (...) {
            error = std::current_exception();
            end(Status::Stopped, is_over);
        }
    }
};

Program::Program(const std::vector<std::vector<std::int64_t>>& instructions, std::vector<std::byte> constants,
                 std::int64_t arena_bytes, const std::vector<std::int64_t>& sizes, const Kernels& kernels,
                 Tiling tiling)
    : constants_(std::move(constants)),
      arena_bytes_(arena_bytes),
      scratch_bytes_(kLeastScratch),
      sizes_{arena_bytes, static_cast<std::int64_t>(constants_.size())},
      kernels_(kernels),
      tiling_(tiling),
      decoder_(sizes_, kernels) {
    if (arena_bytes < 0) refuse("a negative arena");
    sizes_.insert(sizes_.end(), sizes.begin(), sizes.end());
    for (const auto& words : instructions) {
        const Instruction instruction = decoder_.decode(words.data(), static_cast<std::int64_t>(words.size()));
        std::int64_t scratch = 0;
        if (instruction.opcode == Opcode::Map) scratch = instruction.map.registers * instruction.map.register_bytes;
        if (instruction.opcode == Opcode::Product) {
            const Product& product = instruction.product;
            scratch = product.is_bf16 ? kernels.bf16->product_scratch(product) : kernels.product_scratch(product);
        }
        if (instruction.opcode == Opcode::Reduce) scratch = kernels.reduce_scratch(instruction.reduce);
        if (scratch > scratch_bytes_) scratch_bytes_ = scratch;
        instructions_.push_back(instruction);
    }
}

std::int64_t Program::compiled_maps() const {
    return std::count_if(instructions_.begin(), instructions_.end(),
                         [](const Instruction& one) { return one.opcode == Opcode::Map && one.map.fused != nullptr; });
}

void Program::execute(const Instruction& instruction, const Frame& frame, const Sizes& bytes) const {
    switch (instruction.opcode) {
        case Opcode::Map: return kernels_.map(instruction.map, frame);
        case Opcode::Product: {
            const Product& product = instruction.product;
            return (product.is_bf16 ? kernels_.bf16->product : kernels_.product)(product, frame, tiling_);
        }
        case Opcode::Reduce: return kernels_.reduce(instruction.reduce, frame);
        case Opcode::Take: return run_take(instruction.take, frame);
        case Opcode::Scatter: return run_scatter(instruction.scatter, frame);
        case Opcode::Gather: {
            const Gather& g = instruction.gather;
            const std::int64_t size = bytes[static_cast<std::size_t>(g.data)];
            return run_gather(g, frame, g.row_bytes > 0 ? size / g.row_bytes : INT64_MAX);
        }
        case Opcode::Random: return kernels_.random(instruction.random, frame);
        case Opcode::Guard: return;
        case Opcode::Pack: return kernels_.bf16->pack(instruction.pack, frame);
    }
}

bool Program::is_finite(const Guard& guard, const Frame& frame) const {
    const std::byte* at = frame.buffers[guard.x.buffer] + guard.x.offset;
    double value;
    if (guard.x.dtype == Dtype::Float64) {
        std::memcpy(&value, at, sizeof value);
    } else {
        float narrow;
        std::memcpy(&narrow, at, sizeof narrow);
        value = narrow;
    }
    return value - value == 0.0;
}

void Program::guard(Run& run, const Guard& guard, const Frame& frame) const {
    if (run.frame_error != kNoError)
        run.end(Status::IndexOutOfRange, run.is_failed);
    else if (!is_finite(guard, frame))
        run.end(Status::NotFinite, run.is_failed);
}

// Called by thread 0 between two steps: stores the loss, advances the buffers, and checks whether to stop.
void Program::finish_step(Run& run) const {
    if (run.frame_error != kNoError) return run.end(Status::IndexOutOfRange, run.is_over);
    const auto buffer = [&](std::int64_t i) -> std::byte*& { return run.buffers[static_cast<std::size_t>(i)]; };
    const StepStrides& strides = run.strides;
    if (strides.loss_buffer >= 0) {
        float narrow;
        std::memcpy(&narrow, buffer(strides.loss_buffer), sizeof narrow);
        run.losses[run.progress.steps] = narrow;
        if (strides.loss_is_double)
            std::memcpy(&run.losses[run.progress.steps], buffer(strides.loss_buffer), sizeof(double));
    }
    if (strides.settings_buffer >= 0) buffer(strides.settings_buffer) += strides.settings_bytes;
    if (strides.rows_buffer >= 0) buffer(strides.rows_buffer) += strides.rows_bytes;
    ++run.step_number;
    ++run.progress.steps;
    if (run.progress.steps < run.steps) run.ask();
}

// Whether threads can run two consecutive instructions without a barrier in between: both belong to thread 0, or both
// to shards of the rows, or both are packings. The planner ensures that none of these writes what another reads.
bool Program::needs_no_barrier(const Instruction& before, const Instruction& after) {
    const bool are_packs = before.opcode == Opcode::Pack && after.opcode == Opcode::Pack;
    return before.executor == after.executor && (before.executor != Executor::All || are_packs);
}

// What one thread does of all steps. Thread 0 runs small instructions and the work between steps, and everything as
// long as the others have not arrived.
void Program::run_steps(Run& run, int thread) const {
    const Flushing flushing;
    std::byte* scratch = run.workspace->scratch(thread);
    const Frame shared{run.buffers.data(), scratch, thread, run.threads, &run.frame_error};
    const Frame alone{run.buffers.data(), scratch, 0, 1, &run.frame_error};
    Point at;
    bool is_alone = thread == 0;
    if (!is_alone) {
        const std::optional<Point> begin = run.gate->wait();
        if (!begin) return;
        at = *begin;
    }
    // No thread is admitted to a run that has ended, which only thread 0 knows: the others would never reach the
    // barrier.
    const auto synchronize = [&](std::int64_t step, std::size_t instruction) {
        if (!is_alone)
            run.barrier->wait();
        else if (!run.is_failed && !run.is_over)
            is_alone = !run.gate->admit({step, instruction});
    };
    const std::size_t count = instructions_.size();
    for (; at.step < run.burst; ++at.step, at.instruction = 0) {
        const Instruction* before = nullptr;
        for (std::size_t i = at.instruction; i < count; ++i) {
            const Instruction& instruction = instructions_[i];
            if (before != nullptr && !needs_no_barrier(*before, instruction)) synchronize(at.step, i);
            before = &instruction;
            if (instruction.executor == Executor::All && !is_alone)
                execute(instruction, shared, run.bytes);
            else if (is_alone ||
                     thread == (instruction.executor == Executor::Main ? 0 : instruction.shard % run.threads))
                execute(instruction, alone, run.bytes);
            if (instruction.opcode != Opcode::Guard) continue;
            if (thread == 0) guard(run, instruction.guard, alone);
            synchronize(at.step, i + 1);
            before = nullptr;
            if (run.is_failed.load(std::memory_order_relaxed)) return;
        }
        if (before != nullptr && before->executor != Executor::Main) synchronize(at.step, count);
        if (thread == 0) finish_step(run);
        synchronize(at.step + 1, 0);
        if (run.is_over.load(std::memory_order_relaxed)) return;
    }
}

void Program::check(const std::vector<BufferArg>& args, const StepStrides& strides, std::int64_t steps) const {
    if (args.size() + 2 != sizes_.size())
        refuse("expected " + std::to_string(sizes_.size() - 2) + " arrays; got " + std::to_string(args.size()));
    const auto bytes = [&](std::int64_t buffer) {
        if (buffer < 2 || buffer >= static_cast<std::int64_t>(sizes_.size())) refuse("no such buffer");
        return args[static_cast<std::size_t>(buffer - 2)].bytes;
    };
    // A buffer that advances must be long enough for all steps; sizes_ is the size of one step.
    const auto check_stride = [&](std::int64_t buffer, std::int64_t stride_bytes) {
        if (buffer < 0) return;
        const std::int64_t one = sizes_[static_cast<std::size_t>(buffer)];
        if (stride_bytes < 0 || bytes(buffer) < (steps - 1) * stride_bytes + (one == kAnySize ? 0 : one))
            refuse("a table is too short");
    };
    if (steps < 1) refuse("no steps");
    check_stride(strides.settings_buffer, strides.settings_bytes);
    check_stride(strides.rows_buffer, strides.rows_bytes);
    if (strides.step_buffer >= 0 && bytes(strides.step_buffer) < 4) refuse("the step number is too short");
    if (strides.loss_buffer >= 0 && bytes(strides.loss_buffer) < (strides.loss_is_double ? 8 : 4))
        refuse("the loss is too short");
    for (std::size_t i = 0; i < args.size(); ++i) {
        const auto buffer = static_cast<std::int64_t>(i) + 2;
        const bool is_strided = buffer == strides.settings_buffer || buffer == strides.rows_buffer;
        const std::int64_t expected = sizes_[i + 2];
        if (expected != kAnySize && (is_strided ? args[i].bytes < expected : args[i].bytes != expected))
            refuse("an array has the wrong size");
    }
    for (const Instruction& instruction : instructions_)
        if (instruction.opcode == Opcode::Gather) {
            const Gather& g = instruction.gather;
            if (g.data < 2) refuse("rows are gathered from an array");
            const std::int64_t rows = g.rows == strides.rows_buffer ? strides.rows_bytes : bytes(g.rows);
            if (rows < (g.first + g.count) * 8) refuse("the table of rows is too narrow");
            if (g.rows == strides.rows_buffer &&
                bytes(g.rows) < (steps - 1) * strides.rows_bytes + (g.first + g.count) * 8)
                refuse("the table of rows is too short");
        }
}

WorkspacePool::Lease Program::lease(int threads) { return workspaces_.take(arena_bytes_, scratch_bytes_, threads); }

Program::Buffers Program::buffers_of(const std::vector<BufferArg>& args, const Workspace& workspace) {
    Buffers buffers{workspace.arena(), constants_.data()};
    buffers.reserve(sizes_.size());
    for (const BufferArg& array : args) buffers.push_back(array.data);
    return buffers;
}

Program::Sizes Program::sizes_of(const std::vector<BufferArg>& args) const {
    Sizes bytes{arena_bytes_, static_cast<std::int64_t>(constants_.size())};
    bytes.reserve(sizes_.size());
    for (const BufferArg& array : args) bytes.push_back(array.bytes);
    return bytes;
}

// Runs the next steps, at most run.burst of them, on this many threads.
void Program::run_burst(Run& run, int threads) const {
    run.threads = threads;
    run.barrier = std::make_unique<Barrier>(threads);
    run.gate = std::make_unique<StartGate>(threads);
    struct Context {
        const Program* program;
        Run* run;
    } context{this, &run};
    const Job job{[](void* args, int thread) {
                      const Context& c = *static_cast<Context*>(args);
                      c.program->run_steps(*c.run, thread);
                      if (thread == 0) c.run->gate->close();
                  },
                  &context};
    if (threads > 1 && Pool::shared().try_run(threads, job)) return;
    // One thread is requested, or the pool is in use; one thread gives the same bits.
    run_steps(run, 0);
}

Progress Program::run(const std::vector<BufferArg>& args, const StepStrides& strides, std::int64_t steps,
                      Threads threads, double* losses, const std::function<bool(std::int64_t)>& should_stop) {
    check(args, strides, steps);
    if (threads.most < 1 || threads.most >= kMostThreads) refuse("threads out of range");
    const std::unique_lock<std::mutex> lock(autotuner_in_use_, std::try_to_lock);
    const WorkspacePool::Lease workspace = lease(threads.most);
    Run run(strides, steps);
    run.workspace = &*workspace;
    run.losses = losses;
    run.should_stop = &should_stop;
    run.buffers = buffers_of(args, *workspace);
    run.bytes = sizes_of(args);
    if (strides.step_buffer >= 0) {
        std::byte*& at = run.buffers[static_cast<std::size_t>(strides.step_buffer)];
        std::memcpy(&run.step_number, at, sizeof run.step_number);
        at = reinterpret_cast<std::byte*>(&run.step_number);
    }
    const bool tries = threads.may_be_fewer && lock.owns_lock();
    run.ask();
    const auto continues = [&] { return !run.is_over && !run.is_failed && run.progress.steps < steps; };
    while (continues()) {
        const int count = tries ? autotuner_.select(threads.most) : threads.most;
        const std::int64_t before = run.progress.steps, left = steps - before;
        run.burst = tries && threads.most > 1 ? std::min(left, autotuner_.steps(count)) : left;
        const auto start = std::chrono::steady_clock::now();
        run_burst(run, count);
        const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
        if (tries && run.progress.steps - before == run.burst)
            autotuner_.record(count, taken.count() / static_cast<double>(run.burst));
    }
    if (run.error) std::rethrow_exception(run.error);
    return run.progress;
}

}  // namespace backpass::native

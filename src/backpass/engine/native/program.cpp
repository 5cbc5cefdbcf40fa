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
constexpr auto kBetweenQuestions = std::chrono::milliseconds(50);

}  // namespace

// Everything one run shares between its threads.
struct Program::Run {
    Run(const Walk& walked, std::int64_t wanted) : walk(walked), steps(wanted) {}

    const Walk& walk;
    std::int64_t steps;
    std::int64_t burst = 0;  // steps that are taken on one number of threads
    int threads = 1;
    std::unique_ptr<Barrier> barrier;
    std::unique_ptr<Door> door;
    Buffers buffers;
    Sizes bytes;
    const Workspace* workspace = nullptr;
    double* losses = nullptr;
    const std::function<bool(std::int64_t)>* should_stop = nullptr;
    std::chrono::steady_clock::time_point next_question;
    std::uint32_t step_number = 0;
    int fault = kNoFault;
    // Two flags, each set at one place in a step and read behind the barrier that follows: were they one, a thread that is
    // late to read it at the guard could see what thread 0 has set at the end of the step, and leave too early.
    std::atomic<bool> is_failed{false};  // at the guard
    std::atomic<bool> is_over{false};    // between steps
    Progress progress;
    std::exception_ptr error;

    void end(Ending ending, std::atomic<bool>& flag) {
        progress.ending = ending;
        flag.store(true, std::memory_order_relaxed);
    }

    void ask() {
        const auto now = std::chrono::steady_clock::now();
        if (!*should_stop || now < next_question) return;
        next_question = now + kBetweenQuestions;
        try {
            if ((*should_stop)(progress.steps)) end(Ending::Stopped, is_over);
        } catch (...) {
            error = std::current_exception();
            end(Ending::Stopped, is_over);
        }
    }
};

Program::Program(const std::vector<std::vector<std::int64_t>>& instructions, std::vector<std::byte> constants,
                 std::int64_t arena_bytes, const std::vector<std::int64_t>& sizes, const Kernels& kernels, Tiling tiling)
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
        if (instruction.kind == Kind::Map) scratch = instruction.map.registers * instruction.map.register_bytes;
        if (instruction.kind == Kind::Product) {
            const Product& product = instruction.product;
            scratch = product.is_paired ? kernels.pairs->product_scratch(product) : kernels.product_scratch(product);
        }
        if (instruction.kind == Kind::Reduce) scratch = kernels.reduce_scratch(instruction.reduce);
        if (scratch > scratch_bytes_) scratch_bytes_ = scratch;
        instructions_.push_back(instruction);
    }
}

std::int64_t Program::compiled_maps() const {
    return std::count_if(instructions_.begin(), instructions_.end(),
                         [](const Instruction& one) { return one.kind == Kind::Map && one.map.chain != nullptr; });
}

void Program::execute(const Instruction& instruction, const Frame& frame, const Sizes& bytes) const {
    switch (instruction.kind) {
        case Kind::Map: return kernels_.map(instruction.map, frame);
        case Kind::Product: {
            const Product& product = instruction.product;
            return (product.is_paired ? kernels_.pairs->product : kernels_.product)(product, frame, tiling_);
        }
        case Kind::Reduce: return kernels_.reduce(instruction.reduce, frame);
        case Kind::Take: return run_take(instruction.take, frame);
        case Kind::Scatter: return run_scatter(instruction.scatter, frame);
        case Kind::Gather: {
            const Gather& g = instruction.gather;
            const std::int64_t size = bytes[static_cast<std::size_t>(g.data)];
            return run_gather(g, frame, g.row_bytes > 0 ? size / g.row_bytes : INT64_MAX);
        }
        case Kind::Random: return kernels_.random(instruction.random, frame);
        case Kind::Guard: return;
        case Kind::Pack: return kernels_.pairs->pack(instruction.pack, frame);
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
    if (run.fault != kNoFault)
        run.end(Ending::IndexFault, run.is_failed);
    else if (!is_finite(guard, frame))
        run.end(Ending::NotFinite, run.is_failed);
}

// Between two steps, by thread 0 alone: keeps the loss, moves on the walk, and asks whether to stop.
void Program::finish_step(Run& run) const {
    if (run.fault != kNoFault) return run.end(Ending::IndexFault, run.is_over);
    const auto buffer = [&](std::int64_t i) -> std::byte*& { return run.buffers[static_cast<std::size_t>(i)]; };
    const Walk& walk = run.walk;
    if (walk.loss_buffer >= 0) {
        float narrow;
        std::memcpy(&narrow, buffer(walk.loss_buffer), sizeof narrow);
        run.losses[run.progress.steps] = narrow;
        if (walk.loss_is_double) std::memcpy(&run.losses[run.progress.steps], buffer(walk.loss_buffer), sizeof(double));
    }
    if (walk.settings_buffer >= 0) buffer(walk.settings_buffer) += walk.settings_bytes;
    if (walk.rows_buffer >= 0) buffer(walk.rows_buffer) += walk.rows_bytes;
    ++run.step_number;
    ++run.progress.steps;
    if (run.progress.steps < run.steps) run.ask();
}

// Whether threads run two instructions that follow each other without waiting in between: where both are thread 0's own,
// or each thread's own parts of the rows, or both are packings that all share, as the planner lets none of those write
// where another reads.
bool Program::goes_along(const Instruction& before, const Instruction& after) {
    const bool are_packs = before.kind == Kind::Pack && after.kind == Kind::Pack;
    return before.doer == after.doer && (before.doer != Doer::All || are_packs);
}

// One thread's part of all steps. Thread 0 alone does small instructions and what comes between the steps, and while the
// others are not there yet it does everything.
void Program::take_steps(Run& run, int thread) const {
    const Flushing flushing;
    std::byte* scratch = run.workspace->scratch(thread);
    const Frame shared{run.buffers.data(), scratch, thread, run.threads, &run.fault};
    const Frame alone{run.buffers.data(), scratch, 0, 1, &run.fault};
    Point at;
    bool is_alone = thread == 0;
    if (!is_alone) {
        const std::optional<Point> begin = run.door->wait();
        if (!begin) return;
        at = *begin;
    }
    // Nobody is let in to a run that has ended: thread 0, which alone knows of it so far, would wait in vain.
    const auto meet = [&](std::int64_t step, std::size_t instruction) {
        if (!is_alone)
            run.barrier->wait();
        else if (!run.is_failed && !run.is_over)
            is_alone = !run.door->let_in({step, instruction});
    };
    const std::size_t count = instructions_.size();
    for (; at.step < run.burst; ++at.step, at.instruction = 0) {
        const Instruction* before = nullptr;
        for (std::size_t i = at.instruction; i < count; ++i) {
            const Instruction& instruction = instructions_[i];
            if (before != nullptr && !goes_along(*before, instruction)) meet(at.step, i);
            before = &instruction;
            if (instruction.doer == Doer::All && !is_alone)
                execute(instruction, shared, run.bytes);
            else if (is_alone || thread == (instruction.doer == Doer::First ? 0 : instruction.part % run.threads))
                execute(instruction, alone, run.bytes);
            if (instruction.kind != Kind::Guard) continue;
            if (thread == 0) guard(run, instruction.guard, alone);
            meet(at.step, i + 1);
            before = nullptr;
            if (run.is_failed.load(std::memory_order_relaxed)) return;
        }
        if (before != nullptr && before->doer != Doer::First) meet(at.step, count);
        if (thread == 0) finish_step(run);
        meet(at.step + 1, 0);
        if (run.is_over.load(std::memory_order_relaxed)) return;
    }
}

void Program::check(const std::vector<Given>& given, const Walk& walk, std::int64_t steps) const {
    if (given.size() + 2 != sizes_.size()) refuse("expected another number of arrays");
    const auto bytes = [&](std::int64_t buffer) {
        if (buffer < 2 || buffer >= static_cast<std::int64_t>(sizes_.size())) refuse("no such buffer");
        return given[static_cast<std::size_t>(buffer - 2)].bytes;
    };
    // A walked buffer must hold every step's part; sizes_ says what one step reads.
    const auto check_walk = [&](std::int64_t buffer, std::int64_t apart) {
        if (buffer < 0) return;
        const std::int64_t one = sizes_[static_cast<std::size_t>(buffer)];
        if (apart < 0 || bytes(buffer) < (steps - 1) * apart + (one == kAnySize ? 0 : one)) refuse("a table is too short");
    };
    if (steps < 1) refuse("no steps");
    check_walk(walk.settings_buffer, walk.settings_bytes);
    check_walk(walk.rows_buffer, walk.rows_bytes);
    if (walk.step_buffer >= 0 && bytes(walk.step_buffer) < 4) refuse("the step number is too short");
    if (walk.loss_buffer >= 0 && bytes(walk.loss_buffer) < (walk.loss_is_double ? 8 : 4)) refuse("the loss is too short");
    for (std::size_t i = 0; i < given.size(); ++i) {
        const auto buffer = static_cast<std::int64_t>(i) + 2;
        const bool is_walked = buffer == walk.settings_buffer || buffer == walk.rows_buffer;
        const std::int64_t expected = sizes_[i + 2];
        if (expected != kAnySize && (is_walked ? given[i].bytes < expected : given[i].bytes != expected))
            refuse("an array has the wrong size");
    }
    for (const Instruction& instruction : instructions_)
        if (instruction.kind == Kind::Gather) {
            const Gather& g = instruction.gather;
            if (g.data < 2) refuse("rows are gathered from an array");
            const std::int64_t rows = g.rows == walk.rows_buffer ? walk.rows_bytes : bytes(g.rows);
            if (rows < (g.first + g.count) * 8) refuse("the table of rows is too narrow");
            if (g.rows == walk.rows_buffer && bytes(g.rows) < (steps - 1) * walk.rows_bytes + (g.first + g.count) * 8)
                refuse("the table of rows is too short");
        }
}

Shelf::Lease Program::lease(int threads) { return shelf_.take(arena_bytes_, scratch_bytes_, threads); }

Program::Buffers Program::buffers_of(const std::vector<Given>& given, const Workspace& workspace) {
    Buffers buffers{workspace.arena(), constants_.data()};
    buffers.reserve(sizes_.size());
    for (const Given& array : given) buffers.push_back(array.data);
    return buffers;
}

Program::Sizes Program::sizes_of(const std::vector<Given>& given) const {
    Sizes bytes{arena_bytes_, static_cast<std::int64_t>(constants_.size())};
    bytes.reserve(sizes_.size());
    for (const Given& array : given) bytes.push_back(array.bytes);
    return bytes;
}

// The next steps of a run, at most run.burst of them, on so many threads.
void Program::take_burst(Run& run, int threads) const {
    run.threads = threads;
    run.barrier = std::make_unique<Barrier>(threads);
    run.door = std::make_unique<Door>(threads);
    struct Context {
        const Program* program;
        Run* run;
    } context{this, &run};
    const Job job{[](void* given, int thread) {
                      const Context& c = *static_cast<Context*>(given);
                      c.program->take_steps(*c.run, thread);
                      if (thread == 0) c.run->door->close();
                  },
                  &context};
    if (threads > 1 && Pool::shared().try_run(threads, job)) return;
    // Wanted so, or somebody else has the pool: nobody comes, and one thread gives the same bits.
    take_steps(run, 0);
}

Progress Program::run(const std::vector<Given>& given, const Walk& walk, std::int64_t steps, Threads threads,
                      double* losses, const std::function<bool(std::int64_t)>& should_stop) {
    check(given, walk, steps);
    if (threads.most < 1 || threads.most >= kMostThreads) refuse("threads out of range");
    const std::unique_lock<std::mutex> lock(pace_in_use_, std::try_to_lock);
    const Shelf::Lease workspace = lease(threads.most);
    Run run(walk, steps);
    run.workspace = &*workspace;
    run.losses = losses;
    run.should_stop = &should_stop;
    run.buffers = buffers_of(given, *workspace);
    run.bytes = sizes_of(given);
    if (walk.step_buffer >= 0) {
        std::byte*& at = run.buffers[static_cast<std::size_t>(walk.step_buffer)];
        std::memcpy(&run.step_number, at, sizeof run.step_number);
        at = reinterpret_cast<std::byte*>(&run.step_number);
    }
    const bool tries = threads.may_be_fewer && lock.owns_lock();
    run.ask();
    const auto goes_on = [&] { return !run.is_over && !run.is_failed && run.progress.steps < steps; };
    while (goes_on()) {
        const int count = tries ? pace_.choose(threads.most) : threads.most;
        const std::int64_t before = run.progress.steps, left = steps - before;
        run.burst = tries && threads.most > 1 ? std::min(left, pace_.steps(count)) : left;
        const auto start = std::chrono::steady_clock::now();
        take_burst(run, count);
        const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
        if (tries && run.progress.steps - before == run.burst)
            pace_.note(count, taken.count() / static_cast<double>(run.burst));
    }
    if (run.error) std::rethrow_exception(run.error);
    return run.progress;
}

}  // namespace backpass::native

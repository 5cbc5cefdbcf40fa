// A program without steps: it runs once on one thread, or in blocks of rows. See program.hpp.
#include <atomic>
#include <chrono>
#include <utility>

#include "flushing.hpp"
#include "pool.hpp"
#include "program.hpp"

namespace backpass::native {
namespace {

constexpr auto kSignalInterval = std::chrono::milliseconds(50);

}  // namespace

// Runs all instructions once, on this thread. Returns an error of an index, or kNoError.
int Program::run_all(const Buffers& buffers, const Sizes& bytes, std::byte* scratch) const {
    const Flushing flushing;
    int frame_error = kNoError;
    const Frame frame{buffers.data(), scratch, 0, 1, &frame_error};
    for (const Instruction& instruction : instructions_) execute(instruction, frame, bytes);
    return frame_error;
}

Status Program::run_alone(const std::vector<BufferArg>& args) {
    check(args, StepStrides{}, 1);
    const WorkspacePool::Lease workspace = lease(1);
    const int frame_error = run_all(buffers_of(args, *workspace), sizes_of(args), workspace->scratch(0));
    return frame_error == kNoError ? Status::Done : Status::IndexOutOfRange;
}

Status Program::run_blocks(const std::vector<BufferArg>& args, const std::vector<std::int64_t>& stride_bytes,
                           std::int64_t blocks, int threads, const std::function<bool()>& is_interrupted) {
    if (threads < 1 || threads >= kMostThreads) refuse("threads out of range");
    if (blocks < 1) refuse("expected at least one block");
    if (stride_bytes.size() != args.size())
        refuse("expected one stride per array: " + std::to_string(args.size()) + "; got " +
               std::to_string(stride_bytes.size()));
    std::vector<BufferArg> block = args;
    for (std::size_t i = 0; i < args.size(); ++i) {
        if (stride_bytes[i] < 0) refuse("a stride is negative");
        block[i].bytes -= (blocks - 1) * stride_bytes[i];
    }
    check(block, StepStrides{}, 1);
    struct BlockThread {
        WorkspacePool::Lease workspace;
        Buffers buffers;
    };
    struct Work {
        const Program& program;
        const std::vector<BufferArg>& args;
        const std::vector<std::int64_t>& stride_bytes;
        const std::int64_t blocks;
        const std::function<bool()>& is_interrupted;
        const Sizes bytes;
        std::vector<BlockThread> threads_{};  // created before the threads start, which could not report an error
        std::atomic<std::int64_t> next{0};
        std::atomic<Status> status{Status::Done};

        void take(int thread) {
            auto& [workspace, buffers] = threads_[static_cast<std::size_t>(thread)];
            auto next_poll = std::chrono::steady_clock::now() + kSignalInterval;
            for (std::int64_t i; status == Status::Done && (i = next.fetch_add(1)) < blocks;) {
                for (std::size_t j = 0; j < args.size(); ++j) buffers[j + 2] = args[j].data + i * stride_bytes[j];
                if (program.run_all(buffers, bytes, workspace->scratch(0)) != kNoError) {
                    Status none = Status::Done;  // an error does not hide an earlier interruption
                    status.compare_exchange_strong(none, Status::IndexOutOfRange);
                }
                if (thread != 0 || std::chrono::steady_clock::now() < next_poll) continue;
                next_poll = std::chrono::steady_clock::now() + kSignalInterval;
                if (is_interrupted()) status = Status::Stopped;
            }
        }
    } work{*this, args, stride_bytes, blocks, is_interrupted, sizes_of(block)};
    for (int thread = 0; thread < threads; ++thread) {
        WorkspacePool::Lease workspace = lease(1);
        Buffers buffers = buffers_of(args, *workspace);
        work.threads_.push_back({std::move(workspace), std::move(buffers)});
    }
    const Job job{[](void* context, int thread) { static_cast<Work*>(context)->take(thread); }, &work};
    // If the pool is in use, one thread runs all blocks, with the same bits.
    if (threads == 1 || !Pool::shared().try_run(threads, job)) work.take(0);
    return work.status;
}

}  // namespace backpass::native

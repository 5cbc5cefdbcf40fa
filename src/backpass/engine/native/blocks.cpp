// A program without steps: run once on one thread, or block of rows after block of rows. See program.hpp.
#include <atomic>
#include <chrono>
#include <utility>

#include "flushing.hpp"
#include "pool.hpp"
#include "program.hpp"

namespace backpass::native {
namespace {

constexpr auto kBetweenInterruptions = std::chrono::milliseconds(50);

}  // namespace

// All instructions, once, on this thread. Gives the fault.
int Program::take_all(const Buffers& buffers, const Sizes& bytes, std::byte* scratch) const {
    const Flushing flushing;
    int fault = kNoFault;
    const Frame frame{buffers.data(), scratch, 0, 1, &fault};
    for (const Instruction& instruction : instructions_) execute(instruction, frame, bytes);
    return fault;
}

Ending Program::run_alone(const std::vector<Given>& given) {
    check(given, Walk{}, 1);
    const Shelf::Lease workspace = lease(1);
    const int fault = take_all(buffers_of(given, *workspace), sizes_of(given), workspace->scratch(0));
    return fault == kNoFault ? Ending::Done : Ending::IndexFault;
}

Ending Program::run_blocks(const std::vector<Given>& given, const std::vector<std::int64_t>& apart, std::int64_t blocks,
                           int threads, const std::function<bool()>& is_interrupted) {
    if (threads < 1 || threads >= kMostThreads) refuse("threads out of range");
    if (blocks < 1) refuse("no blocks");
    if (apart.size() != given.size()) refuse("a distance for each array");
    std::vector<Given> block = given;
    for (std::size_t i = 0; i < given.size(); ++i) {
        if (apart[i] < 0) refuse("blocks go forwards");
        block[i].bytes -= (blocks - 1) * apart[i];
    }
    check(block, Walk{}, 1);
    struct Worker {
        Shelf::Lease workspace;
        Buffers buffers;
    };
    struct Work {
        const Program& program;
        const std::vector<Given>& given;
        const std::vector<std::int64_t>& apart;
        const std::int64_t blocks;
        const std::function<bool()>& is_interrupted;
        const Sizes bytes;
        std::vector<Worker> workers{};  // made before the threads begin: they have nobody to tell of an error
        std::atomic<std::int64_t> next{0};
        std::atomic<Ending> ending{Ending::Done};

        void take(int thread) {
            auto& [workspace, buffers] = workers[static_cast<std::size_t>(thread)];
            auto next_question = std::chrono::steady_clock::now() + kBetweenInterruptions;
            for (std::int64_t i; ending == Ending::Done && (i = next.fetch_add(1)) < blocks;) {
                for (std::size_t j = 0; j < given.size(); ++j) buffers[j + 2] = given[j].data + i * apart[j];
                if (program.take_all(buffers, bytes, workspace->scratch(0)) != kNoFault) {
                    Ending none = Ending::Done;  // a fault found late does not hide that it was interrupted
                    ending.compare_exchange_strong(none, Ending::IndexFault);
                }
                if (thread != 0 || std::chrono::steady_clock::now() < next_question) continue;
                next_question = std::chrono::steady_clock::now() + kBetweenInterruptions;
                if (is_interrupted()) ending = Ending::Stopped;
            }
        }
    } work{*this, given, apart, blocks, is_interrupted, sizes_of(block)};
    for (int thread = 0; thread < threads; ++thread) {
        Shelf::Lease workspace = lease(1);
        Buffers buffers = buffers_of(given, *workspace);
        work.workers.push_back({std::move(workspace), std::move(buffers)});
    }
    const Job job{[](void* context, int thread) { static_cast<Work*>(context)->take(thread); }, &work};
    // Where somebody else has the pool, one thread does it: the same bits.
    if (threads == 1 || !Pool::shared().try_run(threads, job)) work.take(0);
    return work.ending;
}

}  // namespace backpass::native

// See workspace.hpp.
#include "workspace.hpp"

#include <cstdlib>
#include <new>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace backpass::native {
namespace {

constexpr std::int64_t kAlignment = 64;
constexpr std::int64_t kHugePage = 2 << 20;  // on x86; large pages need fewer address translations

std::int64_t aligned(std::int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace

void Workspace::Free::operator()(std::byte* memory) const { std::free(memory); }

Workspace::Workspace(std::int64_t arena_bytes, std::int64_t scratch_bytes, int threads)
    : arena_bytes_(aligned(arena_bytes)), scratch_bytes_(aligned(scratch_bytes)), threads_(threads) {
    const std::int64_t needed = arena_bytes_ + scratch_bytes_ * threads;
    const std::int64_t alignment = needed >= 2 * kHugePage ? kHugePage : kAlignment, bytes = needed + alignment;
    memory_.reset(static_cast<std::byte*>(std::malloc(static_cast<std::size_t>(bytes))));
    if (!memory_) throw std::bad_alloc();
    const auto at = static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(memory_.get()));
    start_ = memory_.get() + (alignment - at % alignment) % alignment;
#if defined(__linux__)
    if (alignment == kHugePage) madvise(start_, static_cast<std::size_t>(needed), MADV_HUGEPAGE);  // advice only
#endif
}

WorkspacePool::Lease WorkspacePool::take(std::int64_t arena_bytes, std::int64_t scratch_bytes, int threads) {
    std::unique_ptr<Workspace> found;
    if (const std::unique_lock<std::mutex> lock(in_use_, std::try_to_lock); lock.owns_lock() && free_) {
        found = std::move(free_);
        free_ = std::move(found->next_);
    }
    if (!found || found->threads() < threads) found = std::make_unique<Workspace>(arena_bytes, scratch_bytes, threads);
    return {found.release(), Return{this}};
}

void WorkspacePool::put(std::unique_ptr<Workspace> workspace) {
    const std::unique_lock<std::mutex> lock(in_use_, std::try_to_lock);
    if (!lock.owns_lock()) return;
    workspace->next_ = std::move(free_);
    free_ = std::move(workspace);
}

}  // namespace backpass::native

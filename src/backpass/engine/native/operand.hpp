// An operand: where an array lies in memory and how it is walked.
//
// Included by every translation unit, also by those compiled for one instruction set: nothing here may be a function
// with external linkage, or the linker could pick a copy that the machine cannot run.
#pragma once

#include <cstddef>
#include <cstdint>

namespace backpass::native {

constexpr int kRank = 5;  // dimensions of an iteration; the planner merges and pads shapes to this many

enum class Dtype : std::int64_t { Bool, Int32, Int64, UInt32, Float32, Float64 };
constexpr std::int64_t kItemBytes[] = {1, 4, 8, 4, 4, 8};
constexpr std::int64_t kDtypes = 6;

struct Operand {
    std::int64_t buffer;  // index into Frame::buffers
    std::int64_t offset;  // bytes from the start of the buffer
    Dtype dtype;
    std::int64_t strides[kRank];  // in elements; what each stands for depends on the instruction
};

// What a kernel is given besides its instruction: memory, and which share of the work is its own.
struct Frame {
    std::byte* const* buffers;
    std::byte* scratch;  // this thread's own
    int thread;
    int threads;
    int* fault;  // set (atomically) to a Fault when an index is out of range
};

enum Fault : int { kNoFault = 0, kIndexFault = 1 };

template <class T>
struct Span {
    T* data;
    std::int64_t size;
};

}  // namespace backpass::native

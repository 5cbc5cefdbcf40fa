// An operand: where an array is stored, and its strides.
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
    std::int64_t strides[kRank];  // in elements; the instruction says which axis each belongs to
};

// What a kernel gets besides its instruction: memory, and which range of the work it does.
struct Frame {
    std::byte* const* buffers;
    std::byte* scratch;  // of this thread
    int thread;
    int threads;
    int* error;  // set (atomically) if an index is out of range
};

enum FrameError : int { kNoError = 0, kIndexOutOfRange = 1 };

template <class T>
struct Span {
    T* data;
    std::int64_t size;
};

}  // namespace backpass::native

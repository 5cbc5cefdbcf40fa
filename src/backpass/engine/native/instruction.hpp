// The instructions of a program, decoded from the planner's integers (see decoder.cpp).
//
// The planner (engine/plan in Python) decides everything that affects the bits of a result: which operations are fused,
// in which order sums run, where values are stored. The core only carries the instructions out.
#pragma once

#include "operand.hpp"

namespace backpass::native {

// One operation of an elementwise program on registers of kChunk elements: out = function(a, b, c).
using Elementwise = void (*)(void* out, const void* a, const void* b, const void* c, std::int64_t n);

struct MapStep {
    Elementwise function;
    int out, a, b, c;
};

struct MapOutput {
    Operand operand;
    int source;   // the register that holds it
    bool direct;  // whether the step that computes it may write to memory (no input is overwritten too early)
};

struct FusedKernel;

// An elementwise program over an iteration space: inputs are registers 0, 1, ..., steps fill further ones.
struct Map {
    std::int64_t shape[kRank];
    Span<const Operand> inputs;
    Span<const unsigned char> is_scalar;  // per input: the same element everywhere
    Span<const MapOutput> outputs;
    Span<const MapStep> steps;
    int registers;
    std::int64_t register_bytes;
    const FusedKernel* fused;    // the same program as one compiled loop; null if there is none
    const int* fused_registers;  // the register of each value of the fused kernel
    std::uint64_t fused_stored;  // a bit for each value that is an output
};

// What a product does to a tile of c before it leaves the registers, with the auxiliary operand aux: nothing; aux =
// max(c, 0), and c is stored too; c = c where aux >= 0, else 0; c = max(c, 0) without aux; the last two are
// relu_with_sign and slope_by_sign of lanes.hpp.
enum class Epilogue : std::int64_t { None, Relu, SlopeOfRelu, ReluAlone, ReluWithSign, SlopeBySign };

// c[i, j] = bias[j] + sum over p of a[i, p] b[p, j], fused multiply-adds in increasing p, for each index of three
// leading axes.
struct Product {
    std::int64_t stack[3];
    std::int64_t m, n, k;
    Operand a, b, bias, c;  // strides[3], strides[4]: rows and columns; bias uses strides[4]
    Operand aux;            // what the epilogue reads or writes; packed rows, like c
    bool has_bias;
    bool has_aux;
    Epilogue epilogue;
    bool is_narrow;  // few columns: sums over 32 virtual lanes and a fixed tree instead of sequential sums
    // a and b are words written by Pack: a transposed, in panels of kLeftPanel; b in panels of kRightPanel
    bool is_bf16;
};

// Columns of a panel of packed factors (see bf16_avx512.cpp): the last is as wide as the others.
constexpr std::int64_t kLeftPanel = 56, kRightPanel = 32;

// y = x[k, n] in panels of columns, each with all its words for two steps of k at a time.
struct Pack {
    std::int64_t k, n, panel;
    Operand x, y;  // strides[3], strides[4] of x: steps of k and columns
};

enum class Reduction : std::int64_t { Sum, Max };

// y[kept] = sum or maximum of x[kept, reduced]; strides[0..2] belong to the kept axes, strides[3..4] to the reduced
// ones. Over a row, whose elements are usually contiguous, it runs over 32 virtual lanes and a fixed tree; otherwise
// sequentially.
struct Reduce {
    Reduction kind;
    bool over_row;
    std::int64_t kept[3];
    std::int64_t reduced[2];
    Operand x, y;
};

// y[o, i, :] = x[o, indices[i], :], everything contiguous.
struct Take {
    std::int64_t outer, length, count, inner;
    Operand x, indices, y;
};

// y = 0, then y[o, indices[i], :] += x[o, i, :] for i = 0, 1, ...
struct Scatter {
    std::int64_t outer, length, count, inner;
    Operand x, indices, y;
};

// y[i, :] = data[rows[first + i], :] for some rows of the batch.
struct Gather {
    std::int64_t data;       // buffer
    std::int64_t rows;       // buffer of int64, one per row of the batch
    std::int64_t first, count;
    std::int64_t row_bytes;
    Operand y;
};

// y[i - first] = word i mod 4 of the Philox block with counter (i div 4, step, purpose, 0), for i = first, first + 1,
// ...
struct Random {
    std::uint32_t purpose;
    std::int64_t first, count;
    Operand key, step, y;
};

// The step fails, before any of the state is overwritten, unless this number is finite.
struct Guard {
    Operand x;
};

enum class Opcode : std::int64_t { Map, Product, Reduce, Take, Scatter, Gather, Random, Guard, Pack };

// Which threads run an instruction: thread 0; the thread that has its shard of the rows; or all, each a range of it.
enum class Executor { Main, Shard, All };

struct Instruction {
    Opcode opcode;
    Executor executor;
    std::int64_t shard;  // of the rows; -1 if it works on all of them
    union {
        Map map;
        Product product;
        Reduce reduce;
        Take take;
        Scatter scatter;
        Gather gather;
        Random random;
        Guard guard;
        Pack pack;
    };
};

}  // namespace backpass::native

// The kernels: the code that is compiled once per instruction set. All copies give the same bits.
#pragma once

#include "instruction.hpp"

namespace backpass::native {

// elements of a register of the elementwise interpreter: a few fit in the L1 cache
constexpr std::int64_t kChunk = 512;

// How to split a product into tiles; all values give the same bits. Zero means the default of the kernels.
struct Tiling {
    std::int64_t rows;   // of a tile
    std::int64_t depth;  // of a block of k
};

// One elementwise operation under its name, such as "add.float32"; variants[s] expects a scalar where bit j of s is
// set.
struct NamedElementwise {
    const char* name;
    int arguments;
    Elementwise variants[8];
};

// A step of a fused kernel: the operation, and the numbers of the values that it reads (see fused_kernel.hpp).
struct FusedStep {
    Elementwise function;
    int values[3];
};

// The memory of the values of a chunk, by number, and a bit for each value to store.
struct FusedBuffers {
    void* const* at;
    std::uint64_t stored;
};

// An elementwise program that is compiled as one loop.
struct FusedKernel {
    int inputs, steps;
    const FusedStep* step;
    void (*run)(const FusedBuffers&, std::int64_t n);
};

// Products of pairs of bfloat16 (bf16_avx512.cpp).
struct Bf16Kernels {
    void (*pack)(const Pack&, const Frame&);
    void (*product)(const Product&, const Frame&, const Tiling&);
    std::int64_t (*product_scratch)(const Product&);
};

struct Kernels {
    const char* name;
    void (*map)(const Map&, const Frame&);
    void (*product)(const Product&, const Frame&, const Tiling&);
    std::int64_t (*product_scratch)(const Product&);  // bytes per thread
    void (*reduce)(const Reduce&, const Frame&);
    std::int64_t (*reduce_scratch)(const Reduce&);
    void (*random)(const Random&, const Frame&);
    Span<const NamedElementwise> elementwise;
    Span<const FusedKernel> fused;
    const Bf16Kernels* bf16 = nullptr;  // null if the build or the machine has no such products
};

// Each is defined in its own translation unit, kernels_*.cpp; CMakeLists.txt selects those of a build (see module.cpp).
// Null if the machine lacks the instruction set.
const Kernels* avx512_kernels();
const Bf16Kernels* avx512_bf16_kernels();
const Kernels* avx2_kernels();
const Kernels* neon_kernels();
const Kernels* portable_kernels();

}  // namespace backpass::native

// The kernels: what is compiled once per instruction set. All copies give the same bits.
#pragma once

#include "instruction.hpp"

namespace backpass::native {

constexpr std::int64_t kChunk = 512;  // elements of a register of the elementwise interpreter: a few fit in the L1 cache

// How to cut a product into tiles; any values give the same bits. Zero means the kernels' own choice.
struct Tiling {
    std::int64_t rows;   // of a tile
    std::int64_t depth;  // of a block of k
};

// One elementwise operation under its name, such as "add.float32"; variants[s] expects a scalar where bit j of s is set.
struct NamedElementwise {
    const char* name;
    int arguments;
    Elementwise variants[8];
};

// A step of a chain: the operation, and the numbers of the values it works on (see chain.hpp).
struct ChainLink {
    Elementwise function;
    int values[3];
};

// Where the values of a chunk lie, by number, and a bit for each that is to be written.
struct ChainPlaces {
    void* const* at;
    std::uint64_t kept;
};

// An elementwise program that is compiled as a whole.
struct Chain {
    int inputs, links;
    const ChainLink* link;
    void (*run)(const ChainPlaces&, std::int64_t n);
};

// Products of pairs of bfloat16 (pairs_avx512.cpp).
struct PairKernels {
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
    Span<const Chain> chains;
    const PairKernels* pairs = nullptr;  // null where the build or the machine has no such products
};

// Each stands in a unit of its own, kernels_*.cpp; CMakeLists.txt says which of them a build has (see module.cpp). Null
// where the machine does not have the instruction set.
const Kernels* avx512_kernels();
const PairKernels* avx512_pair_kernels();
const Kernels* avx2_kernels();
const Kernels* neon_kernels();
const Kernels* portable_kernels();

}  // namespace backpass::native

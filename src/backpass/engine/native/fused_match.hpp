// The fused match: finds the fused kernel that computes a map's program, if there is one.
#pragma once

#include <vector>

#include "kernels.hpp"

namespace backpass::native {

struct FusedMatch {
    const FusedKernel* kernel = nullptr;
    std::vector<int> registers{};  // the register of each value of the kernel
    std::uint64_t stored = 0;        // a bit for each value that is an output
};

// The first kernel with the same operations on the same values as the map's steps. Neither the numbers of registers nor
// the choice of outputs matter.
FusedMatch match_fused(const Map& map, Span<const FusedKernel> kernels);

}  // namespace backpass::native

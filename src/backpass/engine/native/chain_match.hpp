// The chain match: the compiled form of a map's program, where there is one.
#pragma once

#include <vector>

#include "kernels.hpp"

namespace backpass::native {

struct ChainMatch {
    const Chain* chain = nullptr;
    std::vector<int> registers{};  // of each value of the chain
    std::uint64_t kept = 0;        // a bit for each value that an output shows
};

// The first chain whose links are the map's steps, with the same operations on the same values. What the registers are
// called does not matter, nor which results are outputs.
ChainMatch match_chain(const Map& map, Span<const Chain> chains);

}  // namespace backpass::native

// The decoder: from the planner's integers to instructions, with every index, size and address range checked.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "bounds.hpp"
#include "instruction.hpp"
#include "kernels.hpp"

namespace backpass::native {

// Reads the words of one instruction in order. Throws std::invalid_argument if they are invalid.
class Decoder {
  public:
    // `sizes`: bytes of each buffer. Both must outlive the decoder.
    Decoder(const std::vector<std::int64_t>& sizes, const Kernels& kernels);

    Instruction decode(const std::int64_t* words, std::int64_t count);

  private:
    std::int64_t word();
    std::int64_t length();
    Operand operand();
    Map map();
    Product product();
    Reduce reduce();
    Take take();
    Scatter scatter();
    Gather gather();
    Random random();
    Guard guard();
    Pack pack();
    void mark_direct(const Map& map, std::vector<MapOutput>& outputs, const std::vector<MapStep>& steps) const;

    Bounds bounds_;
    const Kernels& kernels_;
    const std::int64_t* next_ = nullptr;
    const std::int64_t* end_ = nullptr;
    // The spans of maps point into these; deques do not move their elements.
    std::deque<std::vector<Operand>> operands_;
    std::deque<std::vector<unsigned char>> flags_;
    std::deque<std::vector<int>> registers_;
    std::deque<std::vector<MapOutput>> outputs_;
    std::deque<std::vector<MapStep>> steps_;
};

}  // namespace backpass::native

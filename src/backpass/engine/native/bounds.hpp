// Bounds: the limits of lengths, addresses and dtypes of a program. Whatever exceeds them is refused.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "operand.hpp"

namespace backpass::native {

constexpr std::int64_t kAnySize = -1;  // a buffer whose size is known only at run time; only Gather may read it
constexpr std::int64_t kMostElements = std::int64_t{1} << 48;  // so that products of lengths do not overflow

// Throws std::invalid_argument.
[[noreturn]] void refuse(const std::string& what);

std::int64_t bytes_of(const Operand& x);
std::int64_t product_of(std::initializer_list<std::int64_t> lengths);
void check_dtype(const Operand& x, Dtype expected);

// The sizes of the buffers.
class Bounds {
  public:
    // `sizes`: bytes of each buffer; they must outlive the bounds.
    explicit Bounds(const std::vector<std::int64_t>& sizes) : sizes_(sizes) {}

    void check_buffer(std::int64_t buffer) const;
    // Checks that all elements with the given lengths lie in the buffer; `lengths` match `strides`.
    void check_range(const Operand& x, const std::int64_t (&lengths)[kRank]) const;
    // Checks that the words of a packed factor lie in the buffer.
    void check_words(const Operand& x, std::int64_t k, std::int64_t columns, std::int64_t panel) const;

  private:
    const std::vector<std::int64_t>& sizes_;
};

}  // namespace backpass::native

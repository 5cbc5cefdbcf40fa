// See bounds.hpp.
#include "bounds.hpp"

#include <stdexcept>

namespace backpass::native {

void refuse(const std::string& what) { throw std::invalid_argument("native program: " + what); }

std::int64_t bytes_of(const Operand& x) { return kItemBytes[static_cast<int>(x.dtype)]; }

std::int64_t product_of(std::initializer_list<std::int64_t> lengths) {
    std::int64_t product = 1;
    for (const std::int64_t length : lengths) {
        if (length != 0 && product > kMostElements / length) refuse("an iteration is too large");
        product *= length;
    }
    return product;
}

void check_dtype(const Operand& x, Dtype expected) {
    if (x.dtype != expected) refuse("an operand has the wrong dtype");
}

void Bounds::check_buffer(std::int64_t buffer) const {
    if (buffer < 0 || buffer >= static_cast<std::int64_t>(sizes_.size())) refuse("no such buffer");
}

void Bounds::check_range(const Operand& x, const std::int64_t (&lengths)[kRank]) const {
    __int128 lowest = 0, highest = 0;
    for (int i = 0; i < kRank; ++i) {
        if (lengths[i] == 0) return;
        const __int128 reach = static_cast<__int128>(lengths[i] - 1) * x.strides[i];
        (reach < 0 ? lowest : highest) += reach;
    }
    const std::int64_t size = sizes_[static_cast<std::size_t>(x.buffer)];
    if (x.offset + lowest * bytes_of(x) < 0 || x.offset + (highest + 1) * bytes_of(x) > size)
        refuse("an operand reaches outside its buffer");
}

void Bounds::check_words(const Operand& x, std::int64_t k, std::int64_t columns, std::int64_t panel) const {
    check_dtype(x, Dtype::UInt32);
    Operand words = x;
    for (std::int64_t& stride : words.strides) stride = 0;
    words.strides[kRank - 1] = 1;
    check_range(words, {1, 1, 1, 1, product_of({(columns + panel - 1) / panel * panel, (k + 1) / 2})});
}

}  // namespace backpass::native

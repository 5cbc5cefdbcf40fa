// Words: eight bytes of a text at a time, as an integer whose lowest byte comes first.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace backpass::table {

// Where the lowest byte comes last, texts are read byte by byte.
constexpr bool kHasWords = std::endian::native == std::endian::little;
constexpr std::size_t kWord = sizeof(std::uint64_t);
constexpr std::uint64_t kOnes = 0x0101010101010101ULL;

inline std::uint64_t eight_bytes(const char* p) {
    std::uint64_t word;
    std::memcpy(&word, p, kWord);
    return word;
}

// The first `size` of at most eight bytes, zeros behind them; nothing else is read.
inline std::uint64_t some_bytes(const char* p, std::size_t size) {
    if (size == kWord) return eight_bytes(p);
    if (size >= 4) {  // the halves overlap
        std::uint32_t low, high;
        std::memcpy(&low, p, 4);
        std::memcpy(&high, p + size - 4, 4);
        return low | std::uint64_t{high} << 8 * (size - 4);
    }
    if (size == 0) return 0;
    const auto byte = [p](std::size_t k) { return std::uint64_t{static_cast<unsigned char>(p[k])} << 8 * k; };
    return byte(0) | byte(size / 2) | byte(size - 1);
}

inline bool are_equal(const char* a, const char* b, std::size_t size) {
    for (; size > kWord; size -= kWord, a += kWord, b += kWord)
        if (eight_bytes(a) != eight_bytes(b)) return false;
    return some_bytes(a, size) == some_bytes(b, size);
}

// The highest bit of each byte that equals the sign; bits above the lowest may be wrong (Warren 2012, section 6-1).
inline std::uint64_t where_is(char sign, std::uint64_t word) {
    const std::uint64_t zero = word ^ kOnes * static_cast<unsigned char>(sign);
    return (zero - kOnes) & ~zero & 0x80 * kOnes;
}

// The position of the lowest byte of those.
inline std::size_t lowest(std::uint64_t found) { return static_cast<std::size_t>(std::countr_zero(found)) / 8; }

}  // namespace backpass::table

// Number: whether a text is a plain number, and which. The grammar is that of backpass.table.number.
#pragma once

#include <charconv>
#include <cstdint>
#include <system_error>

#include "word.hpp"

namespace backpass::table {

struct Parsed {
    double value;
    bool is_number;
    bool has_point;
};

inline bool is_digit(const char* p, const char* end) { return p < end && *p >= '0' && *p <= '9'; }

// Up to 2^53 a whole number is a float64, and so is a power of ten up to 10^22: their product or quotient is rounded
// once, hence correctly (Clinger 1990, "How to read floating point numbers accurately").
constexpr std::uint64_t kExact = std::uint64_t{1} << 53;
constexpr double kPowers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                              1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
constexpr int kMostPower = 22;

// All other numbers; where the C++ library cannot read them, or they are too large or small, Python's float decides.
inline Parsed read_by_library([[maybe_unused]] const char* first, [[maybe_unused]] const char* last,
                              [[maybe_unused]] bool has_point) {
#if defined(__cpp_lib_to_chars)
    double value = 0.0;
    const auto [end, fault] = std::from_chars(first, last, value);
    if (fault == std::errc{} && end == last) return {value, true, has_point};
#endif
    return {0.0, false, false};
}

// Digits of at most eight bytes, of which one may be a point: all at once, without a branch that depends on them (Lemire
// 2021, "Number Parsing at a Gigabyte per Second"). is_number is false where a byte is something else.
inline Parsed short_number(const char* first, std::size_t size) {
    constexpr std::uint64_t kZeros = kOnes * '0';
    std::uint64_t word = some_bytes(first, size) << 8 * (kWord - size);  // the last digit in the highest byte
    word |= kZeros & ((std::uint64_t{1} << 8 * (kWord - size)) - 1);
    const std::uint64_t points = where_is('.', word);
    std::size_t decimals = 0;
    if (points != 0) {
        const std::size_t at = lowest(points);
        const std::uint64_t before = word & ((std::uint64_t{1} << 8 * at) - 1);
        decimals = kWord - 1 - at;
        word = (word >> 8 * at >> 8 << 8 << 8 * at) | before << 8 | '0';
    }
    if ((((word + 0x46 * kOnes) | (word - kZeros)) & 0x80 * kOnes) != 0) return {0.0, false, false};
    word -= kZeros;
    word = 10 * word + (word >> 8);  // pairs of digits, then fours, then all
    constexpr std::uint64_t kPairs = 0x000000ff000000ffULL;
    const std::uint64_t whole =
        ((word & kPairs) * 0x000f424000000064ULL + (word >> 16 & kPairs) * 0x0000271000000001ULL) >> 32;
    return {static_cast<double>(static_cast<std::uint32_t>(whole)) / kPowers[decimals], true, points != 0};
}

// A code such as 007 is none: whoever asks for texts and numbers decides over the whole column.
inline Parsed number_in(const char* first, const char* last) {
    constexpr Parsed none{0.0, false, false};
    const char* p = first;
    const bool is_negative = p < last && *p == '-';
    if (p < last && (*p == '-' || *p == '+')) ++p;
    const char* unsigned_first = p;
    if (p < last && *p == '0' && is_digit(p + 1, last)) return none;
    if (const std::ptrdiff_t size = last - p; kHasWords && size > 0 && size <= static_cast<std::ptrdiff_t>(kWord)) {
        Parsed parsed = short_number(p, static_cast<std::size_t>(size));
        if (parsed.is_number && !(size == 1 && parsed.has_point)) {
            if (is_negative) parsed.value = -parsed.value;
            return parsed;
        }
    }
    std::uint64_t whole = 0;
    int power = 0;
    const char* digits = p;
    for (; is_digit(p, last); ++p) whole = 10 * whole + static_cast<std::uint64_t>(*p - '0');
    std::int64_t count = p - digits;
    const bool has_point = p < last && *p == '.';
    if (has_point) {
        const char* fraction = ++p;
        for (; is_digit(p, last); ++p) whole = 10 * whole + static_cast<std::uint64_t>(*p - '0');
        count += p - fraction;
        power = -static_cast<int>(p - fraction < 1'000 ? p - fraction : 1'000);
    }
    if (count == 0) return none;
    if (p < last && (*p == 'e' || *p == 'E')) {
        ++p;
        const bool is_small = p < last && *p == '-';
        if (p < last && (*p == '-' || *p == '+')) ++p;
        if (!is_digit(p, last)) return none;
        int exponent = 0;
        for (; is_digit(p, last); ++p) exponent = exponent < 10'000 ? 10 * exponent + (*p - '0') : exponent;
        power += is_small ? -exponent : exponent;
    }
    if (p != last) return none;
    if (count > 19 || whole > kExact || power < -kMostPower || power > kMostPower) {
        Parsed parsed = read_by_library(unsigned_first, last, has_point);
        if (is_negative) parsed.value = -parsed.value;
        return parsed;
    }
    const auto exact = static_cast<double>(whole);
    const double size = power < 0 ? exact / kPowers[-power] : exact * kPowers[power];
    return {is_negative ? -size : size, true, has_point};
}

}  // namespace backpass::table

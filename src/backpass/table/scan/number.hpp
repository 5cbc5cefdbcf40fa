// Number: whether a text is a plain number, and which. The grammar is that of backpass.table.number.
#pragma once

#include <charconv>
#include <cstdint>
#include <system_error>

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

// A code such as 007 is none: whoever asks for texts and numbers decides over the whole column.
inline Parsed number_in(const char* first, const char* last) {
    constexpr Parsed none{0.0, false, false};
    const char* p = first;
    const bool is_negative = p < last && *p == '-';
    if (p < last && (*p == '-' || *p == '+')) ++p;
    const char* unsigned_first = p;
    if (p < last && *p == '0' && is_digit(p + 1, last)) return none;
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

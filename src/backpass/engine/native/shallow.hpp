// The shallow product: few steps of k. A strip of b stays in registers while all rows of a are read.
#pragma once

#include <utility>

#include "epilogue.hpp"
#include "kernels.hpp"
#include "lanes.hpp"
#include "panel.hpp"

namespace backpass::native {
namespace {

// The depth at which the rows of a strip, its sums and the operands of an epilogue fit in 32 or 16 registers.
constexpr int shallow_depth = width == 16 ? 12 : 8, strip_parts = width == 16 ? 2 : 1;

// Columns of c, `parts` vectors wide; `lanes` counts those of the last vector, all of them if it is whole.
struct Strip {
    std::int64_t column;
    int lanes;
};

// A vector of numbers with a stride.
__attribute__((noinline)) Float gather_part(const float* from, std::int64_t stride, int lanes) {
    float row[width] = {};
    for (int i = 0; i < lanes; ++i) row[i] = from[i * stride];
    return load(row);
}
template <bool is_whole>
BACKPASS_LANE Float load_strided(const float* from, std::int64_t stride, int lanes) {
    return stride == 1 ? load_part<is_whole>(from, lanes) : gather_part(from, stride, lanes);
}

template <int depth, int parts, bool is_whole>
void multiply_strip(const Matrices& given, Range rows, const Strip& strip) {
    const Matrices x = given;  // a local copy, which the compiler knows no store changes
    const std::int64_t column = strip.column;
    Float b[depth][parts], start[parts];
#pragma GCC unroll 2
    for (int j = 0; j < parts; ++j) {
        const std::int64_t at = column + j * width;
        start[j] =
            x.bias ? load_strided<is_whole>(x.bias + at * x.bias_column, x.bias_column, strip.lanes) : broadcast(0.0f);
#pragma GCC unroll 16
        for (int p = 0; p < depth; ++p)
            b[p][j] = load_strided<is_whole>(x.b + p * x.b_k + at * x.b_column, x.b_column, strip.lanes);
    }
    with_constant(x.epilogue, [&](auto epilogue) {
        for (std::int64_t row = rows.first; row < rows.last; ++row) {
            const float* a = x.a + row * x.a_row;
            Float sum[parts];
#pragma GCC unroll 2
            for (int j = 0; j < parts; ++j) sum[j] = start[j];
#pragma GCC unroll 16
            for (int p = 0; p < depth; ++p) {
                const Float factor = broadcast(a[p]);
#pragma GCC unroll 2
                for (int j = 0; j < parts; ++j) sum[j] = fma(factor, b[p][j], sum[j]);
            }
#pragma GCC unroll 2
            for (int j = 0; j < parts; ++j)
                finish<decltype(epilogue)::value, is_whole>(x, row, column + j * width, strip.lanes, sum[j]);
        }
    });
}

using StripFunction = void (*)(const Matrices&, Range rows, const Strip&);

template <int parts, bool is_whole, int... depth>
StripFunction strip_function(std::int64_t depth_wanted, std::integer_sequence<int, depth...>) {
    static constexpr StripFunction all[] = {multiply_strip<depth + 1, parts, is_whole>...};
    return all[depth_wanted - 1];
}

bool is_shallow(const Matrices& x, Range rows) {
    return x.k >= 1 && x.k <= shallow_depth && rows.size() > 1 && x.a_k == 1 && x.c_column == 1;
}

void multiply_shallow(const Matrices& x, Range rows, Range columns) {
    constexpr auto depths = std::make_integer_sequence<int, shallow_depth>();
    std::int64_t column = columns.first;
    for (; column + strip_parts * width <= columns.last; column += strip_parts * width)
        strip_function<strip_parts, true>(x.k, depths)(x, rows, {column, width});
    if (column + width <= columns.last && strip_parts > 1) {
        strip_function<1, true>(x.k, depths)(x, rows, {column, width});
        column += width;
    }
    if (column < columns.last)
        strip_function<1, false>(x.k, depths)(x, rows, {column, static_cast<int>(columns.last - column)});
}

}  // namespace
}  // namespace backpass::native

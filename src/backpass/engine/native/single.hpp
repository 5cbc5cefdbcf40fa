// The single row: one row of c. It is bound by reading b, which is read once, in storage order.
#pragma once

#include <utility>

#include "epilogue.hpp"
#include "kernels.hpp"
#include "lanes.hpp"
#include "panel.hpp"

namespace backpass::native {
namespace {

// Vectors of sums in registers: enough that rows of b are read in long pieces.
constexpr int single_parts = width == 16 ? 16 : 8;

bool is_single(const Matrices& x, Range rows) {
    return rows.size() == 1 && x.b_column == 1 && x.c_column == 1 && (!x.bias || x.bias_column == 1);
}

// Vector j of `parts`, the last of which has `lanes` lanes.
template <int parts, bool is_whole>
BACKPASS_LANE Float part_of(const float* from, int j, int lanes) {
    return j + 1 < parts ? load(from + j * width) : load_part<is_whole>(from + j * width, lanes);
}

template <int parts, bool is_whole>
void multiply_vectors(const Matrices& x, std::int64_t row, std::int64_t column, int lanes) {
    Float sum[parts];
#pragma GCC unroll 16
    for (int j = 0; j < parts; ++j)
        sum[j] = x.bias ? part_of<parts, is_whole>(x.bias + column, j, lanes) : broadcast(0.0f);
    const float *a = x.a + row * x.a_row, *b = x.b + column;
    for (std::int64_t p = 0; p < x.k; ++p, a += x.a_k, b += x.b_k) {
        const Float factor = broadcast(*a);
#pragma GCC unroll 16
        for (int j = 0; j < parts; ++j) sum[j] = fma(factor, part_of<parts, is_whole>(b, j, lanes), sum[j]);
    }
    with_constant(x.epilogue, [&](auto epilogue) {
#pragma GCC unroll 16
        for (int j = 0; j + 1 < parts; ++j)
            finish<decltype(epilogue)::value, true>(x, row, column + j * width, width, sum[j]);
        finish<decltype(epilogue)::value, is_whole>(x, row, column + (parts - 1) * width, lanes, sum[parts - 1]);
    });
}

using VectorsFunction = void (*)(const Matrices&, std::int64_t row, std::int64_t column, int lanes);

template <bool is_whole, int... part>
VectorsFunction vectors_function(std::int64_t parts, std::integer_sequence<int, part...>) {
    static constexpr VectorsFunction all[] = {multiply_vectors<part + 1, is_whole>...};
    return all[parts - 1];
}

void multiply_single(const Matrices& x, std::int64_t row, Range columns) {
    constexpr auto most = std::make_integer_sequence<int, single_parts>();
    for (std::int64_t column = columns.first; column < columns.last; column += single_parts * width) {
        const std::int64_t left = columns.last - column;
        const std::int64_t parts = left < single_parts * width ? (left + width - 1) / width : single_parts;
        const std::int64_t lanes = left - (parts - 1) * width;
        lanes < width ? vectors_function<false>(parts, most)(x, row, column, static_cast<int>(lanes))
                      : vectors_function<true>(parts, most)(x, row, column, width);
    }
}

}  // namespace
}  // namespace backpass::native

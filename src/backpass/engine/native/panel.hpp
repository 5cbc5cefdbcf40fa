// Panels: the matrices of a product, and columns of b copied next to each other if their strides are unfavorable.
#pragma once

#include "kernels.hpp"
#include "lanes.hpp"
#include "tile.hpp"

namespace backpass::native {
namespace {

// [first, last) of the rows, columns or steps of k.
struct Range {
    std::int64_t first, last;
    std::int64_t size() const { return last - first; }
};

// Strided matrices of one product, after the leading axes have been chosen.
struct Matrices {
    const float *a, *b, *bias;
    float* c;
    std::int64_t m, n, k;
    std::int64_t a_row, a_k, b_k, b_column, c_row, c_column, bias_column;
    Epilogue epilogue;
    float* aux;
    std::int64_t aux_row;
};

// The scratch memory of a thread. The panels of a block of b follow it.
struct alignas(64) ProductScratch {
    float a[block_size + 31 * (block_depth + block_rows)];  // a block of a, each row of which may be 31 elements longer
    float tile[tile_rows * panel_width];
    float aux[tile_rows * panel_width];
    float bias[panel_width];

    float* panels() { return reinterpret_cast<float*>(this + 1); }
};

// Whole panels of a transposed b, four columns and one vector of k at a time.
void transpose_panel(const float* from, std::int64_t between_columns, std::int64_t depth, float* panel) {
    std::int64_t p = 0;
    for (; p + width <= depth; p += width)
        for (int j = 0; j < panel_width; j += 4) {
            Int column[4];
            for (int q = 0; q < 4; ++q) column[q] = as_int(load(from + (j + q) * between_columns + p));
            interleave(column);
            std::int32_t rows[4 * width];
            for (int q = 0; q < 4; ++q) store(rows + q * width, column[q]);
            for (int i = 0; i < width; ++i) std::memcpy(panel + (p + i) * panel_width + j, rows + 4 * i, 16);
        }
    for (; p < depth; ++p)
        for (int j = 0; j < panel_width; ++j) panel[p * panel_width + j] = from[j * between_columns + p];
}

void copy_panel(const Matrices& x, std::int64_t column, std::int64_t columns, std::int64_t k, std::int64_t depth,
                float* panel) {
    const float* from = x.b + k * x.b_k + column * x.b_column;
    if (x.b_column == 1) {
        for (std::int64_t p = 0; p < depth; ++p, from += x.b_k, panel += panel_width)
            for (int j = 0; j < panel_width; j += width) {
                const std::int64_t left = columns - j;
                const Float part = left >= width ? load(from + j)
                                   : left > 0    ? load_first(from + j, static_cast<int>(left))
                                                 : broadcast(0.0f);
                store(panel + j, part);
            }
        return;
    }
    if (x.b_k == 1 && columns == panel_width) return transpose_panel(from, x.b_column, depth, panel);
    for (std::int64_t p = 0; p < depth; ++p)
        for (std::int64_t j = 0; j < panel_width; ++j)
            panel[p * panel_width + j] = j < columns ? from[p * x.b_k + j * x.b_column] : 0.0f;
}

}  // namespace
}  // namespace backpass::native

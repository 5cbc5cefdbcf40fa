// The product: c = a b + bias, tile by tile. Included once per instruction set; internal linkage throughout.
//
// Every element of c is one chain of fused multiply-adds in increasing k that starts at its bias (or at zero), or, for
// the narrow form, a sum over 32 virtual lanes folded in a fixed order. How the work is cut (tiles, blocks of k,
// threads) therefore changes no bit. A tile holds `rows` x `panel` sums in registers; b is read as rows of a panel,
// which are copied side by side first where they lie awkwardly in memory.
#pragma once

#include "kernels.hpp"
#include "lanes.hpp"
#include "outer.hpp"
#include "panel.hpp"
#include "tile.hpp"

namespace backpass::native {
namespace {

// Rows [row0, row1) and columns [column, column + columns) of c, for one block of k.
void multiply_block(const Matrices& x, std::int64_t row0, std::int64_t row1, std::int64_t column, std::int64_t columns,
                    std::int64_t k, std::int64_t depth, const float* b, std::int64_t b_stride, std::int64_t most_rows,
                    ProductScratch& scratch) {
    const int parts = columns > width ? 2 : 1;
    const bool is_whole = columns == parts * width && x.c_column == 1;
    const bool along_k = x.a_row != 1;
    const float* bias = nullptr;
    if (x.bias && k == 0) {
        for (std::int64_t j = 0; j < parts * width; ++j)
            scratch.bias[j] = j < columns ? x.bias[(column + j) * x.bias_column] : 0.0f;
        bias = scratch.bias;
    }
    const Epilogue epilogue = k + depth == x.k ? x.epilogue : Epilogue::None;
    // Rows are shared out evenly, so that no tile is much smaller than the others.
    const std::int64_t m = row1 - row0, tiles = (m + most_rows - 1) / most_rows;
    const std::int64_t least = m / tiles, larger = m % tiles;
    for (std::int64_t t = 0, first = row0, rows; t < tiles; ++t, first += rows) {
        rows = least + (t < larger);
        float* c = x.c + first * x.c_row + column * x.c_column;
        float* beside = x.beside == nullptr ? nullptr : x.beside + first * x.beside_row + column;
        Tile tile{x.a + first * x.a_row + k * x.a_k, along_k ? x.a_row : x.a_k, b, b_stride, c, x.c_row, bias,
                  k == 0, depth, epilogue, beside, x.beside_row};
        const TileFunction multiply = tile_function(static_cast<int>(rows), parts, along_k);
        if (is_whole) {
            multiply(tile);
            continue;
        }
        tile.c = scratch.tile;
        tile.beside = scratch.beside;
        tile.c_stride = tile.beside_stride = panel_width;
        const Corner corner{rows, columns, x.c_row, x.c_column}, packed{rows, columns, x.beside_row, 1};
        if (k > 0) corner.read(c, scratch.tile);
        if (epilogue == Epilogue::SlopeOfRelu || epilogue == Epilogue::SlopeBySign) packed.read(beside, scratch.beside);
        multiply(tile);
        corner.write(scratch.tile, c);
        if (epilogue == Epilogue::Relu) packed.write(scratch.beside, beside);
    }
}

// Rows of b are read where they lie if they are whole panels, near each other, or not read often enough to copy them.
bool is_read_in_place(const Matrices& x, std::int64_t rows, std::int64_t columns) {
    return x.b_column == 1 && columns == panel_width && (x.b_k <= 128 || rows <= 2 * tile_rows);
}

// A single row: wide tiles, because one chain of sums per vector would mostly wait for itself. Gives the column it got to.
std::int64_t multiply_row(const Matrices& x, std::int64_t row, std::int64_t column, std::int64_t last) {
    if (x.b_column != 1 || x.c_column != 1 || (x.bias && x.bias_column != 1)) return column;
    const auto multiply = [&](TileFunction tile, int parts) {
        for (; column + parts * width <= last; column += parts * width) {
            float* beside = x.beside == nullptr ? nullptr : x.beside + row * x.beside_row + column;
            tile({x.a + row * x.a_row, x.a_k, x.b + column, x.b_k, x.c + row * x.c_row + column, x.c_row,
                  x.bias ? x.bias + column : nullptr, true, x.k, x.epilogue, beside, x.beside_row});
        }
    };
    multiply(multiply_tile<1, 8, false>, 8);
    multiply(multiply_tile<1, 6, false>, 6);
    multiply(multiply_tile<1, 4, false>, 4);
    return column;
}

void multiply_range(const Matrices& x, std::int64_t row0, std::int64_t row1, std::int64_t column0, std::int64_t column1,
                    const Tiling& tiling, ProductScratch& scratch) {
    const std::int64_t most_rows = tiling.rows > 0 && tiling.rows < tile_rows ? tiling.rows : tile_rows;
    const std::int64_t most_depth = tiling.depth > 0 && tiling.depth < largest_depth ? tiling.depth : default_depth;
    if (row1 - row0 == 1) column0 = multiply_row(x, row0, column0, column1);
    const std::int64_t blocks = x.k > 0 ? (x.k + most_depth - 1) / most_depth : 1;
    for (std::int64_t block = 0; block < blocks; ++block) {
        const std::int64_t k = x.k * block / blocks, depth = x.k * (block + 1) / blocks - k;
        for (std::int64_t column = column0; column < column1; column += panel_width) {
            const std::int64_t columns = column1 - column < panel_width ? column1 - column : panel_width;
            const float* b = x.b + k * x.b_k + column;
            std::int64_t stride = x.b_k;
            if (!is_read_in_place(x, row1 - row0, columns)) {
                copy_panel(x, column, columns, k, depth, scratch.panel);
                b = scratch.panel;
                stride = panel_width;
            }
            multiply_block(x, row0, row1, column, columns, k, depth, b, stride, most_rows, scratch);
        }
    }
}

// Few columns of c and a row-major a: one row of a times one column of b, as 32 virtual lanes folded in a fixed tree.
void multiply_narrow(const Matrices& x, std::int64_t row0, std::int64_t row1, float* column_of_b) {
    const std::int64_t whole = x.k - x.k % row_width, rest = x.k - whole;
    for (std::int64_t j = 0; j < x.n; ++j) {
        const float* b = x.b + j * x.b_column;
        if (x.b_k != 1) {
            for (std::int64_t p = 0; p < x.k; ++p) column_of_b[p] = b[p * x.b_k];
            b = column_of_b;
        }
        const float bias = x.bias ? x.bias[j * x.bias_column] : 0.0f;
        for (std::int64_t i = row0; i < row1; ++i) {
            const float* a = x.a + i * x.a_row;
            Float sum[row_parts];
#pragma GCC unroll 8
            for (int q = 0; q < row_parts; ++q) sum[q] = broadcast(0.0f);
            for (std::int64_t p = 0; p < whole; p += row_width)
#pragma GCC unroll 8
                for (int q = 0; q < row_parts; ++q)
                    sum[q] = fma(load(a + p + q * width), load(b + p + q * width), sum[q]);
            for (int q = 0; q < row_parts && q * width < rest; ++q) {
                const std::int64_t left = rest - q * width;
                const int count = static_cast<int>(left < width ? left : width);
                const std::int64_t p = whole + q * width;
                sum[q] = fma(load_first(a + p, count), load_first(b + p, count), sum[q]);
            }
            x.c[i * x.c_row + j * x.c_column] = sum_row(sum) + bias;
        }
    }
}

// The same product with the roles of rows and columns exchanged: c^T = b^T a^T. The factors commute, so the bits stay.
Matrices transposed(const Matrices& x) {
    return {x.b, x.a, nullptr, x.c, x.n, x.m, x.k, x.b_column, x.b_k, x.a_k, x.a_row, x.c_column, x.c_row, 0,
            Epilogue::None, nullptr, 0};
}

// A share [first, last) of `count` things in units of `unit`.
struct Share {
    std::int64_t first, last;
};
Share share_of(std::int64_t count, std::int64_t unit, const Frame& frame) {
    const std::int64_t units = (count + unit - 1) / unit;
    const std::int64_t first = units * frame.thread / frame.threads * unit;
    const std::int64_t last = units * (frame.thread + 1) / frame.threads * unit;
    return {first < count ? first : count, last < count ? last : count};
}

void multiply_matrices(Matrices x, bool is_narrow, const Frame& frame, const Tiling& tiling) {
    ProductScratch& scratch = *reinterpret_cast<ProductScratch*>(frame.scratch);
    if (is_narrow) {
        const Share rows = share_of(x.m, 1, frame);
        multiply_narrow(x, rows.first, rows.last, reinterpret_cast<float*>(frame.scratch));
        return;
    }
    if (is_outer(x)) {
        const Share rows = share_of(x.m, 1, frame);
        multiply_outer(x, rows.first, rows.last);
        return;
    }
    // Few columns waste lanes; the same product lying on its side does not.
    if (!x.bias && x.epilogue == Epilogue::None && x.n < width && x.m > x.n && x.a_row == 1 && (x.b_column == 1 || x.b_k == 1)) x = transposed(x);
    // Threads that share out columns copy each panel once; those that share out rows all copy every panel.
    const std::int64_t panels = (x.n + panel_width - 1) / panel_width;
    const bool columns_are_even = panels % frame.threads == 0 || panels >= 4 * frame.threads;
    if (!columns_are_even && x.m >= 2 * tile_rows * frame.threads) {
        const Share rows = share_of(x.m, 1, frame);
        if (rows.first < rows.last) multiply_range(x, rows.first, rows.last, 0, x.n, tiling, scratch);
    } else {
        const Share columns = share_of(x.n, panel_width, frame);
        if (columns.first < columns.last) multiply_range(x, 0, x.m, columns.first, columns.last, tiling, scratch);
    }
}

template <class T>
T* address(const Operand& x, const Frame& frame) {
    return reinterpret_cast<T*>(frame.buffers[x.buffer] + x.offset);
}

// float64, with plain sums in the same order.
void multiply_plainly(const Product& product, const Frame& frame, std::int64_t s0, std::int64_t s1, std::int64_t s2) {
    const auto start = [&](const Operand& x) {
        return address<double>(x, frame) + s0 * x.strides[0] + s1 * x.strides[1] + s2 * x.strides[2];
    };
    const double *a = start(product.a), *b = start(product.b);
    const double* bias = product.has_bias ? start(product.bias) : nullptr;
    double* c = start(product.c);
    const Share rows = share_of(product.m, 1, frame);
    for (std::int64_t i = rows.first; i < rows.last; ++i)
        for (std::int64_t j = 0; j < product.n; ++j) {
            double sum = bias ? bias[j * product.bias.strides[4]] : 0.0;
            for (std::int64_t p = 0; p < product.k; ++p)
                sum += a[i * product.a.strides[3] + p * product.a.strides[4]] *
                       b[p * product.b.strides[3] + j * product.b.strides[4]];
            c[i * product.c.strides[3] + j * product.c.strides[4]] = sum;
        }
}

void run_product(const Product& product, const Frame& frame, const Tiling& tiling) {
    const auto& a = product.a.strides;
    const auto& b = product.b.strides;
    const auto& c = product.c.strides;
    const auto& bias = product.bias.strides;
    for (std::int64_t s0 = 0; s0 < product.stack[0]; ++s0)
        for (std::int64_t s1 = 0; s1 < product.stack[1]; ++s1)
            for (std::int64_t s2 = 0; s2 < product.stack[2]; ++s2) {
                if (product.c.dtype == Dtype::Float64) {
                    multiply_plainly(product, frame, s0, s1, s2);
                    continue;
                }
                const auto start = [&](const Operand& x) {
                    return address<float>(x, frame) + s0 * x.strides[0] + s1 * x.strides[1] + s2 * x.strides[2];
                };
                multiply_matrices({start(product.a), start(product.b), product.has_bias ? start(product.bias) : nullptr,
                                   start(product.c), product.m, product.n, product.k, a[3], a[4], b[3], b[4], c[3],
                                   c[4], bias[4], product.epilogue,
                                   product.has_beside ? start(product.beside) : nullptr,
                                   product.beside.strides[3]},
                                  product.is_narrow, frame, tiling);
            }
}

std::int64_t product_scratch(const Product& product) {
    const std::int64_t column = product.is_narrow ? product.k * static_cast<std::int64_t>(sizeof(float)) : 0;
    const std::int64_t own = static_cast<std::int64_t>(sizeof(ProductScratch));
    return column > own ? column : own;
}

}  // namespace
}  // namespace backpass::native

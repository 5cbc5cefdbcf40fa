// The product: c = a b + bias, tile by tile. Included once per instruction set; internal linkage throughout.
//
// Every element of c is one chain of fused multiply-adds in increasing k that starts at its bias (or at zero), or, for
// the narrow form, a sum over 32 virtual lanes folded in a fixed order. How the work is cut (tiles, blocks of k,
// threads) therefore changes no bit. A tile holds `rows` x `panel` sums in registers; b is read as rows of a panel,
// which are copied side by side first where they lie awkwardly in memory.
#pragma once

#include "kernels.hpp"
#include "lanes.hpp"

namespace backpass::native {
namespace {

// Registers: rows * parts sums, parts of b, one broadcast of a.
constexpr int tile_rows = width == 16 ? 14 : width == 8 ? 6 : 4;
constexpr int tile_parts = 2;
constexpr int panel_width = tile_parts * width;
constexpr std::int64_t default_depth = 192;  // a block of a panel is then 24 KB at most: within the L1 cache
constexpr std::int64_t largest_depth = 512;

// One tile: c (rows x panel_width), its start, and the factors for a run of k.
struct Tile {
    const float* a;
    std::int64_t a_stride;  // between rows of a, or between steps of k (see AlongK)
    const float* b;
    std::int64_t b_stride;  // between steps of k
    float* c;
    std::int64_t c_stride;
    const float* bias;  // one per column, for the first block
    bool is_first;      // start from the bias or zero instead of c
    std::int64_t depth;
};

// AlongK: the elements of one row of a lie side by side. Otherwise those of one step of k do (a is transposed).
template <int rows, int parts, bool along_k>
void multiply_tile(const Tile& tile) {
    Float sum[rows][parts];
    if (!tile.is_first) {
#pragma GCC unroll 16
        for (int i = 0; i < rows; ++i)
#pragma GCC unroll 4
            for (int j = 0; j < parts; ++j) sum[i][j] = load(tile.c + i * tile.c_stride + j * width);
    } else {
#pragma GCC unroll 4
        for (int j = 0; j < parts; ++j) {
            const Float start = tile.bias ? load(tile.bias + j * width) : broadcast(0.0f);
#pragma GCC unroll 16
            for (int i = 0; i < rows; ++i) sum[i][j] = start;
        }
    }
    // One pointer per three rows: x86 addresses p, p + s and p + 2 s without further registers.
    constexpr int bases = (rows + 2) / 3;
    const std::int64_t stride = tile.a_stride;
    const float* base[bases];
    for (int i = 0; i < bases; ++i) base[i] = tile.a + (along_k ? 3 * i * stride : 0);
    const float* b = tile.b;
    for (std::int64_t left = tile.depth; left > 0; --left) {
        Float row[parts];
#pragma GCC unroll 4
        for (int j = 0; j < parts; ++j) row[j] = load(b + j * width);
#pragma GCC unroll 16
        for (int i = 0; i < rows; ++i) {
            const Float factor = broadcast(along_k ? base[i / 3][i % 3 * stride] : base[0][i]);
#pragma GCC unroll 4
            for (int j = 0; j < parts; ++j) sum[i][j] = fma(factor, row[j], sum[i][j]);
        }
        b += tile.b_stride;
#pragma GCC unroll 8
        for (int i = 0; i < (along_k ? bases : 1); ++i) base[i] += along_k ? 1 : stride;
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i)
#pragma GCC unroll 4
        for (int j = 0; j < parts; ++j) store(tile.c + i * tile.c_stride + j * width, sum[i][j]);
}

using TileFunction = void (*)(const Tile&);

template <int parts, bool along_k, int... row>
constexpr TileFunction tile_function(int rows, std::integer_sequence<int, row...>) {
    const TileFunction all[] = {multiply_tile<row + 1, parts, along_k>...};
    return all[rows - 1];
}

template <int parts, bool along_k>
TileFunction tile_function(int rows) {
    return tile_function<parts, along_k>(rows, std::make_integer_sequence<int, tile_rows>());
}

TileFunction tile_function(int rows, int parts, bool along_k) {
    if (along_k) return parts == 1 ? tile_function<1, true>(rows) : tile_function<2, true>(rows);
    return parts == 1 ? tile_function<1, false>(rows) : tile_function<2, false>(rows);
}

// Strided matrices of one product, after the leading axes have been chosen.
struct Matrices {
    const float *a, *b, *bias;
    float* c;
    std::int64_t m, n, k;
    std::int64_t a_row, a_k, b_k, b_column, c_row, c_column, bias_column;
};

// What a thread needs beside its registers.
struct alignas(64) ProductScratch {
    float panel[largest_depth * panel_width];
    float tile[tile_rows * panel_width];
    float bias[panel_width];
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
    const std::int64_t m = row1 - row0, tiles = (m + most_rows - 1) / most_rows;
    for (std::int64_t t = 0; t < tiles; ++t) {
        const std::int64_t first = row0 + m * t / tiles, rows = row0 + m * (t + 1) / tiles - first;
        float* c = x.c + first * x.c_row + column * x.c_column;
        Tile tile{x.a + first * x.a_row + k * x.a_k, along_k ? x.a_row : x.a_k, b, b_stride, c, x.c_row, bias,
                  k == 0, depth};
        const TileFunction multiply = tile_function(static_cast<int>(rows), parts, along_k);
        if (is_whole) {
            multiply(tile);
            continue;
        }
        tile.c = scratch.tile;
        tile.c_stride = panel_width;
        if (k > 0)
            for (std::int64_t i = 0; i < rows; ++i)
                for (std::int64_t j = 0; j < columns; ++j)
                    scratch.tile[i * panel_width + j] = c[i * x.c_row + j * x.c_column];
        multiply(tile);
        for (std::int64_t i = 0; i < rows; ++i)
            for (std::int64_t j = 0; j < columns; ++j) c[i * x.c_row + j * x.c_column] = scratch.tile[i * panel_width + j];
    }
}

// Rows of b are read where they lie if they are whole panels, near each other, or not read often enough to copy them.
bool is_read_in_place(const Matrices& x, std::int64_t rows, std::int64_t columns) {
    return x.b_column == 1 && columns == panel_width && (x.b_k <= 128 || rows <= 2 * tile_rows);
}

void multiply_range(const Matrices& x, std::int64_t row0, std::int64_t row1, std::int64_t column0, std::int64_t column1,
                    const Tiling& tiling, ProductScratch& scratch) {
    const std::int64_t most_rows = tiling.rows > 0 && tiling.rows < tile_rows ? tiling.rows : tile_rows;
    const std::int64_t most_depth = tiling.depth > 0 && tiling.depth < largest_depth ? tiling.depth : default_depth;
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
    return {x.b, x.a, nullptr, x.c, x.n, x.m, x.k, x.b_column, x.b_k, x.a_k, x.a_row, x.c_column, x.c_row, 0};
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
    // Few columns waste lanes; the same product lying on its side does not.
    if (!x.bias && x.n < width && x.m > x.n && x.a_row == 1 && (x.b_column == 1 || x.b_k == 1)) x = transposed(x);
    if (x.m >= 2 * tile_rows * frame.threads) {
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
                                   c[4], bias[4]},
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

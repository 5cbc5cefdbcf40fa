// The product: c = a b + bias, tile by tile. Included once per instruction set; internal linkage throughout.
//
// Every element of c is one chain of fused multiply-adds in increasing k that starts at its bias (or at zero), or, for
// the narrow form, a sum over 32 virtual lanes folded in a fixed order. How the work is cut (tiles, blocks of k,
// threads) therefore changes no bit. A tile holds `rows` x `panel` sums in registers (tile.hpp); which tile comes when
// is a matter of caches (cache_blocks.hpp).
#pragma once

#include "cache_blocks.hpp"
#include "kernels.hpp"
#include "lanes.hpp"
#include "outer.hpp"
#include "panel.hpp"
#include "shallow.hpp"
#include "single.hpp"

namespace backpass::native {
namespace {

// The sum of the products of two rows, folded to one vector. If half of the virtual lanes are empty, adding them would
// only turn -0 into 0, which one sum at the end does for all: see multiply_short.
template <int parts, bool is_whole>
BACKPASS_LANE Float fold_products(const float* a, const Float* b, int lanes) {
    Float sum[row_parts];
    if constexpr (parts <= row_parts / 2) {
#pragma GCC unroll 8
        for (int q = 0; q < parts; ++q) sum[q] = part_of<parts, is_whole>(a, q, lanes) * b[q];
#pragma GCC unroll 4
        for (int half = row_parts / 4; half > 0; half /= 2)
#pragma GCC unroll 8
            for (int q = 0; q < half; ++q)
                if (q + half < parts) sum[q] = sum[q] + sum[q + half];
        return sum[0];
    } else {
#pragma GCC unroll 8
        for (int q = 0; q < row_parts; ++q) sum[q] = broadcast(0.0f);
#pragma GCC unroll 8
        for (int q = 0; q < parts; ++q) sum[q] = fma(part_of<parts, is_whole>(a, q, lanes), b[q], sum[q]);
        return sum_parts(sum);
    }
}

// The narrow form if a row is no longer than the virtual lanes: as many rows of a at once as a vector has lanes, times
// all columns of b, each of them whole vectors. Returns the first row that is left. A row of a is `parts` vectors, the
// last of which may not be whole.
template <int parts, bool is_whole>
std::int64_t multiply_short(const Matrices& x, std::int64_t row0, std::int64_t row1, const float* columns) {
    const int lanes = static_cast<int>(x.k) - (parts - 1) * width;
    std::int64_t row = row0;
    for (; row + width <= row1; row += width) {
        const float* a = x.a + row * x.a_row;
        for (std::int64_t j = 0; j < x.n; ++j) {
            Float b[parts], rows[width];
#pragma GCC unroll 8
            for (int q = 0; q < parts; ++q) b[q] = load(columns + j * row_width + q * width);
#pragma GCC unroll 16
            for (int i = 0; i < width; ++i) rows[i] = fold_products<parts, is_whole>(a + i * x.a_row, b, lanes);
            Float sum = sum_rows(rows);
            if constexpr (parts <= row_parts / 2) sum = sum + broadcast(0.0f);
            float sums[width];
            store(sums, sum + broadcast(x.bias ? x.bias[j * x.bias_column] : 0.0f));
            float* c = x.c + row * x.c_row + j * x.c_column;
            for (int i = 0; i < width; ++i, c += x.c_row) *c = sums[i];
        }
    }
    return row;
}

using ShortFunction = std::int64_t (*)(const Matrices&, std::int64_t row0, std::int64_t row1, const float* columns);

template <bool is_whole, int... part>
ShortFunction short_function(std::int64_t parts, std::integer_sequence<int, part...>) {
    static constexpr ShortFunction all[] = {multiply_short<part + 1, is_whole>...};
    return all[parts - 1];
}

ShortFunction short_function(std::int64_t k) {
    constexpr auto most = std::make_integer_sequence<int, row_parts>();
    const std::int64_t parts = (k + width - 1) / width;
    return k % width == 0 ? short_function<true>(parts, most) : short_function<false>(parts, most);
}

// Few columns of c and a row-major a: one row of a times one column of b, as 32 virtual lanes folded in a fixed tree.
void multiply_narrow(const Matrices& x, std::int64_t row0, std::int64_t row1, float* columns_of_b) {
    if (x.k > 0 && x.k <= row_width && row1 - row0 >= width) {
        for (std::int64_t j = 0; j < x.n; ++j)
            for (std::int64_t p = 0; p < row_width; ++p)
                columns_of_b[j * row_width + p] = p < x.k ? x.b[p * x.b_k + j * x.b_column] : 0.0f;
        row0 = short_function(x.k)(x, row0, row1, columns_of_b);
        if (row0 == row1) return;
    }
    const std::int64_t whole = x.k - x.k % row_width, rest = x.k - whole;
    for (std::int64_t j = 0; j < x.n; ++j) {
        const float* b = x.b + j * x.b_column;
        if (x.b_k != 1) {
            for (std::int64_t p = 0; p < x.k; ++p) columns_of_b[p] = b[p * x.b_k];
            b = columns_of_b;
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

// A thread's range of `count` items, in units of `unit`.
Range range_of(std::int64_t count, std::int64_t unit, const Frame& frame) {
    const std::int64_t units = (count + unit - 1) / unit;
    const std::int64_t first = units * frame.thread / frame.threads * unit;
    const std::int64_t last = units * (frame.thread + 1) / frame.threads * unit;
    return {first < count ? first : count, last < count ? last : count};
}

// Whether threads split the columns: then the thread with the most work has less than if they split the rows. A thread
// that takes columns copies only its own panels of b; a copy takes about as long as multiplying four rows.
bool is_cut_along_columns(const Matrices& x, int threads) {
    constexpr std::int64_t copying = 4;
    const std::int64_t panels = (x.n + panel_width - 1) / panel_width;
    const std::int64_t columns = (panels + threads - 1) / threads * panel_width, rows = (x.m + threads - 1) / threads;
    return (x.m + copying) * (columns < x.n ? columns : x.n) <= (rows + copying) * x.n;
}

void multiply_matrices(Matrices x, bool is_narrow, const Frame& frame, const Tiling& tiling) {
    if (is_narrow) {
        const Range rows = range_of(x.m, 1, frame);
        multiply_narrow(x, rows.first, rows.last, reinterpret_cast<float*>(frame.scratch));
        return;
    }
    if (is_outer(x)) {
        const Range rows = range_of(x.m, 1, frame);
        multiply_outer(x, rows.first, rows.last);
        return;
    }
    // Few columns waste lanes; the transposed product does not.
    if (!x.bias && x.epilogue == Epilogue::None && x.n < width && x.m > x.n && x.a_row == 1 &&
        (x.b_column == 1 || x.b_k == 1))
        x = transposed(x);
    Range rows{0, x.m}, columns{0, x.n};
    if (is_cut_along_columns(x, frame.threads))
        columns = range_of(x.n, panel_width, frame);
    else
        rows = range_of(x.m, 1, frame);
    if (rows.size() == 0 || columns.size() == 0) return;
    if (is_single(x, rows)) return multiply_single(x, rows.first, columns);
    if (is_shallow(x, rows)) return multiply_shallow(x, rows, columns);
    multiply_range(x, rows, columns, tiling, *reinterpret_cast<ProductScratch*>(frame.scratch));
}

template <class T>
T* address(const Operand& x, const Frame& frame) {
    return reinterpret_cast<T*>(frame.buffers[x.buffer] + x.offset);
}

// float64, with scalar sums in the same order.
void multiply_scalar(const Product& product, const Frame& frame, std::int64_t s0, std::int64_t s1, std::int64_t s2) {
    const auto start = [&](const Operand& x) {
        return address<double>(x, frame) + s0 * x.strides[0] + s1 * x.strides[1] + s2 * x.strides[2];
    };
    const double *a = start(product.a), *b = start(product.b);
    const double* bias = product.has_bias ? start(product.bias) : nullptr;
    double* c = start(product.c);
    const Range rows = range_of(product.m, 1, frame);
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
                    multiply_scalar(product, frame, s0, s1, s2);
                    continue;
                }
                const auto start = [&](const Operand& x) {
                    return address<float>(x, frame) + s0 * x.strides[0] + s1 * x.strides[1] + s2 * x.strides[2];
                };
                multiply_matrices({start(product.a), start(product.b), product.has_bias ? start(product.bias) : nullptr,
                                   start(product.c), product.m, product.n, product.k, a[3], a[4], b[3], b[4], c[3],
                                   c[4], bias[4], product.epilogue,
                                   product.has_aux ? start(product.aux) : nullptr,
                                   product.aux.strides[3]},
                                  product.is_narrow, frame, tiling);
            }
}

// Columns of b for the narrow form; otherwise partial tiles and the panels of a block.
std::int64_t product_scratch(const Product& p) {
    const auto bytes = static_cast<std::int64_t>(sizeof(float));
    if (p.is_narrow) return (p.k <= row_width ? p.n * row_width : p.k) * bytes;
    const std::int64_t longer = p.n > p.m ? p.n : p.m;  // it may be transposed
    const std::int64_t columns =
        longer < block_columns ? (longer + panel_width - 1) / panel_width * panel_width : block_columns;
    return static_cast<std::int64_t>(sizeof(ProductScratch)) +
        columns * (p.k < block_depth ? p.k : block_depth) * bytes;
}

}  // namespace
}  // namespace backpass::native

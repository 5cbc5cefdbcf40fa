// A tile: rows x columns of sums that stay in registers while the loop over k runs. All of a product's arithmetic is
// here.
#pragma once

#include <utility>

#include "kernels.hpp"
#include "lanes.hpp"

namespace backpass::native {
namespace {

// Registers: rows * parts sums, parts of b, one broadcast of a.
constexpr int tile_rows = width == 16 ? 14 : width == 8 ? 6 : 4;
constexpr int tile_parts = 2;
constexpr int panel_width = tile_parts * width;

// Blocks: at most so many steps of k; rows of a, but no more elements of it than this (256 KB); columns of b. AVX-512
// tiles do enough work per row of a panel that panels may come from the L2 cache; others keep them in the L1 cache.
constexpr std::int64_t block_depth = width == 16 ? 1024 : 48 * width;
constexpr std::int64_t block_rows = 512, block_size = 64 * 1024, block_columns = 1024;

// One tile: c (rows x panel_width), its start, and the factors for a run of k.
struct Tile {
    const float* a;
    std::int64_t a_stride;  // between rows of a, or between steps of k (see along_k)
    const float* b;
    std::int64_t b_stride;  // between steps of k
    float* c;
    std::int64_t c_stride;
    const float* bias;  // one per column, for the first block
    bool is_first;      // start from the bias or zero instead of c
    std::int64_t depth;
    Epilogue epilogue;  // None unless this is the last block of k
    float* aux;
    std::int64_t aux_stride;
};

// One step of k: a word of a and one of b are a float each, or a pair of bfloat16 (see bf16_avx512.cpp).
BACKPASS_LANE Float multiply_add(Float a, Float b, Float sum) {
#if defined(BACKPASS_BF16)
    return {_mm512_dpbf16_ps(sum.raw, (__m512bh)_mm512_castps_si512(a.raw), (__m512bh)_mm512_castps_si512(b.raw))};
#else
    return fma(a, b, sum);
#endif
}

// along_k: the elements of a row of a are contiguous. Otherwise those of a step of k are (a is transposed).
template <int rows, int parts, bool along_k>
void multiply_tile(const Tile& tile) {
    Float sum[rows][parts];
    if (!tile.is_first) {
#pragma GCC unroll 16
        for (int i = 0; i < rows; ++i)
#pragma GCC unroll 8
            for (int j = 0; j < parts; ++j) sum[i][j] = load(tile.c + i * tile.c_stride + j * width);
    } else {
#pragma GCC unroll 8
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
#pragma GCC unroll 8
        for (int j = 0; j < parts; ++j) row[j] = load(b + j * width);
#pragma GCC unroll 16
        for (int i = 0; i < rows; ++i) {
            const Float factor = broadcast(along_k ? base[i / 3][i % 3 * stride] : base[0][i]);
#pragma GCC unroll 8
            for (int j = 0; j < parts; ++j) sum[i][j] = multiply_add(factor, row[j], sum[i][j]);
        }
        b += tile.b_stride;
#pragma GCC unroll 8
        for (int i = 0; i < (along_k ? bases : 1); ++i) base[i] += along_k ? 1 : stride;
    }
    if (tile.epilogue == Epilogue::SlopeOfRelu) {
#pragma GCC unroll 16
        for (int i = 0; i < rows; ++i)
#pragma GCC unroll 8
            for (int j = 0; j < parts; ++j)
                sum[i][j] = slope_of_relu(load(tile.aux + i * tile.aux_stride + j * width), sum[i][j]);
    }
    if (tile.epilogue == Epilogue::SlopeBySign) {
#pragma GCC unroll 16
        for (int i = 0; i < rows; ++i)
#pragma GCC unroll 8
            for (int j = 0; j < parts; ++j)
                sum[i][j] = slope_by_sign(load(tile.aux + i * tile.aux_stride + j * width), sum[i][j]);
    }
    if (tile.epilogue == Epilogue::ReluWithSign) {
#pragma GCC unroll 16
        for (int i = 0; i < rows; ++i)
#pragma GCC unroll 8
            for (int j = 0; j < parts; ++j) sum[i][j] = relu_with_sign(sum[i][j]);
    }
    if (tile.epilogue == Epilogue::ReluAlone) {
#pragma GCC unroll 16
        for (int i = 0; i < rows; ++i)
#pragma GCC unroll 8
            for (int j = 0; j < parts; ++j) sum[i][j] = relu(sum[i][j]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i)
#pragma GCC unroll 8
        for (int j = 0; j < parts; ++j) store(tile.c + i * tile.c_stride + j * width, sum[i][j]);
    if (tile.epilogue == Epilogue::Relu) {
#pragma GCC unroll 16
        for (int i = 0; i < rows; ++i)
#pragma GCC unroll 8
            for (int j = 0; j < parts; ++j)
                store(tile.aux + i * tile.aux_stride + j * width, relu(sum[i][j]));
    }
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

// A partial tile at the edge of a matrix, copied to and from a whole tile in scratch memory.
struct Corner {
    std::int64_t rows, columns, row_stride, column_stride;

    void read(const float* from, float* tile) const {
        for (std::int64_t i = 0; i < rows; ++i)
            for (std::int64_t j = 0; j < columns; ++j)
                tile[i * panel_width + j] = from[i * row_stride + j * column_stride];
    }

    void write(const float* tile, float* to) const {
        if (column_stride != 1) {
            for (std::int64_t i = 0; i < rows; ++i)
                for (std::int64_t j = 0; j < columns; ++j)
                    to[i * row_stride + j * column_stride] = tile[i * panel_width + j];
            return;
        }
        for (std::int64_t i = 0; i < rows; ++i)
            for (std::int64_t j = 0; j < columns; j += width) {
                const int count = static_cast<int>(columns - j < width ? columns - j : width);
                store_first(to + i * row_stride + j, load(tile + i * panel_width + j), count);
            }
    }
};

}  // namespace
}  // namespace backpass::native

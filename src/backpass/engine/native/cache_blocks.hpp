// Cache blocking: how a product is split so that the data it reads repeatedly stays in the cache.
//
// For a range of columns and a range of k, the panels of b are copied next to each other once. Then each block of rows
// of a, which stays in the L2 cache, is multiplied by each panel, tile by tile.
#pragma once

#include "kernels.hpp"
#include "lanes.hpp"
#include "panel.hpp"
#include "tile.hpp"

namespace backpass::native {
namespace {

// Piece i of a range that is split evenly.
Range piece_of(Range whole, std::int64_t i, std::int64_t pieces) {
    return {whole.first + whole.size() * i / pieces, whole.first + whole.size() * (i + 1) / pieces};
}

std::int64_t pieces_of(Range whole, std::int64_t largest) { return (whole.size() + largest - 1) / largest; }

// A panel of b for a range of k: the start and the stride of its rows.
struct Panel {
    std::int64_t column, columns;
    Range k;
    const float* start;
    std::int64_t stride;
};

// Multiplies rows of x, whose a may have been copied, by one panel.
void multiply_panel(const Matrices& x, Range rows, const Panel& panel, std::int64_t most_rows,
                    ProductScratch& scratch) {
    const std::int64_t column = panel.column, columns = panel.columns;
    const int parts = columns > width ? 2 : 1;
    const bool is_whole = columns == parts * width && x.c_column == 1, is_first = panel.k.first == 0;
    const bool along_k = x.a_row != 1;
    const float* bias = nullptr;
    if (x.bias && is_first) {
        for (std::int64_t j = 0; j < parts * width; ++j)
            scratch.bias[j] = j < columns ? x.bias[(column + j) * x.bias_column] : 0.0f;
        bias = scratch.bias;
    }
    const Epilogue epilogue = panel.k.last == x.k ? x.epilogue : Epilogue::None;
    // Rows are split evenly, so that no tile is much smaller than the others.
    const std::int64_t tiles = pieces_of(rows, most_rows);
    for (std::int64_t t = 0; t < tiles; ++t) {
        const Range at = piece_of(rows, t, tiles);
        float* c = x.c + at.first * x.c_row + column * x.c_column;
        float* aux = x.aux == nullptr ? nullptr : x.aux + at.first * x.aux_row + column;
        Tile tile{x.a + at.first * x.a_row + panel.k.first * x.a_k, along_k ? x.a_row : x.a_k, panel.start,
                  panel.stride, c, x.c_row, bias, is_first, panel.k.size(), epilogue, aux, x.aux_row};
        const TileFunction multiply = tile_function(static_cast<int>(at.size()), parts, along_k);
        if (is_whole) {
            multiply(tile);
            continue;
        }
        tile.c = scratch.tile;
        tile.aux = scratch.aux;
        tile.c_stride = tile.aux_stride = panel_width;
        const Corner corner{at.size(), columns, x.c_row, x.c_column}, packed{at.size(), columns, x.aux_row, 1};
        if (!is_first) corner.read(c, scratch.tile);
        if (epilogue == Epilogue::SlopeOfRelu || epilogue == Epilogue::SlopeBySign) packed.read(aux, scratch.aux);
        multiply(tile);
        corner.write(scratch.tile, c);
        if (epilogue == Epilogue::Relu) packed.write(scratch.aux, aux);
    }
}

// Whether rows of b are read in place: they are whole vectors, close together, or not read often enough to be copied.
bool is_read_in_place(const Matrices& x, Range rows, std::int64_t columns) {
    return x.b_column == 1 && columns % width == 0 && (x.b_k <= 128 || rows.size() <= 2 * tile_rows);
}

// The same matrices, with the block of a copied if the stride of its rows maps all of them to the same cache set. Rows
// that are an odd number of cache lines apart do not conflict.
Matrices with_near_rows(const Matrices& x, Range rows, Range k, float* room) {
    const bool along_k = x.a_row != 1;
    const std::int64_t stride = along_k ? x.a_row : x.a_k;
    if (stride == 0 || stride % (4096 / static_cast<std::int64_t>(sizeof(float))) != 0) return x;
    const std::int64_t length = along_k ? k.size() : rows.size(), count = along_k ? rows.size() : k.size();
    const std::int64_t near = ((length + 15) / 16 | 1) * 16;
    const float* from = x.a + rows.first * x.a_row + k.first * x.a_k;
    for (std::int64_t i = 0; i < count; ++i)
        std::memcpy(room + i * near, from + i * stride, static_cast<std::size_t>(length) * sizeof(float));
    Matrices moved = x;
    (along_k ? moved.a_row : moved.a_k) = near;
    moved.a = room - rows.first * moved.a_row - k.first * moved.a_k;
    return moved;
}

void multiply_range(const Matrices& x, Range rows, Range columns, const Tiling& tiling, ProductScratch& scratch) {
    const std::int64_t most_rows = tiling.rows > 0 && tiling.rows < tile_rows ? tiling.rows : tile_rows;
    const std::int64_t most_depth = tiling.depth > 0 && tiling.depth < block_depth ? tiling.depth : block_depth;
    const std::int64_t blocks = x.k > 0 ? pieces_of({0, x.k}, most_depth) : 1;
    for (std::int64_t left = columns.first; left < columns.last; left += block_columns)
        for (std::int64_t i = 0; i < blocks; ++i) {
            const Range k = piece_of({0, x.k}, i, blocks);
            const std::int64_t fitting = block_size / (k.size() + 1);
            const std::int64_t row_blocks = pieces_of(rows, fitting < block_rows ? fitting : block_rows);
            for (std::int64_t j = 0; j < row_blocks; ++j) {
                const Range some = piece_of(rows, j, row_blocks);
                const Matrices near = with_near_rows(x, some, k, scratch.a);
                const std::int64_t end = columns.last < left + block_columns ? columns.last : left + block_columns;
                for (std::int64_t column = left; column < end; column += panel_width) {
                    const std::int64_t count = end - column < panel_width ? end - column : panel_width;
                    Panel panel{column, count, k, x.b + k.first * x.b_k + column, x.b_k};
                    if (!is_read_in_place(x, rows, count)) {
                        float* copy = scratch.panels() + (column - left) * k.size();
                        if (j == 0) copy_panel(x, column, count, k.first, k.size(), copy);
                        panel.start = copy;
                        panel.stride = panel_width;
                    }
                    multiply_panel(near, some, panel, most_rows, scratch);
                }
            }
        }
}

}  // namespace
}  // namespace backpass::native

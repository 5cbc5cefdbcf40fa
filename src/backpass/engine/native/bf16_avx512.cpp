// Products of bfloat16 numbers, for machines with AVX512_BF16. A 32-bit word holds a pair of them, from two consecutive
// steps of k, and one instruction (VDPBF16PS) adds both products to a float32 sum.
//
// Words are stored in panels: all steps of k for some columns, one step after another. Both factors are packed like
// this (a transposed) by an instruction of their own, which all threads share. The first number of a pair is in the
// upper half, because VDPBF16PS adds the upper product first, and rounds after each of the two. Hence every element of
// c is the sequence of fused multiply-adds in increasing k that the float32 product computes, with operands rounded to
// bfloat16 (to nearest even; a NaN stays a NaN) and with subnormal numbers treated as zero, as while any program runs.
// The split of the work changes no bit.
#define BACKPASS_BF16
#include "cache_blocks.hpp"
#include "kernels.hpp"

namespace backpass::native {
namespace {

static_assert(kRightPanel == panel_width, "b is packed as tiles read it");
static_assert(kLeftPanel % tile_rows == 0, "a panel of a is cut into whole tiles");

// threads split the steps of words in units of this many: a cache line of each
constexpr std::int64_t shared_words = width;

// Pairs of 16 columns from two steps of k, whose elements lie side by side.
Word pairs_of(Float first, Float second) {
    const __m512i halves = (__m512i)_mm512_cvtne2ps_pbh(first.raw, second.raw);  // second in the lower 16, first above
    alignas(64) static constexpr std::uint16_t order[32] = {0,  16, 1,  17, 2,  18, 3,  19, 4,  20, 5,
                                                            21, 6,  22, 7,  23, 8,  24, 9,  25, 10, 26,
                                                            11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    return {_mm512_permutexvar_epi16(_mm512_load_si512(order), halves)};
}

// Pairs of one column from 32 steps of k, whose elements lie side by side.
Word pairs_along(Float first_16, Float second_16) {
    const __m512i halves = (__m512i)_mm512_cvtne2ps_pbh(second_16.raw, first_16.raw);  // in order, the lower half first
    return {_mm512_rol_epi32(halves, 16)};
}

// Rows become columns, in four rounds; each swaps blocks of twice the size.
void transpose(__m512i (&x)[16]) {
    __m512i y[16];
#pragma GCC unroll 8
    for (int i = 0; i < 16; i += 2) {
        y[i] = _mm512_unpacklo_epi32(x[i], x[i + 1]);
        y[i + 1] = _mm512_unpackhi_epi32(x[i], x[i + 1]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 16; i += 4) {
        x[i] = _mm512_unpacklo_epi64(y[i], y[i + 2]);
        x[i + 1] = _mm512_unpackhi_epi64(y[i], y[i + 2]);
        x[i + 2] = _mm512_unpacklo_epi64(y[i + 1], y[i + 3]);
        x[i + 3] = _mm512_unpackhi_epi64(y[i + 1], y[i + 3]);
    }
#pragma GCC unroll 8
    for (int i = 0; i < 4; ++i) {
        y[i] = _mm512_shuffle_i32x4(x[i], x[i + 4], 0x88);
        y[i + 4] = _mm512_shuffle_i32x4(x[i], x[i + 4], 0xdd);
        y[i + 8] = _mm512_shuffle_i32x4(x[i + 8], x[i + 12], 0x88);
        y[i + 12] = _mm512_shuffle_i32x4(x[i + 8], x[i + 12], 0xdd);
    }
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) {
        x[i] = _mm512_shuffle_i32x4(y[i], y[i + 8], 0x88);
        x[i + 8] = _mm512_shuffle_i32x4(y[i], y[i + 8], 0xdd);
    }
}

// Some columns of x for some steps of k, and where their words go. What reaches over the end of x is zero: a product of
// zeros at the end of a sum changes nothing but the sign of a zero.
struct Patch {
    const float* x;
    std::int64_t k_stride, column_stride;
    std::int64_t k, columns;  // how many there are; at most twice shared_words, and one panel
    std::uint32_t* y;
    std::int64_t panel;
};

Float some(const float* from, std::int64_t stride, std::int64_t count) {
    const int taken = static_cast<int>(count < 0 ? 0 : count < width ? count : width);
    if (stride == 1) return load_first(from, taken);
    alignas(64) float gathered[width] = {};
    for (int i = 0; i < taken; ++i) gathered[i] = from[i * stride];
    return load(gathered);
}

void pack_steps(const Patch& patch) {
    for (std::int64_t p = 0; 2 * p < patch.k; ++p)
        for (std::int64_t j = 0; j < patch.panel; j += width) {
            const float* from = patch.x + 2 * p * patch.k_stride + j * patch.column_stride;
            const std::int64_t left = patch.columns - j;
            const Float first = some(from, patch.column_stride, left);
            const bool has_second = 2 * p + 1 < patch.k;
            const Float second = has_second ? some(from + patch.k_stride, patch.column_stride, left) : broadcast(0.0f);
            store_first(patch.y + p * patch.panel + j, pairs_of(first, second), static_cast<int>(patch.panel - j));
        }
}

void pack_columns(const Patch& patch) {
    for (std::int64_t j = 0; j < patch.panel; j += width) {
        __m512i words[width];
        for (int i = 0; i < width; ++i) {
            const float* from = patch.x + (j + i) * patch.column_stride;
            const bool is_there = j + i < patch.columns;
            words[i] = is_there ? pairs_along(some(from, 1, patch.k), some(from + width, 1, patch.k - width)).raw
                                : _mm512_setzero_si512();
        }
        transpose(words);
        for (std::int64_t p = 0; 2 * p < patch.k; ++p)
            store_first(patch.y + p * patch.panel + j, Word{words[p]}, static_cast<int>(patch.panel - j));
    }
}

void run_pack(const Pack& pack, const Frame& frame) {
    const auto* x = reinterpret_cast<const float*>(frame.buffers[pack.x.buffer] + pack.x.offset);
    auto* y = reinterpret_cast<std::uint32_t*>(frame.buffers[pack.y.buffer] + pack.y.offset);
    const std::int64_t depth = (pack.k + 1) / 2, *strides = pack.x.strides + 3;
    const Range units = piece_of({0, pieces_of({0, depth}, shared_words)}, frame.thread, frame.threads);
    for (std::int64_t column = 0; column < pack.n; column += pack.panel)
        for (std::int64_t unit = units.first; unit < units.last; ++unit) {
            const std::int64_t p = unit * shared_words, k = pack.k - 2 * p, columns = pack.n - column;
            const Patch patch{x + 2 * p * strides[0] + column * strides[1], strides[0], strides[1],
                              k < 2 * shared_words ? k : 2 * shared_words, columns < pack.panel ? columns : pack.panel,
                              y + column * depth + p * pack.panel, pack.panel};
            strides[0] == 1 ? pack_columns(patch) : pack_steps(patch);
        }
}

// Some rows of c for a run of k: panel of b after panel of b, while the rows of a stay close.
void multiply_panels(const Matrices& x, Range rows, Range columns, Range k, std::int64_t most_rows,
                     ProductScratch& scratch) {
    for (std::int64_t column = columns.first; column < columns.last; column += panel_width) {
        const std::int64_t left = columns.last - column, count = left < panel_width ? left : panel_width;
        const Panel panel{column, count, k, x.b + column * x.k + k.first * panel_width, panel_width};
        multiply_panel(x, rows, panel, most_rows, scratch);
    }
}

void run_pair_product(const Product& product, const Frame& frame, const Tiling& tiling) {
    const auto start = [&](const Operand& x) { return reinterpret_cast<float*>(frame.buffers[x.buffer] + x.offset); };
    Matrices x{start(product.a), start(product.b), product.has_bias ? start(product.bias) : nullptr, start(product.c),
               product.m, product.n, (product.k + 1) / 2, 1, kLeftPanel, panel_width, 1, product.c.strides[3],
               product.c.strides[4], product.bias.strides[4], product.epilogue,
               product.has_aux ? start(product.aux) : nullptr, product.aux.strides[3]};
    const float* a = x.a;
    const auto cut = [&](std::int64_t count, std::int64_t unit) {
        const Range units = piece_of({0, pieces_of({0, count}, unit)}, frame.thread, frame.threads);
        return Range{units.first * unit, units.last * unit < count ? units.last * unit : count};
    };
    // Whichever leaves less to the thread that has most to do.
    const std::int64_t most_columns = pieces_of({0, pieces_of({0, x.n}, panel_width)}, frame.threads) * panel_width;
    const bool along_columns = x.m * most_columns <= pieces_of({0, x.m}, frame.threads) * x.n;
    const Range rows = along_columns ? Range{0, x.m} : cut(x.m, 1);
    const Range columns = along_columns ? cut(x.n, panel_width) : Range{0, x.n};
    const std::int64_t most_rows = tiling.rows > 0 && tiling.rows < tile_rows ? tiling.rows : tile_rows;
    const std::int64_t most_depth = tiling.depth > 0 && tiling.depth < block_depth ? tiling.depth : block_depth;
    const std::int64_t blocks = pieces_of({0, x.k}, most_depth);
    auto& scratch = *reinterpret_cast<ProductScratch*>(frame.scratch);
    for (std::int64_t i = 0; i < blocks; ++i)
        for (std::int64_t left = rows.first / kLeftPanel * kLeftPanel; left < rows.last; left += kLeftPanel) {
            const std::int64_t end = left + kLeftPanel;
            const Range some{left > rows.first ? left : rows.first, end < rows.last ? end : rows.last};
            x.a = a + left * x.k - left;  // so that row `left` of a is the first of its panel
            multiply_panels(x, some, columns, piece_of({0, x.k}, i, blocks), most_rows, scratch);
        }
}

std::int64_t pair_product_scratch(const Product&) { return static_cast<std::int64_t>(sizeof(ProductScratch)); }

}  // namespace

const Bf16Kernels* avx512_bf16_kernels() {
    if (!__builtin_cpu_supports("avx512bf16")) return nullptr;
    static const Bf16Kernels kernels{run_pack, run_pair_product, pair_product_scratch};
    return &kernels;
}

}  // namespace backpass::native

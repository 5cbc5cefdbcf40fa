// Reductions: sums and maxima along axes, in the order that the planner determines.
//
//   over a row        32 virtual lanes, folded in a fixed tree; long rows in blocks, whose results are reduced again
//   anything else     sequentially for each element of the result, from the first summand to the last
#pragma once

#include <utility>

#include "kernels.hpp"
#include "lanes.hpp"
#include "product.hpp"

namespace backpass::native {
namespace {

constexpr std::int64_t kBlock = 4096;  // elements per block of a row, because the rounding error grows with the length

struct Adding {
    static Float start() { return broadcast(0.0f); }
    BACKPASS_LANE Float join(Float a, Float b) { return a + b; }
    BACKPASS_LANE float fold(const Float* row) { return sum_row(row); }
    template <class T>
    static T start_of() {
        return T(0);
    }
    template <class T>
    static T join(T a, T b) {
        return a + b;
    }
};

struct Comparing {
    static Float start() { return broadcast(-__builtin_inff()); }
    BACKPASS_LANE Float join(Float a, Float b) { return maximum(a, b); }
    BACKPASS_LANE float fold(const Float* row) { return maximum_row(row); }
    template <class T>
    static T start_of() {
        if constexpr (T(0.5) != T(0)) return -static_cast<T>(__builtin_inf());
        return sizeof(T) == 4 ? static_cast<T>(INT32_MIN) : static_cast<T>(INT64_MIN);
    }
    template <class T>
    static T join(T a, T b) {
        return a > b || a != a ? a : b;
    }
};

// Lanes beyond the end of a row hold the neutral element.
template <class Rule>
Float tail_of(const float* x, int count) {
    return select(first_lanes(count), load_first(x, count), Rule::start());
}

template <class Rule>
float reduce_block(const float* x, std::int64_t length) {
    Float row[row_parts];
#pragma GCC unroll 8
    for (int q = 0; q < row_parts; ++q) row[q] = Rule::start();
    std::int64_t i = 0;
    for (; i + row_width <= length; i += row_width)
#pragma GCC unroll 8
        for (int q = 0; q < row_parts; ++q) row[q] = Rule::join(row[q], load(x + i + q * width));
    for (int q = 0; q < row_parts && i + q * width < length; ++q) {
        const std::int64_t left = length - i - q * width;
        row[q] = Rule::join(row[q], tail_of<Rule>(x + i + q * width, static_cast<int>(left < width ? left : width)));
    }
    return Rule::fold(row);
}

template <class Rule>
float reduce_row(const float* x, std::int64_t length, float* partial) {
    if (length <= kBlock) return reduce_block<Rule>(x, length);
    const std::int64_t blocks = (length + kBlock - 1) / kBlock;
    for (std::int64_t b = 0; b < blocks; ++b)
        partial[b] = reduce_block<Rule>(x + b * kBlock, b + 1 < blocks ? kBlock : length - b * kBlock);
    return reduce_row<Rule>(partial, blocks, partial + blocks);
}

// Neighboring columns in `parts` vectors, the last with `count` lanes. Each sum waits for its previous addition, so
// several run at a time.
template <class Rule, int parts>
void reduce_strip(const float* x, std::int64_t stride, std::int64_t rows, int count, float* y) {
    Float sum[parts];
#pragma GCC unroll 8
    for (int q = 0; q < parts; ++q) sum[q] = Rule::start();
    for (std::int64_t i = 0; i < rows; ++i, x += stride) {
#pragma GCC unroll 8
        for (int q = 0; q < parts - 1; ++q) sum[q] = Rule::join(sum[q], load(x + q * width));
        const Float last =
            count == width ? load(x + (parts - 1) * width) : tail_of<Rule>(x + (parts - 1) * width, count);
        sum[parts - 1] = Rule::join(sum[parts - 1], last);
    }
#pragma GCC unroll 8
    for (int q = 0; q < parts - 1; ++q) store(y + q * width, sum[q]);
    store_first(y + (parts - 1) * width, sum[parts - 1], count);
}

constexpr int kStripParts = 8;

template <class Rule, int... part>
void reduce_strip(int parts, const float* x, std::int64_t stride, std::int64_t rows, int count, float* y,
                  std::integer_sequence<int, part...>) {
    ((parts == part + 1 ? reduce_strip<Rule, part + 1>(x, stride, rows, count, y) : void()), ...);
}

// Columns [first, last) of rows with this stride.
template <class Rule>
void reduce_columns(const float* x, std::int64_t stride, std::int64_t rows, std::int64_t first, std::int64_t last,
                    float* y) {
    for (std::int64_t j = first; j < last; j += kStripParts * width) {
        const std::int64_t left = last - j < kStripParts * width ? last - j : kStripParts * width;
        const int parts = static_cast<int>((left + width - 1) / width);
        reduce_strip<Rule>(parts, x + j, stride, rows, static_cast<int>(left - (parts - 1) * width), y + j,
                           std::make_integer_sequence<int, kStripParts>());
    }
}

// Element by element: for every shape, stride and dtype.
template <class Rule, class T>
void reduce_scalar(const Reduce& r, const Frame& frame) {
    const T* x = address<T>(r.x, frame);
    T* y = address<T>(r.y, frame);
    const auto& sx = r.x.strides;
    const auto& sy = r.y.strides;
    const Range range = range_of(r.kept[0] * r.kept[1] * r.kept[2], 1, frame);
    for (std::int64_t e = range.first; e < range.last; ++e) {
        const std::int64_t k2 = e % r.kept[2], k1 = e / r.kept[2] % r.kept[1], k0 = e / r.kept[2] / r.kept[1];
        const T* from = x + k0 * sx[0] + k1 * sx[1] + k2 * sx[2];
        T sum = Rule::template start_of<T>();
        for (std::int64_t i = 0; i < r.reduced[0]; ++i)
            for (std::int64_t j = 0; j < r.reduced[1]; ++j)
                sum = Rule::template join<T>(sum, from[i * sx[3] + j * sx[4]]);
        y[k0 * sy[0] + k1 * sy[1] + k2 * sy[2]] = sum;
    }
}

// Whether a row is stored in the order of the sum. Otherwise it is copied first.
bool is_one_row(const Reduce& r) { return r.reduced[0] == 1 && r.x.strides[4] == 1; }

template <class Rule>
void reduce_floats(const Reduce& r, const Frame& frame) {
    const float* x = address<float>(r.x, frame);
    float* y = address<float>(r.y, frame);
    const auto& sx = r.x.strides;
    const auto& sy = r.y.strides;
    const bool are_rows_side_by_side = r.reduced[0] == 1 && sx[2] == 1 && sy[2] == 1;
    if (r.over_row) {
        auto* scratch = reinterpret_cast<float*>(frame.scratch);
        const Range range = range_of(r.kept[0] * r.kept[1] * r.kept[2], 1, frame);
        for (std::int64_t e = range.first; e < range.last; ++e) {
            const std::int64_t k2 = e % r.kept[2], k1 = e / r.kept[2] % r.kept[1], k0 = e / r.kept[2] / r.kept[1];
            const float* from = x + k0 * sx[0] + k1 * sx[1] + k2 * sx[2];
            float* partial = scratch;
            if (!is_one_row(r)) {
                for (std::int64_t i = 0; i < r.reduced[0]; ++i)
                    for (std::int64_t j = 0; j < r.reduced[1]; ++j) *partial++ = from[i * sx[3] + j * sx[4]];
                from = scratch;
            }
            y[k0 * sy[0] + k1 * sy[1] + k2 * sy[2]] = reduce_row<Rule>(from, r.reduced[0] * r.reduced[1], partial);
        }
    } else if (are_rows_side_by_side) {
        const std::int64_t matrices = r.kept[0] * r.kept[1];
        const Range some = matrices > 1 ? range_of(matrices, 1, frame) : Range{0, 1};
        const Range columns = matrices > 1 ? Range{0, r.kept[2]} : range_of(r.kept[2], width, frame);
        for (std::int64_t e = some.first; e < some.last; ++e) {
            const std::int64_t k1 = e % r.kept[1], k0 = e / r.kept[1];
            reduce_columns<Rule>(x + k0 * sx[0] + k1 * sx[1], sx[4], r.reduced[1], columns.first, columns.last,
                                 y + k0 * sy[0] + k1 * sy[1]);
        }
    } else {
        reduce_scalar<Rule, float>(r, frame);
    }
}

template <class Rule>
void reduce_by(const Reduce& r, const Frame& frame) {
    switch (r.x.dtype) {
        case Dtype::Float32: return reduce_floats<Rule>(r, frame);
        case Dtype::Float64: return reduce_scalar<Rule, double>(r, frame);
        case Dtype::Int64: return reduce_scalar<Rule, std::int64_t>(r, frame);
        case Dtype::Int32: return reduce_scalar<Rule, std::int32_t>(r, frame);
        default: return;  // refused by the decoder
    }
}

void run_reduce(const Reduce& r, const Frame& frame) {
    r.kind == Reduction::Sum ? reduce_by<Adding>(r, frame) : reduce_by<Comparing>(r, frame);
}

// Partial results of a long row, the partial results of those, and so on; after a copy of the row, if there is one.
std::int64_t reduce_scratch(const Reduce& r) {
    const std::int64_t length = r.reduced[0] * r.reduced[1], copy = r.over_row && !is_one_row(r) ? length : 0;
    return ((length / kBlock + 1) * 2 + copy) * static_cast<std::int64_t>(sizeof(float)) + 1024;
}

}  // namespace
}  // namespace backpass::native

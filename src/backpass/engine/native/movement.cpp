// See movement.hpp.
#include "movement.hpp"

#include <cstring>

namespace backpass::native {
namespace {

std::byte* start_of(const Operand& x, const Frame& frame) { return frame.buffers[x.buffer] + x.offset; }

// An index, counted from the end if negative; -1, with the error set, if it is out of range.
std::int64_t checked(std::int64_t index, std::int64_t length, const Frame& frame) {
    if (index < 0) index += length;
    if (index >= 0 && index < length) return index;
    __atomic_store_n(frame.error, static_cast<int>(kIndexOutOfRange), __ATOMIC_RELAXED);
    return -1;
}

// The index at `position`, checked.
std::int64_t index_at(const Operand& indices, const Frame& frame, std::int64_t position, std::int64_t length) {
    const std::byte* at = start_of(indices, frame);
    switch (indices.dtype) {
        case Dtype::Int64: return checked(reinterpret_cast<const std::int64_t*>(at)[position], length, frame);
        case Dtype::Int32: return checked(reinterpret_cast<const std::int32_t*>(at)[position], length, frame);
        default: return checked(reinterpret_cast<const std::uint32_t*>(at)[position], length, frame);
    }
}

// Copies in pieces of a fixed size; the last overlaps the previous one.
template <std::size_t piece>
void copy_by(const std::byte* from, std::size_t bytes, std::byte* to) {
    for (std::size_t i = 0; i + piece < bytes; i += piece) std::memcpy(to + i, from + i, piece);
    std::memcpy(to + bytes - piece, from + bytes - piece, piece);
}

// Rows are short; a call of memcpy would take longer than the copy.
void copy_row(const std::byte* from, std::size_t bytes, std::byte* to) {
    if (bytes > 256 || bytes < 4)
        std::memcpy(to, from, bytes);
    else if (bytes >= 16)
        copy_by<16>(from, bytes, to);
    else if (bytes >= 8)
        copy_by<8>(from, bytes, to);
    else
        copy_by<4>(from, bytes, to);
}

template <class T>
void add_rows(const Scatter& s, const Frame& frame) {
    const T* x = reinterpret_cast<const T*>(start_of(s.x, frame));
    T* y = reinterpret_cast<T*>(start_of(s.y, frame));
    std::memset(y, 0, static_cast<std::size_t>(s.outer * s.length * s.inner) * sizeof(T));
    for (std::int64_t o = 0; o < s.outer; ++o)
        for (std::int64_t i = 0; i < s.count; ++i) {
            const std::int64_t index = index_at(s.indices, frame, i, s.length);
            if (index < 0) return;
            const T* from = x + (o * s.count + i) * s.inner;
            T* to = y + (o * s.length + index) * s.inner;
            for (std::int64_t j = 0; j < s.inner; ++j) to[j] = static_cast<T>(to[j] + from[j]);
        }
}

template <class Index>
void take_rows(const Take& t, const Frame& frame) {
    const auto bytes = static_cast<std::size_t>(t.inner * kItemBytes[static_cast<int>(t.x.dtype)]);
    const auto* indices = reinterpret_cast<const Index*>(start_of(t.indices, frame));
    const std::byte* x = start_of(t.x, frame);
    std::byte* y = start_of(t.y, frame);
    const auto take = [&](auto copy, std::size_t row) {
        for (std::int64_t o = 0; o < t.outer; ++o, x += static_cast<std::size_t>(t.length) * row)
            for (std::int64_t i = 0; i < t.count; ++i, y += row) {
                const std::int64_t index = checked(indices[i], t.length, frame);
                if (index < 0) return;
                copy(x + static_cast<std::size_t>(index) * row, y);
            }
    };
    // Single numbers, such as the knots of quantile features, are copied in registers.
    if (bytes == 4)
        take([](const std::byte* from, std::byte* to) { std::memcpy(to, from, 4); }, 4);
    else if (bytes == 8)
        take([](const std::byte* from, std::byte* to) { std::memcpy(to, from, 8); }, 8);
    else
        take([bytes](const std::byte* from, std::byte* to) { copy_row(from, bytes, to); }, bytes);
}

}  // namespace

void run_take(const Take& t, const Frame& frame) {
    switch (t.indices.dtype) {
        case Dtype::Int64: return take_rows<std::int64_t>(t, frame);
        case Dtype::Int32: return take_rows<std::int32_t>(t, frame);
        default: return take_rows<std::uint32_t>(t, frame);
    }
}

void run_scatter(const Scatter& s, const Frame& frame) {
    switch (s.x.dtype) {
        case Dtype::Float32: return add_rows<float>(s, frame);
        case Dtype::Float64: return add_rows<double>(s, frame);
        case Dtype::Int64: return add_rows<std::uint64_t>(s, frame);
        default: return add_rows<std::uint32_t>(s, frame);  // integers wrap around
    }
}

void run_gather(const Gather& g, const Frame& frame, std::int64_t rows_in_data) {
    const auto* rows = reinterpret_cast<const std::int64_t*>(frame.buffers[g.rows]) + g.first;
    const std::byte* data = frame.buffers[g.data];
    std::byte* y = start_of(g.y, frame);
    const auto bytes = static_cast<std::size_t>(g.row_bytes);
    const std::int64_t first = g.count * frame.thread / frame.threads;
    const std::int64_t last = g.count * (frame.thread + 1) / frame.threads;
    const auto gather = [&](auto copy) {
        for (std::int64_t i = first; i < last; ++i) {
            const std::int64_t row = rows[i];
            if (row < 0 || row >= rows_in_data) {
                __atomic_store_n(frame.error, static_cast<int>(kIndexOutOfRange), __ATOMIC_RELAXED);
                return;
            }
            copy(data + static_cast<std::size_t>(row) * bytes, y + static_cast<std::size_t>(i) * bytes);
        }
    };
    if (bytes == 4)  // a single number, such as a target or a weight
        gather([](const std::byte* from, std::byte* to) { std::memcpy(to, from, 4); });
    else
        gather([bytes](const std::byte* from, std::byte* to) { copy_row(from, bytes, to); });
}

}  // namespace backpass::native

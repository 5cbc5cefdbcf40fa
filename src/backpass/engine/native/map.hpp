// The elementwise interpreter: runs a program of elementwise operations over an iteration space, chunk by chunk.
//
// A register holds kChunk elements and stays in the L1 cache. A chunk is a piece of one row, or several whole rows if
// rows are short. Contiguous inputs are read in place, and outputs are written in place where that is safe; everything
// else (broadcasting, strides, booleans) is copied into or out of registers. Booleans are 32-bit masks in registers and
// bytes in memory. If there is a fused kernel for the program (fused_kernel.hpp), it replaces the steps; inputs and
// outputs stay.
#pragma once

#include "kernels.hpp"
#include "lanes.hpp"
#include "product.hpp"

namespace backpass::native {
namespace {

constexpr int kMostRegisters = 256;

// A rectangle of an operand, with the strides of its rows and columns, in elements.
struct Rectangle {
    std::int64_t rows, columns, row_stride, column_stride;
    bool is_packed() const { return column_stride == 1 && (rows == 1 || row_stride == columns); }
};

// Rows are often short; a call of memcpy would take longer than the copy.
template <class T>
void copy_row(const T* from, std::int64_t count, T* to) {
    constexpr std::int64_t words = sizeof(T) / sizeof(std::uint32_t);
    const auto* a = reinterpret_cast<const std::uint32_t*>(from);
    auto* b = reinterpret_cast<std::uint32_t*>(to);
    std::int64_t i = 0;
    for (; i + width <= count * words; i += width) store(b + i, load(a + i));
    const int left = static_cast<int>(count * words - i);
    if (left > 0) store_first(b + i, load_first(a + i, left), left);
}

void fill_row(std::uint32_t value, std::int64_t count, std::uint32_t* to) {
    std::int64_t i = 0;
    for (; i + width <= count; i += width) store(to + i, broadcast(value));
    if (i < count) store_first(to + i, broadcast(value), static_cast<int>(count - i));
}
void fill_row(std::uint64_t value, std::int64_t count, std::uint64_t* to) {
    for (std::int64_t j = 0; j < count; ++j) to[j] = value;
}

// Rows of a few whole vectors, such as the frequencies of a column that every row of a batch reads: a vector of every
// row at a time, which needs no loop within a row.
constexpr std::int64_t kShortRow = 8 * width;

void read_short_rows(const std::uint32_t* from, const Rectangle& x, std::uint32_t* to) {
    for (std::int64_t j = 0; j < x.columns; j += width) {
        const std::uint32_t* a = from + j * x.column_stride;
        std::uint32_t* b = to + j;
        if (x.row_stride == 0) {
            const Word same = x.column_stride == 0 ? broadcast(*a) : load(a);
            for (std::int64_t i = 0; i < x.rows; ++i) store(b + i * x.columns, same);
        } else if (x.column_stride == 0) {
            for (std::int64_t i = 0; i < x.rows; ++i) store(b + i * x.columns, broadcast(a[i * x.row_stride]));
        } else {
            for (std::int64_t i = 0; i < x.rows; ++i) store(b + i * x.columns, load(a + i * x.row_stride));
        }
    }
}

template <class T>
void read_rectangle(const T* from, const Rectangle& x, T* to) {
    if constexpr (sizeof(T) == sizeof(std::uint32_t)) {
        const bool is_short = x.columns <= kShortRow && x.columns % width == 0;
        if (is_short && (x.column_stride == 0 || x.column_stride == 1)) return read_short_rows(from, x, to);
    }
    for (std::int64_t i = 0; i < x.rows; ++i, from += x.row_stride, to += x.columns) {
        if (x.column_stride == 1)
            copy_row(from, x.columns, to);
        else if (x.column_stride == 0)
            fill_row(*from, x.columns, to);
        else
            for (std::int64_t j = 0; j < x.columns; ++j) to[j] = from[j * x.column_stride];
    }
}

void read_truth(const unsigned char* from, const Rectangle& x, std::uint32_t* to) {
    for (std::int64_t i = 0; i < x.rows; ++i, from += x.row_stride, to += x.columns)
        for (std::int64_t j = 0; j < x.columns; ++j) to[j] = from[j * x.column_stride] ? ~0u : 0u;
}

template <class T>
void write_rectangle(const T* from, const Rectangle& x, T* to) {
    for (std::int64_t i = 0; i < x.rows; ++i, to += x.row_stride, from += x.columns) {
        if (x.column_stride == 1)
            copy_row(from, x.columns, to);
        else
            for (std::int64_t j = 0; j < x.columns; ++j) to[j * x.column_stride] = from[j];
    }
}

void write_truth(const std::uint32_t* from, const Rectangle& x, unsigned char* to) {
    for (std::int64_t i = 0; i < x.rows; ++i, to += x.row_stride, from += x.columns)
        for (std::int64_t j = 0; j < x.columns; ++j) to[j * x.column_stride] = from[j] & 1u;
}

// The chunks of an iteration: pieces of rows if rows are long, groups of whole rows if they are short.
struct Chunks {
    std::int64_t columns, rows;                     // of a full chunk
    std::int64_t column_count, row_count, count;  // chunks per row, groups of rows, and all chunks

    explicit Chunks(const std::int64_t* shape) {
        columns = shape[4] < kChunk ? shape[4] : kChunk;
        rows = columns > 0 ? kChunk / columns : 1;
        if (rows > shape[3]) rows = shape[3];
        column_count = columns > 0 ? (shape[4] + columns - 1) / columns : 0;
        row_count = rows > 0 ? (shape[3] + rows - 1) / rows : 0;
        count = shape[0] * shape[1] * shape[2] * row_count * column_count;
    }
};

struct Place {
    std::int64_t outer[3], row, column, rows, columns;
};

// Removes the last digit of a number in a mixed-radix system. Most bases are 1, and a division is slow.
std::int64_t last_digit(std::int64_t& number, std::int64_t base) {
    if (base == 1) return 0;
    const std::int64_t digit = number % base;
    number /= base;
    return digit;
}

Place place_of(std::int64_t chunk, const Chunks& chunks, const std::int64_t* shape) {
    Place at;
    at.column = last_digit(chunk, chunks.column_count) * chunks.columns;
    at.row = last_digit(chunk, chunks.row_count) * chunks.rows;
    at.outer[2] = last_digit(chunk, shape[2]);
    at.outer[1] = last_digit(chunk, shape[1]);
    at.outer[0] = chunk;
    at.columns = shape[4] - at.column < chunks.columns ? shape[4] - at.column : chunks.columns;
    at.rows = shape[3] - at.row < chunks.rows ? shape[3] - at.row : chunks.rows;
    return at;
}

std::int64_t element_of(const Operand& x, const Place& at) {
    return at.outer[0] * x.strides[0] + at.outer[1] * x.strides[1] + at.outer[2] * x.strides[2] +
           at.row * x.strides[3] + at.column * x.strides[4];
}

// The input's elements of this chunk: in place if they are contiguous, else copied to the register `own`.
void* read_input(const Operand& x, const std::byte* memory, const Place& at, std::int64_t element, void* own) {
    const Rectangle rectangle{at.rows, at.columns, x.strides[3], x.strides[4]};
    if (x.dtype == Dtype::Bool) {
        read_truth(reinterpret_cast<const unsigned char*>(memory) + element, rectangle,
                   static_cast<std::uint32_t*>(own));
        return own;
    }
    if (kItemBytes[static_cast<int>(x.dtype)] == 4) {
        const auto* from = reinterpret_cast<const std::uint32_t*>(memory) + element;
        if (rectangle.is_packed()) return const_cast<std::uint32_t*>(from);
        read_rectangle(from, rectangle, static_cast<std::uint32_t*>(own));
    } else {
        const auto* from = reinterpret_cast<const std::uint64_t*>(memory) + element;
        if (rectangle.is_packed()) return const_cast<std::uint64_t*>(from);
        read_rectangle(from, rectangle, static_cast<std::uint64_t*>(own));
    }
    return own;
}

void write_output(const Operand& y, std::byte* memory, const Place& at, const void* own) {
    const Rectangle rectangle{at.rows, at.columns, y.strides[3], y.strides[4]};
    const std::int64_t element = element_of(y, at);
    if (y.dtype == Dtype::Bool)
        write_truth(static_cast<const std::uint32_t*>(own), rectangle,
                    reinterpret_cast<unsigned char*>(memory) + element);
    else if (kItemBytes[static_cast<int>(y.dtype)] == 4)
        write_rectangle(static_cast<const std::uint32_t*>(own), rectangle,
                        reinterpret_cast<std::uint32_t*>(memory) + element);
    else
        write_rectangle(static_cast<const std::uint64_t*>(own), rectangle,
                        reinterpret_cast<std::uint64_t*>(memory) + element);
}

void run_fused(const Map& map, void* const* registers, std::int64_t count) {
    const FusedKernel& fused = *map.fused;
    void* at[64];
    for (int v = 0; v < fused.inputs + fused.steps; ++v) at[v] = registers[map.fused_registers[v]];
    fused.run({at, map.fused_stored}, count);
}

// What a register holds a copy of: rows of an input from an element on. Chunks that read the same numbers, such as the
// frequencies of a column, share the copy.
struct Copied {
    std::int64_t element, rows, columns;

    bool holds(std::int64_t first, const Place& at) const {
        return element == first && columns == at.columns && rows >= at.rows;
    }
};

void run_map(const Map& map, const Frame& frame) {
    void* own[kMostRegisters];
    void* now[kMostRegisters];
    Copied copied[kMostRegisters];
    const std::byte* memory[kMostRegisters];
    for (int r = 0; r < map.registers; ++r) own[r] = now[r] = frame.scratch + r * map.register_bytes;
    const Place nowhere{{0, 0, 0}, 0, 0, 1, 1};
    for (std::int64_t i = 0; i < map.inputs.size; ++i) {
        const Operand& x = map.inputs.data[i];
        memory[i] = frame.buffers[x.buffer] + x.offset;
        copied[i].element = -1;
        if (map.is_scalar.data[i]) now[i] = read_input(x, memory[i], nowhere, 0, own[i]);
    }
    const Chunks chunks(map.shape);
    const Range range = range_of(chunks.count, 1, frame);
    for (std::int64_t chunk = range.first; chunk < range.last; ++chunk) {
        const Place at = place_of(chunk, chunks, map.shape);
        const std::int64_t count = at.rows * at.columns;
        for (std::int64_t i = 0; i < map.inputs.size; ++i) {
            const Operand& x = map.inputs.data[i];
            const std::int64_t element = element_of(x, at);
            if (map.is_scalar.data[i] || copied[i].holds(element, at)) continue;
            now[i] = read_input(x, memory[i], at, element, own[i]);
            if (now[i] == own[i]) copied[i] = {element, at.rows, at.columns};
        }
        for (std::int64_t j = 0; j < map.outputs.size; ++j) {
            const MapOutput& y = map.outputs.data[j];
            if (!y.direct) continue;
            const Rectangle rectangle{at.rows, at.columns, y.operand.strides[3], y.operand.strides[4]};
            now[y.source] = rectangle.is_packed() ? frame.buffers[y.operand.buffer] + y.operand.offset +
                                                        element_of(y.operand, at) *
                                                            kItemBytes[static_cast<int>(y.operand.dtype)]
                                                  : static_cast<std::byte*>(own[y.source]);
        }
        if (map.fused) {
            run_fused(map, now, count);
        } else {
            for (std::int64_t s = 0; s < map.steps.size; ++s) {
                const MapStep& step = map.steps.data[s];
                step.function(now[step.out], now[step.a], now[step.b], now[step.c], count);
            }
        }
        for (std::int64_t j = 0; j < map.outputs.size; ++j) {
            const MapOutput& y = map.outputs.data[j];
            if (!y.direct || now[y.source] == own[y.source])
                write_output(y.operand, frame.buffers[y.operand.buffer] + y.operand.offset, at, now[y.source]);
        }
    }
}

}  // namespace
}  // namespace backpass::native

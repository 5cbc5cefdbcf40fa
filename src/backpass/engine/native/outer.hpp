// The outer product: a column times a row. Its cost is memory, so it is made row by row, as it lies.
#pragma once

#include "kernels.hpp"
#include "lanes.hpp"
#include "panel.hpp"

namespace backpass::native {
namespace {

bool is_outer(const Matrices& x) {
    const bool is_plain = x.epilogue == Epilogue::None || x.epilogue == Epilogue::SlopeBySign;
    return x.k == 1 && !x.bias && is_plain && x.b_column == 1 && x.c_column == 1;
}

// Rows [row0, row1) of c. One fused multiply-add onto zero per element, as in the tiles.
template <Epilogue epilogue>
void multiply_rows(const Matrices& x, std::int64_t row0, std::int64_t row1) {
    const Float zero = broadcast(0.0f);
    for (std::int64_t i = row0; i < row1; ++i) {
        const Float factor = broadcast(x.a[i * x.a_row]);
        float* c = x.c + i * x.c_row;
        const float* beside = epilogue == Epilogue::None ? nullptr : x.beside + i * x.beside_row;
        std::int64_t j = 0;
        for (; j + width <= x.n; j += width) {
            const Float z = fma(factor, load(x.b + j), zero);
            store(c + j, epilogue == Epilogue::None ? z : slope_by_sign(load(beside + j), z));
        }
        if (j == x.n) continue;
        const int left = static_cast<int>(x.n - j);
        const Float z = fma(factor, load_first(x.b + j, left), zero);
        store_first(c + j, epilogue == Epilogue::None ? z : slope_by_sign(load_first(beside + j, left), z), left);
    }
}

void multiply_outer(const Matrices& x, std::int64_t row0, std::int64_t row1) {
    x.epilogue == Epilogue::None ? multiply_rows<Epilogue::None>(x, row0, row1)
                                 : multiply_rows<Epilogue::SlopeBySign>(x, row0, row1);
}

}  // namespace
}  // namespace backpass::native

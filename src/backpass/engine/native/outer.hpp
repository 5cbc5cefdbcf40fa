// The outer product: a column times a row. It is bound by memory, so it is computed row by row, in storage order.
#pragma once

#include "epilogue.hpp"
#include "kernels.hpp"
#include "lanes.hpp"
#include "panel.hpp"

namespace backpass::native {
namespace {

bool is_outer(const Matrices& x) {
    const bool is_plain = x.epilogue == Epilogue::None || x.epilogue == Epilogue::SlopeBySign;
    return x.k == 1 && !x.bias && is_plain && x.b_column == 1 && x.c_column == 1;
}

// The vector from column j of a row on. One fused multiply-add onto zero per element, as in the tiles.
template <Epilogue epilogue, bool is_whole>
BACKPASS_LANE Float outer_part(Float factor, const float* b, const float* aux, std::int64_t j, int lanes) {
    const Float z = fma(factor, load_part<is_whole>(b + j, lanes), broadcast(0.0f));
    if constexpr (epilogue == Epilogue::SlopeBySign) return slope_by_sign(load_part<is_whole>(aux + j, lanes), z);
    return z;
}

// Rows [row0, row1) of c.
template <Epilogue epilogue>
void multiply_rows(const Matrices& given, std::int64_t row0, std::int64_t row1) {
    const Matrices x = given;  // a local copy, which the compiler knows no store changes
    for (std::int64_t i = row0; i < row1; ++i) {
        const Float factor = broadcast(x.a[i * x.a_row]);
        float* c = x.c + i * x.c_row;
        const float* aux = epilogue == Epilogue::None ? nullptr : x.aux + i * x.aux_row;
        if (x.n < width) {
            const int lanes = static_cast<int>(x.n);
            store_first(c, outer_part<epilogue, false>(factor, x.b, aux, 0, lanes), lanes);
            continue;
        }
        for (std::int64_t j = 0; j + width <= x.n; j += width)
            store(c + j, outer_part<epilogue, true>(factor, x.b, aux, j, width));
        // The last vector overlaps the previous one.
        store(c + x.n - width, outer_part<epilogue, true>(factor, x.b, aux, x.n - width, width));
    }
}

void multiply_outer(const Matrices& x, std::int64_t row0, std::int64_t row1) {
    x.epilogue == Epilogue::None ? multiply_rows<Epilogue::None>(x, row0, row1)
                                 : multiply_rows<Epilogue::SlopeBySign>(x, row0, row1);
}

}  // namespace
}  // namespace backpass::native

// The epilogue of a product that is not computed in tiles: applied to each vector of sums before it is stored.
#pragma once

#include <type_traits>

#include "kernels.hpp"
#include "lanes.hpp"
#include "panel.hpp"

namespace backpass::native {
namespace {

// A whole vector, or its first lanes.
template <bool is_whole>
BACKPASS_LANE Float load_part(const float* from, int lanes) {
    return is_whole ? load(from) : load_first(from, lanes);
}
template <bool is_whole>
BACKPASS_LANE void store_part(float* to, Float value, int lanes) {
    is_whole ? store(to, value) : store_first(to, value, lanes);
}

// Calls `run` with the epilogue as a compile-time constant, so that loops do not branch on it.
template <class Run>
void with_constant(Epilogue epilogue, Run run) {
    using enum Epilogue;
    switch (epilogue) {
        case None: return run(std::integral_constant<Epilogue, None>());
        case Relu: return run(std::integral_constant<Epilogue, Relu>());
        case SlopeOfRelu: return run(std::integral_constant<Epilogue, SlopeOfRelu>());
        case ReluAlone: return run(std::integral_constant<Epilogue, ReluAlone>());
        case ReluWithSign: return run(std::integral_constant<Epilogue, ReluWithSign>());
        case SlopeBySign: return run(std::integral_constant<Epilogue, SlopeBySign>());
    }
}

// Stores the sums z of row `row` from column `column` on, after the epilogue.
template <Epilogue epilogue, bool is_whole>
BACKPASS_LANE void finish(const Matrices& x, std::int64_t row, std::int64_t column, int lanes, Float z) {
    const auto aux = [&] { return x.aux + row * x.aux_row + column; };
    if constexpr (epilogue == Epilogue::Relu) store_part<is_whole>(aux(), relu(z), lanes);
    if constexpr (epilogue == Epilogue::ReluAlone) z = relu(z);
    if constexpr (epilogue == Epilogue::ReluWithSign) z = relu_with_sign(z);
    if constexpr (epilogue == Epilogue::SlopeOfRelu) z = slope_of_relu(load_part<is_whole>(aux(), lanes), z);
    if constexpr (epilogue == Epilogue::SlopeBySign) z = slope_by_sign(load_part<is_whole>(aux(), lanes), z);
    store_part<is_whole>(x.c + row * x.c_row + column, z, lanes);
}

}  // namespace
}  // namespace backpass::native

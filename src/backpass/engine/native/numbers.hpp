// Plain numbers: the functions of lanes.hpp and elementary.hpp for float64 and whole numbers, under the same names.
// float64 takes libm's, about whose bits nothing is promised.
#pragma once

#include <cmath>

#include "lanes.hpp"

namespace backpass::native {
namespace {

BACKPASS_LANE double relu(double x) { return x > 0 || x != x ? x : 0.0; }
template <class T>
BACKPASS_LANE T relu(T x) {
    return x > 0 ? x : T(0);
}
template <class T>
BACKPASS_LANE T abs(T x) {
    return x < 0 ? T(0) - x : x == 0 ? T(0) : x;
}
template <class T>
BACKPASS_LANE T maximum(T x, T y) {
    return x >= y || x != x ? x : y;
}
template <class T>
BACKPASS_LANE T minimum(T x, T y) {
    return x <= y || x != x ? x : y;
}
BACKPASS_LANE double fma(double x, double y, double w) { return x * y + w; }
BACKPASS_LANE double exp(double x) { return std::exp(x); }
BACKPASS_LANE double expm1(double x) { return std::expm1(x); }
BACKPASS_LANE double log(double x) { return std::log(x); }
BACKPASS_LANE double log1p(double x) { return std::log1p(x); }
BACKPASS_LANE double sqrt(double x) { return __builtin_sqrt(x); }
BACKPASS_LANE double sin(double x) { return std::sin(x); }
BACKPASS_LANE double cos(double x) { return std::cos(x); }
BACKPASS_LANE double arctan(double x) { return std::atan(x); }
BACKPASS_LANE double floor(double x) { return std::floor(x); }
BACKPASS_LANE double tanh(double x) { return std::tanh(x); }
BACKPASS_LANE double erf(double x) { return std::erf(x); }
BACKPASS_LANE double power(double x, double y) { return std::pow(x, y); }
BACKPASS_LANE double sigmoid(double x) {
    const double tail = std::exp(x < 0 ? x : -x);
    return (x >= 0 ? 1.0 : tail) / (1.0 + tail);
}
BACKPASS_LANE double softplus(double x) { return relu(x) + std::log1p(std::exp(x < 0 ? x : -x)); }

}  // namespace
}  // namespace backpass::native

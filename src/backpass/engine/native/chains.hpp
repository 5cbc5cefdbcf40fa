// Chains: the elementwise programs that are compiled as a whole, printed by tools/print_chains.py, which says which.
#pragma once

#include "chain.hpp"

namespace backpass::native {
namespace {

// the preset plain: dropout after layer 1
using Chain1 = Compiled<Array, Words, Scalar, Scalar, Scalar, Link<Relu, 0>, Link<ToUnit, 1>, Link<GreaterEqual, 6, 2>,
    Link<Multiply, 5, 3>, Link<Where, 7, 8, 4>>;

// the preset plain: gradient of layer 2 of 3
using Chain2 = Compiled<Truths, Array, Scalar, Scalar, Array, Link<Where, 0, 1, 2>, Link<Multiply, 5, 3>,
    Link<SlopeOfRelu, 4, 6>>;

// the preset plain: optimizer: update
using Chain3 = Compiled<Scalar, Array, Scalar, Array, Scalar, Scalar, Array, Scalar, Scalar, Scalar, Scalar, Array,
    Array, Scalar, Link<Multiply, 0, 1>, Link<MultiplyAdd, 2, 3, 14>, Link<MultiplyMultiply, 1, 1, 4>,
    Link<MultiplyAdd, 5, 6, 16>, Link<SqrtMultiply, 17, 7>, Link<Multiply, 15, 8>, Link<DivideBySum, 19, 18, 9>,
    Link<Multiply, 10, 11>, Link<MultiplyAdd, 21, 12, 20>, Link<SubtractMultiply, 13, 22, 12>>;

// the preset plain: optimizer: update
using Chain4 = Compiled<Array, Array, Scalar, Scalar, Array, Scalar, Scalar, Array, Scalar, Scalar, Scalar, Scalar,
    Array, Array, Scalar, Link<Add, 0, 1>, Link<Multiply, 2, 15>, Link<MultiplyAdd, 3, 4, 16>,
    Link<MultiplyMultiply, 15, 15, 5>, Link<MultiplyAdd, 6, 7, 18>, Link<SqrtMultiply, 19, 8>, Link<Multiply, 17, 9>,
    Link<DivideBySum, 21, 20, 10>, Link<Multiply, 11, 12>, Link<MultiplyAdd, 23, 13, 22>,
    Link<SubtractMultiply, 14, 24, 13>>;

// the preset plain: optimizer: update
using Chain5 = Compiled<Array, Array, Array, Array, Scalar, Scalar, Array, Scalar, Scalar, Array, Scalar, Scalar,
    Scalar, Scalar, Array, Array, Scalar, Link<Add, 0, 1>, Link<Add, 17, 2>, Link<Add, 18, 3>, Link<Multiply, 4, 19>,
    Link<MultiplyAdd, 5, 6, 20>, Link<MultiplyMultiply, 19, 19, 7>, Link<MultiplyAdd, 8, 9, 22>,
    Link<SqrtMultiply, 23, 10>, Link<Multiply, 21, 11>, Link<DivideBySum, 25, 24, 12>, Link<Multiply, 13, 14>,
    Link<MultiplyAdd, 27, 15, 26>, Link<SubtractMultiply, 16, 28, 15>>;

// plain without decay and dropout: optimizer: update
using Chain6 = Compiled<Scalar, Array, Scalar, Array, Scalar, Scalar, Array, Scalar, Scalar, Scalar, Scalar, Array,
    Link<Multiply, 0, 1>, Link<MultiplyAdd, 2, 3, 12>, Link<MultiplyMultiply, 1, 1, 4>, Link<MultiplyAdd, 5, 6, 14>,
    Link<SqrtMultiply, 15, 7>, Link<Multiply, 13, 8>, Link<DivideBySum, 17, 16, 9>,
    Link<SubtractMultiply, 10, 18, 11>>;

// plain without decay and dropout: optimizer: update
using Chain7 = Compiled<Array, Array, Scalar, Scalar, Array, Scalar, Scalar, Array, Scalar, Scalar, Scalar, Scalar,
    Array, Link<Add, 0, 1>, Link<Multiply, 2, 13>, Link<MultiplyAdd, 3, 4, 14>, Link<MultiplyMultiply, 13, 13, 5>,
    Link<MultiplyAdd, 6, 7, 16>, Link<SqrtMultiply, 17, 8>, Link<Multiply, 15, 9>, Link<DivideBySum, 19, 18, 10>,
    Link<SubtractMultiply, 11, 20, 12>>;

// plain without decay and dropout: optimizer: update
using Chain8 = Compiled<Array, Array, Array, Array, Scalar, Scalar, Array, Scalar, Scalar, Array, Scalar, Scalar,
    Scalar, Scalar, Array, Link<Add, 0, 1>, Link<Add, 15, 2>, Link<Add, 16, 3>, Link<Multiply, 4, 17>,
    Link<MultiplyAdd, 5, 6, 18>, Link<MultiplyMultiply, 17, 17, 7>, Link<MultiplyAdd, 8, 9, 20>,
    Link<SqrtMultiply, 21, 10>, Link<Multiply, 19, 11>, Link<DivideBySum, 23, 22, 12>,
    Link<SubtractMultiply, 13, 24, 14>>;

// the preset default, numbers: gradient of periodic before layer 1
using Chain9 = Compiled<Array, Array, Scalar, Array, Link<Multiply, 0, 1>, Link<MultiplyAdd, 2, 4, 3>, Link<Cos, 5>,
    Link<Sin, 5>>;

// the preset default, numbers: layer 2 of 3
using Chain10 = Compiled<Array, Scalar, Scalar, Array, Words, Scalar, Scalar, Scalar, Scalar, Link<Minimum, 0, 1>,
    Link<Exp, 9>, Link<Add, 10, 2>, Link<Multiply, 10, 11>, Link<Add, 12, 2>, Link<Divide, 12, 13>,
    Link<MultiplySubtract, 0, 14, 0>, Link<MultiplyAdd, 3, 15, 0>, Link<ToUnit, 4>, Link<GreaterEqual, 17, 5>,
    Link<Multiply, 16, 6>, Link<Where, 18, 19, 7>, Link<Multiply, 20, 8>>;

// the preset default, numbers: gradient of layer 2 of 3
using Chain11 = Compiled<Array, Scalar, Truths, Scalar, Scalar, Array, Array, Array, Array, Scalar, Scalar,
    Link<Multiply, 0, 1>, Link<Where, 2, 11, 3>, Link<Multiply, 12, 4>, Link<MultiplySubtract, 5, 6, 5>,
    Link<Multiply, 13, 14>, Link<Multiply, 13, 7>, Link<Negative, 16>, Link<Multiply, 16, 5>, Link<Add, 8, 9>,
    Link<Multiply, 8, 19>, Link<Add, 20, 9>, Link<Divide, 18, 21>, Link<Negative, 18>, Link<Multiply, 23, 6>,
    Link<Divide, 24, 21>, Link<Add, 22, 25>, Link<Multiply, 26, 8>, Link<MultiplyAdd, 26, 19, 27>,
    Link<Multiply, 28, 8>, Link<GreaterEqual, 10, 5>, Link<Where, 30, 29, 3>, Link<Add, 13, 17>,
    Link<MultiplyAdd, 16, 6, 32>, Link<Add, 33, 31>>;

// the preset default, numbers: gradient of periodic before layer 1
using Chain12 = Compiled<Array, Array, Scalar, Array, Link<Negative, 0>, Link<Multiply, 4, 1>,
    Link<MultiplyMultiply, 5, 2, 3>>;

// the preset default, numbers: optimizer: update
using Chain13 = Compiled<Scalar, Array, Scalar, Array, Scalar, Scalar, Array, Scalar, Scalar, Scalar, Scalar, Array,
    Array, Array, Scalar, Link<Multiply, 0, 1>, Link<MultiplyAdd, 2, 3, 15>, Link<MultiplyMultiply, 1, 1, 4>,
    Link<MultiplyAdd, 5, 6, 17>, Link<SqrtMultiply, 18, 7>, Link<Multiply, 16, 8>, Link<DivideBySum, 20, 19, 9>,
    Link<Multiply, 10, 11>, Link<MultiplyAdd, 22, 12, 21>, Link<Multiply, 23, 13>, Link<SubtractMultiply, 14, 24, 12>>;

// the preset default, numbers: optimizer: update
using Chain14 = Compiled<Array, Array, Scalar, Scalar, Array, Scalar, Scalar, Array, Scalar, Scalar, Scalar, Scalar,
    Array, Array, Array, Scalar, Link<Add, 0, 1>, Link<Multiply, 2, 16>, Link<MultiplyAdd, 3, 4, 17>,
    Link<MultiplyMultiply, 16, 16, 5>, Link<MultiplyAdd, 6, 7, 19>, Link<SqrtMultiply, 20, 8>, Link<Multiply, 18, 9>,
    Link<DivideBySum, 22, 21, 10>, Link<Multiply, 11, 12>, Link<MultiplyAdd, 24, 13, 23>, Link<Multiply, 25, 14>,
    Link<SubtractMultiply, 15, 26, 13>>;

// the preset default, numbers: gradient of learned input scale before layer 1
using Chain15 = Compiled<Array, Scalar, Array, Array, Link<Multiply, 0, 1>, Link<Multiply, 4, 2>,
    Link<Multiply, 4, 3>>;

// the preset default, numbers: optimizer: update
using Chain16 = Compiled<Array, Array, Array, Array, Scalar, Scalar, Array, Scalar, Scalar, Array, Scalar, Scalar,
    Scalar, Scalar, Array, Array, Array, Scalar, Link<Add, 0, 1>, Link<Add, 18, 2>, Link<Add, 19, 3>,
    Link<Multiply, 4, 20>, Link<MultiplyAdd, 5, 6, 21>, Link<MultiplyMultiply, 20, 20, 7>, Link<MultiplyAdd, 8, 9, 23>,
    Link<SqrtMultiply, 24, 10>, Link<Multiply, 22, 11>, Link<DivideBySum, 26, 25, 12>, Link<Multiply, 13, 14>,
    Link<MultiplyAdd, 28, 15, 27>, Link<Multiply, 29, 16>, Link<SubtractMultiply, 17, 30, 15>>;

// the preset default, numbers: periodic before layer 1
using Chain17 = Compiled<Array, Array, Scalar, Array, Link<Multiply, 0, 1>, Link<MultiplyAdd, 2, 4, 3>, Link<Cos, 5>>;

// the preset default, numbers: layer 2 of 3
using Chain18 = Compiled<Array, Scalar, Scalar, Array, Scalar, Link<Minimum, 0, 1>, Link<Exp, 5>, Link<Add, 6, 2>,
    Link<Multiply, 6, 7>, Link<DivideBySum, 8, 8, 2>, Link<MultiplySubtract, 0, 9, 0>, Link<MultiplyAdd, 3, 10, 0>,
    Link<Multiply, 11, 4>>;

// the preset default, classes: gradient of parametric activation after layer 1
using Chain19 = Compiled<Array, Scalar, Scalar, Scalar, Array, Words, Scalar, Scalar, Scalar, Scalar,
    Link<GreaterEqual, 0, 1>, Link<Multiply, 2, 0>, Link<Minimum, 0, 1>, Link<Expm1, 12>, Link<Multiply, 3, 13>,
    Link<Where, 10, 11, 14>, Link<Subtract, 15, 0>, Link<MultiplyAdd, 4, 16, 0>, Link<ToUnit, 5>,
    Link<GreaterEqual, 18, 6>, Link<Multiply, 17, 7>, Link<Where, 19, 20, 1>, Link<Multiply, 21, 8>, Link<Add, 13, 9>>;

// the preset default, classes: gradient of layer 2 of 3
using Chain20 = Compiled<Array, Scalar, Truths, Scalar, Scalar, Array, Array, Array, Scalar, Array, Scalar,
    Link<Multiply, 0, 1>, Link<Where, 2, 11, 3>, Link<Multiply, 12, 4>, Link<Multiply, 13, 5>, Link<Multiply, 13, 6>,
    Link<Negative, 15>, Link<GreaterEqual, 7, 3>, Link<Where, 17, 15, 3>, Link<Where, 17, 3, 15>,
    Link<MultiplyMultiply, 19, 8, 9>, Link<GreaterEqual, 3, 7>, Link<Where, 21, 20, 3>, Link<Add, 13, 16>,
    Link<Add, 23, 22>, Link<MultiplyAdd, 18, 10, 24>>;

// the preset default, classes: layer 2 of 3
using Chain21 = Compiled<Array, Scalar, Scalar, Scalar, Array, Scalar, Link<GreaterEqual, 0, 1>, Link<Multiply, 2, 0>,
    Link<Minimum, 0, 1>, Link<Expm1, 8>, Link<Multiply, 3, 9>, Link<Where, 6, 7, 10>, Link<Subtract, 11, 0>,
    Link<MultiplyAdd, 4, 12, 0>, Link<Multiply, 13, 5>>;

// default without dropout, numbers: layer 2 of 3
using Chain22 = Compiled<Array, Scalar, Scalar, Array, Scalar, Link<Minimum, 0, 1>, Link<Exp, 5>, Link<Add, 6, 2>,
    Link<Multiply, 6, 7>, Link<Add, 8, 2>, Link<Divide, 8, 9>, Link<MultiplySubtract, 0, 10, 0>,
    Link<MultiplyAdd, 3, 11, 0>, Link<Multiply, 12, 4>>;

// default without dropout, numbers: gradient of layer 2 of 3
using Chain23 = Compiled<Array, Scalar, Array, Array, Array, Array, Scalar, Scalar, Scalar, Link<Multiply, 0, 1>,
    Link<MultiplySubtract, 2, 3, 2>, Link<Multiply, 9, 10>, Link<Multiply, 9, 4>, Link<Negative, 12>,
    Link<Multiply, 12, 2>, Link<Add, 5, 6>, Link<Multiply, 5, 15>, Link<Add, 16, 6>, Link<Divide, 14, 17>,
    Link<Negative, 14>, Link<Multiply, 19, 3>, Link<Divide, 20, 17>, Link<Add, 18, 21>, Link<Multiply, 22, 5>,
    Link<MultiplyAdd, 22, 15, 23>, Link<Multiply, 24, 5>, Link<GreaterEqual, 7, 2>, Link<Where, 26, 25, 8>,
    Link<Add, 9, 13>, Link<MultiplyAdd, 12, 3, 28>, Link<Add, 29, 27>>;

// default without dropout, classes: gradient of parametric activation after layer 1
using Chain24 = Compiled<Array, Scalar, Scalar, Scalar, Array, Scalar, Scalar, Link<GreaterEqual, 0, 1>,
    Link<Multiply, 2, 0>, Link<Minimum, 0, 1>, Link<Expm1, 9>, Link<Multiply, 3, 10>, Link<Where, 7, 8, 11>,
    Link<Subtract, 12, 0>, Link<MultiplyAdd, 4, 13, 0>, Link<Multiply, 14, 5>, Link<Add, 10, 6>>;

// default without dropout, classes: gradient of layer 2 of 3
using Chain25 = Compiled<Array, Scalar, Array, Array, Array, Scalar, Scalar, Array, Scalar, Link<Multiply, 0, 1>,
    Link<Multiply, 9, 2>, Link<Multiply, 9, 3>, Link<Negative, 11>, Link<GreaterEqual, 4, 5>, Link<Where, 13, 11, 5>,
    Link<Where, 13, 5, 11>, Link<MultiplyMultiply, 15, 6, 7>, Link<GreaterEqual, 5, 4>, Link<Where, 17, 16, 5>,
    Link<Add, 9, 12>, Link<Add, 19, 18>, Link<MultiplyAdd, 14, 8, 20>>;

Span<const Chain> all_chains() {
    static const Chain chains[] = {Chain1::chain(),
                                   Chain2::chain(),
                                   Chain3::chain(),
                                   Chain4::chain(),
                                   Chain5::chain(),
                                   Chain6::chain(),
                                   Chain7::chain(),
                                   Chain8::chain(),
                                   Chain9::chain(),
                                   Chain10::chain(),
                                   Chain11::chain(),
                                   Chain12::chain(),
                                   Chain13::chain(),
                                   Chain14::chain(),
                                   Chain15::chain(),
                                   Chain16::chain(),
                                   Chain17::chain(),
                                   Chain18::chain(),
                                   Chain19::chain(),
                                   Chain20::chain(),
                                   Chain21::chain(),
                                   Chain22::chain(),
                                   Chain23::chain(),
                                   Chain24::chain(),
                                   Chain25::chain()};
    return {chains, 25};
}
}  // namespace
}  // namespace backpass::native

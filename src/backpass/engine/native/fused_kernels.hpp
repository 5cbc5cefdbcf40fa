// Fused kernels: elementwise programs that are compiled as one loop. Printed by tools/print_fused_kernels.py.
#pragma once

#include "fused_kernel.hpp"

namespace backpass::native {
namespace {

// plain with decay and dropout: dropout after layer 1
using Fused1 = FusedProgram<Array, Words, Scalar, Scalar, Scalar, Step<Relu, 0>, Step<ToUnit, 1>,
    Step<GreaterEqual, 6, 2>, Step<Multiply, 5, 3>, Step<Where, 7, 8, 4>>;

// plain with decay and dropout: gradient of layer 2 of 3
using Fused2 = FusedProgram<Truths, Array, Scalar, Scalar, Array, Step<Where, 0, 1, 2>, Step<Multiply, 5, 3>,
    Step<SlopeOfRelu, 4, 6>>;

// plain with decay and dropout: optimizer: update
using Fused3 = FusedProgram<Scalar, Array, Scalar, Array, Scalar, Scalar, Array, Scalar, Scalar, Scalar, Scalar, Array,
    Array, Scalar, Step<Multiply, 0, 1>, Step<MultiplyAdd, 2, 3, 14>, Step<MultiplyMultiply, 1, 1, 4>,
    Step<MultiplyAdd, 5, 6, 16>, Step<SqrtMultiply, 17, 7>, Step<Multiply, 15, 8>, Step<DivideBySum, 19, 18, 9>,
    Step<Multiply, 10, 11>, Step<MultiplyAdd, 21, 12, 20>, Step<SubtractMultiply, 13, 22, 12>>;

// plain with decay and dropout: optimizer: update
using Fused4 = FusedProgram<Array, Array, Scalar, Scalar, Array, Scalar, Scalar, Array, Scalar, Scalar, Scalar, Scalar,
    Array, Array, Scalar, Step<Add, 0, 1>, Step<Multiply, 2, 15>, Step<MultiplyAdd, 3, 4, 16>,
    Step<MultiplyMultiply, 15, 15, 5>, Step<MultiplyAdd, 6, 7, 18>, Step<SqrtMultiply, 19, 8>, Step<Multiply, 17, 9>,
    Step<DivideBySum, 21, 20, 10>, Step<Multiply, 11, 12>, Step<MultiplyAdd, 23, 13, 22>,
    Step<SubtractMultiply, 14, 24, 13>>;

// plain with decay and dropout: optimizer: update
using Fused5 = FusedProgram<Array, Array, Array, Array, Scalar, Scalar, Array, Scalar, Scalar, Array, Scalar, Scalar,
    Scalar, Scalar, Array, Array, Scalar, Step<Add, 0, 1>, Step<Add, 17, 2>, Step<Add, 18, 3>, Step<Multiply, 4, 19>,
    Step<MultiplyAdd, 5, 6, 20>, Step<MultiplyMultiply, 19, 19, 7>, Step<MultiplyAdd, 8, 9, 22>,
    Step<SqrtMultiply, 23, 10>, Step<Multiply, 21, 11>, Step<DivideBySum, 25, 24, 12>, Step<Multiply, 13, 14>,
    Step<MultiplyAdd, 27, 15, 26>, Step<SubtractMultiply, 16, 28, 15>>;

// the preset plain: optimizer: update
using Fused6 = FusedProgram<Scalar, Array, Scalar, Array, Scalar, Scalar, Array, Scalar, Scalar, Scalar, Scalar, Array,
    Step<Multiply, 0, 1>, Step<MultiplyAdd, 2, 3, 12>, Step<MultiplyMultiply, 1, 1, 4>, Step<MultiplyAdd, 5, 6, 14>,
    Step<SqrtMultiply, 15, 7>, Step<Multiply, 13, 8>, Step<DivideBySum, 17, 16, 9>,
    Step<SubtractMultiply, 10, 18, 11>>;

// the preset plain: optimizer: update
using Fused7 = FusedProgram<Array, Array, Scalar, Scalar, Array, Scalar, Scalar, Array, Scalar, Scalar, Scalar, Scalar,
    Array, Step<Add, 0, 1>, Step<Multiply, 2, 13>, Step<MultiplyAdd, 3, 4, 14>, Step<MultiplyMultiply, 13, 13, 5>,
    Step<MultiplyAdd, 6, 7, 16>, Step<SqrtMultiply, 17, 8>, Step<Multiply, 15, 9>, Step<DivideBySum, 19, 18, 10>,
    Step<SubtractMultiply, 11, 20, 12>>;

// the preset plain: optimizer: update
using Fused8 = FusedProgram<Array, Array, Array, Array, Scalar, Scalar, Array, Scalar, Scalar, Array, Scalar, Scalar,
    Scalar, Scalar, Array, Step<Add, 0, 1>, Step<Add, 15, 2>, Step<Add, 16, 3>, Step<Multiply, 4, 17>,
    Step<MultiplyAdd, 5, 6, 18>, Step<MultiplyMultiply, 17, 17, 7>, Step<MultiplyAdd, 8, 9, 20>,
    Step<SqrtMultiply, 21, 10>, Step<Multiply, 19, 11>, Step<DivideBySum, 23, 22, 12>,
    Step<SubtractMultiply, 13, 24, 14>>;

// the preset default, numbers: gradient of periodic before layer 1
using Fused9 = FusedProgram<Array, Array, Scalar, Array, Step<Multiply, 0, 1>, Step<MultiplyAdd, 2, 4, 3>,
    Step<Cos, 5>, Step<Sin, 5>>;

// the preset default, numbers: layer 2 of 3
using Fused10 = FusedProgram<Array, Scalar, Scalar, Array, Words, Scalar, Scalar, Scalar, Scalar, Step<Minimum, 0, 1>,
    Step<Exp, 9>, Step<Add, 10, 2>, Step<Multiply, 10, 11>, Step<Add, 12, 2>, Step<Divide, 12, 13>,
    Step<MultiplySubtract, 0, 14, 0>, Step<MultiplyAdd, 3, 15, 0>, Step<ToUnit, 4>, Step<GreaterEqual, 17, 5>,
    Step<Multiply, 16, 6>, Step<Where, 18, 19, 7>, Step<Multiply, 20, 8>>;

// the preset default, numbers: gradient of layer 2 of 3
using Fused11 = FusedProgram<Array, Scalar, Truths, Scalar, Scalar, Array, Array, Array, Array, Scalar, Scalar,
    Step<Multiply, 0, 1>, Step<Where, 2, 11, 3>, Step<Multiply, 12, 4>, Step<MultiplySubtract, 5, 6, 5>,
    Step<Multiply, 13, 14>, Step<Multiply, 13, 7>, Step<Negative, 16>, Step<Multiply, 16, 5>, Step<Add, 8, 9>,
    Step<Multiply, 8, 19>, Step<Add, 20, 9>, Step<Divide, 18, 21>, Step<Negative, 18>, Step<Multiply, 23, 6>,
    Step<Divide, 24, 21>, Step<Add, 22, 25>, Step<Multiply, 26, 8>, Step<MultiplyAdd, 26, 19, 27>,
    Step<Multiply, 28, 8>, Step<GreaterEqual, 10, 5>, Step<Where, 30, 29, 3>, Step<Add, 13, 17>,
    Step<MultiplyAdd, 16, 6, 32>, Step<Add, 33, 31>>;

// the preset default, numbers: gradient of periodic before layer 1
using Fused12 = FusedProgram<Array, Array, Scalar, Array, Step<Negative, 0>, Step<Multiply, 4, 1>,
    Step<MultiplyMultiply, 5, 2, 3>>;

// the preset default, numbers: optimizer: update
using Fused13 = FusedProgram<Scalar, Array, Scalar, Array, Scalar, Scalar, Array, Scalar, Scalar, Scalar, Scalar,
    Array, Array, Array, Scalar, Step<Multiply, 0, 1>, Step<MultiplyAdd, 2, 3, 15>, Step<MultiplyMultiply, 1, 1, 4>,
    Step<MultiplyAdd, 5, 6, 17>, Step<SqrtMultiply, 18, 7>, Step<Multiply, 16, 8>, Step<DivideBySum, 20, 19, 9>,
    Step<Multiply, 10, 11>, Step<MultiplyAdd, 22, 12, 21>, Step<Multiply, 23, 13>, Step<SubtractMultiply, 14, 24, 12>>;

// the preset default, numbers: optimizer: update
using Fused14 = FusedProgram<Array, Array, Scalar, Scalar, Array, Scalar, Scalar, Array, Scalar, Scalar, Scalar,
    Scalar, Array, Array, Array, Scalar, Step<Add, 0, 1>, Step<Multiply, 2, 16>, Step<MultiplyAdd, 3, 4, 17>,
    Step<MultiplyMultiply, 16, 16, 5>, Step<MultiplyAdd, 6, 7, 19>, Step<SqrtMultiply, 20, 8>, Step<Multiply, 18, 9>,
    Step<DivideBySum, 22, 21, 10>, Step<Multiply, 11, 12>, Step<MultiplyAdd, 24, 13, 23>, Step<Multiply, 25, 14>,
    Step<SubtractMultiply, 15, 26, 13>>;

// the preset default, numbers: gradient of learned input scale before layer 1
using Fused15 = FusedProgram<Array, Scalar, Array, Array, Step<Multiply, 0, 1>, Step<Multiply, 4, 2>,
    Step<Multiply, 4, 3>>;

// the preset default, numbers: optimizer: update
using Fused16 = FusedProgram<Array, Array, Array, Array, Scalar, Scalar, Array, Scalar, Scalar, Array, Scalar, Scalar,
    Scalar, Scalar, Array, Array, Array, Scalar, Step<Add, 0, 1>, Step<Add, 18, 2>, Step<Add, 19, 3>,
    Step<Multiply, 4, 20>, Step<MultiplyAdd, 5, 6, 21>, Step<MultiplyMultiply, 20, 20, 7>, Step<MultiplyAdd, 8, 9, 23>,
    Step<SqrtMultiply, 24, 10>, Step<Multiply, 22, 11>, Step<DivideBySum, 26, 25, 12>, Step<Multiply, 13, 14>,
    Step<MultiplyAdd, 28, 15, 27>, Step<Multiply, 29, 16>, Step<SubtractMultiply, 17, 30, 15>>;

// the preset default, numbers: periodic before layer 1
using Fused17 = FusedProgram<Array, Array, Scalar, Array, Step<Multiply, 0, 1>, Step<MultiplyAdd, 2, 4, 3>,
    Step<Cos, 5>>;

// the preset default, numbers: layer 2 of 3
using Fused18 = FusedProgram<Array, Scalar, Scalar, Array, Scalar, Step<Minimum, 0, 1>, Step<Exp, 5>, Step<Add, 6, 2>,
    Step<Multiply, 6, 7>, Step<DivideBySum, 8, 8, 2>, Step<MultiplySubtract, 0, 9, 0>, Step<MultiplyAdd, 3, 10, 0>,
    Step<Multiply, 11, 4>>;

// the preset default, classes: gradient of parametric activation after layer 1
using Fused19 = FusedProgram<Array, Scalar, Scalar, Scalar, Array, Words, Scalar, Scalar, Scalar, Scalar,
    Step<GreaterEqual, 0, 1>, Step<Multiply, 2, 0>, Step<Minimum, 0, 1>, Step<Expm1, 12>, Step<Multiply, 3, 13>,
    Step<Where, 10, 11, 14>, Step<Subtract, 15, 0>, Step<MultiplyAdd, 4, 16, 0>, Step<ToUnit, 5>,
    Step<GreaterEqual, 18, 6>, Step<Multiply, 17, 7>, Step<Where, 19, 20, 1>, Step<Multiply, 21, 8>, Step<Add, 13, 9>>;

// the preset default, classes: gradient of layer 2 of 3
using Fused20 = FusedProgram<Array, Scalar, Truths, Scalar, Scalar, Array, Array, Array, Scalar, Array, Scalar,
    Step<Multiply, 0, 1>, Step<Where, 2, 11, 3>, Step<Multiply, 12, 4>, Step<Multiply, 13, 5>, Step<Multiply, 13, 6>,
    Step<Negative, 15>, Step<GreaterEqual, 7, 3>, Step<Where, 17, 15, 3>, Step<Where, 17, 3, 15>,
    Step<MultiplyMultiply, 19, 8, 9>, Step<GreaterEqual, 3, 7>, Step<Where, 21, 20, 3>, Step<Add, 13, 16>,
    Step<Add, 23, 22>, Step<MultiplyAdd, 18, 10, 24>>;

// the preset default, classes: layer 2 of 3
using Fused21 = FusedProgram<Array, Scalar, Scalar, Scalar, Array, Scalar, Step<GreaterEqual, 0, 1>,
    Step<Multiply, 2, 0>, Step<Minimum, 0, 1>, Step<Expm1, 8>, Step<Multiply, 3, 9>, Step<Where, 6, 7, 10>,
    Step<Subtract, 11, 0>, Step<MultiplyAdd, 4, 12, 0>, Step<Multiply, 13, 5>>;

// default without dropout, numbers: layer 2 of 3
using Fused22 = FusedProgram<Array, Scalar, Scalar, Array, Scalar, Step<Minimum, 0, 1>, Step<Exp, 5>, Step<Add, 6, 2>,
    Step<Multiply, 6, 7>, Step<Add, 8, 2>, Step<Divide, 8, 9>, Step<MultiplySubtract, 0, 10, 0>,
    Step<MultiplyAdd, 3, 11, 0>, Step<Multiply, 12, 4>>;

// default without dropout, numbers: gradient of layer 2 of 3
using Fused23 = FusedProgram<Array, Scalar, Array, Array, Array, Array, Scalar, Scalar, Scalar, Step<Multiply, 0, 1>,
    Step<MultiplySubtract, 2, 3, 2>, Step<Multiply, 9, 10>, Step<Multiply, 9, 4>, Step<Negative, 12>,
    Step<Multiply, 12, 2>, Step<Add, 5, 6>, Step<Multiply, 5, 15>, Step<Add, 16, 6>, Step<Divide, 14, 17>,
    Step<Negative, 14>, Step<Multiply, 19, 3>, Step<Divide, 20, 17>, Step<Add, 18, 21>, Step<Multiply, 22, 5>,
    Step<MultiplyAdd, 22, 15, 23>, Step<Multiply, 24, 5>, Step<GreaterEqual, 7, 2>, Step<Where, 26, 25, 8>,
    Step<Add, 9, 13>, Step<MultiplyAdd, 12, 3, 28>, Step<Add, 29, 27>>;

// default without dropout, classes: gradient of parametric activation after layer 1
using Fused24 = FusedProgram<Array, Scalar, Scalar, Scalar, Array, Scalar, Scalar, Step<GreaterEqual, 0, 1>,
    Step<Multiply, 2, 0>, Step<Minimum, 0, 1>, Step<Expm1, 9>, Step<Multiply, 3, 10>, Step<Where, 7, 8, 11>,
    Step<Subtract, 12, 0>, Step<MultiplyAdd, 4, 13, 0>, Step<Multiply, 14, 5>, Step<Add, 10, 6>>;

// default without dropout, classes: gradient of layer 2 of 3
using Fused25 = FusedProgram<Array, Scalar, Array, Array, Array, Scalar, Scalar, Array, Scalar, Step<Multiply, 0, 1>,
    Step<Multiply, 9, 2>, Step<Multiply, 9, 3>, Step<Negative, 11>, Step<GreaterEqual, 4, 5>, Step<Where, 13, 11, 5>,
    Step<Where, 13, 5, 11>, Step<MultiplyMultiply, 15, 6, 7>, Step<GreaterEqual, 5, 4>, Step<Where, 17, 16, 5>,
    Step<Add, 9, 12>, Step<Add, 19, 18>, Step<MultiplyAdd, 14, 8, 20>>;

Span<const FusedKernel> all_fused_kernels() {
    static const FusedKernel kernels[] = {Fused1::kernel(),
                                   Fused2::kernel(),
                                   Fused3::kernel(),
                                   Fused4::kernel(),
                                   Fused5::kernel(),
                                   Fused6::kernel(),
                                   Fused7::kernel(),
                                   Fused8::kernel(),
                                   Fused9::kernel(),
                                   Fused10::kernel(),
                                   Fused11::kernel(),
                                   Fused12::kernel(),
                                   Fused13::kernel(),
                                   Fused14::kernel(),
                                   Fused15::kernel(),
                                   Fused16::kernel(),
                                   Fused17::kernel(),
                                   Fused18::kernel(),
                                   Fused19::kernel(),
                                   Fused20::kernel(),
                                   Fused21::kernel(),
                                   Fused22::kernel(),
                                   Fused23::kernel(),
                                   Fused24::kernel(),
                                   Fused25::kernel()};
    return {kernels, 25};
}
}  // namespace
}  // namespace backpass::native

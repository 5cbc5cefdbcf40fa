"""The engine's polynomials: fits the numbers of src/backpass/engine/native/polynomials.hpp and prints that file.

    python tools/fit_polynomials.py > src/backpass/engine/native/polynomials.hpp

Needs mpmath. Each polynomial is a minimax fit of an exact function on an interval, by Lawson's iteration (weighted
least squares whose weights grow where the error is largest; Lawson 1961). The coefficients become float32 one after
another, the most important first: each rounding is made good by refitting those that are still free.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass

import mpmath  # type: ignore[import-untyped]
import numpy
from numpy.typing import NDArray

mpmath.mp.dps = 40

Exact = Callable[[mpmath.mpf], mpmath.mpf]
Floats = NDArray[numpy.float64]

POINTS = 401
ITERATIONS = 300


@dataclass(frozen=True, slots=True)
class Fit:
    """A polynomial p of t with p(t) ~ target(x), t = variable(x), so that |scale(x) (p(t) - target(x))| is small.

    scale(x) turns an error of p into the relative error of the function that p serves.
    """

    name: str
    comment: str
    target: Exact
    scale: Exact
    variable: Exact
    low: float
    high: float
    degree: int


def nodes(fit: Fit) -> list[mpmath.mpf]:
    """Chebyshev points of the interval; none is exactly 0, where the targets are 0/0."""
    middle, half = (fit.low + fit.high) / 2, (fit.high - fit.low) / 2
    found = [middle + half * mpmath.cos(mpmath.pi * (2 * i + 1) / (2 * POINTS)) for i in range(POINTS)]
    return [x if abs(x) > 1e-12 else mpmath.mpf("1e-12") for x in found]


def minimax(powers: Floats, target: Floats, scale: Floats) -> Floats:
    """The coefficients of the columns of ``powers`` with the smallest largest scaled error that was met."""
    weight = numpy.full(len(target), 1.0 / len(target))
    best, best_error = numpy.zeros(powers.shape[1]), numpy.inf
    for _ in range(ITERATIONS):
        root = numpy.sqrt(weight) * scale
        columns = powers * root[:, None]
        length = numpy.sqrt((columns * columns).sum(axis=0))
        found = numpy.linalg.lstsq(columns / length, target * root, rcond=None)[0] / length
        error = numpy.abs(scale * (powers @ found - target))
        if error.max() < best_error:
            best, best_error = found, error.max()
        weight = weight * error
        weight /= weight.sum()
    return best


def coefficients(fit: Fit) -> tuple[list[numpy.float32], float]:
    """The float32 coefficients, lowest power first, and the largest scaled error that they leave."""
    x = nodes(fit)
    t = numpy.array([float(fit.variable(v)) for v in x])
    target = numpy.array([float(fit.target(v)) for v in x])
    scale = numpy.array([abs(float(fit.scale(v))) for v in x])
    powers: Floats = t[:, None] ** numpy.arange(fit.degree + 1.0)
    fixed: list[numpy.float32] = []
    for k in range(fit.degree + 1):
        rest: Floats = target - powers[:, :k] @ numpy.array(fixed, dtype=numpy.float64)
        fixed.append(numpy.float32(minimax(powers[:, k:], rest, scale)[0]))
    error = numpy.abs(scale * (powers @ numpy.array(fixed, dtype=numpy.float64) - target)).max()
    return fixed, float(error)


def hexadecimal(value: float) -> str:
    """A float32 as a C++ literal.

    >>> hexadecimal(0.5)
    '0x1p-1f'
    """
    mantissa, exponent = float(value).hex().split("p")
    return f"{mantissa.rstrip('0').rstrip('.')}p{int(exponent)}f"


def square(x: mpmath.mpf) -> mpmath.mpf:
    return x * x


def itself(x: mpmath.mpf) -> mpmath.mpf:
    return x


def small_power(x: mpmath.mpf) -> mpmath.mpf:
    """ln m - q, less its cubic term, over q^5: q = 2 (m - 1) / (m + 1), where ln m = 2 artanh(q / 2)."""
    return (2 * mpmath.atanh(x / 2) - x - x**3 / 12) / x**5


HALF_LN2 = 0.34675  # a little more than ln(2) / 2: the multiple of ln 2 is chosen by a rounded product
QUARTER_PI = 0.78541
TANH_SMALL = 1.034
ERF_SMALL = 0.921875
ERF_LARGE = 4.0
THIRD = 0.33334
TAN_PI_8 = 0.41422
POWER_LARGE = 0.40001

FITS = (
    Fit("exp_terms", "e^r = 1 + r + r^2 P(r), |r| <= ln(2) / 2",
        lambda r: (mpmath.expm1(r) - r) / r**2, lambda r: r**2 / mpmath.expm1(r), itself, -HALF_LN2, HALF_LN2, 5),
    Fit("log_terms", "ln(1 + f) = f - f^2 / 2 + f^3 P(f), |f| <= 1/3",
        lambda f: (mpmath.log1p(f) - f + f**2 / 2) / f**3, lambda f: f**3 / mpmath.log1p(f), itself, -THIRD, THIRD, 8),
    Fit("tanh_terms", "tanh(x) = x + x^3 P(x^2), |x| <= 1.034",
        lambda x: (mpmath.tanh(x) - x) / x**3, lambda x: x**3 / mpmath.tanh(x), square, 0.0, TANH_SMALL, 7),
    Fit("sin_terms", "sin(r) = r + r^3 P(r^2), |r| <= pi / 4",
        lambda r: (mpmath.sin(r) - r) / r**3, lambda r: r**3 / mpmath.sin(r), square, 0.0, QUARTER_PI, 3),
    Fit("cos_terms", "cos(r) = 1 - r^2 / 2 + r^4 P(r^2), |r| <= pi / 4",
        lambda r: (mpmath.cos(r) - 1 + r**2 / 2) / r**4, lambda r: r**4 / mpmath.cos(r), square, 0.0, QUARTER_PI, 2),
    Fit("erf_small_terms", "erf(x) = x + x P(x^2), |x| <= 0.921875",
        lambda x: mpmath.erf(x) / x - 1, lambda x: x / mpmath.erf(x), square, 0.0, ERF_SMALL, 6),
    Fit("erf_large_terms", "erf(x) = 1 - e^(x P(x)), 0.921875 <= x <= 4",
        lambda x: mpmath.log(mpmath.erfc(x)) / x, lambda x: x * mpmath.erfc(x) / mpmath.erf(x), itself,
        ERF_SMALL, ERF_LARGE, 6),
    Fit("arctan_terms", "arctan(t) = t + t^3 P(t^2), |t| <= tan(pi / 8)",
        lambda t: (mpmath.atan(t) - t) / t**3, lambda t: t**3 / mpmath.atan(t), square, 0.0, TAN_PI_8, 4),
    Fit("power_terms", "ln(m) = q + q^3 / 12 + q^5 P(q^2), q = 2 (m - 1) / (m + 1), 2/3 <= m <= 4/3",
        small_power, lambda q: q**5 / (2 * mpmath.atanh(q / 2)), square, 0.0, POWER_LARGE, 3),
)  # fmt: skip


def parts(value: mpmath.mpf, bits: tuple[int, ...]) -> list[float]:
    """Numbers of the given lengths in bits whose sum is the value, the largest first."""
    found = []
    for length in bits:
        with mpmath.workprec(length):
            part = +value
        found.append(float(part))
        value -= part
    return found


def constants() -> str:
    """The constants of the range reductions."""
    ln2_high, ln2_low = parts(mpmath.log(2), (15, 24))
    named = {
        "log2_e": float(1 / mpmath.log(2)),
        "ln2_high": ln2_high,
        "ln2_low": ln2_low,
        "two_over_pi": float(2 / mpmath.pi),
        **dict(zip(("half_pi_1", "half_pi_2", "half_pi_3"), parts(mpmath.pi / 2, (24, 24, 24)), strict=True)),
        **dict(zip(("twelfth_high", "twelfth_low"), parts(mpmath.mpf(1) / 12, (24, 24)), strict=True)),
    }
    lines = [f"constexpr float {name} = {hexadecimal(float(numpy.float32(value)))};" for name, value in named.items()]
    with mpmath.workdps(120):
        words = [int(mpmath.floor(2 / mpmath.pi * mpmath.mpf(2) ** (32 * i))) & 0xFFFFFFFF for i in range(8)]
    return "\n".join([*lines, array("std::uint32_t", "two_over_pi_bits", [f"0x{word:08x}u" for word in words])])


def array(kind: str, name: str, values: list[str]) -> str:
    line = f"constexpr {kind} {name}[] = {{{', '.join(values)}}};"
    return textwrap.fill(line, 120, subsequent_indent="    ") + "\n"


HEADING = """\
// Polynomials: the numbers of elementary.hpp, printed by tools/fit_polynomials.py, which describes the fit.
#pragma once

#include <cstdint>

namespace backpass::native {
namespace {
"""
ENDING = """\
}  // namespace
}  // namespace backpass::native
"""


def header() -> str:
    """The whole file."""
    text = [
        HEADING,
        "// Parts of a value add up to it; two_over_pi_bits starts with the word before the point.",
        constants(),
    ]
    for fit in FITS:
        found, error = coefficients(fit)
        bound = float(mpmath.log(error, 2))
        text.append(f"// {fit.comment}; relative error 2^{bound:.1f}")
        text.append(array("float", fit.name, [hexadecimal(float(c)) for c in found]))
    return "\n".join([*text, ENDING])


def main() -> None:
    sys.stdout.write(header())


if __name__ == "__main__":
    main()

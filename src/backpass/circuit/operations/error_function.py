"""The error function in NumPy, by W. J. Cody's rational approximations (Mathematics of Computation 23, 1969).

NumPy has no erf, and SciPy is too heavy a dependency for one function. There are three ranges of |x|; the published
coefficients have a relative error below 6e-19, so the rounding of float64 dominates.
"""

from __future__ import annotations

from typing import Any

import numpy
from numpy.typing import NDArray

Floats = NDArray[Any]

# erf(x) = x P(x^2) / Q(x^2) for |x| <= 0.46875; highest power first. P - Q is stored, because x + x (P - Q) / Q rounds
# the larger part of the result only once.
_P_LESS_Q_SMALL = (-8.14222293815396847e-1, -2.04401672084735553e1, -1.30160483783394017e2, -9.05131288392070259e2,
                   3.65140755699298850e2)  # fmt: skip
_Q_SMALL = (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3)
# erfc(x) = e^(-x^2) P(x) / Q(x) for 0.46875 <= x <= 4.
_P_MIDDLE = (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1,
             2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
             1.23033935479799725e3)  # fmt: skip
_Q_MIDDLE = (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
             3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3)  # fmt: skip


def _ratio(numerator: tuple[float, ...], denominator: tuple[float, ...], t: Floats) -> Floats:
    return numpy.polyval(numerator, t) / numpy.polyval(denominator, t)


def erf_of(x: Floats) -> Floats:
    """erf(x), element by element, computed in float64 and returned in the dtype of x.

    The formula of the middle range also serves beyond |x| = 4: erfc is below 1.6e-8 there, and its error vanishes in
    1 - erfc.
    """
    wide = numpy.asarray(x, dtype=numpy.float64)
    size = numpy.minimum(numpy.abs(wide), 6.0)
    small = wide + wide * _ratio(_P_LESS_Q_SMALL, _Q_SMALL, numpy.minimum(size, 0.46875) ** 2)
    tail = numpy.exp(-size * size) * _ratio(_P_MIDDLE, _Q_MIDDLE, size)
    result = numpy.where(size <= 0.46875, small, numpy.copysign(1.0 - tail, wide))
    return numpy.where(numpy.isnan(wide), wide, result).astype(numpy.result_type(x.dtype, numpy.float32))

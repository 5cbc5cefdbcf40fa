"""The target's scale: standardizes the target, and converts outputs back.

y' = (y - center) / scale    and    y = center + scale y'

A positive target can be learned as its logarithm, which ``LogScale`` standardizes.
"""

from __future__ import annotations

from dataclasses import replace
from math import frexp, fsum, ldexp, sqrt, ulp
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.circuit.operations import exp
from backpass.dataclass import dataclass
from backpass.numerics.elementary import log

_BOUNDED = ("sigmoid", "tanh")

_MOST = 700.0
"""The largest logarithm that is decoded, so that every prediction is finite."""


@dataclass(frozen=True, slots=True)
class LogScale:
    """Center and scale of the logarithm of a positive target.

    y' = (ln y - center) / scale    and    y = exp(center + correction + scale y')

    Attributes:
        center: The center of the logarithms.
        scale: Their scale; 1 if they are equal.
        correction: The logarithm of the factor that makes predictions those of the mean, see ``outcome.correction``.
    """

    center: float
    scale: float
    correction: float = 0.0

    @staticmethod
    def fit(y: NDArray[np.float64]) -> LogScale:
        """Mean and standard deviation of the logarithms of targets y (n,), all above 0."""
        fitted = TargetScale.fit(log(y), "identity")
        return LogScale(fitted.center, fitted.scale or 1.0)

    def encode(self, y: NDArray[np.float64]) -> NDArray[np.float64]:
        """y (n,), all above 0  ->  y' (n,)"""
        return np.asarray((log(y) - self.center) / self.scale)

    def decode(self, o: NDArray[Any]) -> NDArray[np.float64]:
        """y' (n,)  ->  y (n,)"""
        y: NDArray[np.float64] = exp(
            np.minimum(self.center + self.correction + self.scale * o.astype(np.float64), _MOST)
        )
        return y

    def to_json(self) -> dict[str, float]:
        """Plain data for the model file."""
        return {"center": self.center, "scale": self.scale, "correction": self.correction}


@dataclass(frozen=True, slots=True)
class TargetScale:
    """Center and scale of a numeric target.

    Attributes:
        center: The center.
        scale: The scale. 0 marks a constant target, whose predictions are the center; it is provisional if training
            continues, see ``updated``.
        low: The smallest decoded number, if decoded numbers are clipped.
        high: The largest decoded number, if decoded numbers are clipped.
        log: The scale of the logarithms, if outputs are those of the logarithm of the target; center and scale are
            still those of the target itself.
    """

    center: float = 0.0
    scale: float = 1.0
    low: float | None = None
    high: float | None = None
    log: LogScale | None = None

    @staticmethod
    def fit(
        y: NDArray[np.float64], output_activation: str, *, has_log_link: bool = False, is_log: bool = False
    ) -> TargetScale:
        """Mean and standard deviation of the training targets, as far as the output activation allows.

        For a linear output the target is standardized. The zero of an output activation such as ReLU is meaningful, so
        the target is scaled but not shifted. For sigmoid and tanh, and for a loss with a log link, y stays as it is.

        Args:
            y: The training targets (n,).
            output_activation: The output activation.
            has_log_link: Whether the loss takes logarithms of predictions.
            is_log: Whether the logarithm of the target is learned, for a linear output; then all y are above 0.
        """
        if has_log_link or output_activation in _BOUNDED:
            return TargetScale()
        if output_activation != "identity":
            ratios, exponent = _ratios(y, 0.0)
            return TargetScale(0.0, _scale_of(ratios, exponent) or 1.0)
        origin, logs = float(y[0]), LogScale.fit(y) if is_log else None
        if float(np.min(y)) == float(np.max(y)):
            return TargetScale(origin, 0.0, log=logs)
        ratios, exponent = _ratios(y, origin)
        mean = fsum(ratios) / len(ratios)
        # A sum of halves: origin and mean deviation may be large, with opposite signs.
        center = 2.0 * (0.5 * origin + ldexp(mean, exponent))
        return TargetScale(center, _scale_of([r - mean for r in ratios], exponent), log=logs)

    def encode(self, y: NDArray[np.float64]) -> NDArray[np.float64]:
        """y (n,)  ->  y' (n,)"""
        if self.scale == 0.0:
            return np.zeros_like(y)
        if self.log is not None:
            return self.log.encode(y)
        # Halved first: y - center may overflow if both are near the largest float64. If this overflows, too, the row is
        # far outside the range of the training rows.
        with np.errstate(over="ignore"):
            return (0.5 * y - 0.5 * self.center) / self.scale * 2.0

    def decode(self, o: NDArray[Any]) -> NDArray[np.float64]:
        """y' (n,)  ->  y (n,)"""
        if self.scale == 0.0:
            return np.full(o.shape, self.center)
        with np.errstate(over="ignore"):
            if self.log is not None:
                y = self.log.decode(o)
            else:
                y = 2.0 * (0.5 * self.center + self.scale * (0.5 * o.astype(np.float64)))
        return y if self.low is None and self.high is None else np.clip(y, self.low, self.high)

    def bounded(self, y: NDArray[np.float64]) -> TargetScale:
        """The same scale, clipped to the range of the training targets."""
        return replace(self, low=float(np.min(y)), high=float(np.max(y)))

    def updated(self, y: NDArray[np.float64]) -> TargetScale:
        """The scale for training that continues with targets y (n,).

        A scale of 0 is replaced by that of y, since a constant target taught the network nothing. If y is another
        constant, it becomes the center, and its distance from the old center the scale. The clipping range, if any, is
        extended to include y.

        >>> TargetScale(5.0, 0.0).updated(np.array([5.0, 9.0]))
        TargetScale(center=7.0, scale=2.0, low=None, high=None, log=None)
        """
        low = None if self.low is None else min(self.low, float(np.min(y)))
        high = None if self.high is None else max(self.high, float(np.max(y)))
        fitted = TargetScale.fit(y, "identity") if self.scale == 0.0 else self
        scale = fitted.scale or _scale_of(*_ratios(y, self.center))
        logs = self.log if self.log is None or self.scale else LogScale.fit(np.append(y, self.center))
        return TargetScale(fitted.center, scale, low, high, logs)


def _ratios(y: NDArray[np.float64], origin: float) -> tuple[list[float], int]:
    """(y - origin) / 2^(exponent + 1), the largest between 1/2 and 1, and the exponent.

    In these units nothing overflows or underflows, and if the origin is one of the values, a large mean costs no digits
    of a small deviation.
    """
    halves = 0.5 * y - 0.5 * origin
    exponent = frexp(float(np.max(np.abs(halves))))[1]
    return np.ldexp(halves, -exponent).tolist(), exponent


def _scale_of(ratios: list[float], exponent: int) -> float:
    """The root of the mean square, back in the unit of y; 0 only if every ratio is 0."""
    root = sqrt(fsum(r * r for r in ratios) / len(ratios))
    return max(2.0 * ldexp(root, exponent), ulp(0.0)) if root else 0.0

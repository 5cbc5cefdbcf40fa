"""The target's scale: what the network learns instead of y, and the way back.

y' = (y - center) / scale    and    y = center + scale y'
"""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BOUNDED = ("sigmoid", "tanh")
_TINY = 1e-300


@dataclass(frozen=True, slots=True)
class TargetScale:
    """Center and scale of a target of numbers. A scale of 0 marks a constant target: predictions are the center."""

    center: float = 0.0
    scale: float = 1.0

    @staticmethod
    def fit(y: NDArray[np.float64], loss: str, output_activation: str) -> TargetScale:
        """Mean and standard deviation of the training targets, as far as the output allows.

        A linear output is free: the target is standardized. An output activation such as ReLU has a zero that means
        something, so the target is scaled but not shifted; sigmoid and tanh, and the Poisson loss, take y as it is.
        """
        if loss == "poisson" or output_activation in _BOUNDED:
            return TargetScale()
        largest = float(np.max(np.abs(y), initial=0.0))
        unit = largest if largest > _TINY else 1.0
        # In units of the largest value nothing overflows; fsum adds without rounding, in any order.
        ratios = (y / unit).tolist()
        mean = fsum(ratios) / len(ratios)
        if output_activation != "identity":
            spread = sqrt(fsum(r * r for r in ratios) / len(ratios))
            return TargetScale(0.0, spread * unit if spread > 0 else 1.0)
        if float(np.min(y)) == float(np.max(y)):
            return TargetScale(float(y[0]), 0.0)
        deviation = sqrt(fsum((r - mean) ** 2 for r in ratios) / len(ratios))
        return TargetScale(mean * unit, deviation * unit)

    def encode(self, y: NDArray[np.float64]) -> NDArray[np.float64]:
        """y (n,)  ->  y' (n,)"""
        if self.scale == 0.0:
            return np.zeros_like(y)
        # Halves first: y - center may overflow when both are near the largest float64.
        return (0.5 * y - 0.5 * self.center) / self.scale * 2.0

    def decode(self, o: NDArray[Any]) -> NDArray[np.float64]:
        """y' (n,)  ->  y (n,)"""
        return self.center + self.scale * o.astype(np.float64)

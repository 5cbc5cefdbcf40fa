"""Schedules: factors by which a hyperparameter changes over a run, as functions of t, the fraction of steps completed.

t = 0 at the first step and just below 1 at the last.    t (steps,)  ->  factor (steps,)
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

import numpy
from numpy.typing import NDArray

from backpass.errors import looked_up
from backpass.numerics.elementary import cosine_of_turns, log2

Floats = NDArray[numpy.float64]
_WARMUP_SHARE = 0.05


def constant(t: Floats) -> Floats:
    """1 throughout"""
    return numpy.ones_like(t)


def cosine(t: Floats) -> Floats:
    """(1 + cos(pi t)) / 2: smoothly from 1 to 0 (Loshchilov & Hutter 2017)"""
    return 0.5 * (1.0 + cosine_of_turns(0.5 * t))


def linear(t: Floats) -> Floats:
    """1 - t: linearly from 1 to 0"""
    return 1.0 - t


def warmup_cosine(t: Floats) -> Floats:
    """From 0 to 1 over the first 5% of the steps, then down like ``cosine``"""
    after = numpy.clip((t - _WARMUP_SHARE) / (1.0 - _WARMUP_SHARE), 0.0, 1.0)
    return numpy.where(t < _WARMUP_SHARE, t / _WARMUP_SHARE, cosine(after))


def coslog4(t: Floats) -> Floats:
    """(1 - cos(2 pi log2(1 + 15 t))) / 2: four cycles, each twice as long as the last (Holzmueller et al. 2024)"""
    return 0.5 * (1.0 - cosine_of_turns(log2(1.0 + 15.0 * t)))


def flat_cosine(t: Floats) -> Floats:
    """1 for the first half, then a cosine down to 0 (Holzmueller et al. 2024)"""
    return numpy.where(t <= 0.5, 1.0, 0.5 * (1.0 + cosine_of_turns(t - 0.5)))


SCHEDULES: MappingProxyType[str, Callable[[Floats], Floats]] = MappingProxyType(
    {
        "constant": constant,
        "cosine": cosine,
        "linear": linear,
        "warmup_cosine": warmup_cosine,
        "coslog4": coslog4,
        "flat_cosine": flat_cosine,
    }
)
"""Every schedule by name."""


def schedule_named(name: str) -> Callable[[Floats], Floats]:
    """Look up a schedule by name.

    Args:
        name: A key of ``SCHEDULES``.

    Raises:
        UsageError: If the name is unknown; the message gives the nearest name.
    """
    return looked_up(SCHEDULES, name, "schedule")

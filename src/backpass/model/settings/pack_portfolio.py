"""The portfolio of a pack: the candidate settings that are tried on a table, in a fixed order.

It takes settings and the number of a candidate and returns the settings that the candidate changes. The draws depend on
nothing else: the n-th candidate is the same for every table and seed. Which of them suit a table is chosen in
``model.fitting.pack``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from backpass.model.settings.presets import patience_for
from backpass.model.settings.settings import Settings
from backpass.numerics.philox import integers, permutation

BLOCK = 8
"""Consecutive candidates whose draws form a Latin hypercube: each spreads evenly over the values of every setting."""

SMALL = 2_000
"""The number of training rows below which candidates also differ in their epochs: few rows are few steps an epoch."""

_PURPOSE = 0x7AC4_0000
_FINE = 1 << 20

_SPACE: Mapping[str, Sequence[Any]] = MappingProxyType(
    {
        "depth": (1, 2, 3),
        "width": (96, 128, 192),
        "frequency_scale": (
            *(0.01, 0.016, 0.025, 0.04, 0.063, 0.1, 0.16, 0.25),
            *(0.4, 0.63, 1.0, 1.6, 2.5, 4.0, 6.3, 10.0, 16.0),
        ),
        "quantile_features": (True, False),
        "dropout": (0.0, 0.0, 0.0, 0.0, 0.05, 0.15, 0.25, 0.35),
        "learning_rate": (0.35, 0.5, 0.7, 1.0, 1.4, 2.0),
        "weight_decay": (0.25, 0.5, 1.0, 2.0, 4.0, 8.0),
        "activation": ("selu", "mish", "relu"),
        "label_smoothing": (0.0, 0.05, 0.1),
        "epochs": (1, 2, 4),
    }
)
"""The values of each setting; for learning rate, weight decay and epochs, factors of the value that is set."""

_FACTORS = ("learning_rate", "weight_decay", "epochs")


def changes_of(number: int, settings: Settings, task: str, rows: int) -> dict[str, Any]:
    """The settings that candidate ``number`` changes.

    A setting that the user set is never changed, nor one that the other settings give no meaning to.

    Args:
        number: The number of the candidate, from 0.
        settings: The settings of the fit.
        task: The task of the target.
        rows: The number of training rows.
    """
    drawn = _drawn(number)
    depth, width = drawn.pop("depth"), drawn.pop("width")
    proposed: dict[str, Any] = {"hidden": (width,) * depth, **drawn}
    proposed["frequency_scale"] = (drawn["frequency_scale"],)
    for name in _FACTORS:
        usual = getattr(settings, name)
        proposed[name] = type(usual)(float(f"{drawn[name] * usual:.3g}"))
    if settings.patience is not None:
        proposed["patience"] = patience_for(proposed["epochs"])
    absent = {*dict(settings.given), *_without_meaning(settings, task, rows)}
    return {name: value for name, value in proposed.items() if name not in absent}


def _drawn(number: int) -> dict[str, Any]:
    """The values of candidate ``number``, one per setting of the space."""
    block, place = divmod(number, BLOCK)
    found = {}
    for j, (name, values) in enumerate(_SPACE.items()):
        stratum = int(permutation(0, block, _PURPOSE + j, BLOCK)[place])
        within = int(integers(0, number, _PURPOSE + len(_SPACE) + j, 1, _FINE)[0])
        found[name] = values[(stratum * _FINE + within) * len(values) // (BLOCK * _FINE)]
    return found


def _without_meaning(settings: Settings, task: str, rows: int) -> list[str]:
    """The settings of the space that other settings rule out."""
    found = []
    if settings.wire or not settings.hidden:
        found += ["hidden"]
    if settings.numerical_embedding != "periodic":
        found += ["frequency_scale"]
    if not settings.quantile_features:
        found += ["quantile_features"]
    if task == "regression":
        found += ["label_smoothing"]
    if rows >= SMALL:
        found += ["epochs"]
    if rows >= SMALL or "epochs" in dict(settings.given):
        found += ["patience"]
    return found

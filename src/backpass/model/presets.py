"""Presets: whole recipes by name. A preset gives defaults to settings that the user did not give, and nothing else.

What suits numbers and what suits classes may differ, so a preset is settled once the task is known. The settings
themselves, with the defaults of the plain preset, live in ``settings``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

_RATES = (("alpha", 0.1), ("bias", 0.1), ("frequency", 0.1), ("front_scale", 6.0), ("mixture", 0.1), ("phase", 0.1))


@dataclass(frozen=True, slots=True)
class Preset:
    """Settings by name: those of every task, and those for numbers, for classes, and for the class error."""

    shared: Mapping[str, Any] = field(default_factory=dict)
    numbers: Mapping[str, Any] = field(default_factory=dict)
    classes: Mapping[str, Any] = field(default_factory=dict)
    class_error: Mapping[str, Any] = field(default_factory=dict)

    def defaults(self, task: str | None, metric: str | None) -> dict[str, Any]:
        """What the preset says where the task is "regression" or None, or one of classes."""
        if task in (None, "regression"):
            return {**self.shared, **self.numbers}
        asked = self.class_error if metric in ("error", "accuracy") else {}
        return {**self.shared, **self.classes, **asked}


REALMLP: Mapping[str, Any] = MappingProxyType(
    {
        "hidden": (256, 256, 256),
        "text_coding": "scaled",
        "one_hot_levels": 8,
        "number_embedding": "periodic",
        "front_scale": True,
        "parametrization": "scaled",
        "learned_activation": True,
        "initialization": "data",
        "dropout": 0.15,
        "dropout_schedule": "flat_cosine",
        "optimizer": "adamw",
        "beta2": 0.95,
        "schedule": "coslog4",
        "weight_decay": 0.02,
        "weight_decay_schedule": "flat_cosine",
        "rate_factor": _RATES,
        "sampling": "whole_batches",
        "batch_size": 256,
        "epochs": 256,
        "bounds": "training",
    }
)
"""RealMLP-TD (Holzmueller et al. 2024, with the figures of pytabkit 1.7), as far as it is the same for every task."""

_TASKS: dict[str, Mapping[str, Any]] = {
    "numbers": {"activation": "mish", "learning_rate": 0.2},
    "classes": {"activation": "selu", "learning_rate": 0.04},
    "class_error": {"label_smoothing": 0.1},
}

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "plain": Preset(),
        # Batches by the number of rows: small tables get the steps that they need.
        "fast": Preset({**REALMLP, "hidden": (128, 128), "epochs": 48, "batch_size": None}, **_TASKS),
        "default": Preset(REALMLP, **_TASKS),
        "best": Preset({**REALMLP, "ensemble": 8}, **_TASKS),
    }
)
"""Every preset by name.

plain: the network of the notes, with the defaults of ``settings``
fast: the recipe with two layers of 128 and 48 epochs, a tenth of the work
default: the recipe as published
best: eight of these on eight folds of the training and validation rows
"""

"""Presets: named sets of defaults, for the settings that the user does not set.

The best values may differ between regression and classification, so the defaults of a preset depend on the task. The
settings themselves, with the defaults of the plain preset, live in ``declarations``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

_RATES = (
    ("alpha", 0.1),
    ("bias", 0.1),
    ("frequency", 0.1),
    ("learned_input_scale", 6.0),
    ("mixture", 0.1),
    ("phase", 0.1),
)


WIDE = 256
"""The minimum number of columns of a wide table."""


@dataclass(frozen=True, slots=True)
class Preset:
    """A named set of defaults.

    Attributes:
        shared: Defaults for every task.
        numbers: Defaults for regression.
        classes: Defaults for classification.
        class_error: Defaults for classification if the metric is error or accuracy.
        from_rows: Minimum number of training rows -> defaults for tables of that size.
        wide: Defaults for tables of more columns than training rows, and at least ``WIDE`` columns.
    """

    shared: Mapping[str, Any] = field(default_factory=dict)
    numbers: Mapping[str, Any] = field(default_factory=dict)
    classes: Mapping[str, Any] = field(default_factory=dict)
    class_error: Mapping[str, Any] = field(default_factory=dict)
    from_rows: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    wide: Mapping[str, Any] = field(default_factory=dict)

    def defaults(self, task: str | None, metric: str | None, rows: int = 0, columns: int = 0) -> dict[str, Any]:
        """The preset's defaults.

        Args:
            task: "regression" or None, or a classification task.
            metric: The metric that selects the best epoch, if set.
            rows: The number of training rows.
            columns: The number of columns to learn from.
        """
        found = dict(self.shared)
        for least in sorted(self.from_rows):
            found |= self.from_rows[least] if rows >= least else {}
        found |= self.wide if columns > max(rows, WIDE - 1) else {}
        if task in (None, "regression"):
            return {**found, **self.numbers}
        asked = self.class_error if metric in ("error", "accuracy") else {}
        return {**found, **self.classes, **asked}


REALMLP: Mapping[str, Any] = MappingProxyType(
    {
        "validation_fraction": 0.16,
        "hidden": (256, 256, 256),
        "categorical_encoding": "scaled",
        "max_one_hot_levels": 8,
        "numerical_scaling": "robust",
        "numerical_embedding": "periodic",
        "learned_input_scale": True,
        "parametrization": "ntk",
        "parametric_activation": True,
        "initialization": "data",
        "dropout": 0.15,
        "dropout_schedule": "flat_cosine",
        "optimizer": "adamw",
        "beta2": 0.95,
        "schedule": "coslog4",
        "weight_decay": 0.02,
        "weight_decay_schedule": "flat_cosine",
        "learning_rate_multiplier": _RATES,
        "sampling": "epoch_drop_last",
        "batch_size": 256,
        "epochs": 256,
        "clip_predictions": "training",
    }
)
"""RealMLP-TD (Holzmueller et al. 2024, with the values of pytabkit 1.7): the defaults shared by all tasks."""


def _recipe(
    shared: Mapping[str, Any],
    from_rows: Mapping[int, Mapping[str, Any]] | None = None,
    wide: Mapping[str, Any] | None = None,
) -> Preset:
    """A preset of the RealMLP family; its defaults for each task are the same throughout the family."""
    return Preset(
        shared,
        numbers={"activation": "mish", "learning_rate": 0.2},
        classes={"activation": "selu", "learning_rate": 0.04, "calibration": "temperature"},
        class_error={"label_smoothing": 0.1},
        from_rows=from_rows or {},
        wide=wide or {},
    )


NOTES: Mapping[str, Any] = MappingProxyType(
    {
        "optimizer": "sgd",
        "schedule": "constant",
        "sampling": "minibatch",
        "learning_rate": 0.01,
        "batch_size": 32,
    }
)
"""Where plain differs from the notes: they train by mini-batch SGD, CS229 Algorithm 2, whose rate suits few tables."""

# The batch size depends on the number of rows, so that small tables get enough steps.
_SMALL: Mapping[str, Any] = {
    **REALMLP,
    "quantile_features": True,
    "hidden": (128, 128),
    "epochs": 64,
    "batch_size": None,
}

# Large tables need fewer passes.
_FROM_ROWS: Mapping[int, Mapping[str, Any]] = {30_001: {"epochs": 32}, 100_001: {"epochs": 16}}

# Few rows of many columns do not determine the weights of a column: the networks read principal components.
_WIDE: Mapping[str, Any] = {"principal_components": 32, "quantile_features": False, "numerical_embedding": "none"}

_TWO: Mapping[str, Any] = {"ensemble_size": 2, "ensemble_split": "split"}

# Low frequencies suit smooth and noisy tables, high ones steps and bumps. The networks take the scales in turn.
_SCALES = (0.1, 1.0, 10.0, 30.0)
_MORE_SCALES = (*_SCALES, 0.3, 3.0, 0.1, 10.0)

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "plain": Preset(),
        "notes": Preset(NOTES),
        "fast": _recipe({**_SMALL, **_TWO, "frequency_scale": (0.1, 10.0)}, _FROM_ROWS, _WIDE),
        "default": _recipe({**_SMALL, "ensemble_size": 4, "frequency_scale": _SCALES}, _FROM_ROWS, _WIDE),
        "best": _recipe({**_SMALL, "ensemble_size": 16, "frequency_scale": _MORE_SCALES}, _FROM_ROWS, _WIDE),
        "realmlp": _recipe(REALMLP),
    }
)
"""Every preset by name.

plain: the network of the notes, with the defaults in ``declarations``: no dropout, weight decay, clipping or choice of
    the best epoch
notes: plain with the training of the notes: Algorithm 2 at a constant learning rate; every other value is that of plain
fast: RealMLP with quantile features, as two networks of two layers of 128 units, one with low and one with high
    frequencies, and at most 64 epochs: a twelfth of the multiplications
default: four such networks, each with another frequency scale, on four folds of the training and validation rows
best: sixteen such networks
realmlp: RealMLP as published: one network of three layers of 256 units, and 256 epochs
"""

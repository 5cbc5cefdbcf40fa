"""Presets: named sets of defaults, for the settings that the user does not set.

The best values may differ between regression and classification, so the defaults of a preset depend on the task. The
settings themselves, with the defaults of the plain preset, live in ``declarations``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Any

from backpass.dataclass import dataclass

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

FEW = 1_000
"""The number of training rows below which a table has few."""


@dataclass(frozen=True, slots=True)
class Preset:
    """A named set of defaults.

    Attributes:
        shared: Defaults for every task.
        numbers: Defaults for regression.
        classes: Defaults for classification.
        class_error: Defaults for classification if the metric is error or accuracy.
        from_rows: Minimum number of training rows -> defaults for tables of that size.
        few: Defaults for tables of fewer than ``FEW`` training rows.
        wide: Defaults for tables of more columns than training rows, and at least ``WIDE`` columns.
        is_patient: Whether a run ends after 5/8 of its epochs without improvement, see ``patience_for``.
    """

    shared: Mapping[str, Any] = field(default_factory=dict)
    numbers: Mapping[str, Any] = field(default_factory=dict)
    classes: Mapping[str, Any] = field(default_factory=dict)
    class_error: Mapping[str, Any] = field(default_factory=dict)
    from_rows: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    few: Mapping[str, Any] = field(default_factory=dict)
    wide: Mapping[str, Any] = field(default_factory=dict)
    is_patient: bool = False

    def defaults(self, task: str | None, metric: str | None, rows: int = 0, columns: int = 0) -> dict[str, Any]:
        """The preset's defaults.

        Args:
            task: "regression" or None, or a classification task.
            metric: The metric that selects the best epoch, if set.
            rows: The number of training rows; 0 if it is not known.
            columns: The number of columns to learn from.
        """
        found = {**self.shared, **(self.few if 0 < rows < FEW else {})}
        for least in sorted(self.from_rows):
            found |= self.from_rows[least] if rows >= least else {}
        found |= self.wide if columns > max(rows, WIDE - 1) else {}
        if task in (None, "regression"):
            return {**found, **self.numbers}
        asked = self.class_error if metric in ("error", "accuracy") else {}
        return {**found, **self.classes, **asked}


def patience_for(epochs: int) -> int:
    """The number of epochs without improvement that end a run of so many epochs: 5/8 of them, rounded up.

    On noisy tables the best epoch is among the first. Later cycles of ``coslog4`` are longer, so the best epoch of a
    smooth table may come long after an earlier minimum: half of the epochs is too little (docs/laboratory.md).

    >>> patience_for(64), patience_for(5)
    (40, 4)
    """
    return -(-5 * epochs // 8)


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
    **more: Any,
) -> Preset:
    """A preset of the RealMLP family; its defaults for each task are the same throughout the family."""
    return Preset(
        shared,
        numbers={"activation": "mish", "learning_rate": 0.2},
        classes={"activation": "selu", "learning_rate": 0.04, "calibration": "temperature"},
        class_error={"label_smoothing": 0.1},
        **more,
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

# Few rows are few steps a pass; large tables need fewer passes.
_FEW: Mapping[str, Any] = {"epochs": 128}
_FROM_ROWS: Mapping[int, Mapping[str, Any]] = {30_001: {"epochs": 32}, 100_001: {"epochs": 16}}

# Few rows of many columns do not determine the weights of a column: the networks read principal components.
_WIDE: Mapping[str, Any] = {"principal_components": 32, "quantile_features": False, "numerical_embedding": "none"}

_BY_TABLE: Mapping[str, Any] = {"few": _FEW, "from_rows": _FROM_ROWS, "wide": _WIDE, "is_patient": True}

_TWO: Mapping[str, Any] = {"ensemble_size": 2, "ensemble_split": "split"}

# Low frequencies suit smooth and noisy tables, high ones steps and bumps. The networks take the scales in turn.
_SCALES = (0.1, 1.0, 10.0, 30.0)
_MORE_SCALES = (*_SCALES, 0.3, 3.0, 0.1, 10.0)

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "plain": Preset(),
        "notes": Preset(NOTES),
        "fast": _recipe({**_SMALL, **_TWO, "frequency_scale": (0.1, 10.0)}, **_BY_TABLE),
        "default": _recipe({**_SMALL, "ensemble_size": 4, "frequency_scale": _SCALES}, **_BY_TABLE),
        "best": _recipe({**_SMALL, "ensemble_size": 16, "frequency_scale": _MORE_SCALES}, **_BY_TABLE),
        "realmlp": _recipe(REALMLP),
    }
)
"""Every preset by name.

plain: the network of the notes, with the defaults in ``declarations``: no dropout, weight decay, clipping or choice of
    the best epoch
notes: plain with the training of the notes: Algorithm 2 at a constant learning rate; every other value is that of plain
fast: RealMLP with quantile features, as two networks of two layers of 128 units, one with low and one with high
    frequencies, and at most 64 epochs (128 for few rows): a twelfth of the multiplications. A run ends after 5/8 of
    its epochs without a better score
default: four such networks, each with another frequency scale, on four folds of the training and validation rows
best: sixteen such networks
realmlp: RealMLP as published: one network of three layers of 256 units, and 256 epochs
"""

"""Defaults: the values of the settings that the user does not set.

A preset is a set of defaults (see ``presets``); which one applies depends on the settings that the user does set.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backpass.model.settings.declarations import BY_NAME, SETTINGS
from backpass.model.settings.presets import PRESETS, Preset, patience_for
from backpass.model.settings.setting import frozen, listed


def default_settings(settings: Mapping[str, Any], task: str | None, rows: int = 0, columns: int = 0) -> dict[str, Any]:
    """The defaults of the preset of a model, as its file holds them; "preset" itself has none.

    Args:
        settings: The settings of the model. Defaults depend on the preset, the metric, the epochs and
            the maximum of steps.
        task: The task, if known.
        rows: The number of training rows, if known.
        columns: The number of columns to learn from, if known.
    """
    found = defaults_of(settings.get("preset", "plain"), settings, task, rows, columns)
    found["validation_fraction"] = found["validation_fraction"] or 0.0
    return {name: listed(value) for name, value in found.items()}


def preset_for(given: Mapping[str, Any]) -> str:
    """The preset if none is named: ``default``, or ``plain`` if the user describes a network or its training."""
    is_described = any(given.get(setting.name) is not None for setting in SETTINGS if setting.describes_network)
    return "plain" if is_described else "default"


def not_in_notes(values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings whose values the notes (CS229) do not have: what a run adds to their network and algorithms.

    >>> not_in_notes({"optimizer": "adamw", "dropout": 0.0, "seed": 7})
    {'optimizer': 'adamw'}
    """
    declared = (setting for setting in SETTINGS if setting.notes is not None and setting.name in values)
    return {s.name: values[s.name] for s in declared if s.notes and frozen(values[s.name]) not in s.notes}


def needs_validation(values: Mapping[str, Any]) -> bool:
    """Whether a setting has no meaning without validation rows."""
    selects = (
        values["candidates"] > 1
        or values["patience"] is not None
        or values["metric"] is not None
        or values["calibration"] != "none"
    )
    return selects or (_chooses_threshold(values) and not _has_folds(values))


def _chooses_threshold(values: Mapping[str, Any]) -> bool:
    """Whether the threshold is chosen on held-out rows, see ``head.threshold.chosen_rule``."""
    threshold = values["threshold"]
    return isinstance(threshold, str) or (threshold is None and values["cost"] is not None)


def _has_folds(values: Mapping[str, Any]) -> bool:
    """Whether each network of an ensemble leaves out a fold of its own, which serves as held-out rows."""
    return bool(values["ensemble_size"] > 1 and values["ensemble_split"] == "folds")


def defaults_of(preset: Any, given: Mapping[str, Any], task: str | None, rows: int, columns: int = 0) -> dict[str, Any]:
    """The default of every setting in a preset; those of plain if the preset does not exist."""
    defaults = {setting.name: setting.default for setting in SETTINGS}
    if isinstance(preset, str) and preset in PRESETS:
        defaults.update(PRESETS[preset].defaults(task, given.get("metric"), rows, columns))
        defaults["patience"] = _patience(PRESETS[preset], {**defaults, **given})
    return defaults


def _patience(preset: Preset, values: Mapping[str, Any]) -> int | None:
    """The epochs without improvement that end a run; None if the preset has no patience, or steps end the run."""
    epochs = values["epochs"]
    if not preset.is_patient or values["max_steps"] is not None or BY_NAME["epochs"].problem(epochs):
        return None
    return patience_for(epochs)

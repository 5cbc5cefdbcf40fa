"""The settings of a fit: validated values, from what the user sets and the defaults of a preset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any

from backpass.dataclass import dataclass
from backpass.errors import UsageError, did_you_mean
from backpass.model.file.older_facts import SETTING_NAMES
from backpass.model.settings.conflicts import conflicts
from backpass.model.settings.constraint import Function
from backpass.model.settings.declarations import BY_NAME, SETTINGS, SettingValues
from backpass.model.settings.defaults import defaults_of, needs_validation, preset_for
from backpass.model.settings.setting import frozen, listed

_ACTIVATIONS = {setting.name for setting in SETTINGS if isinstance(setting.constraint, Function)}
_LEARNING_RATES = {"sgd": 0.1, "momentum": 0.02, "nesterov": 0.02}


@dataclass(frozen=True, slots=True)
class Settings(SettingValues):
    """Validated settings.

    Attributes:
        given: The settings that the user set, without any defaults.
    """

    given: tuple[tuple[str, Any], ...] = field(default=(), compare=False, repr=False)

    @staticmethod
    def of(
        values: Mapping[str, Any], task: str | None = None, rows: int = 0, columns: int = 0, *, trains: bool = True
    ) -> Settings:
        """The preset's defaults, overridden by ``values``; ``preset_for`` selects the preset if none is named.

        Args:
            values: Settings by name, as the user set them.
            task: The task that the target implies, if known.
            rows: The number of training rows, if known.
            columns: The number of columns to learn from, if known.
            trains: Whether these settings are used to train on this machine, rather than only to describe a model.

        Raises:
            UsageError: Lists every unknown name and every value that is not accepted.
        """
        problems = [_unknown(name) for name in values if name not in BY_NAME]
        given = {name: BY_NAME[name].normal(value) for name, value in values.items() if name in BY_NAME}
        if functions := sorted(name for name in _ACTIVATIONS & given.keys() if callable(given[name])):
            problems += _made_activations(given, functions)
        preset = given.get("preset") or preset_for(given)
        defaults = defaults_of(preset, given, task or given.get("task"), rows, columns)
        chosen = {setting.name: given.get(setting.name, defaults[setting.name]) for setting in SETTINGS}
        # The defaults are accepted (a test checks those of every preset).
        problems += [p for each in SETTINGS if each.name in given and (p := each.problem(given[each.name]))]
        problems += conflicts(chosen) if not problems else []
        problems += _unavailable(chosen) if trains and not problems else []
        if problems:
            count = f"{len(problems)} invalid settings" if len(problems) > 1 else "invalid setting"
            raise UsageError(count, details=problems)
        chosen["preset"] = preset
        if chosen["hidden"] is None:
            chosen["hidden"] = () if chosen["wire"] else (256, 256)
        if chosen["learning_rate"] is None:
            chosen["learning_rate"] = _LEARNING_RATES.get(chosen["optimizer"], 0.01)
        if chosen["validation_fraction"] is None:
            chosen["validation_fraction"] = 0.16 if needs_validation(chosen) else 0.0
        return Settings(**chosen, given=tuple(given.items()))

    @property
    def embeds(self) -> bool:
        """Whether columns of many categories get an embedding."""
        return self.max_one_hot_levels is not None

    def suited(self, task: str, rows: int = 0, columns: int = 0) -> Settings:
        """The same user settings, with the preset's defaults for this task and numbers of training rows and columns.

        Args:
            task: ``regression``, ``binary`` or ``multiclass``.
            rows: The number of training rows. Default 0: not known.
            columns: The number of columns. Default 0: not known.
        """
        return Settings.of(dict(self.given), task, rows, columns)

    def to_json(self) -> dict[str, Any]:
        """Plain data for the model file."""
        kept = [each.name for each in SETTINGS if each.is_stored]
        data = {name: getattr(self, name) for name in kept}
        data = {
            name: value
            for name, value in data.items()
            if value != BY_NAME[name].default or not BY_NAME[name].is_optional
        }
        from backpass.network import CUSTOM, CustomActivation  # here: inspect needs the defaults only

        return {name: CUSTOM if isinstance(value, CustomActivation) else listed(value) for name, value in data.items()}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Settings:
        """The settings that ``to_json`` wrote; where an activation was a function, the preset's.

        Args:
            data: What ``to_json`` returns.

        Raises:
            UsageError: A setting is missing, unknown or not accepted.
        """
        from backpass.network import CUSTOM  # here, as above

        stored = [setting for setting in SETTINGS if setting.is_stored]
        absent = [setting.name for setting in stored if setting.since == 1 and setting.name not in data]
        if absent:
            raise UsageError(f"settings are missing: {', '.join(absent)}")
        # A lone number for a tuple is how people write it, not files.
        loose = [
            name for name, value in data.items() if name in BY_NAME and BY_NAME[name].normal(value) != frozen(value)
        ]
        if loose:
            raise UsageError(f"settings must be lists: {', '.join(loose)}")
        before = {s.name: s.default if s.older is None else s.older for s in stored if s.since > 1}
        # A function is in the network of the file, not in its settings.
        known = {name: value for name, value in data.items() if not (name in _ACTIVATIONS and value == CUSTOM)}
        return Settings.of({**before, "preset": "plain", **known}, trains=False)


def _made_activations(given: dict[str, Any], names: Iterable[str]) -> list[str]:
    """Replace functions by activations made from them; what is wrong with those that cannot be."""
    from backpass.network import activation_of  # here, as above

    problems = []
    for name in names:
        try:
            given[name] = activation_of(given[name])
        except UsageError as error:
            problems.append(f"{name}: {error.message}; {error.hint}")
            del given[name]
    return problems


def _unavailable(chosen: Mapping[str, Any]) -> list[str]:
    """What training on this machine lacks, with a remedy."""
    if chosen["precision"] == "bf16":
        from backpass.engine import why_no_bf16  # here, as above

        if why := why_no_bf16(chosen["engine"]):
            return [why]
    if chosen["engine"] == "jax":
        from backpass.engine.jax.device import why_no_device  # here, as above

        if why := why_no_device(chosen["device"]):
            return [why]
    return []


_ELSEWHERE = {
    "features_of": "an argument of fit and cross_validate",
    "by": "an argument of fit_groups, which trains a network for each group of rows",
    "folds": "an argument of cross_validate",
    "repeats": "an argument of cross_validate",
    "out_of_fold": "in Python the out-of-fold predictions of cross_validate",
}
"""What people take for settings, and where it is."""


def _unknown(name: str) -> str:
    if name in _ELSEWHERE:
        return f"{name} is {_ELSEWHERE[name]}, not a setting"
    if name in SETTING_NAMES:
        return f"setting {name!r} was renamed to {SETTING_NAMES[name]!r}"
    return f"unknown setting {name!r} ({did_you_mean(name, list(BY_NAME))})"

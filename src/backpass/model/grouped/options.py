"""Options of grouped models: the settings that apply to many small networks, and their defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backpass.errors import UsageError, did_you_mean
from backpass.model.settings.declarations import BY_NAME, SETTINGS
from backpass.model.settings.settings import Settings
from backpass.table.messages import counted

DEFAULTS: Mapping[str, Any] = {"preset": "plain", "hidden": (64,), "clip_predictions": "training"}
"""The defaults that differ from those of the preset plain."""

WEIGHT_DECAY = 1.0
"""The default weight decay of the networks of groups: few rows need more of it than a whole table."""

_NAMES = frozenset(setting.name for setting in SETTINGS if setting.of_groups)
_ACCEPTED: Mapping[str, tuple[Any, ...]] = {
    "preset": (None, "plain"),
    **{setting.name: setting.of_groups for setting in SETTINGS if isinstance(setting.of_groups, tuple)},
}
_HINT = (
    "a grouped model has one dense network per group and no validation rows; for anything else, fit one model per group"
)


def unsupported(given: Mapping[str, Any]) -> list[str]:
    """The settings that a grouped model does not have, one line each.

    >>> unsupported({"hidden": (8,), "dropout": 0.1, "engine": "jax"})
    ['--dropout', '--engine jax (only auto, native, numpy)']
    """
    found = []
    for name, value in given.items():
        accepted = _ACCEPTED.get(name)
        if accepted is not None and value not in accepted:
            known = ", ".join(str(each) for each in accepted if each is not None)
            found.append(f"{_flag(name)} {value} (only {known})")
        elif name in BY_NAME and name not in _NAMES and name != "preset":
            found.append(_flag(name))
    if given.get("initialization") == "data":
        found.append("--initialization data (only a random one, such as he)")
    return found


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def require_supported(given: Mapping[str, Any], others: tuple[str, ...] = ()) -> None:
    """Check that a grouped model has all of these settings.

    Args:
        given: The settings that the user set.
        others: Further options that were given and are not supported.

    Raises:
        UsageError: Lists all that it does not have.
    """
    if unknown := [name for name in given if name not in BY_NAME]:
        raise UsageError(f"unknown setting {unknown[0]!r} ({did_you_mean(unknown[0], sorted(_NAMES))})")
    if errors := [*others, *unsupported(given)]:
        count = counted(len(errors), "option")
        raise UsageError(f"{count} not supported with a network per group (--by)", details=errors, hint=_HINT)


def settings_of_all(given: Mapping[str, Any]) -> Settings:
    """The settings of the network of all rows.

    Raises:
        UsageError: Lists every value that is not accepted.
    """
    chosen = {name: value for name, value in given.items() if value is not None}
    return Settings.of({**DEFAULTS, **chosen, "preset": "plain"})


def settings_of_groups(given: Mapping[str, Any]) -> Settings:
    """The settings of the network of each group.

    Raises:
        UsageError: Lists every value that is not accepted.
    """
    return settings_of_all({"weight_decay": WEIGHT_DECAY, **given})

"""The portfolio: the configurations that a search tries, in a fixed order.

It takes the settings that the user set and yields changes to the others: first the presets, then random variants of the
default one, each with a few settings that matter for tables. The draws depend on the seed only, so the n-th
configuration of a search is always the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from backpass.errors import UsageError
from backpass.model.settings.presets import PRESETS
from backpass.model.settings.settings import Settings
from backpass.numerics.philox import integers

_PURPOSE = 0x7D4E_0000
_DRAWS = 100
"""The number of places. A configuration that equals an earlier one is left out."""
_CHANGED = 3
"""Each setting of a draw is changed with probability 1 / _CHANGED."""

_FIRST = ("default", "fast", "plain", "realmlp")
"""The presets that are tried first, in this order."""
_COSTLY, _COSTLY_AFTER = "best", 12
"""The preset with four times the networks of the default one, and the number of places before it."""

_LEARNING_RATES = ("learning_rate", (0.5, 2.0, 0.25))
_EPOCHS = ("epochs", (0.5, 2.0))
_FACTORS = (_LEARNING_RATES[0], _EPOCHS[0])
"""Settings whose alternatives are factors of the preset's value."""

_RECIPE: Mapping[str, tuple[Any, ...]] = MappingProxyType(
    {
        **dict([_LEARNING_RATES, _EPOCHS]),
        "dropout": (0.0, 0.3),
        "weight_decay": (0.0, 0.1),
        "activation": ("mish", "selu", "relu"),
        "hidden": ((256, 256, 256), (512,), (64, 64, 64, 64, 64)),
        "numerical_embedding": ("none",),
        "frequency_scale": ((0.1,), (0.1, 0.3, 1.0, 3.0)),
        "quantile_features": (False,),
        "label_smoothing": (0.1,),
    }
)
"""Alternatives for the presets of the RealMLP family, after its search space (Holzmueller et al. 2024, appendix)."""

_PLAIN: Mapping[str, tuple[Any, ...]] = MappingProxyType(
    {
        **dict([_LEARNING_RATES, _EPOCHS]),
        "hidden": ((64, 64), (128, 128, 128), (512,)),
        "dropout": (0.1, 0.3),
        "weight_decay": (0.01, 0.1),
        "activation": ("tanh", "gelu"),
        "ensemble_size": (4,),
    }
)
"""Alternatives for the preset plain."""


def configurations(given: Mapping[str, Any], task: str, rows: int) -> Iterator[dict[str, Any]]:
    """Yield the changes of each configuration to the settings that the user set, without repetitions.

    Settings that the user set are never changed, and configurations that contradict them are left out.

    Args:
        given: The settings that the user set.
        task: The task of the target.
        rows: The number of rows to learn from.

    Raises:
        UsageError: The settings of the user cannot be used with any configuration.

    >>> from itertools import islice
    >>> [each["preset"] for each in islice(configurations({}, "regression", 1000), 4)]
    ['default', 'fast', 'plain', 'realmlp']
    >>> list(configurations({"preset": "fast"}, "regression", 1000))[0]
    {}
    """
    seen, first = set[str](), ""
    refused: UsageError | None = None
    for number in range(_DRAWS):
        proposed = _named(number, given) or (_drawn(first, given, task, rows, number) if first else {})
        changes = {name: value for name, value in proposed.items() if name not in given}
        try:
            settings = Settings.of({**given, **changes}, task, rows)
        except UsageError as error:
            refused = refused or error
            continue
        first = first or settings.preset
        key = repr({**settings.to_json(), "preset": ""})
        if key not in seen:
            seen.add(key)
            yield changes
    if not seen and refused is not None:
        raise refused


def _named(number: int, given: Mapping[str, Any]) -> dict[str, Any]:
    """The preset at place ``number`` of the portfolio; empty where there is none."""
    if "preset" in given:
        return _of_preset(given["preset"]) if number == 0 else {}
    if number == _COSTLY_AFTER:
        return _of_preset(_COSTLY)
    return _of_preset(_FIRST[number]) if number < len(_FIRST) else {}


def _of_preset(preset: str) -> dict[str, Any]:
    """A preset, which has validation rows in a search: every configuration is trained on the same rows."""
    validated = "validation_fraction" in PRESETS[preset].shared
    return {"preset": preset} if validated else {"preset": preset, "validation_fraction": 0.16}


def _drawn(preset: str, given: Mapping[str, Any], task: str, rows: int, number: int) -> dict[str, Any]:
    """A random variant of a preset: some of its settings changed."""
    space = _PLAIN if preset in ("plain", "notes") else _RECIPE
    found = _of_preset(preset)
    usual = Settings.of({**given, **found}, task, rows)
    dice = integers(usual.seed, number, _PURPOSE, 2 * len(space), 2**31 - 1)
    for j, (name, alternatives) in enumerate(space.items()):
        if dice[2 * j] % _CHANGED or (name == "label_smoothing" and task == "regression"):
            continue
        value = alternatives[int(dice[2 * j + 1]) % len(alternatives)]
        if name in _FACTORS:
            usual_value = getattr(usual, name)
            value = type(usual_value)(float(f"{value * usual_value:.3g}"))
        found[name] = value
    return found

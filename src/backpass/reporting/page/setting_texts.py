"""Setting texts: the settings of a model as rows of a table, and as the command that trains such a model again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from backpass.errors import visible
from backpass.model.model import Model
from backpass.model.settings.declarations import BY_NAME
from backpass.model.settings.defaults import default_settings
from backpass.model.settings.setting import Setting
from backpass.model.settings.tuple_constraints import amount_texts
from backpass.reporting.numbers.columns import ModelColumn
from backpass.reporting.numbers.names import label


def command(model: Model, columns: Sequence[ModelColumn]) -> str:
    """Return the command line that trains such a model again on a table with the same columns."""
    settings = model.record.settings
    size = (model.record.rows["train"], len(model.schema.features))
    usual = default_settings(settings, model.head.target.task, *size)
    given = ["backpass fit TABLE --target", shlex.quote(_targets(model.targets))]
    if model.schema.left_out:
        given.append(f"--columns {shlex.quote(','.join(map(_field, (column.name for column in columns))))}")
    for name in BY_NAME:
        value: Any = settings.get(name)
        if name in settings and value != usual[name]:
            if name == "patience" and value is None:
                value = settings["epochs"]  # as many as there are: never
            texts = map(_pair, value) if BY_NAME[name].repeated else [_written(value)]
            given += [f"--{name.replace('_', '-')} {shlex.quote(text)}" for text in texts]
    return " ".join(given)


def _targets(names: Sequence[str]) -> str:
    """Format the names of the targets for --target: a single one as it is, several as a list."""
    return visible(names[0]) if len(names) == 1 else ",".join(map(_field, names))


def _field(name: str) -> str:
    """Format a name for a comma-separated list; a name that contains a comma is put in double quotes."""
    text = visible(name)
    return f'"{text}"' if "," in text else text


def _pair(item: Sequence[Any]) -> str:
    """Format an entry of a repeatable setting: ``family_size=average_rooms,average_bedrooms``"""
    name, value = item
    text = ",".join(map(_field, value)) if isinstance(value, list | tuple) else f"{value:g}"
    return f"{visible(name)}={text}"


def _written(value: Any) -> str:
    """Format the value of a setting as the command line takes it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple) and value and isinstance(value[0], list | tuple):
        return ",".join(amount_texts(value))
    if isinstance(value, list | tuple):
        return ",".join(f"{each:g}" if isinstance(each, float) else str(each) for each in value) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def setting_rows(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return every setting with its value as the command line takes it; of one that is not set, what happens then."""
    return [(name, _shown(setting, settings[name])) for name, setting in BY_NAME.items() if name in settings]


def _shown(setting: Setting, value: Any) -> str:
    if value is None:
        # Square brackets at the end of a help text say what happens by default.
        return setting.help.partition(" [")[2].rstrip("]") or "not set"
    if setting.repeated:
        return "; ".join(label(_pair(each)) for each in value) or "none"
    return label(_written(value))

"""Setting texts: the settings of a model as rows of a table, and as the command that trains such a model again."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from backpass.errors import visible
from backpass.model.model import Model
from backpass.model.settings.declarations import BY_NAME
from backpass.model.settings.defaults import default_settings
from backpass.model.settings.tuple_constraints import amount_texts
from backpass.reporting.columns import ModelColumn
from backpass.reporting.style import label


def command(model: Model, columns: Sequence[ModelColumn]) -> str:
    """Return the command line that trains such a model again on a table with the same columns."""
    settings = model.record.settings
    usual = default_settings(str(settings.get("preset", "plain")), model.head.target.task, settings.get("metric"))
    given = ["backpass fit TABLE --target", shlex.quote(visible(model.target))]
    if model.schema.left_out:
        given.append(f"--columns {shlex.quote(','.join(map(_field, (column.name for column in columns))))}")
    for name in BY_NAME:
        value: Any = settings.get(name)
        if name in settings and value != usual[name]:
            texts = map(_pair, value) if BY_NAME[name].repeated else [_written(value)]
            given += [f"--{name.replace('_', '-')} {text}" for text in texts]
    return " ".join(given)


def _field(name: str) -> str:
    """Format a name for a comma-separated list; a name that contains a comma is put in double quotes."""
    text = visible(name)
    return f'"{text}"' if "," in text else text


def _pair(item: Sequence[Any]) -> str:
    """Format an entry of a repeatable setting: ``family_size=average_rooms,average_bedrooms``"""
    name, value = item
    text = ",".join(map(_field, value)) if isinstance(value, list | tuple) else f"{value:g}"
    return shlex.quote(f"{visible(name)}={text}")


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple) and value and isinstance(value[0], list | tuple):
        return shlex.quote(",".join(amount_texts(value)))
    if isinstance(value, list | tuple):
        return ",".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else shlex.quote(str(value))


def setting_rows(model: Model) -> list[tuple[str, str]]:
    """Return every setting with its formatted value."""
    return [(name, _shown(model.record.settings[name])) for name in BY_NAME if name in model.record.settings]


def _shown(value: Any) -> str:
    if value is None:
        return "automatic"
    if isinstance(value, list | tuple) and value and isinstance(value[0], list | tuple):
        return "; ".join(label(each) for each in value)
    return label(_written(value)) if value not in ((), []) else "none"

"""Settings table: writes the reference of all settings, and of what the presets change, from their declarations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from generated import Generated, list_table, plain
from sphinx.application import Sphinx

from backpass.model.settings.declarations import SETTINGS
from backpass.model.settings.presets import PRESETS, Preset
from backpass.model.settings.setting import Setting


class SettingsTable(Generated):
    """``.. settings-table::`` has one table for each group of settings."""

    def lines(self) -> Iterator[str]:
        for group in dict.fromkeys(setting.group for setting in SETTINGS):
            chosen = [setting for setting in SETTINGS if setting.group == group]
            yield from [group.capitalize(), "-" * len(group), ""]
            yield from list_table(("Setting", "Meaning", "Values", "Default"), map(row, chosen), "settings")


class PresetTable(Generated):
    """``.. preset-table::`` has one column for each preset that changes a default."""

    def lines(self) -> Iterator[str]:
        presets = {name: defaults_of(preset) for name, preset in PRESETS.items() if preset.shared}
        names = [s.name for s in SETTINGS if any(s.name in defaults for defaults in presets.values())]
        by_name = {setting.name: setting for setting in SETTINGS}
        rows = [
            (f"``{name}``", default_of(by_name[name]), *(changed.get(name, "") for changed in presets.values()))
            for name in names
        ]
        heads = ("Setting", "``plain``", *(f"``{name}``" for name in presets))
        yield from list_table(heads, rows, "settings presets")


def row(setting: Setting) -> tuple[str, str, str, str]:
    """Name, meaning, accepted values and default in the plain preset."""
    meaning = setting.help.partition(" [")[0]
    values = setting.constraint.describe().removeprefix("one of ")
    return f":index:`{setting.name} <! {setting.name}>`", _sentence(meaning), plain(values), default_of(setting)


def default_of(setting: Setting) -> str:
    """The default in the plain preset; where it depends, the words that the help has for it."""
    _, bracket, words = setting.help.partition(" [")
    return plain(words.rstrip("]")) if bracket else value_text(setting.default)


def defaults_of(preset: Preset) -> dict[str, str]:
    """Setting -> the default of a preset, with what depends on the task and on the number of rows."""
    found = {name: value_text(value) for name, value in preset.shared.items()}
    for task, changes in (("regression", preset.numbers), ("classification", preset.classes)):
        for name, value in changes.items():
            found[name] = "; ".join(filter(None, (found.get(name), f"{task}: {value_text(value)}")))
    for name, value in preset.class_error.items():
        found[name] = f"{value_text(value)} with ``metric`` error"
    for rows, changes in preset.from_rows.items():
        for name, value in changes.items():
            found[name] += f"; from {rows:,} rows: {value_text(value)}"
    return found


def value_text(value: Any) -> str:
    """A value as it is written on the command line."""
    if value is None:
        return "automatic"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return plain(", ".join("=".join(map(str, v)) if isinstance(v, tuple) else str(v) for v in value)) or "none"
    return plain(str(value))


def _sentence(text: str) -> str:
    return plain(f"{text[:1].upper()}{text[1:]}")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("settings-table", SettingsTable)
    app.add_directive("preset-table", PresetTable)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

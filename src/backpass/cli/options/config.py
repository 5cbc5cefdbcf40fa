"""The configuration file of ``fit``: its options in TOML, under their command-line names.

    table = "housing.csv"
    target = "median_house_value"
    hidden = [64, 64]
    epochs = 30

``from_file`` makes the values of a file the defaults of a command's options, so that the command line overrides them;
``as_toml`` writes the options of a run as such a file. The values themselves are validated in ``options``.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from backpass._version import __version__
from backpass.cli.failure import new_name
from backpass.errors import ResourceError, UsageError, did_you_mean, missing_file
from backpass.model.file.strict_json import is_encodable
from backpass.model.settings.tuple_constraints import Amounts, amount_texts
from backpass.table.messages import counted, plain, shown

NOT_KEPT = ("config", "print_config", "resume", "as_json", "verbose", "quiet", "debug")
"""Options that a file does not hold: those for output and for the file itself."""


def names_of(command: click.Command) -> list[str]:
    """Return the keys that a file may have, in the order of the help."""
    return [str(each.name) for each in command.params if each.name not in NOT_KEPT]


def from_file(ctx: click.Context, _: click.Parameter, path: str | None) -> None:
    """Set the values of a file as defaults; an eager click callback, which runs before other options are parsed."""
    if path is not None:
        ctx.default_map = read_config(path, ctx.command)


def read_config(path: str, command: click.Command) -> dict[str, Any]:
    """Return the values of a file as command-line text.

    Args:
        path: The TOML file.
        command: The command whose options the file sets.

    Raises:
        UsageError: Lists every unknown key and every value of an unsupported type, or says why the file is not TOML.
        ResourceError: The file cannot be read.
    """
    many = {str(each.name): each.multiple for each in command.params if isinstance(each, click.Option)}
    errors, found = [], {}
    for key, value in _parsed(path).items():
        if key not in names_of(command):
            new = new_name(key)
            near = did_you_mean(key, names_of(command)) if new is None else f"it was renamed to {new!r}"
            errors.append(f"unknown key {shown(key)} ({near})")
            continue
        try:
            found[key] = _as_given(value, many=many.get(key, False))
        except TypeError as error:
            errors.append(f"{key} is {error}")
    if errors:
        raise UsageError(f"{plain(path)}: {counted(len(errors), 'invalid key')}", details=errors)
    return found


def _parsed(path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        hint = 'a line is KEY = VALUE, and text stands in quotes: target = "price"'
        raise UsageError(f"{plain(path)} is not a TOML file: {error}", hint=hint) from None
    except FileNotFoundError:
        raise UsageError(missing_file(path), hint="backpass fit --print-config writes such a file") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise ResourceError(f"{plain(path)}: cannot be read ({getattr(error, 'strerror', error)})") from error


def _as_given(value: Any, *, many: bool) -> Any:
    """Convert a TOML value to command-line text: a list for a repeatable option, otherwise a string.

    >>> _as_given([64, 64], many=False), _as_given([], many=False), _as_given(["a", "b,c"], many=True)
    ('64,64', 'none', ['a', 'b,c'])
    """
    if many:
        return [_text(each) for each in (value if isinstance(value, list) else [value])]
    if isinstance(value, list):
        return ",".join(map(_text, value)) or "none"
    return _text(value)


def _text(value: Any) -> str:
    match value:
        case bool():
            return ("no", "yes")[value]
        case str() | int() | float():
            return str(value)
    raise TypeError(f"of type {type(value).__name__}; use strings, numbers, true, false or lists of these")


def as_toml(command: click.Command, values: Mapping[str, Any], why: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of a file with every option, by section.

    Args:
        command: The command whose options are written.
        values: The value of each option.
        why: The comment for each option without a value, which says what happens then.

    Raises:
        UsageError: TOML cannot represent a string.
    """
    yield f"# backpass {__version__}: run it with  backpass fit --config FILE"
    sections: dict[str, list[str]] = {}
    for each in command.params:
        if each.name in names_of(command):
            sections.setdefault(str(getattr(each, "section", "Data")), []).append(str(each.name))
    for section, names in sections.items():
        yield from ("", f"# {section.lower()}")
        for name in names:
            value = values.get(name)
            empty = value is None or (value == () and name != "hidden")
            yield f"# {name}: {why.get(name) or 'not set'}" if empty else f"{name} = {_toml(value)}"


def _toml(value: Any) -> str:
    """Format a value as TOML.

    >>> _toml(True), _toml(("a", 1e-5)), _toml('say "x"')
    ('true', '["a", 1e-05]', '"say \\\\"x\\\\""')
    """
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return _toml_text(value)
    return f"[{', '.join(map(_toml, value))}]"


def _toml_text(text: str) -> str:
    if not is_encodable(text):
        raise UsageError(f"{shown(text)} cannot be written as a TOML string")
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def written(setting: Any, value: Any) -> Any:
    """Return the value of a setting for a file: pairs in command-line syntax, everything else unchanged."""
    if isinstance(setting.constraint, Amounts) and isinstance(value, tuple):
        return tuple(amount_texts(value))
    if not setting.repeated:
        return value
    return tuple(f"{name}={each if isinstance(each, float | int) else ','.join(each)}" for name, each in value)


def given_why(settings: Sequence[Any]) -> dict[str, str]:
    """Return for each setting what happens if it has no value: the square brackets at the end of its help text."""
    return {each.name: each.help.partition(" [")[2].rstrip("]") for each in settings}

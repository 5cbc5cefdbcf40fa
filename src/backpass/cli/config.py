"""A configuration: the options of ``fit`` in a TOML file, under the names they have on the command line.

    table = "housing.csv"
    target = "median_house_value"
    hidden = [64, 64]
    epochs = 30

A file comes in and becomes the defaults of a command's options, so that what stands on the command line overrides it;
or the options of a run go out as such a file. What values mean is judged where options are.
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
from backpass.errors import ResourceError, UsageError, did_you_mean
from backpass.table.messages import plain, shown

NOT_KEPT = ("config", "print_config", "resume", "as_json", "quiet", "debug")
"""Options that say how a command talks, and where this very file is."""


def names_of(command: click.Command) -> list[str]:
    """The keys that a file may have, in the order of the help."""
    return [str(each.name) for each in command.params if each.name not in NOT_KEPT]


def from_file(ctx: click.Context, _: click.Parameter, path: str | None) -> None:
    """Take the values of a file for defaults, before any other option is looked at."""
    if path is not None:
        ctx.default_map = read_config(path, ctx.command)


def read_config(path: str, command: click.Command) -> dict[str, Any]:
    """The values of a file as they would be written on a command line.

    Errors: UsageError that lists every key which is no option and every value of a strange type; ResourceError.
    """
    many = {str(each.name): each.multiple for each in command.params if isinstance(each, click.Option)}
    faults, found = [], {}
    for key, value in _parsed(path).items():
        if key not in names_of(command):
            new = new_name(key)
            near = did_you_mean(key, names_of(command)) if new is None else f"it is now called {new!r}"
            faults.append(f"unknown key {shown(key)} ({near})")
            continue
        try:
            found[key] = _as_given(value, many=many.get(key, False))
        except TypeError as error:
            faults.append(f"{key} is {error}")
    if faults:
        raise UsageError(f"{plain(path)}: {len(faults)} of its keys cannot be used", faults=faults)
    return found


def _parsed(path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{plain(path)} is not a TOML file: {error}") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise ResourceError(f"{plain(path)}: cannot be read ({getattr(error, 'strerror', error)})") from error


def _as_given(value: Any, *, many: bool) -> Any:
    """A value in the words of the command line: a list for an option that is repeated, else a text.

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
    raise TypeError(f"of type {type(value).__name__}; texts, numbers, true, false and lists of them can be given")


def as_toml(command: click.Command, values: Mapping[str, Any], why: Mapping[str, str]) -> Iterator[str]:
    """The lines of a file: every option by section, those without a value as a comment that says ``why``.

    Errors: UsageError for a text that TOML cannot hold.
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
            yield f"# {name}: {why.get(name) or 'not given'}" if empty else f"{name} = {_toml(value)}"


def _toml(value: Any) -> str:
    """A value in TOML.

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
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError(f"{shown(text)} is no text that TOML can hold") from None
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def written(setting: Any, value: Any) -> Any:
    """A setting's value as it stands in a file: pairs in the words of the command line, all else as it is."""
    if not setting.repeated:
        return value
    return tuple(f"{name}={each if isinstance(each, float | int) else ','.join(each)}" for name, each in value)


def given_why(settings: Sequence[Any]) -> dict[str, str]:
    """What happens where a setting has no value: the bracket of its help."""
    return {each.name: each.help.partition(" [")[2].rstrip("]") for each in settings}

"""Empty values: an option that is given an empty text, as from a shell variable that is not set, is wrong usage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from backpass.cli.root import COMMANDS, backpass

Run = Callable[..., Any]


def option_names(command: str) -> Iterator[tuple[str, str]]:
    """Every option of a command that takes a value, and every argument."""
    found = backpass.get_command(click.Context(backpass), command)
    assert found is not None
    for each in found.params:
        if isinstance(each, click.Argument) or not each.is_flag:
            yield command, each.opts[-1]


TAKING_VALUES = [pair for command in COMMANDS for pair in option_names(command)]


@pytest.mark.parametrize(("command", "name"), TAKING_VALUES, ids=[" ".join(pair) for pair in TAKING_VALUES])
def test_an_empty_value_is_not_taken_for_none(call: Run, tmp_path: Path, command: str, name: str) -> None:
    """As from a shell variable that is not set. Only an empty --missing means something: the empty field."""
    arguments = {
        "inspect": ["t"],
        "fit": ["t", "-t", "y"],
        "tune": ["t", "-t", "y"],
        "distill": ["m", "t", "-o", "s"],
        "predict": ["m", "t"],
        "features": ["m", "t"],
        "evaluate": ["m", "t"],
        "importance": ["m", "t"],
        "show": ["m"],
        "compare": ["m", "n", "t"],
        "play": ["t"],
        "serve": ["m"],
    }
    arguments |= {"explain": ["m", "t"], "report": ["m"], "draw": ["2-1"], "export": ["m", "o"], "notes": ["3.12"]}
    given = arguments.get(command, [])
    if name.startswith("-"):
        given = [*given, name, ""]
    else:
        places = {"table": given.index("t") if "t" in given else len(given), "output": 1, "second": 1}
        at = places.get(name, 0)
        given = [*given[:at], "", *given[at + 1 :]]
    done = call(command, *given)
    if name == "--missing":
        assert done.code != 2
        return
    shown = name if name.startswith("-") else name.upper()
    assert done.code == 2
    assert done.err.startswith(f"error: {shown} is empty (an unset shell variable?)\nhint: ")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("fit", "t", "-t", "y", "--drop", " , "), "--drop names no column"),
        (("fit", "t", "-t", "y", "--columns", '""'), "--columns names no column"),
        (("fit", "t", "-t", "y", "--drop", "a", "--drop", ""), "--drop is empty"),
        (("predict", "m", "t", "--keep", ","), "--keep names no column"),
    ],
)
def test_names_of_which_none_is_there(call: Run, arguments: tuple[str, ...], words: str) -> None:
    assert call(*arguments).err.startswith(f"error: {words} (an unset shell variable?)\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("fit", "t", "-t", "y", "--resume", "--epochs", "3"), "--resume has no value: --epochs is an option"),
        (("fit", "t", "-t", "y", "--missing", "--json"), "--missing has no value: --json is an option"),
        (("fit", "t", "-t", "--json"), "--target has no value: --json is an option"),
        (("predict", "m", "t", "--keep", "--proba"), "--keep has no value: --proba is an option"),
    ],
)
def test_an_option_in_place_of_a_value(call: Run, arguments: tuple[str, ...], words: str) -> None:
    done = call(*arguments)
    assert done.code == 2
    assert done.err == f"error: {words}\nhint: give it a value, or leave it out\n"


@pytest.mark.parametrize("line", ['output = ""', "checkpoint = ''", 'drop = ["a", ""]', 'hidden = ""'])
def test_an_empty_value_in_a_file_of_options(call: Run, home: Path, tmp_path: Path, line: str) -> None:
    (tmp_path / "run.toml").write_text(f"{line}\n")
    done = call("fit", home / "numbers.csv", "-t", "price", "--config", "run.toml")
    assert done.code == 2
    assert done.err.startswith(f"error: --{line.split(' ')[0]} is empty (an unset shell variable?)\n")
    assert [path.name for path in tmp_path.iterdir()] == ["run.toml"]

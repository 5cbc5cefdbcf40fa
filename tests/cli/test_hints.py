"""Hints: an error of any command names no option that the command lacks, or says which command has it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import backpass
from backpass.cli.options.hints import hint_for, options_in
from backpass.cli.root import COMMANDS, options_of

Run = Callable[..., Any]
SOURCE = Path(backpass.__file__).parent


@cache
def hints() -> list[str]:
    """Every text that names an option, in the modules that give hints."""
    files = [
        text for path in sorted(SOURCE.rglob("*.py")) if re.search("hint.*--[a-z]", text := path.read_text("utf-8"))
    ]
    nodes = (node for text in files for node in ast.walk(ast.parse(text)))
    texts = (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return list(dict.fromkeys(" ".join(text.split()) for text in texts if options_in(text)))


@cache
def owners(option: str) -> tuple[str, ...]:
    return tuple(name for name in ("fit", *COMMANDS) if option in options_of(name))


def owner(option: str) -> str | None:
    return next(iter(owners(option)), None)


def unknown(hint: str, command: str) -> Iterator[str]:
    """The options in a hint that the command lacks and of which the hint names no owner."""
    named = set(re.findall(r"(?:an option|options) of backpass (\w+)", hint))
    for option in options_in(hint):
        if owners(option) and option not in options_of(command) and not named & set(owners(option)):
            yield option


@pytest.mark.parametrize("command", COMMANDS)
def test_no_hint_names_an_option_that_the_command_lacks(command: str) -> None:
    assert len(hints()) > 60
    faults = [(hint, [*unknown(hint_for(hint, options_of(command), owner), command)]) for hint in hints()]
    assert [each for each in faults if each[1]] == []


def test_a_hint_that_the_command_can_follow_stays() -> None:
    for hint in hints():
        if all(option in options_of("fit") or not owners(option) for option in options_in(hint)):
            assert hint_for(hint, options_of("fit"), owner) == hint
    assert [*unknown("say --task classification", "play")] == ["--task"]


CELLS = {
    "texts": [f"town {i}" for i in range(300)],
    "words that start with numbers": [f"{i} km {'north' if i % 2 else f'of {i}'}" for i in range(300)],
    "dates": [f"2024-01-{i % 28 + 1:02}" for i in range(300)],
    "no values": [""] * 300,
    "words": [f"a{i} b{i * 7}" for i in range(300)],
}


@pytest.fixture(scope="module")
def model() -> backpass.Model:
    numbers = [float(i) for i in range(40)]
    return backpass.fit({"x": numbers, "c": numbers}, "c", hidden=(2,), epochs=1, test_fraction=0)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("command", ["play", "evaluate"])
def test_errors_of_targets_hint_at_options_of_the_command(
    call: Run, tmp_path: Path, model: backpass.Model, command: str, name: str
) -> None:
    model.save(tmp_path / "m.backpass")
    (tmp_path / "t.csv").write_text("x,c\n" + "".join(f"{i},{cell}\n" for i, cell in enumerate(CELLS[name])))
    arguments = {"play": ["t.csv", "-t", "c", "-o", "page.html"], "evaluate": ["m.backpass", "t.csv"]}[command]
    done = call(command, *arguments)
    hint = next((line for line in done.err.splitlines() if line.startswith("hint: ")), "")
    assert done.code in (2, 3), done.err
    assert done.err.startswith("error: ")
    assert [*unknown(hint, command)] == []

"""Messages name options as the command line does, and arguments where Python shows them."""

from __future__ import annotations

import re
import shlex
from inspect import signature
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest

import backpass
from backpass.cli import main
from backpass.cli.root import COMMANDS
from backpass.cli.root import backpass as root
from backpass.errors import BackpassWarning, DataError, UsageError
from backpass.idiom import FLAGS, NO_ARGUMENTS, OTHER_NAMES, in_python
from backpass.model.settings.options import SettingsOptions
from backpass.table import read_table

ARGUMENTS = {*signature(backpass.fit).parameters, *signature(read_table).parameters, *SettingsOptions.__annotations__}
COMMAND_ONLY = {
    "config", "print-config", "report", "folds", "repeats", "out-of-fold", "verbose", "quiet", "json", "output", "help",
    "workers",
}  # fmt: skip


def options_of(command: str) -> set[str]:
    found: Any = root.get_command(click.Context(root), command)
    names = (each for option in found.params for each in (*option.opts, *option.secondary_opts))
    return {each.removeprefix("--") for each in names if each.startswith("--")}


def test_every_option_of_fit_has_an_argument_of_that_name() -> None:
    for option in options_of("fit") - COMMAND_ONLY - NO_ARGUMENTS:
        written = in_python(f"see --{option};")
        name = re.fullmatch(r"see (\w+)(?:=(?:True|False|\[\.\.\.\]))?;", written)
        assert name is not None, written
        assert name[1] in ARGUMENTS, (option, written)


@pytest.mark.parametrize("option", [*FLAGS, *OTHER_NAMES])
def test_the_tables_name_options_that_exist(option: str) -> None:
    assert any(option in options_of(command) for command in COMMANDS)


@pytest.mark.parametrize("name", ["sold", "sold on", "it's", 'a "b"', "a;b", "größe"])
def test_names_in_messages_become_texts_of_python(name: str) -> None:
    written = in_python(f"later rows (--time {shlex.quote(name)})")
    assert eval(written.removeprefix("later rows (time=").removesuffix(")")) == name


def test_texts_of_the_user_stay(tmp_path: Path) -> None:
    assert in_python("column 'x': '--abc' (3 rows) and a--b") == "column 'x': '--abc' (3 rows) and a--b"


def test_a_python_caller_reads_arguments(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    day = np.arange(300)
    dates = [f"2024-{d // 28 % 12 + 1:02}-{d % 28 + 1:02}" for d in day]
    data = {"day": dates, "town": ["A", "a", "b"] * 100, "x": rng.normal(size=300), "y": np.sin(day / 20)}
    with pytest.warns(BackpassWarning, match=r"\(time='day'\)"):
        model = backpass.fit(data, "y", hidden=(4,), epochs=1)
    assert any("if they mean the same: merge_case=True" in note for note in model.notes)
    assert any("--merge-case" in note for note in model.record.notes)  # as stored: any caller may read them
    assert any("time='day'" in warning for warning in model.warnings)
    with pytest.raises(DataError, match=r"task='classification'"):
        backpass.fit({"x": data["x"], "y": [f"c{i}" for i in range(300)]}, "y")
    with pytest.raises(UsageError) as caught:
        backpass.fit(data, "y", loss="cross_entropy")
    assert "--" not in str(caught.value)


def test_the_command_line_reads_options(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x,y\n" + "".join(f"{i},c{i}\n" for i in range(60)))
    assert main(["fit", str(path), "-t", "y"]) == 3
    assert "--task classification" in capfd.readouterr().err

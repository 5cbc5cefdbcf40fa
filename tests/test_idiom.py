"""Messages name options as the command line does, and arguments where Python shows them."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from inspect import signature
from pathlib import Path
from typing import Any, get_args, get_type_hints

import click
import numpy as np
import pytest

import backpass
from backpass.cli import main
from backpass.cli.root import COMMANDS
from backpass.cli.root import backpass as root
from backpass.errors import BackpassWarning, DataError, UsageError
from backpass.idiom import FLAGS, NO_ARGUMENTS, OTHER_NAMES, READING, in_python
from backpass.model.settings.options import SettingsOptions
from backpass.table import read_table
from backpass.table.windows.read_settings import READING_OPTIONS

ARGUMENTS = {
    *signature(backpass.fit).parameters,
    *signature(backpass.fit_groups).parameters,
    *READING_OPTIONS,
    *SettingsOptions.__annotations__,
}
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


@pytest.mark.parametrize("option", ["engine", "preset", "sampling", "target-transform"])
def test_each_choice_of_an_option_in_a_message_is_quoted(option: str) -> None:
    name = option.replace("-", "_")
    hint = get_type_hints(SettingsOptions)[name]
    for choice in [each for part in get_args(hint) for each in (part, *get_args(part))]:
        if isinstance(choice, str) and choice != "auto":
            assert in_python(f"or fit with --{option} {choice}") == f"or fit with {name}={choice!r}"
    assert in_python("prefer the simpler model (--hidden none)") == "prefer the simpler model (hidden='none')"
    assert in_python("see --sampling for more") == "see sampling for more"


def test_texts_of_the_user_stay(tmp_path: Path) -> None:
    assert in_python("column 'x': '--abc' (3 rows) and a--b") == "column 'x': '--abc' (3 rows) and a--b"


def test_a_python_caller_reads_arguments(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    day = np.arange(300)
    dates = [f"2024-{d // 28 % 12 + 1:02}-{d % 28 + 1:02}" for d in day]
    data = {"day": dates, "town": ["A", "a", "b"] * 100, "x": rng.normal(size=300), "y": np.sin(day / 20)}
    with pytest.warns(BackpassWarning, match=r"\(time='day'\)"):
        model = backpass.fit(data, "y", hidden=(4,), epochs=1)
    assert any("if they mean the same: reading={'merge_case': True}" in note for note in model.notes)
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


ROWS = 60
X = np.random.default_rng(1).normal(size=ROWS).round(2).tolist()


def csv_of(above: str = "", below: str = "", **columns: Any) -> str:
    held = {"x": X, "y": [3 * value for value in X], **columns}
    lines = [",".join(map(str, row)) for row in zip(*held.values(), strict=True)]
    return "\n".join([*([above] if above else []), ",".join(held), *lines, *([below] if below else []), ""])


HINTED = {
    "case": (csv_of(town=["Rome", "rome", "Oslo"] * 20), "merge_case"),
    "spaces": (csv_of(town=["New  York", "New York", "Oslo"] * 20), "merge_spaces"),
    "dates": (csv_of(day=[20240100 + i % 28 + 1 for i in range(ROWS)]), "detect_dates"),
    "month names": (csv_of(day=[f"{i % 28 + 1} Jan 2024" for i in range(ROWS)]), "detect_dates"),
    "words": (csv_of(size=["-" if i % 9 == 0 else i for i in range(ROWS)]), "detect_missing"),
    "sentinel": (csv_of(size=[-999 if i % 6 == 0 else i * 0.37 for i in range(ROWS)]), "missing"),
    "mixed": (csv_of(size=[f"{i}" if i % 3 else "abc" for i in range(ROWS)]), "missing"),
    "titles": (csv_of(above="Report of May"), "all_rows header_row"),
    "comments": (csv_of(above="# made by a logger"), "comment"),
    "totals": (csv_of(below=f"{sum(X):.2f},{3 * sum(X):.2f},Total", town=["Rome", "Oslo"] * 30), "footer all_rows"),
    "empty rows": (csv_of().replace("\n", "\n,\n", 3).replace("\n,\n", "\n", 1), "all_rows"),
    "text": (csv_of(review=[f"good stay number {i % 7} and {i} words here" for i in range(ROWS)]), "categorical"),
}


def items_of(text: str) -> list[dict[str, Any]]:
    """The values of ``reading`` in a message, as Python reads them when they are pasted."""
    return [eval(found, {"backpass": backpass}) for found in re.findall(r"reading=(\{[^}]*\})", text)]


@pytest.mark.filterwarnings("ignore::backpass.BackpassWarning")
@pytest.mark.parametrize("name", HINTED)
def test_hints_of_fit_run_when_they_are_pasted(name: str, tmp_path: Path) -> None:
    text, expected = HINTED[name]
    path = tmp_path / "t.csv"
    path.write_text(text)
    notes = backpass.fit(path, "y", hidden=(4,), epochs=1).notes
    notes += tuple(in_python(note, reading=True) for note in read_table(path).of_source)  # of the file, not stored
    hinted = {key for note in notes for item in items_of(note) for key in item}
    assert hinted & {*expected.split()}, notes
    given = {key: value for note in notes for item in items_of(note) for key, value in item.items() if value is not ...}
    given = {key: ["review"] if value == [...] else value for key, value in given.items()}
    for key, value in given.items():
        assert key in READING_OPTIONS
        table = read_table(path, **{key: value})
        assert table.rows
        changed = backpass.fit(path, "y", hidden=(4,), epochs=1, reading={key: value})
        assert {*changed.notes, *read_table(path, **{key: value}).of_source} != set(notes), (key, value)


@pytest.mark.parametrize("function", ["fit", "tune", "cross_validate", "read_table"])
def test_hints_of_errors_are_in_the_language_of_the_function(function: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(csv_of(size=["abc" if i == 5 else i for i in range(ROWS)]))
    call: Any = {"fit": backpass.fit, "tune": backpass.tune, "cross_validate": backpass.cross_validate}.get(function)
    with pytest.raises(DataError) as caught:
        read_table(path) if call is None else call(path, "y", epochs=1, **({"trials": 1} if function == "tune" else {}))
    message = str(caught.value)
    assert ("reading={'missing': [...]}" in message) == (call is not None), message
    assert ("missing=[...]" in message) == (call is None), message
    if call is not None:
        reading = {"missing": [*backpass.table.DEFAULT_MISSING, "abc"]}
        assert "size" in backpass.fit(path, "y", hidden=(4,), epochs=1, reading=reading).kinds()


def test_options_of_reading_are_those_that_fit_takes_there() -> None:
    functions = (backpass.fit, backpass.fit_groups)
    own = {*SettingsOptions.__annotations__, *(name for each in functions for name in signature(each).parameters)}
    for name in READING:
        argument = re.match(r"\w+", in_python(f"--{name};"))
        assert argument is not None
        assert argument[0] in READING_OPTIONS
        assert argument[0] not in own
    options = options_of("fit") - COMMAND_ONLY - NO_ARGUMENTS
    of_table = {
        name for name in options if (found := re.match(r"\w+", in_python(f"--{name};"))) and found[0] not in own
    }
    assert of_table == READING & options


def texts_of(source: str) -> Iterator[str]:
    """The strings of a module that are no docstrings."""
    tree = ast.parse(source)
    described = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in described:
            yield node.value


def arguments_in(text: str) -> list[str]:
    """Settings of several words that a sentence names as Python does, but for calls such as ``candidates=1``."""
    names = "|".join(name for name in SettingsOptions.__annotations__ if "_" in name)
    return re.findall(rf"(?<![-\w])(?:{names})\b(?!=)", text) if " " in text else []


def test_messages_of_fit_name_settings_as_options() -> None:
    rooms = (Path(backpass.__file__).parent / room for room in ("model", "table", "cli", "reporting"))
    modules = [module for room in rooms for module in room.rglob("*.py") if module.name != "declarations.py"]
    found = [(m.name, text) for m in modules for text in texts_of(m.read_text("utf-8")) if arguments_in(text)]
    assert found == []
    assert arguments_in("increase max_seconds") == ["max_seconds"]
    assert arguments_in("increase --max-seconds (max_seconds=5)") == []


def test_errors_say_what_they_expected_and_got_after_a_semicolon() -> None:
    other = re.compile(r", (?:got (?!in )|expected (?!in |= ))")
    files = sorted(Path(backpass.__file__).parent.rglob("*.py"))
    assert len(files) > 100
    assert [path.name for path in files if other.search(path.read_text(encoding="utf8"))] == []

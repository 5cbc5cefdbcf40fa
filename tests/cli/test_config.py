"""Configurations: a printed one runs to the same bytes, the command line overrides it, faults are all named."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backpass.cli.commands.fit import fit
from backpass.cli.options.config import NOT_KEPT, _toml, names_of
from backpass.errors import UsageError
from backpass.model.settings.declarations import SETTINGS

Run = Callable[..., Any]

VALUES = st.booleans() | st.integers(-(2**63), 2**64) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(codec="utf-8"))


@given(VALUES | TEXTS | st.lists(VALUES | TEXTS).map(tuple))
def test_what_is_written_is_read_back(value: Any) -> None:
    read = tomllib.loads(f"x = {_toml(value)}")["x"]
    assert read == (list(value) if isinstance(value, tuple) else value)
    assert type(read) is (list if isinstance(value, tuple) else type(value))


def test_a_text_without_a_form_in_toml() -> None:
    with pytest.raises(UsageError, match="cannot be written as a TOML string"):
        _toml("a\udcff")


def test_every_option_is_a_key() -> None:
    keys = names_of(fit)
    assert {setting.name for setting in SETTINGS} <= set(keys)
    assert {each.name for each in fit.params} == {*keys, *NOT_KEPT}


RUNS = {
    "plain": [],
    "preset": ["--preset", "fast"],
    "numbers": ["--learning-rate", "3e-3", "--dropout", "0.25", "--seed", "18446744073709551615", "--hidden", "8,4"],
    "pairs": [
        "--wire",
        "both = size, age",
        "--wire",
        "one=colour",
        "--learning-rate-multiplier",
        "bias=0.1",
        "--hidden",
        "none",
    ],
    "columns": [
        "--drop",
        "age",
        "--categorical",
        "size",
        "--missing",
        "red",
        "--missing",
        "-999",
        "--max-one-hot-levels",
        "2",
    ],
    "query": ["--query", "SELECT * FROM data WHERE size > 1 OR colour = 'red'", "--clip-predictions", "training"],
}


@pytest.mark.parametrize("options", RUNS.values(), ids=RUNS.keys())
def test_a_printed_configuration_runs_to_the_same_bytes(call: Run, home: Path, options: list[str]) -> None:
    arguments = ["fit", home / "numbers.csv", "-t", "price", "--epochs", "2", *options]
    assert call(*arguments, "-o", "a.backpass").code == 0
    printed = call(*arguments, "-o", "b.backpass", "--print-config")
    assert printed.code == 0
    assert not Path("b.backpass").exists()
    Path("run.toml").write_text(printed.out, encoding="utf-8")
    assert call("fit", "--config", "run.toml").code == 0
    assert Path("a.backpass").read_bytes() == Path("b.backpass").read_bytes()
    again = call("fit", "--config", "run.toml", "--print-config")
    if "--learning-rate" in options:
        assert again.out == printed.out
    assert set(tomllib.loads(printed.out)) <= set(names_of(fit))


def test_everything_is_said_of_what_is_left_open(call: Run, home: Path) -> None:
    lines = call("fit", home / "numbers.csv", "-t", "price", "--print-config").out.splitlines()
    for name in names_of(fit):
        assert any(line.startswith((f"{name} = ", f"# {name}: ")) for line in lines), name
    assert "# learning_rate: 0.2, or a tenth of it where training diverges" in lines
    assert "# batch_size: 32 to 1024, depending on the number of rows" in lines


def test_the_patience_of_a_preset_follows_the_epochs_of_a_later_run(call: Run, home: Path) -> None:
    fast = ["fit", home / "numbers.csv", "-t", "price", "--preset", "fast"]
    printed = call(*fast, "--epochs", "8", "--print-config").out
    assert "# patience: 5, 5/8 of the epochs" in printed.splitlines()
    Path("run.toml").write_text(printed, encoding="utf-8")
    again = call("fit", "--config", "run.toml", "--epochs", "80", "--print-config").out
    assert "# patience: 50, 5/8 of the epochs" in again.splitlines()
    named = call(*fast, "--patience", "3", "--print-config").out
    assert "patience = 3" in named.splitlines()


def test_the_command_line_overrides_the_file(call: Run, home: Path) -> None:
    Path("run.toml").write_text(f'table = "{home / "numbers.csv"}"\ntarget = "price"\nhidden = [4]\nepochs = 2\n')
    done = call("fit", "--config", "run.toml", "--epochs", "3", "-o", "m.backpass", "--json")
    assert done.code == 0, done.err
    assert (done.json["epochs"], done.json["network"]) == (3, [6, 4, 1])
    other = call("fit", home / "pets.csv", "-t", "pet", "--config", "run.toml", "-o", "n.backpass", "--json")
    assert (other.json["target"], other.json["epochs"]) == ("pet", 2)


def failed(call: Run, content: str, *options: str) -> Any:
    Path("run.toml").write_text(content)
    Path("t.csv").write_text("x,y\n1,2\n")
    outcome = call("fit", "t.csv", "-t", "y", "--config", "run.toml", *options)
    assert (outcome.code, outcome.out) == (2, "")
    return outcome.err


def test_faults_are_all_named(call: Run) -> None:
    text = failed(
        call, 'epoch = 3\nhiden = [4]\ncategorical = {a = 1}\nseed = 2024-01-01\njson = true\nquiet = "yes"\n'
    )
    assert text.startswith("error: run.toml: 6 invalid keys\n")
    assert "  - unknown key 'epoch' (did you mean 'epochs'?)" in text
    assert "  - unknown key 'hiden' (did you mean 'hidden'?)" in text
    assert "  - categorical is of type dict; use strings, numbers, true, false or lists of these" in text
    assert "  - seed is of type date" in text
    assert "  - unknown key 'json'" in text
    assert "  - unknown key 'quiet'" in text


def test_values_are_judged_with_those_of_the_command_line(call: Run) -> None:
    text = failed(call, 'epochs = 0\nactivation = "rellu"\nlearned_input_scale = 3\n', "--dropout", "2")
    assert "4 invalid settings" in text
    assert "--epochs must be a whole number from 1 to 1,000,000,000; got '0'" in text
    assert "--activation must be one of" in text
    assert "(did you mean 'relu'?)" in text
    assert "--learned-input-scale must be yes or no; got '3'" in text


def test_files_that_are_none(call: Run) -> None:
    assert "run.toml is not a TOML file: " in failed(call, "epochs = \n")
    assert failed(call, "task = regression\n").endswith('text stands in quotes: target = "price"\n')
    assert failed(call, "epoch = 3\n").startswith("error: run.toml: 1 invalid key\n")
    missing = call("fit", "--config", "none.toml")
    hint = "hint: backpass fit --print-config writes such a file"
    assert (missing.code, missing.err) == (2, f"error: none.toml: there is no such file\n{hint}\n")

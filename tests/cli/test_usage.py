"""Usage: options, help, and what is said when they are wrong."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backpass import __version__
from backpass.cli.root import COMMANDS, backpass
from backpass.model.settings.declarations import SETTINGS

Run = Callable[..., Any]


def test_help_and_version(call: Run, process: Run, tmp_path: Path) -> None:
    assert process("--version", cwd=tmp_path).out == f"backpass {__version__}\n"
    assert process("-h", cwd=tmp_path).out == call("--help").out
    for arguments in (["--help"], ["-h"], *([name, "--help"] for name in COMMANDS)):
        shown = call(*arguments)
        assert (shown.code, shown.err) == (0, "")
        assert shown.out.startswith("Usage: backpass")
    assert process(cwd=tmp_path).code == 2


def test_help_is_light() -> None:
    program = "import sys; from backpass.cli import main; main(['--help']); print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    loaded = {name.split(".")[0] for name in out.splitlines()[-1].split()}
    assert "click" in loaded
    assert not loaded & {"numpy", "rich", "duckdb", "safetensors", "narwhals"}
    assert "backpass.model" not in out.splitlines()[-1].split()


@pytest.mark.parametrize("command", ["predict", "inspect"])
def test_a_command_imports_what_it_needs(command: str, call: Run, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{i},{i % 7}\n" for i in range(40)))
    table, model = str(tmp_path / "t.csv"), str(tmp_path / "m.backpass")
    assert call("fit", table, "-t", "y", "--hidden", "4", "--epochs", "2", "-o", model).code == 0
    arguments = {"predict": ["predict", model, table], "inspect": ["inspect", table, "-t", "y"]}[command]
    program = f"import sys; from backpass.cli import main; main({arguments!r}); print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    loaded = {".".join(name.split(".")[:4]) for name in out.splitlines()[-1].split()}
    assert "backpass.table.reading" in loaded
    unused = (
        "model.fitting model.tuning model.distillation model.assessment engine.onnx engine.javascript reporting.page"
        " training.loop training.function training.step training.newton"
        " table.formats.workbooks.sheets table.formats.json_rows"
    )
    if command == "inspect":
        unused += " circuit engine network training"
    assert not loaded & {f"backpass.{name}" for name in unused.split()}
    assert "numpy.ma" not in loaded


def test_a_table_of_numbers_and_words_needs_no_large_pattern(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,c\n" + "".join(f"{i},{'north' if i % 3 else 'south'}\n" for i in range(40)))
    program = f"""
from backpass.table import read_table
from backpass.table.datetimes.written import WRITTEN
from backpass.table.notation.cell import CELL
from backpass.table.notation.measures.compound import LADDERS
read_table({str(tmp_path / "t.csv")!r})
print(*["compiled" in vars(each) for each in (CELL, *(each.pattern for each in (*WRITTEN, *LADDERS)))])
"""
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert {*out.split()} == {"False"}


def test_help_of_fit_names_every_setting_with_its_default(call: Run) -> None:
    shown = " ".join(call("fit", "--help").out.partition("Data:")[2].split())
    for setting in SETTINGS:
        option = f"--{setting.name.replace('_', '-')} "
        assert option in shown, setting.name
        if setting.default is not None and not setting.repeated:
            place = shown.index(option)
            default = ("no", "yes")[setting.default] if isinstance(setting.default, bool) else setting.default
            default = ",".join(map(str, default)) if isinstance(default, tuple) else default
            own = shown[place:].partition(" --")[0].partition("default: ")[2]
            assert own.split()[0] == str(default), setting.name
    for title in ("Network:", "Training:", "Engine:", "Reading:", "Run:"):
        assert title in shown


@pytest.mark.parametrize("name", COMMANDS)
def test_no_help_writes_a_range_as_an_inequality(call: Run, name: str) -> None:
    assert not re.search(r"x *[<>]=?|[<>]=? *x\b", call(name, "--help").out)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_says_the_same_in_both_helps(name: str) -> None:
    import click

    command = backpass.get_command(click.Context(backpass), name)  # type: ignore[attr-defined]
    assert command.help.splitlines()[0] == COMMANDS[name]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fitt"], ["unknown command 'fitt'", "hint: did you mean 'fit'?"]),
        (["xyz"], ["unknown command 'xyz'", "hint: known commands: 'inspect', 'fit', 'tune'"]),
        (
            ["export", "a.backpass", "-o", "a.onnx"],
            ["OUTPUT is an argument, not an option", "export [OPTIONS] MODEL OUTPUT"],
        ),
        (
            ["predict", "--model", "a.backpass"],
            ["MODEL is an argument, not an option: backpass predict [OPTIONS] MODEL"],
        ),
        (
            ["tune", "t.csv", "-t", "y", "--resume", "a.backpass"],
            ["leave out --resume (--resume is an option of backpass"],
        ),
        (["fit", "t.csv", "-t", "y", "--device", "gpu"], ["cpu, cuda, tpu; got 'gpu' (did you mean 'cuda'?)"]),
        (["fit", "t.csv", "-t", "y", "--lr", "1"], ["no such option: --lr", "did you mean --learning-rate?"]),
        (["--verison"], ["no such option: --verison", "did you mean --version?"]),
        (["fit"], ["missing argument 'TABLE'", "backpass fit --help"]),
        (["fit", "t.csv"], ["missing option", "--target", "hint: the column to predict"]),
        (
            ["fit", "t.csv", "-t", "y", "--lerning-rate", "1"],
            ["no such option: --lerning-rate", "mean --learning-rate?"],
        ),
        (["fit", "t.csv", "-t", "y", "--valid-fraction", "0.1"], ["was renamed to --validation-fraction"]),
        (["fit", "t.csv", "-t", "y", "--epochs"], ["'--epochs' requires an argument"]),
        (
            ["fit", "t.csv", "-t", "y", "extra"],
            ["unexpected extra argument (extra)", "quote the pattern: 'data/*.csv'"],
        ),
        (
            ["fit", "t.csv", "-t", "y", "--learning-rate", "-1"],
            ["--learning-rate must be a number", "greater than 0", "got '-1'"],
        ),
        (
            ["fit", "t.csv", "-t", "y", "--precision", "bf16", "--engine", "numpy"],
            ["--precision 'bf16' needs the native engine on a processor with", "; engine is 'numpy': use float32"],
        ),
        (["fit", "t.csv", "-t", "y", "--hidden", "0"], ["--hidden must be 'none' or whole numbers", "got '0'"]),
        (["fit", "t.csv", "-t", "y", "--epochs", "0"], ["--epochs must be a whole number", "got '0'"]),
        (["fit", "t.csv", "-t", "y", "--folds", "1"], ["--folds must be a whole number of at least 2; got '1'"]),
        (["fit", "t.csv", "-t", "y", "--skip", "two"], ["--skip must be a whole number of at least 0; got 'two'"]),
        (["importance", "m", "t.csv", "--repeats", "0"], ["--repeats must be a whole number", "at least 1; got '0'"]),
        (["fit", "t.csv", "-t", "y", "--seed", "1.5"], ["--seed must be a whole number", "got '1.5'"]),
        (["fit", "t.csv", "-t", "y", "--dropout", "nan"], ["--dropout must be a number", "got 'nan'"]),
        (["fit", "t.csv", "-t", "y", "--activation", "rellu"], ["got 'rellu' (did you mean 'relu'?)"]),
        (["fit", "t.csv", "-t", "y", "--wire", "unit"], ["--wire must be a name and columns", "got 'unit'"]),
        (["fit", "t.csv", "-t", "y", "--drop", "y"], ["--drop leaves out 'y', which is the --target"]),
        (["fit", "-", "-t", "y"], ["the model cannot be named after standard input", "--output FILE"]),
        (["fit", "t.csv", "-t", "y", "-o", "-"], ["cannot be written to standard output"]),
        (["fit", "t.csv", "-t", "y", "-o", "a", "--checkpoint", "a"], ["are the same file, a"]),
        (["sample", "housin"], ["unknown sample 'housin'", "did you mean 'housing'?"]),
    ],
)
def test_wrong_usage(call: Run, tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    (tmp_path / "t.csv").write_text("x,y\n1,2\n")
    failed = call(*arguments)
    assert (failed.code, failed.out) == (2, "")
    assert failed.err.startswith("error: ")
    for word in words:
        assert word in failed.err, failed.err
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_all_wrong_settings_are_listed_together(call: Run) -> None:
    failed = call("fit", "t.csv", "-t", "y", "--hidden", "0", "--epochs", "0", "--learning-rate", "-1")
    assert failed.code == 2
    assert failed.err.startswith("error: 3 invalid settings\n  - --hidden must")
    assert len(re.findall(r"^  - ", failed.err, re.M)) == 3
    assert failed.err.splitlines()[-1] == "hint: backpass fit --help explains every setting"


def test_quiet_says_nothing_but_errors(call: Run, home: Path) -> None:
    quiet = call("fit", home / "numbers.csv", "-t", "price", "--hidden", "none", "--epochs", "400", "-q")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")
    assert call("fit", "nowhere.csv", "-t", "price", "-q").err.startswith("error: ")


def test_proba_needs_classes(call: Run, home: Path) -> None:
    failed = call("predict", home / "numbers.backpass", home / "numbers.csv", "--proba")
    assert failed.code == 2
    assert "only classes have probabilities" in failed.err


@pytest.mark.parametrize(
    ("model", "level", "said"),
    [
        ("pets", "0.9", "only numbers have intervals"),
        ("numbers", "1", "--interval must be a number greater than 0 and less than 1; got 1"),
        ("numbers", "90", "less than 1; got 90\nhint: for 90%, use 0.9"),
        ("numbers", "0.99", "an interval of 0.99 needs residuals of more than 20 rows"),
        ("numbers", "wide", "wide"),
    ],
)
def test_intervals_that_cannot_be(call: Run, home: Path, model: str, level: str, said: str) -> None:
    failed = call("predict", home / f"{model}.backpass", home / f"{model}.csv", "--interval", level)
    assert (failed.code, failed.out) == (2, "")
    assert said in failed.err


def test_quantiles_that_cannot_be_are_named_all_at_once(call: Run, home: Path) -> None:
    arguments = ("predict", home / "numbers.backpass", home / "numbers.csv", "--quantiles")
    failed = call(*arguments, "0.5,x,1,0.001,nan")
    assert (failed.code, failed.out) == (2, "")
    assert failed.err.splitlines() == [
        "error: --quantiles: these quantiles cannot be predicted",
        "  - a quantile must be a number greater than 0 and less than 1; got x",
        "  - a quantile must be a number greater than 0 and less than 1; got 1",
        "  - quantile 0.001 needs residuals of more than 20 rows",
        "  - a quantile must be a number greater than 0 and less than 1; got nan",
        "hint: use numbers such as 0.05,0.5,0.95; 20 validation rows allow 0.024 to 0.976",
    ]
    assert call(*arguments, "0.024,0.976").code == 0
    assert call(*arguments, "").code == 2
    failed = call("predict", home / "pets.backpass", home / "pets.csv", "--quantiles", "0.5")
    assert (failed.code, "only numbers have quantiles" in failed.err) == (2, True)


def test_a_bug_is_told_apart_and_its_traceback_shown_when_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    from backpass.cli import main

    def broken(*arguments: Any, **named: Any) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr("backpass.cli.commands.evaluate.load", broken)
    assert main(["evaluate", "m.backpass", "t.csv"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("error: internal error in backpass (ZeroDivisionError: planted)\nhint: please report it")
    assert "Traceback" not in err
    assert main(["evaluate", "m.backpass", "t.csv", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (MemoryError("Unable to allocate 4 GiB"), 5, "not enough memory: Unable to allocate 4 GiB"),
        (OSError(28, "No space left on device", "m"), 5, "m: No space left on device"),
        (KeyboardInterrupt(), 130, "interrupted; no model was written"),
        (
            ImportError("\n\nIMPORTANT: README\n\nlibm.so.6: failed to map segment from shared object\n"),
            5,
            "not enough memory\n",
        ),
        (ImportError("libm.so.6: cannot allocate memory in static TLS block"), 5, "not enough memory\n"),
        (RuntimeError("can't start new thread"), 5, "the system cannot start more threads"),
        (OSError(12, "Cannot allocate memory"), 5, "not enough memory\n"),
    ],
)
def test_what_is_not_our_bug(
    call: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, words: str
) -> None:
    def broken(*arguments: Any, **named: Any) -> None:
        raise error

    monkeypatch.setattr("backpass.cli.commands.evaluate.load", broken)
    failed = call("evaluate", "m.backpass", "t.csv")
    assert failed.code == code
    assert failed.err.startswith(f"error: {words}")


def test_a_target_on_the_command_line_replaces_that_of_a_file(call: Run, home: Path, tmp_path: Path) -> None:
    Path("run.toml").write_text('target = "price"\n')
    printed = call("fit", home / "numbers.csv", "--config", "run.toml", "-t", "size", "--print-config").out
    assert '\ntarget = "size"\n' in printed
    assert '\ntarget = "price"\n' in call("fit", home / "numbers.csv", "--config", "run.toml", "--print-config").out

"""Output: where files and words go, what is never overwritten, and what is found out before training."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
FIT = ("-t", "price", "--hidden", "4", "--epochs", "2")


@pytest.mark.parametrize("option", ["--output", "--checkpoint"])
@pytest.mark.parametrize("path", ["/proc/m.backpass", "t.csv/m.backpass", "folder", "nowhere/m", "n" * 300, "folder/"])
def test_what_cannot_be_written_is_found_before_training(
    call: Run, home: Path, tmp_path: Path, option: str, path: str
) -> None:
    (tmp_path / "t.csv").write_bytes((home / "numbers.csv").read_bytes())
    (tmp_path / "folder").mkdir()
    failed = call("fit", "t.csv", *FIT, option, path)
    assert (failed.code, failed.out) == (5, ""), failed.err
    assert failed.err.startswith("error: ")
    assert "table" not in failed.err.split("hint")[0].replace("t.csv", ""), "the table was not even read"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["folder", "t.csv"]


def test_predictions_that_cannot_be_written(call: Run, home: Path) -> None:
    failed = call("predict", home / "numbers.backpass", home / "numbers.csv", "-o", "/proc/p.csv")
    assert (failed.code, failed.out) == (5, "")


@pytest.mark.parametrize("command", ["predict", "explain"])
@pytest.mark.parametrize("table", ["t.csv", "t*.csv"])
def test_what_is_read_is_never_overwritten(call: Run, home: Path, tmp_path: Path, command: str, table: str) -> None:
    (tmp_path / "t.csv").write_bytes((home / "numbers.csv").read_bytes())
    (tmp_path / "m.backpass").write_bytes((home / "numbers.backpass").read_bytes())
    for path in ("t.csv", "m.backpass", "./t.csv"):
        before = (tmp_path / path).read_bytes()
        failed = call(command, "m.backpass", table, "-o", path)
        assert (failed.code, failed.out) == (2, "")
        assert failed.err.startswith(f"error: {path} is an input of this command and would be overwritten")
        assert (tmp_path / path).read_bytes() == before
    assert call("draw", "m.backpass", "-o", "m.backpass").code == 2


@pytest.mark.parametrize("path", ["p.xlsx", "p.csv.gz", "p.tsv"])
def test_a_name_that_promises_another_form_is_refused(call: Run, home: Path, tmp_path: Path, path: str) -> None:
    failed = call("predict", home / "numbers.backpass", home / "numbers.csv", "-o", path)
    assert (failed.code, failed.out) == (2, "")
    assert failed.err.startswith(
        f"error: {path}: rows are written as CSV, or as Parquet where the name ends in .parquet"
    )
    assert not (tmp_path / path).exists()


def test_json_goes_into_a_file_of_that_name(call: Run, home: Path, tmp_path: Path) -> None:
    assert call("predict", home / "numbers.backpass", home / "numbers.csv", "-o", "p.json", "--json").code == 0
    assert (tmp_path / "p.json").read_text().startswith("{")


@pytest.mark.parametrize("option", ["--output", "--checkpoint"])
def test_files_of_others_are_never_overwritten(call: Run, home: Path, tmp_path: Path, option: str) -> None:
    (tmp_path / "precious").write_text("my notes\n")
    failed = call("fit", home / "numbers.csv", *FIT, option, "precious")
    assert failed.code == 2
    assert failed.err.startswith("error: precious already exists and would be overwritten")
    assert f"hint: choose another name for {option}" in failed.err
    assert (tmp_path / "precious").read_text() == "my notes\n"


def test_models_and_empty_files_are_replaced(call: Run, home: Path, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b"")
    assert call("fit", home / "numbers.csv", *FIT, "-o", "m").code == 0
    before = (tmp_path / "m").read_bytes()
    assert call("fit", home / "numbers.csv", *FIT, "-o", "m", "--seed", "1").code == 0
    assert (tmp_path / "m").read_bytes() != before
    assert call("fit", home / "numbers.csv", *FIT, "--checkpoint", "m").code == 2


def shell(line: str, cwd: Path, *words: Path, **changes: str | None) -> subprocess.CompletedProcess[str]:
    from os import environ

    known = {
        name: value for name, value in {**environ, "OPENBLAS_NUM_THREADS": "1", **changes}.items() if value is not None
    }
    line = line.replace("backpass", f'"{sys.executable}" -m backpass', 1)
    done = subprocess.run(
        ["bash", "-c", line, "bash", *words], cwd=cwd, env=known, capture_output=True, text=True, timeout=60
    )
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    return done


def test_a_reader_that_goes_away_is_no_failure(home: Path, tmp_path: Path) -> None:
    lines = (home / "numbers.csv").read_text().splitlines()
    long = tmp_path / "long.csv"
    long.write_text("\n".join([lines[0], *lines[1:] * 200]))
    done = shell(
        'backpass predict "$1" "$2" | head -n 2; echo ${PIPESTATUS[0]}', tmp_path, home / "numbers.backpass", long
    )
    out = done.stdout.splitlines()
    assert (out[0], out[2], done.stderr) == ("price", "141", "")
    done = shell("backpass fit --help | true; echo ${PIPESTATUS[0]}", tmp_path)
    assert done.stdout in ("141\n", "0\n")


@pytest.mark.parametrize("where", [">&-", ">/dev/full"])
@pytest.mark.parametrize(
    "command", ['predict "$1" "$2"', 'show "$1"', 'evaluate "$1" "$2"', "sample housing", "sample"]
)
def test_data_that_cannot_be_handed_out(home: Path, tmp_path: Path, where: str, command: str) -> None:
    done = shell(f"backpass {command} {where}", tmp_path, home / "numbers.backpass", home / "numbers.csv")
    assert done.returncode == 5
    assert any(line.startswith("error: ") for line in done.stderr.splitlines())


def test_talk_that_nobody_can_hear_stops_nothing(home: Path, tmp_path: Path) -> None:
    for where in ("2>&-", "2>/dev/full", ">&-", ">&- 2>&- <&-"):
        done = shell(f'backpass fit "$1" -t price --hidden 4 --epochs 2 {where}', tmp_path, home / "numbers.csv")
        assert done.returncode == 0
    done = shell('backpass predict "$1" - <&-', tmp_path, home / "numbers.backpass")
    assert done.returncode == 5
    assert "standard input is closed" in done.stderr


@pytest.mark.parametrize(
    "changes",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": None},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
        {"HOME": "/proc"},
        {"HOME": None},
        {"HOME": "/nowhere", "TERM": None, "NO_COLOR": "1"},
    ],
)
def test_odd_surroundings(process: Run, tmp_path: Path, changes: dict[str, str | None]) -> None:
    lines = [f"{i},{'grün' if i % 2 else '青'},{i}" for i in range(40)]
    name = "größe.csv"  # with LC_ALL=C Python has no character for the ö
    (tmp_path / name).write_text("\n".join(["größe,farbe,y", *lines]), "utf-8")
    fitted = process(
        "fit", name, "-o", "m.backpass", "-t", "y", "--hidden", "4", "--epochs", "2", cwd=tmp_path, **changes
    )
    assert (fitted.code, fitted.out) == (0, "")
    shown = process("show", "m.backpass", cwd=tmp_path, **{**changes, "PYTHONIOENCODING": "ascii"})
    assert shown.code == 0
    assert "gr\\xf6\\xdfe" in shown.out
    predicted = process("predict", "m.backpass", name, "--keep", "farbe", cwd=tmp_path, **changes)
    assert predicted.out.splitlines()[1].startswith("青,"), "data are UTF-8 everywhere"
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(["m.backpass", name])

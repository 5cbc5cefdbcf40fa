"""Shortage: missing memory or disk is told as such, never as a bug, and on lines of their own."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backpass.cli import main
from backpass.cli.console import Console
from backpass.cli.progress import Drawn, Silent
from backpass.errors import ResourceError

Run = Callable[..., Any]


def test_an_error_raised_for_want_of_memory_is_known_by_its_cause(call: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: Any, **named: Any) -> None:
        try:
            raise MemoryError
        except MemoryError as error:
            raise SystemError("initialization failed") from error

    monkeypatch.setattr("backpass.cli.commands.evaluate.load", broken)
    failed = call("evaluate", "m.backpass", "t.csv")
    assert (failed.code, failed.err.splitlines()[0]) == (5, "error: not enough memory")


def test_a_bug_is_told_on_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(*arguments: Any, **named: Any) -> None:
        raise ImportError("\n\nIMPORTANT: PLEASE READ THIS\n\nall of it\n")

    monkeypatch.setattr("backpass.cli.commands.evaluate.load", broken)
    assert main(["evaluate", "m.backpass", "t.csv"]) == 1
    assert capsys.readouterr().err.startswith(
        "error: internal error in backpass (ImportError: IMPORTANT: PLEASE READ THIS)\nhint: "
    )


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits on memory as Linux has them")
@pytest.mark.parametrize("mebibytes", [20, 24, 40, 60])
def test_a_limit_on_memory_is_no_bug(home: Path, mebibytes: int) -> None:
    """Below what NumPy itself needs. What OpenBLAS does when it lacks memory, from about 70 MiB on, is its own."""
    program = f"import resource, sys; resource.setrlimit(resource.RLIMIT_AS, ({mebibytes << 20},) * 2)\n"
    program += "from backpass.cli import main; sys.exit(main(['inspect', sys.argv[1]]))"
    done = subprocess.run(
        [sys.executable, "-c", program, str(home / "numbers.csv")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 5, done.stderr
    assert done.stderr.startswith("error: not enough memory\n")


@pytest.mark.parametrize("watched", [False, True])
def test_a_warning_has_its_hint_on_a_line_of_its_own(capsys: pytest.CaptureFixture[str], watched: bool) -> None:
    error = ResourceError("r\x1b.checkpoint could not be saved", details=["a reason"], hint="make room")
    with (Drawn if watched else Silent)(Console(), "rmse") as watching:
        watching.on_warning(str(error))
    lines = [line for line in capsys.readouterr().err.splitlines() if line]
    assert lines == ["warning: r\\x1b.checkpoint could not be saved", "  - a reason", "hint: make room"]


def test_a_checkpoint_that_cannot_be_saved_is_told_in_lines(
    call: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real limit on the size of files: while a run goes on, its checkpoint is larger than its model."""
    resource = pytest.importorskip("resource")
    monkeypatch.setattr("backpass.model.fitting.fit_problem.SECONDS", 0.0)
    fit = ("fit", home / "numbers.csv", "-t", "price", "--hidden", "64,64", "--activation", "tanh")
    fit = (*fit, "--epochs", "2", "-o", "m.backpass")
    assert call(*fit).code == 0
    size = (tmp_path / "m.backpass").stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * size, before[1]))
    try:
        done = call(*fit, "--checkpoint", "c.checkpoint", "-q")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert done.code == 0
    kept = "(an existing file is unchanged)"
    warning = f"warning: c.checkpoint could not be saved {kept}: File too large"
    lines = [line for line in done.err.splitlines() if "the network is " not in line]
    assert lines == [warning, "hint: free space, or choose another folder"] * (len(lines) // 2)
    assert lines
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.checkpoint", "m.backpass"]


@pytest.mark.parametrize("command", ["predict", "explain"])
def test_a_parquet_file_that_finds_no_room_is_no_bug(call: Run, home: Path, tmp_path: Path, command: str) -> None:
    """DuckDB writes it to a folder of temporary files first, and has an error of its own for a full disk."""
    resource = pytest.importorskip("resource")
    (tmp_path / "p.parquet").write_bytes(b"PAR1 before")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        done = call(command, home / "numbers.backpass", home / "numbers.csv", "-o", "p.parquet", "-q")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (done.code, done.out) == (5, "")
    assert re.fullmatch(
        r"error: temporary files cannot be written in \S+: File too large\nhint: free space .*\n", done.err
    )
    assert (tmp_path / "p.parquet").read_bytes() == b"PAR1 before"

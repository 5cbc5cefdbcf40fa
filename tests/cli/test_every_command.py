"""Every command in bad surroundings: wrong options, closed streams, no network; documented exit codes, no traceback."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backpass.cli.root import COMMANDS

Run = Callable[..., Any]
NEEDS_NOTHING = {"doctor", "notes", "sample"}


@pytest.mark.parametrize("name", COMMANDS)
def test_an_option_that_is_not_there(call: Run, name: str) -> None:
    failed = call(name, "--nonsense")
    assert (failed.code, failed.out) == (2, "")
    assert failed.err.startswith("error: no such option: --nonsense\n")


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - NEEDS_NOTHING))
def test_without_arguments(call: Run, tmp_path: Path, name: str) -> None:
    failed = call(name)
    assert (failed.code, failed.out) == (2, "")
    assert failed.err.startswith("error: missing ")
    assert f"backpass {name} --help" in failed.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_no_use_for_arguments_or_streams(call: Run, tmp_path: Path, name: str) -> None:
    shown = call(name, "--help")
    assert (shown.code, shown.err) == (0, "")
    assert list(tmp_path.iterdir()) == []


CIRCLE = """
set -e
"$0" -m backpass sample housing | head -n 300 > t.csv
"$0" -m backpass inspect t.csv -t median_house_value > i.txt
"$0" -m backpass fit t.csv -t median_house_value --hidden 4 --epochs 2 -o m.backpass
"$0" -m backpass predict m.backpass t.csv > p.csv
"$0" -m backpass explain m.backpass t.csv > c.csv
"$0" -m backpass report m.backpass t.csv -o r.html
"$0" -m backpass doctor > d.txt
"""


def test_nothing_needs_a_network_a_home_or_a_terminal(tmp_path: Path) -> None:
    """In a network namespace without any interface, with a home that is not there and no terminal."""
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode:
        pytest.skip("this system lets nobody take the network away")
    (tmp_path / "matplotlib").mkdir()
    surroundings = {**os.environ, "HOME": "/nowhere", "NO_COLOR": "1", "MPLCONFIGDIR": str(tmp_path / "matplotlib")}
    done = subprocess.run(
        ["unshare", "-n", "bash", "-c", CIRCLE, sys.executable],
        cwd=tmp_path,
        env={name: value for name, value in surroundings.items() if name != "TERM"},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stderr
    for name in ("p.csv", "c.csv", "r.html", "d.txt", "i.txt"):
        assert (tmp_path / name).stat().st_size > 0, name

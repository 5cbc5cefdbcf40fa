"""The spinner of long work: only in a terminal, and gone when the work is done."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time

import pytest

from backpass.cli.console import Console

PROGRAM = """
import sys
from backpass.cli.console import Console
with Console(quiet={quiet}).working("reading big\\x1b[31m.csv", delay={delay}):
    {work}
print("done", file=sys.stderr)
"""
WAIT = "sys.stdin.read()"  # until the test has seen the spinner and closes standard input


def shown_by(program: str, until: bytes) -> bytes:
    screen, terminal = pty.openpty()
    found = b""
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=terminal, env=env) as process:
        os.close(terminal)
        assert process.stdin is not None
        while True:
            try:
                piece = os.read(screen, 65_536)
            except OSError:  # the end of a pseudo-terminal on Linux
                break
            if not piece:
                break
            found += piece
            if until in found and not process.stdin.closed:
                process.stdin.close()
        assert process.wait() == 0
    os.close(screen)
    return found


def test_a_spinner_appears_and_vanishes() -> None:
    found = shown_by(PROGRAM.format(quiet=False, delay=0.0, work=WAIT), b"reading big")
    assert b"reading big\\x1b[31m.csv" in found
    assert b"\x1b[31m" not in found
    assert found.rstrip().endswith(b"done")
    assert found.rindex(b"\x1b[?25h") > found.rindex(b"\x1b[?25l")  # the cursor is back


@pytest.mark.parametrize(("quiet", "delay"), [(True, 0.0), (False, 3600.0)])
def test_quiet_and_short_work_show_nothing(quiet: bool, delay: float) -> None:
    assert shown_by(PROGRAM.format(quiet=quiet, delay=delay, work="pass"), b"done") == b"done\r\n"


def test_a_log_gets_one_line_about_long_work(capsys: pytest.CaptureFixture[str]) -> None:
    lines: list[str] = []
    with Console().working("reading", delay=0.0):
        while not lines:
            time.sleep(0.001)
            lines = capsys.readouterr().err.splitlines()
    assert lines == ["reading ..."]
    assert capsys.readouterr().err == ""


def test_a_log_gets_nothing_about_short_work(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="bad"), Console().working("reading"):
        raise ValueError("bad")
    assert capsys.readouterr().err == ""

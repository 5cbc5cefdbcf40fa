"""A terminal of some size, and what a command writes to it as standard error."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path


def on_a_terminal(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], *, rows: int, columns: int
) -> tuple[int, bytes, str]:
    """Run a command in a folder: its exit code, its standard output, and what it says on the terminal."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    run = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=follower
    )
    os.close(follower)
    said = b""
    while piece := _read(leader):
        said += piece
    os.close(leader)
    out, _ = run.communicate(timeout=60)
    return run.returncode, out, said.decode()


def closed_while_running(command: Sequence[str], folder: Path, environment: Mapping[str, str], *, once: bytes) -> int:
    """Run a command on a terminal of its own, close the terminal once it says something, and return the exit code."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    # Standard input becomes the terminal that rules the session, so that its end is told by SIGHUP.
    script = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
    run = subprocess.Popen(
        [sys.executable, "-c", script, *command],
        cwd=folder,
        env=environment,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
    )
    os.close(follower)
    said = b""
    while once not in said and (piece := _read(leader)):
        said += piece
    os.close(leader)
    assert once in said, said
    return run.wait(timeout=60)


def _read(leader: int) -> bytes:
    try:
        return os.read(leader, 65536)
    except OSError:  # how Linux says that the other side has closed
        return b""

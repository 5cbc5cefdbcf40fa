"""A terminal of some size, and what a command writes to it as standard error."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
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


def _read(leader: int) -> bytes:
    try:
        return os.read(leader, 65536)
    except OSError:  # how Linux says that the other side has closed
        return b""

"""Makes the pictures of the README from one real run: the terminal while it trains, and the page about the model.

    .venv/bin/python tools/make_pictures.py        # writes docs/pictures/fit.svg and docs/pictures/report.png

Needs a Chromium, and the extras that `make setup` installs. Numbers are those of the run: none is written here.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "docs" / "pictures"
TARGET = "median_house_value"
COLUMNS = 100
SHOWN = 0.7
"""Which moment of the run is shown, as a share of it."""

REMOTE_FONT = re.compile(r"\n\s*@font-face \{[^}]*\}")
"""A font from another site, which the picture does without."""

HIDE_CURSOR = "\x1b[?25l"
NEXT_FRAME = re.compile(r"\r\x1b\[2K(?:\x1b\[1A\x1b\[2K)*")


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = subprocess.run(
            [sys.executable, "-m", "backpass", "sample", "housing"], check=True, stdout=subprocess.PIPE
        ).stdout
        (folder / "housing.csv").write_bytes(table)
        arguments = ["fit", "housing.csv", "--target", TARGET, "--report", "housing.html"]
        said = said_by(folder, [sys.executable, "-m", "backpass", *arguments])
        draw_terminal(" ".join(["backpass", *arguments]), said, PICTURES / "fit.svg")
        photograph(folder / "housing.html", folder / "profile", PICTURES / "report.png")
    for path in sorted(PICTURES.iterdir()):
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes")


def said_by(folder: Path, command: list[str]) -> str:
    """What a command writes to a terminal, as the tests' own one takes it down."""
    sys.path.append(str(ROOT / "tests" / "cli"))
    from terminal import on_a_terminal

    surroundings = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    code, _, said = on_a_terminal(command, folder, surroundings, rows=40, columns=COLUMNS)
    if code != 0:
        raise SystemExit(said)
    return said


def draw_terminal(command: str, said: str, path: Path) -> None:
    """The terminal at one moment of the run, as SVG."""
    from rich.console import Console
    from rich.text import Text

    before, _, after = said.partition(HIDE_CURSOR)
    frames = NEXT_FRAME.split(after.partition("\x1b[?25h")[0])
    moment = frames[int(SHOWN * len(frames))]
    console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w"), force_terminal=True)  # noqa: SIM115
    console.print(Text.from_ansi(f"$ {command}\n{before}{moment}".replace("\r\n", "\n").rstrip()))
    picture = console.export_svg(title="backpass fit", unique_id="backpass")
    path.write_text(REMOTE_FONT.sub("", picture), encoding="utf-8")


def photograph(page: Path, profile: Path, path: Path) -> None:
    """The upper part of a page, as the tests' own browser shows it."""
    sys.path.append(str(ROOT / "tests"))
    from chromium import Browser

    with Browser(profile) as browser:
        browser.open(page, 1280)
        if browser.complaints:
            raise SystemExit("\n".join(browser.complaints))
        browser.screenshot(path, height=1565)


if __name__ == "__main__":
    main()

"""What the tests of the command line share: two ways to run it, small tables, and models fitted on them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from backpass.cli import main

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.append(HERE)

QUICK = ("--hidden", "8", "--epochs", "3", "--validation-fraction", "0.16")


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.out.count("\n") == 1, "one object on one line"
        return json.loads(self.out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def checked(code: int, out: str, err: str) -> Outcome:
    """Whatever happens, people see neither tracebacks nor warnings of libraries."""
    assert "Traceback" not in err + out, err
    assert "Warning:" not in err + out, err  # a warning of Python
    assert "internal error in backpass" not in err, err
    return Outcome(code, out, err)


def environment(**changes: str | None) -> dict[str, str]:
    """The tests' surroundings, with variables set, or removed (None)."""
    changed = {**os.environ, "OPENBLAS_NUM_THREADS": "1", **changes}
    return {name: value for name, value in changed.items() if value is not None}


@pytest.fixture(scope="session")
def process() -> Callable[..., Outcome]:
    """Run the command in a process of its own."""

    def run(*arguments: str, cwd: Path, stdin: bytes = b"", **changes: str | None) -> Outcome:
        done = subprocess.run(
            [sys.executable, "-m", "backpass", *arguments],
            cwd=cwd,
            input=stdin,
            env=environment(**changes),
            capture_output=True,
            timeout=60,
        )
        return checked(done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8", "replace"))

    return run


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run the command in this process, in an empty folder: quicker."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Outcome:
        capsys.readouterr()
        code = main(list(map(str, arguments)))
        captured = capsys.readouterr()
        return checked(code, captured.out, captured.err)

    return run


def rows(count: int) -> Iterator[tuple[int, float, str, str]]:
    """Numbers that follow a rule, with a text and a gap now and then."""
    for i in range(count):
        a = (i * 37 % 101) / 10.0
        b = "" if i % 11 == 3 else str((i * 53 % 89) / 7.0)
        yield i, a, b, ("red", "green", "blue")[i % 3]


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of small tables, and the models fitted on them: numbers, pets (two classes), kinds (three)."""
    folder = tmp_path_factory.mktemp("tables")
    numbers, pets, kinds = ["size,age,colour,price"], ["size,age,colour,pet"], ["size,age,colour,kind"]
    for i, a, b, colour in rows(120):
        numbers.append(f"{a},{b},{colour},{round(2 * a + (i % 3) + float(b or 5) / 9, 3)}")
        pets.append(f"{a},{b},{colour},{'cat' if a > 5 else 'dog'}")
        kinds.append(f"{a},{b},{colour},{'low' if a < 3 else 'mid' if a < 7 else 'high'}")
    for name, target, lines in (("numbers", "price", numbers), ("pets", "pet", pets), ("kinds", "kind", kinds)):
        table = folder / f"{name}.csv"
        table.write_text("\n".join(lines) + "\n")
        arguments = ["fit", str(table), "-t", target, "-o", str(folder / f"{name}.backpass"), "-q", *QUICK]
        assert main(arguments) == 0
    return folder

"""Files that several processes use at once: readers see one whole file, and a loaded model needs its file no more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import backpass
from backpass.errors import ModelFileError
from backpass.model.file.container import unpack
from backpass.model.file.storage import read_file, write_atomically

FIT: dict[str, Any] = {"hidden": (4,), "epochs": 1}
COLUMNS = {"x": [float(i % 17) for i in range(40)], "y": [float(i * i % 23) for i in range(40)]}

WRITER = """
import sys
from backpass.model.file.storage import write_atomically
print("ready", flush=True)
for i in range(int(sys.argv[2])):
    write_atomically(sys.argv[1], sys.argv[3].encode() * (100_000 + int(sys.argv[4])))
"""


def started(path: Path, letter: str, more: int) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), "40", letter, str(more)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_two_processes_save_to_one_path(tmp_path: Path) -> None:
    """The last one wins, and whoever reads meanwhile has one of them whole."""
    path = tmp_path / "m.backpass"
    whole = {b"a" * 100_001, b"b" * 100_002}
    write_atomically(path, b"a" * 100_001)
    writers = [started(path, "a", 1), started(path, "b", 2)]
    reads = 0
    while any(writer.poll() is None for writer in writers) or not reads:
        assert read_file(path) in whole
        reads += 1
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    assert read_file(path) in whole
    assert os.listdir(tmp_path) == ["m.backpass"]


@pytest.mark.parametrize("how", ["saved over", "cut to nothing", "overwritten in place", "deleted"])
def test_a_loaded_model_does_not_need_its_file(tmp_path: Path, how: str) -> None:
    """No part of it is read later or mapped: what others do to the file reaches no number."""
    path = tmp_path / "m.backpass"
    backpass.fit(COLUMNS, "y", task="regression", **FIT).save(path)
    loaded = backpass.load(path)
    before = loaded.to_bytes()
    match how:
        case "saved over":
            backpass.fit(COLUMNS, "y", task="regression", seed=1, **FIT).save(path)
        case "cut to nothing":
            os.truncate(path, 0)
        case "overwritten in place":
            with path.open("r+b") as file:
                file.write(b"\xff" * path.stat().st_size)
        case _:
            path.unlink()
    assert loaded.to_bytes() == before
    assert len(loaded.predict(COLUMNS)) == 40


RUN = """
import sys
import backpass, backpass.model.fitting.fit_problem as fitting

fitting.SECONDS = 0.0
columns = {"x": [i % 17 for i in range(200)], "y": [i * i % 23 for i in range(200)]}
backpass.fit(columns, "y", task="regression", preset="plain", hidden=(64,), epochs=60, checkpoint=sys.argv[1])
"""


def test_at_every_moment_of_a_run_there_is_a_whole_checkpoint(tmp_path: Path) -> None:
    """Another process looks all the time: from the first checkpoint on, what lies there can be resumed."""
    path = tmp_path / "run.checkpoint"
    run = subprocess.Popen([sys.executable, "-c", RUN, str(path)], stderr=subprocess.PIPE)
    seen = set()
    while run.poll() is None:
        try:
            data = read_file(path)
        except ModelFileError:
            assert not seen, "it was there before"
            continue
        facts, _ = unpack(data, "checkpoint", path.name)
        seen.add(facts["runs"][0]["step"])  # type: ignore[call-overload, index]
    said = run.communicate()[1]
    assert run.returncode == 0, said
    assert len(seen) > 1
    assert os.listdir(tmp_path) == ["run.checkpoint"]

"""How a job of several processes ends early: nothing hangs, and the checkpoint continues to the same bytes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from backpass.model import fit

pytest.importorskip("mpi4py")

HERE = Path(__file__).parent
MPIEXEC = Path(sys.executable).parent / "mpiexec"
sys.path.append(str(HERE))
FITS: Any = import_module("fits")


def ended(how: str, what: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [MPIEXEC, "-n", "2", sys.executable, "-m", "mpi4py", HERE / "ends.py", how, what, folder]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], bytes]:
    """The model file of an uninterrupted fit of one process."""

    @cache
    def of(what: str) -> bytes:
        path = tmp_path_factory.mktemp("whole") / "model.backpass"
        fit(FITS.rows(), "y", **getattr(FITS, what)).save(path)
        return path.read_bytes()

    return of


@pytest.mark.parametrize("what", ["LONG", "SHARDED"])
def test_a_signal_to_one_process_ends_all_and_the_run_goes_on(
    what: str, tmp_path: Path, whole: Callable[[str], bytes]
) -> None:
    done = ended("signal", what, tmp_path)
    assert done.returncode == 0, done.stderr
    for rank in range(2):
        assert "interrupted after" in (tmp_path / f"stopped.{rank}").read_text()
        assert (tmp_path / f"resumed.{rank}.backpass").read_bytes() == whole(what)


def test_a_killed_process_ends_all_and_the_checkpoint_goes_on_in_one(
    tmp_path: Path, whole: Callable[[str], bytes]
) -> None:
    assert ended("kill", "LONG", tmp_path).returncode != 0
    assert not (tmp_path / "stopped.0").exists()
    model = fit(FITS.rows(), "y", resume_from=tmp_path / "run.checkpoint", **FITS.LONG)
    model.save(tmp_path / "model.backpass")
    assert (tmp_path / "model.backpass").read_bytes() == whole("LONG")


def test_an_exception_of_one_process_ends_all(tmp_path: Path) -> None:
    done = ended("error", "SHARDED", tmp_path)
    assert done.returncode != 0
    assert "planted in process 0" in done.stderr

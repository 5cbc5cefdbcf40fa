"""How a job of several processes ends early: nothing hangs, and the checkpoint continues to the same bytes."""

from __future__ import annotations

import subprocess
import sys
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


def ended(how: str, folder: Path, count: int) -> subprocess.CompletedProcess[str]:
    command = [MPIEXEC, "-n", str(count), sys.executable, "-m", "mpi4py", HERE / "ends.py", how, folder]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The model file of the uninterrupted fit of one process."""
    path = tmp_path_factory.mktemp("whole") / "model.backpass"
    fit(FITS.rows(), "y", **FITS.LONG).save(path)
    return path.read_bytes()


def test_a_signal_to_one_process_ends_all_and_the_run_goes_on(tmp_path: Path, whole: bytes) -> None:
    done = ended("signal", tmp_path, 3)
    assert done.returncode == 0, done.stderr
    for rank in range(3):
        assert "interrupted after" in (tmp_path / f"stopped.{rank}").read_text()
        assert (tmp_path / f"resumed.{rank}.backpass").read_bytes() == whole


def test_a_killed_process_ends_all_and_the_checkpoint_goes_on_in_one(tmp_path: Path, whole: bytes) -> None:
    assert ended("kill", tmp_path, 2).returncode != 0
    assert not (tmp_path / "stopped.0").exists()
    model = fit(FITS.rows(), "y", resume_from=tmp_path / "run.checkpoint", **FITS.LONG)
    model.save(tmp_path / "model.backpass")
    assert (tmp_path / "model.backpass").read_bytes() == whole


def test_an_exception_of_one_process_ends_all(tmp_path: Path) -> None:
    done = ended("error", tmp_path, 2)
    assert done.returncode != 0
    assert "planted in process 0" in done.stderr

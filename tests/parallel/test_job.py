"""The command line in several processes: one of them speaks, errors end all, and refused is what cannot work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from backpass.cli import main
from backpass.cli.job.launch import launch
from backpass.errors import UsageError
from backpass.training.processes.mpi import world

pytest.importorskip("mpi4py")

MPIEXEC = str(Path(sys.executable).parent / "mpiexec")
FIT = ("--hidden", "4", "--epochs", "2", "--ensemble-size", "2", "--quiet")


def backpass(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "mpi4py", "-m", "backpass", *arguments]


def run(command: list[str], cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    surroundings = {**os.environ, **variables}
    return subprocess.run(command, cwd=cwd, check=False, capture_output=True, text=True, timeout=300, env=surroundings)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two tables that differ in one number."""
    lines = [f"{i},{(7 * i) % 11},{i % 5}" for i in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["a,b,y", *lines]))
    (tmp_path / "other.csv").write_text("\n".join(["a,b,y", *lines[:-1], "39,9,3"]))
    return tmp_path


def test_workers_write_the_model_of_one_process(folder: Path) -> None:
    one = run(backpass("fit", "t.csv", "-t", "y", "-o", "one.backpass", *FIT), folder)
    two = run(backpass("fit", "t.csv", "-t", "y", "-o", "two.backpass", *FIT, "--json", "--workers", "2"), folder)
    assert (one.returncode, two.returncode) == (0, 0), one.stderr + two.stderr
    assert (folder / "one.backpass").read_bytes() == (folder / "two.backpass").read_bytes()
    assert two.stdout.count("\n") == 1, "process 0 alone prints the JSON object"


def test_processes_with_different_rows_are_refused(folder: Path) -> None:
    first, second = (backpass("fit", name, "-t", "y", "-o", "m.backpass", *FIT) for name in ("t.csv", "other.csv"))
    done = run([MPIEXEC, "-n", "1", *first, ":", "-n", "1", *second], folder)
    assert done.returncode == 3
    assert "error: the processes do not train the same network on the same rows; compared with process 0" in done.stderr
    assert "process 1 of 2" in done.stderr
    assert "the rows (their values, their order or their split) differ" in done.stderr
    assert not (folder / "m.backpass").exists()


def test_processes_that_stream_different_files_are_refused(folder: Path) -> None:
    for name, offset in (("t", 0.0), ("other", 1e9)):
        data = {"x": [offset + i for i in range(500)], "y": [i % 7 for i in range(500)]}
        pq.write_table(pa.table(data), folder / name)
    first, second = (backpass("fit", name, "-t", "y", "-o", "m.backpass", "--stream", *FIT) for name in ("t", "other"))
    done = run([MPIEXEC, "-n", "1", *first, ":", "-n", "1", *second], folder)
    assert done.returncode == 3
    assert "the files (their columns, their rows or how these are stored) differ" in done.stderr


def test_a_damaged_row_group_is_named_and_nothing_is_left(folder: Path) -> None:
    path, scratch = folder / "t.parquet", folder / "scratch"
    scratch.mkdir()
    pq.write_table(pa.table({"x": range(500), "y": [i % 7 for i in range(500)]}), path, row_group_size=100)
    group = pq.ParquetFile(path).metadata.row_group(3).column(0)
    damaged = bytearray(path.read_bytes())
    begin = group.dictionary_page_offset or group.data_page_offset
    damaged[begin : begin + 50] = b"\xff" * 50
    path.write_bytes(damaged)
    arguments = ("fit", "t.parquet", "-t", "y", "-o", "m.backpass", "--stream", "--workers", "2", *FIT)
    done = run(backpass(*arguments), folder, TMPDIR=str(scratch))
    assert done.returncode == 3
    assert "t.parquet: row group 4 of 5 is damaged" in done.stderr
    assert not [*scratch.iterdir()]


@pytest.mark.parametrize(
    ("error", "text", "hint"),
    [
        (ImportError("no module"), "several processes need mpi4py and an MPI library (no module)", "backpass[mpi]"),
        (RuntimeError("tried a, b"), "several processes need an MPI library, and mpi4py finds none", "mpich"),
    ],
)
def test_what_is_missing_is_named(error: Exception, text: str, hint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Missing:
        def __getattr__(self, name: str) -> object:
            raise error

    monkeypatch.setitem(sys.modules, "mpi4py", Missing())
    with pytest.raises(UsageError) as refused:
        world()
    assert refused.value.message == text
    assert hint in refused.value.hint


def test_an_error_of_one_process_ends_the_others(folder: Path) -> None:
    first, second = (backpass("fit", name, "-t", "y", "-o", "m.backpass", *FIT) for name in ("t.csv", "missing.csv"))
    done = run([MPIEXEC, "-n", "1", *first, ":", "-n", "1", *second], folder)
    assert done.returncode == 3
    assert "error: process 1 of 2 on " in done.stderr
    assert "missing.csv: there is no such file" in done.stderr


def test_the_exit_code_of_an_error_is_not_that_of_the_processes_it_ends(folder: Path) -> None:
    settings = ("--ensemble-size", "1", "--shards", "2", "--workers", "3", "--hidden", "4", "--quiet")
    done = run(backpass("fit", "t.csv", "-t", "y", "-o", "m.backpass", *settings), folder)
    assert done.returncode == 2, done.stderr
    assert "error: 3 processes cannot divide one network of 2 shards" in done.stderr
    assert "was killed" not in done.stderr


ENDED = """
import signal
from unittest.mock import Mock

from backpass.cli.job import membership
from backpass.cli.termination import terminable

membership.time = Mock(sleep=lambda seconds: signal.raise_signal(signal.SIGTERM))
with terminable():
    membership.Membership(Mock(rank=1)).fail(print)
"""


def test_a_process_that_is_ended_while_another_reports_the_error_says_nothing(folder: Path) -> None:
    done = run([sys.executable, "-c", ENDED], folder)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGTERM, "", "")


def test_the_launcher_may_start_more_processes_than_cores_and_binds_none(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Open MPI would refuse the former and bind each process to one core."""
    mpiexec = folder / "mpiexec"
    mpiexec.write_text(f"#!/bin/sh\nenv > {folder}/variables\n")
    mpiexec.chmod(0o700)
    monkeypatch.setattr("backpass.cli.job.launch._mpiexec", lambda: str(mpiexec))
    monkeypatch.setenv("PRTE_MCA_hwloc_default_binding_policy", "core")
    assert launch(64, ["fit", "t.csv"]) == 0
    variables = (folder / "variables").read_text().splitlines()
    assert "PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe" in variables
    assert "OMPI_MCA_hwloc_base_binding_policy=none" in variables
    assert "PRTE_MCA_hwloc_default_binding_policy=core" in variables, "what the user sets stays"


LOST = """
from unittest.mock import Mock

from backpass.cli.job.membership import Membership
from backpass.errors import ResourceError
from mpi4py import MPI

try:
    with Membership(Mock(rank=0)).running():
        raise MPI.Exception(MPI.ERR_OTHER)
except ResourceError as error:
    print(error)
"""


def test_an_error_of_mpi_is_a_lost_connection_and_no_bug(folder: Path) -> None:
    """MPICH reports one if another process is killed and it has not ended this one yet."""
    done = run([sys.executable, "-c", LOST], folder)
    assert "the connection to another process of the job was lost (" in done.stdout, done.stderr
    assert "can be resumed" in done.stdout


FULL_DISK = """
import resource
from unittest.mock import Mock

from backpass.cli.job.membership import Membership

resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
Membership(Mock(rank=0)).fail(lambda name: 5)
"""


def test_a_full_disk_does_not_hide_the_exit_code(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mpiexec = folder / "mpiexec"
    mpiexec.write_text(f"#!/bin/sh\n{sys.executable} -c '{FULL_DISK}'\nexit 9\n")
    mpiexec.chmod(0o700)
    monkeypatch.setattr("backpass.cli.job.launch._mpiexec", lambda: str(mpiexec))
    assert launch(2, ["fit", "t.csv"]) == 5


def test_other_commands_are_refused(folder: Path) -> None:
    done = run([MPIEXEC, "-n", "2", *backpass("inspect", "t.csv")], folder)
    assert done.returncode == 2
    assert "error: backpass inspect runs in one process; it was started in 2" in done.stderr
    assert not done.stdout


def test_a_launcher_of_another_mpi_is_named(folder: Path) -> None:
    done = run(backpass("fit", "t.csv", "-t", "y", *FIT), folder, PMI_SIZE="3")
    assert done.returncode == 2
    assert "the launcher has started 3 processes, but MPI connects 1" in done.stderr


@pytest.mark.parametrize(
    ("table", "workers", "text"),
    [
        ("-", "2", "several processes cannot read standard input"),
        ("t.csv", "0", "--workers must be a whole number of at least 1; got '0'"),
    ],
)
def test_what_cannot_work_is_refused(
    table: str, workers: str, text: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fit", table, "-t", "y", "-o", str(folder / "m.backpass"), "--workers", workers]) == 2
    assert text in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "variables", "text"),
    [
        (("--workers", "2"), {}, "--workers needs mpi4py, which is not installed"),
        ((), {"OMPI_COMM_WORLD_SIZE": "2"}, "several processes need mpi4py and an MPI library"),
    ],
)
def test_a_missing_mpi4py_is_named(
    arguments: tuple[str, ...],
    variables: dict[str, str],
    text: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert main(["fit", str(folder / "t.csv"), "-t", "y", "-o", str(folder / "m.backpass"), *arguments]) == 2
    printed = capsys.readouterr().err
    assert text in printed
    assert "hint: pip install 'backpass[mpi]'" in printed

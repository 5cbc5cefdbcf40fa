"""Launch: ``--workers`` starts a command again in several processes on this machine, by ``mpiexec``."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from backpass.errors import ResourceError, UsageError
from backpass.training.processes.mpi import INSTALL

FAILURE = "BACKPASS_FAILURE"
"""The variable that names a file. The process that fails first adds its exit code to the name, which needs no room on a
full disk, and the others no longer find the file."""

KILLED = 128 + 9
"""The exit code of a process that SIGKILL has ended; mpiexec of MPICH says 9."""

OPEN_MPI = {
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "PRTE_MCA_hwloc_default_binding_policy": "none",
    "OMPI_MCA_rmaps_base_oversubscribe": "true",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
}
"""What Open MPI 5 (PRTE) and 4 (OMPI) read, so that they start processes as MPICH does: more than there are cores, if
so many are requested, and not bound to one core each, which would leave each a single thread. Others ignore it."""


def launch(workers: int, arguments: Sequence[str]) -> int:
    """Run the command line in so many processes and return its exit code.

    The first Ctrl-C, SIGTERM or SIGHUP reaches every process as SIGUSR1, which ``mpiexec`` passes on: training stops
    after the current step and its checkpoint is saved. A second one ends all processes at once.

    Args:
        workers: The number of processes.
        arguments: The arguments of ``backpass``.

    Raises:
        UsageError: mpi4py or mpiexec is missing.
        ResourceError: A process was killed.
    """
    program = [sys.executable, "-m", "mpi4py", "-m", "backpass", *arguments]
    command = [_mpiexec(), "-n", str(workers), *program]
    with tempfile.TemporaryDirectory(prefix="backpass-", ignore_cleanup_errors=True) as folder:
        failure = Path(folder, "failure")
        failure.touch()
        # Temporary files go there, too, so that those of a process that another one ends are removed.
        surroundings = {**OPEN_MPI, **os.environ, FAILURE: str(failure), "TMPDIR": folder}
        # In a session of its own, so that Ctrl-C reaches it through this process only.
        job = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, env=surroundings)
        with job, _passed_on(job) as received:
            code = job.wait()
        # When one process fails, mpiexec kills the others and may return the code of one of these.
        for renamed in Path(folder).glob("failure.*"):
            code = int(renamed.suffix[1:])
    if received and code in (0, 128 + signal.SIGTERM):
        return 128 + received[0] if code else 0
    if code < 0 or code in (KILLED, KILLED - 128) or code > 128 + signal.SIGTERM:
        raise ResourceError(
            f"a process of the job was killed (exit code {code}); the others were stopped",
            hint="memory may have run out; a run with --checkpoint FILE can be resumed with --resume FILE",
        )
    return code


def _mpiexec() -> str:
    """The path of mpiexec: that beside the interpreter, where packages install it, or else that of the system.

    Raises:
        UsageError: It is missing, or mpi4py is.
    """
    if find_spec("mpi4py") is None:
        raise UsageError("--workers needs mpi4py, which is not installed", hint=INSTALL)
    installed = shutil.which("mpiexec", path=str(Path(sys.executable).parent))
    if (found := installed or shutil.which("mpiexec")) is None:
        raise UsageError(
            "--workers needs mpiexec, which is not on the PATH", hint="pip install mpich, or load the cluster's MPI"
        )
    return found


@contextmanager
def _passed_on(job: subprocess.Popen[bytes]) -> Iterator[list[int]]:
    """Within the context, signals are passed on to a job; the context is the list of those received."""
    received: list[int] = []

    def pass_on(number: int, frame: Any) -> None:
        received.append(number)
        job.send_signal(signal.SIGUSR1 if len(received) == 1 else signal.SIGTERM)

    numbers = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    before = {
        number: signal.signal(number, pass_on) for number in numbers if signal.getsignal(number) != signal.SIG_IGN
    }
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

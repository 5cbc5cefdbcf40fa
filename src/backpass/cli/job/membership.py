"""Membership: this process as one of the processes of a job that ``mpiexec`` or ``srun`` has started.

Process 0 prints and writes. An error of any process ends all of them.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress

from backpass.cli.job.launch import FAILURE
from backpass.dataclass import dataclass
from backpass.engine.cores import allowed_cores
from backpass.errors import ResourceError, UsageError
from backpass.training.processes.mpi import MpiExchange, world

THREADS = "OMP_NUM_THREADS"
"""The variable that limits the threads of a process."""

GRACE, STAGGER = 0.5, 0.002
"""Seconds that process 0 has to report an error that all processes meet, and those between two other processes."""


@dataclass(frozen=True, slots=True)
class Membership:
    """One of several processes, see ``Job``."""

    exchange: MpiExchange

    @staticmethod
    def of(count: int) -> Membership:
        """Join the job of so many processes.

        Raises:
            UsageError: mpi4py is missing, or belongs to another MPI than the launcher.
        """
        exchange = world()
        if exchange.size != count:
            raise UsageError(
                f"the launcher has started {count} processes, but MPI connects {exchange.size}",
                hint="use the mpiexec of the MPI library that mpi4py loads: python -m mpi4py --mpi-lib-version names "
                "it",
            )
        _share_cores(exchange)
        # Launchers pass SIGUSR1 on to every process; Slurm sends it before the time is up (--signal=USR1@60).
        signal.signal(signal.SIGUSR1, lambda number, frame: signal.raise_signal(signal.SIGTERM))
        return Membership(exchange)

    @contextmanager
    def running(self) -> Iterator[None]:
        with self._lost(), ExitStack() as stack:
            if self.exchange.rank:
                nowhere = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))
                stack.enter_context(redirect_stdout(nowhere))
                stack.enter_context(redirect_stderr(nowhere))
            yield

    @contextmanager
    def _lost(self) -> Iterator[None]:
        """Within the context, an error of MPI is one of the machine: a message can fail before the launcher ends this
        process, because another one was killed or a network is down."""
        from mpi4py import MPI

        try:
            yield
        except MPI.Exception as error:
            raise ResourceError(
                f"the connection to another process of the job was lost ({error.Get_error_string()})",
                hint="it may have been killed; a run with --checkpoint FILE can be resumed with --resume FILE",
            ) from error

    def fail(self, report: Callable[[str], int]) -> int:
        # Open MPI ends processes by SIGTERM when another one has reported its error: that is no error of this one.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        # An error that all processes meet, such as a missing column, is reported once: by process 0, whose end ends
        # the others while they wait.
        if self.exchange.rank:
            time.sleep(GRACE + STAGGER * self.exchange.rank)
        code = report(f"{self.exchange.name}: " if self.exchange.rank else "")
        for stream in filter(None, (sys.stdout, sys.stderr)):
            with suppress(OSError, ValueError):
                stream.flush()
        if FAILURE in os.environ:
            with suppress(OSError):
                os.rename(os.environ[FAILURE], f"{os.environ[FAILURE]}.{code}")
        self.exchange.abort(code)
        return code

    def leave(self, code: int) -> int:
        # The code of the job is that of process 0; to a launcher, one of another process would mean a failure.
        self.exchange.close()
        return 0 if self.exchange.rank else code


def _share_cores(exchange: MpiExchange) -> None:
    """Limit the threads of this process to its share of the cores, unless the user or the launcher has done so."""
    if THREADS in os.environ:
        return
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    own = (exchange.machine, cores)
    same = exchange.share(own).count(own)  # processes that are bound to cores of their own differ
    os.environ[THREADS] = str(max(allowed_cores().threads // same, 1))

"""Launcher: what the environment says about ``mpiexec`` or ``srun``, and the job of a process that none has started.

It is imported with every command, so it imports nothing heavy; ``membership`` has the job of several processes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from backpass.training.processes.exchange import Exchange

SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS")
"""The variables in which launchers say how many processes they have started: MPICH, Open MPI, srun."""

RANKS = ("PMI_RANK", "OMPI_COMM_WORLD_RANK", "SLURM_PROCID")
"""The variables in which they say which of them this one is."""

JOB = "backpass.job"
"""The entry of click's ``meta`` that holds the job of the command."""


class Job(Protocol):
    """The processes that run a command together."""

    @property
    def exchange(self) -> Exchange:
        """How they communicate."""

    def running(self) -> AbstractContextManager[object]:
        """Within the context, only one process prints.

        Raises:
            ResourceError: The connection to another process was lost.
        """

    def fail(self, report: Callable[[str], int]) -> int:
        """Report an error of this process, and end all processes.

        Args:
            report: Prints the error, prefixed with the name of the process, and returns the exit code.
        """

    def leave(self, code: int) -> int:
        """End this process's part, when the others have come to their end, too; return its exit code."""


class Alone:
    """The job of one process, see ``Job``."""

    @property
    def exchange(self) -> Exchange:
        from backpass.training.processes.exchange import SOLO

        return SOLO

    def running(self) -> AbstractContextManager[object]:
        return nullcontext()

    def fail(self, report: Callable[[str], int]) -> int:
        # Processes that a launcher has started, but that could not find each other, meet the same error.
        return report("") if variable(RANKS, 0) == 0 or launched() == 1 else 2

    def leave(self, code: int) -> int:
        return code


def launched() -> int:
    """The number of processes that a launcher has started, this one among them; 1 without a launcher."""
    return variable(SIZES, 1)


def variable(names: Sequence[str], default: int) -> int:
    """The first of the environment variables that holds a whole number."""
    texts = [os.environ.get(name, "") for name in names]
    return next((int(text) for text in texts if text.isdecimal()), default)


def joined() -> Job:
    """The job that this process belongs to.

    Raises:
        UsageError: mpi4py is missing, or belongs to another MPI than the launcher.
    """
    if launched() <= 1:
        return Alone()
    from backpass.cli.job.membership import Membership

    return Membership.of(launched())

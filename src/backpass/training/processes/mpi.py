"""MPI: the exchange of processes that ``mpiexec`` or ``srun`` has started (mpi4py, an extra).

Messages are pickled Python objects; only processes of one job send them.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.errors import UsageError
from backpass.training.processes.exchange import SOLO, Exchange

_SUMS = 32_000  # the tag of sums; those of messages are the numbers of their channels

INSTALL = "pip install 'backpass[mpi]'"


class MpiExchange(Exchange):
    """The processes of an MPI communicator, see ``Exchange``.

    Args:
        comm: The communicator, for example ``MPI.COMM_WORLD``. Messages go through a duplicate of it, so that they
            never meet those of the caller.
    """

    def __init__(self, comm: Any) -> None:
        super().__init__()
        self.rank, self.size = int(comm.Get_rank()), int(comm.Get_size())
        self._comm = comm.Dup()
        self._sending: list[Any] = []
        self._lock = threading.Lock()
        self._groups: dict[int, MpiExchange] = {}

    @property
    def name(self) -> str:
        return f"{super().name} on {self.machine}"

    @property
    def machine(self) -> str:
        """The name of the machine that this process runs on."""
        from mpi4py import MPI

        return str(MPI.Get_processor_name())

    def post(self, message: Any, to: int, channel: int) -> None:
        with self._lock:
            # A request keeps its message alive until it is sent.
            self._sending = [each for each in self._sending if not each.Test()]
            self._sending.append(self._comm.isend(message, dest=to, tag=channel))

    def collect(self, channel: int) -> list[tuple[int, Any]]:
        from mpi4py import MPI

        found = []
        status = MPI.Status()
        with self._lock:
            while (waiting := self._comm.improbe(MPI.ANY_SOURCE, channel, status)) is not None:
                found.append((int(status.Get_source()), waiting.recv()))
        return found

    def all_reduce(self, buffer: NDArray[Any]) -> None:
        """See ``Exchange``. Each process sends and receives 2 (size - 1) / size vectors in 2 log2(size) messages.

        Recursive halving gives each process the sum of one piece of the vector, recursive doubling all pieces to all.

        Source: Rabenseifner 2004, Optimization of collective reduction operations, section 4.
        """
        if self.size & (self.size - 1):
            raise UsageError(f"the sum over {self.size} processes: their number must be a power of two")
        began = time.perf_counter()
        low, high, distance, halves = 0, len(buffer), 1, list[tuple[int, slice, slice]]()
        received = numpy.empty((high + 1) // 2, buffer.dtype)
        while distance < self.size:
            middle = (low + high) // 2
            pieces = [slice(low, middle), slice(middle, high)]
            upper = bool(self.rank & distance)
            own, others = pieces[upper], pieces[not upper]
            partner = self.rank ^ distance
            room = received[: own.stop - own.start]
            self._swap(buffer[others], room, partner)
            buffer[own] += room
            halves.append((partner, own, others))
            low, high, distance = own.start, own.stop, 2 * distance
        for partner, own, others in reversed(halves):
            self._swap(buffer[own], buffer[others], partner)
        self.waited += time.perf_counter() - began

    def _swap(self, sent: NDArray[Any], received: NDArray[Any], partner: int) -> None:
        self._comm.Sendrecv(sent, partner, _SUMS, received, partner, _SUMS)

    def group(self, size: int) -> Exchange:
        if size == self.size:
            return self
        if size not in self._groups:
            self._groups[size] = MpiExchange(self._comm.Split(self.rank // size, self.rank))
        return self._groups[size]

    def release(self) -> None:
        for each in self._groups.values():
            each.release()
        for request in self._sending:
            request.wait()
        self._comm.Free()

    def abort(self, code: int) -> None:
        """End all processes at once."""
        self._comm.Abort(code)

    def close(self) -> None:
        """Wait until every process calls it, and end MPI: whatever the exit code, no process ends another."""
        from mpi4py import MPI

        self.share(None)
        for request in self._sending:
            request.wait()
        MPI.Finalize()


def exchange_of(comm: Any) -> Exchange:
    """The exchange of the processes of an mpi4py communicator; that of a single process for None.

    Raises:
        UsageError: It is none.
    """
    if comm is not None and not hasattr(comm, "Get_size"):
        raise UsageError(
            f"comm must be a communicator of mpi4py; got {comm!r}", hint="such as mpi4py.MPI.COMM_WORLD; None: no MPI"
        )
    return SOLO if comm is None or comm.Get_size() == 1 else MpiExchange(comm)


def world() -> MpiExchange:
    """The exchange of all processes of the job.

    Raises:
        UsageError: mpi4py or the MPI library is missing.
    """
    try:
        from mpi4py import MPI
    except ImportError as error:
        raise UsageError(f"several processes need mpi4py and an MPI library ({error})", hint=INSTALL) from None
    except RuntimeError:  # its message lists every path that was tried
        raise UsageError(
            "several processes need an MPI library, and mpi4py finds none",
            hint="pip install mpich, or load the cluster's MPI",
        ) from None
    return MpiExchange(MPI.COMM_WORLD)

"""Exchange: messages and sums between the processes that train together.

Every process runs the same program on the same rows. ``Exchange`` is the interface, ``Solo`` the one of a single
process; ``mpi`` has the one of several. What the messages mean is up to the caller.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy
from numpy.typing import NDArray

PAUSE = 0.002
"""Seconds between two looks for a message; a process that waits leaves its core to the others."""

_SHARED = 0  # the channel of share()


class Exchange(ABC):
    """The processes that train together, from the point of view of one of them.

    Attributes:
        rank: The number of this process, from 0.
        size: The number of processes.
        waited: The seconds that sums have taken so far, mostly waiting for other processes.
    """

    rank: int
    size: int
    waited: float = 0.0

    def __init__(self) -> None:
        self._channels = _SHARED

    @abstractmethod
    def post(self, message: Any, to: int, channel: int) -> None:
        """Send a message to another process, without waiting for it."""

    @abstractmethod
    def collect(self, channel: int) -> list[tuple[int, Any]]:
        """The messages received so far, as (sender, message); messages of one sender keep their order."""

    @abstractmethod
    def all_reduce(self, buffer: NDArray[Any]) -> None:
        """Replace a vector by the sum of those of all processes, added in a binary tree of neighbors.

        Every process must call it at the same point of the program, with vectors of the same length.

        Raises:
            UsageError: The number of processes is not a power of two.
        """

    @abstractmethod
    def group(self, size: int) -> Exchange:
        """The exchange of this process and its neighbors: processes 0 .. size - 1, size .. 2 size - 1, and so on.

        Every process must call it at the same point of the program.
        """

    @abstractmethod
    def release(self) -> None:
        """Free what belongs to the exchange; every process must call it, and none uses the exchange afterwards."""

    @property
    def name(self) -> str:
        """This process, in an error message."""
        return f"process {self.rank} of {self.size}"

    def open_channel(self) -> int:
        """The number of a new channel. Every process must call it at the same point of the program."""
        self._channels += 1
        return self._channels

    def share(self, value: Any) -> list[Any]:
        """The values of all processes, by rank. Every process must call it at the same point of the program."""
        if self.size == 1:
            return [value]
        if self.rank:
            self.post(value, 0, _SHARED)
            return list(self.wait_for(lambda: [each for _, each in self.collect(_SHARED)])[0])
        values = {0: value}

        def are_complete() -> bool:
            values.update(self.collect(_SHARED))
            return len(values) == self.size

        self.wait_for(are_complete)
        shared = [values[rank] for rank in range(self.size)]
        for rank in range(1, self.size):
            self.post(shared, rank, _SHARED)
        return shared

    def any(self, value: bool) -> bool:
        """Whether a value is true in any process. Every process must call it at the same point of the program."""
        if self.size == 1:
            return value
        count = numpy.array([float(value)])
        self.all_reduce(count)
        return bool(count[0])

    def from_first(self, value: Any) -> Any:
        """The value of process 0. Every process must call it at the same point of the program."""
        return self.share(value if self.rank == 0 else None)[0]

    def wait_for(self, look: Callable[[], Any]) -> Any:
        """Call a function until its result is true, with pauses, and return the result."""
        while not (found := look()):
            time.sleep(PAUSE)
        return found


class Solo(Exchange):
    """A process by itself."""

    rank = 0
    size = 1

    def all_reduce(self, buffer: NDArray[Any]) -> None:
        pass

    def group(self, size: int) -> Exchange:
        return self

    def release(self) -> None:
        pass

    def post(self, message: Any, to: int, channel: int) -> None:
        raise ValueError("there is no other process")

    def collect(self, channel: int) -> list[tuple[int, Any]]:
        return []


SOLO = Solo()

"""Table: the rows that runs train on, copied to the device once and shared by all runs that have the same array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.engine.jax.device import Device

Arrays = Sequence[NDArray[Any]]


class DeviceTable:
    """Copies of the latest arrays on the device. Mutable.

    All arrays at one place among the arguments of a step are joined along their rows: a run reads its own by adding an
    offset to its row numbers.

    Args:
        device: The device.
        dtypes: The dtype of the arrays at each place.
    """

    def __init__(self, device: Device, dtypes: Sequence[numpy.dtype[Any]]) -> None:
        self.device, self.dtypes = device, dtypes
        self._arrays: list[list[NDArray[Any]]] = []
        self._copies: list[Any] = []

    def hold(self, runs: Sequence[Arrays]) -> list[Any]:
        """The joined arrays on the device; they are copied only if an array is new, and the old ones are let go then.

        Args:
            runs: The arrays of each run.
        """
        if not self._arrays or any(self._offset(p, a) is None for run in runs for p, a in enumerate(run)):
            self._arrays = [list({id(a): a for a in several}.values()) for several in zip(*runs, strict=True)]
            self._copies = []  # before the new ones are made: both may not fit
            self._copies = [
                self._joined(several, dtype) for several, dtype in zip(self._arrays, self.dtypes, strict=True)
            ]
        return self._copies

    def offsets(self, run: Arrays) -> NDArray[numpy.int32]:
        """The row at which each array of a run begins: (arrays,)"""
        return numpy.array([self._offset(p, a) for p, a in enumerate(run)], numpy.int32)

    def _offset(self, place: int, array: NDArray[Any]) -> int | None:
        start = 0
        for each in self._arrays[place]:
            if each is array:
                return start
            start += len(each)
        return None

    def _joined(self, arrays: Arrays, dtype: numpy.dtype[Any]) -> Any:
        rows = sum(len(each) for each in arrays)
        whole = numpy.zeros((_with_room(rows), *arrays[0].shape[1:]), dtype)
        numpy.concatenate(arrays, out=whole[:rows], casting="same_kind")
        return self.device.put(whole)


def _with_room(rows: int) -> int:
    """A number of rows that many tables share, so that programs compiled for one serve others: at most an eighth more.

    >>> [_with_room(n) for n in (1, 15, 17, 1000, 1025)]
    [1, 15, 18, 1024, 1152]
    """
    unit = 1 << max(rows.bit_length() - 4, 0)
    return -(-rows // unit) * unit

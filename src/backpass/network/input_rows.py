"""Input rows: inputs of a network that are read in slices of rows, so that they need not be one array in memory."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray


class InputRows(Protocol):
    """Network inputs (n, d) that are read in slices of rows, such as an array."""

    def __len__(self) -> int: ...
    def __getitem__(self, rows: slice, /) -> NDArray[Any]: ...

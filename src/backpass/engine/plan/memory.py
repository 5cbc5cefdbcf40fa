"""Arena layout: values that are never needed at the same time share memory."""

from __future__ import annotations

from collections.abc import Sequence

from backpass.dataclass import dataclass

ALIGNMENT = 64  # bytes: a cache line, and an AVX-512 vector


@dataclass(frozen=True, slots=True)
class Need:
    """A value that occupies memory.

    Attributes:
        size: The size in bytes.
        first: The first time at which it is needed.
        last: The last time, inclusive.
    """

    size: int
    first: int
    last: int


def lay_out(needs: Sequence[Need]) -> tuple[list[int], int]:
    """Assign an offset to each need: the largest first, each at the lowest free offset.

    Returns:
        The offsets, and the size of the arena.

    >>> lay_out([Need(100, 0, 1), Need(64, 1, 2), Need(128, 2, 3)])
    ([0, 128, 0], 192)
    """
    offsets = [0] * len(needs)
    placed: list[int] = []
    for i in sorted(range(len(needs)), key=lambda i: (-needs[i].size, needs[i].first)):
        need = needs[i]
        taken = sorted(
            (offsets[j], offsets[j] + _aligned(needs[j].size))
            for j in placed
            if needs[j].first <= need.last and need.first <= needs[j].last
        )
        offset = 0
        for start, end in taken:
            if offset + _aligned(need.size) <= start:
                break
            offset = max(offset, end)
        offsets[i] = offset
        placed.append(i)
    return offsets, max((offsets[i] + _aligned(need.size) for i, need in enumerate(needs)), default=0)


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT

"""Sampling: the rows that each step reads. Every scheme writes a table of row numbers; schemes differ in nothing else.

Draws are counter-based: the rows of an epoch depend on (seed, epoch) only, so a run can resume anywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.errors import looked_up
from backpass.numerics.philox import integers, permutation, permutations

Rows = NDArray[Any]
_PURPOSE = 0x5A3B_0000
_AT_ONCE = 8192
"""The number of rows, over several epochs, whose orders are drawn at once."""


def epoch_shuffle(n: int, batch_size: int, seed: int, epoch: int) -> tuple[Rows, Rows]:
    """Every row once, in a new random order; the last batch may be smaller.

    Args:
        n: The number of training rows.
        batch_size: The batch size B.
        seed: The seed of the run.
        epoch: The number of the epoch, from 0.

    Returns:
        The rows of each step (steps, B), the last one filled up with zeros, and how many of them it reads (steps,).
    """
    steps = -(-n // batch_size)
    rows = numpy.zeros(steps * batch_size, dtype=numpy.int64)
    rows[:n] = _order(n, seed, epoch)
    return rows.reshape(steps, batch_size), batch_sizes("epoch", n, batch_size)


def epoch_drop_last(n: int, batch_size: int, seed: int, epoch: int) -> tuple[Rows, Rows]:
    """Like ``epoch``, without the incomplete last batch, so that no step depends on a handful of rows.

    Args:
        n: The number of training rows.
        batch_size: The batch size B, at most n.
        seed: The seed of the run.
        epoch: The number of the epoch, from 0.
    """
    steps = n // batch_size
    rows = _order(n, seed, epoch)[: steps * batch_size].copy()
    return rows.reshape(steps, batch_size), numpy.full(steps, batch_size)


def _order(n: int, seed: int, epoch: int) -> Rows:
    """The order of the rows in an epoch; it may be cached, so that callers copy it."""
    count = _AT_ONCE // n
    if count < 2:
        return permutation(seed, epoch, _PURPOSE, n)
    orders: Rows = _orders(n, seed, epoch - epoch % count, count)[epoch % count]
    return orders


@lru_cache(maxsize=16)
def _orders(n: int, seed: int, first: int, count: int) -> Rows:
    """The orders of several epochs, (count, n): for few rows they take about as long as one."""
    return permutations(seed, range(first, first + count), _PURPOSE, n)


def uniform(n: int, batch_size: int, seed: int, epoch: int) -> tuple[Rows, Rows]:
    """Rows drawn uniformly with replacement; one at a time gives CS229 Algorithm 1, (1.4).

    Args:
        n: The number of training rows.
        batch_size: The batch size B.
        seed: The seed of the run.
        epoch: The number of the epoch, from 0.
    """
    steps = -(-n // batch_size)
    rows = integers(seed, epoch, _PURPOSE + 1, steps * batch_size, n)
    return rows.reshape(steps, batch_size), batch_sizes("uniform", n, batch_size)


def minibatch(n: int, batch_size: int, seed: int, epoch: int) -> tuple[Rows, Rows]:
    """B rows without replacement, drawn independently at every step: CS229 Algorithm 2, (1.5).

    Args:
        n: The number of training rows.
        batch_size: The batch size B, at most n.
        seed: The seed of the run.
        epoch: The number of the epoch, from 0.
    """
    steps = -(-n // batch_size)
    rows = [_without_replacement(n, batch_size, seed, epoch * steps + s) for s in range(steps)]
    return numpy.stack(rows), batch_sizes("minibatch", n, batch_size)


def _without_replacement(n: int, batch_size: int, seed: int, draw: int) -> Rows:
    """B distinct rows: the first B distinct values of a stream of uniform draws, or the start of a random order."""
    if 2 * batch_size > n:
        return permutation(seed, draw, _PURPOSE + 2, n)[:batch_size]
    wanted = 2 * batch_size
    while True:
        stream = integers(seed, draw, _PURPOSE + 3, wanted, n)
        first_seen = numpy.sort(numpy.unique(stream, return_index=True)[1])
        if len(first_seen) >= batch_size:
            return stream[first_seen[:batch_size]]
        wanted *= 2


def full_batch(n: int, batch_size: int, seed: int, epoch: int) -> tuple[Rows, Rows]:
    """All rows at every step: gradient descent, CS229 (1.3).

    Args:
        n: The number of training rows.
        batch_size: Has no effect: a step reads all rows.
        seed: Has no effect, as nothing is drawn.
        epoch: Has no effect.
    """
    return numpy.arange(n).reshape(1, n), batch_sizes("full", n, batch_size)


SAMPLINGS: MappingProxyType[str, Callable[[int, int, int, int], tuple[Rows, Rows]]] = MappingProxyType(
    {
        "epoch": epoch_shuffle,
        "epoch_drop_last": epoch_drop_last,
        "uniform": uniform,
        "minibatch": minibatch,
        "full": full_batch,
    }
)
"""Every scheme by name: (n, batch size, seed, epoch) -> rows (steps, B), sizes (steps,)"""


def sampling_named(name: str) -> Callable[[int, int, int, int], tuple[Rows, Rows]]:
    """Look up a sampling scheme by name.

    Args:
        name: A key of ``SAMPLINGS``.

    Raises:
        UsageError: If the name is unknown; the message gives the nearest name.
    """
    return looked_up(SAMPLINGS, name, "sampling")


def batch_sizes(name: str, n: int, batch_size: int) -> Rows:
    """The number of rows that each step of an epoch reads: (steps,)

    This is B, except for the last step of "epoch", which reads the remaining rows, and for "full", which reads all
    rows.

    Args:
        name: A key of ``SAMPLINGS``.
        n: The number of training rows.
        batch_size: The batch size B.
    """
    if name == "full":
        return numpy.array([n])
    sizes = numpy.full(steps_per_epoch(name, n, batch_size), batch_size)
    if name == "epoch":
        sizes[-1] = n - (len(sizes) - 1) * batch_size
    return sizes


def steps_per_epoch(name: str, n: int, batch_size: int) -> int:
    """The number of steps per epoch; the batch size is at most n.

    Args:
        name: A key of ``SAMPLINGS``.
        n: The number of training rows.
        batch_size: The batch size B.
    """
    if name == "epoch_drop_last":
        return n // batch_size
    return 1 if name == "full" else -(-n // batch_size)

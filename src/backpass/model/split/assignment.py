"""Assignment: deals rows to parts of given sizes, without separating the rows of a unit.

It takes an order of the rows, the sizes wanted, the units and the strata (classes) and returns the part of each row. It
draws nothing: everything random is in the order. ``splits`` decides the sizes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backpass.errors import DataError
from backpass.model.split.units import Units
from backpass.numerics.elementary import total, totals

_GREEDY = 5_000
"""The number of units that are dealt one by one; a larger number is balanced enough when dealt by strata."""

Codes = NDArray[np.int64]


def assigned(
    order: Codes,
    sizes: Sequence[int],
    strata: Codes | None = None,
    units: Units | None = None,
    *,
    keeps_first: bool = False,
) -> Codes:
    """The part of each row, int64 (n,).

    Units of several rows are dealt first, the largest before the others, each to the part that then differs least from
    its share of every class. Single rows fill the parts: by strata, or without strata in their order.

    Args:
        order: The rows in a random order.
        sizes: The number of rows wanted for each part; they add up to n.
        strata: The class of each row; None for numbers.
        units: The rows that belong together; None if each row is alone.
        keeps_first: Whether part 0 gets a row of each class before the others do, if it has room for that.

    Raises:
        DataError: There are fewer units than parts.
    """
    parts = np.full(len(order), -1, dtype=np.int64)
    wanted = np.array(sizes, dtype=np.int64)
    if units is not None:
        numbers, counts = units.numbered()
        _check_enough(units, len(counts), wanted)
        if (counts > 1).any():
            _deal_units(parts, order, wanted, strata, numbers, counts)
    single = order[parts[order] < 0]
    left = _left(wanted - np.bincount(parts[parts >= 0], minlength=len(wanted)), len(single))
    if strata is None:
        parts[single] = np.repeat(np.arange(len(wanted)), left)
    else:
        _deal_by_strata(parts, single, left, strata, keeps_first=keeps_first)
    if units is not None:
        _fill_empty(parts, wanted, numbers, counts)
    return parts


def assigned_in_time(order: Codes, sizes: Sequence[int], units: Units) -> Codes:
    """The part of each row by time, int64 (n,): the earliest rows are in part 0, the latest in the last part.

    Rows of one instant stay together, and so do those of one group, which counts with its first row. The sizes are met
    as nearly as that allows.

    Args:
        order: The rows in a random order, for groups that begin at the same instant.
        sizes: The number of rows wanted for each part; they add up to n.
        units: The units, with ranks.

    Raises:
        DataError: There are fewer instants or groups than parts.
    """
    assert units.ranks is not None
    ranks = units.ranks
    if units.are_groups:
        numbers, counts = units.numbered()
        begins = np.full(len(counts), np.iinfo(np.int64).max)
        np.minimum.at(begins, numbers, ranks)
        drawn = np.empty(len(counts), dtype=np.int64)
        drawn[numbers[order[::-1]]] = np.arange(len(order))[::-1]  # the place of the unit's first row in the order
        ranks = np.argsort(np.lexsort((drawn, begins)))[numbers]
    placed = np.sort(ranks)
    cuts = np.flatnonzero(np.diff(placed)) + 1  # where a part may begin
    wanted = np.array(sizes)
    needed = int(np.count_nonzero(wanted))
    if len(cuts) + 1 < needed:
        what = "groups" if units.are_groups else "different times"
        raise DataError(
            f"{needed} splits need at least {needed} {what}; there are {len(cuts) + 1}",
            hint="set --validation-fraction or --test-fraction to 0, or pass their rows in files",
        )
    parts = np.zeros(len(order), dtype=np.int64)
    end = len(order)
    for part in range(len(wanted) - 1, 0, -1):
        if wanted[part]:
            # Each earlier part that has rows needs an instant of its own.
            before = int(np.count_nonzero(wanted[:part]))
            room = cuts[cuts < end][max(before - 1, 0) :]
            end = int(room[np.argmin(np.abs(room - np.add.reduce(wanted[:part])))])
            parts[(ranks >= placed[end]) & (parts == 0)] = part
    return parts


def by_strata(order: Codes, strata: Codes) -> Codes:
    """The rows sorted by stratum, each stratum in the given order."""
    return np.asarray(order[np.argsort(strata[order], kind="stable")])


def _check_enough(units: Units, count: int, wanted: Codes) -> None:
    needed = int(np.count_nonzero(wanted))
    if count < needed:
        what = "group" if units.are_groups else "different row"
        raise DataError(
            f"{needed} splits or folds need at least {needed} {what}s; there {'is' if count == 1 else 'are'} {count}",
            hint="set --validation-fraction or --test-fraction to 0, or pass their rows in files",
        )


def _deal_units(parts: Codes, order: Codes, wanted: Codes, strata: Codes | None, numbers: Codes, counts: Codes) -> None:
    """Deal the units of several rows, the largest first."""
    drawn = np.empty(len(counts), dtype=np.int64)
    drawn[numbers[order[::-1]]] = np.arange(len(order))[::-1]
    classes = np.zeros(len(order), dtype=np.int64) if strata is None else strata
    kinds = int(classes.max()) + 1
    several = np.flatnonzero(counts > 1)
    several = several[np.lexsort((drawn[several], -counts[several]))]
    part_of = np.full(len(counts), -1, dtype=np.int64)
    first, rest = several[:_GREEDY], several[_GREEDY:]
    place = np.full(len(counts), -1, dtype=np.int64)
    place[first] = np.arange(len(first))
    table = np.zeros((len(first), kinds))
    inside = place[numbers] >= 0
    np.add.at(table, (place[numbers[inside]], classes[inside]), 1.0)
    part_of[first] = _greedy(table, wanted, np.bincount(classes, minlength=kinds))
    if len(rest):
        # The class of a unit is that of its first row in the order; units of one class and size take turns.
        kind = np.empty(len(counts), dtype=np.int64)
        kind[numbers[order[::-1]]] = classes[order[::-1]]
        rest = rest[np.lexsort((drawn[rest], -counts[rest], kind[rest]))]
        part_of[rest] = _spread(_left(np.floor(wanted / total(wanted) * len(rest)).astype(np.int64), len(rest)))
    parts[:] = part_of[numbers]


def _greedy(table: NDArray[np.float64], wanted: Codes, by_class: Codes) -> Codes:
    """The part of each unit, whose rows by class are ``table`` (u, classes), in this order.

    Each goes to the part where it adds least to the sum of (rows - wanted)^2 / wanted over parts and classes: with one
    class and units of one size, that is the method of Webster and Sainte-Lague for seats in a parliament.
    """
    used = np.flatnonzero(wanted)
    want = np.maximum((wanted[used] / total(wanted))[:, None] * by_class[None, :], 1e-9)
    have = np.zeros_like(want)
    found = np.empty(len(table), dtype=np.int64)
    for i, unit in enumerate(table):
        best = int(np.argmin(totals((unit * (2.0 * (have - want) + unit) / want).T)))
        have[best] += unit
        found[i] = used[best]
    return found


def _left(sizes: Codes, rows: int) -> Codes:
    """Sizes from 0 up that add up to ``rows``, proportional to these if they do not."""
    left = np.maximum(sizes, 0)
    if np.add.reduce(left) == rows:
        return left
    shares = np.cumsum(left) if left.any() else np.arange(1, len(left) + 1)
    return np.asarray(np.diff(shares * rows // shares[-1], prepend=0), dtype=np.int64)


def _spread(left: Codes) -> Codes:
    """The part of each of a row of things: part p has left[p] of them, spread evenly; part 0 has what remains.

    Part by part from the last, so that its places do not depend on the sizes of the others.

    >>> _spread(np.array([4, 1, 2]))
    array([0, 0, 0, 2, 0, 1, 2])
    """
    parts, free = np.zeros(int(np.add.reduce(left)), dtype=np.int64), np.arange(np.add.reduce(left))
    for part in range(len(left) - 1, 0, -1):
        chosen = np.diff(np.arange(len(free) + 1) * left[part] // max(len(free), 1)) > 0
        parts[free[chosen]] = part
        free = free[~chosen]
    return parts


def _deal_by_strata(parts: Codes, rows: Codes, left: Codes, strata: Codes, *, keeps_first: bool) -> None:
    """Deal single rows so that each part has its share of every stratum."""
    rows = by_strata(rows, strata)
    if keeps_first:
        begins = np.diff(strata[rows], prepend=-1) != 0
        if np.count_nonzero(begins) <= left[0]:
            parts[rows[begins]] = 0
            left, rows = left - np.eye(1, len(left), dtype=np.int64)[0] * np.count_nonzero(begins), rows[~begins]
    parts[rows] = _spread(left)


def _fill_empty(parts: Codes, wanted: Codes, numbers: Codes, counts: Codes) -> None:
    """Give each part that has no row, but should, the smallest unit of the part with the most units."""
    part_of = np.zeros(len(counts), dtype=np.int64)
    part_of[numbers] = parts
    for part in np.flatnonzero(wanted):
        if not (part_of == part).any():
            richest = int(np.argmax(np.bincount(part_of, minlength=len(wanted))))
            own = np.flatnonzero(part_of == richest)
            part_of[own[np.argmin(counts[own])]] = part
            parts[:] = part_of[numbers]

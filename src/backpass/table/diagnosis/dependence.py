"""Dependence: signs that the rows of a table are not independent, so that a random split scores too well.

Takes a Table with its target; returns findings: dates along which the target changes slowly, identifiers whose rows
resemble each other, and an order of the rows that predicts the target. Each names the option to set.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.numerics.distinct import distinct_values
from backpass.table.content import bits_of, first_equal
from backpass.table.diagnosis.diagnostics import Finding
from backpass.table.diagnosis.identifiers import is_named_as_identifier
from backpass.table.messages import counted
from backpass.table.table import CategoricalColumn, Column, DatetimeColumn, NumericColumn, Table
from backpass.table.target import Target

FEWEST = 100  # rows below which nothing is suspected
FEWEST_GROUPS = 10
RESEMBLANCE = 0.1  # correlation of neighbors above which they depend on each other
ORDER = 0.3  # the same for the order of the file, which nobody may have meant
ERRORS = 5.0  # standard errors by which a correlation must exceed 0
MOVEMENT = 0.02  # share of the variance of the targets that must lie between dates if only the means of dates resemble


def dependences(
    table: Table, target: Target, y: NDArray[Any], *, has_group: bool = False, has_time: bool = False
) -> Iterator[tuple[str, Finding]]:
    """Yield column names with findings on them.

    A column is named only if the targets show that it matters: rows of neighboring dates, or of one value of an
    identifier, resemble each other in the target.

    Args:
        table: The rows.
        target: The target.
        y: The targets (n,).
        has_group: Whether the user named a group column.
        has_time: Whether the user named a time column.
    """
    if len(y) < FEWEST:
        return
    columns = [column for column in table.columns.values() if column.name != target.name]
    dates = [column for column in columns if isinstance(column, DatetimeColumn) and column.kind == "date"]
    if not has_time:
        yield from _dates(dates, y, target, "a split by group alone" if has_group else "a random split")
    split = "a split by time alone" if has_time else "a random split"
    for column in columns if not has_group else ():
        if _is_identifier(column) and (finding := _groups(column, y, target, split)):
            yield column.name, finding


def order_findings(target: Target, y: NDArray[Any]) -> Iterator[Finding]:
    """Yield a finding if each row resembles the one before it, unless the rows are sorted by the target itself."""
    if len(y) < FEWEST or (np.diff(y) >= 0).all() or (np.diff(y) <= 0).all():
        return
    if target.task != "regression" and np.count_nonzero(np.diff(y)) < 2 * len(target.classes):
        return
    if _resemble(y, target, np.arange(len(y)), ORDER):
        text = "consecutive rows have similar targets: if they are ordered by time or by group, a random split is"
        yield Finding(
            "order_of_rows", f"{text} too optimistic for new times or groups (--time COLUMN or --group COLUMN)"
        )


def _dates(columns: list[DatetimeColumn], y: NDArray[Any], target: Target, split: str) -> Iterator[tuple[str, Finding]]:
    for column in columns:
        known = np.flatnonzero(~column.missing)
        order = known[np.argsort(column.microseconds[known], kind="stable")]
        moments = len(distinct_values(column.microseconds[known]))
        if moments < FEWEST_GROUPS:
            continue
        if _resemble(y, target, order, RESEMBLANCE) or _means_resemble(y[known], target, column.microseconds[known]):
            text = f"rows with similar dates have similar targets: {split} is too optimistic for later rows"
            yield column.name, Finding("no_time", f"{text} (--time {shlex.quote(column.name)})")


def _groups(column: Column, y: NDArray[Any], target: Target, split: str) -> Finding | None:
    """A finding if rows of one value resemble each other in the target."""
    known = np.flatnonzero(~column.missing)
    if not len(known):
        return None
    codes = first_equal([bits_of(column)], len(y))[known]
    order = known[np.argsort(codes, kind="stable")]
    values = len(distinct_values(codes))
    each = len(known) / values
    placed = codes[np.argsort(codes, kind="stable")]
    same = placed[1:] == placed[:-1]
    if values < FEWEST_GROUPS or each < 1.5 or not _resemble(y, target, order, RESEMBLANCE, same):
        return None
    text = f"{values:,} values of about {counted(round(each), 'row')} each, which have similar targets"
    option = f"--group {shlex.quote(column.name)}"
    return Finding("no_group", f"{text}: {split} is too optimistic for new values ({option})")


def _is_identifier(column: Column) -> bool:
    """Whether the name of a column is that of an identifier, and its values could be one.

    >>> _is_identifier(NumericColumn("patientId", np.array([1.0, 1.0, 2.0])))
    True
    """
    if not is_named_as_identifier(column.name):
        return False
    if isinstance(column, NumericColumn):
        values = column.values[~column.missing]
        return bool((values == np.floor(values)).all())
    return isinstance(column, CategoricalColumn)


def _resemble(
    y: NDArray[Any],
    target: Target,
    order: NDArray[np.intp],
    least: float,
    pairs: NDArray[np.bool_] | None = None,
) -> bool:
    """Whether neighbors in this order have similar targets; ``pairs`` says which neighbors count."""
    before, after = y[order][:-1], y[order][1:]
    if pairs is not None:
        before, after = before[pairs], after[pairs]
    if len(before) < FEWEST // 2:
        return False
    found = _correlation(before, after) if target.task == "regression" else _agreement(y, before, after)
    return bool(found > max(least, ERRORS / np.sqrt(len(before))))


def _means_resemble(y: NDArray[Any], target: Target, moments: NDArray[np.int64]) -> bool:
    """Whether the mean target of a date resembles that of the next date, although rows beside each other differ.

    In a table of several stores, the rows of a day are of different stores, whose differences hide what the days share.
    """
    shares = [y] if target.task == "regression" else [y == code for code in range(len(target.classes))]
    places = np.unique(moments, return_inverse=True)[1].reshape(-1)
    counts = np.bincount(places)
    for each in shares:
        ranks = np.unique(each, return_inverse=True)[1].reshape(-1).astype(np.float64)
        ranks -= ranks.mean()
        means = np.bincount(places, ranks) / counts
        before, after = means[:-1] - means[:-1].mean(), means[1:] - means[1:].mean()
        shared = (before * after).mean()
        norm = np.sqrt((before**2).mean() * (after**2).mean())
        moves = shared > MOVEMENT * (ranks**2).mean()
        if moves and shared / norm > max(RESEMBLANCE, ERRORS / np.sqrt(len(before))):
            return True
    return False


def _correlation(one: NDArray[Any], other: NDArray[Any]) -> float:
    """The rank correlation of two sets of numbers (Spearman), ties in the order of the rows."""
    ranks = [np.unique(each, return_inverse=True)[1].reshape(-1).astype(np.float64) for each in (one, other)]
    centered = [each - each.mean() for each in ranks]
    norm = np.sqrt((centered[0] ** 2).sum() * (centered[1] ** 2).sum())
    return float((centered[0] * centered[1]).sum() / norm) if norm else 0.0


def _agreement(y: NDArray[Any], one: NDArray[Any], other: NDArray[Any]) -> float:
    """How much more often two classes agree than by chance, as a share of what is possible (Cohen's kappa)."""
    shares = np.unique(y, return_counts=True)[1] / len(y)
    chance = float((shares**2).sum())
    return float((np.mean(one == other) - chance) / (1.0 - chance)) if chance < 1.0 else 0.0

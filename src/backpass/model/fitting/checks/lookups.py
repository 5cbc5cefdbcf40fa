"""Lookups of a fit: the last known or seasonal target with a time column, the mean of each group with a group column.

It takes a problem that keeps its rows. No row is predicted by its own target: test rows are predicted by training and
validation rows, validation rows by the training rows of the same fold. ``outcome`` scores and stores the lookups.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.model.baseline.baseline import KEPT
from backpass.model.baseline.lookup import Cell, Lookup, group_lookup, last_lookup, seasonal_lookup, seasons_in
from backpass.model.fitting.problem.data_split import Rows
from backpass.model.fitting.problem.problem import Problem
from backpass.model.fitting.runs.ensemble import Member
from backpass.model.head.constant import constant_outputs
from backpass.model.head.head import Head
from backpass.model.metrics import as_loss
from backpass.numerics.elementary import mean, total
from backpass.table import DatetimeColumn

Outputs = Mapping[str, NDArray[np.float64]]

_BEFORE = 0.8
"""The share of the rows that predict the others where the season is chosen."""

_CLEARLY = 0.05
"""The share of its loss by which a season must be better than a shorter one, or than the last value."""


def lookups_of(problem: Problem) -> tuple[tuple[Lookup, ...], list[str]]:
    """The lookups of all training and validation rows, and notes about those that are left out."""
    if problem.source is None or not problem.head.is_flat:
        return (), []
    rows = _known(problem)
    found, notes = list[Lookup](), list[str]()
    for each in _fitted(problem, rows):
        if each.cells.size <= KEPT:
            found.append(each)
        else:
            notes.append(
                f"the {each.name} baseline is left out: it has {len(each.keys):,} values, more than a file keeps"
            )
    return tuple(found), notes


def lookup_outputs(problem: Problem, members: Sequence[Member], lookups: Sequence[Lookup], name: str) -> Outputs:
    """The outputs of each lookup for the rows of a split, in the order of ``ScoredRows``: name -> o (n, k)"""
    if problem.source is None or not lookups:
        return {}
    rows = problem.source.rows
    if name == "test":
        return _outputs(lookups, rows["test"])
    if not problem.folds:
        return _outputs([_again(problem, each, rows["train"]) for each in lookups], rows["validation"])
    pool, parts = _known(problem), list[Outputs]()
    own = [member for member in members if member.candidate == members[0].candidate]
    for fold in (member.fold for member in own if member.fold is not None):
        trained = pool.take(fold.train)
        parts.append(_outputs([_again(problem, each, trained) for each in lookups], pool.take(fold.validation)))
    return {
        each.name: np.concatenate([part[each.name] for part in parts])
        for each in lookups
        if all(each.name in part for part in parts)
    }


def _outputs(lookups: Sequence[Lookup], rows: Rows) -> Outputs:
    return {each.name: o for each in lookups if (o := each.outputs(rows.table)) is not None}


def _known(problem: Problem) -> Rows:
    """The training and validation rows together, in the order of ``pooled``."""
    assert problem.source is not None
    return Rows.stacked([problem.source.rows[name] for name in ("train", "validation") if name in problem.parts])


def _fitted(problem: Problem, rows: Rows) -> Iterator[Lookup]:
    """Yield the lookup by time and the one by group, as far as these columns were named."""
    settings, head = problem.settings, problem.head
    if settings.time is not None:
        column = rows.table.columns[settings.time]
        season = _season(head, rows, settings.time)
        if season and isinstance(column, DatetimeColumn):
            yield seasonal_lookup(column, _cell_of(head, rows), season)
        else:
            yield last_lookup(column, _cell_of(head, rows))
    if settings.group is not None:
        yield group_lookup(rows.table.columns[settings.group], _cell_of(head, rows))


def _again(problem: Problem, lookup: Lookup, rows: Rows) -> Lookup:
    """The same lookup, fitted on other rows."""
    column, cell = rows.table.columns[lookup.column], _cell_of(problem.head, rows)
    if lookup.name == "group":
        return group_lookup(column, cell)
    if lookup.season and isinstance(column, DatetimeColumn) and not column.missing.all():
        return seasonal_lookup(column, cell, lookup.season)
    return last_lookup(column, cell)


def _season(head: Head, rows: Rows, time: str) -> str:
    """The season that predicts the last fifth of the rows best from those before; "" for the last value."""
    names = seasons_in(rows.table.columns[time])
    ranks = None if rows.units is None else rows.units.ranks
    if not names or ranks is None:
        return ""
    begin = np.sort(ranks)[int(_BEFORE * len(ranks))]
    before, after = (rows.take(np.flatnonzero(chosen)) for chosen in (ranks < begin, ranks >= begin))
    column = before.table.columns[time]
    if not before.table.rows or not isinstance(column, DatetimeColumn) or column.missing.all():
        return ""
    cell = _cell_of(head, before)
    candidates = {"": last_lookup(column, cell), **{name: seasonal_lookup(column, cell, name) for name in names}}
    losses = {name: _loss(head, each, after) for name, each in candidates.items()}
    best = ""
    for name in names:  # from the shortest
        if losses[name] < losses[best] - _CLEARLY * abs(losses[best]):
            best = name
    return best


def _loss(head: Head, lookup: Lookup, rows: Rows) -> float:
    """The metric of a lookup on rows, lower is better; infinite if it is undefined there."""
    o = lookup.outputs(rows.table)
    found = {} if o is None else head.of_baseline(lookup.name).scores(o, rows.truth, rows.weights, [head.metric])
    return as_loss(head.metric, found[head.metric]) if head.metric in found else inf


def _cell_of(head: Head, rows: Rows) -> Cell:
    """The constant that suits some of the rows best, with their weights.

    Classes and counts count the average of all rows as one more row, so that a few rows are never certain.
    """
    y = head.of_baseline("").encode(rows.truth, np.float64)
    weights = np.ones(len(y)) if rows.weights is None else rows.weights
    best = partial(constant_outputs, head.built_in, outputs=head.outputs, q=head.targets[0].q)
    more_y, more_weights = _one_more_row(head, y, weights)

    def cell(index: NDArray[Any]) -> NDArray[np.float64]:
        some, w = np.concatenate([y[index], more_y]), np.concatenate([weights[index], more_weights])
        return np.broadcast_to(best(some, weights=w), (head.outputs,)).astype(np.float64)

    return cell


def _one_more_row(
    head: Head, y: NDArray[Any], weights: NDArray[np.float64]
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """The average of all rows as rows whose weights add up to 1; none for other numbers than counts."""
    if head.classes:
        counts = np.bincount(y, weights, minlength=len(head.classes))
        return np.arange(len(head.classes), dtype=y.dtype), counts / total(counts)
    if head.has_log_link:
        return np.array([[mean(y[:, 0], weights)]], dtype=y.dtype), np.ones(1)
    return y[:0], weights[:0]

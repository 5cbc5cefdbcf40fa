"""Division: a table, and separate validation or test tables, as training, validation and test rows.

It takes tables, the target and the settings. It finds the rows that belong together, splits the table and reports what
was assumed, and what makes scores on the other rows too good. ``model.split`` assigns the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.errors import UsageError
from backpass.model.fitting.problem.data_split import Rows
from backpass.model.fitting.teaching.teacher import Teacher
from backpass.model.settings.settings import Settings
from backpass.model.split.splits import RowSplit, split_table, strata_of
from backpass.model.split.units import Units, units_of
from backpass.table import Column, Table
from backpass.table.columns.exclusion import left_out_because
from backpass.table.diagnosis.dependence import dependences, order_findings
from backpass.table.labeled import Labeled
from backpass.table.messages import counted, shown
from backpass.table.stack import stacked
from backpass.table.targets import Targets

_PARTS = ("validation", "test")


@dataclass(frozen=True, slots=True, eq=False)
class Division:
    """The rows of each split.

    Attributes:
        rows: "train", and "validation" and "test" if they have rows.
        notes: What was assumed about rows that belong together.
        warnings: What makes scores too good.
    """

    rows: Mapping[str, Rows]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]


def divide(
    labeled: Labeled,
    target: Targets,
    settings: Settings,
    inputs: Sequence[str],
    *,
    validation: Labeled | None = None,
    test: Labeled | None = None,
    teacher: Teacher | None = None,
    diagnose: bool = True,
) -> Division:
    """Divide a table into splits; validation and test rows may have tables of their own.

    Args:
        labeled: The rows of the table.
        target: The targets.
        settings: The settings.
        inputs: The columns that may be inputs.
        validation: Rows for validation, in place of a share of the table.
        test: Rows for the test score, in place of a share of the table.
        teacher: The columns of another model's predictions.
        diagnose: Whether to look for what makes scores too good.

    Raises:
        DataError: A column is missing, cannot be ordered in time, or has too few groups or times to split.
        UsageError: The group or time column is the target.
    """
    given = {name: each for name, each in (("validation", validation), ("test", test)) if each is not None}
    nonempty = {name: each for name, each in given.items() if each.table.rows}
    all_rows = [labeled, *nonempty.values()]
    truths = [target.encode(each.table) for each in all_rows]
    units, notes = units_in([each.table for each in all_rows], truths, target.names, inputs, settings)
    taught = [
        teacher.read(each.table) if teacher is not None and (each is labeled or teacher.is_in(each.table)) else None
        for each in all_rows
    ]
    pairs = zip(all_rows, truths, units, taught, strict=True)
    sets = [Rows(each.table, y, each.weights, u, t) for each, y, u, t in pairs]
    whole, others = sets[0], dict(zip(nonempty, sets[1:], strict=True))
    split = split_of(whole, target, settings, has_validation=validation is not None, has_test=test is not None)
    rows = {"train": whole.take(split.train)}
    for name in _PARTS:
        if name in others:
            rows[name] = others[name]
        elif len(index := getattr(split, name)):
            rows[name] = whole.take(index)
    unlabeled = [note for each in given.values() for note in each.notes]
    warnings, ordered = list[str](), list[str]()
    if diagnose:
        suspicions = [*_suspicions(labeled.table, target, truths[0], settings)]
        warnings += [*_overlaps(rows, nonempty, settings), *suspicions]
        ordered += [] if suspicions else _orders(target, truths[0], settings)
    return Division(rows, (*unlabeled, *notes, *ordered), tuple(warnings))


def possible_inputs(
    table: Table, targets: Sequence[str], settings: Settings, drop: Sequence[str], columns: Sequence[str] | None
) -> list[str]:
    """The columns that may be inputs: not a target, the group, or what the user leaves out."""
    hidden = {*targets, *drop, *([settings.group] if settings.group not in (columns or ()) else [])}
    return [name for name in table.names if name not in hidden and (columns is None or name in columns)]


def _suspicions(table: Table, targets: Targets, truth: NDArray[Any], settings: Settings) -> Iterator[str]:
    """Yield a warning for each column by which the rows should perhaps be split."""
    has = {"has_group": settings.group is not None, "has_time": settings.time is not None}
    if settings.validation_fraction or settings.test_fraction:
        distinct = dict[str, None]()
        for target, y in targets.columns(truth):
            for name, finding in dependences(table, target, y, **has):
                if name not in targets.names:
                    distinct[f"column {shown(name)}: {finding.text}"] = None
        yield from distinct


def _orders(targets: Targets, truth: NDArray[Any], settings: Settings) -> list[str]:
    """A note if each row resembles the one before it, and the rows are split at random.

    No warning, because the order of many tables is that of neither time nor groups.
    """
    if settings.group is not None or settings.time is not None:
        return []
    if not settings.validation_fraction and not settings.test_fraction:
        return []
    found = (finding.text for target, y in targets.columns(truth) for finding in order_findings(target, y))
    return [*dict.fromkeys(found)]


def split_of(
    rows: Rows, target: Targets, settings: Settings, *, has_validation: bool = False, has_test: bool = False
) -> RowSplit:
    """The split of rows whose units are known."""
    strata = None if target.task == "regression" else strata_of(rows.truth)
    return split_table(
        rows.table.rows, settings, has_validation=has_validation, has_test=has_test, strata=strata, units=rows.units
    )


def units_in(
    tables: Sequence[Table],
    truths: Sequence[NDArray[Any]],
    targets: Sequence[str],
    inputs: Sequence[str],
    settings: Settings,
) -> tuple[list[Units], tuple[str, ...]]:
    """The units of the rows of several tables together, for each table, and notes about them.

    Columns that never become inputs, such as identifiers, do not distinguish rows.

    Raises:
        DataError: As ``divide``.
        UsageError: As ``divide``.
    """
    rulers = {name: value for name in ("group", "time") if (value := getattr(settings, name)) is not None}
    for name, value in rulers.items():
        if value in targets:
            raise UsageError(f"{name} {shown(value)} is the target", hint="name another column")
        for table in tables:
            table.column(value)
    names = [name for name in inputs if all(name in table.columns for table in tables)]
    wanted = dict.fromkeys([*names, *rulers.values()])
    one = stacked([_only(table, wanted) for table in tables]) if len(tables) > 1 else tables[0]
    columns: list[Column] = [
        one.columns[name] for name in names if not left_out_because(one.columns[name], forced=False)
    ]
    named = {name: one.columns[value] for name, value in rulers.items()}
    found, notes = units_of(columns, np.concatenate(truths), **named, divided=tables[0].rows)
    ends = np.cumsum([table.rows for table in tables])
    starts = [0, *ends[:-1].tolist()]
    return [found.take(np.arange(a, b)) for a, b in zip(starts, ends.tolist(), strict=True)], notes


def _only(table: Table, names: Mapping[str, None]) -> Table:
    columns = {name: column for name, column in table.columns.items() if name in names}
    return Table(table.source, columns, table.row_numbers)


def _overlaps(rows: Mapping[str, Rows], names: Iterable[str], settings: Settings) -> Iterator[str]:
    """Yield a warning for each separate table that repeats training rows, or precedes them in time."""
    train = rows["train"].units
    for name in names:
        units, others = rows[name].units, [train]
        if name == "test" and "validation" in rows:
            others.append(rows["validation"].units)
        if units is None or any(each is None for each in others):
            continue
        known = Units.joined([each for each in others if each is not None])
        if (known.ranks is None or units.are_groups) and (shared := units.shared_with(known)):
            trained = "training or validation row" if len(others) > 1 else "training row"
            what = f"in a group that has a {trained}" if units.are_groups else f"with the columns of a {trained}"
            new = "groups" if units.are_groups else "rows"
            yield f"{counted(shared, f'{name} row')} {what}: the {name} score is optimistic for new {new}"
        if known.ranks is not None and units.ranks is not None:
            latest = int(known.ranks.max())
            if early := int(np.count_nonzero(units.ranks < latest)):
                yield (
                    f"{counted(early, f'{name} row')} of {units.rows:,} earlier than the latest training row by "
                    f"{shown(settings.time)}: the {name} score is not a forecast"
                )

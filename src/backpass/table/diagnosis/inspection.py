"""Inspection: a per-column report of a table's content, its suspicious properties, and how fitting would treat it.

Takes a Table and, optionally, the name of its target; returns plain values. The command line formats them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.errors import DataError
from backpass.numerics.distinct import distinct_values
from backpass.numerics.quantiles import quantiles
from backpass.table.datetimes.timestamp import timestamp_texts
from backpass.table.diagnosis.association import association
from backpass.table.diagnosis.dependence import dependences, order_findings
from backpass.table.diagnosis.diagnostics import Finding, column_findings, table_findings, target_findings
from backpass.table.diagnosis.distribution import histogram_of
from backpass.table.feature import CategoricalFeature, DatetimeFeature, Feature, Found, NumericFeature
from backpass.table.free_text.columns import summary_of
from backpass.table.free_text.recognition import is_free_text
from backpass.table.messages import counted
from backpass.table.table import CategoricalColumn, Column, DatetimeColumn, NumericColumn, Table
from backpass.table.target import Target, labeled

COMMONEST = 5  # categories listed with their counts


@dataclass(frozen=True, slots=True)
class Coding:
    """How a preset feeds columns to the network.

    Attributes:
        numbers: Words for the coding of numbers.
        max_one_hot_levels: Categorical columns with more categories are embedded; None for no column.
    """

    numbers: str = "scaled"
    max_one_hot_levels: int | None = None


CodingOf: TypeAlias = Callable[[str | None, int], Coding]


def plain(task: str | None, rows: int) -> Coding:
    """Return the coding of the preset ``plain``, whatever the task and the rows."""
    return Coding()


@dataclass(frozen=True, slots=True)
class ColumnReport:
    """Report on one column.

    Attributes:
        name: Column name.
        kind: Column kind, or "text" for free text.
        missing: Number of rows without a value.
        distinct: Number of distinct values.
        range: Smallest and largest number or date.
        quartiles: The three quartiles of a numeric column.
        commonest: The most frequent categories with their row counts.
        fitting: How fitting would treat the column.
        findings: Suspicious properties of the column.
        notation: The notations in which numbers are written, empty for plain numbers.
        label: Description of the column in its source, empty if it has none.
        histogram: Rows in equal intervals of the range, empty for categories (see ``distribution``).
        association: How strongly the column is associated with the target, None without one (see ``association``).
    """

    name: str
    kind: str
    missing: int
    distinct: int
    range: tuple[Any, Any] | None
    quartiles: tuple[float, float, float] | None
    commonest: tuple[tuple[str, int], ...]
    fitting: str
    findings: tuple[Finding, ...]
    notation: str = ""
    label: str = ""
    histogram: tuple[int, ...] = ()
    association: float | None = None


@dataclass(frozen=True, slots=True)
class Inspection:
    """Report on a table.

    Attributes:
        rows: Number of rows.
        columns: Reports on the columns.
        target: Name of the target, if any.
        task: Task that the target implies.
        findings: Suspicious properties of the rows.
        notes: Messages about how the table was read.
        classes: The classes of the target with their row counts; empty for numbers.
    """

    rows: int
    columns: tuple[ColumnReport, ...]
    target: str | None
    task: str | None
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    classes: tuple[tuple[str, int], ...] = ()

    @property
    def stops_fitting(self) -> bool:
        """Whether fitting would reject the table."""
        return any(each.code in ("faulty", "faulty_target") for column in self.columns for each in column.findings)

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-serializable dict."""
        return asdict(self)


def inspect_table(table: Table, target: str | None = None, coding: CodingOf = plain) -> Inspection:
    """Examine every column of a table.

    Args:
        table: The table.
        target: Name of the column to predict, or None.
        coding: Returns how fitting would feed columns to the network, for a task (None if it is unknown) and a number
            of rows. Default: as the preset ``plain`` does.

    Raises:
        DataError: The table has no column called ``target``.

    >>> from backpass.table import table_from
    >>> report = inspect_table(table_from({"size": [1, 2, 3], "town": ["a", "a", "a"]}))
    >>> [(column.name, column.fitting) for column in report.columns]
    [('size', 'scaled'), ('town', 'left out: constant')]
    """
    with_target, note = (table, "") if target is None else labeled(table, target)
    goal, y, message = _goal(with_target, target)
    columns = list(table.columns.values())
    fitting = _fitting(table, target, coding(goal.task if goal else None, with_target.rows))
    dependent = dict(dependences(with_target, goal, y)) if goal is not None and y is not None else {}
    reports = []
    for column in columns:
        findings = [Finding("faulty", text) for text in table.doubts.get(column.name, ())]
        if column.name == target and message:
            findings.append(Finding("faulty_target", message))
        findings += column_findings(column, table)
        if goal is not None and y is not None and column.name != target:
            findings += _findings_with_target(with_target.columns[column.name], with_target.columns[goal.name], goal, y)
        if column.name in dependent:
            findings.append(dependent[column.name])
        report = _report(column, fitting[column.name], findings)
        strength = None
        is_input = column.name != target and not fitting[column.name].startswith("left out") and report.kind != "text"
        if goal is not None and y is not None and is_input:
            strength = association(with_target.columns[column.name], goal, y)
        reports.append(replace(report, label=table.labels.get(column.name, ""), association=strength))
    task = goal.task if goal else None
    notes = (*table.notes, *([note] if note else ()), *(goal.notes if goal else ()))
    of_rows = [*table_findings(table, goal, y)]
    if goal is not None and y is not None and not dependent:
        of_rows += order_findings(goal, y)
    classes: tuple[tuple[str, int], ...] = ()
    if goal is not None and y is not None and goal.classes:
        classes = tuple(zip(goal.classes, np.bincount(y, minlength=len(goal.classes)).tolist(), strict=True))
    return Inspection(table.rows, tuple(reports), target, task, tuple(of_rows), notes, classes)


def _goal(table: Table, target: str | None) -> tuple[Target | None, NDArray[Any] | None, str]:
    """Return the target and its encoding, or the reason why the column cannot be a target."""
    if target is None:
        return None, None, ""
    table.column(target)
    try:
        goal = Target.fit(table, target)
        return goal, goal.encode(table), ""
    except DataError as error:
        text = error.details[0] if error.details else error.message
        return None, None, text.removeprefix(f"{table.source}: ")


def _findings_with_target(column: Column, truth: Column, goal: Target, y: NDArray[Any]) -> list[Finding]:
    """Return findings on a column in relation to the target."""
    if type(column) is type(truth) and _same_content(column, truth):
        return [Finding("copy_of_target", f"it equals the target {goal.name!r}")]
    return list(target_findings(column, goal, y))


def _same_content(column: Column, other: Column) -> bool:
    match column, other:
        case NumericColumn(_, values), NumericColumn(_, others):
            return np.array_equal(values, others, equal_nan=True)
        case CategoricalColumn(_, codes, levels), CategoricalColumn(_, other_codes, other_levels):
            return levels == other_levels and np.array_equal(codes, other_codes)
    return False


def _fitting(table: Table, target: str | None, coding: Coding) -> dict[str, str]:
    """Return how fitting on all rows would treat each column."""
    done = {}
    for column in table.columns.values():
        if isinstance(column, CategoricalColumn) and is_free_text(column) and not column.missing.all():
            flag = ", flag where missing" if column.missing.any() else ""
            done[column.name] = f"{summary_of(column)}{flag}"
            continue
        goals = [table.columns[target]] if target is not None else []
        found = Found.of(column, forced=False, embeds=coding.max_one_hot_levels is not None, targets=goals)
        done[column.name] = (
            f"left out: {found.left_out}" if found.feature is None else _treatment(found.feature, column, coding)
        )
    return done | ({target: "target"} if target is not None else {})


def _treatment(feature: Feature, column: Column, coding: Coding) -> str:
    """Return how fitting would treat a column that becomes a feature."""
    flag = ", flag where missing" if column.missing.any() else ""
    match feature:
        case CategoricalFeature(_, levels):
            unknown = ", 1 for missing" if column.missing.any() else ""
            is_one_hot = coding.max_one_hot_levels is None or len(levels) <= coding.max_one_hot_levels
            return f"{'one-hot' if is_one_hot else 'embedding'}, {counted(len(levels), 'category')}{unknown}"
        case DatetimeFeature(_, _, parts):
            return f"{', '.join(parts)}{flag}"
    bounds = ", bounds marked" if isinstance(feature, NumericFeature) and feature.marks_bounds else ""
    return f"{coding.numbers}{bounds}{', median and flag where missing' if flag else ''}"


def _report(column: Column, fitting: str, findings: Sequence[Finding]) -> ColumnReport:
    there = ~column.missing
    common: tuple[tuple[str, int], ...] = ()
    span: tuple[Any, Any] | None = None
    quartiles = None
    match column:
        case NumericColumn(_, values):
            distinct = len(distinct_values(values[there]))
            if distinct:
                span = float(values[there].min()), float(values[there].max())
                low, middle, high = quantiles(values[there], [0.25, 0.5, 0.75]).tolist()
                quartiles = (low, middle, high)
        case DatetimeColumn(_, microseconds, kind):
            distinct = len(distinct_values(microseconds[there]))
            if distinct:
                first, last = timestamp_texts(np.array([microseconds[there].min(), microseconds[there].max()]), kind)
                span = first, last
        case CategoricalColumn(_, _, levels):
            counts = column.counts()
            distinct = int(np.count_nonzero(counts))
            order = np.argsort(-counts, kind="stable")[:COMMONEST]
            common = tuple((levels[j], int(counts[j])) for j in order if counts[j])
    missing = int(column.missing.sum())
    notation = column.notation if isinstance(column, NumericColumn) else ""
    return ColumnReport(
        column.name,
        "text" if is_free_text(column) else column.kind,
        missing,
        distinct,
        span,
        quartiles,
        common,
        fitting,
        tuple(findings),
        notation,
        histogram=histogram_of(column),
    )

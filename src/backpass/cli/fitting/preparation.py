"""Preparation of a fit: its tables are read, or their rows encoded piece by piece, and the problem is printed.

It takes a request and returns a ``Prepared``; ``commands.fit`` trains it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from backpass.cli import summary
from backpass.cli.console import Console
from backpass.cli.fitting.request import Request
from backpass.cli.options.declaration import names_in
from backpass.cli.scores.folds import Folds
from backpass.dataclass import dataclass
from backpass.model import Problem, make_problem
from backpass.model.assessment.folds import Folds as Cut
from backpass.model.fitting.larger.streamed import check_streamable, streamed_problem
from backpass.reporting.numbers.held_out import reportable
from backpass.table import Table
from backpass.table.messages import counted
from backpass.table.targets import target_names
from backpass.training.processes.exchange import Exchange


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A fit before training.

    Attributes:
        problem: The problem.
        report_table: The table for the report: the test rows, or the table they are split off; None without a report.
        cut: The folds of the table; None without a cross-validation.
        is_streamed: Whether the table is read in pieces.
    """

    problem: Problem
    report_table: Table | None = None
    cut: Cut | None = None
    is_streamed: bool = False


def in_memory(request: Request, folds: Folds | None, console: Console, *, verbose: bool) -> Prepared:
    """The fit of a table that is read into memory."""
    with console.working(f"reading {request.table}"):
        table, validation, test = request.tables()
    with console.working(f"encoding {counted(table.rows, 'row')}"):
        title = summary.table_line(table)
        problem = problem_of(request, table, validation, test, owned=request.report is None and folds is None)
    if request.report is not None:
        reportable(problem.head)
    for label, text in [title, *summary.of_problem(problem, verbose=verbose)]:
        console.item(label, text)
    console.line()
    report_table = table if test is None else test
    if test is None and validation is not None and not request.settings.test_fraction:
        report_table = validation
    cut = None if folds is None else folds.cut(table, request)
    return Prepared(problem, None if request.report is None else report_table, cut)


def require_streamable(request: Request, folds: Folds | None) -> None:
    """Check that the table may be read in pieces.

    Raises:
        UsageError: An option needs the table in memory.
    """
    others: dict[str, Any] = {
        "validation_file": request.validation_file,
        "test_file": request.test_file,
        "report": request.report,
        "teacher": request.teacher or None,
        "features_of": request.features_of,
        "folds": None if folds is None else True,
    }
    check_streamable(request.table, request.settings, _options(request), **others)


def _options(request: Request) -> dict[str, Any]:
    """The options of reading a table in pieces."""
    return {**request.reading, "categorical": request.categorical, "text": request.text}


@contextmanager
def streamed(
    request: Request, console: Console, reason: str, *, exchange: Exchange, verbose: bool
) -> Iterator[Prepared]:
    """The fit of a table that is read in pieces, while its rows are on disk; prints the ``reason``, if any."""
    names = list(target_names([name for text in request.target for name in names_in([text])]))
    with ExitStack() as stack:
        with console.working(f"reading {request.table}"):
            problem = stack.enter_context(
                streamed_problem(
                    request.table,
                    names,
                    request.settings,
                    _options(request),
                    lambda text: console.item("note", text),
                    reason,
                    drop=request.drop,
                    columns=request.columns,
                    weight=request.weight,
                    strict=request.strict,
                    exchange=exchange,
                )
            )
        for label, text in summary.of_problem(problem, verbose=verbose):
            console.item(label, text)
        console.line()
        yield Prepared(problem, is_streamed=True)


def problem_of(
    request: Request, table: Table, validation: Table | None, test: Table | None, *, owned: bool = False
) -> Problem:
    """Return the problem of the tables of a request; ``owned`` is that of ``make_problem``."""
    return make_problem(
        table,
        request.targets(table),
        request.settings,
        validation=validation,
        test=test,
        drop=request.unread,
        columns=request.columns,
        weight=request.weight,
        teacher=request.teacher or None,
        features_of=request.features_of,
        strict=request.strict,
        owned=owned,
    )

"""Tables of a database: which one the user means, and the error that lists them.

Takes the names of the tables; returns one. The readers of databases share it.
"""

from __future__ import annotations

from collections.abc import Sequence

from backpass.errors import UsageError, did_you_mean
from backpass.table.messages import data_error, listed, shown


def chosen_table(names: Sequence[str], member: str | None, source: str) -> str:
    """Return the name of the table to read.

    Args:
        names: Names of the tables and views.
        member: The name that the user gives; None if none.
        source: Name of the database in messages.

    Raises:
        DataError: There is no such table, or no table at all, or several and the user names none.

    >>> chosen_table(["orders"], None, "shop.db")
    'orders'
    """
    if member is not None:
        if member not in names:
            raise data_error(source, f"there is no table {shown(member)}", did_you_mean(member, names))
        return member
    if not names:
        raise data_error(source, "has no tables")
    if len(names) > 1:
        hint = f"{source}::{names[0]}, or --query 'SELECT ... FROM {names[0]} ...'"
        raise data_error(source, f"has {len(names)} tables: {listed(names, shown)}", hint)
    return names[0]


def check_single(member: str | None, query: str | None) -> None:
    """Check that a table and a query are not both given: the query names its tables.

    Raises:
        UsageError: Both are given.
    """
    if member is not None and query is not None:
        raise UsageError(
            f"a query on a database names its tables itself: ::{member} has no effect", hint="leave it out"
        )


def unrun(error: Exception, names: Sequence[str]) -> UsageError:
    """Return the error for a query that the database rejects."""
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    hint = f"a query on a database names its tables: {listed(names, shown)}" if names else ""
    return UsageError(f"the query cannot be run: {reason}", hint=hint)

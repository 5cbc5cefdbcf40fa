"""Portability of free text: exports of a model to other runtimes, which cannot split texts into words, reject it."""

from __future__ import annotations

from collections.abc import Sequence

from backpass.errors import UsageError
from backpass.table.messages import listed, shown


def require_portable(names: Sequence[str], form: str) -> None:
    """Check that no column of an exported model is free text.

    Args:
        names: The free-text columns of the model.
        form: Name of the form of the export.

    Raises:
        UsageError: There are some.
    """
    if names:
        raise UsageError(
            f"a model of free text ({listed(names, shown)}) has no {form} form: exports cannot split texts into words",
            hint="predict with Backpass, or fit without these columns (--drop)",
        )

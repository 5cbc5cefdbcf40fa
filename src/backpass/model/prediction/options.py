"""Options of a prediction: keyword arguments beyond those of the method, which say how the data are read, checked.

An error names the method that was called, and what the caller probably meant.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from backpass.errors import UsageError
from backpass.table import Table
from backpass.table.windows.read_settings import FRAME_OPTIONS, READING_OPTIONS

_OF_THE_MODEL = frozenset({"kinds", "known_kinds"})
"""Options that a model sets, because it knows its columns."""

_METHODS = {
    **dict.fromkeys(("interval", "intervals", "level", "levels", "confidence", "alpha"), "predict_interval(data, 0.9)"),
    **dict.fromkeys(("quantile", "quantiles", "q"), "predict_quantiles(data, (0.05, 0.5, 0.95))"),
    **dict.fromkeys(("proba", "probability", "probabilities"), "predict_proba(data)"),
    **dict.fromkeys(("rows", "batch_size", "chunksize", "keep"), "predict_batches(data, rows=65_536)"),
}
"""A keyword argument that ``predict`` does not have -> the method to call instead."""


def check_reading(function: str, model: object, data: Any, options: Iterable[str]) -> None:
    """Reject keyword arguments that are not options for reading these data, as Python does.

    Args:
        function: The name of the function that was called.
        model: The model that it was called with.
        data: The data that are read.
        options: The names of the keyword arguments.

    Raises:
        TypeError: Names the argument and, if possible, what to use instead.

    >>> check_reading("predict", None, {"x": [1.0]}, ["missing"])
    >>> check_reading("predict", None, {"x": [1.0]}, ["mising"])
    Traceback (most recent call last):
    TypeError: predict() got an unexpected keyword argument 'mising': did you mean 'missing'?
    """
    # Data in memory may have a source, the name that messages have for them.
    known = (READING_OPTIONS if isinstance(data, str | Path) else FRAME_OPTIONS | {"source"}) - _OF_THE_MODEL
    for name in options:
        if name not in known or isinstance(data, Table):
            why = _reason(function, name, model, data) or _likely(name, known)
            raise TypeError(f"{function}() got an unexpected keyword argument {name!r}{why and ': '}{why}")


def require_table(function: str, table: object) -> None:
    """Reject a value that is not a Table.

    Raises:
        UsageError: It is not a Table.

    >>> require_table("predictions", {"x": [1.0]})
    Traceback (most recent call last):
    backpass.errors.UsageError: predictions takes a Table; got a value of type dict
    <BLANKLINE>
    hint: model.table(data) reads a file, a data frame or a dict of columns as one
    """
    if not isinstance(table, Table):
        got = f"got a value of type {type(table).__name__}"
        hint = "model.table(data) reads a file, a data frame or a dict of columns as one"
        raise UsageError(f"{function} takes a Table; {got}", hint=hint)


def _reason(function: str, name: str, model: object, data: Any) -> str:
    """Why a keyword argument is rejected, or what to call instead; empty if neither is known."""
    if name in _OF_THE_MODEL:
        return "the model determines the kinds of its columns"
    if name in READING_OPTIONS:
        return "the Table has already been read" if isinstance(data, Table) else "only files are read with it"
    method = _METHODS.get(name, "")
    return f"call {method}" if function.startswith("predict") and hasattr(model, method.partition("(")[0]) else ""


def _likely(name: str, known: Collection[str]) -> str:
    """The option of nearly this name; empty if there is none."""
    from difflib import get_close_matches  # here: messages need it

    near = get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else ""

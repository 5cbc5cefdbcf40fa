"""Held-out rows: a table with known targets as a report needs it, and which of its rows the model has never seen.

A model and a table come in; arrays go out: columns, network inputs, outputs, predictions, truth.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from math import isclose
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.errors import UsageError
from backpass.model.fitting.split import split_rows
from backpass.model.head.heads import AnyHead, Heads
from backpass.model.model import Model
from backpass.report.style import label
from backpass.table import Table


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """Rows to judge a model by.

    numbers float64 (n, p)   codes int32 (n, q)   x (n, d)   outputs o (n, k)
    predicted: numbers (n,) or probabilities (n, classes), of labels (n, k)
    truth: numbers (n,) or class codes (n,), of labels (n, k)
    origin: which rows these are, in one sentence   notes: what was noticed about the table
    is_known: whether the scores at fit are about these very rows
    """

    table: Table
    numbers: NDArray[np.float64]
    codes: NDArray[np.int32]
    x: NDArray[Any]
    outputs: NDArray[Any]
    predicted: NDArray[np.float64]
    truth: NDArray[Any]
    origin: str
    notes: tuple[str, ...]
    is_known: bool = False

    @property
    def rows(self) -> int:
        return self.table.rows

    def scores(self, model: Model, weights: NDArray[np.float64] | None = None) -> dict[str, float]:
        """Every metric of the model on these rows."""
        return model.head.scores(self.outputs, self.truth, weights)


def head_of(model: Model) -> AnyHead:
    """The head of a model of one target, or of labels.    Errors: UsageError for several numbers."""
    if isinstance(model.head, Heads) and not model.head.are_labels:
        raise UsageError(
            f"a report is about one number; this model predicts {model.head.outputs}", hint="fit one model per number"
        )
    return model.head


def held_out(model: Model, table: Table) -> HeldOut:
    """The rows of a table, or, of the very table that the model was fitted on, its test rows (else validation rows).

    That table is known by its number of rows and by the scores at fit, which the rows that were set aside repeat.

    Errors: DataError listing what the table lacks.
    """
    source = label(os.path.basename(table.source))
    for part in ("test", "validation"):
        words = "set aside for testing" if part == "test" else "set aside to choose the best epoch"
        for index in _rows_of(model, table.rows, part):
            rows = _rows(model, table.take(index), f"the {len(index):,} rows of {source} that were {words}")
            if _repeats(rows.scores(model), model.record.scores[part]):
                return replace(rows, is_known=True)
    found = _rows(model, table, f"all {table.rows:,} rows of {source}")
    if table.rows not in _fitted_rows(model):
        return found
    doubt = "as many rows as the model was fitted on: if it is the same table, scores on it are too good"
    return replace(found, notes=(*found.notes, doubt))


def _rows(model: Model, table: Table, origin: str) -> HeldOut:
    head = head_of(model)
    beside = {each.target.name for each in head.heads[1:]}  # the schema knows the first target only
    encoded = model.schema.encode(replace(table, columns={k: v for k, v in table.columns.items() if k not in beside}))
    x = model.inputs_at(encoded.numbers, encoded.codes)
    o = model.outputs_at(x)
    truth = head.truth(table)
    return HeldOut(
        table,
        encoded.numbers,
        encoded.codes,
        x,
        o,
        head.predictions(o),
        truth,
        origin,
        (*table.notes, *encoded.notes),
    )


def _rows_of(model: Model, rows: int, part: str) -> Iterator[NDArray[Any]]:
    """The row numbers that fits of a table of so many rows may have set aside, if one of them made this model.

    A part that came from a file of its own took nothing from the table.
    """
    settings, counts = model.record.settings, model.record.rows
    if not model.record.scores.get(part):
        return
    for validation, test in product({settings["validation_fraction"], 0.0}, {settings["test_fraction"], 0.0}):
        found: NDArray[Any] = getattr(split_rows(rows, validation, test, settings["seed"]), part)
        if len(found) == counts[part]:
            yield found


def _fitted_rows(model: Model) -> set[int]:
    """How many rows the table had that the model was fitted on, as far as the record tells."""
    counts = model.record.rows
    train, validation, test = (counts.get(part, 0) for part in ("train", "validation", "test"))
    return {train, train + validation, train + test, train + validation + test}


def _repeats(scores: dict[str, float], at_fit: Any) -> bool:
    return all(isclose(scores[name], value, rel_tol=1e-4) for name, value in at_fit.items())

"""Held-out rows: a table with known targets as a report needs it, and which of its rows the model has never seen.

A model and a table come in; arrays go out: columns, network inputs, outputs, predictions, truth.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from math import isclose
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.engine import engine_named
from backpass.errors import UsageError
from backpass.model.head import Head
from backpass.model.model import Model
from backpass.model.problem import inputs_of
from backpass.model.split import split_rows
from backpass.report.style import label
from backpass.table import Table


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """Rows to judge a model by.

    numbers float64 (n, p)   codes int32 (n, q)   x (n, d)   outputs o (n, k)
    predicted: numbers (n,) or probabilities (n, classes)   truth: numbers (n,) or class codes (n,)
    origin: which rows these are, in one sentence   notes: what was noticed about the table
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

    @property
    def rows(self) -> int:
        return self.table.rows

    def scores(self, model: Model, weights: NDArray[np.float64] | None = None) -> dict[str, float]:
        """Every metric of the model on these rows."""
        return model.head.scores(self.outputs, self.truth, weights)


def head_of(model: Model) -> Head:
    """The head of a model of one target.    Errors: UsageError for several."""
    if not isinstance(model.head, Head):
        raise UsageError(
            f"a report is about one target; this model predicts {model.head.outputs}", hint="fit one model per target"
        )
    return model.head


def held_out(model: Model, table: Table) -> HeldOut:
    """The rows of a table, or, of the very table that the model was fitted on, its test rows.

    That table is known by its number of rows and by the scores at fit, which the rows that were set aside repeat.

    Errors: DataError listing what the table lacks.
    """
    source = label(os.path.basename(table.source))
    found = _all_rows(model, table, f"all {table.rows:,} rows of {source}")
    for part in ("test", "valid"):
        index = _rows_of(model, table.rows, part)
        if index is None:
            continue
        words = "set aside for testing" if part == "test" else "set aside to choose the best epoch"
        rows = _all_rows(model, table.take(index), f"the {len(index):,} rows of {source} that were {words}")
        if _repeats(rows.scores(model), model.record.scores[part]):
            return rows
    return found


def _all_rows(model: Model, table: Table, origin: str) -> HeldOut:
    head = head_of(model)
    encoded = model.schema.encode(table)
    engine = engine_named(model.engine, model.threads)
    x = inputs_of(model.feature_map, encoded.numbers, encoded.codes, model.theta.dtype, engine)
    o = model.outputs(table)
    truth = head.target.encode(table)
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


def _rows_of(model: Model, rows: int, part: str) -> NDArray[Any] | None:
    """The row numbers that a fit of a table of so many rows set aside, if such a fit made this model."""
    settings, counts = model.record.settings, model.record.rows
    if part not in counts or not model.record.scores.get(part):
        return None
    split = split_rows(rows, settings["valid_fraction"], settings["test_fraction"], settings["seed"])
    found: NDArray[Any] = getattr(split, part)
    return found if len(found) == counts[part] else None


def _repeats(scores: dict[str, float], at_fit: Any) -> bool:
    return all(isclose(scores[name], value, rel_tol=1e-4) for name, value in at_fit.items())

"""Held-out rows: the rows of a table with known targets on which a report evaluates a model.

``held_out`` takes a model and a table, selects the rows that were not used for training, and returns their encoded
columns, network inputs, outputs, predictions and true targets as arrays.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import product
from math import isclose
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.errors import BackpassError, DataError, UsageError
from backpass.model.evaluation.labeled_rows import LabeledRows
from backpass.model.fitting.problem.division import units_in
from backpass.model.head.head import Head
from backpass.model.model import Model
from backpass.model.settings.settings import Settings
from backpass.model.split.splits import split_rows, strata_of
from backpass.model.training_rows import row_digests
from backpass.reporting.numbers.names import label
from backpass.table import Table

REPORT = "a report"
"""What most rows are held out for, as messages name it."""


def check_model(model: object) -> None:
    """Check that a model is a ``Model``: a grouped model has many of them.

    Raises:
        UsageError: It is something else.
    """
    if not isinstance(model, Model):
        hint = "backpass.load reads the file of a model; grouped_model[group] is the model of one group"
        raise UsageError(f"model must be a Model; got {model!r}", hint=hint)


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """Rows to evaluate a model on.

    Attributes:
        table: The rows.
        numbers: (n, p). The encoded numbers.
        codes: (n, q). The codes of the categorical columns.
        x: (n, d). The network inputs.
        outputs: o, (n, k). The network outputs.
        predicted: Numbers (n,), class probabilities (n, classes), or label probabilities (n, k).
        truth: Numbers (n,), class codes (n,), or labels (n, k).
        origin: A phrase that says which rows these are.
        notes: What was noticed while the table was read.
        is_known: Whether the scores at the fit were measured on exactly these rows.
        weights: (n,). The weight of each row; None if all are 1.
        warnings: What makes scores on these rows too good.
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
    weights: NDArray[np.float64] | None = None
    warnings: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        return self.table.rows

    @property
    def digests(self) -> NDArray[np.uint32]:
        """(n,). The digest of each row, see ``row_digests``."""
        return row_digests(self.numbers, self.codes, self.truth)

    def labeled(self, model: Model) -> LabeledRows:
        """Return these rows as those that an evaluation scores."""
        units, later = model.record.units(self.table), model.record.beyond(self.table)
        return LabeledRows(model.head, model.intervals, self.outputs, self.truth, self.weights, units, later)

    def scores(self, head: Head, weights: NDArray[np.float64] | None = None) -> dict[str, float]:
        """Return every metric on these rows; ``weights`` (n,) multiply those of the rows."""
        own = self.weights
        both = weights if own is None else own if weights is None else own * weights
        return head.scores(self.outputs, self.truth, both)


def reportable(head: Head, what: str = REPORT) -> Head:
    """Return a head whose predictions a report can describe: one for each target.

    Args:
        head: The head of the model.
        what: What cannot describe several quantiles, for the message.

    Raises:
        UsageError: They are several quantiles of one target.
    """
    if not head.is_flat and not head.are_labels and not number_names(head):
        raise UsageError(
            f"{what} requires one prediction per target; this model predicts {head.outputs} quantiles",
            hint="fit one model per quantile",
        )
    return head


def number_names(head: Head) -> tuple[str, ...]:
    """Return the names of several numeric targets; empty for one target, for labels and for several quantiles."""
    names = tuple(dict.fromkeys(each.target.name for each in head.targets))
    are_numbers = not head.is_flat and head.target.task == "regression"
    return names if are_numbers and len(names) == head.outputs else ()


def held_out(model: Model, table: Table, what: str = REPORT) -> HeldOut:
    """Return all rows of a table; for the table that the model was trained on, only the test or validation rows.

    The training table is recognized by its number of rows and by the scores of its test (or validation) rows, which
    equal those at the fit.

    Args:
        model: The model.
        table: A table with the target columns.
        what: What the rows are for, for the message on a model of several quantiles.

    Raises:
        DataError: Lists what the table lacks.
        UsageError: The model predicts several quantiles.
    """
    reportable(model.head, what)
    source = label(os.path.basename(table.source))
    table = model.labeled(table)
    for part in ("test", "validation"):
        words = "held out for testing" if part == "test" else "held out for validation"
        for index in _rows_of(model, table, part):
            rows = _rows(model, table.take(index), f"the {len(index):,} rows of {source} that were {words}")
            if _repeats(rows.scores(model.head), model.record.scores[part]):
                return replace(rows, is_known=True)
    every = f"all {table.rows:,} rows" if table.rows > 1 else "the only row"
    found = _rows(model, table, f"{every} of {source}")
    if model.training_rows is not None:
        return replace(found, warnings=tuple(model.training_rows.warnings_on(found.digests)))
    if table.rows not in _fitted_rows(model.record.rows):
        return found
    doubt = "as many rows as the model was fitted on: if it is the training table, these scores are too optimistic"
    return replace(found, notes=(*found.notes, doubt))


def _rows(model: Model, table: Table, origin: str) -> HeldOut:
    """Encode all rows of a table and run the model on them."""
    head = reportable(model.head)
    # The schema excludes only the first target.
    no_inputs = {*(each.target.name for each in head.targets[1:]), model.record.weight}
    encoded = model.encoded(replace(table, columns={k: v for k, v in table.columns.items() if k not in no_inputs}))
    ensemble = model.ensemble
    x = ensemble.inputs(encoded.numbers, encoded.codes)
    o = ensemble.outputs(x)
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
        (*table.notes, *encoded.notes, *encoded.warnings),
        weights=model.record.row_weights(table),
    )


def _rows_of(model: Model, table: Table, part: str) -> Iterator[NDArray[Any]]:
    """Yield the row numbers of a split, for each way in which the fit may have split the table.

    There are several, because validation or test rows may have come from separate files; then no rows of the table are
    used for that split.
    """
    settings, counts = model.record.settings, model.record.rows
    if not model.record.scores.get(part) or not {*model.record.split_columns} <= {*table.columns}:
        return
    head = reportable(model.head)
    strata = None if head.target.task == "regression" else strata_of(head.truth(table))
    asked = Settings.from_json(settings)
    try:
        units = units_in([table], [head.truth(table)], model.targets, [*model.schema.kinds], asked)[0][0]
    except BackpassError:
        return  # this table cannot be split by these columns, so it is not the one that was
    for validation, test in product({settings["validation_fraction"], 0.0}, {settings["test_fraction"], 0.0}):
        with suppress(DataError):
            split = split_rows(table.rows, validation, test, settings["seed"], strata=strata, units=units)
            found: NDArray[Any] = getattr(split, part)
            if len(found) == counts[part]:
                yield found


def _fitted_rows(counts: Mapping[str, int]) -> set[int]:
    """Return the possible row counts of the training table; separate validation or test files do not add to it."""
    train, validation, test = (counts.get(part, 0) for part in ("train", "validation", "test"))
    return {train, train + validation, train + test, train + validation + test}


def _repeats(scores: dict[str, float], at_fit: Any) -> bool:
    both = [name for name in at_fit if name in scores]
    return bool(both) and all(isclose(scores[name], at_fit[name], rel_tol=1e-4) for name in both)

"""Splits of the rows of an estimator: training and validation rows."""

from __future__ import annotations

from dataclasses import replace

from backpass.estimators.split_columns import without_columns
from backpass.model import Rows, Settings
from backpass.model.split.splits import split_table, strata_of
from backpass.model.split.units import units_of


def splits_of(rows: Rows, given: Rows | None, settings: Settings, task: str) -> tuple[dict[str, Rows], tuple[str, ...]]:
    """Training and validation rows, and notes: the validation rows given, or a share of the training rows."""
    table, split_by = without_columns(rows.table)
    units, notes = units_of(
        [*table.columns.values()], rows.truth, group=split_by.get("group"), time=split_by.get("time")
    )
    rows = replace(rows, whole=table, units=units, index=None)
    strata = None if task == "regression" else strata_of(rows.truth)
    without_test = replace(settings, test_fraction=0.0)
    split = split_table(len(rows), without_test, has_validation=given is not None, strata=strata, units=rows.units)
    splits = {"train": rows.take(split.train)}
    if given is not None:
        splits["validation"] = given
    elif len(split.validation):
        splits["validation"] = rows.take(split.validation)
    return splits, notes if split_by else ()

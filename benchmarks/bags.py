"""Bags: a library fitted on each of the four folds of the preset default, its predictions averaged.

The preset default trains each of its networks on three quarters of the training and validation rows, and validates it
on the other quarter. A bag gives another library the same rows: a model per fold, which stops early on the fold that it
does not train on.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from contenders import Case, Fit, Predict, whole

from backpass.model import Settings, make_problem
from backpass.table import table_from

FOLDS = 4


def with_folds(case: Case) -> Case:
    """The case with the folds of the preset default: row numbers of ``case.joined()``, stratified for classes.

    Rows with equal inputs are in one fold, and so are those of a group; folds in time are blocks of consecutive rows.
    """
    settings = {"preset": "default", "ensemble_size": FOLDS, "ensemble_split": "folds", "seed": case.seed}
    rulers = {case.ruler: case.column} if case.ruler else {}
    problem = make_problem(
        table_from(whole(case, case.X, case.y)),
        "target",
        Settings.of({**settings, **rulers, "test_fraction": 0.0, "refit": True}),
        validation=table_from(whole(case, case.X_valid, case.y_valid)),
        diagnose=False,
    )
    assert problem.source is not None, "a fit that may be repeated keeps the rows it was made of"
    counts = {name: len(rows) for name, rows in problem.source.rows.items()}
    if counts != {"train": len(case.y), "validation": len(case.y_valid)} or len(problem.folds) != FOLDS:
        raise ValueError(f"{len(problem.folds)} folds of {counts}, expected {FOLDS} of {len(case.y)} and validation")
    order = problem.source.rows["train"].index
    shuffled = np.arange(len(case.y)) if order is None else order
    numbers = np.concatenate([shuffled, len(case.y) + np.arange(len(case.y_valid))])
    return replace(case, folds=tuple((numbers[fold.train], numbers[fold.validation]) for fold in problem.folds))


def bagged(fit: Fit) -> Fit:
    """The contender that fits a library on each fold and averages the predictions, or the probabilities."""

    def fitted(case: Case) -> Predict:
        X, y = case.joined()

        def part(rows: Any) -> Any:
            return X.iloc[rows].reset_index(drop=True)

        members = [
            fit(
                replace(
                    case,
                    X=part(train),
                    y=y[train],
                    X_valid=part(valid),
                    y_valid=y[valid],
                    seed=FOLDS * case.seed + number,
                    folds=(),
                )
            )
            for number, (train, valid) in enumerate(case.folds)
        ]
        return lambda frame: np.mean([np.asarray(predict(frame)) for predict in members], axis=0)

    return fitted

"""Cross-validation: the scores of a model on rows that it did not train on, for all rows of a table in turn.

It takes a table and the arguments of ``fit`` and returns scores by fold and the predictions of every row by the model
that did not see it. ``folds`` deals the rows; each fold is fitted and scored exactly as by ``fit``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from math import sqrt
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.errors import hints_in_reading
from backpass.model.assessment.folds import Folds
from backpass.model.fitting.problem.tables import as_table, reading_options
from backpass.model.fitting.teaching.teacher import named_teacher
from backpass.model.fitting.transfer.feature_source import FeatureSource
from backpass.model.head.decision import Decision
from backpass.model.settings.options import SettingsOptions
from backpass.model.settings.settings import Settings
from backpass.numerics.elementary import mean, total
from backpass.table import Target
from backpass.training.processes.exchange import SOLO, Exchange


@dataclass(frozen=True, slots=True, eq=False)
class CrossValidation:
    """The result of a cross-validation.

    Attributes:
        folds: The number of folds.
        repeats: The number of repetitions, each with other folds.
        scores: Every metric on the left-out rows of each fold, repetition by repetition.
        fold: The fold of each row in the first repetition, from 1: int64 (n,). 0 for a row that is never left out.
        predicted: Numbers (n,), class probabilities (n, classes), or for several targets (n, k): the mean over
            repetitions of the prediction by the model that did not train on the row; NaN for a row that is never left
            out.
        decided: The number of the predicted class of each row, (n,): the decision on ``predicted`` by the model that
            did not train on the row, with its threshold and class weights. Over several repetitions, the
            majority of the decisions; ties go to the more probable class. -1 for a row that is never left out, and for
            numbers and several targets.
        truth: The targets as numbers or class numbers, (n,), or (n, k) for several.
        classes: The classes; empty for numbers and for several targets.
        targets: The targets.
        row_numbers: The number of each row in its source, from 1: (n,). Rows without a target or weight are left out.
    """

    folds: int
    repeats: int
    scores: tuple[Mapping[str, float], ...]
    fold: NDArray[np.int64] = field(repr=False)
    predicted: NDArray[np.float64] = field(repr=False)
    decided: NDArray[np.int64] = field(repr=False)
    truth: NDArray[Any] = field(repr=False)
    classes: tuple[str, ...]
    targets: tuple[Target, ...]
    row_numbers: NDArray[np.int64] = field(repr=False)

    @property
    def mean(self) -> dict[str, float]:
        """The mean of each metric over folds and repetitions."""
        return {name: mean([each[name] for each in self.scores]) for name in self.scores[0]}

    @property
    def spread(self) -> dict[str, float]:
        """The standard deviation of each metric over folds and repetitions (divisor: their number - 1)."""
        return {name: _spread([each[name] for each in self.scores]) for name in self.scores[0]}


def _spread(scores: Sequence[float]) -> float:
    e = np.array(scores) - mean(scores)
    return sqrt(total(e * e) / (len(e) - 1))


def cross_validate(
    data: Any,
    target: str | Sequence[str],
    *,
    folds: int = 5,
    repeats: int = 1,
    drop: Sequence[str] = (),
    columns: Sequence[str] | None = None,
    weight: str | None = None,
    teacher: Any = None,
    features_of: Any = None,
    strict: bool = False,
    reading: Mapping[str, Any] | None = None,
    **settings: Unpack[SettingsOptions],
) -> CrossValidation:
    """Fit one model per fold on the rows of all other folds, and score it on the rows of the fold.

    Folds are stratified by class, and rows that belong together are in one fold: groups (the setting
    ``group``) and rows with equal inputs. With the setting ``time``, the table is cut into folds + 1 blocks in the
    order of time, and each block but the first is predicted from all blocks before it (forward chaining).

    Args:
        data: The rows, in any form that ``fit`` takes.
        target: The column to predict, or a list of several, as in ``fit``.
        folds: The number of folds, 2 or more. Default 5.
        repeats: The number of repetitions, each with other folds. Default 1.
        drop: Columns to leave out. Default ().
        columns: The only columns to learn from. Default None: all.
        weight: The column of row weights, as in ``fit``. Default None: all rows have weight 1.
        teacher: Predictions of another model to learn from, as in ``fit``. Default None: no teacher.
        features_of: The model whose learned features are kept, as in ``fit``. Default None: all layers are trained.
        strict: Whether a row without a target raises an error. Default False: it is left out.
        reading: Options of ``read_table``, see ``fit``. Default None.
        **settings: See ``fit``. ``test_fraction`` is ignored.

    Returns:
        The scores of each fold with their mean and standard deviation, and the prediction and the fold of each row.

    Raises:
        UsageError: A setting or an argument cannot be used.
        DataError: The table cannot be used, or has fewer rows or groups than folds.

    >>> found = cross_validate({"x": range(60), "y": range(60)}, "y", folds=3, hidden=(), epochs=20)
    >>> len(found.scores), found.predicted.shape, sorted({*found.fold.tolist()})
    (3, (60,), [1, 2, 3])
    """
    with hints_in_reading():
        chosen, options = Settings.of(settings), reading_options(reading)
        source = None if features_of is None else FeatureSource.of(features_of)
        table = as_table(data, options if source is None else source.reading(options))
        table, taught_by = named_teacher(table, teacher)
        dealt = Folds.of(
            table,
            target,
            chosen,
            folds,
            repeats,
            drop=drop,
            columns=columns,
            weight=weight,
            teacher=taught_by,
            features_of=source,
            strict=strict,
        )
    return cross_validated(dealt, chosen, folds, repeats)


def cross_validated(
    dealt: Folds,
    settings: Settings,
    folds: int,
    repeats: int = 1,
    *,
    on_fold: Callable[[int, int, Mapping[str, float]], object] | None = None,
    exchange: Exchange = SOLO,
) -> CrossValidation:
    """The cross-validation of a table that is cut into folds.

    Args:
        dealt: The table and its folds.
        settings: The settings.
        folds: The number of folds.
        repeats: The number of repetitions.
        on_fold: Called with number, count and scores of each fold.
        exchange: The processes, which divide the folds; all of them get the result.
    """
    by_row: NDArray[np.float64] | None = None
    scores: list[Mapping[str, float]] = []
    fold = np.zeros(dealt.table.rows, dtype=np.int64)
    decisions: dict[int, Decision | None] = {}
    for i, found, decision, its_scores in _fitted(dealt, settings, exchange):
        scored = dealt.rounds[i][1]
        if by_row is None:
            by_row = np.full((dealt.table.rows, *found.shape[1:]), np.nan)
        by_row[scored] = np.nan_to_num(by_row[scored]) + found / repeats
        if i < folds:
            fold[scored] = i + 1
        decisions[i] = decision
        scores.append(its_scores)
        if on_fold is not None:
            on_fold(i + 1, folds * repeats, scores[-1])
    assert by_row is not None
    return CrossValidation(
        folds,
        repeats,
        tuple(scores),
        fold,
        by_row,
        _decided(dealt, by_row, decisions),
        dealt.truth,
        dealt.targets.classes,
        dealt.targets.each,
        dealt.table.row_numbers,
    )


def _decided(
    dealt: Folds, predicted: NDArray[np.float64], decisions: Mapping[int, Decision | None]
) -> NDArray[np.int64]:
    """The class of each row by the models that did not train on it: see ``CrossValidation.decided``."""
    decided = np.full(len(predicted), -1, dtype=np.int64)
    if not dealt.targets.classes:
        return decided
    votes = np.zeros(predicted.shape)
    for i, decision in decisions.items():
        scored = dealt.rounds[i][1]
        p = predicted[scored]
        votes[scored, np.argmax(p, axis=1) if decision is None else decision.classes_of(p)] += 1.0
    left_out = votes.any(axis=1)
    decided[left_out] = np.argmax(votes[left_out] + 0.5 * predicted[left_out], axis=1)
    return decided


def _fitted(
    dealt: Folds, settings: Settings, exchange: Exchange
) -> Iterator[tuple[int, NDArray[np.float64], Decision | None, Mapping[str, float]]]:
    """The number of each fold, the predictions of its rows, the decision of its model, and its scores.

    Several processes fit as many folds at a time, each one of them.
    """
    count = len(dealt.rounds)
    for first in range(0, count, exchange.size):
        i, own = first + exchange.rank, None
        if i < count:
            model = dealt.fit(i, settings)
            found = np.asarray(model.head.predictions(model.outputs(dealt.scored(i))), dtype=np.float64)
            own = (i, found, model.head.decision, model.record.scores["test"])
        yield from (each for each in exchange.share(own) if each is not None)

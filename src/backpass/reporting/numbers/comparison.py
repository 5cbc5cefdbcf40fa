"""A comparison: two models scored on the same rows, with the uncertainty of the differences.

``compared`` takes two models for one target and their tables and returns each metric of both, and the difference with
its interval by the paired bootstrap: both models are scored on the same drawn rows, so that what makes a row easy or
hard for both cancels (Efron & Tibshirani 1993, chapter 8).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.errors import DataError, UsageError
from backpass.model.metrics import LOWER_IS_BETTER, METRICS
from backpass.model.model import Model
from backpass.numerics.bootstrap import Interval, intervals
from backpass.table import Table, Target
from backpass.table.messages import listed, shown
from backpass.table.notation.vocabulary import are_one_currency


@dataclass(frozen=True, slots=True)
class Comparison:
    """The scores of two models on the same rows.

    Attributes:
        rows: The number of rows.
        first: Every metric of the first model.
        second: Every metric of the second model.
        differences: The second minus the first, with its 95% interval.
        notes: What was left out of the comparison, or assumed for it.
    """

    rows: int
    first: Mapping[str, float]
    second: Mapping[str, float]
    differences: Mapping[str, Interval]
    notes: tuple[str, ...] = ()

    def better(self, metric: str) -> int:
        """Return 1 or 2, the number of the model that is clearly better; 0 if the interval contains no difference."""
        difference = self.differences[metric]
        if not difference.is_known or difference.low <= 0.0 <= difference.high:
            return 0
        return 2 if (difference.value < 0.0) == (metric in LOWER_IS_BETTER) else 1


def compared(models: tuple[Model, Model], tables: tuple[Table, Table], *, seed: int = 0) -> Comparison:
    """Score two models on the same rows.

    Args:
        models: The models.
        tables: The same labeled rows, as each of the models reads them.
        seed: The seed of the bootstrap.

    Raises:
        UsageError: The models have different targets, classes or units.
        DataError: The tables have different rows.
    """
    check_alike(*models)
    if not np.array_equal(tables[0].row_numbers, tables[1].row_numbers):
        raise DataError(
            "the two models read different rows of the table", hint="use a table with the columns of both models"
        )
    names, notes = _names_of(*models)
    notes += [
        f"one model was fitted on values of {shown(name)} in {shown(a or b)}, the other on numbers without a unit: "
        "both read the numbers of the table without converting them"
        for name, a, b in _units_of(*models)
    ]
    o = [model.outputs(table) for model, table in zip(models, tables, strict=True)]
    truth, weights = models[0].head.truth(tables[0]), _weights_of(models, tables)

    def scores(drawn: NDArray[np.float64] | None) -> list[dict[str, float]]:
        together = weights if drawn is None else drawn if weights is None else drawn * weights
        return [model.head.scores(outputs, truth, together, names) for model, outputs in zip(models, o, strict=True)]

    def differences(drawn: NDArray[np.float64] | None) -> dict[str, float]:
        first, second = scores(drawn)
        return {name: second[name] - first[name] for name in first if name in second}

    first, second = scores(None)
    units = next((u for m, t in zip(models, tables, strict=True) if (u := m.record.units(t)) is not None), None)
    spread = intervals(differences, len(o[0]), unit=None if units is None else units.resampled, seed=seed)
    return Comparison(len(o[0]), first, second, spread, tuple(notes))


def check_alike(first: Model, second: Model) -> None:
    """Check that two models predict the same.

    Raises:
        UsageError: They do not.
    """
    if first.labels != second.labels:
        names = " and ".join(listed(model.labels, shown) for model in (first, second))
        raise UsageError(f"the models predict different targets: {names}", hint="compare models of one target")
    if first.classes != second.classes or first.head.target.task != second.head.target.task:
        held = [listed(model.classes, shown) if model.classes else "numbers" for model in (first, second)]
        raise UsageError(
            f"the models know different classes of {shown(first.target)}: {' and '.join(held)}",
            hint="fit both on tables with the same classes",
        )
    pairs = _units_of(first, second)
    if errors := [f"{shown(name)}: {shown(a)} and {shown(b)}" for name, a, b in pairs if a and b]:
        raise UsageError(
            f"the models predict numbers in different units: {'; '.join(errors)}",
            hint="fit both on tables with the same unit",
        )


def _units_of(first: Model, second: Model) -> list[tuple[str, str, str]]:
    """Return the targets whose units or currencies differ: name, and that of each model, "" if it has none."""
    both = zip(first.head.targets, second.head.targets, strict=True)
    found = [(a.target.name, _unit(a.target), _unit(b.target)) for a, b in both]
    return [
        (name, a, b) for name, a, b in dict.fromkeys(found) if a != b and not (a and b and are_one_currency({a, b}))
    ]


def _unit(target: Target) -> str:
    reading = target.reading
    return "" if reading is None else reading.currency or reading.unit


def _names_of(first: Model, second: Model) -> tuple[list[str], list[str]]:
    """Return the metrics that both models have, and notes about those that are left out."""
    both = {*first.head.all_metrics, *first.head.metrics} & {*second.head.all_metrics, *second.head.metrics}
    names = [name for name in first.head.all_metrics if name in both and name != "loss"]
    if first.head.positive == second.head.positive:
        return names, []
    positives = " and ".join(shown(model.classes[model.head.positive]) for model in (first, second))
    kept = [name for name in names if "positive" not in METRICS[name].options or name == "roc_auc"]
    return kept, [f"the positive classes differ, {positives}: precision, recall, F1 and the like are left out"]


def _weights_of(models: tuple[Model, Model], tables: tuple[Table, Table]) -> NDArray[np.float64] | None:
    """Return the weights of the rows, if both models were fitted with the same column of weights."""
    return models[0].record.row_weights(tables[0]) if models[0].record.weight == models[1].record.weight else None

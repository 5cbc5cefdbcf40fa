"""Settings table: the hyperparameters of every step of a run, as its schedules give them.

It takes training settings, an optimizer and the number of steps that the schedules are made for. Rows are computed for
many steps at once: an epoch of a small table has ten steps, and a schedule takes as long for ten as for a thousand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field

import numpy
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.training.optimizer import Optimizer
from backpass.training.schedules import schedule_named

Floats = NDArray[numpy.float64]

_AT_ONCE = 4096


@dataclass(slots=True)
class SettingsTable:
    """The hyperparameters of every step. The rows that were computed last are kept.

    Attributes:
        optimizer: The optimizer, whose columns come first.
        learning_rate: alpha of the notes.
        schedule: The name of its schedule.
        schedules: The schedules of other columns, by name.
        columns: The columns that the objective reads, among ``schedules``.
        steps: The number of steps that the schedules are made for.
    """

    optimizer: Optimizer
    learning_rate: float
    schedule: str
    schedules: Mapping[str, str]
    columns: Sequence[str]
    steps: int
    _first: int = 0
    _rates: Floats = field(default_factory=lambda: numpy.zeros(0))
    _rows: Floats = field(default_factory=lambda: numpy.zeros((0, 0)))

    def learning_rates(self, first: int, steps: int) -> Floats:
        """alpha of the steps after ``first``: (steps,)"""
        at = self._at(first, steps)
        return self._rates[at]

    def rows(self, first: int, steps: int) -> Floats:
        """The settings of the steps after ``first``, for the optimizer and then the objective: (steps, columns)"""
        at = self._at(first, steps)
        return self._rows[at]

    def _at(self, first: int, steps: int) -> slice:
        """Where these steps are among the kept ones, which may have to be computed first."""
        if not self._first <= first <= first + steps <= self._first + len(self._rates):
            self._compute(first, max(steps, min(_AT_ONCE, self.steps - first)))
        return slice(first - self._first, first - self._first + steps)

    def _compute(self, first: int, steps: int) -> None:
        # t: the fraction of all steps that is complete before each.
        t = numpy.arange(first, first + steps) / max(self.steps, 1)
        factors = {name: schedule_named(schedule)(t) for name, schedule in self.schedules.items()}
        self._first, self._rates = first, self.learning_rate * schedule_named(self.schedule)(t)
        own = self.optimizer.settings(self._rates, first, factors)
        self._rows = numpy.column_stack([own, *(factors[name] for name in self.columns)])

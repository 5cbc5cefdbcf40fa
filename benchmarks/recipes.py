"""Recipes: a step of RealMLP-TD with batches of 256 rows, ours and that of its authors' library, pytabkit.

Neither shows its inner loop to a caller: a turn trains for some epochs and for twice as many, and gives the difference
over the steps that are more. Reading, scaling and the start cancel; validation after each epoch is part of both.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from turns import Turn


@dataclass(frozen=True)
class Recipe:
    """Columns of a table of numbers, and its rows for training and for validation."""

    columns: int
    rows: int = 5_120
    valid_rows: int = 1_280
    batch_size: int = 256
    epochs: int = 8

    @property
    def name(self) -> str:
        return f"RealMLP-{self.columns}"

    @property
    def steps(self) -> int:
        """Steps that the longer run takes more."""
        return self.epochs * (self.rows // self.batch_size)

    def data(self) -> tuple[Any, Any]:
        random = np.random.default_rng(0)
        x = random.standard_normal((self.rows + self.valid_rows, self.columns)).astype(np.float32)
        return x, np.sin(x[:, 0]) + 0.3 * x[:, 1] ** 2

    @property
    def validation_fraction(self) -> float:
        return self.valid_rows / (self.rows + self.valid_rows)


RECIPES = (Recipe(8), Recipe(50))


def _difference(recipe: Recipe, train: Callable[[int], Any]) -> Turn:
    def turn() -> float:
        times = []
        for epochs in (recipe.epochs, 2 * recipe.epochs):
            begin = time.perf_counter()
            train(epochs)
            times.append(time.perf_counter() - begin)
        return (times[1] - times[0]) / recipe.steps

    return turn


def our_recipe_turn(recipe: Recipe) -> Turn:
    from backpass.model.fitting.problem.preparation import make_problem
    from backpass.model.settings.settings import Settings
    from backpass.table import table_from

    x, y = recipe.data()
    table = table_from({**{f"x{j}": x[:, j] for j in range(recipe.columns)}, "y": y})
    settings = {"preset": "realmlp", "validation_fraction": recipe.validation_fraction, "test_fraction": 0.0}
    problems = {
        epochs: make_problem(table, "y", Settings.of({**settings, "epochs": epochs}))
        for epochs in (recipe.epochs, 2 * recipe.epochs)
    }
    return _difference(recipe, lambda epochs: problems[epochs].train())


def pytabkit_turn(recipe: Recipe) -> Turn:
    from pytabkit import RealMLP_TD_Regressor

    x, y = recipe.data()

    def train(epochs: int) -> None:
        model = RealMLP_TD_Regressor(
            device="cpu", random_state=0, n_epochs=epochs, val_fraction=recipe.validation_fraction, verbosity=0
        )
        model.fit(x, y)

    train(1)
    return _difference(recipe, train)

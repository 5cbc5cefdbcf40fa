"""The linear baseline's share of a fit: at most a tenth of the training time, or 2 s of processor time if that is more.

Made tables of the shapes that are hard for it: 1,503 columns with categories, 1,200 numbers, 100 classes, 2 million
rows. The baselines of each are fitted as ``fit`` does. Training (preset ``default``) runs for some seconds of processor
time, and its whole time is that of its steps. A baseline that is left out says so in a note.

    python benchmarks/baselines.py --tables wide,classes
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from turns import conditions, print_records

import backpass
from backpass.model import Settings, make_problem
from backpass.model.fitting.fit_problem import fit_problem
from backpass.model.fitting.outcome.scoring import baselines
from backpass.model.fitting.problem.problem import Problem
from backpass.table import Table, table_from

SHARE, SECONDS = 0.1, 2.0
TRAINED = 4.0
"""Seconds of processor time that training runs for."""


def grants(rows: int = 8_190) -> Table:
    """1,503 columns: 1,300 sparse indicators, 200 numbers, 3 columns of 50 to 600 categories; two classes."""
    random = np.random.default_rng(0)
    flags = (random.random((rows, 1_300)) < random.random(1_300) ** 3).astype(float)
    numbers = random.standard_normal((rows, 200)) * np.exp(random.standard_normal(200))
    codes = {f"c{count}": random.integers(0, count, rows) for count in (50, 200, 600)}
    score = flags[:, :20].sum(axis=1) + numbers[:, 0] + codes["c50"] / 25 + random.standard_normal(rows)
    columns = {f"f{j}": flags[:, j] for j in range(1_300)} | {f"n{j}": numbers[:, j] for j in range(200)}
    categories = {name: np.array([f"k{code}" for code in values]) for name, values in codes.items()}
    return table_from({**columns, **categories, "y": np.where(score > np.median(score), "yes", "no")})


def wide(rows: int = 4_000) -> Table:
    """1,200 numeric columns and a number."""
    random = np.random.default_rng(1)
    x = random.standard_normal((rows, 1_200))
    y = x[:, :40].sum(axis=1) + random.standard_normal(rows)
    return table_from({f"x{j}": x[:, j] for j in range(1_200)} | {"y": y})


def classes(rows: int = 20_000) -> Table:
    """100 classes of a mixture of Gaussians in 64 columns."""
    random = np.random.default_rng(2)
    label = random.integers(0, 100, rows)
    x = random.standard_normal((100, 64))[label] + 2.0 * random.standard_normal((rows, 64))
    return table_from({f"x{j}": x[:, j] for j in range(64)} | {"y": np.array([f"class {k}" for k in label])})


def long(rows: int = 2_000_000) -> Table:
    """2 million rows of 20 numbers and 2 categorical columns; two classes."""
    random = np.random.default_rng(3)
    x = random.standard_normal((rows, 20)).astype(np.float32)
    codes = {f"c{count}": random.integers(0, count, rows) for count in (12, 300)}
    score = x[:, :5].sum(axis=1) + codes["c12"] / 6 + random.standard_normal(rows)
    categories = {name: np.array([f"k{code}" for code in range(max(v) + 1)])[v] for name, v in codes.items()}
    return table_from({f"x{j}": x[:, j] for j in range(20)} | {**categories, "y": np.where(score > 1, "yes", "no")})


TABLES: dict[str, Callable[[], Table]] = {"grants": grants, "wide": wide, "classes": classes, "long": long}


class Enough(Exception):
    """Training has run for long enough."""


@dataclass
class Pace(backpass.Callback):
    """Measures the processor time of steps, and ends the run by ``Enough``. Mutable."""

    total: int = 0
    first: tuple[int, float] | None = None
    last: tuple[int, float] = field(default=(0, 0.0))

    def on_start(self, total_steps: int, steps_per_epoch: int) -> None:
        self.total = total_steps

    def on_step(self, step: int) -> None:
        here = (step, time.process_time())
        self.first = self.first or here
        self.last = here
        if here[1] - self.first[1] > TRAINED:
            raise Enough

    @property
    def seconds(self) -> float:
        """The processor time of all steps, those of the measured ones being typical."""
        assert self.first is not None
        steps = max(self.last[0] - self.first[0], 1)
        return (self.last[1] - self.first[1]) / steps * self.total


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--tables", default=",".join(TABLES))
    arguments.add_argument("--preset", default="default")
    options = arguments.parse_args()
    records = []
    print(f"{'table':8} {'rows':>9} {'columns':>8} {'baselines s':>12} {'training s':>11} {'limit s':>8}  verdict")
    for name in options.tables.split(","):
        table = TABLES[name]()
        settings = Settings.of({"preset": options.preset, "threads": 1})
        problem = make_problem(table, "y", settings, diagnose=False)
        began = time.process_time()
        compared = baselines(problem)
        taken = time.process_time() - began
        training = training_seconds(problem)
        limit = max(SHARE * training, SECONDS)
        verdict = "within" if taken <= limit else "ABOVE"
        columns = len(table.columns) - 1
        print(f"{name:8} {table.rows:>9,} {columns:>8,} {taken:>12.2f} {training:>11.1f} {limit:>8.1f}  {verdict}")
        for note in compared.notes:
            print(f"         {note}", flush=True)
        records.append({"table": name, "baselines_s": round(taken, 3), "training_s": round(training, 1)})
    print_records(each | conditions() for each in records)


def training_seconds(problem: Problem) -> float:
    """The processor time that training takes, without its evaluations on validation rows."""
    pace = Pace()
    try:
        fit_problem(problem, callbacks=[pace], compare=False)
    except Enough:
        return pace.seconds
    return pace.seconds


if __name__ == "__main__":
    main()

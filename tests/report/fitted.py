"""A table with hostile names, and models of every kind fitted on it, once for all tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

import backpass
from backpass.model import Model
from backpass.reporting import report

ROWS = 400
LABELS = ("dear", "<b>very dear", "of\u202e south", "$_{")
IMAGE, MARKS, SCRIPT, FORMULA = "<img src=x onerror=alert(1)>", "ab\u202ecd\u0628", "</script><b>town", "$x_{ \"'"
DAY_SOLD, HOUR_SEEN = "<b>sold", "seen"
QUICK: dict[str, Any] = {"validation_fraction": 0.16, "hidden": (12, 8), "epochs": 12, "batch_size": 16}
TARGETS = ("price", "sold", "grade")

Columns = dict[str, list[Any]]


@dataclass(frozen=True)
class Case:
    """A model, and the table it was fitted on."""

    model: Model
    columns: Columns


@cache
def table_of(target: str, rows: int = ROWS, seed: int = 0) -> Columns:
    """Numbers with gaps, whole numbers, texts and noise, with a target that rests on all but the noise."""
    rng = np.random.default_rng(seed)
    size, age, noise = rng.normal(size=rows), rng.integers(1, 60, rows), rng.normal(size=rows)
    town = rng.choice(["north", "south", "<b>east</b>", "$x_{"], rows)
    worth = 2.0 * size + 0.02 * age + 1.5 * (town == "north") + 0.2 * rng.normal(size=rows)
    gaps = rng.random(rows) < 0.1
    values = {
        "price": (1000.0 * worth).round(2).tolist(),
        "sold": np.where(worth > 1.0, "yes", "<no>").tolist(),
        "grade": np.array(["a", "<i>b", "c"])[np.digitize(worth, [0.0, 2.0])].tolist(),
    }
    return {
        IMAGE: [None if gap else value for value, gap in zip(size.tolist(), gaps, strict=True)],
        MARKS: age.tolist(),
        SCRIPT: town.tolist(),
        FORMULA: noise.tolist(),
        target: values[target],
    }


@cache
def case_of(target: str, **settings: Any) -> Case:
    """A model of a target, fitted once for all tests."""
    columns = table_of(target)
    return Case(backpass.fit(columns, target, **{**QUICK, **settings}), columns)


@cache
def dated(**settings: Any) -> Case:
    """A model of a date with gaps over three years, a time of day and a text: it rests on season, weekday and hour."""
    rng = np.random.default_rng(4)
    day = np.datetime64("2021-01-01") + rng.integers(0, 1096, ROWS)
    minute, town = rng.integers(0, 1440, ROWS), rng.choice(["north", "south"], ROWS)
    season = np.cos(2.0 * np.pi * (day.astype("M8[M]").astype(int) % 12) / 12.0)
    price = 10.0 * season + 0.01 * minute + 3.0 * (day.astype(int) % 7 == 2) + 2.0 * (town == "north")
    gaps = rng.random(ROWS) < 0.1
    columns: Columns = {
        DAY_SOLD: [None if gap else str(each) for each, gap in zip(day, gaps, strict=True)],
        SCRIPT: town.tolist(),
        HOUR_SEEN: [f"{each // 60:02}:{each % 60:02}" for each in minute],
        "price": price.round(2).tolist(),
    }
    return Case(backpass.fit(columns, "price", **{**QUICK, **settings}), columns)


@cache
def labelled(names: tuple[str, ...] = LABELS, **settings: Any) -> Case:
    """A model of labels, any of which may be on: two of the worth, one of a column, and noise."""
    from backpass import BackpassClassifier

    columns = dict(table_of("price"))
    worth, town = np.array(columns.pop("price")), np.array(columns[SCRIPT])
    on = [worth > 1000.0, worth > 2500.0, town == "south", *(np.random.default_rng(1).random((len(names), ROWS)) < 0.2)]
    y = np.column_stack(on[: len(names)]).astype(int)
    requested: dict[str, Any] = {"preset": "plain", "validation_fraction": 0.16, "epochs": 12, "batch_size": 16}
    fitted = BackpassClassifier((12, 8), **{**requested, **settings})
    fitted.fit(frame_of(columns), frame_of(dict(zip(names, y.T.tolist(), strict=True))))
    return Case(fitted.model_, {**columns, **dict(zip(names, y.T.tolist(), strict=True))})


def frame_of(columns: Columns) -> Any:
    """The columns as a data frame."""
    import pandas

    return pandas.DataFrame(columns)


@cache
def page_of(target: str, *, with_rows: bool = False) -> str:
    """The page of a model, made once for all tests."""
    case = case_of(target)
    return report(case.model, case.columns if with_rows else None)


VARIANTS: dict[str, Callable[[], Case]] = {
    "numeric": lambda: case_of("price"),
    "two classes": lambda: case_of("sold"),
    "three classes": lambda: case_of("grade"),
    "ensemble_size": lambda: case_of("grade", ensemble_size=3, epochs=3),
    "waves": lambda: case_of("price", preset="fast", ensemble_size=1, epochs=2),
    "embeddings": lambda: case_of("price", preset="fast", ensemble_size=1, epochs=2, max_one_hot_levels=2),
    "embeddings, ensemble": lambda: case_of("sold", preset="fast", epochs=2, max_one_hot_levels=2, ensemble_size=2),
    "float64": lambda: case_of("price", precision="float64", epochs=3),
    "dates": dated,
    "dates, waves": lambda: dated(preset="fast", epochs=2, ensemble_size=2),
}

"""Honest scores: whether rows that are left out by hand confirm the score, the interval and the coverage of a fit.

The folder holds Parquet files and ``manifest2.json``, a list of tables with "name", "target" and "split", which is
"group:COLUMN" or "time:COLUMN". From each such table a tenth is set aside: the latest rows, or random groups. Backpass
is fitted on the others with --group or --time, and is evaluated on that tenth.

    python benchmarks/splits.py FOLDER --presets fast,default

A score is confirmed if the difference to that of the left-out rows is no larger than their two 95 % intervals (of whole
groups, or blocks of time) allow together.
"""

from __future__ import annotations

import argparse
import json
import warnings
from math import hypot
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

import backpass
from backpass.model import Model, Settings, make_problem
from backpass.model.fitting.outcome.scoring import ScoredRows
from backpass.model.fitting.runs.ensemble import members_of
from backpass.numerics.bootstrap import Interval, intervals
from backpass.table import Table, read_table

SHARE = 0.1
LEVEL = 0.9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--presets", default="fast,default")
    parser.add_argument("--tables", default="", help="names, comma-separated; default: all")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    wanted = {name for name in args.tables.split(",") if name}
    print("| table | preset | metric | test score | left-out rows | confirmed | coverage: test | left-out rows |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for entry in json.loads((args.folder / "manifest2.json").read_text()):
        if entry["split"] == "random" or (wanted and entry["name"] not in wanted):
            continue
        for preset in args.presets.split(","):
            print(row(args.folder / f"{entry['name']}.parquet", entry, preset), flush=True)


def row(path: Path, entry: dict[str, Any], preset: str) -> str:
    """Fit one table and return its line of the result."""
    ruler, column = entry["split"].split(":")
    table = read_table(path)
    left_out = set_aside(path, table, ruler, column)
    rest = table.take(np.flatnonzero(~left_out))
    model = backpass.fit(rest, entry["target"], preset=preset, **{ruler: column})
    metric = model.head.metric
    others = model.labeled(model.table(table.take(np.flatnonzero(left_out)), with_target=True))
    test, later = test_score(model, rest, entry["target"], {ruler: column, "preset": preset}), scored(model, others)
    far = hypot(test.high - test.low, later.high - later.low) / 2
    agrees = "yes" if abs(test.value - later.value) <= far else "no"
    covered = ["" if model.record.coverage is None else f"{model.record.coverage:.1%}", ""]
    if model.residuals is not None:
        p = model.head.predictions(model.outputs(others))
        share = model.residuals.coverage(p, model.head.truth(others), LEVEL, model.weights(others))
        covered[1] = "" if share is None else f"{share:.1%}"
    return "| " + " | ".join([entry["name"], preset, metric, shown(test), shown(later), agrees, *covered]) + " |"


def set_aside(path: Path, table: Table, ruler: str, column: str) -> NDArray[np.bool_]:
    """The rows that are left out: the latest tenth, or those of a tenth of the groups, drawn at random."""
    values = duckdb.sql(f"SELECT \"{column}\" AS v FROM '{path}'").fetchnumpy()["v"]
    distinct, places = np.unique(np.ma.getdata(values), return_inverse=True)
    if ruler == "group":
        drawn = np.random.default_rng(0).random(len(distinct)) < SHARE
        return np.asarray(drawn[places])
    order = np.sort(places)
    return np.asarray(places >= order[int((1 - SHARE) * len(order))])


def test_score(model: Model, table: Table, target: str, settings: dict[str, Any]) -> Interval:
    """The test score of a fit, with its interval."""
    problem = make_problem(table, target, Settings.of(settings))
    thetas = [*model.theta.reshape(-1, model.network.parameter_count)]
    rows = ScoredRows.of(problem, members_of(problem), thetas, "test")
    assert rows is not None
    unit = None if rows.units is None else rows.units.resampled
    return _interval(model, rows.o, rows.part.truth, unit)


def scored(model: Model, table: Table) -> Interval:
    """The score on a table, with its interval."""
    return _interval(model, model.outputs(table), model.head.truth(table), model.resampled_rows(table))


def _interval(model: Model, o: Any, truth: Any, unit: Any) -> Interval:
    metric = model.head.metric
    return intervals(lambda weights: model.head.scores(o, truth, weights, [metric]), len(o), unit=unit)[metric]


def shown(score: Interval) -> str:
    """Format a score: ``2.1 (1.9 to 2.4)``"""
    return f"{score.value:.3g} ({score.low:.3g} to {score.high:.3g})"


if __name__ == "__main__":
    main()

"""Honest scores: whether rows that are left out by hand confirm the score, the interval and the coverage of a fit.

The folder holds Parquet files and ``manifest2.json``, a list of tables with "name", "target" and "split", which is
"group:COLUMN" or "time:COLUMN". From each such table a tenth is set aside: the latest rows, or random groups. Backpass
is fitted on the others with --group or --time, and with --time also with --refit, and is evaluated on that tenth.

    python benchmarks/splits.py FOLDER --presets fast,default

The printed score is the one that the fit prints for such rows: the test score for new groups and after a refit; the
score to expect of rows after the test rows for later rows without one. It is confirmed if its difference to that of the
left-out rows is no larger than their two 95% intervals (of whole groups, or blocks of time) allow together, and
"better" if the left-out rows are predicted better than that.
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
from backpass.model.metrics import LOWER_IS_BETTER
from backpass.numerics.bootstrap import Interval, intervals
from backpass.table import Table, read_table

SHARE = 0.1
LEVEL = 0.9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--presets", default="fast,default")
    parser.add_argument("--tables", default="", help="names, comma-separated; default: all")
    parser.add_argument("--seed", type=int, default=0, help="seed of the fits and of the groups left out; default: 0")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    wanted = {name for name in args.tables.split(",") if name}
    print("| table | preset | metric | printed score | left-out rows | confirmed | coverage: test | left-out rows |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for entry in json.loads((args.folder / "manifest2.json").read_text()):
        if entry["split"] == "random" or (wanted and entry["name"] not in wanted):
            continue
        for preset in args.presets.split(","):
            for refit in [False, True][: 1 + entry["split"].startswith("time:")]:
                print(row(args.folder / f"{entry['name']}.parquet", entry, preset, args.seed, refit=refit), flush=True)


def row(path: Path, entry: dict[str, Any], preset: str, seed: int, *, refit: bool) -> str:
    """Fit one table and return its line of the result."""
    ruler, column = entry["split"].split(":")
    table = read_table(path)
    left_out = set_aside(path, table, ruler, column, seed)
    rest = table.take(np.flatnonzero(~left_out))
    # A refit keeps the scores of the model before it, which is the same fit without it.
    settings = {"preset": preset, "seed": seed, ruler: column}
    before = backpass.fit(rest, entry["target"], **settings)
    model = backpass.fit(rest, entry["target"], refit=True, **settings) if refit else before
    metric = model.head.metric
    others = model.labeled(model.table(table.take(np.flatnonzero(left_out)), with_target=True))
    later, expected = scored(model, others), before.record.expected
    if refit or expected is None or expected.low is None or expected.high is None:
        printed = test_score(before, rest, entry["target"], settings)
    else:
        printed = Interval(expected.scores[metric], expected.low, expected.high)
    covered = ["" if model.record.coverage is None else f"{model.record.coverage:.1%}", ""]
    if model.intervals is not None:
        found, truth = model.predictions(others), model.head.truth(others)
        share = model.intervals.coverages(found.values, truth, LEVEL, model.record.row_weights(others), found.later)
        covered[1] = f"{share[0]:.1%}" if share else ""
    name = f"{entry['name']}, {ruler}{', refit' if refit else ''}"
    cells = [name, preset, metric, shown(printed), shown(later), agreement(printed, later, metric), *covered]
    return "| " + " | ".join(cells) + " |"


def agreement(printed: Interval, later: Interval, metric: str) -> str:
    """Whether two scores agree within their intervals: "yes" or "no"; "better" if the later ones are."""
    far = hypot(printed.high - printed.low, later.high - later.low) / 2
    if abs(printed.value - later.value) <= far:
        return "yes"
    return "better" if (later.value < printed.value) == (metric in LOWER_IS_BETTER) else "no"


def set_aside(path: Path, table: Table, ruler: str, column: str, seed: int) -> NDArray[np.bool_]:
    """The rows that are left out: the latest tenth, or those of a tenth of the groups, drawn at random."""
    values = duckdb.sql(f"SELECT \"{column}\" AS v FROM '{path}'").fetchnumpy()["v"]
    distinct, places = np.unique(np.ma.getdata(values), return_inverse=True)
    if ruler == "group":
        drawn = np.random.default_rng(seed).random(len(distinct)) < SHARE
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
    units = model.record.units(table)
    unit = None if units is None else units.resampled
    return _interval(model, model.outputs(table), model.head.truth(table), unit)


def _interval(model: Model, o: Any, truth: Any, unit: Any) -> Interval:
    metric = model.head.metric
    return intervals(lambda weights: model.head.scores(o, truth, weights, [metric]), len(o), unit=unit)[metric]


def shown(score: Interval) -> str:
    """Format a score: ``2.1 (1.9 to 2.4)``"""
    return f"{score.value:.3g} ({score.low:.3g} to {score.high:.3g})"


if __name__ == "__main__":
    main()

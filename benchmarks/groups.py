"""Processor time and error of a network per group, beside scikit-learn's MLP fitted to one group after another.

The table has a linear part, a bend and a level of its own in each group. ``fit_groups`` trains all groups in this
process; scikit-learn trains a random sample of them with its defaults, standardized by group, and its time
is multiplied up. Errors are those of the test rows that ``fit_groups`` held out. Time is processor time. Prints one
JSON object:

    python benchmarks/groups.py --groups 10000 --rows 200
"""

from __future__ import annotations

import argparse
import json
import resource
import time
import warnings
from typing import Any

import numpy as np

COLUMNS = 8


def table(groups: int, rows: int, seed: int) -> dict[str, Any]:
    """The columns of a table: the group, eight numbers and a target."""
    draws = np.random.default_rng(seed)
    store = np.repeat(np.arange(groups), rows)
    x = draws.normal(size=(groups * rows, COLUMNS))
    w, v, level = draws.normal(size=(groups, COLUMNS)), draws.normal(size=(groups, COLUMNS)), draws.normal(size=groups)
    bend = 2.0 * np.tanh((x * v[store]).sum(axis=1))
    y = (x * w[store]).sum(axis=1) + bend + 100.0 * level[store] + 0.5 * draws.normal(size=len(x))
    return {"store": store, **{f"x{j}": x[:, j] for j in range(COLUMNS)}, "y": y}


def ours(data: dict[str, Any], threads: int | None) -> tuple[dict[str, Any], Any]:
    """Fit all groups; return the results and the model."""
    from backpass import fit_groups

    fit_groups(table(4, 60, seed=1), "y", by="store", epochs=2)  # imports and the first compilation
    began = time.process_time()
    model = fit_groups(data, "y", by="store", threads=threads)
    seconds = time.process_time() - began
    began = time.process_time()
    model.predict(data)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "fit_seconds": seconds,
        "predict_seconds": time.process_time() - began,
        "peak_mb": peak,
        "rmse": {name: each["rmse"] for name, each in model.scores.items()},
    }, model


def peer(data: dict[str, Any], model: Any, sample: int, seed: int) -> dict[str, Any]:
    """Fit scikit-learn's MLP to a sample of groups, on the rows that trained ours; the error of both on the others."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPRegressor
    from sklearn.preprocessing import StandardScaler

    from backpass.model.grouped.groups import Groups
    from backpass.table import table_from

    warnings.simplefilter("ignore", ConvergenceWarning)
    x = np.column_stack([data[f"x{j}"] for j in range(COLUMNS)])
    groups = Groups.of(table_from({"store": data["store"]}).columns["store"])
    train, test = groups.held_out(0.2, 0)
    chosen = np.random.default_rng(seed).choice(len(train), sample, replace=False)
    errors, own, seconds = [], [], 0.0
    for i in chosen:
        began = time.process_time()
        scale, level, spread = StandardScaler(), data["y"][train[i]].mean(), data["y"][train[i]].std()
        network = MLPRegressor(random_state=0)
        network.fit(scale.fit_transform(x[train[i]]), (data["y"][train[i]] - level) / spread)
        seconds += time.process_time() - began
        predicted = network.predict(scale.transform(x[test[i]])) * spread + level
        errors.append((predicted - data["y"][test[i]]) ** 2)
        rows = {name: values[test[i]] for name, values in data.items()}
        own.append((model.predict(rows) - data["y"][test[i]]) ** 2)
    return {
        "groups": sample,
        "seconds_per_group": seconds / sample,
        "seconds_for_all": seconds / sample * len(train),
        "rmse": float(np.sqrt(np.concatenate(errors).mean())),
        "rmse_of_ours": float(np.sqrt(np.concatenate(own).mean())),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--groups", type=int, default=10_000)
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--sample", type=int, default=100)
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    data = table(given.groups, given.rows, given.seed)
    found, model = ours(data, given.threads)
    compared = peer(data, model, min(given.sample, given.groups), given.seed)
    print(json.dumps({"groups": given.groups, "rows": given.rows, "backpass": found, "sklearn": compared}))


if __name__ == "__main__":
    main()

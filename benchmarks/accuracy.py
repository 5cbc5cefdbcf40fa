"""Accuracy with default settings: Backpass's presets and other libraries at their defaults, on every table of a folder.

The folder holds Parquet files and ``manifest.json``, a list of tables with "name", "file", "task" and "target". A table
is split by p = numpy.random.default_rng(1000 + seed).permutation(n): the first 64 % of p train, up to 80 % validate,
the rest test. Networks and boosted trees choose their epoch or their number of trees on the validation rows; those of
scikit-learn set rows aside themselves and get both parts. What is not installed is left out and named.

Each fit runs in a process of its own. Its result is a line of JSON, added to a file; what the file has is not done
again, so the benchmark may be stopped at any time:

    python benchmarks/accuracy.py FOLDER --results accuracy.jsonl
    python benchmarks/accuracy.py FOLDER --results accuracy.jsonl --tables concrete,yacht --models "backpass fast"
    python benchmarks/accuracy.py --results accuracy.jsonl --render build/accuracy

``--render`` prints the tables and writes the picture accuracy.svg into the folder. Seconds mean nothing on a machine
that does other things at the same time.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from contenders import CONTENDERS, Case
from standings import picture, text

DROPPED = ("official_split", "block_id")
Key = tuple[str, str, int]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="where manifest.json and the tables are")
    parser.add_argument("--results", type=Path, required=True, help="the file of results")
    parser.add_argument("--tables", help="these tables only, a,b")
    parser.add_argument("--models", help="these contenders only, a,b")
    parser.add_argument("--seeds", default="0", help="splits and seeds, such as 0,1,2")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--timeout", type=float, default=3600.0, help="seconds after which a fit is given up")
    parser.add_argument("--render", type=Path, help="write the picture into this folder")
    parser.add_argument("--one", nargs=3, metavar=("TABLE", "MODEL", "SEED"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(measure(asked.folder, asked.one[0], asked.one[1], int(asked.one[2]), asked.threads)))
        return
    if asked.folder is not None:
        run_all(asked)
    found = results(asked.results)
    print(text(found))
    if asked.render is not None:
        asked.render.mkdir(parents=True, exist_ok=True)
        (asked.render / "accuracy.svg").write_text(picture(found), "utf-8")


def results(path: Path) -> list[dict[str, Any]]:
    """The fits that were done."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def run_all(asked: argparse.Namespace) -> None:
    """Every fit that the file of results lacks, one after another."""
    tables = asked.tables.split(",") if asked.tables else [table["name"] for table in manifest(asked.folder)]
    models = asked.models.split(",") if asked.models else list(CONTENDERS)
    done = {(each["table"], each["model"], each["seed"]) for each in results(asked.results)}
    for name in [name for name in models if find_spec(CONTENDERS[name][0]) is None]:
        print(f"{name}: {CONTENDERS[name][0]} is not installed", file=sys.stderr)
        models.remove(name)
    keys: list[Key] = [(t, m, int(s)) for s in asked.seeds.split(",") for t in tables for m in models]
    for key in [key for key in keys if key not in done]:
        found = in_a_process(asked, key)
        print(*key, found.get("failed", found), file=sys.stderr, flush=True)
        with asked.results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(found) + "\n")


def in_a_process(asked: argparse.Namespace, key: Key) -> dict[str, Any]:
    """What one fit gives, or the last line of what it said when it failed."""
    told = [__file__, str(asked.folder), "--results", str(asked.results), "--threads", str(asked.threads)]
    limits = {f"{name}_NUM_THREADS": str(asked.threads) for name in ("OMP", "OPENBLAS", "MKL")}
    what = dict(zip(("table", "model", "seed"), key, strict=True))
    try:
        process = subprocess.run(
            [sys.executable, *told, "--one", *map(str, key)],
            capture_output=True,
            text=True,
            timeout=asked.timeout,
            env={**os.environ, **limits},
        )
    except subprocess.TimeoutExpired:
        return {**what, "failed": f"more than {asked.timeout:g} seconds"}
    if process.returncode:
        said = process.stderr.strip().splitlines()
        return {**what, "failed": said[-1] if said else f"exit code {process.returncode}"}
    return dict(json.loads(process.stdout.splitlines()[-1]))


def manifest(folder: Path) -> list[dict[str, Any]]:
    return list(json.loads((folder / "manifest.json").read_text("utf-8")))


def measure(folder: Path, name: str, model: str, seed: int, threads: int) -> dict[str, Any]:
    """Fit one contender to one table: its errors on the test rows, seconds and bytes."""
    import resource

    table = next(each for each in manifest(folder) if each["name"] == name)
    case, X_test, y_test = split(folder, table, seed, threads)
    before, begin, used = _peak(resource), time.perf_counter(), time.process_time()
    predict = CONTENDERS[model][1](case)
    fitted, used = time.perf_counter(), time.process_time() - used
    predicted = predict(X_test)
    seconds = time.perf_counter() - fitted
    return {
        "table": name,
        "model": model,
        "seed": seed,
        "rows": [len(case.y), len(case.y_valid), len(y_test)],
        **errors(np.asarray(predicted), y_test, case.is_number),
        "fit_seconds": round(fitted - begin, 3),
        "fit_cpu_seconds": round(used, 3),
        "predict_seconds": round(seconds, 4),
        "peak_bytes": _peak(resource),
        "peak_bytes_of_data": before,
        "threads": threads,
        "load": round(os.getloadavg()[0], 1),
    }


def _peak(resource: Any) -> int:
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * 1024


def split(folder: Path, table: dict[str, Any], seed: int, threads: int) -> tuple[Case, Any, np.ndarray]:
    """The training and validation rows as a case, and the test rows."""
    import pandas

    frame = pandas.read_parquet(folder / table["file"])
    y = frame[table["target"]]
    X = frame.drop(columns=[table["target"], *(name for name in DROPPED if name in frame)])
    for column in X.columns:
        if X[column].dtype.kind in "iufb":
            X[column] = X[column].astype(float)
    classes: tuple[str, ...] = ()
    targets = y.to_numpy()
    if table["task"] != "regression":
        texts = y.astype(str).to_numpy()
        classes = tuple(sorted(set(texts)))
        targets = np.searchsorted(np.array(classes), texts.astype(str))
    order = np.random.default_rng(1000 + seed).permutation(len(frame))
    first, second = int(0.64 * len(frame)), int(0.8 * len(frame))
    train, valid, test = (order[:first], order[first:second], order[second:])
    rows = [X.iloc[index].reset_index(drop=True) for index in (train, valid, test)]
    case = Case(rows[0], targets[train], rows[1], targets[valid], classes, seed, threads)
    return case, rows[2], targets[test]


def errors(predicted: np.ndarray, y: np.ndarray, is_number: bool) -> dict[str, float]:
    """RMSE for numbers; the share of wrong classes and the log-loss for classes."""
    if is_number:
        return {"rmse": float(np.sqrt(np.mean((predicted.reshape(-1).astype(float) - y) ** 2)))}
    probability = predicted[np.arange(len(y)), y].astype(float)
    return {
        "error": float(np.mean(np.argmax(predicted, axis=1) != y)),
        "log_loss": float(-np.mean(np.log(np.maximum(probability, 1e-15)))),
    }


if __name__ == "__main__":
    main()

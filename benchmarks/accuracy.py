"""Accuracy with default settings: Backpass's presets and other libraries at their defaults, on every table of a folder.

``tables`` describes the folder and the splits, ``roster`` the contenders. Single networks and boosted trees train on
64% of the rows and choose their epoch or their number of trees on 16%; those of scikit-learn set rows aside
themselves and get both parts. Bags (``catboost_bag4`` and others) are on an equal footing with the preset default: four
models on the folds of its four networks, each stopped early on its fold, the predictions averaged. Nothing is tuned.
What is not installed is left out and named.

Each fit runs in a process of its own. Its result is a line of JSON, added to a file; the losses of its test rows go
into a folder beside that file. What the file has is not done again, so the benchmark may be stopped at any time:

    python benchmarks/accuracy.py FOLDER --results accuracy.jsonl
    python benchmarks/accuracy.py FOLDER --results accuracy.jsonl --tables concrete,yacht --models "backpass fast"
    python benchmarks/accuracy.py --results accuracy.jsonl --render build/accuracy

``--render`` writes the picture accuracy.svg into the folder. Another build is measured with its own interpreter:
``OTHER/bin/python benchmarks/accuracy.py FOLDER --results accuracy.jsonl --suffix " before"``.

Seconds are processor seconds of the fit, those of its threads and children included, after the import of the library.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from bags import with_folds
from pairs import Losses, losses_of
from picture import picture
from roster import CONTENDERS
from standings import text
from tables import entries, split

Key = tuple[str, str, int]
Result = dict[str, Any]


@dataclass(frozen=True)
class Store:
    """The file of results, and the folder of losses beside it."""

    path: Path

    def results(self) -> list[Result]:
        """The fits that were done; of several results of one fit the last."""
        lines = self.path.read_text("utf-8").splitlines() if self.path.exists() else []
        found = [json.loads(line) for line in lines]
        return list({(each["table"], each["model"], each["seed"]): each for each in found}.values())

    def add(self, result: Result) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")

    def losses_path(self, key: Key) -> Path:
        folder = self.path.with_suffix(".losses")
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{key[0]}.{key[1]}.{key[2]}.npz"

    def losses(self, key: Key) -> Losses | None:
        """The losses of the test rows of a fit; None for results that have none."""
        path = self.losses_path(key)
        return Losses.load(path) if path.exists() else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="where the manifests and the tables are")
    parser.add_argument("--results", type=Path, required=True, help="the file of results")
    parser.add_argument("--tables", help="these tables only, a,b; default: all, small ones first")
    parser.add_argument("--models", help="these contenders only, a,b")
    parser.add_argument("--splits", type=int, default=3, help="the number of splits of each table")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--limit", type=int, default=3600, help="processor seconds after which a fit is given up")
    parser.add_argument("--again", action="store_true", help="replace results that the file has")
    parser.add_argument("--suffix", default="", help="added to the names of the models, for results of another build")
    parser.add_argument("--against", default="backpass default", help="the model that the others are compared with")
    parser.add_argument("--render", type=Path, help="write the picture into this folder")
    parser.add_argument("--one", nargs=3, metavar=("TABLE", "MODEL", "SPLIT"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    store = Store(asked.results)
    if asked.one:
        table, model, seed = asked.one
        print(json.dumps(measure(asked.folder, (table, model, int(seed)), asked.threads, asked.suffix, store)))
        return
    if asked.folder is not None:
        run_all(asked, store)
    found = [each for each in store.results() if is_shown(asked, each)]
    print(text(found, asked.against, store.losses))
    if asked.render is not None:
        asked.render.mkdir(parents=True, exist_ok=True)
        (asked.render / "accuracy.svg").write_text(picture(found), "utf-8")


def is_shown(asked: argparse.Namespace, result: Result) -> bool:
    """Whether a result is of the tables, the models and the splits that were named."""
    wanted = {"table": asked.tables, "model": asked.models}
    named = all(names is None or result[what] in names.split(",") for what, names in wanted.items())
    return named and result["seed"] < asked.splits


def run_all(asked: argparse.Namespace, store: Store) -> None:
    """Every fit that the file of results lacks, one after another: the first split of all tables, then the next."""
    tables = asked.tables.split(",") if asked.tables else [entry.name for entry in entries(asked.folder)]
    models = asked.models.split(",") if asked.models else list(CONTENDERS)
    known = {"table": (tables, {entry.name for entry in entries(asked.folder)}), "model": (models, {*CONTENDERS})}
    for what, (names, all_names) in known.items():
        if unknown := [name for name in names if name not in all_names]:
            raise SystemExit(f"no such {what}: {', '.join(unknown)}; there are {', '.join(sorted(all_names))}")
    for name in [name for name in models if find_spec(CONTENDERS[name].module) is None]:
        print(f"{name}: {CONTENDERS[name].module} is not installed", file=sys.stderr)
        models.remove(name)
    done = set() if asked.again else {(each["table"], each["model"], each["seed"]) for each in store.results()}
    for seed in range(asked.splits):
        for table in tables:
            for model in models:
                if (table, f"{model}{asked.suffix}", seed) not in done:
                    found = in_a_process(asked, (table, model, seed))
                    print(table, model, seed, found.get("failed", found), file=sys.stderr, flush=True)
                    store.add(found)


def in_a_process(asked: argparse.Namespace, key: Key) -> Result:
    """What one fit gives, or the last line of what it said when it failed."""
    told = [__file__, str(asked.folder), "--results", str(asked.results), "--threads", str(asked.threads)]
    limits = {f"{name}_NUM_THREADS": str(asked.threads) for name in ("OMP", "OPENBLAS", "MKL")}
    table, model, seed = key
    what = {"table": table, "model": f"{model}{asked.suffix}", "seed": seed}
    process = subprocess.run(
        [sys.executable, *told, f"--suffix={asked.suffix}", "--one", *map(str, key)],
        capture_output=True,
        text=True,
        env={**os.environ, **limits},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (asked.limit, asked.limit + 10)),
    )
    if process.returncode == -signal.SIGXCPU:
        return {**what, "failed": f"more than {asked.limit} processor seconds"}
    if process.returncode:
        said = process.stderr.strip().splitlines()
        return {**what, "failed": said[-1] if said else f"exit code {process.returncode}"}
    return dict(json.loads(process.stdout.splitlines()[-1]))


def measure(folder: Path, key: Key, threads: int, suffix: str, store: Store) -> Result:
    """Fit one contender to one table: its errors on the test rows, seconds and bytes; the losses go into the store."""
    table, model, seed = key
    contender = CONTENDERS[model]
    case, test = split(next(entry for entry in entries(folder) if entry.name == table), seed, threads)
    import_module(contender.module)
    case = with_folds(case) if contender.is_bag else case
    before, begin, used = peak(), time.perf_counter(), processor_seconds()
    predict = contender.fit(case)
    fitted, used = time.perf_counter(), processor_seconds() - used
    predicted = predict(test.X)
    seconds = time.perf_counter() - fitted
    losses = losses_of(predicted, test.y, test.unit, is_number=case.is_number)
    losses.save(store.losses_path((table, f"{model}{suffix}", seed)))
    return {
        "table": table,
        "model": f"{model}{suffix}",
        "seed": seed,
        "rows": [len(case.y), len(case.y_valid), len(test.y)],
        **errors(np.asarray(predicted), test.y, losses),
        "fit_seconds": round(fitted - begin, 3),
        "fit_cpu_seconds": round(used, 3),
        "predict_seconds": round(seconds, 4),
        "peak_bytes": peak(),
        "peak_bytes_of_data": before,
        "threads": threads,
        "load": round(os.getloadavg()[0], 1),
    }


def peak() -> int:
    """The largest memory of the process so far, bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def processor_seconds() -> float:
    """The processor seconds of the process, its threads and the children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def errors(predicted: np.ndarray, y: np.ndarray, losses: Losses) -> dict[str, float]:
    """RMSE for numbers; the share of wrong classes and the log-loss for classes."""
    mean = float(np.mean(losses.loss))
    if losses.is_number:
        return {"rmse": mean**0.5}
    return {"error": float(np.mean(np.argmax(predicted, axis=1) != y)), "log_loss": mean}


if __name__ == "__main__":
    main()

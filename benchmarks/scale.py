"""Memory and processor time of large tables, beside an older build of Backpass.

A part measures one command. Each measurement is a process of its own: a small table of the same columns first, so that
everything is imported and ready, then the large one. Memory is the peak of the process above what it had before the
large table, in megabytes and in multiples of the table in float32. Time is processor time. Cases and builds take turns,
and the median over the rounds counts. ``--before`` names a Python that has the older build, such as that of the
environment in a git worktree. Prints a table, then one JSON object per line:

    python benchmarks/scale.py FOLDER --parts fit,predict
    python benchmarks/scale.py FOLDER --parts stream --rows 4000000
    python benchmarks/scale.py FOLDER --parts rate --rows 240000000 --rounds 1
    python benchmarks/scale.py FOLDER --parts fit --rows 1000000 --before ../older/.venv/bin/python
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

COLUMNS = 20
WARM_ROWS = 2_000
GROUP = 65_536
"""Rows per row group."""
SLICE_ROWS = 3_000_000
"""Rows of a table in memory, whose rate of training is that of a larger table."""


def write_table(path: Path, rows: int, seed: int = 0) -> None:
    """Write a Parquet file of 20 columns of random numbers and a target that depends on four of them."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    writer = None
    for first in range(0, rows, GROUP):
        rng = np.random.default_rng((seed, first))
        x = rng.standard_normal((COLUMNS, min(GROUP, rows - first)), np.float32)
        noise = rng.standard_normal(x.shape[1], np.float32)
        y = np.sin(2.0 * x[0]) + x[1] * x[2] + 0.5 * x[3] + np.float32(0.3) * noise
        table = pa.table({**{f"x{j}": x[j] for j in range(COLUMNS)}, "y": y})
        writer = writer or pq.ParquetWriter(path, table.schema, use_dictionary=False)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def trained(path: str, preset: str, steps: int) -> Any:
    """A model fitted to a file; older builds have another name for ``max_steps``."""
    from backpass import fit as fit_table
    from backpass.errors import UsageError

    settings: dict[str, Any] = {"preset": preset, "threads": 1, "seed": 0}
    try:
        return fit_table(path, "y", max_steps=steps, **settings)
    except UsageError:
        return fit_table(path, "y", iterations=steps, **settings)


def fit(path: str, preset: str, steps: int) -> None:
    """Fit a model to a file; few steps, because training takes no memory of its own."""
    trained(path, preset, steps)


def predict(path: str, to: str, preset: str) -> None:
    """Predict the rows of a file, to Parquet or CSV; the first call of a process trains a small model."""
    from backpass.cli import main as command

    model = Path(path).with_name(f"scale-{os.getpid()}.backpass")
    if not model.exists():
        trained(path, preset, 20).save(model)
    output = model.with_suffix(f".{to}")
    assert command(["predict", str(model), path, "--output", str(output), "--quiet"]) == 0
    output.unlink()
    if not path.endswith(f"-{WARM_ROWS}.parquet"):
        model.unlink()


def evaluate(path: str) -> dict[str, float]:
    """Score a small model on the rows of a file."""
    small = str(Path(path).with_name(f"scale-{WARM_ROWS}.parquet"))
    return {"rmse": trained(small, "fast", 20).evaluate(path)["rmse"]}


@cache
def _small_model(path: str, preset: str) -> Any:
    return trained(path, preset, 20)


def frame(path: str, preset: str) -> None:
    """Predict the rows of a data frame; the first call of a process trains a small model."""
    import pandas as pd

    small = str(Path(path).with_name(f"scale-{WARM_ROWS}.parquet"))
    _small_model(small, preset).predict(pd.read_parquet(path))


def stream(path: str, kind: str, epochs: int) -> dict[str, float]:
    """Train on a file that is read into memory, or in pieces; the error on its test rows."""
    from backpass import fit as fit_table

    model = fit_table(path, "y", preset="fast", epochs=epochs, threads=1, seed=0, stream=kind == "streamed")
    return {"rmse": model.record.scores["test"]["rmse"]}


class _Rate:
    """A callback that measures the training of all networks, from the first start to the last end."""

    def __init__(self) -> None:
        self.began = self.ended = self.steps = 0.0

    def on_start(self, steps: int, per_epoch: int) -> None:
        self.began, self.steps = self.began or time.monotonic(), steps

    def on_end(self, result: Any) -> None:
        self.ended = time.monotonic()


def rate(path: str, kind: str, steps: int) -> dict[str, float]:
    """Rows per second of training, of a table larger than 4 GB and of a part of it in memory; errors on test rows."""
    from backpass import fit as fit_table
    from backpass.training import Callback

    class Watch(_Rate, Callback):
        """Without ``on_update`` the engine runs as without a callback."""

    watch, batch = Watch(), 1_024
    settings: dict[str, Any] = {"stream": True, "memory": "4GB"} if kind == "streamed" else {"stream": False}
    settings |= {"preset": "fast", "batch_size": batch, "max_steps": steps, "threads": 1, "seed": 0}
    model = fit_table(path, "y", callbacks=[watch], **settings)
    rows_per_second = watch.steps * batch / (watch.ended - watch.began)
    return {"rows_per_second": rows_per_second, "rmse": model.record.scores["test"]["rmse"]}


PARTS: Mapping[str, tuple[Callable[..., dict[str, float] | None], tuple[dict[str, Any], ...]]] = {
    "fit": (fit, tuple({"preset": preset, "steps": 20} for preset in ("fast", "default", "best"))),
    "predict": (
        predict,
        tuple(
            {"to": to, "preset": preset}
            for to, preset in (("parquet", "fast"), ("parquet", "default"), ("csv", "fast"))
        ),
    ),
    "frame": (frame, ({"preset": "fast"}, {"preset": "default"})),
    "evaluate": (evaluate, ({},)),
    "stream": (stream, tuple({"kind": kind, "epochs": 2} for kind in ("resident", "streamed"))),
    "rate": (rate, tuple({"kind": kind, "steps": 4_000} for kind in ("resident", "streamed"))),
}
"""What is measured: the work on a file, and the options of its cases."""


def measured(part: str, small: str, large: str, options: Mapping[str, Any]) -> dict[str, float]:
    """The peak of this process above what it has before the large table (bytes), the processor time (seconds), and
    what the work returns.
    """
    work = PARTS[part][0]
    work(small, **options)
    warm = _resident()
    began = time.process_time()
    found = work(large, **options) or {}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"bytes": max(peak - warm, 0), "seconds": time.process_time() - began, **found}


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def in_process(python: str, part: str, small: Path, large: Path, options: Mapping[str, Any]) -> dict[str, float]:
    """What a process of a build measures."""
    told = [python, __file__, "--measure", json.dumps([part, str(small), str(large), dict(options)])]
    done = subprocess.run(told, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def compared(part: str, folder: Path, builds: Mapping[str, str], chosen: Any) -> None:
    """Measure the cases of a part with every build, and print a line for each."""
    small, large = folder / f"scale-{WARM_ROWS}.parquet", folder / f"scale-{chosen.rows}.parquet"
    part_of_it = folder / f"scale-{SLICE_ROWS}.parquet"
    wanted = [(small, WARM_ROWS), (large, chosen.rows), *([(part_of_it, SLICE_ROWS)] if part == "rate" else [])]
    for path, rows in wanted:
        if not path.exists():
            write_table(path, rows)
    cases = [(options, name) for options in PARTS[part][1] for name in builds]
    runs: list[list[dict[str, float]]] = [[] for _ in cases]
    for _ in range(chosen.rounds):
        for (options, name), found in zip(cases, runs, strict=True):
            table = part_of_it if part == "rate" and options["kind"] == "resident" else large
            found.append(in_process(builds[name], part, small, table, options))
    for (options, name), found in zip(cases, runs, strict=True):
        taken = {key: statistics.median(each[key] for each in found) for key in found[0]}
        times = taken["bytes"] / (4 * COLUMNS * chosen.rows)
        case = " ".join(f"{key}={value}" for key, value in options.items())
        more = "".join(f"  {key} {value:.4f}" for key, value in taken.items() if key not in ("bytes", "seconds"))
        figures = f"{taken['bytes'] / 1e6:8,.0f} MB {times:6.1f} x {taken['seconds']:7.1f} s{more}"
        print(f"{part:8} {case:24} {name:7} {figures}")
        print(json.dumps({"part": part, **options, "build": name, "rows": chosen.rows, **taken}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="folder for the tables, which stay there")
    parser.add_argument(
        "--parts",
        default=",".join(part for part in PARTS if part != "rate"),
        help="comma-separated: " + ", ".join(PARTS),
    )
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--before", help="a Python that has the older build")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measure:
        print(json.dumps(measured(*json.loads(chosen.measure))))
        return
    if chosen.folder is None:
        parser.error("FOLDER is missing")
    chosen.folder.mkdir(parents=True, exist_ok=True)
    builds = {"this": sys.executable, **({"before": chosen.before} if chosen.before else {})}
    for part in chosen.parts.split(","):
        compared(part, chosen.folder, builds, chosen)


if __name__ == "__main__":
    main()

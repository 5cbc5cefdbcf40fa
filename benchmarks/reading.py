"""Time and memory from a table file to the matrix of inputs: Backpass, and pandas with scikit-learn's transformers.

Both read the file, fill in, scale and one-hot code every column but the target: ours with ``read_table``, ``Schema``
and ``FeatureMap``; theirs with ``read_parquet`` or ``read_csv`` and a ``ColumnTransformer`` of median imputation with
indicators, ``StandardScaler`` and ``OneHotEncoder``. Each measurement is a process of its own, which has done all of
the work on a table of four rows, in a file of the same form, before the clock starts: so nothing is imported, or made
for the first time, on it. The contenders take turns, and the median over the rounds counts. Memory is the peak above
what the process had when the clock started (Linux). Prints a table, then one JSON object per line:

    python benchmarks/reading.py FOLDER
    python benchmarks/reading.py FOLDER --tables adult,flights --rounds 7
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

Work = Callable[[str, str], Any]


def ours() -> Work:
    """Backpass, on the engine that it would choose."""
    from backpass.engine import engine_named
    from backpass.model.prediction.forward import inputs_of
    from backpass.network import FeatureMap
    from backpass.table import Schema, read_table

    engine = engine_named("auto")

    def work(path: str, target: str) -> Any:
        table = read_table(path)
        schema = Schema.fit(table, target)
        encoded = schema.encode(table)
        levels = [len(text.levels) for text in schema.texts]
        feature_map = FeatureMap.fit(encoded.numbers, encoded.codes, levels, periods=schema.periods)
        return inputs_of(feature_map, encoded.numbers, encoded.codes, "float32", engine)

    return work


def theirs() -> Work:
    """pandas and scikit-learn."""
    import pandas as pd
    from sklearn.compose import ColumnTransformer, make_column_selector
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    def work(path: str, target: str) -> Any:
        frame = pd.read_parquet(path) if path.endswith(".parquet") else pd.read_csv(path)
        numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
        texts = OneHotEncoder(handle_unknown="ignore", max_categories=255, sparse_output=False)
        columns = ColumnTransformer(
            [
                ("numbers", numbers, make_column_selector(dtype_include="number")),
                ("texts", texts, make_column_selector(dtype_exclude="number")),
            ],
            sparse_threshold=0,
        )
        return columns.fit_transform(frame.drop(columns=target)).astype("float32")

    return work


CONTENDERS: dict[str, Callable[[], Work]] = {"backpass": ours, "pandas + scikit-learn": theirs}


def megabytes(name: str) -> float:
    """What Linux says of this process: VmRSS, the memory it has, or VmHWM, the most it has had."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(f"{name}:"))) / 1024


def forget_peak() -> None:
    """Count the most memory from now on: a child starts with its parent's."""
    Path("/proc/self/clear_refs").write_text("5")


def measure(contender: str, path: str, target: str, warm: str) -> dict[str, Any]:
    """One measurement, in this process."""
    work = CONTENDERS[contender]()
    work(warm, "y")
    before = megabytes("VmRSS")
    forget_peak()
    start = time.perf_counter()
    x = work(path, target)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "megabytes": megabytes("VmHWM") - before, "inputs": int(x.shape[1])}


def in_process(contender: str, path: Path, target: str, scratch: Path) -> dict[str, Any]:
    """One measurement, in a process of its own."""
    warm = scratch / f"warm{path.suffix}"
    command = [sys.executable, __file__, "--measure", contender, str(path), target, str(warm)]
    found: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return found


def compared(path: Path, target: str, scratch: Path, rounds: int) -> dict[str, Any]:
    """The medians of both contenders on one file, taken in turns."""
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in CONTENDERS}
    for _ in range(rounds):
        for name in CONTENDERS:
            runs[name].append(in_process(name, path, target, scratch))
    return {
        "file": path.name,
        **{
            name: {key: statistics.median(run[key] for run in found) for key in ("seconds", "megabytes", "inputs")}
            for name, found in runs.items()
        },
    }


def as_line(found: dict[str, Any]) -> str:
    """A row of the table: seconds and MB of both, and how many times faster and smaller ours is."""
    mine, other = (found[name] for name in CONTENDERS)
    times = f"{mine['seconds']:8.3f} {other['seconds']:8.3f} {other['seconds'] / mine['seconds']:6.2f}x"
    memory = f"{mine['megabytes']:8.0f} {other['megabytes']:8.0f}"
    return f"{found['file']:<34} {times}   {memory}   {mine['inputs']:6.0f} {other['inputs']:6.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path, help="a folder of Parquet files and their manifest.json")
    parser.add_argument("--tables", default="", help="names, separated by commas; all of the manifest otherwise")
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    if not (chosen.folder / "manifest.json").exists():
        print(f"{chosen.folder} has no manifest.json: nothing to measure", file=sys.stderr)
        return
    tables = json.loads((chosen.folder / "manifest.json").read_text())
    names = [name for name in chosen.tables.split(",") if name] or [table["name"] for table in tables]
    results = []
    print(f"{'':<34} {'seconds':>8} {'theirs':>8} {'':>7}   {'MB':>8} {'theirs':>8}   {'inputs':>6} {'theirs':>6}")
    with TemporaryDirectory() as folder:
        scratch = Path(folder)
        write_warm(scratch)
        for table in tables:
            if table["name"] not in names:
                continue
            parquet, csv = chosen.folder / f"{table['name']}.parquet", scratch / f"{table['name']}.csv"
            write_csv(parquet, csv)
            for path in (parquet, csv):
                results.append(compared(path, table["target"], scratch, chosen.rounds))
                print(as_line(results[-1]), flush=True)
    for found in results:
        print(json.dumps(found))


def write_warm(scratch: Path) -> None:
    """A small table of numbers and texts, with gaps, in both forms."""
    import pandas as pd

    frame = pd.DataFrame({"a": [1.5, None, 2.0, 4.0], "b": ["x", "y", None, "x"], "y": [1, 2, 3, 4]})
    frame.to_csv(scratch / "warm.csv", index=False)
    frame.to_parquet(scratch / "warm.parquet")


def write_csv(parquet: Path, csv: Path) -> None:
    """The same table as a CSV file."""
    import pandas as pd

    pd.read_parquet(parquet).to_csv(csv, index=False)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(*sys.argv[2:])))
    else:
        main()

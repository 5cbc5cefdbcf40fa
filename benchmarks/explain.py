"""Rows per second of the explanations, beside those of the predictions: integrated gradients on a small network.

Both take turns on the same rows, so that a slow second of the machine hits both; the median over the rounds counts.

    python benchmarks/explain.py
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

import backpass
from backpass.datasets import sample_bytes
from backpass.reporting import explain
from backpass.table import read_table

HIDDEN, EPOCHS, ROUNDS = (64, 64), 20, 7


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "housing.csv"
        path.write_bytes(sample_bytes("housing"))
        model = backpass.fit(path, "median_house_value", hidden=HIDDEN, epochs=EPOCHS)
        table = read_table(path, kinds=model.kinds())
    turns = {"predict": lambda: model.predict(table), "explain": lambda: explain(model, table)}
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in turns}
    for _ in range(ROUNDS):
        for name, turn in turns.items():
            wall, processor = time.perf_counter(), time.process_time()
            turn()
            times[name].append((time.perf_counter() - wall, time.process_time() - processor))
    print(f"{table.rows:,} rows, network 8-{'-'.join(map(str, HIDDEN))}-1, engine {model.engine}")
    print(f"{'':8}  {'rows/s':>12}  {'rows per second of processor':>30}")
    rates = {}
    for name, pairs in times.items():
        wall, processor = (statistics.median(column) for column in np.transpose(pairs))
        print(f"{name:8}  {table.rows / wall:12,.0f}  {table.rows / processor:30,.0f}")
        rates[name] = {"rows_per_second": table.rows / wall, "rows_per_processor_second": table.rows / processor}
    for name, rate in rates.items():
        print(json.dumps({"benchmark": "explain", "turn": name, "rows": table.rows, **rate}))


if __name__ == "__main__":
    main()

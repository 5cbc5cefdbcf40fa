"""Small fits: processor seconds of `fit` on tables so small that planning and Python count as much as training.

Each fit is that of a fresh process, which fits the same table twice: the second fit finds the plans of the first, as
the fits of `tune` and `cross_validate` do. Presets and sizes take turns; medians. Processor time hardly shows what else
the machine does. Prints a table, then one JSON object per line. Another build of Backpass, such as an older one in an
environment of its own, takes turns with this one:

    python benchmarks/small_fits.py --rounds 5
    python benchmarks/small_fits.py --beside ../older/.venv/bin/python
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys

from turns import conditions, print_records

SIZES = ((200, 4), (500, 8), (2_000, 8))
PRESETS = ("fast", "default")

FITS = """
import json, sys, time, warnings
import numpy as np
import backpass
warnings.simplefilter("ignore")
rows, columns, preset = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
random = np.random.default_rng(0)
x = random.standard_normal((rows, columns))
table = {f"x{j}": x[:, j] for j in range(columns)}
table["y"] = x[:, 0] + np.sin(2 * x[:, 1]) + 0.1 * random.standard_normal(rows)
taken = []
for _ in range(2):
    begin = time.process_time()
    backpass.fit(table, "y", preset=preset)
    taken.append(time.process_time() - begin)
print(json.dumps(taken))
"""


def taken_by(python: str, rows: int, columns: int, preset: str) -> list[float]:
    """The processor seconds of the first fit of a process and of the second."""
    arguments = [python, "-c", FITS, str(rows), str(columns), preset]
    found: list[float] = json.loads(subprocess.run(arguments, check=True, capture_output=True, text=True).stdout)
    return found


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=5, help="processes per preset and size (default 5)")
    arguments.add_argument("--beside", help="the interpreter of another build, to compare with")
    options = arguments.parse_args()
    builds = {"this build": sys.executable} | ({"the other": options.beside} if options.beside else {})
    cases = [(build, preset, size) for preset in PRESETS for size in SIZES for build in builds]
    times: dict[tuple[str, str, tuple[int, int]], list[list[float]]] = {case: [] for case in cases}
    for _ in range(options.rounds):
        for build, preset, (rows, columns) in cases:
            times[build, preset, (rows, columns)].append(taken_by(builds[build], rows, columns, preset))
    print(f"{'':<12} {'preset':<9} {'table':<10} {'first fit':>10} {'second fit':>11}   processor seconds")
    records: list[dict[str, object]] = [{"name": "small fits"} | conditions()]
    for (build, preset, (rows, columns)), taken in times.items():
        first, second = (statistics.median(each) for each in zip(*taken, strict=True))
        print(f"{build:<12} {preset:<9} {f'{rows} x {columns}':<10} {first:>10.2f} {second:>11.2f}")
        records.append(
            {"name": build, "preset": preset, "rows": rows, "columns": columns, "rounds": options.rounds}
            | {"first_seconds": round(first, 3), "second_seconds": round(second, 3)}
        )
    print_records(records)


if __name__ == "__main__":
    main()

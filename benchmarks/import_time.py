"""Import time: what a fresh process pays for numpy, for backpass, and for the command line's help.

The contenders take turns, so that a slow second of the machine hits all of them; the median counts. Prints a table,
then one JSON object per line. Source of the budget: docs/decisions/0003-dependencies.md.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time

BUDGET_MILLISECONDS = 30.0
"""What ``import backpass`` may cost above ``import numpy``."""

CONTENDERS = {
    "python": [sys.executable, "-c", "pass"],
    "import numpy": [sys.executable, "-c", "import numpy"],
    "import backpass": [sys.executable, "-c", "import backpass"],
    "backpass --help": [sys.executable, "-m", "backpass", "--help"],
}


def milliseconds(command: list[str]) -> float:
    """Wall time of one fresh process."""
    begin = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return 1e3 * (time.perf_counter() - begin)


def measure(rounds: int) -> dict[str, list[float]]:
    """Times of each contender, after one round that warms the disk's cache and is not counted."""
    times: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    for counted in range(-1, rounds):
        for name, command in CONTENDERS.items():
            taken = milliseconds(command)
            if counted >= 0:
                times[name].append(taken)
    return times


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description="Import time, interleaved medians in milliseconds.")
    arguments.add_argument("--rounds", type=int, default=15, help="processes per contender (default 15)")
    times = measure(arguments.parse_args().rounds)
    numpy = statistics.median(times["import numpy"])
    lines = [f"{'':<16} {'median ms':>10} {'fastest':>10} {'over numpy':>11}"]
    records = []
    for name, taken in times.items():
        median, fastest = statistics.median(taken), min(taken)
        lines.append(f"{name:<16} {median:>10.1f} {fastest:>10.1f} {median - numpy:>+11.1f}")
        records.append(
            {"name": name, "median_ms": round(median, 2), "fastest_ms": round(fastest, 2), "rounds": len(taken)}
        )
    over = statistics.median(times["import backpass"]) - numpy
    verdict = "within" if over <= BUDGET_MILLISECONDS else "ABOVE"
    lines.append(f"import backpass is {over:.1f} ms over numpy: {verdict} the budget of {BUDGET_MILLISECONDS:.0f} ms")
    sys.stdout.write("\n".join(lines + [json.dumps(record) for record in records]) + "\n")


if __name__ == "__main__":
    main()

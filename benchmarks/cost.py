"""Cost of a training step against what it depends on: rows, width, depth and threads; as pictures and numbers.

One of them changes, the others stay at 256 rows, width 256, 2 hidden layers and the engine's own number of threads. The
points of a line take turns; medians are drawn. Writes one picture per line and prints one JSON object per point:

    python benchmarks/cost.py --output build/cost
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from train_step import native_turn
from turns import conditions, interleaved, print_records

from backpass.engine.cores import allowed_cores
from peers import Case

COLUMNS = 32
USUAL = {"rows": 256, "width": 256, "depth": 2}
LINES: Mapping[str, tuple[int, ...]] = {
    "rows": (1, 4, 16, 64, 256, 1024),
    "width": (16, 32, 64, 128, 256, 512, 1024),
    "depth": (1, 2, 3, 4, 6, 8),
    "threads": tuple(range(1, allowed_cores().threads + 1)),
}
"""What changes, and its values."""

LABELS = {"rows": "rows of a batch", "width": "units of a hidden layer", "depth": "hidden layers", "threads": "threads"}


def case_of(name: str, value: int) -> Case:
    sizes = {**USUAL, name: value} if name in USUAL else USUAL
    widths = (COLUMNS, *[sizes["width"]] * sizes["depth"], 1)
    flops_of_a_step = Case(widths, sizes["rows"], 1).flops
    return Case(widths, sizes["rows"], max(2, min(200, int(3e9 / flops_of_a_step))))


def measure(name: str, rounds: int, seconds: float) -> list[dict[str, Any]]:
    """The points of one line."""
    cases = {str(value): case_of(name, value) for value in LINES[name]}
    turns = {key: native_turn(case, int(key) if name == "threads" else None) for key, case in cases.items()}
    return [
        {"line": name, "value": int(key), "median_us": round(1e6 * statistics.median(taken), 2)}
        | {"gflops": round(cases[key].flops / statistics.median(taken) / 1e9, 2), "rounds": len(taken)}
        for key, taken in interleaved(turns, rounds, seconds).items()
    ]


def draw(name: str, points: list[dict[str, Any]], folder: Path) -> None:
    """Time of a step as a line, with a dotted one for a cost in proportion, from the last point back."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    values, times = [p["value"] for p in points], [p["median_us"] for p in points]
    fixed = ", ".join(f"{LABELS[key]}: {value}" for key, value in USUAL.items() if key != name)
    figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
    axes.plot(values, times, marker="o", color="#1f4e79", label="measured")
    if name != "threads":
        axes.plot(
            values, [times[-1] * v / values[-1] for v in values], linestyle=":", color="#888888", label="proportional"
        )
        axes.legend(frameon=False)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
    axes.set_xticks(values, [str(value) for value in values])
    axes.minorticks_off()
    axes.set_xlabel(LABELS[name])
    axes.set_ylabel("microseconds per step")
    axes.set_title(fixed, fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    for suffix in ("svg", "png"):
        figure.savefig(folder / f"cost_by_{name}.{suffix}", dpi=120)
    pyplot.close(figure)


def main() -> None:
    """Measure, draw and print."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=15, help="turns per point at most (default 15)")
    arguments.add_argument("--seconds", type=float, default=30.0, help="time per line, about (default 30)")
    arguments.add_argument("--output", type=Path, default=Path("build/cost"), help="folder (default build/cost)")
    options = arguments.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    records = []
    print(conditions())
    for name in LINES:
        points = measure(name, options.rounds, options.seconds)
        draw(name, points, options.output)
        print(f"\n{LABELS[name]:<24} {'us/step':>10} {'GFLOP/s':>8}")
        for point in points:
            print(f"{point['value']:<24} {point['median_us']:>10.1f} {point['gflops']:>8.1f}")
        records += points
    print_records({**record, **conditions()} for record in records)


if __name__ == "__main__":
    main()

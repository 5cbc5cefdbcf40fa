"""Vectorization: one two-layer network by loops, by matrices and on an engine (CS229 section 2, "Vectorization").

Forward: eqs. (2.5)-(2.6) against (2.11) for one example after another, and (4.4) for all at once. Backward: the
gradient of J example by example (Algorithm 3) against the circuit for the whole batch (section 1, "hardware
parallelization").
The contenders take turns and the median counts. Prints a table; with ``--json`` one JSON object per line instead.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy

from backpass import notes
from backpass.circuit import Spec, trace, value_and_grad
from backpass.engine import NumpyEngine
from backpass.network import dense_network

Floats = numpy.ndarray[Any, Any]
CASES = [(8, 16, 64), (32, 64, 256), (64, 128, 256)]
"""Inputs d, hidden units m, examples n."""


def contenders(d: int, m: int, n: int) -> dict[str, dict[str, Callable[[], Any]]]:
    """Per task the ways to do it; the first is the slow one that ratios refer to."""
    rng = numpy.random.default_rng(0)
    W1, b1, W2, b2 = rng.normal(size=(m, d)), rng.normal(size=m), rng.normal(size=(1, m)), rng.normal(size=1)
    X, y = rng.normal(size=(n, d)), rng.normal(size=(n, 1))
    network = dense_network(d, (m,), 1)
    theta = network.layout.vector({"W1": W1.T, "b1": b1, "W2": W2.T, "b2": b2})
    lists = (W1.tolist(), b1.tolist(), W2[0].tolist(), float(b2[0]))
    columns = (W1, b1[:, None], W2, b2[:, None])
    engine, forward = NumpyEngine(), network.forward(numpy.float64)
    wide = numpy.dtype(numpy.float64)

    def J(theta: Any, x: Any, y: Any) -> Any:  # noqa: N802  the notes' name
        e = network(theta, x) - y
        return 0.5 * (e * e).sum() / n

    both = trace(
        value_and_grad(J), [Spec((network.parameter_count,), wide), Spec(("n", d), wide), Spec(("n", 1), wide)]
    )

    def one_by_one() -> Floats:
        total = numpy.zeros((m, d))
        for i in range(n):
            total += notes.algorithm_3(*columns, X[i][:, None], float(y[i, 0])).dW[1]
        return total / n

    return {
        "forward": {
            "loops (2.5)": lambda: [notes.two_layers_by_loops(*lists, x)[2] for x in X.tolist()],
            "matrices (2.11)": lambda: [notes.two_layers_by_matrices(*columns, x[:, None])[2] for x in X],
            "batch (4.4)": lambda: numpy.maximum(X @ W1.T + b1, 0) @ W2.T + b2,
            "engine": lambda: engine.run(forward, theta, X)[0],
        },
        "gradient": {
            "Algorithm 3, one by one": one_by_one,
            "engine": lambda: engine.run(both, theta, X, y)[1],
        },
    }


def seconds(run: Callable[[], Any]) -> float:
    """Seconds per call, over as many calls as fill about 2 ms."""
    calls = 1
    while True:
        begin = time.perf_counter()
        for _ in range(calls):
            run()
        taken = time.perf_counter() - begin
        if taken > 2e-3:
            return taken / calls
        calls *= 4


def measure(d: int, m: int, n: int, rounds: int) -> list[dict[str, Any]]:
    """One record per task and contender; contenders take turns, after one round that is not counted."""
    records = []
    for task, ways in contenders(d, m, n).items():
        times: dict[str, list[float]] = {name: [] for name in ways}
        for counted in range(-1, rounds):
            for name, run in ways.items():
                taken = seconds(run)
                if counted >= 0:
                    times[name].append(taken)
        slow = statistics.median(next(iter(times.values())))
        for name, taken_all in times.items():
            median = statistics.median(taken_all)
            records.append(
                {"task": task, "name": name, "d": d, "m": m, "n": n, "rounds": rounds}
                | {"median_us": round(1e6 * median, 1), "times_faster": round(slow / median, 1)}
            )
    return records


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Loops, matrices and the engine: interleaved medians.")
    parser.add_argument("--rounds", type=int, default=9, help="times each contender is measured (default 9)")
    parser.add_argument("--json", action="store_true", help="one JSON object per line instead of a table")
    arguments = parser.parse_args()
    records = [record for case in CASES for record in measure(*case, arguments.rounds)]
    lines = [json.dumps(record) for record in records]
    if not arguments.json:
        lines = [f"{'d':>4} {'m':>4} {'n':>5}  {'task':<9} {'contender':<24} {'median us':>11} {'times faster':>13}"]
        lines += [
            "{d:>4} {m:>4} {n:>5}  {task:<9} {name:<24} {median_us:>11.1f} {times_faster:>13.1f}".format(**record)
            for record in records
        ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

"""Theorem 3.1 by the clock: the time of J and its gradient over the time of J, beside the ratio of counted operations.

    python benchmarks/theorem_3_1.py [--json] [--repeats 15]

Circuits are evaluated by NumPy, one call per operation. The two are timed in turn and medians are compared, so that a
busy machine slows both. Small circuits show the cost of a call, large ones the cost of the arithmetic.
"""
# ruff: noqa: N802  the notes call the loss J

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from statistics import median
from time import perf_counter
from typing import Any

import numpy

from backpass.circuit import Circuit, operations, trace, value_and_grad
from backpass.circuit.gradient import THEOREM_3_1_CONSTANT

NETWORKS = [(8, 16, 1), (8, 64, 64, 1), (32, 256, 256, 1), (64, 512, 512, 512, 1)]
ROWS = [1, 256, 4096]
RANDOM_LENGTHS = [10, 100, 1000]
SHORTEST = 0.005  # seconds that one timed measurement takes at least


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison; times in seconds per evaluation, sizes in scalar operations."""

    name: str
    size: int
    gradient_size: int
    seconds: float
    gradient_seconds: float

    @property
    def counted(self) -> float:
        return self.gradient_size / self.size

    @property
    def timed(self) -> float:
        return self.gradient_seconds / self.seconds


def network(widths: tuple[int, ...]) -> Callable[..., Any]:
    """The squared cost of a network with ReLU, as a function of its parameters and one batch."""

    def J(parameters: Any, x: Any, y: Any) -> Any:
        a = x
        for W, b in parameters[:-1]:
            a = operations.relu(operations.affine(a, W, b))
        return 0.5 * ((operations.affine(a, *parameters[-1]) - y) ** 2).sum()

    return J


def random_circuit(length: int, rng: numpy.random.Generator) -> Callable[..., Any]:
    """Operations drawn at random, each on values drawn from the last ten."""
    rules: list[Callable[[Any, Any], Any]] = [
        lambda a, b: (a + b) * 0.5,
        lambda a, b: numpy.tanh(a * b),
        lambda a, b: numpy.sin(a),
        lambda a, b: operations.relu(a) - b * 0.5,
        lambda a, b: operations.sigmoid(a),
        lambda a, b: numpy.maximum(a, b),
        lambda a, b: a / (1.0 + b * b),
    ]
    program = [(rules[rng.integers(len(rules))], *rng.integers(1, 11, 2)) for _ in range(length)]

    def J(x: Any) -> Any:
        values = [x]
        for rule, i, j in program:
            values.append(rule(values[-min(i, len(values))], values[-min(j, len(values))]))
        return sum(value.sum() for value in values[-10:])

    return J


def cases(rng: numpy.random.Generator) -> Iterator[tuple[str, Callable[..., Any], list[Any]]]:
    for widths in NETWORKS:
        parameters = [(rng.normal(size=(d, m)) / d**0.5, numpy.zeros(m)) for d, m in pairwise(widths)]
        for rows in ROWS:
            batch = [rng.normal(size=(rows, widths[0])), rng.normal(size=(rows, widths[-1]))]
            yield f"network {'-'.join(map(str, widths))}, {rows} rows", network(widths), [parameters, *batch]
    for length in RANDOM_LENGTHS:
        for elements in (10, 10_000):
            yield (
                f"random, {length} steps, {elements} elements",
                random_circuit(length, rng),
                [rng.normal(size=elements)],
            )


def compared(name: str, J: Callable[..., Any], arguments: list[Any], repeats: int) -> Row:
    forward, both = trace(J, arguments), trace(value_and_grad(J), arguments)
    times: tuple[list[float], list[float]] = ([], [])
    runs = [calls_for(circuit, arguments) for circuit in (forward, both)]
    for _ in range(repeats):
        for circuit, calls, seconds in zip((forward, both), runs, times, strict=True):
            seconds.append(timed(circuit, arguments, calls) / calls)
    return Row(name, forward.size(), both.size(), median(times[0]), median(times[1]))


def calls_for(circuit: Circuit, arguments: list[Any]) -> int:
    timed(circuit, arguments, 1)
    return max(1, round(SHORTEST / timed(circuit, arguments, 1)))


def timed(circuit: Circuit, arguments: list[Any], calls: int) -> float:
    start = perf_counter()
    for _ in range(calls):
        circuit(*arguments)
    return perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description="time and size of J and its gradient, over time and size of J")
    parser.add_argument("--json", action="store_true", help="one JSON object per line")
    parser.add_argument("--repeats", type=int, default=15, help="measurements per circuit; medians are shown")
    options = parser.parse_args()
    if not options.json:
        print(f"{'circuit':42}{'size N':>14}{'counted':>9}{'timed':>9}     (bound: {THEOREM_3_1_CONSTANT})")
    for name, J, arguments in cases(numpy.random.default_rng(0)):
        row = compared(name, J, arguments, options.repeats)
        if options.json:
            print(json.dumps(asdict(row) | {"counted": row.counted, "timed": row.timed}), flush=True)
        else:
            print(f"{row.name:42}{row.size:14,}{row.counted:9.2f}{row.timed:9.2f}", flush=True)


if __name__ == "__main__":
    main()

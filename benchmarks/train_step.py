"""Time of a training step: Backpass's engines and other libraries on the same five networks, ReLU, squared loss, Adam.

The contenders take turns, so that a slow second of the machine hits all of them; the median over the rounds counts.
A contender does one epoch per turn, in the way its own users would write it for speed. What is not installed is left
out and named. Prints a table per network, then one JSON object per line. Run it on a quiet machine, and without
OPENBLAS_CORETYPE in the environment:

    python benchmarks/train_step.py
    python benchmarks/train_step.py --networks 8-64-64-1 --plan
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from peers import LEARNING_RATE, Case, Turn, by_hand_turn, jax_turn, scikit_learn_turn, torch_turn

from backpass.circuit import Spec
from backpass.circuit.philox import key_of
from backpass.engine import ENGINES, Engine, Epoch, NumpyEngine
from backpass.network import dense_network
from backpass.network.losses import loss_named, mean_loss
from backpass.training.loop import training_step
from backpass.training.optimizer import memory_like, optimizer_named

CASES = (
    Case((8, 64, 64, 1), 32, 400),
    Case((8, 100, 1), 200, 300),
    Case((32, 256, 256, 1), 256, 60),
    Case((64, 512, 512, 512, 1), 256, 20),
    Case((128, 1024, 1024, 1), 1024, 4),
)


def backpass_turn(case: Case, engine: Engine) -> Turn:
    network, rule, loss = (
        dense_network(case.widths[0], case.widths[1:-1], 1),
        optimizer_named("adam"),
        loss_named("squared"),
    )
    x, y = case.data()
    theta = np.concatenate([part.reshape(-1) for pair in case.weights() for part in pair])
    data = (x, y, np.ones(len(x), np.float32))

    def objective(theta: Any, batch: Any, draws: Any) -> Any:
        return mean_loss(loss, network(theta, batch[0], draws), batch[1], batch[2])

    step = training_step(objective, rule, theta, [Spec(("B", *a.shape[1:]), a.dtype) for a in data])
    rows = np.random.default_rng(2).permutation(len(x)).reshape(case.steps, case.batch_size)
    epoch = Epoch(rows, np.full(case.steps, case.batch_size), rule.settings(np.full(case.steps, LEARNING_RATE), 0), 0)
    state = (theta, *memory_like(rule, theta))

    def turn() -> float:
        begin = time.perf_counter()
        engine.run_epoch(step, state, key_of(0), data, epoch, lambda: False)
        return (time.perf_counter() - begin) / case.steps

    return turn


def native_turn(case: Case, threads: int | None) -> Turn:
    from backpass.engine.native.native_engine import NativeEngine

    return backpass_turn(case, NativeEngine(threads=threads))


def contenders(case: Case) -> Iterator[tuple[str, str, Callable[[], Turn]]]:
    """Name, the module it needs, and how to make a turn."""
    yield "native", "backpass.engine.native._core", lambda: native_turn(case, None)
    yield "native, 1 thread", "backpass.engine.native._core", lambda: native_turn(case, 1)
    yield "native, 2 threads", "backpass.engine.native._core", lambda: native_turn(case, 2)
    yield "numpy engine", "numpy", lambda: backpass_turn(case, NumpyEngine())
    yield "numpy by hand", "numpy", lambda: by_hand_turn(case)
    yield "scikit-learn", "sklearn", lambda: scikit_learn_turn(case)
    yield "torch", "torch", lambda: torch_turn(case, fused=False)
    yield "torch, fused Adam", "torch", lambda: torch_turn(case, fused=True)
    yield "jax, jit and scan", "jax", lambda: jax_turn(case)


def measure(case: Case, rounds: int, seconds: float) -> dict[str, list[float]]:
    """Microseconds per step of each contender, after a round that is not counted, until the time is up."""
    turns = {name: make() for name, module, make in contenders(case) if importlib.util.find_spec(module) is not None}
    times: dict[str, list[float]] = {name: [] for name in turns}
    begin = time.monotonic()
    for counted in range(-1, rounds):
        for name, turn in turns.items():
            taken = 1e6 * turn()
            if counted >= 0:
                times[name].append(taken)
        if counted >= 2 and time.monotonic() - begin > seconds:
            break
    return times


def report(case: Case, times: dict[str, list[float]]) -> list[dict[str, Any]]:
    """Print the table of a network; the records to keep."""
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    ours = medians["native" if "native" in medians else "numpy engine"]
    print(f"\n{case.name}, batch size {case.batch_size}: {case.flops / 1e6:.1f} MFLOP in products")
    print(f"  {'':<20} {'us/step':>10} {'fastest':>10} {'GFLOP/s':>8} {'/ native':>9}")
    for name, median in medians.items():
        speed = case.flops / median / 1e3
        print(f"  {name:<20} {median:>10.1f} {min(times[name]):>10.1f} {speed:>8.1f} {median / ours:>9.2f}")
    return [
        {"network": case.name, "batch_size": case.batch_size, "name": name, "rounds": len(times[name]),
         "median_us": round(median, 2), "fastest_us": round(min(times[name]), 2), "ratio": round(median / ours, 3)}
        for name, median in medians.items()
    ]  # fmt: skip


def print_plan(case: Case) -> None:
    """What a step of this network is made of."""
    from backpass.engine.plan import plan_step

    network, rule, loss = (
        dense_network(case.widths[0], case.widths[1:-1], 1),
        optimizer_named("adam"),
        loss_named("squared"),
    )

    def objective(theta: Any, batch: Any, draws: Any) -> Any:
        return mean_loss(loss, network(theta, batch[0], draws), batch[1], batch[2])

    single = np.dtype(np.float32)
    batch = [Spec(("B", case.widths[0]), single), Spec(("B", 1), single), Spec(("B",), single)]
    print(plan_step(training_step(objective, rule, np.zeros(network.parameter_count, single), batch), case.batch_size))


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=25, help="turns per contender at most (default 25)")
    arguments.add_argument("--seconds", type=float, default=60.0, help="time per network, about (default 60)")
    arguments.add_argument("--networks", nargs="*", help="such as 8-64-64-1 (default: all five)")
    arguments.add_argument("--plan", action="store_true", help="print the plan of each network too")
    options = arguments.parse_args()
    if "OPENBLAS_CORETYPE" in os.environ or "OPENBLAS_L2_SIZE" in os.environ:
        sys.exit("unset OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE first: they slow down NumPy and scikit-learn")
    warnings.simplefilter("ignore")
    chosen = [case for case in CASES if not options.networks or case.name in options.networks]
    missing = {module for _, module, _ in contenders(CASES[0]) if importlib.util.find_spec(module) is None}
    print(
        f"engines: {', '.join(ENGINES)}; cores: {os.cpu_count()}; not installed: {', '.join(sorted(missing)) or 'none'}"
    )
    records = []
    for case in chosen:
        if options.plan:
            print_plan(case)
        records += report(case, measure(case, options.rounds, options.seconds))
    print()
    for record in records:
        print(json.dumps(record))


if __name__ == "__main__":
    main()

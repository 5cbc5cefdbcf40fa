"""Time of a training step: Backpass's engines and other libraries on the same five networks, ReLU, squared loss, Adam.

And of a step of the recipe RealMLP-TD, against its authors' own library. Beside them stands the speed of NumPy's own
product, which is what the machine can do. The contenders take turns, so that a slow second of the machine hits all of
them; the median over the rounds counts. A contender does one epoch per turn, in the way its own users would write it
for speed. What is not installed is left out and named. Prints a table per network, then one JSON object per line. Run
it on a quiet machine, and without OPENBLAS_CORETYPE in the environment:

    python benchmarks/train_step.py
    python benchmarks/train_step.py --networks 8-64-64-1 --plan
    python benchmarks/train_step.py --precision bf16

With ``--precision bf16`` the products of bfloat16 stand against float32 and against PyTorch's autocast; with
``--one-thread`` too, each on one thread and in processor time, for a machine that others use at the same time.
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from recipes import RECIPES, Recipe, our_recipe_turn, pytabkit_turn
from turns import (
    Contender,
    Turn,
    conditions,
    count_processor_time,
    interleaved,
    now,
    print_records,
    ready,
    refuse_a_slowed_blas,
    sgemm_speed,
)

from backpass.circuit import Spec
from backpass.engine import ENGINES, Engine, Epoch, NumpyEngine
from backpass.network import dense_network
from backpass.network.losses import loss_named, mean_loss
from backpass.numerics.philox import key_of
from backpass.training.optimizer import memory_like, optimizer_named
from backpass.training.step import training_step
from peers import LEARNING_RATE, Case, by_hand_turn, jax_turn, scikit_learn_turn, torch_turn

CASES = (
    Case((8, 64, 64, 1), 32, 400),
    Case((8, 100, 1), 200, 300),
    Case((32, 256, 256, 1), 256, 240),
    Case((64, 512, 512, 512, 1), 256, 60),
    Case((128, 1024, 1024, 1), 1024, 12),
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
        begin = now()
        engine.run_epoch(step, state, key_of(0), data, epoch, lambda done: False)
        return (now() - begin) / case.steps

    return turn


def native_turn(case: Case, threads: int | None, bf16: bool = False) -> Turn:
    from backpass.engine.native.native_engine import NativeEngine

    return backpass_turn(case, NativeEngine(threads=threads, bf16=bf16))


def contenders(case: Case) -> Iterator[Contender]:
    core = "backpass.engine.native._core"
    yield "native", core, lambda: native_turn(case, None)
    yield "native, 1 thread", core, lambda: native_turn(case, 1)
    yield "native, 2 threads", core, lambda: native_turn(case, 2)
    yield "numpy engine", "numpy", lambda: backpass_turn(case, NumpyEngine())
    yield "numpy by hand", "numpy", lambda: by_hand_turn(case)
    yield "scikit-learn", "sklearn", lambda: scikit_learn_turn(case)
    yield "torch", "torch", lambda: torch_turn(case, fused=False)
    yield "torch, fused Adam", "torch", lambda: torch_turn(case, fused=True)
    yield "torch, compiled", "torch", lambda: torch_turn(case, fused=True, compiled=True)
    yield "jax, jit and scan", "jax", lambda: jax_turn(case)


def bf16_contenders(case: Case, threads: int | None) -> Iterator[Contender]:
    """PyTorch takes the number of threads from the environment."""
    core = "backpass.engine.native._core"
    yield "native, bf16", core, lambda: native_turn(case, threads, bf16=True)
    yield "native", core, lambda: native_turn(case, threads)
    yield "torch, fused Adam", "torch", lambda: torch_turn(case, fused=True)
    yield "torch, autocast", "torch", lambda: torch_turn(case, fused=True, autocast=True)
    yield "torch, autocast, compiled", "torch", lambda: torch_turn(case, fused=True, compiled=True, autocast=True)


def recipe_contenders(recipe: Recipe) -> Iterator[Contender]:
    yield "native", "backpass.engine.native._core", lambda: our_recipe_turn(recipe)
    yield "pytabkit", "pytabkit", lambda: pytabkit_turn(recipe)


def report(
    name: str, batch_size: int, flops: int | None, times: dict[str, list[float]], speed: float
) -> list[dict[str, Any]]:
    """Print the table of a network from seconds per step; the records to keep.

    speed: GFLOP/s of NumPy's own product: what the products of a step would take at least
    """
    medians = {contender: 1e6 * statistics.median(taken) for contender, taken in times.items()}
    first, ours = next(iter(medians.items()))
    work = f": {flops / 1e6:.1f} MFLOP in products, {flops / speed / 1e3:.1f} us at NumPy's speed" if flops else ""
    print(f"\n{name}, batch size {batch_size}{work}")
    print(f"  {'':<26} {'us/step':>10} {'fastest':>10} {'GFLOP/s':>8}  / {first}")
    records = []
    for contender, median in medians.items():
        fastest = 1e6 * min(times[contender])
        gflops = f"{flops / median / 1e3:.1f}" if flops else ""
        print(f"  {contender:<26} {median:>10.1f} {fastest:>10.1f} {gflops:>8} {median / ours:>9.2f}")
        records.append(
            {"network": name, "batch_size": batch_size, "name": contender, "rounds": len(times[contender]),
             "median_us": round(median, 2), "fastest_us": round(fastest, 2), "ratio": round(median / ours, 3)}
        )  # fmt: skip
    return records


def print_plan(case: Case, bf16: bool) -> None:
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
    step = training_step(objective, rule, np.zeros(network.parameter_count, single), batch)
    print(plan_step(step, case.batch_size, bf16=bf16))


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=25, help="turns per contender at most (default 25)")
    arguments.add_argument("--seconds", type=float, default=60.0, help="time per network, about (default 60)")
    arguments.add_argument("--networks", nargs="*", help="such as 8-64-64-1 or RealMLP-8 (default: all)")
    arguments.add_argument("--precision", choices=("float32", "bf16"), default="float32", help="default float32")
    arguments.add_argument("--one-thread", action="store_true", help="one thread each, in processor time; with bf16")
    arguments.add_argument("--plan", action="store_true", help="print the plan of each network too")
    options = arguments.parse_args()
    if options.one_thread and options.precision != "bf16":
        arguments.error("--one-thread goes with --precision bf16")
    refuse_a_slowed_blas()
    warnings.simplefilter("ignore")
    logging.disable()
    speeds = {"one thread": sgemm_speed(1), "all threads": sgemm_speed(None)}
    rounded = {name: round(speed, 1) for name, speed in speeds.items()}
    records: list[dict[str, Any]] = [{"name": "sgemm 1024", "gflops": rounded} | conditions()]
    print(f"engines: {', '.join(ENGINES)}; {conditions()}")
    print("NumPy's product of 1024 x 1024: " + ", ".join(f"{v:.0f} GFLOP/s on {name}" for name, v in speeds.items()))
    threads = 1 if options.one_thread else None
    if options.one_thread:
        os.environ["OMP_NUM_THREADS"] = "1"
        count_processor_time()
    reasons: dict[str, str] = {}
    for case in CASES:
        if options.networks and case.name not in options.networks:
            continue
        if options.plan:
            print_plan(case, options.precision == "bf16")
        turns, absent = ready(contenders(case) if options.precision == "float32" else bf16_contenders(case, threads))
        reasons |= absent
        times = interleaved(turns, options.rounds, options.seconds)
        records += report(case.name, case.batch_size, case.flops, times, max(speeds.values()))
    for recipe in RECIPES if options.precision == "float32" else ():
        if options.networks and recipe.name not in options.networks:
            continue
        turns, absent = ready(recipe_contenders(recipe))
        reasons |= absent
        times = interleaved(turns, options.rounds, options.seconds)
        records += report(recipe.name, recipe.batch_size, None, times, max(speeds.values()))
    for name, reason in reasons.items():
        print(f"left out: {name}: {reason}")
    print_records(records)


if __name__ == "__main__":
    main()

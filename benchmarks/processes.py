"""Several processes that train one network: the cost of a step, its efficiency, and a model of many machines.

A step of one process as it is (one planned step) stands against steps whose batch is cut into shards, in one and in two
processes with one thread each. They take turns, and the median over the rounds counts. "compute" is the processor time
of the slower process without the exchange. The exchange is the shortest of all steps in elapsed time, because a process
that is kept from its core makes the other wait: on a quiet machine all steps are like it. Needs mpi4py and mpiexec:

    python benchmarks/processes.py
    python benchmarks/processes.py --networks 64-512-512-512-1 --rounds 9 --json

The model of W machines is, with P parameters in float32 and the measured times of one thread,

    T(W) = gradient / W + update + 2 log2(W) latency + 2 (W - 1) / W 4 P / bandwidth

Its bandwidths and latencies are assumptions (``NETWORKS``); every machine computes with one thread, and no two
transfers share a link.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from math import log2
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from backpass.circuit import Array, Spec
from backpass.engine import Epoch, engine_named
from backpass.network import dense_network
from backpass.network.layers import RandomKey
from backpass.network.losses import loss_named, mean_loss, summed_loss
from backpass.numerics.philox import key_of
from backpass.training import OptimizerOptions, optimizer_named, training_step
from backpass.training.optimizer import memory_like
from backpass.training.processes.exchange import SOLO, Exchange
from backpass.training.processes.sharded import ShardedStep, Sharding

ROWS, BATCH, STEPS = 65_536, 1024, 8
NETWORKS = {"10 Gb/s, 30 us": (1.1e9, 30e-6), "100 Gb/s, 3 us": (11e9, 3e-6)}
"""Name -> bytes per second that arrive, and seconds per message: TCP on Ethernet, and RDMA."""

Turn = Callable[[], None]


class Timed(Exchange):
    """An exchange that measures its sums: their processor time, and the shortest elapsed time."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__()
        self.exchange, self.rank, self.size = exchange, exchange.rank, exchange.size
        self.seconds, self.shortest = 0.0, float("inf")

    def all_reduce(self, buffer: Any) -> None:
        began, start = time.process_time(), time.perf_counter()
        self.exchange.all_reduce(buffer)
        self.shortest = min(self.shortest, time.perf_counter() - start)
        self.seconds += time.process_time() - began

    def group(self, size: int) -> Exchange:
        return self.exchange.group(size)

    def release(self) -> None:
        self.exchange.release()

    def post(self, message: Any, to: int, channel: int) -> None:
        self.exchange.post(message, to, channel)

    def collect(self, channel: int) -> list[tuple[int, Any]]:
        return self.exchange.collect(channel)


class Case:
    """One network with its data, and the turns of its contenders."""

    def __init__(self, name: str) -> None:
        inputs, *hidden, outputs = (int(width) for width in name.split("-"))
        self.network = dense_network(inputs, hidden, outputs)
        r = np.random.default_rng(0)
        x = r.normal(size=(ROWS, inputs)).astype(np.float32)
        self.data = [x, np.tanh(x[:, :1] + x[:, 1:2]), np.ones(ROWS, np.float32)]
        self.loss = loss_named("squared")
        self.optimizer = optimizer_named("adam", OptimizerOptions())
        self.theta = (r.normal(size=self.network.parameter_count) * 0.03).astype(np.float32)
        self.state = (self.theta, *memory_like(self.optimizer, self.theta))
        self.engine = engine_named("native", 1)
        rows = np.stack([np.arange(i * BATCH, (i + 1) * BATCH) for i in range(STEPS)])
        self.epoch = Epoch(rows, np.full(STEPS, BATCH), self.optimizer.settings(np.full(STEPS, 1e-3), 0), 0)
        self.specs = [Spec(("B", *each.shape[1:]), each.dtype) for each in self.data]

    def fused(self) -> Turn:
        def objective(theta: Array, batch: tuple[Array, ...], draws: RandomKey) -> Array:
            return mean_loss(self.loss, self.network(theta, batch[0], draws), batch[1], batch[2])

        step = training_step(objective, self.optimizer, self.theta, self.specs)

        def turn() -> None:
            self.engine.run_epoch(step, self.state, key_of(0), self.data, self.epoch, lambda done: False)

        return turn

    def sharded(self, shards: int, exchange: Exchange) -> Turn:
        def summed(theta: Array, batch: tuple[Array, ...], draws: RandomKey) -> Array:
            return summed_loss(self.loss, self.network(theta, batch[0], draws), batch[1], batch[2])

        step = ShardedStep.of(Sharding(shards, summed, exchange), self.optimizer, self.theta, self.specs)

        def turn() -> None:
            step.run_epoch(self.engine, self.state, key_of(0), self.data, self.epoch, lambda done: False)

        return turn

    def update(self) -> Turn:
        step = ShardedStep.of(
            Sharding(1, lambda t, batch, draws: (t * 0.0).sum()), self.optimizer, self.theta, self.specs
        )
        sums = np.zeros(len(self.theta) + 2, np.float32)

        def turn() -> None:
            for i in range(STEPS):
                settings = self.epoch.settings[i].astype(np.float32)
                self.engine.run(step.update, *self.state, sums, np.float32(BATCH), settings)

        return turn


def measure(name: str, shards: list[int], rounds: int) -> dict[str, Any]:
    """Milliseconds per step of each contender. Process 0 alone runs those of one process, while the other waits."""
    from backpass.training.processes.mpi import world

    exchange = Timed(world())
    case = Case(name)
    turns: dict[str, Turn] = {"one process, planned": case.fused(), "update": case.update()}
    turns |= {f"one process, {V} shards": case.sharded(V, SOLO) for V in shards}
    together = {f"two processes, {V} shards": case.sharded(V, exchange) for V in shards if V > 1}
    compute: dict[str, list[float]] = {}
    shortest = dict.fromkeys(together, float("inf"))
    for _ in range(rounds + 1):
        for label, turn in [*turns.items(), *together.items()]:
            if label in turns and exchange.rank:
                continue
            if label in together:
                exchange.share(None)
            exchange.seconds, exchange.shortest = 0.0, float("inf")
            began = time.process_time()
            turn()
            spent = time.process_time() - began - exchange.seconds
            compute.setdefault(label, []).append(1e3 * spent / STEPS)
            if label in together:
                shortest[label] = min(shortest[label], 1e3 * exchange.shortest)
        exchange.share(None)
    shared = exchange.share(
        {label: (median(values[1:]), shortest.get(label, 0.0)) for label, values in compute.items()}
    )
    if exchange.rank:
        return {}
    times = {
        label: tuple(max(each[label][i] for each in shared if label in each) for i in range(2)) for label in shared[0]
    }
    return {"network": name, "batch": BATCH, "parameters": int(case.theta.size), "ms": times}


def modelled(gradient: float, update: float, parameters: int, machines: int, bandwidth: float, latency: float) -> float:
    """T(W) in seconds, see above."""
    exchange = 2 * log2(machines) * latency + 2 * (machines - 1) / machines * 4 * parameters / bandwidth
    return gradient / machines + update + exchange


def table(record: dict[str, Any]) -> None:
    """Print what was measured, and the model."""
    times = record["ms"]
    one = times["one process, planned"][0]
    print(f"{record['network']}, batch {record['batch']}, {record['parameters']:,} parameters; milliseconds per step")
    print(f"{'':32}{'compute':>9}{'exchange':>9}{'efficiency':>12}")
    for label, (compute, exchange) in times.items():
        count = 2 if label.startswith("two") else 1
        efficiency = "" if label == "update" else f"{one / (count * (compute + exchange)):>12.0%}"
        print(f"{label:32}{compute:9.2f}{exchange:9.2f}{efficiency}")
    update = times["update"][0] / 1e3
    gradient = one / 1e3 - update
    for scaling in ("strong: the same batch", "weak: 1,024 rows a machine"):
        print(f"\nmodel, {scaling}: efficiency of W machines")
        for name, (bandwidth, latency) in NETWORKS.items():
            shares = []
            for W in (2, 8, 32, 128):
                work = gradient if scaling.startswith("strong") else gradient * W
                T = modelled(work, update, record["parameters"], W, bandwidth, latency)
                shares.append(f"{W}: {(work + update) / (W * T):.0%}")
            print(f"  {name:16}{'   '.join(shares)}")
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--networks", nargs="+", default=["32-256-256-1", "64-512-512-512-1"])
    parser.add_argument("--shards", type=int, nargs="+", default=[1, 2, 8])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true", help="print a JSON object per network in place of tables")
    parser.add_argument("--measure", help=argparse.SUPPRESS)  # what the processes of mpiexec do
    given = parser.parse_args()
    if given.measure:
        record = measure(given.measure, given.shards, given.rounds)
        if record:
            print(json.dumps(record))
        return
    mpiexec = Path(sys.executable).parent / "mpiexec"
    for name in given.networks:
        command = [str(mpiexec) if mpiexec.exists() else "mpiexec", "-n", "2", sys.executable, "-m", "mpi4py", __file__]
        options = ["--measure", name, "--rounds", str(given.rounds), "--shards", *map(str, given.shards)]
        printed = subprocess.run([*command, *options], check=True, stdout=subprocess.PIPE, text=True).stdout
        if given.json:
            print(printed, end="")
        else:
            table(json.loads(printed))


if __name__ == "__main__":
    main()

"""Cold start: a fresh process imports, makes a network 8-64-64-1 ready and trains it for one epoch, then ends.

13,209 rows (what the sample table trains on) in memory, batches of 256, Adam. The time is that of the whole process:
every contender also pays for Python and NumPy, which the first line shows. They take turns; the median counts.
Prints a table, then one JSON object per line:

    python benchmarks/cold_start.py --rounds 21
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

from turns import Contender, Turn, conditions, interleaved, print_records, ready, refuse_a_slowed_blas

TARGET_SECONDS = 0.3
"""What ours may take."""

DATA = """
import numpy as np
random = np.random.default_rng(0)
x = random.standard_normal((13_209, 8)).astype(np.float32)
y = (np.sin(x[:, :1]) + 0.3 * x[:, 1:2] ** 2).astype(np.float32)
"""

OURS = """
from backpass.engine import default_engine
from backpass.network import dense_network, initialize, loss_named, mean_loss
from backpass.numerics.philox import key_of
from backpass.training import TrainingRun, TrainingSettings, optimizer_named
network, loss, engine = dense_network(8, (64, 64), 1), loss_named("squared"), default_engine()
theta = engine.run(initialize(network), key_of(0))[0]
objective = lambda theta, batch, draws: mean_loss(loss, network(theta, batch[0], draws), batch[1], batch[2])
data = (x, y, np.ones(len(x), np.float32))
settings = TrainingSettings(batch_size=256, epochs=1)
assert len(TrainingRun(objective, theta, data, optimizer_named("adam"), settings, engine).run().progress.history) == 1
"""

OUR_FIT = """
import backpass
columns = {f"x{j}": x[:, j] for j in range(8)}
settings = {"hidden": (64, 64), "batch_size": 256, "epochs": 1, "validation_fraction": 0.0, "test_fraction": 0.0}
backpass.fit({**columns, "y": y[:, 0]}, "y", **settings)
"""

SCIKIT_LEARN = """
import warnings
warnings.simplefilter("ignore")
from sklearn.neural_network import MLPRegressor
MLPRegressor(hidden_layer_sizes=(64, 64), batch_size=256, max_iter=1).fit(x, y[:, 0])
"""

TORCH = """
import torch
model = torch.nn.Sequential(
    torch.nn.Linear(8, 64), torch.nn.ReLU(), torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 1)
)
adam = torch.optim.Adam(model.parameters(), fused=True)
x, y = torch.from_numpy(x), torch.from_numpy(y)
for rows in torch.randperm(len(x)).split(256):
    adam.zero_grad()
    torch.nn.functional.mse_loss(model(x[rows]), y[rows]).backward()
    adam.step()
"""


def process(program: str) -> Turn:
    """Seconds of a fresh process that runs a program."""

    def turn() -> float:
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
        return time.perf_counter() - begin

    return turn


def contenders() -> Iterator[Contender]:
    yield "python and the data", "numpy", lambda: process(DATA)
    yield "training", "backpass", lambda: process(DATA + OURS)
    yield "backpass.fit", "backpass", lambda: process(DATA + OUR_FIT)
    yield "scikit-learn", "sklearn", lambda: process(DATA + SCIKIT_LEARN)
    yield "torch", "torch", lambda: process(DATA + TORCH)


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=21, help="processes per contender (default 21)")
    rounds = arguments.parse_args().rounds
    refuse_a_slowed_blas()
    turns, absent = ready(contenders())
    times = interleaved(turns, rounds, float("inf"))
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    print(conditions())
    print(f"{'':<20} {'median s':>9} {'fastest':>9} {'/ training':>11}")
    for name, median in medians.items():
        print(f"{name:<20} {median:>9.3f} {min(times[name]):>9.3f} {median / medians['training']:>11.2f}")
    verdict = "within" if medians["training"] <= TARGET_SECONDS else "ABOVE"
    print(f"training takes {medians['training']:.3f} s: {verdict} the target of {TARGET_SECONDS} s")
    for name, reason in absent.items():
        print(f"left out: {name}: {reason}")
    print_records(
        {"name": name, "median_s": round(median, 4), "fastest_s": round(min(times[name]), 4), "rounds": rounds}
        | conditions()
        for name, median in medians.items()
    )


if __name__ == "__main__":
    main()

"""Soak: thousands of steps, fits, predictions and gradients leave memory, objects, files and threads as they were.

A process of its own measures itself, after a start in which arenas and the bounded caches of circuits fill.
BACKPASS_SLOW_TESTS makes it do thirty times as much, under the same bounds.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

LINUX = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is measured in /proc")
TIMES = 30 if os.environ.get("BACKPASS_SLOW_TESTS") else 1

PROGRAM = """
import gc, os, resource, sys
import numpy as np
import backpass
from backpass import grad, operations

kind, start, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = np.random.default_rng(0)
columns = {"x": rng.normal(size=64), "t": ["u", "v"] * 32, "y": rng.normal(size=64)}
FIT = {"hidden": (8,), "validation_fraction": 0.0, "test_fraction": 0.0}
model = backpass.fit(columns, "y", epochs=1, batch_size=16, **FIT)
W = rng.normal(size=(8, 8))
J = lambda x: operations.tanh(x @ x).sum()
kept = []

def predict():
    model.predict({"x": [0.5], "t": ["u"]})

def steps():
    backpass.fit(columns, "y", epochs=160, batch_size=1, **FIT)  # 10,240 steps

def fit():
    backpass.fit(columns, "y", epochs=1, batch_size=16, **FIT)

def save():
    backpass.model.from_bytes(model.to_bytes())

def gradient():
    grad(J)(W)

def leak():
    kept.append([bytes(200_000)])

act = globals()[kind]

def held():
    gc.collect()
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[1])
    counts = len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))
    return pages * resource.getpagesize(), len(gc.get_objects()), *counts

for _ in range(start):
    act()
before = held()
for _ in range(rounds):
    act()
print(*(late - early for early, late in zip(before, held())))
"""


@dataclass(frozen=True)
class Growth:
    """What so many rounds added: bytes of memory, Python's objects, open files and threads."""

    memory: int
    objects: int
    files: int
    threads: int


def growth(kind: str, start: int, rounds: int) -> Growth:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, kind, str(start), str(rounds)],
        capture_output=True,
        text=True,
        check=True,
        timeout=3600,
        env={**os.environ, "MALLOC_ARENA_MAX": "1"},
    )
    return Growth(*map(int, done.stdout.split()))


@LINUX
@pytest.mark.parametrize(
    ("kind", "start", "rounds", "most"),
    [
        ("predict", 500, 1500, 1 << 20),
        ("steps", 1, 1, 1 << 20),
        ("fit", 66, 10, 3 << 20),  # caches hold what was traced for the last 64 fits
        ("save", 100, 200, 1 << 20),
        ("gradient", 200, 400, 1 << 20),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_nothing_grows(kind: str, start: int, rounds: int, most: int) -> None:
    found = growth(kind, start, rounds * TIMES)
    assert (found.files, found.threads) == (0, 0)
    assert found.objects < 1000  # one more fit in the caches
    assert found.memory < most


@LINUX
def test_a_planted_leak_is_found() -> None:
    assert growth("leak", 5, 40).memory > 3 << 20

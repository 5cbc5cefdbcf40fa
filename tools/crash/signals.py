"""Signals: whole processes get SIGINT, SIGTERM or SIGHUP at random instants, from the first import to the last save."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

from bench import Bench

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STARTING = 0.05  # seconds in which Python itself starts, and ends by a signal in its own way


@dataclass(slots=True)
class Signals:
    """What was seen (this grows)."""

    codes: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """The counts, for a table."""
        codes = ", ".join(f"{code} {count} times" for code, count in sorted(self.codes.items()))
        return [f"| signals at random instants | {self.codes.total()} signals | codes {codes} | {len(self.wrong)} |"]


def signal_at_random(bench: Bench, count: int, seed: int) -> Signals:
    """Codes are 128 + number, the signal's own before Python takes care of it, or 0; no traceback, only whole files."""
    # Started by nohup or in the background, this process would hand down that they are ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    draw, found = random.Random(seed), Signals()
    env = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    jobs = bench.jobs()
    longest = {job.name: _seconds(bench, job.arguments, env) for job in jobs}
    for i in range(count):
        job, number = draw.choice(jobs), draw.choice(NUMBERS)
        bench.lay_old(job)
        run = subprocess.Popen(
            [sys.executable, "-m", "backpass", *job.arguments],
            cwd=bench.work,
            env=env,
            stderr=subprocess.PIPE,
            text=True,
        )
        time.sleep(draw.uniform(STARTING, longest[job.name]))
        run.send_signal(number)
        _, said = run.communicate(timeout=120)
        found.codes[run.returncode] += 1
        where = f"signal {i + 1}, {job.name}, {signal.Signals(number).name}"
        # Until it calls our main(), Python ends in its own way, at SIGINT with a traceback.
        is_pythons = run.returncode == -number or (number == signal.SIGINT and "in main" not in said)
        if run.returncode not in (0, 128 + number) and not is_pythons:
            found.wrong.append(f"{where}: exit code {run.returncode}: {said[-300:]}")
        if ("Traceback" in said and not is_pythons) or "internal error in backpass" in said:
            found.wrong.append(f"{where}: it said {said[-500:]}")
        data = (bench.work / job.output).read_bytes()
        if data != bench.old[job.name] and run.returncode in (0, -number) and data != bench.new[job.name]:
            found.wrong.append(f"{where}: {job.output} is neither the old file nor the new one")
        others = {path.name for path in bench.work.iterdir()} - job.files - {"m.checkpoint"}
        if others and run.returncode > 0:
            found.wrong.append(f"{where}: left behind: {', '.join(sorted(others))}")
    return found


def _seconds(bench: Bench, arguments: tuple[str, ...], env: dict[str, str]) -> float:
    started = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "backpass", *arguments], cwd=bench.work, env=env, check=True, stderr=subprocess.DEVNULL
    )
    return time.monotonic() - started

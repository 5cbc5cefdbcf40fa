"""Real commands are killed, their calls fail and their disks fill up; the files they write stay old or become new.

    make crash KILLS=1000
    .venv/bin/python tools/crash --kills 1000

Reading order: ``command`` (a run in a forked child), ``bench`` (the commands, and what must hold), ``kills``,
``failing`` (with ``shim.c``), ``full_disk``, ``signals``. Prints a row for each experiment and what did not hold; exit
code 1 if anything did not. Linux with a C compiler; outside CI, because kills take minutes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

SHIM = "BACKPASS_CRASH_SHIM"
"""The compiled shim, in the environment of the process that has it loaded."""

PARTS = ("failing", "disk", "signals", "kills")


def with_shim(folder: Path) -> None:
    """Compile the shim, and start this program anew with it in front of the C library. Does not return."""
    shim, source = folder / "shim.so", Path(__file__).with_name("shim.c")
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", str(shim), str(source), "-ldl"], check=True)
    # One thread, because the runs are forked.
    env = {**os.environ, SHIM: str(shim), "LD_PRELOAD": str(shim), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    os.execve(sys.executable, [sys.executable, *sys.argv], env)


def main() -> int:
    """Run the experiments that were asked for; 1 if anything did not hold."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=1000, help="how often to kill")
    parser.add_argument("--signals", type=int, default=100, help="how many signals to send")
    parser.add_argument("--seed", type=int, default=0, help="of the instants")
    parser.add_argument("--only", choices=PARTS, action="append", help="one of the parts (repeatable)")
    given = parser.parse_args()
    if SHIM not in os.environ:
        with_shim(Path(tempfile.mkdtemp(prefix="crash-")))
    shim = Path(os.environ[SHIM])
    wrong = experiments(shim, given.kills, given.signals, given.seed, given.only or PARTS)
    for text in wrong:
        print(f"WRONG {text}")
    for path in shim.parent.rglob("*"):
        if path.is_file():
            path.unlink()
    return 1 if wrong else 0


def experiments(shim: Path, kills: int, signals: int, seed: int, parts: Sequence[str]) -> list[str]:
    """Print the rows as they come; what did not hold."""
    from bench import Bench
    from command import import_all
    from failing import fail_every_call
    from full_disk import fill_disk
    from kills import kill_at_random
    from signals import signal_at_random

    import_all()
    bench, wrong = Bench(shim.parent / "bench"), list[str]()
    bench.make()
    print("| experiment | number | seen | did not hold |\n|---|---|---|---|", flush=True)
    if "failing" in parts:
        for job in bench.jobs():
            found = fail_every_call(bench, job, shim)
            print(*found.lines(), sep="\n", flush=True)
            wrong += found.wrong
    if "disk" in parts:
        for job in bench.jobs():
            for each in fill_disk(bench, job):
                print(*each.lines(), sep="\n", flush=True)
                wrong += each.wrong
    if "signals" in parts:
        sent = signal_at_random(bench, signals, seed)
        print(*sent.lines(), sep="\n", flush=True)
        wrong += sent.wrong
    if "kills" in parts:
        killed = kill_at_random(bench, kills, seed)
        print(*killed.lines(), sep="\n", flush=True)
        wrong += killed.wrong
    return wrong


if __name__ == "__main__":
    sys.exit(main())

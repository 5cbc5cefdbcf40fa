"""Turns: contenders that take turns on the clock, so that a slow second of the machine hits all of them.

A contender is a name, the module it needs, and what makes its turn ready; a turn gives a time. What is not installed,
or cannot be made ready, is left out, and named with the reason.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

Turn = Callable[[], float]
Contender = tuple[str, str, Callable[[], Turn]]


_clock = [time.perf_counter]


def now() -> float:
    """Seconds on the clock of the turns."""
    return _clock[0]()


def count_processor_time() -> None:
    """From now on the clock counts the processor time of this process: what others do beside it hardly shows."""
    _clock[0] = time.process_time


SETTLING = 0.1
"""Seconds before a turn, in which the threads of the one before stop to wait for work on a core that they keep busy."""


def ready(contenders: Iterable[Contender]) -> tuple[dict[str, Turn], dict[str, str]]:
    """The turns by name, and why the others are left out."""
    turns, absent = {}, {}
    for name, module, make in contenders:
        if importlib.util.find_spec(module.partition(".")[0]) is None or importlib.util.find_spec(module) is None:
            absent[name] = f"{module} is not installed"
            continue
        try:
            turns[name] = make()
        except Exception as error:  # another library's, of any kind: the others are measured all the same
            absent[name] = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    return turns, absent


def interleaved(turns: Mapping[str, Turn], rounds: int, seconds: float) -> dict[str, list[float]]:
    """The times of each contender, after a round that is not counted; at least 3 rounds, then until the time is up."""
    times: dict[str, list[float]] = {name: [] for name in turns}
    begin = time.monotonic()
    for counted in range(-1, rounds):
        for name, turn in turns.items():
            time.sleep(SETTLING)
            taken = turn()
            if counted >= 0:
                times[name].append(taken)
        if counted >= 2 and time.monotonic() - begin > seconds:
            break
    return times


def refuse_a_slowed_blas() -> None:
    """Two variables that make NumPy's products slower than they are; nobody should be compared with those."""
    if "OPENBLAS_CORETYPE" in os.environ or "OPENBLAS_L2_SIZE" in os.environ:
        sys.exit("unset OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE first: they slow down NumPy and scikit-learn")


def conditions() -> dict[str, Any]:
    """What the numbers depend on besides the program: cores, and how many processes wanted one in the last minute."""
    return {"cores": os.cpu_count(), "load": round(os.getloadavg()[0], 2)}


def sgemm_speed(threads: int | None) -> float:
    """GFLOP/s of NumPy's product of two 1024 x 1024 float32 matrices: what this machine can do. Best of 20."""
    from threadpoolctl import threadpool_limits

    a, b = np.random.default_rng(0).standard_normal((2, 1024, 1024)).astype(np.float32)
    with threadpool_limits(threads):
        return max(2 * 1024**3 / _seconds(lambda: a @ b) for _ in range(20)) / 1e9


def _seconds(run: Callable[[], Any], calls: int = 1) -> float:
    begin = time.perf_counter()
    for _ in range(calls):
        run()
    return time.perf_counter() - begin


def calls_timed(run: Callable[[], Any], least: float = 5e-2) -> Turn:
    """A turn that gives seconds per call, over as many calls as take at least so many seconds.

    Long enough that it hardly counts when a machine takes milliseconds to give a second thread its core.
    What the first call makes ready for the others is not counted.
    """
    run()
    calls = 1
    while (taken := _seconds(run, calls)) < least:
        calls = max(calls + 1, round(1.5 * calls * least / max(taken, 1e-9)))
    return lambda: _seconds(run, calls) / calls


def print_records(records: Iterable[Mapping[str, Any]]) -> None:
    """One JSON object a line, after an empty one."""
    print()
    for record in records:
        print(json.dumps(record))

"""Watching: an epoch that is run step by step, so that an observer sees each step.

The steps have the bits of an epoch that an engine runs at once; they take longer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.engine import Engine
from backpass.engine.step import Arrays, Epoch, Outcome, Step
from backpass.training.progress import StepRecord


def run_watched(
    engine: Engine,
    step: Step,
    state: Arrays,
    key: NDArray[Any],
    data: Sequence[NDArray[Any]],
    epoch: Epoch,
    should_stop: Callable[[int], bool],
    report: Callable[[StepRecord], None],
) -> Outcome:
    """Run an epoch as ``Engine.run_epoch`` does, one step at a time.

    Args:
        engine: The engine.
        step: The training step.
        state: theta and the memories of the optimizer.
        key: The key of the run.
        data: The training data.
        epoch: The steps.
        should_stop: Called before each step with the number of steps done; True ends the epoch.
        report: Called after each step.
    """
    losses: list[float] = []
    for i in range(epoch.steps):
        if should_stop(i):
            break
        one = engine.run_epoch(step, state, key, data, epoch.after(i).until(1), lambda done: False)
        if one.failed:
            return Outcome(state, numpy.array(losses), failed=True)
        state = one.state
        losses.append(float(one.losses[0]))
        rows = epoch.rows[i][: int(epoch.sizes[i])].copy()
        report(StepRecord(epoch.first_step + i + 1, losses[-1], state[0].copy(), rows))
    return Outcome(state, numpy.array(losses), failed=False)

"""JAX engine: circuits and epochs compiled by XLA for a device that is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from threading import Lock
from typing import Any, ClassVar

import numpy
from numpy.typing import NDArray

from backpass.circuit import Circuit
from backpass.circuit.sameness import first_alike
from backpass.circuit.spec import match
from backpass.dataclass import dataclass
from backpass.engine.engine import Engine
from backpass.engine.jax.device import Device, device_named
from backpass.engine.jax.epoch import STEPS
from backpass.engine.jax.forms import FORMS
from backpass.engine.jax.lanes import Block, Lane, Lanes
from backpass.engine.jax.translation import Function, translate
from backpass.engine.step import Arrays, Epoch, Outcome, Step

MOST_RUNS = 64
"""The largest number of runs that are trained side by side."""
_LOCK = Lock()
"""Equal circuits of several threads become the same one."""


class JaxEngine(Engine):
    """Runs circuits on the CPU, a GPU or a TPU by way of JAX.

    Results agree with those of the NumPy engine within rounding; random draws are the same bits. An array of ``data``
    is copied to the device once and must not be changed while the engine is in use.

    Args:
        device: "cpu", "cuda" or "tpu".
        bf16: Whether large products of training steps round their operands to bfloat16; ``run`` never does.
        lanes: Takes the steps; shared by the engines of runs side by side. Default None: this engine has its own.

    Raises:
        UsageError: JAX is not installed, or it finds no such device.
    """

    name: ClassVar[str] = "jax"

    def __init__(self, device: str | None, *, bf16: bool = False, lanes: Lanes | None = None) -> None:
        self.device = device_named(device)
        self.bf16 = bf16
        self._lanes = lanes if lanes is not None else Lanes(self.device, bf16)

    @property
    def description(self) -> str:
        products = ", bf16" if self.bf16 else ""
        return f"{self.name} {self.device.jax.__version__} ({self.device.description}{products})"

    @property
    def cores(self) -> int:
        return MOST_RUNS

    def side_by_side(self, runs: int, alike: int) -> Engine:
        return JaxEngine(self.device.name, bf16=self.bf16, lanes=Lanes(self.device, self.bf16, min(runs, alike)))

    @contextmanager
    def taking_part(self) -> Iterator[None]:
        with self._lanes.joined():
            yield

    def run(self, circuit: Circuit, *inputs: Any) -> list[NDArray[Any]]:
        arrays = circuit.arrays_for(inputs)
        lengths = match(circuit.inputs, arrays, circuit.input_names)
        with _LOCK:
            function = _function(_FunctionKey(self.device, first_alike(circuit), tuple(lengths.items())))
        with self.device.active():
            outputs, in_range = function(*[self.device.put(array) for array in arrays])
            _check(bool(in_range))
            return [numpy.array(each) for each in outputs]

    def run_epoch(
        self,
        step: Step,
        state: Arrays,
        key: NDArray[Any],
        data: Sequence[NDArray[Any]],
        epoch: Epoch,
        should_stop: Callable[[int], bool],
    ) -> Outcome:
        """See ``Engine.run_epoch``; ``should_stop`` is called about every 50 milliseconds, not before every step."""
        specs = step.circuit.inputs
        settings = epoch.settings.astype(specs[step.states].dtype)
        rows = _from_start(epoch, len(data[0]) if data else 0)
        with _LOCK:
            alike = Step(first_alike(step.circuit), step.states)
        with self.device.active():
            # Copies, because the device may share memory with an array, and a program overwrites its state.
            start = [self.device.jax.numpy.array(a, s.dtype) for a, s in zip(state, specs, strict=False)]
        lane, losses = Lane(start), [numpy.zeros(0)]
        for first, last in epoch.stretches():
            size, done = int(epoch.sizes[first]), first
            while done < last:
                if should_stop(done):
                    return Outcome(lane.host(), numpy.concatenate(losses), failed=False)
                stop, number = min(last, done + STEPS), epoch.first_step + done
                block = Block(alike, lane, settings[done:stop], rows[done:stop, :size], number, key, data)
                taken = self._lanes.take(block)
                _check(block.in_range)
                lane, done = block.state, done + len(taken)
                losses.append(taken)
                if len(taken) < block.asked:
                    return Outcome(lane.host(), numpy.concatenate(losses), failed=True)
        return Outcome(lane.host(), numpy.concatenate(losses), failed=False)


@dataclass(frozen=True, slots=True)
class _FunctionKey:
    device: Device
    circuit: Circuit
    lengths: tuple[tuple[str, int], ...]


@lru_cache(maxsize=256)
def _function(key: _FunctionKey) -> Function:
    """A circuit for these lengths; it is compiled at its first call."""
    return key.device.jax.jit(translate(key.device.jax, key.circuit, dict(key.lengths), FORMS))  # type: ignore[no-any-return]


def _from_start(epoch: Epoch, count: int) -> NDArray[Any]:
    """The rows of an epoch, with negative ones counted from the end.

    Raises:
        IndexError: A row is not among the data.
    """
    used = numpy.arange(epoch.rows.shape[1]) < epoch.sizes[:, None]
    rows = numpy.where(used, epoch.rows, 0)
    if rows.size and count and (rows.min() < -count or rows.max() >= count):
        raise IndexError(f"an epoch reads rows from {rows.min()} to {rows.max()} of {count}")
    return numpy.where(rows < 0, rows + count, rows)


def _check(in_range: bool) -> None:
    if not in_range:
        raise IndexError("an index of take or scatter_add is out of range")

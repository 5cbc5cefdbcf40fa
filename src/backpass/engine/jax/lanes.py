"""Lanes: runs in parallel threads whose steps the device takes side by side, in one program.

Every run asks for a block of steps and waits. When all runs have asked, the last one takes the blocks of all: equal
steps, such as those of the members of an ensemble, are one call of one program (``vmap``), each in a lane of its own. A
lane without a run idles.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import field
from threading import Condition
from typing import Any

import numpy
from numpy.typing import NDArray

from backpass.circuit import Spec
from backpass.dataclass import dataclass
from backpass.engine.jax.device import Device
from backpass.engine.jax.epoch import STEPS, ProgramKey, program_of
from backpass.engine.jax.table import DeviceTable
from backpass.engine.step import Step

_SECONDS = 0.05
"""The time that a call should take, so that runs can be stopped."""
_FIRST = 8
"""The number of steps of a first call, whose time is not known."""


@dataclass(slots=True, eq=False)
class Lane:
    """The state of a run: one lane of arrays on the device, or all of them.

    Attributes:
        arrays: The arrays.
        number: The number of the lane; None if the arrays belong to one run.
    """

    arrays: Sequence[Any]
    number: int | None = None

    def host(self) -> tuple[NDArray[Any], ...]:
        """A copy in NumPy arrays."""
        whole = [numpy.asarray(a) for a in self.arrays]  # JAX keeps this copy, so that lanes share the transfer
        return tuple(numpy.array(a if self.number is None else a[self.number]) for a in whole)


@dataclass(slots=True, eq=False)
class Block:
    """Steps that a run asks for, all of the same batch size.

    Attributes:
        step: The step, with the circuit that all equal ones have.
        state: The state before the steps, and then after them.
        settings: (steps, columns)
        rows: (steps, B), not negative.
        number: The number of the first step.
        key: The random key.
        data: Arrays whose first axis is the rows.
        asked: The number of steps that the call was to take.
        losses: J of the steps taken, fewer than asked if J is not finite; None as long as the block waits.
        in_range: Whether every index was in range.
        error: What went wrong.
    """

    step: Step
    state: Lane
    settings: NDArray[Any]
    rows: NDArray[Any]
    number: int
    key: NDArray[Any]
    data: Sequence[NDArray[Any]]
    asked: int = 0
    losses: NDArray[numpy.float64] | None = None
    in_range: bool = True
    error: BaseException | None = None

    @property
    def is_done(self) -> bool:
        return self.losses is not None or self.error is not None


@dataclass(slots=True)
class _Pace:
    """How many steps of a program take about ``_SECONDS``."""

    steps: int = _FIRST
    is_compiled: bool = False

    def note(self, steps: int, seconds: float) -> None:
        if self.is_compiled and steps:
            self.steps = max(1, min(STEPS, 4 * self.steps, int(steps * _SECONDS / max(seconds, 1e-6))))
        self.is_compiled = True


@dataclass(slots=True, eq=False)
class Lanes:
    """Takes the steps of one run, or of several in parallel threads. Mutable.

    Attributes:
        device: The device.
        rounded: Whether large products round their factors to bfloat16.
        count: The number of lanes of a program.
    """

    device: Device
    rounded: bool = False
    count: int = 1
    _tables: dict[tuple[Spec, ...], DeviceTable] = field(default_factory=dict)
    _paces: dict[ProgramKey, _Pace] = field(default_factory=dict)
    _changed: Condition = field(default_factory=Condition)
    _runs: int = 0
    _is_busy: bool = False
    _waiting: list[Block] = field(default_factory=list)

    @contextmanager
    def joined(self) -> Iterator[None]:
        """For the time of a run: the others wait for its blocks."""
        with self._changed:
            self._runs += 1
        try:
            yield
        finally:
            with self._changed:
                self._runs -= 1
                self._changed.notify_all()

    def take(self, block: Block) -> NDArray[numpy.float64]:
        """Take the first steps of a block, as many as fit into a call, together with the blocks of the other runs.

        Returns:
            J of the steps taken. The block then holds the state after them.
        """
        with self._changed:
            self._waiting.append(block)
            while not block.is_done:
                if self._is_busy or len(self._waiting) < self._runs:
                    self._changed.notify_all()
                    self._changed.wait()
                    continue
                self._is_busy, round_ = True, self._waiting
                self._waiting = []
                self._changed.release()
                try:
                    self._take_round(round_)
                finally:
                    self._changed.acquire()
                    self._is_busy = False
                    self._changed.notify_all()
        if block.error is not None:
            raise block.error
        assert block.losses is not None
        return block.losses

    def _take_round(self, blocks: Sequence[Block]) -> None:
        try:
            with self.device.active():
                for key, group in self._groups(blocks):
                    alike = [each.data for each in blocks if each.step.batch == group[0].step.batch]
                    self._take_group(key, group, self._table_of(group[0].step.batch).hold(alike))
        except BaseException as error:
            for each in blocks:
                each.error = error if not each.is_done else each.error

    def _groups(self, blocks: Sequence[Block]) -> Iterator[tuple[ProgramKey, list[Block]]]:
        """Blocks of equal steps, at most as many as there are lanes."""
        groups: dict[ProgramKey, list[Block]] = {}
        for each in blocks:
            size = each.rows.shape[1]
            key = ProgramKey(self.device, each.step.circuit, size, self.count, self.rounded)
            groups.setdefault(key, []).append(each)
        for key, group in groups.items():
            for first in range(0, len(group), self.count):
                yield key, group[first : first + self.count]

    def _table_of(self, batch: tuple[Spec, ...]) -> DeviceTable:
        return self._tables.setdefault(batch, DeviceTable(self.device, [spec.dtype for spec in batch]))

    def _take_group(self, key: ProgramKey, group: Sequence[Block], data: Sequence[Any]) -> None:
        pace = self._paces.setdefault(key, _Pace())
        lanes, state = self._stacked(group)
        counts = [min(len(each.rows), pace.steps) for each in group]
        arguments = [
            self._side_by_side(lanes, values)
            for values in (
                [numpy.int32(count) for count in counts],
                [numpy.uint32(each.number) for each in group],
                [_padded(each.settings) for each in group],
                [each.key for each in group],
                [_padded(each.rows.astype(numpy.int32)) for each in group],
                [self._table_of(each.step.batch).offsets(each.data) for each in group],
            )
        ]
        if self.count > 1:
            arguments[0][[lane for lane in range(self.count) if lane not in lanes]] = 0  # idle
        began = time.perf_counter()
        after, *results = program_of(key)(state, *arguments, data)
        taken, losses, in_range = (numpy.asarray(each) for each in results)
        pace.note(max(counts), time.perf_counter() - began)
        for lane, each in zip(lanes, group, strict=True):
            at: Any = lane if self.count > 1 else ()
            each.state, each.asked = Lane(after, lane if self.count > 1 else None), counts[lanes.index(lane)]
            each.in_range = bool(in_range[at])
            each.losses = losses[at][: int(taken[at])].astype(numpy.float64)

    def _stacked(self, group: Sequence[Block]) -> tuple[Sequence[int], Sequence[Any]]:
        """The lane of each block, and the states of all lanes: the arrays of the last call if they are still these."""
        first = group[0].state
        if self.count == 1:
            return [0], first.arrays
        lanes = [each.state.number for each in group if each.state.number is not None]
        if all(each.state.arrays is first.arrays for each in group) and len({*lanes}) == len(group):
            return lanes, first.arrays
        hosts = [each.state.host() for each in group]
        hosts += hosts[:1] * (self.count - len(hosts))
        return range(len(group)), [self.device.put(numpy.stack(several)) for several in zip(*hosts, strict=True)]

    def _side_by_side(self, lanes: Sequence[int], values: Sequence[Any]) -> Any:
        """One value per lane; an idle lane has the first one."""
        if self.count == 1:
            return values[0]
        several = [values[0]] * self.count
        for lane, value in zip(lanes, values, strict=True):
            several[lane] = value
        return numpy.stack(several)


def _padded(table: NDArray[Any]) -> NDArray[Any]:
    """The first rows of a table, and zeros, so that there are ``STEPS`` of them."""
    padded = numpy.zeros((STEPS, *table.shape[1:]), table.dtype)
    padded[: len(table)] = table[:STEPS]
    return padded

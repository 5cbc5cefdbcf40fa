"""Native engine: plans circuits, caches the plans, and passes whole epochs to the core."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy
from numpy.typing import NDArray

from backpass.circuit import Circuit
from backpass.dataclass import dataclass
from backpass.engine.cores import allowed_cores
from backpass.engine.engine import Engine, Partial, packed
from backpass.engine.native._core import has_bf16, instruction_sets
from backpass.engine.native.cache import (
    ROWS_AT_ONCE,
    Compiled,
    Execution,
    compile_step,
    dtypes_of,
    execution_of,
)
from backpass.engine.native.partial import NativePartial
from backpass.engine.numpy_engine import NumpyEngine
from backpass.engine.plan import Plan
from backpass.engine.plan.plan import FIRST_INPUT
from backpass.engine.step import Arrays, Epoch, Outcome, Step
from backpass.errors import UsageError, did_you_mean

# Minimum work, in FLOPs plus bytes, for which several threads are considered. Below it, barriers and data transfers
# between cores cost more than a second core gains; the bound is lower where each thread has its own shard of the rows
# than where threads share every product. Above it, the core measures and selects the faster thread count.
_WORK_FOR_THREADS, _WORK_FOR_SHARDS = 4_000_000, 1_000_000


@dataclass(frozen=True, slots=True)
class Tiling:
    """Tile sizes of the core's products; 0 lets the core choose. All tilings give the same bits.

    Attributes:
        rows: The number of rows of a tile.
        depth: The number of steps of k per tile.
    """

    rows: int = 0
    depth: int = 0


class NativeEngine(Engine):
    """Runs circuits in the compiled core, and on the NumPy engine what the core does not support.

    Neither ``threads`` nor ``isa`` changes a bit of a float32 result.

    Args:
        threads: The number of threads; by default as many as the process may use, or one where one is faster.
        isa: "avx512", "avx2", "neon" or "portable"; by default the widest instruction set of this machine.
        tiling: The tile sizes.
        bf16: Whether large products of training steps round their operands to bfloat16; ``run`` never does.

    Raises:
        UsageError: If this machine does not support the instruction set, or no bfloat16 products with it.
    """

    name: ClassVar[str] = "native"

    def __init__(
        self,
        *,
        threads: int | None = None,
        isa: str | None = None,
        tiling: Tiling = Tiling(),  # noqa: B008  frozen
        bf16: bool = False,
    ) -> None:
        known = instruction_sets()
        if isa is not None and isa not in known:
            raise UsageError(f"this machine does not run instruction set {isa!r}", hint=did_you_mean(isa, known))
        if threads is not None and not 1 <= threads < 1024:
            raise UsageError(f"threads must be between 1 and 1023; got {threads}")
        self.isa = isa or known[0]
        if bf16 and not has_bf16(self.isa):
            raise UsageError(f"instruction set {self.isa!r} does not support bfloat16 products")
        self.bf16 = bf16
        self.threads = threads or allowed_cores().threads
        self.may_be_fewer = threads is None
        self._target = (self.isa, tiling.rows, tiling.depth)
        self._slow = NumpyEngine()

    @property
    def description(self) -> str:
        products = ", bf16" if self.bf16 else ""
        return f"{self.name} ({self.isa}{products}, {self.threads} thread{'s' if self.threads > 1 else ''})"

    @property
    def cores(self) -> int:
        return self.threads

    def side_by_side(self, runs: int, alike: int) -> Engine:
        """Each run has one core, so that no run waits for the threads of another."""
        return NativeEngine(threads=1, isa=self.isa, tiling=Tiling(*self._target[1:]), bf16=self.bf16)

    def run(self, circuit: Circuit, *inputs: Any) -> list[NDArray[Any]]:
        dtypes = dtypes_of(circuit)
        given = [packed(value, dtype) for value, dtype in zip(inputs, dtypes, strict=True)]
        execution = execution_of(self._target, circuit, *[array.shape for array in given])
        outputs = [numpy.empty(shape, dtype) for shape, dtype in execution.outputs]
        compiled = execution.compiled
        if compiled is None:
            return self._slow.run(circuit, *given)
        if execution.rows:
            self._run_by_blocks(circuit, execution, compiled, [*given, *outputs])
        else:
            threads = self.threads_for(compiled.work)
            compiled.program.run([*given, *outputs], threads=threads, may_be_fewer=self.may_be_fewer)
        return outputs

    def partial(self, circuit: Circuit, *first: Any) -> Partial:
        return NativePartial(self.run, self.threads_for, self._target, circuit, first)

    def _run_by_blocks(
        self, circuit: Circuit, execution: Execution, block: Compiled, arrays: Sequence[NDArray[Any]]
    ) -> None:
        """Run blocks of rows, so that intermediate values stay in the cache. Threads share the blocks.

        The last block overlaps the one before it: rows give the same bits in every block, and a block of another length
        would need a plan of its own, which takes as long as thousands of rows.
        """
        specs = [*circuit.inputs, *(circuit.nodes[i].spec for i in circuit.outputs)]
        has_rows = [execution.rows in spec.shape for spec in specs]
        rows = len(arrays[has_rows.index(True)])
        strides = [a[:ROWS_AT_ONCE].nbytes if is_split else 0 for a, is_split in zip(arrays, has_rows, strict=True)]

        def run_from(first: int, blocks: int) -> None:
            some = slice(first, first + blocks * ROWS_AT_ONCE)
            block.program.run_blocks(
                [a[some] if is_split else a for a, is_split in zip(arrays, has_rows, strict=True)],
                stride_bytes=strides,
                blocks=blocks,
                threads=min(blocks, self.threads_for(blocks * block.work)),
            )

        run_from(0, rows // ROWS_AT_ONCE)
        if rows % ROWS_AT_ONCE:
            run_from(rows - ROWS_AT_ONCE, 1)

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
        run = _EpochRun(self, step, state, key, data, epoch)
        losses: list[NDArray[numpy.float64]] = [numpy.zeros(0)]
        for first, last in epoch.stretches():
            compiled = self.compile_step(step, int(epoch.sizes[first]))
            if compiled is None:
                return self._slow.run_epoch(step, state, key, data, epoch, should_stop)
            taken, status = run.take(compiled, first, last, should_stop)
            losses.append(taken)
            if status != "done":
                return Outcome(run.state, numpy.concatenate(losses), failed=status == "failed")
        return Outcome(run.state, numpy.concatenate(losses), failed=False)

    def plan_of(self, step: Step, batch_size: int) -> Plan | None:
        """The plan of a step, for printing; None if the NumPy engine runs the step."""
        compiled = self.compile_step(step, batch_size)
        return None if compiled is None else compiled.plan

    def compile_step(self, step: Step, batch_size: int) -> Compiled | None:
        """Plan and program of a step, from the cache if possible; None if the NumPy engine runs the step."""
        return compile_step(self._target, step, batch_size, self.bf16)

    def threads_for(self, work: int, least: int = _WORK_FOR_THREADS) -> int:
        """The maximum number of threads for an amount of work, in FLOPs plus bytes."""
        return self.threads if work >= least or not self.may_be_fewer else 1


class _EpochRun:
    """The arrays of one epoch. ``state`` is a private copy that the core updates in place."""

    def __init__(
        self,
        engine: NativeEngine,
        step: Step,
        state: Arrays,
        key: NDArray[Any],
        data: Sequence[NDArray[Any]],
        epoch: Epoch,
    ) -> None:
        specs = step.circuit.inputs
        self.engine = engine
        self.states = step.states
        # Copies, because the core writes into them. A step may also read zero-dimensional arrays, whose shape is kept.
        self.state = tuple(numpy.array(a, s.dtype, order="C") for a, s in zip(state, specs, strict=False))
        self.settings = numpy.ascontiguousarray(epoch.settings, specs[step.states].dtype)
        self.key = numpy.ascontiguousarray(key, numpy.uint32)
        self.data = [packed(a, s.dtype) for a, s in zip(data, step.batch, strict=True)]
        rows = packed(epoch.rows, numpy.int64)
        self.rows = numpy.where(rows < 0, rows + len(data[0]), rows) if data and (rows < 0).any() else rows
        self.first_step = epoch.first_step
        self.loss = numpy.zeros((), step.circuit.nodes[step.circuit.outputs[step.states]].spec.dtype)

    def take(
        self, compiled: Compiled, first: int, last: int, should_stop: Callable[[int], bool]
    ) -> tuple[NDArray[numpy.float64], str]:
        """Run the steps first .. last-1, all of the same batch size.

        Returns:
            The losses of the steps taken, and why they ended.
        """
        losses = numpy.zeros(last - first)
        number = numpy.array(self.first_step + first, numpy.uint32)
        settings, rows = self.settings[first:last], self.rows[first:last]
        plan = compiled.plan
        taken, status = compiled.program.run_steps(
            [
                *self.state,
                settings,
                self.key,
                number,
                *self.data,
                self.loss,
                *([rows] if plan.rows_buffer >= 0 else []),
            ],
            settings_buffer=FIRST_INPUT + self.states,
            settings_bytes=settings.shape[1] * settings.itemsize,
            rows_buffer=plan.rows_buffer,
            rows_bytes=rows.shape[1] * rows.itemsize,  # not the stride, which is meaningless for a single row
            step_buffer=FIRST_INPUT + self.states + 2,
            loss_buffer=plan.output_buffers[self.states],
            loss_is_double=self.loss.dtype == numpy.float64,
            losses=losses,
            threads=self.engine.threads_for(
                compiled.work, _WORK_FOR_SHARDS if compiled.is_sharded else _WORK_FOR_THREADS
            ),
            may_be_fewer=self.engine.may_be_fewer,
            should_stop=lambda done: should_stop(first + done),
        )
        return losses[:taken], status

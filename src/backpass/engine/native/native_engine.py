"""The native engine: plans circuits, keeps the plans, and hands whole epochs to the core."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy
from numpy.typing import NDArray

from backpass.circuit import Circuit, Spec
from backpass.circuit.spec import bind, match
from backpass.engine.cores import allowed_cores
from backpass.engine.engine import Engine
from backpass.engine.native._core import Program, has_bf16, instruction_sets, operations
from backpass.engine.numpy_engine import NumpyEngine
from backpass.engine.plan import Plan, Unplannable, plan_circuit, plan_step
from backpass.engine.plan.plan import FIRST_INPUT
from backpass.engine.plan.rows import free_rows
from backpass.engine.step import Arrays, Epoch, Outcome, Step
from backpass.errors import UsageError, did_you_mean

# Below this many FLOPs and bytes together one thread is not even compared with several: meeting at barriers and moving
# data between cores costs more than the second core brings. Above, the core tries and takes what is faster.
_WORK_FOR_THREADS = 4_000_000
# The same for blocks of rows, which meet once, at the end, but whose threads are started each time.
_WORK_FOR_BLOCKS = 100_000_000
# Rows of a forward circuit that are run together: enough to fill tiles and hide the call, few enough for the L2 cache.
_ROWS_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Tiling:
    """How the core cuts products into tiles; zero is its own choice. Every tiling gives the same bits."""

    rows: int = 0
    depth: int = 0


@dataclass(frozen=True, slots=True)
class _Prepared:
    plan: Plan
    program: Program
    work: int  # FLOPs and bytes


@dataclass(frozen=True, slots=True)
class _Way:
    """How a circuit is run on inputs of certain shapes: at once, or some rows at a time along the length ``cut``.

    Where both are None the core has no form for it. ``outputs`` are the shapes and dtypes of what comes out.
    """

    outputs: tuple[tuple[tuple[int, ...], numpy.dtype[Any]], ...]
    prepared: _Prepared | None = None
    cut: str | None = None


_Kind = tuple[str, int, int]
"""What programs are made for: an instruction set, and the rows and depth of a tiling."""


class NativeEngine(Engine):
    """Runs circuits in the compiled core; what the core has no form for, on the NumPy engine.

    threads: how many; by default as many as the process may use, or one where one is faster
    isa: "avx512", "avx2", "neon" or "portable"; by default the widest that this machine has
    Neither changes a bit of a float32 result.

    bf16: whether the large products of training steps round their operands to bfloat16; ``run`` never does

    Errors: UsageError when this machine does not have the instruction set, or no products of bfloat16 with it.
    """

    name: ClassVar[str] = "native"

    def __init__(
        self, *, threads: int | None = None, isa: str | None = None, tiling: Tiling = Tiling(), bf16: bool = False
    ) -> None:
        known = instruction_sets()
        if isa is not None and isa not in known:
            raise UsageError(f"this machine does not run instruction set {isa!r}", hint=did_you_mean(isa, known))
        if threads is not None and not 1 <= threads < 1024:
            raise UsageError(f"threads must be between 1 and 1023, got {threads}")
        self.isa = isa or known[0]
        if bf16 and not has_bf16(self.isa):
            raise UsageError(f"there are no products of bfloat16 with instruction set {self.isa!r}")
        self.bf16 = bf16
        self.threads = threads or allowed_cores().threads
        self.may_be_fewer = threads is None
        self._kind = (self.isa, tiling.rows, tiling.depth)
        self._slow = NumpyEngine()

    @property
    def description(self) -> str:
        products = ", bf16" if self.bf16 else ""
        return f"{self.name} ({self.isa}{products}, {self.threads} thread{'s' if self.threads > 1 else ''})"

    @property
    def cores(self) -> int:
        return self.threads

    def run(self, circuit: Circuit, *inputs: Any) -> list[NDArray[Any]]:
        dtypes = _dtypes(circuit)
        given = [numpy.asarray(value, dtype, order="C") for value, dtype in zip(inputs, dtypes, strict=True)]
        way = _way(self._kind, circuit, *[array.shape for array in given])
        outputs = [numpy.empty(shape, dtype) for shape, dtype in way.outputs]
        if way.cut is not None:
            return self._run_by_blocks(circuit, given, outputs, way.cut)
        return outputs if self._run_at_once(way, given, outputs) else self._slow.run(circuit, *given)

    def _run_at_once(self, way: _Way, given: Sequence[NDArray[Any]], outputs: Sequence[NDArray[Any]]) -> bool:
        """Fill the outputs; false where the core has no form for the circuit."""
        if way.prepared is None:
            return False
        threads = self.threads_for(way.prepared.work)
        way.prepared.program.run([*given, *outputs], threads=threads, may_be_fewer=self.may_be_fewer)
        return True

    def _run_by_blocks(
        self, circuit: Circuit, given: list[NDArray[Any]], outputs: list[NDArray[Any]], name: str
    ) -> list[NDArray[Any]]:
        """Some rows at a time: what lies between input and output stays in the cache. Threads share the blocks."""
        has_rows = [name in spec.shape for spec in circuit.inputs]
        starts = range(0, len(outputs[0]), _ROWS_AT_ONCE)

        def run(first: int) -> int | None:
            """The work of a block that was run; None where the core has no form for the circuit."""
            rows = slice(first, first + _ROWS_AT_ONCE)
            part = [a[rows] if cut else a for a, cut in zip(given, has_rows, strict=True)]
            prepared = _way(self._kind, circuit, *[array.shape for array in part]).prepared
            if prepared is None:
                return None
            prepared.program.run([*part, *[a[rows] for a in outputs]], threads=1, may_be_fewer=False)
            return prepared.work

        # The last one first, because it may be shorter: both programs are then made before threads ask for them.
        run(starts[-1])
        work = run(starts[0])
        if work is None:
            return self._slow.run(circuit, *given)
        _share(
            run, starts[1:-1], self.threads if work * len(starts) >= _WORK_FOR_BLOCKS or not self.may_be_fewer else 1
        )
        return outputs

    def run_epoch(
        self,
        step: Step,
        state: Arrays,
        key: NDArray[Any],
        data: Sequence[NDArray[Any]],
        epoch: Epoch,
        should_stop: Callable[[int], bool],
    ) -> Outcome:
        """As every engine's, but ``should_stop`` is asked about every 50 milliseconds instead of before every step."""
        run = _EpochRun(self, step, state, key, data, epoch)
        losses: list[NDArray[numpy.float64]] = [numpy.zeros(0)]
        for first, last in _stretches(epoch.sizes):
            prepared = self.prepare_step(step, int(epoch.sizes[first]))
            if prepared is None:
                return self._slow.run_epoch(step, state, key, data, epoch, should_stop)
            taken, ending = run.take(prepared, first, last, should_stop)
            losses.append(taken)
            if ending != "done":
                return Outcome(run.state, numpy.concatenate(losses), failed=ending == "failed")
        return Outcome(run.state, numpy.concatenate(losses), failed=False)

    def plan_of(self, step: Step, batch_size: int) -> Plan | None:
        """The plan of a step, to be printed; None where the NumPy engine takes over."""
        prepared = self.prepare_step(step, batch_size)
        return None if prepared is None else prepared.plan

    def prepare_step(self, step: Step, batch_size: int) -> _Prepared | None:
        """Plan and program of a step, from the shelf if they are there."""
        return _prepared_step(self._kind, step, batch_size, self.bf16)

    def threads_for(self, work: int) -> int:
        """How many threads a program with so many FLOPs and bytes runs on, at most."""
        return self.threads if work >= _WORK_FOR_THREADS or not self.may_be_fewer else 1


class _EpochRun:
    """The arrays of one epoch. ``state`` is this run's own copy and changes from stretch to stretch."""

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
        # Copies, because the core writes into them. A step reads zero-dimensional arrays too, which stay as they are.
        self.state = tuple(numpy.array(a, s.dtype, order="C") for a, s in zip(state, specs, strict=False))
        self.settings = numpy.ascontiguousarray(epoch.settings, specs[step.states].dtype)
        self.key = numpy.ascontiguousarray(key, numpy.uint32)
        self.data = [numpy.ascontiguousarray(a, s.dtype) for a, s in zip(data, step.batch, strict=True)]
        rows = numpy.ascontiguousarray(epoch.rows, numpy.int64)
        self.rows = numpy.where(rows < 0, rows + len(data[0]), rows) if data and (rows < 0).any() else rows
        self.first_step = epoch.first_step
        self.loss = numpy.zeros((), step.circuit.nodes[step.circuit.outputs[step.states]].spec.dtype)

    def take(
        self, prepared: _Prepared, first: int, last: int, should_stop: Callable[[int], bool]
    ) -> tuple[NDArray[numpy.float64], str]:
        """The steps from first to before last, all of one size: the losses of those taken, and why it ended."""
        losses = numpy.zeros(last - first)
        number = numpy.array(self.first_step + first, numpy.uint32)
        settings, rows = self.settings[first:last], self.rows[first:last]
        plan = prepared.plan
        taken, ending = prepared.program.run_steps(
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
            rows_bytes=rows.shape[1] * rows.itemsize,  # not its stride, which means nothing where there is one row
            step_buffer=FIRST_INPUT + self.states + 2,
            loss_buffer=plan.output_buffers[self.states],
            loss_is_double=self.loss.dtype == numpy.float64,
            losses=losses,
            threads=self.engine.threads_for(prepared.work),
            may_be_fewer=self.engine.may_be_fewer,
            should_stop=lambda done: should_stop(first + done),
        )
        return losses[:taken], ending


# What was made last stays in the process, whichever engine asked for it.


@lru_cache(maxsize=64)
def _dtypes(circuit: Circuit) -> tuple[numpy.dtype[Any], ...]:
    return tuple(spec.dtype for spec in circuit.inputs)


@lru_cache(maxsize=64)
def _way(kind: _Kind, circuit: Circuit, *shapes: tuple[int, ...]) -> _Way:
    """The way for inputs of these shapes.    Errors: ShapeError naming the input that does not fit."""
    lengths = match(circuit.inputs, [Spec(shape, dtype) for shape, dtype in zip(shapes, _dtypes(circuit), strict=True)],
                    circuit.input_names)  # fmt: skip
    specs = [circuit.nodes[i].spec for i in circuit.outputs]
    outputs = tuple((bind(spec.shape, lengths), spec.dtype) for spec in specs)
    for name, length in lengths.items() if len(lengths) == 1 else ():
        if length > 2 * _ROWS_AT_ONCE and _free_rows(circuit) == name:
            return _Way(outputs, cut=name)
    return _Way(outputs, _prepared(kind, lambda: plan_circuit(circuit, lengths)))


@lru_cache(maxsize=64)
def _free_rows(circuit: Circuit) -> str | None:
    return free_rows(circuit)


@lru_cache(maxsize=64)
def _prepared_step(kind: _Kind, step: Step, batch_size: int, bf16: bool) -> _Prepared | None:
    return _prepared(kind, lambda: plan_step(step, batch_size, bf16=bf16))


def _prepared(kind: _Kind, make: Callable[[], Plan]) -> _Prepared | None:
    """A plan and its program; None where the core has no form for it."""
    try:
        plan = make()
    except Unplannable:
        return None
    isa, tile_rows, tile_depth = kind
    codes = operations()
    program = Program(
        [numpy.array([one.kind, *one.encode(codes)], numpy.int64) for one in plan.instructions],
        numpy.frombuffer(plan.constants, numpy.uint8),
        plan.arena_bytes,
        plan.sizes,
        isa=isa,
        tile_rows=tile_rows,
        tile_depth=tile_depth,
    )
    return _Prepared(plan, program, plan.flops + plan.bytes_moved)


def _share(run: Callable[[int], object], items: Sequence[int], threads: int) -> None:
    """Run on every item; each of so many threads takes every so-manieth, the caller's own among them."""

    def take(thread: int) -> None:
        for item in items[thread::threads]:
            run(item)

    if threads == 1:
        return take(0)
    from concurrent.futures import ThreadPoolExecutor  # here: most processes never need it

    with ThreadPoolExecutor(threads - 1) as others:
        futures = [others.submit(take, thread) for thread in range(1, threads)]
        take(0)
        for future in futures:
            future.result()


def _stretches(sizes: NDArray[Any]) -> Iterator[tuple[int, int]]:
    """Runs of steps of equal size, as (first, last + 1)."""
    first = 0
    for i in range(1, len(sizes) + 1):
        if i == len(sizes) or sizes[i] != sizes[first]:
            yield first, i
            first = i

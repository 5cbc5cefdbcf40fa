"""Parts of the rows: what each makes by itself, and what is made of all of them, is what the rows together give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import groupby, pairwise
from typing import Any

import numpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backpass.circuit import Spec, grad, trace
from backpass.circuit import operations as ops
from backpass.engine import NumpyEngine
from backpass.engine.native import cache
from backpass.engine.native.native_engine import NativeEngine
from backpass.engine.plan import Plan, plan_circuit, plan_step
from backpass.engine.plan.instructions import Instruction
from backpass.engine.plan.passes.sharding import shard_bounds
from backpass.engine.plan.term import WHOLE
from backpass.training.optimizer import optimizer_named

SINGLE = numpy.dtype(numpy.float32)
SMALL: dict[str, Any] = {"hidden": (32, 16), "batch_size": 96, "rows": 300}
RECIPE: dict[str, Any] = {**SMALL, "activation": "mish", "optimizer": "adamw", "weight_decay": 0.1, "dropout": 0.2}


def plan_of(training: Any, batch_size: int) -> Plan:
    plan = NativeEngine().plan_of(training.step, batch_size)
    assert plan is not None
    return plan


def stretches(plan: Plan) -> list[list[Instruction]]:
    """Instructions of parts in a row, and instructions on all rows in a row."""
    return [list(group) for _, group in groupby(plan.instructions, lambda one: one.shard != WHOLE)]


# Which steps are cut -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [64, 65, 127, 256, 1000, 5000])
@pytest.mark.parametrize("numbers", [1, 3000, 200_000, 700_000])
def test_parts_are_all_rows_in_order_and_none_is_small(rows: int, numbers: int) -> None:
    cuts = shard_bounds(rows, numbers)
    assert cuts[0][0] == 0
    assert cuts[-1][1] == rows
    assert all(before[1] == after[0] for before, after in pairwise(cuts))
    assert min(stop - start for start, stop in cuts) >= 32
    assert 2 <= len(cuts) <= 8
    assert len(cuts) * numbers <= 1_500_000


@pytest.mark.parametrize(("rows", "numbers"), [(1, 10), (63, 10), (256, 760_000), (256, 10**9)])
def test_few_rows_and_large_networks_are_not_cut(rows: int, numbers: int) -> None:
    assert shard_bounds(rows, numbers) == []


def test_a_step_meets_twice_before_the_state_is_overwritten(dense: Any) -> None:
    """Once for J and the sum of the weights, once for the gradient."""
    plan = plan_of(dense(**SMALL), 96)
    assert plan.is_sharded
    found = stretches(plan)
    assert [group[0].shard != WHOLE for group in found] == [True, False, True, False]
    assert [sorted({one.shard for one in group}) for group in found[::2]] == [[0, 1], [0, 1]]
    assert [type(one).__name__ for group in found[1::2] for one in group] == ["Map", "Guard", "Map"]
    text = str(plan)
    assert "layer 1 of 3, shard 2 of the rows" in text
    assert "product [48, 5] [5, 32]" in text
    assert not plan_of(dense(**SMALL), 50).is_sharded


def test_a_forward_pass_is_not_cut() -> None:
    forward = trace(lambda W, x: ops.tanh(x @ W), [Spec((4, 3), SINGLE), Spec(("n", 4), SINGLE)])
    assert not plan_circuit(forward, {"n": 300}).is_sharded


# What comes out ------------------------------------------------------------------------------------------------------


def backwards(group: list[Instruction]) -> list[Instruction]:
    """The parts in the opposite order."""
    return sorted(group, key=lambda one: -one.shard)


def in_turn(group: list[Instruction]) -> list[Instruction]:
    """One instruction of each part after another."""
    queues = [[one for one in group if one.shard == part] for part in sorted({one.shard for one in group})]
    longest = max(map(len, queues))
    return [queue[i] for i in range(longest) for queue in queues if i < len(queue)]


@pytest.mark.parametrize("arrange", [backwards, in_turn])
@pytest.mark.parametrize("options", [SMALL, RECIPE], ids=["plain", "recipe"])
def test_no_part_touches_what_another_makes(
    options: dict[str, Any],
    arrange: Callable[[list[Instruction]], list[Instruction]],
    dense: Any,
    digest: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whichever comes first, and however they alternate."""
    training = dense(**options)
    expected = digest(training.on(NativeEngine(threads=1)))

    def changed(plan: Plan) -> Plan:
        groups = [arrange(group) if group[0].shard != WHOLE else group for group in stretches(plan)]
        return replace(plan, instructions=tuple(one for group in groups for one in group))

    cache.compiled_step.cache_clear()
    monkeypatch.setattr(cache, "plan_step", lambda *args, **options: changed(plan_step(*args, **options)))
    assert digest(training.on(NativeEngine(threads=1))) == expected


def test_the_number_of_parts_is_all_that_matters(dense: Any, digest: Any) -> None:
    """Not who takes them: more threads than parts and fewer, also where each thread must wait for a core."""
    training = dense(**{**RECIPE, "batch_size": 300, "rows": 900, "epochs": 6})
    found = {digest(training.on(NativeEngine(threads=threads))) for threads in (1, 2, 3, 7, 16) for _ in range(5)}
    assert len(found) == 1


KINDS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "tanh": lambda z, other, W: ops.tanh(z),
    "relu": lambda z, other, W: ops.relu(z),
    "times": lambda z, other, W: z * other + 0.5,
    "layer": lambda z, other, W: ops.relu(z @ W),
    "layer by the transposed": lambda z, other, W: ops.tanh(z @ W.T),
    "number for each row": lambda z, other, W: z + ops.tanh(other @ W[:, :1]),
    "columns backwards": lambda z, other, W: z[:, ::-1],
    "one column": lambda z, other, W: z * other[:, 1:2],
    "every second column": lambda z, other, W: numpy.concatenate([z[:, ::2], other[:, 1::2]], axis=1),
    "less the mean": lambda z, other, W: z - other.sum(axis=0) * 0.1,
    "the largest of a column": lambda z, other, W: z - other.max(axis=0),
    "the largest of all": lambda z, other, W: z * 0.5 - other.max(),
    "share of the row": lambda z, other, W: z / (1.0 + (other * other).sum(axis=1, keepdims=True)),
    "normalized over rows": lambda z, other, W: z / (1.0 + (z * z).sum(axis=0)) ** 0.5,
    "all rows by all rows": lambda z, other, W: ops.tanh((z @ other.T) @ z * 0.1),
    "turned and back": lambda z, other, W: (ops.tanh(z.T) * 2.0).T,
    "side by side": lambda z, other, W: numpy.concatenate([z.reshape((1, -1, 4)), other.reshape((1, -1, 4))]).sum(0),
    "stacked products": lambda z, other, W: numpy.transpose(
        z.reshape((1, -1, 4)) @ numpy.transpose(W.reshape((2, 2, 4)), (0, 2, 1)), (1, 0, 2)
    ).reshape((-1, 4)),
    "rows of a table": lambda z, other, W: z + ops.take(W, ops.cast(other[:, 0] > 0, dtype=numpy.int32), axis=0),
    "slope": lambda z, other, W: grad(lambda a: (ops.tanh(a @ W) * other).sum())(z),
}


@given(
    st.lists(st.tuples(st.sampled_from([*KINDS]), st.integers(0, 99), st.integers(0, 99)), max_size=8),
    st.integers(2, 4),
    st.sampled_from([5, 8, 17]),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_steps_made_at_random_agree_with_the_numpy_engine(
    training: Any, recipe: list[tuple[str, int, int]], parts: int, batch_size: int
) -> None:
    """Also where rows meet other rows, once or several times, and where there is no form for it in parts."""
    check(training, recipe, parts, batch_size)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_meeting(kind: str, training: Any) -> None:
    check(training, [("layer", 0, 0), (kind, 1, 2), ("layer", 3, 0)], 3, 17)


def check(training: Any, recipe: list[tuple[str, int, int]], parts: int, batch_size: int) -> None:
    def objective(theta: Any, batch: Any, draws: Any) -> Any:
        x, y = batch
        W = theta[:16].reshape((4, 4))
        values = [x, ops.tanh(x @ W + theta[16:20])]
        for kind, i, j in recipe:
            values.append(KINDS[kind](values[i % len(values)], values[j % len(values)], W))
        e = ops.tanh(values[-1] @ theta[20:24].reshape((4, 1))) - y
        return (e * e).sum() * 0.05

    random = numpy.random.default_rng(0)
    theta = random.uniform(-1, 1, 24).astype(numpy.float32)
    data = [random.uniform(-1, 1, (40, width)).astype(numpy.float32) for width in (4, 1)]
    run = training(objective, theta, data, optimizer_named("momentum"), batch_size)
    expected = run.on(NumpyEngine())
    cuts = list(pairwise(batch_size * i // parts for i in range(parts + 1)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "backpass.engine.plan.planner.shard_bounds", lambda rows, numbers: cuts if rows == batch_size else []
        )
        alone, shared = (run.on(NativeEngine(threads=threads)) for threads in (1, 3))
    numpy.testing.assert_allclose(alone.losses, expected.losses, rtol=1e-3, atol=1e-4)
    numpy.testing.assert_allclose(alone.state[0], expected.state[0], rtol=1e-3, atol=1e-3)
    assert alone.state[0].tobytes() == shared.state[0].tobytes()
    assert alone.losses.tobytes() == shared.losses.tobytes()

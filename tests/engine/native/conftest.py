"""What the tests of the native engine share: engines of every instruction set, and networks to train."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy
import pytest

from backpass.circuit import Spec
from backpass.engine import ENGINES, Epoch, Outcome, Step
from backpass.network import dense_network
from backpass.network.layers import RandomKey
from backpass.network.losses import loss_named, mean_loss
from backpass.numerics.philox import key_of
from backpass.training.optimizer import Optimizer, OptimizerOptions, memory_like, optimizer_named
from backpass.training.sampling import sampling_named
from backpass.training.step import training_step

HERE = Path(__file__).parent
for _folder in (HERE, HERE.parents[1]):
    if str(_folder) not in sys.path:
        sys.path.append(str(_folder))

HAS_CORE = "native" in ENGINES
collect_ignore = [] if HAS_CORE else [p.name for p in HERE.glob("test_*.py")]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "sample" in metafunc.fixturenames:
        from operation_samples import samples_of_operations

        metafunc.parametrize("sample", [s for s in samples_of_operations() if s.arguments], ids=str)
    if "isa" in metafunc.fixturenames and HAS_CORE:
        from backpass.engine.native._core import instruction_sets

        metafunc.parametrize("isa", instruction_sets())


@dataclass(frozen=True)
class Training:
    """Everything an engine needs for an epoch. ``objective(theta, batch, draws)`` takes the rows (x, y, weights)."""

    step: Step
    state: tuple[Any, ...]
    data: tuple[Any, ...]
    epoch: Epoch
    key: Any = field(default_factory=lambda: key_of(7))

    def on(self, engine: Any, should_stop: Callable[[int], bool] = lambda done: False) -> Outcome:
        outcome: Outcome = engine.run_epoch(self.step, self.state, self.key, self.data, self.epoch, should_stop)
        return outcome


def training_of(
    objective: Callable[..., Any],
    theta: Any,
    data: Sequence[Any],
    optimizer: Optimizer,
    batch_size: int,
    epochs: int = 1,
    sampling: str = "epoch",
) -> Training:
    specs = [Spec(("B", *a.shape[1:]), a.dtype) for a in data]
    step = training_step(objective, optimizer, theta, specs)
    tables = [sampling_named(sampling)(len(data[0]), batch_size, 3, e) for e in range(epochs)]
    rows = numpy.concatenate([r for r, _ in tables])
    sizes = numpy.concatenate([s for _, s in tables])
    epoch = Epoch(rows, sizes, optimizer.settings(numpy.full(len(rows), 0.01), 0), 0)
    return Training(step, (theta, *memory_like(optimizer, theta)), tuple(data), epoch)


def dense_training(
    hidden: Sequence[int] = (16, 8),
    *,
    inputs: int = 5,
    outputs: int = 1,
    activation: str = "relu",
    dropout: float = 0.0,
    loss: str = "squared",
    optimizer: str = "adam",
    rows: int = 150,
    batch_size: int = 32,
    epochs: int = 2,
    dtype: Any = numpy.float32,
    loss_options: dict[str, Any] | None = None,
    **options: Any,
) -> Training:
    """A dense network on random rows."""
    network = dense_network(inputs, hidden, outputs, activation=activation, dropout=dropout)
    measure = loss_named(loss, **(loss_options or {}))
    random = numpy.random.default_rng(11)
    x = random.uniform(-2, 2, (rows, inputs)).astype(dtype)
    if loss == "cross_entropy":
        y = (numpy.abs(x[:, 0] * 3).astype(numpy.int32)) % outputs
    elif loss == "binary_cross_entropy":
        y = (x[:, 0] > x[:, 1]).astype(numpy.int32)
    elif loss == "poisson":
        y = numpy.floor(numpy.exp(x[:, :outputs])).astype(dtype)
    else:
        t = x[:, :1] * numpy.arange(1, outputs + 1)
        y = (t / (1 + t * t)).astype(dtype)  # exactly rounded: the golden digests must not depend on a library
    weights = (numpy.arange(rows) % 3 + 1).astype(dtype)
    theta = (random.uniform(-1, 1, network.parameter_count) * 0.5).astype(dtype)

    def objective(theta: Any, batch: Any, draws: RandomKey) -> Any:
        rows_x, rows_y, rows_w = batch
        return mean_loss(measure, network(theta, rows_x, draws), rows_y, rows_w)

    rule = optimizer_named(optimizer, OptimizerOptions(**options))
    return training_of(objective, theta, (x, y, weights), rule, batch_size, epochs)


def digest_of(outcome: Outcome) -> str:
    """Sixteen hexadecimal digits of everything that came out."""
    digest = hashlib.sha256()
    for array in (*outcome.state, outcome.losses):
        digest.update(numpy.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


@pytest.fixture(autouse=True, scope="module")
def _verified_passes() -> Iterator[None]:
    """Every plan of these tests is verified after each pass."""
    from planner_checks import verified

    from backpass.engine.plan import planner

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planner, "PASSES", [verified(one) for one in planner.PASSES])
        yield


@pytest.fixture(params=[0, 2, 5], ids=["as planned", "in 2 shards", "in 5 shards"])
def shards(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Into how many shards every step is split, whatever its size; 0 where that is left to the planner."""
    count: int = request.param
    if count:
        from planner_checks import bounds_of

        monkeypatch.setattr("backpass.engine.plan.planner.shard_bounds", bounds_of(count))
    return count


@pytest.fixture
def dense() -> Callable[..., Training]:
    return dense_training


@pytest.fixture
def training() -> Callable[..., Training]:
    return training_of


@pytest.fixture
def digest() -> Callable[[Outcome], str]:
    return digest_of

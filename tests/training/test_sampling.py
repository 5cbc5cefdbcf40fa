"""Sampling and schedules: distributions by chi-square under fixed seeds, and the ends of every schedule."""

from __future__ import annotations

from collections import Counter
from itertools import permutations
from typing import Any

import numpy
import pytest

from backpass.errors import UsageError
from backpass.numerics.philox import permutation
from backpass.training import SAMPLINGS, SCHEDULES
from backpass.training.sampling import sampling_named, steps_per_epoch
from backpass.training.schedules import schedule_named

Rows = numpy.ndarray[Any, Any]
SIZES = [(1, 1), (10, 1), (10, 3), (10, 5), (10, 10), (7, 6), (1000, 64)]


def chi_square(counts: Any, expected: float) -> float:
    return float(sum((count - expected) ** 2 / expected for count in counts))


def drawn(scheme: str, n: int, batch_size: int, seed: int, epochs: int) -> Rows:
    """The rows of several epochs, all batches full: (steps, B)"""
    return numpy.concatenate([SAMPLINGS[scheme](n, batch_size, seed, epoch)[0] for epoch in range(epochs)])


@pytest.mark.parametrize("scheme", SAMPLINGS)
@pytest.mark.parametrize(("n", "batch_size"), SIZES)
def test_tables_have_their_shape_and_hold_rows(scheme: str, n: int, batch_size: int) -> None:
    for epoch in (0, 1, 5):
        rows, sizes = SAMPLINGS[scheme](n, batch_size, 3, epoch)
        steps = steps_per_epoch(scheme, n, batch_size)
        assert rows.shape == (steps, n if scheme == "full" else batch_size)
        assert sizes.shape == (steps,)
        assert rows.dtype.kind == "i"
        assert ((rows >= 0) & (rows < n)).all()
        assert ((sizes >= 1) & (sizes <= rows.shape[1])).all()


@pytest.mark.parametrize(("n", "batch_size"), SIZES)
def test_an_epoch_covers_every_row_once(n: int, batch_size: int) -> None:
    rows, sizes = SAMPLINGS["epoch"](n, batch_size, 4, 2)
    read = [int(row) for batch, size in zip(rows, sizes, strict=True) for row in batch[:size]]
    assert sorted(read) == list(range(n))
    assert (sizes[:-1] == batch_size).all()
    assert SAMPLINGS["full"](n, batch_size, 4, 2)[0].tolist() == [list(range(n))]


@pytest.mark.parametrize("n", [1, 3, 3000, 5000, 9000])
def test_the_orders_of_several_epochs_drawn_at_once_are_those_of_each(n: int) -> None:
    for epoch in (0, 1, 2, 2730, 2731):
        rows, _ = SAMPLINGS["epoch_drop_last"](n, n, 7, epoch)
        assert rows[0].tolist() == permutation(7, epoch, 0x5A3B_0000, n).tolist()
        rows[:] = -1
        assert (SAMPLINGS["epoch_drop_last"](n, n, 7, epoch)[0] >= 0).all(), "what a caller writes is its own"


@pytest.mark.parametrize(("n", "batch_size"), SIZES)
def test_whole_batches_are_those_of_an_epoch_without_a_smaller_last_one(n: int, batch_size: int) -> None:
    whole, sizes = SAMPLINGS["epoch_drop_last"](n, batch_size, 4, 2)
    assert (sizes == batch_size).all()
    assert whole.tolist() == SAMPLINGS["epoch"](n, batch_size, 4, 2)[0][: n // batch_size].tolist()


@pytest.mark.parametrize(("n", "batch_size"), SIZES)
def test_a_minibatch_holds_no_row_twice(n: int, batch_size: int) -> None:
    """Algorithm 2: without replacement within a step."""
    for batch in drawn("minibatch", n, batch_size, 5, 4):
        assert len(set(batch.tolist())) == batch_size


@pytest.mark.parametrize(
    ("scheme", "n", "batch_size"), [("uniform", 20, 1), ("minibatch", 20, 4), ("minibatch", 20, 15)]
)
def test_every_row_is_equally_likely(scheme: str, n: int, batch_size: int) -> None:
    """Algorithms 1 and 2: chi-square with 19 degrees of freedom stays below 43.8 (p = 0.001)."""
    rows = drawn(scheme, n, batch_size, 6, 400)
    counts = numpy.bincount(rows.reshape(-1), minlength=n)
    assert chi_square(counts, rows.size / n) < 43.8
    for position in range(batch_size):
        counts = numpy.bincount(rows[:, position], minlength=n)
        assert chi_square(counts, len(rows) / n) < 60, "no place in the batch prefers a row"


def test_draws_with_replacement_repeat_as_often_as_they_should() -> None:
    """Algorithm 1: successive draws agree in one of n cases."""
    rows = drawn("uniform", 10, 1, 7, 1000)[:, 0]
    assert numpy.mean(rows[1:] == rows[:-1]) == pytest.approx(0.1, abs=0.015)


def test_every_order_of_an_epoch_is_equally_likely() -> None:
    """24 orders of 4 rows: chi-square with 23 degrees of freedom stays below 49.7 (p = 0.001)."""
    counts = Counter(tuple(SAMPLINGS["epoch"](4, 4, 8, epoch)[0][0].tolist()) for epoch in range(4800))
    assert set(counts) == set(permutations(range(4)))
    assert chi_square(counts.values(), 200) < 49.7


def test_every_pair_of_a_minibatch_is_equally_likely() -> None:
    """15 pairs of 6 rows, in order 30: chi-square with 29 degrees of freedom stays below 58.3 (p = 0.001)."""
    counts = Counter(map(tuple, drawn("minibatch", 6, 2, 9, 2000).tolist()))
    assert len(counts) == 30
    assert chi_square(counts.values(), 6000 / 30) < 58.3


@pytest.mark.parametrize("scheme", ["epoch", "uniform", "minibatch"])
def test_rows_depend_on_seed_and_epoch_and_not_on_the_order_of_calls(scheme: str) -> None:
    sample = SAMPLINGS[scheme]
    forwards = [sample(50, 8, 1, epoch)[0].tobytes() for epoch in range(5)]
    backwards = [sample(50, 8, 1, epoch)[0].tobytes() for epoch in reversed(range(5))]
    assert forwards == backwards[::-1]
    assert len(set(forwards)) == 5
    assert sample(50, 8, 2, 0)[0].tobytes() != forwards[0]


def test_unknown_names_get_the_nearest() -> None:
    with pytest.raises(UsageError, match="unknown sampling 'minibach'") as caught:
        sampling_named("minibach")
    assert caught.value.hint == "did you mean 'minibatch'?"
    with pytest.raises(UsageError, match="unknown schedule 'cosin'") as caught:
        schedule_named("cosin")
    assert caught.value.hint == "did you mean 'cosine'?"


# Schedules ------------------------------------------------------------------------------------------------------------

ENDS = {
    "constant": (1, 1),
    "cosine": (1, 0),
    "linear": (1, 0),
    "warmup_cosine": (0, 0),
    "coslog4": (0, 0),
    "flat_cosine": (1, 0),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_ends_and_range(name: str) -> None:
    t = numpy.linspace(0, 1, 2001)
    factor = SCHEDULES[name](t)
    assert factor.shape == t.shape
    assert (factor[0], factor[-1]) == pytest.approx(ENDS[name], abs=1e-12)
    assert factor.min() >= -1e-15
    assert factor.max() <= 1.0
    assert factor.max() == pytest.approx(1.0, abs=1e-4)
    assert abs(numpy.diff(factor)).max() < 0.04, "no jumps"


def test_inner_points() -> None:
    at = lambda name, *t: SCHEDULES[name](numpy.array(t)).round(12).tolist()
    assert at("cosine", 0.25, 0.5) == [round(0.5 + 0.5**1.5, 12), 0.5]
    assert at("linear", 0.25) == [0.75]
    assert at("warmup_cosine", 0.025, 0.05, 0.525) == [0.5, 1.0, 0.5]
    assert at("flat_cosine", 0.49, 0.5, 0.75) == [1.0, 1.0, 0.5]
    assert at("coslog4", 1 / 15, 3 / 15, 7 / 15) == [0.0, 0.0, 0.0], "four cycles, each twice as long"

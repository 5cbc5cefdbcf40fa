"""The splits of a problem share one pool of rows: nothing is copied, and every member reads the rows of its fold."""

import numpy as np
import pytest

from backpass.model import Settings, make_problem
from backpass.model.fitting.problem.data_split import DataSplit
from backpass.model.fitting.problem.encoded_rows import part_of
from backpass.model.fitting.runs.ensemble import members_of, pooled
from backpass.table import table_from
from backpass.training import Callback


def split(n: int = 6, weights: bool = True) -> DataSplit:
    x = np.arange(3.0 * n).reshape(n, 3)
    return DataSplit.of(x, x[:, :1], x[:, 0], np.arange(1.0, n + 1) if weights else None)


def table(n: int = 200):
    rng = np.random.default_rng(3)
    x = rng.normal(size=n)
    x[::9] = np.nan
    days = np.datetime64("2024-01-01") + rng.integers(0, 300, n).astype("timedelta64[D]")
    towns = rng.choice(["Ulm", "Bonn", "Kiel"], n)
    return table_from({"x": x, "day": days, "town": towns, "y": np.nan_to_num(x) + rng.normal(size=n)})


@pytest.mark.parametrize("weights", [True, False])
def test_rows_of_rows_are_rows_of_the_pool(weights: bool) -> None:
    whole = split(weights=weights)
    some = whole.take(np.array([4, 1, 5]))
    for found, rows in [
        (some, [4, 1, 5]),
        (some.take(np.array([2, 0])), [5, 4]),
        (some.between(0, 2), [4, 1]),
        (whole.between(3, 9), [3, 4, 5]),
        (whole.between(0, 2).take(np.array([1])), [1]),
    ]:
        assert found.pool is whole.pool
        assert found.rows == len(rows)
        for name in ("x", "y", "truth"):
            np.testing.assert_array_equal(getattr(found, name), getattr(whole, name)[rows])
        assert (found.weights is None) if not weights else found.weights.tolist() == whole.weights[rows].tolist()
        np.testing.assert_array_equal(found.inputs[0:2], whole.x[rows[:2]])
        assert len(found.inputs) == len(rows)


def test_splits_of_one_pool_are_joined_without_a_copy_others_with_one() -> None:
    whole = split()
    first, rest = DataSplit(whole.pool, slice(0, 2)), DataSplit(whole.pool, slice(2, 6))
    joined = DataSplit.joined([first, rest])
    assert joined.index == slice(0, 6)
    assert np.shares_memory(joined.x, whole.x)
    swapped = DataSplit.joined([rest, first])
    np.testing.assert_array_equal(swapped.x, whole.x[[2, 3, 4, 5, 0, 1]])
    np.testing.assert_array_equal(DataSplit.joined([rest, whole.take(np.array([1]))]).x, whole.x[[2, 3, 4, 5, 1]])
    other = split(2, weights=False)
    both = DataSplit.joined([whole, other])
    assert both.rows == 8
    assert both.weights.tolist() == [1, 2, 3, 4, 5, 6, 1, 1]


def test_the_splits_of_a_table_and_the_folds_of_members_share_one_pool() -> None:
    problem = make_problem(table(), "y", Settings.of({"preset": "default", "seed": 1, "max_steps": 1}))
    pools = {id(part.pool) for part in problem.parts.values()}
    assert len(pools) == 1
    assert sum(part.rows for part in problem.parts.values()) == 200
    assert np.shares_memory(pooled(problem).x, problem.parts["train"].x)
    for member, fold in zip(members_of(problem), problem.folds, strict=True):
        train, validation = member.problem.parts["train"], member.problem.parts["validation"]
        assert {id(train.pool), id(validation.pool)} == pools
        np.testing.assert_array_equal(train.x, pooled(problem).x[fold.train])
        np.testing.assert_array_equal(validation.truth, pooled(problem).truth[fold.validation])


def test_rows_of_a_table_encode_as_the_same_rows_alone() -> None:
    whole = table()
    problem = make_problem(whole, "y", Settings.of({"preset": "fast"}))
    some = np.array([7, 3, 3, 199])
    lazily = problem.schema.number_columns(whole).take(some)
    alone = problem.schema.encode(whole.take(some))
    np.testing.assert_array_equal(lazily[:], alone.numbers)
    np.testing.assert_array_equal(np.array(list(lazily.T)).T, alone.numbers)
    np.testing.assert_array_equal(lazily[1:3], alone.numbers[1:3])
    np.testing.assert_array_equal(problem.schema.codes(whole, some)[0], alone.codes)


def test_an_observer_of_a_member_sees_the_numbers_of_its_own_rows() -> None:
    """As if the rows of its fold were all there are; and the bits are those of a run without observer."""

    class Watch(Callback):
        def __init__(self) -> None:
            self.rows = []

        def on_update(self, record) -> None:
            self.rows.append(record.rows)

    settings = Settings.of({"preset": "default", "seed": 1, "max_steps": 3, "engine": "numpy"})
    problem = members_of(make_problem(table(), "y", settings))[1].problem
    watch = Watch()
    watched, plain = problem.train(callbacks=[watch]), problem.train()
    assert max(rows.max() for rows in watch.rows) < problem.parts["train"].rows
    np.testing.assert_array_equal(watched.theta, plain.theta)


def test_part_of_gives_the_rows_of_a_problem_again() -> None:
    settings = Settings.of({"preset": "fast", "group": "town"})
    problem = make_problem(table(), "y", settings)
    assert problem.source is not None
    again = part_of(problem, problem.source.rows["test"])
    np.testing.assert_array_equal(again.x, problem.parts["test"].x)

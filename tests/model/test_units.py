"""Units: equal rows, groups and times are kept together in every split, whatever the columns, classes and sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import StratifiedKFold, train_test_split

from backpass.errors import DataError
from backpass.model.settings.settings import Settings
from backpass.model.split.splits import RowSplit, folds_of, split_folds, split_rows, strata_of
from backpass.model.split.units import KEPT_TOGETHER, Units, units_of
from backpass.numerics.philox import permutation
from backpass.table import Column, table_from
from backpass.table.content import bits_of, first_equal

PARTS = ("train", "validation", "test")


def columns(**given: Any) -> list[Column]:
    return [*table_from(given).columns.values()]


def column(values: Any) -> Column:
    return columns(id=values)[0]


def part_of(split: RowSplit, rows: int) -> np.ndarray[Any, Any]:
    """The part of each row; every row is in exactly one."""
    assert sorted(np.concatenate([split.train, split.validation, split.test])) == list(range(rows))
    found = np.empty(rows, dtype=int)
    for number, name in enumerate(PARTS):
        found[getattr(split, name)] = number
    return found


def is_whole(parts: np.ndarray[Any, Any], units: Any) -> bool:
    """Whether no unit is in two parts, by counting pairs."""
    return len({*zip(units, parts.tolist(), strict=True)}) == len({*units})


# Equal rows


@pytest.mark.parametrize("seed", range(3))
def test_first_equal_agrees_with_a_dict(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = np.where(rng.random(300) < 0.2, np.nan, rng.integers(-2, 3, 300) * rng.choice([1.0, -0.0], 300))
    town = rng.choice(["a", "b", None], 300)
    day = rng.choice(np.array(["2024-01-01", "2024-01-02", "NaT"], dtype="M8[D]"), 300)
    seen: dict[Any, int] = {}
    rows = zip(x, town, day, strict=True)
    wanted = [seen.setdefault((None if a != a else a + 0.0, b, str(c)), i) for i, (a, b, c) in enumerate(rows)]
    found = first_equal([bits_of(each) for each in columns(x=x, town=town, day=day)], 300)
    assert found.tolist() == wanted


def test_rows_with_equal_inputs_are_a_unit_and_said() -> None:
    x = [*range(20), *range(5)]
    units, notes = units_of(columns(x=x, z=[1.0] * 25), np.arange(25.0))
    assert units.codes.tolist() == x
    assert notes == ("5 rows repeat the inputs of an earlier row: duplicates are kept on the same side of a split",)
    assert units_of(columns(x=list(range(25))), np.arange(25.0))[1] == ()
    beside, said = units_of(columns(x=x, z=[1.0] * 25), np.arange(25.0), divided=21)  # the last four are in a file
    assert (beside.codes.tolist(), said) == (x, ("1 row repeats the inputs of an earlier row: " + KEPT_TOGETHER,))
    assert units_of(columns(x=x, z=[1.0] * 25), np.arange(25.0), divided=20)[1] == ()


def test_combinations_of_few_values_are_no_copies() -> None:
    """Rows of a table of counts are independent, though their inputs repeat."""
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 20, 2000), rng.integers(0, 2, 2000)
    units, notes = units_of(columns(x=x), y)
    assert units.codes.tolist() == list(range(2000))
    assert notes == ("the columns take only 20 combinations of values: rows are split individually",)
    copies, _ = units_of(columns(x=x), x % 2)  # the target repeats, too: copies of rows
    assert len({*copies.codes.tolist()}) == 20
    few, _ = units_of(columns(x=x % 4), x % 2)  # too few to divide
    assert few.codes.tolist() == list(range(2000))


# Splits


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("by_class", [False, True])
@pytest.mark.parametrize("sizes", ["equal", "random", "one_large"])
def test_no_group_is_on_two_sides(seed: int, by_class: bool, sizes: str) -> None:
    rng = np.random.default_rng(seed)
    counts = {"equal": [6] * 100, "random": rng.integers(1, 12, 100), "one_large": [200, *[3] * 130]}[sizes]
    ids = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    n = len(ids)
    y = rng.integers(0, 3, len(counts))[ids] if by_class else None
    units, notes = units_of(columns(x=rng.normal(size=n)), np.zeros(n), group=column(ids))
    assert notes == (f"{len(counts)} groups of column 'id': no group is on both sides of a split",)
    parts = part_of(split_rows(n, 0.16, 0.2, seed, strata=y, units=units), n)
    assert is_whole(parts, ids)
    np.testing.assert_allclose(np.bincount(parts) / n, [0.64, 0.16, 0.2], atol=0.03)
    if y is not None:
        for part in range(3):
            np.testing.assert_allclose(
                np.bincount(y[parts == part]) / (parts == part).sum(), np.bincount(y) / n, atol=0.09
            )
    folds = folds_of(permutation(seed, 0, 1, n), 4, y, units)
    assert is_whole(folds, ids)
    assert {*folds.tolist()} == {0, 1, 2, 3}
    if sizes != "one_large":
        np.testing.assert_allclose(np.bincount(folds) / n, 0.25, atol=0.02)


def test_groups_that_are_not_told_apart_are_an_error() -> None:
    """Whole numbers beyond 2^53 would be one group as float64; all digits of integers are kept as categories."""
    ids = [2**53 + n // 2 for n in range(20)]
    with pytest.raises(DataError, match="group column 'id' holds whole numbers beyond 2") as caught:
        units_of([], np.zeros(20), group=column(np.array(ids, dtype=np.float64)))
    assert caught.value.hint == "--categorical id keeps all digits of text and of integers"
    exact = table_from({"id": np.array(ids)}, categorical=["id"]).column("id")
    assert units_of([], np.zeros(20), group=exact)[1][0].startswith("10 groups")


def test_many_groups_are_dealt_by_strata() -> None:
    """More units than are dealt one by one."""
    rng = np.random.default_rng(0)
    ids = np.repeat(np.arange(8_000), 2)
    y = rng.integers(0, 2, 8_000)[ids]
    units = Units(ids, are_groups=True)
    parts = part_of(split_rows(16_000, 0.16, 0.2, 0, strata=y, units=units), 16_000)
    assert is_whole(parts, ids)
    np.testing.assert_allclose(np.bincount(parts) / 16_000, [0.64, 0.16, 0.2], atol=1e-3)
    assert [y[parts == part].mean() for part in range(3)] == pytest.approx([y.mean()] * 3, abs=5e-3)


@pytest.mark.parametrize("n", [10, 37, 100, 999])
def test_units_of_single_rows_change_no_bit(n: int) -> None:
    plain, alone = split_rows(n, 0.16, 0.2, 3), split_rows(n, 0.16, 0.2, 3, units=Units(np.arange(n) * 7))
    for name in PARTS:
        np.testing.assert_array_equal(getattr(plain, name), getattr(alone, name))
    settings = Settings.of({"ensemble_size": 4})
    pair = [split_folds(np.zeros(n), settings, by_class=False, units=each) for each in (None, Units(np.arange(n)))]
    for one, other in zip(*pair, strict=True):
        np.testing.assert_array_equal(one.validation, other.validation)


@pytest.mark.parametrize("shares", [(0.5, 0.3, 0.2), (0.95, 0.04, 0.01), (0.34, 0.33, 0.33)])
def test_classes_have_their_share_of_every_split(shares: tuple[float, ...]) -> None:
    """As in scikit-learn's stratified split: within a row or two of the exact share, in the sizes asked for."""
    y = np.random.default_rng(1).choice(3, 1000, p=shares)
    split = split_rows(1000, 0.16, 0.2, 0, strata=y)
    parts = part_of(split, 1000)
    assert np.bincount(parts).tolist() == [640, 160, 200]
    for part, share in enumerate((0.64, 0.16, 0.2)):
        np.testing.assert_allclose(np.bincount(y[parts == part], minlength=3), np.bincount(y) * share, atol=2.01)
    theirs = train_test_split(y, test_size=200, stratify=y, random_state=0)[1]
    np.testing.assert_allclose(np.bincount(y[split.test], minlength=3), np.bincount(theirs, minlength=3), atol=2)
    assert (split.train != np.sort(split.train)).any()


def test_every_class_trains_even_with_a_single_row() -> None:
    y = np.array([0] * 60 + [1] * 30 + [2, 3, 4])
    for seed in range(20):
        assert {*y[split_rows(93, 0.16, 0.2, seed, strata=y).train].tolist()} == {0, 1, 2, 3, 4}


def test_the_test_rows_of_classes_do_not_depend_on_the_share_of_validation() -> None:
    y = np.random.default_rng(0).integers(0, 3, 200)
    one, other = (split_rows(200, share, 0.2, 1, strata=y).test for share in (0.1, 0.3))
    assert sorted(one) == sorted(other)


def test_folds_of_classes_are_as_even_as_scikit_learns() -> None:
    y = np.random.default_rng(2).integers(0, 3, 200)
    folds = folds_of(permutation(0, 0, 1, 200), 5, y, None)
    theirs = [np.bincount(y[rows]) for _, rows in StratifiedKFold(5, shuffle=True, random_state=0).split(y, y)]
    for fold, counts in enumerate(theirs):
        np.testing.assert_allclose(np.bincount(y[folds == fold]), counts, atol=1)


def test_repeated_rows_with_classes_stay_together() -> None:
    rng = np.random.default_rng(3)
    x, y = np.repeat(rng.normal(size=300), 2), np.repeat(rng.integers(0, 2, 300), 2)
    units, _ = units_of(columns(x=x), y)
    parts = part_of(split_rows(600, 0.16, 0.2, 0, strata=y, units=units), 600)
    assert is_whole(parts, x.tolist())
    assert np.bincount(parts).tolist() == [384, 96, 120]


# Time


@pytest.mark.parametrize("seed", range(3))
def test_the_latest_rows_test_and_ties_stay_together(seed: int) -> None:
    rng = np.random.default_rng(seed)
    day = np.array("2024-01-01", dtype="M8[D]") + rng.integers(0, 90, 700)
    units, notes = units_of([], np.zeros(700), time=column(day))
    assert notes == ()
    parts = part_of(split_rows(700, 0.16, 0.2, seed, units=units), 700)
    assert day[parts == 0].max() < day[parts == 1].min() <= day[parts == 1].max() < day[parts == 2].min()
    np.testing.assert_allclose(np.bincount(parts) / 700, [0.64, 0.16, 0.2], atol=0.01)
    folds = split_folds(np.zeros(700), Settings.of({"ensemble_size": 4}), by_class=False, units=units)
    blocks = [day[fold.validation] for fold in folds]
    assert all(blocks[i].max() < blocks[i + 1].min() for i in range(3))
    assert all(abs(len(block) - 175) < 12 for block in blocks)
    few = units_of([], np.zeros(90), time=column(np.arange(90) % 3))[0]
    assert split_folds(np.zeros(90), Settings.of({"ensemble_size": 4}), by_class=False, units=few) == ()


@pytest.mark.parametrize("days", [3, 4, 5])
def test_few_times_give_each_split_one(days: int) -> None:
    day = np.arange(300) % days
    parts = part_of(split_rows(300, 0.16, 0.2, 0, units=units_of([], np.zeros(300), time=column(day))[0]), 300)
    assert day[parts == 0].max() < day[parts == 1].min() <= day[parts == 1].max() < day[parts == 2].min()


def test_groups_and_time_together() -> None:
    """Groups that begin last test, and no group is on two sides."""
    rng = np.random.default_rng(0)
    begins = rng.integers(0, 100, 60)
    ids = np.repeat(np.arange(60), 5)
    time = begins[ids] + np.tile(np.arange(5), 60)
    units, _ = units_of([], np.zeros(300), group=column(ids), time=column(time))
    parts = part_of(split_rows(300, 0.16, 0.2, 0, units=units), 300)
    assert is_whole(parts, ids)
    first = [begins[np.unique(ids[parts == part])] for part in range(3)]
    assert first[0].max() <= first[1].min() <= first[1].max() <= first[2].min()
    np.testing.assert_allclose(np.bincount(parts) / 300, [0.64, 0.16, 0.2], atol=0.02)


def test_missing_groups_and_times_are_said() -> None:
    units, notes = units_of([], np.zeros(40), group=column([None, None, *range(19), *range(19)]))
    assert notes[1] == "2 rows without a value of 'id': each forms its own group"
    assert len({*units.codes.tolist()}) == 21
    units, notes = units_of([], np.zeros(40), time=column([*range(38), None, None]))
    assert notes == ("2 rows without a value of 'id': treated as the earliest",)
    assert {38, 39} <= {*split_rows(40, 0.16, 0.2, 0, units=units).train.tolist()}


def test_equal_rows_of_two_groups_are_said() -> None:
    _, notes = units_of(columns(x=[1, 2, 3, 1, 2, 4]), np.zeros(6), group=column(["a", "a", "a", "b", "a", "b"]))
    assert notes[1].startswith("1 row with the inputs of a row in another group: groups take precedence")


@pytest.mark.parametrize(
    ("time", "said"),
    [
        (["may", "june"] * 20, "holds strings, which have no order in time"),
        ([3.0] * 40, "has the same value in all 40 rows, so it does not order the rows"),
        ([None] * 40, "does not order the rows"),
    ],
)
def test_times_that_order_nothing_are_refused(time: list[Any], said: str) -> None:
    table = table_from({"id": time}, kinds=None if time[0] is not None else {"id": "numeric"})
    with pytest.raises(DataError, match=said):
        units_of([], np.zeros(40), time=table.columns["id"])


def test_too_few_groups_or_times_are_refused() -> None:
    two = np.arange(40) % 2
    units = units_of([], np.zeros(40), group=column(two))[0]
    with pytest.raises(DataError, match="3 splits or folds need at least 3 groups; there are 2") as caught:
        split_rows(40, 0.16, 0.2, 0, units=units)
    assert "--test-fraction to 0" in caught.value.hint
    assert is_whole(part_of(split_rows(40, 0.0, 0.2, 0, units=units), 40), two.tolist())
    with pytest.raises(DataError, match="3 splits need at least 3 different times; there are 2"):
        split_rows(40, 0.16, 0.2, 0, units=units_of([], np.zeros(40), time=column(two))[0])
    assert split_folds(np.zeros(40), Settings.of({"ensemble_size": 4}), by_class=False, units=units) == ()


def test_strata_of_labels() -> None:
    assert strata_of(np.array([[0, 1], [1, 1], [0, 0], [0, 1]])).tolist() == [1, 2, 0, 1]

"""A table that only the fit reads gives its columns up to the inputs of the network: same bits, less memory."""

import numpy as np
import pytest

from backpass import fit
from backpass.model import Settings, make_problem
from backpass.table import Table, table_from
from backpass.table.columns import slabs
from backpass.table.columns.slabs import slabs_of


def frame(n: int = 300, seed: int = 3) -> dict[str, object]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    y = x + rng.normal(size=n)
    x[::9] = np.nan
    words = np.array(["red", "blue", "round", "heavy", "old"])
    return {
        "x": x,
        "bound": [f"<{v}" if v == 2 else f">{v}" if v == 9 else str(v) for v in rng.integers(2, 10, n)],
        "day": np.datetime64("2024-01-01") + rng.integers(0, 300, n).astype("timedelta64[D]"),
        "town": rng.choice(["Ulm", "Bonn", "Kiel"], n),
        "said": [" ".join(rng.choice(words, 4)) + f" {i}" for i in range(n)],
        "unused": rng.normal(size=n),
        "w": rng.integers(1, 4, n).astype(float),
        "y": y,
    }


def settings(**more: object) -> Settings:
    return Settings.of({"preset": "default", "seed": 1, "max_steps": 1, **more})


def problems(changes: dict[str, object] | None = None, **roles: object):
    tables = [table_from({**frame(), **(changes or {})}, text=["said"]) for _ in range(2)]
    others = roles.pop("others", dict)
    return [
        make_problem(table, "y", settings(), drop=["unused"], owned=owned, **others(), **roles)
        for table, owned in zip(tables, [False, True], strict=True)
    ], tables


def missing_targets() -> dict[str, object]:
    y = np.array(frame()["y"])
    y[5::7] = np.nan
    return {"y": y}


@pytest.mark.parametrize(
    ("changes", "roles"),
    [
        ({}, {}),
        ({}, {"weight": "w"}),
        (missing_targets(), {"weight": "w"}),
        ({}, {"others": lambda: {"validation": table_from(frame(60, 4)), "test": table_from(frame(50, 5))}}),
        ({"x": np.full(300, np.nan)}, {}),
    ],
    ids=["plain", "weights", "missing targets", "files", "empty column"],
)
def test_an_owned_table_gives_the_problem_of_a_kept_one_and_loses_its_columns(changes, roles) -> None:
    (kept, owned), tables = problems(changes, **roles)
    assert kept.parts.keys() == owned.parts.keys()
    for name, part in kept.parts.items():
        other = owned.parts[name]
        for array in ("x", "y", "truth", "weights"):
            np.testing.assert_array_equal(getattr(part, array), getattr(other, array), strict=True)
    assert kept.identity() == owned.identity()
    assert kept.notes == owned.notes
    assert [list(table.columns) for table in tables] == [[*frame()], []]


def test_tables_beside_an_owned_one_lose_their_columns_too() -> None:
    others = [table_from(frame(60, 4)), table_from({**frame(50, 5), **{"y": [None, *range(49)]}})]
    make_problem(table_from(frame()), "y", settings(), validation=others[0], test=others[1], owned=True)
    assert [dict(each.columns) for each in others] == [{}, {}]


@pytest.mark.parametrize("options", [{"group": "town"}, {"time": "day"}, {"refit": True}])
def test_rows_that_are_read_again_keep_their_columns(options: dict[str, object]) -> None:
    table = table_from(frame())
    problem = make_problem(table, "y", settings(**options), owned=True)
    assert list(table.columns) == [*frame()]
    assert problem.source is not None


def test_slabs_hold_all_rows_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slabs, "BYTES", 1)
    table = table_from(frame(), text=["said"])
    numbers = make_problem(table, "y", settings()).schema.number_columns(table)
    sets = [numbers.take(np.arange(0, 300, 2)), numbers.take(np.array([9, 3, 3]))]
    wanted = [each[:] for each in sets]
    found = list(slabs_of(sets, 40))
    assert [(which, first, len(slab)) for which, first, slab in found] == [
        (0, 0, 40),
        (0, 40, 40),
        (0, 80, 40),
        (0, 120, 30),
        (1, 0, 3),
    ]
    np.testing.assert_array_equal(np.concatenate([slab for which, _, slab in found if which == 0]), wanted[0])
    np.testing.assert_array_equal(found[-1][2], wanted[1])
    assert not table.columns


def test_fit_leaves_what_the_caller_has_as_it_is(tmp_path) -> None:
    columns = frame()
    before = {name: np.array(values) for name, values in columns.items()}
    table = table_from(columns)
    models = [fit(data, "y", preset="fast", max_steps=2, threads=1) for data in (columns, table)]
    for name, values in before.items():
        np.testing.assert_array_equal(np.array(columns[name]), values)
    assert list(table.columns) == [*columns]
    assert models[0].to_bytes() == models[1].to_bytes()


def test_a_view_reads_as_the_rows_that_are_taken() -> None:
    table = table_from(frame(), text=["said"])
    rows = np.array([7, 3, 3, 299])
    view, taken = table.view(rows), table.take(rows)
    assert isinstance(view, Table)
    assert view == taken
    assert view.names == taken.names
    assert len(view.columns) == len(taken.columns)
    np.testing.assert_array_equal(view.row_numbers, taken.row_numbers)
    with pytest.raises(AssertionError, match="another table"):
        view.give_up("x")

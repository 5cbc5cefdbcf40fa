"""Resampling: with groups or times, intervals of scores draw whole groups or blocks of time, as made by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import root_mean_squared_error

from backpass.model import Model, fit
from backpass.model.split.units import Units, named_units
from backpass.numerics.bootstrap import intervals
from backpass.reporting.numbers.held_out import held_out
from backpass.reporting.page.findings import Findings
from backpass.table import table_from

RNG = np.random.default_rng(0)
GROUPS, EACH = 80, 12
OF_GROUP = np.repeat(RNG.normal(size=GROUPS), EACH)
X = RNG.normal(size=GROUPS * EACH)
TABLE = {
    "x": X,
    "patient": np.array([f"p{i}" for i in np.repeat(np.arange(GROUPS), EACH)], dtype=object),
    "day": np.datetime64("2020-01-01") + np.repeat(np.arange(GROUPS * EACH // 4), 4),
    "y": X + OF_GROUP + 0.1 * RNG.normal(size=GROUPS * EACH),
}
NUMBERS = ("network_score", "baseline_score", "low", "high")
QUICK = {"hidden": (4,), "epochs": 4, "engine": "numpy"}


def fitted(**wishes: Any) -> Model:
    return fit(TABLE, "y", **QUICK, **wishes)


def by_hand(score: Callable[[Any], float], unit: Any) -> Any:
    """The 95% interval of a score of row numbers when whole units are drawn."""
    rows = [np.flatnonzero(unit == each) for each in np.unique(unit)]
    drawn = [score(np.concatenate([rows[i] for i in RNG.integers(0, len(rows), len(rows))])) for _ in range(1_000)]
    return np.quantile(drawn, [0.025, 0.975])


@pytest.mark.parametrize("ruler", ["group", "time"])
def test_the_comparison_of_a_fit_draws_groups_or_blocks_of_time(ruler: str) -> None:
    model = fitted(**{ruler: {"group": "patient", "time": "day"}[ruler]})
    held = held_out(model, table_from(TABLE))
    assert held.is_known, "the report finds the test rows of the fit"
    units = model.record.units(held.table)
    assert units is not None
    unit = units.resampled
    comparison = model.record.comparison
    assert comparison is not None
    other = model.head.predictions(model.kept_baselines.outputs(held.x, held.table)[comparison.baseline])
    found = by_hand(
        lambda i: (
            root_mean_squared_error(held.truth[i], other[i]) - root_mean_squared_error(held.truth[i], held.predicted[i])
        ),
        unit,
    )
    width = found[1] - found[0]
    np.testing.assert_allclose([comparison.low, comparison.high], found, atol=0.15 * width)
    again = model.evaluation(held.table).comparison
    assert again is not None
    assert again == Findings.of(model, held).comparison
    np.testing.assert_allclose([again.low, again.high], found, atol=0.15 * width)


@pytest.mark.parametrize("wishes", [{"group": "patient"}, {"time": "day"}, {"group": "patient", "time": "day"}])
def test_fit_evaluate_and_the_report_compare_with_the_same_interval(wishes: dict[str, str]) -> None:
    model = fitted(**wishes)
    held = held_out(model, table_from(TABLE))
    kept, reported = model.record.comparison, Findings.of(model, held).comparison
    evaluated = model.evaluation(held.table).comparison
    assert kept is not None
    for other in (reported, evaluated):
        assert other is not None
        assert other.baseline == kept.baseline
        ours = [kept.network_score, kept.baseline_score, kept.low, kept.high]
        np.testing.assert_allclose([getattr(other, n) for n in NUMBERS], ours, rtol=1e-5)


def test_scores_have_wider_intervals_where_rows_of_a_group_err_together() -> None:
    model = fitted(group="patient")
    held = held_out(model, table_from(TABLE))
    units = model.record.units(held.table)
    assert units is not None
    unit = units.resampled
    reported = Findings.of(model, held).scores["rmse"]
    found = by_hand(lambda i: root_mean_squared_error(held.truth[i], held.predicted[i]), unit)
    np.testing.assert_allclose([reported.low, reported.high], found, atol=0.15 * (found[1] - found[0]))
    single = intervals(lambda weights: held.scores(model.head, weights), held.rows)["rmse"]
    assert reported.high - reported.low > 1.5 * (single.high - single.low)


@pytest.mark.parametrize(("instants", "blocks"), [(2, 2), (9, 9), (35, 12), (200, 14), (1_000, 32)])
def test_blocks_of_time_are_consecutive_and_about_as_many_as_long(instants: int, blocks: int) -> None:
    ranks = RNG.permutation(np.repeat(np.arange(instants), 3))
    codes = Units(np.arange(len(ranks)), ranks).resampled
    assert codes is not None
    assert len(np.unique(codes)) == blocks
    order = np.argsort(ranks, kind="stable")
    assert (np.diff(codes[order]) >= 0).all()
    assert all(len({*codes[ranks == rank].tolist()}) == 1 for rank in range(instants)), "an instant is in one block"


def test_a_segment_is_drawn_in_blocks_of_its_own() -> None:
    """A month has few blocks of the whole table: their spread would make its interval too narrow."""
    rows = fitted(time="day").evaluation(table_from(TABLE)).rows
    assert rows.units is not None
    assert rows.units.ranks is not None
    days = np.unique(rows.units.ranks)
    part = rows.take(np.flatnonzero(rows.units.ranks < days[9]))
    assert part.unit is not None
    assert rows.unit is not None
    assert len(np.unique(part.unit)) == 9
    assert len(np.unique(rows.unit[rows.units.ranks < days[9]])) < 9
    single = rows.take(np.flatnonzero(rows.units.ranks == days[0]))
    assert single.unit is None, "rows of one day are drawn one by one"


def test_rows_are_drawn_one_by_one_where_nothing_is_known() -> None:
    table = table_from(TABLE)
    assert named_units(table, group=None, time=None) is None
    assert named_units(table, group="ward", time=None) is None, "the table lacks the column"
    assert named_units(table, group=None, time="patient") is None, "texts have no order"
    single = named_units(table.take(np.arange(3)), group=None, time="day")
    assert single is not None
    assert single.resampled is None, "a single day"
    assert Units(np.arange(3)).resampled is None
    assert fitted().record.units(table) is None


def test_a_table_without_the_group_column_is_evaluated_by_rows() -> None:
    model = fitted(group="patient")
    rows = {name: values for name, values in TABLE.items() if name != "patient"}
    single, grouped = (model.evaluation(model.table(each, with_target=True)).comparison for each in (rows, TABLE))
    assert single is not None
    assert grouped is not None
    assert single.network_score == grouped.network_score
    assert single.high - single.low != grouped.high - grouped.low

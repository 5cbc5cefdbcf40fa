"""Long files are scored window by window: the scores of the whole table, from what is kept of each row."""

from pathlib import Path

import numpy as np
import pytest

import backpass
from backpass import Model
from backpass.model.evaluation import gathering, sums
from backpass.model.evaluation.gathering import NOT_KEPT, evaluated, labeled_windows
from backpass.model.evaluation.labeled_rows import LabeledRows, Scores
from backpass.model.evaluation.sums import ScoreSums
from backpass.model.metrics.decision import Counts
from backpass.table import Table, table_from

ROWS = 3_000


def columns(rows: int = ROWS) -> dict[str, object]:
    rng = np.random.default_rng(2)
    x = rng.normal(size=rows)
    y = 2.0 * x + rng.normal(size=rows)
    return {
        "x": x,
        "town": rng.choice(["Ulm", "Bonn", "Kiel", "Rom"], rows).tolist(),
        "said": [" ".join(rng.choice(["red", "blue", "round", "old"], 4)) for _ in range(rows)],
        "w": rng.integers(0, 3, rows).astype(float),
        "sold": np.datetime64("2024-01-01") + np.arange(rows).astype("m8[h]").astype("m8[D]"),
        "y": np.where(rng.random(rows) < 0.1, np.nan, y),
    }


@pytest.fixture(scope="module", params=["numbers", "classes", "time"])
def model(request: pytest.FixtureRequest) -> Model:
    data = columns(600)
    data["town"] = [each.replace("Rom", "Ulm") for each in data["town"]]
    if request.param == "classes":
        data["y"] = ["none" if y != y else "high" if y > 0 else "low" for y in data["y"]]
    more = {"time": "sold"} if request.param == "time" else {}
    reading = {"text": ["said"]}
    return backpass.fit(data, "y", hidden=(4,), epochs=2, weight="w", reading=reading, **more)


def windows_of(model: Model, table: Table, rows: int) -> list[Table]:
    places = [np.arange(first, min(first + rows, table.rows)) for first in range(0, table.rows, rows)]
    return [model.labeled(table.take(each)) for each in places]


def whole_and_windows(model: Model, rows: int) -> tuple[Table, list[Table]]:
    data = columns()
    if model.classes:
        data["y"] = ["none" if y != y else "high" if y > 0 else "low" for y in data["y"]]
    table = table_from(data, kinds=model.kinds(with_target=True))
    return model.labeled(table), windows_of(model, table, rows)


@pytest.mark.parametrize("rows", [700, 2_999])
def test_windows_give_the_evaluation_of_the_whole_table(model: Model, rows: int) -> None:
    table, windows = whole_and_windows(model, rows)
    whole, found = evaluated(model, [table]), evaluated(model, windows)
    assert found.scores == whole.scores
    assert found.comparison == whole.comparison
    assert found.warnings == whole.warnings
    assert found.encoded.unseen == whole.encoded.unseen
    assert found.encoded.words == whole.encoded.words
    for name in ("o", "truth", "weights", "unit", "later"):
        np.testing.assert_array_equal(getattr(found.rows, name), getattr(whole.rows, name))
    for name in ("numbers", "codes"):
        np.testing.assert_array_equal(getattr(found.encoded, name), getattr(whole.encoded, name))
    np.testing.assert_array_equal(found.table.row_numbers, table.row_numbers)
    assert "x" not in found.table.columns
    assert found.table.columns["y"] == table.columns["y"]


def test_inputs_beyond_the_sample_are_dropped(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "SAMPLE", 500)
    table, windows = whole_and_windows(model, 400)
    whole, found = evaluated(model, [table]), evaluated(model, windows)
    assert found.scores == whole.scores
    assert len(found.encoded.numbers) == len(found.encoded.codes) == 500
    again = evaluated(model, windows_of(model, table, 1_300)).encoded
    np.testing.assert_array_equal(again.numbers, found.encoded.numbers)
    rows = {tuple(row) for row in whole.encoded.numbers.tolist()}
    assert {tuple(row) for row in found.encoded.numbers.tolist()} <= rows


def assert_alike(found: Scores, whole: Scores) -> None:
    """Sums are equal but for rounding; what needs an order is as far off as the module says."""
    assert list(found) == list(whole)
    for name, value in whole.items():
        bound = {"median_absolute_error": 2e-4 * value, "roc_auc": 2e-4, "average_precision": 2e-3}.get(name, 1e-12)
        assert found[name] == pytest.approx(value, rel=1e-12, abs=bound), name


def assert_sums_are_those_of_the_rows(model: Model, table: Table, windows: list[Table]) -> None:
    whole, found = evaluated(model, [table], keep_rows=True), evaluated(model, windows)
    assert isinstance(found.rows, ScoreSums)
    assert isinstance(whole.rows, LabeledRows)
    assert (len(found.rows), found.notes, whole.notes) == (len(whole.rows), (NOT_KEPT,), ())
    assert found.table.names == whole.table.names or set(found.table.names) < set(whole.table.names)
    assert_alike(dict(found.scores), dict(whole.scores))
    assert [*found.rows.per_target()] == [*whole.rows.per_target()]
    for a, b in zip(found.rows.per_target().values(), whole.rows.per_target().values(), strict=True):
        assert_alike(a, b)
    for a, b in zip(found.rows.areas().values(), whole.rows.areas().values(), strict=True):
        assert_alike(a, b)
    facts, expected = (each.rows.facts(each.scores, {}, {}) for each in (found, whole))
    for name in ("rows", "confusion", "confusion_per_target", "classes", "positive"):
        assert facts[name] == expected[name]
    a, b = found.comparison, whole.comparison
    assert a is not None
    assert b is not None
    assert (a.metric, a.baseline) == (b.metric, b.baseline)
    assert a.difference == pytest.approx(b.difference, rel=1e-9)
    assert [word.partition(":")[0] for word in found.warnings] == [word.partition(":")[0] for word in whole.warnings]


def test_rows_of_a_long_table_are_not_kept(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "MOST_ROWS", 1_500)
    table, windows = whole_and_windows(model, 400)
    if model.record.settings.get("time"):
        assert isinstance(evaluated(model, windows).rows, LabeledRows), "instants are drawn together"
        return
    assert_sums_are_those_of_the_rows(model, table, windows)
    for kept in (evaluated(model, windows, keep_rows=True), evaluated(model, windows, ["town"])):
        assert isinstance(kept.rows, LabeledRows)
    monkeypatch.setattr(gathering, "SAMPLE", 700)
    found, whole = evaluated(model, windows).comparison, evaluated(model, [table]).comparison
    assert found is not None
    assert whole is not None
    assert found.difference == pytest.approx(whole.difference, rel=1e-9)
    assert found.high - found.low == pytest.approx(whole.high - whole.low, rel=0.3)


@pytest.mark.parametrize("case", ["labels", "several", "quantile", "poisson", "three"])
def test_sums_of_every_kind_of_target(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "MOST_ROWS", 400)
    rng = np.random.default_rng(4)
    x = rng.normal(size=900)
    y = x + rng.normal(size=900)
    data: dict[str, object] = {"x": x, "y": y, "z": 1e3 * y**2}
    target: str | list[str] = ["y", "z"] if case in ("labels", "several") else "y"
    if case == "labels":
        data |= {"y": np.where(y > 0, "yes", "no"), "z": np.where(y > 1, "yes", "no")}
    elif case == "poisson":
        data["y"] = rng.poisson(np.exp(x)).astype(float)
    elif case == "three":
        data["y"] = np.where(y > 1, "c", np.where(y > 0, "b", "a"))
    loss = {"quantile": {"loss": "quantile", "quantile": 0.8}, "poisson": {"loss": "poisson"}}.get(case, {})
    made = backpass.fit(data, target, hidden=(3,), epochs=2, **loss)
    table = made.labeled(made.table(data, with_target=True))
    windows = [table.take(np.arange(first, first + 300)) for first in (0, 300, 600)]
    assert_sums_are_those_of_the_rows(made, table, windows)


def test_areas_of_bins_are_wrong_by_their_ties_at_most() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 5_000)
    p = 1.0 / (1.0 + np.exp(-3.0 * rng.normal(size=5_000) - 4.0 * y))
    assert p.max() > 0.99999, "bins are dense towards 1, where float32 is not"
    both, found = np.column_stack([1.0 - p, p]), sums._TargetSums(1)
    found.add_classes(both, y, np.eye(2), None)
    exact = sums.area_under_roc(p, y == 1)
    assert found._ranks is not None
    others, own = found._ranks[1]
    assert abs(found.area("roc_auc", 1) - exact) <= 0.5 * (others @ own) / (others.sum() * own.sum()) < 1e-4
    assert found.area("roc_auc", 0) == pytest.approx(exact, abs=1e-4)


def test_average_precision_of_thousands_of_classes_is_not_coarse() -> None:
    rng = np.random.default_rng(3)
    o, y = rng.normal(size=(1_000, 3_000)), rng.integers(0, 3_000, 1_000)
    o[np.arange(1_000), y] += 3.0
    p = np.exp(o)
    p /= p.sum(axis=1, keepdims=True)
    found = sums._TargetSums(1)
    found.add_classes(p, y, Counts.of(p, y), None)
    some = np.unique(y)[:100].tolist()
    exact = [sums.area_under_precision(p[:, j], y == j) for j in some]
    assert np.mean([found.area("average_precision", j) for j in some]) == pytest.approx(np.mean(exact), rel=0.02)


@pytest.mark.parametrize("unit", [1e-300, 1e-45, 1e-40, 1.0, 1e40, 1e300])
def test_the_median_error_may_have_any_size(unit: float) -> None:
    rng = np.random.default_rng(5)
    found, windows = sums._TargetSums(1), [(rng.normal(size=300) * unit, rng.normal(size=300) * unit) for _ in range(3)]
    for predicted, y in windows:
        found.add_means({"rmse": 0.0}, 300.0)
        found.add_numbers(predicted, y, None)
    exact = np.median(np.abs(np.concatenate([a - b for a, b in windows])))
    assert found._median() == pytest.approx(exact, rel=0.01, abs=0.0)


def test_columns_of_segments_are_kept(model: Model) -> None:
    table, windows = whole_and_windows(model, 1_000)
    found = evaluated(model, windows, ["town", "sold:month"]).table
    assert found.columns["town"] == table.columns["town"]
    assert "sold" in found.columns


def test_a_file_is_read_in_windows(model: Model, tmp_path: Path) -> None:
    """Windows without a target are left out with a note."""
    rows, empty = 150_000, 85_000
    x = np.random.default_rng(1).normal(size=rows).round(3)
    y = np.where(x > 0, "high", "low") if model.classes else (2.0 * x).round(3).astype(str)
    y[:empty] = ""
    path = tmp_path / "long.csv"
    lines = (f"{a},Ulm,red blue,1,2024-01-0{1 + i % 9},{b}" for i, (a, b) in enumerate(zip(x, y, strict=True)))
    path.write_text("\n".join(["x,town,said,w,sold,y", *lines, ""]), encoding="utf-8")
    windows = list(labeled_windows(model, path))
    assert "have no value and are left out" in windows[0].notes[-1]
    whole = model.labeled(model.table(path, with_target=True))
    assert sum(each.rows for each in windows) == whole.rows == rows - empty
    np.testing.assert_array_equal(np.concatenate([each.row_numbers for each in windows]), whole.row_numbers)
    found = evaluated(model, windows)
    assert found.scores == evaluated(model, [whole]).scores == model.evaluate(path)
    with pytest.raises(backpass.errors.DataError, match="'y'"):
        model.evaluate(path, strict=True)


def test_a_constant_baseline_takes_no_memory_per_row() -> None:
    outputs = np.random.default_rng(0).normal(size=(7, 2))
    constant = np.tile(outputs[:1], (5, 1))
    for windows in ([constant, constant[:2]], [outputs, constant], [constant, 2.0 * constant]):
        repeated = [gathering._Repeated.of(each) for each in windows]
        np.testing.assert_array_equal(gathering._Repeated.joined(repeated), np.concatenate(windows))
    whole = gathering._Repeated.joined([gathering._Repeated.of(constant)] * 3)
    assert whole.shape == (15, 2)
    assert whole.strides[0] == 0

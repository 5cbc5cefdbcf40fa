"""The benchmark of accuracy: its splits, the folds that bags share with the preset default, and its comparisons."""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backpass.model import Settings, make_problem
from backpass.table import table_from

pandas = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture(autouse=True)
def path(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Scripts import the modules beside them; none of them stays imported."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if str(BENCHMARKS) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def module(name: str) -> Any:
    return importlib.import_module(name)


def folder(path: Path, split: str = "random", task: str = "regression", rows: int = 120) -> Path:
    """A folder of one table; its numbers are all different, and a column repeats them for who looks for rows."""
    rng = np.random.default_rng(0)
    y = rng.permutation(rows).astype(float) if task == "regression" else rng.choice(["no", "yes"], rows)
    frame = {"number": np.arange(rows, dtype=float), "x": rng.normal(size=rows), "word": rng.choice(["a", "b"], rows)}
    dates = pandas.date_range("2024-01-01", periods=rows // 2).repeat(2).strftime("%Y-%m-%d")
    frame |= {"unit": np.arange(rows) // 4, "day": rng.permutation(dates), "y": y}
    pandas.DataFrame(frame).to_parquet(path / "table.parquet")
    entry = {"name": "table", "task": task, "target": "y", "rows": rows, "split": split}
    (path / "manifest2.json").write_text(json.dumps([entry]))
    return path


def split_of(path: Path, seed: int = 0) -> tuple[Any, Any]:
    tables = module("tables")
    case, test = tables.split(tables.entries(path)[0], seed, 1)
    return case, test


def test_random_splits_are_those_that_the_page_states(tmp_path: Path) -> None:
    case, test = split_of(folder(tmp_path), seed=2)
    order = np.random.default_rng(1002).permutation(120)
    assert case.X["number"].tolist() == order[:76].tolist()
    assert case.X_valid["number"].tolist() == order[76:96].tolist()
    assert test.X["number"].tolist() == test.unit.tolist() == order[96:].tolist()


def test_no_group_is_divided(tmp_path: Path) -> None:
    for seed in range(3):
        case, test = split_of(folder(tmp_path, "group:unit"), seed)
        parts = [set(frame["unit"]) for frame in (case.X, case.X_valid, test.X)]
        assert sum(map(len, parts)) == len(set.union(*parts)) == 30
        assert [len(part) for part in parts] == pytest.approx([19, 5, 6], abs=1)
        assert (np.unique(test.unit, return_counts=True)[1] == 4).all()


def test_later_rows_test_and_origins_roll(tmp_path: Path) -> None:
    for seed in range(3):
        case, test = split_of(folder(tmp_path, "time:day"), seed)
        days = [frame["day"] for frame in (case.X, case.X_valid, test.X)]
        assert days[0].max() < days[1].min() <= days[1].max() < days[2].min()
        assert sum(map(len, days)) == 120 - 12 * seed
        blocks = [np.ptp(test.X["day"][test.unit == unit]) for unit in np.unique(test.unit)]
        assert max(blocks) < pandas.Timedelta(days=10)  # blocks of consecutive days, not rows in the order of the file


@pytest.mark.parametrize("split", ["random", "group:unit", "time:day"])
def test_bags_train_on_the_rows_of_the_preset_default(tmp_path: Path, split: str) -> None:
    case, _ = split_of(folder(tmp_path, split))
    case = module("bags").with_folds(case)
    whole = module("contenders").whole
    problem = make_problem(
        table_from(whole(case, case.X, case.y)),
        "target",
        Settings.of({"preset": "default", "test_fraction": 0.0, **({case.ruler: case.column} if case.ruler else {})}),
        validation=table_from(whole(case, case.X_valid, case.y_valid)),
    )
    _, y = case.joined()
    truth = np.concatenate([problem.parts[name].truth for name in ("train", "validation")])  # no two are equal
    assert len(case.folds) == len(problem.folds) == 4
    for (train, valid), fold in zip(case.folds, problem.folds, strict=True):
        assert set(y[train]) == set(truth[fold.train])
        assert set(y[valid]) == set(truth[fold.validation])


def test_folds_of_classes_have_their_share_of_each(tmp_path: Path) -> None:
    case, _ = split_of(folder(tmp_path, task="binary"))
    case = module("bags").with_folds(case)
    _, y = case.joined()
    assert sorted(np.concatenate([valid for _, valid in case.folds])) == list(range(96))
    counts = [int(y[valid].sum()) for _, valid in case.folds]
    assert max(counts) - min(counts) <= 1


def test_a_bag_averages_models_that_see_one_fold_each_as_validation(tmp_path: Path) -> None:
    bags = module("bags")
    case, test = split_of(folder(tmp_path))
    seen = []

    def fit(part: Any) -> Any:
        seen.append((set(part.y), set(part.y_valid), part.seed))
        return lambda frame: np.full(len(frame), part.y.mean())

    predicted = bags.bagged(fit)(bags.with_folds(case))(test.X)
    y = set(case.joined()[1])
    assert all(train | valid == y and not train & valid for train, valid, _ in seen)
    assert set.union(*(valid for _, valid, _ in seen)) == y
    assert len({seed for _, _, seed in seen}) == 4
    assert predicted == pytest.approx(np.full(len(test.y), np.mean([np.mean([*train]) for train, _, _ in seen])))


def test_other_libraries_get_neither_groups_nor_dates(tmp_path: Path) -> None:
    inputs_only = module("contenders").inputs_only

    def columns(split: str) -> Any:
        case, _ = split_of(folder(tmp_path, split))
        frames: list[Any] = []
        inputs_only(lambda part: frames.append(part.X) or (lambda frame: frame))(case)
        return frames[0]

    assert "unit" not in columns("group:unit")
    dated = columns("time:day")
    assert "day" not in dated
    assert dated["day, day"].max() - dated["day, day"].min() == pytest.approx(0.64 * 60, abs=2)
    assert set(dated["day, day of week"]) == set(range(7))


def losses(error: float, unit: Any, seed: int, *, is_number: bool = True) -> Any:
    noise = np.random.default_rng(seed).exponential(size=len(unit))
    return module("pairs").Losses(error * noise, unit, is_number)


def test_pairs_find_a_difference_that_is_there_and_none_where_there_is_none() -> None:
    ratio, unit = module("pairs").ratio, np.arange(300)
    less = ratio([losses(0.81, unit, s) for s in range(3)], [losses(1.0, unit, s) for s in range(3)])
    assert less.result == "better"
    assert less.value == pytest.approx(0.9)  # the root of the ratio of mean squares
    assert [less.low, less.high] == pytest.approx([0.9, 0.9])  # the same rows are hard for both: nothing varies
    other = ratio([losses(1.0, unit, s) for s in range(3)], [losses(1.0, unit, s + 10) for s in range(3)])
    assert other.result == "unclear"
    classes = ratio([losses(1.21, unit, 0, is_number=False)], [losses(1.0, unit, 0, is_number=False)])
    assert (classes.result, classes.value) == ("worse", pytest.approx(1.21))


def test_pairs_draw_whole_units() -> None:
    pairs, rng = module("pairs"), np.random.default_rng(0)
    unit = np.arange(400) // 40
    effect = rng.uniform(0.5, 2.0, 10)[unit]  # one contender is better in some units, the other in others
    plain = np.ones(400)
    by_unit, by_row = (
        pairs.ratio([pairs.Losses(effect, u, True)], [pairs.Losses(plain, u, True)]) for u in (unit, np.arange(400))
    )
    assert by_unit.high - by_unit.low > 3.0 * (by_row.high - by_row.low)


def test_pairs_refuse_different_rows() -> None:
    with pytest.raises(ValueError, match="different rows"):
        module("pairs").ratio([losses(1.0, np.arange(5), 0)], [losses(1.0, np.arange(6), 0)])


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *told: object) -> str:
    monkeypatch.setattr(sys, "argv", ["accuracy.py", *map(str, told)])
    module("accuracy").main()
    return str(capsys.readouterr().out)


def test_the_benchmark_runs_resumes_and_compares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sklearn")
    pytest.importorskip("threadpoolctl")
    results, model = tmp_path / "found.jsonl", "scikit-learn MLP"
    told = [folder(tmp_path, rows=40), "--results", results, "--models", model, "--splits", 1, "--threads", 1]
    run(monkeypatch, capsys, *told)  # the fit is a process of its own
    [line] = [json.loads(line) for line in results.read_text().splitlines()]
    assert (line["model"], line["rows"]) == (model, [25, 7, 8])
    assert line["rmse"] > 0 < line["fit_cpu_seconds"]

    run(monkeypatch, capsys, *told)
    assert len(results.read_text().splitlines()) == 1  # what is done is not done again

    accuracy = module("accuracy")
    store = accuracy.Store(results)
    store.add(accuracy.measure(tmp_path, ("table", model, 0), 1, " of another build", store))
    shown = run(monkeypatch, capsys, "--results", results, "--against", f"{model} of another build")
    assert "| table | 1.000 (1.000 to 1.000) |" in shown


def test_names_that_nobody_has_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "found.jsonl"
    with pytest.raises(SystemExit, match="no such model: catbost; there are CatBoost,"):
        run(monkeypatch, capsys, folder(tmp_path), "--results", results, "--models", "catbost")
    with pytest.raises(SystemExit, match="no such table: houses; there are table"):
        run(monkeypatch, capsys, tmp_path, "--results", results, "--tables", "houses")


def test_boosted_trees_get_numbered_columns_and_known_categories(tmp_path: Path) -> None:
    case, _ = split_of(folder(tmp_path))
    names = {"x": 'width [m], "inner"', "word": "kind: <a>"}  # characters that LightGBM or XGBoost does not take
    coded = module("contenders")._categorical({"kind: <a>": ["a"]})(case.X.rename(columns=names))
    assert [*coded.columns] == [f"x{j}" for j in range(5)]
    assert coded["x1"].tolist() == case.X["x"].tolist()
    assert coded["x2"].isna().tolist() == (case.X["word"] == "b").tolist()


@pytest.mark.parametrize(("split", "refit"), [("group:unit", False), ("time:day", False), ("time:day", True)])
def test_rows_left_out_by_hand_are_compared_with_the_printed_score(tmp_path: Path, split: str, refit: bool) -> None:
    path = folder(tmp_path, split)
    entry = json.loads((path / "manifest2.json").read_text())[0]
    line = module("splits").row(path / "table.parquet", entry, "plain", 0, refit=refit)
    name, preset, metric, printed, later, confirmed = line.strip("| ").split(" | ")[:6]
    assert name == f"table, {split.split(':')[0]}{', refit' if refit else ''}"
    assert (preset, metric) == ("plain", "rmse")
    value, low, high = (float(text) for text in re.findall(r"[\d.]+", printed))
    found, least, most = (float(text) for text in re.findall(r"[\d.]+", later))
    assert low <= value <= high
    assert least <= found <= most
    assert confirmed in ("yes", "no", "better")


def test_scores_agree_within_both_intervals() -> None:
    splits, Interval = module("splits"), module("splits").Interval
    printed = Interval(1.0, 0.9, 1.1)
    assert splits.agreement(printed, Interval(1.1, 1.0, 1.2), "rmse") == "yes"
    assert splits.agreement(printed, Interval(1.2, 1.1, 1.3), "rmse") == "no"
    assert splits.agreement(printed, Interval(1.2, 1.1, 1.3), "r2") == "better"
    assert splits.agreement(printed, Interval(0.8, 0.7, 0.9), "rmse") == "better"

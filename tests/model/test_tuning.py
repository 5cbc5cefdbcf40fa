"""The search for settings: what it tries, on which rows, in which order, and that it always ends in a model of fit."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score, root_mean_squared_error

import backpass
from backpass.errors import BackpassWarning, DataError, DivergedError, ModelFileError, ResourceError, UsageError
from backpass.model import Settings
from backpass.model.tuning.budget import Limit, seconds_of
from backpass.model.tuning.journal import Journal, identity_of
from backpass.model.tuning.portfolio import configurations
from backpass.model.tuning.search import Search
from backpass.model.tuning.trial import Trial, ranked, rungs_of, to_continue
from backpass.model.tuning.trial_runner import TrialRunner
from backpass.table import table_from
from sample_tables import rows_in_groups

QUICK: dict[str, Any] = {"preset": "plain", "hidden": (4,), "epochs": 2, "batch_size": 32, "ensemble_size": 1}


def numbers(rows: int = 160) -> pd.DataFrame:
    return rows_in_groups(rows)[["a", "b", "y"]]


def facts(trials: Any) -> list[Any]:
    """What is the same in every run: everything but the time."""
    return [(each.number, dict(each.changes), each.scores, each.failure) for each in trials]


# The result -----------------------------------------------------------------------------------------------------------


def test_the_model_is_that_of_fit_with_the_settings_found(tmp_path: Path) -> None:
    found = backpass.tune(numbers(), "y", trials=4, **QUICK)
    assert len(found.trials) == 4
    assert found.ended == "trials"
    assert found.metric == "rmse"
    assert found.model.to_bytes() == backpass.fit(numbers(), "y", **found.settings).to_bytes()
    assert found.trials[0].folds == 4
    assert facts(backpass.tune(numbers(), "y", trials=4, **QUICK).trials) == facts(found.trials)
    other = backpass.tune(numbers(), "y", trials=4, seed=1, **QUICK)
    assert [each.changes for each in other.trials] != [each.changes for each in found.trials]


def test_the_usual_presets_are_tried_first() -> None:
    found = backpass.tune(numbers(60), "y", trials=4, folds=2, epochs=1, ensemble_size=1)
    presets = {each.number: each.changes["preset"] for each in found.trials}
    assert [presets[i] for i in (1, 2, 3, 4)] == ["default", "fast", "plain", "realmlp"]
    assert found.model.to_bytes() == backpass.fit(numbers(60), "y", **found.settings).to_bytes()


@pytest.mark.parametrize(
    ("target", "requested"),
    [("y", {}), ("kind", {}), ("y", {"group": "id"}), ("kind", {"group": "id"}), ("y", {"time": "day"})],
)
def test_scores_are_those_of_models_fitted_by_hand(target: str, requested: dict[str, Any]) -> None:
    table = rows_in_groups(160)
    drop = [name for name in ("y", "kind", "id") if name not in (target, *requested.values())]
    search = Search.of(table_from(table), target, Settings.of({**QUICK, **requested}), 3, drop=drop)
    runner = TrialRunner(search, Journal(None, {}), Limit(2))
    (*_,) = runner.steps()
    best = runner.leaderboard[0]
    assert best.folds > 1
    for i, scores in enumerate(best.scores):
        rest, scored = search.folds.rounds[2 - i if "time" in requested else i]
        settings: Any = {**QUICK, **requested, **best.changes, "test_fraction": 0.0}
        inside = table.iloc[search.folds.table.row_numbers - 1]
        model = backpass.fit(inside.iloc[rest], target, drop=drop, **settings)
        part = inside.iloc[scored]
        if target == "y":
            assert scores["rmse"] == pytest.approx(root_mean_squared_error(part["y"], model.predict(part)))
        else:
            p = model.predict_proba(part)[:, model.classes.index("high")]
            assert scores["roc_auc"] == pytest.approx(roc_auc_score(part["kind"] == "high", p))
        if "group" in requested:
            assert not {*inside.iloc[rest]["id"]} & {*part["id"]}
        if "time" in requested:
            assert inside.iloc[rest]["day"].max() < part["day"].min()


@pytest.mark.parametrize("preset", ["default", "fast", "plain", "realmlp", "best"])
@pytest.mark.parametrize(
    ("target", "requested"),
    [("y", {}), ("kind", {}), ("kind", {"group": "id"}), ("y", {"time": "day"}), ("y", {"group": "id", "time": "day"})],
)
def test_test_rows_are_those_that_no_trial_saw(preset: str, target: str, requested: dict[str, Any]) -> None:
    """Whatever the best configuration: the test rows of the final fit are the rows that the folds lack."""
    table = pd.concat([rows_in_groups(160), rows_in_groups(160).iloc[:10]], ignore_index=True)  # some rows repeat
    drop = [name for name in ("y", "kind") if name != target]
    search = Search.of(table_from(table), target, Settings.of(requested), drop=drop)
    (changes,) = [
        each
        for each in islice(configurations(requested, search.folds.targets.task, 170), 20)
        if each == {"preset": preset} or each == {"preset": preset, "validation_fraction": 0.16}
    ]
    problem = search.problem(changes)
    seen = {*search.folds.table.row_numbers.tolist()}
    unseen = [row for row in range(1, 171) if row not in seen]
    truth = search.folds.targets.encode(table_from(table))[np.array(unseen) - 1]
    assert len(unseen) > 10
    assert sorted(problem.parts["test"].truth.tolist()) == sorted(truth.tolist())


def test_test_rows_change_nothing() -> None:
    table = numbers()
    search = Search.of(table_from(table), "y", Settings.of(QUICK))
    unseen = np.setdiff1d(np.arange(1, 161), search.folds.table.row_numbers) - 1
    found = backpass.tune(table, "y", trials=3, **QUICK)
    changed = table.copy()
    changed.loc[unseen, "y"] = 1e6
    assert facts(backpass.tune(changed, "y", trials=3, **QUICK).trials) == facts(found.trials)
    assert backpass.tune(changed, "y", trials=3, **QUICK).model.record.scores["test"]["rmse"] > 1e5


def test_test_rows_in_a_table_of_their_own() -> None:
    found = backpass.tune(numbers(), "y", test=numbers().iloc[:20], trials=2, folds=2, **QUICK)
    assert sum(found.model.record.rows[name] for name in ("train", "validation")) == 160
    assert found.model.record.rows["test"] == 20


def test_trials_are_scored_on_validation_rows_of_their_own(tmp_path: Path) -> None:
    table, others = numbers(), rows_in_groups(200)[["a", "b", "y"]].iloc[160:].assign(y=lambda rows: rows["y"] + 1.0)
    others.loc[165, "y"] = np.nan  # left out, as fit does
    found = backpass.tune(table, "y", validation=others, trials=3, **QUICK)
    assert [each.folds for each in found.trials] == [1, 1, 1]
    assert found.model.to_bytes() == backpass.fit(table, "y", validation=others, **found.settings).to_bytes()

    search = Search.of(table_from(table), "y", Settings.of(QUICK), validation=table_from(others))
    rest, known = table.iloc[search.folds.table.row_numbers - 1], others.dropna()
    best = found.trials[0]
    model = backpass.fit(rest, "y", test=known, **{**QUICK, **best.changes})
    assert best.score == pytest.approx(root_mean_squared_error(known["y"], model.predict(known)), rel=1e-6)
    assert best.score == min(each.score for each in found.trials)

    def stop(trial: Trial) -> None:
        raise _Stop

    state, changed = tmp_path / "s.search", others.assign(a=lambda rows: rows["a"] + 1.0)
    with pytest.raises(_Stop):
        backpass.tune(table, "y", validation=others, trials=2, state=state, on_trial=stop, **QUICK)
    with pytest.raises(ModelFileError, match="belongs to another search"):
        backpass.tune(table, "y", validation=changed, trials=2, state=state, **QUICK)
    with pytest.raises(UsageError, match="folds cannot be combined with validation rows"):
        backpass.tune(table, "y", validation=others, folds=3, trials=2, **QUICK)


def test_a_metric_of_which_more_is_better() -> None:
    table = rows_in_groups(160)[["a", "b", "kind"]]
    found = backpass.tune(table, "kind", trials=4, metric="roc_auc", **QUICK)
    assert found.metric == "roc_auc"
    whole = [each for each in found.trials if each.folds == found.trials[0].folds]
    assert [each.score for each in whole] == sorted((each.score for each in whole), reverse=True)
    firsts = {each.number: each.scores[0]["roc_auc"] for each in found.trials}
    assert next(each for each in found.trials if each.number == max(firsts, key=lambda i: firsts[i])).folds > 1


def test_weights_dropped_columns_and_missing_targets() -> None:
    table = numbers().assign(w=1.0, c="x")
    table.loc[:9, "w"], table.loc[10:14, "y"] = 0.0, np.nan
    options: dict[str, Any] = {"weight": "w", "drop": ["c"]}
    found = backpass.tune(table, "y", trials=2, folds=2, **options, **QUICK)
    assert found.model.to_bytes() == backpass.fit(table, "y", **options, **found.settings).to_bytes()
    with pytest.raises(DataError, match="missing"):
        backpass.tune(table, "y", trials=2, strict=True, **options, **QUICK)


@pytest.mark.parametrize("door", ["csv", "tsv", "json", "parquet", "polars", "arrow", "dict", "records"])
def test_every_form_of_a_table(tmp_path: Path, door: str) -> None:
    table = numbers().round(3)
    path = tmp_path / f"t.{door}"
    makers: dict[str, Callable[[], Any]] = {
        "csv": lambda: table.to_csv(path, index=False) or path,
        "tsv": lambda: table.to_csv(path, index=False, sep="\t") or path,
        "json": lambda: table.to_json(path, orient="records") or path,
        "parquet": lambda: table.to_parquet(path) or path,
        "polars": lambda: pytest.importorskip("polars").from_pandas(table),
        "arrow": lambda: pytest.importorskip("pyarrow").Table.from_pandas(table),
        "dict": lambda: {name: table[name].to_numpy() for name in table},
        "records": lambda: table.to_records(index=False),
    }
    found = backpass.tune(makers[door](), "y", trials=2, folds=2, **QUICK)
    assert facts(found.trials) == facts(backpass.tune(table, "y", trials=2, folds=2, **QUICK).trials)


# Interruption and budget ----------------------------------------------------------------------------------------------


class _Stop(Exception):
    """Ends a search after a fit."""


def test_an_interrupted_search_continues_as_if_it_had_never_stopped(tmp_path: Path) -> None:
    """After every fit in turn."""
    whole = backpass.tune(numbers(), "y", trials=3, folds=2, **QUICK)
    fits = sum(each.folds for each in whole.trials)
    for stop in range(1, fits + 1):
        state, done = tmp_path / f"{stop}.search", list[Trial]()

        def note(trial: Trial, done: list[Trial] = done, stop: int = stop) -> None:
            done.append(trial)
            if len(done) == stop:
                raise _Stop

        with pytest.raises(_Stop):
            backpass.tune(numbers(), "y", trials=3, folds=2, state=state, on_trial=note, **QUICK)
        assert state.exists()
        rest = list[Trial]()
        resumed = backpass.tune(numbers(), "y", trials=3, folds=2, state=state, on_trial=rest.append, **QUICK)
        assert len(done) + len(rest) == fits, "no fit is done twice"
        assert facts(resumed.trials) == facts(whole.trials)
        assert resumed.model.to_bytes() == whole.model.to_bytes()
        assert not state.exists()


def test_a_search_that_continues_with_fewer_or_more_trials(tmp_path: Path) -> None:
    state, done = tmp_path / "s.search", list[Trial]()

    def stop(trial: Trial) -> None:
        done.append(trial)
        if trial.number == 3:
            raise _Stop

    with pytest.raises(_Stop):
        backpass.tune(numbers(), "y", trials=6, folds=2, state=state, on_trial=stop, **QUICK)
    kept = state.read_bytes()
    for trials in (2, 4):
        state.write_bytes(kept)
        found = backpass.tune(numbers(), "y", trials=trials, folds=2, state=state, **QUICK)
        assert facts(found.trials) == facts(backpass.tune(numbers(), "y", trials=trials, folds=2, **QUICK).trials)


class _Remembered(Search):
    """A search that fits each model once, however often it is asked for its scores."""

    known: ClassVar[dict[str, Any]] = {}

    def scores(self, changes: Any, number: int, callbacks: Any = ()) -> Any:
        key = repr((dict(changes), number))
        if key not in self.known:
            self.known[key] = super().scores(changes, number)
        return self.known[key]


def test_the_budget_only_decides_how_many_trials_are_reached() -> None:
    """Whenever the clock runs out, the search is one of so many trials."""
    search = _Remembered.of(table_from(numbers()), "y", Settings.of(QUICK), 3)
    assert isinstance(search, _Remembered)
    reached = set[int]()
    for budget in range(4, 70, 3):
        ticks = count()
        runner = TrialRunner(
            search, Journal(None, {}), Limit(seconds=budget), clock=lambda ticks=ticks: float(next(ticks))
        )
        (*_,) = runner.steps()
        assert runner.ended == "budget"
        complete = len(runner.leaderboard)
        assert runner.left_out is None or runner.left_out.trial == complete + 1
        again = TrialRunner(search, Journal(None, {}), Limit(trials=complete))
        (*_,) = again.steps()
        assert again.ended == "trials"
        assert facts(again.leaderboard) == facts(runner.leaderboard)
        reached.add(len(runner.leaderboard))
    assert len(reached) > 4


def test_a_run_ends_after_the_epoch_in_which_its_time_is_over() -> None:
    search = Search.of(table_from(numbers()), "y", Settings.of({**QUICK, "epochs": 100_000}), 2)
    runner = TrialRunner(search, Journal(None, {}), Limit(seconds=50.0), clock=map(float, count()).__next__)
    assert [*runner.steps()] == []
    with pytest.raises(UsageError, match="a budget of 50 seconds is too small for one trial"):
        _ = runner.leaderboard


def test_time_before_an_interruption_counts(tmp_path: Path) -> None:
    search = Search.of(table_from(numbers()), "y", Settings.of(QUICK), 3)
    journal = Journal.of(tmp_path / "s.search", identity_of(search))
    (*_,) = TrialRunner(search, journal, Limit(2)).steps()
    before = Journal.of(tmp_path / "s.search", identity_of(search))
    before.seconds = 1e6
    runner = TrialRunner(search, before, Limit(seconds=1000.0))
    assert [*runner.steps()] == []
    assert runner.ended == "budget"
    assert len(runner.leaderboard) == 2


def test_a_larger_budget_continues_with_the_trial_that_was_left_out(tmp_path: Path) -> None:
    """No fit is done twice, except the one that the budget cut off."""
    search = _Remembered.of(table_from(numbers()), "y", Settings.of(QUICK), 3)
    left_out = set[bool]()
    for budget in range(10, 60, 4):
        state, done = tmp_path / f"{budget}.search", list[tuple[int, int]]()
        runner = TrialRunner(
            search, Journal.of(state, identity_of(search)), Limit(seconds=budget), clock=map(float, count()).__next__
        )
        done += [(trial.number, trial.folds) for trial in runner.steps()]
        runner.close()
        assert Journal.of(state, identity_of(search)).seconds > 0
        before = runner.leaderboard
        if runner.left_out is not None:
            since = done.index((runner.left_out.trial, 1)) if runner.left_out.fits else len(done)
            assert len(done) - since == runner.left_out.fits
            assert runner.left_out.trial not in [trial.number for trial in before]
            left_out.add(runner.left_out.fits > 0)
        more = TrialRunner(search, Journal.of(state, identity_of(search)), Limit(trials=len(before) + 3))
        done += [(trial.number, trial.folds) for trial in more.steps()]
        more.close()
        assert len(done) == len({*done})
        whole = TrialRunner(search, Journal(None, {}), Limit(trials=len(before) + 3))
        assert done == [(trial.number, trial.folds) for trial in whole.steps()]
        assert facts(more.leaderboard) == facts(whole.leaderboard)
        assert not state.exists()
    assert left_out == {True, False}


def test_a_search_that_its_budget_ended_is_replaced_by_another(tmp_path: Path) -> None:
    search, other = (_Remembered.of(table_from(numbers()), "y", Settings.of({**QUICK, "seed": k}), 3) for k in (0, 1))
    state = tmp_path / "s.search"
    (*_,) = TrialRunner(search, Journal.of(state, identity_of(search)), Limit(2)).steps()
    with pytest.raises(ModelFileError, match="belongs to another search"):  # interrupted
        Journal.of(state, identity_of(other))
    (*_,) = TrialRunner(search, Journal.of(state, identity_of(search)), Limit(seconds=1e-9)).steps()
    replaced = Journal.of(state, identity_of(other))
    assert replaced.note == f"{state} holds the trials of another search, which had ended; they are replaced"
    assert replaced.fits == []
    assert len(Journal.of(state, identity_of(search)).fits) >= 2


def test_python_names_the_trial_that_the_budget_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = map(float, count())
    monkeypatch.setattr("backpass.model.tuning.tuning.TrialRunner", partial(TrialRunner, clock=clock.__next__))
    state = tmp_path / "s.search"
    found = backpass.tune(numbers(60), "y", budget=40.0, folds=2, state=state, **QUICK)
    assert found.ended == "budget"
    assert found.left_out == len(found.trials) + 1
    assert state.exists()
    with pytest.warns(BackpassWarning, match="holds the trials of another search, which had ended; they are replaced"):
        backpass.tune(numbers(60), "y", trials=1, folds=2, state=state, seed=1, **QUICK)
    assert not state.exists()


def test_the_portfolio_ends() -> None:
    settings: dict[str, Any] = {**QUICK, "learning_rate": 0.1, "dropout": 0.1, "activation": "relu"}
    found = backpass.tune(numbers(40), "y", trials=10_000, folds=2, **settings)
    assert found.ended == "exhausted"
    assert len(found.trials) == len([*configurations(settings, "regression", 100)]) == 3


# Bad input ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("budget", ["", "soon", "10x", "-1m", "0", 0, -3, float("nan"), float("inf"), True, "1m1h"])
def test_a_budget_that_is_no_time(budget: Any) -> None:
    with pytest.raises(UsageError, match="budget must be a time above 0, such as 90s, 10m or 1h30m; got"):
        backpass.tune(numbers(), "y", budget=budget, **QUICK)


def test_how_a_budget_is_written() -> None:
    found = [seconds_of(text) for text in ("90s", "10m", "10min", "1h30m", "1.5h", " 2 m ", "1H", "45", "0.5s")]
    assert found == [90.0, 600.0, 600.0, 5400.0, 5400.0, 120.0, 3600.0, 45.0, 0.5]


def test_a_budget_too_small_for_one_trial(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a budget of 1e-09 seconds is too small for one trial"):
        backpass.tune(numbers(), "y", budget=1e-9, state=tmp_path / "s.search", **QUICK)
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("trials", [0, -1, 1.5, "3", True])
def test_a_number_of_trials_that_is_none(trials: Any) -> None:
    with pytest.raises(UsageError, match="trials must be a whole number of at least 1"):
        backpass.tune(numbers(), "y", trials=trials, **QUICK)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"target": "z"}, DataError, "target column 'z' not found"),
        ({"folds": 1}, UsageError, "folds must be a whole number of at least 2"),
        ({"folds": 100}, DataError, "100 folds need at least 200 rows"),
        ({"learningrate": 0.1}, UsageError, "unknown setting 'learningrate'"),
        ({"metric": "roc_auc"}, UsageError, "metric 'roc_auc' does not work with target 'y'"),
        ({"loss": "cross_entropy"}, UsageError, "loss 'cross_entropy' does not work with target 'y'"),
        ({"group": "y"}, UsageError, "group 'y' is the target"),
        ({"time": "nowhere"}, DataError, "nowhere"),
        ({"state": "nowhere/s.search"}, ResourceError, "there is no folder"),
    ],
)
def test_other_arguments_that_cannot_be_used(arguments: dict[str, Any], error: type[Exception], text: str) -> None:
    options = {"target": "y", "trials": 2, **QUICK, **arguments}
    with pytest.raises(error, match=text):
        backpass.tune(numbers(), **options)


def test_a_state_of_another_search(tmp_path: Path) -> None:
    state = tmp_path / "s.search"

    def stop(trial: Trial) -> None:
        raise _Stop

    with pytest.raises(_Stop):
        backpass.tune(numbers(), "y", trials=2, state=state, on_trial=stop, **QUICK)
    kept = state.read_bytes()
    changed = numbers()
    changed.loc[0, "a"] += 1.0
    for table, options, what in (
        (changed, {}, "the rows"),
        (numbers(), {"seed": 3}, "settings: was"),
        (numbers(), {"folds": 3}, "folds: was 4, is 3"),
        (numbers(), {"drop": ["b"]}, "drop: was"),
    ):
        with pytest.raises(ModelFileError, match="belongs to another search") as failed:
            backpass.tune(table, "y", trials=2, state=state, **{**QUICK, **options})  # type: ignore[arg-type]
        assert any(fault.startswith(what) for fault in failed.value.details)
        assert state.read_bytes() == kept
    state.write_bytes(kept[:-3] + b"xyz")
    with pytest.raises(ModelFileError, match="is damaged"):
        backpass.tune(numbers(), "y", trials=2, state=state, **QUICK)
    backpass.fit(numbers(), "y", **QUICK).save(state)
    with pytest.raises(ModelFileError, match="is a model; expected a search"):
        backpass.tune(numbers(), "y", trials=2, state=state, **QUICK)


def test_trials_that_diverge_lose_and_all_of_them_are_an_error() -> None:
    wild: dict[str, Any] = {**QUICK, "optimizer": "sgd", "learning_rate": 1e30, "epochs": 20}
    with pytest.raises(DivergedError, match="no trial could be fitted") as failed:
        backpass.tune(numbers(), "y", trials=2, **wild)
    assert failed.value.details[0].startswith("trial 1: training diverged")
    search = Search.of(table_from(numbers()), "y", Settings.of(QUICK))
    runner = TrialRunner(search, Journal(None, {}), Limit(3))
    runner._changes.clear()
    runner._supply = iter([{"learning_rate": 1e30, "optimizer": "sgd"}, {}, {"dropout": 0.1}])
    (*_,) = runner.steps()
    last = runner.leaderboard[-1]
    assert last.number == 1
    assert last.failure.startswith("training diverged")
    assert last.folds == 0


# Halving and the portfolio --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folds", [2, 3, 4, 5, 8])
@pytest.mark.parametrize("seed", range(5))
def test_successive_halving(folds: int, seed: int) -> None:
    """Of n trials, half reach the second rung, a quarter the third ..., and the best on the first fold goes on."""
    rng = np.random.default_rng(seed)
    losses, rungs = rng.normal(size=(40, folds)), rungs_of(folds)
    assert rungs[0] == 1
    assert rungs[-1] == folds
    assert list(rungs) == sorted(set(rungs))
    trials = list[Trial]()
    for number in range(1, 41):
        trial: Trial | None = Trial(number, {}, "rmse")
        trials.append(Trial(number, {}, "rmse"))
        while trial is not None:
            done = trials[trial.number - 1]
            scores = (*done.scores, {"rmse": float(losses[trial.number - 1, done.folds])})
            trials[trial.number - 1] = Trial(trial.number, {}, "rmse", scores)
            trial = to_continue(trials, rungs)
        assert all(each.folds in rungs for each in trials)
        if number > 1:
            best = int(np.argmin(losses[:number, 0]))
            assert trials[best].folds > 1
        for i in range(1, len(rungs)):
            reached = sum(each.folds >= rungs[i] for each in trials)
            before = sum(each.folds >= rungs[i - 1] for each in trials)
            assert before // 2 <= reached
    counts = [sum(each.folds >= rung for each in trials) for rung in rungs]
    assert counts[0] == 40
    assert counts[-1] < 40
    assert sum(each.folds for each in trials) < 40 * folds
    board = ranked(trials, rungs)
    assert board[0].folds == folds
    assert board[0].score == min(each.score for each in trials if each.folds == folds)


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
@pytest.mark.parametrize(
    "given",
    [{}, {"preset": "fast"}, {"preset": "plain"}, {"hidden": (8, 8)}, {"dropout": 0.5, "epochs": 7}, {"seed": 9}],
)
def test_the_portfolio_keeps_what_the_user_set_and_repeats_nothing(task: str, given: dict[str, Any]) -> None:
    found = [*configurations(given, task, 500)]
    assert len(found) > 20
    assert found == [*configurations(given, task, 500)]
    resolved = [Settings.of({**given, **each}, task, 500) for each in found]
    assert all(not given.keys() & each.keys() for each in found)
    assert len({repr({**each.to_json(), "preset": ""}) for each in resolved}) == len(found)
    assert {each.validation_fraction for each in resolved} == {0.16}
    if "preset" in given:
        assert {each.preset for each in resolved} == {given["preset"]}
    else:
        assert {"default", "fast", "plain", "realmlp", "best"} == {each.preset for each in resolved}


def test_configurations_that_contradict_the_user_are_left_out() -> None:
    found = [*configurations({"wire": (("u", ("a",)),)}, "regression", 500)]
    assert found
    assert all(each["preset"] == "plain" for each in found)
    with pytest.raises(UsageError):
        next(configurations({"task": "regression", "loss": "cross_entropy"}, "regression", 500))

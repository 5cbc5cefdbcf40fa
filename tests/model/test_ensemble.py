"""Ensembles: members train alone to the same bits, predictions are averaged, folds divide the rows, files come back."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from backpass.engine import ENGINES
from backpass.errors import DivergedError, InterruptedTraining, ModelFileError
from backpass.model import Model, fit, from_bytes
from backpass.model.file.container import pack, unpack
from backpass.model.fitting.problem.preparation import make_problem
from backpass.model.fitting.problem.problem import Problem
from backpass.model.fitting.runs.ensemble import Member, members_of, pooled
from backpass.model.settings.settings import Settings
from backpass.model.split.splits import split_folds
from backpass.table import table_from
from backpass.training import Callback, EpochRecord, Progress, TrainingResult

Columns = dict[str, list[Any]]
QUICK = {"hidden": (6,), "epochs": 3, "batch_size": 16}


def members(columns: Columns, target: str, **settings: Any) -> tuple[Problem, list[Member]]:
    problem = make_problem(table_from(columns), target, Settings.of({**QUICK, **settings}))
    return problem, members_of(problem)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_folds_divide_the_training_and_validation_rows(each_target: tuple[str, Columns], count: int) -> None:
    target, columns = each_target
    problem, found = members(columns, target, ensemble_size=count)
    pool = pooled(problem)
    assert pool.rows == 96
    assert [member.fold for member in found] == [*problem.folds]
    assert sorted(np.concatenate([fold.validation for fold in problem.folds])) == list(range(96))
    for member, fold in zip(found, problem.folds, strict=True):
        train, validation = (member.problem.parts[name] for name in ("train", "validation"))
        assert {*member.problem.parts} == {"train", "validation"}
        assert validation.rows in (96 // count, 96 // count + 1)
        assert train.rows + validation.rows == 96
        assert validation.truth.tolist() == pool.truth[fold.validation].tolist()
        assert train.truth.tolist() == pool.truth[fold.train].tolist()
        assert sorted([*fold.train, *fold.validation]) == list(range(96))
        assert not fold.test.size
        if target != "price":
            shares = [np.bincount(part.truth, minlength=3) / part.rows for part in (validation, pool)]
            np.testing.assert_allclose(*shares, atol=1.01 / validation.rows)


def test_folds_have_their_share_of_each_set_of_labels() -> None:
    y = np.array([[0, 0]] * 40 + [[1, 0]] * 20 + [[1, 1]] * 20)
    folds = split_folds(y, Settings.of({**QUICK, "ensemble_size": 4}), by_class=True)
    assert len(folds) == 4
    for fold in folds:
        assert np.unique(y[fold.validation], axis=0, return_counts=True)[1].tolist() == [10, 5, 5]


def test_members_on_one_split_share_its_rows(houses: Columns) -> None:
    problem, found = members(houses, "price", ensemble_size=3, ensemble_split="split")
    assert all(member.problem.parts is problem.parts for member in found)
    seeds = {member.problem.settings.seed for member in found}
    assert len(seeds) == 3
    assert problem.settings.seed in seeds
    more = members(houses, "price", ensemble_size=3, ensemble_split="split", seed=1)[1]
    assert not seeds & {member.problem.settings.seed for member in more}


@pytest.mark.parametrize("rows", ["folds", "split"])
def test_each_member_has_the_bits_of_training_it_alone(each_target: tuple[str, Columns], rows: str) -> None:
    target, columns = each_target
    model = fit(columns, target, **QUICK, ensemble_size=3, ensemble_split=rows)
    _, found = members(columns, target, ensemble_size=3, ensemble_split=rows)
    assert model.theta.shape == (3, model.network.parameter_count)
    for theta, member in reversed(list(zip(model.theta, found, strict=True))):
        assert theta.tobytes() == member.problem.train().theta.tobytes()


@pytest.mark.parametrize("rows", ["folds", "split"])
def test_members_start_from_waves_of_the_scale_whose_turn_it_is(houses: Columns, rows: str) -> None:
    wishes = {
        "numerical_embedding": "periodic",
        "frequency_scale": (0.1, 2.0),
        "ensemble_size": 3,
        "ensemble_split": rows,
    }
    problem, found = members(houses, "price", **wishes)
    starts = [problem.network.layout.views(each.problem.first_theta())["frequency0"] for each in found]
    assert [float(np.std(start)) for start in starts] == pytest.approx([0.1, 2.0, 0.1], rel=0.4)
    model = fit(houses, "price", **QUICK, **wishes)
    assert model.network == problem.network
    for theta, each in zip(model.theta, found, strict=True):
        assert theta.tobytes() == each.problem.train().theta.tobytes()


def test_predictions_are_averaged(each_target: tuple[str, Columns]) -> None:
    target, columns = each_target
    model = fit(columns, target, **QUICK, ensemble_size=3)
    alone = [replace(model, theta=theta) for theta in model.theta]
    if target == "price":
        expected = np.mean([each.predict(columns) for each in alone], axis=0)
        np.testing.assert_allclose(model.predict(columns), expected, rtol=1e-5)
    else:
        expected = np.mean([each.predict_proba(columns) for each in alone], axis=0)
        np.testing.assert_allclose(model.predict_proba(columns), expected, rtol=1e-5, atol=1e-7)


def test_validation_scores_are_out_of_fold(houses: Columns) -> None:
    """Each row is predicted by the member that did not train on it."""
    model = fit(houses, "price", **QUICK, ensemble_size=4)
    _, found = members(houses, "price", ensemble_size=4)
    errors = []
    for theta, member in zip(model.theta, found, strict=True):
        part = member.problem.parts["validation"]
        predicted = model.head.predictions(model.network(theta, part.x))
        errors += list(predicted - part.truth)
    assert model.record.scores["validation"]["rmse"] == pytest.approx(
        float(np.sqrt(np.mean(np.square(errors)))), rel=1e-6
    )
    assert model.record.rows == {"train": 96, "validation": 96, "test": 24}
    assert model.record.baselines["mean"]["validation"].keys() == model.record.scores["validation"].keys()
    assert any("4 networks, each trained on 3 of 4 folds" in note for note in model.record.notes)
    assert [member["epochs"] for member in model.record.members] == [3] * 4


@pytest.mark.parametrize("settings", [{"ensemble_size": 3}, {"ensemble_size": 2, "preset": "default"}], ids=str)
def test_the_same_bytes_again_and_back_from_the_file(
    each_target: tuple[str, Columns], settings: dict[str, Any]
) -> None:
    target, columns = each_target
    model = fit(columns, target, **QUICK, **settings)
    data = model.to_bytes()
    assert data == fit(columns, target, **QUICK, **settings).to_bytes() == from_bytes(data).to_bytes()
    assert from_bytes(data).predict(columns).tolist() == model.predict(columns).tolist()


@pytest.mark.parametrize("rows", [1, 2, 9, 10, 15])
def test_few_rows_share_what_there_is(rows: int) -> None:
    """Too few for folds: the members share the rows and differ by their seeds."""
    columns = {"x": np.arange(float(rows)).tolist(), "y": (0.5 + np.arange(float(rows)) ** 2).tolist()}
    problem, _ = members(columns, "y", ensemble_size=8, task="regression")
    assert not problem.folds
    model = fit(columns, "y", **QUICK, ensemble_size=8, task="regression")
    assert model.theta.shape[0] == 8
    assert np.isfinite(model.predict(columns)).all()


def test_folds_without_validation_rows_of_their_own(houses: Columns) -> None:
    model = fit(houses, "price", **QUICK, ensemble_size=4, validation_fraction=0.0)
    assert model.record.rows == {"train": 96, "validation": 96, "test": 24}
    assert model.record.scores.keys() == {"validation", "test"}


def test_features_are_those_of_the_members_side_by_side(houses: Columns) -> None:
    """eq. (2.21), each member's own"""
    model = fit(houses, "price", **QUICK, ensemble_size=3)
    alone = [replace(model, theta=theta).features(houses) for theta in model.theta]
    assert all(each.shape == (120, 6) for each in alone)
    assert model.features(houses).tobytes() == np.concatenate(alone, axis=1).tobytes()


# Ends -----------------------------------------------------------------------------------------------------------------


def test_who_watches_sees_one_long_run(houses: Columns, watching: Callable[..., Any]) -> None:
    watcher = watching()
    fit(houses, "price", **QUICK, ensemble_size=4, threads=1, callbacks=[watcher])
    assert watcher.starts == [(60, 5)]
    assert {0, 15, 30, 45} <= {*watcher.steps} <= {*range(60)}
    assert watcher.steps == sorted(watcher.steps)
    assert watcher.epochs == list(range(1, 13))
    assert watcher.ends == ["finished"]


@pytest.mark.parametrize(("stop_after", "networks"), [(2, 1), (4, 2), (6, 2)])
def test_a_run_that_is_stopped_keeps_the_networks_it_has(
    houses: Columns, stop_after: int, networks: int, watching: Callable[..., Any]
) -> None:
    watcher = watching(stop_after)
    model = fit(houses, "price", **QUICK, ensemble_size=4, threads=1, callbacks=[watcher])
    assert model.theta.shape[0] == networks
    assert watcher.ends == ["stopped"]
    assert from_bytes(model.to_bytes()).predict(houses).tolist() == model.predict(houses).tolist()


def test_a_network_that_diverges_is_named(houses: Columns) -> None:
    with pytest.raises(DivergedError, match="training diverged in network 1 of 3, "):
        fit(houses, "price", **QUICK, ensemble_size=3, threads=1, optimizer="sgd", learning_rate=1e30)


def test_time_is_divided_among_the_networks(houses: Columns) -> None:
    problem, found = members(houses, "price", ensemble_size=4, max_seconds=2.0)
    assert [member.problem.settings.max_seconds for member in found] == [0.5] * 4
    assert [member.problem.settings.max_seconds for member in members_of(problem, at_once=3)] == [1.0] * 4
    model = fit(houses, "price", **{**QUICK, "epochs": 10_000_000}, ensemble_size=2, max_seconds=0.4)
    assert model.theta.shape[0] == 2
    assert model.record.reason == "time"


needs_threads = pytest.mark.skipif("native" not in ENGINES, reason="the compiled core was not built")


@needs_threads
@pytest.mark.parametrize("threads", [2, 3, 8])
def test_side_by_side_the_bits_are_the_same_and_who_watches_sees_one_run(
    houses: Columns, threads: int, watching: Callable[..., Any]
) -> None:
    watcher = watching()
    model = fit(houses, "price", **QUICK, ensemble_size=4, engine="native", threads=threads, callbacks=[watcher])
    assert model.to_bytes() == fit(houses, "price", **QUICK, ensemble_size=4, engine="native", threads=1).to_bytes()
    assert watcher.starts == [(60, 5)]
    assert watcher.steps == sorted(watcher.steps)
    assert watcher.epochs == list(range(1, 13))
    assert watcher.ends == ["finished"]


@needs_threads
def test_side_by_side_one_that_is_stopped_stops_all(houses: Columns, watching: Callable[..., Any]) -> None:
    watcher = watching(stop_after=5)
    model = fit(houses, "price", **{**QUICK, "epochs": 500}, ensemble_size=4, threads=2, callbacks=[watcher])
    assert model.theta.shape[0] in (1, 2), "the other one may not have begun"
    assert model.record.reason == "stopped"
    assert len(watcher.epochs) <= 7, "the other one ends with its epoch"


@needs_threads
def test_side_by_side_one_that_diverges_ends_all(houses: Columns) -> None:
    with pytest.raises(DivergedError, match=r"training diverged in network [12] of 4, "):
        fit(houses, "price", **QUICK, ensemble_size=4, threads=2, optimizer="sgd", learning_rate=1e30)


@needs_threads
def test_side_by_side_what_goes_wrong_in_a_thread_is_raised(houses: Columns) -> None:
    class Broken(Callback):
        def on_epoch(self, record: EpochRecord, progress: Progress) -> bool | None:
            raise ZeroDivisionError("in a callback")

    with pytest.raises(ZeroDivisionError, match="in a callback"):
        fit(houses, "price", **{**QUICK, "epochs": 100_000}, ensemble_size=4, threads=2, callbacks=[Broken()])


@needs_threads
def test_side_by_side_interruption_keeps_what_was_trained(houses: Columns) -> None:
    class Interrupting(Callback):
        def on_epoch(self, record: EpochRecord, progress: Progress) -> bool | None:
            if record.epoch == 4:
                signal.raise_signal(signal.SIGINT)
            return None

    watchers = [Interrupting()]
    with pytest.raises(InterruptedTraining) as caught:
        fit(houses, "price", **{**QUICK, "epochs": 100_000}, ensemble_size=4, threads=2, callbacks=watchers)
    assert caught.value.signal == signal.SIGINT
    assert isinstance(caught.value.model, Model)
    assert 1 <= caught.value.model.theta.shape[0] <= 2


@pytest.mark.parametrize("change", ["a network less", "a member less", "three dimensions"])
def test_files_that_contradict_themselves(houses: Columns, change: str) -> None:
    facts, arrays = unpack(fit(houses, "price", **QUICK, ensemble_size=2).to_bytes(), "model", "m")
    facts, arrays = json.loads(json.dumps(facts)), dict(arrays)
    if change == "a member less":
        facts["record"]["members"].pop()
    else:
        arrays["theta"] = arrays["theta"][:1] if change == "a network less" else arrays["theta"][None]
    with pytest.raises(ModelFileError):
        from_bytes(pack("model", facts, arrays))


def test_interruption_keeps_what_was_trained(houses: Columns, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[int] = []
    train: Callable[..., TrainingResult] = Problem.train

    def interrupted(self: Problem, **options: Any) -> TrainingResult:
        result = train(self, **options)
        runs.append(1)
        if len(runs) < 2:
            return result
        options["stop"].signal = signal.SIGINT
        return replace(result, reason="interrupted", signal=signal.SIGINT)

    monkeypatch.setattr(Problem, "train", interrupted)
    with pytest.raises(InterruptedTraining) as caught:
        fit(houses, "price", **QUICK, ensemble_size=4, threads=1)
    assert isinstance(caught.value.model, Model)
    assert caught.value.model.theta.shape[0] == 2

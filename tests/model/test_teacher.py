"""A teacher: the predictions of another model in the loss, next to the target, and never among the inputs."""

from __future__ import annotations

import itertools
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from backpass import Callback
from backpass.errors import BackpassError, BackpassWarning, DataError, InterruptedTraining, ModelFileError, UsageError
from backpass.model import Model, Settings, cross_validate, fit, load, make_problem
from backpass.model.fitting.problem.problem import Problem
from backpass.model.fitting.teaching.scores import outputs_of_teacher
from backpass.model.tuning.tuning import tune
from backpass.table import table_from

N = 160
RNG = np.random.default_rng(5)
X = RNG.normal(size=N)
Z = RNG.normal(size=N)
SIGNAL = np.sin(2.0 * X) + 0.5 * Z
Y = SIGNAL + RNG.normal(0.0, 0.5, N)
ODDS = np.exp(np.stack([SIGNAL, -SIGNAL, 0.3 * X], axis=1))
P3 = ODDS / ODDS.sum(axis=1, keepdims=True)
CLASSES = np.array(["blue", "green", "red"])
COLOR = CLASSES[[int(RNG.choice(3, p=p)) for p in P3]]
P = 1.0 / (1.0 + np.exp(-SIGNAL))
SOLD = np.where(RNG.random(N) < P, "yes", "no")
INPUTS: dict[str, Any] = {"x": X, "z": Z}
QUICK: dict[str, Any] = {"hidden": (6,), "epochs": 4, "test_fraction": 0.2, "validation_fraction": 0.2}
NO_SPLIT: dict[str, Any] = {"hidden": (), "test_fraction": 0.0, "validation_fraction": 0.0}


def problem_of(target: Any, teacher: Any, weight: float = 0.5, **more: Any) -> Problem:
    """The problem of all rows, with or without weights."""
    names = {"weight": "w"} if "w" in target else {}
    settings = Settings.of({**NO_SPLIT, "hidden": (3,), "precision": "float64", "teacher_weight": weight, **more})
    y = [name for name in target if name != "w"]
    return make_problem(table_from({**INPUTS, **target}), y, settings, teacher=teacher, **names)


def objective_at(problem: Problem, theta: NDArray[Any]) -> float:
    """J of all rows as the training step has it: the first loss of one step over all of them."""
    seen: list[float] = []

    class Watch(Callback):
        def on_update(self, record: Any) -> None:
            seen.append(record.J)

    one = Settings.of({**dict(problem.settings.given), "sampling": "full", "max_steps": 1})
    replace(problem, settings=one).train(theta=theta, callbacks=[Watch()])
    return seen[0]


def order_of(problem: Problem) -> NDArray[np.intp]:
    """The row of the table that each training row is."""
    ranks = np.argsort(np.argsort(problem.parts["train"].x[:, 0]))
    return np.argsort(X)[ranks]


def outputs(problem: Problem, theta: NDArray[Any]) -> NDArray[np.float64]:
    found = problem.network(theta, problem.parts["train"].x, None)
    return np.asarray(found, dtype=np.float64)


def cross_entropy(o: NDArray[np.float64], p: NDArray[np.float64]) -> NDArray[np.float64]:
    logs = o - np.log(np.exp(o).sum(axis=1, keepdims=True))
    return -(p * logs).sum(axis=1)


def binary(o: NDArray[np.float64], p: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.log1p(np.exp(o)) - p * o


def by_hand(kind: str, problem: Problem, o: NDArray[np.float64], teacher: NDArray[np.float64]) -> NDArray[np.float64]:
    """The loss of the target and that of the teacher on each row (2, n), without weights."""
    truth, scales = problem.parts["train"].truth, problem.head.scales
    if kind in ("number", "numbers"):
        centers, widths = np.array([each.center for each in scales]), np.array([each.scale for each in scales])
        y, t = ((each.reshape(N, -1) - centers) / widths for each in (truth, teacher))
        return np.stack([0.5 * ((o - each) ** 2).sum(axis=1) for each in (y, t)])
    if kind == "counts":
        return np.stack([np.exp(o[:, 0]) - each * o[:, 0] for each in (truth, teacher)])
    if kind == "classes":
        return np.stack([cross_entropy(o, np.eye(3)[truth]), cross_entropy(o, teacher)])
    if kind == "two":
        return np.stack([binary(o[:, 0], truth), binary(o[:, 0], teacher[:, 1])])
    return np.stack([binary(o, each).mean(axis=1) for each in (truth, teacher)])


COUNTS = np.random.default_rng(1).poisson(np.exp(0.5 * SIGNAL)).astype(float)
CASES: dict[str, tuple[dict[str, Any], NDArray[Any], dict[str, Any]]] = {
    "number": ({"y": Y}, SIGNAL, {}),
    "numbers": ({"y": Y, "y2": 3.0 * Y + X}, np.stack([SIGNAL, 3.0 * SIGNAL], axis=1), {}),
    "counts": ({"y": COUNTS}, np.exp(0.5 * SIGNAL), {"loss": "poisson"}),
    "classes": ({"y": COLOR}, P3, {}),
    "two": ({"y": SOLD}, np.stack([1.0 - P, P], axis=1), {}),
    "labels": ({"a": (Y > 0) * 1, "b": (Y > 1) * 1}, np.stack([P, 0.5 * P], axis=1), {"task": "classification"}),
}


@pytest.mark.parametrize(("kind", "weighted"), [*itertools.product(CASES, [False, True])])
def test_the_objective_is_the_mixture_of_both_losses(kind: str, weighted: bool) -> None:
    target, teacher, more = CASES[kind]
    missing = np.arange(N) % 7 == 0
    given = teacher.copy()
    given[missing] = np.nan
    w = np.random.default_rng(2).uniform(0.5, 2.0, N) if weighted else np.ones(N)
    problem = problem_of({**target, **({"w": w} if weighted else {})}, given, weight=0.3, **more)
    theta = problem.first_theta() + 0.1 * np.random.default_rng(4).normal(size=problem.network.parameter_count)
    o = outputs(problem, theta)
    order = order_of(problem)
    own, taught = by_hand(kind, problem, o, teacher[order])
    share, w = np.where(missing, 0.0, 0.3)[order], w[order]
    expected = ((1.0 - share) * own + share * taught) @ w / w.sum()
    assert objective_at(problem, theta) == pytest.approx(expected, rel=1e-10)


def test_with_class_weights_the_classes_of_the_teacher_have_them_too() -> None:
    factors = {"blue": 1.0, "green": 5.0, "red": 0.5}
    problem = problem_of({"y": COLOR}, P3, class_weight=factors)
    theta = problem.first_theta() + 0.1
    logs = -np.stack([cross_entropy(outputs(problem, theta), np.eye(3)[np.full(N, c)]) for c in range(3)], axis=1)
    w = np.array(list(factors.values()))
    truth, p = problem.parts["train"].truth, P3[order_of(problem)]
    own, taught = -(w[truth] * logs[np.arange(N), truth]), -(p * w * logs).sum(axis=1)
    whole = (0.5 * w[truth] + 0.5 * (p * w).sum(axis=1)).mean()
    assert objective_at(problem, theta) == pytest.approx((0.5 * own + 0.5 * taught).mean() / whole, rel=1e-10)


@pytest.mark.parametrize("class_weight", [None, {"blue": 1.0, "green": 8.0, "red": 3.0}])
def test_a_constant_learns_the_mean_of_frequencies_and_teacher(class_weight: Any) -> None:
    wanted = 0.75 * np.array([np.mean(name == COLOR) for name in CLASSES]) + 0.25 * np.array([0.1, 0.2, 0.7])
    more = {} if class_weight is None else {"class_weight": class_weight}
    model = fit(
        {"x": np.arange(N) % 2, "y": COLOR},
        "y",
        teacher=np.tile([0.1, 0.2, 0.7], (N, 1)),
        teacher_weight=0.25,
        learning_rate=0.05,
        epochs=300,
        sampling="full",
        precision="float64",
        **more,
        **NO_SPLIT,
    )
    found = model.predict_proba({"x": np.arange(2)}).mean(axis=0)
    np.testing.assert_allclose(found, wanted, atol=0.01)


def test_with_the_whole_weight_the_targets_teach_nothing_but_their_scale() -> None:
    shuffled = {**INPUTS, "y": Y[::-1].copy()}
    one, other = (
        fit(data, "y", teacher=SIGNAL, teacher_weight=1.0, epochs=3, precision="float64", **NO_SPLIT)
        for data in ({**INPUTS, "y": Y}, shuffled)
    )
    np.testing.assert_allclose(one.predict(INPUTS), other.predict(INPUTS), rtol=1e-9)


def test_rows_without_a_prediction_learn_from_the_target_alone() -> None:
    given = SIGNAL.copy()
    given[1:] = np.nan
    model = fit({**INPUTS, "y": Y}, "y", teacher=given, **QUICK)
    assert any(
        "have no prediction of the teacher and learn from the target alone" in note for note in model.record.notes
    )


# Columns --------------------------------------------------------------------------------------------------------------


def test_the_columns_of_the_teacher_are_no_inputs_and_predictions_need_none() -> None:
    model = fit({**INPUTS, "t": SIGNAL, "y": Y}, "y", teacher="t", **QUICK)
    assert [feature.name for feature in model.schema.features] == ["x", "z"]
    assert model.predict(INPUTS).shape == (N,)
    assert model.record.teacher is not None
    assert model.record.teacher["columns"] == ["t"]


ORDERED: dict[str, Any] = {"p(blue)": P3[:, 0], "p(green)": P3[:, 1], "p(red)": P3[:, 2]}
FORMS: list[Any] = [
    P3,
    P3.tolist(),
    pd.DataFrame(P3, columns=["b", "g", "r"]),
    {"forest_red": P3[:, 2], "forest_blue": P3[:, 0], "forest_green": P3[:, 1]},
    pd.DataFrame(ORDERED)[["p(red)", "p(blue)", "p(green)"]],
    ["p(green)", "p(red)", "p(blue)"],
]


@pytest.mark.parametrize("teacher", FORMS, ids=["array", "lists", "unnamed frame", "dict", "named frame", "columns"])
def test_every_form_of_the_same_predictions_trains_the_same_network(teacher: Any) -> None:
    data = {**INPUTS, **ORDERED, "y": COLOR}
    wanted = fit(data, "y", teacher=list(ORDERED), **QUICK)
    own = data if isinstance(teacher, list) and isinstance(teacher[0], str) else {**INPUTS, "y": COLOR}
    found = fit(own, "y", teacher=teacher, **QUICK)
    np.testing.assert_array_equal(found.theta, wanted.theta)


@pytest.mark.parametrize(
    ("teacher", "positive"),
    [({"p(yes)": P}, None), ({"p(no)": 1.0 - P}, None), (P, "yes"), (1.0 - P, "no")],
    ids=["its name", "name of the other", "positive", "other positive"],
)
def test_one_column_of_two_classes_is_the_class_in_its_name_or_the_positive_one(teacher: Any, positive: Any) -> None:
    data, more = {**INPUTS, "y": SOLD}, {} if positive is None else {"positive": positive}
    wanted = make_problem(table_from(data), "y", Settings.of(QUICK), teacher=np.stack([1.0 - P, P], axis=1))
    found = make_problem(table_from(data), "y", Settings.of({**QUICK, **more}), teacher=teacher)
    for name in ("train", "test"):
        np.testing.assert_allclose(found.parts[name].teacher, wanted.parts[name].teacher, atol=1e-12)
    assert any("is the probability of class" in note for note in found.notes) == (positive is not None)


def _changed(values: NDArray[Any], row: int, value: float) -> NDArray[Any]:
    found = np.array(values, dtype=float)
    found.reshape(N, -1)[row, 0] = value
    return found


BAD: dict[str, tuple[dict[str, Any], Any, str]] = {
    "absent column": ({"y": Y}, "tt", "teacher column 'tt' not found"),
    "text": ({"y": Y, "t": ["a", "b"] * (N // 2)}, "t", "teacher column 't' holds no numbers"),
    "classes": ({"y": SOLD, "t": SOLD}, "t", "a teacher of classes predicts probabilities, not classes"),
    "empty": ({"y": Y}, np.full(N, np.nan), "has no values"),
    "infinite": ({"y": Y}, _changed(SIGNAL, 3, np.inf), r"inf, or a number too large for float64, in column .* row 4"),
    "two columns": ({"y": Y}, np.stack([Y, Y], axis=1), "the teacher has 2 columns; target 'y' needs 1"),
    "two classes of three": ({"y": COLOR}, P3[:, :2], "needs 3"),
    "three of two": ({"y": SOLD}, P3, "needs 2, or one for the positive class"),
    "above one": ({"y": SOLD}, _changed(P, 5, 1.2), r"1 of 160 values \(row 6\) are not probabilities from 0 to 1"),
    "sum": ({"y": COLOR}, P3 * np.array([1.0, 1.0, 0.5]), "do not sum to 1 in"),
    "negative counts": ({"y": COUNTS}, _changed(COUNTS, 0, -1.0), "below 0, but the poisson loss needs counts"),
    "rows": ({"y": Y}, SIGNAL[:9], "teacher has 9 rows; data frame has 160"),
    "shape": ({"y": Y}, 3.0, "teacher must have shape"),
    "the target": ({"y": Y}, "y", "is a column of the teacher and the target"),
    "half named": ({"y": COLOR}, dict(zip(["p(blue)", "p(green)", "c"], P3.T, strict=True)), "but 'c' is not"),
    "twice": ({"y": Y, "t": Y}, ["t", "t"], "teacher names 't' twice"),
    "none": ({"y": Y}, [], "teacher names no column"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_teachers_are_refused_with_the_place_and_a_hint(name: str) -> None:
    target, teacher, text = BAD[name]
    more = {"loss": "poisson"} if name == "negative counts" else {}
    with pytest.raises((UsageError, DataError), match=text if name != "classes" else "holds no numbers") as caught:
        fit({**INPUTS, **target}, "y", teacher=teacher, **QUICK, **more)
    assert isinstance(caught.value, BackpassError)
    assert caught.value.hint
    assert name != "classes" or text in caught.value.hint


@pytest.mark.parametrize(
    "more",
    [{"weight": "t"}, {"columns": ["x", "t"]}, {"group": "t"}, {"time": "t"}],
    ids=["weight", "columns", "group", "time"],
)
def test_a_column_of_the_teacher_has_no_other_role(more: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="'t' is a column of the teacher and"):
        fit({**INPUTS, "t": np.abs(SIGNAL), "y": Y}, "y", teacher="t", **QUICK, **more)


def test_a_weight_without_a_teacher_is_refused() -> None:
    with pytest.raises(UsageError, match="teacher_weight needs a teacher"):
        fit({**INPUTS, "y": Y}, "y", teacher_weight=0.5, **QUICK)


def test_probabilities_may_be_rounded_or_percentages() -> None:
    rounded = np.round(P3, 2)
    model = fit({**INPUTS, "y": COLOR}, "y", teacher=rounded, **QUICK)
    percent = {f"p({name})": [f"{100 * p:.0f}%" for p in rounded[:, j]] for j, name in enumerate(CLASSES)}
    same = fit({**INPUTS, **percent, "y": COLOR}, "y", teacher=list(percent), **QUICK)
    np.testing.assert_allclose(same.theta, model.theta, atol=1e-6)


# What the model knows -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", CASES)
def test_the_outputs_of_a_teacher_decode_to_its_predictions(kind: str) -> None:
    target, teacher, more = CASES[kind]
    head = problem_of(target, teacher, **more).head
    found = head.predictions(outputs_of_teacher(head, teacher.reshape(N, -1)))
    np.testing.assert_allclose(found, teacher, rtol=1e-9)


def test_the_model_file_keeps_the_scores_of_the_teacher(tmp_path: Path) -> None:
    model = fit({**INPUTS, "y": Y}, "y", teacher=SIGNAL, **QUICK)
    problem = make_problem(table_from({**INPUTS, "y": Y}), "y", Settings.of(QUICK), teacher=SIGNAL)
    test = problem.parts["test"]
    assert test.teacher is not None
    rmse = float(np.sqrt(np.mean((test.teacher[:, 0] - test.truth) ** 2)))
    model.save(tmp_path / "m.backpass")
    loaded = load(tmp_path / "m.backpass")
    assert loaded.record.teacher_scores["test"]["rmse"] == pytest.approx(rmse)
    assert loaded.record.teacher == model.record.teacher
    assert loaded.record.settings.get("teacher_weight") is None  # it has its default
    assert loaded.to_bytes() == model.to_bytes()


def test_test_rows_without_predictions_leave_the_teacher_unscored() -> None:
    given = SIGNAL.copy()
    given[::2] = np.nan
    model = fit({**INPUTS, "y": Y}, "y", teacher=given, **QUICK)
    assert model.record.teacher_scores == {}
    assert any("the teacher is not scored" in note for note in model.record.notes)


def test_files_for_validation_and_test_may_lack_the_teacher() -> None:
    held = {**INPUTS, "y": Y}
    model = fit({**held, "t": SIGNAL}, "y", teacher="t", validation=held, test=held, hidden=(4,), epochs=2)
    assert model.record.teacher is not None
    assert model.record.teacher["rows"] == {"train": N}


def test_in_sample_predictions_and_wrong_units_are_warned_of() -> None:
    first = make_problem(table_from({**INPUTS, "y": Y}), "y", Settings.of(QUICK), teacher=SIGNAL)
    assert not first.warnings
    known = np.isin(Y, first.parts["train"].truth)
    leaky = np.where(known, Y + 0.01, SIGNAL)
    with pytest.warns(BackpassWarning, match="it seems to have trained on the former"):
        fit({**INPUTS, "y": Y}, "y", teacher=leaky, **QUICK)
    with pytest.warns(BackpassWarning, match="in the right units"):
        fit({**INPUTS, "y": Y}, "y", teacher=1000.0 * SIGNAL, **QUICK)
    with pytest.warns(BackpassWarning, match="in the right classes"):
        fit({**INPUTS, "y": SOLD}, "y", teacher=np.stack([P**0.2, 1.0 - P**0.2], axis=1), **QUICK)


HOT = (COLOR[:, None] == CLASSES).astype(float)
COPIES: dict[str, tuple[Any, Any]] = {
    "the target": (Y, Y),
    "rounded": (Y, Y.round(2)),
    "nearly": (Y, Y + RNG.normal(0.0, 0.005, N)),
    "with gaps": (Y, np.where(np.arange(N) % 5, Y, np.nan)),
    "two classes": (SOLD, (SOLD == "yes").astype(float)),
    "classes": (COLOR, HOT),
    "certain of classes": (COLOR, 0.999 * HOT + 0.0005 * (1.0 - HOT)),
}


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_of_the_target_is_warned_of(name: str) -> None:
    y, teacher = COPIES[name]
    settings = Settings.of({**QUICK, "positive": "yes"} if name == "two classes" else QUICK)
    problem = make_problem(table_from({**INPUTS, "y": y}), "y", settings, teacher=teacher)
    assert [text for text in problem.warnings if "are the target or nearly" in text]


def test_good_teachers_are_no_copies() -> None:
    accurate = Y + RNG.normal(0.0, 0.1, N)  # r2 0.99
    for y, teacher in ((Y, SIGNAL), (Y, accurate), (SOLD, np.stack([1.0 - P, P], axis=1)), (COLOR, P3)):
        for each in (y, y[::-1]):
            kept = teacher if each is y else teacher[::-1]
            problem = make_problem(table_from({**INPUTS, "y": each}), "y", Settings.of(QUICK), teacher=kept)
            assert not any("are the target or nearly" in text for text in problem.warnings)


def test_one_copy_of_several_targets_is_enough() -> None:
    table = table_from({**INPUTS, "y": Y, "other": 2.0 * SIGNAL + Y})
    for first, is_copy in ((Y, True), (SIGNAL, False)):
        teacher = np.stack([first, SIGNAL], axis=1)
        problem = make_problem(table, ["y", "other"], Settings.of(QUICK), teacher=teacher)
        assert any("are the target or nearly" in text for text in problem.warnings) == is_copy


# With everything else -------------------------------------------------------------------------------------------------

GROUPS = np.arange(N) // 4
DAYS = np.datetime64("2024-01-01") + np.arange(N)
TOGETHER: dict[str, dict[str, Any]] = {
    "ensemble": {"ensemble_size": 2},
    "pack": {"ensemble_size": 2, "candidates": 3},
    "groups": {"group": "g"},
    "time": {"time": "day"},
    "time and folds": {"time": "day", "ensemble_size": 2, "epochs": 2},
    "refit": {"refit": True},
    "bf16-like": {"precision": "float64"},
    "huber": {"loss": "huber"},
    "quantile": {"loss": "quantile", "quantile": 0.8},
    "bounded": {"output_activation": "relu"},
}


@pytest.mark.parametrize("name", TOGETHER)
@pytest.mark.filterwarnings("ignore::backpass.errors.BackpassWarning")
def test_a_teacher_goes_with_every_kind_of_fit_and_changes_its_result(name: str) -> None:
    data = {**INPUTS, "g": GROUPS, "day": DAYS, "y": np.abs(Y), "t": np.abs(SIGNAL)}
    more = {**QUICK, "epochs": 2, "drop": ["g", "day"], **TOGETHER[name]}
    taught, plain = fit(data, "y", teacher="t", **more), fit(data, "y", **{**more, "drop": [*more["drop"], "t"]})
    assert not np.array_equal(taught.theta, plain.theta)
    assert "rmse" in taught.record.teacher_scores["test"] or "pinball" in taught.record.teacher_scores["test"]
    np.testing.assert_array_equal(taught.theta, fit(data, "y", teacher="t", **more).theta)


class _Stop(Callback):
    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_epoch(self, record: Any, progress: Any) -> None:
        if record.epoch == self.epoch:
            os.kill(os.getpid(), signal.SIGINT)


def test_a_run_resumes_with_the_same_teacher_only(tmp_path: Path) -> None:
    data, file = {**INPUTS, "y": Y}, tmp_path / "run.checkpoint"
    with pytest.raises(InterruptedTraining):
        fit(data, "y", teacher=SIGNAL, callbacks=[_Stop(2)], checkpoint=file, **QUICK)
    with pytest.raises(ModelFileError, match="belongs to another run"):
        fit(data, "y", teacher=SIGNAL + 0.1, resume_from=file, **QUICK)
    with pytest.raises(ModelFileError, match="belongs to another run"):
        fit(data, "y", teacher=SIGNAL, teacher_weight=0.9, resume_from=file, **QUICK)
    resumed = fit(data, "y", teacher=SIGNAL, resume_from=file, **QUICK)
    assert resumed.to_bytes() == fit(data, "y", teacher=SIGNAL, **QUICK).to_bytes()


def test_cross_validation_and_the_search_learn_from_the_teacher() -> None:
    data, options = {**INPUTS, "y": Y}, {"hidden": (4,), "epochs": 2}
    taught = cross_validate(data, "y", folds=2, teacher=SIGNAL, **options)
    by_column = cross_validate({**data, "t": SIGNAL}, "y", folds=2, teacher="t", **options)
    np.testing.assert_array_equal(taught.predicted, by_column.predicted)
    assert not np.array_equal(taught.predicted, cross_validate(data, "y", folds=2, **options).predicted)
    model: Model = tune(data, "y", teacher=SIGNAL, trials=1, folds=2, **options).model
    assert model.record.teacher is not None

"""Decisions: the positive class, thresholds, costs, class weights, row weights, and rows without a target."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backpass.errors import BackpassWarning, DataError, UsageError
from backpass.model import Model, Settings, fit
from backpass.model.head.class_weights import class_weights, log_weights, weighted_decision
from backpass.model.head.decision import Decision
from backpass.model.head.threshold import best_threshold
from backpass.model.loading import from_bytes
from backpass.model.metrics import METRICS
from backpass.model.split.splits import split_rows
from backpass.table import Target

Columns = dict[str, Any]
QUICK: dict[str, Any] = {
    "hidden": (8,),
    "epochs": 4,
    "learning_rate": 0.05,
    "dropout": 0.1,
    "validation_fraction": 0.16,
}


def columns(n: int = 400) -> Columns:
    rng = np.random.default_rng(1)
    x = rng.normal(size=n)
    z = x + rng.normal(size=n)
    grade = np.array(["low", "mid", "high"])[np.digitize(z, [0.3, 1.6])]
    return {"x": x, "y": np.where(z > 1.2, "bad", "good"), "grade": grade, "w": rng.integers(0, 4, n).astype(float)}


TABLE = columns()
HELD_OUT = split_rows(400, 0.16, 0.2, 0, strata=(TABLE["y"] == "good").astype(np.int64))
UNSTRATIFIED = split_rows(400, 0.16, 0.2, 0)


def fitted(target: str = "y", **settings: Any) -> Model:
    return fit(TABLE, target, columns=["x"], **{**QUICK, **settings})


def objective(rule: str, called: Any, positive: Any, w: Any, cost: tuple[float, float]) -> float:
    """What a threshold is chosen for, computed another way; higher is better."""
    from sklearn.metrics import balanced_accuracy_score, f1_score

    if rule == "f1":
        return float(f1_score(positive, called, sample_weight=w, zero_division=0))
    if rule == "balanced":
        return float(balanced_accuracy_score(positive, called, sample_weight=w))
    return -float(cost[0] * w[called & ~positive].sum() + cost[1] * w[~called & positive].sum())


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("rule", ["f1", "balanced", "cost"])
def test_no_threshold_is_better_than_the_chosen_one(rule: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    score = np.round(rng.uniform(size=80), 1 if seed else 3)
    positive = rng.uniform(size=80) < score**2
    w, cost = rng.integers(0, 3, 80).astype(float), (2.0, 7.0)
    found = best_threshold(score, positive, rule, cost, w)
    own = objective(rule, score >= found, positive, w, cost)
    for t in [0.0, *(0.5 * (a + b) for a, b in pairwise(np.unique(score))), 1.1]:
        if t <= 1.0 or score.max() < 1.0:
            assert objective(rule, score >= t, positive, w, cost) <= own + 1e-9


def test_a_threshold_lies_between_scores_and_near_the_ideal_one() -> None:
    score, positive = np.array([0.02, 0.03, 0.6, 0.9]), np.array([False, False, True, True])
    assert best_threshold(score, positive, "cost", (1.0, 9.0)) == pytest.approx(0.315)
    assert best_threshold(score, positive, "f1") == pytest.approx(0.315)
    assert best_threshold(score, ~positive, "cost", (1.0, 1e-9)) == pytest.approx(0.95), "nothing is called"
    assert best_threshold(score, positive, "cost", (1e-9, 1.0)) == pytest.approx(0.315)


def test_the_positive_class_is_the_rarer_one_unless_named() -> None:
    assert fitted().classes[fitted().head.positive] == "bad"
    named = fitted(positive="good")
    assert named.classes[named.head.positive] == "good"
    again = from_bytes(named.to_bytes())
    assert again.head.decision == named.head.decision
    assert named.record.scores["test"]["recall"] != fitted().record.scores["test"]["recall"]
    with pytest.raises(UsageError, match=r"target 'y' has no class 'god'") as caught:
        fitted(positive="god")
    assert "good" in caught.value.hint


@pytest.mark.parametrize("value", [1, 1.0, "1", True, "true"])
def test_a_positive_class_may_be_given_by_its_value(value: Any) -> None:
    x = TABLE["x"]
    y = (
        x > -1.0
        if (value in ("true", True) and not isinstance(value, int | float)) or value is True
        else (x > -1.0) * 1
    )
    model = fit({"x": x, "y": y}, "y", positive=value, **QUICK)
    assert model.head.positive == 1
    assert fit({"x": x, "y": y}, "y", **QUICK).head.positive == 0


@pytest.mark.parametrize("name", ["positive", "threshold", "cost"])
def test_what_belongs_to_two_classes_is_refused_elsewhere(name: str) -> None:
    value = {"positive": "low", "threshold": 0.3, "cost": {"false_positive": 1, "false_negative": 2}}[name]
    with pytest.raises(UsageError, match=rf"{name}: only for a target of two classes; target 'grade' holds 3 classes"):
        fitted("grade", **{name: value})
    with pytest.raises(UsageError, match=rf"{name}: only for classes; target 'w' holds numbers"):
        fitted("w", **{name: value})


def test_a_threshold_decides_and_the_probabilities_stay() -> None:
    plain, model = fitted(), fitted(threshold=0.2)
    p = plain.predict_proba(TABLE)
    np.testing.assert_array_equal(model.predict_proba(TABLE), p)
    np.testing.assert_array_equal(model.predict(TABLE), np.where(p[:, 0] >= 0.2, "bad", "good"))
    assert plain.predict(TABLE).tolist() == [plain.classes[j] for j in p.argmax(axis=1)]
    test = HELD_OUT.test
    taken = {name: column[test] for name, column in TABLE.items()}
    assert model.record.scores["test"]["accuracy"] == np.mean(model.predict(taken) == taken["y"])
    assert from_bytes(model.to_bytes()).predict(TABLE).tolist() == model.predict(TABLE).tolist()


@pytest.mark.parametrize("rule", ["f1", "balanced", "cost"])
@pytest.mark.parametrize("ensemble", [{}, {"ensemble_size": 2}], ids=["one", "folds"])
def test_a_threshold_is_chosen_on_held_out_rows(rule: str, ensemble: dict[str, Any]) -> None:
    cost = {"cost": {"false_positive": 50, "false_negative": 500}} if rule == "cost" else {}
    model = fitted(threshold=rule, **cost, **ensemble)
    decision = model.head.decision
    assert decision is not None
    assert decision.rule == rule
    if not ensemble:
        rows = {name: column[HELD_OUT.validation] for name, column in TABLE.items()}
        score, positive = model.predict_proba(rows)[:, 0], rows["y"] == "bad"
        assert decision.threshold == best_threshold(score, positive, rule, (50.0, 500.0))
    assert any(note.startswith(f"threshold {decision.threshold:.4g} of 'bad'") for note in model.record.notes)
    assert from_bytes(model.to_bytes()).head.decision == decision


def test_a_threshold_that_few_rows_chose_is_a_warning() -> None:
    """Of the validation rows, 6% of 400, only some are of the positive class: chance decides."""
    with pytest.warns(BackpassWarning) as caught:
        model = fitted(threshold="f1", validation_fraction=0.06)
    (note,) = (each for each in model.record.notes if each.startswith("threshold "))
    few = re.fullmatch(
        "threshold .* of 'bad': the highest F1 on the 24 validation rows, ([1-9]) of which are 'bad'", note
    )
    assert few is not None
    texts = [str(each.message) for each in caught]
    start = f"the threshold was chosen on only {few[1]} validation rows of class 'bad', so it may be far from the best"
    (text,) = (each for each in texts if each.startswith(start))
    assert "validation_fraction" in text
    assert not [each for each in fitted(threshold="f1").record.warnings if "threshold" in each]


def test_costs_alone_choose_the_threshold() -> None:
    cost = {"false_positive": 1.0, "false_negative": 30.0}
    assert fitted(cost=cost).head.decision == fitted(threshold="cost", cost=cost).head.decision
    fixed = fitted(threshold=0.25, cost=cost).head.decision
    assert fixed == Decision(0, 0.25, "value", (1.0, 30.0))
    with pytest.raises(UsageError, match="threshold='cost' needs the cost of each kind of error"):
        fitted(threshold="cost")


def test_a_threshold_needs_held_out_rows() -> None:
    with pytest.raises(UsageError, match="a threshold is chosen on validation rows, and there are none"):
        fitted(threshold="f1", validation_fraction=0.0)


@pytest.mark.parametrize("rule", ["f1", "balanced", "cost", None])
def test_a_threshold_to_choose_sets_rows_aside(rule: str | None) -> None:
    cost = {"false_positive": 1, "false_negative": 9}
    asked = {name: value for name, value in {"threshold": rule, "cost": cost}.items() if value is not None}
    assert Settings.of({"hidden": (8,), **asked}).validation_fraction == 0.16
    assert Settings.of({"hidden": (8,), "threshold": 0.3, "cost": cost}).validation_fraction == 0.0
    assert Settings.of({"hidden": (8,), "ensemble_size": 2, **asked}).validation_fraction == 0.0
    assert Settings.of({"hidden": (8,), "validation_fraction": 0.3, **asked}).validation_fraction == 0.3


def test_class_weights_by_hand() -> None:
    target = Target("y", "multiclass", ("a", "b", "c"))
    y, w = np.array([0, 0, 0, 1, 2, 2]), np.array([1.0, 1.0, 2.0, 1.0, 0.5, 0.5])

    def found(given: Any) -> Any:
        return class_weights(target, Settings.of({"class_weight": given}), y, w)

    np.testing.assert_allclose(found("balanced"), [6 / (3 * 4), 6 / (3 * 1), 6 / (3 * 1)])
    assert found({"b": 5}).tolist() == [1.0, 5.0, 1.0]
    assert class_weights(target, Settings.of({}), y, w) is None
    np.testing.assert_allclose(log_weights(np.array([2.0, 6.0])), [np.log(3.0)])
    assert weighted_decision(Decision(0), np.array([3.0, 1.0])).threshold == 0.25


def test_class_weights_leave_calibrated_probabilities_and_move_the_decision() -> None:
    """The true probabilities are known: with weights, predicted ones stay near them, and the decision moves."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=4000)
    p = 1.0 / (1.0 + np.exp(-(2.0 * x - 2.0)))
    table = {"x": x, "y": np.where(rng.uniform(size=4000) < p, "yes", "no")}
    settings: dict[str, Any] = {"hidden": (16,), "epochs": 12, "validation_fraction": 0.16}
    plain, weighted = (fit(table, "y", class_weight=given, **settings) for given in (None, {"yes": 8.0}))
    for model in (plain, weighted):
        assert np.abs(model.predict_proba(table)[:, 1] - p).mean() < 0.05
    assert weighted.head.decision == Decision(1, 1.0 / 9.0, "class_weight")
    called = [np.mean(model.predict(table) == "yes") for model in (plain, weighted)]
    assert called[1] > called[0] + 0.15
    assert any("the probabilities are corrected for them" in note for note in weighted.record.notes)
    assert weighted.record.scores["test"]["recall"] > plain.record.scores["test"]["recall"] + 0.15


def test_class_weights_of_three_classes_weight_the_decision() -> None:
    model = fitted("grade", class_weight={"high": 6.0})
    p, weights = model.predict_proba(TABLE), np.array([6.0 if name == "high" else 1.0 for name in model.classes])
    assert model.predict(TABLE).tolist() == [model.classes[j] for j in (p * weights).argmax(axis=1)]
    assert from_bytes(model.to_bytes()).predict(TABLE).tolist() == model.predict(TABLE).tolist()
    with pytest.raises(UsageError, match="target 'grade' has no class 'hgh'"):
        fitted("grade", class_weight={"hgh": 6.0})


def test_an_imbalance_asks_for_weights_once() -> None:
    rare = {"x": TABLE["x"], "y": np.where(TABLE["x"] > 1.2, "bad", "good")}
    said = [note for note in fit(rare, "y", **QUICK).record.notes if "times as frequent as" in note]
    assert len(said) == 1
    assert "--threshold f1, balanced or cost, or --class-weight balanced" in said[0]
    for settings in ({"threshold": 0.2}, {"class_weight": "balanced"}):
        assert not any("times as" in note for note in fit(rare, "y", **QUICK, **settings).record.notes)
    assert not any("times as" in note for note in fitted().record.notes)


def test_a_weight_column_equals_repeated_rows() -> None:
    """Scores with weights are those of the rows repeated; the column is no feature; weight 0 leaves a row out."""
    from sklearn.metrics import log_loss

    model = fit(TABLE, "y", drop=["grade"], weight="w", **QUICK)
    assert [feature.name for feature in model.schema.features] == ["x"]
    assert model.record.weight == "w"
    assert sum(model.record.rows.values()) == np.count_nonzero(TABLE["w"])
    repeated = {name: np.repeat(column, TABLE["w"].astype(int)) for name, column in TABLE.items() if name != "w"}
    weighted = model.evaluate(TABLE)
    for name, value in model.evaluate(repeated).items():
        assert weighted[name] == pytest.approx(value, rel=1e-9), name
    p = model.predict_proba(TABLE)
    assert weighted["log_loss"] == pytest.approx(log_loss(TABLE["y"], p, sample_weight=TABLE["w"]), rel=1e-9)
    again = from_bytes(model.to_bytes())
    assert again.evaluate(TABLE) == weighted
    assert again.predict({"x": [0.0]}).shape == (1,)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0, -1.0], "are missing, negative or infinite"),
        ([1.0, np.nan], "are missing, negative or infinite"),
        ([1.0, np.inf], "inf, or a number too large"),
        ([0.0, 0.0], "is 0 in every row"),
        (["a", "b"], "holds no numbers"),
    ],
)
def test_weights_that_cannot_be_used(values: list[Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        fit({**TABLE, "w": values * 200}, "y", weight="w", **QUICK)


def test_a_weight_column_that_is_absent_or_has_another_role() -> None:
    with pytest.raises(DataError, match="weight column 'v' not found"):
        fit(TABLE, "y", weight="v", **QUICK)
    with pytest.raises(UsageError, match="'y' is the weight column"):
        fit(TABLE, "y", weight="y", **QUICK)


def test_rows_without_a_target_are_left_out_and_said() -> None:
    y = TABLE["y"].astype(object)
    y[::7] = None
    table = {"x": TABLE["x"], "y": list(y)}
    whole = {"x": TABLE["x"][y != None], "y": list(y[y != None])}  # noqa: E711
    model, alone = fit(table, "y", **QUICK), fit(whole, "y", **QUICK)
    np.testing.assert_array_equal(model.theta, alone.theta)
    assert any(
        note.startswith("target 'y': 58 of 400 rows have no value and are left out") for note in model.record.notes
    )
    assert model.evaluate(table) == model.evaluate(whole)
    assert fit(whole, "y", validation=table, **QUICK).record.rows["validation"] == 342
    for strict in (lambda: fit(table, "y", strict=True, **QUICK), lambda: model.evaluate(table, strict=True)):
        with pytest.raises(DataError, match=r"58 of 400 values missing"):
            strict()
    with pytest.raises(DataError, match="400 of 400 values missing"):
        fit({"x": TABLE["x"], "y": [None] * 400}, "y", **QUICK)


def test_the_metric_must_be_defined_where_it_is_computed() -> None:
    y = np.zeros(60)
    y[HELD_OUT.train[HELD_OUT.train < 60]] = 1.0
    table = {"x": TABLE["x"][:60], "y": np.where(np.arange(60) < 30, 0.0, 5.0)}
    with pytest.raises(UsageError, match=r"metric 'mape' is undefined on the .* rows of target 'y': a target is 0"):
        fit({**table, "y": np.where(np.arange(60) % 2, 0.0, TABLE["x"][:60])}, "y", metric="mape", **QUICK)
    rows = {"x": TABLE["x"][:20], "y": ["a"] * 20}
    with pytest.raises(UsageError, match=r"metric 'roc_auc' is undefined on the validation rows .* the same class"):
        fit({"x": TABLE["x"], "y": np.where(TABLE["x"] > 0, "a", "b")}, "y", validation=rows, metric="roc_auc", **QUICK)


@pytest.mark.parametrize("metric", ["roc_auc", "f1", "average_precision", "balanced_accuracy", "mcc", "brier"])
def test_any_metric_chooses_the_epoch(metric: str) -> None:
    """The best epoch is the one with the best value of the metric on the validation rows, the latest in a tie."""
    model = fitted(metric=metric, epochs=6)
    scores = [-epoch.score if metric != "brier" else epoch.score for epoch in model.history]  # type: ignore[operator]
    best = min(scores) if metric == "brier" else max(scores)
    assert model.record.best_epoch == max(i for i, score in enumerate(scores, start=1) if score == best)
    assert model.record.scores["validation"][metric] == pytest.approx(best, rel=1e-9)


def test_the_confusion_matrix_and_the_coverage_are_kept() -> None:
    from sklearn.metrics import confusion_matrix

    model, test = fitted(threshold=0.25), {name: column[HELD_OUT.test] for name, column in TABLE.items()}
    counts = confusion_matrix(test["y"], model.predict(test), labels=list(model.classes))
    assert model.record.confusion["test"] == counts.tolist()
    assert from_bytes(model.to_bytes()).record.confusion == model.record.confusion
    numbers = fit({"x": TABLE["x"], "v": TABLE["x"] + TABLE["w"]}, "v", **QUICK)
    rows = {"x": TABLE["x"][UNSTRATIFIED.test], "v": (TABLE["x"] + TABLE["w"])[UNSTRATIFIED.test]}
    low, high = numbers.predict_interval(rows, 0.9).T
    assert numbers.record.coverage == pytest.approx(np.mean((low <= rows["v"]) & (rows["v"] <= high)))


def test_the_guide_runs() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "how-to" / "decisions.md").read_text("utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", guide, flags=re.DOTALL)
    exec(compile(block, "decisions.md", "exec"), {})
    for name in METRICS:
        assert f"`{name}`" in guide


@pytest.mark.parametrize(("name", "what"), [("cost", "false_positive and false_negative"), ("class_weight", "classes")])
def test_a_number_of_each_name_is_asked_for_once(name: str, what: str) -> None:
    with pytest.raises(UsageError) as caught:
        Settings.of({name: {"false_positive": -5, "false_negative": 1}})
    (text,) = caught.value.details
    assert f"{what} with a number above 0 each, such as" in text
    assert text.count("above 0") == 1


def test_scores_that_are_undefined_on_rows_of_one_class_are_left_out() -> None:
    model = fit(TABLE, "y", positive="bad", columns=["x"], **QUICK)
    ratios = {"f1", "precision", "recall", "mcc"}
    rows = {name: np.flatnonzero((TABLE["y"] == name) & (np.abs(TABLE["x"]) < 3.0)) for name in ("good", "bad")}
    for name, index in rows.items():
        part = {key: values[index] for key, values in TABLE.items()}
        given = model.predict(part) == "bad"
        for some in {bool(given.any()), False}:
            chosen = np.arange(len(given)) if some else np.flatnonzero(~given)
            scores = model.evaluate({key: values[chosen] for key, values in part.items()})
            undefined = {"mcc"} | ({"recall"} if name == "good" else set()) | (set() if some else {"precision"})
            undefined |= {"f1"} if name == "good" and not some else set()
            assert ratios - scores.keys() == undefined
            assert {"accuracy", "log_loss", "balanced_accuracy"} <= scores.keys()
    assert ratios <= model.evaluate(TABLE).keys()
    grades = fit(TABLE, "grade", columns=["x"], **QUICK)
    low = {key: values[TABLE["grade"] == "low"] for key, values in TABLE.items()}
    assert ratios - grades.evaluate(low).keys() == {"mcc"}


@pytest.mark.parametrize("target", ["y", "grade"])
@pytest.mark.parametrize("settings", [{}, {"class_weight": "balanced"}, {"threshold": 0.1}, {"threshold": "f1"}])
def test_the_class_frequencies_give_every_row_the_most_frequent_class(target: str, settings: dict[str, Any]) -> None:
    """Whatever the threshold of the network: the baseline is scikit-learn's, which knows only the training rows."""
    from sklearn.dummy import DummyClassifier
    from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, log_loss

    if target == "grade" and "threshold" in settings:
        return
    model = fitted(target, **settings, metric="error")
    strata = np.unique(TABLE[target], return_inverse=True)[1]
    split = split_rows(400, 0.16, 0.2, 0, strata=strata)
    rows, y = split.test, np.array(TABLE[target])
    dummy = DummyClassifier(strategy="prior").fit(TABLE["x"][split.train, None], y[split.train])
    given = dummy.predict(TABLE["x"][rows, None])
    found = model.record.baselines["class_frequencies"]["test"]
    assert found["accuracy"] == pytest.approx(accuracy_score(y[rows], given))
    assert found["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(y[rows], given))
    assert found["log_loss"] == pytest.approx(log_loss(y[rows], dummy.predict_proba(TABLE["x"][rows, None])))
    if target == "y":
        assert found["f1"] == pytest.approx(f1_score(y[rows], given, pos_label="bad", zero_division=0))
    comparison = model.record.comparison
    assert comparison is not None
    assert comparison.metric == "error"
    assert comparison.network_score == pytest.approx(model.record.scores["test"]["error"])
    assert comparison.baseline_score == pytest.approx(model.record.baselines[comparison.baseline]["test"]["error"])

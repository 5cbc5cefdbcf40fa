"""Labels: each has its scores, a page tells of all of them, and what is about one target alone says so."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from fitted import IMAGE, LABELS, SCRIPT, Case, case_of, labelled
from pages import MOVE, SHOTS, Reader, opened, quiet_and_alone

from backpass.cli import main
from backpass.engine import engine_named
from backpass.errors import UsageError
from backpass.model.profile import SHARES
from backpass.reporting import explain, report
from backpass.reporting.explanation.dependence import dependence, dependences
from backpass.reporting.explanation.importance import importances
from backpass.reporting.numbers.held_out import HeldOut, held_out
from backpass.reporting.numbers.labels import constant_of, label_names, label_rows, label_scores
from backpass.reporting.numbers.learning_curve import learning_curves_of
from backpass.reporting.page import whatif
from backpass.reporting.page.findings import Findings, verdict, worst_rows
from backpass.reporting.pictures.scene import scene_of

pytest.importorskip("sklearn")


@pytest.fixture
def tagged() -> Case:
    return labelled()


@cache
def page_with_rows() -> str:
    """The page of the labels, made once for all tests."""
    return report(labelled().model, labelled().columns)


def held_of(case: Case) -> HeldOut:
    return held_out(case.model, case.model.table(case.columns, with_target=True))


@cache
def findings() -> Findings:
    """What the page of the labels shows."""
    return Findings.of(labelled().model, held_of(labelled()))


def test_each_label_has_the_metrics_that_it_has_alone(tagged: Case) -> None:
    from sklearn.metrics import log_loss, roc_auc_score

    held = held_of(tagged)
    found = label_scores(LABELS, held.predicted, held.truth)
    assert tuple(each.name for each in found) == label_names(tagged.model.head) == LABELS
    for j, each in enumerate(found):
        y, p = np.array(tagged.columns[LABELS[j]]), tagged.model.predict(tagged.columns)[:, j]
        assert each.share == y.mean()
        assert each.scores["log_loss"].value == pytest.approx(log_loss(y, p), rel=1e-6)
        assert each.scores["error"].value == pytest.approx(np.mean((p > 0.5) != y))
        assert each.constant["log_loss"] == pytest.approx(log_loss(y, np.full(len(y), y.mean())))
        assert each.constant["error"] == pytest.approx(min(y.mean(), 1.0 - y.mean()))
        assert each.area == pytest.approx(roc_auc_score(y, p))
        assert all(score.low <= score.value <= score.high for score in each.scores.values())
    assert held.scores(tagged.model.head)["log_loss"] == pytest.approx(
        np.mean([each.scores["log_loss"].value for each in found])
    )


def test_weighted_labels_have_the_metrics_of_repeated_rows() -> None:
    """A label is scored on weighted rows as everything else on the page."""
    rng = np.random.default_rng(1)
    p, y, w = rng.random((60, 1)), rng.integers(0, 2, (60, 1)), rng.integers(0, 4, 60)
    (weighted,) = label_scores(["on"], p, y, w.astype(float))
    (repeated,) = label_scores(["on"], np.repeat(p, w, axis=0), np.repeat(y, w, axis=0))
    assert (weighted.share, weighted.area) == pytest.approx((repeated.share, repeated.area))
    assert weighted.constant == pytest.approx(repeated.constant)
    for name, score in weighted.scores.items():
        assert score.value == pytest.approx(repeated.scores[name].value)
        assert score.low <= score.value <= score.high


def test_a_label_that_no_row_has_is_told_without_an_area() -> None:
    (found,) = label_scores(["never"], np.full((9, 1), 0.25), np.zeros((9, 1), int))
    assert (found.area, found.share, found.constant["error"]) == (None, 0.0, 0.0)
    (row,) = label_rows([found])
    assert row["cells"][-1] == ("", "")
    assert row["share"] == "0.0%"


def test_shares_are_the_simple_model_of_metrics_that_go_with_them(tagged: Case) -> None:
    held = held_of(tagged)
    found = label_scores(LABELS, held.predicted, held.truth)
    (constant,) = constant_of(found, "log_loss").values()
    assert constant == pytest.approx(np.mean([each.constant["log_loss"] for each in found]))
    assert constant_of(found, "loss") == {}
    assert constant_of((), "log_loss") == {}
    assert "for always predicting the label frequencies." in verdict(findings())


def test_a_column_matters_by_the_mean_over_the_labels(tagged: Case) -> None:
    held = held_of(tagged)
    found = {each.name: each for each in importances(tagged.model, held)}
    assert found[IMAGE].worse > 0.0
    assert found[SCRIPT].worse > 0.0
    model, name = tagged.model, IMAGE
    j = [number.name for number in model.schema.numbers].index(name)
    at = dict(zip(SHARES, model.record.columns[name].quantiles, strict=True))  # type: ignore[union-attr]
    ends = []
    for side in (0.5, -0.5):
        moved = held.numbers.copy()
        moved[:, j] += side * (at[0.75] - at[0.25])
        ends.append(model.head.predictions(model.ensemble.outputs(model.ensemble.inputs(moved, held.codes))))
    assert found[IMAGE].change == pytest.approx(float(np.abs(ends[0] - ends[1]).mean()))


def test_the_dependence_of_a_label_is_the_mean_of_its_probability(tagged: Case) -> None:
    held = held_of(tagged)
    each = dependences(tagged.model, SCRIPT, held.numbers, held.codes)
    assert len(each) == 4
    for level, mean in zip(each[2].at, each[2].mean, strict=True):
        rows = tagged.columns | {SCRIPT: [level] * len(tagged.columns[SCRIPT])}
        assert mean == pytest.approx(tagged.model.predict(rows)[:, 2].mean(), abs=0.02)
    np.testing.assert_array_equal(
        dependence(tagged.model, SCRIPT, held.numbers, held.codes, chosen=1).mean, each[1].mean
    )


def test_the_rows_with_the_largest_mean_error_come_first(tagged: Case) -> None:
    held = held_of(tagged)
    found = worst_rows(findings())
    assert found is not None
    worst = int(np.argmax(np.abs(held.predicted - held.truth).mean(axis=1)))
    assert found["rows"][0]["number"] == str(worst + 1)
    names = [name.replace("\u202e", "\\u202e") for name in LABELS]
    on = [name for name, is_on in zip(names, held.truth[worst], strict=True) if is_on]
    assert found["rows"][0]["truth"] == (", ".join(on) or "none")


def test_course_drawing_and_notes(tagged: Case) -> None:
    curves = learning_curves_of(tagged.model)
    assert (curves.together, curves.train_name, curves.score_name) == (True, "log loss", "log loss")
    drawn = [each.name for each in scene_of(tagged.model).neurons if each.kind == "output"]
    assert drawn[0] == "p(dear)"
    assert not [note for note in held_of(tagged).notes if "not in the model" in note]


@pytest.mark.parametrize("settings", [{}, {"ensemble_size": 2, "epochs": 2}, {"preset": "fast", "epochs": 2}], ids=str)
def test_the_circuit_of_a_page_gives_the_engine_s_probabilities(settings: dict[str, object]) -> None:
    case = labelled(**settings)
    held = held_of(case)
    theta = case.model.theta.reshape(-1)
    (found,) = engine_named("numpy").run(whatif.forward(case.model), theta, held.numbers, held.codes)
    np.testing.assert_allclose(found, held.predicted, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("with_rows", [False, True])
def test_a_page_of_labels_is_strict_and_tells_of_each(tagged: Case, with_rows: bool) -> None:
    text = page_with_rows() if with_rows else report(tagged.model)
    reader = Reader(text)
    assert reader.faults == []
    assert len(reader.ids) == len(set(reader.ids))
    assert "<b>very" not in text
    said = " ".join(reader.texts)
    assert "4 labels, each on or off, from 4 columns" in said
    assert "fit BackpassClassifier with these settings" in said
    assert "backpass fit TABLE" not in said
    assert ("means over the labels" in said) == ("ROC curve" in said) == with_rows
    assert report(tagged.model, tagged.columns if with_rows else None) == text


def test_of_many_labels_all_are_scored_and_the_first_are_drawn() -> None:
    case = labelled(tuple(f"tag {j}" for j in range(9)), epochs=1)
    said = " ".join(Reader(report(case.model, case.columns)).texts)
    assert said.count("The first 8 of 9 labels.") == 2 + 4, "two kinds of curves, and four columns"
    assert "tag 0, tag 1, tag 2, tag 3, tag 4, ... (9 in all)" in said
    assert "tag 8" in said


def test_the_command_makes_the_page(tagged: Case, tmp_path: Path) -> None:
    import pandas

    tagged.model.save(tmp_path / "m.backpass")
    pandas.DataFrame(tagged.columns).to_csv(tmp_path / "t.csv", index=False)
    paths = [str(tmp_path / name) for name in ("m.backpass", "t.csv", "page.html")]
    assert main(["report", *paths[:2], "-o", paths[2], "-q"]) == 0
    assert "means over the labels" in Path(paths[2]).read_text("utf-8")


def test_single_pictures(tagged: Case) -> None:
    assert tagged.model.plot.predictions(tagged.columns).get_xlabel() == "false positive rate"
    for name in (IMAGE, SCRIPT):
        legend = tagged.model.plot.dependence(name, tagged.columns).get_legend()
        assert legend is not None
        assert legend.get_texts()[0].get_text() == "dear"
    assert tagged.model.plot.importance(tagged.columns).get_xlabel() == "increase of log_loss when shuffled"


def test_an_explanation_is_about_one_target(tagged: Case) -> None:
    with pytest.raises(UsageError, match="an explanation is about one target; this model predicts 4"):
        explain(tagged.model, tagged.model.table(tagged.columns))
    assert label_names(case_of("sold").model.head) == ()


@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_shows_every_label(width: int, browser: object, tmp_path: Path) -> None:
    from chromium import Browser

    assert isinstance(browser, Browser)
    path = opened(browser, page_with_rows(), tmp_path, width=width)
    browser.screenshot(SHOTS / f"labels-{width}.png")
    assert quiet_and_alone(browser, path), browser.complaints
    assert browser.run("document.documentElement.scrollWidth") <= width
    browser.run(MOVE % (2.0, 0))
    bars = browser.run("document.getElementById('classes').innerText")
    for name in LABELS:
        assert name.replace("\u202e", "\\u202e") in bars
    assert browser.run("document.getElementById('prediction').textContent").startswith("dear")
    assert browser.run("document.getElementById('change').textContent") == "labels that are more probable than not"
    shares = [float(each) for each in re.findall(r"([\d.]+)%", bars)]
    assert len(shares) == 4
    assert max(shares) > 50.0

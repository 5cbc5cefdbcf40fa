"""Hundreds of classes: nothing takes the square of their number, and memory is asked for before training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backpass.errors import InsufficientMemoryError, UsageError
from backpass.model import fit, load
from backpass.model.batches import batches
from backpass.model.evaluation import gathering
from backpass.model.evaluation.gathering import evaluated
from backpass.model.evaluation.labeled_rows import LabeledRows
from backpass.model.head.head import MOST_CONFUSED
from backpass.model.metrics.decision import Counts, confusion
from backpass.table import memory

CLASSES = MOST_CONFUSED + 10


def table(classes: int, each: int = 6) -> dict[str, object]:
    number = np.repeat(np.arange(classes), each)
    x = np.random.default_rng(0).normal(size=len(number)) + number
    return {"x": x, "y": np.array([f"k{j:03d}" for j in number])}


@pytest.mark.parametrize("is_weighted", [False, True])
def test_counts_are_the_sums_of_the_confusion_matrix(is_weighted: bool) -> None:
    rng = np.random.default_rng(1)
    p, y = rng.random((300, 7)), rng.integers(0, 6, 300)
    weights = rng.integers(0, 5, 300) / 4.0 if is_weighted else None
    for decided in (None, rng.integers(0, 7, 300)):
        found = Counts.of(p, y, weights, decided=decided)
        expected = Counts.of_confusion(confusion(p, y, weights, decided=decided))
        for name in ("right", "true", "given"):
            np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = fit(table(CLASSES), "y", task="classification", preset="plain", hidden=(4,), epochs=1)
    path = tmp_path_factory.mktemp("many") / "many.backpass"
    model.save(path)
    return path


def test_a_file_of_many_classes_has_no_confusion_matrix(path: Path) -> None:
    model = load(path)
    assert model.record.confusion == {}
    assert path.stat().st_size < 100_000


def test_many_classes_are_evaluated_one_by_one(path: Path) -> None:
    model = load(path)
    found = model.evaluation(model.table(table(CLASSES, 2), with_target=True))
    scored: LabeledRows = found.rows
    facts = scored.facts(found.scores, {}, {})
    assert facts["confusion"] is None
    assert len(facts["per_class"]) == CLASSES
    recalls = [each["recall"] for each in facts["per_class"].values()]
    assert np.mean(recalls) == pytest.approx(found.scores["balanced_accuracy"])


def test_windows_of_many_classes_are_summed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load(path)
    rows = model.table(table(CLASSES, 5), with_target=True)
    kept = evaluated(model, [rows])
    monkeypatch.setattr(batches, "_NUMBERS", 40_000)
    monkeypatch.setattr(gathering, "MOST_OUTPUTS", 100_000)
    summed = evaluated(model, [rows])
    assert (kept.notes, summed.notes) == ((), (gathering.NOT_KEPT,))
    exact = kept.scores.keys() - {"roc_auc", "average_precision"}
    assert {name: summed.scores[name] for name in exact} == pytest.approx({name: kept.scores[name] for name in exact})
    facts = [each.rows.facts(each.scores, {}, {}) for each in (kept, summed)]
    recalls = [[each["recall"] for each in found["per_class"].values()] for found in facts]
    assert recalls[0] == recalls[1]


def test_a_matrix_of_many_classes_is_not_drawn(path: Path) -> None:
    with pytest.raises(UsageError, match=rf"confusion matrix of {CLASSES} classes; expected at most {MOST_CONFUSED}"):
        load(path).plot.predictions(table(CLASSES, 1))


@pytest.mark.parametrize("preset", ["plain", "default"])
def test_scores_that_need_too_much_memory_are_refused_before_training(
    preset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, needed = ("420", 2_500_000) if preset == "plain" else ("1,680", 8_000_000)
    monkeypatch.setattr(memory, "available_bytes", lambda *given: needed - 600_000)
    monkeypatch.setattr(memory, "ALWAYS_THERE", 0)
    with pytest.raises(InsufficientMemoryError, match=f"scoring {rows} held-out rows of 300 outputs") as error:
        fit(table(300, 7), "y", task="classification", preset=preset, hidden=(4,), test_fraction=0.2)
    assert "fewer held-out rows" in str(error.value.hint)

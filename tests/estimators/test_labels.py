"""Labels: y of 0 and 1 in several columns, any of which may be on; one logistic output each."""

from __future__ import annotations

import pickle
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.datasets import make_multilabel_classification
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.neural_network import MLPClassifier

import backpass
from backpass.circuit import operations
from backpass.cli import main
from backpass.errors import UsageError
from backpass.model import from_bytes

LONG: dict[str, Any] = {"epochs": 80, "dropout": 0.0, "learning_rate": 0.03}


def labelled(rows: int = 300, labels: int = 4) -> tuple[Any, Any]:
    X, y = make_multilabel_classification(rows, 6, n_classes=labels, n_labels=2, random_state=0)
    return X / 10.0, y


def test_each_label_is_on_or_off(classifier: Any) -> None:
    X, y = labelled()
    fitted = classifier(**LONG).fit(X, y)
    P, predicted = fitted.predict_proba(X), fitted.predict(X)
    assert P.shape == predicted.shape == y.shape
    assert predicted.dtype.kind == "i"
    np.testing.assert_array_equal(predicted, P > 0.5)
    assert fitted.classes_.tolist() == [0, 1, 2, 3]
    assert fitted.score(X, y) == accuracy_score(y, predicted)
    assert (P.sum(axis=1) > 1.0).any(), "several may be on at once"
    peer = MLPClassifier((16,), max_iter=400, tol=1e-3, random_state=0).fit(X, y)
    assert (predicted == y).mean() > max(0.75, (peer.predict(X) == y).mean() - 0.05)
    assert peer.predict_proba(X).shape == P.shape


def test_the_loss_is_the_mean_of_the_labels_log_losses(classifier: Any) -> None:
    X, y = labelled()
    settings = {"epochs": 1, "learning_rate": 1e-9, "dropout": 0.0, "weight_decay": 0.0, "batch_size": 300}
    fitted = classifier(**settings, validation_fraction=0.0).fit(X, y)
    P = fitted.predict_proba(X)
    expected = np.mean([log_loss(y[:, j], P[:, j]) for j in range(4)])
    assert fitted.loss_curve_[0] == pytest.approx(expected, rel=1e-5)


def test_the_metric_is_the_mean_over_the_labels(classifier: Any) -> None:
    X, y = labelled()
    for metric, top in (("log_loss", 0.0), ("accuracy", 1.0)):
        fitted = classifier(epochs=5, metric=metric).fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])
        P = fitted.predict_proba(X[200:])
        each = {
            "log_loss": np.mean([log_loss(y[200:, j], P[:, j]) for j in range(4)]),
            "accuracy": np.mean((P > 0.5) == y[200:]),
        }
        assert min(epoch["score"] for epoch in fitted.history_) == pytest.approx(abs(top - each[metric]), rel=1e-6)


def test_y_of_any_kind(classifier: Any) -> None:
    """An array, whole or not, lists, a frame, a sparse matrix: the same model; a frame gives the labels their names."""
    X, y = labelled(80, 3)
    make = lambda: classifier(epochs=2)
    plain = make().fit(X, y)
    frame = pd.DataFrame(y, columns=["red", "green", "blue"])
    for given in (y.astype(float), y.tolist(), list(y), y.astype(bool), csr_matrix(y)):
        assert make().fit(X, given).model_.to_bytes() == plain.model_.to_bytes()
    named = make().fit(X, frame)
    assert named.model_.theta.tobytes() == plain.model_.theta.tobytes()
    assert named.model_.labels == ("p(red)", "p(green)", "p(blue)")


@pytest.mark.parametrize(
    ("y", "error", "words"),
    [
        (np.array([[0, 2], [1, 0], [2, 1]] * 20), ValueError, "1d array"),
        (np.array([[0, 2], [2, 0], [2, 2]] * 20), ValueError, "labels are 0 or 1; y holds"),
        (np.array([[0.5, 1.0], [1.0, 0.25]] * 30), ValueError, "1d array|Unknown label type"),
    ],
)
def test_what_is_no_labels_is_refused(classifier: Any, y: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        classifier(epochs=1).fit(np.zeros((60, 2)) + np.arange(60)[:, None], y)


def test_weights_of_classes_do_not_go_with_labels(classifier: Any) -> None:
    X, y = labelled(60)
    with pytest.raises(UsageError, match="class_weight needs classes; y holds several labels"):
        classifier(class_weight="balanced").fit(X, y)


def test_a_label_that_is_never_on(classifier: Any) -> None:
    X, y = labelled()
    y[:, 1] = 0
    fitted = classifier(**LONG).fit(X, y)
    assert not fitted.predict(X)[:, 1].any()
    assert np.isfinite(fitted.predict_proba(X)).all()


def test_rows_of_weight_0_and_repetitions(classifier: Any) -> None:
    X, y = labelled(80, 3)
    weights = np.random.default_rng(0).integers(0, 3, 80)
    repeated = classifier(epochs=3).fit(X.repeat(weights, axis=0), y.repeat(weights, axis=0))
    weighted = classifier(epochs=3).fit(X, y, weights)
    np.testing.assert_array_equal(weighted.model_.theta, repeated.model_.theta)


@pytest.mark.parametrize("rows", ["folds", "split"])
def test_ensembles_average_the_probabilities(classifier: Any, rows: str) -> None:
    X, y = labelled(120, 3)
    fitted = classifier(epochs=3, ensemble_size=3, ensemble_split=rows).fit(X, y)
    table = {f"x{j}": X[:, j] for j in range(6)}
    alone = [replace(fitted.model_, theta=theta).predict(table) for theta in fitted.model_.theta]
    np.testing.assert_allclose(fitted.predict_proba(X), np.mean(alone, axis=0), rtol=1e-5)


def test_presets_streams_and_warm_starts(classifier: Any) -> None:
    X, y = labelled(120, 3)
    for preset in ("fast", "default"):
        assert classifier(preset=preset, epochs=2).fit(X, y).predict(X).shape == (120, 3)
    stream = classifier().partial_fit(X[:60], y[:60]).partial_fit(X[60:], y[60:], classes=[0, 1, 2])
    assert stream.predict_proba(X).shape == (120, 3)
    with pytest.raises(ValueError, match="must have shape \\('n', 3\\) as before"):
        stream.partial_fit(X, y[:, :2])
    warm = classifier(epochs=2, warm_start=True).fit(X, y)
    before = warm.model_.theta.copy()
    assert not np.array_equal(warm.fit(X, y).model_.theta, before)


@pytest.mark.parametrize(
    "ensemble", [{}, {"ensemble_size": 3}, {"ensemble_size": 3, "ensemble_split": "split"}], ids=str
)
def test_labels_have_a_temperature(classifier: Any, ensemble: dict[str, Any]) -> None:
    """Smoothed targets make probabilities too soft; the last layer's weights and biases make up for it."""
    X, y = labelled(500)
    wishes = {"epochs": 20, "dropout": 0.0, "label_smoothing": 0.4, **ensemble}
    warm, cold = (classifier(**wishes, calibration=how).fit(X, y) for how in ("temperature", "none"))
    (note,) = warm.model_.record.notes[len(cold.model_.record.notes) :]
    found = re.fullmatch(r"probabilities are calibrated by temperature scaling \(T = (.*), \d+ validation rows\)", note)
    assert found is not None
    scores = [fitted.model_.record.scores["validation"]["log_loss"] for fitted in (warm, cold)]
    assert scores[0] < scores[1] - 0.01
    views = [fitted.model_.network.layout.views(np.atleast_2d(fitted.model_.theta)[0]) for fitted in (warm, cold)]
    for name in ("W2", "b2"):
        np.testing.assert_allclose(views[0][name] * float(found[1]), views[1][name], rtol=1e-2)
    np.testing.assert_array_equal(views[0]["W1"], views[1]["W1"])
    again = from_bytes(warm.model_.to_bytes())
    np.testing.assert_array_equal(again.predict(X), warm.predict_proba(X))


def test_a_loss_of_ones_own_gets_all_logits(classifier: Any) -> None:
    X, y = labelled(120, 3)
    own = lambda o, y: (operations.softplus(o) - y * o).sum(axis=1) * (1.0 / 3.0)
    mine, named = (classifier(epochs=3, loss=loss).fit(X, y) for loss in (own, "cross_entropy"))
    np.testing.assert_allclose(mine.predict_proba(X), named.predict_proba(X), rtol=1e-4)


def test_in_the_hands_of_scikit_learn(classifier: Any) -> None:
    X, y = labelled(90, 3)
    fitted = classifier(epochs=2).fit(X, y)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict(X), fitted.predict(X))
    assert clone(fitted).get_params() == fitted.get_params()
    assert cross_val_predict(classifier(epochs=2), X, y, cv=3, method="predict_proba").shape == (90, 3)
    search = GridSearchCV(classifier(epochs=2), {"dropout": [0.0, 0.5]}, cv=2).fit(X, y)
    assert search.predict(X).shape == (90, 3)


def test_the_model_predicts_probabilities_here_in_its_file_and_on_the_command_line(
    classifier: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    X, y = labelled(90, 3)
    named = pd.DataFrame(y, columns=["red", "green", "blue"])
    frame = pd.DataFrame(X, columns=[f"f{j}" for j in range(6)])
    fitted = classifier(epochs=2).fit(frame, named)
    path, table, out = tmp_path / "m.backpass", tmp_path / "t.csv", tmp_path / "out.csv"
    fitted.model_.save(path)
    pd.concat([frame, named], axis=1).to_csv(table, index=False)
    model = backpass.load(path)
    np.testing.assert_array_equal(model.predict(frame), fitted.predict_proba(frame))
    assert (model.classes, model.labels) == ((), ("p(red)", "p(green)", "p(blue)"))
    with pytest.raises(UsageError, match="are the probabilities of its labels already"):
        model.predict_proba(frame)
    assert main(["predict", str(path), str(table), "-o", str(out), "-q"]) == 0
    said = pd.read_csv(out, dtype=str).astype(float)
    assert list(said.columns) == ["p(red)", "p(green)", "p(blue)"]
    np.testing.assert_array_equal(said, fitted.predict_proba(frame))
    assert main(["predict", str(path), str(table), "--proba", "-q"]) == 2
    assert main(["show", str(path)]) == 0
    assert main(["evaluate", str(path), str(table)]) == 0
    assert "log_loss" in capsys.readouterr().out
    assert model.evaluate(table)["accuracy"] == pytest.approx(np.mean(fitted.predict(frame) == y))

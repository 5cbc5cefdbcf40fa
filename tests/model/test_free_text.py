"""Models of free text: what they learn, their files, and what they say of rows in other words."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backpass
from backpass.errors import BackpassWarning, DataError, ModelFileError, UsageError
from backpass.model.file.container import pack, unpack
from backpass.model.javascript.export import to_javascript
from backpass.model.loading import from_bytes
from backpass.model.model import Model
from backpass.reporting.explanation.dependence import dependence
from backpass.reporting.explanation.importance import permutation_importance
from backpass.reporting.numbers.columns import columns_of
from backpass.reporting.numbers.drift import drifts
from backpass.table import table_from

GOOD = ["lovely", "clean", "friendly", "quiet", "spacious", "charming"]
BAD = ["dirty", "noisy", "rude", "broken", "smelly", "awful"]
OTHERS = ["the", "room", "was", "in", "city", "hotel", "with", "breakfast", "view", "of", "street", "bed", "staff"]


def reviews(rows: int, seed: int = 0) -> dict[str, Any]:
    """Reviews whose words give the score away."""
    rng = np.random.default_rng(seed)
    y = rng.normal(size=rows)
    texts = [" ".join(rng.permutation([*rng.choice(OTHERS, 8), *rng.choice(GOOD if v > 0 else BAD, 2)])) for v in y]
    texts = [None if i % 40 == 3 else text for i, text in enumerate(texts)]
    return {"review": texts, "x": rng.normal(size=rows), "y": y}


def fitted(data: Any, **settings: Any) -> Model:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BackpassWarning)
        return backpass.fit(data, "y", preset="plain", hidden=(16,), epochs=12, seed=1, **settings)


@pytest.fixture(scope="module")
def model() -> Model:
    return fitted(reviews(320))


def test_learns_from_words(model: Model) -> None:
    new = reviews(100, seed=1)
    with_text = np.mean((model.predict(new) - new["y"]) ** 2)
    without = fitted(reviews(320), drop=["review"])
    assert with_text < 0.85 * np.mean((without.predict(new) - new["y"]) ** 2)


def test_is_saved_whole(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "m.backpass"
    model.save(path)
    loaded = backpass.load(path)
    new = {"review": ["dirty and rude!", "völlig neu", "これは東京です", None, "", "?"], "x": [0.0] * 6}
    np.testing.assert_array_equal(loaded.predict(new), model.predict(new))
    assert loaded.to_bytes() == model.to_bytes()
    assert fitted(reviews(320)).to_bytes() == model.to_bytes()


def test_knows_no_words_of_held_out_rows() -> None:
    """The words and their components come from the training rows, in a split by folds, too."""
    data = reviews(120)
    data["review"] = [text and f"{text} number{i} number{i}" for i, text in enumerate(data["review"])]
    held = {**data, "review": [text and text.replace("number", "other") for text in data["review"]]}
    one = fitted(data, validation=held)
    other = fitted(data, validation={**held, "review": ["nothing of the sort at all"] * 120})
    assert one.schema.features == other.schema.features


def change_facts(change: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any], dict[str, Any]], Any]:
    return lambda facts, arrays: change(facts["schema"]["features"][0])


HOSTILE = {
    "more words": change_facts(lambda text: text.update(words=10**9)),
    "no words": change_facts(lambda text: text.update(words=0)),
    "more components": change_facts(lambda text: text.update(components=text["components"] * 2)),
    "odd buckets": change_facts(lambda text: text.update(buckets=text["buckets"] - 1)),
    "a share above 1": change_facts(lambda text: text.update(expected=1.5)),
    "a strange fact": change_facts(lambda text: text.update(path="/etc/passwd")),
    "another kind": change_facts(lambda text: text.update(kind="words")),
    "fewer rows than a word": change_facts(lambda text: text.update(rows=1)),
    "no hashes": lambda facts, arrays: arrays.pop("text_words"),
    "fewer vectors": lambda facts, arrays: arrays.update(text_vectors=arrays["text_vectors"][:-1]),
    "a matrix": lambda facts, arrays: arrays.update(text_vectors=arrays["text_vectors"][:, None]),
    "unsorted words": lambda facts, arrays: arrays.update(text_words=arrays["text_words"][::-1]),
    "weights of 0": lambda facts, arrays: arrays.update(text_grams=arrays["text_grams"] * 0),
    "negative weights": lambda facts, arrays: arrays.update(text_grams=-arrays["text_grams"]),
    "NaN": lambda facts, arrays: arrays.update(text_vectors=arrays["text_vectors"] * np.float32(np.nan)),
    "wide vectors": lambda facts, arrays: arrays.update(text_vectors=arrays["text_vectors"].astype(np.float64)),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files_are_refused(model: Model, case: str) -> None:
    facts, arrays = unpack(model.to_bytes(), "model", "m")
    assert from_bytes(pack("model", facts, arrays)).to_bytes() == model.to_bytes()
    HOSTILE[case](facts, arrays)
    with pytest.raises(ModelFileError):
        from_bytes(pack("model", facts, arrays))


def test_arrays_without_a_text_are_refused(model: Model) -> None:
    facts, arrays = unpack(fitted(reviews(320), drop=["review"]).to_bytes(), "model", "m")
    _, of_text = unpack(model.to_bytes(), "model", "m")
    with pytest.raises(ModelFileError):
        from_bytes(pack("model", facts, arrays | {"text_words": of_text["text_words"]}))


def test_texts_in_another_language_are_suspect(model: Model) -> None:
    strange = {"review": [f"ganz andere Wörter im Satz {i}" for i in range(5)], "x": [0.0] * 5}
    with pytest.warns(BackpassWarning, match="column 'review': nearly all words are unknown in 5 of 5 rows; "):
        model.predict(strange)
    with warnings.catch_warnings():
        warnings.simplefilter("error", BackpassWarning)
        model.predict(reviews(20, seed=2))
        model.predict({"review": ["ganz anders"], "x": [0.0]})
        one_long = [*reviews(9, seed=2)["review"], " ".join(f"Wort{i}" for i in range(900))]
        model.predict({"review": one_long, "x": [0.0] * 10})  # most words, but a single row


def test_rows_of_unknown_words_are_counted_with_repeats(model: Model) -> None:
    known = reviews(4, seed=3)["review"]
    texts = [*known[:3], *["ganz andere Wörter in einem langen deutschen Satz"] * 9]
    with pytest.warns(BackpassWarning, match="nearly all words are unknown in 9 of 12 rows"):
        model.predict({"review": texts, "x": [0.0] * 12})


def test_drift_is_told_in_words(model: Model) -> None:
    def found(data: Any) -> Any:
        encoded = model.encoded(table_from(data, kinds=model.schema.kinds))
        return {each.name: each for each in drifts(columns_of(model), model.training_rows, encoded) or ()}["review"]

    same = reviews(300, seed=3)
    assert not found(same).is_clear
    moved = found({**same, "review": [text and text.replace("a", "ä").replace("o", "ö") for text in same["review"]]})
    assert (moved.what, moved.is_clear) == ("unknown words", True)
    assert moved.sentence.startswith("unknown words 0.0% to ")
    gone = found({**same, "review": [None if i % 2 else text for i, text in enumerate(same["review"])]})
    assert (gone.what, gone.is_clear) == ("missing", True)


def test_counts_as_one_column(model: Model) -> None:
    ranked = permutation_importance(model, reviews(100, seed=4))
    assert [each.name for each in ranked] == ["review", "x"]
    with pytest.raises(UsageError, match="column 'review' is free text, which has no order to follow"):
        dependence(model, "review")


def test_has_no_onnx_form(model: Model) -> None:
    pytest.importorskip("onnx")
    with pytest.raises(UsageError, match=r"a model of free text \('review'\) has no ONNX form"):
        model.to_onnx()


def test_has_no_javascript_form(model: Model) -> None:
    with pytest.raises(UsageError, match=r"a model of free text \('review'\) has no JavaScript form"):
        to_javascript(model)


def test_estimators_learn_from_text() -> None:
    pd = pytest.importorskip("pandas")
    from backpass.estimators import BackpassRegressor

    frame = pd.DataFrame(reviews(200))
    estimator = BackpassRegressor(preset="plain", hidden_layer_sizes=(8,), epochs=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BackpassWarning)
        estimator.fit(frame[["review", "x"]], frame["y"])
        before = estimator.model_.schema
        assert [feature.kind for feature in before.features] == ["text", "numeric"]
        assert np.isfinite(estimator.predict(frame[["review", "x"]])).all()
        other = pd.DataFrame(reviews(60, seed=5))
        estimator.partial_fit(other[["review", "x"]].replace("room", "chamber", regex=True), other["y"])
    assert estimator.model_.schema.features == before.features, "the words are those of the first fit"


def test_a_target_is_no_free_text() -> None:
    with pytest.raises(DataError, match="target 'review' is declared as free text"):
        backpass.fit(reviews(60), "review", reading={"text": ["review"]})


@pytest.mark.parametrize("option", ["text", "categorical", "drop", "missing"])
def test_a_single_text_is_no_list_of_names(option: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("review,r\na b,1\n")
    for read in (lambda **o: backpass.read_table(path, **o), lambda **o: table_from({"review": ["a"]}, **o)):
        with pytest.raises(UsageError, match=f"{option} takes a list of names; got the string 'review'"):
            read(**{option: "review"})

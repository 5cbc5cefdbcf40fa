"""Free text: recognized by its words in any language, counted, and encoded the same for every source."""

from __future__ import annotations

import json
import tracemalloc
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backpass.errors import DataError, InsufficientMemoryError, UsageError
from backpass.numerics.string_hash import code_points, hashes_of
from backpass.table import CategoricalColumn, CategoricalFeature, Schema, Table, TextFeature, read_table, table_from
from backpass.table.diagnosis.inspection import inspect_table
from backpass.table.free_text.columns import COUNTED, VALUE, encode_column, fit_column
from backpass.table.free_text.counts import count_words
from backpass.table.free_text.encoding import TextEncoding, components_for
from backpass.table.free_text.recognition import is_free_text, word_count
from backpass.table.free_text.vocabulary import Vocabulary
from backpass.table.free_text.words import words_of
from backpass.table.memory import limited_memory

LANGUAGES = {
    "english": "the old house stands near a quiet river and its garden is full of roses",
    "german": "das alte Haus steht nahe am ruhigen Fluß und sein Garten ist voller Rosen",
    "french": "la vieille maison se trouve près d'une rivière calme et l'été y est très doux",
    "russian": "старый дом стоит у тихой реки и его сад полон прекрасных красных роз",
    "greek": "το παλιό σπίτι βρίσκεται κοντά στο ήσυχο ποτάμι και ο κήπος είναι γεμάτος",
    "arabic": "البيت القديم يقع بالقرب من نهر هادئ وحديقته مليئة بالورود الجميلة كل صيف",
    "hebrew": "הבית הישן עומד ליד נהר שקט והגן שלו מלא ורדים יפים בכל קיץ מחדש",
    "hindi": "पुराना घर एक शांत नदी के पास है और उसका बगीचा गुलाबों से भरा हुआ है",
    "korean": "오래된 집은 조용한 강가에 있고 정원은 장미로 가득하며 여름에는 매우 아름답다",
    "chinese": "那座老房子坐落在一条安静的河边花园里开满了玫瑰每到夏天都非常美丽",
    "japanese": "その古い家は静かな川の近くにあり庭はバラでいっぱいで夏はとても美しい",
    "thai": "บ้านเก่าตั้งอยู่ใกล้แม่น้ำที่เงียบสงบและสวนเต็มไปด้วยดอกกุหลาบที่สวยงามมาก",
}
UNSPACED = ("chinese", "japanese", "thai")
CASINGS: dict[str, Callable[[str], str]] = {"lower": str.lower, "upper": str.upper, "title": str.title}
MARKS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "stop": lambda text: f"{text}.",
    "quoted": lambda text: f'"{text}!"',
    "commas": lambda text: text.replace(" ", ", "),
}


def sentences(language: str, rows: int, seed: int = 0) -> list[str]:
    """Different sentences of a language: parts of its sample in random order."""
    rng = np.random.default_rng(seed)
    if language in UNSPACED:
        pieces, between = [LANGUAGES[language][i : i + 3] for i in range(0, 30, 3)], ""
    else:
        pieces, between = LANGUAGES[language].split(), " "
    return [between.join(rng.permutation(pieces)[:8]) for _ in range(rows)]


def feature_of_texts(texts: Sequence[str | None], **options: Any) -> TextFeature:
    schema = Schema.fit(table_from({"text": texts, "y": range(len(texts))}, **options), "y")
    (feature,) = schema.features
    assert isinstance(feature, TextFeature)
    return feature


class TestHashes:
    def test_do_not_depend_on_the_other_strings(self) -> None:
        words = ["a", "rose", "дом", "家", "\U0001f339", "x" * 300]
        together = hashes_of(*code_points(words))
        assert [int(hashes_of(*code_points([word]))[0]) for word in words] == together.tolist()
        assert len(set(together.tolist())) == len(words)

    def test_match_the_formula(self) -> None:
        sums = [sum(ord(c) * 0x9E3779B97F4A7C15**i for i, c in enumerate(word)) % 2**64 for word in ("ab", "rosé")]
        mixed = []
        for z in sums:
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
            mixed.append(z ^ (z >> 31))
        assert hashes_of(*code_points(["ab", "rosé"])).tolist() == mixed

    def test_rarely_collide(self) -> None:
        words = [f"{a}{b}" for a in "abcdefghij" for b in range(10_000)]
        assert len(np.unique(hashes_of(*code_points(words)))) == len(words)


class TestWords:
    @pytest.mark.parametrize("language", LANGUAGES)
    @pytest.mark.parametrize("casing", CASINGS)
    @pytest.mark.parametrize("marks", MARKS)
    def test_are_the_same_in_every_case_and_punctuation(self, language: str, casing: str, marks: str) -> None:
        text = LANGUAGES[language]
        if language == "greek" and casing == "upper":
            text = text.replace("ς", "σ")
        assert words_of(MARKS[marks](CASINGS[casing](text))) == words_of(text.casefold())

    @pytest.mark.parametrize("language", LANGUAGES)
    @pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
    def test_are_the_same_in_every_unicode_form(self, language: str, form: Any) -> None:
        text = LANGUAGES[language]
        assert words_of(unicodedata.normalize(form, text)) == words_of(text)

    @pytest.mark.parametrize(
        ("text", "words"), [("", []), ("?! -- ...", []), ("don’t", ["don't"]), ("it's_me", ["it's", "me"])]
    )
    def test_of_edge_cases(self, text: str, words: list[str]) -> None:
        assert words_of(text) == words

    def test_of_hindi_keep_their_vowel_signs(self) -> None:
        assert words_of("पुराना घर") == ["पुराना", "घर"]

    def test_of_long_runs_are_bounded(self) -> None:
        assert max(map(len, words_of("x" * 1000 + " " + "é" * 1000))) == 40

    def test_accept_lone_surrogates(self) -> None:
        assert len(count_words(["a \ud800b c"]).hashes) >= 2


class TestRecognition:
    @pytest.mark.parametrize("language", LANGUAGES)
    @pytest.mark.parametrize("casing", CASINGS)
    @pytest.mark.parametrize("missing", [0, 10])
    def test_of_sentences_in_every_language(self, language: str, casing: str, missing: int) -> None:
        texts: list[str | None] = [CASINGS[casing](text) for text in sentences(language, 60)]
        texts[:missing] = [None] * missing
        assert is_free_text(table_from({"text": texts}).column("text"))

    @pytest.mark.parametrize(
        "value",
        [
            lambda i: f"A-{i:05d}",
            lambda i: f"data/part {i}/file {i}.csv",
            lambda i: f"https://example.org/item/{i}",
            lambda i: f"user{i}@example.org",
            lambda i: f"{i} x {i + 1} x {i + 2} cm",
            lambda i: f"2024-01-{i % 28 + 1:02d} at {i}",
            lambda i: f"{i:032x}",
            lambda i: f"{i}.5 kg net",
            lambda i: f"town {i % 7} of the north",
        ],
    )
    def test_leaves_out_codes_and_repeated_texts(self, value: Callable[[int], str]) -> None:
        assert not is_free_text(table_from({"x": [value(i) for i in range(100)]}).column("x"))

    def test_needs_rows(self) -> None:
        assert not is_free_text(table_from({"x": sentences("english", 19)}).column("x"))

    def test_can_be_demanded_and_switched_off(self) -> None:
        texts = sentences("english", 60)
        assert not is_free_text(table_from({"x": texts}, categorical=["x"]).column("x"))
        few = [f"{i % 3} red rose" for i in range(30)]
        assert is_free_text(table_from({"x": few}, text=["x"]).column("x"))
        assert is_free_text(table_from({"x": few}, kinds={"x": "text"}).column("x"))
        with pytest.raises(UsageError, match="'x' cannot be both categorical and free text"):
            table_from({"x": few}, text=["x"], categorical=["x"])
        with pytest.raises(DataError, match="column 'z' not found"):
            table_from({"x": few}, text=["z"])

    def test_respects_declared_categories(self) -> None:
        pd = pytest.importorskip("pandas")
        frame = pd.DataFrame({"x": pd.Categorical(sentences("english", 60))})
        assert not is_free_text(table_from(frame).column("x"))

    def test_counts_words_of_two_letters(self) -> None:
        assert word_count("Braund, Mr. Owen Harris") == 4.0


class TestDoors:
    TEXTS = (*sentences("english", 40), *sentences("russian", 20, 1), None, "?!")

    def table(self) -> dict[str, list[Any]]:
        return {"text": list(self.TEXTS), "y": list(range(len(self.TEXTS)))}

    def encoded(self, table: Table) -> Any:
        return Schema.fit(table, "y").encode(table).numbers

    def expected(self) -> Any:
        numbers = self.encoded(table_from(self.table()))
        assert numbers.shape == (62, 9)
        assert np.isnan(numbers[60]).all()
        assert (numbers[61] == 0.0).all()
        assert np.isfinite(numbers[:60]).all()
        return numbers

    @pytest.mark.parametrize("kind", ["csv", "tsv", "json", "jsonl", "parquet", "arrow"])
    def test_files_agree_with_dicts(self, kind: str, tmp_path: Path) -> None:
        pd = pytest.importorskip("pandas")
        frame, path = pd.DataFrame(self.table()), tmp_path / f"t.{kind}"
        match kind:
            case "csv" | "tsv":
                frame.to_csv(path, index=False, sep="," if kind == "csv" else "\t")
            case "json":
                path.write_text(json.dumps(frame.to_dict("records")), encoding="utf-8")
            case "jsonl":
                path.write_text("\n".join(map(json.dumps, frame.to_dict("records"))), encoding="utf-8")
            case "parquet":
                frame.to_parquet(path, index=False)
            case _:
                frame.to_feather(path)
        np.testing.assert_array_equal(self.encoded(read_table(path)), self.expected())

    @pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow", "numpy", "structured", "rows"])
    def test_frames_agree_with_dicts(self, kind: str) -> None:
        data: Any = self.table()
        match kind:
            case "pandas":
                data = pytest.importorskip("pandas").DataFrame(data)
            case "polars":
                data = pytest.importorskip("polars").DataFrame(data)
            case "pyarrow":
                data = pytest.importorskip("pyarrow").table(data)
            case "numpy":
                data = {
                    name: np.array(values, dtype=object if name == "text" else float) for name, values in data.items()
                }
            case "structured":
                rows = list(zip(*data.values(), strict=True))
                data = np.array(rows, dtype=[("text", object), ("y", float)])
            case _:
                data = [dict(zip(data, row, strict=True)) for row in zip(*data.values(), strict=True)]
        np.testing.assert_array_equal(self.encoded(table_from(data)), self.expected())


class TestEncoding:
    def test_is_that_of_a_dense_computation(self) -> None:
        """TF-IDF of words, words as vectors of themselves and their n-grams, the singular vectors of the product."""
        texts = sentences("english", 50)
        found = TextEncoding.fit(texts, np.ones(50, dtype=np.int64))
        assert found is not None
        vocabulary = sorted({word for text in texts for word in words_of(text)}, key=_hash)
        counts = np.array([[words_of(text).count(word) for word in vocabulary] for text in texts], dtype=float)
        held = (counts > 0).sum(axis=0)
        assert found.vocabulary.rows_with.tolist() == held.tolist()
        with np.errstate(divide="ignore"):
            weights = np.where(counts > 0, 1.0 + np.log(counts), 0.0) * (1.0 + np.log(51.0 / (1.0 + held)))
        weights /= np.sqrt((weights**2).sum(axis=1, keepdims=True))
        buckets = len(found.gram_weights)
        grams = np.zeros((len(vocabulary), buckets))
        for i, word in enumerate(vocabulary):
            marked = f"<{word}>"
            for size in (3, 4, 5):
                for start in range(len(marked) - size + 1):
                    bucket = _hash(marked[start : start + size], marked=True) % buckets
                    grams[i, bucket] += found.gram_weights[bucket]
        entries = count_words([" ".join(vocabulary)]).grams(np.arange(len(vocabulary)), buckets)
        squares = np.zeros(len(vocabulary))  # of each n-gram by itself, as if none shared a bucket
        np.add.at(squares, entries.rows, found.gram_weights[entries.columns].astype(float) ** 2)
        X = weights @ np.hstack([np.eye(len(vocabulary)), 0.7 * grams / np.sqrt(squares)[:, None]])
        np.testing.assert_allclose(found.encode(texts)[0][:, 1:], X @ found.vectors, atol=1e-6)
        spectrum = np.linalg.svd(X)[1][: found.components]
        np.testing.assert_allclose(np.sqrt(((X @ found.vectors) ** 2).sum(axis=0)), spectrum, rtol=0.05)
        np.testing.assert_allclose(found.vectors.T @ found.vectors, np.eye(found.components), atol=1e-5)

    def test_of_a_text_depends_on_no_other_text(self, monkeypatch: pytest.MonkeyPatch) -> None:
        texts = [*sentences("english", 60), *sentences("korean", 60)]
        found = TextEncoding.fit(texts, np.ones(120, dtype=np.int64))
        assert found is not None
        whole = found.encode(texts)[0]
        np.testing.assert_array_equal(found.encode(texts[50:70])[0], whole[50:70])
        monkeypatch.setattr("backpass.table.free_text.counts.BLOCK", 100)
        np.testing.assert_array_equal(found.encode(texts)[0], whole)
        assert TextEncoding.fit(texts, np.ones(120, dtype=np.int64)) == found

    def test_of_repeated_rows_is_that_of_counts(self) -> None:
        texts = sentences("german", 40)
        twice = feature_of_texts([*texts, *texts[:20]])
        once = TextEncoding.fit(sorted(set(texts)), np.array([2 if t in texts[:20] else 1 for t in sorted(set(texts))]))
        assert twice.encoding == once

    def test_of_unknown_words_is_near_that_of_similar_ones(self) -> None:
        rng = np.random.default_rng(0)
        wet = ["rain", "storm", "flooding", "river", "water", "drowned"]
        dry = ["desert", "sunshine", "dust", "heat", "drought", "burning"]
        texts = [" ".join(rng.choice(wet if i % 2 else dry, 4)) for i in range(80)]
        encoding = TextEncoding.fit(sorted(set(texts)), np.ones(len(set(texts)), dtype=np.int64))
        assert encoding is not None
        values, words = encoding.encode([*sorted(set(texts)), "rainstorms floods rivers", "deserts sunshiny droughts"])
        assert words[:-2, 0].sum() == words[:-2, 1].sum()  # of the texts that it is fitted to, all words are known
        assert (words[-2:, 0] < words[-2:, 1]).all()
        unit = values[:, 1:] / np.sqrt((values[:, 1:] ** 2).sum(axis=1, keepdims=True))
        are_wet = np.array([text.split()[0] in wet for text in sorted(set(texts))])
        for j, of_wet in ((-2, True), (-1, False)):
            likeness = unit[:-2] @ unit[j]
            assert likeness[are_wet == of_wet].mean() > likeness[are_wet != of_wet].mean() + 0.3

    def test_of_nothing_recurring_is_none(self) -> None:
        texts = [f"{a}one {a}two {a}three" for a in "abcdefghijklmnopqrstuvwxyz"]
        assert TextEncoding.fit(texts, np.ones(26, dtype=np.int64)) is None
        with pytest.raises(DataError, match="no columns are left") as caught:
            Schema.fit(table_from({"text": texts, "y": range(26)}), "y")
        assert "is free text without a word in two rows: left out" in caught.value.details[0]

    def test_counts_words_of_rows_to_come(self) -> None:
        vocabulary = Vocabulary.of(["a b", "a b", "a c d"], np.array([1, 1, 1]))
        assert (len(vocabulary), vocabulary.expected) == (2, 3 / 7)

    @pytest.mark.parametrize(("rows", "count"), [(20, 8), (1023, 8), (1024, 16), (10**7, 16)])
    def test_has_components_by_the_rows(self, rows: int, count: int) -> None:
        assert components_for(rows) == count


class TestSchema:
    def test_survives_json(self) -> None:
        table = table_from({"b": sentences("greek", 50), "x": range(50), "a": sentences("english", 50), "y": range(50)})
        schema = Schema.fit(table, "y")
        assert [feature.kind for feature in schema.features] == ["text", "numeric", "text"]
        again = Schema.from_json(json.loads(json.dumps(schema.to_json())), schema.arrays())
        assert again == schema
        np.testing.assert_array_equal(again.encode(table).numbers, schema.encode(table).numbers)

    def test_refuses_arrays_of_other_sizes(self) -> None:
        schema = Schema.fit(table_from({"a": sentences("english", 50), "y": range(50)}), "y")
        arrays = schema.arrays()
        for name, array in arrays.items():
            for wrong in (array[:-1], np.append(array, array[:1]), array.astype(np.float64)):
                with pytest.raises(DataError, match=f"{name} holds"):
                    Schema.from_json(schema.to_json(), {**arrays, name: wrong})
        with pytest.raises(DataError, match="not sorted"):
            Schema.from_json(schema.to_json(), {**arrays, "text_words": arrays["text_words"][::-1]})
        for name in ("text_rows", "text_grams"):
            with pytest.raises(DataError, match="out of range"):
                Schema.from_json(schema.to_json(), {**arrays, name: np.zeros_like(arrays[name])})

    def test_is_fitted_to_the_training_rows_only(self) -> None:
        table = table_from({"text": [*sentences("english", 50), *sentences("russian", 50)], "y": range(100)})
        whole = Schema.fit(table.take(range(50)), "y")
        assert (
            whole.features == Schema.fit(table_from({"text": sentences("english", 50), "y": range(50)}), "y").features
        )
        words = whole.encode(table.take(range(50, 100))).words["text"]
        assert (words.known, words.held) == (0, words.held)

    def test_keeps_texts_of_another_table(self) -> None:
        schema = Schema.fit(table_from({"text": sentences("english", 50), "y": range(50)}), "y")
        new = table_from({"text": ["a rose", None, "", "ἀγαθός", "7"]}, kinds=schema.kinds)
        numbers = schema.encode(new).numbers
        assert np.isnan(numbers[:, 0]).tolist() == [False, True, True, False, False]
        empty = table_from({"text": [None, None]}, kinds=schema.kinds)
        assert np.isnan(schema.encode(empty).numbers).all()

    def test_of_categories_is_as_before(self) -> None:
        texts = sentences("english", 60)
        table = table_from({"text": texts, "y": range(60)}, categorical=["text"])
        (feature,) = Schema.fit(table, "y", columns=["text"]).features
        assert isinstance(feature, CategoricalFeature)


def test_inspection_tells_what_a_text_becomes() -> None:
    texts: list[str | None] = [*sentences("english", 60), None]
    report = inspect_table(table_from({"text": texts, "y": range(61)}), "y")
    column = report.columns[0]
    assert (column.kind, column.association, column.findings) == ("text", None, ())
    assert column.fitting == "free text, 8 words in the median row: 15 known words, 8 components, flag where missing"


def _hash(word: str, marked: bool = False) -> int:
    return int(hashes_of(*code_points([word if marked else f"<{word}>"]))[0])


# Memory ---------------------------------------------------------------------------------------------------------------


def long_texts(rows: int) -> list[str]:
    draw = np.random.default_rng(0)
    words = [f"w{j}" for j in range(900)]
    return [" ".join(words[j] for j in row) for row in draw.integers(0, 900, (rows, 40))]


def test_work_that_does_not_fit_in_memory_is_refused_before_it_begins() -> None:
    column = table_from({"review": long_texts(3_000)}).column("review")
    assert isinstance(column, CategoricalColumn)
    encoding = fit_column(column)
    assert encoding is not None
    for work, least in ((lambda: fit_column(column), 10_000_000), (lambda: encode_column(column, encoding), 2_000_000)):
        with (
            limited_memory(least),
            pytest.raises(InsufficientMemoryError, match=r"free text of column 'review'") as caught,
        ):
            work()
        assert "3,000 texts" in caught.value.message
        assert "--drop" in caught.value.hint


def test_the_memory_that_is_asked_for_covers_what_is_taken() -> None:
    column = table_from({"review": long_texts(2_000)}).column("review")
    assert isinstance(column, CategoricalColumn)
    characters = sum(map(len, column.levels))
    tracemalloc.start()
    try:
        encoding = fit_column(column)
        assert encoding is not None
        assert tracemalloc.get_traced_memory()[1] < COUNTED * characters
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        encode_column(column, encoding)
        taken = tracemalloc.get_traced_memory()[1] - before
        assert taken < COUNTED * characters + VALUE * (1 + encoding.components) * 4_000
    finally:
        tracemalloc.stop()

"""Storage of text encodings: the arrays of all of them as four vectors, which a model file holds, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.errors import DataError
from backpass.table.free_text.encoding import TextEncoding
from backpass.table.free_text.vocabulary import Vocabulary

DTYPES: dict[str, np.dtype[Any]] = {
    "text_words": np.dtype(np.uint64),
    "text_rows": np.dtype(np.uint32),
    "text_grams": np.dtype(np.float32),
    "text_vectors": np.dtype(np.float32),
}
"""Names and dtypes of the vectors: hashes of words, rows that hold them, weights of n-grams, singular vectors."""


def arrays_of(encodings: Sequence[TextEncoding]) -> dict[str, NDArray[Any]]:
    """Return the vectors of some encodings, one after the other; empty for none."""
    if not encodings:
        return {}
    each = [(e.vocabulary.hashes, e.vocabulary.rows_with, e.gram_weights, e.vectors.reshape(-1)) for e in encodings]
    return {name: np.concatenate(parts) for name, parts in zip(DTYPES, zip(*each, strict=True), strict=True)}


def encodings_in(facts: Sequence[Mapping[str, Any]], arrays: Mapping[str, NDArray[Any]]) -> list[TextEncoding]:
    """Return the encodings of these facts (``TextEncoding.to_json``) and vectors.

    Raises:
        DataError: The vectors are absent, or of another dtype or length.
    """
    lengths = {
        "text_words": [each["words"] for each in facts],
        "text_rows": [each["words"] for each in facts],
        "text_grams": [each["buckets"] for each in facts],
        "text_vectors": [(each["words"] + each["buckets"]) * each["components"] for each in facts],
    }
    cut = {}
    for name, dtype in DTYPES.items():
        array = arrays.get(name, np.zeros(0, dtype))
        if array.dtype != dtype or array.size != sum(lengths[name]):
            expected = f"{sum(lengths[name])} numbers of type {dtype}"
            raise DataError(f"{name} holds {array.size} numbers of type {array.dtype}; expected {expected}")
        cut[name] = np.split(array, np.cumsum(lengths[name])[:-1]) if facts else []
    return [
        TextEncoding(
            Vocabulary(cut["text_words"][i], cut["text_rows"][i], each["rows"], each["expected"]),
            cut["text_grams"][i],
            cut["text_vectors"][i].reshape(-1, each["components"]),
        )
        for i, each in enumerate(facts)
    ]

"""Fuzzing: the corpus of model files, and mutations of it, are read or refused; ``make fuzz`` goes on from there."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

HERE = Path(__file__).parent
CORPUS = {path.name: path.read_bytes() for path in sorted((HERE / "corpus").iterdir())}
READABLE = {
    "checkpoint",
    "empty_model",
    "every_dtype",
    "flipped",
    "format_1_model",
    "model",
    "model_of_today",
    "shapes",
}
"""``flipped`` only with the digest that it should have."""


def harness() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fuzz_container", HERE.parents[1] / "tools" / "fuzz_container.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FUZZ = harness()


@pytest.mark.parametrize("name", CORPUS)
def test_the_corpus_is_read_or_refused(name: str) -> None:
    assert (FUZZ.read(CORPUS[name]) > 0) == (name in READABLE)


def flip(data: bytes, at: int, value: int) -> bytes:
    return data[:at] + bytes([data[at] ^ (1 << value % 8)]) + data[at + 1 :] if at < len(data) else data


def cut(data: bytes, at: int, value: int) -> bytes:
    return data[:at]


def insert(data: bytes, at: int, value: int) -> bytes:
    return data[:at] + bytes([value]) * (value % 9) + data[at:]


def remove(data: bytes, at: int, value: int) -> bytes:
    return data[:at] + data[at + value :]


def repeat(data: bytes, at: int, value: int) -> bytes:
    return data[: at + value] + data[at:]


def digit(data: bytes, at: int, value: int) -> bytes:
    """Another digit where the next one stands: lengths, places, numbers."""
    place = next((i for i in range(at, len(data)) if 48 <= data[i] <= 57), None)
    return data if place is None else data[:place] + b"%d" % (value % 10) + data[place + 1 :]


def lengthened(data: bytes, at: int, value: int) -> bytes:
    """The header's length made to fit again."""
    end = data.rfind(b"}", 0, at)
    return (end - 7).to_bytes(8, "little") + data[8:] if end > 8 else data


MUTATIONS: list[Callable[[bytes, int, int], bytes]] = [flip, cut, insert, remove, repeat, digit, lengthened]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(sorted(CORPUS)),
    st.lists(st.tuples(st.sampled_from(MUTATIONS), st.integers(0, 5_000), st.integers(0, 255)), min_size=1, max_size=4),
)
def test_mutations_of_the_corpus_are_read_or_refused(
    name: str, steps: list[tuple[Callable[[bytes, int, int], bytes], int, int]]
) -> None:
    data = CORPUS[name]
    for mutate, at, value in steps:
        data = mutate(data, at % (len(data) + 1), value)
    FUZZ.read(data)


def test_an_error_of_another_kind_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(*_: object) -> None:
        raise KeyError("dtype")

    monkeypatch.setattr("backpass.model.file.container.read_layout", careless)
    with pytest.raises(KeyError):
        FUZZ.read(CORPUS["model_of_today"])


def test_two_forms_of_one_content_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FUZZ, "pack", lambda kind, facts, arrays: b"another")
    with pytest.raises(AssertionError, match="one content, one form"):
        FUZZ.read(CORPUS["model_of_today"])

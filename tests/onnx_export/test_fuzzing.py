"""Fuzzing: the models and circuits of the corpus give in ONNX Runtime what they give here; ``make fuzz`` goes on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
TOOLS = str(HERE.parents[1] / "tools")


@pytest.fixture(scope="module")
def target() -> Iterator[Any]:
    sys.path.insert(0, TOOLS)
    import fuzz_onnx

    yield fuzz_onnx
    sys.path.remove(TOOLS)


@pytest.mark.parametrize("path", sorted((HERE / "corpus").iterdir()), ids=lambda path: path.name)
def test_the_corpus_is_exported(target: Any, path: Path) -> None:
    assert target.read(path.read_bytes()) == 1


@pytest.mark.parametrize("name", ["circuit_80", "model_120"])
def test_other_numbers_are_found(target: Any, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A runtime that is off by a thousandth must fail, or the comparison would prove nothing."""
    import model_runs

    real = target.run_onnx

    def off(*given: Any) -> list[Any]:
        return [each + 0.001 if each.dtype.kind == "f" else each for each in real(*given)]

    for module in (target, model_runs):
        monkeypatch.setattr(module, "run_onnx", off)
    with pytest.raises(AssertionError):
        target.read((HERE / "corpus" / name).read_bytes())

"""Kept files: model files of every format and arithmetic load for ever, and predict what they predicted then.

The files are made by ``tools/make_model_files.py``, which adds a folder when the format or the arithmetic changes.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backpass
from backpass.engine import ENGINES
from backpass.model.file.container import FORMAT, unpack
from backpass.model.saving import ARITHMETIC

HERE = Path(__file__).parent
FOLDERS = sorted(path.parent for path in HERE.glob("*/expected.json"))
KEPT = {folder.name: json.loads((folder / "expected.json").read_text("utf-8")) for folder in FOLDERS}
FILES = [(folder, name) for folder, kept in KEPT.items() for name in kept["models"]]
CLOSE = 1e-6
"""Relative to the largest number of its kind in the row, or to 1 where that is smaller."""
OTHER_ENGINE = 4.0
"""Times as far may NumPy be from what the native engine gave: fast waves magnify its other roundings."""


def arithmetic_of(path: Path) -> int:
    return int(unpack(path.read_bytes(), "model", path.name)[0]["arithmetic"])


@pytest.fixture(params=FILES, ids="/".join)
def path(request: pytest.FixtureRequest) -> Path:
    folder, name = request.param
    return HERE / folder / f"{name}.backpass"


@pytest.fixture
def then(path: Path) -> dict[str, Any]:
    """What the model gave when its file was kept."""
    return dict(KEPT[path.parent.name]["models"][path.stem])


def now(path: Path, engine: str) -> dict[str, Any]:
    """What the model gives now, on the rows it was asked about then."""
    model = replace(backpass.load(path), engine=engine)
    table = model.table(KEPT[path.parent.name]["rows"])
    predictions = model.predictions(table)
    probabilities = predictions.probabilities
    return {
        "outputs": model.outputs(table).tolist(),
        "values": predictions.values.tolist(),
        "probabilities": None if probabilities is None else probabilities.tolist(),
    }


def assert_close(got: Any, expected: Any, engine: str = "native") -> None:
    got, expected = np.array(got), np.array(expected)
    rows = expected.reshape(len(expected), -1)
    size = np.maximum(np.abs(rows).max(axis=1), 1.0).reshape(-1, *[1] * (expected.ndim - 1))
    close = CLOSE if engine == "native" else OTHER_ENGINE * CLOSE
    assert (np.abs(got - expected) <= close * size).all()


def test_no_file_was_changed(path: Path, then: dict[str, Any]) -> None:
    assert hashlib.sha256(path.read_bytes()).hexdigest() == then["sha256"]


@pytest.mark.parametrize("engine", ENGINES)
def test_predictions_are_those_of_then(path: Path, then: dict[str, Any], engine: str) -> None:
    found = now(path, engine)
    assert_close(found["outputs"], then["outputs"], engine)
    if then["probabilities"] is None:
        assert_close(found["values"], then["values"], engine)
    else:
        assert_close(found["probabilities"], then["probabilities"], engine)
        assert found["values"] == then["values"]


@pytest.mark.skipif("native" not in ENGINES, reason="the bits are the native engine's, which was not built")
def test_bits_are_those_of_then_while_the_arithmetic_is_the_same(path: Path, then: dict[str, Any]) -> None:
    if arithmetic_of(path) != ARITHMETIC:
        pytest.skip("made with another arithmetic")
    assert now(path, "native") == {name: then[name] for name in ("outputs", "values", "probabilities")}


def test_a_model_that_is_loaded_and_saved_again_predicts_the_same_bits(path: Path, tmp_path: Path) -> None:
    again = tmp_path / path.parent.name / path.name
    again.parent.mkdir()
    backpass.load(path).save(again)
    assert now(again, "auto") == now(path, "auto")


def test_a_file_that_predicts_otherwise_would_be_noticed(path: Path, then: dict[str, Any], tmp_path: Path) -> None:
    model = backpass.load(path)
    other = tmp_path / path.parent.name / path.name
    other.parent.mkdir()
    replace(model, theta=(model.theta * np.float32(1.00003)).astype(model.theta.dtype)).save(other)
    with pytest.raises(AssertionError):
        assert_close(now(other, "auto")["outputs"], then["outputs"])


def test_files_of_the_present_are_kept_too() -> None:
    """Every sort that the maker knows, small enough to lie here for ever."""
    present = HERE / f"format_{FORMAT}_arithmetic_{ARITHMETIC}"
    if present not in FOLDERS:
        pytest.skip(f"none of format {FORMAT}, arithmetic {ARITHMETIC} yet: python tools/make_model_files.py")
    assert max(path.stat().st_size for path in HERE.glob("*/*.backpass")) < 30_000
    spec = importlib.util.spec_from_file_location("make_model_files", HERE.parents[1] / "tools" / "make_model_files.py")
    assert spec is not None
    assert spec.loader is not None
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    assert sorted(KEPT[present.name]["models"]) == sorted(maker.MODELS)

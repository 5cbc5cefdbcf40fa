"""Kept files of grouped models: they load for ever, and predict what they predicted then; see ``test_kept_files``."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backpass
from backpass.engine import ENGINES
from backpass.model import GroupedModel
from backpass.model.file.container import unpack
from backpass.model.grouped.saving import KIND
from backpass.model.saving import ARITHMETIC

HERE = Path(__file__).parent
FOLDERS = {path.parent: json.loads(path.read_text("utf-8")) for path in sorted(HERE.glob("*/groups.json"))}
FILES = [(folder, name) for folder, kept in FOLDERS.items() for name in kept["models"]]
CLOSE = 1e-6
"""Relative to the largest number, or to 1 where that is smaller: what engines may differ by."""


@pytest.fixture(params=FILES, ids=lambda each: f"{each[0].name}/{each[1]}")
def path(request: pytest.FixtureRequest) -> Path:
    folder, name = request.param
    return Path(folder, f"{name}.backpass")


@pytest.fixture
def then(path: Path) -> dict[str, Any]:
    """What the model gave when its file was kept."""
    return dict(FOLDERS[path.parent]["models"][path.stem])


def found(model: GroupedModel, path: Path) -> dict[str, Any]:
    predictions = model.predictions(model.table(FOLDERS[path.parent]["rows"]))
    probabilities = predictions.probabilities
    return {
        "groups": list(model.groups),
        "values": predictions.values.tolist(),
        "probabilities": None if probabilities is None else probabilities.tolist(),
    }


def assert_close(now: dict[str, Any], then: dict[str, Any]) -> None:
    name = "values" if then["probabilities"] is None else "probabilities"
    got, expected = np.array(now[name]), np.array(then[name])
    assert (np.abs(got - expected) <= CLOSE * max(np.abs(expected).max(), 1.0)).all()


def test_no_file_was_changed(path: Path, then: dict[str, Any]) -> None:
    assert hashlib.sha256(path.read_bytes()).hexdigest() == then["sha256"]
    assert path.stat().st_size < 30_000


@pytest.mark.parametrize("engine", ENGINES)
def test_groups_and_predictions_are_those_of_then(path: Path, then: dict[str, Any], engine: str) -> None:
    loaded = backpass.load(path)
    assert isinstance(loaded, GroupedModel)
    model = replace(loaded, base=replace(loaded.base, engine=engine))
    now = found(model, path)
    assert now["groups"] == then["groups"]
    assert_close(now, then)


@pytest.mark.skipif("native" not in ENGINES, reason="the bits are the native engine's, which was not built")
def test_bits_are_those_of_then_while_the_arithmetic_is_the_same(path: Path, then: dict[str, Any]) -> None:
    if unpack(path.read_bytes(), KIND, path.name)[0]["model"]["arithmetic"] != ARITHMETIC:
        pytest.skip("made with another arithmetic")
    assert found(backpass.load(path), path) == {name: then[name] for name in ("groups", "values", "probabilities")}


def test_a_model_that_is_loaded_and_saved_again_predicts_the_same_bits(path: Path, tmp_path: Path) -> None:
    backpass.load(path).save(tmp_path / "again.backpass")
    assert found(backpass.load(tmp_path / "again.backpass"), path) == found(backpass.load(path), path)


def test_a_file_that_predicts_otherwise_would_be_noticed(path: Path, then: dict[str, Any]) -> None:
    model = backpass.load(path)
    other = replace(model, theta=(model.theta * np.float32(1.001)).astype(model.theta.dtype))
    with pytest.raises(AssertionError):
        assert_close(found(other, path), then)

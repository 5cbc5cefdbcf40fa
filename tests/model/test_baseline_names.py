"""Baseline names: "majority" in files of every format, "class_frequencies" in the program."""

from __future__ import annotations

from pathlib import Path

import pytest

from backpass import load

FILES = Path(__file__).parents[1] / "model_files"


@pytest.mark.parametrize("name", sorted(path.parent.name for path in FILES.glob("*/binary.backpass")))
def test_a_kept_file_says_majority_and_its_model_class_frequencies(name: str) -> None:
    path = FILES / name / "binary.backpass"
    model = load(path)
    names = ("class_frequencies", "logistic")
    assert set(names) == set(model.record.baselines)
    comparison = model.record.comparison
    assert comparison is None or comparison.baseline in names
    assert [each.name for each in model.baselines if each.is_constant] in ([], ["class_frequencies"])
    for content in (path.read_bytes(), model.to_bytes()):
        assert b"majority" in content
        assert b"class_frequencies" not in content

"""The page docs/how-to/onnx.md: its examples run, as they stand and in their order."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from backpass.datasets import sample_bytes

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "onnx.md"


def test_the_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = sample_bytes("housing").splitlines(keepends=True)
    (tmp_path / "housing.csv").write_bytes(b"".join(lines[:400]))
    names: dict[str, object] = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)
    assert len(blocks) == 4
    for block in blocks:
        exec(compile(block, "docs/how-to/onnx.md", "exec"), names)


def test_the_versions_are_those_that_are_written() -> None:
    from backpass.engine.onnx import IR, OPSET, OPSET_ML

    text = " ".join(PAGE.read_text("utf-8").split())
    assert f"opset {OPSET} of ONNX and version {OPSET_ML} of `ai.onnx.ml`" in text
    assert f"IR version {IR}," in text

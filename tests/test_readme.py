"""The README: its Python examples run, as they stand and in their order."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from backpass.datasets import sample_bytes

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def test_python_examples_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = sample_bytes("housing").splitlines(keepends=True)
    (tmp_path / "housing.csv").write_bytes(b"".join(lines[:400]))
    (tmp_path / "labeled.csv").write_bytes(b"".join([lines[0], *lines[400:500]]))
    names: dict[str, object] = {}
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    shown = capsys.readouterr().out
    assert "assemble" in shown or "matmul" in shown

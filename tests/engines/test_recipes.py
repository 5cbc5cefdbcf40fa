"""The examples of ``docs/how-to/scaling.md`` on Dask, Ray and Spark themselves. ``make test-engines`` runs them."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.filterwarnings("ignore")  # the engines' own

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "scaling.md").read_text("utf-8")


def block(name: str) -> str:
    [found] = re.findall(rf"^```{{code-block}} python\n:name: {name}\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)
    return str(found)


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names that the first examples of the page define, and the files that they write."""
    monkeypatch.chdir(tmp_path)
    found: dict[str, Any] = {}
    first, second = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)[:2]
    exec(compile(first + second, "scaling.md", "exec"), found)
    return found


@pytest.mark.parametrize(
    ("examples", "module"), [(["dask"], "dask.dataframe"), (["ray"], "ray"), (["spark", "spark-groups"], "pyspark")]
)
def test_examples(
    examples: list[str],
    module: str,
    names: dict[str, Any],
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip(module)
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
    for name in examples:
        text = block(name)
        capfd.readouterr()
        exec(compile(text, "scaling.md", "exec"), names)
        printed = capfd.readouterr().out
        for said in re.findall(r"^print\(.*\)  # (.*)$", text, flags=re.MULTILINE):
            assert said in printed.splitlines()
    if "spark" in names:
        names["spark"].stop()

"""``backpass doctor``: what runs here, and nothing that is the user's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import backpass
from backpass.engine import default_engine

Run = Callable[..., Any]


def test_it_names_versions_and_the_engine(call: Run) -> None:
    shown = call("doctor")
    assert shown.code == 0
    lines = dict(line.split(maxsplit=1) for line in shown.out.splitlines())
    assert lines["backpass"] == backpass.__version__
    assert lines["engine"] == default_engine().description
    assert {"python", "system", "cores", "affinity", "quota", "threads", "numpy", "duckdb"} <= set(lines)
    assert str(Path.home()) not in shown.out


def test_json(call: Run) -> None:
    assert call("doctor", "--json").json["engine"] == default_engine().description


@pytest.mark.parametrize("has", [True, False])
def test_it_says_whether_there_are_products_of_bfloat16(call: Run, monkeypatch: pytest.MonkeyPatch, has: bool) -> None:
    monkeypatch.setattr(backpass.engine, "why_slow", lambda: "")
    monkeypatch.setattr(backpass.engine, "_has_bf16", lambda: has)
    said = call("doctor", "--json").json["bf16"]
    assert said == "available" if has else said.endswith("; this processor lacks them: use float32")


def test_a_missing_core_is_explained(call: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(backpass.engine.ENGINES, "native", raising=False)
    shown = call("doctor").out
    assert "the compiled core was not built" in shown
    assert default_engine().name == "numpy"


def test_a_fit_says_so_once(call: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(backpass.engine.ENGINES, "native", raising=False)
    (tmp_path / "t.csv").write_text("a,y\n" + "".join(f"{i},{i % 7}\n" for i in range(30)))
    fitted = call("fit", "t.csv", "-t", "y", "--hidden", "4", "--epochs", "2")
    assert fitted.code == 0
    assert fitted.err.count("the compiled core was not built") == 1

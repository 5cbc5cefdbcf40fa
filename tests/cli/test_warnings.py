"""Warnings about a model: on the console, in JSON and on the page, with exit code 0."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backpass.model import load

Run = Callable[..., Any]
BAD = ("--hidden", "none", "--output-activation", "relu", "--epochs", "20")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "falling.csv"
    path.write_text("x,y\n" + "".join(f"{i},{-3 * i - 1}\n" for i in range(60)))
    return path


def test_fit_show_evaluate_and_report_say_the_same(process: Run, table: Path) -> None:
    home = table.parent
    done = process("fit", table, "-t", "y", *BAD, "--json", cwd=home)
    assert done.code == 0
    found = done.json["warnings"]
    assert found[0].startswith("the target 'y' is below 0 in ")
    assert any("is 0 on every training row (unit 1)" in each for each in found)
    assert any(
        each.startswith("the network is no better than always predicting the mean on the test rows") for each in found
    )
    assert [line for line in done.err.splitlines() if line.startswith("warning: ")] == [f"warning: {x}" for x in found]
    model = home / "falling.backpass"
    assert list(load(model).record.warnings) == found

    shown = process("show", model, cwd=home)
    assert all(f"warning     {each}" in shown.out for each in found)
    assert process("show", model, "--json", cwd=home).json["warnings"] == found

    scored = process("evaluate", model, table, "--json", cwd=home)
    assert scored.code == 0
    assert "the prediction of 'y' is 0 on all of these rows" in scored.json["warnings"]
    assert any("always predicting the mean on these rows: rmse " in each for each in scored.json["warnings"])
    assert "\nwarning: " in f"\n{scored.err}"

    pytest.importorskip("jinja2")
    page = process("report", model, table, "--output", "page.html", "--json", cwd=home)
    assert page.code == 0
    assert page.json["warnings"] == found  # the test rows of the same table: nothing is said twice
    text = (home / "page.html").read_text("utf-8")
    assert text.index("Warnings") < text.index('<dl class="cards">')
    assert "is 0 on every training row (unit 1)" in text


def test_quiet_keeps_warnings_and_a_good_model_has_none(process: Run, table: Path) -> None:
    home = table.parent
    quiet = process("fit", table, "-t", "y", *BAD, "--quiet", cwd=home)
    assert quiet.code == 0
    assert quiet.err.startswith("warning: the target 'y' is below 0 in ")
    good = process(
        "fit", table, "-t", "y", "--hidden", "none", "--epochs", "200", "--learning-rate", "0.1", "--json", cwd=home
    )
    assert good.json["warnings"] == []
    assert "warning:" not in good.err

"""The tutorials: their examples run as they stand, in order, and print what the pages say."""

from __future__ import annotations

import os
import re
import shlex
from contextlib import redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest

from backpass.cli import main
from backpass.datasets import sample_bytes

TUTORIALS = Path(__file__).parents[1] / "docs" / "tutorials"


def blocks(page: str, language: str) -> list[str]:
    found = re.findall(rf"```{language}\n(.*?)```", (TUTORIALS / page).read_text("utf-8"), flags=re.DOTALL)
    assert found
    return found


def run(line: str) -> None:
    """Run a command line as a shell does; its output goes into the file that the line names."""
    command, _, target = line.partition(" > ")
    program, *arguments = shlex.split(command)
    assert program == "backpass"
    out = TextIOWrapper(BytesIO(), encoding="utf-8")
    with redirect_stdout(out):
        assert main(arguments) == 0, line
    if target:
        out.flush()
        Path(target).write_bytes(out.buffer.getvalue())  # type: ignore[attr-defined]


def run_python(page: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Run the Python of a page and compare what is printed with the comments; what has no comment is returned."""
    names: dict[str, Any] = {}
    rest = ""
    for block in blocks(page, "python"):
        capsys.readouterr()
        exec(compile(block, page, "exec"), names)
        printed = capsys.readouterr().out
        said = re.findall(r"^print\(.*\)  # (.*)$", block, flags=re.MULTILINE)
        if said:
            assert printed.splitlines() == said
        else:
            rest += printed
    return rest


def test_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    lines = re.findall(r"^\$ (.*)$", "".join(blocks("table.md", "console")), flags=re.MULTILINE)
    assert len(lines) == 10
    for line in lines:
        run(line)
        if line.startswith("backpass sample"):  # some rows are enough
            table = Path("housing.csv")
            assert table.read_bytes() == sample_bytes("housing")
            table.write_bytes(b"".join(table.read_bytes().splitlines(keepends=True)[:200]))
    assert Path("intervals.csv").read_text().startswith("median_house_value,low(median_house_value),high(")
    assert Path("housing.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    assert len(Path("contributions.csv").read_text().splitlines()) == 200


def test_the_profile_of_the_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("housing.csv").write_bytes(sample_bytes("housing"))
    assert main(["inspect", "housing.csv", "--target", "median_house_value"]) == 0
    printed = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    shown = [" ".join(line.split()) for line in blocks("table.md", "text")[0].splitlines() if line != "..."]
    assert [line for line in shown if line not in printed] == []


@pytest.mark.skipif(not os.environ.get("BACKPASS_SLOW_TESTS"), reason="trains the whole sample: make test-slow")
def test_the_scores_of_the_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("housing.csv").write_bytes(sample_bytes("housing"))
    assert main(["fit", "housing.csv", "--target", "median_house_value"]) == 0
    assert blocks("table.md", "text")[1] in capsys.readouterr().err
    assert main(["predict", "housing.backpass", "housing.csv", "--interval", "0.9"]) == 0
    assert capsys.readouterr().out.startswith(blocks("table.md", "text")[2])


def test_pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("sklearn")
    monkeypatch.chdir(tmp_path)
    Path("housing.csv").write_bytes(sample_bytes("housing"))
    assert run_python("pipeline.md", capsys) == ""
    run("backpass show housing.backpass")


def test_notes(capsys: pytest.CaptureFixture[str]) -> None:
    listing = run_python("notes.md", capsys)
    assert "where(%27, %22, %26)" in listing.partition("-- gradient")[2]

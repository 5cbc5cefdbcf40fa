"""README and the pages of docs/: their commands parse, their options and make verbs exist, their Python runs."""

from __future__ import annotations

import re
import shlex
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import pytest

from backpass.cli.root import COMMANDS, backpass
from backpass.datasets import sample_bytes
from backpass.errors import UsageError

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in [ROOT / "README.md", *DOCS.rglob("*.md")]}

OF_BENCHMARKS = {"--results", "--models"}


def commands_of(text: str) -> list[str]:
    """The command lines of a page, those of code blocks and those within sentences, without what a shell redirects."""
    joined = text.replace("\\\n", " ")
    lines = re.findall(r"^(?:\$ )?(backpass [^\n]*)$", joined, re.M)
    inline = re.findall(r"(?<!`)`(backpass [^`\n]*?)(?: --\w+)?`(?!`)", joined)  # the last option may lack its value
    return [line for line in (*lines, *inline) if line.split()[1] in COMMANDS]


def parse(line: str) -> None:
    """Parse a command line as ``backpass`` does, without running it; a sentence may leave arguments out."""
    words = shlex.split(line, comments=True)
    name, *arguments = words[1 : words.index(">")] if ">" in words else words[1:]
    command = backpass.get_command(click.Context(backpass), name)
    assert command is not None
    with suppress(click.MissingParameter, click.exceptions.Exit):  # Exit after --help
        command.make_context(name, arguments)


RUN_BY = {
    "README.md": "test_readme.py",
    "docs/how-to/coming-from.md": "cli/test_page.py",
    "docs/how-to/decisions.md": "model/test_decision.py",
    "docs/how-to/model-files.md": "model/test_page.py",
    "docs/how-to/onnx.md": "onnx_export/test_page.py",
    "docs/how-to/report.md": "report/test_docs.py",
    "docs/how-to/scikit-learn.md": "estimators/test_page.py",
    "docs/how-to/targets.md": "model/test_several_targets.py",
    "docs/how-to/tune.md": "cli/test_tune.py",
    "docs/reference/calculus.md": "circuit/test_calculus_page.py",
    "docs/tutorials/notes.md": "test_tutorials.py",
    "docs/tutorials/pipeline.md": "test_tutorials.py",
}
"""Page with Python -> the test that runs it and looks at the results. The others run here."""
RUN_HERE = ("docs/how-to/dates.md", "docs/how-to/numbers.md", "docs/how-to/splits.md")

CASES = [(page, line) for page, text in PAGES.items() for line in commands_of(text)]


@pytest.mark.parametrize(("page", "line"), CASES)
def test_commands_parse(page: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("run.toml").write_text("")  # read as soon as --config is parsed
    parse(line)


def test_commands_are_found_and_wrong_ones_are_noticed() -> None:
    assert len(CASES) > 60
    for line in ("backpass fit a.csv -t y --hiden 8", "backpass draw a --output", "backpass export a b --row 3"):
        with pytest.raises((click.UsageError, UsageError)):
            parse(line)


@pytest.mark.parametrize("page", PAGES)
def test_options_and_verbs_of_sentences_exist(page: str) -> None:
    """Also where a sentence names an option without its command."""
    commands = [backpass.get_command(click.Context(backpass), name) for name in COMMANDS]
    options = {name for each in commands if each for param in each.params for name in param.opts + param.secondary_opts}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", "".join(re.findall(r"`+[^`]+`+", PAGES[page]))))
    assert named <= {*options, *OF_BENCHMARKS, "--help"}
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text("utf-8"), re.M)
    assert phony is not None
    assert set(re.findall(r"`make ([a-z-]+)", PAGES[page])) <= set(phony[1].split())


def test_python_of_every_page_runs_somewhere() -> None:
    assert {page for page, text in PAGES.items() if "```python\n" in text} == {*RUN_BY, *RUN_HERE}
    for page, test in RUN_BY.items():
        text = (ROOT / "tests" / test).read_text("utf-8")
        assert Path(page).name in text, test
        assert "exec(" in text, test


@pytest.mark.parametrize("page", RUN_HERE)
def test_python_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("housing.csv").write_bytes(b"".join(sample_bytes("housing").splitlines(keepends=True)[:200]))
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGES[page], re.S):
        exec(compile(block, page, "exec"), names)
    assert "backpass" in names

"""README and the pages of docs/: their commands parse, their options and make verbs exist, their Python runs,
and figures are those of the code."""

from __future__ import annotations

import re
import shlex
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import pytest

from backpass.cli.root import COMMANDS
from backpass.cli.root import backpass as root
from backpass.datasets import sample_bytes
from backpass.errors import UsageError
from backpass.model.fitting.streaming import provisional
from backpass.model.metrics import METRICS
from backpass.model.settings.presets import FEW, PRESETS, patience_for
from backpass.model.training_rows import MOST_DIGESTS
from backpass.model.tuning.budget import TRIALS
from backpass.model.tuning.portfolio import configurations
from backpass.model.tuning.search import FOLDS
from backpass.reporting.page import whatif
from backpass.reporting.page.page import MOST_BYTES
from backpass.table.feature import MOST_LEVELS
from backpass.table.files.decompression import USUAL_RATIO
from backpass.table.notation.agreement import MOST_BANDS
from backpass.table.reliability import MOST_ROWS
from backpass.table.target import MOST_CLASSES

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in [ROOT / "README.md", *DOCS.rglob("*.md")]}

OF_BENCHMARKS = {"--results", "--models"}
OF_MPIEXEC, OF_SBATCH = (
    ("host", "bind-to", "oversubscribe"),
    ("job-name", "nodes", "ntasks-per-node", "cpus-per-task", "signal"),
)
OF_LAUNCHERS = {f"--{name}" for name in (*OF_MPIEXEC, *OF_SBATCH)}
"""Options of mpiexec and sbatch."""
OF_SERVERS = {"--data-binary", "--read-only", "--tmpfs"}
"""Options of curl and docker."""


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
    command = root.get_command(click.Context(root), name)
    assert command is not None
    with suppress(click.MissingParameter, click.exceptions.Exit):  # Exit after --help
        command.make_context(name, arguments)


RUN_BY = {
    "README.md": "test_readme.py",
    "docs/how-to/coming-from.md": "cli/test_page.py",
    "docs/how-to/decisions.md": "model/test_decision.py",
    "docs/how-to/model-files.md": "model/test_page.py",
    "docs/how-to/onnx.md": "onnx_export/test_page.py",
    "docs/how-to/processes.md": "parallel/test_page.py",
    "docs/how-to/report.md": "report/test_docs.py",
    "docs/how-to/scaling.md": "test_scaling.py",
    "docs/how-to/scikit-learn.md": "estimators/test_page.py",
    "docs/how-to/targets.md": "model/test_several_targets.py",
    "docs/how-to/tune.md": "cli/test_tune.py",
    "docs/reference/calculus.md": "circuit/test_calculus_page.py",
    "docs/lessons/": "test_lessons.py",  # every page of the folder
    "docs/tutorials/notes.md": "test_tutorials.py",
    "docs/tutorials/pipeline.md": "test_tutorials.py",
}
"""Page with Python -> the test that runs it and looks at the results. The others run here."""
RUN_HERE = (
    "docs/how-to/dates.md",
    "docs/how-to/groups.md",
    "docs/how-to/large-tables.md",
    "docs/how-to/learned-features.md",
    "docs/how-to/numbers.md",
    "docs/how-to/serving.md",
    "docs/how-to/splits.md",
    "docs/how-to/teacher.md",
    "docs/how-to/text.md",
)

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
    commands = [root.get_command(click.Context(root), name) for name in COMMANDS]
    options = {name for each in commands if each for param in each.params for name in param.opts + param.secondary_opts}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", "".join(re.findall(r"`+[^`]+`+", PAGES[page]))))
    assert named <= {*options, *OF_BENCHMARKS, *OF_LAUNCHERS, *OF_SERVERS, "--help"}
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text("utf-8"), re.M)
    assert phony is not None
    assert set(re.findall(r"`make ([a-z-]+)", PAGES[page])) <= set(phony[1].split())


def test_python_of_every_page_runs_somewhere() -> None:
    with_python = {page for page, text in PAGES.items() if "```python\n" in text}
    assert {"docs/lessons/" if page.startswith("docs/lessons/") else page for page in with_python} == {
        *RUN_BY,
        *RUN_HERE,
    }
    for page, test in RUN_BY.items():
        text = (ROOT / "tests" / test).read_text("utf-8")
        assert Path(page).name in text, test
        assert re.search(r"\bexec\(|run_lessons\.differences|subprocess\.run\(", text), test


@pytest.mark.parametrize("page", RUN_HERE)
def test_python_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("housing.csv").write_bytes(b"".join(sample_bytes("housing").splitlines(keepends=True)[:200]))
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGES[page], re.S):
        exec(compile(block, page, "exec"), names)
    assert "backpass" in names


RECIPES = ("default", "fast", "best", "realmlp")


def figures() -> dict[str, list[str]]:
    """Page -> what it says of numbers and names that the code declares."""
    trials = [str(changes["preset"]) for changes in configurations({}, "regression", 1_000)]
    *first, last = (f"`{preset}`" for preset in trials[:4])
    default, fast, best, published = (PRESETS[name].defaults("regression", None) for name in RECIPES)
    (large, fewer), (larger, fewest) = PRESETS["default"].from_rows.items()
    words = {2: "two", 3: "three", 4: "four", 16: "sixteen"}
    return {
        "docs/recipe.md": [
            f"{words[fast['ensemble_size']]} networks of {words[len(fast['hidden'])]} layers of {fast['hidden'][0]}, "
            f"{fast['epochs']} epochs",
            f"{words[default['ensemble_size']]} such networks on {words[default['ensemble_size']]} folds",
            f"{words[best['ensemble_size']]} on {words[best['ensemble_size']]} folds",
            f"one network, {words[len(published['hidden'])]} layers of {published['hidden'][0]}, {published['epochs']} "
            f"epochs, batches of {published['batch_size']} rows",
            f"Tables of more than {large - 1:,} training rows take {fewer['epochs']} epochs, "
            f"of more than {larger - 1:,} take {fewest['epochs']} (not `realmlp`)",
            f"Tables of fewer than {FEW:,} training rows take {PRESETS['default'].few['epochs']}",
            f"after {patience_for(8)}/8 of the epochs without a better validation score",
            f"one-hot up to {default['max_one_hot_levels']} categories",
        ],
        "docs/how-to/tune.md": [
            f"The first four are the presets {', '.join(first)} and {last}; the preset `best` is number "
            f"{trials.index('best') + 1}.",
            f"ends the search after N trials, {TRIALS} if neither option is given",
            f"cut into folds ({words[FOLDS]};",
        ],
        "docs/how-to/report.md": [
            f"more than {whatif.MOST_BYTES * 3 // 16:,} parameters",  # four bytes each, in base64
            f"at most {MOST_BYTES // 10**6} MB",
        ],
        "docs/how-to/coming-from.md": [
            f"up to {default['max_one_hot_levels']} categories, an embedding for more; beyond the {MOST_LEVELS} most "
            f"frequent, rare categories count as unknown, with a note: those with fewer than {MOST_ROWS} training rows",
            f"more than {USUAL_RATIO} times its size",
        ],
        "docs/how-to/numbers.md": [
            f"at most {MOST_BANDS} ranges",
            f"A target of more than {MOST_CLASSES} classes",
        ],
        "docs/how-to/scikit-learn.md": [
            f"A first call with {provisional.FEWEST} rows or more",
            f"up to {provisional.MOST} rows are kept",
            f"provisionally for {provisional.WARM_UP} rows",
        ],
        "docs/how-to/decisions.md": [f"`{name}`" for name in METRICS],
        "docs/how-to/model-files.md": [
            "32-bit digests of training and validation rows",
            f"(at most {MOST_DIGESTS:,},)",
        ],
    }


@pytest.mark.parametrize("name", figures())
def test_figures_are_those_of_the_code(name: str) -> None:
    text = " ".join(PAGES[name].split())
    assert [said for said in figures()[name] if said not in text] == []

"""backpass tune: what it prints and writes, how it is interrupted and continued, and what it refuses."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from backpass.errors import BackpassWarning
from backpass.model import load
from backpass.model.tuning.trial_runner import TrialRunner

from .conftest import Outcome

Run = Callable[..., Outcome]
QUICK = ("--preset", "plain", "--hidden", "4", "--epochs", "3", "--ensemble-size", "1")


def without_times(document: dict[str, object]) -> str:
    return re.sub(r'"seconds": [\d.e-]+', "", json.dumps(document))


def test_the_leaderboard_and_the_model(call: Run, home: Path, tmp_path: Path) -> None:
    tune = ("tune", str(home / "numbers.csv"), "-t", "price", "--trials", "4", *QUICK)
    done = call(*tune, "-o", str(tmp_path / "best.backpass"))
    assert (done.code, done.out) == (0, "")
    assert re.search(r"^trial 1 +fold 1: rmse [\d.]+, --validation-fraction 0.16$", done.err, re.M)
    table = re.findall(r"^ +(\d) +([\d.]+)  .* (\d)   0:\d\d   --validation-fraction 0.16.*$", done.err, re.M)
    assert len(table) == 4
    assert table[0][2] == "4"
    assert [path.name for path in tmp_path.iterdir()] == ["best.backpass"]

    found = call(*tune, "-o", str(tmp_path / "again.backpass"), "--json", "-q")
    search = found.json["search"]
    assert (search["metric"], search["ended"], len(search["trials"])) == ("rmse", "trials", 4)
    assert [str(each["trial"]) for each in search["trials"]] == [row[0] for row in table]
    best = search["trials"][0]
    assert best["score"] == pytest.approx(sum(each["rmse"] for each in best["folds"]) / 4)
    assert found.json["settings"]["hidden"] == [4]

    command = re.search(r"^same model  backpass (fit .*)$", done.err, re.M)
    assert command is not None
    assert found.json["search"]["command"].startswith("backpass fit ")
    kept = (tmp_path / "best.backpass").read_bytes()
    assert (tmp_path / "again.backpass").read_bytes() == kept
    (tmp_path / "best.backpass").unlink()
    assert call(*shlex.split(command[1])).code == 0
    assert (tmp_path / "best.backpass").read_bytes() == kept


def test_a_file_of_validation_rows(call: Run, home: Path, tmp_path: Path) -> None:
    lines = (home / "numbers.csv").read_text().splitlines(keepends=True)
    table, others = tmp_path / "table.csv", tmp_path / "validation.csv"
    table.write_text("".join(lines[:-20]))
    others.write_text("".join([lines[0], *lines[-20:]]))
    words = ("tune", str(table), "-t", "price", "--validation-file", str(others), "--trials", "2", *QUICK)
    done = call(*words, "-o", str(tmp_path / "best.backpass"))
    assert done.code == 0
    assert "scored on the 20 validation rows" in done.err
    assert re.search(r"^trial 2 +validation: rmse [\d.]+, ", done.err, re.M)
    kept = (tmp_path / "best.backpass").read_bytes()
    command = re.search(r"^same model  backpass (fit .*)$", done.err, re.M)
    assert command is not None
    assert call(*shlex.split(command[1])).code == 0
    assert (tmp_path / "best.backpass").read_bytes() == kept


def test_an_interrupted_search_goes_on_with_the_same_command(process: Run, home: Path, tmp_path: Path) -> None:
    tune = ("tune", str(home / "numbers.csv"), "-t", "price", "--trials", "3", "--folds", "2", *QUICK)
    whole = process(*tune, "-o", "whole.backpass", "--json", "-q", cwd=tmp_path)
    tune = (*tune, "--epochs", "3", "-o", "part.backpass", "--json")
    run = subprocess.Popen(
        [sys.executable, "-m", "backpass", *tune],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ},
    )
    assert run.stderr is not None
    for line in run.stderr:
        if line.startswith("trial 2"):
            run.send_signal(signal.SIGINT)
            break
    out, err = run.communicate(timeout=60)
    assert run.returncode == 130
    assert json.loads(out)["error"]["kind"] == "interrupted"
    assert "interrupted; the trials so far are in part.search" in err
    assert f"to continue: backpass {shlex.join(tune)}" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["part.search", "whole.backpass"]

    resumed = process(*tune, cwd=tmp_path)
    assert resumed.code == 0
    assert re.search(r"^resumed +after \d fits of 2 trials, from part.search$", resumed.err, re.M)
    assert without_times(resumed.json["search"]["trials"]) == without_times(whole.json["search"]["trials"])
    assert (tmp_path / "part.backpass").read_bytes() == (tmp_path / "whole.backpass").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["part.backpass", "whole.backpass"]


def test_the_trial_that_the_budget_leaves_out_is_named(
    call: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "backpass.cli.commands.tune.TrialRunner", partial(TrialRunner, clock=map(float, count()).__next__)
    )
    tune = ("tune", str(home / "numbers.csv"), "-t", "price", "--folds", "2", *QUICK, "-o", "best.backpass")
    found = call(*tune, "--budget", "40s", "--json")
    assert found.code == 0
    search = found.json["search"]
    left_out = search["left_out"]
    assert search["ended"] == "budget"
    assert left_out["trial"] == len(search["trials"]) + 1
    done = re.findall(r"^trial (\d) ", found.err, re.M)
    since = len(done) - left_out["fits"]
    assert left_out["fits"] == 0 or done.index(str(left_out["trial"])) == since
    counted = f"; {left_out['fits']} fit" if left_out["fits"] else "\n"
    text = f"trial {left_out['trial']} is left out, because the budget ended before it was complete{counted}"
    assert text in found.err
    assert "the same command with a larger --budget; the trials are kept in best.search" in found.err
    assert Path("best.search").exists()

    resumed = call(*tune, "--budget", "80s")
    assert re.search(rf"^resumed +after {len(done)} fits of \d trials, from best.search$", resumed.err, re.M)
    other = call(*tune, "--trials", "1", "--seed", "1")
    assert "best.search holds the trials of another search, which had ended; they are replaced" in other.err
    assert not Path("best.search").exists()


def test_a_class_target_with_groups_and_a_positive_class(call: Run, tmp_path: Path) -> None:
    rows = [f"{i // 4},{(i * 37) % 101},{'yes' if (i * 37) % 101 > 60 else 'no'}" for i in range(200)]
    (tmp_path / "t.csv").write_text("\n".join(["id,x,y", *rows]))
    options = ("--group", "id", "--metric", "roc_auc", "--positive", "no", "--trials", "2", "--folds", "2")
    done = call("tune", str(tmp_path / "t.csv"), "-t", "y", *options, *QUICK, "-o", str(tmp_path / "m.backpass"))
    assert done.code == 0
    settings = load(tmp_path / "m.backpass").record.settings
    assert (settings["group"], settings["metric"], settings["positive"]) == ("id", "roc_auc", "no")


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        (
            ("-t", "price", "--budget", "soon"),
            2,
            "budget must be a time above 0, such as 90s, 10m or 1h30m; got 'soon'",
        ),
        (("-t", "price", "--budget", "1e-9"), 2, "budget must be a time above 0"),
        (("-t", "price", "--budget", "0.000001s"), 2, "a budget of 1e-06 seconds is too small for one trial"),
        (("-t", "price", "--trials", "0"), 2, "--trials"),
        (("-t", "price", "--folds", "1"), 2, "--folds"),
        (("-t", "price", "--learning-rat", "1"), 2, "no such option: --learning-rat"),
        (("-t", "price", "--checkpoint", "c"), 2, "no such option: --checkpoint"),
        (
            ("-t", "price", "--folds", "3", "--validation-file", "FILE"),
            2,
            "folds cannot be combined with validation rows",
        ),
        (("-t", "price", "--validation-file", "nowhere.csv"), 3, "nowhere.csv"),
        (("-t", "prise"), 3, "did you mean 'price'?"),
        (("-t", "price", "--metric", "f1"), 2, "metric 'f1' does not work with target 'price'"),
        ((), 2, "missing option '-t' / '--target'"),
    ],
)
def test_options_that_cannot_be_used(
    call: Run, home: Path, tmp_path: Path, options: tuple[str, ...], code: int, text: str
) -> None:
    options = tuple(str(home / "numbers.csv") if each == "FILE" else each for each in options)
    failed = call("tune", str(home / "numbers.csv"), *options, *QUICK, "-o", str(tmp_path / "m.backpass"))
    assert failed.code == code
    assert text in failed.err
    assert [*tmp_path.iterdir()] == []


def test_a_file_in_the_place_of_the_state_is_kept(call: Run, home: Path, tmp_path: Path) -> None:
    (tmp_path / "m.search").write_text("my notes")
    tune = ("tune", str(home / "numbers.csv"), "-t", "price", *QUICK, "-o", str(tmp_path / "m.backpass"))
    failed = call(*tune)
    assert failed.code == 4
    assert "m.search is not a Backpass file: it is a text file" in failed.err
    assert (tmp_path / "m.search").read_text() == "my notes"


PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "tune.md"


def test_the_examples_of_the_page_run(call: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sample = call("sample", "housing").out.splitlines()[:200]
    Path("housing.csv").write_text("\n".join(sample))
    (program,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BackpassWarning)
        exec(compile(program, str(PAGE), "exec"), {})
    assert load("tuned.backpass").target == "median_house_value"

"""Interruption and divergence: what is kept, what is said, and how a run goes on."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from backpass.cli.progress import Silent, Watcher
from backpass.model import load
from backpass.model.fitting import fit_problem as fitting
from backpass.model.fitting.outcome import scoring

Run = Callable[..., Any]
FIT = ("-t", "price", "--validation-fraction", "0.16", "--hidden", "4", "--epochs", "2000")


def interrupted(folder: Path, numbers: int | tuple[int, ...], *arguments: str) -> tuple[int, str, str]:
    """Run fit in a process, send it signals after its first epoch, and return exit code, stdout and stderr."""
    command = [sys.executable, "-m", "backpass", "fit", *arguments]
    run = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ}
    )
    assert run.stderr is not None
    said = []
    for line in run.stderr:
        said.append(line)
        if line.startswith("epoch "):
            for number in (numbers,) if isinstance(numbers, int) else numbers:
                run.send_signal(number)
            break
    out, err = run.communicate(timeout=60)
    err = "".join(said) + err
    assert "Traceback" not in err
    return run.returncode, out, err


def test_an_interrupted_run_goes_on_as_if_nothing_had_happened(process: Run, home: Path, tmp_path: Path) -> None:
    table = str(home / "numbers.csv")
    assert process("fit", table, *FIT, "-o", "whole.backpass", "-q", cwd=tmp_path).code == 0
    options = (table, *FIT, "-o", "part.backpass", "--checkpoint", "run.checkpoint")
    code, out, err = interrupted(tmp_path, signal.SIGINT, *options)
    assert (code, out) == (130, "")
    assert re.search(r"^interrupted the best weights, those of epoch \d+, are kept$", err, re.M)
    command = re.search(r"^resume +backpass (fit .*)$", err, re.M)
    assert command is not None
    assert err.splitlines()[-1].startswith("saved part.backpass (")
    assert load(tmp_path / "part.backpass").record.reason == "interrupted"

    resumed = process(*command[1].split(), cwd=tmp_path)
    assert resumed.code == 0
    assert re.search(r"^resumed +after [\d,]+ steps, in epoch +\d+/2000$", resumed.err, re.M)
    assert (tmp_path / "part.backpass").read_bytes() == (tmp_path / "whole.backpass").read_bytes()


@pytest.mark.parametrize("threads", ["1", "2"])
def test_the_default_fit_goes_on_where_it_was_interrupted(
    process: Run, home: Path, tmp_path: Path, threads: str
) -> None:
    """Four networks, and nobody asked for a checkpoint: it lies beside the model."""
    fit = (str(home / "numbers.csv"), "-t", "price", "--epochs", "400", "--threads", threads)
    assert process("fit", *fit, "-o", "whole.backpass", "-q", cwd=tmp_path).code == 0
    code, out, err = interrupted(tmp_path, signal.SIGINT, *fit)
    assert (code, out) == (130, "")
    assert re.search(r"^interrupted the weights of \d of 4 networks are kept$", err, re.M)
    assert re.search(r"^checkpoint  numbers.checkpoint$", err, re.M)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "numbers.backpass",
        "numbers.checkpoint",
        "whole.backpass",
    ]
    command = re.search(r"^resume +backpass (fit .* --resume numbers.checkpoint)$", err, re.M)
    assert command is not None
    assert process(*command[1].split(), cwd=tmp_path).code == 0
    assert (tmp_path / "numbers.backpass").read_bytes() == (tmp_path / "whole.backpass").read_bytes()


def test_a_run_that_ends_leaves_no_checkpoint_that_nobody_asked_for(call: Run, home: Path, tmp_path: Path) -> None:
    assert call("fit", home / "numbers.csv", "-t", "price", "--epochs", "2").code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["numbers.backpass"]


def test_a_file_of_others_is_kept_where_the_checkpoint_would_go(
    call: Run, home: Path, tmp_path: Path, at_step: Any
) -> None:
    (tmp_path / "numbers.checkpoint").write_text("my notes\n")
    at_step(3, signal.SIGINT)
    stopped = call("fit", home / "numbers.csv", *FIT)
    assert stopped.code == 130
    assert "numbers.checkpoint already exists and would be overwritten" in stopped.err
    assert "if the run is interrupted, it is not saved" in stopped.err
    assert "resume " not in stopped.err
    assert (tmp_path / "numbers.checkpoint").read_text() == "my notes\n"


HAS_HANGUP = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no SIGHUP")
HANGUP = getattr(signal, "SIGHUP", 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(HANGUP, marks=HAS_HANGUP)])
def test_termination_is_interruption(home: Path, tmp_path: Path, number: int) -> None:
    code, out, err = interrupted(tmp_path, number, str(home / "numbers.csv"), *FIT)
    assert (code, out) == (128 + number, "")
    assert "saved numbers.backpass (" in err
    assert "--resume numbers.checkpoint\n" in err
    assert load(tmp_path / "numbers.backpass").record.reason == "interrupted"


@HAS_HANGUP
def test_under_nohup_a_closed_terminal_changes_nothing(process: Run, home: Path, tmp_path: Path) -> None:
    """SIGHUP is ignored on entry; the run goes on until SIGTERM ends it."""
    before = signal.signal(HANGUP, signal.SIG_IGN)  # a child inherits what is ignored
    try:
        code, _, _ = interrupted(tmp_path, (HANGUP, signal.SIGTERM), str(home / "numbers.csv"), *FIT)
    finally:
        signal.signal(HANGUP, before)
    assert code == 128 + signal.SIGTERM


@HAS_HANGUP
def test_a_run_on_a_terminal_that_is_closed_is_saved(home: Path, tmp_path: Path) -> None:
    """The system sends SIGHUP, and writing to the terminal fails from then on."""
    from terminal import closed_while_running

    command = [sys.executable, "-m", "backpass", "fit", str(home / "numbers.csv"), *FIT]
    code = closed_while_running(command, tmp_path, {**os.environ, "TERM": "xterm"}, once=b"best ")
    assert code == 128 + HANGUP
    assert sorted(path.name for path in tmp_path.iterdir()) == ["numbers.backpass", "numbers.checkpoint"]
    assert load(tmp_path / "numbers.backpass").record.reason == "interrupted"


@pytest.fixture
def at_step(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have signals come before a given step."""

    def plant(step: int, *numbers: int) -> None:
        def on_step(self: Watcher, at: int) -> None:
            Watcher.on_step(self, at)
            for number in numbers if at == step else ():
                os.kill(os.getpid(), number)

        for kind in Silent.__mro__[:1] + tuple(Watcher.__subclasses__()):
            monkeypatch.setattr(kind, "on_step", on_step)

    return plant


def test_interrupted_before_the_first_epoch_was_finished(call: Run, home: Path, at_step: Any) -> None:
    at_step(1, signal.SIGINT)
    # The NumPy engine asks before every step whether to go on; the native one every 50 milliseconds.
    stopped = call("fit", home / "numbers.csv", *FIT, "--batch-size", "8", "--engine", "numpy")
    assert stopped.code == 130
    assert "interrupted before the end of the first epoch; the weights of step 1 are kept" in stopped.err
    assert call("predict", "numbers.backpass", home / "numbers.csv").code == 0
    assert call("show", "numbers.backpass", "--history").code == 0


def killed_within(
    monkeypatch: pytest.MonkeyPatch, name: str, number: int = signal.SIGINT, module: Any = fitting
) -> None:
    """Have a signal come as soon as this function is called, by the name that it has in a module."""
    inside = getattr(module, name)

    def struck(*arguments: Any) -> Any:
        monkeypatch.setattr(module, name, inside)
        os.kill(os.getpid(), number)
        return inside(*arguments)

    monkeypatch.setattr(module, name, struck)


def test_interrupted_while_the_baselines_are_fitted(
    call: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed_within(monkeypatch, "linear_baseline", module=scoring)
    stopped = call("fit", home / "numbers.csv", *FIT, "--json")
    assert (stopped.code, stopped.json["error"]["kind"]) == (130, "interrupted")
    assert stopped.err.endswith("error: interrupted before the first step; nothing was trained, so nothing is saved\n")
    assert not list(tmp_path.iterdir())


def test_a_resumed_run_that_is_interrupted_at_the_baselines_can_go_on(
    call: Run, home: Path, tmp_path: Path, at_step: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = ("fit", home / "numbers.csv", *FIT, "-o", "part.backpass")
    at_step(30, signal.SIGINT)
    assert call(*fit).code == 130
    saved = (tmp_path / "part.checkpoint").read_bytes()
    killed_within(monkeypatch, "constant_baseline", module=scoring)
    stopped = call(*fit, "--resume", "part.checkpoint")
    assert stopped.code == 130
    assert "error: interrupted before the first step; part.checkpoint is unchanged\n" in stopped.err
    assert re.search(r"^hint: to resume: backpass fit .* --resume part.checkpoint$", stopped.err, re.M)
    assert (tmp_path / "part.checkpoint").read_bytes() == saved


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("asked", [(), ("--checkpoint", "numbers.checkpoint")], ids=str)
@pytest.mark.parametrize("ensemble_size", ["1", "2"])
def test_interrupted_after_training_the_model_is_whole_and_the_run_is_saved(
    call: Run,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    code: int,
    asked: tuple[str, ...],
    ensemble_size: str,
) -> None:
    fit = (
        "fit",
        home / "numbers.csv",
        "-t",
        "price",
        "--hidden",
        "4",
        "--epochs",
        "2",
        "--ensemble-size",
        ensemble_size,
    )
    assert call(*fit, "-o", "whole.backpass").code == 0
    killed_within(monkeypatch, "make_model", number)
    stopped = call(*fit, *asked)
    assert stopped.code == code
    assert re.search("^interrupted after training; the model is complete$", stopped.err, re.M)
    assert re.search(r"^resume +backpass fit .* --resume numbers.checkpoint$", stopped.err, re.M)
    whole = (tmp_path / "whole.backpass").read_bytes()
    assert (tmp_path / "numbers.backpass").read_bytes() == whole
    assert call(*fit, "-o", "again.backpass", "--resume", "numbers.checkpoint").code == 0
    assert (tmp_path / "again.backpass").read_bytes() == whole


def test_a_second_interrupt_ends_everything(call: Run, home: Path, tmp_path: Path, at_step: Any) -> None:
    at_step(5, signal.SIGINT, signal.SIGINT)
    stopped = call("fit", home / "numbers.csv", *FIT)
    assert stopped.code == 130
    assert stopped.err.endswith("error: interrupted; no model was written\n")
    assert not list(tmp_path.iterdir())
    at_step(5, signal.SIGTERM, signal.SIGTERM)
    assert call("fit", home / "numbers.csv", *FIT).code == 143


@HAS_HANGUP
def test_a_second_hangup_changes_nothing(call: Run, home: Path, tmp_path: Path, at_step: Any) -> None:
    """The kernel and the shell send one each."""
    at_step(30, HANGUP, HANGUP)
    assert call("fit", home / "numbers.csv", *FIT).code == 128 + HANGUP
    assert load("numbers.backpass").record.reason == "interrupted"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["numbers.backpass", "numbers.checkpoint"]


SIGNALS = pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), pytest.param(HANGUP, 129, marks=HAS_HANGUP)]
)


def struck(monkeypatch: pytest.MonkeyPatch, place: str, number: int, *, also: BaseException | None = None) -> None:
    """Have a signal come when a function is called; ``also`` is raised in place of the signal's exception."""
    module, name = place.rsplit(".", 1)
    inside = getattr(import_module(module), name)

    def strike(*arguments: Any, **named: Any) -> Any:
        monkeypatch.setattr(place, inside)
        try:
            os.kill(os.getpid(), number)
            for _ in range(1000):
                """Python handles a signal between two instructions."""
        except BaseException as error:
            raise (also or error) from None
        return inside(*arguments, **named)

    monkeypatch.setattr(place, strike)


@SIGNALS
def test_a_signal_during_the_last_save_waits_for_it(
    call: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    struck(monkeypatch, "backpass.model.file.storage._sync", number)
    stopped = call(
        "fit", home / "numbers.csv", "-t", "price", "--validation-fraction", "0.16", "--hidden", "4", "--epochs", "2"
    )
    assert stopped.code == code
    assert "interrupted after training; the model is complete\n" in stopped.err
    assert re.search(r"^resume +backpass fit .* --resume numbers.checkpoint$", stopped.err, re.M)
    assert load("numbers.backpass").record.reason == "finished"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["numbers.backpass", "numbers.checkpoint"]


@SIGNALS
def test_a_signal_while_the_page_is_made_leaves_the_model(
    call: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    fit = ("fit", home / "numbers.csv", "-t", "price", "--hidden", "4", "--epochs", "2", "--report", "page.html")
    struck(monkeypatch, "backpass.cli.commands.fit.write_page", number)
    stopped = call(*fit)
    assert stopped.code == code
    assert ("error: interrupted; numbers.backpass is saved\n" in stopped.err) == (code == 130)
    assert [path.name for path in tmp_path.iterdir()] == ["numbers.backpass"]


EARLIER: dict[str, bytes] = {}
"""What each command wrote the first time that it was needed."""


@SIGNALS
@pytest.mark.parametrize(
    ("command", "place"),
    [
        ("fit", "backpass.cli.fitting.request.read_table"),
        ("predict", "backpass.table.windows.windows.read_opened"),
        ("predict", "backpass.model.file.storage._sync"),
        ("explain", "backpass.reporting.explanation.attribution.blocks_of"),
        ("explain", "backpass.model.file.storage._sync"),
        ("report", "backpass.cli.commands.report.page_of"),
        ("report", "backpass.model.file.storage._sync"),
    ],
)
def test_a_signal_ends_a_command_that_has_nothing_to_keep(
    call: Run,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    code: int,
    command: str,
    place: str,
) -> None:
    """No traceback, no half file, none beside it; what was there before stays."""
    output = tmp_path / "page.html" if command == "report" else tmp_path / "out.csv"
    rows = [home / "numbers.csv", "-o", output]
    arguments = ["-t", "price", *rows] if command == "fit" else [home / "numbers.backpass", *rows]
    if command in EARLIER:
        output.write_bytes(EARLIER[command])
    elif command != "fit":
        assert call(command, *arguments).code == 0
        EARLIER[command] = output.read_bytes()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    struck(monkeypatch, place, number)
    stopped = call(command, *arguments)
    assert (stopped.code, stopped.out) == (code, "")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@SIGNALS
def test_an_error_that_a_library_makes_of_a_signal_is_no_bug(
    call: Run, home: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    struck(monkeypatch, "backpass.cli.commands.predict.load", number, also=ImportError("numpy failed to import"))
    assert call("predict", home / "numbers.backpass", home / "numbers.csv").code == code


@SIGNALS
def test_a_signal_inside_the_callback_of_a_weak_reference_is_not_lost(
    call: Run, home: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    """Python discards the exception there; imports have such callbacks."""

    class Referred:
        """Something that is let go."""

    def load(path: str) -> None:
        referred = Referred()
        reference = weakref.ref(referred, lambda _: os.kill(os.getpid(), number))
        del referred
        assert reference() is None
        while True:
            time.sleep(0.001)

    monkeypatch.setattr("backpass.cli.commands.predict.load", load)
    stopped = call("predict", home / "numbers.backpass", home / "numbers.csv")
    assert (stopped.code, stopped.out) == (code, "")
    assert "ignored" not in stopped.err


def test_an_interrupted_run_is_told_in_json(call: Run, home: Path, at_step: Any) -> None:
    at_step(30, signal.SIGINT)
    stopped = call("fit", home / "numbers.csv", *FIT, "--json", "-q")
    assert (stopped.code, stopped.json["reason"]) == (130, "interrupted")
    assert stopped.json["checkpoint"] == "numbers.checkpoint"


def test_divergence_is_told(call: Run, home: Path, tmp_path: Path) -> None:
    options = ("--optimizer", "sgd", "--learning-rate", "1e30", "--hidden", "4,4", "--epochs", "3")
    failed = call("fit", home / "numbers.csv", "-t", "price", *options, "--batch-size", "8", "--json")
    assert failed.code == 6
    assert re.search(
        r"^error: training diverged in epoch 1, batch \d+ of 12: first non-finite value: .*layer ", failed.err, re.M
    )
    assert "no model is written" in failed.err
    assert "try 1e+29" in failed.err
    assert failed.json["error"]["kind"] == "diverged"
    assert not list(tmp_path.iterdir())


def test_the_best_finite_weights_of_a_diverged_run_are_kept(call: Run, home: Path) -> None:
    options = ("--optimizer", "sgd", "--schedule", "constant", "--learning-rate", "3", "--hidden", "4,4")
    failed = call("fit", home / "numbers.csv", "-t", "price", *options, "--activation", "identity", "--epochs", "50")
    assert failed.code == 6
    kept = re.search(r"the weights of epoch (\d+) are kept in numbers\.backpass", failed.err)
    assert kept is not None
    assert load("numbers.backpass").record.best_epoch == int(kept[1])

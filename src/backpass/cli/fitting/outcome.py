"""Outcome of a fit: how training ended, in messages and commands to continue with."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence

import click

from backpass.cli import summary
from backpass.cli.console import Console
from backpass.cli.fitting.request import Request
from backpass.cli.scores.model_scores import later_line, score_lines, scores_table
from backpass.cli.text import size
from backpass.errors import DivergedError, InterruptedTraining
from backpass.model import Model
from backpass.model.fitting.outcome.intervals import CoverageNote
from backpass.model.fitting.outcome.neighbors import NeighborsNote, trained_members


def not_started(stop: InterruptedTraining) -> InterruptedTraining:
    """Return the error for a run interrupted before its first step; it names the resume command, if any."""
    goes_on = None if stop.checkpoint is None else _resume_command(stop.checkpoint)
    return InterruptedTraining(stop.message, hint="" if goes_on is None else f"to resume: {goes_on}")


def with_saved_path(error: DivergedError, output: str) -> DivergedError:
    """Return the error for a diverged run; it names the file with the best finite weights, if there are any."""
    if not isinstance(error.model, Model):
        return DivergedError(f"{error.message}; no model is written", hint=error.hint)
    return DivergedError(f"{error.message} in {output}", hint=error.hint)


def tell(model: Model, request: Request, console: Console, stopped: InterruptedTraining | None) -> None:
    """Print how training ended, the scores, and commands to continue with."""
    if stopped is not None:
        console.item("interrupted", _what_is_kept(model))
    console.item("trained", summary.run_line(model))
    if refit := summary.refit_line(model):
        console.item("refit", refit)
    _say(NeighborsNote, model, console)
    for line in ("", *table) if (table := scores_table(model)) else ():
        console.line(line)
    if later := later_line(model):
        console.item("later rows", later)
    _say(CoverageNote, model, console)
    if decision := summary.decision_line(model.head):
        console.item("decision", decision)
    if model.record.comparison is not None:
        console.line(model.record.comparison.sentence(is_linear=model.network.is_linear))
    console.line()
    if stopped is not None and stopped.checkpoint is not None:
        console.item("checkpoint", stopped.checkpoint)
        console.command("resume", _resume_command(stopped.checkpoint))
    console.command("next", shlex.join(["backpass", "show", request.output]))
    for line in score_lines(model):
        console.line(line)
    console.line(f"saved {request.output} ({size(os.path.getsize(request.output))})")


def _say(subject: type[str], model: Model, console: Console) -> None:
    """Print the notes of the fit on a subject."""
    for note in model.record.notes:
        if isinstance(note, subject):
            console.item("note", note)


def _what_is_kept(model: Model) -> str:
    """Describe which weights an interrupted run has saved."""
    record = model.record
    if record.reason != "interrupted":
        return "after training; the model is complete"
    if not record.history:
        return f"before the end of the first epoch; the weights of step {record.steps:,} are kept"
    if record.candidates:
        return f"the weights of {len(record.members)} networks, of the best candidates so far, are kept"
    if (asked := record.settings["ensemble_size"]) > 1:
        return f"the weights of {len(trained_members(model))} of {asked} networks are kept"
    if record.history[-1].score is None:
        return f"the weights of step {record.steps:,} are kept"
    return f"the best weights, those of epoch {record.best_epoch}, are kept"


def _resume_command(checkpoint: str) -> str:
    """Return the command line that continues this run."""
    return shlex.join(["backpass", *_without_resume(click.get_current_context().obj or []), "--resume", checkpoint])


def _without_resume(arguments: Sequence[str]) -> list[str]:
    """Drop --resume and its value from the arguments.

    >>> _without_resume(["fit", "a.csv", "--resume", "old", "-q", "--resume=old"])
    ['fit', 'a.csv', '-q']
    """
    kept, rest = [], iter(arguments)
    for each in rest:
        if each == "--resume":
            next(rest, None)
        elif not each.startswith("--resume="):
            kept.append(each)
    return kept

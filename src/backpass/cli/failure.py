"""A failure: the error report and the exit code of a command that raised an exception.

``Failure.of`` takes any exception; ``report`` writes a few lines to standard error, with ``--json`` also an object to
standard output, and returns the exit code. The traceback is shown only on request.
"""

from __future__ import annotations

import sys
import traceback
from contextlib import suppress
from dataclasses import replace

import click

from backpass.cli.console import Console
from backpass.cli.shortage import MEMORY, shortage_of
from backpass.dataclass import dataclass
from backpass.errors import (
    BackpassError,
    DataError,
    DivergedError,
    InterruptedTraining,
    ModelFileError,
    ResourceError,
    UsageError,
    synonym,
)

BROKEN_PIPE = 141
"""128 + SIGPIPE, the exit code of standard Unix tools."""

KINDS: dict[type[BackpassError], str] = {
    UsageError: "usage",
    DataError: "data",
    ModelFileError: "model_file",
    ResourceError: "resource",
    DivergedError: "diverged",
    InterruptedTraining: "interrupted",
}
"""The ``kind`` in ``--json`` for each branch of the error hierarchy; any other exception is a "bug"."""

_OTHER_NAMES = {"valid_file": "validation_file"}
"""Renamed options that are not settings: earlier name -> current name."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The report of an exception.

    Attributes:
        kind: The branch of the error hierarchy, or "bug".
        message: The message, in one line.
        details: The single problems, if the error lists several.
        hint: What the user can do; may be empty.
        exit_code: The exit code of the process.
        cause: The exception.
    """

    kind: str
    message: str
    details: tuple[str, ...]
    hint: str
    exit_code: int
    cause: BaseException

    @property
    def is_bug(self) -> bool:
        """Whether the exception is unexpected, that is, an internal error."""
        return self.kind == "bug"

    @staticmethod
    def of(error: BaseException) -> Failure:
        """Build the report of an exception."""
        known = _known(error)
        for branch, kind in KINDS.items():
            if isinstance(known, branch):
                return Failure(kind, known.message, known.details, known.hint, known.exit_code, error)
        text = error.message if isinstance(error, BackpassError) else str(error)
        first = next((line.strip() for line in text.splitlines() if line.strip()), "")
        message = f"internal error in backpass ({type(error).__name__}: {first})"
        hint = "please report it, with the command and its output with --debug"
        return Failure("bug", message, (), hint, 1, error)

    def named(self, process: str) -> Failure:
        """The report of a process of a job, whose name precedes the message."""
        return replace(self, message=f"{process}{self.message}")

    def report(self, *, as_json: bool, with_traceback: bool) -> int:
        """Write the report and return the exit code."""
        console = Console()
        if with_traceback:
            console.say_all("".join(traceback.format_exception(self.cause)).splitlines())
        console.alarm("error", self.message)
        console.say_all([f"  - {detail}" for detail in self.details])
        if self.hint:
            console.say(f"hint: {self.hint}")
        if as_json:
            with suppress(OSError, ResourceError):  # a second failure does not change the exit code
                console.document("", error=self.facts())
                sys.stdout.flush()
        return self.exit_code

    def facts(self) -> dict[str, object]:
        """Return the report as plain data."""
        return {
            "kind": self.kind,
            "message": self.message,
            "details": list(self.details),
            "hint": self.hint,
            "exit_code": self.exit_code,
        }


def _known(error: BaseException) -> BackpassError | None:
    """Convert an exception to the equivalent BackpassError; None if there is none."""
    match error:
        case BackpassError():
            return error
        case KeyboardInterrupt():
            return InterruptedTraining("interrupted; no model was written")
        case click.UsageError():
            return _usage(error)
        case MemoryError():
            detail = "" if str(error) in ("", "std::bad_alloc") else f": {error}"
            return ResourceError(
                f"{MEMORY}{detail}",
                hint="use fewer columns or rows, a smaller --batch-size or --hidden, or a larger machine",
            )
        case _ if shortage := shortage_of(error):
            return ResourceError(shortage, hint="raise the limit (ulimit, cgroup), or use a larger machine")
        case OSError():
            place = f"{error.filename}: " if error.filename else ""
            return ResourceError(f"{place}{error.strerror or error}", hint="check the disk and the permissions")
    return None


def _usage(error: click.UsageError) -> UsageError:
    """Reword a click error in the style of Backpass's messages."""
    help_hint = f"{error.ctx.command_path if error.ctx else 'backpass'} --help shows the usage"
    if isinstance(error, click.NoSuchOption):
        if (name := renamed(error.option_name)) is not None:
            return UsageError(f"option {error.option_name} was renamed to {name}")
        options = [each for parameter in error.ctx.command.params for each in parameter.opts] if error.ctx else []
        near = [*synonym(error.option_name, options), *(error.possibilities or ())][:1]
        hint = _by_place(error) or _of_others(error) or (f"did you mean {near[0]}?" if near else help_hint)
        return UsageError(f"no such option: {error.option_name}", hint=hint)
    message = error.format_message().rstrip(".")
    if isinstance(error, click.MissingParameter) and error.param is not None and error.param.name == "target":
        help_hint = "the column to predict; backpass inspect TABLE lists the columns"
    parameters = error.ctx.command.params if error.ctx else []
    if "unexpected extra argument" in message and any(each.name == "table" for each in parameters):
        help_hint = f"to read several files as one table, quote the pattern: 'data/*.csv'; {help_hint}"
    return UsageError(message[:1].lower() + message[1:], hint=help_hint)


def _by_place(error: click.NoSuchOption) -> str | None:
    """A hint if the command takes by its place what was given as an option, as in ``backpass export a -o b``."""
    if error.ctx is None:
        return None
    command, name = error.ctx.command, {"-o": "output"}.get(error.option_name, error.option_name.lstrip("-"))
    if not any(isinstance(each, click.Argument) and each.name == name for each in command.params):
        return None
    usage = " ".join([error.ctx.command_path, *command.collect_usage_pieces(error.ctx)])
    return f"{name.upper()} is an argument, not an option: {usage}"


def _of_others(error: click.NoSuchOption) -> str | None:
    """A hint if another command has the option; ``hints.hint_for`` names that command."""
    root = error.ctx.find_root() if error.ctx is not None else None
    if root is None or not isinstance(root.command, click.Group):
        return None
    commands = [root.command.get_command(root, name) for name in root.command.list_commands(root)]
    options = {option for command in commands if command for each in command.params for option in each.opts}
    return f"leave out {error.option_name}" if error.option_name in options else None


def renamed(option: str) -> str | None:
    """Return the current name of a renamed option, if it is one."""
    name = new_name(option.removeprefix("--").replace("-", "_"))
    return None if name is None else f"--{name.replace('_', '-')}"


def new_name(name: str) -> str | None:
    """Return the current name of a renamed setting or other option, if it is one."""
    from backpass.model.file.older_facts import SETTING_NAMES  # slow to import and rarely needed here

    return {**SETTING_NAMES, **_OTHER_NAMES}.get(name)

"""The root command ``backpass``: it runs the subcommands and maps every exception to an exit code.

The module of a subcommand is imported when the subcommand is called, so that ``backpass --help`` stays fast. Error
messages are composed in ``failure``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module

import click

from backpass._version import __version__
from backpass.cli.console import Console
from backpass.cli.failure import BROKEN_PIPE, Failure
from backpass.cli.job.launcher import JOB, Alone, Job, joined, launched
from backpass.cli.options.hints import hint_for, options_in
from backpass.cli.termination import Terminated, ended_by, terminable
from backpass.errors import UsageError, did_you_mean

COMMANDS = {
    "inspect": "Profile the columns of a table and report likely problems.",
    "fit": "Train a network on a table and write a model file.",
    "tune": "Search for the best settings for a table, and write the model that is fitted with them.",
    "distill": "Train one small network that predicts like a model, such as an ensemble.",
    "predict": "Predict the target for the rows of a table.",
    "serve": "Answer requests for predictions over HTTP.",
    "evaluate": "Score a model on rows whose target is known.",
    "compare": "Compare two models for the same target on rows whose target is known.",
    "show": "Show the contents of a model file.",
    "importance": "Show how much the score depends on each column: permutation importance.",
    "explain": "Show the contribution of each column to each prediction.",
    "features": "Write the learned features of the rows of a table.",
    "report": "Write a self-contained HTML report about a model.",
    "draw": "Draw a network or its circuit as an SVG picture.",
    "export": "Export a model to ONNX or JavaScript.",
    "play": "Write a page that trains a network on a table in the browser.",
    "notes": "Print an item of the CS229 notes with its code, and check it.",
    "sample": "Print a sample dataset.",
    "doctor": "Print version and system information for bug reports.",
}
"""Name -> one-line description. Each command is defined in the module of `commands` of the same name."""


class Root(click.Group):
    """The group of subcommands; each is imported on first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"backpass.cli.commands.{cmd_name}"), cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            hint = did_you_mean(name, list(COMMANDS)).replace("names", "commands")
            raise UsageError(f"unknown command {name!r}", hint=hint)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


COMPLETION = "_BACKPASS_COMPLETE"
"""The environment variable through which a shell requests the completion script and, later, completions."""

EPILOG = """\b
Quick start:
  backpass sample housing > housing.csv
  backpass fit housing.csv --target median_house_value
  backpass predict housing.backpass housing.csv > predicted.csv

\b
Shell completion (bash; use zsh_source or fish_source for those shells):
  eval "$(_BACKPASS_COMPLETE=bash_source backpass)"

\b
Exit codes:
  0  success                         4  invalid model file
  1  internal error (please report)  5  disk, memory or permission error
  2  usage error                     6  training diverged
  3  invalid data                    129, 130, 143  interrupted by a signal
"""


@click.command(
    cls=Root,
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
    epilog=EPILOG,
)
@click.version_option(__version__, message="backpass %(version)s")
@click.pass_context
def backpass(ctx: click.Context) -> int:
    """Neural networks for tabular data: train on a CSV or Parquet file, get a test score and a small, safe model."""
    if ctx.invoked_subcommand is None:
        Console().say_all(ctx.get_help().splitlines())
    return 2  # if there is a subcommand, its return value replaces this one


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, report any error, and return the exit code.

    Args:
        arguments: The arguments without the program name; None for those of the process.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    with terminable() as last:
        job: Job = Alone()
        try:
            job = joined()
            with job.running():
                code = _invoke(given, job)
                if sys.stdout is not None:
                    sys.stdout.flush()
            return job.leave(code)
        except click.exceptions.Exit as exit_:
            return job.leave(exit_.exit_code)
        except BrokenPipeError:
            return _left_unread()
        except BaseException as error:
            if last.number is not None and Failure.of(error).is_bug:
                # An import or a library has replaced the exception that the signal raised with one of its own.
                error = ended_by(last.number)
            if isinstance(error, Terminated):
                code = error.exit_code
                return job.fail(lambda name: code)
            failure, debugs = _for_command(Failure.of(error), given), _debugging(given)
            is_json = "--json" in given and job.exchange.rank == 0
            return job.fail(lambda name: failure.named(name).report(as_json=is_json, with_traceback=debugs))
        finally:
            _drop_what_cannot_be_written()


def _invoke(arguments: list[str], job: Job) -> int:
    """Run a command, or shell completion if the shell requests it."""
    if launched() > 1 and "fit" not in arguments[:1]:
        raise UsageError(
            f"backpass {' '.join(arguments[:1])} runs in one process; it was started in {launched()}",
            hint="only fit uses several processes: start other commands without mpiexec or srun",
        )
    # Replaces click's main(), which prints its own messages on a broken pipe and on Ctrl-C.
    if instruction := os.environ.get(COMPLETION):
        from click.shell_completion import shell_complete

        return shell_complete(backpass, {}, "backpass", COMPLETION, instruction)
    with backpass.make_context("backpass", list(arguments), obj=arguments) as ctx:
        ctx.meta[JOB] = job
        return int(backpass.invoke(ctx) or 0)


def _for_command(failure: Failure, arguments: Sequence[str]) -> Failure:
    """The report with a hint that the user of the command can follow."""
    if not arguments or arguments[0] not in COMMANDS or not options_in(failure.hint):
        return failure

    def owner(option: str) -> str | None:
        return next((name for name in ("fit", *COMMANDS) if option in options_of(name)), None)

    return replace(failure, hint=hint_for(failure.hint, options_of(arguments[0]), owner))


def options_of(command: str) -> set[str]:
    """The options of a command, as the command line has them."""
    found = Root().get_command(click.Context(backpass), command)
    return {"--help", "--version", *(text for each in (found.params if found else ()) for text in each.opts)}


def _left_unread() -> int:
    """Discard all further output, including the flush at exit: the reader (such as ``head``) has closed the pipe."""
    _lead_nowhere(1)
    return BROKEN_PIPE


def _drop_what_cannot_be_written() -> None:
    """Discard output that cannot be flushed, for example because the disk is full.

    The error has been reported by then. Python 3.13 and later flush again at exit and would return exit code 120.
    """
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except OSError:
            _lead_nowhere(stream.fileno())


def _lead_nowhere(descriptor: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _debugging(arguments: Sequence[str]) -> bool:
    return "--debug" in arguments or bool(os.environ.get("BACKPASS_DEBUG"))

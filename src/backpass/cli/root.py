"""The root: the command ``backpass``, its subcommands, and the way from an exception to an exit code.

A subcommand's module is imported when it is called, so that ``backpass --help`` stays fast.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from backpass._version import __version__
from backpass.cli.console import Console
from backpass.cli.failure import BROKEN_PIPE, Failure
from backpass.cli.termination import Terminated, ended_by, terminable
from backpass.errors import UsageError, did_you_mean

COMMANDS = {
    "inspect": "Show what the columns of a table are, and what is odd about them.",
    "fit": "Train a network on a table and write a model file.",
    "predict": "Predict the target for the rows of a table.",
    "evaluate": "Score a model on rows whose target is known.",
    "show": "Show what is inside a model file.",
    "explain": "Show what each column contributes to the predictions of rows.",
    "report": "Write one HTML page about a model, to look at and to send.",
    "draw": "Draw a network or its circuit as an SVG picture.",
    "export": "Write a model as an ONNX file, for other runtimes.",
    "sample": "Print a table to try things with.",
    "doctor": "Show what runs here, to paste into a bug report.",
}
"""Name -> what it does, in one line. The command stands in the module of that name."""


class Root(click.Group):
    """Subcommands by name, imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"backpass.cli.{cmd_name}"), cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            hint = did_you_mean(name, list(COMMANDS)).replace("names", "commands")
            raise UsageError(f"there is no command {name!r}", hint=hint)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


COMPLETION = "_BACKPASS_COMPLETE"
"""The environment variable by which a shell asks for the script of its completion, and then for completions."""

EPILOG = """\b
Start here:
  backpass sample housing > housing.csv
  backpass fit housing.csv --target median_house_value
  backpass predict housing.backpass housing.csv > predicted.csv

\b
Completion in the shell (bash_source; zsh_source and fish_source likewise):
  eval "$(_BACKPASS_COMPLETE=bash_source backpass)"

\b
Exit codes:
  0 done           3 the table cannot be used    6 training diverged
  2 wrong usage    4 not a model file            129, 130, 143 interrupted
  1 our own bug    5 disk, memory, permission
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
    """Neural networks for tables: train on a CSV or Parquet file, get an honest score and one small, safe file."""
    if ctx.invoked_subcommand is None:
        Console().say_all(ctx.get_help().splitlines())
    return 2  # what a command that was given returns takes its place


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and turn whatever happens into text and an exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    with terminable() as last:
        try:
            code = _invoke(given)
            if sys.stdout is not None:
                sys.stdout.flush()
            return code
        except click.exceptions.Exit as exit_:
            return exit_.exit_code
        except BrokenPipeError:
            return _left_unread()
        except BaseException as error:
            if last.number is not None and Failure.of(error).is_bug:
                # An import or a library made an error of its own of the exception that the signal had raised.
                error = ended_by(last.number)
            if isinstance(error, Terminated):
                return error.exit_code
            return Failure.of(error).report(as_json="--json" in given, with_traceback=_debugging(given))
        finally:
            _drop_what_cannot_be_written()


def _invoke(arguments: list[str]) -> int:
    # In place of click's main(), which says its own words at a broken pipe and at Ctrl-C.
    if instruction := os.environ.get(COMPLETION):
        from click.shell_completion import shell_complete

        return shell_complete(backpass, {}, "backpass", COMPLETION, instruction)
    with backpass.make_context("backpass", list(arguments), obj=arguments) as ctx:
        return int(backpass.invoke(ctx) or 0)


def _left_unread() -> int:
    """The reader of our output has gone, as ``head`` does: nothing more is written, not even at the very end."""
    _lead_nowhere(1)
    return BROKEN_PIPE


def _drop_what_cannot_be_written() -> None:
    """A full disk has been reported. Since Python 3.13 the rest is tried again at the end, and the code is 120."""
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

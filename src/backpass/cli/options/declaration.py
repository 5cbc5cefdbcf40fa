"""Command-line options: how they are declared, parsed and listed in the help; the options that every command has."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from backpass.errors import UsageError, numbers_between

F = TypeVar("F", bound=Callable[..., Any])


class Option(click.Option):
    """An option with a help section, which rejects an empty value unless ``may_be_empty`` is set, and another option.

    Args:
        *names: The option's names, as for ``click.Option``.
        section: The help section that lists the option.
        may_be_empty: Whether an empty string is a valid value.
        **rest: Further arguments of ``click.Option``.
    """

    def __init__(self, *names: Any, section: str = "Other", may_be_empty: bool = False, **rest: Any) -> None:
        super().__init__(*names, **rest)
        self.section = section
        self.may_be_empty = may_be_empty

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        if not self.may_be_empty:
            _check_filled(self.opts[-1], value, names=self.metavar == "COLUMNS")
        _check_no_option(self.opts[-1], value, ctx)
        return super().type_cast_value(ctx, value)


class Argument(click.Argument):
    """An argument that rejects an empty value."""

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        _check_filled(str(self.human_readable_name), value)
        return super().type_cast_value(ctx, value)


class WholeNumber(click.types.IntParamType):
    """The type of an option that takes a whole number from a bound up; the help text says what the bound is.

    Attributes:
        least: The smallest number.
    """

    name = "whole number"

    def __init__(self, least: int) -> None:
        self.least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            number = int(value)
        except ValueError:
            number = self.least - 1
        if number < self.least:
            option = "the value" if param is None else param.opts[-1]
            command = "backpass" if ctx is None else ctx.command_path
            raise UsageError(
                f"{option} must be {numbers_between(self.least, whole=True)}; got {str(value)!r}",
                hint=f"{command} --help lists every option",
            )
        return number


def _check_filled(name: str, value: Any, *, names: bool = False) -> None:
    """Reject a value that is present but empty, as an unset shell variable produces it.

    Args:
        name: The option or argument, for the message.
        value: A string, or a list of strings for a repeatable option.
        names: Whether the value lists column names; then one without any name is empty, too.

    Raises:
        UsageError: The value is empty.
    """
    for text in value if isinstance(value, list | tuple) else [value]:
        if isinstance(text, str) and (text == "" or (names and not names_in([text]))):
            what = "names no column" if text else "is empty"
            raise UsageError(f"{name} {what} (an unset shell variable?)", hint="give it a value, or leave it out")


def _check_no_option(name: str, value: Any, ctx: click.Context) -> None:
    """Reject an option in place of a value, as in ``--resume --epochs 3``.

    Args:
        name: The option, for the message.
        value: A string, or a list of strings for a repeatable option.
        ctx: The context of the command, which has its options.

    Raises:
        UsageError: The value is an option of the command.
    """
    options = {text for each in ctx.command.params for text in each.opts if text.startswith("--")}
    for text in value if isinstance(value, list | tuple) else [value]:
        if isinstance(text, str) and text in options:
            raise UsageError(f"{name} has no value: {text} is an option", hint="give it a value, or leave it out")


class Command(click.Command):
    """A command whose help lists the options by section."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
            if record:
                sections.setdefault(getattr(parameter, "section", "Other"), []).append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records, col_max=28)


def option(*names: str, section: str = "Other", **rest: Any) -> Callable[[F], F]:
    """Declare an option in a help section; a decorator like ``click.option``."""
    return click.option(*names, cls=Option, section=section, **rest)


def argument(name: str, **rest: Any) -> Callable[[F], F]:
    """Declare an argument that must not be empty; a decorator like ``click.argument``."""
    return click.argument(name, cls=Argument, **rest)


def combined(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Combine declarations into one decorator that keeps their order."""

    def declare(function: F) -> F:
        for each in reversed(options):
            function = each(function)
        return function

    return declare


def output_options() -> Callable[[F], F]:
    """The output options that every command has."""
    return combined(
        option("--json", "as_json", is_flag=True, help="print a JSON object to standard output"),
        option("--verbose", is_flag=True, help="print every note; default: notes are grouped"),
        option("-q", "--quiet", is_flag=True, help="print warnings and errors only"),
        option("--debug", is_flag=True, help="print the traceback of an error (or set BACKPASS_DEBUG)"),
    )


def strictness(also: str = "") -> Callable[[F], F]:
    """The option that makes an error of columns unlike those of the training rows, and of what ``also`` names."""
    unknown = (
        "fail if more than 5% of the values of a categorical column are unknown to the model, percentages seem to be "
        "fractions, or a column without missing values in the training rows is empty"
    )
    return option("--strict", is_flag=True, help=f"{unknown}; {also}" if also else unknown)


def keeping(example: str = "") -> Callable[[F], F]:
    """The option that copies columns of the table to the output; its help has the example."""
    copied = "columns of TABLE to copy to the output"
    return option(
        "--keep",
        metavar="COLUMNS",
        multiple=True,
        help=f"{copied}, {example}: a,b (repeatable)" if example else f"{copied}: a,b (repeatable)",
    )


def names_in(texts: Sequence[str]) -> list[str]:
    """Split comma-separated names; a name that contains a comma must be in double quotes.

    >>> names_in(["a, b", '"c,d"'])
    ['a', 'b', 'c,d']
    """
    names = [name.strip() for row in csv.reader(texts, skipinitialspace=True) for name in row]
    return [name for name in names if name]


def flag(name: str) -> str:
    """Return the option of a name: ``max_steps`` is ``--max-steps``."""
    return f"--{name.replace('_', '-')}"

"""Options: how the command line's options are declared, read and listed.

Every setting of a fit is an option (see ``backpass.model.settings.settings``): its declaration gives the name, the help
and the check. Values arrive as text and are checked together, so that one message lists all problems.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

from backpass.errors import ResourceError, UsageError
from backpass.table.missing import DEFAULT_MISSING

F = TypeVar("F", bound=Callable[..., Any])


class Option(click.Option):
    """An option that knows its section of the help, and whether its value may be empty."""

    def __init__(self, *names: Any, section: str = "Other", may_be_empty: bool = False, **rest: Any) -> None:
        super().__init__(*names, **rest)
        self.section = section
        self.may_be_empty = may_be_empty

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        if not self.may_be_empty:
            _check_filled(self.opts[-1], value, names=self.metavar == "COLUMNS")
        return super().type_cast_value(ctx, value)


class Argument(click.Argument):
    """An argument whose value is not empty."""

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        _check_filled(str(self.human_readable_name), value)
        return super().type_cast_value(ctx, value)


def _check_filled(name: str, value: Any, *, names: bool = False) -> None:
    """Refuse an empty value, which is not the same as none; of ``names``, one in which no name stands.

    Errors: UsageError.
    """
    for text in value if isinstance(value, list | tuple) else [value]:
        if isinstance(text, str) and (text == "" or (names and not names_in([text]))):
            what = "names no column" if text else "is empty"
            raise UsageError(f"{name} {what} (an unset shell variable?)", hint="give it a value, or leave it out")


class Command(click.Command):
    """A command that lists its options by section."""

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
    """Declare an option in a section of the help."""
    return click.option(*names, cls=Option, section=section, **rest)


def argument(name: str, **rest: Any) -> Callable[[F], F]:
    """Declare an argument."""
    return click.argument(name, cls=Argument, **rest)


def together(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Several declarations as one, in reading order."""

    def declare(function: F) -> F:
        for each in reversed(options):
            function = each(function)
        return function

    return declare


def talking() -> Callable[[F], F]:
    """Options of every command: how much it says, and in what form."""
    return together(
        option("--json", "as_json", is_flag=True, help="print one JSON object on standard output"),
        option("-q", "--quiet", is_flag=True, help="say nothing but errors"),
        option("--debug", is_flag=True, help="show where in the program an error arose (or set BACKPASS_DEBUG)"),
    )


def reading() -> Callable[[F], F]:
    """Options on how a table is written."""
    section = "Reading"
    return together(
        option(
            "--delimiter",
            metavar="TEXT",
            section=section,
            help="between fields: one character, tab, or whitespace (runs of blanks); default: found out",
        ),
        option(
            "--skip",
            metavar="NUMBER",
            type=click.IntRange(min=0),
            section=section,
            help="lines before the header of a text file to leave out; default 0",
        ),
        option(
            "--no-header",
            is_flag=True,
            section=section,
            help="the first line of a text file is a row; its columns are called column1, column2, ..., and a model "
            "remembers their order",
        ),
        option(
            "--names",
            metavar="COLUMNS",
            multiple=True,
            section=section,
            help="the columns of a text file without a header: a,b,c (repeatable)",
        ),
        option("--decimal", metavar="TEXT", section=section, help="decimal sign, . or , ; default: found out"),
        option(
            "--date-order",
            metavar="NAME",
            section=section,
            help="of dates such as 1/2/2024: day_first or month_first; default: found out where a column tells",
        ),
        option("--encoding", metavar="NAME", section=section, help="of the text, such as latin-1; default utf-8"),
        option(
            "--missing",
            metavar="TEXT",
            may_be_empty=True,
            multiple=True,
            section=section,
            help="a text that stands for a missing value, besides the empty field, NA, N/A, NaN, null, None and ?; "
            "a model remembers it (repeatable)",
        ),
        option(
            "--query",
            metavar="SQL",
            section=section,
            help="a SELECT over the table, called data: its result is read in the table's place",
        ),
        option(
            "--max-bytes",
            metavar="NUMBER",
            type=click.IntRange(min=1),
            section=section,
            help="what a .gz or .zst file may expand to; default: 200 times its size, at least 64 MiB",
        ),
    )


def reading_of(given: Mapping[str, Any], missing: Sequence[str] = DEFAULT_MISSING) -> dict[str, Any]:
    """The options of ``read_table`` that were given; ``missing`` is what counts as missing besides (a model knows)."""
    if sys.stdin is None and "-" in (given.get("table"), given.get("validation_file"), given.get("test_file")):
        raise ResourceError("standard input is closed", hint="give the name of a file")
    found: dict[str, Any] = {
        name: given[name]
        for name in ("delimiter", "decimal", "skip", "date_order", "encoding", "query", "max_bytes")
        if given[name] is not None
    }
    if names := names_in(given["names"]):
        found["names"] = names
    return {**found, "no_header": given["no_header"], "missing": (*missing, *given["missing"])}


def reading_words(given: Mapping[str, Any]) -> list[str]:
    """The options of ``reading`` that were given, as they would be typed for another command.

    >>> reading_words({"delimiter": ";", "no_header": True, "missing": ("-1", "x"), "skip": None})
    ['--delimiter', ';', '--no-header', '--missing', '-1', '--missing', 'x']
    """
    words: list[str] = []
    for name in ("delimiter", "decimal", "skip", "no_header", "names", "date_order", "encoding", "missing", "query"):
        value = given.get(name)
        if value is True:
            words.append(_flag(name))
        elif value not in (None, False):
            values = value if isinstance(value, tuple) else (value,)
            words += [word for each in values for word in (_flag(name), str(each))]
    return words


def names_in(texts: Sequence[str]) -> list[str]:
    """Names separated by commas; one that holds a comma stands in double quotes.

    >>> names_in(["a, b", '"c,d"'])
    ['a', 'b', 'c,d']
    """
    names = [name.strip() for row in csv.reader(texts, skipinitialspace=True) for name in row]
    return [name for name in names if name]


def settings_options() -> Callable[[F], F]:
    """One option for each setting of a fit."""
    from backpass.model.settings.settings import SETTINGS

    return together(*(_setting_option(setting) for setting in SETTINGS))


def _setting_option(setting: Any) -> Callable[[F], F]:
    return option(
        _flag(setting.name),
        setting.name,
        metavar=_metavar(setting.constraint),
        multiple=setting.repeated,
        section=setting.group.capitalize(),
        help=_help(setting),
        shell_complete=_completing(getattr(setting.constraint, "names", ())),
    )


def _completing(names: Sequence[str]) -> Callable[..., list[str]]:
    """What a shell offers for a value: the names that begin as it does."""
    return lambda ctx, parameter, begun: [name for name in names if name.startswith(begun)]


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _metavar(constraint: Any) -> str:
    return {
        "Number": "NUMBER",
        "Choice": "NAME",
        "Switch": "YES|NO",
        "Factors": "GROUP=FACTOR",
        "Several": "NUMBERS",
        "Widths": "UNITS",
        "Wires": "UNIT=COLUMNS",
    }[type(constraint).__name__]


def _help(setting: Any) -> str:
    """Meaning, values and default. A bracket at the end of the meaning says what happens by default."""
    from backpass.model.settings.constraint import Choice, Number

    meaning, bracket, default = setting.help.partition(" [")
    usual = ("no", "yes")[setting.default] if isinstance(setting.default, bool) else f"{setting.default}"
    default = default.rstrip("]") if bracket else "" if setting.repeated else usual
    # The meanings of other constraints show an example instead.
    values = f": {setting.constraint.describe()}" if isinstance(setting.constraint, Number | Choice) else ""
    return f"{meaning}{values}{f'; default {default}' if default else ''}"


def settings_of(given: Mapping[str, Any]) -> Any:
    """The Settings that were asked for.    Errors: UsageError that lists every value that cannot be used."""
    from backpass.model.settings.settings import SETTINGS, Settings

    asked = {setting.name: given[setting.name] for setting in SETTINGS if given[setting.name] not in (None, ())}
    try:
        return Settings.of({name: _value(name, text) for name, text in asked.items()})
    except UsageError as error:
        faults = [_in_options(fault, [setting.name for setting in SETTINGS]) for fault in error.faults]
        if len(faults) == 1:
            raise UsageError(faults[0], hint="backpass fit --help explains every setting") from None
        raise UsageError(error.message, faults=faults, hint="backpass fit --help explains every setting") from None


def _value(name: str, text: Any) -> Any:
    """What a text stands for; the text itself where that cannot be used, so that messages show what was typed."""
    from backpass.model.settings.settings import BY_NAME

    setting = BY_NAME[name]
    if not setting.repeated:
        value = setting.read(text)
        return text if setting.problem(value) else value
    values = [setting.read(each) for each in text]
    return next((each for each, value in zip(text, values, strict=True) if setting.problem((value,))), tuple(values))


def _in_options(fault: str, names: Sequence[str]) -> str:
    """A fault with the options' names in place of the settings': of the first word, and of those that are no words.

    >>> _in_options("validation_fraction and test_fraction must ...", ["validation_fraction", "test_fraction"])
    '--validation-fraction and --test-fraction must ...'
    """
    first, *others = fault.split(" ")
    unmistakable = [name for name in names if "_" in name]
    words = [first if first not in names else _flag(first)]
    return " ".join(words + [_flag(word) if word in unmistakable else word for word in others])

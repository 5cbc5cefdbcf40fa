"""Command-line options: how they are declared, parsed and listed in the help.

Every training setting is an option; its declaration in ``backpass.model.settings.settings`` provides the name, the help
text and the validation. Values arrive as text and are validated together, so that one message lists all problems.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

from backpass.errors import ResourceError, UsageError
from backpass.table.missing import DEFAULT_MISSING

READING_WORDS = (
    "delimiter",
    "decimal",
    "skip",
    "header_row",
    "comment",
    "footer",
    "all_rows",
    "no_header",
    "names",
    "date_order",
    "encoding",
    "missing",
    "no_missing_detection",
    "keep_spaces",
    "query",
    "sheet",
    "widths",
)
"""Options of ``reading`` that a suggested next command repeats."""

F = TypeVar("F", bound=Callable[..., Any])


class Option(click.Option):
    """An option with a help section, which rejects an empty value unless ``may_be_empty`` is set.

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
        return super().type_cast_value(ctx, value)


class Argument(click.Argument):
    """An argument that rejects an empty value."""

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        _check_filled(str(self.human_readable_name), value)
        return super().type_cast_value(ctx, value)


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


def only_once(ctx: click.Context, parameter: click.Parameter, values: Sequence[str]) -> str:
    """Return the value of a repeatable option that may be given once; a click callback.

    Raises:
        UsageError: It is given several times; the last value would silently win.
    """
    if len(values) > 1:
        given = " and ".join(values)
        raise UsageError(
            f"{parameter.opts[-1]} is given {len(values)} times: {given}",
            hint="name one; several targets at once: docs/how-to/scikit-learn.md",
        )
    return values[0]


def together(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Combine declarations into one decorator that keeps their order."""

    def declare(function: F) -> F:
        for each in reversed(options):
            function = each(function)
        return function

    return declare


def talking() -> Callable[[F], F]:
    """The output options that every command has."""
    return together(
        option("--json", "as_json", is_flag=True, help="print a JSON object to standard output"),
        option("--verbose", is_flag=True, help="print every note; default: notes are grouped"),
        option("-q", "--quiet", is_flag=True, help="print warnings and errors only"),
        option("--debug", is_flag=True, help="print the traceback of an error (or set BACKPASS_DEBUG)"),
    )


def strictness(also: str = "") -> Callable[[F], F]:
    """The option that makes an error of many values that the model does not know, and of what ``also`` names."""
    unknown = "fail if more than 5 % of the values of a categorical column are unknown to the model"
    return option("--strict", is_flag=True, help=f"{unknown}; {also}" if also else unknown)


def reading() -> Callable[[F], F]:
    """The options that describe how a table is parsed."""
    section = "Reading"
    return together(
        option(
            "--delimiter",
            metavar="TEXT",
            section=section,
            help="field delimiter: a single character, tab, or whitespace (any run of blanks); default: detected",
        ),
        option(
            "--skip",
            metavar="NUMBER",
            type=click.IntRange(min=0),
            section=section,
            help="number of lines to skip before the header of a text file; default: detected",
        ),
        option(
            "--header-row",
            metavar="LINES",
            section=section,
            help="line of the header of a text file, from 1, or its lines, such as 1,2, if it has several; "
            "default: detected",
        ),
        option(
            "--comment",
            metavar="TEXT",
            section=section,
            help="start of comment lines in a text file, such as '#', or none; default: detected",
        ),
        option(
            "--footer",
            metavar="NUMBER",
            type=click.IntRange(min=0),
            section=section,
            help="number of lines below the last row of a text file, blank lines not counted; default: detected",
        ),
        option(
            "--all-rows",
            is_flag=True,
            section=section,
            help="read every record below the header as a row, even units, totals, repeated headers and empty rows",
        ),
        option(
            "--no-header",
            is_flag=True,
            section=section,
            help="the text file has no header line; its columns are named column1, column2, ..., and a model matches "
            "them by position",
        ),
        option(
            "--names",
            metavar="COLUMNS",
            multiple=True,
            section=section,
            help="column names for a text file without a header: a,b,c (repeatable)",
        ),
        option("--decimal", metavar="TEXT", section=section, help="decimal separator, '.' or ','; default: detected"),
        option(
            "--date-order",
            metavar="NAME",
            section=section,
            help="order of dates such as 1/2/2024, day_first or month_first; default: detected if unambiguous",
        ),
        option("--encoding", metavar="NAME", section=section, help="text encoding, such as latin-1; default: utf-8"),
        option(
            "--missing",
            metavar="TEXT",
            may_be_empty=True,
            multiple=True,
            section=section,
            help="string to treat as a missing value, in addition to an empty field, NA, N/A, NaN, null, None and ?; "
            "it is stored in the model (repeatable)",
        ),
        option(
            "--no-missing-detection",
            is_flag=True,
            section=section,
            help="do not treat words such as -, #N/A and unknown as missing where everything else in a column is a "
            "number or a date, and do not name suspected numbers such as -999",
        ),
        option(
            "--keep-spaces",
            is_flag=True,
            section=section,
            help="keep categories apart that differ only in spaces: around, doubled or no-break; default: merge them",
        ),
        option(
            "--query",
            metavar="SQL",
            section=section,
            help="SELECT statement to apply to the table, which it calls data; in a database, it names the tables",
        ),
        option(
            "--sheet",
            metavar="NAME",
            section=section,
            help="sheet of a workbook, by name or by number from 1 (for one of several files: FILE::NAME); default: "
            "the only one that holds a table",
        ),
        option(
            "--widths",
            metavar="NUMBERS",
            section=section,
            help="field widths of a text file without delimiters, in characters: 8,4,10",
        ),
        option(
            "--max-bytes",
            metavar="NUMBER",
            type=click.IntRange(min=1),
            section=section,
            help="maximum decompressed size of a compressed file or workbook; default: 200 times its size, but at "
            "least 64 MiB",
        ),
    )


def reading_of(given: Mapping[str, Any], missing: Sequence[str] = DEFAULT_MISSING) -> dict[str, Any]:
    """Return the keyword arguments of ``read_table`` that the options select.

    Args:
        given: The parsed options by name.
        missing: Strings that mean a missing value in addition to those of ``--missing``; a model provides its own.

    Raises:
        ResourceError: A table is to come from standard input, which is closed.
    """
    if sys.stdin is None and "-" in (given.get("table"), given.get("validation_file"), given.get("test_file")):
        raise ResourceError("standard input is closed", hint="give the name of a file")
    names = (
        "delimiter",
        "decimal",
        "skip",
        "comment",
        "footer",
        "date_order",
        "encoding",
        "query",
        "max_bytes",
        "sheet",
    )
    found: dict[str, Any] = {name: given[name] for name in names if given[name] is not None}
    if given["header_row"] is not None:
        found["header_row"] = _numbers_in(given["header_row"], "--header-row is a line number, or several such as 1,2")
    if given["widths"] is not None:
        found["widths"] = _numbers_in(given["widths"], "--widths are numbers of characters, such as 8,4,10")
    if columns := names_in(given["names"]):
        found["names"] = columns
    flags = {name: given[name] for name in ("no_header", "all_rows")}
    found["detect_missing"] = not given["no_missing_detection"]
    found["merge_spaces"] = not given["keep_spaces"]
    return {**found, **flags, "missing": (*missing, *given["missing"])}


def reading_words(given: Mapping[str, Any]) -> list[str]:
    """Return the ``reading`` options that were given as command-line words, for a suggested next command.

    >>> reading_words({"delimiter": ";", "no_header": True, "missing": ("-1", "x"), "skip": None})
    ['--delimiter', ';', '--no-header', '--missing', '-1', '--missing', 'x']
    """
    words: list[str] = []
    for name in READING_WORDS:
        value = given.get(name)
        if value is True:
            words.append(_flag(name))
        elif value not in (None, False):
            values = value if isinstance(value, tuple) else (value,)
            words += [word for each in values for word in (_flag(name), str(each))]
    return words


def _numbers_in(text: str, expected: str) -> list[int]:
    """Return the whole numbers in a text such as ``2`` or ``1,2``.

    Args:
        text: The text.
        expected: What was expected, for the message.

    Raises:
        UsageError: The text holds anything else.

    >>> _numbers_in("2", ""), _numbers_in("1, 2", "")
    ([2], [1, 2])
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise UsageError(f"{expected}; got {text!r}")
    return [int(part) for part in parts]


def names_in(texts: Sequence[str]) -> list[str]:
    """Split comma-separated names; a name that contains a comma must be in double quotes.

    >>> names_in(["a, b", '"c,d"'])
    ['a', 'b', 'c,d']
    """
    names = [name.strip() for row in csv.reader(texts, skipinitialspace=True) for name in row]
    return [name for name in names if name]


def settings_options() -> Callable[[F], F]:
    """Declare one option per training setting."""
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
    """Return the shell-completion function of an option: the names that start with the incomplete value."""
    return lambda ctx, parameter, begun: [name for name in names if name.startswith(begun)]


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _metavar(constraint: Any) -> str:
    return {
        "Number": "NUMBER",
        "Choice": "NAME",
        "Function": "NAME",
        "ColumnName": "COLUMN",
        "Switch": "YES|NO",
        "Factors": "GROUP=FACTOR",
        "NumberOrName": "NUMBER|NAME",
        "ClassName": "CLASS",
        "Amounts": "NAME=NUMBER",
        "Several": "NUMBERS",
        "Widths": "UNITS",
        "Wires": "UNIT=COLUMNS",
    }[type(constraint).__name__]


def _help(setting: Any) -> str:
    """Compose the help text of a setting: meaning, accepted values and default.

    Square brackets at the end of ``setting.help`` describe the behavior if the default is None.
    """
    from backpass.model.settings.constraint import Choice, Number

    meaning, bracket, default = setting.help.partition(" [")
    usual = ("no", "yes")[setting.default] if isinstance(setting.default, bool) else f"{setting.default}"
    default = default.rstrip("]") if bracket else "" if setting.repeated else usual
    # The help texts of settings with other constraints contain an example instead.
    values = f": {setting.constraint.describe()}" if isinstance(setting.constraint, Number | Choice) else ""
    return f"{meaning}{values}{f'; default: {default}' if default else ''}"


def settings_of(given: Mapping[str, Any]) -> Any:
    """Build the validated Settings from the parsed options.

    Raises:
        UsageError: Lists every invalid value.
    """
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
    """Parse the value of a setting; return an invalid text unchanged, so that messages show what the user typed."""
    from backpass.model.settings.settings import BY_NAME

    setting = BY_NAME[name]
    if not setting.repeated:
        value = setting.read(text)
        return text if setting.problem(value) else value
    values = [setting.read(each) for each in text]
    return next((each for each, value in zip(text, values, strict=True) if setting.problem((value,))), tuple(values))


def _in_options(fault: str, names: Sequence[str]) -> str:
    """Replace setting names in a message with option names: the first word, and every name that contains an underscore.

    >>> _in_options("validation_fraction and test_fraction must ...", ["validation_fraction", "test_fraction"])
    '--validation-fraction and --test-fraction must ...'
    """
    first, *others = fault.split(" ")
    unmistakable = [name for name in names if "_" in name]
    words = [first if first not in names else _flag(first)]
    return " ".join(words + [_flag(word) if word in unmistakable else word for word in others])

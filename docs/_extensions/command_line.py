"""Command line: writes the reference of all commands from the options that click knows."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

import click
from generated import Generated, plain
from sphinx.application import Sphinx

from backpass.cli.root import COMMANDS, backpass
from backpass.model.settings.declarations import BY_NAME

HOME_OF_SETTINGS = "fit"
"""The command whose section describes the settings; other commands that take them point to it."""


class CommandLine(Generated):
    """``.. command-line::`` has a section for each command, with the options in the sections of its help."""

    def lines(self) -> Iterator[str]:
        context = click.Context(backpass, info_name="backpass")
        for name in COMMANDS:
            command = backpass.get_command(context, name)
            assert command is not None
            yield from command_lines(command, click.Context(command, info_name=name, parent=context))
        yield from ["Exit codes", "-" * 10, "", *literal(_after("Exit codes:", backpass.epilog or ""))]


def command_lines(command: click.Command, context: click.Context) -> Iterator[str]:
    """The section of a command: usage, help text, options."""
    title = f"backpass {context.info_name}"
    yield from [title, "-" * len(title), "", f".. program:: {title}", ""]
    usage = " ".join(["$", title, *command.collect_usage_pieces(context)])
    yield from [".. code-block:: console", "", f"   {usage}", ""]
    yield from help_lines(command.help or "")
    yield from help_lines(command.epilog or "")
    section = ""
    options = [each for each in command.get_params(context) if isinstance(each, click.Option)]
    if context.info_name != HOME_OF_SETTINGS and any(each.name in BY_NAME for each in options):
        yield from [f"It also takes every setting of ``backpass {HOME_OF_SETTINGS}``, from ``--preset`` on.", ""]
        options = [each for each in options if each.name not in BY_NAME]
    for option in options:
        record = option.get_help_record(context)
        if record is None:
            continue
        if getattr(option, "section", "Other") != section:
            section = getattr(option, "section", "Other")
            yield from [f".. rubric:: {section}", ""]
        yield from option_lines(option, record)


def option_lines(option: click.Parameter, record: tuple[str, str]) -> Iterator[str]:
    """An option, its synonyms, its value and what it does."""
    value = record[0].rpartition(" ")[2] if not getattr(option, "is_flag", False) and " " in record[0] else ""
    names = sorted((*option.opts, *option.secondary_opts), key=len, reverse=True)
    yield from [f".. option:: {', '.join(f'{name} {value}'.rstrip() for name in names)}", ""]
    text = getattr(option, "help", None) or record[1]
    yield from [f"   {plain(text[:1].upper() + text[1:].rstrip('.'))}.", ""]


def help_lines(text: str) -> Iterator[str]:
    """The paragraphs of a help text; one that click leaves as it is (``\\b``) is a literal block."""
    for paragraph in textwrap.dedent(text).strip().split("\n\n"):
        body = paragraph.strip()
        if body.startswith("\b"):
            yield from literal(body.lstrip("\b\n"))
        elif body:
            yield from [plain(" ".join(body.split())), ""]


def literal(text: str) -> list[str]:
    """Lines as they stand; a heading that ends in a colon comes before them."""
    lines = textwrap.dedent(text).rstrip().split("\n")
    head = [f"**{plain(lines.pop(0))}**", ""] if lines[0].endswith(":") else []
    return [*head, ".. code-block:: text", "", *(f"   {line.strip() if head else line}" for line in lines), ""]


def _after(head: str, text: str) -> str:
    return text.partition(head)[2].strip("\n")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("command-line", CommandLine)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

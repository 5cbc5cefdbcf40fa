"""Hints: the hint of an error, for a command that lacks an option in it.

Many errors come from reading a table or a target, which most commands do, and their hints name options of ``fit``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

_OPTION = re.compile(r"(?<![\w'\"=-])--[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_LINE = re.compile(r"backpass [a-z]+ .*")
"""A command line in a hint, whose options are those of its own command."""


def options_in(hint: str) -> list[str]:
    """The options that a hint names, other than those in a command line of another command.

    >>> options_in("leave it out of --text, or run backpass fit t.csv --target y")
    ['--text']
    """
    return list(dict.fromkeys(_OPTION.findall(_LINE.sub("", hint))))


def hint_for(hint: str, own: Iterable[str], owner_of: Callable[[str], str | None]) -> str:
    """The hint without what the command cannot follow.

    Clauses that name an option of other commands only are left out, unless no other clause is left; then the hint says
    which command has the option.

    Args:
        hint: The hint; semicolons separate its clauses.
        own: The options of the command.
        owner_of: Option -> a command that has it; None if no command does.

    Example:
        >>> owner = {"--task": "fit"}.get
        >>> hint_for("write them as numbers; if they are classes: --task classification", ["--target"], owner)
        'write them as numbers'
        >>> hint_for("say --task classification", ["--target"], owner)
        'say --task classification (--task is an option of backpass fit)'
    """
    known = set(own)

    def others(clause: str) -> list[str]:
        return [each for each in options_in(clause) if each not in known and owner_of(each) is not None]

    clauses = hint.split("; ")
    if kept := [each for each in clauses if not others(each)]:
        return "; ".join(kept)
    owners: dict[str | None, list[str]] = {}
    for option in others(hint):
        owners.setdefault(owner_of(option), []).append(option)
    places = [f"{_listed(names)} of backpass {owner}" for owner, names in owners.items()]
    return f"{hint} ({' and '.join(places)})"


def _listed(names: list[str]) -> str:
    """Options as the subject of a sentence."""
    if len(names) == 1:
        return f"{names[0]} is an option"
    return f"{', '.join(names[:-1])} and {names[-1]} are options"

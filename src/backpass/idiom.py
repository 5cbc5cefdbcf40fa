"""Idiom: options in messages, as the command line or as Python writes them.

Messages and stored notes name options as on the command line: ``--merge-case``. For a caller in Python, this module
writes the argument instead: ``merge_case=True``.
"""

from __future__ import annotations

import re
import shlex

FLAGS = {
    "all-rows": "all_rows=True",
    "keep-spaces": "merge_spaces=False",
    "merge-case": "merge_case=True",
    "no-date-detection": "detect_dates=False",
    "no-header": "no_header=True",
    "no-missing-detection": "detect_missing=False",
    "no-stream": "stream=False",
    "stream": "stream=True",
    "strict": "strict=True",
}
"""Options without a value, and the argument that says the same."""
OTHER_NAMES = {
    "by": "by",
    "interval": "level",
    "resume": "resume_from",
    "test-file": "test",
    "validation-file": "validation",
}
"""Options whose arguments have other names."""
NO_ARGUMENTS = frozenset({"debug", "help", "upgrade", "config", "print-config", "version"})
"""Options that are none of Backpass's functions; they stay."""
LISTS = frozenset({"categorical", "columns", "drop", "missing", "text"})
"""Arguments that are lists of names or texts."""
NUMBERS = frozenset({"footer", "header-row", "max-bytes", "skip", "principal-components", "max-one-hot-levels"})
"""Options whose value is a number; another word behind them belongs to the sentence."""
SEVERAL_NUMBERS = frozenset({"header-row", "widths"})
"""Options whose value may be several numbers: 8,4,10."""
VALUES = frozenset({"categorical", "drop", "group", "loss", "missing", "precision", "query", "task", "time"})
"""Options whose value stands behind them as any word."""
WORDS = {
    "class-weight": r"balanced",
    "comment": r"none",
    "date-order": r"(?:day|month|year)_first",
    "encoding": r"[a-z]+[0-9-][a-z0-9-]*",
    "engine": r"jax|numpy|native",
    "hidden": r"none",
    "preset": r"plain|notes|fast|default|best|realmlp",
    "sampling": r"full|uniform|minibatch|epoch|epoch_drop_last",
    "target-transform": r"none|log",
    "threshold": r"f1|cost",
}
"""Options of which some words are values."""

READING = frozenset({
    "all-rows", "categorical", "comment", "date-order", "decimal", "delimiter", "encoding", "footer", "header-row",
    "keep-spaces", "max-bytes", "merge-case", "missing", "names", "no-date-detection", "no-header",
    "no-missing-detection", "query", "sheet", "skip", "text", "widths",
})  # fmt: skip
"""Options for reading tables, which ``fit`` and others take in the argument ``reading``."""

_QUOTED = r"(?:'[^']*'|\"[^\"]*\")+"
_VALUE = rf"{_QUOTED}|[0-9]+(?:,[0-9]+)+|(?!\(|--[a-z])[^\s,;:)]+"
_OPTION = re.compile(rf"(?<![\w'\"=-])--(?P<name>[a-z][a-z0-9]*(?:-[a-z0-9]+)*)(?P<rest> (?P<value>{_VALUE}))?")
_NUMBER = re.compile(r"-?[0-9][0-9.]*")


def in_python(text: str, *, reading: bool = False) -> str:
    """Return a message with arguments of Python in place of options.

    Args:
        text: The message.
        reading: Whether the caller takes options for reading tables in its argument ``reading``, as ``fit`` does.

    >>> in_python("if they mean the same: --merge-case")
    'if they mean the same: merge_case=True'
    >>> in_python("if it means missing: --missing -999")
    "if it means missing: missing=[*backpass.table.DEFAULT_MISSING, '-999']"
    >>> in_python("--footer 0 keeps them; --header-row names another line")
    'footer=0 keeps them; header_row names another line'
    >>> in_python("fixed widths? --widths 8,4,10")
    'fixed widths? widths=[8, 4, 10]'
    >>> in_python("if it holds text: --categorical")
    'if it holds text: categorical=[...]'
    >>> in_python("choose another --metric (--drop id leaves it out), or pip install --upgrade backpass")
    "choose another metric (drop=['id'] leaves it out), or pip install --upgrade backpass"
    >>> in_python("if they mean the same: --merge-case", reading=True)
    "if they mean the same: reading={'merge_case': True}"
    """
    if "--" not in text:
        return text
    return _OPTION.sub(lambda found: _argument(found, is_nested=reading and found["name"] in READING), text)


def _argument(found: re.Match[str], *, is_nested: bool) -> str:
    name, value, rest = found["name"], found["value"], found["rest"] or ""
    if name in NO_ARGUMENTS:
        return found[0]
    argument, _, given = FLAGS.get(name, OTHER_NAMES.get(name, name.replace("-", "_"))).partition("=")
    if not given:
        if value is not None and _is_value(name, value):
            given, rest = _written(name, _unquoted(value)), ""
        elif name in LISTS:
            given = "[...]"
    if is_nested:
        return f"reading={{{argument!r}: {given or '...'}}}{rest}"
    return f"{argument}={given}{rest}" if given else argument + rest


def _is_value(name: str, word: str) -> bool:
    if word[0] in "'\"":
        return True
    if name in SEVERAL_NUMBERS and "," in word:
        return True
    if name in NUMBERS:
        return _NUMBER.fullmatch(word) is not None
    return name in VALUES or (name in WORDS and re.fullmatch(WORDS[name], word) is not None)


def _written(name: str, value: str) -> str:
    if name in SEVERAL_NUMBERS and "," in value:
        return f"[{value.replace(',', ', ')}]"
    if name in NUMBERS:
        return value
    if name == "missing":
        return f"[*backpass.table.DEFAULT_MISSING, {value!r}]"
    return f"[{value!r}]" if name in LISTS else repr(value)


def _unquoted(value: str) -> str:
    try:
        return "".join(shlex.split(value))
    except ValueError:  # a quote without its other half
        return value

"""Signatures: what editors and type checkers read about the settings, written into the source from the declarations.

scikit-learn needs constructors that name every parameter, and type checkers need the keyword arguments of ``fit`` as
text. ``model/settings/options.py`` is written as a whole. In an estimator, the ``Args`` of the class are written by
hand: they say which parameters there are, in which order, with which description. The defaults at the end of the
descriptions, types and the constructor are written from the declarations.

    python tools/write_signatures.py
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from backpass.estimators.parameters import OF_CLASSIFIER, OWN, RENAMED, Parameter, declared
from backpass.model.settings.constraint import literal
from backpass.model.settings.declarations import BY_NAME, SETTINGS
from backpass.model.settings.presets import FEW, PRESETS, patience_for
from backpass.model.settings.setting import Setting

WIDTH = 120
HOUSE = Path(__file__).parents[1] / "src" / "backpass"
OPTIONS = HOUSE / "model" / "settings" / "options.py"
ESTIMATORS: Mapping[str, tuple[str, Mapping[str, Parameter]]] = {
    "regressor": ("regression", OWN),
    "classifier": ("binary", OF_CLASSIFIER),
}
"""Module -> a task of its models, and the parameters that are not declared as settings."""

_OPTIONS = '''\
"""The options of ``fit`` and ``fit_groups``: the settings as keyword arguments, for editors and type checkers.

Written by ``tools/write_signatures.py``. Types, meanings, ranges and defaults are declared in ``declarations``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypedDict

from backpass.circuit import Array


class DenseOptions(TypedDict, total=False):
    """The settings that apply to a model per group too: those of one dense network without validation rows."""

{dense}


class GroupOptions(DenseOptions, total=False):
    """Keyword arguments of ``fit_groups``. Omitted ones take the defaults of ``grouped.options``."""

{groups}


class SettingsOptions(DenseOptions, total=False):
    """Keyword arguments of ``fit``: any of the settings. Omitted ones take the preset's value."""

{others}
'''


def options(settings: Sequence[Setting] = SETTINGS) -> str:
    """The text of ``model/settings/options.py``."""
    some = {each.name: literal(each.of_groups) for each in settings if isinstance(each.of_groups, tuple)}
    return _OPTIONS.format(
        dense=_fields({each.name: _type(each) for each in settings if each.of_groups is True}),
        groups=_fields(some),
        others=_fields({each.name: _type(each) for each in settings if each.of_groups is not True}),
    )


def _fields(types: Mapping[str, str]) -> str:
    return "\n".join(f"    {name}: {kind}" for name, kind in types.items())


def _type(setting: Setting) -> str:
    return f"{setting.constraint.annotation}{' | None' if setting.default is None else ''}"


def estimator(text: str, task: str, own: Mapping[str, Parameter]) -> str:
    """The text of a module with an estimator, with its constructor and the defaults in its description.

    Raises:
        ValueError: A parameter is not declared, or its description does not state its default.
    """
    lines = text.splitlines()
    (cls,) = [node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]
    (init,) = [node for node in cls.body if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
    first, last = lines.index("    Args:") + 1, lines.index("    Attributes:") - 1
    descriptions = _descriptions(lines[first:last])
    parameters = {name: declared(name, own) for name in descriptions}
    args = [_wrapped(name, with_default(name, descriptions[name], parameters[name], task)) for name in descriptions]
    assert last < init.lineno <= (init.end_lineno or 0)
    new = [*lines[:first], *args, *lines[last : init.lineno - 1], constructor(parameters), *lines[init.end_lineno :]]
    return "\n".join(new) + "\n"


def _descriptions(lines: Sequence[str]) -> dict[str, str]:
    """Parameter -> description, from the lines of ``Args``."""
    entries = re.split(r"^ {8}(?=\w+:)", "\n".join(lines), flags=re.MULTILINE)[1:]
    pairs = [entry.split(":", 1) for entry in entries]
    return {name: " ".join(text.split()) for name, text in pairs}


def _wrapped(name: str, text: str) -> str:
    """An entry of ``Args``. Short values in square brackets stay on one line."""
    whole = re.sub(r"\[[^]]{,40}\]", lambda found: found[0].replace(" ", "\0"), f"{name}: {text}")
    indents = {"initial_indent": " " * 8, "subsequent_indent": " " * 12}
    return textwrap.fill(whole, WIDTH, break_on_hyphens=False, break_long_words=False, **indents).replace("\0", " ")


def with_default(name: str, text: str, parameter: Parameter, task: str) -> str:
    """The description, with the default that it states and, in square brackets, that of the preset ``default``.

    >>> with_default("epochs", "Passes. Default None [1].", declared("epochs"), "regression")
    'Passes. Default None [64; 128 below 1,000 rows; 32 from 30,001 rows; 16 from 100,001 rows].'
    >>> with_default("neighbors", "Most rows. Default 1: none.", declared("neighbors"), "regression")
    'Most rows. Default 0: none.'

    Raises:
        ValueError: The description does not state a default.
    """
    stated = re.search(r'(?<=\. )Default ("\w*"|\(\)|[\w.-]+?)( \[.*\])?(: [^.]*)?\.$', text)
    if not stated:
        raise ValueError(f"the description of {name!r} has to end with its default, such as 'Default None.'")
    setting = BY_NAME.get(RENAMED.get(name, name))
    follows = setting is not None and setting.follows_preset
    bracket = f" [{_of_preset(setting, task)}]" if follows else ""
    return f"{text[: stated.start()]}Default {shown(parameter.default)}{bracket}{stated[3] or ''}."


def _of_preset(setting: Setting, task: str) -> str:
    """The value of a setting in the preset ``default``, with those for other tables and metrics."""
    preset, name = PRESETS["default"], setting.name
    values = preset.defaults(task, None)
    value = values.get(name, setting.default)
    if name == "patience" and preset.is_patient:
        usual = f"{patience_for(8)}/8 of the epochs"
    elif value is None:
        usual = setting.help.partition(" [")[2].rstrip("]")
    else:
        usual = shown(value)
    others = [(preset.few, f"below {FEW:,} rows")]
    others += [(preset.from_rows[least], f"from {least:,} rows") for least in sorted(preset.from_rows)]
    others += [(preset.wide, "with more columns than rows")]
    others += [(preset.class_error, "with the metrics error and accuracy")] if task != "regression" else []
    return "; ".join([usual, *(f"{shown(values[name])} {when}" for values, when in others if name in values)])


def shown(value: Any) -> str:
    """A value as in Python, with double quotes.

    >>> shown(("bias", 0.1))
    '("bias", 0.1)'
    """
    return repr(value).replace("'", '"')


def constructor(parameters: Mapping[str, Parameter]) -> str:
    """The constructor: it stores every parameter as it is, as scikit-learn wants it.

    >>> print(constructor({"epochs": Parameter("int", 3, []), "metric": Parameter("str | None", None, [])}))
        def __init__(  # written by tools/write_signatures.py
            self,
            epochs: int = 3,
            *,
            metric: str | None = None,
        ) -> None:
            self.epochs = epochs
            self.metric = metric
    """
    types = {name: re.sub(r"Literal\[.*?\]", "str", each.annotation) for name, each in parameters.items()}
    first, *others = [f"        {name}: {types[name]} = {shown(each.default)}," for name, each in parameters.items()]
    stored = [f"        self.{name} = {name}" for name in parameters]
    head = "    def __init__(  # written by tools/write_signatures.py"
    return "\n".join([head, "        self,", first, "        *,", *others, "    ) -> None:", *stored])


def written() -> dict[Path, str]:
    """Path -> the text that it has to have, up to the formatting."""
    modules = {HOUSE / "estimators" / f"{name}.py": task for name, task in ESTIMATORS.items()}
    return {OPTIONS: options()} | {path: estimator(path.read_text("utf-8"), *facts) for path, facts in modules.items()}


def main() -> None:
    for path, text in written().items():
        command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(path), "-"]
        formatted = subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout
        path.write_text(formatted, "utf-8")


if __name__ == "__main__":
    main()

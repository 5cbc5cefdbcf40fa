"""Setting: the declaration of one setting, with its default, the accepted values, and what other code needs to know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

import numpy as np

from backpass.dataclass import dataclass
from backpass.model.settings.constraint import Constraint

_LONGEST_SHOWN = 100
"""Characters of a wrong value that a message shows."""


@dataclass(frozen=True, slots=True)
class Setting:
    """The declaration of one setting.

    Attributes:
        name: The Python argument, the TOML key and, with hyphens, the command-line option.
        default: The default in the plain preset.
        constraint: The accepted values.
        help: One line for users. Square brackets at its end say what the default None stands for.
        group: The section of the help: preset, data, network, training, decision or engine.
        repeated: Whether the command-line option can be given several times.
        follows_preset: Whether an estimator's parameter None stands for the preset's value.
        describes_network: Whether setting it selects the preset plain, unless a preset is named.
        is_stored: Whether model files hold it; what cannot change the result is not stored.
        since: The first model-file format that holds it.
        older: The meaning of a file without it. None: the default of plain.
        notes: The values that the notes (CS229) have; None if they leave it open.
        is_optional: Whether model files leave it out if it has its default.
        of_groups: Whether a model per group has it too, as one dense network without validation rows does; or those of
            its values that such a model accepts.
    """

    name: str
    default: Any
    constraint: Constraint
    help: str
    group: str
    repeated: bool = False
    follows_preset: bool = False
    describes_network: bool = False
    is_stored: bool = True
    since: int = 1
    older: Any = None
    notes: Sequence[Any] | None = None
    is_optional: bool = False
    of_groups: bool | tuple[str, ...] = False

    def problem(self, value: Any) -> str:
        """What is wrong with a value, in one line; empty if it is accepted."""
        if (value is None and self.default is None) or self.constraint.accepts(value):
            return ""
        hint = self.constraint.hint(value) or self._hint_for_text(value)
        got = repr(value)
        if "\n" in got:  # such as a column in place of its name
            got = f"a value of type {type(value).__name__}"
        elif len(got) > _LONGEST_SHOWN:
            got = f"{got[:_LONGEST_SHOWN]}..."
        return f"{self.name} must be {self.constraint.describe()}; got {got}{f' ({hint})' if hint else ''}"

    def _hint_for_text(self, value: Any) -> str:
        """What a text stands for that the command line would read, such as "64,32"; empty if it would not."""
        if not isinstance(value, str):
            return ""
        read = self.read(value)
        return f"in Python {listed(read)!r}" if read != value and self.constraint.accepts(read) else ""

    def normal(self, value: Any) -> Any:
        """A value from Python, TOML or JSON in the form that the constraint accepts: plain tuples and numbers."""
        return self.constraint.normal(frozen(value))

    def read(self, text: str) -> Any:
        """Parse a value from text; the text itself if it cannot be parsed (``problem`` then says so)."""
        try:
            return self.constraint.read(text)
        except ValueError:
            return text


def setting(default: Any, constraint: Constraint, help: str, group: str, **facts: Any) -> Any:
    """A field of ``SettingValues`` with its declaration; the field's name becomes the setting's."""
    return field(metadata={"default": default, "constraint": constraint, "help": help, "group": group, **facts})


def data(default: Any, constraint: Constraint, help: str, **facts: Any) -> Any:
    """A setting of the group data."""
    return setting(default, constraint, help, "data", **facts)


def network(default: Any, constraint: Constraint, help: str, **facts: Any) -> Any:
    """A setting of the group network."""
    return setting(default, constraint, help, "network", **facts)


def training(default: Any, constraint: Constraint, help: str, **facts: Any) -> Any:
    """A setting of the group training."""
    return setting(default, constraint, help, "training", **facts)


def decision(default: Any, constraint: Constraint, help: str, **facts: Any) -> Any:
    """A setting of the group decision."""
    return setting(default, constraint, help, "decision", since=3, **facts)


def listed(value: Any) -> Any:
    """Tuples as lists, at any depth."""
    return [listed(part) for part in value] if isinstance(value, tuple) else value


def frozen(value: Any) -> Any:
    """NumPy's values as Python's, lists, ranges and arrays as tuples, at any depth, and mappings as tuples of pairs.

    >>> frozen([np.int64(3), np.array([0.5, 1.0])]), frozen({"weight": 2})
    ((3, (0.5, 1.0)), (('weight', 2),))
    """
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    value = list(value.items()) if isinstance(value, Mapping) else value
    return tuple(frozen(part) for part in value) if isinstance(value, list | tuple | range) else value

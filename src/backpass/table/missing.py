"""Missing: which texts mean that there is no value.

The rule, the same through every door (file, Parquet, data frame):

- An empty field, and one of spaces and tabs only, is always missing.
- ``?``, ``N/A``, ``NaN``, ``nan``, ``null`` and ``NULL`` are missing in every column.
- ``NA`` and ``None`` are missing where all other values are numbers, or booleans (see ``boolean``). In a column of
  texts they may be a value (Namibia among two-letter countries, "None" for no masonry), so they stay one, and a note
  says so. No harm is done where they did mean missing: they are then one more level of the column.
- A token the user adds is missing everywhere; one that reads as a number (-999) also by its value, in typed columns
  too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from backpass.table.number import number_in

DEFAULT_MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?")
MAYBE_VALUES = frozenset({"NA", "None"})


@dataclass(frozen=True, slots=True)
class Missing:
    """The tokens that are always missing, those missing only among numbers, and the numbers that stand for missing."""

    always: frozenset[str]
    among_numbers: frozenset[str]
    values: tuple[float, ...] = ()

    @classmethod
    def of(cls, tokens: Sequence[str]) -> Missing:
        """Read the user's list. Tokens beyond ``DEFAULT_MISSING`` are always missing, ``NA`` too if listed again.

        >>> sorted(Missing.of((*DEFAULT_MISSING, "NA")).among_numbers)
        ['None']
        >>> Missing.of(["-999"]).values
        (-999.0,)
        """
        given = Counter(token.strip(" \t") for token in tokens)
        defaults = Counter(DEFAULT_MISSING)
        added = given - defaults if defaults <= given else given
        maybe = MAYBE_VALUES - set(added) if defaults <= given else frozenset()
        values = (number_in(token) for token in added)
        return cls(frozenset(given) - maybe | {""}, maybe, tuple(value for value in values if value is not None))

    @property
    def tokens(self) -> frozenset[str]:
        """Every token that is missing in a column of numbers."""
        return self.always | self.among_numbers

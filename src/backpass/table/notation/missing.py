"""Missing tokens: the strings that mean "no value".

The rule is the same for every source (file, Parquet, data frame):

- An empty field, or one of spaces and tabs only, is always missing.
- ``?``, ``N/A``, ``NaN``, ``nan``, ``null`` and ``NULL`` are missing in every column.
- ``NA`` and ``None`` are missing if all other values of the column are numbers or booleans (see ``boolean``). In a
  categorical column they may be values (Namibia among two-letter countries, "None" for no masonry), so they are kept,
  with a note. If they did mean missing, they are just one more category.
- A token that the user adds is missing everywhere; one that is a number (-999) also matches by value, even in typed
  columns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.table.notation.number import number_in

DEFAULT_MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?")
MAYBE_VALUES = frozenset({"NA", "None"})


@dataclass(frozen=True, slots=True)
class Missing:
    """Parsed missing tokens.

    Attributes:
        always: Tokens that are missing in every column.
        among_numbers: Tokens that are missing only among numbers or booleans.
        values: Numbers that mean missing.
    """

    always: frozenset[str]
    among_numbers: frozenset[str]
    values: tuple[float, ...] = ()

    @classmethod
    def of(cls, tokens: Sequence[str]) -> Missing:
        """Parse the user's list of tokens.

        Tokens beyond ``DEFAULT_MISSING`` are always missing, and so is ``NA`` if the list repeats it.

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

    def as_gaps(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return numbers (n,) with NaN for those that mean missing.

        >>> Missing.of(["-999"]).as_gaps(np.array([1.5, -999.0])).tolist()
        [1.5, nan]
        """
        return np.where(np.isin(values, self.values), np.nan, values) if self.values else values

    @property
    def tokens(self) -> frozenset[str]:
        """Every token that is missing in a numeric column."""
        return self.always | self.among_numbers

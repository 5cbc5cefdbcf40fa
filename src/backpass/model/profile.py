"""A profile: a summary of a column's training rows, which shows what values are usual.

It takes encoded columns and returns a few quantiles of each number and the counts of each category, as plain data for
the record. Other modules use it, for example for the range of a slider or a typical row; ``prediction.suspects``
compares the columns of other rows with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.network.column_scales import Columns
from backpass.table import Schema

SHARES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
"""The quantiles that are stored: each is a value of the column, at that share of the sorted values."""


@dataclass(frozen=True, slots=True)
class NumericProfile:
    """The profile of a column of numbers.

    Attributes:
        missing: The number of missing values.
        quantiles: The quantiles at ``SHARES``; empty if there is no value.
        whole: Whether all values are whole numbers.

    >>> NumericProfile.of(np.array([3.0, np.nan, 1.0, 2.0])).quantiles[::4]
    (1.0, 2.0, 3.0)
    """

    missing: int
    quantiles: tuple[float, ...]
    whole: bool

    @staticmethod
    def of(values: NDArray[np.float64]) -> NumericProfile:
        """The profile of values (n,), NaN where missing; infinite values are ignored."""
        finite = values[np.isfinite(values)]
        missing = int(np.count_nonzero(np.isnan(values)))
        if not finite.size:
            return NumericProfile(missing, (), False)
        places = [round(share * (finite.size - 1)) for share in SHARES]
        ordered = np.partition(finite, sorted(set(places)))
        return NumericProfile(
            missing, tuple(float(ordered[i]) for i in places), bool((finite == np.rint(finite)).all())
        )

    @property
    def is_zero_one(self) -> bool:
        """Whether all values are 0 or 1."""
        return self.whole and {*self.quantiles} <= {0.0, 1.0}

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": "numeric",
            "missing": self.missing,
            "quantiles": list(self.quantiles),
            "whole": self.whole,
        }


@dataclass(frozen=True, slots=True)
class CategoricalProfile:
    """The profile of a categorical column.

    Attributes:
        missing: The number of values that are missing or not a known category.
        counts: The number of rows of each category.
    """

    missing: int
    counts: tuple[int, ...]

    @property
    def commonest(self) -> int:
        """The code of the most frequent category, the first one in a tie; 0 stands for missing."""
        counts = (self.missing, *self.counts)
        return counts.index(max(counts))

    def to_json(self) -> dict[str, Any]:
        return {"kind": "categorical", "missing": self.missing, "counts": list(self.counts)}


Profile: TypeAlias = NumericProfile | CategoricalProfile


def profiles_of(schema: Schema, numbers: Columns, codes: NDArray[np.int32]) -> dict[str, Profile]:
    """The profile of each column by name, numbers (and date components) first.

    Args:
        schema: The columns.
        numbers: Their numbers (n, p).
        codes: Their codes (n, q).
    """
    found: dict[str, Profile] = {
        number.name: NumericProfile.of(values) for number, values in zip(schema.numbers, numbers.T, strict=True)
    }
    for j, text in enumerate(schema.texts):
        missing, *counts = np.bincount(codes[:, j], minlength=len(text.levels) + 1).tolist()
        found[text.name] = CategoricalProfile(missing, tuple(counts))
    return found


def profile_from_json(data: Mapping[str, Any]) -> Profile:
    """The profile that ``to_json`` wrote."""
    if data["kind"] == "categorical":
        return CategoricalProfile(data["missing"], tuple(data["counts"]))
    return NumericProfile(data["missing"], tuple(map(float, data["quantiles"])), data["whole"])


def has_mismatch(profiles: Mapping[str, Profile], schema: Schema) -> bool:
    """Whether there are profiles and they do not match the schema's columns."""
    if not profiles:
        return False
    texts = {text.name: len(text.levels) for text in schema.texts}
    sizes = {name: len(each.counts) for name, each in profiles.items() if isinstance(each, CategoricalProfile)}
    lengths = {len(each.quantiles) for each in profiles.values() if isinstance(each, NumericProfile)}
    names = {*texts, *(number.name for number in schema.numbers)}
    return texts != sizes or not lengths <= {0, len(SHARES)} or profiles.keys() != names

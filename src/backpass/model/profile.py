"""A profile: what is remembered of a column's training rows, so that a model can say what is usual.

Encoded columns come in; a few quantiles of each number and the counts of each text's levels go out, as plain data for
the record. What becomes of them (the range of a slider, a typical row) is decided where they are used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from backpass.table import Encoded, Schema

SHARES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
"""The quantiles that are kept: each is a value of the column, the one at that share of the ordered values."""


@dataclass(frozen=True, slots=True)
class NumericProfile:
    """A column of numbers: how many were missing, its quantiles at ``SHARES`` (if any), and whether all are whole.

    >>> NumericProfile.of(np.array([3.0, np.nan, 1.0, 2.0])).quantiles[::4]
    (1.0, 2.0, 3.0)
    """

    missing: int
    quantiles: tuple[float, ...]
    whole: bool

    @staticmethod
    def of(values: NDArray[np.float64]) -> NumericProfile:
        """The profile of values (n,), NaN where missing; infinite ones are passed over."""
        finite = values[np.isfinite(values)]
        missing = int(np.count_nonzero(np.isnan(values)))
        if not finite.size:
            return NumericProfile(missing, (), False)
        places = [round(share * (finite.size - 1)) for share in SHARES]
        ordered = np.partition(finite, sorted(set(places)))
        return NumericProfile(
            missing, tuple(float(ordered[i]) for i in places), bool((finite == np.rint(finite)).all())
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": "numeric",
            "missing": self.missing,
            "quantiles": list(self.quantiles),
            "whole": self.whole,
        }


@dataclass(frozen=True, slots=True)
class CategoricalProfile:
    """A column of texts: how many were missing or no level, and how often each level occurred."""

    missing: int
    counts: tuple[int, ...]

    @property
    def commonest(self) -> int:
        """The code of the most frequent level, the first among equals; 0 stands for missing."""
        counts = (self.missing, *self.counts)
        return counts.index(max(counts))

    def to_json(self) -> dict[str, Any]:
        return {"kind": "categorical", "missing": self.missing, "counts": list(self.counts)}


Profile: TypeAlias = NumericProfile | CategoricalProfile


def profiles_of(schema: Schema, encoded: Encoded) -> dict[str, Profile]:
    """The profile of each column by name, numbers (and the parts of dates) first."""
    found: dict[str, Profile] = {
        number.name: NumericProfile.of(encoded.numbers[:, j]) for j, number in enumerate(schema.numbers)
    }
    for j, text in enumerate(schema.texts):
        missing, *counts = np.bincount(encoded.codes[:, j], minlength=len(text.levels) + 1).tolist()
        found[text.name] = CategoricalProfile(missing, tuple(counts))
    return found


def profile_from_json(data: Mapping[str, Any]) -> Profile:
    """The profile that ``to_json`` wrote."""
    if data["kind"] == "categorical":
        return CategoricalProfile(data["missing"], tuple(data["counts"]))
    return NumericProfile(data["missing"], tuple(map(float, data["quantiles"])), data["whole"])


def misfit_of(profiles: Mapping[str, Profile], schema: Schema) -> bool:
    """Whether profiles, where there are any, belong to other columns than the schema's."""
    if not profiles:
        return False
    texts = {text.name: len(text.levels) for text in schema.texts}
    sizes = {name: len(each.counts) for name, each in profiles.items() if isinstance(each, CategoricalProfile)}
    lengths = {len(each.quantiles) for each in profiles.values() if isinstance(each, NumericProfile)}
    names = {*texts, *(number.name for number in schema.numbers)}
    return texts != sizes or not lengths <= {0, len(SHARES)} or profiles.keys() != names

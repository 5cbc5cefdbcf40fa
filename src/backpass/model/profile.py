"""A profile: a summary of a column's training rows, which shows what values are usual.

It takes encoded columns and returns a few quantiles of each number and the counts of each category, as plain data for
the record. Other modules use it, for example for the range of a slider or a typical row. ``suspects_in`` finds columns
of rows to predict that are probably not written as the training rows were: percentages that seem to be fractions, and
columns without values; ``strangers_in`` finds free text in other words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from backpass.network.column_scales import Columns
from backpass.table import Encoded, NumericFeature, Schema, Table, Target
from backpass.table.diagnosis.fractions import are_fractions
from backpass.table.feature import Feature, number_inputs
from backpass.table.messages import counted
from backpass.table.table import Column, NumericColumn
from backpass.table.unseen import Suspect

SHARES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
"""The quantiles that are stored: each is a value of the column, at that share of the sorted values."""
FEWEST_WORDS = 20
"""The fewest words of a free-text column that show that they are other words than those of the training rows."""
STRANGE_ROWS = 0.5
"""The share of rows of which the model knows hardly a word, from which a free-text column is suspect."""
FEWEST_MISSING = 2
"""The fewest rows without a value that are a column's; one row may lack a value."""


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


def misfit_of(profiles: Mapping[str, Profile], schema: Schema) -> bool:
    """Whether there are profiles and they do not match the schema's columns."""
    if not profiles:
        return False
    texts = {text.name: len(text.levels) for text in schema.texts}
    sizes = {name: len(each.counts) for name, each in profiles.items() if isinstance(each, CategoricalProfile)}
    lengths = {len(each.quantiles) for each in profiles.values() if isinstance(each, NumericProfile)}
    names = {*texts, *(number.name for number in schema.numbers)}
    return texts != sizes or not lengths <= {0, len(SHARES)} or profiles.keys() != names


def suspects_in(table: Table, schema: Schema, profiles: Mapping[str, Profile]) -> tuple[Suspect, ...]:
    """The columns of a table that are unlike those of the training rows.

    Args:
        table: The rows to predict.
        schema: The schema of the model.
        profiles: The profiles of the training rows; empty if the model file has none.
    """
    found = []
    for feature in schema.features:
        column, profile = table.columns.get(feature.name), profiles.get(_profile_name(feature))
        if column is None or profile is None:
            continue
        if len(column.missing) >= FEWEST_MISSING and column.missing.all():
            found += _without_values(column, profile)
        elif isinstance(feature, NumericFeature) and isinstance(profile, NumericProfile):
            found += _fractions(column, feature, profile)
    return tuple(found)


def strangers_in(schema: Schema, encoded: Encoded) -> tuple[Suspect, ...]:
    """The free-text columns of whose rows the model knows hardly a word in many, though it should know most words.

    Args:
        schema: The schema of the model.
        encoded: The rows to predict.
    """
    found = []
    for feature in schema.free_texts:
        words, expected = encoded.words.get(feature.name), feature.encoding.vocabulary.expected
        if words is None or words.held < FEWEST_WORDS or words.strange < STRANGE_ROWS * words.rows:
            continue
        what = (
            f"the model knows hardly a word in {words.strange:,} of {counted(words.rows, 'row')}, and "
            f"{100 * words.known_share:.0f} % of all words; of rows like the training rows, it would know "
            f"{100 * expected:.0f} %"
        )
        found.append(Suspect(feature.name, what, "is it the same column, in the same language?"))
    return tuple(found)


def _profile_name(feature: Feature) -> str:
    inputs = number_inputs(feature)
    return inputs[0].name if inputs else feature.name


def _without_values(column: Column, profile: Profile) -> list[Suspect]:
    known = sum(profile.counts) if isinstance(profile, CategoricalProfile) else len(profile.quantiles)
    if profile.missing or not known:
        return []
    what = "no value in {rows}; in the training rows, none was missing"
    hint = "it counts as missing in every prediction; check the column, or fit a model without it"
    return [Suspect(column.name, what, hint, len(column.missing))]


def _fractions(column: Column, feature: NumericFeature, profile: NumericProfile) -> list[Suspect]:
    """A column of percentages without percent signs whose values seem to be fractions, 0.123 for 12.3 %."""
    return _fractions_beside(column, feature, profile.quantiles, "those lay")


def fractions_of_target(target: Target, table: Table, predicted: NDArray[np.float64]) -> list[Suspect]:
    """A target of percentages without percent signs whose values seem to be fractions beside the predictions (n,)."""
    column = table.columns.get(target.name)
    if column is None or target.task != "regression" or not np.isfinite(predicted).all() or not len(predicted):
        return []
    return _fractions_beside(column, target, NumericProfile.of(predicted).quantiles, "the predictions lie")


def _fractions_beside(
    column: Column, feature: NumericFeature | Target, quantiles: Sequence[float], others: str
) -> list[Suspect]:
    reading = feature.reading
    unit = "%" if feature.is_percent else reading.unit if reading is not None and reading.is_percent else ""
    if not unit or not isinstance(column, NumericColumn):
        return []
    has_sign = column.is_percent or column.reading is not None
    if has_sign and not column.lacks_percent:
        return []
    factor = 100.0 if unit == "%" else 1000.0
    values = column.values[np.isfinite(column.values)]
    if not are_fractions(values, factor, quantiles, SHARES):
        return []
    low, high = float(values.min()), float(values.max())
    what = (
        f"no value has the {unit} of the training rows, and all lie between {low:.3g} and {high:.3g}, where {others} "
        f"between {quantiles[0]:.3g} and {quantiles[-1]:.3g}: fractions? They are read as {unit}"
    )
    example = float(values[np.argmax(np.abs(values))])
    right = f"{factor * example:.4g}"
    hint = (
        f"if they are fractions, multiply them by {factor:g}: {right} or {right}{unit} instead of {example:.4g}; "
        f"otherwise write the sign: {example:.4g}{unit}"
    )
    return [Suspect(column.name, what, hint)]

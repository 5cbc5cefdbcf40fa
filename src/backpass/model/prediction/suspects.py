"""Suspects: columns of new rows that are probably written differently from the training rows.

Percentages that seem to be fractions, numbers that seem to be in another unit, columns without values, and free text in
other words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.model.head.head import Head
from backpass.model.profile import SHARES, CategoricalProfile, NumericProfile, Profile
from backpass.numerics.elementary import median
from backpass.table import Encoded, NumericFeature, Schema, Table, Target
from backpass.table.diagnosis.fractions import are_fractions
from backpass.table.feature import Feature, number_inputs
from backpass.table.messages import counted, rounded
from backpass.table.table import Column, NumericColumn
from backpass.table.unseen import Suspect

FEWEST_WORDS = 20
"""Minimum number of words in a free-text column before unknown words make it suspect."""
UNFAMILIAR_ROWS = 0.5
"""Share of rows with almost no known word from which a free-text column is suspect."""
FEWEST_MISSING = 2
"""The fewest rows without a value that are a column's; one row may lack a value."""


def suspects_in(table: Table, schema: Schema, profiles: Mapping[str, Profile]) -> tuple[Suspect, ...]:
    """The columns of a table that look different from those of the training rows.

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
            found += _other_units(column, feature, profile)
            found += _bounds(column, feature, profiles)
    return tuple(found)


def unfamiliar_texts_in(schema: Schema, encoded: Encoded) -> tuple[Suspect, ...]:
    """The free-text columns with almost no known word in many rows, although most words should be known.

    Args:
        schema: The schema of the model.
        encoded: The rows to predict.
    """
    found = []
    for feature in schema.free_texts:
        words, expected = encoded.words.get(feature.name), feature.encoding.vocabulary.expected
        if words is None or words.held < FEWEST_WORDS or words.unfamiliar < UNFAMILIAR_ROWS * words.rows:
            continue
        what = (
            f"nearly all words are unknown in {words.unfamiliar:,} of {counted(words.rows, 'row')}; "
            f"{100 * words.known_share:.0f}% of all words are known, but {100 * expected:.0f}% in rows like the "
            "training rows"
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


def _bounds(column: Column, feature: NumericFeature, profiles: Mapping[str, Profile]) -> list[Suspect]:
    """Bounds in a direction that no training row had: <30 where all bounds were such as >90."""
    if not feature.marks_bounds or not isinstance(column, NumericColumn) or column.bounds is None:
        return []
    profile = profiles.get(number_inputs(feature)[1].name)
    known = set(profile.quantiles) if isinstance(profile, NumericProfile) else {-1.0, 1.0}
    found, held = list[Suspect](), int(np.count_nonzero(~column.missing))
    for sign, mark in ((-1, "<"), (1, ">")):
        rows = int(np.count_nonzero((column.bounds == sign) & ~column.missing))
        if rows and float(sign) not in known:
            what = f"bounds such as {mark}30 in {{rows}}; no training row had a bound in that direction"
            hint = "the network has learned nothing about them; train with such rows, or declare the bounds as missing"
            found.append(Suspect(column.name, what, hint, rows, rows / held))
    return found


def _fractions(column: Column, feature: NumericFeature, profile: NumericProfile) -> list[Suspect]:
    """A column of percentages without percent signs whose values seem to be fractions, 0.123 for 12.3%."""
    return _fractions_among(column, feature, profile.quantiles, "training values lie")


def _other_units(column: Column, feature: NumericFeature, profile: NumericProfile) -> list[Suspect]:
    """A column without units that seems to be in another unit than the training rows: 71 (inches) for 5'11" (feet)."""
    reading = feature.reading
    if reading is None or reading.is_percent or not isinstance(column, NumericColumn) or not column.lacks_unit:
        return []
    values = column.values[np.isfinite(column.values)]
    low, high = profile.quantiles[0], profile.quantiles[-1]
    if not len(values) or low <= (middle := median(values)) <= high:
        return []
    noun, usual = ("currency", reading.currency) if reading.is_amount else ("unit", "numbers without k, M or bn")
    unit = "seconds" if reading.is_duration else reading.unit or usual
    what = (
        f"no value has a {noun}, unlike the training rows; the median is {rounded(middle, 3)}, but training values lie "
        f"between {rounded(low, 3)} and {rounded(high, 3)}: is the {noun} different? The values are read as {unit}"
    )
    return [Suspect(column.name, what, f"write the {noun}, or convert the numbers to {unit}")]


def fractions_in_targets(head: Head, table: Table, o: NDArray[Any]) -> list[str]:
    """A warning on each target of percentages that the table seems to hold as fractions.

    Args:
        head: The targets.
        table: Rows with known targets.
        o: The outputs (n, k) for them.
    """
    predicted = head.predictions(o)
    if head.classes or not predicted.size:
        return []
    columns = predicted.reshape(len(predicted), -1).T
    pairs = zip(head.targets, columns, strict=False)
    return [each.warning for target, y in pairs for each in _fractions_of_target(target.target, table, y)]


def _fractions_of_target(target: Target, table: Table, predicted: NDArray[np.float64]) -> list[Suspect]:
    """A target of percentages without percent signs whose values seem to be fractions beside the predictions (n,)."""
    column = table.columns.get(target.name)
    if column is None or target.task != "regression" or not np.isfinite(predicted).all() or not len(predicted):
        return []
    return _fractions_among(column, target, NumericProfile.of(predicted).quantiles, "the predictions lie")


def _fractions_among(
    column: Column, feature: NumericFeature | Target, quantiles: Sequence[float], others: str
) -> list[Suspect]:
    reading = feature.reading
    unit = "%" if feature.is_percent else reading.unit if reading is not None and reading.is_percent else ""
    if not unit or not isinstance(column, NumericColumn):
        return []
    has_sign = column.is_percent or column.reading is not None
    if has_sign and not column.lacks_unit:
        return []
    factor = 100.0 if unit == "%" else 1000.0
    values = column.values[np.isfinite(column.values)]
    if not are_fractions(values, factor, quantiles, SHARES):
        return []
    low, high = float(values.min()), float(values.max())
    what = (
        f"no value has the {unit} of the training rows, and all lie between {rounded(low, 3)} and {rounded(high, 3)}, "
        f"but {others} between {rounded(quantiles[0], 3)} and {rounded(quantiles[-1], 3)}: are they fractions? "
        f"The values are read as {unit}"
    )
    example = float(values[np.argmax(np.abs(values))])
    right = rounded(factor * example)
    hint = (
        f"if they are fractions, multiply them by {factor:g}: {right} or {right}{unit} instead of {rounded(example)}; "
        f"otherwise write the sign: {rounded(example)}{unit}"
    )
    return [Suspect(column.name, what, hint)]

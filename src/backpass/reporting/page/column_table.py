"""Column table: the columns of a model as rows of the report's table."""

from __future__ import annotations

from collections.abc import Iterator
from math import exp
from typing import Any

import numpy as np

from backpass.errors import visible
from backpass.model.profile import SHARES, CategoricalProfile, NumericProfile
from backpass.reporting.numbers.columns import ModelColumn
from backpass.reporting.numbers.held_out import HeldOut
from backpass.reporting.numbers.names import label
from backpass.reporting.numbers.numerals import value_texts
from backpass.reporting.page.findings import Findings
from backpass.table import DatetimeFeature, Feature, TextFeature
from backpass.table.datetimes.date_components import microseconds_of
from backpass.table.datetimes.timestamp import timestamp_texts
from backpass.table.messages import counted


def column_rows(findings: Findings) -> Iterator[dict[str, Any]]:
    """Yield the rows of the column table: label, kind, share of missing values, typical values and warnings."""
    model, held = findings.model, findings.held
    kept = model.training_rows
    # With folds, the profiles describe fewer rows than those that train.
    train = model.record.rows.get("train", 0) if kept is None else kept.profiled
    columns = {column.name: column for column in findings.columns}
    for feature in model.schema.features:
        profile = columns[feature.name].profile
        share = profile.missing / train if profile is not None and train else 0.0
        yield {
            "name": label(feature.name),
            "label": visible(held.table.labels.get(feature.name, "")) if held is not None else "",
            "kind": feature.kind,
            "missing": "" if profile is None else f"{share:.1%}" if share else "none",
            "usual": _usual(profile, feature),
            "warnings": list(_warnings(profile, columns[feature.name], share, held)),
        }


def _usual(profile: NumericProfile | CategoricalProfile | None, feature: Feature) -> str:
    """Format the typical values of a column: 1% to 99% quantiles and median, or categories."""
    levels = getattr(feature, "levels", ())
    if isinstance(profile, NumericProfile):
        if not profile.quantiles:
            return ""
        low, middle, high = (profile.quantiles[SHARES.index(share)] for share in (0.01, 0.5, 0.99))
        if isinstance(feature, DatetimeFeature):
            first, median, last = timestamp_texts(
                microseconds_of(np.array([low, middle, high]), feature.kind), feature.kind
            )
            return f"{first} to {last}, median {median}"
        if isinstance(feature, TextFeature):
            low, middle, high = (round(exp(each) - 1.0) for each in (low, middle, high))
            return f"{low:,} to {high:,} words, median {middle:,}"
        first, median, last = value_texts([low, middle, high])
        return f"{first} to {last}, median {median}"
    if isinstance(profile, CategoricalProfile) and levels:
        code = profile.commonest
        name = label(levels[code - 1]) if code else "missing"
        return f"{counted(len(levels), 'category')}, most often {name}"
    return counted(len(levels), "category") if levels else ""


def _warnings(
    profile: NumericProfile | CategoricalProfile | None, column: ModelColumn, missing: float, held: HeldOut | None
) -> Iterator[str]:
    if missing > 0.5:
        yield "mostly missing"
    if held is None or not isinstance(profile, NumericProfile) or not profile.quantiles:
        return
    if isinstance(column.feature, TextFeature):
        return
    values = held.numbers[:, column.places[0]]
    outside = int(np.count_nonzero((values < profile.quantiles[0]) | (values > profile.quantiles[-1])))
    if outside:
        yield f"{outside:,} of these rows outside the training range"

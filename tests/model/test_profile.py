"""Profiles: quantiles that are values of the column, counts of levels, and their place in the model file."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import backpass
from backpass.errors import ModelFileError
from backpass.model import from_bytes
from backpass.model.profile import SHARES, CategoricalProfile, NumericProfile, profile_from_json


def test_quantiles_are_values_of_the_column() -> None:
    values = np.random.default_rng(0).normal(size=1001)
    profile = NumericProfile.of(values)
    np.testing.assert_array_equal(profile.quantiles, np.quantile(values, SHARES, method="nearest"))
    assert not profile.whole


@pytest.mark.parametrize(
    ("values", "missing", "quantiles", "whole"),
    [
        ([np.nan, np.nan], 2, (), False),
        ([1.0, np.nan, np.inf, 3.0], 1, (1.0,) * 5 + (3.0,) * 4, True),
        ([2.5], 0, (2.5,) * 9, False),
    ],
)
def test_gaps_and_infinities(values: list[float], missing: int, quantiles: tuple[float, ...], whole: bool) -> None:
    profile = NumericProfile.of(np.array(values))
    assert (profile.missing, profile.whole) == (missing, whole)
    assert len(profile.quantiles) == len(quantiles)
    assert set(profile.quantiles) == set(quantiles)


def test_the_commonest_level_may_be_the_missing_one() -> None:
    assert CategoricalProfile(1, (3, 5, 5)).commonest == 2
    assert CategoricalProfile(9, (3, 5)).commonest == 0


def test_a_model_file_keeps_profiles_of_the_training_rows(houses: dict[str, list[Any]], quick: dict[str, Any]) -> None:
    model = backpass.fit(houses, "price", **quick)
    again = from_bytes(model.to_bytes())
    assert again.record.columns == model.record.columns
    assert list(model.record.columns) == ["size", "age", "town", "heating"]
    town = model.record.columns["town"]
    assert isinstance(town, CategoricalProfile)
    assert town.missing + sum(town.counts) == model.record.rows["train"]
    for profile in model.record.columns.values():
        assert profile_from_json(profile.to_json()) == profile


def test_profiles_of_other_columns_are_a_contradiction(houses: dict[str, list[Any]], quick: dict[str, Any]) -> None:
    model = backpass.fit(houses, "price", **quick)
    columns = dict(model.record.columns)
    for wrong in (
        {"size": columns["size"]},
        {**columns, "town": columns["size"]},
        {**columns, "town": CategoricalProfile(0, (1,))},
        {**columns, "size": NumericProfile(0, (1.0,), False)},
    ):
        data = replace(model, record=replace(model.record, columns=wrong)).to_bytes()
        with pytest.raises(ModelFileError, match="the columns and their profiles differ"):
            from_bytes(data)
    assert (
        from_bytes(
            replace(model, training_rows=None, record=replace(model.record, columns={})).to_bytes()
        ).record.columns
        == {}
    )

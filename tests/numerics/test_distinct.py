"""Distinct values and membership agree with NumPy's."""

from __future__ import annotations

import numpy as np
import pytest

from backpass.numerics.distinct import are_among, distinct_values
from backpass.numerics.philox import integers

TYPES = ("int8", "uint8", "int32", "uint32", "int64", "uint64", "float64", "bool", "U3")


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize(("rows", "most"), [(0, 1), (1, 5), (200, 5), (200, 1_000_000)])
def test_distinct_values_are_those_of_numpy(name: str, rows: int, most: int) -> None:
    values = np.asarray(integers(0, 0, 1, rows, most)).astype(name)
    found, expected = distinct_values(values), np.unique(values)
    assert found.dtype == expected.dtype
    assert found.tolist() == expected.tolist()


def test_distinct_values_of_a_matrix_and_of_the_ends_of_a_type() -> None:
    values = np.array([[2**63 - 1, -(2**63)], [0, 2**63 - 1]])
    assert distinct_values(values).tolist() == [-(2**63), 0, 2**63 - 1]


def test_values_that_are_not_numbers_are_one_value() -> None:
    assert len(distinct_values(np.array([np.nan, 1.0, np.nan]))) == 2


@pytest.mark.parametrize("others", [0, 1, 7, 300])
@pytest.mark.parametrize("most", [10, 1_000_000])
def test_membership_is_that_of_numpy(others: int, most: int) -> None:
    values, among = np.asarray(integers(0, 0, 1, 500, most)), np.asarray(integers(0, 0, 2, others, most))
    assert are_among(values, among).tolist() == np.isin(values, among).tolist()
    assert are_among(values, among.tolist()).tolist() == np.isin(values, among).tolist()
    assert are_among(values[:0], among).tolist() == []

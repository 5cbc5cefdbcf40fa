"""Samples: the housing table is whole, unchanged, and what its page says."""

from __future__ import annotations

import csv
import hashlib
import io
from importlib.resources import files

import pytest

from backpass import datasets
from backpass.errors import UsageError

COLUMNS = [
    "median_income",
    "house_age",
    "average_rooms",
    "average_bedrooms",
    "population",
    "average_occupancy",
    "latitude",
    "longitude",
    "median_house_value",
]
DIGEST = "9e1e5d5da203e0da85a46087e723bb0bdfd613383fb2f72e6c2d6dd954faa04c"


@pytest.fixture(scope="module")
def housing() -> list[list[str]]:
    return list(csv.reader(io.StringIO(datasets.sample_bytes("housing").decode("ascii"))))


def test_every_bit_is_the_one_on_the_page() -> None:
    assert hashlib.sha256(datasets.sample_bytes("housing")).hexdigest() == DIGEST
    assert DIGEST in files(datasets).joinpath("housing.md").read_text("utf-8")


def test_columns_and_rows(housing: list[list[str]]) -> None:
    assert housing[0] == COLUMNS
    assert len(housing) == 1 + 20_640
    assert {len(row) for row in housing} == {len(COLUMNS)}


def test_the_page_names_every_column() -> None:
    page = files(datasets).joinpath("housing.md").read_text("utf-8")
    assert [name for name in COLUMNS if f"| `{name}` |" not in page] == []


def test_first_and_last_row(housing: list[list[str]]) -> None:
    first = [8.3252, 41, 6.984126984126984, 1.0238095238095235, 322, 2.555555555555556, 37.88, -122.23, 4.526]
    last = [2.3886, 16, 5.254716981132075, 1.1622641509433962, 1387, 2.616981132075472, 39.37, -121.24, 0.894]
    assert [float(cell) for cell in housing[1]] == first
    assert [float(cell) for cell in housing[-1]] == last


def test_the_target_is_capped(housing: list[list[str]]) -> None:
    target = [float(row[-1]) for row in housing[1:]]
    assert (min(target), max(target)) == (0.14999, 5.00001)
    assert target.count(5.00001) == 965


def test_numbers_are_the_shortest_that_read_back(housing: list[list[str]]) -> None:
    cells = {cell for row in housing[1:] for cell in row}
    assert [cell for cell in cells if repr(float(cell)).removesuffix(".0") != cell] == []


def test_each_sample_has_its_file_and_its_page() -> None:
    for name in datasets.SAMPLES:
        assert datasets.sample_bytes(name).endswith(b"\n")
        assert files(datasets).joinpath(f"{name}.md").is_file()


def test_an_unknown_name_offers_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        datasets.sample_bytes("hosing")
    assert str(caught.value) == "unknown sample 'hosing'\n\nhint: did you mean 'housing'?"

"""Patterns that read tables: no cell and no column takes a time that doubles with each further character."""

import importlib
import pkgutil
import re

import pytest

from backpass import table
from backpass.table.delimited.cells import VALUE, holds_values, is_unit, is_value
from backpass.table.notation.lazy_pattern import LazyPattern

REPEATED = (
    "-1\n", "1\n", "+ 1\n", "1,", "1.", "1'", " 1", "1 ", "\u00a01", "1 kg ", "1-", "1 to ", "(1", "± 1", "+-1", "1e1",
    "%", "USD ", "$1", "<", "=1", "cd ", "min ", "ft/", "m·", "mm", "deg C ", "h:", "01:", "2024-", "1/", "Jan ", "T",
    " ", "\t", '"', "\\", "[", "{", "()", "…", "*", "a", "A", "é", "١", "c. ", "approx. ", "a-", "a, ",
)  # fmt: skip


def patterns() -> dict[str, re.Pattern[str]]:
    found = {}
    for module in pkgutil.walk_packages(table.__path__, "backpass.table."):
        for name, value in vars(importlib.import_module(module.name)).items():
            pattern = value.compiled if isinstance(value, LazyPattern) else value
            if isinstance(pattern, re.Pattern) and isinstance(pattern.pattern, str):
                found[f"{module.name}.{name}"] = pattern
    return found


def test_patterns_are_found() -> None:
    found = patterns()
    assert len(found) > 50
    assert found["backpass.table.delimited.cells.VALUE"] is VALUE


@pytest.mark.timeout(60)
@pytest.mark.parametrize("repeated", REPEATED)
def test_a_text_that_fits_but_for_its_end_is_refused_at_once(repeated: str) -> None:
    for pattern in patterns().values():
        for end in ("\x01", "!", "\n"):
            pattern.fullmatch(repeated * 40 + end)
            pattern.match(repeated * 40 + end)


@pytest.mark.parametrize("cell", ["-1.5", "- 1.5", "(-1.5)", "EUR -1", "1"])
def test_a_column_of_values_and_others(cell: str) -> None:
    assert is_value(cell)
    assert holds_values([cell] * 5_000)
    assert holds_values([cell] * 4_000 + ["north"] * 1_000)
    assert not holds_values([cell] * 4_000 + ["north"] * 1_001)
    assert not holds_values(["EUR", cell])


def test_units_and_what_begins_like_them() -> None:
    assert is_unit("cd " * 40 + "cd")
    assert is_unit("min")
    assert is_unit("ft lbs")
    assert not is_unit("cd " * 40 + "!")
    assert not is_unit("min/ft " * 40 + "north")

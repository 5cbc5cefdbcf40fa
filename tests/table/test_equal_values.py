"""Equal values: which category a text stands for, over generated spellings of booleans and whole numbers."""

from itertools import product

import pytest

from backpass.table import Schema, table_from
from backpass.table.equal_values import equal_category
from backpass.table.unseen import FEW, NEARLY_ALL, Unseen

TRUE = ("true", "True", "TRUE", "1", "1.0", "1.", "1.000", "yes", "Yes", "T", "y")
FALSE = ("false", "False", "FALSE", "0", "0.0", "0.", "0.00", "no", "NO", "f", "N")
PAIRS = [("false", "true"), ("FALSE", "TRUE"), ("0", "1"), ("0.0", "1.0"), ("no", "yes"), ("N", "Y"), ("f", "t")]


@pytest.mark.parametrize(("false", "true"), PAIRS)
@pytest.mark.parametrize(("no", "yes"), [*zip(FALSE, TRUE, strict=True)])
def test_booleans_in_any_two_spellings_are_equal(false: str, true: str, no: str, yes: str) -> None:
    found = equal_category([no, yes], [false, true])
    assert [found.get(text, text) for text in (no, yes)] == [false, true]


@pytest.mark.parametrize(("number", "zeros"), [*product([0, 1, 7, 42, -3, 2**60 + 1], [".0", ".00", "."])])
def test_whole_numbers_with_and_without_a_fraction_are_equal(number: int, zeros: str) -> None:
    assert equal_category([f"{number}{zeros}"], [f"{number}", "x"]) == {f"{number}{zeros}": f"{number}"}
    assert equal_category([f"{number}"], [f"{number}{zeros}", "x"]) == {f"{number}": f"{number}{zeros}"}


@pytest.mark.parametrize(
    ("text", "categories"),
    [
        ("01", ["1", "2"]),  # a code
        ("1", ["01", "02"]),
        ("1.10", ["1.1", "1.2"]),  # a version
        ("9007199254740993.0", ["9007199254740992", "1"]),  # equal only as float64
        ("1e0", ["1", "2"]),
        ("true", ["1", "2"]),  # a scale, on which 1 is not "true"
        ("1", ["true", "false", "other"]),
        ("1", ["t", "u"]),
        ("2", ["false", "true"]),
        ("1.00", ["1", "1.0"]),  # two categories have this value
        ("A", ["a", "b"]),  # upper case may be another code
        ("", ["0", "1"]),
    ],
)
def test_what_may_differ_stays_unknown(text: str, categories: list[str]) -> None:
    assert equal_category([text], categories) == {}


def test_a_category_of_the_model_stays_itself() -> None:
    assert equal_category(["1", "1.0", "true"], ["1", "1.0", "true"]) == {}


def test_equal_values_are_encoded_and_said() -> None:
    schema = Schema.fit(table_from({"c": [True, False, True], "y": [1.5, 2.5, 4.0]}), "y")
    encoded = schema.encode(table_from({"c": [0, 1, 2]}, kinds=schema.kinds))
    assert encoded.codes[:, 0].tolist() == [1, 2, 0]
    assert encoded.notes == (
        "column 'c': '0' is the category 'false' of the model, '1' is the category 'true' of the model",
        "column 'c': 1 row (33%) with a category that the model does not know",
    )


@pytest.mark.parametrize(("rows", "is_many", "is_nearly_all"), [(1, False, False), (6, True, False), (90, True, True)])
def test_the_share_decides_what_is_said(rows: int, is_many: bool, is_nearly_all: bool) -> None:
    assert 0.01 < FEW < 0.06
    assert NEARLY_ALL <= 0.9
    unseen = Unseen("c", rows, 100, ("x",), ("a",))
    assert (unseen.is_many, unseen.is_nearly_all) == (is_many, is_nearly_all)
    assert ("%" in unseen.note) == is_many


def test_the_warning_names_values_and_categories() -> None:
    some = Unseen("c", 95, 100, ("x", "y"), ("a", "b"))
    assert some.warning == (
        "column 'c': the model knows only 5% of the values ('x', 'y'; 95 rows); it was fitted on 'a', 'b'"
    )
    upper = Unseen("c", 3, 3, ("A", "B"), ("a", "b"))
    assert upper.warning == (
        "column 'c': the model knows none of the values ('A', 'B'; 3 rows); it was fitted on 'a', 'b'; "
        "only upper and lower case differ"
    )

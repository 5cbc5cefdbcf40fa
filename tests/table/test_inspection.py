"""An inspection: what each column is said to be, what is found odd, each rule also where it must stay silent."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backpass.errors import DataError
from backpass.table import Schema, read_table, table_from
from backpass.table.diagnosis.inspection import ColumnReport, Inspection, inspect_table

Write = Callable[..., Path]
ROWS = 60
RNG = np.random.default_rng(0)
NOISE = RNG.normal(size=ROWS)
CLASSES = ["cat" if value > 0 else "dog" for value in NOISE]


def inspected(target: str | None = None, **columns: Any) -> Inspection:
    return inspect_table(table_from(columns), target)


def column(found: Inspection, name: str) -> ColumnReport:
    return next(each for each in found.columns if each.name == name)


def codes(found: Inspection, name: str) -> list[str]:
    return [each.code for each in column(found, name).findings]


def test_facts_of_each_kind() -> None:
    found = inspected(
        size=[1.0, None, 4.0, 2.0],
        town=["b", "a", None, "b"],
        sold=["2024-01-02", "2024-01-01", None, "2024-03-01"],
        at=["10:00", "11:00", "12:00", "13:30"],
    )
    size, town, sold, at = found.columns
    assert (size.kind, size.missing, size.distinct, size.range) == ("numeric", 1, 3, (1.0, 4.0))
    assert size.quartiles == (1.5, 2.0, 3.0)
    assert (town.kind, town.missing, town.distinct, town.commonest) == ("categorical", 1, 2, (("b", 2), ("a", 1)))
    assert (sold.kind, sold.range) == ("date", ("2024-01-01", "2024-03-01"))
    assert (at.kind, at.range) == ("time", ("10:00:00", "13:30:00"))
    assert [each.fitting for each in found.columns] == [
        "scaled, median and flag where missing",
        "one-hot, 2 categories, 1 for missing",
        "days, month, day of month, day of week, day of year, flag where missing",
        "hours, minute",
    ]
    assert (found.rows, found.target, found.task, found.notes) == (4, None, None, ())


def test_columns_that_are_left_out() -> None:
    found = inspected(
        one=[1] * ROWS, none=[None] * ROWS, key=[f"k{i}" for i in range(ROWS)], counter=list(range(7, ROWS + 7))
    )
    assert [each.fitting for each in found.columns] == [
        "left out: constant",
        "left out: only missing values",
        "left out: identifier",
        "scaled",
    ]
    assert [codes(found, each.name) for each in found.columns] == [["constant"], ["empty"], ["identifier"], ["counter"]]


def test_outliers_name_the_farthest_row() -> None:
    values = [*NOISE[:-1], 1000.0]
    found = inspected(x=values, calm=NOISE)
    (finding,) = column(found, "x").findings
    assert finding.text == "1 row more than 3 IQRs beyond the quartiles; the most extreme is 1000 in row 60"
    assert codes(found, "calm") == []


def test_mixed_columns_name_rows() -> None:
    found = inspected(x=[*["1", "2", "soon", "later"] * 4], y=["a"] * 15 + ["7"])
    (mixed, *_) = column(found, "x").findings
    assert mixed.code == "mixed"
    assert mixed.text == "8 numbers and 8 other values; other values in rows 3, 4, 7, 8, 11, ... (8 in all)"
    assert "mixed" not in codes(found, "y")


def test_dates_written_in_another_way() -> None:
    found = inspected(d=["31.12.2024", "1/2/2024", None] * 5, version=["1.2", "1.3", "1.4"] * 5)
    (finding,) = column(found, "d").findings
    assert finding.code == "dates_as_text"
    assert "values such as '1/2/2024' are dates in an unknown order of day and month: set --date-order" in finding.text
    assert codes(found, "version") == []


@pytest.mark.parametrize(
    "text", ["31 Dec 2024", "31-DEC-24", "December 31st, 2024", "Dec 2024", "Tue, 31 Dec 2024 23:59:59"]
)
def test_dates_with_the_name_of_a_month_are_dates_unless_detection_is_off(text: str) -> None:
    data = {"d": [text, None, "1 May 2024"] * 10, "town": ["May 5", "Marc 2024", "June"] * 10}
    found = inspect_table(table_from(data))
    assert (column(found, "d").kind, column(found, "town").kind) == ("date", "categorical")
    found = inspect_table(table_from(data, detect_dates=False))
    (finding,) = column(found, "d").findings
    assert finding.code == "dates_as_text"
    assert finding.text.endswith("look like dates; write them as 2024-12-31")
    assert codes(found, "town") == []


def test_texts_that_start_with_numbers_are_no_identifier() -> None:
    units = ["kg", "g", "lb", "oz", "st", "t", "mg"]
    found = inspected(codes=[f"{n} {units[n % 7]}" for n in range(40)], names=[f"a{n}" for n in range(40)])
    (finding,) = column(found, "codes").findings
    assert finding.code == "numbers_as_text"
    assert finding.text == "its values start with numbers in an unknown notation"
    assert column(found, "codes").fitting == "left out: numbers in an unknown notation"
    assert codes(found, "names") == ["identifier"]


def test_the_notation_of_a_column_is_shown() -> None:
    found = inspected(weight=["5 kg", "12.5 kg", "7 kg"] * 10, plain=["5", "12.5", "7"] * 10)
    assert column(found, "weight").notation == "unit kg"
    assert column(found, "plain").notation == ""


@pytest.mark.parametrize("comma", [".", ","])
def test_mixed_columns_are_found_with_either_decimal_sign(comma: str) -> None:
    numbers = [f"{n}{comma}25" for n in range(30)]
    texts = ["much", "little"] * 5
    found = inspected(x=[*numbers, *texts])
    assert [each.text for each in column(found, "x").findings if each.code == "mixed"] == [
        "30 numbers and 10 other values; other values in rows 31, 32, 33, 34, 35, ... (10 in all)"
    ]


def test_rare_texts_and_missing_values() -> None:
    found = inspected(t=["a"] * 30 + ["b"] * 26 + ["c"] * 4, gap=[None] * 31 + [1.0, 2.0] * 14 + [3.0])
    assert column(found, "t").findings[0].text == "1 rare category (fewer than 5 rows): 'c'"
    assert codes(found, "gap") == ["mostly_missing"]
    assert codes(inspected(t=["a"] * 30 + ["b"] * 30), "t") == []


def test_whole_numbers_stored_as_strings() -> None:
    """A string type of digits keeps codes; 40 of them may be quantities. Codes of postal districts have zeros."""
    numbers = [str(j * 7 % 40) for j in range(200)]
    found = inspected(
        sizes=numbers, zips=[f"{int(text):05}" for text in numbers], few=[str(j % 5) for j in range(200)], y=range(200)
    )
    question = "whole numbers stored as strings are categories: if they are quantities, store them as numbers"
    texts = {name: [each.text for each in column(found, name).findings] for name in ("sizes", "zips", "few")}
    assert question in texts["sizes"]
    assert not any(question in each for name in ("zips", "few") for each in texts[name])
    chosen = inspect_table(table_from({"sizes": numbers, "y": range(200)}, categorical=["sizes"]))
    assert not any("stored as strings" in each.text for each in chosen.columns[0].findings)


def test_names_of_groups_that_stand_in_the_first_row_only() -> None:
    """A report names each group once: 4 of 5 rows have no town."""
    towns, draw = ["north", "south", "west", "north", "east", "south"], np.random.default_rng(1)
    grouped = [town if row == 0 else None for town in towns for row in range(5)]
    by_chance = [towns[draw.integers(6)] if draw.random() < 0.4 else None for _ in grouped]
    found = inspected(grouped=grouped, chance=["north", *by_chance[1:]], late=[None, *grouped[:-1]])
    question = "24 of 30 rows are missing; does each value also count for the rows below it? fill them in"
    assert column(found, "grouped").findings[0].text == question
    assert "count for" not in column(found, "chance").findings[0].text
    assert "count for" not in column(found, "late").findings[0].text


class TestBesideTheTarget:
    def test_copies(self) -> None:
        found = inspected("y", y=NOISE, same=NOISE.copy(), other=NOISE[::-1])
        assert [codes(found, name) for name in ("y", "same", "other")] == [[], ["copy_of_target"], []]
        assert codes(inspected("y", y=CLASSES, same=list(CLASSES)), "same") == ["copy_of_target"]

    def test_the_target_in_other_units(self) -> None:
        found = inspected("y", y=NOISE, cents=3e300 - NOISE * 1e300, near=NOISE + 1e-2 * RNG.normal(size=ROWS))
        assert codes(found, "cents") == ["leak"]
        assert codes(found, "near") == []

    def test_a_range_for_each_class(self) -> None:
        swapped = np.where(np.arange(ROWS) == 5, -NOISE, NOISE)
        found = inspected("y", y=CLASSES, x=NOISE, swapped=swapped, x_gap=[None, *NOISE[1:]])
        assert [codes(found, name) for name in ("x", "swapped", "x_gap")] == [["leak"], [], ["leak"]]
        tied = np.where(np.abs(NOISE) < 0.5, 0.0, NOISE)  # both classes at 0
        assert codes(inspected("y", y=CLASSES, x=tied), "x") == []

    def test_texts_that_give_the_target_away(self) -> None:
        town = np.array(["north", "south", "west"])[np.arange(ROWS) % 3]
        number = {"north": 1.0, "south": 5.0, "west": 2.0}
        y = np.array([number[each] for each in town])
        found = inspected("y", y=y, town=town.tolist(), other=[*town[1:].tolist(), town[1]])
        assert codes(found, "town") == ["leak"]
        assert codes(inspected("y", y=[*y[:-1], 9.0], town=town.tolist()), "town") == []
        few = [f"t{i // 2}" for i in range(ROWS)]  # two rows a text: no rule
        assert "leak" not in codes(inspected("y", y=[i // 2 for i in range(ROWS)], t=few), "t")

    def test_few_rows_are_no_rule(self) -> None:
        assert codes(inspected("y", y=[1.0, 2.0, 4.0], x=[2.0, 4.0, 8.0]), "x") == []

    def test_classes_with_few_rows(self) -> None:
        found = inspected("y", y=["a"] * 57 + ["b"] * 3, x=NOISE)
        assert [each.text for each in found.findings] == ["a rare class of target 'y' in 60 rows: 'b' 3"]
        assert inspected("y", y=["a"] * 30 + ["b"] * 30, x=NOISE).findings == ()

    def test_a_target_that_cannot_be_one(self) -> None:
        found = inspected("y", y=[None, None, None], x=[1, 2, 3])
        assert column(found, "y").findings[0].text == "target 'y': 3 of 3 values missing (rows 1, 2, 3)"
        assert found.stops_fitting
        with pytest.raises(DataError, match="column 'why' not found"):
            inspected("why", y=[1, 2], x=[1, 2])


def test_rows_without_a_target_are_left_out_and_said() -> None:
    found = inspected("y", y=[1.0, None, 2.5, 4.0], x=[1.0, 2.0, 2.5, 4.0])
    assert found.notes == ("target 'y': 1 of 4 rows has no value and is left out (row 2)",)
    assert not found.stops_fitting
    assert (found.rows, found.task) == (4, "regression")
    assert codes(found, "x") == ["copy_of_target"]  # in the rows that have a target


def test_rows_that_are_there_twice() -> None:
    table = {"x": [1.0, -0.0, 1.0, 0.0, None, None], "t": ["a", "b", "a", "b", "c", None], "d": ["2024-01-01"] * 6}
    assert [each.text for each in inspected(**table).findings] == ["2 duplicate rows"]
    assert inspected(x=[1, 2]).findings == ()


def test_faulty_columns_are_told_and_not_refused(write: Write) -> None:
    path = write("x,y,z\n" + "1,1,2024-01-01\n" * 18 + "n/k,1e999,2024-02-30\n2,3,2024-01-02\n")
    with pytest.raises(DataError, match="3 errors"):
        read_table(path)
    table = read_table(path, tolerant=True)
    found = inspect_table(table)
    assert column(found, "x").findings[0].text == "column 'x': 19 numbers, 1 other value ('n/k' row 19)"
    assert [each.findings[0].code for each in found.columns] == ["faulty"] * 3
    assert [each.kind for each in found.columns] == ["categorical"] * 3
    assert found.stops_fitting


def test_the_table_of_a_tolerant_reading_is_the_same_where_nothing_is_wrong(write: Write) -> None:
    path = write("x,t\n1,a\n,b\n")
    assert read_table(path, tolerant=True) == read_table(path)
    assert read_table(path, tolerant=True).doubts == {}


@pytest.mark.parametrize("scale", [1e-300, 1e-305, 1e-310, 3e-323])
def test_numbers_too_close_to_scale_are_told(scale: float) -> None:
    values = np.random.default_rng(0).normal(size=60) * scale
    table = table_from({"x": values, "z": values / scale, "y": values / scale + 1})
    (report, *_) = inspect_table(table, "y").columns
    is_tiny = scale < 1e-300
    assert ("tiny_range" in [each.code for each in report.findings]) == is_tiny
    assert (report.fitting == "left out: constant") == is_tiny
    schema = Schema.fit(table, "y")
    assert any("differ by less than 1e-300" in note for note in schema.notes) == is_tiny
    gaps = Schema.fit(table_from({"x": [*values[1:], None], "y": values}), "y") if is_tiny else schema
    assert next(feature.name for feature in gaps.features) == "x"

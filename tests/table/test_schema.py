"""Schema: which columns are chosen, what is noted, and how tables are encoded when predicting."""

import json

import numpy as np
import pytest

from backpass.errors import DataError
from backpass.table import CategoricalFeature, NumericFeature, Schema, table_from
from backpass.table.unseen import Unseen

BASE = {"x": [1.0, 2.0, None, 4.0], "c": ["b", "a", None, "b"], "y": [1, 2, 3, 4]}


def test_fit_and_encode() -> None:
    table = table_from(BASE)
    schema = Schema.fit(table, "y")
    assert schema.features == (NumericFeature("x"), CategoricalFeature("c", ("a", "b")))
    assert schema.kinds == {"x": "numeric", "c": "categorical"}
    encoded = schema.encode(table)
    assert np.array_equal(encoded.numbers, [[1], [2], [np.nan], [4]], equal_nan=True)
    assert encoded.codes.tolist() == [[2], [1], [0], [2]]
    assert encoded.numbers.dtype == np.float64
    assert encoded.codes.dtype == np.int32
    assert encoded.unseen == ()
    assert encoded.notes == ()


def test_only_levels_of_the_training_rows() -> None:
    table = table_from({"c": ["z", "a", "m", "a"], "x": [1, 2, 3, 4], "y": [1, 2, 3, 4]})
    schema = Schema.fit(table.take([1, 2, 3]), "y")
    assert schema.texts == (CategoricalFeature("c", ("a", "m")),)
    encoded = schema.encode(table)
    assert encoded.codes[:, 0].tolist() == [0, 1, 2, 1]
    assert encoded.unseen == (Unseen("c", 1, 4, ("z",), ("a", "m")),)
    assert encoded.notes == ("column 'c': 1 row (25%) with a category that the model does not know",)
    assert encoded.warnings == ()


def test_columns_are_matched_by_name() -> None:
    schema = Schema.fit(table_from(BASE), "y")
    other = table_from({"extra": [1], "c": ["a"], "x": [3.0]})
    encoded = schema.encode(other)
    assert encoded.numbers.tolist() == [[3.0]]
    assert encoded.codes.tolist() == [[1]]
    assert encoded.notes == ("1 column not in the model, ignored: 'extra'",)
    demanded = table_from({"extra": [1], "c": ["a"], "x": [3.0]}, kinds=schema.kinds)
    assert schema.encode(demanded).notes == encoded.notes


def test_missing_columns_come_together() -> None:
    schema = Schema.fit(table_from({"rooms": [1, 2], "area": [3, 5], "y": [1, 2]}), "y")
    with pytest.raises(DataError) as caught:
        schema.encode(table_from({"room": [1], "b": [2]}, kinds=schema.kinds))
    assert caught.value.details == (
        "column 'rooms' is in the model but not in the table (did you mean 'room'?)",
        "column 'area' is in the model but not in the table (known names: 'room', 'b')",
    )


def test_the_names_of_the_table_are_listed_once() -> None:
    schema = Schema.fit(table_from({"rooms": [1, 2], "area": [3, 5], "age": [4, 2], "y": [1, 2]}), "y")
    with pytest.raises(DataError) as caught:
        schema.encode(table_from({"room": [1], "b": [2]}, kinds=schema.kinds))
    assert caught.value.details == (
        "column 'rooms' is in the model but not in the table (did you mean 'room'?)",
        "column 'area' is in the model but not in the table (known names: 'room', 'b')",
        "column 'age' is in the model but not in the table",
    )


def test_other_kinds_are_a_fault_unless_empty() -> None:
    schema = Schema.fit(table_from(BASE), "y")
    with pytest.raises(DataError, match="column 'c' holds numbers, but the model was fitted on categories"):
        schema.encode(table_from({"x": [1], "c": [2]}))
    encoded = schema.encode(table_from({"x": [None], "c": [None]}))
    assert np.isnan(encoded.numbers).all()
    assert encoded.codes.tolist() == [[0]]


@pytest.mark.parametrize(
    ("column", "note"),
    [
        ([7] * 30, "column 'c' is constant: left out"),
        (["a"] * 30, "column 'c' is constant: left out"),
        ([None] * 30, "column 'c' has only missing values: left out"),
        (
            [f"id{j}" for j in range(30)],
            "column 'c' looks like an identifier (30 different values in 30 rows): left out",
        ),
    ],
)
def test_columns_left_out(column: list[object], note: str) -> None:
    schema = Schema.fit(table_from({"c": column, "x": range(30), "y": [*range(29), 1]}), "y")
    assert schema.features == (NumericFeature("x"),)
    assert schema.left_out == ("c",)
    assert schema.notes == (note,)


def test_a_single_level_beside_gaps_says_something() -> None:
    assert len(Schema.fit(table_from({"c": ["a", None], "x": [1, None], "y": [1, 2]}), "y").features) == 2


def test_texts_that_start_with_numbers_are_left_out_for_that_reason() -> None:
    codes = [f"{n}{'ABCDEFG'[n % 7]}" for n in range(30)]
    schema = Schema.fit(table_from({"code": codes, "x": range(30), "y": [*range(29), 1]}), "y")
    assert schema.notes == (
        "column 'code' holds values that start with numbers, such as '0A', in an unknown notation "
        "(30 different values in 30 rows): left out; if they are numbers, write them as numbers (12.5)",
    )


@pytest.mark.parametrize("text", ["{}/{}", "{}x{}", "{} × {} × 3 cm", "({}.5, -{}.25)", "{};{}"])
def test_several_numbers_in_a_cell_are_said(text: str) -> None:
    cells = [text.format(100 + n, 60 + n % 7) for n in range(30)]
    schema = Schema.fit(table_from({"c": cells, "x": range(30), "y": [*range(29), 1]}), "y")
    assert schema.notes == (
        f"column 'c' holds several numbers in each cell, such as '{cells[0]}' "
        "(30 different values in 30 rows): left out; give each number a column of its own",
    )
    kept = Schema.fit(table_from({"c": cells * 9, "x": range(270), "y": [*range(269), 1]}), "y")
    assert kept.notes == (
        f"column 'c' holds several numbers in each cell, such as '{cells[0]}': kept as 30 categories; "
        "give each number a column of its own",
    )


def test_an_identifier_asked_for_is_kept() -> None:
    table = table_from({"c": [f"id{j}" for j in range(30)], "x": range(30), "y": [1, 2] * 15})
    assert [feature.name for feature in Schema.fit(table, "y", columns=["c"]).features] == ["c"]


def test_most_frequent_levels_are_kept() -> None:
    texts = [f"t{j:03}" for j in range(300)] * 2 + ["t299", "t298"]
    schema = Schema.fit(table_from({"c": texts, "y": range(602)}), "y")
    (feature,) = schema.texts
    assert len(feature.levels) == 255
    assert feature.levels == (*[f"t{j:03}" for j in range(253)], "t298", "t299")
    assert schema.notes == ("column 'c': the 255 most frequent categories are kept, 45 others count as unknown",)


def test_copies_are_noted() -> None:
    data = {"a": [1, 2, None], "b": [1, 2, None], "y2": [1, 2, 4], "y": [1.0, 2.0, 4.0]}
    schema = Schema.fit(table_from(data), "y")
    assert len(schema.features) == 3
    assert schema.notes == (
        "columns 'a' and 'b' are equal",
        "column 'y2' equals the target 'y': is it known when you predict?",
    )


def test_names_that_are_not_there_come_together() -> None:
    with pytest.raises(DataError) as caught:
        Schema.fit(table_from(BASE), "yy", drop=["xx"], columns=["c"])
    assert caught.value.details == (
        "column 'yy' not found (did you mean 'y'?)",
        "column 'xx' not found (did you mean 'x'?)",
    )


def test_drop_and_columns() -> None:
    table = table_from(BASE)
    assert Schema.fit(table, "y", drop=["x"]).kinds == {"c": "categorical"}
    assert Schema.fit(table, "y", columns=["x"]).kinds == {"x": "numeric"}


def test_nothing_left() -> None:
    with pytest.raises(DataError) as caught:
        Schema.fit(table_from({"c": [1, 1], "y": [1, 2]}), "y")
    assert str(caught.value) == ("data frame: no columns are left to learn from\n  - column 'c' is constant: left out")


def test_json_round_trip() -> None:
    schema = Schema.fit(table_from({**BASE, "k": [1, 1, 1, 1], "é": ["u", "v", "u", None]}), "y")
    assert Schema.from_json(json.loads(json.dumps(schema.to_json()))) == schema


def test_all_columns_may_be_asked_for() -> None:
    """Constants, gaps and texts that look like identifiers: whoever passes them has chosen them."""
    rows = 30
    table = table_from({"one": [1.0] * rows, "gap": [None] * rows, "id": [f"row {i:02}" for i in range(rows)]})
    schema = Schema.of_all(table, "y")
    assert [(f.name, f.kind) for f in schema.features] == [
        ("one", "numeric"),
        ("gap", "numeric"),
        ("id", "categorical"),
    ]
    assert schema.target == "y"
    assert len(schema.texts[0].levels) == rows
    assert schema.encode(table).codes[:, 0].tolist() == list(range(1, rows + 1))


def test_embeddings_keep_every_level_of_enough_rows() -> None:
    often, seldom = [f"o{j:03}" for j in range(300)] * 5, [f"s{j:03}" for j in range(40)] * 4
    table = table_from({"c": [*often, *seldom], "y": range(1660)})
    schema = Schema.fit(table, "y", embeds=True)
    (feature,) = schema.texts
    assert feature.levels == tuple(f"o{j:03}" for j in range(300))
    note = "column 'c': the 300 most frequent categories are kept, 40 others of fewer than 5 rows count as unknown"
    assert schema.notes == (note,)
    assert Schema.of_all(table, "y", embeds=True).texts[0].levels == feature.levels
    codes = schema.encode(table).codes[:, 0]
    assert (codes[1500:] == 0).all()
    assert (codes[:1500] > 0).all()


def test_embeddings_of_rare_levels_keep_the_most_frequent_255() -> None:
    texts = [f"t{j:03}" for j in range(300)] * 2 + ["t299", "t298"]
    table = table_from({"c": texts, "y": range(602)})
    one_hot, embedded = (Schema.fit(table, "y", embeds=embeds) for embeds in (False, True))
    assert embedded.texts == one_hot.texts


def test_a_long_matrix_is_that_of_its_columns() -> None:
    random = np.random.default_rng(0)
    columns = {name: random.normal(size=5_000) for name in ("a", "b")}
    table = table_from({**columns, "y": columns["a"]})
    numbers = Schema.fit(table, "y").number_columns(table)
    both = np.column_stack([*columns.values()])
    index = random.permutation(5_000)
    assert (numbers[:] == both).all()
    assert (numbers[2_000:4_500] == both[2_000:4_500]).all()
    assert (numbers.take(index)[100:4_900] == both[index[100:4_900]]).all()
    assert numbers[5_000:].shape == (0, 2)

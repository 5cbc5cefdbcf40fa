"""Target: the task it finds, its codes, and what cannot be learned from."""

import json
import math
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from backpass.errors import DataError, UsageError
from backpass.table import NumericColumn, Table, Target, read_table, table_from


def fitted(values: list[Any], task: str | None = None) -> Target:
    return Target.fit(table_from({"y": values, "x": [1] * len(values)}), "y", task)


def message(values: list[Any], task: str | None = None) -> str:
    with pytest.raises(DataError) as caught:
        fitted(values, task)
    return caught.value.message.removeprefix("data frame: ")


@pytest.mark.parametrize(
    ("values", "asked", "task", "classes", "kind"),
    [
        (["b", "a", "b"], None, "binary", ("a", "b"), "categorical"),
        (["b", "a", "c"], None, "multiclass", ("a", "b", "c"), "categorical"),
        ([True, False], None, "binary", ("false", "true"), "categorical"),
        ([0, 1, 0], None, "binary", ("0", "1"), "numeric"),
        ([-1.0, 1.0], None, "binary", ("-1", "1"), "numeric"),
        ([0.5, 1.5], None, "binary", ("0.5", "1.5"), "numeric"),
        ([10, 9, 2], "classification", "multiclass", ("2", "9", "10"), "numeric"),
        ([0.5, 1.5, 2.5], None, "regression", (), "numeric"),
        ([0, 1], "regression", "regression", (), "numeric"),
    ],
)
def test_tasks(values: list[Any], asked: str | None, task: str, classes: tuple[str, ...], kind: str) -> None:
    target = fitted(values, asked)
    assert (target.task, target.classes, target.class_kind) == (task, classes, kind)
    assert Target.from_json(json.loads(json.dumps(target.to_json()))) == target


def test_codes() -> None:
    table = table_from({"y": [10, 9, 2, 10]})
    y = Target.fit(table, "y", "classification").encode(table)
    assert y.tolist() == [2, 1, 0, 2]
    assert y.dtype == np.int32
    table = table_from({"y": ["u", "v", "u"]})
    assert Target.fit(table, "y").encode(table).tolist() == [0, 1, 0]


def test_numbers() -> None:
    table = table_from({"y": [0.5, 1.5, -2]})
    y = Target.fit(table, "y").encode(table)
    assert y.tolist() == [0.5, 1.5, -2]
    assert y.dtype == np.float64


def test_notes() -> None:
    assert fitted([1, 2, 3]).notes == (
        "target 'y' holds 3 different whole numbers: treated as regression; --task classification makes them classes",
    )
    assert fitted([0.5, 1, 2]).notes == ()
    assert fitted(list(range(21))).notes == ()
    assert fitted([1.5, 1.5]).notes == ("target 'y' is constant 1.5",)


def test_faults() -> None:
    assert message([1.5, None, 2, None]) == "target 'y': 2 of 4 values missing (rows 2, 4)"
    assert message(["a", None, "b"]) == "target 'y': 1 of 3 values missing (row 2)"
    assert message([None, None]) == "target 'y': 2 of 2 values missing (rows 1, 2)"
    assert message([None] * 9) == "target 'y': 9 of 9 values missing (rows 1, 2, 3, 4, 5, ... (9 in all))"
    assert message(["a", "a"]) == "target 'y' has only one class, 'a' (2 rows)"
    assert message([3, 3], "classification") == "target 'y' has only one class, '3' (2 rows)"
    assert message(["a", "b"], "regression") == "target 'y' contains strings, but regression needs numbers"
    expected = "target 'y' holds numbers such as 0.5, which are not classes"
    assert message([0.5, 1, 2], "classification") == expected


def test_faults_come_together() -> None:
    with pytest.raises(DataError) as caught:
        fitted(["a", None], "regression")
    assert len(caught.value.details) == 3  # missing, texts, one class


def test_absent() -> None:
    with pytest.raises(DataError, match=r"target column 'pirce' not found \(did you mean 'price'\?\)"):
        Target.fit(table_from({"price": [1]}), "pirce")


def test_tasks_to_ask_for() -> None:
    with pytest.raises(UsageError, match="task must be 'regression' or 'classification'; got 'binary'"):
        fitted([1, 2], "binary")


def test_texts_of_which_nearly_every_row_has_its_own() -> None:
    texts = [f"apple {n}" for n in range(40)]
    with pytest.raises(DataError) as caught:
        fitted(texts)
    assert "target 'y': 40 different values, such as 'apple 0', in 40 rows: nearly every row has its own value" in str(
        caught.value
    )
    assert len(Target.fit(table_from({"y": texts}), "y", "classification").classes) == 40


def test_rows_without_a_target_are_left_out_by_the_query_that_the_hint_names(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('a,"it""s y"\n1,2.5\n2,\n3,4\n4,5\n')
    with pytest.raises(DataError) as caught:
        Target.fit(read_table(path), 'it"s y')
    assert caught.value.hint is not None
    words = shlex.split(caught.value.hint)
    table = read_table(path, query=words[words.index("--query") + 1])
    assert Target.fit(table, 'it"s y').encode(table).tolist() == [2.5, 4.0, 5.0]


def test_infinite() -> None:
    column = NumericColumn("y", np.array([1.0, math.inf, 3.0]))
    with pytest.raises(DataError, match="target 'y': inf in row 2"):
        Target.fit(Table("t", {"y": column}, np.arange(1, 4)), "y")


def test_rows_are_those_of_the_file() -> None:
    table = table_from({"y": [1.5, 2.5, 4, None]}).take([3, 0])
    with pytest.raises(DataError, match=r"\(row 4\)"):
        Target.fit(table, "y")


def test_encoding_another_table() -> None:
    target = fitted(["a", "b"])
    with pytest.raises(DataError) as caught:
        target.encode(table_from({"y": ["a", "c", None, "d", "c"]}))
    assert caught.value.details == (
        "target 'y': 1 of 5 values missing (row 3)",
        "class 'c' of target 'y' is not known to the model (rows 2, 5)",
        "class 'd' of target 'y' is not known to the model (row 4)",
    )
    with pytest.raises(DataError, match="target 'y' holds numbers, but the model was fitted on categories"):
        target.encode(table_from({"y": [1.0]}))
    with pytest.raises(DataError) as caught:
        target.encode(table_from({"y": [f"other {i}" for i in range(300)]}))
    assert len(caught.value.details) == 6
    assert caught.value.details[-1] == "295 more values of target 'y' are not known to the model"
    assert fitted([0, 1]).encode(table_from({"y": [1.0, 0.0]})).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("values", "is_said"), [(["0.5", "1.5", "2"], True), (["1", "2", "3"], False), (["a", "1.5", "2"], False)]
)
def test_fractions_that_are_declared_as_categories_are_said(values: list[str], is_said: bool) -> None:
    target = Target.fit(table_from(pd.DataFrame({"y": pd.Categorical(values * 8), "x": range(24)})), "y")
    assert target.task == "multiclass"
    assert bool(target.notes) == is_said
    assert all("3 different numbers as categories, such as '0.5': treated as classes" in note for note in target.notes)

"""Text formats beside CSV: ARFF, svmlight and fields of fixed width."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import dump_svmlight_file

from backpass.errors import DataError
from backpass.table import read_table
from sample_tables import numbers, texts

Write = Callable[..., Path]
HEAD = """\
% of Weka
@RELATION 'a name'

@attribute x numeric
@ATTRIBUTE 'the class' {p, 'q r', "it's"}
@attribute y REAL
@attribute note string
@attribute day date "yyyy-MM-dd"
@data
"""


def fault(path: Path, **settings: Any) -> str:
    with pytest.raises(DataError) as caught:
        read_table(path, **settings)
    return str(caught.value)


def test_arff(write: Write) -> None:
    rows = "1,p,2.5,'a, b',2024-01-31\n% between\n?,'q r',?,?,?\n\n3\t\"it's\"\t1e3\t'don\\'t'\t2024-02-29, {2}\n"
    table = read_table(write(HEAD + rows, "t.arff"))
    np.testing.assert_array_equal(numbers(table, "x"), [1, np.nan, 3])
    np.testing.assert_array_equal(numbers(table, "y"), [2.5, np.nan, 1000])
    assert texts(table, "the class") == ["p", "q r", "it's"]
    assert texts(table, "note") == ["a, b", None, "don't"]
    assert table.column("day").kind == "date"


def test_sparse_arff(write: Write) -> None:
    head = "@relation r\n@attribute x numeric\n@attribute c {a,b}\n@attribute s string\n@data\n"
    table = read_table(write(head + "{0 2.5, 1 b}\n{}\n{ 1 a , 2 'u v' }\n", "t.arff"))
    assert numbers(table, "x") == [2.5, 0, 0]
    assert texts(table, "c") == ["b", "a", "a"]
    assert texts(table, "s") == [None, None, "u v"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (HEAD, "has columns but no rows"),
        (HEAD + "1,p\n", "line 10 has 2 fields, the header declares 5"),
        (HEAD + "one,p,1,a,2024-01-31\n", "column 'x' is declared numeric and holds 'one' (row 1)"),
        (HEAD + "{9 1}\n", "line 10: expected INDEX VALUE; got '9 1'"),
        ("@relation r\n@attribute x relational\n@data\n1\n", "line 2: expected @attribute NAME TYPE"),
        ("@relation r\n@attribute x numeric\n1\n", "has no line @data"),
    ],
)
def test_arff_files_that_cannot_be_read(write: Write, content: str, words: str) -> None:
    assert words in fault(write(content, "t.arff"))


def test_the_rows_of_an_arff_file_can_be_read_as_text(write: Write) -> None:
    path = write("@relation r\n@attribute x numeric\n@attribute y numeric\n@data\n1,2\n3,4\n", "t.arff")
    assert read_table(path, skip=4, names=["x", "y"]) == read_table(path)


@pytest.mark.parametrize("zero_based", [True, False])
def test_svmlight_as_scikit_learn_writes_it(tmp_path: Path, zero_based: bool) -> None:
    rng = np.random.default_rng(1)
    X = sparse.csr_matrix(np.round(rng.normal(size=(20, 6)) * (rng.random((20, 6)) < 0.4), 6))
    y = rng.integers(0, 2, 20).astype(float)
    dump_svmlight_file(X, y, str(tmp_path / "t.svm"), zero_based=zero_based, query_id=np.arange(20) // 5)
    table = read_table(tmp_path / "t.svm")
    assert numbers(table, "target") == y.tolist()
    assert numbers(table, "qid") == (np.arange(20) // 5).tolist()
    dense = X.toarray()
    for j in range(6):
        assert numbers(table, f"x{j if zero_based else j + 1}") == dense[:, j].tolist()


def test_svmlight_rows_that_lack_a_column_of_the_model(write: Write) -> None:
    path = write("0 1:0.5 # why\n# comment\n\n1 2:-3e-2\n", "t.svm")
    table = read_table(path, kinds={"x1": "numeric", "x7": "numeric"})
    assert (numbers(table, "x1"), numbers(table, "x7")) == ([0.5, 0], [0, 0])
    several = read_table(write("1,2 1:1\n3,4 1:2\n", "m.svm"))
    assert several.names == ("target1", "target2", "x1")
    assert "line 21: expected a target and pairs COLUMN:VALUE; got '1 x'" in fault(write("0 1:1\n" * 20 + "1 x\n"))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("keys", [["geo"], ["freq", "unit", "geo"], ["freq", "unit", "sex", "age", "geo"]])
def test_the_joined_keys_of_eurostat_are_columns(write: Write, keys: list[str], end: str) -> None:
    """Values have flags (12.5 p), gaps are colons with or without one, names of years end in a space."""
    places = ["AT", "BE", "CZ", "DE", "EE"] * 6
    cells = [f"{j}.5 " if j % 3 else f"{j}.5 p" if j % 2 else ": c" if j % 4 else ": " for j in range(len(places))]
    rows = [
        f"{','.join([*['A'] * (len(keys) - 1), place])}\t{cell}\t{j} "
        for j, (place, cell) in enumerate(zip(places, cells, strict=True))
    ]
    path = write(end.join([f"{','.join(keys)}\\TIME_PERIOD\t2020 \t2021 ", *rows, ""]), "t.tsv")
    table = read_table(path)
    assert table.names == (*keys, "2020", "2021")
    assert texts(table, "geo") == places
    expected = [float(cell.split()[0]) if cell[0] != ":" else np.nan for cell in cells]
    np.testing.assert_array_equal(numbers(table, "2020"), expected)
    note = f"the first column is split into {', '.join(map(repr, keys))}, as its name says"
    assert table.notes[0] == note
    if len(keys) > 1:
        path.write_text(path.read_text() + "A\t5\t6\n")
        assert f"line 32 has 3 fields, the header has {len(keys) + 2} fields" in fault(path)
    plain = write("a,geo\\x,2020\nb,c,5\nd,e,6\n")  # no tab behind the name
    assert read_table(plain).names == ("a", "geo\\x", "2020")


def test_fields_of_fixed_width(write: Write) -> None:
    rows = [("name", "price", "day"), ("ada", "1.5", "2024-01-31"), ("bo, b", "2", "2024-02-29")]
    path = write("\n".join([*(f"{a:<7}{b:>5} {c:<10}" for a, b, c in rows), "", ""]), "t.txt")
    expected = read_table(write('name,price,day\nada,1.5,2024-01-31\n"bo, b",2,2024-02-29\n'))
    assert read_table(path, widths=[7, 5, 11]) == expected
    headless = write("ada    1.5\nböb    2  \n", "h.txt")
    table = read_table(headless, widths=(6, 5), names=["who", "x"])
    assert (texts(table, "who"), numbers(table, "x")) == (["ada", "böb"], [1.5, 2])
    assert "line 1 has 23 characters, the widths add up to 10: 'ce day' is left over" in fault(path, widths=[7, 3])
    old = write("näme  x \nada   1 \nbob   2 \n".encode("latin-1"), "l.txt")
    assert read_table(old, widths=[6, 2], encoding="latin-1").names == ("näme", "x")

"""Tables that cannot be used, and tables that can although they look odd: at fit and at predict."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

NUMBERS = "".join(f"{i},{i % 7},{2 * i + 1}\n" for i in range(40))
GOOD = f"a,b,y\n{NUMBERS}"
FIT = ("-t", "y", "--hidden", "4", "--epochs", "2")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["is empty (0 bytes)"]),
        (b"\n\n", ["has blank lines only"]),
        (b"a,b,y\n", ["has a header but no data rows"]),
        (GOOD + "1,2\n7,8,9\n1,2,3,4\n", ["2 lines do not have the 3 fields of the header: line 42 (2), line 44 (4)"]),
        ("a,a,y\n1,2,3\n", ["the header has the name 'a' at positions 1, 2"]),
        ("a,,y\n1,2,3\n", ["the header has no name at position 2"]),
        ("a,y\n1,\n2,\n", ["target 'y': 2 of 2 values missing (rows 1, 2)"]),
        (
            "a,y\n" + "".join(f"{n},{n}.5\n" for n in range(30)) + "1,sold\n" * 10,
            ["'y': 30 numbers and 10 other values: 'sold' (rows 31, 32, 33", "--missing sold", "--task classification"],
        ),
        (
            "a,y\n" + "".join(f"{n},c{n // 2}\n" for n in range(300)),
            ["would have 150 classes", "--task classification"],
        ),
        (GOOD.replace("y", "why", 1), ["column 'y' not found", "known names: 'a', 'b', 'why'"]),
        ("a,y\n" + "".join(f"{n},t{n}\n" for n in range(30)), ["target 'y'", "30 different values", "--task"]),
        ("a,y\n" + "1,cat\n2,cat\n" * 20, ["target 'y'", "'cat'"]),
        (GOOD + "inf,1,2\n", ["column 'a'", "row 41"]),
        (GOOD + "1e999,1,2\n", ["column 'a'", "row 41"]),
        ("y\n1\n2\n", ["no columns are left to learn from"]),
        ("a,y\n1,1\n1,2\n1,3\n", ["no columns are left to learn from", "column 'a' is constant: left out"]),
        ('a,y\n"1,2\n3,4\n', ["a quote opened on line 2 is never closed"]),
        (b"a,y\n1,\xff\n", ["line 2 is not UTF-8", "--encoding latin-1"]),
        (b"a,y\n1,\x00\n", ["line 2 has a NUL byte"]),
        (b"\x89PNG\r\n\x1a\n....", ["is a PNG picture, not a table"]),
        (b"PAR1 and no more", ["t.csv"]),
        (b"\x1f\x8b and no more", ["is a damaged gzip file"]),
    ],
)
def test_tables_that_cannot_be_fitted(call: Run, tmp_path: Path, content: str | bytes, words: list[str]) -> None:
    (tmp_path / "t.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    failed = call("fit", "t.csv", *FIT)
    assert (failed.code, failed.out) == (3, ""), failed.err
    assert failed.err.startswith("error: t.csv")
    for word in words:
        assert word in failed.err, failed.err
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--drop", "bb"], "column 'bb' not found"),
        (["--categorical", "A"], "column 'A' not found"),
        (["--columns", "a,bb"], "column 'bb' not found"),
        (["--wire", "unit=a,bb"], "unit 'unit' is wired to 'bb', which is not among the columns to learn from"),
    ],
)
def test_names_that_are_not_there(call: Run, tmp_path: Path, options: list[str], words: str) -> None:
    (tmp_path / "t.csv").write_text(GOOD)
    failed = call("fit", "t.csv", *FIT, *options)
    assert failed.code == 3
    assert words in failed.err
    assert "known names" in failed.err or "did you mean" in failed.err


def test_paths_that_are_no_tables(call: Run, tmp_path: Path) -> None:
    (tmp_path / "houses.csv").write_text(GOOD)
    missing = call("fit", "house.csv", *FIT)
    assert missing.code == 3
    assert missing.err == "error: house.csv: there is no such file\nhint: did you mean 'houses.csv'?\n"
    folder = call("fit", ".", *FIT, "-o", "m.backpass")
    assert folder.code == 3
    assert "is a folder, not a file" in folder.err


@pytest.mark.parametrize(
    ("content", "options", "notes"),
    [
        ("a,b,y\n1,x,3\n", [], "only 1 row: it is used for training"),
        ("a,b,y\n1,x,3\n", [], "there is only one training row: the network can only learn its target"),
        ("a,b,y\n1,2,3\n2,2,3\n", [], "only 2 rows: all of them are used for training"),
        ("a,y\n" + "".join(f"{i},5\n" for i in range(30)), [], ""),
        (GOOD, ["--batch-size", "1000"], "--batch-size 1000 is more than the"),
        ("a,b,y\n" + "".join(f"{i},,{i}\n" for i in range(30)), [], "column 'b' has only missing values: left out"),
        (GOOD.replace(",", ";"), [], "delimiter ';' detected"),
        (GOOD, ["--missing", "4"], "numeric (missing values in a, b)"),
        ("a,y\n" + "".join(f"id{i},{i}\n" for i in range(30)), ["--columns", "a"], ""),
        ("\ufeff" + GOOD, [], ""),
        ("a,y\r\n" + "".join(f"{i},{i}\r\n" for i in range(30)), ["--sampling", "full"], ""),
    ],
)
def test_odd_tables_that_can_be_fitted(call: Run, tmp_path: Path, content: str, options: list[str], notes: str) -> None:
    (tmp_path / "t.csv").write_text(content, newline="")
    fitted = call("fit", "t.csv", *FIT, *options)
    assert fitted.code == 0, fitted.err
    assert notes in fitted.err
    assert call("show", "t.backpass").code == 0


# At predict


@pytest.fixture
def fitted(call: Run, tmp_path: Path, home: Path) -> Callable[[str], Any]:
    """Predict with the model of numbers (size, age, colour -> price) on a table of this text."""

    def predict(text: str, *options: str) -> Any:
        (tmp_path / "new.csv").write_text(text)
        return call("predict", home / "numbers.backpass", "new.csv", *options)

    return predict


def test_the_order_of_columns_does_not_matter(fitted: Run) -> None:
    one = fitted("size,age,colour\n1,2,red\n")
    other = fitted("colour,size,age\nred,1,2\n")
    assert one.out == other.out
    assert (other.code, other.err) == (0, "")


def test_other_columns_are_ignored_with_a_note(fitted: Run) -> None:
    done = fitted("size,age,colour,street\n1,2,red,Elm\n")
    assert done.code == 0
    assert done.err == "note        1 column not in the model, ignored: 'street'\n"


def test_unseen_texts_are_counted(fitted: Run) -> None:
    done = fitted("size,age,colour\n1,2,mauve\n1,2,red\n1,2,teal\n")
    assert done.code == 0
    assert done.out.count("\n") == 4
    assert done.err == "note        column 'colour': 2 rows (67%) with a category that the model does not know\n"


def test_missing_and_misspelt_columns_are_all_named(fitted: Run) -> None:
    failed = fitted("size,colr\n1,red\n")
    assert (failed.code, failed.out) == (3, "")
    assert "column 'age' is in the model but not in the table" in failed.err
    assert "column 'colour' is in the model but not in the table (did you mean 'colr'?)" in failed.err


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("size,age,colour\n1,old,red\n", "'old'"),
        ("size,age,colour\ninf,2,red\n", "column 'size'"),
        ("size,age,colour\n", "has a header but no data rows"),
        ("size,age,colour\n1,2\n", "line 2 has 2 fields, the header has 3 fields"),
    ],
)
def test_tables_that_cannot_be_predicted(fitted: Run, text: str, word: str) -> None:
    failed = fitted(text)
    assert (failed.code, failed.out) == (3, "")
    assert word in failed.err


def test_kept_columns_have_to_be_there(fitted: Run) -> None:
    failed = fitted("size,age,colour\n1,2,red\n", "--keep", "sise")
    assert failed.code == 3
    assert "column 'sise' not found (did you mean 'size'?)" in failed.err


def test_evaluate_needs_the_target(call: Run, home: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("size,age,colour\n1,2,red\n")
    failed = call("evaluate", home / "numbers.backpass", "new.csv")
    assert (failed.code, failed.out) == (3, "")
    assert "'price'" in failed.err
    (tmp_path / "new.csv").write_text("size,age,colour,pet\n1,2,red,cow\n")
    failed = call("evaluate", home / "pets.backpass", "new.csv")
    assert failed.code == 3
    assert "class 'cow' of target 'pet' is not known to the model" in failed.err
    assert "known classes: 'cat', 'dog'" in failed.err


def dated(form: str = "{d}/{m}/2024", sign: str = "%", most: int = 28) -> str:
    """Dates, percentages and a target that follows from them; days up to ``most``."""
    rows = [(i * 5 % most + 1, i % 12 + 1, i % 17) for i in range(60)]
    return "\n".join(["day,rate,y", *(f"{form.format(d=d, m=m)},{r}{sign},{d + r}" for d, m, r in rows), ""])


@pytest.mark.parametrize("option", ["--validation-file", "--test-file"])
def test_the_training_file_decides_how_others_are_read(call: Run, tmp_path: Path, option: str) -> None:
    """1/2/2024 alone may be January or February; the same rows written without doubt give the same model."""
    (tmp_path / "t.csv").write_text(dated())
    models = set()
    for text in (dated(most=12), dated(most=12, sign=""), dated("2024-{m:0>2}-{d:0>2}", most=12)):
        (tmp_path / "other.csv").write_text(text)
        done = call("fit", "t.csv", *FIT, option, "other.csv", "-o", "m.backpass")
        assert done.code == 0, done.err
        models.add((tmp_path / "m.backpass").read_bytes())
    assert len(models) == 1
    (tmp_path / "other.csv").write_text(dated("{m}/{d}/2024"))
    failed = call("fit", "t.csv", *FIT, option, "other.csv", "-o", "m.backpass")
    assert failed.code == 3
    assert "error: other.csv: column 'day'" in failed.err
    (tmp_path / "t.csv").write_text(dated(sign=""))
    (tmp_path / "other.csv").write_text(dated())
    failed = call("fit", "t.csv", *FIT, option, "other.csv", "-o", "m.backpass")
    assert failed.code == 3
    assert "error: other.csv: column 'rate': 0 numbers, 60 other values ('0%' rows 1, 18" in failed.err


def test_control_characters_never_reach_the_terminal(call: Run, tmp_path: Path) -> None:
    name = "a\x1b[31m\x07\u202e"
    (tmp_path / "t.csv").write_text(f"{name},b,y\n" + "".join(f"{i},x\x1b{i % 2},{i}\n" for i in range(40)))
    said = [call("fit", "t.csv", *FIT), call("show", "t.backpass"), call("fit", "t.csv", "-t", "\x1b[2J")]
    (tmp_path / "new.csv").write_text("c\x1b\n1\n")
    said.append(call("predict", "t.backpass", "new.csv"))
    assert [each.code for each in said] == [0, 0, 3, 3]
    for each in said:
        assert not {"\x1b", "\x07", "\u202e"} & set(each.out + each.err)
    assert "\\x1b" in said[1].out

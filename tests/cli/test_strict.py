"""``--strict``: values that the model does not know are an error; without it they are a note or a warning."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
NONE = "column 'colour': the model knows none of the values ('mauve', 'teal'; 3 rows); it was fitted on"


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., str]:
    """Write a table of these colours that the model of numbers (size, age, colour -> price) can predict."""

    def write(*colours: str) -> str:
        rows = [f"{i},{i + 1},{colour},{i}\n" for i, colour in enumerate(colours)]
        (tmp_path / "new.csv").write_text("size,age,colour,price\n" + "".join(rows))
        return "new.csv"

    return write


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_a_column_of_unknown_values_warns(call: Run, home: Path, table: Callable[..., str], command: str) -> None:
    new = table("mauve", "teal", "mauve")
    done = call(command, home / "numbers.backpass", new)
    assert done.code == 0
    assert " ".join(done.err.split()).count(NONE) == 1
    assert "warning" in call(command, home / "numbers.backpass", new, "--quiet").err
    document = call(command, home / "numbers.backpass", new, "--json").json
    assert document["warnings"][0].startswith(NONE)
    assert not any("colour" in note for note in document["notes"])


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_strict_makes_it_an_error(call: Run, home: Path, table: Callable[..., str], command: str) -> None:
    done = call(command, home / "numbers.backpass", table("mauve", "teal", "mauve"), "--strict")
    assert (done.code, done.out) == (3, "")
    said = " ".join(done.err.split())
    assert f"new.csv: {NONE}" in said
    assert "--strict allows 5% of a column" in said


@pytest.mark.parametrize("command", ["predict", "evaluate"])
@pytest.mark.parametrize(("known", "code"), [(99, 0), (9, 3)])
def test_strict_allows_a_few(
    call: Run, home: Path, table: Callable[..., str], command: str, known: int, code: int
) -> None:
    done = call(command, home / "numbers.backpass", table("mauve", *["red"] * known), "--strict")
    assert done.code == code
    assert ("10%" in done.err) == (code == 3)


def test_strict_writes_no_output(call: Run, home: Path, table: Callable[..., str], tmp_path: Path) -> None:
    done = call("predict", home / "numbers.backpass", table("mauve"), "--strict", "-o", "out.csv")
    assert done.code == 3
    assert not (tmp_path / "out.csv").exists()


def test_keep_spaces_keeps_categories_apart(call: Run, tmp_path: Path) -> None:
    rows = [f"{i},{'a  b' if i % 3 else 'a b'},{i % 7}\n" for i in range(40)]
    (tmp_path / "t.csv").write_text("x,c,y\n" + "".join(rows))
    options = ("-t", "y", "--hidden", "4", "--epochs", "1", "--columns", "x,c", "-o", "m.backpass", "--json")
    kept = call("fit", "t.csv", *options, "--keep-spaces")
    assert kept.code == 0
    assert "differ only in spaces;" not in kept.err
    merged = call("fit", "t.csv", *options)
    assert merged.code == 0
    assert any("'a  b' (26 rows) counts as 'a b'" in note for note in merged.json["notes"])
    assert "column 'c' is constant" in " ".join(merged.json["notes"])


def test_merge_case_makes_one_class_of_spellings(call: Run, tmp_path: Path) -> None:
    rows = [f"{i},{('yes', 'NO', 'YES', 'no')[i % 4]}\n" for i in range(40)]
    (tmp_path / "t.csv").write_text("x,c\n" + "".join(rows))
    options = ("-t", "c", "--hidden", "4", "--epochs", "1", "-o", "m.backpass", "--json")
    apart, merged = call("fit", "t.csv", *options), call("fit", "t.csv", *options, "--merge-case")
    assert (apart.code, merged.code) == (0, 0)
    assert any("if they mean the same: --merge-case" in note for note in apart.json["notes"])
    assert any("differ only in upper and lower case" in note for note in merged.json["notes"])
    assert "accuracy" in call("evaluate", "m.backpass", "t.csv", "--json").out


def test_compare_warns_too(call: Run, home: Path, table: Callable[..., str]) -> None:
    models, new = [home / "numbers.backpass"] * 2, table("mauve", "teal", "mauve")
    done = call("compare", *models, new)
    assert done.code == 0
    assert " ".join(done.err.split()).count(NONE) == 1
    assert len(call("compare", *models, new, "--json").json["warnings"]) == 1
    assert call("compare", *models, new, "--strict").code == 3


@pytest.mark.parametrize("command", ["predict", "evaluate", "features", "compare"])
def test_fractions_for_percentages_and_an_empty_column(call: Run, tmp_path: Path, command: str) -> None:
    rates = [round(1.0 + 0.7 * (13 * j % 83), 1) for j in range(60)]
    for name, rows in (
        ("t.csv", [f"{rate}%,{j % 9},{rate + j % 9}" for j, rate in enumerate(rates)]),
        ("new.csv", [f"{rate / 100:.4f},,{rate}" for rate in rates]),
    ):
        (tmp_path / name).write_text("\n".join(["rate,size,price", *rows, ""]))
    assert call("fit", "t.csv", "-t", "price", "--hidden", "4", "--epochs", "1", "-o", "m.backpass").code == 0
    run = (command, *["m.backpass"] * (1 + (command == "compare")), "new.csv")
    for said, code in ((call(*run), 0), (call(*run, "--strict"), 3)):
        assert said.code == code
        err = " ".join(said.err.split())
        assert err.count("column 'rate': no value has the % of the training rows") == 1
        assert err.count("column 'size': no value in 60 rows; in the training rows, none was missing") == 1
        assert "multiply them by 100" in err

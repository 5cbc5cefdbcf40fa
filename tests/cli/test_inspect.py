"""``inspect``: its lines, its JSON, terminals, and tables that cannot be read."""

from __future__ import annotations

import os
import pty
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

TABLE = "size,town,sold,key,price\n" + "".join(
    f"{i % 7},{('north', 'south')[i % 2]},2024-01-{i % 28 + 1:02},k{i},{3 * (i % 7) + 1}\n" for i in range(40)
)


def test_lines(call: Run) -> None:
    Path("t.csv").write_text(TABLE)
    done = call("inspect", "t.csv", "--target", "price")
    assert (done.code, done.out.splitlines()) == (
        0,
        [
            "t.csv: 40 rows x 5 columns, target price (regression)",
            "",
            "column   kind          missing   distinct   values                     target   used as",
            "size     numeric                        7   0 to 6, median 3             1.00   robust scaling, "
            "periodic embedding, quantiles",
            "town     categorical                    2   'north' 20, 'south' 20       0.00   one-hot, 2 categories",
            "sold     date                          28   2024-01-01 to 2024-01-28     0.26   days, day of month, "
            "day of week, day of year",
            "key      categorical                   40   'k0' 1, 'k1' 1, 'k10' 1             left out: identifier",
            "price    numeric                        7   1 to 19, median 10                  target",
            "",
            "findings    column 'size': it is a linear function of the target 'price': possible leakage",
            "            column 'key': nearly every row has a different value: an identifier?",
            "notes       target 'price' holds 7 different whole numbers: treated as regression; "
            "--task classification makes them classes",
        ],
    )
    assert done.err == "next        backpass fit t.csv --target price\n"


def test_nothing_odd_and_no_target(call: Run) -> None:
    Path("t.csv").write_text("a,b\n1,2\n3,5\n")
    done = call("inspect", "t.csv")
    assert done.out.splitlines()[-1] == "findings    none"
    assert done.err == ""


def test_json(call: Run) -> None:
    Path("t.csv").write_text(TABLE)
    found = call("inspect", "t.csv", "-t", "price", "--json").json
    assert {
        "backpass",
        "format",
        "command",
        "rows",
        "target",
        "task",
        "columns",
        "findings",
        "notes",
        "classes",
    } == set(found)
    names = {
        "name",
        "kind",
        "missing",
        "distinct",
        "range",
        "quartiles",
        "commonest",
        "fitting",
        "findings",
        "notation",
        "label",
        "histogram",
        "association",
    }
    assert all(set(column) == names for column in found["columns"])
    assert found["columns"][0]["quartiles"] == [1.0, 3.0, 4.25]
    (finding,) = found["columns"][3]["findings"]
    assert finding == {"code": "identifier", "text": "nearly every row has a different value: an identifier?"}


def test_faulty_columns_are_shown_beside_the_others(call: Run) -> None:
    Path("t.csv").write_text("a,b\n" + "1,2\n" * 20 + "x,3\n")
    done = call("inspect", "t.csv", "-t", "b")
    assert done.code == 0
    assert "column 'a': column 'a'" not in done.out
    assert "column 'a': 20 numbers, 1 other value ('x' row 21)" in done.out
    assert "next" not in done.err


def test_what_cannot_be_read_at_all(call: Run) -> None:
    Path("t.csv").write_text("a,b\n1\n")
    assert call("inspect", "t.csv").code == 3
    Path("u.csv").write_text("a,b\n1,2\n")
    failed = call("inspect", "u.csv", "-t", "c")
    assert (failed.code, failed.err) == (3, "error: u.csv: column 'c' not found (known names: 'a', 'b')\n")


def test_a_terminal(tmp_path: Path) -> None:
    """A column list cut for 80 columns, its head bold; names with escapes stay harmless."""
    (tmp_path / "t.csv").write_text(TABLE.replace("town", "to\x1b[31mwn [bold]", 1))
    screen, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "backpass", "inspect", "t.csv"],
        cwd=tmp_path,
        stdout=terminal,
        stderr=subprocess.PIPE,
        env={**os.environ, "COLUMNS": "80", "TERM": "xterm", "NO_COLOR": ""},
    ) as process:
        os.close(terminal)
        shown = b""
        while True:
            try:
                piece = os.read(screen, 65_536)
            except OSError:  # the end of a pseudo-terminal on Linux
                break
            if not piece:
                break
            shown += piece
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait() == 0
    os.close(screen)
    assert b"\x1b[1m" in shown
    assert b"\x1b[31m" not in shown
    assert b"to\\x1b[31mwn [bold]" in shown
    listed = re.sub(rb"\x1b\[[0-9;]*m", b"", shown).decode().partition("findings  ")[0].splitlines()
    assert max(map(len, listed)) <= 80


def test_shares_of_classes_and_the_coding_of_a_preset(call: Run) -> None:
    rows = "".join(f"{n % 7},t{n % 12},{'yes' if n % 10 == 0 else 'no'}\n" for n in range(60))
    Path("t.csv").write_text("size,town,left\n" + rows)
    lines = call("inspect", "t.csv", "-t", "left").out.splitlines()
    assert lines[1] == "classes     'no' 90%, 'yes' 10%"
    assert lines[5].endswith("embedding, 12 categories")
    plain = call("inspect", "t.csv", "-t", "left", "--preset", "plain")
    assert plain.out.splitlines()[4].endswith("   scaled")
    assert plain.out.splitlines()[5].endswith("one-hot, 12 categories")
    assert "fit t.csv --target left --preset plain" in plain.err
    assert call("inspect", "t.csv", "--preset", "nosuch").code == 2


@pytest.mark.parametrize("words", [("--target", "a,b"), ("-t", "a", "-t", "b")])
def test_several_targets_are_examined_one_after_the_other(call: Run, words: tuple[str, ...]) -> None:
    rows = "".join(f"{i % 7},{i % 7 * 2 + 1},{i % 11},{(i * i) % 13}\n" for i in range(60))
    Path("two.csv").write_text("a,b,x,z\n" + rows)
    done = call("inspect", "two.csv", *words)
    assert done.code == 0
    for name, other in (("a", "b"), ("b", "a")):
        alone = call("inspect", "two.csv", "--target", name)
        assert "linear function" in alone.out, "by itself, a target is a column like any other"
        part = next(each for each in done.out.split("two.csv: ")[1:] if f"target {name} " in each.splitlines()[0])
        assert part.startswith("60 rows x 3 columns")
        assert "linear function" not in part
        assert not re.search(rf"^{other} ", part, re.M)
    assert shlex.join(words) == done.err.split("two.csv ")[1].strip().replace("--target a --target b", "-t a -t b")
    found = call("inspect", "two.csv", *words, "--json").json["targets"]
    assert [each["target"] for each in found] == ["a", "b"]
    assert [[column["name"] for column in each["columns"]] for each in found] == [["a", "x", "z"], ["b", "x", "z"]]


def test_the_next_command_reads_the_columns_as_inspect_did(call: Run) -> None:
    rows = "".join(f"{i % 7},{'no' if i % 3 else 'yes'},{i % 4},{i}\n" for i in range(60))
    Path("two.csv").write_text("a,b,x,z\n" + rows)
    done = call("inspect", "two.csv", "-t", "a", "--categorical", "x,z")
    assert done.err == "next        backpass fit two.csv --target a --categorical x,z\n"
    done = call("inspect", "two.csv", "-t", "a,b")
    assert done.code == 0
    assert "warning: fit rejects these targets: several targets must all be numeric" in done.err
    assert "next" not in done.err


def test_a_target_with_a_comma_is_one_column_and_a_repeated_one_is_refused(call: Run) -> None:
    Path("comma.csv").write_text('"a,b",x\n' + "".join(f"{i % 7},{i}\n" for i in range(40)))
    done = call("inspect", "comma.csv", "-t", "a,b", "--json")
    assert done.json["target"] == "a,b"
    Path("plain.csv").write_text("a,b,x\n" + "".join(f"{i % 7},{i % 3},{i}\n" for i in range(40)))
    failed = call("inspect", "plain.csv", "-t", "a,a")
    assert failed.code == 2
    assert "'a'" in failed.err
    missing = call("inspect", "plain.csv", "-t", "a,c")
    assert missing.code == 3
    assert "'c'" in missing.err


def test_the_next_command_splits_as_the_findings_say(call: Run) -> None:
    patients = [(f"P{i}", (7 * i) % 11 + j / 10) for i in range(40) for j in range(4)]
    cells = "".join(f"{name},{k % 3},{y}\n" for k, (name, y) in enumerate(patients))
    Path("visits.csv").write_text("patient_id,x,y\n" + cells)
    done = call("inspect", "visits.csv", "-t", "y")
    assert done.err == "next        backpass fit visits.csv --target y --group patient_id\n"
    both = "".join(f"2024-{i // 28 + 1:02d}-{i % 28 + 1:02d},P{i // 4},{abs(i - 80)}\n" for i in range(160))
    Path("both.csv").write_text("day,patient_id,y\n" + both)
    done = call("inspect", "both.csv", "-t", "y")
    assert "--time day" in done.out
    assert "--group patient_id" in done.out
    assert "next        backpass fit both.csv --target y\n" in done.err


@pytest.mark.parametrize("gap", ["", "-", "#N/A"])
def test_a_target_with_gaps_is_fitted_without_them(call: Run, gap: str) -> None:
    rows = "".join(f"{i % 7},{gap if i % 5 == 0 else i % 9 + 0.5}\n" for i in range(60))
    Path("t.csv").write_text("x,y\n" + rows)
    done = call("inspect", "t.csv", "-t", "y")
    assert done.code == 0
    assert "error" not in done.err
    assert "next        backpass fit t.csv --target y" in done.err
    assert "12 of 60 rows have no value" in done.out

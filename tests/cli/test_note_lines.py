"""Notes are grouped on the terminal: at most ten lines; --verbose and --json have all of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backpass.cli.note_lines import FEW, note_lines


def test_notes_that_differ_in_names_and_numbers_share_a_line() -> None:
    notes = [f"column 'c{j}' has {j} values" for j in range(30)] + ["done", "column 'it\\'s' has 4 values"]
    assert note_lines(notes) == ["column 'c0' has 0 values (and 30 more notes like this)", "done"]
    assert note_lines(notes, verbose=True) == notes
    assert note_lines(notes[:FEW]) == notes[:FEW]


@pytest.mark.parametrize("kinds", [1, 3, 10, 11, 26])
def test_every_note_is_printed_or_counted(kinds: int) -> None:
    notes = [f"{chr(97 + i)} of '{j}'" for i in range(kinds) for j in range(i + 1)]
    lines = note_lines(notes)
    assert len(lines) <= FEW
    counts = [1 + int(line.partition("(and ")[2].split()[0]) if "(and " in line else 1 for line in lines]
    if "--verbose" in lines[-1]:
        counts[-1] = int(lines[-1].split()[0])
    assert sum(counts) == len(notes)


def test_a_wide_table_has_at_most_ten_lines_of_notes(call: Callable[..., Any], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    names = ["x", "y", *(f"c{j}" for j in range(40)), *(f"d{j}" for j in range(40))]
    x = rng.normal(size=(60, 2)).round(3)
    rows = [[*map(str, pair), *["7"] * 40, *[str(pair[0])] * 40] for pair in x]
    Path("wide.csv").write_text("\n".join(",".join(row) for row in [names, *rows]))
    done = call("fit", "wide.csv", "-t", "y", "--hidden", "4", "--epochs", "1")
    assert 0 < done.err.split("\nepoch")[0].count("\nnote  ") <= FEW
    whole = call("fit", "wide.csv", "-t", "y", "--hidden", "4", "--epochs", "1", "--verbose")
    assert whole.err.count("\nnote  ") > 40
    facts = call("fit", "wide.csv", "-t", "y", "--hidden", "4", "--epochs", "1", "--json", "-q").json
    assert len(facts["notes"]) == whole.err.count("\nnote  ")

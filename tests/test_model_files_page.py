"""docs/how-to/model-files.md: its tables name every entry that the form of a model file declares, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from backpass.model.form import MODEL

PAGE = (Path(__file__).parents[1] / "docs" / "how-to" / "model-files.md").read_text("utf-8")


def described() -> set[str]:
    """The entries in the first cells of the table of facts; ``record.a``, ``b`` means record.a and record.b."""
    table = PAGE.partition("| entry of `facts` |")[2].partition("\n\n")[0]
    found: set[str] = set()
    for row in table.splitlines()[2:]:
        inner = ""
        for name in re.findall(r"`([^`]+)`", row.split("|")[1]):
            inner = "record." if name.startswith("record.") else inner
            found.add(name if name.startswith("record.") else inner + name)
    return found


def declared() -> set[str]:
    record = MODEL["record"]
    assert isinstance(record, dict)
    return {name for name in MODEL if name != "record"} | {f"record.{name}" for name in record}


def test_the_page_names_every_entry_of_the_facts() -> None:
    assert declared() - described() == set()


def test_the_page_names_no_other_entry() -> None:
    assert described() - declared() == set()

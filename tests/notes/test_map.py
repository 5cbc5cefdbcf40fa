"""The map: every numbered item of the notes stands in a docstring of what implements it, and in a test that names it.

A range such as "eqs. (2.16)-(2.20)" or "Claims 3.2 to 3.4" names everything in it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import backpass

HOUSE = Path(backpass.__file__).parent
TESTS = Path(__file__).parents[1]

EQUATIONS = [
    *(f"1.{i}" for i in range(1, 6)),
    *(f"2.{i}" for i in range(1, 22)),
    *(f"3.{i}" for i in range(1, 20)),
    *(f"4.{i}" for i in range(1, 5)),
]
NAMED = [
    *(f"algorithm {i}" for i in range(1, 5)),
    "theorem 3.1",
    *(f"claim 3.{i}" for i in range(2, 5)),
    *(f"figure {i}" for i in range(1, 4)),
    "footnote 1",
    "footnote 4",
    "footnote 6",
]
KINDS = {
    "eq": "equation", "eqs": "equation", "equation": "equation", "equations": "equation", "alg": "algorithm",
    "algs": "algorithm", "algorithm": "algorithm", "algorithms": "algorithm", "claim": "claim", "claims": "claim",
    "theorem": "theorem", "thm": "theorem", "figure": "figure", "figures": "figure", "fig": "figure",
    "footnote": "footnote", "footnotes": "footnote",
}  # fmt: skip
_NUMBER = r"\(?\d(?:\.\d{1,2})?\)?"
_LIST = rf"{_NUMBER}(?:(?:,| and|,? to| or|-| =)\s*{_NUMBER})*"
_NAMED = re.compile(rf"\b({'|'.join(KINDS)})\b\.?\s+({_LIST})", re.IGNORECASE)
_PARENTHESES = re.compile(r"\(\d\.\d{1,2}\)(?:(?:,| and| to|-)\s*\(\d\.\d{1,2}\))*")
_RANGE = re.compile(r"\(?(\d)(?:\.(\d{1,2}))?\)?\s*(?:-|to)\s*\(?(\d)(?:\.(\d{1,2}))?\)?")
_ONE = re.compile(r"\d(?:\.\d{1,2})?")


def numbers_in(text: str) -> Iterator[str]:
    """The numbers of a list such as "(2.1), (2.3)-(2.5)"; a range gives everything in it."""
    for match in _RANGE.finditer(text):
        chapter, first, last_chapter, last = match.groups()
        if first is None:
            yield from map(str, range(int(chapter), int(last_chapter) + 1))
        else:
            yield from (f"{chapter}.{i}" for i in range(int(first), int(last or last_chapter) + 1))
    yield from _ONE.findall(text)


def items_in(text: str) -> set[str]:
    """The items of the notes that a text names: "3.12" for an equation, "claim 3.3" for others."""
    found = {number for match in _PARENTHESES.finditer(text) for number in numbers_in(match[0])}
    for match in _NAMED.finditer(text):
        kind = KINDS[match[1].lower()]
        found |= {number if kind == "equation" else f"{kind} {number}" for number in numbers_in(match[2])}
    return found


def docstrings(path: Path) -> Iterator[str]:
    """Every docstring of a file, and the texts under its constants."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value.value


def names_of_tests(path: Path) -> Iterator[str]:
    """The name of every test, read as words, with its docstring."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            spoken = re.sub(r"(?<=\d)_(?=\d)", ".", node.name).replace("_", " ")
            yield f"{spoken}\n{ast.get_docstring(node) or ''}"


@cache
def items_of_the_library() -> frozenset[str]:
    return frozenset(item for path in HOUSE.rglob("*.py") for text in docstrings(path) for item in items_in(text))


@cache
def items_of_the_tests() -> frozenset[str]:
    here = Path(__file__)
    return frozenset(
        item
        for path in TESTS.rglob("test_*.py")
        if path != here
        for text in names_of_tests(path)
        for item in items_in(text)
    )


@pytest.mark.parametrize("item", [*EQUATIONS, *NAMED])
def test_every_item_is_in_a_docstring(item: str) -> None:
    assert item in items_of_the_library(), f"no docstring under src names {item} of the notes"


@pytest.mark.parametrize("item", [*EQUATIONS, *NAMED])
def test_every_item_has_a_test(item: str) -> None:
    assert item in items_of_the_tests(), f"no test names {item} of the notes"


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("CS229 eqs. (2.16)-(2.20)", {"2.16", "2.17", "2.18", "2.19", "2.20"}),
        ("by eq. 3.14 and Claims 3.2 to 3.4", {"3.14", "claim 3.2", "claim 3.3", "claim 3.4"}),
        ("Algorithm 3; (3.4)-(3.6)", {"algorithm 3", "3.4", "3.5", "3.6"}),
        ("Algorithms 1 and 2", {"algorithm 1", "algorithm 2"}),
        ("test eq 2.5 to 2.7", {"2.5", "2.6", "2.7"}),
        ("Theorem 3.1, footnote 4", {"theorem 3.1", "footnote 4"}),
        ("a factor of 2.5, f(1.3, 2), version 3.11", set()),
    ],
)
def test_items_are_found_in_text(text: str, items: set[str]) -> None:
    assert items_in(text) == items


def test_a_planted_gap_is_found() -> None:
    assert "3.20" not in items_of_the_library() | items_of_the_tests()

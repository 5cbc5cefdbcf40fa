"""The page docs/developers/reliability.md: one hundred cases, and every test that it names exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ROOT = TESTS.parent
PAGE = ROOT / "docs" / "developers" / "reliability.md"
ROW = re.compile(r"^\| (\d+) \| (.+?) \| (.+) \|$", re.M)
NAMED = re.compile(r"`([\w/]+\.py)::([\w:]+)`")


@cache
def names_in(path: str) -> frozenset[str]:
    """The tests of a file, those of classes as Class::test."""
    found = set()
    for node in ast.parse((TESTS / path).read_text("utf-8")).body:
        match node:
            case ast.FunctionDef(name=name):
                found.add(name)
            case ast.ClassDef(name=name, body=body):
                found |= {f"{name}::{inner.name}" for inner in body if isinstance(inner, ast.FunctionDef)}
    return frozenset(name for name in found if name.split("::")[-1].startswith("test_"))


def faults_of(text: str) -> list[str]:
    rows = ROW.findall(text)
    faults = [] if [int(number) for number, *_ in rows] == list(range(1, 101)) else ["the cases are not 1 to 100"]
    for number, _, shown in rows:
        named = NAMED.findall(shown)
        if not named and not re.match(r"not applicable: \w+", shown):
            faults.append(f"case {number} names no test and no reason")
        for path, name in named:
            if not (TESTS / path).is_file():
                faults.append(f"case {number}: there is no tests/{path}")
            elif name not in names_in(path):
                faults.append(f"case {number}: tests/{path} has no {name}")
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text("utf-8"), re.M)
    verbs = phony[1].split() if phony else []
    return faults + [f"there is no make {verb}" for verb in re.findall(r"`make ([\w-]+)", text) if verb not in verbs]


def test_every_case_is_shown_by_a_test_or_says_why_not() -> None:
    assert faults_of(PAGE.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("test_a_sine`", "test_a_cosine`", "case 60: tests/model/test_seeds.py has no test_a_cosine"),
        ("`model/test_seeds.py::test_a_sine`", "`model/test_seed.py::test_a_sine`", "case 60: there is no tests/model"),
        ("TestMissing::test_every", "TestGone::test_every", "case 41: tests/table/test_reading.py has no TestGone"),
        ("not applicable: Backpass has no", "Backpass has no", "case 87 names no test and no reason"),
        ("| 99 |", "| 101 |", "the cases are not 1 to 100"),
        ("`make fuzz`", "`make fuzzy`", "there is no make fuzzy"),
    ],
)
def test_planted_faults_are_found(old: str, new: str, fault: str) -> None:
    text = PAGE.read_text("utf-8")
    assert old in text
    assert any(found.startswith(fault) for found in faults_of(text.replace(old, new)))


SCORES = ROOT / "docs" / "developers" / "honest-scores.md"
SCORE_ROW = re.compile(r"^\| ([A-C]\d+) \| (.+?) \| (.+) \|$", re.M)
SENTENCES = [*(f"A{n}" for n in range(1, 6)), *(f"B{n}" for n in range(6, 13)), *(f"C{n}" for n in range(13, 29))]


def lost_in_scores(text: str) -> list[str]:
    rows = SCORE_ROW.findall(text)
    lost = [] if [name for name, *_ in rows] == SENTENCES else ["the rows are not complete"]
    for name, _, shown in rows:
        named = NAMED.findall(shown)
        lost += [] if named else [f"{name} names no test"]
        lost += [f"{name}: {path}::{test}" for path, test in named if not _exists(path, test)]
    return lost


def _exists(path: str, test: str) -> bool:
    return (TESTS / path).is_file() and test in names_in(path)


def test_what_an_analyst_needs_is_shown_by_tests() -> None:
    assert lost_in_scores(SCORES.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("old", "new", "lost"),
    [
        ("| A1 |", "| A9 |", "the rows are not complete"),
        ("test_learns_from_words", "test_learns", "C18: model/test_free_text.py::test_learns"),
        ("model/test_free_text.py", "model/test_text.py", "C18: model/test_text.py::test_learns_from_words"),
    ],
)
def test_a_lost_test_of_the_scores_is_noticed(old: str, new: str, lost: str) -> None:
    text = SCORES.read_text("utf-8")
    assert old in text
    assert lost in lost_in_scores(text.replace(old, new, 1))

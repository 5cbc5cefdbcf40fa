"""The map: every item of the notes has a definition, a test that calls the library and a check, and each can fail."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy
import pytest

from backpass.cli import main
from backpass.errors import UsageError
from backpass.notes import checks, columns, costs
from backpass.notes.checks import CHECKS, is_right
from backpass.notes.items import ITEMS, item_named
from backpass.notes.marks import SOURCE, definitions, keys_in, unknown

TESTS = Path(__file__).parents[1]


def tool() -> ModuleType:
    """``tools/notes_tests.py``."""
    spec = importlib.util.spec_from_file_location("notes_tests", TESTS.parent / "tools" / "notes_tests.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


notes_tests = tool()


def test_the_notes_have_49_equations_and_18_other_items() -> None:
    numbers = [f"{chapter}.{i}" for chapter, last in ((1, 5), (2, 21), (3, 19), (4, 4)) for i in range(1, last + 1)]
    assert sorted(key for key in ITEMS if key[0].isdigit()) == sorted(numbers)
    assert len(ITEMS) - len(numbers) == 4 + 1 + 3 + 3 + 7
    assert list(CHECKS.keys() ^ ITEMS.keys()) == []


@pytest.mark.parametrize("key", ITEMS)
def test_every_item_has_a_definition_in_the_library(key: str) -> None:
    found = [each for each in definitions()[key] if not each.is_twin]
    assert found, f"no function, class or operation of the library is marked CS229 {key}"
    for each in found:
        first = (SOURCE / each.path).read_text("utf-8").splitlines()[each.line - 1]
        assert re.match(r"\s*(@|def |class )", first), first


def test_every_equation_has_its_line_in_the_slow_code() -> None:
    given = {"2.1", "3.1", "3.2", "3.8", "3.9"}  # premises, and the equation that is a whole function
    for key in ITEMS:
        if key[0].isdigit() and key not in given:
            assert any(each.marked for each in definitions()[key] if each.is_twin), key


def test_every_item_has_a_test_that_calls_the_library() -> None:
    assert notes_tests.problems(TESTS) == []


def test_no_mark_names_an_item_that_the_notes_do_not_have() -> None:
    assert unknown() == []
    assert not [path for path in SOURCE.rglob("*.py") if re.search(r"CS229,? eqs?\b", path.read_text("utf-8"))]


@pytest.mark.parametrize("check", dict.fromkeys(CHECKS.values()), ids=lambda check: check.__name__)
def test_the_library_computes_what_the_notes_say(check: Callable[[], float]) -> None:
    assert is_right(check())
    assert check.__doc__


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("the slope    CS229 Claim 3.3, (3.12)", ["Claim 3.3", "3.12"]),
        ("CS229 (2.16), (2.17)\n    and CS229 (1.1) and (1.2).", ["2.16", "2.17", "1.1", "1.2"]),
        ("CS229 footnote 4; (3.5)", ["footnote 4"]),
        ("CS229 (3.20), Algorithm 9", ["3.20", "Algorithm 9"]),
        ("Kingma & Ba 2015, Algorithm 1; eq. (3.12); CS229 section 3", []),
    ],
)
def test_marks_are_found_in_text(text: str, keys: list[str]) -> None:
    assert keys_in(text) == keys


# Each rule must be able to fail


def test_a_planted_mark_of_an_unknown_item_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "a.py").write_text('"""A module: CS229 (2.22)."""\n\n\ndef f():\n    """CS229 Claim 3.5, (3.12)"""\n')
    assert unknown(folder) == ["package.a: CS229 2.22", "package.a.f: CS229 Claim 3.5"]


def test_a_planted_test_that_does_not_call_the_library_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("from backpass import grad\ndef real():\n    return grad\n")
    (tmp_path / "test_a.py").write_text(
        """
from backpass import notes, trace
from backpass.notes import algorithm_4
from helper import real

def other():
    return real()

def test_one():
    '''CS229 (3.1)'''
    algorithm_4, notes.algorithm_3

def test_two():
    '''CS229 (3.2)'''
    trace

def test_three():
    '''CS229 (3.3), (3.99)'''
    other()
"""
    )
    found = {key: is_real for key, _, _, is_real in notes_tests.marked(tmp_path)}
    assert found == {"3.1": False, "3.2": True, "3.3": True, "3.99": True}
    problems = notes_tests.problems(tmp_path)
    assert "no test of the library names CS229 3.1" in problems
    assert "no test of the library names CS229 3.2" not in problems
    assert "test_a.py, test_three: CS229 3.99" in problems


PLANTED: dict[str, tuple[Any, str, Any]] = {
    "1.4": (costs, "algorithm_1", lambda theta, gradient, alpha, draws: costs.gradient_descent(theta, gradient, 0.05)),
    "4.2": (columns, "pre_activations", lambda W, b, X: W @ X),
    "4.4": (columns, "pre_activations_of_rows", lambda X, W, b: (X @ W + b)[::-1]),
    "1.2": (costs, "mean_squared_cost", lambda h, y: sum(map(costs.squared_cost, h, y))),
    "1.1": (costs, "squared_cost", lambda h, y: numpy.nan),
}


@pytest.mark.parametrize("key", PLANTED)
def test_a_planted_fault_makes_a_check_fail(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, name, wrong = PLANTED[key]
    monkeypatch.setattr(module, name, wrong)
    assert not is_right(CHECKS[key]())


# backpass notes


def test_the_command_prints_an_item_and_its_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["notes", "(3.12)"]) == 0
    shown = capsys.readouterr().out
    assert "item        (3.12), section 3" in shown
    assert ">     return da * slope  # (3.12)" in shown
    assert "backpass.circuit.operation.elementwise" in shown
    assert re.search(r"difference \d\.\de-1\d, ok", shown)


def test_the_command_lists_all_items(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["notes"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(ITEMS)
    assert all(line.startswith("ok ") for line in lines)
    assert main(["notes", "algorithm", "4", "--json"]) == 0
    (item,) = json.loads(capsys.readouterr().out)["items"]
    assert (item["key"], item["ok"]) == ("Algorithm 4", True)


def test_a_check_that_fails_is_an_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(checks.CHECKS, "4.4", lambda: 0.5)
    assert main(["notes", "4.4"]) == 1
    printed = capsys.readouterr()
    assert "difference 5.0e-01, WRONG" in printed.out
    assert "the check of (4.4) failed" in printed.err


@pytest.mark.parametrize("name", ["3.20", "algorithm 5", "x", "(3.12"])
def test_items_by_name(name: str) -> None:
    if name == "(3.12":
        assert item_named(name).key == "3.12"
        return
    with pytest.raises(UsageError, match="the notes have no"):
        item_named(name)


@pytest.mark.parametrize("name", ["fig. 2", "Figure 2", "FIG 2"])
def test_short_forms_of_names(name: str) -> None:
    assert item_named(name).key == "Figure 2"


def test_the_tool_reports_for_itself() -> None:
    done = subprocess.run(
        [sys.executable, str(TESTS.parent / "tools" / "notes_tests.py"), str(TESTS)], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout.strip()) == (0, "every item has a test")

"""docs/reference/calculus.md: it lists exactly what can be traced, what has a remedy, and what its example gives."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy
import pytest

from backpass.circuit import trace
from backpass.circuit.refusals import METHODS, OPTIONS, REMEDIES
from backpass.circuit.traced import NUMPY_NAMES
from backpass.errors import TraceError

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "calculus.md"
if not PAGE.exists():
    pytest.skip("the pages are not here", allow_module_level=True)
TEXT = PAGE.read_text("utf-8")


def column(heading: str, number: int) -> list[list[str]]:
    """The names in one column of the table under a heading, row by row."""
    section = TEXT.split(f"## {heading}")[1].split("\n## ")[0].replace("\\|", "/")
    rows = [line.split(" | ") for line in section.splitlines() if line.startswith("| ")][1:]
    return [re.findall(r"`([\w.]+)`", row[number]) for row in rows]


def test_the_table_of_functions_is_complete() -> None:
    named = {name for row in column("Functions of NumPy that can be traced", 1) for name in row}
    known = set()
    for function in NUMPY_NAMES:
        if not isinstance(function, str):
            module = (getattr(function, "__module__", None) or "numpy").removeprefix("numpy").lstrip(".")
            known.add(f"{module}.{function.__name__}" if module else function.__name__)
    assert named == known


def test_methods_are_named() -> None:
    assert set(re.findall(r"`x\.(\w+)`", TEXT.split("As methods:")[1].split("\n\n")[0])) >= set(METHODS)


def test_remedies_are_those_of_the_messages() -> None:
    section = TEXT.split("## What is refused")[1].split("\n## ")[0].replace("\\|", "|")
    for name, hint in [*REMEDIES.items(), *((k, v) for k, v in OPTIONS.items() if k != "argument")]:
        assert any(f"`{name}`" in line and hint in line for line in section.splitlines()), name


def test_what_has_a_remedy_cannot_be_traced() -> None:
    names = {getattr(function, "__name__", function) for function in NUMPY_NAMES}
    assert not names & set(REMEDIES)


def test_the_example_gives_what_the_page_says(capsys: Any) -> None:
    code, shown = re.search(r"```python\n(.*)\n(grad.*)```", TEXT, re.DOTALL).groups()  # type: ignore[union-attr]
    call, _, result = shown.partition("  # ")
    scope: dict[str, Any] = {}
    exec(code, scope)
    assert repr(eval(call, scope)) == result.strip()


def functions() -> list[Any]:
    """Every public function of NumPy that hands its arguments over."""
    found = {}
    for module in (numpy, numpy.linalg):
        for name in dir(module):
            function = getattr(module, name)
            hands_over = isinstance(function, numpy.ufunc) or hasattr(function, "_implementation")
            if not name.startswith(("_", "save")) and hands_over:  # save: a file comes first
                found[function] = None
    return list(found)


def test_no_function_of_numpy_fails_without_a_word() -> None:
    """One argument is too few for some: NumPy itself says so. What reaches us is traced, or refused with a hint."""
    refused = [function for function in functions() if function not in NUMPY_NAMES and is_refused(function)]
    assert len(refused) > 100


def is_refused(function: Any) -> bool:
    """Whether a function refuses a traced array with a hint, and not NumPy too few arguments."""
    try:
        trace(lambda x: function(*[x] * getattr(function, "nin", 1)), [(3, 3)])
    except TraceError as error:
        return bool(error.hint)
    except TypeError as error:
        if "missing" in str(error) or "argument" in str(error):
            return False
        raise
    return False

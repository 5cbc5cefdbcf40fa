"""Fixtures of this room: models of every kind (see ``fitted``).

The tests of pages and pictures run where matplotlib and Jinja2 are installed, and are skipped elsewhere.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

HERE = Path(__file__).parent
MISSING = [name for name in ("matplotlib", "jinja2") if importlib.util.find_spec(name) is None]

if str(HERE) not in sys.path:
    sys.path.append(str(HERE))

if TYPE_CHECKING:
    from fitted import Case


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if MISSING and HERE in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=f"{' and '.join(MISSING)} not installed"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    from fitted import TARGETS, VARIANTS

    for name, values in (("case", TARGETS), ("variant", VARIANTS)):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, values, indirect=True)


@pytest.fixture
def case(request: pytest.FixtureRequest) -> Case:
    """A model of each task with its table."""
    from fitted import case_of

    return case_of(request.param)


@pytest.fixture
def variant(request: pytest.FixtureRequest) -> Case:
    """Every kind of model: tasks, ensembles, embeddings of numbers and of texts, precisions."""
    from fitted import VARIANTS

    return VARIANTS[request.param]()


@pytest.fixture
def housing(tmp_path: Path) -> Path:
    """Some rows of the sample table, as a file."""
    from backpass.datasets import sample_bytes

    path = tmp_path / "housing.csv"
    path.write_bytes(b"".join(sample_bytes("housing").splitlines(keepends=True)[:600]))
    return path

"""What the tests of the playground share: a browser."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
for folder in (str(HERE), str(HERE.parent / "report")):
    if folder not in sys.path:
        sys.path.append(folder)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A headless Chromium; without one the tests that need it are skipped."""
    from chromium import Browser, chromium

    if chromium() is None:
        pytest.skip("there is no chromium: apt-get install chromium")
    with Browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser

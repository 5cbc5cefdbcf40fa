"""The suite's surroundings: property tests draw the same examples every time and never fail for being slow.

Interrupts are answered, here and in child processes, also where the shell had them ignored, as in a background job.
Modules of this folder, such as the slow twins, can be imported by the tests of every room. Pages are tested in a
headless Chromium.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from chromium import Browser

settings.register_profile("backpass", deadline=None, derandomize=True, database=None)
settings.load_profile("backpass")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_TESTS = str(Path(__file__).parent)
if _TESTS not in sys.path:
    sys.path.append(_TESTS)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A headless Chromium; without one the tests that need it are skipped."""
    from chromium import Browser, chromium

    if chromium() is None:
        pytest.skip("there is no chromium: apt-get install chromium")
    with Browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser

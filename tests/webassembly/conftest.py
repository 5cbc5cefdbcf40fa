"""What the tests of this room share: Node.js."""

from __future__ import annotations

import shutil

import pytest


@pytest.fixture(scope="session")
def node() -> str:
    """Node.js; without it the tests that need it are skipped."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("there is no Node.js: apt-get install nodejs")
    return program

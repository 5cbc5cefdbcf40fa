"""What the tests of this room share: Node.js, and the sample inputs of every operation."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
if str(HERE) not in sys.path:
    sys.path.append(str(HERE))


@pytest.fixture(scope="session")
def node() -> str:
    """Node.js; without it the tests that need it are skipped."""
    from node import node

    program = node()
    if program is None:
        pytest.skip("there is no Node.js: apt-get install nodejs")
    return program

"""What pytest leaves out: modules that cannot be imported where the native core was not built; and its own option.

The garbage collector rests while tests are collected, and what they are is out of its way afterward: twenty thousand
tests are millions of objects, none of which is garbage.
"""

import gc
from collections.abc import Iterator

import pytest

from backpass.engine import ENGINES

collect_ignore = [] if "native" in ENGINES else ["src/backpass/engine/native/native_engine.py"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--every-seed``: families of tests that take one seed of several take all."""
    parser.addoption("--every-seed", action="store_true", help="run scikit-learn's checks of every preset at each seed")


@pytest.hookimpl(hookwrapper=True)
def pytest_collection() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()

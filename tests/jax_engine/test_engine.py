"""The suite of all engines (``tests/engine/test_engine.py``) on the JAX engine, by ``make test-jax``."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("jax")

from backpass.engine.jax.jax_engine import JaxEngine


def _suite() -> ModuleType:
    path = Path(__file__).parents[1] / "engine" / "test_engine.py"
    spec = importlib.util.spec_from_file_location("suite_of_engines", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


SUITE = {name: value for name, value in vars(_suite()).items() if name.startswith("test_")}
globals().update(SUITE)


@pytest.fixture(scope="module")
def engine() -> JaxEngine:
    return JaxEngine("cpu")


def test_the_suite_is_there() -> None:
    takes_an_engine = [name for name, test in SUITE.items() if "engine" in test.__code__.co_varnames]
    assert len(takes_an_engine) > 10

"""The sample inputs of every operation, for rooms other than ``circuit``, whose table they are."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any


def samples_of_operations() -> list[Any]:
    """The samples that the tests of the operations themselves use."""
    path = Path(__file__).parent / "circuit" / "conftest.py"
    spec = importlib.util.spec_from_file_location("samples_of_operations", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return list(module.SAMPLES)

"""The export's tests run where onnx and onnxruntime are installed, and are skipped elsewhere.

The folder is not called onnx: others put its parent on the path, where it would pass for the library.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
MISSING = [name for name in ("onnx", "onnxruntime") if importlib.util.find_spec(name) is None]

if str(HERE) not in sys.path:
    sys.path.append(str(HERE))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if MISSING and HERE in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=f"{' and '.join(MISSING)} not installed"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "sample" in metafunc.fixturenames:
        from operation_samples import samples_of_operations

        metafunc.parametrize("sample", samples_of_operations(), ids=str)

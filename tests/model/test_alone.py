"""Alone: a loaded model predicts where neither scikit-learn, nor DuckDB, nor the compiled core can be imported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backpass.model.file.container import FORMAT
from backpass.model.saving import ARITHMETIC

KEPT = Path(__file__).parents[1] / "model_files" / f"format_{FORMAT}_arithmetic_{ARITHMETIC}"
EXPECTED = json.loads((KEPT / "expected.json").read_text("utf-8"))

PROGRAM = """
import importlib.abc, json, sys

BLOCKED = {"sklearn", "scipy", "joblib", "duckdb", "click", "rich", "onnx", "onnxruntime", "pyarrow", "torch", "jax"}
FRAMES = {"pandas", "polars"}

class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED | FRAMES:
            raise ModuleNotFoundError(f"{name} is blocked", name=name)

sys.meta_path.insert(0, Blocker())
sys.modules["backpass.engine.native._core"] = None  # where it was not built there is none

import numpy as np
import backpass

folder, rows = sys.argv[1], json.loads(sys.argv[2])
found = {}
for name in json.loads(sys.argv[3]):
    model = backpass.load(f"{folder}/{name}.backpass")
    used = [rows[column] for column in model.kinds()]
    arrays = np.array(used, dtype=object).T
    inputs = {"dict": rows, "array": arrays}
    FRAMES.clear()
    import polars
    inputs["frame"] = polars.DataFrame(rows, strict=False)
    found[name] = {kind: model.outputs(model.table(given)).tolist() for kind, given in inputs.items()}
    first = {column: values[:1] for column, values in rows.items()}
    assert model.predict(first)[0] is not None
loaded = sorted({name.partition(".")[0] for name in sys.modules} & BLOCKED)
print(json.dumps({"found": found, "loaded": loaded, "engines": list(backpass.engine.ENGINES)}))
"""


@pytest.fixture(scope="module")
def answer() -> dict[str, Any]:
    given = [str(KEPT), json.dumps(EXPECTED["rows"]), json.dumps(list(EXPECTED["models"]))]
    done = subprocess.run([sys.executable, "-c", PROGRAM, *given], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_nothing_that_is_blocked_was_missed(answer: dict[str, Any]) -> None:
    assert answer["loaded"] == []
    assert answer["engines"] == ["numpy"]


@pytest.mark.parametrize("kind", ["dict", "array", "frame"])
@pytest.mark.parametrize("name", EXPECTED["models"])
def test_it_predicts_what_was_kept(answer: dict[str, Any], name: str, kind: str) -> None:
    found, expected = np.array(answer["found"][name][kind]), np.array(EXPECTED["models"][name]["outputs"])
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_the_blocker_blocks() -> None:
    """Fitting an estimator there must fail, or the test would prove nothing."""
    program = PROGRAM.partition("import numpy as np")[0] + "from backpass import BackpassRegressor"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "sklearn" in done.stderr
    assert done.returncode == 1

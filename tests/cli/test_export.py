"""``backpass export``: an ONNX file that predicts the same, and what is refused before anything is lost."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backpass.model import load

Run = Callable[..., Any]


@pytest.fixture
def onnx() -> Any:
    return pytest.importorskip("onnx")


def test_dates_are_one_input_each(call: Run, tmp_path: Path, onnx: Any) -> None:
    rows = "".join(f"2024-{n % 12 + 1:02}-{n % 28 + 1:02},{n % 24:02}:30,{n}.5\n" for n in range(40))
    (tmp_path / "t.csv").write_text(f"day,clock,y\n{rows}")
    assert call("fit", "t.csv", "-t", "y", "--preset", "fast", "--epochs", "1", "-o", "m.backpass").code == 0
    done = call("export", "m.backpass", "m.onnx")
    assert done.err.splitlines()[0] == "inputs      2 columns: 2 int32"
    named = [each.name for each in onnx.load(str(tmp_path / "m.onnx")).graph.input]
    assert named == ["day", "clock"]


@pytest.mark.parametrize("name", ["numbers", "pets", "kinds"])
def test_the_file_predicts_what_the_model_does(call: Run, home: Path, tmp_path: Path, onnx: Any, name: str) -> None:
    runtime = pytest.importorskip("onnxruntime")
    done = call("export", home / f"{name}.backpass", "m.onnx")
    assert (done.code, done.out) == (0, "")
    lines = done.err.splitlines()
    assert lines[0] == "inputs      3 columns: 2 double, 1 string"
    assert lines[2] == "opset       18, ai.onnx.ml 3"
    assert lines[3].startswith("saved m.onnx (")
    model = load(home / f"{name}.backpass")
    session = runtime.InferenceSession(str(tmp_path / "m.onnx"), providers=["CPUExecutionProvider"])
    inputs = {
        "size": np.array([[3.0], [9.0]]),
        "age": np.array([[np.nan], [2.0]]),
        "colour": np.array([["red"], [""]], dtype=object),
    }
    predicted = session.run([model.target], inputs)[0]
    expected = model.predict({"size": [3.0, 9.0], "age": [None, 2.0], "colour": ["red", None]})
    if model.classes:
        assert list(predicted) == list(expected)
    else:
        np.testing.assert_allclose(predicted, expected, rtol=1e-5)


def test_json_names_inputs_and_outputs(call: Run, home: Path, tmp_path: Path, onnx: Any) -> None:
    done = call("export", home / "kinds.backpass", "m.onnx", "--json", "-q")
    assert done.code == 0
    assert done.err == ""
    facts = done.json
    assert facts["command"] == "export"
    assert facts["output"] == "m.onnx"
    assert facts["bytes"] == (tmp_path / "m.onnx").stat().st_size
    assert facts["inputs"] == [
        {"name": "size", "kind": "numeric"},
        {"name": "age", "kind": "numeric"},
        {"name": "colour", "kind": "categorical"},
    ]
    assert facts["outputs"] == ["kind", "probabilities"]
    assert facts["classes"] == ["high", "low", "mid"]


@pytest.mark.parametrize("content", [b"my notes\n", b"\x80\x04\x95 a pickle", b"\x08\x01\x12 not quite"])
def test_files_of_others_are_never_overwritten(
    call: Run, home: Path, tmp_path: Path, onnx: Any, content: bytes
) -> None:
    (tmp_path / "precious").write_bytes(content)
    failed = call("export", home / "numbers.backpass", "precious")
    assert (failed.code, failed.out) == (2, "")
    assert failed.err.startswith("error: precious already exists and would be overwritten: it is not an ONNX file\n")
    assert "hint: choose another name for OUTPUT, or remove the file" in failed.err
    assert (tmp_path / "precious").read_bytes() == content


def test_a_model_is_not_overwritten_by_its_own_export(call: Run, home: Path, tmp_path: Path, onnx: Any) -> None:
    (tmp_path / "m.backpass").write_bytes((home / "numbers.backpass").read_bytes())
    assert call("export", "m.backpass", "m.backpass").code == 2
    assert (tmp_path / "m.backpass").read_bytes() == (home / "numbers.backpass").read_bytes()


def test_onnx_and_empty_files_are_replaced(call: Run, home: Path, tmp_path: Path, onnx: Any) -> None:
    (tmp_path / "m.onnx").write_bytes(b"")
    assert call("export", home / "numbers.backpass", "m.onnx").code == 0
    before = (tmp_path / "m.onnx").read_bytes()
    assert call("export", home / "kinds.backpass", "m.onnx").code == 0
    assert (tmp_path / "m.onnx").read_bytes() != before
    assert [each.name for each in tmp_path.iterdir()] == ["m.onnx"]


@pytest.mark.parametrize("path", ["/proc/m.onnx", "nowhere/m.onnx", "folder", "n" * 300])
def test_what_cannot_be_written(call: Run, home: Path, tmp_path: Path, onnx: Any, path: str) -> None:
    (tmp_path / "folder").mkdir()
    failed = call("export", home / "numbers.backpass", path)
    assert (failed.code, failed.out) == (5, "")


def test_what_is_no_model(call: Run, home: Path, tmp_path: Path, onnx: Any) -> None:
    assert call("export", home / "numbers.backpass", "m.onnx").code == 0
    failed = call("export", "m.onnx", "other.onnx")
    assert failed.code == 4
    assert "ONNX" in failed.err
    assert call("export", "absent.backpass", "m.onnx").code == 4
    assert call("export", home / "numbers.csv", "m.onnx").code == 4
    assert not (tmp_path / "other.onnx").exists()


def test_wrong_usage(call: Run, home: Path, onnx: Any) -> None:
    assert call("export", home / "numbers.backpass").code == 2
    failed = call("export", home / "numbers.backpass", "-")
    assert failed.code == 2
    assert "a model cannot be written to standard output" in failed.err


@pytest.mark.parametrize("name", ["m.foo", "m", "m.pb"])
def test_a_name_that_promises_another_form_is_refused(call: Run, home: Path, onnx: Any, name: str) -> None:
    failed = call("export", home / "numbers.backpass", name)
    assert (failed.code, failed.out) == (2, "")
    assert failed.err.splitlines() == [
        f"error: {name}: an export is an ONNX graph or a JavaScript module, so its name must end in .onnx, .js or .mjs",
        "hint: for example m.onnx",
    ]


def test_without_the_package_the_hint_says_how_to_get_it(process: Any, home: Path, tmp_path: Path) -> None:
    (tmp_path / "onnx.py").write_text("raise ImportError('no onnx here')\n")
    failed = process("export", str(home / "numbers.backpass"), "m.onnx", cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert (failed.code, failed.out) == (2, "")
    assert failed.err.splitlines() == [
        "error: the export needs the package onnx",
        "hint: pip install 'backpass[onnx]'",
    ]


def test_a_name_in_js_is_a_module(call: Run, home: Path, tmp_path: Path) -> None:
    if shutil.which("node") is None:
        pytest.skip("there is no Node.js: apt-get install nodejs")
    done = call("export", home / "pets.backpass", "m.js")
    assert (done.code, done.out) == (0, "")
    lines = done.err.splitlines()
    assert lines[0] == "columns     3 columns: 2 numeric, 1 categorical"
    assert lines[1].startswith("verified    in Node.js: 64 rows, largest relative difference ")
    assert lines[2].startswith("saved m.js (")
    model = load(home / "pets.backpass")
    (tmp_path / "m.mjs").write_bytes((tmp_path / "m.js").read_bytes())
    program = 'import {predict} from "./m.mjs"; console.log(predict({size: 3, age: null, colour: "red"}).class)'
    found = subprocess.run(
        ["node", "--input-type=module", "-e", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == model.predict({"size": [3.0], "age": [None], "colour": ["red"]})[0]
    again = call("export", home / "pets.backpass", "m.js", "--json")  # a module may be replaced
    assert again.json["verified"]["rows"] == 64
    assert again.json["classes"] == list(model.classes)


def test_without_node_the_module_is_written_and_the_gap_said(
    call: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    done = call("export", home / "numbers.backpass", "m.mjs")
    assert done.err.splitlines()[1] == "verified    no, because Node.js is not installed"
    assert (tmp_path / "m.mjs").exists()
    assert call("export", home / "numbers.backpass", "m.mjs", "--json").json["verified"] is None


def test_a_module_never_replaces_another_file(call: Run, home: Path, tmp_path: Path) -> None:
    (tmp_path / "app.js").write_text("let mine = 1;\n")
    failed = call("export", home / "numbers.backpass", "app.js")
    assert (failed.code, failed.out) == (2, "")
    assert failed.err.startswith(
        "error: app.js already exists and would be overwritten: it is not a module of backpass\n"
    )
    assert (tmp_path / "app.js").read_text() == "let mine = 1;\n"


@pytest.mark.parametrize(("output", "said"), [("m.onnx", "shape [n,2]"), ("m.js", "strings such as '<30'")])
def test_columns_with_bounds_say_how_they_are_passed(call: Run, tmp_path: Path, output: str, said: str) -> None:
    if output.endswith(".onnx"):
        pytest.importorskip("onnx")
    rows = "".join(f"{'<5' if n % 4 == 0 else n},{n % 7}\n" for n in range(60))
    (tmp_path / "t.csv").write_text(f"dose,y\n{rows}")
    given = ("--task", "regression", "--preset", "plain", "--hidden", "4", "--epochs", "1")
    assert call("fit", "t.csv", "-t", "y", *given, "-o", "m.backpass").code == 0
    done = call("export", "m.backpass", output)
    assert done.code == 0
    assert said in " ".join(done.err.split())

"""Node.js: runs scripts of circuits on arrays, many at once."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backpass.circuit import Circuit
from backpass.circuit.spec import match
from backpass.engine.javascript import functions_source, script_of
from backpass.engine.javascript.writer import typed_array

Arrays = Sequence[np.ndarray[Any, Any]]
RUN = """
const number = (x) => typeof x === "string" ? Number(x.replace("inf", "Infinity")) : x;
const text = (x) => Number.isFinite(x) && !Object.is(x, -0) ? x : Object.is(x, -0) ? "-0" : String(x);
const results = cases.map(([make, lengths, constants, inputs, calls]) => {
  const arrays = (all) => all.map(([kind, values]) => kind.from(values, number));
  const step = make(lengths, arrays(constants));
  let found;
  for (let k = 0; k < calls; k++) found = step(...arrays(inputs));
  return found.map((each) => Array.from(each, text));
});
console.log(JSON.stringify(results));
"""


def node() -> str | None:
    """Where Node.js is, if it is."""
    return shutil.which("node")


def run_all(cases: Sequence[tuple[Circuit, Arrays]], folder: Path, calls: int = 2) -> list[list[np.ndarray[Any, Any]]]:
    """The outputs of circuits in JavaScript, each called several times on the same inputs."""
    scripts = [script_of(circuit) for circuit, _ in cases]
    lines = []
    for (circuit, arrays), script in zip(cases, scripts, strict=True):
        lengths = json.dumps(match(circuit.inputs, arrays, circuit.input_names))
        lines.append(f"[{script.source},{lengths},{_written(script.constants)},{_written(arrays)},{calls}]")
    functions = functions_source({name for script in scripts for name in script.functions})
    path = folder / "run.cjs"
    path.write_text(f'"use strict";\n{functions}\nconst cases = [{",".join(lines)}];\n{RUN}', "utf-8")
    program = node()
    assert program is not None
    done = subprocess.run([program, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:2000]
    results = []
    for (circuit, arrays), found in zip(cases, json.loads(done.stdout), strict=True):
        lengths = match(circuit.inputs, arrays, circuit.input_names)
        specs = [circuit.nodes[i].spec for i in circuit.outputs]
        shapes = [tuple(lengths[d] if isinstance(d, str) else d for d in spec.shape) for spec in specs]
        results.append(
            [
                np.array([float(x) for x in values]).astype(spec.dtype).reshape(shape)
                for values, spec, shape in zip(found, specs, shapes, strict=True)
            ]
        )
    return results


def _written(arrays: Arrays) -> str:
    return "[" + ",".join(f"[{typed_array(a.dtype)},{json.dumps(_plain(a))}]" for a in arrays) + "]"


def _plain(array: np.ndarray[Any, Any]) -> list[Any]:
    return [value if np.isfinite(value) else repr(float(value)) for value in array.ravel().tolist()]

"""Kernels in WebAssembly give what the JavaScript form gives: every form, the product, sums, random words, programs."""

from __future__ import annotations

import json
import subprocess
from base64 import b64encode
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backpass.circuit import Circuit, Spec, trace
from backpass.circuit.node import OPERATIONS
from backpass.engine.javascript import Kernels, functions_source, script_of
from backpass.engine.webassembly import FIRST, accepts, binding_source, module_of
from backpass.engine.webassembly.assembler import assembled
from backpass.engine.webassembly.kernels import FORMS
from backpass.errors import CircuitError
from backpass.playground.programs import circuits

FLOAT, WORD = np.dtype(np.float32), np.dtype(np.uint32)
RUN = """
const memory = new WebAssembly.Memory({ initial: 256 });
const compiled = new WebAssembly.Module(Buffer.from(bytes, "base64"));
let top = first;
const array = (Kind) => (n) => {
  const start = top;
  top += (n * Kind.BYTES_PER_ELEMENT + 31) & ~15;
  return new Kind(memory.buffer, start, n).fill(0);
};
const there = { F: array(Float32Array), U: array(Uint8Array), W: array(Uint32Array) };
const fast = { ...there, ...bound(new WebAssembly.Instance(compiled, { m: { memory } }).exports) };
const number = (x) => typeof x === "string" ? Number(x.replace("inf", "Infinity")) : x;
const text = (x) => Number.isFinite(x) && !Object.is(x, -0) ? x : Object.is(x, -0) ? "-0" : String(x);
const results = cases.map(([make, lengths, inputs]) => [scripted, fast].map((kernels) => {
  top = first;
  const arrays = inputs.map(([kind, values]) => {
    const place = kernels[kind](values.length);
    place.set(values.map(number));
    return place;
  });
  const step = make(lengths, [], kernels);
  step(...arrays);
  return step(...arrays).map((each) => Array.from(each, text));
}));
console.log(JSON.stringify(results));
"""
Outputs = list[np.ndarray[Any, Any]]


def both_forms(cases: list[tuple[Circuit, Any]], node: str, folder: Path) -> list[tuple[Outputs, Outputs]]:
    """The outputs of circuits with kernels in JavaScript and in WebAssembly."""
    kernels = Kernels(accepts)
    scripts = [script_of(circuit, kernels) for circuit, _ in cases]
    lines = []
    for (circuit, arrays), script in zip(cases, scripts, strict=True):
        assert not script.constants
        lengths = {
            d: n
            for spec, array in zip(circuit.inputs, arrays, strict=True)
            for d, n in zip(spec.shape, array.shape, strict=True)
            if isinstance(d, str)
        }
        inputs = [["W" if a.dtype == WORD else "F", [plain(x) for x in a.ravel().tolist()]] for a in arrays]
        lines.append(f"[{script.source},{json.dumps(lengths)},{json.dumps(inputs)}]")
    calls = {name for script in scripts for name in script.functions} - kernels.names
    source = functions_source(calls | {"mm", "sums", "philox"}) + kernels.source
    names = ",".join(["mm", "sums", "philox", *sorted(kernels.names)])
    path = folder / "run.cjs"
    path.write_text(
        f'"use strict";{source}const scripted={{F,U,W:(n)=>new Uint32Array(n),{names}}};'
        f"const bound={binding_source(kernels)},first={FIRST},"
        f'bytes="{b64encode(module_of(kernels)).decode()}";const cases=[{",".join(lines)}];{RUN}'
    )
    done = subprocess.run([node, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:2000]
    return [
        tuple([np.array([float(x) for x in values]) for values in form] for form in pair)  # type: ignore[misc]
        for pair in json.loads(done.stdout)
    ]


def plain(x: Any) -> Any:
    return x if np.isfinite(x) and not (x == 0 and np.signbit(x)) else "-0" if x == 0 else repr(float(x))


SPECIAL = np.array(
    [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 88.0, -104.0, 1e-8, 3e38, -7e-4, 1.1e-3, 5.5, -6.5],
    dtype=FLOAT,
)


def test_every_form_on_special_and_ordinary_numbers(node: str, tmp_path: Path) -> None:
    """Whatever the length, the result has it, and the numbers are those of JavaScript; NumPy agrees, too."""
    x = np.concatenate([SPECIAL, np.linspace(-9.0, 9.0, 401, dtype=FLOAT)])
    a, b = (each.ravel()[:4001] for each in np.meshgrid(x[:80], x[:80]))
    bits = np.arange(0, 2**32 - 1, 2**23 + 17, dtype=np.uint64).astype(WORD)
    one, two, number = Spec(("n",), FLOAT), [Spec(("n",), FLOAT)] * 2, Spec((1,), FLOAT)
    cases: dict[str, tuple[Circuit, Any]] = {}
    for name in FORMS:
        f: Any = OPERATIONS[name]
        if name == "where":
            cases[name] = trace(lambda x, y: OPERATIONS["where"](x > y, x, y), two), (a, b)
        elif name == "logical_not":
            cases[name] = trace(lambda x: OPERATIONS["logical_not"](x > 0.5).astype(np.float32), [one]), (x,)
        elif name == "cast":
            cases[name] = trace(lambda x: (x >= 0.0).astype(np.float32), [one]), (x,)
        elif name == "to_unit":
            cases[name] = trace(lambda x: OPERATIONS["to_unit"](x, dtype=FLOAT), [Spec(("n",), WORD)]), (bits,)
        elif name in (
            "add",
            "divide",
            "equal",
            "greater",
            "greater_equal",
            "maximum",
            "minimum",
            "multiply",
            "subtract",
        ):
            cases[name] = trace(f, two), (a, b)
        else:
            cases[name] = trace(f, [one]), (x,)
    cases["a number"] = trace(lambda x, s: x * s[0] - x, [one, number]), (x, np.array([0.3], FLOAT))
    cases["a stored condition"] = (
        trace(lambda x, y: ((c := x > y), OPERATIONS["where"](c, x, y), OPERATIONS["where"](c, y, x)), two),
        (a[:77], b[:77]),
    )
    for (name, (circuit, arrays)), (scripted, fast) in zip(
        cases.items(), both_forms([*cases.values()], node, tmp_path), strict=True
    ):
        for z, w, expected in zip(scripted, fast, circuit.evaluate(arrays), strict=True):
            is_exact = name not in ("exp", "tanh", "sigmoid", "erf")
            np.testing.assert_allclose(w, z, rtol=0.0 if is_exact else 1.3e-7, atol=1.2e-38, err_msg=name)
            assert is_exact or np.count_nonzero(w != z) - np.isnan(w).sum() <= 2  # halves, rounded the other way
            np.testing.assert_allclose(w, expected, rtol=4e-7, atol=1.2e-38, err_msg=name)


def test_products_and_sums_of_every_size(node: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    cases = []
    for n, d, m in [(1, 1, 1), (5, 3, 7), (4, 2, 8), (6, 9, 12), (33, 16, 16), (2, 70, 66), (16, 32, 1), (3, 1, 5)]:
        x, y, b = (rng.normal(size=shape).astype(FLOAT) for shape in ((n, d), (d, m), (m,)))
        affine = trace(OPERATIONS["affine"], [Spec(("n", "d"), FLOAT), Spec(("d", "m"), FLOAT), Spec(("m",), FLOAT)])
        turned = trace(lambda x, y: (x.T @ y.T, y.sum(axis=0)), [Spec(("d", "n"), FLOAT), Spec(("m", "d"), FLOAT)])
        cases += [(affine, (x, y, b)), (turned, (x.T.copy(), y.T.copy()))]
    for (circuit, arrays), (scripted, fast) in zip(cases, both_forms(cases, node, tmp_path), strict=True):
        for z, w, expected in zip(scripted, fast, circuit.evaluate(arrays), strict=True):
            np.testing.assert_allclose(w, z, rtol=2e-6, atol=3e-6)
            np.testing.assert_allclose(w.reshape(expected.shape), expected, rtol=2e-6, atol=3e-6)


def test_programs_of_the_playground_give_the_numbers_of_numpy(node: str, tmp_path: Path) -> None:
    """Steps with every activation, task and dropout, the updates, on widths that are no multiples of four."""
    rng = np.random.default_rng(1)
    sizes = {"d": 7, "m1": 9, "m2": 5, "m3": 6, "k": 3, "B": 21, "p": 101}
    chosen = [
        (name, circuit)
        for name, circuit in circuits()
        if name.split()[0] == "update" or name.startswith(("step 2", "step 1 tanh", "forward 3", "step 0"))
    ]
    cases = []
    for name, circuit in chosen:
        arrays: list[Any] = []
        for spec in circuit.inputs:
            shape = [sizes[d] if isinstance(d, str) else d for d in spec.shape]
            random = rng.random(shape) if len(shape) < 2 else rng.normal(0.0, 0.4, shape)
            is_word = spec.dtype == WORD
            arrays.append(rng.integers(0, 2**32, shape, dtype=np.uint32) if is_word else np.asarray(random, FLOAT))
        if "multiclass" in name:
            arrays[circuit.inputs.index(Spec(("B", "k"), FLOAT))] = np.eye(3, dtype=FLOAT)[rng.integers(0, 3, 21)]
        cases.append((circuit, tuple(arrays)))
    assert len(cases) > 40
    for (name, _), (circuit, arrays_), (scripted, fast) in zip(
        chosen, cases, both_forms(cases, node, tmp_path), strict=True
    ):
        for z, w, expected in zip(scripted, fast, circuit.evaluate(arrays_), strict=True):
            scale = np.abs(expected).max(initial=1e-3)
            np.testing.assert_allclose(w, z, rtol=0.0, atol=4e-6 * scale, err_msg=name)
            np.testing.assert_allclose(w, expected.ravel(), rtol=0.0, atol=4e-6 * scale, err_msg=name)


def test_subnormal_results_are_zero(node: str, tmp_path: Path) -> None:
    circuit = trace(lambda x: x * np.float32(0.5), [Spec(("n",), FLOAT)])
    x = np.array([2e-38, -2e-38, 4e-38, np.nan], FLOAT)
    ((_, (fast,)),) = both_forms([(circuit, (x,))], node, tmp_path)
    np.testing.assert_array_equal(fast, np.array([0.0, 0.0, 2e-38, np.nan], FLOAT))


def test_loops_that_have_no_form_stay_in_the_script() -> None:
    kernels = Kernels(accepts)
    for f in (lambda x: OPERATIONS["log"](x), lambda x: x.astype(np.float64) * 2.0, lambda x: x[::2] * x[1::2]):
        script_of(trace(f, [Spec((6,), FLOAT)]), kernels)
    assert kernels.found == {}
    script_of(trace(lambda x: x * 2.0, [Spec(("n",), FLOAT)]), kernels)
    script_of(trace(lambda x, y: y * 2.0, [Spec(("m", 3), FLOAT), Spec((4,), FLOAT)]), kernels)
    assert [kernel.source for kernel in kernels.found.values()] == [
        "function k0(z,x0,n){for(let i=0;i<n;i++)z[i]=f(x0[i]*2);}"
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(func $f (i32.frobnicate))", "i32.frobnicate is not known"),
        ("(func $f (local.get $x))", "there is no local \\$x"),
        ("(func $f (call $g))", "call \\$g is not known"),
    ],
)
def test_the_assembler_names_what_it_does_not_know(text: str, message: str) -> None:
    with pytest.raises(CircuitError, match=message):
        assembled(text)


def test_the_assembler_writes_the_format(node: str, tmp_path: Path) -> None:
    """Numbers of every size, branches and calls, run by Node.js."""
    module = assembled(
        "(func $sum (param $n i32) (result i32) (local $s i32) ;; 1 + ... + n\n"
        " (loop $next (local.set $s (i32.add (local.get $s) (local.get $n)))"
        " (local.set $n (i32.add (local.get $n) (i32.const -1))) (br_if $next (local.get $n))) (local.get $s))"
        "(func $big (result i32) (i32.add (call $sum (i32.const 200)) (i32.const -1640531527)))"
        "(func $choice (param $x i32) (result f32) (local $z f32)"
        " (if (local.get $x) (then (local.set $z (f32.const 1.5))) (else (local.set $z (f32.const -inf))))"
        " (local.get $z))"
    )
    path = tmp_path / "run.cjs"
    path.write_text(
        f'const compiled = new WebAssembly.Module(Buffer.from("{b64encode(module).decode()}", "base64"));'
        "const memory = new WebAssembly.Memory({ initial: 1 });"
        "const w = new WebAssembly.Instance(compiled, { m: { memory } }).exports;"
        "console.log([w.sum(4), w.big(), w.choice(1), w.choice(0)].join());"
    )
    done = subprocess.run([node, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"10,{20100 - 1640531527},1.5,-Infinity"

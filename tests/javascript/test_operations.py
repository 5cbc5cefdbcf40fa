"""Every operation in JavaScript gives what it gives in NumPy, in float64 and float32, with fixed and free lengths."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from node import run_all

from backpass.circuit import Circuit, Spec, trace
from backpass.circuit.node import OPERATIONS
from backpass.circuit.operations import where
from backpass.circuit.spec import spec_of
from backpass.engine.javascript import FORMS, WITHOUT_FORM, functions_source, script_of
from backpass.errors import CircuitError
from backpass.network import ACTIVATIONS
from operation_samples import samples_of_operations

NOT_TRACED = {"argument", "constant", "identity"}
EXACT = {"int32": 0.0, "bool": 0.0, "float32": 3e-7, "float64": 2e-15}


def cases_of(dtype: Any) -> list[tuple[str, Circuit, tuple[np.ndarray[Any, Any], ...]]]:
    """A circuit and its arguments for every sample, once with fixed and once with free lengths."""
    found = []
    for sample in samples_of_operations():
        if sample.operation in NOT_TRACED:
            continue
        arrays = tuple(a.astype(dtype) if a.dtype.kind == "f" else a for a in sample.arguments)
        params = {k: np.dtype(dtype) if k == "dtype" and v.kind == "f" else v for k, v in sample.params.items()}
        for is_free in (False, True):
            specs = sample.free_specs if is_free else [spec_of(a) for a in arrays]
            given = sample.free_params if is_free else sample.params
            given = {**given, **({"dtype": params["dtype"]} if "dtype" in params else {})}
            specs = [Spec(spec.shape, a.dtype) for spec, a in zip(specs, arrays, strict=True)]
            if is_free and not any("n" in spec.shape for spec in specs):
                continue  # a free length that no argument has
            operation = OPERATIONS[sample.operation]
            circuit = trace(lambda *values, f=operation, p=given: f(*values, **p), specs)
            found.append((f"{sample}{' free' if is_free else ''}", circuit, arrays))
    return found


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_sample_gives_the_same_numbers(dtype: str, node: str, tmp_path: Path) -> None:
    cases = cases_of(dtype)
    assert {name.split("-")[0] for name, _, _ in cases} == set(OPERATIONS) - NOT_TRACED
    results = run_all([(circuit, arrays) for _, circuit, arrays in cases], tmp_path)
    for (name, circuit, arrays), found in zip(cases, results, strict=True):
        for z, expected in zip(found, circuit.evaluate(arrays), strict=True):
            assert z.shape == expected.shape, name
            tolerance = EXACT.get(expected.dtype.name, 0.0)
            scale = np.abs(expected).max(initial=1.0) if expected.dtype.kind == "f" else 1.0
            np.testing.assert_allclose(z, expected, rtol=0.0, atol=8 * tolerance * scale, err_msg=name)


SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 88.0, -104.0, 1e-8, 3e38])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_special_numbers_are_those_of_numpy(dtype: str, node: str, tmp_path: Path) -> None:
    x = SPECIAL.astype(dtype)
    pairs = [array.ravel() for array in np.meshgrid(x, x)]
    cases, names = [], []
    for name, operation in OPERATIONS.items():
        if not operation.is_elementwise or name in ("cast", "where", "logical_not", "to_unit"):
            continue
        count = len(next(s for s in samples_of_operations() if s.operation == name).arguments)
        arrays = tuple(pairs[:2]) if count == 2 else (x,)
        cases.append((trace(operation, [spec_of(a) for a in arrays]), arrays))
        names.append(name)
    for name, (circuit, arrays), (found,) in zip(names, cases, run_all(cases, tmp_path), strict=True):
        (expected,) = circuit.evaluate(arrays)
        np.testing.assert_allclose(found, expected, rtol=4e-7 if dtype == "float32" else 4e-15, err_msg=name)


def test_activations_and_their_gradients(node: str, tmp_path: Path) -> None:
    from backpass import value_and_grad

    cases = []
    for activation in ACTIVATIONS.values():
        circuit = trace(
            lambda x, f=activation: value_and_grad(lambda v: f(v).sum())(x), [Spec(("n", 3), np.dtype("f4"))]
        )
        cases.append((circuit, (np.linspace(-4.0, 4.0, 21).astype("f4").reshape(7, 3),)))
    for (circuit, arrays), found in zip(cases, run_all(cases, tmp_path), strict=True):
        for z, expected in zip(found, circuit.evaluate(arrays), strict=True):
            np.testing.assert_allclose(z, expected, rtol=1e-5, atol=2e-6)


def test_scripts_are_deterministic() -> None:
    def texts() -> list[str]:
        return [script_of(circuit).source for _, circuit, _ in cases_of("float32")]

    assert texts() == texts()


def test_every_operation_has_a_form_or_a_reason() -> None:
    assert set(OPERATIONS) == {*FORMS, *WITHOUT_FORM}
    assert not set(FORMS) & set(WITHOUT_FORM)


def test_an_operation_without_a_form_is_named() -> None:
    from backpass.circuit import Array, row_rules
    from backpass.circuit.operation import operation

    known = dict(OPERATIONS)
    try:

        @operation(shape=lambda x: x, rows=row_rules.mixed, dx=None)
        def cumulate(x: Array) -> Array:
            return x.cumsum(axis=0)

        with pytest.raises(CircuitError, match=r"'cumulate' has no form in JavaScript: none is declared"):
            script_of(trace(cumulate, [("n", 2)]))
    finally:
        OPERATIONS.clear()
        OPERATIONS.update(known)


def test_a_dtype_without_typed_array_is_refused() -> None:
    with pytest.raises(CircuitError, match="no typed array of float16"):
        script_of(trace(lambda x: x + x, [Spec(("n",), np.dtype("f2"))]))


def test_loops_are_merged_only_where_no_round_reads_another_one(node: str, tmp_path: Path) -> None:
    """Reversed, shifted and transposed reads of what the loop before has written."""
    functions: list[Any] = [
        lambda x: ((y := x + 1.0), y[::-1] * 2.0, y[:, ::-1] + y),
        lambda x: ((y := x * x), y.T + 1.0, y.sum(axis=0) * y),
        lambda x: ((y := x * 2.0), (z := y - 1.0), y * z + y, z[1:] - z[:-1]),
    ]
    x = np.arange(9.0).reshape(3, 3)
    cases = [(trace(f, [Spec((3, 3), np.dtype(float))]), (x,)) for f in functions]
    cases.append((trace(functions[1], [Spec(("n", "n"), np.dtype(float))]), (x,)))
    loops = [script_of(circuit).source.count("for(let i=") for circuit, _ in cases]
    assert loops == [2, 3, 2, 3]
    for (circuit, arrays), found in zip(cases, run_all(cases, tmp_path), strict=True):
        for z, expected in zip(found, circuit.evaluate(arrays), strict=True):
            np.testing.assert_array_equal(z, expected)


def test_outputs_are_buffers_of_their_own(node: str, tmp_path: Path) -> None:
    """An input, a view of it, one buffer twice, a constant."""
    circuit = trace(lambda x: (x, x.T, (y := x + 1.0), y, np.ones(2)), [("n", 2)])
    x = np.arange(6.0).reshape(3, 2)
    (found,) = run_all([(circuit, (x,))], tmp_path)
    for z, expected in zip(found, (x, x.T, x + 1.0, x + 1.0, np.ones(2)), strict=True):
        np.testing.assert_array_equal(z, expected)


def test_hostile_names_of_lengths_are_data(node: str, tmp_path: Path) -> None:
    circuit = trace(lambda x: x + 1.0, [Spec(('"];throw 1;//', 2), np.dtype(float))])
    (found,) = run_all([(circuit, (np.zeros((3, 2)),))], tmp_path)
    np.testing.assert_array_equal(found[0], np.ones((3, 2)))


def test_functions_are_compact() -> None:
    whole = functions_source({name for form in () for name in form} | {"mm", "philox", "erf", "power", "remainder"})
    assert len(whole) < 3000
    assert "  " not in whole
    assert "//" not in whole


def test_buffers_that_one_round_writes_and_reads_are_variables(node: str, tmp_path: Path) -> None:
    """Values of every type, and none that another round reads, that is returned, or that a later loop needs."""

    def function(x: Any, k: Any) -> Any:
        low, y = x < 0.0, where(x < 0.0, 0.1, x * 1.5)
        whole = k * 2 + 1
        other = y + 1.0
        return y * y + low * 2.0 - y, (whole * whole - k) * low, other * other[:, ::-1]

    x = np.array([[-1.5, 2.0, np.nan], [0.0, 3.0, -4.0]], np.float32)
    arrays = (x, np.array([[1, -2, 3], [4, 5, 2**30]], np.int32))
    circuit = trace(function, [spec_of(each) for each in arrays])
    source = script_of(circuit).source
    assert "{const t0=" in source
    for z, expected in zip(run_all([(circuit, arrays)], tmp_path)[0], circuit.evaluate(arrays), strict=True):
        np.testing.assert_allclose(z, expected, rtol=1e-6)
    assert re.findall(r"(t\d+)\[[^=]*\]=", source) == re.findall(r"(t\d+)=", source.partition("return(")[0])

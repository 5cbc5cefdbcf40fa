"""Every operation is complete: each room that needs something for it has it, or says why not.

An operation is declared once (``circuit/operations``) and exported there. The planner needs a rule for it, the core a
kernel, the ONNX export, the JavaScript generator and the JAX engine a form. Without them nothing fails at first:
circuits run on the slow engine, and models cannot be exported. Therefore this test names every place where an operation
is missing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy
import pytest

from backpass.circuit import Array, Spec, operations, row_rules, trace
from backpass.circuit.node import OPERATIONS
from backpass.circuit.operation import elementwise, operation
from backpass.circuit.primitive import Primitive
from backpass.engine import ENGINES
from backpass.engine.javascript.forms import FORMS as SCRIPT_FORMS
from backpass.engine.javascript.forms import WITHOUT_FORM as WITHOUT_SCRIPT_FORM
from backpass.engine.jax.forms import FORMS as JAX_FORMS
from backpass.engine.jax.forms import WITHOUT_FORM as WITHOUT_JAX_FORM
from backpass.engine.onnx.forms import FORMS, WITHOUT_FORM
from backpass.engine.plan.lowering.rules import RULES, rule_of

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.append(HERE)

PLANNED = {"argument": "the planner makes the inputs of a circuit itself"}
"""Operations without a rule of the planner, and why."""
INTERNAL = {
    "argument": "trace makes the inputs of a circuit",
    "constant": "trace makes it of values that are not traced",
    "identity": "the calculus marks values with it",
    "slice_": "indexing makes it",
    "assemble": "the pullback of indexing makes it",
    "concatenate_": "concatenate, which takes a list, makes it",
    "matmul_": "matmul and @ make it",
}
"""Operations that users do not call by name, and why."""
KERNEL_DTYPES = {"logical_not": ("bool",)}
"""Dtypes of the kernels that an elementwise operation needs, where these are not float32 and float64."""


def kernels() -> set[str]:
    from backpass.engine.native._core import operations

    return set(operations())


def missing_places(one: Primitive, samples: set[str]) -> Iterator[str]:
    """The places where an operation is not yet entered."""
    name = one.name
    if name not in samples:
        yield "sample inputs in tests/circuit/conftest.py"
    if name not in operations.__all__ and name not in INTERNAL:
        yield "its name in circuit/operations/__init__.py"
    if rule_of(one) is None and name not in PLANNED:
        yield "a rule in engine/plan/lowering/rules.py"
    if one.is_elementwise and name not in RULES and "native" in ENGINES:
        for dtype in KERNEL_DTYPES.get(name, ("float32", "float64")):
            if f"{name}.{dtype}" not in kernels():
                yield f"the kernel {name}.{dtype} in engine/native/elementwise.hpp"
    if name not in FORMS and name not in WITHOUT_FORM:
        yield "a form in engine/onnx/forms.py"
    if name not in SCRIPT_FORMS and name not in WITHOUT_SCRIPT_FORM:
        yield "a form in engine/javascript/forms.py"
    if name not in JAX_FORMS and name not in WITHOUT_JAX_FORM:
        yield "a form in engine/jax/forms.py"


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_place_knows_the_operation(name: str, sampled: set[str]) -> None:
    missing = list(missing_places(OPERATIONS[name], sampled))
    assert not missing, f"the operation {name!r} lacks {', '.join(missing)}"


def wrong_dtypes(one: Primitive) -> Iterator[str]:
    """What an elementwise operation declares about dtypes and does not do."""
    narrow, wide = (Spec((3,), numpy.dtype(each)) for each in ("float32", "float64"))
    count = len(one.arguments)
    is_truth = one.shape(*[narrow] * count).dtype == bool
    if one.is_comparison != (is_truth and count == 2):
        yield "is_comparison"
    mixed = [one.shape(*[wide if i == j else narrow for j in range(count)]).dtype for i in range(count)]
    if not is_truth and {i for i, dtype in enumerate(mixed) if dtype == numpy.float32} != one.own_dtype:
        yield "own_dtype"


PARAMETER_DTYPES = ("cast", "to_unit")
"""Elementwise operations of which the dtype of the output is a parameter."""


@pytest.mark.parametrize(
    "name", sorted({n for n, each in OPERATIONS.items() if each.is_elementwise} - {*PARAMETER_DTYPES})
)
def test_the_dtypes_are_as_declared(name: str) -> None:
    assert list(wrong_dtypes(OPERATIONS[name])) == []


def test_truth_values_are_compared_by_every_engine() -> None:
    x, y = numpy.array([True, True, False]), numpy.array([True, False, True])
    for function in (operations.equal, operations.greater, operations.greater_equal):
        circuit = trace(function, [x, y])
        for make in ENGINES.values():
            numpy.testing.assert_array_equal(make(None).run(circuit, x, y)[0], function(x, y))


def test_every_exception_is_one() -> None:
    """Whatever is excused is an operation, and lacks what it is excused from."""
    for place, excused in (
        (FORMS, WITHOUT_FORM),
        (SCRIPT_FORMS, WITHOUT_SCRIPT_FORM),
        (JAX_FORMS, WITHOUT_JAX_FORM),
        (RULES, PLANNED),
    ):
        assert set(excused) <= set(OPERATIONS)
        assert not set(excused) & set(place)
        assert all(excused.values())
    assert set(INTERNAL) <= set(OPERATIONS) - {*operations.__all__}
    for entered in (FORMS, JAX_FORMS, RULES, SCRIPT_FORMS):
        assert set(entered) <= set(OPERATIONS)


@pytest.fixture
def planted() -> Iterator[Mapping[str, Primitive]]:
    """Operations that are declared, two of them wrongly, and entered nowhere else."""
    known = dict(OPERATIONS)

    @elementwise(dx=lambda dz, z, x: dz * 3.0 * x * x)
    def cube(x: Array) -> Array:
        return x * x * x

    @operation(shape=lambda x: x, rows=row_rules.mixed, dx=None)
    def cumulate(x: Array) -> Array:
        return x.cumsum(axis=0)

    @elementwise(dcondition=None, dx=None)
    def masked(condition: Array, x: Array) -> Array:
        return numpy.where(condition, x, numpy.zeros((), x.dtype))

    @elementwise(dx=None, dy=None)
    def differs(x: Array, y: Array) -> Array:
        return numpy.not_equal(x, y)

    yield {"cube": cube, "cumulate": cumulate, "masked": masked, "differs": differs}
    OPERATIONS.clear()
    OPERATIONS.update(known)


def test_a_planted_operation_is_told_where_it_lacks_something(
    planted: Mapping[str, Primitive], sampled: set[str]
) -> None:
    found = {name: list(missing_places(one, sampled)) for name, one in planted.items()}
    sample, export, form, script, jax = (
        "sample inputs in tests/circuit/conftest.py",
        "its name in circuit/operations/__init__.py",
        "a form in engine/onnx/forms.py",
        "a form in engine/javascript/forms.py",
        "a form in engine/jax/forms.py",
    )
    kernel = [f"the kernel cube.{dtype} in engine/native/elementwise.hpp" for dtype in ("float32", "float64")]
    assert found["cube"] == [sample, export, *(kernel if "native" in ENGINES else []), form, script, jax]
    assert found["cumulate"] == [sample, export, "a rule in engine/plan/lowering/rules.py", form, script, jax]


def test_an_operation_says_how_it_treats_rows() -> None:
    declare: Any = operation
    with pytest.raises(TypeError, match="rows"):
        declare(shape=lambda x: x, dx=None)


@pytest.fixture(scope="module")
def sampled() -> set[str]:
    """The operations that the circuit's own tests have sample inputs for."""
    from operation_samples import samples_of_operations

    return {sample.operation for sample in samples_of_operations()}


def test_a_planted_operation_is_told_what_it_declares_wrongly(planted: Mapping[str, Primitive]) -> None:
    found = {name: list(wrong_dtypes(planted[name])) for name in ("cube", "masked", "differs")}
    assert found == {"cube": [], "masked": ["own_dtype"], "differs": ["is_comparison"]}

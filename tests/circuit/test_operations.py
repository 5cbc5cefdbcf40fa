"""The list of operations is the test: every declared operation, on every kind of shape, keeps every promise."""
# ruff: noqa: N802  the notes call the loss J

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy
import pytest

from backpass.circuit import Spec, check_gradient, grad, trace
from backpass.circuit.gradient import THEOREM_3_1_CONSTANT, vjp
from backpass.circuit.node import OPERATIONS
from backpass.circuit.operation import elementwise
from backpass.circuit.operations import power

FREE_OF_CHARGE = {"argument", "constant", "identity", "stop_gradient", "reshape", "transpose"}


def as_real(z: Any) -> Any:
    return z if z.dtype.kind == "f" else z.astype(numpy.float64)


def weighted_sum(sample: Any) -> Any:
    """A real-valued J made of an operation's output, in which every element has its own weight."""

    def J(*arguments: Any) -> Any:
        z = as_real(sample(*arguments))
        weights = numpy.cos(numpy.arange(numpy.prod(z.shape)) + 1.0).reshape(z.shape)
        return (z * weights).sum()

    return J


def test_every_operation_has_samples(samples: list[Any]) -> None:
    assert {sample.operation for sample in samples} == set(OPERATIONS)


def test_an_operation_without_samples_would_be_noticed(samples: list[Any]) -> None:
    @elementwise(dx=lambda dz, z, x: dz)
    def unheard_of(x: Any) -> Any:
        return x

    assert {sample.operation for sample in samples} != set(OPERATIONS)


def test_gradient_is_the_slope(smooth: Any) -> None:
    report = check_gradient(lambda *a: as_real(smooth(*a)), *smooth.arguments)
    assert report.ok
    assert not report.kinks


def test_second_derivative_is_the_slope_of_the_gradient(smooth: Any) -> None:
    assert check_gradient(grad(weighted_sum(smooth), smooth.floats), *smooth.arguments).ok


@pytest.mark.parametrize("dtype", [numpy.float64, numpy.float32])
def test_gradient_has_the_shape_and_dtype_of_its_argument(sample: Any, dtype: Any) -> None:
    if not sample.floats:
        return
    arguments = [a.astype(dtype) if a.dtype.kind == "f" else a for a in sample.arguments]
    gradients = grad(weighted_sum(sample), sample.floats)(*arguments)
    for i, gradient in zip(sample.floats, gradients, strict=True):
        assert gradient.shape == arguments[i].shape
        assert gradient.dtype == dtype


def test_float32_stays_float32(smooth: Any) -> None:
    specs = [Spec(a.shape, numpy.dtype("f4") if a.dtype.kind == "f" else a.dtype) for a in smooth.arguments]
    params = {k: numpy.dtype("f4") if v == numpy.float64 else v for k, v in smooth.params.items()}

    def J(*arguments: Any) -> Any:
        return OPERATIONS[smooth.operation](*arguments, **params).astype(numpy.float32).sum()

    circuit = trace(grad(J, smooth.floats), specs)
    assert numpy.float64 not in {node.spec.dtype.type for node in circuit.nodes}


def test_inputs_are_not_changed(sample: Any) -> None:
    before = [a.copy() for a in sample.arguments]
    if sample.arguments:
        sample(*sample.arguments)
        if sample.floats:
            grad(weighted_sum(sample), sample.floats)(*sample.arguments)
    for argument, copy in zip(sample.arguments, before, strict=True):
        numpy.testing.assert_array_equal(argument, copy)


def test_traced_equals_eager_and_the_shape_rule_holds(sample: Any) -> None:
    if not sample.arguments:
        return
    eager = numpy.asarray(sample(*sample.arguments))
    cases = [([Spec(a.shape, a.dtype) for a in sample.arguments], sample.params)]
    if any("n" in spec.shape for spec in sample.free_specs):
        cases.append((sample.free_specs, sample.free_params))
    for specs, params in cases:
        circuit = trace(lambda *a, params=params: OPERATIONS[sample.operation](*a, **params), specs)
        result = circuit.evaluate(sample.arguments)[0]
        spec = circuit.nodes[circuit.outputs[0]].spec
        assert spec.dtype == result.dtype == eager.dtype
        assert tuple(5 if d == "n" else d for d in spec.shape) == result.shape == eager.shape
        numpy.testing.assert_array_equal(result, eager)


@pytest.mark.parametrize("dtype", [numpy.int8, numpy.int32, numpy.int64])
@pytest.mark.parametrize("name", ["exp", "sigmoid", "softplus", "erf", "sum", "max", "logsumexp", "absolute", "relu"])
def test_dtype_of_whole_numbers_is_foretold(name: str, dtype: Any) -> None:
    whole = numpy.array([1, 0, 1], dtype=dtype)
    circuit = trace(OPERATIONS[name], [Spec((3,), whole.dtype)])
    assert circuit.nodes[circuit.outputs[0]].spec.dtype == circuit(whole).dtype


def test_a_sum_of_comparisons_counts() -> None:
    circuit = trace(lambda x: (x > 0.0).sum(), [("n",)])
    assert circuit([1.0, -1.0, 2.0]) == 2
    assert circuit.nodes[circuit.outputs[0]].spec.dtype == numpy.int64


def test_plain_numbers_take_on_the_dtype_beside_them() -> None:
    single = numpy.ones(3, dtype=numpy.float32)
    circuit = trace(lambda x: OPERATIONS["where"](x > 0.0, 2.0, x * 3) ** 2.0, [Spec((3,), single.dtype)])
    assert circuit(single).dtype == numpy.float32
    assert power(single, 2.0).dtype == OPERATIONS["maximum"](0.0, single).dtype == numpy.float32


# Size in scalar operations (Theorem 3.1) ----------------------------------------------------------------------------


def backward(sample: Any, arguments: Any) -> Any:
    """One operation and its pullbacks for given dz, as a circuit."""
    z = numpy.asarray(sample(*arguments))

    def run(values: tuple[Any, ...], dz: Any) -> Any:
        result = sample(*values)
        return result, *vjp([result], [dz], [values[i] for i in sample.floats])

    return trace(run, [tuple(arguments), z])


def test_size_is_positive_where_something_is_computed(sample: Any) -> None:
    if sample.arguments:
        specs = [Spec(a.shape, a.dtype) for a in sample.arguments]
        output = numpy.asarray(sample(*sample.arguments))
        size = OPERATIONS[sample.operation].count(specs, Spec(output.shape, output.dtype), {})
        if sample.operation in FREE_OF_CHARGE:
            assert size == 0
        elif output.size > 0 and sample.arguments[0].size > 0:
            assert size > 0


def test_theorem_3_1_holds_for_every_operation(smooth: Any) -> None:
    arguments = smooth.arguments
    if smooth(*arguments).dtype.kind != "f" or not smooth(*arguments).size or not all(a.size for a in arguments):
        return
    size = trace(smooth, list(arguments)).size()
    viewed = smooth(*arguments).size if smooth.operation in FREE_OF_CHARGE else 0
    added_up = sum(arguments[i].size for i in smooth.floats)  # each result is added to what came by other paths
    assert backward(smooth, arguments).size() + added_up <= THEOREM_3_1_CONSTANT * (size + viewed)


def test_the_constant_of_theorem_3_1_is_no_larger_than_power_needs(samples: list[Any]) -> None:
    mixed = [numpy.full((2, 2), 1.5, dtype=numpy.float32), numpy.full((2, 2), 0.5)]
    sample = next(s for s in samples if s.operation == "power")
    size = backward(sample, mixed).size() + sum(a.size for a in mixed)
    # One more addition per element, where what came by slices meets what came by takes.
    assert size / 4 + 1 == THEOREM_3_1_CONSTANT


def test_samples_cover_the_shapes_that_break_things(samples: list[Any]) -> None:
    shapes: dict[str, set[Any]] = defaultdict(set)
    for sample in samples:
        shapes[sample.operation] |= {("empty" if a.size == 0 else a.ndim) for a in sample.arguments}
    two_or_more = {name for name, kinds in shapes.items() if "empty" in kinds and 2 in kinds}
    assert len(two_or_more) >= 30

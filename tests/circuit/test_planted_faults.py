"""A wrong derivative must be caught, and the wrong element named; a right one, and a kink, must pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import pytest

from backpass.circuit import check_gradient, grad
from backpass.circuit.node import OPERATIONS
from backpass.circuit.operation import Operation, elementwise, operation, sum_to
from backpass.circuit.operations import broadcast_to, max, relu, scatter_add, where
from backpass.circuit.operations.product import matmul_
from backpass.circuit.operations.shaping import swap_last
from backpass.circuit.primitive import Array
from backpass.circuit.row_rules import mixed
from backpass.circuit.spec import Spec
from backpass.errors import GradientError

POINT = numpy.array([[0.5, -1.0, 2.0], [1.5, -0.25, 0.75]])


def refused(f: Any, *arguments: Any) -> str:
    with pytest.raises(GradientError) as caught:
        check_gradient(f, *arguments)
    return str(caught.value)


@pytest.mark.parametrize(("slope", "is_right"), [(2.0, True), (2.001, False), (1.999, False), (-2.0, False)])
def test_a_factor(slope: float, is_right: bool) -> None:
    @elementwise(dx=lambda dz, z, x: dz * slope)
    def doubled(x: Array) -> Array:
        return 2.0 * x

    if is_right:
        assert check_gradient(doubled, POINT).ok
    else:
        message = refused(doubled, POINT)
        assert "6 of 36 elements of the gradient are wrong" in message
        assert f"d f[0][0] / d x[0][0]: gradient {slope:.9g}, difference quotient " in message


def test_the_smallest_fault_that_matters() -> None:
    """Just outside 1e-7 (1 + |f|) + 1e-6 |gradient|, and just inside."""

    def with_slope(slope: float) -> Any:
        @elementwise(dx=lambda dz, z, x: dz * slope)
        def linear(x: Array) -> Array:
            return x * 1.0

        return linear

    at_zero = numpy.zeros(1)
    assert check_gradient(with_slope(1.0 + 0.9e-6), at_zero).ok
    assert "1 of 1" in refused(with_slope(1.0 + 1.3e-6), at_zero)


def test_a_sign_in_one_element() -> None:
    signs = numpy.where(numpy.arange(6).reshape(2, 3) == 4, -1.0, 1.0)

    @elementwise(dx=lambda dz, z, x: dz * 2.0 * x * signs)
    def squared(x: Array) -> Array:
        return x * x

    message = refused(squared, POINT)
    assert "1 of 36 elements" in message
    assert "d f[1][1] / d x[1][1]: gradient 0.5, difference quotient -0.5" in message


def product_with(dW: Any) -> Callable[[Callable[[Array, Array], Array]], Operation[[Array, Array]]]:
    return operation(
        shape=OPERATIONS["matmul_"].shape,
        rows=OPERATIONS["matmul_"].rows,
        dx=lambda dz, z, x, W: matmul_(dz, swap_last(W)),
        dW=dW,
    )


def test_a_transposed_dW() -> None:  # noqa: N802  the notes' name
    @product_with(dW=lambda dz, z, x, W: swap_last(matmul_(swap_last(x), dz)))
    def product(x: Array, W: Array) -> Array:
        return x @ W

    square, other = numpy.array([[1.0, 2.0], [3.0, 5.0]]), numpy.array([[0.5, -1.0], [2.0, 1.0]])
    assert "d f[0][0] / d W[" in refused(lambda x, W: product(x, W), square, other)
    # Where the matrix is not square, the rule of shapes catches it before any number is compared.
    assert "dW must have the shape of its argument, [3, 2]" in refused(product, POINT, numpy.ones((3, 2)))


def test_a_right_product_passes() -> None:
    @product_with(dW=lambda dz, z, x, W: matmul_(swap_last(x), dz))
    def product(x: Array, W: Array) -> Array:
        return x @ W

    assert check_gradient(product, POINT, numpy.ones((3, 2))).ok


def test_a_missing_sum_over_the_batch() -> None:
    def shape(x: Spec, b: Spec) -> Spec:
        return x

    @operation(shape=shape, rows=mixed, dx=lambda dz, z, x, b: dz, db=lambda dz, z, x, b: dz)
    def shifted(x: Array, b: Array) -> Array:
        return x + b

    assert "db must have the shape of its argument, [3]" in refused(shifted, POINT, numpy.ones(3))

    @operation(shape=shape, rows=mixed, dx=lambda dz, z, x, b: dz, db=lambda dz, z, x, b: dz[0])
    def shifted_by_first_row(x: Array, b: Array) -> Array:
        return x + b

    message = refused(shifted_by_first_row, POINT, numpy.ones(3))
    assert "d f[1][0] / d b[0]: gradient 0, difference quotient 1" in message

    @operation(shape=shape, rows=mixed, dx=lambda dz, z, x, b: dz, db=lambda dz, z, x, b: dz.sum(axis=0))
    def shifted_rightly(x: Array, b: Array) -> Array:
        return x + b

    assert check_gradient(shifted_rightly, POINT, numpy.ones(3)).ok


def test_a_wrong_index_in_scatter() -> None:
    def rule(dz: Array, z: Array, x: Array, indices: Array, *, axis: int) -> Array:
        return scatter_add(dz, where(indices == 2, 1, indices), axis=axis, length=x.shape[axis])

    @operation(shape=OPERATIONS["take"].shape, rows=mixed, dx=rule, dindices=None)
    def taken(x: Array, indices: Array, *, axis: int) -> Array:
        return numpy.take(x, indices, axis=axis)

    message = refused(lambda x, i: taken(x, i, axis=0), numpy.array([1.0, 2.0, 3.0]), numpy.array([0, 2, 2]))
    assert "4 of 9 elements" in message
    assert "d f[1] / d x[1]: gradient 1, difference quotient 0" in message
    assert "d f[2] / d x[2]: gradient 0, difference quotient 1" in message


def test_a_forgotten_path() -> None:
    @elementwise(dx=lambda dz, z, x, y: dz * y, dy=None)
    def product(x: Array, y: Array) -> Array:
        return x * y

    assert "d x[0][0]" in refused(lambda x: product(x, x), POINT)


def test_a_wrong_second_derivative() -> None:
    """The first derivative is right at the point; the pullback's own derivative is not."""

    @elementwise(dx=lambda dz, z, x: dz * (2.0 * OPERATIONS["stop_gradient"](x)))
    def squared(x: Array) -> Array:
        return x * x

    assert check_gradient(squared, POINT).ok
    assert "difference quotient 2" in refused(grad(lambda x: squared(x).sum()), POINT)


def test_a_gradient_that_is_not_a_number() -> None:
    @elementwise(dx=lambda dz, z, x: dz * numpy.nan)
    def same(x: Array) -> Array:
        return x * 1.0

    assert "gradient nan" in refused(same, numpy.ones(1))


# Kinks --------------------------------------------------------------------------------------------------------------

KINKS: dict[str, tuple[Callable[..., Any], Any]] = {
    "relu": (relu, numpy.array([0.0, 1.0])),
    "absolute": (OPERATIONS["absolute"], numpy.array([0.0, 1.0])),
    "maximum": (lambda x: OPERATIONS["maximum"](x, 1.0), numpy.array([1.0, 2.0])),
    "max": (lambda x: max(x, axis=0)[None], numpy.array([3.0, 3.0])),
}


@pytest.mark.parametrize("name", KINKS)
def test_a_kink_is_reported_and_not_failed(name: str) -> None:
    f, at = KINKS[name]
    report = check_gradient(f, at)
    assert report.ok
    assert report.wrong == ()
    assert {kink.index for kink in report.kinks} == ({(0,)} if name != "max" else {(0,), (1,)})


@pytest.mark.parametrize("distance", [3e-6, 1e-4, 1e-2])
@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_a_fault_beside_a_kink_is_caught(distance: float, side: float) -> None:
    @elementwise(dx=lambda dz, z, x: where(x >= 0.0, dz * 1.001, dz * 0.001))
    def rectified(x: Array) -> Array:
        return numpy.maximum(x, 0.0)

    message = refused(rectified, numpy.array([side * distance]))
    assert "1 of 1 elements" in message


@pytest.mark.parametrize("distance", [3e-6, 1e-4])
def test_a_right_gradient_beside_a_kink_passes(distance: float) -> None:
    report = check_gradient(relu, numpy.array([distance, -distance]))
    assert report.ok
    assert report.kinks == ()


def test_a_kink_does_not_hide_a_fault_elsewhere() -> None:
    @elementwise(dx=lambda dz, z, x: where(x >= 0.0, dz * 2.001, 0.0))
    def twice_rectified(x: Array) -> Array:
        return numpy.maximum(2.0 * x, 0.0)

    report = check_gradient(twice_rectified, numpy.array([0.0, 1.0]), raise_error=False)
    assert [kink.index for kink in report.kinks] == [(0,)]
    assert [wrong.index for wrong in report.wrong] == [(1,)]


# The rules of declaration -------------------------------------------------------------------------------------------


def test_every_argument_needs_its_pullback() -> None:
    with pytest.raises(TypeError, match=r"operation 'f': expected pullbacks \['dx', 'dy'\]; got \['dx'\]"):

        @operation(shape=lambda x, y: x, rows=mixed, dx=lambda dz, z, x, y: dz)
        def f(x: Array, y: Array) -> Array:
            return x


def test_a_pullback_of_the_wrong_shape_is_named() -> None:
    @operation(shape=lambda x: Spec((), x.dtype), rows=mixed, dx=lambda dz, z, x: broadcast_to(dz, shape=(7,)))
    def total(x: Array) -> Array:
        return x.sum()

    with pytest.raises(GradientError, match=r"the pullback of 'total' for argument 0 has shape \[7\]; dx must have"):
        check_gradient(total, POINT)


def test_sum_to_undoes_broadcasting() -> None:
    dz = numpy.arange(12.0).reshape(2, 3, 2)
    for shape in [(2, 3, 2), (3, 2), (1, 2), (2, 1, 2), (3, 1), (1,), ()]:
        found = sum_to(dz, numpy.zeros(shape, dtype=numpy.float32))
        assert found.shape == shape
        assert found.dtype == numpy.float32
        assert found.sum() == dz.sum()

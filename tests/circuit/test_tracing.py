"""From a Python function to a circuit: arguments of any form, free lengths, circuits inside circuits, labels."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import numpy
import pytest

from backpass.circuit import Circuit, Spec, Traced, grad, gradient, label, operations, trace, value_and_grad


def names_of(circuit: Circuit) -> list[str]:
    return [node.operation.name for _, node in circuit.operations]


@pytest.mark.parametrize("n", [0, 1, 4])
def test_a_free_length_is_bound_when_the_circuit_runs(n: int) -> None:
    f = lambda x, w: operations.softmax(x.reshape(-1, 3) @ w, axis=-1)
    circuit = trace(f, [("n", 3), (3, 2)])
    x, w = numpy.ones((n, 3)), numpy.ones((3, 2))
    numpy.testing.assert_allclose(circuit(x, w), numpy.full((n, 2), 0.5))
    assert circuit.size(n=n) == n * circuit.size(n=1)


def test_two_free_lengths() -> None:
    circuit = trace(lambda x, y: (x[:, None] * y[None]).sum(axis=0), [("n",), ("m",)])
    numpy.testing.assert_array_equal(circuit([1.0, 2.0], [1.0, 10.0, 100.0]), [3.0, 30.0, 300.0])


def test_gradient_with_a_free_length() -> None:
    circuit = gradient(trace(lambda w, x: operations.relu(x @ w).sum(), [(3,), ("n", 3)]))
    for n in (1, 5):
        numpy.testing.assert_array_equal(circuit(numpy.ones(3), numpy.ones((n, 3))), [n, n, n])


def test_arguments_may_be_nested() -> None:
    def f(theta: Any, batch: Any) -> Any:
        return {"out": batch[0] @ theta["W"] + theta["b"], "pair": [theta["b"], (batch[1],)]}

    circuit = trace(f, [{"W": (3, 2), "b": (2,)}, [("n", 3), ("n",)]])
    assert circuit.input_names == ("theta.W", "theta.b", "batch.0", "batch.1")
    theta = {"W": numpy.ones((3, 2)), "b": numpy.array([1.0, 2.0])}
    result = circuit(theta, [numpy.ones((4, 3)), numpy.zeros(4)])
    numpy.testing.assert_array_equal(result["out"], numpy.tile([4.0, 5.0], (4, 1)))
    numpy.testing.assert_array_equal(result["pair"][0], theta["b"])
    assert isinstance(result["pair"][1], tuple)


def test_gradient_has_the_structure_of_the_argument() -> None:
    theta = {"W": numpy.ones((2, 2)), "b": [numpy.zeros(2), (numpy.array(3.0),)]}
    dtheta = grad(lambda t: (t["W"].sum() + t["b"][0].sum()) * t["b"][1][0])(theta)
    numpy.testing.assert_array_equal(dtheta["W"], numpy.full((2, 2), 3.0))
    numpy.testing.assert_array_equal(dtheta["b"][0], [3.0, 3.0])
    assert dtheta["b"][1][0] == 4.0


def test_lists_of_numbers_are_arrays_where_arrays_are_expected() -> None:
    circuit = trace(lambda w, x: x @ w, [(2,), ("n", 2)])
    numpy.testing.assert_array_equal(circuit([1.0, 2.0], [[1.0, 1.0], [0.0, 1.0]]), [3.0, 2.0])
    assert trace(lambda x: x[0] + x[1], [[(), ()]])([1.0, 2.0]) == 3.0


def test_specs_and_arrays_give_their_dtype() -> None:
    circuit = trace(lambda x, i: x[i], [numpy.ones(3, dtype=numpy.float32), Spec(("n",), numpy.dtype(numpy.int64))])
    assert circuit.inputs == (Spec((3,), numpy.dtype("f4")), Spec(("n",), numpy.dtype("i8")))
    assert circuit(numpy.arange(3.0), [2, 0, 2]).dtype == numpy.float32


def test_outputs_can_be_written_to() -> None:
    dw = grad(lambda w: w.sum())(numpy.ones(3))
    dw *= 2.0
    numpy.testing.assert_array_equal(dw, [2.0, 2.0, 2.0])
    constant = numpy.arange(3.0)
    circuit = trace(lambda x: (x, constant), [()])
    circuit(1.0)[1][0] = 7.0
    assert circuit(1.0)[1][0] == 0.0


def test_a_constant_is_a_copy() -> None:
    table = numpy.ones(3)
    circuit = trace(lambda x: x * table, [(3,)])
    table[:] = 5.0
    numpy.testing.assert_array_equal(circuit(numpy.ones(3)), [1.0, 1.0, 1.0])


def test_equal_scalars_share_one_constant_and_fold() -> None:
    circuit = trace(lambda x: (x * 2.0 + 2.0) * (x + 2.0) * numpy.sqrt(2.0 * 2.0), [()])
    assert names_of(circuit).count("constant") == 1
    assert circuit(1.0) == 4.0 * 3.0 * 2.0


def test_what_no_output_needs_is_left_out() -> None:
    def f(x: Any, y: Any) -> Any:
        numpy.exp(x * y)
        return x + 1.0

    circuit = trace(f, [(), ()])
    assert names_of(circuit) == ["constant", "add"]
    assert len(circuit.inputs) == 2


def test_values_die_after_their_last_use() -> None:
    circuit = trace(lambda x: numpy.exp(numpy.sin(x)) + x, [(3,)])
    dead = [i for dying in circuit.last_uses for i in dying]
    assert sorted(dead) == [i for i in range(len(circuit.nodes)) if i not in circuit.outputs]


def test_a_function_returning_its_argument() -> None:
    circuit = trace(lambda x: (x, x, 1.0), [(2,)])
    first, second, one = circuit([1.0, 2.0])
    numpy.testing.assert_array_equal(first, second)
    assert one == 1.0


def test_numpy_functions_accept_traced_values() -> None:
    def f(x: Any) -> Any:
        y = numpy.where(x > 0.0, numpy.maximum(x, 0.5), numpy.abs(x)) + numpy.clip(x, -0.2, 0.2)
        return numpy.sum(numpy.concatenate([y, numpy.square(y)], axis=-1), axis=-1) + numpy.mean(y, axis=1) / 2.0

    x = numpy.random.default_rng(0).normal(size=(4, 3))
    numpy.testing.assert_allclose(trace(f, [("n", 3)])(x), f(x), rtol=1e-14)


INDEXES: list[Any] = [
    0, -1, slice(1, 3), slice(None, None, -1), slice(3, 0, -2), slice(2, 2), (slice(None), 1), (..., 0), (1, ...),
    (None, 2), (slice(None), None, slice(0, 2)), (numpy.int64(1), -2), numpy.array([3, 0, 0]), [1, 2], ...,
    numpy.array([[0, 1], [2, -1]]),
]  # fmt: skip


@pytest.mark.parametrize("index", INDEXES, ids=repr)
def test_indexing_is_numpys(index: Any) -> None:
    x = numpy.arange(20.0).reshape(4, 5)
    numpy.testing.assert_array_equal(trace(lambda x: x[index], [(4, 5)])(x), x[index])
    dx = grad(lambda x: (x[index] * x[index]).sum())(x)
    counts = numpy.zeros_like(x)
    numpy.add.at(counts, index, 1.0)
    numpy.testing.assert_array_equal(dx, 2 * x * counts)


# Circuits inside circuits -------------------------------------------------------------------------------------------


def test_a_circuit_called_in_a_trace_continues_it() -> None:
    inner = trace(lambda x, w: numpy.tanh(x @ w), [("n", 3), (3, 2)])
    outer = trace(lambda x, w: (inner(x, w) * 2.0).sum(axis=0), [("rows", 3), (3, 2)])
    x, w = numpy.ones((4, 3)), numpy.full((3, 2), 0.1)
    numpy.testing.assert_allclose(outer(x, w), numpy.full(2, 8 * numpy.tanh(0.3)))
    fixed = trace(lambda w: inner(numpy.ones((4, 3)), w).sum(), [(3, 2)])
    assert fixed(w) == pytest.approx(8 * numpy.tanh(0.3))


def test_inlining_keeps_labels() -> None:
    def layer(x: Any) -> Any:
        with label("layer 1"):
            return numpy.exp(x)

    inner = trace(layer, [()])
    outer = trace(lambda x: grad(inner)(x) * 2.0, [()])
    assert {"layer 1", "gradient of layer 1", ""} == {node.label for _, node in outer.operations}


def test_an_unlabelled_circuit_takes_the_label_around_it() -> None:
    inner = trace(lambda x: numpy.exp(x), [()])

    def around(x: Any) -> Any:
        with label("around"):
            return inner(x)

    assert [node.label for _, node in trace(around, [()]).operations] == ["around"]


def test_labels_nest_and_end() -> None:
    def f(x: Any) -> Any:
        with label("a"):
            x = numpy.exp(x)
            with label("b"):
                x = numpy.sin(x)
            x = numpy.cos(x)
        return numpy.tanh(x)

    assert [node.label for _, node in trace(f, [()]).operations] == ["a", "b", "a", ""]
    with label("outside a trace"):
        assert numpy.exp(0.0) == 1.0


def test_the_whole_gradient_is_labelled_as_gradient() -> None:
    circuit = trace(value_and_grad(lambda x: (numpy.exp(x) * numpy.sin(x) + x).sum()), [(3,)])
    forward = len(trace(lambda x: (numpy.exp(x) * numpy.sin(x) + x).sum(), [(3,)]).nodes)
    labels = [node.label for node in circuit.nodes if node.operation.name != "constant"]
    assert labels[:forward] == [""] * forward
    assert set(labels[forward:]) == {"gradient"}


def test_an_unused_argument_gets_exactly_zero() -> None:
    """Footnote 4 of the notes."""
    dx, dy = grad(lambda x, y: (x * x).sum(), (0, 1))(numpy.ones(2), numpy.array([[numpy.nan, numpy.inf]]))
    numpy.testing.assert_array_equal(dx, [2.0, 2.0])
    numpy.testing.assert_array_equal(dy, [[0.0, 0.0]])
    assert grad(lambda x: 3.0)(1.0) == 0.0
    numpy.testing.assert_array_equal(grad(lambda x: x[1])(numpy.array([numpy.nan, 2.0])), [0.0, 1.0])


def test_stop_gradient_survives_tracing_again() -> None:
    f = trace(lambda x: operations.stop_gradient(x) * x, [()])
    again = trace(lambda x: f(x) + 0.0, [()])
    for g in (f, again, gradient(f), trace(lambda x: grad(again)(x), [()])):
        assert g(3.0) == (9.0 if g in (f, again) else 3.0)


def test_whole_numbers_in_between_stop_the_gradient() -> None:
    dx = grad(lambda x: (numpy.exp(x.astype(int)) + x).sum())(numpy.array([1.5, 2.5]))
    numpy.testing.assert_array_equal(dx, [1.0, 1.0])


# Gradients inside gradients -----------------------------------------------------------------------------------------


def test_perturbations_are_not_confused() -> None:
    """d/dx of x d/dy (x + y): the inner derivative is 1 and does not see that y = x (Siskind & Pearlmutter 2005)."""
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert grad(lambda x: x * grad(lambda y: x * y)(x))(3.0) == 6.0
    assert grad(lambda x: x * grad(lambda y: y * y)(x))(3.0) == 12.0
    assert grad(lambda x: grad(lambda y: x * x * y * y)(x))(2.0) == 24.0


def test_a_number_may_be_the_argument_of_an_inner_gradient() -> None:
    assert trace(lambda x: x * grad(lambda w: w * w * w)(2.0), [()])(1.0) == 12.0
    assert trace(lambda x: x * grad(lambda w: w * 2.0)(2.0), [()])(1.0) == 2.0


def test_third_derivative() -> None:
    assert grad(grad(grad(lambda x: numpy.sin(x) * x)))(0.5) == pytest.approx(
        -3 * numpy.sin(0.5) - 0.5 * numpy.cos(0.5)
    )


def test_gradient_by_one_of_two_names_for_one_value() -> None:
    dx = grad(lambda x: grad(lambda a, b: (a * b * b).sum(), 1)(x, x).sum())(numpy.array([2.0]))
    numpy.testing.assert_array_equal(dx, [8.0])


# Long, and side by side ---------------------------------------------------------------------------------------------


def test_a_chain_of_100_000_operations() -> None:
    length = 100_000

    def chain(x: Any) -> Any:
        for _ in range(length // 2):
            x = (x * 0.5) + 1.0
        return x

    both = trace(value_and_grad(chain), [()])
    assert both(0.25) == (2.0, 0.0)
    assert len(both.nodes) >= length


def test_two_threads_trace_at_once() -> None:
    barrier = Barrier(2)

    def work(seed: int) -> float:
        def f(x: Any) -> Any:
            barrier.wait(timeout=30)
            for k in range(200):
                with label(f"{seed}-{k}"):
                    x = numpy.sin(x) + float(seed)
            assert isinstance(x, Traced)
            return x

        circuit = trace(value_and_grad(f), [()])
        assert all(node.label in ("", "gradient") or f"{seed}-" in node.label for node in circuit.nodes)
        return float(circuit(0.5)[0])

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(work, [1, 2]))
    for seed, value in zip([1, 2], found, strict=True):
        x = 0.5
        for _ in range(200):
            x = numpy.sin(x) + seed
        assert value == x


def test_a_failed_trace_leaves_nothing_behind() -> None:
    with pytest.raises(ZeroDivisionError):
        trace(lambda x: 1 / 0, [()])
    assert grad(lambda x: x * x)(3.0) == 6.0


# The circuit as text ------------------------------------------------------------------------------------------------


def test_listing() -> None:
    def f(x: Any, w: Any) -> Any:
        with label("layer 1"):
            return (x @ w)[:, 1:3] * 2.0

    assert str(trace(f, [("n", 3), (3, 4)])).splitlines() == [
        "f(x: float64[n, 3], w: float64[3, 4])",
        "  -- layer 1",
        "  %2 = matmul(x, w)   float64[n, 4]",
        "  %3 = slice(%2, ranges=[:, 1:3])   float64[n, 2]",
        "  %4 = 2   float64[]",
        "  %5 = multiply(%3, %4)   float64[n, 2]",
        "  return %5",
    ]


def test_counts() -> None:
    circuit = trace(lambda x, W, b: operations.relu(operations.affine(x, W, b)) > 0.0, [("n", 3), (3, 2), (2,)])
    assert circuit.size(n=10) == 10 * 2 * (2 * 3 + 1 + 1)
    assert circuit.flops(n=10) == 10 * 2 * (2 * 3 + 1)
    assert circuit.bytes_moved(n=1) == 8 * (3 + 6 + 2 + 2) + 8 * (2 + 2) + (8 * 2 + 8 + 2)

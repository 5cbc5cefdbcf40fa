"""Verification: the graphs of real steps hold after every pass, and a pass that breaks one is caught at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy
import pytest
from planner_checks import bounds_of, verified

from backpass.circuit import Spec, grad, trace
from backpass.circuit import operations as ops
from backpass.engine.plan import plan_circuit, plan_step, planner
from backpass.engine.plan.graph import Graph, Unit
from backpass.engine.plan.lowering import lower
from backpass.engine.plan.passes import PASSES, Pass
from backpass.engine.plan.passes.aliasing import alias_buffers
from backpass.engine.plan.passes.fusion import EPILOGUES, fuse_units
from backpass.engine.plan.passes.peephole import fuse_peepholes
from backpass.engine.plan.passes.recomputation import recompute
from backpass.engine.plan.passes.schedule import schedule_units
from backpass.engine.plan.passes.sharding import specialize
from backpass.engine.plan.placement import Placement
from backpass.engine.plan.request import Request
from backpass.engine.plan.symbolic import SymbolicLengths
from backpass.engine.plan.term import Term, TermKind, View
from backpass.engine.plan.verification import InvalidGraphError, verify

SINGLE = numpy.dtype(numpy.float32)
OPTIONS: dict[str, dict[str, Any]] = {
    "relu": {},
    "mish, dropout": {"activation": "mish", "dropout": 0.25, "optimizer": "adamw", "weight_decay": 0.1},
    "classes": {"activation": "selu", "loss": "cross_entropy", "outputs": 3, "max_grad_norm": 1.0},
    "float64": {"dtype": numpy.float64},
    "wide": {"hidden": (128, 96), "inputs": 40},
    "no hidden layer": {"hidden": ()},
}


@pytest.mark.parametrize("bf16", [False, True])
@pytest.mark.parametrize("shards", [0, 1, 3])
@pytest.mark.parametrize("name", OPTIONS)
def test_steps_hold_after_every_pass(
    name: str, shards: int, bf16: bool, dense: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shards:
        monkeypatch.setattr(planner, "shard_bounds", bounds_of(shards))
    assert plan_step(dense(batch_size=90, **OPTIONS[name]).step, 90, bf16=bf16).instructions


def test_operations_hold_after_every_pass(sample: Any) -> None:
    for dtype in (numpy.float32, numpy.float64):
        specs = [Spec(s.shape, numpy.dtype(dtype) if s.dtype.kind == "f" else s.dtype) for s in sample.free_specs]
        call = replace(sample, params=sample.free_params)
        plan_circuit(trace(lambda *a, call=call: call(*a), specs), {"n": 5})


# Planted faults ------------------------------------------------------------------------------------------------------


def step_function(x: Any, W: Any, b: Any, V: Any, E: Any) -> Any:
    """Products, a concatenation, reductions, a ReLU with its slope, and a table of rows."""
    wide = numpy.concatenate([ops.tanh(x), ops.relu(ops.affine(x, W, b))], axis=1)
    rows = ops.take(E, numpy.array([0, 1, 0, 2, 1]), axis=0)
    return ((wide @ V) * rows).max(axis=1).sum() + (wide * wide).sum()


SPECS = [Spec(shape, SINGLE) for shape in ((5, 3), (3, 4), (4,), (7, 2), (3, 2))]
CIRCUIT = trace(grad(step_function, (1, 2, 3, 4)), SPECS)
REQUEST = Request(SymbolicLengths({}))


def graph_after(last: Pass | None) -> Graph:
    graph = lower(CIRCUIT, {})
    for one in PASSES[: PASSES.index(last) + 1] if last else ():
        graph = one(graph, REQUEST)
    verify(graph)
    return graph


def changed(graph: Graph, number: int, **values: Any) -> Graph:
    """One term changed, and its readers with it."""
    term = next(term for term in graph.terms if term.number == number)
    return graph.rewritten({number: replace(term, **values)})


def some(graph: Graph, is_wanted: Callable[[Term], bool]) -> Term:
    return next(term for term in graph.terms if is_wanted(term))


def of_kind(graph: Graph, kind: TermKind) -> Term:
    return some(graph, lambda term: term.kind is kind)


def loses_a_term(graph: Graph) -> Graph:
    return replace(graph, terms=graph.terms[:3] + graph.terms[4:])


def swaps_two_terms(graph: Graph) -> Graph:
    i = next(i for i, term in enumerate(graph.terms) if any(v.term is graph.terms[i - 1] for v in term.arguments))
    terms = list(graph.terms)
    terms[i - 1 : i + 1] = terms[i], terms[i - 1]
    return replace(graph, terms=tuple(terms))


def changes_a_term_but_not_its_readers(graph: Graph) -> Graph:
    maps = of_kind(graph, TermKind.MAP)
    return replace(graph, terms=tuple(replace(t, label="new") if t is maps else t for t in graph.terms))


def keeps_a_dead_term(graph: Graph) -> Graph:
    dead = replace(of_kind(graph, TermKind.MAP), number=graph.next_number)
    return replace(graph, terms=(*graph.terms, dead))


def gives_a_number_twice(graph: Graph) -> Graph:
    return replace(graph, terms=(*graph.terms, replace(graph.terms[-1])))


def reads_beyond_the_end(graph: Graph) -> Graph:
    term = some(graph, lambda t: t.kind is TermKind.MAP and bool(t.shape) and t.arguments[0].term.size > 1)
    x = term.arguments[0]
    moved = View(x.term, x.offset + x.term.size, x.shape, x.strides)
    return changed(graph, term.number, arguments=(moved, *term.arguments[1:]))


def reads_another_shape(graph: Graph) -> Graph:
    term = of_kind(graph, TermKind.PRODUCT)
    return changed(graph, term.number, arguments=(term.arguments[0].transposed((1, 0)), *term.arguments[1:]))


def reads_another_dtype(graph: Graph) -> Graph:
    term = some(graph, lambda t: t.name == "multiply.float32")
    return changed(graph, term.number, name="multiply.float64")


def shows_a_stale_output(graph: Graph) -> Graph:
    view = graph.outputs[0]
    return replace(graph, outputs=(view.of(replace(view.term, label="old")), *graph.outputs[1:]))


def forgets_a_piece(graph: Graph) -> Graph:
    within = dict(graph.placement.within)
    del within[next(iter(within))]
    return replace(graph, placement=Placement(within, graph.placement.output))


def lays_pieces_over_each_other(graph: Graph) -> Graph:
    within = dict(graph.placement.within)
    array = next(t for t in graph.terms if t.kind is TermKind.ASSEMBLE)
    first, second = (v.term.number for v in array.arguments[-2:])
    whole, storage = within[second]
    within[second] = (whole, replace(storage, offset=within[first][1].offset))
    return replace(graph, placement=Placement(within, graph.placement.output))


def moves_a_piece_outside(graph: Graph) -> Graph:
    within = dict(graph.placement.within)
    number, (whole, storage) = next(iter(within.items()))
    within[number] = (whole, replace(storage, offset=10_000))
    return replace(graph, placement=Placement(within, graph.placement.output))


def stores_an_input_as_output(graph: Graph) -> Graph:
    return replace(graph, placement=Placement(graph.placement.within, {graph.inputs[0].number: 0}))


def with_units(graph: Graph, units: Sequence[Unit]) -> Graph:
    return replace(graph, units=tuple(units))


def loses_a_unit(graph: Graph) -> Graph:
    return with_units(graph, graph.units[:-1])


def repeats_a_unit(graph: Graph) -> Graph:
    return with_units(graph, (*graph.units, graph.units[-1]))


def reverses_the_units(graph: Graph) -> Graph:
    return with_units(graph, graph.units[::-1])


def reverses_a_unit(graph: Graph) -> Graph:
    i = next(i for i, unit in enumerate(graph.units) if unit.first.kind is TermKind.MAP and len(unit.terms) > 2)
    return with_units(graph, (*graph.units[:i], Unit(graph.units[i].terms[::-1]), *graph.units[i + 1 :]))


def joins_units_of_different_shapes(graph: Graph) -> Graph:
    maps = [unit for unit in graph.units if unit.first.kind is TermKind.MAP]
    a = maps[0]
    b = next(unit for unit in maps if unit.first.shape != a.first.shape)
    rest = [unit for unit in graph.units if unit not in (a, b)]
    return with_units(graph, (*rest, Unit((*a.terms, *b.terms))))


def joins_a_product_with_what_follows(graph: Graph) -> Graph:
    at = next(i for i, u in enumerate(graph.units) if u.first.kind is TermKind.PRODUCT and len(u.terms) == 1)
    after = next(unit for unit in graph.units if unit.first.kind is TermKind.MAP and unit.first.name not in EPILOGUES)
    rest = [unit for unit in graph.units if unit not in (graph.units[at], after)]
    return with_units(graph, (*rest, Unit((graph.units[at].first, *after.terms))))


def gives_a_piece_an_epilogue(graph: Graph) -> Graph:
    relu = some(graph, lambda t: t.name.startswith("relu") and t.arguments[0].term.kind is TermKind.PRODUCT)
    product = relu.arguments[0].term
    rest = [unit for unit in graph.units if relu not in unit.terms and product not in unit.terms]
    return with_units(graph, (*rest, Unit((product, relu))))


FAULTS: list[tuple[Pass | None, Callable[[Graph], Graph], str]] = [
    (None, loses_a_term, "which is not defined before it"),
    (None, shows_a_stale_output, "which the graph does not have"),
    (None, gives_a_number_twice, "two terms have the number"),
    (fuse_peepholes, swaps_two_terms, "which is not defined before it"),
    (fuse_peepholes, changes_a_term_but_not_its_readers, "which is not defined before it"),
    (fuse_peepholes, keeps_a_dead_term, "no output needs"),
    (fuse_peepholes, reads_another_dtype, "reads dtypes"),
    (specialize, reads_beyond_the_end, "reads outside"),
    (specialize, reads_another_shape, "reads shapes"),
    (alias_buffers, forgets_a_piece, "is not stored in"),
    (alias_buffers, lays_pieces_over_each_other, "overlap"),
    (alias_buffers, moves_a_piece_outside, "reaches outside"),
    (alias_buffers, stores_an_input_as_output, "is not the whole of"),
    (fuse_units, loses_a_unit, "is in no unit"),
    (fuse_units, repeats_a_unit, "is in two units"),
    (fuse_units, reverses_a_unit, "which it needs"),
    (fuse_units, joins_units_of_different_shapes, "is in one unit with"),
    (fuse_units, joins_a_product_with_what_follows, "is no epilogue of"),
    (fuse_units, gives_a_piece_an_epilogue, "which an epilogue cannot write"),
    (schedule_units, reverses_the_units, "which it needs"),
    (recompute, loses_a_unit, "is in no unit"),
]


@pytest.mark.parametrize(("last", "fault", "said"), FAULTS, ids=[fault.__name__ for _, fault, _ in FAULTS])
def test_a_planted_fault_is_found(last: Pass | None, fault: Callable[[Graph], Graph], said: str) -> None:
    with pytest.raises(InvalidGraphError, match=said):
        verify(fault(graph_after(last)))


def test_a_shard_that_reads_another_is_found(dense: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def mixes_shards(graph: Graph, request: Request) -> Graph:
        graph = specialize(graph, request)
        term = some(graph, lambda t: t.shard == 1 and t.kind is TermKind.MAP and t.arguments[0].term.shard == 1)
        other = some(graph, lambda t: t.shard == 0 and t.shape == term.arguments[0].term.shape)
        return changed(graph, term.number, arguments=(term.arguments[0].of(other), *term.arguments[1:]))

    planted = [verified(mixes_shards if one is specialize else one) for one in PASSES]
    monkeypatch.setattr(planner, "PASSES", planted)
    with pytest.raises(InvalidGraphError, match=r"after mixes_shards: .* of shard 1 needs .* of shard 0"):
        plan_step(dense(batch_size=96).step, 96)


def test_the_background_comes_first() -> None:
    """Zeros that are written after a piece would erase it."""
    circuit = trace(grad(lambda x: (x[1:3] * x[1:3]).sum() + x[6]), [Spec((9,), SINGLE)])
    graph = lower(circuit, {})
    for one in PASSES[: PASSES.index(alias_buffers) + 1]:
        graph = one(graph, REQUEST)
    verify(graph)
    piece = some(graph, lambda t: bool(t.after))
    with pytest.raises(InvalidGraphError, match="may be overwritten by the background"):
        verify(changed(graph, piece.number, after=()))


def test_passes_change_nothing_that_they_are_given(dense: Any) -> None:
    """Each returns a new graph: the old one still holds, with the same terms."""
    step = dense(activation="mish", dropout=0.25, batch_size=96).step
    given: list[tuple[Graph, list[Any]]] = []

    def kept(one: Pass) -> Pass:
        def run(graph: Graph, request: Request) -> Graph:
            given.append((graph, facts_of(graph)))
            return one(graph, request)

        return run

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planner, "PASSES", [kept(one) for one in PASSES])
        plan_step(step, 96)
    assert len(given) == len(PASSES)
    for graph, facts in given:
        verify(graph)
        assert facts_of(graph) == facts


def facts_of(graph: Graph) -> list[Any]:
    terms = [
        (t.number, t.name, [v.key for v in t.arguments], t.shape, t.shard, [other.number for other in t.after])
        for t in graph.terms
    ]
    return [terms, [view.key for view in graph.outputs], [[t.number for t in unit.terms] for unit in graph.units]]

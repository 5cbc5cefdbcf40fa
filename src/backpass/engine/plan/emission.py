"""Emission: turns each unit of terms into one instruction, once the storage of every term is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from backpass.engine.plan.aliasing import Storage
from backpass.engine.plan.bf16_packing import Pack
from backpass.engine.plan.fusion import Unit
from backpass.engine.plan.graph import Term, View
from backpass.engine.plan.instruction import Instruction, Map, MapStep, Operand, Product, Random, Reduce, Scatter, Take
from backpass.engine.plan.strides import merged

Where = Callable[[Term], Storage]


def operand_of(view: View, where: Where) -> Operand:
    """The operand for a view, from the storage of its term."""
    storage = where(view.term)
    walked = storage.walk(view)
    assert walked is not None, "placement keeps every reader in mind"
    offset, strides = walked
    return Operand(storage.buffer, offset, view.term.dtype, strides, name_of(view.term))


def name_of(term: Term) -> str:
    """The name of a term in listings."""
    if term.kind == "input":
        return term.name
    if term.kind == "constant":
        value = term.params["value"]
        return f"{value.item():g}" if value.size == 1 else f"constant{list(value.shape)}"
    return f"%{term.number}"


def emit(unit: Unit, where: Where, is_stored: Callable[[Term], bool]) -> Instruction:
    """The instruction that computes a unit."""
    if unit.is_map:
        return _map(unit, where, is_stored)
    term = unit.first
    if term.kind == "product":
        return _product(unit, where, is_stored)
    if term.kind == "pack":
        return _pack(term, where)
    if term.kind in ("sum", "max"):
        return _reduce(term, where)
    if term.kind == "random_bits":
        key, step = (operand_of(view, where) for view in term.arguments)
        purpose, first = term.params["purpose"], term.params.get("first", 0)
        return Random(term.label, purpose, first, term.size, key, step, _packed(term.whole, where))
    return _lookup(term, where)


def _with(operand: Operand, strides: Sequence[int]) -> Operand:
    return Operand(operand.buffer, operand.offset, operand.dtype, tuple(strides), operand.name)


def _packed(view: View, where: Where) -> Operand:
    """An operand that is read element by element, in order."""
    return _with(operand_of(view, where), (1,))


def _map(unit: Unit, where: Where, is_stored: Callable[[Term], bool]) -> Map:
    inside = {term.number for term in unit.terms}
    views: dict[tuple[object, ...], View] = {}
    for term in unit.terms:
        for view in term.arguments:
            if view.term.number not in inside:
                views.setdefault(view.key, view)
    stored = [term for term in unit.terms if is_stored(term)]
    inputs = [operand_of(view, where) for view in views.values()]
    outputs = [operand_of(term.whole, where) for term in stored]
    runs = merged(unit.first.shape, [operand.strides for operand in (*inputs, *outputs)])
    inputs = [_with(operand, [strides[i] for _, strides in runs]) for i, operand in enumerate(inputs)]
    outputs = [_with(operand, [strides[len(inputs) + i] for _, strides in runs]) for i, operand in enumerate(outputs)]
    steps, registers, held = _steps(unit, {key: i for i, key in enumerate(views)}, {term.number for term in stored})
    return Map(
        unit.terms[-1].label,
        tuple(length for length, _ in runs),
        tuple(inputs),
        tuple((operand, held[term.number]) for operand, term in zip(outputs, stored, strict=True)),
        steps,
        registers,
    )


def _steps(
    unit: Unit, inputs: dict[tuple[object, ...], int], stored: set[int]
) -> tuple[tuple[MapStep, ...], int, dict[int, int]]:
    """The elementwise program of a unit, the number of registers, and the register that holds each term at the end.

    A register is reused once its value is dead. The register of a stored term is not reused, because the core may map
    it to the memory of the output.
    """
    last: dict[int, int] = {}
    for i, term in enumerate(unit.terms):
        for view in term.arguments:
            last[view.term.number] = i
    held: dict[int, int] = {}
    free: list[int] = []
    registers = len(inputs)
    steps = []
    for i, term in enumerate(unit.terms):
        arguments = tuple(
            held[view.term.number] if view.term.number in held else inputs[view.key] for view in term.arguments
        )
        if free and term.number not in stored:
            out = free.pop()
        else:
            out, registers = registers, registers + 1
        held[term.number] = out
        steps.append(MapStep(term.name, out, arguments))
        spent = {view.term.number for view in term.arguments if last[view.term.number] == i}
        free += [held[number] for number in sorted(spent) if number in held and number not in stored]
    return tuple(steps), registers, held


def _product(unit: Unit, where: Where, is_stored: Callable[[Term], bool]) -> Product:
    term = unit.first
    a, b, *bias = term.arguments
    m, n = term.shape[-2:]
    row = None
    if bias:
        found = operand_of(bias[0], where)
        row = _with(found, (*found.strides[:-1], 0, found.strides[-1]))
    c, epilogue, beside = term.whole, "", None
    if len(unit.terms) > 1:
        # The epilogue "relu" stores both c and max(c, 0), because something else reads c; the others store one of them.
        then = unit.terms[1]
        epilogue = then.name.removesuffix(".float32")
        if epilogue == "relu" and not is_stored(term):
            c, epilogue = _as(then.whole, term), "relu_alone"
        elif epilogue == "relu":
            beside = operand_of(_as(then.whole, term), where)
        elif epilogue == "relu_with_sign":
            c = _as(then.whole, term)
        else:
            c, beside = _as(then.whole, term), operand_of(_as(then.arguments[0], term), where)
    return Product(
        term.label,
        term.shape[:-2],
        m,
        n,
        a.term.params["k"] if a.term.kind == "pack" else a.shape[-1],
        term.params["is_narrow"],
        operand_of(a, where),
        operand_of(b, where),
        operand_of(c, where),
        row,
        epilogue,
        beside,
    )


def _pack(term: Term, where: Where) -> Pack:
    x = term.arguments[0]
    k, n = x.shape
    return Pack(term.label, k, n, term.params["panel"], operand_of(x, where), operand_of(term.whole, where))


def _as(view: View, term: Term) -> View:
    """A packed view with the axes of another term of the same size."""
    found = view.reshaped(term.shape)
    assert found is not None
    return found


def _reduce(term: Term, where: Where) -> Reduce:
    view, split = term.arguments[0], term.params["split"]
    x, y = operand_of(view, where), operand_of(term.whole, where)
    kept = merged(view.shape[:split], (x.strides[:split], y.strides))
    gone = merged(view.shape[split:], (x.strides[split:],))
    # The core expects up to three kept and two reduced axes; the padding of reduced axes goes between the two groups.
    reduced = [0] * (2 - len(gone)) + [strides[0] for _, strides in gone]
    return Reduce(
        term.label,
        term.kind,
        tuple(length for length, _ in kept),
        tuple(length for length, _ in gone),
        _with(x, [*(strides[0] for _, strides in kept), *reduced]),
        _with(y, [*(strides[1] for _, strides in kept), 0, 0]),
        term.params["over_row"],
    )


def _lookup(term: Term, where: Where) -> Take:
    source, indices = term.arguments
    axis, adds = term.params["axis"], term.kind == "scatter_add"
    table = term.shape if adds else source.shape
    after = source.shape[axis + len(indices.shape) :] if adds else source.shape[axis + 1 :]
    return (Scatter if adds else Take)(
        term.label,
        prod(table[:axis]),
        table[axis],
        indices.size,
        prod(after),
        _packed(source, where),
        _packed(indices, where),
        _packed(term.whole, where),
    )

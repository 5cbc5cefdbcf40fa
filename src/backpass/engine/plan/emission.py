"""Emission: turns each unit of terms into one instruction, once the storage of every term is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod

from backpass.dataclass import dataclass
from backpass.engine.plan.builder import reshaped
from backpass.engine.plan.graph import Unit
from backpass.engine.plan.instructions import (
    Instruction,
    Map,
    MapStep,
    Operand,
    Pack,
    Product,
    Random,
    Reduce,
    Scatter,
    Take,
)
from backpass.engine.plan.placement import Storage
from backpass.engine.plan.strides import Lengths, merged
from backpass.engine.plan.term import Term, TermKind, View


@dataclass(frozen=True, slots=True)
class Memory:
    """The memory of all values.

    Attributes:
        storages: number of a term -> its storage; values that exist in registers only have none.
    """

    storages: Mapping[int, Storage]

    def is_stored(self, term: Term) -> bool:
        return term.number in self.storages

    def operand(self, view: View) -> Operand:
        """The operand for a view, from the storage of its term."""
        storage = self.storages[view.term.number]
        walked = storage.walk(view)
        assert walked is not None, "aliasing takes every reader into account"
        offset, strides = walked
        return Operand(storage.buffer, offset, view.term.dtype, strides, name_of(view.term))

    def flat(self, view: View) -> Operand:
        """The operand for a view that is read element by element, in order."""
        return _with(self.operand(view), (1,))


def name_of(term: Term) -> str:
    """The name of a term in listings."""
    if term.kind is TermKind.INPUT:
        return term.name
    if term.kind is TermKind.CONSTANT:
        value = term.params["value"]
        return f"{value.item():g}" if value.size == 1 else f"constant{list(value.shape)}"
    return f"%{term.number}"


def emit(unit: Unit, memory: Memory) -> Instruction:
    """The instruction that computes a unit."""
    return _EMITTERS[unit.first.kind](unit, memory)


def _with(operand: Operand, strides: Sequence[int]) -> Operand:
    return Operand(operand.buffer, operand.offset, operand.dtype, tuple(strides), operand.name)


def _map(unit: Unit, memory: Memory) -> Map:
    inside = {term.number for term in unit.terms}
    views: dict[tuple[object, ...], View] = {}
    for term in unit.terms:
        for view in term.arguments:
            if view.term.number not in inside:
                views.setdefault(view.key, view)
    stored = [term for term in unit.terms if memory.is_stored(term)]
    inputs = [memory.operand(view) for view in views.values()]
    outputs = [memory.operand(term.whole) for term in stored]
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


def _product(unit: Unit, memory: Memory) -> Product:
    term = unit.first
    a, b, *biases = term.arguments
    m, n = term.shape[-2:]
    bias = None
    if biases:
        row = memory.operand(biases[0])
        bias = _with(row, (*row.strides[:-1], 0, row.strides[-1]))
    c, epilogue, aux = term.whole, "", None
    if len(unit.terms) > 1:
        # The epilogue "relu" stores both c and max(c, 0), because something else reads c; the others store one of them.
        then = unit.terms[1]
        epilogue = then.name.removesuffix(".float32")
        if epilogue == "relu" and not memory.is_stored(term):
            c, epilogue = reshaped(then.whole, term.shape), "relu_alone"
        elif epilogue == "relu":
            aux = memory.operand(reshaped(then.whole, term.shape))
        elif epilogue == "relu_with_sign":
            c = reshaped(then.whole, term.shape)
        else:
            c = reshaped(then.whole, term.shape)
            aux = memory.operand(reshaped(then.arguments[0], term.shape))
    return Product(
        term.label,
        term.shape[:-2],
        m,
        n,
        a.term.params["k"] if a.term.kind is TermKind.PACK else a.shape[-1],
        term.params["is_narrow"],
        memory.operand(a),
        memory.operand(b),
        memory.operand(c),
        bias,
        epilogue,
        aux,
    )


def _pack(unit: Unit, memory: Memory) -> Pack:
    term = unit.first
    x = term.arguments[0]
    k, n = x.shape
    return Pack(term.label, k, n, term.params["panel"], memory.operand(x), memory.operand(term.whole))


def _reduce(unit: Unit, memory: Memory) -> Reduce:
    term = unit.first
    view, split = term.arguments[0], term.params["split"]
    x, y = memory.operand(view), memory.operand(term.whole)
    kept = merged(view.shape[:split], (x.strides[:split], y.strides))
    gone = merged(view.shape[split:], (x.strides[split:],))
    # The core expects up to three kept and two reduced axes; the padding of reduced axes goes between the two groups.
    reduced = [0] * (2 - len(gone)) + [strides[0] for _, strides in gone]
    return Reduce(
        term.label,
        term.kind.value,
        tuple(length for length, _ in kept),
        tuple(length for length, _ in gone),
        _with(x, [*(strides[0] for _, strides in kept), *reduced]),
        _with(y, [*(strides[1] for _, strides in kept), 0, 0]),
        term.params["over_row"],
    )


def _take(unit: Unit, memory: Memory) -> Take:
    term = unit.first
    source, axis = term.arguments[0], term.params["axis"]
    return _rows_by_index(Take, term, source.shape, source.shape[axis + 1 :], memory)


def _scatter(unit: Unit, memory: Memory) -> Take:
    term = unit.first
    source, indices = term.arguments
    after = source.shape[term.params["axis"] + len(indices.shape) :]
    return _rows_by_index(Scatter, term, term.shape, after, memory)


def _rows_by_index(form: type[Take], term: Term, table: Lengths, row: Lengths, memory: Memory) -> Take:
    """Rows of these lengths, moved from or to a table by their indices."""
    (source, indices), axis = term.arguments, term.params["axis"]
    return form(
        term.label,
        prod(table[:axis]),
        table[axis],
        indices.size,
        prod(row),
        memory.flat(source),
        memory.flat(indices),
        memory.flat(term.whole),
    )


def _random(unit: Unit, memory: Memory) -> Random:
    term = unit.first
    key, step = (memory.operand(view) for view in term.arguments)
    purpose, first = term.params["purpose"], term.params.get("first", 0)
    return Random(term.label, purpose, first, term.size, key, step, memory.flat(term.whole))


_EMITTERS: Mapping[TermKind, Callable[[Unit, Memory], Instruction]] = {
    TermKind.MAP: _map,
    TermKind.PRODUCT: _product,
    TermKind.SUM: _reduce,
    TermKind.MAX: _reduce,
    TermKind.TAKE: _take,
    TermKind.SCATTER_ADD: _scatter,
    TermKind.RANDOM_BITS: _random,
    TermKind.PACK: _pack,
}
"""How the unit of each kind of computed term becomes an instruction."""

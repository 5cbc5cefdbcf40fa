"""The anatomy of a network: its layers and its counts of neurons and parameters, by the formulas of CS229.

Functions take a network or a model and return lines of text, or plain data for ``--json``. Pictures of networks are
made in ``backpass.reporting.pictures.scene``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

from backpass.cli.text import aligned
from backpass.dataclass import dataclass
from backpass.model import Model
from backpass.model.anatomy.layer_costs import ROWS, LayerCost, layer_costs
from backpass.model.anatomy.neuron import neuron_of
from backpass.model.anatomy.wired import Equation, Term, are_in_units, equations_of
from backpass.network import Dropout, Network, Wired
from backpass.table.messages import counted, shown


@dataclass(frozen=True, slots=True)
class Row:
    """One layer.

    Attributes:
        number: k, the layer's number in the notes; empty for a layer without neurons.
        kind: The layer type.
        inputs: The number of inputs.
        outputs: The number of outputs.
        detail: The dropout rate, or the activation; empty for other layers.
        arrays: Name and shape of each parameter array.
        parameters: The number of parameters.
    """

    number: str
    kind: str
    inputs: int
    outputs: int
    detail: str
    arrays: tuple[tuple[str, tuple[int, ...]], ...]
    parameters: int


def rows(network: Network) -> list[Row]:
    """Return the layers in order."""
    found = []
    for number, layer, width in network.numbered():
        parameters = layer.parameters(width, number)
        detail = f"{layer.rate:g}" if isinstance(layer, Dropout) else str(getattr(layer, "activation", ""))
        arrays = tuple((parameter.name, parameter.shape) for parameter in parameters)
        total = sum(parameter.size for parameter in parameters)
        found.append(Row(number if layer.neurons else "", layer.kind, width, layer.width(width), detail, arrays, total))
    return found


def layer_lines(network: Network) -> list[str]:
    """Return one line per layer: ``1  dense  8 -> 256  relu  W1 (8, 256), b1 (256)``"""
    cells = [_cells(row) for row in rows(network)]
    widths = [max(len(row[j]) for row in cells) for j in range(len(cells[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def _cells(row: Row) -> list[str]:
    arrays = f"{counted(row.outputs, 'unit')}, listed below"
    if row.kind != Wired.kind:
        arrays = ", ".join(f"{name} ({', '.join(map(str, shape))})" for name, shape in row.arrays)
    arrow = f"{row.inputs} -> {row.outputs}" if row.number or row.inputs != row.outputs else ""
    return [row.number, row.kind.replace("_", " "), arrow, row.detail, arrays]


def unit_lines(model: Model) -> Iterator[str]:
    """Yield a line for each wired unit, and for the output on them, with theta_1, theta_2, ...    CS229 (2.3)"""
    for each in equations_of(model):
        yield _written(model, each, lambda term: f"theta_{term.theta}")


def value_lines(model: Model) -> Iterator[str]:
    """Yield the lines of ``unit_lines`` with the values of theta."""
    for each in equations_of(model):
        yield _written(model, each, lambda term: f"{term.value:.6g}")
    if equations_of(model):
        units = "columns and of the target" if are_in_units(model) else "scaled inputs and of the scaled target"
        yield f"in the units of the {units}"


def _written(model: Model, equation: Equation, coefficient: Callable[[Term], str]) -> str:
    """One equation: ``price = relu(theta_1 size + theta_2)``"""
    left = shown(equation.unit)[1:-1] if equation.unit else _output_name(model)
    total = " + ".join(" ".join(filter(None, (coefficient(term), shown(term.input)[1:-1]))) for term in equation.terms)
    total = total.replace("+ -", "- ")
    return f"{left} = {total if equation.activation == 'identity' else f'{equation.activation}({total})'}"


def _output_name(model: Model) -> str:
    target = shown(model.target)[1:-1]
    return f"logit P({target} = {shown(model.classes[1])[1:-1]})" if model.classes else target


def equation_lines(model: Model) -> Iterator[str]:
    """Yield h(x) of a model that is one neuron, with w and b in the units of the columns and of the target."""
    neuron = neuron_of(model)
    if neuron is None:
        return
    target, names = shown(model.target)[1:-1], [shown(name)[1:-1] for name in neuron.weights]
    forms = {"identity": "w x + b", "relu": "max(w x + b, 0)"}
    form = forms.get(neuron.activation, f"{neuron.activation}(w x + b)")
    factor = "" if neuron.factor == 1.0 else f"{neuron.factor:.6g} "
    left = f"P({target} = {shown(model.classes[1])[1:-1]})" if model.classes else target
    yield f"{left} = {factor}{form}"
    width = max(map(len, names))
    for name, w in zip(names, neuron.weights.values(), strict=True):
        yield f"w  {name:<{width}}  {w:.6g}"
    yield f"b  {'':<{width}}  {neuron.bias:.6g}"
    if neuron.kink is not None:
        yield f"the kink is at {names[0]} = -b/w = {neuron.kink:.6g}"


def equation(model: Model) -> dict[str, Any] | None:
    """Return the neuron as plain data for ``--json``; None if the model is not one neuron."""
    neuron = neuron_of(model)
    return None if neuron is None else {**asdict(neuron), "kink": neuron.kink}


def wired(model: Model) -> list[dict[str, Any]]:
    """Return the equations of wired units as plain data for ``--json``."""
    return [asdict(each) for each in equations_of(model)]


def neurons_line(network: Network) -> str:
    """m_1 + ... + m_r    CS229, after eq. (2.13)"""
    terms = " + ".join(map(str, network.widths))
    return f"{terms} = {network.neuron_count:,}" if len(network.widths) > 1 else f"{network.neuron_count:,}"


def parameters_line(network: Network) -> str:
    """(d+1) m_1 + (m_1+1) m_2 + ...    CS229, after eq. (2.13)

    A wired layer has one weight per wire and one bias per unit. The parameters of a layer without neurons (embeddings,
    scale factors) form one term.
    """
    terms = [_term(row) if row.number else f"{row.parameters:,}" for row in rows(network) if row.parameters]
    return f"{' + '.join(terms)} = {network.parameter_count:,}"


def _term(row: Row) -> str:
    if row.kind == Wired.kind:
        return " + ".join(f"({shape[0]}+1)" for name, shape in row.arrays if name.startswith("W"))
    return f"({row.inputs}+1) {row.outputs}"


def facts(network: Network) -> dict[str, Any]:
    """Return the layers as plain data for ``--json``."""
    layers = [
        {
            "kind": row.kind,
            "inputs": row.inputs,
            "outputs": row.outputs,
            ("rate" if row.kind == Dropout.kind else "activation"): row.detail,
            "arrays": {name: list(shape) for name, shape in row.arrays},
            "parameters": row.parameters,
        }
        for row in rows(network)
    ]
    return {"layers": layers, "neurons": network.neuron_count, "linear": network.is_linear}


def cost_lines(model: Model) -> list[str]:
    """Return a table of the layers with their sum and the share of each in the time."""
    costs = layer_costs(model)
    total = sum(each.forward_seconds + each.backward_seconds for each in costs)
    rows = [["layer", "flops forward", "backward", "microseconds forward", "backward", "share of the time"]]
    for each in [*costs, _sum(costs)]:
        share = (each.forward_seconds + each.backward_seconds) / total if total else 0.0
        rows.append(
            [
                each.layer,
                f"{each.forward_flops:,.0f}",
                f"{each.backward_flops:,.0f}",
                f"{1e6 * each.forward_seconds:.3g}",
                f"{1e6 * each.backward_seconds:.3g}",
                f"{share:.0%}",
            ]
        )
    which = "one of the networks, " if model.theta.ndim > 1 else ""
    return [*aligned(rows), f"per row; {which}{ROWS:,} rows at once, NumPy, operation by operation"]


def _sum(costs: list[LayerCost]) -> LayerCost:
    return LayerCost(
        "all layers",
        sum(each.forward_flops for each in costs),
        sum(each.backward_flops for each in costs),
        sum(each.forward_seconds for each in costs),
        sum(each.backward_seconds for each in costs),
    )


def cost_facts(model: Model) -> dict[str, Any]:
    """Return the table as plain data for ``--json``."""
    return {"rows": ROWS, "engine": "numpy", "layers": [asdict(each) for each in layer_costs(model)]}

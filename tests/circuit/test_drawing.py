"""The drawing of a circuit: valid XML in which every operation appears once, whatever its names are."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import numpy
import pytest

from backpass.circuit import Circuit, operations, trace, value_and_grad
from backpass.circuit.drawing.graph import draw

SVG = "{http://www.w3.org/2000/svg}"


def two_layers(W1: Any, b1: Any, W2: Any, b2: Any, x: Any, y: Any) -> Any:
    hidden = operations.relu(operations.affine(x, W1, b1))
    return 0.5 * ((operations.affine(hidden, W2, b2) - y) ** 2).sum()


SHAPES = [(4, 8), (8,), (8, 1), (1,), ("n", 4), ("n", 1)]
CIRCUITS = {
    "forward": trace(two_layers, SHAPES),
    "gradient": trace(value_and_grad(two_layers, (0, 1, 2, 3)), SHAPES),
    "identity": trace(lambda x: x, [()]),
    "constant": trace(lambda x: 3.0, [()]),
    "no inputs": trace(lambda: numpy.ones(3), []),
    "two outputs": trace(lambda x: (x + 1.0, [x * 2.0, x]), [("n",)]),
}


def boxes(circuit: Circuit) -> dict[int, ElementTree.Element]:
    root = ElementTree.fromstring(draw(circuit))
    return {int(g.attrib["data-node"]): g for g in root.iter(f"{SVG}g")}


def words(box: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in box.iter(f"{SVG}text")]


@pytest.mark.parametrize("name", CIRCUITS)
def test_every_operation_is_drawn_with_its_name_and_shape(name: str) -> None:
    circuit = CIRCUITS[name]
    found = boxes(circuit)
    for i, node in enumerate(circuit.nodes):
        if node.operation.name == "constant" and i not in circuit.outputs:
            assert i not in found
            continue
        title, shape = words(found[i])
        is_input = i < len(circuit.input_names)
        expected = circuit.input_names[i] if is_input else node.operation.name.rstrip("_")
        assert title.startswith(expected) or node.operation.name == "constant"
        assert shape == repr(node.spec)
    assert len(found) <= len(circuit.nodes)


def test_constants_are_written_where_they_are_used() -> None:
    titles = [words(box)[0] for box in boxes(trace(lambda x: numpy.maximum(x * 2.5, numpy.ones(3)), [(3,)])).values()]
    assert titles == ["x", "multiply(·, 2.5)", "maximum(·, [3])"]


def test_parts_have_their_own_class() -> None:
    circuit = CIRCUITS["gradient"]
    for i, box in boxes(circuit).items():
        kinds = box.attrib["class"].split()
        assert ("output" in kinds) == (i in circuit.outputs)
        label = circuit.nodes[i].label
        expected = "input" if i < 6 else "gradient" if label.startswith("gradient") else "forward"
        assert kinds[0] == expected


def test_boxes_do_not_overlap_and_edges_run_to_the_right() -> None:
    root = ElementTree.fromstring(draw(CIRCUITS["gradient"]))
    frames = [
        tuple(float(rect.attrib[key]) for key in ("x", "y", "width", "height"))
        for g in root.iter(f"{SVG}g")
        for rect in g.iter(f"{SVG}rect")
    ]
    for i, (x, y, width, height) in enumerate(frames):
        for other_x, other_y, other_width, other_height in frames[:i]:
            apart = x >= other_x + other_width or other_x >= x + width
            assert apart or y >= other_y + other_height or other_y >= y + height
    for path in root.iter(f"{SVG}path"):
        start, end = path.attrib["d"].split(" C")
        assert float(start[1:].split()[0]) < float(end.split(" H")[0].split()[-2])


def test_names_are_escaped() -> None:
    circuit = trace(lambda x: x * 2.0, [(2,)], names=['<b>&"x"</b>'])
    assert words(boxes(circuit)[0])[0] == '<b>&"x"</b>'
    assert "<b>" not in draw(circuit)
    assert "&lt;lambda&gt;" in draw(circuit)


def test_the_picture_needs_nothing_else_and_suits_light_and_dark() -> None:
    text = draw(CIRCUITS["gradient"])
    assert "prefers-color-scheme: dark" in text
    for outside in ("<script", "href", "url(", "@import"):
        assert outside not in text


def test_the_same_circuit_gives_the_same_text() -> None:
    again = trace(value_and_grad(two_layers, (0, 1, 2, 3)), SHAPES)
    assert draw(again) == draw(CIRCUITS["gradient"])
    assert CIRCUITS["forward"].to_svg() == CIRCUITS["forward"]._repr_svg_() == draw(CIRCUITS["forward"])


@pytest.mark.parametrize("length", [390, 401, 3000])
def test_a_very_large_circuit_is_cut_short_and_says_so(length: int) -> None:
    def chain(x: Any) -> Any:
        for _ in range(length):
            x = numpy.sin(x)
        return x

    text = draw(trace(chain, [(2,)]))
    assert len(boxes(trace(chain, [(2,)]))) == 1 + min(length, 400)
    assert (f"{length - 400} more operations are not shown" in text) == (length > 400)


def test_a_wide_and_a_long_circuit_with_many_wires() -> None:
    def f(x: Any) -> Any:
        values = [x]
        for _ in range(150):
            values.append(numpy.sin(values[-1]))
        return sum(values[1:], values[0])

    assert len(boxes(trace(value_and_grad(lambda x: f(x).sum()), [(3,)]))) == 401

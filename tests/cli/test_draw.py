"""``backpass draw``: networks by file and by size, circuits and gradients, as SVG."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

Run = Callable[..., Any]


def test_a_model_is_drawn_with_its_columns(call: Run, home: Path) -> None:
    done = call("draw", home / "numbers.backpass")
    assert (done.code, done.err) == (0, "")
    root = ElementTree.fromstring(done.out)
    words = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert words[:3] == ["size", "age", "colour"]
    assert "price" in words
    assert "8 relu" in words


def test_sizes_are_drawn_with_their_activation(call: Run, tmp_path: Path) -> None:
    done = call("draw", "3-4-1", "--activation", "tanh", "-o", "n.svg")
    assert (done.code, done.out) == (0, "")
    text = (tmp_path / "n.svg").read_text()
    assert text.count("<circle") == 8
    assert "4 tanh" in text


@pytest.mark.parametrize("what", ["3-4-1", "numbers", "pets", "kinds"])
def test_circuits_and_gradients_are_drawn_with_shapes(call: Run, home: Path, what: str) -> None:
    name = what if what == "3-4-1" else str(home / f"{what}.backpass")
    forward = call("draw", name, "--circuit")
    both = call("draw", name, "--gradient")
    assert (forward.code, both.code) == (0, 0)
    ElementTree.fromstring(forward.out)
    ElementTree.fromstring(both.out)
    assert "affine" in forward.out
    assert "float32[n, " in forward.out
    assert "gradient: dJ/dtheta" in both.out
    assert 'class="gradient' in both.out
    assert 'class="gradient' not in forward.out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("3-0-1",), 2, "a layer has 1 to 100,000 units; got 3-0-1"),
        (("3-4-1", "--activation", "rleu"), 2, "--activation must be one of relu"),
        (("3-4-1", "--json"), 2, "--json and the picture both go to standard output"),
        (("3-4-1", "-o", "n.png"), 2, "n.png: a picture is SVG, so its name must end in .svg\nhint: for example n.svg"),
        (("3-4-1", "-o", "none/n.svg"), 5, "there is no folder none"),
        (("3-x",), 4, "3-x: there is no such file"),
        (("3",), 2, "layer sizes must be two or more whole numbers, such as 8-64-64-1; got 3"),
        (("3,4,1",), 2, "layer sizes must be two or more whole numbers, such as 8-64-64-1; got 3,4,1"),
    ],
)
def test_what_cannot_be_drawn_is_refused(call: Run, arguments: tuple[str, ...], code: int, message: str) -> None:
    done = call("draw", *arguments)
    assert done.code == code
    assert "<svg" not in done.out
    assert message in done.err

"""``backpass draw``: draw the network of a model file, or a network of given layer sizes, as SVG."""

from __future__ import annotations

import os
import re
import sys
from typing import Any

import click
import numpy

from backpass.circuit import Array, Circuit, Spec, grad, trace
from backpass.cli.commands.predict import hand_out
from backpass.cli.console import Console
from backpass.cli.options.declaration import Command, argument, option, output_options
from backpass.cli.output import PICTURE, check_apart, check_suffix
from backpass.errors import UsageError
from backpass.model import Model, load
from backpass.network import ACTIVATIONS, Loss, Network, dense_network, loss_named, mean_loss
from backpass.reporting.pictures import drawing
from backpass.reporting.pictures.scene import scene_of, scene_of_sizes

SIZES = re.compile(r"\d+(-\d+)+")
LIKE_SIZES = re.compile(r"\d[\d ,-]*")
MOST = 100_000  # units of a layer; a larger number is taken for a typing error


@click.command(cls=Command)
@argument("what")
@option("-o", "--output", metavar="FILE", help="output file; default: standard output")
@option("--circuit", is_flag=True, help="draw the circuit of the forward pass: its operations and their shapes")
@option("--gradient", is_flag=True, help="draw the forward circuit and the gradient circuit of the loss side by side")
@option(
    "--activation",
    metavar="NAME",
    default="relu",
    help="activation of the hidden layers if WHAT is layer sizes; default: relu",
)
@output_options()
def draw(**given: Any) -> int:
    """Draw a network or its circuit as an SVG picture.

    WHAT is a model file, or the layer sizes of a fully connected network, such as 8-64-64-1. Networks are drawn in the
    style of Figures 2 and 3 of the CS229 lecture notes. For a model, the color and the width of a line show the sign
    and the magnitude of the weight, and wired units are labeled with their names. --circuit and --gradient draw the
    operations and the shapes of their results instead.

    \b
    Examples:
      backpass draw housing.backpass --output network.svg
      backpass draw 3-4-1 --gradient > gradient.svg
    """
    console = Console(quiet=given["quiet"])
    output = given["output"]
    if output is not None:
        check_apart(output, given["what"])
        check_suffix(output, "a picture is SVG", PICTURE)
    elif not given["as_json"] and sys.stdout is not None and sys.stdout.isatty():
        raise UsageError("a picture cannot be printed in a terminal", hint="add --output network.svg")
    picture = _picture(given)
    if given["as_json"]:
        if output is None:
            raise UsageError("--json and the picture both go to standard output", hint="add --output FILE")
        hand_out(iter([picture]), output, console)
        console.document("draw", output=output, bytes=len(picture.encode("utf-8")))
        return 0
    hand_out(iter([picture + "\n"]), output, console)
    return 0


def _picture(given: dict[str, Any]) -> str:
    """Return the SVG that the options select; WHAT is a file if one of that name exists, otherwise layer sizes."""
    what = given["what"]
    sizes = None if os.path.exists(what) else _sizes(what)
    if sizes is None:
        model = load(what)
        if not (given["circuit"] or given["gradient"]):
            return drawing.to_svg(scene_of(model))
        return _circuits(model.network, _loss_of(model), model.theta.dtype, given["gradient"])
    if given["activation"] not in ACTIVATIONS:
        raise UsageError(f"--activation must be one of {', '.join(ACTIVATIONS)}; got {given['activation']!r}")
    if not (given["circuit"] or given["gradient"]):
        return drawing.to_svg(scene_of_sizes(sizes, given["activation"]))
    network = dense_network(sizes[0], sizes[1:-1], sizes[-1], activation=given["activation"])
    return _circuits(network, loss_named("squared"), "float32", given["gradient"])


def _sizes(text: str) -> list[int] | None:
    """Parse layer sizes; return None if the text is a file name instead.

    Raises:
        UsageError: The text resembles layer sizes but is invalid.
    """
    if not SIZES.fullmatch(text):
        if LIKE_SIZES.fullmatch(text):
            raise UsageError(f"layer sizes must be two or more whole numbers, such as 8-64-64-1; got {text}")
        return None
    sizes = [int(part) for part in text.split("-")]
    if not all(1 <= size <= MOST for size in sizes):
        raise UsageError(f"a layer has 1 to {MOST:,} units; got {text}")
    return sizes


def _loss_of(model: Model) -> Loss:
    return model.head.loss


def _circuits(network: Network, loss: Loss, dtype: Any, with_gradient: bool) -> str:
    forward = network.forward(dtype)
    if not with_gradient:
        return forward.to_svg()
    gradient = _gradient(network, loss, forward)
    return drawing.side_by_side([("forward: h(theta, x)", forward), ("gradient: dJ/dtheta", gradient)])


def _gradient(network: Network, loss: Loss, forward: Circuit) -> Circuit:
    """Trace the gradient with respect to theta of the mean loss of a batch (x, y, w)."""
    theta, x = forward.inputs
    is_class = type(loss).__name__.endswith("CrossEntropy")
    y = Spec(("n",), numpy.dtype("int32")) if is_class else Spec(("n", network.outputs), x.dtype)

    def J(theta: Array, x: Array, y: Array, w: Array) -> Array:  # noqa: N802  the name in the notes
        return mean_loss(loss, network(theta, x), y, w)

    return trace(grad(J), [theta, x, y, Spec(("n",), x.dtype)], names=["theta", "x", "y", "w"])

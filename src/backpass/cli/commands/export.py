"""``backpass export``: convert a model to an ONNX file or a JavaScript module."""

from __future__ import annotations

from collections import Counter
from typing import Any

import click

from backpass.cli.console import Console
from backpass.cli.options.declaration import Command, argument, output_options
from backpass.cli.output import MODULES, check_onnx_replaceable, check_script_replaceable
from backpass.cli.text import size
from backpass.engine.onnx import OPSET, OPSET_ML, require_onnx
from backpass.model import Model, load
from backpass.model.file.storage import write_atomically
from backpass.model.javascript import to_javascript, verify
from backpass.model.onnx.export import to_onnx
from backpass.model.onnx.names import output_names
from backpass.table.feature import NumericFeature
from backpass.table.messages import counted, listed, shown

_CONVERT = (
    "has numbers in a special notation, which the graph cannot read: pass plain numbers, or use backpass.onnx_inputs"
)
_PAIRS = (
    "has bounds such as <30, so its input has shape [n,2]: pass the number, and -1 for <, 1 for > or 0, "
    "or use backpass.onnx_inputs"
)
_BOUNDS = "has bounds: pass numbers, or strings such as '<30' and '90+'"
_TYPES = {"numeric": "double", "categorical": "string", "date": "int32", "time": "int32"}


@click.command(cls=Command)
@argument("model", type=click.Path())
@argument("output", type=click.Path())
@output_options()
def export(**given: Any) -> int:
    """Export a model to ONNX or JavaScript.

    A file whose name ends in .js or .mjs is a JavaScript module, one that ends in .onnx an ONNX graph.

    The ONNX graph maps raw columns to predictions, preprocessing included. Each column is an input of the same name:
    numeric columns are double of shape [n,1] (missing: NaN; with bounds such as <30 of shape [n,2]), categorical
    columns string of shape [n,1] (missing: empty string), dates and times int32 of shape [n,3] (days, seconds,
    microseconds). The outputs are the predicted numbers, or the classes and their probabilities. The Python function
    backpass.onnx_inputs builds the inputs from a table.
    Requires the package onnx: pip install 'backpass[onnx]'.

    The JavaScript file is an ES module without dependencies: predict({column: value, ...}) returns the predicted
    number, or the class and the probabilities. If Node.js is installed, its predictions are compared with the model's.

    \b
    Examples:
      backpass export housing.backpass housing.onnx
      backpass export housing.backpass housing.js
    """
    console = Console(quiet=given["quiet"])
    if str(given["output"]).lower().endswith(MODULES):
        return _to_javascript(console, **given)
    return _to_onnx(console, **given)


def _to_javascript(console: Console, **given: Any) -> int:
    model, output = load(given["model"]), given["output"]
    check_script_replaceable(output)
    text = to_javascript(model)
    verified = verify(model, text)
    data = text.encode("ascii")
    write_atomically(output, data)
    if given["as_json"]:
        facts = {key: value for key, value in _facts(model).items() if not key.startswith("opset")}
        found = None if verified is None else {"rows": verified.rows, "difference": verified.difference}
        console.document("export", output=output, bytes=len(data), **facts, verified=found)
        return 0
    console.item("columns", _kinds_line(model))
    _note_notations(console, model, "has numbers in a special notation: pass plain numbers", _BOUNDS)
    console.item("verified", "no, because Node.js is not installed" if verified is None else f"in Node.js: {verified}")
    console.line(f"saved {output} ({size(len(data))})")
    return 0


def _to_onnx(console: Console, **given: Any) -> int:
    require_onnx()
    model, output = load(given["model"]), given["output"]
    check_onnx_replaceable(output)
    data = to_onnx(model)
    write_atomically(output, data)
    if given["as_json"]:
        console.document("export", output=output, bytes=len(data), **_facts(model))
        return 0
    console.item("inputs", _inputs_line(model))
    _note_notations(console, model, _CONVERT, _PAIRS)
    console.item("outputs", listed(output_names(model), shown))
    console.item("opset", f"{OPSET}, ai.onnx.ml {OPSET_ML}")
    console.line(f"saved {output} ({size(len(data))})")
    return 0


def _note_notations(console: Console, model: Model, of_notation: str, of_bounds: str) -> None:
    """Say what columns take whose numbers the tables write in a notation of their own."""
    for feature in model.schema.features:
        if isinstance(feature, NumericFeature) and feature.reading is not None:
            what = of_bounds if feature.marks_bounds else of_notation
            console.item("note", f"column {shown(feature.name)} {what}")


def _kinds_line(model: Model) -> str:
    kinds = Counter(feature.kind for feature in model.schema.features)
    return f"{counted(kinds.total(), 'column')}: {', '.join(f'{count} {kind}' for kind, count in kinds.items())}"


def _inputs_line(model: Model) -> str:
    types = Counter(_TYPES[feature.kind] for feature in model.schema.features)
    kinds = [f"{types[name]} {name}" for name in ("double", "int32", "string") if types[name]]
    return f"{counted(types.total(), 'column')}: {', '.join(kinds)}"


def _facts(model: Model) -> dict[str, Any]:
    return {
        "inputs": [{"name": feature.name, "kind": feature.kind} for feature in model.schema.features],
        "outputs": list(output_names(model)),
        "classes": list(model.classes),
        "opset": OPSET,
        "opset_ml": OPSET_ML,
    }

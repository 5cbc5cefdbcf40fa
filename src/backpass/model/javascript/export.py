"""The JavaScript module of a model: an ES module from the raw columns of a table to predictions.

A row is an object with the table's column names: numbers, texts and dates as the CSV file has them, or as numbers and
``Date``; null, undefined, NaN or a missing token where there is no value. Scaling, the network and the head are the
circuits that our engines run; ``engine.javascript`` writes them. ``numbers.js`` and the like read the columns; a module
has those that its columns need. Names of columns, categories and classes are data: they stand in JSON and are never
part of the code.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass._version import __version__
from backpass.circuit import Circuit, Spec, trace
from backpass.engine.javascript import functions_source, script_of
from backpass.model.head.decoding import WIDE
from backpass.model.javascript.names import shortened
from backpass.model.model import Model
from backpass.table.equal_values import are_zero_and_one
from backpass.table.feature import CategoricalFeature, DatetimeFeature, Feature, NumericFeature
from backpass.table.free_text.portability import require_portable
from backpass.table.notation.boolean import ZERO_ONE, are_booleans
from backpass.table.notation.missing import Missing

MARK = "// A model of backpass "
"""How the file of every module begins."""
NOTE = (
    "// predict({column: value, ...}), or predict of a list of rows: null, undefined or NaN where a value is missing.\n"
)
READERS: Mapping[str, Callable[[Feature], bool]] = {
    "numbers": lambda feature: feature.kind == "numeric",
    "commas": lambda feature: isinstance(feature, NumericFeature) and _has_comma(feature),
    "bounds": lambda feature: isinstance(feature, NumericFeature) and feature.marks_bounds,
    "categories": lambda feature: feature.kind == "categorical",
    "dates": lambda feature: feature.kind in ("date", "time"),
    "days": lambda feature: feature.kind == "date" or getattr(feature, "notation", "").startswith("yyyy"),
    "counted": lambda feature: isinstance(feature, DatetimeFeature) and feature.notation != "",
    "times": lambda feature: feature.kind == "time",
    "ordered": lambda feature: isinstance(feature, DatetimeFeature) and feature.order is not None,
}
"""Part of the module -> whether a column needs it; in their order."""
_FLAGS = ("percent", "binary", "comma", "bounds", "truths")
"""Facts of a column that lines of the readers need."""
_CODES: np.dtype[Any] = np.dtype(np.int32)
_KINDS = {"float32": "Float32Array", "float64": "Float64Array", "int32": "Int32Array", "bool": "Uint8Array"}


def to_javascript(model: Model) -> str:
    """The text of an ES module that predicts the same as ``model``, to about 1e-6.

    ``predict(row)`` or ``predict(rows)`` gives a number per row; for a class {class, probabilities}, with the threshold
    of the model; for several targets or labels {title: number}. ``columns``, ``target`` and ``classes`` describe it.

    Args:
        model: The model.

    Returns:
        The module: ASCII, without imports.

    Raises:
        UsageError: A column is free text.

    Example:
        >>> import backpass
        >>> table = {"x": [1.0, 2.0, 3.0, 4.0], "y": [2.0, 4.0, 6.0, 8.0]}
        >>> model = backpass.fit(table, "y", epochs=1, hidden=(2,), validation_fraction=0.25)
        >>> "export function predict" in to_javascript(model)
        True
    """
    require_portable([feature.name for feature in model.schema.free_texts], "JavaScript")
    scripts = [script_of(circuit) for circuit in circuits_of(model)]
    calls = {name for script in scripts for name in script.functions}
    functions = functions_source(calls, [script.source for script in scripts])
    data = {**_facts(model), "constants": [[_array(each) for each in script.constants] for script in scripts]}
    text = json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    steps = ",\n".join(script.source for script in scripts)
    reading = shortened("\n".join(_lines_for(model)))
    escaped = "".join(character if ord(character) < 128 else f"\\u{ord(character):04x}" for character in reading)
    return f"{MARK}{__version__}\n{NOTE}const data={text};\n{functions}\nconst steps=[\n{steps}\n];\n{escaped}\n"


def _lines_for(model: Model) -> Iterator[str]:
    """The lines of the readers and of ``predict`` that the model needs; a line may end with ``// if CONDITION``."""
    conditions = {"classes" if model.classes else "several" if len(model.labels) > 1 else "number"}
    for column in map(dict, (_column(each, model.kinds()[each.name]) for each in model.schema.features)):
        conditions |= {*(key for key in _FLAGS if column.get(key)), *column.get("parts", ())}
    for name in _sources(model):
        for line in _source(name).splitlines():
            code, _, condition = line.partition(" // if ")
            if not condition or condition in conditions:
                yield code


def _sources(model: Model) -> Iterator[str]:
    """The parts of the module that the model's columns need."""
    yield from (name for name, needs in READERS.items() if any(map(needs, model.schema.features)))
    yield "predict"


@cache
def _source(name: str) -> str:
    return (Path(__file__).parent / f"{name}.js").read_text("utf-8")


def circuits_of(model: Model) -> list[Circuit]:
    """The circuits of a prediction, in order.

    (numbers, codes) -> x; (theta, x) -> o of a network of each group; the networks' o -> o; o -> predictions.
    """
    dtype = model.theta.dtype
    numbers, codes = _widths(model)
    raw = [Spec(("n", numbers), WIDE), Spec(("n", codes), _CODES)]
    return [
        trace(lambda numbers, codes: model.feature_map(numbers, codes, dtype), raw),
        *(group.network.forward(dtype) for group in model.groups),
        model.head.averaging(model.networks, dtype, weights=model.shares),
        model.head.decoding(dtype),
    ]


def _widths(model: Model) -> tuple[int, int]:
    """The numbers and the codes of a row."""
    return len(model.schema.numbers), len(model.schema.texts)


def _facts(model: Model) -> dict[str, Any]:
    missing, decision, kinds = Missing.of(model.schema.missing), model.head.decision, model.kinds()
    return {
        "target": model.target,
        "titles": list(model.labels),
        "classes": list(model.classes),
        "decision": {
            "positive": model.head.positive,
            "threshold": 0.5 if decision is None else decision.threshold,
            "weights": [] if decision is None else list(decision.weights),
        },
        "columns": [dict(_column(each, kinds[each.name])) for each in model.schema.features],
        "widths": list(_widths(model)),
        "missing": sorted(missing.tokens),
        "always": sorted(missing.always),
        "values": list(missing.values),
        "groups": [[group.count, group.network.parameter_count] for group in model.groups],
        "theta": _array(np.concatenate([group.theta.reshape(-1) for group in model.groups])),
    }


def _column(feature: Feature, kind: str) -> Iterator[tuple[str, Any]]:
    yield from (("name", feature.name), ("kind", feature.kind))
    match feature:
        case CategoricalFeature(_, levels):
            yield "levels", list(levels)
            if are_booleans(levels) or are_zero_and_one(levels):
                yield "truths", True
        case DatetimeFeature(_, _, parts, order, notation):
            yield "parts", list(parts)
            yield from ((key, value) for key, value in (("order", order), ("counted", notation)) if value)
        case NumericFeature():
            reading = feature.reading
            flags = {
                "percent": feature.is_percent,
                "notation": reading is not None,
                "comma": _has_comma(feature),
                "bounds": feature.marks_bounds,
                "binary": kind == ZERO_ONE,
            }
            yield from ((key, value) for key, value in flags.items() if value)


def _has_comma(feature: NumericFeature) -> bool:
    """Whether the numbers of a column have a decimal comma."""
    return feature.reading is not None and feature.reading.decimal == ","


def _array(array: NDArray[Any]) -> list[str]:
    """An array as its type and the base64 text of its little-endian bytes."""
    kept = array.astype(np.int32) if array.dtype.kind in "iu" else array
    little = kept.astype(kept.dtype.newbyteorder("<"))
    return [_KINDS[kept.dtype.name], b64encode(little.tobytes()).decode("ascii")]

"""The ONNX model: one graph from the raw columns of a table to predictions, for other runtimes.

Every column of the model is an input with its own name, n rows of one value: a number as double (NaN if missing),
text as string (empty if missing), a date or a time of day as three int32 values (see ``dates``). Scaling, the network
and the head are the same circuits that our engines run; ``engine.onnx`` converts a circuit to a graph. Reading a table
is not part of the graph: it trims no spaces, parses no numbers in text, and rejects nothing. ``onnx_inputs`` makes the
input arrays from a table.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from backpass._version import __version__
from backpass.circuit import Array, Circuit, Spec, label, trace
from backpass.circuit.operations import where
from backpass.engine.onnx import Graph, Value, require_onnx, to_bytes, translate
from backpass.engine.onnx.graph import TEXT
from backpass.errors import UsageError
from backpass.model.file.container import FORMAT
from backpass.model.file.strict_json import is_encodable
from backpass.model.head.decision import Decision
from backpass.model.head.decoding import WIDE
from backpass.model.onnx.dates import FIELDS, NO_DAY, date_parts
from backpass.model.onnx.exportable import Exportable
from backpass.model.onnx.names import output_names
from backpass.model.onnx.reading import reading_facts
from backpass.network import FeatureMap
from backpass.table.equal_values import other_spellings
from backpass.table.feature import CategoricalFeature, DatetimeFeature, NumericFeature, number_inputs
from backpass.table.free_text.portability import require_portable
from backpass.table.notation.missing import Missing

ROWS = "n"
"""The name of the free dimension."""

_ML = "ai.onnx.ml"
_CODES: np.dtype[Any] = np.dtype(np.int32)


def to_onnx(model: Exportable) -> bytes:
    """The bytes of an ONNX model that predicts the same as ``model``.

    inputs:  by name, each numeric column double [n, 1] ([n, 2] if the model marks bounds such as <30: the number, and
             -1, 0 or 1), each categorical column string [n, 1], each date or time int32 [n, 3] (days, seconds,
             microseconds)
    outputs: a number, double [n], or the class that ``Model.predict`` returns, by the threshold if there is one, [n]
             (string; int64 or double if the target holds numbers), named as the target; for classes also
             ``probabilities``, double [n, classes]; for several outputs a number each, named by their titles

    The metadata hold the target, its classes in the order of the probabilities, the positive class and its threshold,
    how the columns are read, and the versions.

    Raises:
        UsageError: The onnx package is not installed, a column is free text, or text has no UTF-8 form.
    """
    require_onnx()
    require_portable([feature.name for feature in model.schema.free_texts], "ONNX")
    _check_texts(model)
    graph = Graph("backpass", f"predicts {model.target}; one row per example")
    names = [graph.reserve(name) for name in output_names(model)]  # before other nodes can take them
    outputs = _network_outputs(graph, model, _network_inputs(graph, model))
    predicted = translate(graph, model.head.decoding(model.theta.dtype, ROWS), [outputs])
    if model.classes:
        graph.output(_labels(graph, model, predicted[0]), names[0], "the class, by the threshold if there is one")
        graph.output(predicted[0], names[1], f"of the classes {json.dumps(model.classes, ensure_ascii=False)}")
    else:
        for value, name in zip(predicted, names, strict=True):
            graph.output(value, name, "the predicted number")
    facts = dict(_facts(model)) | reading_facts(model.schema, [value.name for value, _ in graph.inputs])
    return to_bytes(graph, facts, __version__)


def _check_texts(model: Exportable) -> None:
    texts = [*model.schema.kinds, *model.labels, *model.classes]
    texts += [level for feature in model.schema.texts for level in feature.levels]
    if wrong := [text for text in texts if not is_encodable(text)]:
        raise UsageError(
            "names and strings of an ONNX model must be UTF-8",
            details=[f"{text!a} cannot be encoded" for text in wrong],
        )


INPUTS: Mapping[str, tuple[int, np.dtype[Any], str]] = {
    "numeric": (1, WIDE, "a number; NaN where missing"),
    "bounded": (
        2,
        WIDE,
        "a number, and -1 if it is an upper bound, 1 if a lower one, else 0; NaN where missing",
    ),
    "categorical": (1, TEXT, "a string; empty where missing"),
    "date": (3, FIELDS, f"days since 1970-01-01 in UTC, seconds, microseconds; {NO_DAY} days where missing"),
    "time": (3, FIELDS, f"0 days, seconds since midnight, microseconds; {NO_DAY} days where missing"),
}
"""The input for each column kind, and for numbers that may be bounds: values per row, dtype, and their meaning."""


def _network_inputs(graph: Graph, model: Exportable) -> Value:
    """The columns, passed through the feature map: x (n, d)."""
    columns = []  # all inputs are declared before any node takes a name
    for feature in model.schema.features:
        is_bounded = isinstance(feature, NumericFeature) and feature.marks_bounds
        width, dtype, doc = INPUTS["bounded" if is_bounded else feature.kind]
        columns.append(graph.input(feature.name, Spec((ROWS, width), dtype), doc))
    origins = dict(zip((number.name for number in model.schema.numbers), _origins(model), strict=True))
    numbers: list[Value] = []
    codes: list[Value] = []
    for feature, column in zip(model.schema.features, columns, strict=True):
        match feature:
            case CategoricalFeature():
                codes.append(_codes(graph, column, feature))
            case DatetimeFeature():
                numbers += date_parts(graph, column, feature, origins[number_inputs(feature)[0].name])
            case _:
                numbers.append(column)
    arrays = [_side_by_side(graph, numbers, WIDE, "numbers"), _side_by_side(graph, codes, _CODES, "codes")]
    (x,) = translate(graph, _feature_map(model), [array for array in arrays if array is not None])
    return x


def _codes(graph: Graph, column: Value, feature: CategoricalFeature) -> Value:
    """Code j for the j-th category and its usual other spellings, 0 for any other text, including the empty one."""
    code = {text: j for j, text in enumerate(feature.levels, start=1)}
    same = other_spellings(feature.levels, merges_case=feature.merges_case)
    code |= {text: code[category] for text, category in same.items()}
    whole = graph.add(
        "LabelEncoder",
        column,
        stem=f"codes/{feature.name}",
        domain=_ML,
        keys_strings=list(code),
        values_int64s=list(code.values()),
        default_int64=0,
    )
    return Value(graph.add("Cast", whole, stem=f"codes/{feature.name}/cast", to=_CODES), Spec((ROWS, 1), _CODES))


def _side_by_side(graph: Graph, columns: list[Value], dtype: np.dtype[Any], stem: str) -> Value | None:
    """Columns concatenated; None if there are none."""
    if len(columns) < 2:
        return columns[0] if columns else None
    width = sum(int(column.shape[1]) for column in columns)
    return Value(graph.add("Concat", *columns, stem=stem, axis=1), Spec((ROWS, width), dtype))


def _origins(model: Exportable) -> list[int]:
    """The whole number to count from, for every numeric column: the median day for days, else 0."""
    dates = {feature.name for feature in model.schema.datetimes if feature.kind == "date"}
    return [
        round(center) if number.leads and number.column in dates else 0
        for number, center in zip(model.schema.numbers, model.feature_map.center, strict=False)
    ]


def _counted_from(phi: FeatureMap, origins: Sequence[int]) -> FeatureMap:
    """The feature map of numbers minus their origins. (Centers of non-numeric columns come last.)"""
    center = phi.center.copy()
    center[: len(origins)] -= origins
    knots = tuple(each - origin for each, origin in zip(phi.knots, origins, strict=True)) if phi.knots else ()
    return replace(phi, center=center, knots=knots)


def _feature_map(model: Exportable) -> Circuit:
    """The circuit (numbers, codes) -> x, without inputs that the model lacks; declared missing values become NaN."""
    phi, missing = _counted_from(model.feature_map, _origins(model)), Missing.of(model.schema.missing).values
    datetimes = {feature.name for feature in model.schema.datetimes}
    is_part = np.array([number.column in datetimes or not number.leads for number in model.schema.numbers])
    widths = {WIDE: len(model.schema.numbers), _CODES: len(model.schema.texts)}

    def mapped(*given: Array) -> Array:
        numbers, codes = (
            next((array for array in given if array.dtype == dtype), np.zeros((0, 0), dtype)) for dtype in widths
        )
        with label("missing"):
            for value in missing if widths[WIDE] else ():
                numbers = where(numbers == np.where(is_part, np.nan, value), np.nan, numbers)
        return phi(numbers, codes, model.theta.dtype)

    return trace(mapped, [Spec((ROWS, width), dtype) for dtype, width in widths.items() if width])


def _network_outputs(graph: Graph, model: Exportable, x: Value) -> Value:
    """The forward circuit with named parameters: o (n, k); for an ensemble, the weighted average of its networks."""
    networks = [(group.network, theta) for group in model.groups for theta in group.theta]
    outputs: list[Value] = []
    for i, (network, theta) in enumerate(networks, start=1):
        for name, array in network.layout.views(theta).items():
            graph.call(array, name if len(networks) == 1 else f"network {i}/{name}")
        outputs += translate(graph, network.forward(theta.dtype), [theta, x])
    if len(networks) == 1:
        return outputs[0]
    average = model.head.averaging(len(networks), model.theta.dtype, ROWS, model.shares)
    return translate(graph, average, outputs)[0]


def _labels(graph: Graph, model: Exportable, probabilities: Value) -> Value:
    """The class that each row is given: of the largest probability, the first one in a tie; or by the threshold."""
    classes, decision = _class_values(model), model.head.decision
    if decision is None or decision.is_default:
        place: Any = graph.add("ArgMax", probabilities, stem="label/place", axis=1, keepdims=0)
    elif decision.weights:
        weights = np.array(decision.weights)
        (scores,) = translate(graph, trace(lambda p: p * weights, [probabilities.spec]), [probabilities])
        place = graph.add("ArgMax", scores, stem="label/place", axis=1, keepdims=0)
    else:
        (place,) = translate(graph, trace(_by_threshold(decision), [probabilities.spec]), [probabilities])
    return Value(graph.add("Gather", classes, place, stem="label"), Spec((ROWS,), classes.dtype))


def _by_threshold(decision: Decision) -> Callable[[Array], Array]:
    """probabilities p (n, 2)  ->  the number of the class that each row is given (n,), as ``Decision.classes_of``"""
    yes, no = (np.array(j, dtype=_CODES) for j in (decision.positive, 1 - decision.positive))
    return lambda p: where(p[:, decision.positive] >= decision.threshold, yes, no)


def _class_values(model: Exportable) -> np.ndarray[Any, Any]:
    if model.head.target.class_kind == "categorical":
        return np.array(model.classes, dtype=TEXT)
    numbers = np.array([float(text) for text in model.classes])
    whole = numbers.astype(np.int64) if np.abs(numbers).max() < 2.0**53 else numbers
    return whole if np.array_equal(whole, numbers) else numbers


def _facts(model: Exportable) -> Iterator[tuple[str, str]]:
    """The metadata: what a service may need in addition to the graph. The classes are a JSON list."""
    yield "backpass.version", __version__
    yield "backpass.format", str(FORMAT)
    yield "backpass.target", model.target
    if len(model.labels) > 1:
        yield "backpass.outputs", json.dumps(model.labels, ensure_ascii=False)
    yield "backpass.task", model.head.target.task
    yield "backpass.loss", model.head.loss_title
    if model.classes:
        yield "backpass.classes", json.dumps(model.classes, ensure_ascii=False)
    if model.head.decision is not None and len(model.classes) == 2:
        yield "backpass.positive", model.classes[model.head.positive]
        yield "backpass.threshold", repr(model.head.decision.threshold)

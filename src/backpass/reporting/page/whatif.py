"""What-if analysis: the forward circuit of a whole model as JavaScript, and the controls that change its inputs.

The circuit maps encoded columns (numbers, codes) to predictions, including scaling and averaging; its operations are
those that the engines run, written by ``engine.javascript``. theta is stored as float32, so predictions agree with the
engine's to about 1e-6, not bitwise.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from backpass.circuit import Array, Circuit, Spec, trace
from backpass.engine.javascript import functions_source, script_of
from backpass.model.head.decoding import WIDE
from backpass.model.model import Model
from backpass.reporting.explanation.dependence import values_along
from backpass.reporting.numbers.columns import ModelColumn, columns_of
from backpass.reporting.numbers.held_out import number_names, reportable
from backpass.reporting.numbers.labels import label_names
from backpass.reporting.numbers.names import label
from backpass.table import CategoricalFeature, DatetimeFeature, TextFeature
from backpass.table.datetimes.date_components import UNITS
from backpass.table.datetimes.timestamp import MINUTE

MOST_BYTES = 2_400_000
"""The maximum size of theta as text: 450,000 parameters, such as the 16 networks of the preset ``best``. A browser
computes a curve of 81 points of such a model in about a tenth of a second."""


def forward(model: Model) -> Circuit:
    """(theta of all networks (P,), numbers (n, p), codes (n, q)) -> numbers (n,) or probabilities (n, k)"""
    head, networks = reportable(model.head), [group.network for group in model.groups for _ in group.theta]
    phi, dtype = model.feature_map, model.theta.dtype

    def whole(theta: Array, numbers: Array, codes: Array) -> Array:
        x, outputs, first = phi(numbers, codes, dtype), [], 0
        for network in networks:
            outputs.append(network(theta[first : first + network.parameter_count], x))
            first += network.parameter_count
        return head.decoded(head.average(outputs, model.shares))

    columns = Spec(("n", len(model.schema.numbers)), WIDE), Spec(("n", len(model.schema.texts)), np.dtype(np.int32))
    return trace(whole, [Spec((model.parameter_count,), dtype), *columns])


def fits(model: Model) -> bool:
    """Whether theta fits on a page, and a column can be moved: free text cannot."""
    can_move = len(model.schema.free_texts) < len(model.schema.features)
    return can_move and model.parameter_count * 4 * 4 // 3 <= MOST_BYTES


def facts(model: Model) -> dict[str, Any]:
    """Return everything that the script needs, as plain data."""
    theta = np.concatenate([group.theta.reshape(-1) for group in model.groups])
    return {
        "theta": b64encode(theta.astype("<f4").tobytes()).decode("ascii"),
        "columns": list(controls(columns_of(model))),
        "target": label(model.target),
        "classes": [label(name) for name in model.classes],
        "decision": {} if model.head.decision is None else model.head.decision.to_json(),
        "labels": [label(name) for name in label_names(model.head)],
        "numbers": [label(name) for name in number_names(model.head)],
    }


def script(model: Model) -> str:
    """Return the forward circuit as JavaScript.

    ``circuitOf({n})`` makes the function of ``forward`` for n rows, on typed arrays.
    """
    written = script_of(forward(model))
    made = f"const circuitOf=(lengths)=>({written.source})(lengths,{written.constants_source});"
    return functions_source(written.functions) + made


def controls(columns: Sequence[ModelColumn]) -> Iterator[dict[str, Any]]:
    """Yield a control for each column, in their order: its range and the value of the typical row.

    ``input`` is the type of the input field; values are multiples of ``grain``, or arbitrary if it is 0. Free text
    keeps the value of the typical row.
    """
    for column in columns:
        match column.feature:
            case CategoricalFeature(name, levels):
                texts = list(map(label, levels))
                yield {"name": label(name), "kind": "categorical", "levels": texts, "value": column.commonest}
            case DatetimeFeature():
                yield _timestamp(column, column.feature)
            case TextFeature(name):
                yield {"name": label(name), "kind": "text", "value": list(column.centers)}
            case _:
                span = column.range
                assert span is not None
                yield {
                    "name": label(column.name),
                    "kind": "numeric",
                    "input": "numeric",
                    "low": span.low,
                    "high": span.high,
                    "grain": int(span.whole),
                    "value": span.middle,
                    "missing": column.can_be_missing,
                }


def _timestamp(column: ModelColumn, feature: DatetimeFeature) -> dict[str, Any]:
    """Return the control of a date or a time, in milliseconds since 1970-01-01 or midnight, as in JavaScript.

    ``at`` holds the values of its dependence curve, ``parts`` the components that the network reads.
    """
    span, unit = column.range, UNITS[feature.kind] // 1000
    assert span is not None
    is_day = feature.kind == "date" and span.whole
    low, high, value = (round(each * unit) for each in (span.low, span.high, span.middle))
    return {
        "name": label(feature.name),
        "kind": feature.kind,
        "input": "date" if is_day else "time" if feature.kind == "time" else "datetime-local",
        "low": low,
        "high": high,
        "grain": unit if span.whole else MINUTE // 1000,
        "value": value,
        "at": np.rint(values_along(column) * unit).astype(np.int64).tolist(),
        "parts": list(feature.parts),
        "missing": column.can_be_missing,
    }

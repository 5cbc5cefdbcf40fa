"""Verification: runs a module in Node.js on rows like those of the training, and compares every prediction.

Takes a model and the text of its module; returns the largest difference, or None if there is no Node.js.
"""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backpass.dataclass import dataclass
from backpass.errors import UsageError
from backpass.model.model import Model
from backpass.model.profile import CategoricalProfile, NumericProfile
from backpass.numerics.philox import key_of, philox_bits
from backpass.table.datetimes.date_components import microseconds_of
from backpass.table.datetimes.timestamp import timestamp_texts
from backpass.table.feature import CategoricalFeature, DatetimeFeature, Feature, NumericFeature, number_inputs
from backpass.table.messages import counted, shown
from backpass.table.notation.missing import Missing

ROWS = 64
"""Rows that are compared."""
CLOSE = {"float32": 2e-5, "float64": 1e-9}
"""The largest difference of a prediction that rounding explains, relative to the largest prediction, by dtype."""
_RUN = """
import { readFileSync } from "node:fs";
import { predict } from "./model.mjs";
const text = (x) => (typeof x === "number" && !Number.isFinite(x) ? String(x) : x);
const rows = JSON.parse(readFileSync("rows.json", "utf8"));
const found = rows.map(predict), together = predict(rows);
if (JSON.stringify(found, (_, x) => text(x)) !== JSON.stringify(together, (_, x) => text(x))) throw new Error("rows");
console.log(JSON.stringify(found, (_, x) => text(x)));
"""


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of a comparison.

    Attributes:
        rows: The number of rows.
        difference: The largest difference of a prediction, relative to the largest prediction.
    """

    rows: int
    difference: float

    def __str__(self) -> str:
        return f"{counted(self.rows, 'row')}, largest relative difference {self.difference:.1e}"


def verify(model: Model, module: str, node: str | None = None) -> Verification | None:
    """Compare the module's predictions with the model's, row by row.

    Args:
        model: The model.
        module: The text of its module, of ``to_javascript``.
        node: The program Node.js. Default None: the one on the path.

    Returns:
        The result; None if there is no Node.js.

    Raises:
        UsageError: A prediction differs by more than rounding, or the module fails.
    """
    program = node or shutil.which("node")
    if program is None:
        return None
    columns = trial_columns(model)
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    found = predictions_in(program, module, rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = model.predictions(model.table(columns))
    numbers = expected.values if expected.probabilities is None else expected.probabilities
    numbers = numbers.reshape(len(rows), -1)
    if model.classes and [each["class"] for each in found] != list(expected.values):
        _check_ties(model, numbers, [each["class"] for each in found], list(expected.values))
    values = np.array([_numbers(model, each) for each in found], dtype=np.float64)
    scale = max(float(np.abs(numbers).max()), 1e-300)
    difference = float(np.abs(values - numbers).max()) / scale
    if not difference <= CLOSE[model.theta.dtype.name]:
        row = int(np.argmax(np.abs(values - numbers).max(axis=1)))
        raise UsageError(
            "the JavaScript module does not predict what the model does: the difference is "
            f"{difference:.1e} of the largest prediction",
            details=[f"row {row + 1} of the comparison: expected {numbers[row].tolist()}; got {values[row].tolist()}"],
            hint="export an ONNX file instead, and report this",
        )
    return Verification(len(rows), difference)


def predictions_in(program: str, module: str, rows: list[dict[str, Any]]) -> list[Any]:
    """The predictions of a module for rows, in Node.js.

    Raises:
        UsageError: The module fails; the message of Node.js follows.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (("model.mjs", module), ("run.mjs", _RUN), ("rows.json", json.dumps(rows))):
            Path(folder, name).write_text(text, "utf-8")
        done = subprocess.run([program, "run.mjs"], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "Error" in line]
        raise UsageError("the JavaScript module fails in Node.js", details=lines[:3] or [done.stderr[-300:]])
    found: list[Any] = json.loads(done.stdout)
    return found


def _check_ties(model: Model, numbers: NDArray[np.float64], found: list[str], expected: list[Any]) -> None:
    """Another class is an error unless the decision depends on rounding."""
    decision = model.head.decision
    for p, got, wanted in zip(numbers, found, expected, strict=True):
        if got == wanted:
            continue
        j, k = model.classes.index(got), model.classes.index(str(wanted))
        weights = decision.weights if decision is not None and decision.weights else (1.0,) * len(p)
        gap = abs(p[j] * weights[j] - p[k] * weights[k])
        if decision is not None and not decision.weights and len(p) == 2:
            gap = min(gap, abs(p[decision.positive] - decision.threshold))
        if gap > CLOSE[model.theta.dtype.name]:
            raise UsageError(f"the JavaScript module gives class {shown(got)}, the model {shown(str(wanted))}")


def _numbers(model: Model, found: Any) -> list[float]:
    if model.classes:
        return [float(found["probabilities"][name]) for name in model.classes]
    return [float(found[title]) for title in model.labels] if len(model.labels) > 1 else [float(found)]


def trial_columns(model: Model) -> dict[str, list[Any]]:
    """Rows like those of the training: numbers within the quantiles, the categories, gaps and an unseen category."""
    columns = {}
    for place, feature in enumerate(model.schema.features):
        draws: NDArray[np.float64] = philox_bits(key_of(place), 0, 0, (ROWS, 2)).astype(np.float64) * 2.0**-32
        columns[feature.name] = _trial(model, feature, draws)
    return columns


def _trial(model: Model, feature: Feature, draws: NDArray[np.float64]) -> list[Any]:
    share, is_gap = draws[:, 0], draws[:, 1] < 0.1
    profiles: Mapping[str, Any] = model.record.columns
    if isinstance(feature, CategoricalFeature):
        texts = ["an unseen category", *feature.levels]
        profile = profiles.get(feature.name)
        assert profile is None or isinstance(profile, CategoricalProfile)
        found: list[Any] = [texts[int(each * len(texts))] for each in share.tolist()]
    else:
        lead = number_inputs(feature)[0].name
        profile = profiles.get(lead)
        ends = profile.quantiles if isinstance(profile, NumericProfile) and profile.quantiles else (0.0, 1.0)
        values = np.interp(share, np.linspace(0.0, 1.0, len(ends)), np.array(ends))
        if isinstance(profile, NumericProfile) and profile.whole:
            values = np.rint(values)
        found = _written(feature, values, model)
    return [None if gap else value for gap, value in zip(is_gap, found, strict=True)]


def _written(feature: Feature, values: NDArray[np.float64], model: Model) -> list[Any]:
    if isinstance(feature, DatetimeFeature):
        return list(timestamp_texts(microseconds_of(values, feature.kind) // 1000 * 1000, feature.kind))
    gone = Missing.of(model.schema.missing).values
    found = [None if value in gone or not math.isfinite(value) else value for value in values.tolist()]
    if isinstance(feature, NumericFeature) and feature.marks_bounds and feature.reading is not None:
        marks, sign = ("<", "", ">"), feature.reading.decimal
        return [
            None if value is None else f"{marks[i % 3]}{value:f}".replace(".", sign) for i, value in enumerate(found)
        ]
    return found

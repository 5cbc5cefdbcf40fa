"""The fuzzing of the ONNX export: random models and circuits give in ONNX Runtime what they give here.

A target of ``fuzz``. The bytes are decisions (see ``choices``): which columns, settings and rows a small table and its
model have, or which operations a circuit is made of. Each graph passes ``onnx.checker`` and runs in ONNX Runtime.
"""

from __future__ import annotations

import datetime
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "onnx_export"))

from choices import Choices
from model_runs import compare
from onnx_runs import exported, run_onnx

import backpass
from backpass import operations as op
from backpass.circuit import Array, Circuit, Spec, trace
from backpass.errors import DataError, DivergedError, UsageError
from backpass.network import ACTIVATIONS

TEXTS = ("north", "south", "", "\u00e9t\u00e9", "a,b", "0")
KINDS = ("number", "text", "date")
REGRESSION = ("squared", "absolute", "huber", "quantile")
CLOSE = {"float32": 1e-4, "float64": 1e-10}
UNARY = (op.tanh, op.sigmoid, op.relu, op.square, op.absolute, op.negative, op.sin, op.cos, op.softplus)
BINARY = (op.add, op.subtract, op.multiply, op.maximum, op.minimum)


def read(data: bytes) -> int:
    """Build what the bytes say and compare; 0 where it is refused.    Errors: AssertionError, and what ONNX raises."""
    choices = Choices(data)
    return _model(choices) if choices.yes() else _circuit(choices)


def _model(choices: Choices) -> int:
    """A model of a random table, in ONNX Runtime and here, on its own rows."""
    rows = 8 + choices.below(33)
    columns = {f"{i}{kind}": _column(choices, kind, rows) for i, kind in enumerate(_kinds(choices))}
    task = choices.one_of(("regression", "binary", "multiclass"))
    settings = _settings(choices, task)
    columns["target"] = _target(choices, task, rows)
    try:
        model = backpass.fit(columns, "target", epochs=1, threads=1, engine="numpy", **settings)
        data = model.to_onnx()
    except (UsageError, DataError, DivergedError):
        return 0  # a random table may be refused (all rows missing, one class), a random run may diverge
    onnx.checker.check_model(onnx.load_from_string(data), full_check=True)
    compare(model, columns, data)
    return 1


def _kinds(choices: Choices) -> list[str]:
    return [choices.one_of(KINDS) for _ in range(1 + choices.below(4))]


def _column(choices: Choices, kind: str, rows: int) -> list[Any]:
    """Values with gaps. A few are chosen, the other rows repeat them, so that bytes suffice."""
    some = [_value(choices, kind) for _ in range(2 + choices.below(6))]
    step = 1 + choices.below(7)
    return [some[(i * step + i // len(some)) % len(some)] for i in range(rows)]


def _value(choices: Choices, kind: str) -> Any:
    if choices.below(8) == 7:
        return None
    if kind == "text":
        return choices.one_of(TEXTS)
    if kind == "date":
        day = datetime.date(1960, 1, 1) + datetime.timedelta(days=97 * choices.below(256))
        return datetime.datetime.combine(day, datetime.time(choices.below(24)))
    return choices.number() * choices.one_of((1.0, 1000.0, 1e-3, 1e6))


def _target(choices: Choices, task: str, rows: int) -> list[Any]:
    if task == "regression":
        return [choices.number() if not choices.are_over else float(i % 5) for i in range(rows)]
    classes = ("no", "yes") if task == "binary" else ("a", "b", "c")
    step = 1 + choices.below(3)
    return [classes[(i * step + i // 3) % len(classes)] for i in range(rows)]


def _settings(choices: Choices, task: str) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "hidden": tuple(1 + choices.below(6) for _ in range(choices.below(3))),
        "activation": choices.one_of(tuple(ACTIVATIONS)),
        "precision": choices.one_of(("float32", "float64")),
        "batch_size": 1 + choices.below(16),
        "seed": choices.below(256),
        "quantile_features": choices.yes(),
        "parametric_activation": choices.yes(),
        "learned_input_scale": choices.yes(),
        "categorical_encoding": choices.one_of(("one_hot", "scaled")),
        "embedding_dim": 1 + choices.below(3),
        "max_one_hot_levels": choices.one_of((None, 1, 3)),
        "numerical_embedding": choices.one_of(("none", "periodic")),
        "ensemble_size": 1 + choices.below(2),
    }
    if task == "regression":
        settings["loss"] = choices.one_of(REGRESSION)
        settings["clip_predictions"] = choices.one_of(("none", "training"))
    return {name: value for name, value in settings.items() if value is not None}


def _circuit(choices: Choices) -> int:
    """A circuit of random operations on two arrays, in ONNX Runtime and here."""
    dtype = choices.one_of(("float32", "float64"))
    shape = (1 + choices.below(3), 1 + choices.below(3))
    arrays = [np.array([[choices.number() / 4 for _ in range(shape[1])] for _ in range(shape[0])], dtype) for _ in "xy"]
    circuit = _built(choices, [Spec(shape, np.dtype(dtype))] * 2)
    onnx.checker.check_model(onnx.load_from_string(exported(circuit)), full_check=True)
    expected = circuit.evaluate(arrays)
    given = dict(zip(circuit.input_names, circuit.arrays_for(arrays), strict=True))
    got = run_onnx(exported(circuit), given)
    for one, other in zip(got, expected, strict=True):
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
        sizes = np.maximum(np.abs(other), 1.0)
        assert np.all((np.abs(one - other) <= CLOSE[dtype] * sizes) | (one == other)), "other numbers"
    return 1


def _built(choices: Choices, specs: list[Spec]) -> Circuit:
    """Values are kept within about one, so that no operation makes rounding errors grow."""

    def function(x: Array, y: Array) -> Array:
        values = [x, y]
        for _ in range(1 + choices.below(8)):
            first, second = choices.one_of(values), choices.one_of(values)
            kind = choices.below(4)
            if kind == 0:
                values.append(op.tanh(choices.one_of(BINARY)(first, second)))
            elif kind == 1:
                values.append(op.tanh(op.matmul(first, op.transpose(second, axes=(1, 0))) @ first))
            elif kind == 2:
                values.append(first - op.mean(second, axis=choices.below(2), keepdims=True))
            else:
                values.append(choices.one_of(UNARY)(first) / 2.0)
        return values[-1]

    return trace(function, specs, names=["x", "y"])
